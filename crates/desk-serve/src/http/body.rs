//! Reading a request's body: bounded in size, in memory over all requests, and in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::answer::Answer;
use crate::config::Limits;

/// A body must arrive at this rate on average, after a first allowance.
const SLOWEST_BYTES_PER_S: u64 = 64 * 1024;
/// What is read and thrown away of a body that is too large, so that its sender sees the answer.
const DISCARD_BYTES: usize = 8 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(1);
/// Unit of the memory budget.
const UNIT: usize = 64 * 1024;

/// A body and its place in the memory budget.
pub struct Received {
    /// The bytes.
    pub bytes: Vec<u8>,
    _memory: OwnedSemaphorePermit,
}

/// The budget for all bodies of a server.
pub fn budget(limits: &Limits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(units(limits.max_total_body_bytes)))
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize))
}

/// Reads a body whole.
///
/// # Errors
/// 413 beyond the limit, 408 when it comes too slowly, 503 when too many bodies are in memory, 400 when it
/// breaks off.
pub async fn read(
    mut body: Incoming,
    waits_for_continue: bool,
    limits: &Limits,
    budget: &Arc<Semaphore>,
) -> Result<Received, Answer> {
    let announced = body.size_hint().upper().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limits.max_body_bytes) {
        if !waits_for_continue {
            discard(body).await;
        }
        return Err(too_large(limits));
    }
    let wanted = units(announced.unwrap_or(limits.max_body_bytes)) as u32;
    let memory = Arc::clone(budget).try_acquire_many_owned(wanted);
    let memory = memory.ok().ok_or_else(|| Answer::busy("too many large requests at the same time", 1).closing())?;
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
    let started = Instant::now();
    loop {
        let allowed = limits.body_timeout() + Duration::from_secs(bytes.len() as u64 / SLOWEST_BYTES_PER_S);
        let left = allowed.saturating_sub(started.elapsed());
        let frame = timeout(left.min(limits.body_timeout()), body.frame()).await;
        let frame = frame.ok().ok_or_else(too_slow)?;
        let Some(frame) = frame else { return Ok(Received { bytes, _memory: memory }) };
        let frame = frame.map_err(|error| {
            Answer::error(StatusCode::BAD_REQUEST, format!("the body broke off: {error}")).closing()
        })?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > limits.max_body_bytes {
            discard(body).await;
            return Err(too_large(limits));
        }
        bytes.extend_from_slice(data);
    }
}

fn too_slow() -> Answer {
    Answer::error(StatusCode::REQUEST_TIMEOUT, "the body arrived too slowly").closing()
}

fn too_large(limits: &Limits) -> Answer {
    let message = format!("the body is larger than {} bytes", limits.max_body_bytes);
    Answer::error(StatusCode::PAYLOAD_TOO_LARGE, message).closing()
}

/// Reads what is left of a body that nobody wants, within bounds.
///
/// A sender that is still writing when the connection is closed sees a broken pipe instead of the answer.
pub async fn discard(mut body: Incoming) {
    let mut left = DISCARD_BYTES;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, hyper::body::Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    if timeout(DISCARD_TIME, all).await.is_err() {
        tracing::debug!("a body that is too large was not read to its end");
    }
}
