//! Pages of data files, for tables.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use desk_core::{Description, Fault, VersionRef};
use desk_data::{ReadPlan, TableReader};

use crate::command::Columns;
use crate::query::{ColumnRange, DataHead, TablePage};
use crate::worker::open;
use crate::{Desk, Truth};

/// Rows whose values are looked at for ranges.
const LOOKED_AT: usize = 10_000;
/// The rows of a text file of so many bytes are counted, which takes a moment.
const COUNTED: u64 = 32_000_000;
/// Rows whose values are looked at for the truth.
const TRUTH_LOOKED_AT: usize = 1_000;
/// Texts of a column that are offered.
const MOST_VALUES: usize = 200;

impl Desk {
    /// Rows `offset..offset+limit` of a data file as text.
    pub fn data_page(&self, path: &Path, offset: u64, limit: usize) -> Result<TablePage, Fault> {
        page(open(path, &Columns::default())?, offset, limit)
    }

    /// The first rows of a data file as text, read as a command with these columns reads it, and the column that holds
    /// the truth as far as its values tell what the model's classes are.
    pub fn data_head(
        &self,
        path: &Path,
        columns: &Columns,
        description: Option<&Description>,
        limit: usize,
    ) -> Result<DataHead, Fault> {
        let mut page = page(open(path, columns)?, 0, TRUTH_LOOKED_AT)?;
        let truth = description.and_then(|description| Truth::by_values(&page, description, columns));
        page.rows.truncate(limit);
        if page.total.is_none() && std::fs::metadata(path).is_ok_and(|file| file.len() <= COUNTED) {
            page.total = Some(count(open(path, columns)?)?);
        }
        Ok(DataHead { page, truth })
    }

    /// The column of a data file that holds the truth of a version, as far as its values and name tell; it counts once a
    /// command names it.
    pub fn proposed_truth(&self, version: &VersionRef, path: &Path, columns: &Columns) -> Result<Option<Truth>, Fault> {
        let page = looked_at(path, columns)?;
        let manifest = self.manifest(&self.0.store.resolve(version)?)?;
        Ok(Truth::by_values(&page, &manifest.description, columns))
    }

    /// What the columns of a data file hold, in its first rows: for sliders and lists of values.
    pub fn column_ranges(&self, path: &Path) -> Result<Vec<ColumnRange>, Fault> {
        let page = page(open(path, &Columns::default())?, 0, LOOKED_AT)?;
        let cells = |column: usize| {
            let all = page.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str);
            all.filter(|cell| !cell.is_empty())
        };
        let range = |(column, name): (usize, &String)| {
            let numeric = page.numeric.get(column).copied().unwrap_or(false);
            let numbers = || cells(column).filter_map(|cell| cell.parse::<f64>().ok()).filter(|n| n.is_finite());
            let ends = numbers().fold(None, |ends: Option<(f64, f64)>, n| {
                Some(ends.map_or((n, n), |(low, high)| (low.min(n), high.max(n))))
            });
            ColumnRange {
                name: name.clone(),
                numbers: ends.filter(|_| numeric),
                whole: numeric && numbers().all(|n| n.fract() == 0.0),
                values: if numeric { Vec::new() } else { frequent(cells(column)) },
            }
        };
        Ok(page.columns.iter().enumerate().map(range).collect())
    }
}

/// The rows by which a truth is proposed.
pub(crate) fn looked_at(path: &Path, columns: &Columns) -> Result<TablePage, Fault> {
    page(open(path, columns)?, 0, TRUTH_LOOKED_AT)
}

/// The rows of a file that does not say how many it has.
fn count(mut reader: Box<dyn TableReader>) -> Result<u64, Fault> {
    let first = reader.schema().fields().first().map(|field| field.name().clone());
    reader.prepare(&ReadPlan { columns: Some(first.into_iter().collect()), ..ReadPlan::default() })?;
    let mut rows = 0;
    while let Some(batch) = reader.next_batch(LOOKED_AT)? {
        rows += batch.num_rows() as u64;
    }
    Ok(rows)
}

/// Different texts, the most frequent first.
fn frequent<'c>(cells: impl Iterator<Item = &'c str>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for cell in cells {
        *counts.entry(cell).or_default() += 1;
    }
    let mut all: Vec<(&str, usize)> = counts.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all.into_iter().take(MOST_VALUES).map(|(text, _)| text.to_owned()).collect()
}

fn page(mut reader: Box<dyn TableReader>, offset: u64, limit: usize) -> Result<TablePage, Fault> {
    let total = reader.row_count();
    let batch = desk_data::read_rows(reader.as_mut(), offset, offset.saturating_add(limit as u64))?;
    let schema = batch.schema();
    let fields = schema.fields();
    Ok(TablePage {
        numeric: fields.iter().map(|field| field.data_type().is_numeric()).collect(),
        columns: fields.iter().map(|field| field.name().clone()).collect(),
        rows: (0..batch.num_rows()).map(|row| cells(&batch, row)).collect(),
        offset,
        total,
        numbers: Vec::new(),
    })
}

/// The cells of one row as text; missing ones are empty.
pub(crate) fn cells(batch: &RecordBatch, row: usize) -> Vec<String> {
    let cell = |column: &ArrayRef| match column.data_type() {
        _ if column.is_null(row) => String::new(),
        // A picture or an embedding has no useful text.
        DataType::Binary | DataType::LargeBinary => "(picture)".to_owned(),
        DataType::FixedSizeList(_, width) if *width > 16 => format!("({width} numbers)"),
        _ => array_value_to_string(column, row).unwrap_or_default(),
    };
    batch.columns().iter().map(cell).collect()
}
