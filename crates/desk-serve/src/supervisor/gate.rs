//! Answers "not ready" on the main listener while no revision accepts on it.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::config::Limits;
use crate::http::{Drain, Room, closed_for_now, serve_listener};

/// The gate: closed means that the supervisor itself answers, open means that a revision does.
#[derive(Default)]
pub struct Gate {
    closed: Mutex<Option<(Drain, JoinHandle<()>)>>,
}

impl Gate {
    /// Answers every request with 503 from now on.
    pub async fn close(&self, listener: &TcpListener, limits: &Limits) {
        let mut closed = self.closed.lock().await;
        if closed.is_some() {
            return;
        }
        let listener = listener.try_clone().and_then(tokio::net::TcpListener::from_std);
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => return tracing::error!("nobody answers on the main listener: {error}"),
        };
        let drain = Drain::default();
        let room = Room::new(limits.max_connections);
        let handle = |request: Request<Incoming>| std::future::ready(closed_for_now(&request));
        let serve = serve_listener(listener, handle, drain.clone(), Arc::new(limits.clone()), room);
        *closed = Some((drain, tokio::spawn(serve)));
    }

    /// Stops answering for good; when this returns, everybody who was connected has an answer.
    pub async fn end(&self) {
        let Some((drain, serve)) = self.closed.lock().await.take() else { return };
        drain.begin_for_good();
        if let Err(error) = serve.await {
            tracing::error!("the listener failed: {error}");
        }
        drain.finish(Duration::from_millis(200), Duration::from_secs(2)).await;
    }

    /// Stops answering; when this returns, new connections wait for a revision.
    pub async fn open(&self) {
        let Some((drain, serve)) = self.closed.lock().await.take() else { return };
        drain.begin();
        if let Err(error) = serve.await {
            tracing::error!("the listener failed: {error}");
        }
        tokio::spawn(async move { drain.finish(Duration::from_millis(200), Duration::from_secs(2)).await });
    }
}
