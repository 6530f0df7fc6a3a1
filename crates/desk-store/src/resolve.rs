//! From `churn@champion` to the version that is meant.

use desk_core::{Selector, VersionRef};
use rusqlite::{Connection, OptionalExtension as _};

use crate::Store;
use crate::change::near;
use crate::error::StoreError;
use crate::models;
use crate::versions::{VersionRow, select};

impl Store {
    /// The version that a reference means now. With a digest: the newest version of the model with
    /// that manifest.
    ///
    /// [`StoreError::NoModel`] and [`StoreError::NoVersion`] name what is close. Archived models
    /// resolve too.
    pub fn resolve(&self, reference: &VersionRef) -> Result<VersionRow, StoreError> {
        self.db().read(|c| {
            let model = models::require(c, &reference.model)?;
            let number = match &reference.selector {
                Selector::Latest => Some(model.latest),
                Selector::Number(number) => Some(*number),
                Selector::Alias(alias) => {
                    let sql = "SELECT number FROM alias WHERE model_id = ?1 AND name = ?2";
                    c.prepare_cached(sql)?.query_row((model.id, alias), |row| row.get(0)).optional()?
                }
                Selector::Digest(digest) => {
                    let sql = "SELECT max(number) FROM version WHERE model_id = ?1 AND manifest = ?2";
                    c.prepare_cached(sql)?.query_row((model.id, digest.hex()), |row| row.get(0))?
                }
            };
            if let Some(number) = number {
                let found = select(c, "v.model_id = ?1 AND v.number = ?2", (model.id, number))?.pop();
                if let Some(version) = found {
                    return Ok(version);
                }
            }
            Err(no_version(c, model.id, model.latest, reference)?)
        })
    }
}

fn no_version(c: &Connection, id: i64, latest: u32, reference: &VersionRef) -> Result<StoreError, StoreError> {
    let model = &reference.model;
    let (wanted, near) = match &reference.selector {
        Selector::Latest => ("yet".to_owned(), Vec::new()),
        Selector::Number(number) => (number.to_string(), vec![format!("{model}@{latest}")]),
        Selector::Digest(digest) => (digest.to_string(), Vec::new()),
        Selector::Alias(alias) => {
            let mut statement = c.prepare_cached("SELECT name FROM alias WHERE model_id = ?1 ORDER BY name")?;
            let names = statement.query_map([id], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            let mut close = near(alias, names.iter().cloned());
            if close.is_empty() {
                close = names.into_iter().take(3).collect();
            }
            (alias.clone(), close.into_iter().map(|name| format!("{model}@{name}")).collect())
        }
    };
    Ok(StoreError::NoVersion { model: model.to_string(), wanted, near })
}
