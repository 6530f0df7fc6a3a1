//! Ending without losing a request.
//!
//! A draining server no longer accepts, answers what it has, and says `Connection: close` with each
//! answer. A kept-alive connection may have a request on its way at any moment, so idle ones are not
//! closed at once: they stay open for a grace period, and what arrives in it is still answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How far the drain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Accepting and answering.
    Serving,
    /// Answering; every answer closes its connection.
    Draining,
    /// Idle connections are closed too.
    ClosingIdle,
    /// Everything is dropped.
    Over,
}

/// The phase, shared between the connections and who drains. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Drain {
    phase: Arc<watch::Sender<Phase>>,
    /// Alive as long as a connection is; its receivers are counted.
    open: Arc<watch::Sender<()>>,
}

/// Held by each connection while it is open.
#[derive(Debug)]
pub struct Open {
    _counted: watch::Receiver<()>,
}

impl Default for Drain {
    fn default() -> Self {
        Self { phase: Arc::new(watch::channel(Phase::Serving).0), open: Arc::new(watch::channel(()).0) }
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

    /// Drains to the end; true when every connection ended by itself before the deadline.
    pub async fn finish(&self, grace: Duration, deadline: Duration) -> bool {
        self.begin();
        let started = Instant::now();
        loop {
            if self.open_connections() == 0 {
                self.advance(Phase::Over);
                return true;
            }
            if started.elapsed() >= deadline {
                self.advance(Phase::Over);
                return false;
            }
            if started.elapsed() >= grace {
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
        assert!(!drain.finish(Duration::ZERO, Duration::from_millis(30)).await);
        assert_eq!(drain.phase(), Phase::Over);

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
