//! Reading a request's body: bounded in size, in memory over all requests, and in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::answer::Answer;
use super::clock::{Clock, SLOWEST_BYTES_PER_S};
use crate::config::Limits;

/// What is read and thrown away of a body that is too large, so that its sender sees the answer.
const DISCARD_BYTES: usize = 256 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// A sender that pauses this long is waiting for its answer.
const DISCARD_PAUSE: Duration = Duration::from_secs(1);
/// Unit of the memory budget.
const UNIT: usize = 64 * 1024;
/// Room is made for an announced size only when this much of it has come.
const FIRST_BYTES: usize = 1024 * 1024;

/// A body and its place in the memory budget.
pub struct Received {
    /// The bytes.
    pub bytes: Vec<u8>,
    _memory: Memory,
}

/// A part of the budget that grows with what has come: what is only announced takes nothing from others.
struct Memory {
    budget: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Memory {
    fn hold(&mut self, bytes: usize) -> Result<(), Answer> {
        let missing = units(bytes).saturating_sub(self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if missing == 0 {
            return Ok(());
        }
        let more = u32::try_from(missing).ok().and_then(|n| Arc::clone(&self.budget).try_acquire_many_owned(n).ok());
        let more = more.ok_or_else(|| Answer::busy("too many large requests at the same time", 1).closing())?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
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
    clock: &Clock,
) -> Result<Received, Answer> {
    let announced = body.size_hint().upper().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limits.max_body_bytes) {
        if !waits_for_continue {
            discard(body).await;
        }
        return Err(too_large(limits));
    }
    let mut memory = Memory { budget: Arc::clone(budget), taken: None };
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(FIRST_BYTES));
    let (started, watched) = (Instant::now(), clock.body_begins());
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
        let length = bytes.len() + data.len();
        if length > limits.max_body_bytes {
            discard(body).await;
            return Err(too_large(limits));
        }
        memory.hold(length)?;
        if length > bytes.capacity() {
            bytes.reserve_exact(
                announced.unwrap_or(0).max(length.saturating_mul(2)).min(limits.max_body_bytes) - bytes.len(),
            );
        }
        bytes.extend_from_slice(data);
        watched.has_come(length);
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
    // One that announces more than is read would see that anyway: it is answered at once.
    if body.size_hint().lower() > left as u64 {
        return;
    }
    let all = async {
        while let Ok(Some(Ok(frame))) = timeout(DISCARD_PAUSE, body.frame()).await {
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
