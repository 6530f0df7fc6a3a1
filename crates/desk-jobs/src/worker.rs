//! One worker process, seen from the desk.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use desk_core::{Cancel, Fault, Progress};
use parking_lot::{Condvar, Mutex};
use serde_json::Value;

use crate::death::{Death, Killed};
use crate::error::JobError;
use crate::message::{FromWorker, ToWorker};
use crate::policy::{Policy, SandboxReport};
use crate::scratch::Scratch;
use crate::spawner;
use crate::tail::{self, Tail};
use crate::wire::{self, Frame};

/// How often a waiting caller looks at its cancel flag.
pub(crate) const LOOK: Duration = Duration::from_millis(10);
/// How long a worker may take from its start to its greeting.
const START_SECONDS: u64 = 30;
/// Progress reports that wait for a slow caller; further ones are dropped, so that a worker that
/// has gone mad fills no memory here.
const PROGRESS_WAITING: usize = 16;
/// Variables that a worker inherits; all others are kept from it.
const INHERITED: &[&str] = &[
    "LANG",
    "LC_ALL",
    "TZ",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "VK_ICD_FILENAMES",
    "VK_DRIVER_FILES",
];

/// How workers are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program, which calls [`crate::serve`] first thing.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables besides the few that workers inherit.
    pub env: Vec<(OsString, OsString)>,
    /// Files and folders that every worker may read besides those of its policy, such as the
    /// folder of the ONNX Runtime library.
    pub read: Vec<PathBuf>,
}

impl WorkerCommand {
    /// A program and its arguments.
    pub fn new<A: Into<OsString>>(program: impl Into<PathBuf>, args: impl IntoIterator<Item = A>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program: program.into(), args, env: Vec::new(), read: Vec::new() }
    }

    /// Also sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Also lets every worker read `path`.
    #[must_use]
    pub fn read(mut self, path: impl Into<PathBuf>) -> Self {
        self.read.push(path.into());
        self
    }
}

/// What a waiting caller hears.
pub(crate) enum Event {
    Progress(Progress),
    Answer(Result<(Value, Vec<u8>), Fault>),
}

/// A request that the worker has and has not answered.
struct Pending {
    op: String,
    caller: Sender<Event>,
    /// When its caller went away; the worker gets a grace to notice.
    abandoned: Option<Instant>,
}

#[derive(Default)]
struct State {
    pending: HashMap<u64, Pending>,
    report: Option<SandboxReport>,
    killed: Option<Killed>,
    death: Option<Death>,
    last_used: Option<Instant>,
}

/// A running worker process.
pub(crate) struct Worker {
    pub pid: u32,
    pub policy: Policy,
    link: Mutex<UnixStream>,
    child: Mutex<Child>,
    state: Mutex<State>,
    /// Ready, or dead.
    begun: Condvar,
    tail: Arc<Tail>,
    /// Told whenever a request ends or the worker dies.
    changed: Arc<Condvar>,
    next: AtomicU64,
    /// Removed when the process has ended.
    scratch: Mutex<Option<Scratch>>,
}

impl Worker {
    /// Starts a process and greets it; [`Worker::wait_ready`] waits for its answer.
    pub(crate) fn start(
        command: &WorkerCommand,
        policy: &Policy,
        concurrency: usize,
        changed: Arc<Condvar>,
    ) -> Result<Arc<Self>, JobError> {
        let scratch = Scratch::new().map_err(JobError::Scratch)?;
        let failed = |error: io::Error| JobError::Start { program: command.program.clone(), reason: error.to_string() };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let (output, input) = io::pipe().map_err(failed)?;
        let mut process = Command::new(&command.program);
        process.args(&command.args).env_clear();
        process.envs(INHERITED.iter().filter_map(|name| std::env::var_os(name).map(|value| (*name, value))));
        // Libraries that write below the home find an empty one, which goes with the worker.
        for name in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            process.env(name, scratch.path());
        }
        process.env("ORT_DISABLE_TELEMETRY", "1").envs(command.env.iter().map(|(name, value)| (name, value)));
        process.stdin(OwnedFd::from(theirs)).stdout(input.try_clone().map_err(failed)?).stderr(Stdio::from(input));
        // Ctrl+C in a terminal is for the desk, which cancels in order.
        process.process_group(0);
        let child = spawner::spawn(process).map_err(failed)?;
        let mut granted = policy.clone();
        granted.read.extend(command.read.iter().cloned());
        // Folders of libraries that the user added are of no use unless they can be read.
        let libraries = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        granted.read.extend(std::env::split_paths(&libraries).filter(|folder| folder.is_absolute()));
        let hello = ToWorker::Hello { policy: granted, scratch: scratch.path().to_path_buf(), concurrency };
        let worker = Arc::new(Self {
            pid: child.id(),
            policy: policy.clone(),
            link: Mutex::new(ours.try_clone().map_err(failed)?),
            child: Mutex::new(child),
            state: Mutex::default(),
            begun: Condvar::new(),
            tail: Arc::default(),
            changed,
            next: AtomicU64::new(1),
            scratch: Mutex::new(Some(scratch)),
        });
        worker.link.lock().set_write_timeout(Some(LOOK)).map_err(failed)?;
        tail::spawn(&worker.tail, worker.pid, output).map_err(failed)?;
        let reader = Arc::clone(&worker);
        let listen = move || reader.listen(ours);
        thread::Builder::new().name("worker-reader".into()).spawn(listen).map_err(failed)?;
        // A worker that died already is noticed by its reader.
        drop(worker.send(&hello, &[], &Cancel::new()));
        Ok(worker)
    }

    /// Waits until the worker has locked itself in.
    pub(crate) fn wait_ready(&self, cancel: &Cancel) -> Result<SandboxReport, Fault> {
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS);
        let mut state = self.state.lock();
        loop {
            if let Some(report) = &state.report {
                return Ok(report.clone());
            }
            if let Some(death) = &state.death {
                return Err(death.fault("start", &self.policy));
            }
            if Instant::now() > deadline {
                return Err(JobError::NotReady { seconds: START_SECONDS }.into());
            }
            cancel.check()?;
            let _timed_out = self.begun.wait_for(&mut state, LOOK);
        }
    }

    /// What its sandbox enforces, once it is ready.
    pub(crate) fn report(&self) -> Option<SandboxReport> {
        self.state.lock().report.clone()
    }

    /// Requests that it has not answered yet.
    pub(crate) fn busy(&self) -> usize {
        self.state.lock().pending.len()
    }

    pub(crate) fn is_dead(&self) -> bool {
        let state = self.state.lock();
        state.death.is_some() || state.killed.is_some()
    }

    pub(crate) fn last_used(&self) -> Option<Instant> {
        self.state.lock().last_used
    }

    /// The earliest moment when a request was given up that is still running.
    pub(crate) fn abandoned_since(&self) -> Option<Instant> {
        self.state.lock().pending.values().filter_map(|pending| pending.abandoned).min()
    }

    /// Waits until a worker that was killed is gone, with its temporary files.
    pub(crate) fn wait_dead(&self, deadline: Instant) {
        let mut state = self.state.lock();
        while state.death.is_none() && !self.begun.wait_until(&mut state, deadline).timed_out() {}
    }

    /// Takes a place for a request, so that nobody retires the worker; `None` when it is dead.
    pub(crate) fn reserve(&self, op: &str) -> Option<(u64, Receiver<Event>)> {
        let mut state = self.state.lock();
        if state.death.is_some() || state.killed.is_some() {
            return None;
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // One place more than progress may take, for the answer.
        let (caller, events) = bounded(PROGRESS_WAITING + 1);
        state.pending.insert(id, Pending { op: op.to_owned(), caller, abandoned: None });
        state.last_used = Some(Instant::now());
        Some((id, events))
    }

    /// Gives the place of a request back that was never sent.
    pub(crate) fn release(&self, id: u64) {
        self.state.lock().pending.remove(&id);
        self.changed.notify_all();
    }

    /// Sends a request whose place was reserved and waits for its answer.
    pub(crate) fn request(
        &self,
        (id, events): (u64, Receiver<Event>),
        op: &str,
        body: Value,
        payload: &[u8],
        cancel: &Cancel,
        progress: &dyn desk_core::ProgressSink,
    ) -> Result<(Value, Vec<u8>), Fault> {
        match self.send(&ToWorker::Request { id, op: op.to_owned(), body }, payload, cancel) {
            Ok(()) | Err(JobError::Link(_)) => {} // A broken connection is explained by its reader.
            Err(error) => {
                self.release(id);
                return Err(error.into());
            }
        }
        loop {
            match events.recv_timeout(LOOK) {
                Ok(Event::Progress(report)) => progress.report(report),
                Ok(Event::Answer(answer)) => return answer,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Fault::bug("The worker's answer was lost"));
                }
            }
            if cancel.is_cancelled() {
                self.abandon(id);
                return Err(Fault::cancelled());
            }
        }
    }

    /// Tells the worker that nobody waits for a request any more.
    fn abandon(&self, id: u64) {
        if let Some(pending) = self.state.lock().pending.get_mut(&id) {
            pending.abandoned = Some(Instant::now());
        }
        // A worker that does not read any more misses this; then its grace runs out.
        drop(self.send(&ToWorker::Cancel { id }, &[], &already()));
        self.changed.notify_all();
    }

    /// Writes a frame. Gives up when `cancel` is set; when a part was written by then the connection
    /// cannot be used any more, and the worker is ended.
    fn send(&self, message: &ToWorker, payload: &[u8], cancel: &Cancel) -> Result<(), JobError> {
        let frame = Frame::new(message, payload)?;
        let mut link = loop {
            if let Some(link) = self.link.try_lock_for(LOOK) {
                break link;
            }
            cancel.check()?;
        };
        let mut begun = false;
        for part in [frame.head.as_slice(), frame.payload] {
            let mut rest = part;
            while !rest.is_empty() {
                match link.write(rest) {
                    Ok(written) => {
                        begun = true;
                        rest = &rest[written..];
                    }
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                        if cancel.is_cancelled() {
                            if begun {
                                self.kill(Killed::Unresponsive);
                            }
                            cancel.check()?;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(JobError::Link(error)),
                }
            }
        }
        Ok(())
    }

    /// Ends the process at once.
    pub(crate) fn kill(&self, why: Killed) {
        self.state.lock().killed.get_or_insert(why);
        if let Err(error) = self.child.lock().kill() {
            tracing::debug!(pid = self.pid, "The worker could not be killed: {error}");
        }
        self.begun.notify_all();
        self.changed.notify_all();
    }

    /// Reads what the worker says until it is gone; a thread of its own.
    fn listen(&self, stream: UnixStream) {
        let mut incoming = BufReader::with_capacity(64 << 10, stream);
        let problem = loop {
            match wire::read(&mut incoming) {
                Ok(Some((message, payload))) => self.hear(message, payload),
                Ok(None) => break None,
                Err(JobError::Link(error)) => break Some(error.to_string()),
                Err(error) => {
                    self.kill(Killed::Confused);
                    break Some(error.to_string());
                }
            }
        };
        self.bury(problem);
    }

    fn hear(&self, message: FromWorker, payload: Vec<u8>) {
        match message {
            FromWorker::Ready { report } => self.begin(report),
            FromWorker::Progress { id, progress } => {
                if let Some(pending) = self.state.lock().pending.get(&id)
                    && pending.caller.len() < PROGRESS_WAITING
                {
                    drop(pending.caller.try_send(Event::Progress(progress)));
                }
            }
            FromWorker::Response { id, body } => self.finish(id, Ok((body, payload))),
            FromWorker::Failed { id, fault } => self.finish(id, Err(fault)),
        }
    }

    fn begin(&self, report: SandboxReport) {
        self.state.lock().report.get_or_insert(report);
        self.begun.notify_all();
    }

    fn finish(&self, id: u64, answer: Result<(Value, Vec<u8>), Fault>) {
        let mut state = self.state.lock();
        state.last_used = Some(Instant::now());
        let pending = state.pending.remove(&id);
        drop(state);
        if let Some(pending) = pending {
            // Nobody listens to the answer of an abandoned request.
            drop(pending.caller.try_send(Event::Answer(answer)));
        }
        self.changed.notify_all();
    }

    /// Finds out how the process ended and tells everybody who waits.
    fn bury(&self, link: Option<String>) {
        let status = self.wait();
        let output = self.tail.lines();
        if let Some(Err(error)) = self.scratch.lock().take().map(Scratch::close) {
            tracing::debug!(pid = self.pid, "The worker's temporary files could not be removed: {error}");
        }
        let mut state = self.state.lock();
        let death = Death { status, killed: state.killed, link, output };
        for (_, pending) in state.pending.drain() {
            drop(pending.caller.try_send(Event::Answer(Err(death.fault(&pending.op, &self.policy)))));
        }
        state.death = Some(death);
        drop(state);
        self.begun.notify_all();
        self.changed.notify_all();
    }

    /// The exit status. A process that closed its connection and lives on is killed after a moment.
    fn wait(&self) -> Option<std::process::ExitStatus> {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let mut child = self.child.lock();
            match child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() > deadline => {
                    return child.kill().and_then(|()| child.wait()).ok();
                }
                Ok(None) => {}
                Err(_) => return None,
            }
            drop(child);
            // Only between the end of the connection and the end of the process.
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Worker({})", self.pid)
    }
}

/// A flag that is set: for messages that are tried once and not waited for.
fn already() -> Cancel {
    let cancel = Cancel::new();
    cancel.cancel();
    cancel
}
