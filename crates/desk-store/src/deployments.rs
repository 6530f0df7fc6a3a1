//! Deployments: a version on a target, with its revision number and what became of it.

use desk_core::state::DeploymentState;
use desk_core::{Digest, Fault, ModelName, Parity};
use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Store;
use crate::change::{Change, RowExt as _, text, text_opt, word};
use crate::error::StoreError;
use crate::jobs::{is_free, lease_end};
use crate::operations::NewOperation;
use crate::owner::Owner;
use crate::{models, targets};

/// A deployment to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDeployment {
    /// Name of the target.
    pub target: String,
    /// The model.
    pub model: ModelName,
    /// Number of the version.
    pub number: u32,
    /// Its manifest digest.
    pub version: Digest,
    /// Strategy and steps, as the rollout wants them.
    pub plan: Value,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeploymentRow {
    /// UUID, version 7.
    pub id: String,
    /// Name of the target.
    pub target: String,
    /// The model, by the name it has now.
    pub model: ModelName,
    /// Manifest digest of the version.
    pub version: Digest,
    /// Number of the version.
    pub number: u32,
    /// Counts the deployments of this model on this target, from 1; 0 for one that never began.
    pub revision: u32,
    /// Grows with each deployment of the registry, whatever the clock said.
    pub seq: i64,
    /// Strategy and steps.
    pub plan: Value,
    /// Where it stands.
    pub state: DeploymentState,
    /// Where it answers.
    pub url: Option<String>,
    /// Id of the deployment that was live when this one was planned.
    pub was: Option<String>,
    /// The comparison of golden rows at the far side.
    pub parity: Option<Parity>,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// The process that works on it.
    pub owner: Option<Owner>,
    /// Until when that process has promised to say that it lives.
    pub lease_until: Option<Timestamp>,
}

/// What to change of a deployment; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeploymentChange {
    /// The new state. `Live` makes the former live one of the same model and target `Superseded`.
    pub state: Option<DeploymentState>,
    /// Where it answers.
    pub url: Option<String>,
    /// The comparison of golden rows.
    pub parity: Option<Parity>,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// It was refused before anything was done: its revision number is the next one's.
    pub never_began: bool,
}

/// What came of asking for a target.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// The new deployment, which is the asker's.
    Mine(Box<DeploymentRow>),
    /// A living process works on this one.
    Busy(Box<DeploymentRow>),
}

/// Which deployments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeploymentFilter {
    /// Only on this target.
    pub target: Option<String>,
    /// Only of this model.
    pub model: Option<ModelName>,
    /// Only in this state.
    pub state: Option<DeploymentState>,
}

const DEPLOYMENT: &str = "SELECT d.*, d.rowid AS seq, t.name AS target, m.name AS model FROM deployment d
    JOIN target t ON t.id = d.target_id JOIN model m ON m.id = d.model_id";

fn read(row: &Row<'_>) -> rusqlite::Result<DeploymentRow> {
    Ok(DeploymentRow {
        id: row.get("id")?,
        target: row.get("target")?,
        model: row.parsed("model")?,
        version: row.digest("version")?,
        number: row.get("number")?,
        // Numbers that were given back are negative.
        revision: u32::try_from(row.get::<_, i64>("revision")?).unwrap_or(0),
        seq: row.get("seq")?,
        plan: row.json("plan")?,
        state: row.word("state")?,
        url: row.get("url")?,
        was: row.get("was")?,
        parity: row.json_opt("parity")?,
        fault: row.json_opt("fault")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        owner: row.json_opt("owner")?,
        lease_until: row.time_opt("lease_until")?,
    })
}

pub(crate) fn get(c: &Connection, id: &str) -> Result<DeploymentRow, StoreError> {
    let mut statement = c.prepare_cached(&format!("{DEPLOYMENT} WHERE d.id = ?1"))?;
    let found = statement.query_map([id], read)?.next().transpose()?;
    found.ok_or_else(|| StoreError::NotFound { what: "deployment", id: id.to_owned(), near: Vec::new() })
}

fn live(c: &Connection, target: i64, model: i64) -> Result<Option<DeploymentRow>, StoreError> {
    let sql = format!("{DEPLOYMENT} WHERE d.state = 'live' AND d.target_id = ?1 AND d.model_id = ?2");
    let mut statement = c.prepare_cached(&sql)?;
    Ok(statement.query_map((target, model), read)?.next().transpose()?)
}

impl DeploymentRow {
    /// Nobody works on it; see [`Store::claim_deployment`].
    pub fn is_free(&self, now: Timestamp) -> bool {
        is_free(self.owner.as_ref(), self.lease_until, now)
    }
}

impl Store {
    /// Plans a deployment: the next revision of the model on the target, in the state `planned`.
    pub fn create_deployment(&self, new: &NewDeployment) -> Result<DeploymentRow, StoreError> {
        let id = self.new_id();
        self.change(|change| create(change, new, &id))
    }

    /// As [`Store::create_deployment`], for `owner`, unless a living process works on the target: of several that
    /// ask, one gets it.
    pub fn begin_deployment(&self, new: &NewDeployment, owner: &Owner, lease_secs: u32) -> Result<Begun, StoreError> {
        let id = self.new_id();
        self.change(|change| {
            if let Some(other) = held(change.tx, &new.target)?.into_iter().find(|row| is_held(row, owner, change.now)) {
                return Ok(Begun::Busy(Box::new(other)));
            }
            let row = create(change, new, &id)?;
            take(change, &row, owner, lease_secs)?;
            Ok(Begun::Mine(Box::new(get(change.tx, &id)?)))
        })
    }

    /// Changes a deployment. A new state is an operation; `Live` replaces the former live one in the
    /// same step.
    pub fn update_deployment(&self, id: &str, to: &DeploymentChange) -> Result<DeploymentRow, StoreError> {
        self.change(|change| update(change, id, to))
    }

    /// Deployments, newest first.
    pub fn list_deployments(&self, filter: &DeploymentFilter, limit: u32) -> Result<Vec<DeploymentRow>, StoreError> {
        let sql = format!(
            "{DEPLOYMENT} WHERE (:target IS NULL OR t.name = :target) AND (:model IS NULL OR m.name = :model)
             AND (:state IS NULL OR d.state = :state) ORDER BY d.rowid DESC LIMIT :limit"
        );
        let model = filter.model.as_ref().map(ModelName::as_str);
        self.db().read(|c| {
            let mut statement = c.prepare_cached(&sql)?;
            let params = named_params! { ":target": filter.target, ":model": model, ":state": filter.state.map(word),
            ":limit": limit };
            Ok(statement.query_map(params, read)?.collect::<Result<_, _>>()?)
        })
    }

    /// One deployment.
    pub fn get_deployment(&self, id: &str) -> Result<DeploymentRow, StoreError> {
        self.db().read(|c| get(c, id))
    }

    /// The deployment that is live for a model on a target.
    pub fn live_deployment(&self, target: &str, model: &ModelName) -> Result<Option<DeploymentRow>, StoreError> {
        self.db().read(|c| live(c, targets::require(c, target)?, models::require(c, model)?.id))
    }

    /// Deployments whose rollout has not come to an end (planned, running, failed but not undone),
    /// oldest first, whoever works on them.
    pub fn open_deployments(&self) -> Result<Vec<DeploymentRow>, StoreError> {
        self.db().read(open)
    }

    /// Takes over every open deployment that no living process holds: they are `owner`'s for
    /// `lease_secs` seconds. Of two processes that ask, one gets each.
    pub fn claim_open_deployments(&self, owner: &Owner, lease_secs: u32) -> Result<Vec<DeploymentRow>, StoreError> {
        self.change(|change| {
            let mut taken = Vec::new();
            for row in open(change.tx)? {
                if take(change, &row, owner, lease_secs)? {
                    taken.push(get(change.tx, &row.id)?);
                }
            }
            Ok(taken)
        })
    }

    /// Takes one deployment, or renews the lease on it. False when another living process holds it.
    pub fn claim_deployment(&self, id: &str, owner: &Owner, lease_secs: u32) -> Result<bool, StoreError> {
        self.change(|change| {
            let row = get(change.tx, id)?;
            take(change, &row, owner, lease_secs)
        })
    }

    /// Gives the lease on a deployment back.
    pub fn release_deployment(&self, id: &str, owner: &Owner) -> Result<(), StoreError> {
        let owner = text("owner", owner)?;
        self.change(|change| {
            let sql = "UPDATE deployment SET owner = NULL, lease_until = NULL WHERE id = ?1 AND owner = ?2";
            change.tx.execute(sql, (id, &owner))?;
            Ok(())
        })
    }
}

fn create(change: &Change<'_>, new: &NewDeployment, id: &str) -> Result<DeploymentRow, StoreError> {
    let plan = text("deployment", &new.plan)?;
    let target = targets::require(change.tx, &new.target)?;
    let model = models::require(change.tx, &new.model)?.id;
    let was = live(change.tx, target, model)?.map(|row| row.id);
    let sql = "INSERT INTO deployment (id, target_id, model_id, version, number, revision, plan, state, was,
                                       created_at, updated_at)
               SELECT :id, :target, :model, :version, :number, max(coalesce(max(revision), 0), 0) + 1, :plan, 'planned',
                      :was, :now, :now FROM deployment WHERE target_id = :target AND model_id = :model";
    change.tx.prepare_cached(sql)?.execute(named_params! {
        ":id": id, ":target": target, ":model": model, ":version": new.version.hex(), ":number": new.number,
        ":plan": plan, ":was": was, ":now": change.micros(),
    })?;
    let row = get(change.tx, id)?;
    let summary = format!("Planned {}@{} on {}", row.model, row.number, row.target);
    let after = json!({ "target": row.target, "model": row.model, "version": row.version, "number": row.number,
                        "revision": row.revision });
    NewOperation { after: Some(after), ..NewOperation::new("deployment.plan", id, summary) }.append(change)?;
    Ok(row)
}

/// Rows of a target that a process has taken.
fn held(c: &Connection, target: &str) -> Result<Vec<DeploymentRow>, StoreError> {
    let mut statement = c.prepare_cached(&format!("{DEPLOYMENT} WHERE t.name = ?1 AND d.owner IS NOT NULL"))?;
    Ok(statement.query_map([target], read)?.collect::<Result<_, _>>()?)
}

/// A living process other than this one holds it.
fn is_held(row: &DeploymentRow, owner: &Owner, now: Timestamp) -> bool {
    row.owner.as_ref() != Some(owner) && !row.is_free(now)
}

fn open(c: &Connection) -> Result<Vec<DeploymentRow>, StoreError> {
    let sql = format!("{DEPLOYMENT} WHERE d.state IN ('planned', 'running', 'failed') ORDER BY d.rowid");
    let mut statement = c.prepare_cached(&sql)?;
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

fn take(change: &Change<'_>, row: &DeploymentRow, owner: &Owner, lease_secs: u32) -> Result<bool, StoreError> {
    if is_held(row, owner, change.now) {
        return Ok(false);
    }
    let until = lease_end(change.now, lease_secs);
    let sql = "UPDATE deployment SET owner = ?2, lease_until = ?3 WHERE id = ?1";
    change.tx.prepare_cached(sql)?.execute((&row.id, text("owner", owner)?, until))?;
    Ok(true)
}

fn update(change: &Change<'_>, id: &str, to: &DeploymentChange) -> Result<DeploymentRow, StoreError> {
    let before = get(change.tx, id)?;
    let state = to.state.unwrap_or(before.state);
    if state == DeploymentState::Live && before.state != state {
        supersede(change, &before)?;
    }
    let sql = "UPDATE deployment SET state = :state, url = coalesce(:url, url), parity = coalesce(:parity, parity),
               fault = coalesce(:fault, fault), updated_at = :now, revision = iif(:gives_back, (SELECT
               min(min(other.revision), 0) - 1 FROM deployment other WHERE other.target_id = deployment.target_id
               AND other.model_id = deployment.model_id), revision) WHERE id = :id";
    change.tx.prepare_cached(sql)?.execute(named_params! {
        ":state": word(state), ":url": to.url, ":parity": text_opt("parity", to.parity.as_ref())?,
        ":fault": text_opt("fault", to.fault.as_ref())?, ":now": change.micros(), ":id": id,
        ":gives_back": to.never_began && before.revision > 0,
    })?;
    let after = get(change.tx, id)?;
    if state != before.state {
        log_state(change, &before, &after)?;
    }
    Ok(after)
}

fn supersede(change: &Change<'_>, new: &DeploymentRow) -> Result<(), StoreError> {
    let target = change.tx.query_row("SELECT target_id FROM deployment WHERE id = ?1", [&new.id], |row| row.get(0))?;
    let model = models::require(change.tx, &new.model)?.id;
    if let Some(old) = live(change.tx, target, model)? {
        update(change, &old.id, &DeploymentChange { state: Some(DeploymentState::Superseded), ..Default::default() })?;
    }
    Ok(())
}

fn log_state(change: &Change<'_>, before: &DeploymentRow, after: &DeploymentRow) -> Result<(), StoreError> {
    let what = format!("{}@{} on {}", after.model, after.number, after.target);
    let summary = match after.state {
        // Only taking it down leads from live to running, and back when that fails.
        DeploymentState::Running if matches!(before.state, DeploymentState::Live | DeploymentState::Superseded) => {
            format!("Began to take down {what}")
        }
        DeploymentState::Live if before.state == DeploymentState::Running => format!("Did not take down {what}"),
        DeploymentState::Planned => format!("Planned {what}"),
        DeploymentState::Running => format!("Started to deploy {what}"),
        DeploymentState::Live => format!("Deployed {what}"),
        DeploymentState::Failed => format!("Failed to deploy {what}"),
        DeploymentState::Undone => format!("Undid the deployment of {what}"),
        DeploymentState::Superseded => format!("Replaced {what}"),
        DeploymentState::Stopped => format!("Took down {what}"),
    };
    let operation = NewOperation {
        before: Some(json!({ "state": before.state })),
        after: Some(json!({ "state": after.state, "url": after.url, "parity": after.parity })),
        ..NewOperation::new("deployment.state", &after.id, summary)
    };
    operation.append(change)?;
    Ok(())
}
