//! Operations, stored jobs, settings and storage.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use desk_core::state::JobState;
use desk_core::{Cancel, Fault, FaultKind, Progress, ProgressSink};
use desk_store::{JobFilter, JobRow, NewJob, OperationFilter, Store};
use serde_json::Value;

use crate::Desk;
use crate::command::Command;
use crate::outcome::Outcome;
use crate::query::{JobView, OperationItem};

/// A running job's row belongs to its process for this long after each sign of life. A dead
/// process is noticed at once, whatever its lease says.
const LEASE_SECS: u32 = 24 * 3600;

/// Passes progress on, writes it to the job's row once a second, and hears there whether another
/// process asked to stop.
pub(crate) struct Recorded<'a> {
    pub store: &'a Store,
    pub id: &'a str,
    pub cancel: &'a Cancel,
    pub inner: &'a dyn ProgressSink,
    pub written: Mutex<Option<Instant>>,
}

impl ProgressSink for Recorded<'_> {
    fn report(&self, progress: Progress) {
        let due = match self.written.lock() {
            Ok(mut written) if written.is_none_or(|at| at.elapsed() >= Duration::from_secs(1)) => {
                *written = Some(Instant::now());
                true
            }
            _ => false,
        };
        if due {
            // The row is for other processes; the work goes on when it cannot be written.
            if let Err(error) = self.store.update_progress(self.id, &progress) {
                tracing::debug!(%error, "progress was not stored");
            }
            if self.store.cancel_requested(self.id).unwrap_or(false) {
                self.cancel.cancel();
            }
        }
        self.inner.report(progress);
    }
}

impl Desk {
    /// Writes a job's row, owned by this process.
    pub(crate) fn store_job(&self, command: &Command) -> Result<String, Fault> {
        let value = serde_json::to_value(command)
            .map_err(|error| Fault::bug("a command cannot be written as JSON").detail(error.to_string()))?;
        let kind = value.get("verb").and_then(Value::as_str).unwrap_or_default().to_owned();
        let job = NewJob { kind, title: command.title(), command: value, object: None };
        let id = self.0.store.create_job(&job)?;
        self.0.store.claim_job(&id, self.0.store.owner(), LEASE_SECS)?;
        Ok(id)
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
            let again = serde_json::from_value::<Command>(job.command.clone()).map(|command| command.to_cli());
            let mut fault = Fault::new(FaultKind::Environment, "Modeldesk was ended while this ran")
                .detail("Nothing was half-stored");
            if let Ok(again) = again {
                fault = fault.hint(format!("Run it again: {again}"));
            }
            self.0.store.finish_job(&job.id, &desk_store::Outcome::Failed(fault))?;
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
        let item = |row: desk_store::OperationRow| OperationItem {
            undoable: row.undone_by.is_none() && is_undoable(&row.kind),
            undoes: row.undoes,
            undone_by: row.undone_by,
            id: row.id,
            at: row.at.to_string(),
            who: row.who,
            kind: row.kind,
            object: row.object,
            summary: row.summary,
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

/// Kinds of operations that the store can take back.
fn is_undoable(kind: &str) -> bool {
    ["alias.set", "alias.remove", "model.archive", "model.unarchive", "model.rename", "setting.set"].contains(&kind)
}

/// What of an answer goes into the job's row.
fn short_answer(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Explain(answer) => serde_json::json!({ "run": answer.run }),
        Outcome::Predict(answer) => serde_json::json!({ "run": answer.run }),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}

fn job_view(row: JobRow, now: jiff::Timestamp) -> Option<JobView> {
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
