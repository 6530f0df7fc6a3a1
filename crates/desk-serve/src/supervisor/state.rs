//! What is live and what is staged, and the operations that change it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use desk_core::Fault;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::gate::Gate;
use super::process::Process;
use crate::config::{Limits, ServeConfig};
use crate::error::ServeError;
use crate::layout::Layout;

/// A crash after this time counts as the first.
const STABLE: Duration = Duration::from_mins(1);
/// So many failures in a row are answered by starting again at once, while requests wait.
const QUICK_RESTARTS: u32 = 3;
/// How long requests wait for a crashed revision to come back before they are answered 503.
const PATIENCE: Duration = Duration::from_secs(3);

/// The supervisor of one folder.
pub struct Supervisor {
    layout: Layout,
    /// Until it stops.
    listener: Mutex<Option<Arc<TcpListener>>>,
    listen: SocketAddr,
    limits: Limits,
    started_at: String,
    gate: Gate,
    /// One operation at a time.
    operation: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Something has changed that the keeper must look at.
    changed: Notify,
    stopping: watch::Sender<bool>,
    /// Counts `unstage`: what is being started for staging meanwhile is given up.
    unstaged: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// The version that is to be live.
    wanted: Option<String>,
    live: Option<Arc<Process>>,
    staged: Option<Arc<Process>>,
    retired: Vec<Arc<Process>>,
    /// The binary of the live revision: a crash must not exchange it.
    live_binary: Option<PathBuf>,
    /// Crashes and failed starts in a row.
    failures: u32,
    restarts: u32,
    problem: Option<Fault>,
}

impl Supervisor {
    /// A supervisor that wants what `current` names.
    pub fn new(layout: Layout, listener: TcpListener, listen: SocketAddr, config: &ServeConfig) -> Arc<Self> {
        let mut state = State::default();
        match layout.current() {
            Ok(wanted) => state.wanted = wanted,
            Err(error) => {
                tracing::error!("{error}");
                state.problem = Some(error.into());
            }
        }
        Arc::new(Self {
            layout,
            listener: Mutex::new(Some(Arc::new(listener))),
            listen,
            limits: config.limits.clone(),
            started_at: jiff::Timestamp::now().to_string(),
            gate: Gate::default(),
            operation: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
            stopping: watch::channel(false).0,
            unstaged: watch::channel(0).0,
        })
    }

    /// Where it listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    fn listener(&self) -> Result<Arc<TcpListener>, ServeError> {
        self.listener.lock().clone().ok_or(ServeError::Stopping)
    }

    /// From now on the supervisor itself answers, where it still listens.
    async fn close_gate(&self) {
        if let Ok(listener) = self.listener() {
            self.gate.close(&listener, &self.limits).await;
        }
    }

    /// Keeps the wanted version live until the supervisor stops.
    pub async fn keep_live(&self) {
        self.close_gate().await;
        while !*self.stopping.borrow() {
            self.keep_live_once().await;
        }
    }

    /// One step; every wait in it ends when something has changed.
    async fn keep_live_once(&self) {
        let live = self.state.lock().live.clone();
        match live {
            Some(live) if !live.has_ended() => {
                tokio::select! {
                    () = live.wait_ended() => {}
                    () = self.changed.notified() => {}
                }
            }
            Some(live) => self.live_has_crashed(&live),
            None if self.state.lock().wanted.is_none() => self.changed.notified().await,
            None => {
                let failures = self.state.lock().failures;
                if failures > QUICK_RESTARTS {
                    self.close_gate().await;
                    tokio::select! {
                        () = sleep(backoff(failures)) => {}
                        () = self.changed.notified() => {}
                    }
                }
                self.start_live().await;
            }
        }
    }

    fn live_has_crashed(&self, live: &Arc<Process>) {
        let mut state = self.state.lock();
        if !state.live.as_ref().is_some_and(|now| Arc::ptr_eq(now, live)) {
            return;
        }
        state.live = None;
        state.failures = if live.started.elapsed() > STABLE { 1 } else { state.failures + 1 };
        state.restarts += 1;
        let how = live.known().ended.unwrap_or_default();
        tracing::error!("the live revision crashed and is started again: {how}");
        state.problem = Some(ServeError::ChildEnded { version: live.version.clone(), how }.into());
    }

    /// Starts the wanted version and lets it accept.
    async fn start_live(&self) {
        let _operation = self.operation.lock().await;
        if *self.stopping.borrow() {
            return;
        }
        let (wanted, binary, again) = {
            let state = self.state.lock();
            match (&state.wanted, &state.live) {
                (Some(wanted), None) => (wanted.clone(), state.live_binary.clone(), state.restarts > 0),
                _ => return,
            }
        };
        let start = async {
            // The files were verified when this supervisor first started the version.
            let process = self.start(&wanted, binary, !again).await?;
            self.gate.open().await;
            match process.accept().await {
                Ok(()) => Ok(process),
                Err(error) => {
                    process.kill();
                    Err(error)
                }
            }
        };
        let mut start = std::pin::pin!(start);
        let started = async {
            tokio::select! {
                started = &mut start => started,
                () = sleep(PATIENCE) => {
                    self.close_gate().await;
                    start.await
                }
            }
        };
        let mut stopping = self.stopping.subscribe();
        let started = tokio::select! {
            started = started => started,
            // Dropping the start ends what is being loaded.
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        match started {
            Ok(process) => {
                tracing::info!("version {} is live (process {})", process.version, process.pid);
                let mut state = self.state.lock();
                state.live_binary = Some(process.binary.clone());
                state.live = Some(process);
            }
            Err(error) => {
                tracing::error!("version {wanted} cannot be started: {error}");
                {
                    let mut state = self.state.lock();
                    // What did not even start is not worth quick attempts.
                    state.failures = state.failures.max(QUICK_RESTARTS) + 1;
                    state.problem = Some(error.into());
                }
                self.close_gate().await;
            }
        }
    }

    /// Starts a process and waits until it is ready.
    async fn start(&self, version: &str, binary: Option<PathBuf>, verify: bool) -> Result<Arc<Process>, ServeError> {
        let binary = binary.filter(|binary| binary.is_file()).or_else(|| self.layout.binary());
        let binary = match binary {
            Some(binary) => binary,
            None => std::env::current_exe().map_err(ServeError::io("find this program", "/proc/self/exe"))?,
        };
        let process = Process::start(&self.layout, version, &binary, &*self.listener()?, verify)?;
        // Killed also when nobody waits for it any more.
        let starting = Starting(Some(process));
        let patience = Duration::from_secs(self.limits.start_timeout_s);
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            ready = starting.wait_ready(patience) => ready?,
            _ = stopping.wait_for(|stopping| *stopping) => return Err(ServeError::Stopping),
        }
        starting.done().ok_or(ServeError::Stopping)
    }

    fn refuse_when_stopping(&self) -> Result<(), ServeError> {
        if *self.stopping.borrow() { Err(ServeError::Stopping) } else { Ok(()) }
    }

    /// `ctl status`.
    pub fn status(&self) -> Value {
        let (state, stopping) = (self.state.lock(), *self.stopping.borrow());
        let live = match (&state.live, &state.wanted) {
            // It answers what it has and nothing else.
            _ if stopping => Value::Null,
            (Some(live), _) => json!({"version": live.version, "pid": live.pid, "ready": live.is_ready()}),
            // It is being started, or it crashed and will be started again.
            (None, Some(wanted)) => json!({"version": wanted, "pid": 0, "ready": false}),
            (None, None) => Value::Null,
        };
        let staged = state.staged.as_ref().map(|staged| {
            let (url, ready) = (staged.known().url, staged.is_ready());
            json!({"version": staged.version, "pid": staged.pid, "url": url, "ready": ready})
        });
        // A stop has begun before the first process is told.
        let ending = state.live.iter().chain(&state.staged).filter(|_| stopping);
        let draining = state.retired.iter().chain(ending).filter(|process| !process.has_ended());
        let draining: Vec<Value> =
            draining.map(|process| json!({"version": process.version, "pid": process.pid})).collect();
        json!({
            "supervisor": {"pid": std::process::id(), "started_at": self.started_at},
            "listen": self.listen.to_string(),
            "live": live,
            "staged": staged,
            "draining": draining,
            "stopping": stopping,
            "restarts": state.restarts,
            "problem": state.problem,
        })
    }

    /// `ctl stage`: a process for a version, ready on its staging port.
    pub async fn stage(&self, version: &str) -> Result<Value, ServeError> {
        // From here on `unstage` ends this, also while it waits for its turn or loads a large model.
        let mut unstaged = self.unstaged.subscribe();
        let _operation = self.operation.lock().await;
        self.refuse_when_stopping()?;
        self.layout.version(version)?;
        let staged = self.state.lock().staged.clone();
        let staged = match staged {
            Some(staged) if staged.version == version && staged.is_ready() => staged,
            other => {
                if let Some(other) = other {
                    self.retire(other, Duration::ZERO, Duration::from_secs(5)).await;
                }
                self.state.lock().staged = None;
                let fresh = tokio::select! {
                    biased;
                    _ = unstaged.changed() => return Err(ServeError::Unstaged(version.to_owned())),
                    fresh = self.start(version, None, true) => fresh?,
                };
                tracing::info!("version {version} is staged (process {})", fresh.pid);
                self.state.lock().staged = Some(Arc::clone(&fresh));
                fresh
            }
        };
        Ok(json!({"version": staged.version, "pid": staged.pid, "url": staged.known().url}))
    }

    /// `ctl unstage`: ends the staged process, or what is being started to be staged.
    pub async fn unstage(&self) -> Result<Value, ServeError> {
        self.unstaged.send_modify(|count| *count += 1);
        let _operation = self.operation.lock().await;
        let staged = self.state.lock().staged.take();
        let was = staged.as_ref().map(|staged| staged.version.clone());
        if let Some(staged) = staged {
            self.retire(staged, Duration::ZERO, Duration::from_secs(5)).await;
        }
        Ok(json!({"unstaged": was}))
    }

    /// `ctl switch`: the staged version becomes the live one. When this returns, new connections meet it.
    pub async fn switch(&self, version: &str) -> Result<Value, ServeError> {
        let _operation = self.operation.lock().await;
        self.refuse_when_stopping()?;
        self.layout.version(version)?;
        let (staged, was) = {
            let state = self.state.lock();
            let staged = state.staged.clone().filter(|staged| staged.version == version && staged.is_ready());
            (staged, state.wanted.clone())
        };
        let Some(staged) = staged else {
            if was.as_deref() == Some(version) {
                // Asked again after the answer was lost: nothing is left to do.
                return Ok(json!({"live": self.status()["live"], "was": was}));
            }
            return Err(ServeError::NotStaged(version.to_owned()));
        };
        self.gate.open().await;
        let taken = match staged.accept().await {
            Ok(()) => self.layout.set_current(version),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            self.state.lock().staged = None;
            self.retire(staged, Duration::from_secs(1), Duration::from_secs(10)).await;
            if self.state.lock().live.is_none() {
                self.close_gate().await;
            }
            return Err(error);
        }
        let old = {
            let mut state = self.state.lock();
            state.staged = None;
            state.wanted = Some(version.to_owned());
            state.live_binary = Some(staged.binary.clone());
            (state.failures, state.problem) = (0, None);
            state.live.replace(Arc::clone(&staged))
        };
        self.changed.notify_one();
        tracing::info!("switched to version {version} (process {})", staged.pid);
        if let Some(old) = old {
            let grace = Duration::from_millis(self.limits.drain_grace_ms);
            old.give_way(grace, self.limits.switch_deadline()).await;
            self.keep_retired(old);
        }
        let live = json!({"version": version, "pid": staged.pid, "ready": staged.is_ready()});
        Ok(json!({"live": live, "was": was}))
    }

    async fn retire(&self, process: Arc<Process>, grace: Duration, deadline: Duration) {
        process.retire(grace, deadline).await;
        self.keep_retired(process);
    }

    fn keep_retired(&self, process: Arc<Process>) {
        let mut state = self.state.lock();
        state.retired.retain(|process| !process.has_ended());
        state.retired.push(process);
    }

    /// `ctl stop`: answers who is connected, refuses everybody else, and drains. When this returns, no child is left.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        self.changed.notify_one();
        // What is being loaded is not waited for.
        self.unstaged.send_modify(|count| *count += 1);
        let _operation = self.operation.lock().await;
        let (live, staged) = {
            let mut state = self.state.lock();
            (state.live.take(), state.staged.take())
        };
        // Somebody answers who is connected: the live revision, else the supervisor itself.
        if live.as_ref().is_some_and(|live| !live.has_ended()) {
            self.gate.open().await;
        } else {
            self.close_gate().await;
            self.gate.end().await;
        }
        let (grace, deadline) = (Duration::from_millis(200), self.limits.drain_deadline());
        if let Some(staged) = staged {
            self.retire(staged, Duration::ZERO, Duration::from_secs(1)).await;
        }
        if let Some(live) = live {
            live.retire_last(grace, deadline).await;
            self.state.lock().retired.push(live);
        }
        // Nobody is connected who is not accepted; from here on connections are refused.
        self.listener.lock().take();
        // They stay in the list, so that the status tells of them.
        let retired = self.state.lock().retired.clone();
        for process in &retired {
            // One that was switched away from had more time than a stop gives.
            process.retire(grace, deadline).await;
        }
        for process in retired {
            process.wait_ended().await;
        }
    }
}

/// A process that is not ready yet; killed when dropped.
struct Starting(Option<Arc<Process>>);

impl Starting {
    async fn wait_ready(&self, patience: Duration) -> Result<(), ServeError> {
        match &self.0 {
            Some(process) => process.wait_ready(patience).await,
            None => Ok(()),
        }
    }

    /// It is ready, and stays.
    fn done(mut self) -> Option<Arc<Process>> {
        self.0.take()
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(process) = &self.0 {
            process.kill();
        }
    }
}

/// 0.25 s after the quick restarts, doubled each time up to 30 s.
fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(QUICK_RESTARTS + 1).min(7);
    (Duration::from_millis(250) * 2u32.pow(doublings)).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_a_limit() {
        assert_eq!(backoff(4), Duration::from_millis(250));
        assert_eq!(backoff(5), Duration::from_millis(500));
        assert_eq!(backoff(11), Duration::from_secs(30));
        assert_eq!(backoff(u32::MAX), Duration::from_secs(30));
    }
}
