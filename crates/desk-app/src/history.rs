//! Operations, stored jobs, settings and storage.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use desk_core::state::JobState;
use desk_core::{Cancel, Fault, FaultKind, Progress, ProgressSink};
use desk_store::{JobFilter, JobRow, NewJob, OperationFilter, Store, StoreError};
use serde_json::Value;

use crate::Desk;
use crate::command::Command;
use crate::outcome::Outcome;
use crate::query::{JobView, OperationItem};

/// A running job's row belongs to its process for this long after each sign of life. A dead
/// process is noticed at once, whatever its lease says.
const LEASE_SECS: u32 = 24 * 3600;

/// How often a job's row is looked at for the wish of another process that it stops.
const LISTEN: Duration = Duration::from_millis(300);

/// How often a job's row says how far it has come.
const EVERY: Duration = Duration::from_secs(1);

/// Passes progress on and writes it to the job's row once a second, and each new stage at once.
pub(crate) struct Recorded<'a> {
    pub store: &'a Store,
    pub id: &'a str,
    pub inner: &'a dyn ProgressSink,
    pub written: Mutex<Option<(Instant, String)>>,
}

impl ProgressSink for Recorded<'_> {
    fn report(&self, progress: Progress) {
        let due = self.written.lock().is_ok_and(|mut written| {
            let old = |(at, stage): &(Instant, String)| at.elapsed() >= EVERY || *stage != progress.stage;
            let due = written.as_ref().is_none_or(old);
            if due {
                *written = Some((Instant::now(), progress.stage.clone()));
            }
            due
        });
        if due {
            // The row is for other processes; the work goes on when it cannot be written.
            if let Err(error) = self.store.update_progress(self.id, &progress) {
                tracing::debug!(%error, "progress was not stored");
            }
        }
        self.inner.report(progress);
    }
}

impl Desk {
    /// Writes a job's row, owned by this process.
    pub(crate) fn store_job(&self, command: &Command) -> Result<String, StoreError> {
        let value = serde_json::to_value(command)
            .map_err(|source| StoreError::Record { what: "command of a job".to_owned(), source })?;
        let kind = value.get("verb").and_then(Value::as_str).unwrap_or_default().to_owned();
        let job = NewJob { kind, title: command.title(), command: value, object: None };
        self.0.store.begin_job(&job, self.0.store.owner(), LEASE_SECS)
    }

    /// Sets `cancel` when another process asks this job to stop; returns when the job has ended.
    pub(crate) fn hear_cancel(&self, id: &str, cancel: &Cancel, ended: &Receiver<()>) {
        while ended.recv_timeout(LISTEN) == Err(RecvTimeoutError::Timeout) {
            if self.0.store.cancel_requested(id).unwrap_or(false) {
                return cancel.cancel();
            }
        }
    }

    /// Writes how a job ended; large answers stay in their runs.
    pub(crate) fn finish_job(&self, id: &str, result: &Result<Outcome, Fault>) {
        let outcome = match result {
            Ok(outcome) => desk_store::Outcome::Done(short_answer(outcome)),
            Err(fault) if fault.is_cancelled() => desk_store::Outcome::Cancelled,
            Err(fault) => desk_store::Outcome::Failed(fault.clone()),
        };
        if let Err(error) = self.0.store.finish_job(id, &outcome) {
            tracing::warn!(%error, "the end of a job was not stored");
        }
    }

    /// Jobs whose process died did nothing by halves, but nobody will finish them: says so in
    /// their rows.
    pub(crate) fn close_orphans(&self) -> Result<(), Fault> {
        if self.0.store.is_read_only() {
            return Ok(());
        }
        for job in self.0.store.orphans()? {
            let interrupted = desk_store::Outcome::Failed(interrupted(&job.command));
            match self.0.store.finish_job(&job.id, &interrupted) {
                // Another desk said so first; or there is no room to say so, and lists show it all the same.
                Ok(()) | Err(StoreError::WrongState { .. } | StoreError::DiskFull { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Jobs of all processes, newest first.
    pub fn stored_jobs(&self, limit: u32) -> Result<Vec<JobView>, Fault> {
        let rows = self.0.store.list_jobs(&JobFilter::default(), limit)?;
        let now = self.0.store.now();
        Ok(rows.into_iter().filter_map(|row| job_view(row, now)).collect())
    }

    /// Changes of the registry, newest first.
    pub fn operations(&self, limit: usize) -> Result<Vec<OperationItem>, Fault> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let rows = self.0.store.list_operations(&OperationFilter::default(), limit, None)?;
        let item = |row: desk_store::OperationRow| {
            let checked = row.object.strip_prefix(crate::targets::LAST_CHECK).map(str::to_owned);
            OperationItem {
                undoable: row.undone_by.is_none() && is_undoable(&row.kind, &row.object),
                undoes: row.undoes,
                undone_by: row.undone_by,
                id: row.id,
                at: row.at.to_string(),
                who: row.who,
                kind: row.kind,
                summary: checked.as_ref().map_or(row.summary, |target| format!("Checked the target {target}")),
                object: checked.unwrap_or(row.object),
            }
        };
        Ok(rows.into_iter().map(item).collect())
    }

    /// A remembered choice.
    pub fn setting(&self, key: &str) -> Result<Option<Value>, Fault> {
        Ok(self.0.store.setting(key)?)
    }

    /// Remembers a choice.
    pub fn set_setting(&self, key: &str, value: &Value) -> Result<(), Fault> {
        self.0.store.set_setting(key, Some(value))?;
        Ok(())
    }

    /// Fills the registry with made-up models; for the benchmark of lists.
    pub fn seed_for_benchmark(&self, models: u32, versions: u32) -> Result<(), Fault> {
        Ok(self.0.store.seed_for_benchmark(models, versions)?)
    }
}

/// Operations that the store can take back and that somebody made: of the settings, what the desk keeps for itself, such as
/// who it is and what a check found, is none of them.
pub(crate) fn is_undoable(kind: &str, object: &str) -> bool {
    match kind {
        "setting.set" => object == crate::runtime::CHOSEN,
        "pin.set" | "pin.remove" => true,
        _ => ["alias.set", "alias.remove", "model.archive", "model.unarchive", "model.rename"].contains(&kind),
    }
}

/// What of an answer goes into the job's row.
fn short_answer(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Explain(answer) => serde_json::json!({ "run": answer.run }),
        Outcome::Importance(answer) => serde_json::json!({ "run": answer.basis.run }),
        Outcome::Dependence(answer) => serde_json::json!({ "run": answer.basis.run }),
        Outcome::Surrogate(answer) => serde_json::json!({ "run": answer.basis.run }),
        Outcome::Predict(answer) => serde_json::json!({ "run": answer.run }),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}

/// What is said of a job whose process died.
fn interrupted(command: &Value) -> Fault {
    let fault =
        Fault::new(FaultKind::Environment, "Modeldesk was ended while this ran").detail("Nothing was half-stored");
    match serde_json::from_value::<Command>(command.clone()) {
        Ok(command) => fault.hint(format!("Run it again: {}", command.to_cli())),
        Err(_) => fault,
    }
}

fn job_view(mut row: JobRow, now: jiff::Timestamp) -> Option<JobView> {
    if row.is_orphan(now) {
        // A home that cannot be written keeps the row as the dead process left it.
        row.fault = Some(interrupted(&row.command));
        row.state = JobState::Failed;
    }
    let command: Command = serde_json::from_value(row.command).ok()?;
    let began = row.started_at.unwrap_or(row.created_at);
    let ended = row.finished_at.unwrap_or(if row.state == JobState::Running { now } else { began });
    Some(JobView {
        id: row.id,
        title: row.title,
        command,
        state: row.state,
        progress: row.progress,
        fault: row.fault,
        outcome: None,
        started_at: began.to_string(),
        seconds: ended.duration_since(began).as_secs_f64().max(0.0),
    })
}
