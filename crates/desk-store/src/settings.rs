//! Settings: JSON values by key.

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use crate::Store;
use crate::change::{Change, RowExt as _, text};
use crate::error::StoreError;
use crate::operations::NewOperation;

/// Where a window was and how it looked is nothing that anybody looks up or takes back.
const OF_THE_WINDOW: &str = "window/";

pub(crate) fn get(c: &Connection, key: &str) -> Result<Option<Value>, StoreError> {
    let mut statement = c.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.json("value")).optional()?)
}

pub(crate) fn set(
    change: &Change<'_>,
    key: &str,
    value: Option<&Value>,
    undoes: Option<i64>,
) -> Result<Option<i64>, StoreError> {
    let before = get(change.tx, key)?;
    if before.as_ref() == value {
        return Ok(None);
    }
    match value {
        Some(value) => {
            let value = text("setting", value)?;
            change.tx.execute("INSERT OR REPLACE INTO setting VALUES (?1, ?2)", (key, value))?;
        }
        None => {
            change.tx.execute("DELETE FROM setting WHERE key = ?1", [key])?;
        }
    }
    if key.starts_with(OF_THE_WINDOW) {
        return Ok(None);
    }
    let summary =
        if value.is_some() { format!("Changed the setting {key}") } else { format!("Reset the setting {key}") };
    let operation =
        NewOperation { undoes, before, after: value.cloned(), ..NewOperation::new("setting.set", key, summary) };
    operation.append(change).map(Some)
}

impl Store {
    /// The value of a setting, if it was ever set.
    pub fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        self.db().read(|c| get(c, key))
    }

    /// All settings, by key.
    pub fn settings(&self) -> Result<Vec<(String, Value)>, StoreError> {
        self.db().read(|c| {
            let mut statement = c.prepare_cached("SELECT key, value FROM setting ORDER BY key")?;
            let rows = statement.query_map([], |row| Ok((row.get("key")?, row.json("value")?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Sets or, with `None`, resets a setting. Returns the operation, or `None` when nothing changed.
    pub fn set_setting(&self, key: &str, value: Option<&Value>) -> Result<Option<i64>, StoreError> {
        self.change(|change| set(change, key, value, None))
    }
}
