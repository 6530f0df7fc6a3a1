//! The process of one revision: a version that answers on a staging port, and on the supervisor's listener
//! when it is told to.
//!
//! Standard input is the main listener, standard output a socket to the supervisor with one JSON object a
//! line each way. When that socket closes, the supervisor has died: the process lets go of the
//! listener at once, answers what it has and ends, so that a new supervisor can take over.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use desk_core::Fault;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader, Lines};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::ServeConfig;
use crate::error::ServeError;
use crate::server::{Server, runtime};
use crate::sys;

/// What the supervisor asks of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Order {
    /// Accept on the main listener too.
    Accept,
    /// Stop accepting, answer what is there, end.
    Drain {
        /// How long idle connections are kept for a last request.
        grace_ms: u64,
        /// When to stop what is still computed. Sent again, it may only come sooner.
        deadline_ms: u64,
        /// Nobody accepts on the main listener afterwards: who is connected by now is still answered.
        #[serde(default)]
        last: bool,
        /// Another version accepts on the main listener: what comes late is that one's to answer.
        #[serde(default)]
        inherited: bool,
    },
}

/// Who is there after a drain.
enum After {
    Nobody,
    Heir,
    Unknown,
}

/// What a revision tells the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Report {
    /// It answers at this URL.
    Ready {
        /// The staging URL.
        url: String,
    },
    /// It accepts on the main listener.
    Accepting,
    /// It no longer accepts anywhere.
    Draining,
    /// It cannot serve and ends.
    Failed {
        /// Why.
        error: Fault,
    },
}

/// Runs one revision to its end.
pub fn run(root: &Path, folder: &Path, verify: bool) -> Result<(), ServeError> {
    let io = |action| ServeError::io(action, folder);
    let socket = std::io::stdout().as_fd().try_clone_to_owned().map_err(io("open the control socket"))?;
    let mut reports = Reports(UnixStream::from(socket));
    let served = serve(root, folder, verify, &mut reports);
    if let Err(error) = served {
        tracing::error!("{error}");
        reports.send(&Report::Failed { error: error.into() });
    }
    Ok(())
}

fn serve(root: &Path, folder: &Path, verify: bool, reports: &mut Reports) -> Result<(), ServeError> {
    let io = |action| ServeError::io(action, folder);
    let main = std::io::stdin().as_fd().try_clone_to_owned().map_err(io("take over the listener"))?;
    let config = ServeConfig::read(&root.join("serve.json"))?;
    let server = while_supervised(&reports.0, || Server::load(folder, &config, verify))
        .map_err(io("watch the supervisor"))??;
    let runtime = runtime(&config).map_err(io("start the server"))?;
    let orders = reports.0.try_clone().map_err(io("open the control socket"))?;
    orders.set_nonblocking(true).map_err(io("open the control socket"))?;
    runtime.block_on(async {
        let staging = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("open a staging port"))?;
        let address: SocketAddr = staging.local_addr().map_err(io("open a staging port"))?;
        server.listen(staging).map_err(io("open a staging port"))?;
        reports.send(&Report::Ready { url: format!("http://{address}") });
        obey(&server, TcpListener::from(main), orders, reports, &config).await
    })?;
    // Runs that were cut off by the deadline must not keep the process.
    runtime.shutdown_background();
    Ok(())
}

/// Does what takes long and hears no orders, such as loading; the process ends when the supervisor dies meanwhile.
fn while_supervised<T>(mut supervisor: &UnixStream, work: impl FnOnce() -> T) -> std::io::Result<T> {
    supervisor.set_nonblocking(true)?;
    Ok(std::thread::scope(|scope| {
        let (done, over) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            while over.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                // No order comes before this process has said that it is ready.
                if matches!(supervisor.read(&mut [0]), Ok(0)) {
                    tracing::warn!("the supervisor is gone before this version was loaded");
                    #[expect(clippy::exit, reason = "native code that loads a model cannot be asked to return")]
                    std::process::exit(1);
                }
            }
        });
        let worked = work();
        drop(done);
        worked
    }))
}

/// Carries out the supervisor's orders until one of them, a signal or its death ends this revision.
async fn obey(
    server: &Server,
    main: TcpListener,
    orders: UnixStream,
    reports: &mut Reports,
    config: &ServeConfig,
) -> Result<(), ServeError> {
    let io = |cause| ServeError::Io { action: "talk to the supervisor", path: "stdout".into(), cause };
    let orders = tokio::net::UnixStream::from_std(orders).map_err(io)?;
    let mut lines = BufReader::new(orders).lines();
    let mut terminate = signal(SignalKind::terminate()).map_err(io)?;
    let deadline = config.limits.drain_deadline();
    let (grace, deadline, after) = loop {
        tokio::select! {
            _ = terminate.recv() => break (Duration::ZERO, deadline, After::Unknown),
            line = lines.next_line() => match line.ok().flatten().map(|line| serde_json::from_str(&line)) {
                Some(Ok(Order::Accept)) => {
                    main.try_clone().and_then(|main| server.listen_in_turn(main)).map_err(io)?;
                    reports.send(&Report::Accepting);
                }
                Some(Ok(Order::Drain { grace_ms, deadline_ms, last, inherited })) => {
                    let after = match (last, inherited) {
                        (true, _) => After::Nobody,
                        (false, true) => After::Heir,
                        (false, false) => After::Unknown,
                    };
                    break (Duration::from_millis(grace_ms), Duration::from_millis(deadline_ms), after);
                }
                Some(Err(error)) => tracing::error!("an order cannot be understood: {error}"),
                None => {
                    tracing::warn!("the supervisor is gone; ending after what is in work");
                    // A new one listens on a socket of its own.
                    break (Duration::from_secs(1), deadline, After::Nobody);
                }
            }
        }
    };
    match after {
        After::Nobody => server.close().await,
        After::Heir => server.give_way().await,
        After::Unknown => server.stop_accepting().await,
    }
    drop(main);
    sys::close_stdin().map_err(io)?;
    reports.send(&Report::Draining);
    if !drain(server, grace, deadline, &mut lines).await {
        tracing::warn!("the deadline of the drain cut off what was still in work");
    }
    Ok(())
}

/// Drains; an order that comes meanwhile may shorten the time that is left for that.
async fn drain<R: AsyncBufRead + Unpin>(
    server: &Server,
    grace: Duration,
    deadline: Duration,
    orders: &mut Lines<R>,
) -> bool {
    let mut draining = Box::pin(server.drain(grace, deadline));
    let mut ends = Instant::now() + deadline;
    loop {
        let line = tokio::select! {
            in_time = &mut draining => return in_time,
            line = orders.next_line() => line,
        };
        match line.ok().flatten().map(|line| serde_json::from_str(&line)) {
            Some(Ok(Order::Drain { grace_ms, deadline_ms, .. })) => {
                let deadline = Duration::from_millis(deadline_ms).min(ends.saturating_duration_since(Instant::now()));
                draining = Box::pin(server.drain(Duration::from_millis(grace_ms), deadline));
                ends = Instant::now() + deadline;
            }
            Some(_) => {}
            None => return draining.await,
        }
    }
}

/// Lines to the supervisor.
struct Reports(UnixStream);

impl Reports {
    fn send(&mut self, report: &Report) {
        let line = serde_json::to_string(report).expect("plain fields") + "\n";
        // A supervisor that is gone is noticed where orders are read.
        if let Err(error) = self.0.write_all(line.as_bytes()) {
            tracing::debug!("the supervisor does not listen: {error}");
        }
    }
}
