//! How a model was used the last time: what a form begins with.

use std::path::PathBuf;

use desk_core::{Fault, VersionRef};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::command::{Columns, Command, Explain, Predict};
use crate::repair::Making;

/// Runs of a version that are looked through.
const LOOKED_AT: u32 = 100;

/// The last uses of a model, those of one version before those of others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LastUse {
    /// Data files of all runs, newest first.
    pub data: Vec<String>,
    /// The newest test.
    pub test: Option<Predict>,
    /// The newest explanation.
    pub explain: Option<Explain>,
    /// The data that this version was imported with, where it is still there, and how its columns became inputs; the
    /// truth is kept elsewhere.
    pub import: Option<(PathBuf, Columns)>,
}

impl Desk {
    /// How a model was used: this version of it, or where it was not, the newest one that was.
    pub fn last_use(&self, version: &VersionRef) -> Result<LastUse, Fault> {
        let this = self.0.store.resolve(version)?;
        let mut others = self.0.store.list_versions(&this.model)?;
        others.retain(|row| row.number != this.number);
        others.sort_by_key(|row| std::cmp::Reverse(row.number));
        let mut last = LastUse::default();
        for row in std::iter::once(&this).chain(&others) {
            for run in self.runs_of(row, None, LOOKED_AT)? {
                // A record of another version of this program may be in another form: it is left out.
                match serde_json::from_value::<Command>(run.params) {
                    Ok(Command::Predict(test)) => {
                        last.used(&test.data);
                        last.test.get_or_insert(test);
                    }
                    Ok(Command::Explain(explain)) => {
                        last.used(&explain.data);
                        last.explain.get_or_insert(explain);
                    }
                    _ => {}
                }
            }
            // Older versions tell nothing more.
            if last.test.is_some() && last.explain.is_some() {
                break;
            }
        }
        if let Some(Making { data: Some(data), columns, .. }) = Making::of(&this) {
            last.import = data.exists().then_some((data, Columns { target: None, ..columns }));
        }
        Ok(last)
    }
}

impl LastUse {
    fn used(&mut self, path: &std::path::Path) {
        let path = path.to_string_lossy().into_owned();
        if !self.data.contains(&path) {
            self.data.push(path);
        }
    }
}
