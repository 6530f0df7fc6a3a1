//! What the supervisor answers while no version serves: not ready, try again.

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use serde_json::json;

use super::answer::{Answer, Reply};
use crate::protocol::server_metadata;

/// The answer to a request that no model can answer now. Every answer closes its connection, so that the next
/// request meets the model.
pub fn closed_for_now(request: &Request<Incoming>) -> Reply {
    let answer = match request.uri().path().trim_end_matches('/') {
        "/v2" => Answer::json(StatusCode::OK, &server_metadata()),
        "/v2/health/live" => Answer::json(StatusCode::OK, &json!({"live": true})),
        "/v2/health/ready" => Answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"ready": false})),
        _ => Answer::busy("no version is live", 1),
    };
    answer.closing().into_reply()
}
