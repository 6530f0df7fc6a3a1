//! The kept answers of a run: its columns, and any rows of the Arrow file they lie in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use desk_core::{Cancel, Fault};
use desk_data::{OpenOptions, ReadPlan, TableReader};
use desk_store::RunRow;
use parking_lot::Mutex;
use serde::Serialize;

use crate::compare::has_classes;
use crate::outcome::Predicted;

/// Rows that are read and kept together.
pub(super) const CHUNK: usize = 8_192;
/// Bytes of a file that stay in memory for pages; of a larger file only the newest parts.
const IN_MEMORY: u64 = 256 << 20;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// Texts; dates, too.
    Text,
    /// True or false.
    Bool,
    /// Pictures, lists: neither sorted nor compared.
    Other,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The data file.
    Data,
    /// The data file: what the answers are compared with.
    Truth,
    /// The model.
    Answer,
}

/// A column of kept answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Where it comes from.
    pub role: Role,
}

/// The kept answers of a run.
pub(super) struct Kept {
    path: PathBuf,
    /// As the file has them.
    pub columns: Vec<RowColumn>,
    /// The columns that are compared to find wrong answers: the answer and the truth.
    pub judged: Option<(usize, usize)>,
    /// How many rows there are.
    pub total: u64,
    schema: SchemaRef,
    chunks: Mutex<Chunks>,
}

/// The newest chunks, and when each was wanted last.
struct Chunks {
    most: usize,
    clock: u64,
    held: BTreeMap<u32, (u64, RecordBatch)>,
}

impl Chunks {
    fn get(&mut self, chunk: u32) -> Option<RecordBatch> {
        self.clock += 1;
        let now = self.clock;
        self.held.get_mut(&chunk).map(|(wanted, batch)| {
            *wanted = now;
            batch.clone()
        })
    }

    fn put(&mut self, chunk: u32, batch: RecordBatch) {
        self.clock += 1;
        self.held.insert(chunk, (self.clock, batch));
        while self.held.len() > self.most {
            let oldest = self.held.iter().min_by_key(|(_, (wanted, _))| *wanted).map(|(chunk, _)| *chunk);
            oldest.and_then(|chunk| self.held.remove(&chunk));
        }
    }
}

/// Names of the answer's columns say which one is the class: of those without a class of their own it was worked out.
pub(crate) fn label_among(answers: &[String]) -> usize {
    let named = answers.iter().position(|name| name == "label" || name.starts_with("label_"));
    let worked_out = || answers.iter().rposition(|name| name == "predicted");
    named.or_else(worked_out).unwrap_or(0)
}

impl Kept {
    /// The kept answers of a run at a path, as its record tells what they are.
    pub fn open(run: &RunRow, path: PathBuf) -> Result<Self, Fault> {
        let record: Predicted = serde_json::from_value(run.result.clone()).map_err(|error| {
            Fault::input(format!("the record of run {} cannot be read", run.id)).detail(error.to_string())
        })?;
        let mut kept = Self::of_file(path, record.output_columns.len(), record.target.as_deref())?;
        let data = kept.columns.len().saturating_sub(record.output_columns.len());
        let truth = kept.columns.iter().position(|column| column.role == Role::Truth);
        let label = data + label_among(&record.output_columns);
        kept.judged = truth.map(|truth| (label, truth)).filter(|_| has_classes(&record));
        Ok(kept)
    }

    /// An Arrow file whose last columns are answers.
    pub fn of_file(path: PathBuf, answers: usize, target: Option<&str>) -> Result<Self, Fault> {
        let mut reader = reader(&path)?;
        let schema = reader.schema();
        let total = match reader.row_count() {
            Some(rows) => rows,
            None => reader.skip(u64::MAX)?,
        };
        if total > u64::from(u32::MAX) {
            return Err(Fault::input(format!("{total} rows are more than a table here can sort"))
                .hint("Score a part of the file"));
        }
        // The data may have columns of the answers' names; the answers stand last.
        let data = schema.fields().len().saturating_sub(answers);
        let column = |(i, field): (usize, &arrow::datatypes::FieldRef)| RowColumn {
            name: field.name().clone(),
            kind: kind(field.data_type()),
            role: match i {
                i if i >= data => Role::Answer,
                _ if target == Some(field.name()) => Role::Truth,
                _ => Role::Data,
            },
        };
        let columns: Vec<RowColumn> = schema.fields().iter().enumerate().map(column).collect();
        let bytes = std::fs::metadata(&path).map_or(0, |file| file.len()).max(1);
        let chunks = total.div_ceil(CHUNK as u64).max(1);
        let most = (IN_MEMORY.saturating_mul(chunks) / bytes).clamp(4, chunks.max(4));
        let chunks = Mutex::new(Chunks { most: most as usize, clock: 0, held: BTreeMap::new() });
        Ok(Self { path, columns, judged: None, total, schema, chunks })
    }

    /// Where a column stands.
    pub fn position(&self, name: &str) -> Result<usize, Fault> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            Fault::input(format!("there is no column {}", desk_core::words::quoted(name)))
                .hint(format!("The columns are {}", desk_core::words::quoted_list(&names, 12)))
        })
    }

    /// The columns of rows as they are gathered.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Gives all rows to `take`, a chunk at a time from the first on, with at least these columns.
    pub fn scan(
        &self,
        columns: &[usize],
        cancel: &Cancel,
        mut take: impl FnMut(u64, &Part) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let all = self.total.div_ceil(CHUNK as u64) as u32;
        // Of a file that fits, pages of the answer are wanted next: its chunks stay whole.
        let fits = self.chunks.lock().most >= all as usize;
        let columns = if fits { None } else { self.few(columns) };
        let mut file = Forward::of(columns.as_deref());
        for chunk in 0..all {
            cancel.check()?;
            let first = u64::from(chunk) * CHUNK as u64;
            let batch = match &columns {
                None => self.chunk(chunk, &mut file, fits)?,
                Some(_) => file.read(self, first)?,
            };
            take(first, &Part { batch, columns: columns.clone() })?;
        }
        Ok(())
    }

    /// As if the file were larger than what stays in memory.
    #[cfg(test)]
    pub fn as_if_large(&self) {
        self.chunks.lock().most = 1;
    }

    /// Columns in the order of the file; none where all are wanted, or where their names do not tell them apart.
    fn few(&self, columns: &[usize]) -> Option<Arc<[usize]>> {
        let mut few = columns.to_vec();
        few.sort_unstable();
        few.dedup();
        // The first one where only the row's number is wanted.
        few.extend(few.is_empty().then_some(0));
        let alone = |i: &usize| {
            let name = self.columns.get(*i).map(|column| &column.name);
            self.columns.iter().filter(|column| Some(&column.name) == name).count() == 1
        };
        (few.len() < self.columns.len() && few.iter().all(alone)).then(|| few.into())
    }

    /// The rows of these numbers (from 0), in this order.
    pub fn gather(&self, rows: &[u32], cancel: &Cancel) -> Result<RecordBatch, Fault> {
        let broken =
            |error: arrow::error::ArrowError| Fault::bug("rows cannot be put together").detail(error.to_string());
        let mut wanted: Vec<(u32, u32)> = rows.iter().copied().zip(0..).collect();
        wanted.sort_unstable();
        let mut file = Forward::default();
        let mut parts = Vec::new();
        for group in wanted.chunk_by(|a, b| a.0 / CHUNK as u32 == b.0 / CHUNK as u32) {
            cancel.check()?;
            let chunk = group[0].0 / CHUNK as u32;
            let batch = self.chunk(chunk, &mut file, true)?;
            let places = UInt32Array::from_iter_values(group.iter().map(|(row, _)| row % CHUNK as u32));
            parts.push(take_record_batch(&batch, &places).map_err(broken)?);
        }
        let together = concat_batches(&self.schema, &parts).map_err(broken)?;
        let mut back = vec![0u32; rows.len()];
        for (found, (_, place)) in (0..).zip(&wanted) {
            back[*place as usize] = found;
        }
        if back.is_sorted() {
            return Ok(together);
        }
        take_record_batch(&together, &UInt32Array::from(back)).map_err(broken)
    }

    fn chunk(&self, chunk: u32, file: &mut Forward, keep: bool) -> Result<RecordBatch, Fault> {
        if let Some(batch) = self.chunks.lock().get(chunk) {
            return Ok(batch);
        }
        let batch = file.read(self, u64::from(chunk) * CHUNK as u64)?;
        if keep {
            self.chunks.lock().put(chunk, batch.clone());
        }
        Ok(batch)
    }
}

/// Rows of a chunk with those columns that were asked for.
pub(super) struct Part {
    batch: RecordBatch,
    /// Their places in the file; all of them when absent.
    columns: Option<Arc<[usize]>>,
}

impl Part {
    /// A column by its place in the file.
    pub fn column(&self, i: usize) -> Result<&ArrayRef, Fault> {
        let at = self.columns.as_ref().map_or(Some(i), |columns| columns.binary_search(&i).ok());
        let found = at.and_then(|at| self.batch.columns().get(at));
        found.ok_or_else(|| Fault::bug("a column was not asked for").detail(format!("column {i}")))
    }

    /// How many rows there are.
    pub fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }
}

/// The file, read from front to back with gaps; opened when something must be read.
#[derive(Default)]
struct Forward {
    /// Places of the columns that are read; all of them when absent.
    columns: Option<Vec<usize>>,
    reader: Option<Box<dyn TableReader>>,
    at: u64,
}

impl Forward {
    fn of(columns: Option<&[usize]>) -> Self {
        Self { columns: columns.map(<[usize]>::to_vec), ..Self::default() }
    }

    fn open(&self, kept: &Kept) -> Result<Box<dyn TableReader>, Fault> {
        let mut reader = reader(&kept.path)?;
        if let Some(columns) = &self.columns {
            let names = columns.iter().filter_map(|i| kept.columns.get(*i)).map(|column| column.name.clone());
            reader.prepare(&ReadPlan { columns: Some(names.collect()), ..ReadPlan::default() })?;
        }
        Ok(reader)
    }

    fn read(&mut self, kept: &Kept, from: u64) -> Result<RecordBatch, Fault> {
        if self.reader.is_none() {
            self.reader = Some(self.open(kept)?);
        }
        let Some(reader) = &mut self.reader else { return Err(Fault::bug("the kept answers are not open")) };
        let short = || Fault::input("the kept answers end early").hint("Score the file again");
        let gap = from.saturating_sub(self.at);
        if gap > 0 && reader.skip(gap)? != gap {
            return Err(short());
        }
        let wanted = (kept.total - from).min(CHUNK as u64);
        let mut parts = Vec::new();
        let mut rows = 0;
        while rows < wanted {
            // Very wide rows come in smaller batches.
            let batch = reader.next_batch((wanted - rows) as usize)?.ok_or_else(short)?;
            rows += batch.num_rows() as u64;
            parts.push(batch);
        }
        self.at = from + rows;
        match parts.as_slice() {
            [one] => Ok(one.clone()),
            _ => concat_batches(&reader.schema(), &parts)
                .map_err(|error| Fault::bug("rows cannot be put together").detail(error.to_string())),
        }
    }
}

fn reader(path: &std::path::Path) -> Result<Box<dyn TableReader>, Fault> {
    // Blobs have no extension; ours are Arrow files.
    let options = OpenOptions { format: Some(desk_data::Format::Arrow), ..OpenOptions::default() };
    Ok(desk_data::open(path, &options)?)
}

fn kind(data: &DataType) -> ColumnKind {
    match data {
        DataType::Boolean => ColumnKind::Bool,
        DataType::Utf8 => ColumnKind::Text,
        DataType::Dictionary(_, value) if **value == DataType::Utf8 => ColumnKind::Text,
        data if data.is_integer() || data.is_floating() => ColumnKind::Number,
        _ => ColumnKind::Other,
    }
}

/// The cells of one column of a chunk in the few types that are compared.
pub(super) enum Cells {
    Floats(arrow::array::Float64Array),
    Ints(arrow::array::Int64Array),
    /// Whole numbers that may be beyond those of [`Cells::Ints`].
    Large(arrow::array::UInt64Array),
    Bools(arrow::array::BooleanArray),
    Texts(arrow::array::StringArray),
    Other(ArrayRef),
}

impl Cells {
    pub fn of(column: &ArrayRef) -> Result<Self, Fault> {
        use arrow::array::AsArray as _;
        use arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
        let cast = |to: &DataType| {
            arrow::compute::cast(column, to)
                .map_err(|error| Fault::bug("a column cannot be compared").detail(error.to_string()))
        };
        Ok(match column.data_type() {
            data if data.is_floating() => Self::Floats(cast(&DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            DataType::UInt64 => Self::Large(column.as_primitive::<UInt64Type>().clone()),
            data if data.is_integer() => Self::Ints(cast(&DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            DataType::Boolean => Self::Bools(column.as_boolean().clone()),
            data if kind(data) == ColumnKind::Text => Self::Texts(cast(&DataType::Utf8)?.as_string::<i32>().clone()),
            _ => Self::Other(ArrayRef::clone(column)),
        })
    }

    /// Nothing, not a number, or an empty text.
    pub fn is_missing(&self, row: usize) -> bool {
        use arrow::array::Array as _;
        match self {
            Self::Floats(cells) => cells.is_null(row) || cells.value(row).is_nan(),
            Self::Ints(cells) => cells.is_null(row),
            Self::Large(cells) => cells.is_null(row),
            Self::Bools(cells) => cells.is_null(row),
            Self::Texts(cells) => cells.is_null(row) || cells.value(row).is_empty(),
            Self::Other(cells) => cells.is_null(row),
        }
    }

    /// The number, where it is one and not missing.
    pub fn number(&self, row: usize) -> Option<f64> {
        if self.is_missing(row) {
            return None;
        }
        match self {
            Self::Floats(cells) => Some(cells.value(row)),
            Self::Ints(cells) => Some(cells.value(row) as f64),
            Self::Large(cells) => Some(cells.value(row) as f64),
            Self::Bools(_) | Self::Texts(_) | Self::Other(_) => None,
        }
    }
}
