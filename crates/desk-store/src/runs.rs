//! Runs: the record behind every number that is shown.

use desk_core::Digest;
use jiff::Timestamp;
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Store;
use crate::change::{Change, RowExt as _, text, word};
use crate::error::StoreError;
use crate::operations::NewOperation;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum RunKind {
    Predict,
    Explain,
    Importance,
    Dependence,
    Surrogate,
    Bench,
}

/// A run to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// What was done.
    pub kind: RunKind,
    /// Manifest digest of the version.
    pub version: Digest,
    /// Digest of the data, where there was any.
    pub data: Option<Digest>,
    /// Method and parameters.
    pub params: Value,
    /// The seed of whatever was random.
    pub seed: Option<u64>,
    /// Runtime and its version.
    pub runtime: String,
    /// The device.
    pub device: String,
    /// The result, or a summary of it.
    pub result: Value,
    /// A blob with the whole result.
    pub artifact: Option<Digest>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub seconds: f64,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    /// UUID, version 7.
    pub id: String,
    /// What was done.
    pub kind: RunKind,
    /// Manifest digest of the version.
    pub version: Digest,
    /// Digest of the data, where there was any.
    pub data: Option<Digest>,
    /// Method and parameters.
    pub params: Value,
    /// The seed of whatever was random.
    pub seed: Option<u64>,
    /// Runtime and its version.
    pub runtime: String,
    /// The device.
    pub device: String,
    /// The result, or a summary of it.
    pub result: Value,
    /// A blob with the whole result.
    pub artifact: Option<Digest>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub seconds: f64,
}

/// The change in words: `Tested tumour@2`. The digest of the version is in the change itself.
fn in_words(change: &Change<'_>, run: &NewRun) -> Result<String, StoreError> {
    let verb = match run.kind {
        RunKind::Predict => "Tested",
        RunKind::Explain => "Explained",
        RunKind::Importance => "Worked out the importance of features for",
        RunKind::Dependence => "Worked out a feature's dependence for",
        RunKind::Surrogate => "Grew a tree in place of",
        RunKind::Bench => "Measured",
    };
    let mut statement = change.tx.prepare_cached(
        "SELECT m.name, v.number FROM version v JOIN model m ON m.id = v.model_id
         WHERE v.manifest = ?1 ORDER BY v.number DESC",
    )?;
    let named = statement
        .query_map([run.version.hex()], |row| Ok(format!("{}@{}", row.get::<_, String>(0)?, row.get::<_, u32>(1)?)))?;
    let names: Vec<String> = named.collect::<Result<_, _>>()?;
    // The same files may stand under several names: the one that was asked for is meant.
    let asked = run.result.get("version").and_then(Value::as_str);
    let name = names.iter().find(|name| Some(name.as_str()) == asked).or(names.first());
    Ok(name.map_or_else(|| format!("{verb} version {}", run.version.short()), |name| format!("{verb} {name}")))
}

fn read(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        id: row.get("id")?,
        kind: row.word("kind")?,
        version: row.digest("version")?,
        data: row.digest_opt("data")?,
        params: row.json("params")?,
        seed: row.get::<_, Option<i64>>("seed")?.map(|seed| seed as u64),
        runtime: row.get("runtime")?,
        device: row.get("device")?,
        result: row.json("result")?,
        artifact: row.digest_opt("artifact")?,
        started_at: row.time("started_at")?,
        seconds: row.get("seconds")?,
    })
}

impl Store {
    /// A new id that sorts by time: UUID version 7 with the store's clock.
    pub fn new_id(&self) -> String {
        let now = self.now();
        let seconds = now.as_second().max(0) as u64;
        let nanos = now.subsec_nanosecond().max(0) as u32;
        uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)).to_string()
    }

    /// Records a run and returns its id. A blob named as its artifact must be stored already.
    pub fn add_run(&self, run: &NewRun) -> Result<String, StoreError> {
        if let Some(digest) = run.artifact.as_ref().filter(|digest| !self.has_blob(digest)) {
            return Err(StoreError::BlobMissing { digest: *digest });
        }
        let id = self.new_id();
        let kind = word(run.kind);
        let (params, result) = (text("run", &run.params)?, text("run", &run.result)?);
        self.change(|change| {
            let mut statement = change.tx.prepare_cached(
                "INSERT INTO run VALUES (:id, :kind, :version, :data, :params, :seed, :runtime, :device, :result,
                                         :artifact, :started_at, :seconds)",
            )?;
            statement.execute(named_params! {
                ":id": id, ":kind": kind, ":version": run.version.hex(), ":data": run.data.map(|d| d.hex()),
                ":params": params, ":seed": run.seed.map(|seed| seed as i64), ":runtime": run.runtime,
                ":device": run.device, ":result": result, ":artifact": run.artifact.map(|d| d.hex()),
                ":started_at": run.started_at.as_microsecond(), ":seconds": run.seconds,
            })?;
            let digests = serde_json::json!({ "version": run.version, "data": run.data, "artifact": run.artifact,
                                              "result": Digest::of(&result) });
            let summary = in_words(change, run)?;
            NewOperation { after: Some(digests), ..NewOperation::new("run.add", &id, summary) }.append(change)
        })?;
        Ok(id)
    }

    /// Runs of a version (of all, with `None`), newest first.
    pub fn list_runs(&self, version: Option<&Digest>, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        self.list_runs_of(version, None, limit)
    }

    /// The same, of one kind (of all, with `None`).
    pub fn list_runs_of(
        &self,
        version: Option<&Digest>,
        kind: Option<RunKind>,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreError> {
        let version_is = if version.is_some() { "version = :version" } else { ":version IS NULL" };
        let kind_is = if kind.is_some() { "kind = :kind" } else { ":kind IS NULL" };
        let sql = format!(
            "SELECT * FROM run WHERE {version_is} AND {kind_is} ORDER BY started_at DESC, id DESC LIMIT :limit"
        );
        self.db().read(|c| {
            let mut statement = c.prepare_cached(&sql)?;
            let (version, kind) = (version.map(Digest::hex), kind.map(word));
            let values = named_params! { ":version": version, ":kind": kind, ":limit": limit };
            let rows = statement.query_map(values, read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One run.
    pub fn get_run(&self, id: &str) -> Result<RunRow, StoreError> {
        self.db().read(|c| {
            let mut statement = c.prepare_cached("SELECT * FROM run WHERE id = ?1")?;
            let found = statement.query_map([id], read)?.next().transpose()?;
            found.ok_or_else(|| StoreError::NotFound { what: "run", id: id.to_owned(), near: Vec::new() })
        })
    }
}
