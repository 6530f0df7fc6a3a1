//! Models: names with versions behind them, listed quickly however many there are.

use std::collections::HashMap;

use desk_core::ModelName;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, ToSql, named_params};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Store;
use crate::change::{Change, RowExt as _, near};
use crate::error::StoreError;
use crate::operations::NewOperation;
use crate::versions::VersionRow;

/// A model as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelRow {
    /// Its name.
    pub name: ModelName,
    /// When its first version was added.
    pub created_at: Timestamp,
    /// When a version was added, an alias moved or a name changed.
    pub updated_at: Timestamp,
    /// Hidden from lists unless asked for.
    pub archived: bool,
    /// How many versions it has.
    pub versions: u32,
    /// The version with the highest number.
    pub latest: Option<VersionRow>,
    /// Aliases as (name, version number), by name.
    pub aliases: Vec<(String, u32)>,
    /// Deployments that are live now.
    pub live_deployments: u32,
}

/// Which models by whether they are archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Archived {
    /// Only those that are not.
    #[default]
    Hide,
    /// All.
    Show,
    /// Only those that are.
    Only,
}

/// Which models.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelFilter {
    /// Part of the name, in any case (ASCII).
    pub text: Option<String>,
    /// By archive.
    pub archived: Archived,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelSort {
    /// By name, in any case.
    Name,
    /// Last changed first.
    #[default]
    Updated,
    /// Newest first.
    Created,
}

impl ModelSort {
    fn sql(self) -> &'static str {
        match self {
            Self::Name => "m.name COLLATE NOCASE, m.id",
            Self::Updated => "m.updated_at DESC, m.id",
            Self::Created => "m.created_at DESC, m.id",
        }
    }
}

impl ModelFilter {
    fn sql(&self) -> &'static str {
        match self.archived {
            Archived::Hide => "m.archived_at IS NULL AND (:text IS NULL OR m.name LIKE :text ESCAPE '\\')",
            Archived::Show => "(:text IS NULL OR m.name LIKE :text ESCAPE '\\')",
            Archived::Only => "m.archived_at IS NOT NULL AND (:text IS NULL OR m.name LIKE :text ESCAPE '\\')",
        }
    }

    fn pattern(&self) -> Option<String> {
        let escape = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        self.text.as_deref().filter(|text| !text.is_empty()).map(|text| format!("%{}%", escape(text)))
    }
}

/// A model's row while a change is made.
pub(crate) struct ModelId {
    pub id: i64,
    pub latest: u32,
    pub archived: bool,
}

/// Finds a model inside a change.
pub(crate) fn find(c: &rusqlite::Connection, name: &ModelName) -> Result<Option<ModelId>, StoreError> {
    let mut statement = c.prepare_cached("SELECT id, latest_number, archived_at FROM model WHERE name = ?1")?;
    let found = statement.query_row([name.as_str()], |row| {
        Ok(ModelId { id: row.get(0)?, latest: row.get(1)?, archived: row.get::<_, Option<i64>>(2)?.is_some() })
    });
    Ok(found.optional()?)
}

/// As [`find`], but a missing one is an error that suggests names.
pub(crate) fn require(c: &rusqlite::Connection, name: &ModelName) -> Result<ModelId, StoreError> {
    if let Some(model) = find(c, name)? {
        return Ok(model);
    }
    let mut statement = c.prepare_cached("SELECT name FROM model")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Err(StoreError::NoModel { name: name.to_string(), near: near(name.as_str(), names) })
}

/// Notes that the model changed.
pub(crate) fn touch(change: &Change<'_>, id: i64) -> Result<(), StoreError> {
    change.tx.prepare_cached("UPDATE model SET updated_at = ?2 WHERE id = ?1")?.execute((id, change.micros()))?;
    Ok(())
}

/// A model with its latest version under the names of the columns of `version`.
const MODEL: &str = "SELECT m.id, m.name, m.created_at, m.updated_at, m.archived_at, m.version_count,
    m.latest_number AS number, m.latest_manifest AS manifest, m.latest_content AS content,
    m.latest_size_bytes AS size_bytes, m.latest_created_at, m.latest_summary AS summary, m.latest_note AS note
    FROM model m";

fn read_model(row: &Row<'_>) -> rusqlite::Result<(i64, ModelRow)> {
    let name: ModelName = row.parsed("name")?;
    let latest = match row.get_ref("manifest")? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(VersionRow::read(row, name.clone(), "latest_created_at")?),
    };
    let model = ModelRow {
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        archived: row.time_opt("archived_at")?.is_some(),
        versions: row.get("version_count")?,
        latest,
        aliases: Vec::new(),
        live_deployments: 0,
        name,
    };
    Ok((row.get("id")?, model))
}

impl Store {
    /// A page of the models with their latest versions: `limit` rows after the first `offset`.
    pub fn list_models(
        &self,
        filter: &ModelFilter,
        sort: ModelSort,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<ModelRow>, StoreError> {
        let sql = format!("{MODEL} WHERE {} ORDER BY {} LIMIT :limit OFFSET :offset", filter.sql(), sort.sql());
        let pattern = filter.pattern();
        let params = named_params! { ":text": pattern, ":limit": limit, ":offset": offset };
        self.db().read(|c| Self::models(c, &sql, params))
    }

    fn models(c: &rusqlite::Connection, sql: &str, params: &[(&str, &dyn ToSql)]) -> Result<Vec<ModelRow>, StoreError> {
        let mut statement = c.prepare_cached(sql)?;
        let mut rows = statement.query_map(params, read_model)?.collect::<Result<Vec<_>, _>>()?;
        let place: HashMap<i64, usize> = rows.iter().enumerate().map(|(i, (id, _))| (*id, i)).collect();
        for (id, alias, number) in aliases_of(c, &place)? {
            if let Some(i) = place.get(&id) {
                let model = &mut rows[*i].1;
                if let Some(latest) = model.latest.as_mut().filter(|latest| latest.number == number) {
                    latest.aliases.push(alias.clone());
                }
                model.aliases.push((alias, number));
            }
        }
        let mut live =
            c.prepare_cached("SELECT model_id, count(*) FROM deployment WHERE state = 'live' GROUP BY model_id")?;
        for pair in live.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?)))? {
            let (id, count) = pair?;
            if let Some(i) = place.get(&id) {
                rows[*i].1.live_deployments = count;
            }
        }
        Ok(rows.into_iter().map(|(_, model)| model).collect())
    }

    /// How many models a filter lets through.
    pub fn count_models(&self, filter: &ModelFilter) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM model m WHERE {}", filter.sql());
        let pattern = filter.pattern();
        self.db().read(|c| {
            let mut statement = c.prepare_cached(&sql)?;
            let count: i64 = statement.query_row(named_params! { ":text": pattern }, |row| row.get(0))?;
            Ok(count as u64)
        })
    }

    /// One model.
    pub fn get_model(&self, name: &ModelName) -> Result<ModelRow, StoreError> {
        let sql = format!("{MODEL} WHERE m.id = :id");
        self.db().read(|c| {
            let id = require(c, name)?.id;
            let rows = Self::models(c, &sql, named_params! { ":id": id })?;
            rows.into_iter().next().ok_or_else(|| StoreError::NoModel { name: name.to_string(), near: Vec::new() })
        })
    }

    /// Hides a model from lists. Returns the operation, or `None` when it was archived already.
    pub fn archive_model(&self, name: &ModelName) -> Result<Option<i64>, StoreError> {
        self.change(|change| set_archived(change, name, true, None))
    }

    /// Shows an archived model again. Returns the operation, or `None` when it was not archived.
    pub fn unarchive_model(&self, name: &ModelName) -> Result<Option<i64>, StoreError> {
        self.change(|change| set_archived(change, name, false, None))
    }

    /// Gives a model another name. Versions, aliases and deployments stay with it.
    pub fn rename_model(&self, name: &ModelName, to: &ModelName) -> Result<i64, StoreError> {
        self.change(|change| rename(change, name, to, None))
    }
}

/// Aliases of the listed models: looked up one by one for a page, read through for a long list.
fn aliases_of(c: &rusqlite::Connection, models: &HashMap<i64, usize>) -> Result<Vec<(i64, String, u32)>, StoreError> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let mut found = Vec::new();
    if models.len() > 500 {
        let mut all = c.prepare_cached("SELECT model_id, name, number FROM alias ORDER BY model_id, name")?;
        for alias in all.query_map([], read)? {
            found.push(alias?);
        }
    } else {
        let mut one = c.prepare_cached("SELECT model_id, name, number FROM alias WHERE model_id = ?1 ORDER BY name")?;
        for id in models.keys() {
            for alias in one.query_map([id], read)? {
                found.push(alias?);
            }
        }
    }
    Ok(found)
}

pub(crate) fn set_archived(
    change: &Change<'_>,
    name: &ModelName,
    archived: bool,
    undoes: Option<i64>,
) -> Result<Option<i64>, StoreError> {
    let model = require(change.tx, name)?;
    if model.archived == archived {
        return Ok(None);
    }
    let at = archived.then(|| change.micros());
    change
        .tx
        .execute("UPDATE model SET archived_at = ?2, updated_at = ?3 WHERE id = ?1", (model.id, at, change.micros()))?;
    let (kind, verb) = if archived { ("model.archive", "Archived") } else { ("model.unarchive", "Restored") };
    let operation = NewOperation {
        undoes,
        before: Some(json!({ "archived": !archived })),
        after: Some(json!({ "archived": archived })),
        ..NewOperation::new(kind, name.as_str(), format!("{verb} {name}"))
    };
    operation.append(change).map(Some)
}

pub(crate) fn rename(
    change: &Change<'_>,
    name: &ModelName,
    to: &ModelName,
    undoes: Option<i64>,
) -> Result<i64, StoreError> {
    let model = require(change.tx, name)?;
    if find(change.tx, to)?.is_some() {
        return Err(StoreError::NameTaken { what: "model", name: to.to_string() });
    }
    change.tx.execute(
        "UPDATE model SET name = ?2, updated_at = ?3 WHERE id = ?1",
        (model.id, to.as_str(), change.micros()),
    )?;
    let operation = NewOperation {
        undoes,
        before: Some(json!({ "name": Value::from(name.as_str()) })),
        after: Some(json!({ "name": Value::from(to.as_str()) })),
        ..NewOperation::new("model.rename", to.as_str(), format!("Renamed {name} to {to}"))
    };
    operation.append(change)
}
