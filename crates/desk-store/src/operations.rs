//! The operation log: every change of the registry is one row, chained by hashes.

use desk_core::Digest;
use jiff::Timestamp;
use rusqlite::{Row, named_params};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Store;
use crate::change::{Change, RowExt as _, text_opt};
use crate::error::StoreError;

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationRow {
    /// Its number; numbers have no gaps.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What sort of change: `version.add`, `alias.set`, `model.archive`, …
    pub kind: String,
    /// What was changed: a model, `model@number`, a target, a deployment's id.
    pub object: String,
    /// One sentence for people.
    pub summary: String,
    /// The operation of which this one is a part.
    pub parent: Option<i64>,
    /// The operation that this one undoes.
    pub undoes: Option<i64>,
    /// The operation that undid this one.
    pub undone_by: Option<i64>,
    /// The state before, where it can be restored.
    pub before: Option<Value>,
    /// The state afterwards.
    pub after: Option<Value>,
    /// SHA-256 over the previous operation's hash and this row.
    pub hash: Digest,
}

/// Which operations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperationFilter {
    /// Only of this object; `churn` finds `churn@3` too.
    pub object: Option<String>,
    /// Only of kinds that begin with this: `alias.`, `deployment.`.
    pub kind: Option<String>,
}

/// What [`Store::verify_chain`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Operations looked at.
    pub checked: u64,
    /// The chain is whole and unchanged.
    pub ok: bool,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
    /// Hash of the newest operation: kept elsewhere (in a report, by mail), it proves the whole log.
    pub head: Digest,
}

/// A change that is about to be logged.
pub(crate) struct NewOperation<'a> {
    pub kind: &'static str,
    pub object: &'a str,
    pub summary: String,
    pub parent: Option<i64>,
    pub undoes: Option<i64>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl<'a> NewOperation<'a> {
    pub fn new(kind: &'static str, object: &'a str, summary: String) -> Self {
        Self { kind, object, summary, parent: None, undoes: None, before: None, after: None }
    }

    /// Appends the operation to the chain, in the transaction of its change; returns its number.
    pub fn append(&self, change: &Change<'_>) -> Result<i64, StoreError> {
        let mut head = change.tx.prepare_cached("SELECT id, hash FROM chain_head")?;
        let (last, prev_hash): (i64, String) = head.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut sealed = Sealed {
            id: last + 1,
            at: change.micros(),
            who: change.who.to_owned(),
            kind: self.kind.to_owned(),
            object: self.object.to_owned(),
            summary: self.summary.clone(),
            parent: self.parent,
            undoes: self.undoes,
            before: text_opt("operation", self.before.as_ref())?,
            after: text_opt("operation", self.after.as_ref())?,
            prev_hash,
            hash: String::new(),
        };
        sealed.hash = sealed.compute_hash()?;
        sealed.insert(change)?;
        Ok(sealed.id)
    }
}

/// A row as stored: the texts exactly as they are hashed.
struct Sealed {
    id: i64,
    at: i64,
    who: String,
    kind: String,
    object: String,
    summary: String,
    parent: Option<i64>,
    undoes: Option<i64>,
    before: Option<String>,
    after: Option<String>,
    prev_hash: String,
    hash: String,
}

impl Sealed {
    /// SHA-256 over the previous hash, a line feed, and the fields as one JSON array.
    fn compute_hash(&self) -> Result<String, StoreError> {
        let fields = (
            self.id,
            self.at,
            &self.who,
            &self.kind,
            &self.object,
            &self.summary,
            self.parent,
            self.undoes,
            &self.before,
            &self.after,
        );
        let fields = crate::change::text("operation", &fields)?;
        let mut hasher = Sha256::new();
        hasher.update(self.prev_hash.as_bytes());
        hasher.update(b"\n");
        hasher.update(fields.as_bytes());
        Ok(Digest::from_bytes(hasher.finalize().into()).hex())
    }

    fn insert(&self, change: &Change<'_>) -> Result<(), StoreError> {
        change
            .tx
            .prepare_cached(
                "INSERT INTO operation VALUES (:id, :at, :who, :kind, :object, :summary, :parent, :undoes,
                                               :before, :after, :prev_hash, :hash)",
            )?
            .execute(named_params! {
                ":id": self.id, ":at": self.at, ":who": self.who, ":kind": self.kind, ":object": self.object,
                ":summary": self.summary, ":parent": self.parent, ":undoes": self.undoes, ":before": self.before,
                ":after": self.after, ":prev_hash": self.prev_hash, ":hash": self.hash,
            })?;
        change.tx.prepare_cached("UPDATE chain_head SET id = ?1, hash = ?2")?.execute((self.id, &self.hash))?;
        Ok(())
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            at: row.get("at")?,
            who: row.get("who")?,
            kind: row.get("kind")?,
            object: row.get("object")?,
            summary: row.get("summary")?,
            parent: row.get("parent")?,
            undoes: row.get("undoes")?,
            before: row.get("before")?,
            after: row.get("after")?,
            prev_hash: row.get("prev_hash")?,
            hash: row.get("hash")?,
        })
    }
}

pub(crate) fn read_operation(row: &Row<'_>) -> rusqlite::Result<OperationRow> {
    Ok(OperationRow {
        id: row.get("id")?,
        at: row.time("at")?,
        who: row.get("who")?,
        kind: row.get("kind")?,
        object: row.get("object")?,
        summary: row.get("summary")?,
        parent: row.get("parent")?,
        undoes: row.get("undoes")?,
        undone_by: row.get("undone_by")?,
        before: row.json_opt("before")?,
        after: row.json_opt("after")?,
        hash: row.digest("hash")?,
    })
}

/// All columns of an operation and who undid it.
pub(crate) const OPERATION: &str =
    "SELECT o.*, (SELECT u.id FROM operation u WHERE u.undoes = o.id) AS undone_by FROM operation o";

impl Store {
    /// Operations, newest first: at most `limit`, with numbers below `before` when given.
    pub fn list_operations(
        &self,
        filter: &OperationFilter,
        limit: u32,
        before: Option<i64>,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let sql = format!(
            "{OPERATION} WHERE (:before IS NULL OR o.id < :before)
               AND (:object IS NULL OR o.object = :object OR substr(o.object, 1, length(:object) + 1) = :object || '@')
               AND (:kind IS NULL OR substr(o.kind, 1, length(:kind)) = :kind)
             ORDER BY o.id DESC LIMIT :limit"
        );
        self.db().read(|c| {
            let mut statement = c.prepare_cached(&sql)?;
            let params = named_params! {
                ":before": before, ":object": filter.object, ":kind": filter.kind, ":limit": limit,
            };
            let rows = statement.query_map(params, read_operation)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One operation.
    pub fn get_operation(&self, id: i64) -> Result<OperationRow, StoreError> {
        self.db().read(|c| get(c, id))
    }

    /// Computes every hash again and compares: finds changed, removed and inserted operations.
    ///
    /// It cannot find a chain that somebody wrote anew from some row to its end; compare
    /// [`ChainReport::head`] with one that was kept elsewhere.
    pub fn verify_chain(&self) -> Result<ChainReport, StoreError> {
        self.db().read(|c| {
            let mut report =
                ChainReport { checked: 0, ok: true, problems: Vec::new(), head: Digest::from_bytes([0; 32]) };
            let mut statement = c.prepare_cached("SELECT * FROM operation ORDER BY id")?;
            let mut last = (0, report.head.hex());
            for sealed in statement.query_map([], Sealed::read)? {
                let sealed = sealed?;
                report.checked += 1;
                if sealed.id != last.0 + 1 {
                    report.problems.push(format!("operations {} to {} are missing", last.0 + 1, sealed.id - 1));
                } else if sealed.prev_hash != last.1 {
                    report.problems.push(format!("operation {} does not follow from operation {}", sealed.id, last.0));
                }
                if sealed.compute_hash()? != sealed.hash {
                    report.problems.push(format!("operation {} was changed after it was written", sealed.id));
                }
                last = (sealed.id, sealed.hash);
            }
            let head: (i64, String) =
                c.query_row("SELECT id, hash FROM chain_head", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if head != last {
                report.problems.push(format!("the log ends at operation {} instead of {}", last.0, head.0));
            }
            match last.1.parse() {
                Ok(digest) => report.head = digest,
                Err(_) => report.problems.push(format!("operation {} has no valid hash", last.0)),
            }
            report.ok = report.problems.is_empty();
            Ok(report)
        })
    }
}

pub(crate) fn get(c: &rusqlite::Connection, id: i64) -> Result<OperationRow, StoreError> {
    let mut statement = c.prepare_cached(&format!("{OPERATION} WHERE o.id = ?1"))?;
    let mut rows = statement.query_map([id], read_operation)?;
    let found = rows.next().transpose()?;
    found.ok_or_else(|| StoreError::NotFound { what: "operation", id: id.to_string(), near: Vec::new() })
}
