//! What happens on a connection, and since when: who waits for whom.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::config::Limits;

/// A body must arrive at this rate on average, after a first allowance.
pub const SLOWEST_BYTES_PER_S: u64 = 64 * 1024;

/// When things began on a connection, in milliseconds since it was opened; 0 for not at all.
#[derive(Debug)]
pub struct Clock {
    opened: Instant,
    /// First byte of a request's header whose end has not come yet; 1 while nothing came since the opening.
    header_since: AtomicU64,
    /// Begin of the body that is being read.
    body_since: AtomicU64,
    /// Bytes of that body so far.
    body_bytes: AtomicU64,
    /// First attempt to write what the client does not take.
    write_since: AtomicU64,
    /// End of the last answer, or the opening.
    quiet_since: AtomicU64,
    in_request: AtomicBool,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A connection that was opened now.
    pub fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            opened: Instant::now(),
            header_since: AtomicU64::new(1),
            body_since: zero(),
            body_bytes: zero(),
            write_since: zero(),
            quiet_since: AtomicU64::new(1),
            in_request: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn since(&self, moment: &AtomicU64) -> Option<Duration> {
        let then = Some(moment.load(Ordering::Relaxed)).filter(|then| *then > 0)?;
        Some(Duration::from_millis(self.now().saturating_sub(then)))
    }

    /// A request's header is complete.
    pub fn request_begins(&self) {
        self.in_request.store(true, Ordering::Relaxed);
        self.header_since.store(0, Ordering::Relaxed);
    }

    /// The answer is made.
    pub fn request_ends(&self) {
        self.quiet_since.store(self.now(), Ordering::Relaxed);
        self.in_request.store(false, Ordering::Relaxed);
    }

    /// The request's body is being read until the answer is dropped.
    pub fn body_begins(&self) -> BodyClock<'_> {
        self.body_bytes.store(0, Ordering::Relaxed);
        self.body_since.store(self.now(), Ordering::Relaxed);
        BodyClock(self)
    }

    /// Bytes came from the client.
    pub fn has_read(&self) {
        if !self.in_request.load(Ordering::Relaxed) {
            // Only the first byte counts, else one byte a second would keep a connection for ever. A new
            // connection (1) goes on from its opening (2).
            let begun = |from, to| self.header_since.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
            let _already = begun(1, 2).or_else(|_| begun(0, self.now().max(2)));
        }
    }

    /// Bytes went to the client, or it took none.
    pub fn has_written(&self, done: bool) {
        if done {
            self.write_since.store(0, Ordering::Relaxed);
            self.quiet_since.store(self.now(), Ordering::Relaxed);
        } else {
            let _already = self.write_since.compare_exchange(0, self.now(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// How long nothing has been going on; `None` while something is.
    pub fn idle(&self) -> Option<Duration> {
        let busy = self.in_request.load(Ordering::Relaxed)
            || self.header_since.load(Ordering::Relaxed) > 1
            || self.write_since.load(Ordering::Relaxed) > 0;
        if busy { None } else { self.since(&self.quiet_since) }
    }

    /// How long the server has been waiting for this client to send or take what it began; `None` when it is
    /// not, or when a body comes as fast as it must.
    pub fn dawdles(&self) -> Option<Duration> {
        let body = self.since(&self.body_since).filter(|spent| {
            let due = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX).saturating_mul(SLOWEST_BYTES_PER_S) / 1000;
            self.body_bytes.load(Ordering::Relaxed) < due
        });
        let header = self.since(&self.header_since);
        [header, body, self.since(&self.write_since)].into_iter().flatten().max()
    }

    /// Beyond what a client may take in any case.
    pub fn is_too_slow(&self, limits: &Limits) -> bool {
        self.since(&self.header_since).is_some_and(|spent| spent >= limits.header_timeout())
            || self.since(&self.write_since).is_some_and(|spent| spent >= limits.write_timeout())
    }
}

/// Held while a body is being read.
pub struct BodyClock<'a>(&'a Clock);

impl BodyClock<'_> {
    /// So many bytes have come in all.
    pub fn has_come(&self, bytes: usize) {
        self.0.body_bytes.store(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for BodyClock<'_> {
    fn drop(&mut self) {
        self.0.body_since.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause() {
        std::thread::sleep(Duration::from_millis(20));
    }

    #[test]
    fn only_a_client_that_is_waited_for_dawdles() {
        let clock = Clock::new();
        pause();
        assert!(clock.dawdles().is_some(), "nothing came at all");
        clock.has_read();
        assert!(clock.dawdles().is_some(), "half a header");
        clock.request_begins();
        assert_eq!(clock.dawdles(), None, "the model is running");
        {
            let body = clock.body_begins();
            pause();
            assert!(clock.dawdles().is_some(), "nothing of the body");
            body.has_come(1 << 30);
            assert_eq!(clock.dawdles(), None, "it comes fast");
        }
        clock.request_ends();
        assert_eq!(clock.dawdles(), None, "it is idle");
        clock.has_written(false);
        pause();
        assert!(clock.dawdles().is_some(), "it takes nothing of its answer");
        clock.has_written(true);
        assert!(clock.dawdles().is_none() && clock.idle().is_some());
    }
}
