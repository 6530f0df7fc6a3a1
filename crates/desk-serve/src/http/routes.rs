//! The routes of the protocol, and what they need to answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use desk_core::Cancel;
use desk_runtime::RuntimeError;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, EXPECT};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use super::answer::{Answer, Reply};
use super::body;
use super::clock::Clock;
use super::drain::{Drain, Phase};
use super::heir;
use crate::config::Limits;
use crate::metrics::{Metrics, ModelLabels};
use crate::model::Model;
use crate::protocol::{self, BINARY_HEADER, RequestLimits};
use crate::token::Token;

/// Everything that requests share.
pub struct Service {
    model: Arc<Model>,
    /// The version as it is written in answers.
    version: String,
    token: Option<Token>,
    limits: Arc<Limits>,
    metrics: Metrics,
    drain: Drain,
    memory: Arc<Semaphore>,
    /// Requests that may wait or run.
    places: Semaphore,
    /// Requests that may run.
    runs: Arc<Semaphore>,
}

impl Service {
    /// A service for one model.
    pub fn new(model: Model, token: Option<Token>, limits: Arc<Limits>, drain: Drain) -> Self {
        Self {
            version: model.version.name(),
            places: Semaphore::new(limits.max_concurrent),
            runs: Arc::new(Semaphore::new(model.sessions)),
            memory: body::budget(&limits),
            metrics: Metrics::default(),
            model: Arc::new(model),
            token,
            limits,
            drain,
        }
    }

    /// Answers one request; one that comes after the switch to another version, which accepts at `heir`, is that one's.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>, heir: Option<SocketAddr>) -> Reply {
        if let Some(heir) = heir.filter(|_| self.drain.is_inherited()) {
            return heir::answer(request, heir).await;
        }
        let (head, body) = request.into_parts();
        let mut body = Some(body);
        let answer = tokio::select! {
            biased;
            answer = self.route(&head, &mut body) => answer.unwrap_or_else(|error| error),
            // Dropping the route stops what is computed for it.
            () = self.drain.stopping() => Answer::busy("the server is ending and has stopped this request", 1),
        };
        if let Some(unread) = body
            && !head.headers.contains_key(EXPECT)
        {
            body::discard(unread).await;
        }
        self.metrics.answered(answer.status().as_u16());
        // An answer during the drain is the last one on its connection.
        let last = self.drain.phase() > Phase::Serving;
        (if last { answer.closing() } else { answer }).into_reply()
    }

    async fn route(&self, head: &Parts, body: &mut Option<Incoming>) -> Result<Answer, Answer> {
        let path = head.uri.path().trim_end_matches('/').to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let read_only = || match head.method {
            Method::GET | Method::HEAD => Ok(()),
            _ => Err(Answer::wrong_method("GET")),
        };
        // Probes need no token: they say only that the server is there.
        match parts.as_slice() {
            ["v2", "health", "live"] => {
                return read_only().map(|()| Answer::json(StatusCode::OK, &json!({"live": true})));
            }
            ["v2", "health", "ready"] => {
                return read_only().map(|()| Answer::json(StatusCode::OK, &json!({"ready": true})));
            }
            _ => {}
        }
        let authorization = head.headers.get(AUTHORIZATION).map(hyper::header::HeaderValue::as_bytes);
        if self.token.as_ref().is_some_and(|token| !token.accepts(authorization)) {
            return Err(Answer::unauthorized());
        }
        match parts.as_slice() {
            ["v2"] => read_only().map(|()| Answer::json(StatusCode::OK, &protocol::server_metadata())),
            ["metrics"] => read_only().map(|()| self.render_metrics()),
            ["v2", "models", name, rest @ ..] => {
                self.check_model(name)?;
                let rest = match rest {
                    ["versions", version, rest @ ..] => {
                        self.check_version(version)?;
                        rest
                    }
                    rest => rest,
                };
                match rest {
                    [] => read_only().map(|()| self.metadata()),
                    ["ready"] => read_only().map(|()| self.ready()),
                    ["infer"] if head.method == Method::POST => self.infer(head, body).await,
                    ["infer"] => Err(Answer::wrong_method("POST")),
                    _ => Err(Answer::not_found(format!("there is nothing at {path}"))),
                }
            }
            _ => Err(Answer::not_found(format!("there is nothing at {path}"))),
        }
    }

    fn check_model(&self, name: &str) -> Result<(), Answer> {
        let known = &self.model.name;
        if percent_decoded(name).as_deref() == Some(known) {
            return Ok(());
        }
        Err(Answer::not_found(format!("there is no model `{name}` here; this server has `{known}`")))
    }

    fn check_version(&self, version: &str) -> Result<(), Answer> {
        if self.model.version.is_called(version) {
            return Ok(());
        }
        let name = &self.model.name;
        Err(Answer::not_found(format!("version `{version}` of `{name}` is not served; `{}` is", self.version)))
    }

    fn metadata(&self) -> Answer {
        let model = &self.model;
        let versions = [self.version.clone()];
        let digest = model.version.digest;
        let labels = model.version.manifest.description.labels.as_deref();
        Answer::json(
            StatusCode::OK,
            &protocol::model_metadata(&model.name, &versions, digest, &model.signature, labels),
        )
    }

    fn ready(&self) -> Answer {
        Answer::json(StatusCode::OK, &json!({"name": self.model.name, "ready": true}))
    }

    fn render_metrics(&self) -> Answer {
        self.metrics.connections.store(self.drain.open_connections() as u64, Ordering::Relaxed);
        let labels = ModelLabels {
            name: &self.model.name,
            version: &self.version,
            digest: &self.model.version.digest.hex(),
            runtime: &self.model.runtime,
        };
        Answer::typed(StatusCode::OK, "text/plain; version=0.0.4", self.metrics.render(labels))
    }

    async fn infer(&self, head: &Parts, body: &mut Option<Incoming>) -> Result<Answer, Answer> {
        let started = Instant::now();
        let _in_flight = InFlight::new(&self.metrics.in_flight);
        let json_bytes = json_bytes_of(head)?;
        let waits_for_continue = head.headers.contains_key(EXPECT);
        let body = body.take().ok_or_else(|| Answer::error(StatusCode::BAD_REQUEST, "there is no body"))?;
        let clock = head.extensions.get::<Arc<Clock>>().cloned().unwrap_or_default();
        let received = body::read(body, waits_for_continue, &self.limits, &self.memory, &clock).await?;
        let _place = self
            .places
            .try_acquire()
            .map_err(|_full| Answer::busy(format!("{} requests are in work already", self.limits.max_concurrent), 1))?;
        let until = tokio::time::Instant::now() + self.limits.request_timeout();
        let turn = timeout_at(until, Arc::clone(&self.runs).acquire_owned()).await;
        let turn = turn.map_err(|_late| Answer::busy("the request waited too long for its turn", 5))?;
        let turn = turn.map_err(|_closed| Answer::busy("the server is ending", 1))?;
        // When the client goes away or time is up this future ends, which cancels the run.
        let cancel = CancelOnDrop(Cancel::new());
        let (model, version, flag) = (Arc::clone(&self.model), self.version.clone(), cancel.0.clone());
        let limits = RequestLimits { max_rows: self.limits.max_rows };
        let work = move || {
            let answer = answer(&model, &version, &received.bytes, json_bytes, limits, &flag);
            // The turn ends with the work, also when nobody waits for it any more.
            drop((received, turn));
            answer
        };
        let worked = timeout_at(until, tokio::task::spawn_blocking(work)).await;
        let worked = worked.map_err(|_late| self.too_late())?;
        let Inferred { encoded, rows, run } = worked.map_err(|error| {
            tracing::error!("a run panicked: {error}");
            Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "the server failed while it ran the model")
        })??;
        self.metrics.inferred(started.elapsed(), run, rows);
        Ok(Answer::inference(encoded))
    }
}

impl Service {
    /// 504: the request has had the time that requests have.
    fn too_late(&self) -> Answer {
        let seconds = self.limits.request_timeout().as_secs_f64();
        let message = format!("the request took longer than {seconds} s and was stopped");
        tracing::warn!("{message}");
        Answer::error(StatusCode::GATEWAY_TIMEOUT, message)
    }
}

/// An answer and what was measured on the way.
struct Inferred {
    encoded: protocol::Encoded,
    rows: usize,
    run: Duration,
}

/// Reads, runs and writes; on a thread that may block, because large bodies take their time to parse.
fn answer(
    model: &Model,
    version: &str,
    bytes: &[u8],
    json_bytes: Option<usize>,
    limits: RequestLimits,
    cancel: &Cancel,
) -> Result<Inferred, Answer> {
    let read = || protocol::parse(bytes, json_bytes, &model.signature, limits);
    let mut request = read()?;
    let inputs = std::mem::take(&mut request.inputs);
    let odd_sizes = protocol::sizes_that_differ(&inputs, &model.signature);
    let started = Instant::now();
    let outputs = model.run(inputs, cancel).map_err(|error| {
        // The model has the inputs; what may have stopped it is looked for in the request.
        let unknown = || model.unknown_category(&read().ok()?.inputs);
        runtime_error(&error, || odd_sizes.or_else(unknown))
    })?;
    let run = started.elapsed();
    let encoded = protocol::encode(&model.name, version, &request, &outputs)
        .map_err(|error| Answer::error(StatusCode::INTERNAL_SERVER_ERROR, error.0))?;
    Ok(Inferred { encoded, rows: request.rows, run })
}

fn json_bytes_of(head: &Parts) -> Result<Option<usize>, Answer> {
    if let Some(encoding) = head.headers.get(CONTENT_ENCODING)
        && encoding.as_bytes() != b"identity"
    {
        let message = "compressed bodies are not supported; send it without Content-Encoding";
        return Err(Answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let Some(value) = head.headers.get(BINARY_HEADER) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let wrong =
        || Answer::error(StatusCode::BAD_REQUEST, format!("the header {BINARY_HEADER} must be a number of bytes"));
    length.map(Some).ok_or_else(wrong)
}

/// What does not fit the model is the sender's matter; the rest is ours.
///
/// The model has answered its golden rows before it was called ready, so that a run that fails does so
/// because of its inputs, unless memory ran out. `odd` says what is most likely wrong with them.
fn runtime_error(error: &RuntimeError, odd: impl FnOnce() -> Option<String>) -> Answer {
    let status = match error {
        // Its client has gone away; nobody reads this.
        RuntimeError::Cancelled(_) => return Answer::busy("the request was cancelled", 1),
        RuntimeError::Memory { .. } => {
            tracing::warn!("a request failed: {error}");
            return Answer::busy("there is not enough memory to answer this request now; send fewer rows", 5);
        }
        RuntimeError::Run(reason) => {
            let message = match odd() {
                Some(odd) => format!("{odd} ({reason})"),
                None => format!("the model cannot answer these inputs: {reason}"),
            };
            return Answer::error(StatusCode::BAD_REQUEST, message);
        }
        RuntimeError::UnknownInput { .. }
        | RuntimeError::DuplicateInput(_)
        | RuntimeError::MissingInput { .. }
        | RuntimeError::WrongType { .. }
        | RuntimeError::WrongShape { .. }
        | RuntimeError::NulInText { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if status.is_server_error() {
        tracing::warn!("a request failed: {error}");
    }
    Answer::error(status, error.to_string())
}

/// Model names may have letters beyond ASCII, which URLs carry as `%XX`.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct InFlight<'a>(&'a AtomicU64);

impl<'a> InFlight<'a> {
    fn new(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_urls() {
        assert_eq!(percent_decoded("churn").as_deref(), Some("churn"));
        assert_eq!(percent_decoded("gr%C3%B6%c3%9fe").as_deref(), Some("größe"));
        for bad in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(percent_decoded(bad), None, "{bad}");
        }
    }
}
