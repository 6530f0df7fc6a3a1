//! Workers for whoever has work: found again while they are warm, replaced when they crash.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use desk_core::{Cancel, Fault, ProgressSink};
use parking_lot::{Condvar, Mutex, MutexGuard};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::death::{Killed, is_for_another};
use crate::error::JobError;
use crate::policy::{Policy, SandboxReport};
use crate::worker::{Event, LOOK, Worker, WorkerCommand};

/// How often workers are looked after, while there are any.
const UPKEEP: Duration = Duration::from_millis(500);
/// How often a request is asked whose workers are ended for another's sake.
const TRIES: u32 = 5;
/// How long the end of a pool waits for its workers to be gone.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many workers, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Worker processes at most, at least 1.
    pub max_workers: usize,
    /// Requests that one worker does at a time, at least 1.
    pub per_worker: usize,
    /// A worker without work for so many seconds is ended.
    pub idle_secs: u64,
    /// How long a cancelled request may go on before its worker is killed.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_workers: 4, per_worker: 4, idle_secs: 120, grace: Duration::from_secs(1) }
    }
}

/// A worker as it is now.
#[derive(Debug, Clone)]
pub struct WorkerStatus {
    /// Process number.
    pub pid: u32,
    /// The keys of the requests that it has worked on.
    pub affinities: Vec<String>,
    /// Requests that it is working on.
    pub busy: usize,
    /// What its sandbox enforces; `None` while it starts.
    pub report: Option<SandboxReport>,
}

/// A set of worker processes. Dropping it ends them.
#[derive(Debug)]
pub struct WorkerPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    command: WorkerCommand,
    limits: Limits,
    state: Mutex<State>,
    /// Told whenever a worker has a free place or dies.
    changed: Arc<Condvar>,
    /// Told when there is a worker to look after, and at the end.
    upkeep: Condvar,
}

#[derive(Debug, Default)]
struct State {
    workers: Vec<Entry>,
    /// Workers that are being started and are not in the list yet.
    starting: usize,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    worker: Arc<Worker>,
    affinities: Vec<String>,
}

/// A worker and a place in it.
type Place = (Arc<Worker>, (u64, Receiver<Event>));

impl WorkerPool {
    /// A pool without workers yet; they are started when they are needed.
    pub fn new(command: WorkerCommand, limits: Limits) -> Self {
        let limits = Limits { max_workers: limits.max_workers.max(1), per_worker: limits.per_worker.max(1), ..limits };
        let inner = Arc::new(Inner {
            command,
            limits,
            state: Mutex::default(),
            changed: Arc::default(),
            upkeep: Condvar::new(),
        });
        let keeper = Arc::clone(&inner);
        let started = thread::Builder::new().name("worker-keeper".into()).spawn(move || keeper.keep());
        if let Err(error) = started {
            tracing::warn!("Idle workers will not be ended, no thread could be started: {error}");
        }
        Self(inner)
    }

    /// Has a worker do `op` and returns its answer.
    ///
    /// A worker that may touch all that `policy` names is used, one that worked for the same
    /// `affinity` (a model's digest, say) before others; else a new one is started, in place of the
    /// one that was idle longest when there are enough. Blocks; several callers at a time use
    /// several workers, or several places in one.
    ///
    /// A request whose worker was ended because a cancelled one beside it went on is asked again in another worker.
    ///
    /// Returns within 50 ms after `cancel` is set, whatever the worker does. A crash of the worker is
    /// a fault that says how it ended, and the next call starts a new one.
    #[expect(clippy::too_many_arguments, reason = "each is named in the worker protocol; a struct would hide it")]
    #[expect(clippy::needless_pass_by_value, reason = "it is this call's until it is answered: it may be sent again")]
    pub fn call<R: DeserializeOwned>(
        &self,
        policy: &Policy,
        affinity: &str,
        op: &str,
        body: &(impl Serialize + ?Sized),
        payload: Vec<u8>,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<(R, Vec<u8>), Fault> {
        let wrong_form =
            |what, error: serde_json::Error| JobError::Body { what, op: op.to_owned(), reason: error.to_string() };
        let body = serde_json::to_value(body).map_err(|error| wrong_form("request", error))?;
        let mut tries = TRIES;
        let (answer, payload) = loop {
            let (worker, place) = self.0.acquire(policy, affinity, op, cancel)?;
            match worker.request(place, op, body.clone(), &payload, cancel, progress) {
                Err(fault) if is_for_another(&fault) && tries > 1 => tries -= 1,
                answer => break answer?,
            }
        };
        let answer = serde_json::from_value(answer).map_err(|error| wrong_form("answer", error))?;
        Ok((answer, payload))
    }

    /// Has a worker for this policy and affinity ready before it is needed, and says what its
    /// sandbox enforces.
    pub fn warm_up(&self, policy: &Policy, affinity: &str, cancel: &Cancel) -> Result<SandboxReport, Fault> {
        let (worker, (id, _)) = self.0.acquire(policy, affinity, "warm-up", cancel)?;
        let report = worker.wait_ready(cancel);
        worker.release(id);
        report
    }

    /// The workers that live now.
    pub fn workers(&self) -> Vec<WorkerStatus> {
        let state = self.0.state.lock();
        let status = |entry: &Entry| WorkerStatus {
            pid: entry.worker.pid,
            affinities: entry.affinities.clone(),
            busy: entry.worker.busy(),
            report: entry.worker.report(),
        };
        state.workers.iter().filter(|entry| !entry.worker.is_dead()).map(status).collect()
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        let workers = {
            let mut state = self.0.state.lock();
            state.closed = true;
            std::mem::take(&mut state.workers)
        };
        self.0.upkeep.notify_all();
        self.0.changed.notify_all();
        for entry in &workers {
            entry.worker.kill(Killed::Retired);
        }
        let deadline = Instant::now() + FAREWELL;
        for entry in &workers {
            entry.worker.wait_dead(deadline);
        }
    }
}

impl Inner {
    /// A place in a suitable worker that is ready.
    fn acquire(&self, policy: &Policy, affinity: &str, op: &str, cancel: &Cancel) -> Result<Place, Fault> {
        let mut state = self.state.lock();
        loop {
            cancel.check()?;
            if state.closed {
                return Err(JobError::Closed.into());
            }
            state.workers.retain(|entry| !entry.worker.is_dead());
            if let Some(place) = self.place_in(&mut state, policy, affinity, op) {
                return Ok(place);
            }
            if self.make_room(&mut state) {
                return self.start(state, policy, affinity, op, cancel);
            }
            let _timed_out = self.changed.wait_for(&mut state, LOOK);
        }
    }

    /// A place in a living worker: one of the same affinity first, then an idle one.
    fn place_in(&self, state: &mut State, policy: &Policy, affinity: &str, op: &str) -> Option<Place> {
        let suitable = |entry: &&mut Entry| entry.worker.policy.covers(policy);
        let knows = |entry: &Entry| entry.affinities.iter().any(|known| known == affinity);
        let mut candidates: Vec<&mut Entry> = state.workers.iter_mut().filter(suitable).collect();
        candidates.retain(|entry| {
            let busy = entry.worker.busy();
            busy == 0 || knows(entry) && busy < self.limits.per_worker
        });
        candidates.sort_by_key(|entry| (!knows(entry), entry.worker.busy()));
        for entry in candidates {
            if let Some(place) = entry.worker.reserve(op) {
                if !knows(entry) {
                    entry.affinities.push(affinity.to_owned());
                }
                return Some((Arc::clone(&entry.worker), place));
            }
        }
        None
    }

    /// True when one more worker may be started, after ending the one that was idle longest if
    /// need be.
    fn make_room(&self, state: &mut State) -> bool {
        if state.workers.len() + state.starting < self.limits.max_workers {
            return true;
        }
        let idle = state.workers.iter().enumerate().filter(|(_, entry)| entry.worker.busy() == 0);
        let Some((oldest, _)) = idle.min_by_key(|(_, entry)| entry.worker.last_used()) else { return false };
        state.workers.remove(oldest).worker.kill(Killed::Retired);
        true
    }

    /// Starts a worker without keeping others waiting.
    fn start(
        &self,
        mut state: MutexGuard<'_, State>,
        policy: &Policy,
        affinity: &str,
        op: &str,
        cancel: &Cancel,
    ) -> Result<Place, Fault> {
        state.starting += 1;
        drop(state);
        let started = self.start_ready(policy, op, cancel);
        let mut state = self.state.lock();
        state.starting -= 1;
        self.changed.notify_all();
        let (worker, place) = started?;
        if state.closed {
            worker.kill(Killed::Retired);
            return Err(JobError::Closed.into());
        }
        state.workers.push(Entry { worker: Arc::clone(&worker), affinities: vec![affinity.to_owned()] });
        self.upkeep.notify_one();
        Ok((worker, place))
    }

    fn start_ready(&self, policy: &Policy, op: &str, cancel: &Cancel) -> Result<Place, Fault> {
        let worker = Worker::start(&self.command, policy, self.limits.per_worker, Arc::clone(&self.changed))?;
        let report = match worker.wait_ready(cancel) {
            Ok(report) => report,
            Err(fault) => {
                worker.kill(Killed::Retired);
                return Err(fault);
            }
        };
        for loss in &report.losses {
            tracing::warn!(pid = worker.pid, "{loss}");
        }
        let place = worker.reserve(op).ok_or_else(|| Fault::bug("The worker ended right after it had started"))?;
        Ok((worker, place))
    }

    /// Ends workers that were idle for long or that do not stop; a thread of its own.
    fn keep(&self) {
        let mut state = self.state.lock();
        while !state.closed {
            state.workers.retain(|entry| !entry.worker.is_dead());
            if state.workers.is_empty() {
                self.upkeep.wait(&mut state);
                continue;
            }
            let now = Instant::now();
            let mut next = now + UPKEEP;
            for entry in &state.workers {
                match self.due(&entry.worker) {
                    Some((due, why)) if due <= now => entry.worker.kill(why),
                    Some((due, _)) => next = next.min(due),
                    None => {}
                }
            }
            let _timed_out = self.upkeep.wait_until(&mut state, next);
        }
    }

    /// When a worker is to be ended, and why.
    fn due(&self, worker: &Worker) -> Option<(Instant, Killed)> {
        if let Some(since) = worker.abandoned_since() {
            return Some((since + self.limits.grace, Killed::Unresponsive));
        }
        let idle = Duration::from_secs(self.limits.idle_secs);
        let used = worker.last_used().filter(|_| worker.busy() == 0)?;
        Some((used + idle, Killed::Retired))
    }
}
