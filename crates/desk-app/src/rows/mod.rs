//! Views of the rows of a test: which of the kept answers are shown, and in which order.
//!
//! A [`RowView`] is plain data; [`Desk::rows`] works out its rows once, and [`Rows`] gives pages of them, their count,
//! and writes them to a file. The window and the command line use the same.

mod export;
mod facts;
mod filter;
mod kept;
mod matching;
mod order;

use std::sync::{Arc, Weak};
use std::time::Instant;

use desk_core::words::shell_word;
use desk_core::{Cancel, Fault, ProgressSink, VersionRef};
use desk_store::{RunKind, RunRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use facts::ColumnFacts;
pub use filter::{Filter, Relation, SortKey, Test};
use kept::Kept;
pub(crate) use kept::label_among;
pub use kept::{ColumnKind, Role, RowColumn};

use crate::Desk;
use crate::query::TablePage;

/// Stands for the row's number where a column is named; a column that is called so itself comes first.
pub const ROW: &str = "#";

/// Which rows of a test are shown, and in which order.
///
/// The order is stable: rows that are alike in all keys stay as they are in the file. Missing values (nothing, not a
/// number, an empty text) come last, both ways. Texts are in the order of their Unicode code points.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RowView {
    /// Rows pass all of them.
    pub filters: Vec<Filter>,
    /// Only rows whose answer differs from the truth; the surest first where nothing sorts them.
    pub wrong: bool,
    /// By the first key, then by the next.
    pub sort: Vec<SortKey>,
}

impl RowView {
    /// All rows, as they are in the file.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// The command line that shows the rows of this view, with these columns where there are any.
    pub fn to_cli(&self, version: &VersionRef, run: &str, columns: &[String]) -> String {
        let mut words = vec!["rows".to_owned(), version.to_string(), "--run".to_owned(), run.to_owned()];
        words.extend(self.to_args());
        words.extend(columns.iter().flat_map(|name| ["--columns".to_owned(), name.clone()]));
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        format!("modeldesk {}", words.join(" "))
    }

    /// Words for a command line that ask for this view.
    pub fn to_args(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.wrong {
            words.push("--wrong".to_owned());
        }
        for filter in &self.filters {
            words.extend(["--where".to_owned(), filter.to_string()]);
        }
        for key in &self.sort {
            words.extend(["--sort".to_owned(), key.to_string()]);
        }
        words
    }
}

/// The rows that a view shows.
pub struct Rows {
    run: String,
    kept: Arc<Kept>,
    /// Numbers from 0; all rows as they stand when absent.
    order: Option<Vec<u32>>,
    seconds: f64,
}

impl Rows {
    /// The run whose rows these are.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// How many rows the view shows.
    pub fn count(&self) -> u64 {
        self.order.as_ref().map_or(self.kept.total, |order| order.len() as u64)
    }

    /// How many rows there are.
    pub fn total(&self) -> u64 {
        self.kept.total
    }

    /// The columns, as the file has them.
    pub fn columns(&self) -> &[RowColumn] {
        &self.kept.columns
    }

    /// The answer's class and the truth, as places among the columns, where wrong answers can be told.
    pub fn judged(&self) -> Option<(usize, usize)> {
        self.kept.judged
    }

    /// Seconds that finding them took.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The places of the columns in the order that people read them: answers, truth, data.
    pub fn usual_order(&self) -> Vec<usize> {
        let columns = &self.kept.columns;
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|i| match columns[*i].role {
            Role::Answer => 0,
            Role::Truth => 1,
            Role::Data => 2,
        });
        order
    }

    /// The number of a shown row in the file, from 1.
    pub fn number(&self, shown: u64) -> Option<u64> {
        match &self.order {
            Some(order) => order.get(usize::try_from(shown).ok()?).map(|row| u64::from(*row) + 1),
            None => (shown < self.kept.total).then_some(shown + 1),
        }
    }

    /// The numbers from 0 of some shown rows.
    fn numbers(&self, offset: u64, limit: usize) -> Vec<u32> {
        let end = offset.saturating_add(limit as u64).min(self.count());
        match &self.order {
            Some(order) => order.get(offset as usize..end as usize).unwrap_or_default().to_vec(),
            None => (offset.min(end)..end).map(|row| row as u32).collect(),
        }
    }

    /// Shown rows `offset..offset + limit` as text.
    pub fn page(&self, offset: u64, limit: usize) -> Result<TablePage, Fault> {
        let numbers = self.numbers(offset, limit);
        let batch = self.kept.gather(&numbers, &Cancel::new())?;
        Ok(TablePage {
            columns: self.kept.columns.iter().map(|column| column.name.clone()).collect(),
            numeric: self.kept.columns.iter().map(|column| column.kind == ColumnKind::Number).collect(),
            rows: (0..batch.num_rows()).map(|row| crate::pages::cells(&batch, row)).collect(),
            offset,
            total: Some(self.count()),
            numbers: numbers.iter().map(|row| u64::from(*row) + 1).collect(),
        })
    }

    /// What a column holds in all rows, shown or not.
    pub fn facts(&self, column: &str, cancel: &Cancel) -> Result<ColumnFacts, Fault> {
        facts::of(&self.kept, column, cancel)
    }
}

impl Desk {
    /// The rows of a test that a view shows.
    ///
    /// A million rows take a fraction of a second; more are worth a look at `progress`.
    pub fn rows(&self, run: &str, view: &RowView, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Rows, Fault> {
        let began = Instant::now();
        let kept = self.kept(&self.0.store.get_run(run)?)?;
        let order = order::order(&kept, view, cancel, progress)?;
        Ok(Rows { run: run.to_owned(), kept, order, seconds: began.elapsed().as_secs_f64() })
    }

    /// The test of a version whose rows are meant: the one that is named, else the newest whose answers are kept.
    pub fn kept_run(&self, version: &VersionRef, run: Option<&str>) -> Result<String, Fault> {
        let row = self.0.store.resolve(version)?;
        let name = format!("{}@{}", row.model, row.number);
        if let Some(id) = run {
            let run = self.0.store.get_run(id)?;
            if run.version != row.digest {
                return Err(Fault::input(format!("run {id} is not of {name}"))
                    .hint(format!("List its runs: modeldesk list runs {}", row.model)));
            }
            return Ok(run.id);
        }
        let runs = self.0.store.list_runs(Some(&row.digest), u32::MAX)?;
        let kept = runs.into_iter().find(|run| run.kind == RunKind::Predict && run.artifact.is_some());
        kept.map(|run| run.id).ok_or_else(|| {
            let name = shell_word(&name);
            Fault::input(format!("no test of {name} has kept its rows"))
                .hint(format!("Test it: modeldesk predict {name} --data FILE"))
        })
    }

    /// The data file of a run, as its command named it.
    pub(crate) fn data_of(&self, run: &str) -> Result<String, Fault> {
        let run = self.0.store.get_run(run)?;
        Ok(run.params.get("data").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// The kept answers of a run; those that somebody looks at are shared.
    fn kept(&self, run: &RunRow) -> Result<Arc<Kept>, Fault> {
        let digest = run.artifact.ok_or_else(|| {
            Fault::input(format!("the answers of run {} were written to a file and are not kept here", run.id))
                .hint("Open that file, or score again without an output file")
        })?;
        let mut known = self.0.rows.lock();
        let known = &mut known.0;
        known.retain(|(_, kept)| kept.strong_count() > 0);
        let held = known.iter().find(|(id, _)| *id == run.id).and_then(|(_, kept)| kept.upgrade());
        if let Some(kept) = held {
            return Ok(kept);
        }
        let kept = Arc::new(Kept::open(run, self.0.store.blob_path(&digest))?);
        known.push((run.id.clone(), Arc::downgrade(&kept)));
        Ok(kept)
    }
}

/// Kept answers that are in use, by their runs.
#[derive(Default)]
pub(crate) struct InUse(Vec<(String, Weak<Kept>)>);

#[cfg(test)]
mod tests;
