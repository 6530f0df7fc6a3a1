//! Versions: immutable, numbered from 1 within a model, named by the digest of their manifest.

use desk_core::{Digest, ModelName};
use jiff::Timestamp;
use rusqlite::{Connection, Row};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Store;
use crate::change::{Change, RowExt as _, text};
use crate::error::StoreError;
use crate::operations::NewOperation;
use crate::{alias, models};

/// A version to be added. The blobs must be stored already.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// The model; made when it is not there.
    pub model: ModelName,
    /// The manifest's bytes; stored as a blob, whose digest is the version's identity.
    pub manifest: Vec<u8>,
    /// Identity of the files alone, for "the same bytes again".
    pub content: Digest,
    /// The blobs that the version needs.
    pub blobs: Vec<Digest>,
    /// Size of its files in bytes.
    pub size_bytes: u64,
    /// What lists show: format, inputs, family. Small.
    pub summary: Value,
    /// What the user says about it; may be empty.
    pub note: String,
    /// An alias to point at it in the same change.
    pub alias: Option<String>,
    /// Add it even when the model has a version with the same content.
    pub allow_same_content: bool,
}

/// The outcome of [`Store::add_version`].
#[derive(Debug, Clone, PartialEq)]
pub enum Added {
    /// A new version.
    New(VersionRow),
    /// The model's newest version with the same content; nothing was changed.
    Same(VersionRow),
}

impl Added {
    /// The version, new or not.
    pub fn version(&self) -> &VersionRow {
        match self {
            Self::New(version) | Self::Same(version) => version,
        }
    }
}

/// A version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionRow {
    /// The model it belongs to.
    pub model: ModelName,
    /// Its number, from 1.
    pub number: u32,
    /// Digest of its manifest: its identity; also the manifest's blob.
    pub digest: Digest,
    /// Identity of its files alone.
    pub content: Digest,
    /// Size of its files in bytes.
    pub size_bytes: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// What lists show.
    pub summary: Value,
    /// What the user said about it.
    pub note: String,
    /// Aliases that point at it now, by name.
    pub aliases: Vec<String>,
}

impl VersionRow {
    /// Reads the columns of `version`; aliases are the caller's to fill in.
    pub(crate) fn read(row: &Row<'_>, model: ModelName, created_at: &str) -> rusqlite::Result<Self> {
        Ok(Self {
            model,
            number: row.get("number")?,
            digest: row.digest("manifest")?,
            content: row.digest("content")?,
            size_bytes: row.get::<_, i64>("size_bytes")? as u64,
            created_at: row.time(created_at)?,
            summary: row.json("summary")?,
            note: row.get("note")?,
            aliases: Vec::new(),
        })
    }
}

/// Versions that `condition` (over `v` and `m`) selects, newest numbers first, with their aliases.
pub(crate) fn select(
    c: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<VersionRow>, StoreError> {
    let sql = format!(
        "SELECT m.name, v.*, (SELECT group_concat(a.name, ' ' ORDER BY a.name) FROM alias a
                              WHERE a.model_id = v.model_id AND a.number = v.number) AS aliases
         FROM version v JOIN model m ON m.id = v.model_id WHERE {condition} ORDER BY m.name, v.number DESC"
    );
    let mut statement = c.prepare_cached(&sql)?;
    let rows = statement.query_map(params, |row| {
        let mut version = VersionRow::read(row, row.parsed("name")?, "created_at")?;
        let aliases: Option<String> = row.get("aliases")?;
        version.aliases = aliases.iter().flat_map(|all| all.split(' ')).map(str::to_owned).collect();
        Ok(version)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Store {
    /// Adds a version: manifest, row, alias and operation in one step that happens wholly or not.
    ///
    /// Two processes that add the same content to one model get one version between them, unless
    /// `allow_same_content` is set. [`StoreError::BlobMissing`] when a blob is not stored.
    pub fn add_version(&self, new: &NewVersion) -> Result<Added, StoreError> {
        if let Some(digest) = self.missing(&new.blobs).first() {
            return Err(StoreError::BlobMissing { digest: *digest });
        }
        if let Some(name) = &new.alias {
            alias::check_name(name)?;
        }
        let digest = self.put_bytes(&new.manifest)?;
        self.change(|change| add(change, new, &digest))
    }

    /// Versions of any model whose files are the same, by model, newest first.
    pub fn find_by_content(&self, content: &Digest) -> Result<Vec<VersionRow>, StoreError> {
        self.db().read(|c| select(c, "v.content = ?1", [content.hex()]))
    }

    /// Versions of any model with this manifest, by model, newest first.
    pub fn find_by_digest(&self, digest: &Digest) -> Result<Vec<VersionRow>, StoreError> {
        self.db().read(|c| select(c, "v.manifest = ?1", [digest.hex()]))
    }

    /// All versions of a model, newest first.
    pub fn list_versions(&self, model: &ModelName) -> Result<Vec<VersionRow>, StoreError> {
        self.db().read(|c| select(c, "v.model_id = ?1", [models::require(c, model)?.id]))
    }

    /// How many versions there are over all models.
    pub fn count_versions(&self) -> Result<u64, StoreError> {
        self.db().read(|c| {
            let count: i64 = c
                .prepare_cached("SELECT coalesce(sum(version_count), 0) FROM model")?
                .query_row([], |row| row.get(0))?;
            Ok(count as u64)
        })
    }

    /// Every blob that some version needs, manifests included, each once: what `verify` looks at.
    pub fn referenced_blobs(&self) -> Result<Vec<Digest>, StoreError> {
        self.db().read(|c| {
            let sql = "SELECT manifest AS digest FROM version UNION SELECT digest FROM version_blob";
            let mut statement = c.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| row.digest("digest"))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The blobs that a version needs, its manifest not among them.
    pub fn version_blobs(&self, model: &ModelName, number: u32) -> Result<Vec<Digest>, StoreError> {
        self.db().read(|c| {
            let sql = "SELECT b.digest FROM version_blob b JOIN version v ON v.id = b.version_id
                       JOIN model m ON m.id = v.model_id WHERE m.name = ?1 AND v.number = ?2 ORDER BY b.digest";
            let mut statement = c.prepare_cached(sql)?;
            let rows = statement.query_map((model.as_str(), number), |row| row.digest("digest"))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Changes what the user says about a version.
    pub fn set_note(&self, model: &ModelName, number: u32, note: &str) -> Result<i64, StoreError> {
        self.change(|change| {
            let id = models::require(change.tx, model)?.id;
            let old = select(change.tx, "v.model_id = ?1 AND v.number = ?2", (id, number))?.pop();
            let Some(old) = old else {
                return Err(StoreError::NoVersion {
                    model: model.to_string(),
                    wanted: number.to_string(),
                    near: vec![],
                });
            };
            change
                .tx
                .execute("UPDATE version SET note = ?3 WHERE model_id = ?1 AND number = ?2", (id, number, note))?;
            let sql = "UPDATE model SET latest_note = ?3 WHERE id = ?1 AND latest_number = ?2";
            change.tx.execute(sql, (id, number, note))?;
            let object = format!("{model}@{number}");
            let operation = NewOperation {
                before: Some(json!({ "note": old.note })),
                after: Some(json!({ "note": note })),
                ..NewOperation::new("version.note", &object, format!("Changed the note of {object}"))
            };
            operation.append(change)
        })
    }
}

fn add(change: &Change<'_>, new: &NewVersion, digest: &Digest) -> Result<Added, StoreError> {
    let (model_id, number) = match models::find(change.tx, &new.model)? {
        Some(model) => {
            let same = select(change.tx, "v.model_id = ?1 AND v.content = ?2", (model.id, new.content.hex()))?;
            if let Some(same) = same.into_iter().next().filter(|_| !new.allow_same_content) {
                return Ok(Added::Same(same));
            }
            (model.id, model.latest + 1)
        }
        None => (create_model(change, &new.model)?, 1),
    };
    insert(change, new, model_id, number, digest)?;
    let object = format!("{}@{number}", new.model);
    let operation = NewOperation {
        after: Some(json!({ "digest": digest, "content": new.content, "size_bytes": new.size_bytes })),
        ..NewOperation::new("version.add", &object, format!("Added {object}"))
    };
    let parent = operation.append(change)?;
    if let Some(name) = &new.alias {
        alias::point(change, &new.model, name, Some(number), alias::Why { parent: Some(parent), undoes: None })?;
    }
    let added = select(change.tx, "v.model_id = ?1 AND v.number = ?2", (model_id, number))?.pop();
    added.map(Added::New).ok_or_else(|| StoreError::Sql(rusqlite::Error::QueryReturnedNoRows))
}

fn create_model(change: &Change<'_>, name: &ModelName) -> Result<i64, StoreError> {
    let sql = "INSERT INTO model (name, created_at, updated_at) VALUES (?1, ?2, ?2)";
    change.tx.prepare_cached(sql)?.execute((name.as_str(), change.micros()))?;
    Ok(change.tx.last_insert_rowid())
}

fn insert(
    change: &Change<'_>,
    new: &NewVersion,
    model_id: i64,
    number: u32,
    digest: &Digest,
) -> Result<(), StoreError> {
    let summary = text("summary of a version", &new.summary)?;
    change
        .tx
        .prepare_cached(
            "INSERT INTO version (model_id, number, manifest, content, size_bytes, created_at, summary, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            model_id,
            number,
            digest.hex(),
            new.content.hex(),
            new.size_bytes as i64,
            change.micros(),
            summary,
            &new.note,
        ))?;
    let version_id = change.tx.last_insert_rowid();
    let mut blob = change.tx.prepare_cached("INSERT OR IGNORE INTO version_blob VALUES (?1, ?2)")?;
    for digest in &new.blobs {
        blob.execute((version_id, digest.hex()))?;
    }
    let sql = "UPDATE model SET version_count = version_count + 1, updated_at = ?2, latest_number = v.number,
                 latest_manifest = v.manifest, latest_content = v.content, latest_size_bytes = v.size_bytes,
                 latest_created_at = v.created_at, latest_summary = v.summary, latest_note = v.note
               FROM version v WHERE v.id = ?1 AND model.id = v.model_id";
    change.tx.prepare_cached(sql)?.execute((version_id, change.micros()))?;
    Ok(())
}
