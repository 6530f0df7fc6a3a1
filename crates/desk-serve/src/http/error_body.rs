//! A body for the answers that hyper gives by itself, to what it cannot read as a request: it knows a status
//! only, and every other error here says what is wrong in JSON.

use serde_json::json;

/// What hyper says to requests that reach nobody, and what that means.
const ANSWERS: [(&[u8], &str); 3] = [
    (b"HTTP/1.1 400 ", "this is not an HTTP request"),
    (b"HTTP/1.1 414 ", "the address of this request is too long"),
    (b"HTTP/1.1 431 ", "the header of this request is too large or has too many fields"),
];
const NO_BODY: &[u8] = b"content-length: 0\r\n";

/// The same answer with a body, where these bytes are such an answer; an answer of a handler always has a body.
pub fn with_body(head: &[u8]) -> Option<Vec<u8>> {
    let (_, message) = ANSWERS.iter().find(|(start, _)| head.starts_with(start))?;
    let at = head.windows(NO_BODY.len()).position(|part| part == NO_BODY)?;
    let rest = head[at + NO_BODY.len()..].strip_suffix(b"\r\n")?;
    let body = json!({ "error": message }).to_string();
    let fields = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    Some([&head[..at], fields.as_bytes(), rest, b"\r\n", body.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_without_a_body_get_one() {
        let bare = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let told = String::from_utf8(with_body(bare).expect("told")).expect("text");
        let (head, body) = told.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("content-length: {}", body.len())) && head.ends_with("date: x"), "{told}");
        assert_eq!(body, r#"{"error":"this is not an HTTP request"}"#);
        for other in [
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "",
        ] {
            assert_eq!(with_body(other.as_bytes()), None, "{other}");
        }
    }
}
