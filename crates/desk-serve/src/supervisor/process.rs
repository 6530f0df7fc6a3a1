//! A revision as the supervisor sees it: a child process, what it has reported, and orders to it.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use desk_core::Fault;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::child::{Order, Report};
use crate::error::ServeError;
use crate::http::LAST_WORDS;
use crate::layout::Layout;

/// Lines of a revision's log that are told when it ends unexpectedly.
const LAST_LINES: usize = 8;
/// Longer lines are cut.
const MAX_LINE: usize = 2_000;

/// What a revision has reported so far.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The staging URL, once it is ready.
    pub url: Option<String>,
    /// It accepts on the main listener.
    pub accepting: bool,
    /// It has stopped accepting.
    pub draining: bool,
    /// Why it cannot serve.
    pub failed: Option<Fault>,
    /// How it ended.
    pub ended: Option<String>,
}

/// A revision's process.
pub struct Process {
    /// The version that it serves.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// The binary that it runs.
    pub binary: PathBuf,
    /// When it was started.
    pub started: Instant,
    known: watch::Receiver<Known>,
    orders: tokio::sync::Mutex<OwnedWriteHalf>,
    kill: Arc<Notify>,
}

impl Process {
    /// Starts a process for a version that is in its folder.
    pub fn start(
        layout: &Layout,
        version: &str,
        binary: &Path,
        listener: &TcpListener,
        verify: bool,
    ) -> Result<Arc<Self>, ServeError> {
        let folder = layout.version(version)?;
        let io = |cause| ServeError::Io { action: "start the version's process", path: binary.to_owned(), cause };
        let (ours, theirs) = UnixStream::pair().map_err(io)?;
        ours.set_nonblocking(true).map_err(io)?;
        let mut command = Command::new(binary);
        command.arg("revision").arg("--root").arg(layout.root()).arg("--dir").arg(folder);
        if !verify {
            command.arg("--verified");
        }
        if let Some(library) = layout.library() {
            command.env(desk_runtime::locate::LIBRARY_VARIABLE, library);
        }
        command
            .env(desk_runtime::TELEMETRY_SWITCH, "1")
            .current_dir(layout.root())
            .stdin(Stdio::from(OwnedFd::from(listener.try_clone().map_err(io)?)))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for the supervisor, which then drains its children.
            .process_group(0);
        let mut child = command.spawn().map_err(io)?;
        // The command holds the child's ends; they must close with the child.
        drop(command);
        let pid = child.id().unwrap_or_default();
        let (read, write) = tokio::net::UnixStream::from_std(ours).map_err(io)?.into_split();
        let (tell, known) = watch::channel(Known::default());
        let kill = Arc::new(Notify::new());
        let log = child.stderr.take();
        tokio::spawn(follow(child, read, log, tell, Arc::clone(&kill), version[..12].to_owned()));
        Ok(Arc::new(Self {
            version: version.to_owned(),
            pid,
            binary: binary.to_owned(),
            started: Instant::now(),
            known,
            orders: tokio::sync::Mutex::new(write),
            kill,
        }))
    }

    /// What it has reported so far.
    pub fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// True while it is ready and has not ended.
    pub fn is_ready(&self) -> bool {
        let known = self.known.borrow();
        known.url.is_some() && known.ended.is_none()
    }

    /// True once the process is gone.
    pub fn has_ended(&self) -> bool {
        self.known.borrow().ended.is_some()
    }

    /// Waits until it is ready.
    pub async fn wait_ready(&self, patience: Duration) -> Result<(), ServeError> {
        let is_known = |known: &Known| known.url.is_some() || known.ended.is_some();
        let known = self
            .wait(patience, is_known)
            .await
            .ok_or_else(|| ServeError::ChildSlow { version: self.version.clone(), seconds: patience.as_secs() })?;
        match known {
            Known { failed: Some(fault), .. } => Err(ServeError::Child(fault)),
            Known { ended: Some(how), .. } => Err(ServeError::ChildEnded { version: self.version.clone(), how }),
            _ => Ok(()),
        }
    }

    /// Waits until something is known; `None` when it took too long.
    pub async fn wait(&self, patience: Duration, until: impl FnMut(&Known) -> bool) -> Option<Known> {
        let mut known = self.known.clone();
        let waited = timeout(patience, known.wait_for(until)).await.ok()?;
        waited.ok().map(|known| known.clone())
    }

    /// Waits until the process is gone, however long that takes.
    pub async fn wait_ended(&self) {
        // An error means that the follower is gone, and with it the process.
        if self.known.clone().wait_for(|known| known.ended.is_some()).await.is_err() {
            tracing::debug!("revision {} is no longer followed", self.pid);
        }
    }

    /// Makes it accept on the main listener.
    pub async fn accept(&self) -> Result<(), ServeError> {
        self.order(&Order::Accept).await;
        let known = self.wait(Duration::from_secs(5), |known| known.accepting || known.ended.is_some()).await;
        match known {
            Some(known) if known.ended.is_none() => Ok(()),
            _ => Err(ServeError::ChildEnded {
                version: self.version.clone(),
                how: "it did not take over the listener".to_owned(),
            }),
        }
    }

    /// Makes it stop accepting; returns when it has. It ends by itself, or is killed after the deadline. Called
    /// again, it may end sooner.
    pub async fn retire(self: &Arc<Self>, grace: Duration, deadline: Duration) {
        self.drain(grace, deadline, false, false).await;
    }

    /// As [`Process::retire`], with another version that accepts on the main listener already.
    pub async fn give_way(self: &Arc<Self>, grace: Duration, deadline: Duration) {
        self.drain(grace, deadline, false, true).await;
    }

    /// As [`Process::retire`], with nobody to accept on the main listener after it.
    pub async fn retire_last(self: &Arc<Self>, grace: Duration, deadline: Duration) {
        self.drain(grace, deadline, true, false).await;
    }

    async fn drain(self: &Arc<Self>, grace: Duration, deadline: Duration, last: bool, inherited: bool) {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.order(&Order::Drain { grace_ms: ms(grace), deadline_ms: ms(deadline), last, inherited }).await;
        let stopped = self.wait(Duration::from_secs(2), |known| known.draining || known.ended.is_some()).await;
        if stopped.is_none() {
            tracing::error!("revision {} does not drain and is killed", self.pid);
            self.kill();
        }
        let process = Arc::clone(self);
        tokio::spawn(async move {
            let patience = deadline + LAST_WORDS + Duration::from_secs(1);
            if process.wait(patience, |known| known.ended.is_some()).await.is_none() {
                tracing::error!("revision {} is still there after its deadline and is killed", process.pid);
                process.kill();
            }
        });
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.kill.notify_one();
    }

    async fn order(&self, order: &Order) {
        let line = serde_json::to_string(order).expect("plain fields") + "\n";
        let mut socket = self.orders.lock().await;
        // A process that is gone is noticed where it is followed.
        if let Err(error) = socket.write_all(line.as_bytes()).await {
            tracing::debug!("revision {} does not listen: {error}", self.pid);
        }
    }
}

/// Reads what a process reports and logs, until it has ended.
async fn follow(
    mut child: Child,
    reports: impl AsyncRead + Unpin + Send + 'static,
    log: Option<impl AsyncRead + Unpin + Send + 'static>,
    tell: watch::Sender<Known>,
    kill: Arc<Notify>,
    short: String,
) {
    let pid = child.id().unwrap_or_default();
    let last = Arc::new(Mutex::new(VecDeque::new()));
    let logging = log.map(|log| tokio::spawn(pass_on(log, short, Arc::clone(&last))));
    let mut reports = BufReader::new(reports).lines();
    let mut listening = true;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = kill.notified() => if let Err(error) = child.start_kill() {
                tracing::error!("revision {pid} cannot be killed: {error}");
            },
            line = reports.next_line(), if listening => match line {
                Ok(Some(line)) => take_report(&line, &tell),
                _ => listening = false,
            },
        }
    };
    // What it said last may still be in the pipes.
    while let Ok(Ok(Some(line))) = timeout(Duration::from_millis(200), reports.next_line()).await {
        take_report(&line, &tell);
    }
    if let Some(logging) = logging
        && timeout(Duration::from_millis(200), logging).await.is_err()
    {
        tracing::debug!("somebody else holds the log of revision {pid}");
    }
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    let lines: Vec<String> = last.lock().drain(..).collect();
    let how = if lines.is_empty() { status } else { format!("{status}; {}", lines.join(" | ")) };
    tracing::info!("revision {pid} ended: {how}");
    tell.send_modify(|known| known.ended = Some(how));
}

fn take_report(line: &str, tell: &watch::Sender<Known>) {
    match serde_json::from_str(line) {
        Ok(Report::Ready { url }) => tell.send_modify(|known| known.url = Some(url)),
        Ok(Report::Accepting) => tell.send_modify(|known| known.accepting = true),
        Ok(Report::Draining) => tell.send_modify(|known| known.draining = true),
        Ok(Report::Failed { error }) => tell.send_modify(|known| known.failed = Some(error)),
        Err(error) => tracing::error!("a report cannot be understood: {error}"),
    }
}

/// Copies a revision's log lines into ours and keeps the last ones.
async fn pass_on(log: impl AsyncRead + Unpin, short: String, last: Arc<Mutex<VecDeque<String>>>) {
    let mut log = BufReader::new(log);
    let mut line = Vec::new();
    while let Ok(read) = log.read_until(b'\n', &mut line).await {
        if read == 0 {
            break;
        }
        line.truncate(MAX_LINE);
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        tracing::info!("[{short}] {text}");
        let mut last = last.lock();
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text);
    }
}
