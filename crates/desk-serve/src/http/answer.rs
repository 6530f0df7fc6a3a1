//! Responses, and errors as the protocol wants them: `{"error": "..."}` with a fitting status.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::protocol::{BINARY_HEADER, Encoded, ProtocolError};

/// A response whose body is in memory.
pub type Reply = Response<Full<Bytes>>;

/// A response before it is written.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Answer {
    /// A JSON body.
    pub fn json(status: StatusCode, value: &Value) -> Self {
        Self::typed(status, "application/json", value.to_string())
    }

    /// A text body of a type.
    pub fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status, headers, body: body.into() }
    }

    /// An inference response.
    pub fn inference(encoded: Encoded) -> Self {
        let Encoded { body, json_bytes } = encoded;
        match json_bytes {
            None => Self::typed(StatusCode::OK, "application/json", body),
            Some(length) => Self::typed(StatusCode::OK, "application/octet-stream", body)
                .with(HeaderName::from_static(BINARY_HEADER), HeaderValue::from(length)),
        }
    }

    /// An error with a status.
    pub fn error(status: StatusCode, message: impl AsRef<str>) -> Self {
        Self::json(status, &json!({"error": message.as_ref()}))
    }

    /// 404.
    pub fn not_found(message: impl AsRef<str>) -> Self {
        Self::error(StatusCode::NOT_FOUND, message)
    }

    /// 405 with the method that is right.
    pub fn wrong_method(allow: &'static str) -> Self {
        Self::error(StatusCode::METHOD_NOT_ALLOWED, format!("use {allow} here"))
            .with(ALLOW, HeaderValue::from_static(allow))
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::error(StatusCode::UNAUTHORIZED, "this server wants a bearer token")
            .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 503 with when to try again.
    pub fn busy(message: impl AsRef<str>, retry_after_s: u32) -> Self {
        Self::error(StatusCode::SERVICE_UNAVAILABLE, message).with(RETRY_AFTER, HeaderValue::from(retry_after_s))
    }

    /// Closes the connection after this response.
    #[must_use]
    pub fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    #[must_use]
    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The response to write.
    pub fn into_reply(self) -> Reply {
        let mut reply = Response::new(Full::new(self.body));
        *reply.status_mut() = self.status;
        for (name, value) in self.headers {
            reply.headers_mut().insert(name, value);
        }
        reply
    }
}

impl From<ProtocolError> for Answer {
    fn from(error: ProtocolError) -> Self {
        Self::error(StatusCode::BAD_REQUEST, error.0)
    }
}
