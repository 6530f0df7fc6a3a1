//! Aliases: names such as `champion` that point at a version, with the history of their moves.

use desk_core::ModelName;
use jiff::Timestamp;
use rusqlite::OptionalExtension as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Store;
use crate::change::{Change, RowExt as _};
use crate::error::StoreError;
use crate::models;
use crate::operations::NewOperation;

/// An alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AliasRow {
    /// Its name.
    pub name: String,
    /// Number of the version it points at.
    pub number: u32,
    /// Since when.
    pub set_at: Timestamp,
}

/// One move of an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AliasMove {
    /// When.
    pub at: Timestamp,
    /// Who moved it.
    pub who: String,
    /// Where it pointed before; `None` when it did not exist.
    pub was: Option<u32>,
    /// Where it points afterwards; `None` when it was removed.
    pub now: Option<u32>,
}

/// Why an alias moves, for the operation log.
#[derive(Clone, Copy, Default)]
pub(crate) struct Why {
    pub parent: Option<i64>,
    pub undoes: Option<i64>,
}

/// Letters, digits, `.`, `_`, `-`, as a model's name; neither a number nor `latest`, which mean
/// something else after `@`.
pub(crate) fn check_name(name: &str) -> Result<(), StoreError> {
    if is_reserved(name) || name.parse::<ModelName>().is_err() {
        return Err(StoreError::BadName { what: "alias", name: name.to_owned() });
    }
    Ok(())
}

/// True for `latest`, `3` and `v3`.
pub(crate) fn is_reserved(name: &str) -> bool {
    let number = name.strip_prefix('v').unwrap_or(name);
    name == "latest" || !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// Points an alias at a version or removes it; returns where it pointed. The same again is no change.
pub(crate) fn point(
    change: &Change<'_>,
    model: &ModelName,
    name: &str,
    to: Option<u32>,
    why: Why,
) -> Result<Option<u32>, StoreError> {
    let id = models::require(change.tx, model)?.id;
    if let Some(number) = to {
        require_number(change, id, model, number)?;
    }
    let sql = "SELECT number FROM alias WHERE model_id = ?1 AND name = ?2";
    let was: Option<u32> = change.tx.prepare_cached(sql)?.query_row((id, name), |row| row.get(0)).optional()?;
    if was == to {
        return Ok(was);
    }
    let at = change.micros();
    match to {
        Some(number) => change
            .tx
            .prepare_cached("INSERT OR REPLACE INTO alias (model_id, name, number, set_at) VALUES (?1, ?2, ?3, ?4)")?
            .execute((id, name, number, at))?,
        None => change.tx.execute("DELETE FROM alias WHERE model_id = ?1 AND name = ?2", (id, name))?,
    };
    let sql = "INSERT INTO alias_move (model_id, name, was, now, at, who) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    change.tx.prepare_cached(sql)?.execute((id, name, was, to, at, change.who))?;
    models::touch(change, id)?;
    log(change, model, name, was, to, why)?;
    Ok(was)
}

fn log(
    change: &Change<'_>,
    model: &ModelName,
    name: &str,
    was: Option<u32>,
    to: Option<u32>,
    why: Why,
) -> Result<i64, StoreError> {
    let summary = match (was, to) {
        (None, Some(to)) => format!("Pointed {name} at {model}@{to}"),
        (Some(was), Some(to)) => format!("Moved {name} from {model}@{was} to {model}@{to}"),
        (_, None) => format!("Removed {name} from {model}"),
    };
    let state = |number: Option<u32>| Some(json!({ "alias": name, "number": number.map_or(Value::Null, Value::from) }));
    let kind = if to.is_some() { "alias.set" } else { "alias.remove" };
    let operation = NewOperation {
        parent: why.parent,
        undoes: why.undoes,
        before: state(was),
        after: state(to),
        ..NewOperation::new(kind, model.as_str(), summary)
    };
    operation.append(change)
}

fn require_number(change: &Change<'_>, id: i64, model: &ModelName, number: u32) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM version WHERE model_id = ?1 AND number = ?2";
    let found = change.tx.prepare_cached(sql)?.exists((id, number))?;
    if found {
        return Ok(());
    }
    Err(StoreError::NoVersion { model: model.to_string(), wanted: number.to_string(), near: Vec::new() })
}

impl Store {
    /// Points an alias at a version and returns the number of the version it pointed at before.
    pub fn set_alias(&self, model: &ModelName, alias: &str, number: u32) -> Result<Option<u32>, StoreError> {
        check_name(alias)?;
        self.change(|change| point(change, model, alias, Some(number), Why::default()))
    }

    /// Removes an alias and returns the number of the version it pointed at, if it existed.
    pub fn remove_alias(&self, model: &ModelName, alias: &str) -> Result<Option<u32>, StoreError> {
        self.change(|change| point(change, model, alias, None, Why::default()))
    }

    /// The aliases of a model, by name.
    pub fn list_aliases(&self, model: &ModelName) -> Result<Vec<AliasRow>, StoreError> {
        self.db().read(|c| {
            let id = models::require(c, model)?.id;
            let sql = "SELECT name, number, set_at FROM alias WHERE model_id = ?1 ORDER BY name";
            let mut statement = c.prepare_cached(sql)?;
            let rows = statement.query_map([id], |row| {
                Ok(AliasRow { name: row.get("name")?, number: row.get("number")?, set_at: row.time("set_at")? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Where an alias pointed, newest move first.
    pub fn alias_history(&self, model: &ModelName, alias: &str) -> Result<Vec<AliasMove>, StoreError> {
        self.db().read(|c| {
            let id = models::require(c, model)?.id;
            let sql = "SELECT at, who, was, now FROM alias_move WHERE model_id = ?1 AND name = ?2 ORDER BY id DESC";
            let mut statement = c.prepare_cached(sql)?;
            let rows = statement.query_map((id, alias), |row| {
                Ok(AliasMove { at: row.time("at")?, who: row.get("who")?, was: row.get("was")?, now: row.get("now")? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
