//! Ending without losing a request.
//!
//! A draining server no longer accepts, answers what it has, and says `Connection: close` with each
//! answer. A kept-alive connection may have a request on its way at any moment, so idle ones are not
//! closed at once: they stay open for a grace period, and what arrives in it is still answered. What is
//! still computed at the deadline is stopped and answered with an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How long answers may take to be written after the deadline.
pub const LAST_WORDS: Duration = Duration::from_secs(2);

/// How far the drain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Accepting and answering.
    Serving,
    /// Answering; every answer closes its connection.
    Draining,
    /// Idle connections are closed too.
    ClosingIdle,
    /// What is still computed is stopped, and its clients are told so.
    Stopping,
    /// Everything is dropped.
    Over,
}

/// The phase, shared between the connections and who drains. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Drain {
    phase: Arc<watch::Sender<Phase>>,
    /// Alive as long as a connection is; its receivers are counted.
    open: Arc<watch::Sender<()>>,
    /// No other process accepts on the listeners afterwards.
    last: Arc<AtomicBool>,
    /// Another version accepts on the main listener and answers in the place of this one.
    inherited: Arc<AtomicBool>,
}

/// Held by each connection while it is open.
#[derive(Debug)]
pub struct Open {
    _counted: watch::Receiver<()>,
}

impl Default for Drain {
    fn default() -> Self {
        let (phase, open) = (Arc::new(watch::channel(Phase::Serving).0), Arc::new(watch::channel(()).0));
        Self { phase, open, last: Arc::default(), inherited: Arc::default() }
    }
}

impl Drain {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// To be told of changes.
    pub fn subscribe(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Returns once the deadline has passed: what is still computed is to be stopped.
    pub async fn stopping(&self) {
        // The sender lives as long as this does.
        let _phase = self.subscribe().wait_for(|phase| *phase >= Phase::Stopping).await.is_ok();
    }

    /// Counts a connection until the answer is dropped.
    pub fn opened(&self) -> Open {
        Open { _counted: self.open.subscribe() }
    }

    /// Connections that are open.
    pub fn open_connections(&self) -> usize {
        self.open.receiver_count()
    }

    /// Begins to drain: from now on nothing is accepted and answers close their connections.
    pub fn begin(&self) {
        self.advance(Phase::Draining);
    }

    /// As [`Drain::begin`], for listeners that nobody accepts on afterwards: who is connected already is still
    /// answered.
    pub fn begin_for_good(&self) {
        self.last.store(true, Ordering::SeqCst);
        self.begin();
    }

    /// As [`Drain::begin`], when another version accepts on the main listener already.
    pub fn begin_inherited(&self) {
        self.inherited.store(true, Ordering::SeqCst);
        self.begin();
    }

    /// What comes from now on is another version's to answer.
    pub fn is_inherited(&self) -> bool {
        self.phase() > Phase::Serving && self.inherited.load(Ordering::SeqCst)
    }

    /// Nobody accepts on the listeners afterwards.
    pub fn is_for_good(&self) -> bool {
        self.last.load(Ordering::SeqCst)
    }

    /// Drains to the end; true when every connection ended by itself before the deadline. Dropped and called
    /// again, it goes on with other times.
    pub async fn finish(&self, grace: Duration, deadline: Duration) -> bool {
        self.begin();
        let started = Instant::now();
        loop {
            let elapsed = started.elapsed();
            if self.open_connections() == 0 {
                let in_time = self.phase() < Phase::Stopping;
                self.advance(Phase::Over);
                return in_time;
            }
            if elapsed >= deadline + LAST_WORDS {
                self.advance(Phase::Over);
                return false;
            }
            if elapsed >= deadline {
                self.advance(Phase::Stopping);
            }
            if elapsed >= grace {
                self.advance(Phase::ClosingIdle);
            }
            tokio::select! {
                () = self.open.closed() => {}
                () = sleep(Duration::from_millis(20)) => {}
            }
        }
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let later = to > *phase;
            if later {
                *phase = to;
            }
            later
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_connections_until_the_deadline() {
        let drain = Drain::default();
        let _open = drain.opened();
        let stopping = tokio::spawn({
            let drain = drain.clone();
            async move {
                drain.stopping().await;
                drain.phase()
            }
        });
        assert!(!drain.finish(Duration::ZERO, Duration::from_millis(30)).await);
        assert_eq!(drain.phase(), Phase::Over);
        assert_eq!(stopping.await.expect("told"), Phase::Stopping, "there is time for last words");

        let drain = Drain::default();
        let open = drain.opened();
        let mut phase = drain.subscribe();
        let finish = tokio::spawn({
            let drain = drain.clone();
            async move { drain.finish(Duration::from_mins(1), Duration::from_mins(1)).await }
        });
        phase.changed().await.expect("begins");
        assert_eq!(drain.phase(), Phase::Draining);
        drop(open);
        assert!(finish.await.expect("ends"));
    }
}
