//! Commands in the background: one thread each, progress, cancel, and a row in the store.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use desk_core::state::JobState;
use desk_core::{Cancel, Fault, Progress, ProgressSink};
use parking_lot::Mutex;

use crate::command::Command;
use crate::outcome::Outcome;
use crate::query::{Event, JobView};

/// Events wait for a slow listener up to this many; later ones are dropped, because a listener
/// that reads again sees the newest state anyway.
const EVENT_QUEUE: usize = 256;
/// Finished jobs stay in memory up to this many; the store has them all.
const KEPT: usize = 200;

/// All jobs of this process, newest first, and who listens.
#[derive(Default)]
pub(crate) struct Board {
    jobs: Mutex<Vec<Entry>>,
    listeners: Mutex<Vec<Sender<Event>>>,
}

struct Entry {
    view: JobView,
    cancel: Cancel,
    began: Instant,
}

impl Board {
    /// A new listener.
    pub fn subscribe(&self) -> Receiver<Event> {
        let (sender, receiver) = crossbeam_channel::bounded(EVENT_QUEUE);
        self.listeners.lock().push(sender);
        receiver
    }

    /// Tells everybody.
    pub fn emit(&self, event: &Event) {
        self.listeners
            .lock()
            .retain(|listener| !matches!(listener.try_send(event.clone()), Err(TrySendError::Disconnected(_))));
    }

    /// A job begins.
    pub fn begin(&self, id: String, command: Command, started_at: String) -> Cancel {
        let cancel = Cancel::new();
        let view = JobView {
            title: command.title(),
            id: id.clone(),
            command,
            state: JobState::Running,
            progress: None,
            fault: None,
            outcome: None,
            started_at,
            seconds: 0.0,
        };
        let mut jobs = self.jobs.lock();
        jobs.insert(0, Entry { view, cancel: cancel.clone(), began: Instant::now() });
        let mut finished = 0;
        jobs.retain(|job| {
            finished += usize::from(job.view.state.is_final());
            !job.view.state.is_final() || finished <= KEPT
        });
        drop(jobs);
        self.emit(&Event::Job(id));
        cancel
    }

    /// A job ended.
    pub fn end(&self, id: &str, result: Result<Outcome, Fault>) {
        if let Some(job) = self.jobs.lock().iter_mut().find(|job| job.view.id == id) {
            job.view.seconds = job.began.elapsed().as_secs_f64();
            match result {
                Ok(outcome) => {
                    job.view.state = JobState::Done;
                    job.view.outcome = Some(outcome);
                }
                Err(fault) => {
                    job.view.state = if fault.is_cancelled() { JobState::Cancelled } else { JobState::Failed };
                    job.view.fault = Some(fault);
                }
            }
        }
        self.emit(&Event::Job(id.to_owned()));
    }

    /// Asks a job of this process to stop; false when it is not one.
    pub fn cancel(&self, id: &str) -> bool {
        let jobs = self.jobs.lock();
        let job = jobs.iter().find(|job| job.view.id == id && !job.view.state.is_final());
        if let Some(job) = job {
            job.cancel.cancel();
        }
        job.is_some()
    }

    /// Asks all to stop, at the end of the program.
    pub fn cancel_all(&self) {
        for job in self.jobs.lock().iter().filter(|job| !job.view.state.is_final()) {
            job.cancel.cancel();
        }
    }

    /// Newest first, with seconds up to now.
    pub fn views(&self) -> Vec<JobView> {
        let running = |job: &Entry| {
            let mut view = job.view.clone();
            if !view.state.is_final() {
                view.seconds = job.began.elapsed().as_secs_f64();
            }
            view
        };
        self.jobs.lock().iter().map(running).collect()
    }

    /// One job.
    pub fn view(&self, id: &str) -> Option<JobView> {
        self.views().into_iter().find(|job| job.id == id)
    }

    /// Takes finished jobs out of the list.
    pub fn forget_finished(&self) {
        self.jobs.lock().retain(|job| !job.view.state.is_final());
    }

    fn progress(&self, id: &str, progress: Progress) {
        if let Some(job) = self.jobs.lock().iter_mut().find(|job| job.view.id == id) {
            job.view.progress = Some(progress);
        }
        self.emit(&Event::Job(id.to_owned()));
    }
}

/// Passes a job's progress on to the board.
pub(crate) struct JobProgress {
    pub board: Arc<Board>,
    pub id: String,
}

impl ProgressSink for JobProgress {
    fn report(&self, progress: Progress) {
        self.board.progress(&self.id, progress);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_seen_cancelled_and_forgotten() {
        let board = Board::default();
        let events = board.subscribe();
        let cancel = board.begin("1".into(), Command::Doctor, "2026-01-01T00:00:00Z".into());
        assert!(board.cancel("1") && cancel.is_cancelled());
        board.end("1", Err(Fault::cancelled()));
        assert_eq!(board.view("1").map(|job| job.state), Some(JobState::Cancelled));
        assert!(!board.cancel("1"), "a finished job cannot be cancelled");
        assert_eq!(events.try_iter().count(), 2);
        board.forget_finished();
        assert!(board.views().is_empty());
    }
}
