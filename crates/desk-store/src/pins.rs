//! Pins: rows of recorded explanations that somebody keeps as evidence, each with a note.

use desk_core::Digest;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Store;
use crate::change::{Change, RowExt as _};
use crate::error::StoreError;
use crate::operations::NewOperation;

/// A pinned row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PinRow {
    /// The recorded explanation.
    pub run: String,
    /// Number of the row in its data, from 1.
    pub row: u64,
    /// Why it was pinned; may be empty.
    pub note: String,
    /// When it was pinned.
    pub at: Timestamp,
    /// Who did.
    pub who: String,
    /// When its note was last written anew, if it was.
    pub changed: Option<Timestamp>,
    /// Who wrote it then.
    pub changed_by: Option<String>,
}

/// What is known of a pinned row before it is changed.
struct Kept {
    note: String,
    since: Since,
}

/// Since when a row is pinned, in microseconds since 1970, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Since {
    at: i64,
    who: String,
}

impl Since {
    /// As it stands in what an operation tells of a row.
    pub(crate) fn told(state: &Value) -> Option<Self> {
        Some(Self { at: state["at"].as_i64()?, who: state["who"].as_str()?.to_owned() })
    }
}

fn kept(c: &Connection, run: &str, row: u64) -> Result<Option<Kept>, StoreError> {
    let mut statement = c.prepare_cached("SELECT note, at, who FROM pin WHERE run = ?1 AND row_number = ?2")?;
    let read =
        |row: &rusqlite::Row<'_>| Ok(Kept { note: row.get(0)?, since: Since { at: row.get(1)?, who: row.get(2)? } });
    Ok(statement.query_row((run, row as i64), read).optional()?)
}

fn note(c: &Connection, run: &str, row: u64) -> Result<Option<String>, StoreError> {
    Ok(kept(c, run, row)?.map(|kept| kept.note))
}

/// Pins a row with a note, or with none unpins it; returns the operation. The same again is no change.
///
/// A row whose note is written anew stays pinned since before; one that is pinned again by an undo is so since `since`.
pub(crate) fn set(
    change: &Change<'_>,
    run: &str,
    row: u64,
    to: Option<&str>,
    (undoes, since): (Option<i64>, Option<Since>),
) -> Result<Option<i64>, StoreError> {
    let before = kept(change.tx, run, row)?;
    if before.as_ref().map(|kept| kept.note.as_str()) == to {
        return Ok(None);
    }
    match (&before, to) {
        (Some(_), Some(note)) => {
            let sql = "UPDATE pin SET note = ?3, changed = ?4, changed_by = ?5 WHERE run = ?1 AND row_number = ?2";
            change.tx.prepare_cached(sql)?.execute((run, row as i64, note, change.micros(), change.who))?
        }
        (None, Some(note)) => {
            let since = since.unwrap_or_else(|| Since { at: change.micros(), who: change.who.to_owned() });
            let sql = "INSERT INTO pin (run, row_number, note, at, who) VALUES (?1, ?2, ?3, ?4, ?5)";
            change.tx.prepare_cached(sql)?.execute((run, row as i64, note, since.at, &since.who))?
        }
        (_, None) => change.tx.execute("DELETE FROM pin WHERE run = ?1 AND row_number = ?2", (run, row as i64))?,
    };
    let summary = match (&before, to) {
        (None, Some(_)) => format!("Pinned row {row} of an explanation"),
        (Some(_), Some(_)) => format!("Changed the note of pinned row {row}"),
        (_, None) => format!("Unpinned row {row} of an explanation"),
    };
    let state = |note: Option<&str>| json!({ "row": row, "note": note.map_or(Value::Null, Value::from) });
    let kind = if to.is_some() { "pin.set" } else { "pin.remove" };
    let mut was = state(before.as_ref().map(|kept| kept.note.as_str()));
    if let (Some(Kept { since, .. }), Value::Object(was)) = (&before, &mut was) {
        was.insert("at".to_owned(), json!(since.at));
        was.insert("who".to_owned(), json!(since.who));
    }
    let (before, after) = (Some(was), Some(state(to)));
    NewOperation { undoes, before, after, ..NewOperation::new(kind, run, summary) }.append(change).map(Some)
}

/// The note that a row of a run has now; none where it is not pinned.
pub(crate) fn now(change: &Change<'_>, run: &str, row: u64) -> Result<Option<String>, StoreError> {
    note(change.tx, run, row)
}

impl Store {
    /// Pins a row of a recorded run with a note, or writes the note anew. Returns the operation, or `None` when nothing
    /// changed. Whether the run has the row is the caller's to know.
    pub fn pin(&self, run: &str, row: u64, note: &str) -> Result<Option<i64>, StoreError> {
        self.get_run(run)?;
        self.change(|change| set(change, run, row, Some(note), (None, None)))
    }

    /// The note of a pinned row; none where it is not pinned.
    pub fn pinned_note(&self, run: &str, row: u64) -> Result<Option<String>, StoreError> {
        self.db().read(|c| note(c, run, row))
    }

    /// Unpins a row. Returns the operation, or `None` where it was not pinned.
    pub fn unpin(&self, run: &str, row: u64) -> Result<Option<i64>, StoreError> {
        self.change(|change| set(change, run, row, None, (None, None)))
    }

    /// The pinned rows of a version's explanations, the newest first.
    pub fn list_pins(&self, version: &Digest) -> Result<Vec<PinRow>, StoreError> {
        self.db().read(|c| {
            let sql = "SELECT pin.* FROM pin JOIN run ON run.id = pin.run WHERE run.version = ?1
                       ORDER BY pin.at DESC, pin.run DESC, pin.row_number";
            let mut statement = c.prepare_cached(sql)?;
            let rows = statement.query_map([version.hex()], |row| {
                Ok(PinRow {
                    run: row.get("run")?,
                    row: row.get::<_, i64>("row_number")? as u64,
                    note: row.get("note")?,
                    at: row.time("at")?,
                    who: row.get("who")?,
                    changed: row.time_opt("changed")?,
                    changed_by: row.get("changed_by")?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
