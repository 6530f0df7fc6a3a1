//! The rollout journal: what a rollout is about to do and what came of it, on disk before it acts.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Store;
use crate::change::{RowExt as _, text};
use crate::deployments;
use crate::error::StoreError;

/// One entry of a rollout's journal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalRow {
    /// Counts the entries of the deployment, from 1, without gaps.
    pub seq: u64,
    /// The step.
    pub step: String,
    /// What happened to it; the rollout knows the fields.
    pub event: Value,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Appends an entry and returns its number. It is on disk (fsync) when this returns.
    pub fn journal_append(&self, deployment: &str, step: &str, event: &Value) -> Result<u64, StoreError> {
        let event = text("journal", event)?;
        self.change(|change| {
            deployments::get(change.tx, deployment)?;
            let sql = "SELECT coalesce(max(seq), 0) + 1 FROM journal WHERE deployment = ?1";
            let seq: i64 = change.tx.prepare_cached(sql)?.query_row([deployment], |row| row.get(0))?;
            let sql = "INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5)";
            change.tx.prepare_cached(sql)?.execute((deployment, seq, step, &event, change.micros()))?;
            Ok(seq as u64)
        })
    }

    /// All entries of a deployment's journal, in order.
    pub fn journal(&self, deployment: &str) -> Result<Vec<JournalRow>, StoreError> {
        self.db().read(|c| {
            let mut statement = c.prepare_cached("SELECT * FROM journal WHERE deployment = ?1 ORDER BY seq")?;
            let rows = statement.query_map([deployment], |row| {
                Ok(JournalRow {
                    seq: row.get::<_, i64>("seq")? as u64,
                    step: row.get("step")?,
                    event: row.json("event")?,
                    at: row.time("at")?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
