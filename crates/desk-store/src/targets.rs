//! Targets and what is known of credentials; never their secrets.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Store;
use crate::change::{Change, RowExt as _, near, text};
use crate::error::StoreError;
use crate::operations::NewOperation;

/// A target to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTarget {
    /// Its name, written as a model's.
    pub name: String,
    /// `local`, `ssh`, …
    pub kind: String,
    /// Host, port, folder and so on; no secrets.
    pub config: Value,
    /// Name of the credential to use.
    pub credential: Option<String>,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetRow {
    /// Its name.
    pub name: String,
    /// `local`, `ssh`, …
    pub kind: String,
    /// Host, port, folder and so on.
    pub config: Value,
    /// Name of the credential to use.
    pub credential: Option<String>,
    /// The host key that was accepted, as in a known_hosts file.
    pub known_host: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A credential: its name and where its secret lies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CredentialRow {
    /// Its name.
    pub name: String,
    /// `password`, `ssh-key`, `agent`, `token`.
    pub kind: String,
    /// `keyring`, `file`, `agent`.
    pub stored_in: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Targets that use it.
    pub used_by: Vec<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<TargetRow> {
    Ok(TargetRow {
        name: row.get("name")?,
        kind: row.get("kind")?,
        config: row.json("config")?,
        credential: row.get("credential")?,
        known_host: row.get("known_host")?,
        created_at: row.time("created_at")?,
    })
}

fn check_name(what: &'static str, name: &str) -> Result<(), StoreError> {
    match name.parse::<desk_core::ModelName>() {
        Ok(_) => Ok(()),
        Err(_) => Err(StoreError::BadName { what, name: name.to_owned() }),
    }
}

fn names(c: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = c.prepare_cached(sql)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// The row id of a target that has not been removed.
pub(crate) fn require(c: &Connection, name: &str) -> Result<i64, StoreError> {
    let mut statement = c.prepare_cached("SELECT id FROM target WHERE name = ?1 AND removed_at IS NULL")?;
    if let Some(id) = statement.query_row([name], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let all = names(c, "SELECT name FROM target WHERE removed_at IS NULL")?;
    Err(StoreError::NotFound { what: "target", id: name.to_owned(), near: near(name, all) })
}

fn get(c: &Connection, name: &str) -> Result<TargetRow, StoreError> {
    let id = require(c, name)?;
    Ok(c.prepare_cached("SELECT * FROM target WHERE id = ?1")?.query_row([id], read)?)
}

fn log(
    change: &Change<'_>,
    kind: &'static str,
    name: &str,
    verb: &str,
    states: [Option<Value>; 2],
) -> Result<i64, StoreError> {
    let [before, after] = states;
    NewOperation { before, after, ..NewOperation::new(kind, name, format!("{verb} {name}")) }.append(change)
}

fn state(target: &TargetRow) -> Value {
    json!({ "kind": target.kind, "config": target.config, "credential": target.credential,
                 "known_host": target.known_host })
}

impl Store {
    /// Adds a target.
    pub fn add_target(&self, new: &NewTarget) -> Result<TargetRow, StoreError> {
        check_name("target", &new.name)?;
        let config = text("target", &new.config)?;
        self.change(|change| {
            if get(change.tx, &new.name).is_ok() {
                return Err(StoreError::NameTaken { what: "target", name: new.name.clone() });
            }
            let sql = "INSERT INTO target (name, kind, config, credential, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
            change.tx.execute(sql, (&new.name, &new.kind, &config, &new.credential, change.micros()))?;
            let target = get(change.tx, &new.name)?;
            log(change, "target.add", &new.name, "Added the target", [None, Some(state(&target))])?;
            Ok(target)
        })
    }

    /// Changes a target's configuration and credential.
    pub fn update_target(&self, name: &str, config: &Value, credential: Option<&str>) -> Result<TargetRow, StoreError> {
        let config = text("target", config)?;
        self.change_target(name, |change, id| {
            let sql = "UPDATE target SET config = ?2, credential = ?3 WHERE id = ?1";
            change.tx.execute(sql, (id, &config, credential))?;
            Ok(())
        })
    }

    /// Remembers (or, with `None`, forgets) the host key that was accepted for a target.
    pub fn set_known_host(&self, name: &str, key: Option<&str>) -> Result<TargetRow, StoreError> {
        self.change_target(name, |change, id| {
            change.tx.execute("UPDATE target SET known_host = ?2 WHERE id = ?1", (id, key))?;
            Ok(())
        })
    }

    fn change_target(
        &self,
        name: &str,
        work: impl FnOnce(&Change<'_>, i64) -> Result<(), StoreError>,
    ) -> Result<TargetRow, StoreError> {
        self.change(|change| {
            let before = get(change.tx, name)?;
            work(change, require(change.tx, name)?)?;
            let after = get(change.tx, name)?;
            if before != after {
                log(change, "target.change", name, "Changed the target", [Some(state(&before)), Some(state(&after))])?;
            }
            Ok(after)
        })
    }

    /// Removes a target. Its deployments stay in the record; with live ones it is refused.
    pub fn remove_target(&self, name: &str) -> Result<(), StoreError> {
        self.change(|change| {
            let before = get(change.tx, name)?;
            let id = require(change.tx, name)?;
            let sql =
                "SELECT count(*) FROM deployment WHERE target_id = ?1 AND state IN ('live', 'planned', 'running')";
            let live: u32 = change.tx.query_row(sql, [id], |row| row.get(0))?;
            if live > 0 {
                let by = format!("{live} live or running deployments");
                return Err(StoreError::InUse { what: "target", name: name.to_owned(), by });
            }
            change.tx.execute("UPDATE target SET removed_at = ?2 WHERE id = ?1", (id, change.micros()))?;
            log(change, "target.remove", name, "Removed the target", [Some(state(&before)), None])?;
            Ok(())
        })
    }

    /// All targets, by name.
    pub fn list_targets(&self) -> Result<Vec<TargetRow>, StoreError> {
        self.db().read(|c| {
            let mut statement = c.prepare_cached("SELECT * FROM target WHERE removed_at IS NULL ORDER BY name")?;
            Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
        })
    }

    /// One target.
    pub fn get_target(&self, name: &str) -> Result<TargetRow, StoreError> {
        self.db().read(|c| get(c, name))
    }

    /// Records that a credential exists, or that it was replaced.
    pub fn put_credential(&self, name: &str, kind: &str, stored_in: &str) -> Result<CredentialRow, StoreError> {
        check_name("credential", name)?;
        self.change(|change| {
            let sql = "INSERT OR REPLACE INTO credential VALUES (?1, ?2, ?3, ?4)";
            change.tx.execute(sql, (name, kind, stored_in, change.micros()))?;
            let after = json!({ "kind": kind, "stored_in": stored_in });
            log(change, "credential.set", name, "Stored the credential", [None, Some(after)])?;
            credential(change.tx, name)
        })
    }

    /// Removes the record of a credential; refused while a target uses it.
    pub fn remove_credential(&self, name: &str) -> Result<(), StoreError> {
        self.change(|change| {
            let row = credential(change.tx, name)?;
            if !row.used_by.is_empty() {
                let by = row.used_by.join(", ");
                return Err(StoreError::InUse { what: "credential", name: name.to_owned(), by });
            }
            change.tx.execute("DELETE FROM credential WHERE name = ?1", [name])?;
            let before = json!({ "kind": row.kind, "stored_in": row.stored_in });
            log(change, "credential.remove", name, "Removed the credential", [Some(before), None])?;
            Ok(())
        })
    }

    /// All credentials, by name.
    pub fn list_credentials(&self) -> Result<Vec<CredentialRow>, StoreError> {
        self.db().read(|c| {
            let all = names(c, "SELECT name FROM credential ORDER BY name")?;
            all.iter().map(|name| credential(c, name)).collect()
        })
    }

    /// One credential.
    pub fn get_credential(&self, name: &str) -> Result<CredentialRow, StoreError> {
        self.db().read(|c| credential(c, name))
    }
}

fn credential(c: &Connection, name: &str) -> Result<CredentialRow, StoreError> {
    let mut users =
        c.prepare_cached("SELECT name FROM target WHERE credential = ?1 AND removed_at IS NULL ORDER BY name")?;
    let used_by = users.query_map([name], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut statement = c.prepare_cached("SELECT * FROM credential WHERE name = ?1")?;
    let found = statement.query_row([name], |row| {
        Ok(CredentialRow {
            name: row.get("name")?,
            kind: row.get("kind")?,
            stored_in: row.get("stored_in")?,
            created_at: row.time("created_at")?,
            used_by,
        })
    });
    if let Some(row) = found.optional()? {
        return Ok(row);
    }
    let all = names(c, "SELECT name FROM credential")?;
    Err(StoreError::NotFound { what: "credential", id: name.to_owned(), near: near(name, all) })
}
