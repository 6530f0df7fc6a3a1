//! The child side: a process that locks itself in and answers requests until it is told to leave.

use std::any::Any;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use desk_core::{Cancel, Fault, FaultKind, Progress, ProgressSink};
use parking_lot::Mutex;
use serde_json::Value;

use crate::error::JobError;
use crate::message::{FromWorker, ToWorker};
use crate::sandbox;
use crate::wire::{self, Frame};

/// Requests that may wait in a worker; the desk sends no more than it works on.
const QUEUE: usize = 64;
/// Progress is told about twenty times a second.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// What a worker does with a request. Called on several threads at a time.
pub trait Handler: Send + Sync {
    /// Does `op` and returns a JSON body and raw bytes.
    ///
    /// Looks at `ctx.cancel` often. A panic ends the request, not the worker.
    fn handle(&self, op: &str, body: Value, payload: Vec<u8>, ctx: &JobContext) -> Result<(Value, Vec<u8>), Fault>;
}

impl<F> Handler for F
where
    F: Fn(&str, Value, Vec<u8>, &JobContext) -> Result<(Value, Vec<u8>), Fault> + Send + Sync,
{
    fn handle(&self, op: &str, body: Value, payload: Vec<u8>, ctx: &JobContext) -> Result<(Value, Vec<u8>), Fault> {
        self(op, body, payload, ctx)
    }
}

/// What a request has besides its body.
pub struct JobContext {
    /// Set when the answer is not wanted any more.
    pub cancel: Cancel,
    id: u64,
    link: Arc<Link>,
    scratch: Arc<PathBuf>,
    told: Mutex<Option<(Instant, String)>>,
}

impl JobContext {
    /// A folder of this worker's own for temporary files; it goes when the worker goes.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Reports progress. Cheap: reports that come too fast are dropped, except for the first and
    /// last of a stage.
    pub fn progress(&self, progress: Progress) {
        let mut told = self.told.lock();
        let last = progress.total == Some(progress.done);
        let due =
            told.as_ref().is_none_or(|(when, stage)| when.elapsed() >= PROGRESS_EVERY || *stage != progress.stage);
        if due || last {
            *told = Some((Instant::now(), progress.stage.clone()));
            self.link.send(&FromWorker::Progress { id: self.id, progress }, &[]);
        }
    }
}

impl ProgressSink for JobContext {
    fn report(&self, progress: Progress) {
        self.progress(progress);
    }
}

/// The writing end of the connection to the desk.
struct Link(Mutex<UnixStream>);

impl Link {
    /// Sends, or leaves: a worker that cannot reach the desk has nothing to live for.
    fn send(&self, message: &FromWorker, payload: &[u8]) {
        let frame = Frame::new(message, payload).or_else(|error| {
            let Some(id) = request_of(message) else { return Err(error) };
            Frame::new(&FromWorker::Failed { id, fault: error.into() }, &[])
        });
        let written = frame
            .map_err(|error| error.to_string())
            .and_then(|frame| frame.write_to(&mut *self.0.lock()).map_err(|error| error.to_string()));
        if written.is_err() {
            leave(1);
        }
    }
}

fn request_of(message: &FromWorker) -> Option<u64> {
    match message {
        FromWorker::Response { id, .. } | FromWorker::Failed { id, .. } | FromWorker::Progress { id, .. } => Some(*id),
        FromWorker::Ready { .. } => None,
    }
}

struct Request {
    op: String,
    body: Value,
    payload: Vec<u8>,
    context: JobContext,
}

/// Answers requests of the desk that started this process; the connection is its standard input.
///
/// Call it first thing in `main`, before there are threads. The process locks itself in with the
/// policy that the desk sends, and ends without returning when the desk says so or is gone. It
/// returns only when it cannot begin, after saying why on standard error.
pub fn serve(handler: Arc<dyn Handler>) -> ExitCode {
    let Err(error) = begin(handler);
    complain(&error);
    ExitCode::from(2)
}

#[expect(clippy::print_stderr, reason = "without a connection to the desk there is nobody else to tell")]
fn complain(error: &JobError) {
    eprintln!("error: {error}");
}

fn begin(handler: Arc<dyn Handler>) -> Result<Infallible, JobError> {
    let stream = take_connection()?;
    die_with_parent();
    let link = Arc::new(Link(Mutex::new(stream.try_clone().map_err(JobError::Link)?)));
    let mut incoming = BufReader::with_capacity(64 << 10, stream);
    let Some((ToWorker::Hello { policy, scratch, concurrency }, _)) = wire::read(&mut incoming)? else {
        return Err(JobError::Protocol("the first message is not a greeting".to_owned()));
    };
    let report = sandbox::apply(&policy, &scratch);
    link.send(&FromWorker::Ready { report }, &[]);
    let desk =
        Desk { handler, link, scratch: Arc::new(scratch), cpu_seconds: policy.cpu_seconds, running: Arc::default() };
    desk.listen(&mut incoming, concurrency.max(1));
    leave(0)
}

/// The state of a worker that is ready.
struct Desk {
    handler: Arc<dyn Handler>,
    link: Arc<Link>,
    scratch: Arc<PathBuf>,
    cpu_seconds: Option<u64>,
    running: Arc<Mutex<HashMap<u64, Cancel>>>,
}

impl Desk {
    /// Reads messages until the desk says `Shutdown`, is gone, or makes no sense.
    fn listen(&self, incoming: &mut BufReader<UnixStream>, concurrency: usize) {
        let (queue, requests) = bounded::<Request>(QUEUE);
        let idle = Arc::new(AtomicUsize::new(0));
        let mut threads = 0;
        loop {
            match wire::read(incoming) {
                Ok(Some((ToWorker::Request { id, op, body }, payload))) => {
                    if idle.load(Ordering::SeqCst) <= queue.len() && threads < concurrency {
                        threads += usize::from(self.start_thread(&requests, &idle));
                    }
                    self.take(&queue, id, op, body, payload);
                }
                Ok(Some((ToWorker::Cancel { id }, _))) => {
                    if let Some(cancel) = self.running.lock().get(&id) {
                        cancel.cancel();
                    }
                }
                Ok(Some((ToWorker::Hello { .. } | ToWorker::Shutdown, _)) | None) => return,
                Err(error) => {
                    complain(&error);
                    leave(3);
                }
            }
        }
    }

    fn take(&self, queue: &Sender<Request>, id: u64, op: String, body: Value, payload: Vec<u8>) {
        let cancel = Cancel::new();
        self.running.lock().insert(id, cancel.clone());
        if let Some(seconds) = self.cpu_seconds {
            sandbox::allow_cpu(seconds);
        }
        let link = Arc::clone(&self.link);
        let context = JobContext { cancel, id, link, scratch: Arc::clone(&self.scratch), told: Mutex::new(None) };
        if queue.try_send(Request { op, body, payload, context }).is_err() {
            self.running.lock().remove(&id);
            let fault = Fault::bug("The worker has too many requests waiting");
            self.link.send(&FromWorker::Failed { id, fault }, &[]);
        }
    }

    /// Starts a thread that works on requests; false when the system has none left.
    fn start_thread(&self, requests: &Receiver<Request>, idle: &Arc<AtomicUsize>) -> bool {
        let (handler, link, running) = (Arc::clone(&self.handler), Arc::clone(&self.link), Arc::clone(&self.running));
        let (requests, idle) = (requests.clone(), Arc::clone(idle));
        idle.fetch_add(1, Ordering::SeqCst);
        let counted = Arc::clone(&idle);
        let work = move || {
            for request in requests {
                idle.fetch_sub(1, Ordering::SeqCst);
                let id = request.context.id;
                let (message, payload) = answer(handler.as_ref(), request);
                running.lock().remove(&id);
                idle.fetch_add(1, Ordering::SeqCst);
                link.send(&message, &payload);
            }
        };
        let started = thread::Builder::new().name("job".into()).spawn(work);
        if let Err(error) = &started {
            counted.fetch_sub(1, Ordering::SeqCst);
            tracing::warn!("No further thread could be started: {error}");
        }
        started.is_ok()
    }
}

fn answer(handler: &dyn Handler, request: Request) -> (FromWorker, Vec<u8>) {
    let Request { op, body, payload, context } = request;
    let id = context.id;
    let handled = catch_unwind(AssertUnwindSafe(|| handler.handle(&op, body, payload, &context)));
    let failed = |fault| (FromWorker::Failed { id, fault }, Vec::new());
    match handled {
        Ok(Ok((body, payload))) => (FromWorker::Response { id, body }, payload),
        Ok(Err(fault)) => failed(fault),
        Err(panic) => {
            let what = panic_text(panic.as_ref());
            failed(Fault::new(FaultKind::Bug, format!("The worker failed while it was doing `{op}`: {what}")))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

/// Moves the connection away from standard input, so that nothing else can read from it.
#[expect(unsafe_code, reason = "redirecting standard input has no safe call")]
fn take_connection() -> Result<UnixStream, JobError> {
    let not_started_by_desk =
        || JobError::Protocol("this command is started by Modeldesk itself, not by hand".to_owned());
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().map_err(JobError::Link)?);
    stream.peer_addr().map_err(|_no_socket| not_started_by_desk())?;
    let nothing = std::fs::File::open("/dev/null").map_err(JobError::Link)?;
    // SAFETY: both are open descriptors; standard input stays open, as everybody expects.
    let moved = unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&nothing), libc::STDIN_FILENO) };
    if moved < 0 { Err(JobError::Link(io::Error::last_os_error())) } else { Ok(stream) }
}

/// Asks the kernel to end this process with the desk, even when it does not read its messages.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe call sets the parent-death signal")]
fn die_with_parent() {
    // SAFETY: takes numbers only.
    let done = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if done != 0 {
        tracing::warn!("The worker may outlive the desk: {}", io::Error::last_os_error());
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() {}

/// Ends the process at once. Handlers may still be running in native code, and the destructors of
/// its libraries would pull the ground from under them.
#[expect(unsafe_code, reason = "the usual exit runs destructors")]
fn leave(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { libc::_exit(code) }
}
