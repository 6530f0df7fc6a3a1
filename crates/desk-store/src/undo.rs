//! Undo: the change that takes a former change back, as an operation of its own.

use desk_core::ModelName;
use serde_json::Value;

use crate::Store;
use crate::alias::{self, Why};
use crate::change::Change;
use crate::error::StoreError;
use crate::operations::{self, OperationRow};
use crate::{models, pins, settings};

impl Store {
    /// Takes an operation back and returns the operation that did so; undoing that one does it again.
    ///
    /// Possible for moves of aliases, archive, restore, rename, pins and settings, while what they changed
    /// is still as they left it. Everything else says why not.
    pub fn undo(&self, id: i64) -> Result<OperationRow, StoreError> {
        self.change(|change| {
            let done = operations::get(change.tx, id)?;
            if let Some(by) = done.undone_by {
                return Err(refused(id, format!("operation {by} has undone it already")));
            }
            take_back(change, &done)?;
            let undone = operations::get(change.tx, id)?;
            match undone.undone_by {
                Some(by) => operations::get(change.tx, by),
                None => Err(refused(id, "what it changed is as it was before".to_owned())),
            }
        })
    }
}

fn refused(id: i64, why: String) -> StoreError {
    StoreError::CannotUndo { id, why }
}

fn take_back(change: &Change<'_>, done: &OperationRow) -> Result<(), StoreError> {
    let bad = || refused(done.id, "its record is incomplete".to_owned());
    match done.kind.as_str() {
        "alias.set" | "alias.remove" => {
            let before = done.before.as_ref().ok_or_else(bad)?;
            let after = done.after.as_ref().ok_or_else(bad)?;
            let name = before["alias"].as_str().ok_or_else(bad)?;
            let model: ModelName = done.object.parse().ok().ok_or_else(bad)?;
            let model_id = models::require(change.tx, &model)?.id;
            let sql = "SELECT (SELECT number FROM alias WHERE model_id = ?1 AND name = ?2)";
            let now: Option<u32> = change.tx.query_row(sql, (model_id, name), |row| row.get(0))?;
            if now != number(&after["number"]) {
                return Err(refused(done.id, format!("{name} has been moved since")));
            }
            let why = Why { parent: None, undoes: Some(done.id) };
            alias::point(change, &model, name, number(&before["number"]), why)?;
        }
        "model.archive" | "model.unarchive" => {
            let model: ModelName = done.object.parse().ok().ok_or_else(bad)?;
            models::set_archived(change, &model, done.kind == "model.unarchive", Some(done.id))?;
        }
        "model.rename" => {
            let model: ModelName = done.object.parse().ok().ok_or_else(bad)?;
            let before = done.before.as_ref().and_then(|state| state["name"].as_str()).ok_or_else(bad)?;
            models::rename(change, &model, &before.parse().ok().ok_or_else(bad)?, Some(done.id))?;
        }
        "pin.set" | "pin.remove" => {
            let note = |state: &Option<Value>| state.as_ref().map(|state| state["note"].as_str().map(str::to_owned));
            let row = done.after.as_ref().and_then(|state| state["row"].as_u64()).ok_or_else(bad)?;
            if pins::now(change, &done.object, row)? != note(&done.after).ok_or_else(bad)? {
                return Err(refused(done.id, format!("the pin of row {row} has been changed since")));
            }
            let before = note(&done.before).ok_or_else(bad)?;
            let since = done.before.as_ref().and_then(pins::Since::told);
            pins::set(change, &done.object, row, before.as_deref(), (Some(done.id), since))?;
        }
        "setting.set" => {
            let now = settings::get(change.tx, &done.object)?;
            if now != done.after {
                return Err(refused(done.id, "the setting has been changed since".to_owned()));
            }
            settings::set(change, &done.object, done.before.as_ref(), Some(done.id))?;
        }
        kind => return Err(refused(done.id, for_good(kind).to_owned())),
    }
    Ok(())
}

/// Why a change of this kind is not taken back, and what to do instead.
fn for_good(kind: &str) -> &'static str {
    match kind {
        "version.add" => {
            "versions are kept for good; hide their model with `modeldesk archive`, or point aliases elsewhere"
        }
        "version.note" => "it changed a note; write the former one again",
        "run.add" => "runs are the record of what was done and are kept",
        kind if kind.starts_with("deployment.") => "machines outside were changed; go back with `modeldesk rollback`",
        kind if kind.starts_with("target.") => "add, change or remove the target instead",
        kind if kind.starts_with("credential.") => {
            "secrets are not kept after they are replaced or removed; set it again"
        }
        _ => "changes of its kind are for good",
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}
