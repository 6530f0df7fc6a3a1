//! One loaded version and the listeners it answers on.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::config::{Limits, ServeConfig};
use crate::error::ServeError;
use crate::http::heir::reached_at;
use crate::http::{Drain, Room, Service, serve_listener};
use crate::model::Model;
use crate::token::Token;

/// A version that answers requests. Made outside of a runtime, because loading blocks.
pub struct Server {
    service: Arc<Service>,
    drain: Drain,
    limits: Arc<Limits>,
    room: Arc<Room>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    /// Loads a version's folder.
    pub fn load(folder: &Path, config: &ServeConfig, verify: bool) -> Result<Self, ServeError> {
        let token = config.token_file.as_deref().map(Token::read).transpose()?;
        let model = Model::load(folder, config, verify)?;
        let limits = Arc::new(config.limits.clone());
        let drain = Drain::default();
        let room = Room::new(limits.max_connections);
        let service = Arc::new(Service::new(model, token, Arc::clone(&limits), drain.clone()));
        Ok(Self { service, drain, limits, room, listeners: Mutex::default() })
    }

    /// Answers on a listener of this version alone. Call it within the runtime.
    pub fn listen(&self, listener: TcpListener) -> std::io::Result<()> {
        self.answer_on(listener, None)
    }

    /// Answers on the listener that every version has in its turn. Call it within the runtime.
    pub fn listen_in_turn(&self, listener: TcpListener) -> std::io::Result<()> {
        let heir = reached_at(listener.local_addr()?);
        self.answer_on(listener, Some(heir))
    }

    fn answer_on(&self, listener: TcpListener, heir: Option<SocketAddr>) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let service = Arc::clone(&self.service);
        let handle = move |request: Request<Incoming>| Arc::clone(&service).handle(request, heir);
        let serve =
            serve_listener(listener, handle, self.drain.clone(), Arc::clone(&self.limits), Arc::clone(&self.room));
        self.listeners.lock().push(tokio::spawn(serve));
        Ok(())
    }

    /// Stops accepting; when this returns, no listener is read any more, and who is not accepted yet meets the next
    /// process on it.
    pub async fn stop_accepting(&self) {
        self.drain.begin();
        let listeners = std::mem::take(&mut *self.listeners.lock());
        for listener in listeners {
            if let Err(error) = listener.await {
                tracing::error!("a listener failed: {error}");
            }
        }
    }

    /// As [`Server::stop_accepting`] where another version accepts on the listener that they have in turn: what comes
    /// late to this one is answered by that one.
    pub async fn give_way(&self) {
        self.drain.begin_inherited();
        self.stop_accepting().await;
    }

    /// As [`Server::stop_accepting`] where no other process follows: who is connected by now is still answered.
    pub async fn close(&self) {
        self.drain.begin_for_good();
        self.stop_accepting().await;
    }

    /// Answers what is there and ends; false when the deadline cut something off.
    pub async fn drain(&self, grace: Duration, deadline: Duration) -> bool {
        self.stop_accepting().await;
        self.drain.finish(grace, deadline).await
    }
}

/// A runtime for a server: few threads that do not block, as many as needed that run models.
pub fn runtime(config: &ServeConfig) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(config.limits.max_concurrent.clamp(4, 512))
        .enable_all()
        .build()
}

/// A listener with a queue long enough for the time in which a crashed version starts again.
pub async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, ServeError> {
    let fail = |cause| ServeError::Listen { address: address.to_string(), cause };
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() };
    let socket = socket.map_err(fail)?;
    socket.set_reuseaddr(true).map_err(fail)?;
    let patience = tokio::time::Instant::now() + Duration::from_secs(3);
    // The children of a supervisor that was killed let go of the port within moments.
    while let Err(error) = socket.bind(address) {
        if error.kind() != std::io::ErrorKind::AddrInUse || tokio::time::Instant::now() >= patience {
            return Err(fail(error));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    socket.listen(1024).and_then(tokio::net::TcpListener::into_std).map_err(fail)
}
