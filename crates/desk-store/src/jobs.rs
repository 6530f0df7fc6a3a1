//! Jobs: slow work with an owner, a lease, progress, a cancel and a result.

use desk_core::state::JobState;
use desk_core::{Fault, Progress};
use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use serde::Serialize;
use serde_json::Value;

use crate::Store;
use crate::change::{RowExt as _, text, text_opt, word};
use crate::error::StoreError;
use crate::owner::{Liveness, Owner};

/// No lease is longer: one that ends later was given when the clock was ahead.
const LONGEST_LEASE_SECS: u32 = 24 * 3600;

/// Whoever makes a job takes it up at once; after so long he will not any more.
const TAKEN_UP_WITHIN_SECS: i64 = 60;

/// A job to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What sort of work: `import`, `predict`, `deploy`.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// The command that makes another process able to take the work up.
    pub command: Value,
    /// What it is about: a model, a target.
    pub object: Option<String>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRow {
    /// UUID, version 7.
    pub id: String,
    /// What sort of work.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// The command.
    pub command: Value,
    /// What it is about.
    pub object: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// The last progress report.
    pub progress: Option<Progress>,
    /// The result of a job that is done.
    pub result: Option<Value>,
    /// Why a failed job failed.
    pub fault: Option<Fault>,
    /// How many processes have taken it up.
    pub attempts: u32,
    /// Somebody asked to stop it.
    pub cancel_requested: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a process first took it up.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The process that works on it.
    pub owner: Option<Owner>,
    /// Until when that process has promised to say that it lives.
    pub lease_until: Option<Timestamp>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// With a result.
    Done(Value),
    /// With a failure.
    Failed(Fault),
    /// Because somebody asked to stop.
    Cancelled,
}

/// Which jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Only those that have not ended.
    pub open_only: bool,
    /// Only about this object.
    pub object: Option<String>,
}

impl JobRow {
    /// Nobody works on it and nobody will end it; see [`Store::orphans`].
    pub fn is_orphan(&self, now: Timestamp) -> bool {
        match (self.state, &self.owner) {
            (JobState::Queued, _) | (JobState::Running, None) => {
                // Made in the future: the clock has jumped back since then.
                now.duration_since(self.created_at).as_secs().abs() >= TAKEN_UP_WITHIN_SECS
            }
            (JobState::Running, owner) => is_free(owner.as_ref(), self.lease_until, now),
            _ => false,
        }
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: row.get("id")?,
        kind: row.get("kind")?,
        title: row.get("title")?,
        command: row.json("command")?,
        object: row.get("object")?,
        state: row.word("state")?,
        progress: row.json_opt("progress")?,
        result: row.json_opt("result")?,
        fault: row.json_opt("fault")?,
        attempts: row.get("attempts")?,
        cancel_requested: row.get("cancel_requested")?,
        created_at: row.time("created_at")?,
        started_at: row.time_opt("started_at")?,
        finished_at: row.time_opt("finished_at")?,
        owner: row.json_opt("owner")?,
        lease_until: row.time_opt("lease_until")?,
    })
}

fn get(c: &Connection, id: &str) -> Result<JobRow, StoreError> {
    let mut statement = c.prepare_cached("SELECT * FROM job WHERE id = ?1")?;
    let found = statement.query_map([id], read)?.next().transpose()?;
    found.ok_or_else(|| StoreError::NotFound { what: "job", id: id.to_owned(), near: Vec::new() })
}

/// True when nobody holds the lease: its owner has died, or cannot be seen and the lease ran out.
///
/// A process that is seen to live holds what it took, however late it says so: clocks jump.
pub(crate) fn is_free(owner: Option<&Owner>, lease_until: Option<Timestamp>, now: Timestamp) -> bool {
    let (Some(owner), Some(until)) = (owner, lease_until) else { return true };
    match owner.liveness() {
        Liveness::Alive => false,
        Liveness::Dead => true,
        Liveness::Unknown => until <= now || until.duration_since(now).as_secs() > i64::from(LONGEST_LEASE_SECS),
    }
}

/// The end of a lease that is taken now.
pub(crate) fn lease_end(now: Timestamp, secs: u32) -> i64 {
    now.as_microsecond() + i64::from(secs.min(LONGEST_LEASE_SECS)) * 1_000_000
}

impl Store {
    /// Makes a job in the state `queued` and returns its id.
    pub fn create_job(&self, job: &NewJob) -> Result<String, StoreError> {
        let id = self.new_id();
        let command = text("job", &job.command)?;
        self.change(|change| {
            let sql = "INSERT INTO job (id, kind, title, command, object, state, created_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6)";
            let row = (&id, &job.kind, &job.title, &command, &job.object, change.micros());
            change.tx.prepare_cached(sql)?.execute(row)?;
            Ok(())
        })?;
        Ok(id)
    }

    /// Makes a job that `owner` works on from the start, in one step: a process that is killed leaves
    /// either nothing or a job that is seen to be its own.
    pub fn begin_job(&self, job: &NewJob, owner: &Owner, lease_secs: u32) -> Result<String, StoreError> {
        let id = self.new_id();
        let (command, holder) = (text("job", &job.command)?, text("owner", owner)?);
        self.change(|change| {
            let sql = "INSERT INTO job (id, kind, title, command, object, state, created_at, started_at, attempts,
                                        owner, lease_until)
                       VALUES (:id, :kind, :title, :command, :object, 'running', :now, :now, 1, :owner, :until)";
            change.tx.prepare_cached(sql)?.execute(named_params! {
                ":id": &id, ":kind": &job.kind, ":title": &job.title, ":command": &command, ":object": &job.object,
                ":now": change.micros(), ":owner": &holder, ":until": lease_end(change.now, lease_secs),
            })?;
            Ok(())
        })?;
        Ok(id)
    }

    /// Takes a job up: it is `running` and `owner`'s for `lease_secs` seconds. False when another
    /// living process holds it or it has ended.
    pub fn claim_job(&self, id: &str, owner: &Owner, lease_secs: u32) -> Result<bool, StoreError> {
        self.change(|change| {
            let job = get(change.tx, id)?;
            let mine = job.owner.as_ref() == Some(owner);
            if job.state.is_final() || !mine && !is_free(job.owner.as_ref(), job.lease_until, change.now) {
                return Ok(false);
            }
            let sql = "UPDATE job SET state = 'running', owner = :owner, lease_until = :until,
                       attempts = attempts + :attempt, started_at = coalesce(started_at, :now) WHERE id = :id";
            change.tx.prepare_cached(sql)?.execute(named_params! {
                ":owner": text("owner", owner)?, ":until": lease_end(change.now, lease_secs),
                ":attempt": u32::from(!mine), ":now": change.micros(), ":id": id,
            })?;
            Ok(true)
        })
    }

    /// Replaces the progress report and says whether somebody asked to stop. Not flushed to disk;
    /// call it a few times a second at most.
    pub fn update_progress(&self, id: &str, progress: &Progress) -> Result<bool, StoreError> {
        let progress = text("progress", progress)?;
        self.must_be_there()?;
        self.db().write_relaxed(|tx| {
            let sql = "UPDATE job SET progress = ?2 WHERE id = ?1 AND state = 'running'";
            tx.prepare_cached(sql)?.execute((id, &progress))?;
            cancel_requested(tx, id)
        })
    }

    /// Ends a job. [`StoreError::WrongState`] when it has ended already.
    pub fn finish_job(&self, id: &str, outcome: &Outcome) -> Result<(), StoreError> {
        let (state, result, fault) = match outcome {
            Outcome::Done(result) => (JobState::Done, Some(result), None),
            Outcome::Failed(fault) => (JobState::Failed, None, Some(fault)),
            Outcome::Cancelled => (JobState::Cancelled, None, None),
        };
        let (result, fault) = (text_opt("result", result)?, text_opt("fault", fault)?);
        self.change(|change| {
            let job = get(change.tx, id)?;
            if job.state.is_final() {
                let (id, state) = (id.to_owned(), word(job.state));
                return Err(StoreError::WrongState { what: "job", id, state, why: "it cannot end twice" });
            }
            let sql = "UPDATE job SET state = :state, result = :result, fault = :fault, finished_at = :now,
                       owner = NULL, lease_until = NULL WHERE id = :id";
            change.tx.prepare_cached(sql)?.execute(named_params! {
                ":state": word(state), ":result": result, ":fault": fault, ":now": change.micros(), ":id": id,
            })?;
            Ok(())
        })
    }

    /// Asks the job's process, whichever it is, to stop. A job that nobody has taken up is cancelled
    /// at once. Returns the state afterwards.
    pub fn request_cancel(&self, id: &str) -> Result<JobState, StoreError> {
        self.change(|change| {
            let job = get(change.tx, id)?;
            let sql = match job.state {
                JobState::Queued => {
                    "UPDATE job SET cancel_requested = 1, state = 'cancelled', finished_at = ?2 WHERE id = ?1"
                }
                JobState::Running => "UPDATE job SET cancel_requested = 1 WHERE id = ?1 AND ?2 > 0",
                _ => return Ok(job.state),
            };
            change.tx.execute(sql, (id, change.micros()))?;
            Ok(get(change.tx, id)?.state)
        })
    }

    /// True when somebody asked to stop the job.
    pub fn cancel_requested(&self, id: &str) -> Result<bool, StoreError> {
        self.db().read(|c| cancel_requested(c, id))
    }

    /// Jobs that nobody works on and nobody will end: their process has died, has let the lease run out,
    /// or was killed before it took the job up. Oldest first.
    pub fn orphans(&self) -> Result<Vec<JobRow>, StoreError> {
        let now = self.now();
        let open = self.db().read(|c| {
            let sql = "SELECT * FROM job WHERE state IN ('queued', 'running') ORDER BY created_at, id";
            let mut statement = c.prepare_cached(sql)?;
            Ok(statement.query_map([], read)?.collect::<Result<Vec<_>, _>>()?)
        })?;
        Ok(open.into_iter().filter(|job| job.is_orphan(now)).collect())
    }

    /// Jobs, newest first.
    pub fn list_jobs(&self, filter: &JobFilter, limit: u32) -> Result<Vec<JobRow>, StoreError> {
        let open = if filter.open_only { "state IN ('queued', 'running')" } else { "1" };
        let sql = format!(
            "SELECT * FROM job WHERE {open} AND (:object IS NULL OR object = :object)
             ORDER BY created_at DESC, id DESC LIMIT :limit"
        );
        self.db().read(|c| {
            let mut statement = c.prepare_cached(&sql)?;
            let rows = statement.query_map(named_params! { ":object": filter.object, ":limit": limit }, read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One job.
    pub fn get_job(&self, id: &str) -> Result<JobRow, StoreError> {
        self.db().read(|c| get(c, id))
    }
}

fn cancel_requested(c: &Connection, id: &str) -> Result<bool, StoreError> {
    let mut statement = c.prepare_cached("SELECT cancel_requested FROM job WHERE id = ?1")?;
    let found = statement.query_map([id], |row| row.get(0))?.next().transpose()?;
    found.ok_or_else(|| StoreError::NotFound { what: "job", id: id.to_owned(), near: Vec::new() })
}
