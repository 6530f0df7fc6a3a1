//! The reader that every format gives, its options, and the registry of formats.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::csv::CsvReader;
use crate::error::DataError;
use crate::format::Format;
use crate::formats::{arrow_ipc, image, jsonl, npy, npz, parquet};

/// Schema metadata: the cells come from text and can be read as another type with
/// [`TableReader::prepare`].
pub const META_TEXT_SOURCE: &str = "modeldesk.text-source";
/// Field metadata of a text column: the first cell that is not a number, as `row 57: abc`.
pub const META_FIRST_TEXT: &str = "modeldesk.first-text";
/// Field metadata of a list column: the shape of one row, such as `3,224,224`.
pub const META_ROW_SHAPE: &str = "modeldesk.row-shape";
/// Field metadata: the column holds the row labels of a data frame, not a feature.
pub const META_INDEX: &str = "modeldesk.index";
/// Schema metadata: names that stand in the file more than once, as a JSON list; the later columns are called
/// `name.1`, `name.2`.
pub const META_REPEATED: &str = "modeldesk.repeated";
/// Schema metadata: the file does not name its columns. Where that is a guess it holds the first cells.
pub const META_NO_NAMES: &str = "modeldesk.no-names";
/// Field metadata of a binary column: its cells are PNG or JPEG files.
pub const META_IMAGE: &str = "modeldesk.image";

/// Rows of one batch where a table is read whole or passed over.
const READ_ROWS: usize = 8192;

/// The type that a text column is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// float32, rounded from the nearest float64.
    Float32,
    /// float64.
    Float64,
    /// int64.
    Int64,
    /// `true` or `false`.
    Bool,
    /// The characters as written.
    Text,
}

/// How CSV and JSON lines are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextOptions {
    /// The byte between cells; found from the first rows when `None`.
    pub delimiter: Option<u8>,
    /// Whether the first record names the columns; found from the first rows when `None`.
    pub header: Option<bool>,
    /// Cells that mean "missing". In text columns a quoted cell is never missing.
    pub missing: Vec<String>,
    /// Types of columns that are not to be inferred.
    pub types: BTreeMap<String, ColumnType>,
    /// Bytes that types are inferred from; a smaller file is read whole. `u64::MAX` reads any file
    /// whole, so that types always fit.
    pub infer_bytes: u64,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            delimiter: None,
            header: None,
            missing: ["", "NA", "N/A", "NaN", "nan", "null", "NULL"].map(str::to_owned).to_vec(),
            types: BTreeMap::new(),
            infer_bytes: 16 << 20,
        }
    }
}

/// How a file is opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenOptions {
    /// The format; found from the file when `None`.
    pub format: Option<Format>,
    /// For CSV and JSON lines.
    pub csv: TextOptions,
}

/// What the consumer of a table needs of it, so that a reader can do less and do it faster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadPlan {
    /// The columns to read, in the file's order whatever the order here; all when `None`.
    pub columns: Option<Vec<String>>,
    /// Types to read text cells as. Cells that do not fit are errors with row and column.
    /// Formats with types of their own ignore this.
    pub types: BTreeMap<String, ColumnType>,
}

/// A table that is read from front to back in batches.
pub trait TableReader: Send {
    /// The columns of the batches that come next.
    fn schema(&self) -> SchemaRef;

    /// The exact number of rows, where the format knows it without reading all.
    fn row_count(&self) -> Option<u64>;

    /// A guess at the number of rows from the bytes read so far; exact where the format knows.
    fn row_estimate(&self) -> Option<u64> {
        self.row_count()
    }

    /// States what will be needed, before the first batch; the schema follows it.
    fn prepare(&mut self, plan: &ReadPlan) -> Result<(), DataError>;

    /// The next rows, `None` at the end: `max_rows` of them except at the end and where rows are
    /// so wide that they would take more than 256 MiB.
    fn next_batch(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, DataError>;

    /// Passes over rows without giving them, by seeking where the format can; how many there were.
    fn skip(&mut self, rows: u64) -> Result<u64, DataError> {
        let mut left = rows;
        while left > 0 {
            let Some(batch) = self.next_batch(left.min(READ_ROWS as u64) as usize)? else { break };
            left -= batch.num_rows() as u64;
        }
        Ok(rows - left)
    }

    /// Bytes of the file that were read so far, for progress.
    fn bytes_read(&self) -> u64;

    /// Bytes of the file, where known.
    fn bytes_total(&self) -> Option<u64>;

    /// The line of the file that a data row (from 1, already read) starts at, for formats of lines.
    fn line_of(&self, row: u64) -> Option<u64> {
        let _ = row;
        None
    }
}

/// Where the columns of each name are, of several of one name the first: to look for many of them, since
/// `Schema::index_of` goes through all columns each time.
pub fn positions(schema: &Schema) -> HashMap<&str, usize> {
    let mut positions = HashMap::with_capacity(schema.fields().len());
    for (i, field) in schema.fields().iter().enumerate() {
        positions.entry(field.name().as_str()).or_insert(i);
    }
    positions
}

/// Opens a file, or a folder of pictures, as a table of at least one row.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn TableReader>, DataError> {
    let detected = Format::detect(path);
    let format = match options.format {
        Some(format) => format,
        None => detected?,
    };
    let reader: Box<dyn TableReader> = match format {
        Format::Csv => Box::new(CsvReader::open(path, &options.csv)?),
        Format::Parquet => Box::new(parquet::open(path)?),
        Format::Arrow => arrow_ipc::open(path)?,
        Format::Jsonl => Box::new(jsonl::JsonReader::open(path, &options.csv)?),
        Format::Npy => Box::new(npy::open(path)?),
        Format::Npz => Box::new(npz::open(path)?),
        Format::Image => Box::new(image::ImageReader::open(path)?),
    };
    if reader.row_count() == Some(0) {
        return Err(DataError::NoRows { path: path.to_owned(), found: "the table is empty" });
    }
    Ok(reader)
}

/// Reads a small table whole; more than `limit` rows are an error.
pub fn read_all_limited(reader: &mut dyn TableReader, limit: usize) -> Result<RecordBatch, DataError> {
    let mut batches = Vec::new();
    let mut rows = 0;
    while let Some(batch) = reader.next_batch(READ_ROWS)? {
        rows += batch.num_rows();
        if rows > limit {
            return Err(DataError::Mismatch(format!("the table has more than {limit} rows, too many to hold at once")));
        }
        batches.push(batch);
    }
    concat_batches(&reader.schema(), &batches).map_err(|e| DataError::Mismatch(e.to_string()))
}

/// Reads the rows `from..to` (from 0) and skips the others.
pub fn read_rows(reader: &mut dyn TableReader, from: u64, to: u64) -> Result<RecordBatch, DataError> {
    let mut batches = Vec::new();
    let mut left = if reader.skip(from)? == from { to.saturating_sub(from) } else { 0 };
    while left > 0 {
        let Some(batch) = reader.next_batch(left.min(READ_ROWS as u64) as usize)? else { break };
        left -= batch.num_rows() as u64;
        batches.push(batch);
    }
    concat_batches(&reader.schema(), &batches).map_err(|e| DataError::Mismatch(e.to_string()))
}

/// Cuts and joins batches to the size that was asked for.
#[derive(Default)]
pub(crate) struct Rebatch {
    waiting: std::collections::VecDeque<RecordBatch>,
    rows: usize,
}

impl Rebatch {
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn push(&mut self, batch: RecordBatch) {
        if batch.num_rows() > 0 {
            self.rows += batch.num_rows();
            self.waiting.push_back(batch);
        }
    }

    /// Takes up to `max_rows` rows; `None` when nothing waits.
    pub fn take(&mut self, max_rows: usize) -> Option<RecordBatch> {
        let mut parts = Vec::new();
        let mut missing = max_rows.max(1);
        while missing > 0 {
            let Some(batch) = self.waiting.pop_front() else { break };
            if batch.num_rows() > missing {
                self.waiting.push_front(batch.slice(missing, batch.num_rows() - missing));
                parts.push(batch.slice(0, missing));
                missing = 0;
            } else {
                missing -= batch.num_rows();
                parts.push(batch);
            }
        }
        let joined = match parts.len() {
            0 => return None,
            1 => parts.pop()?,
            _ => concat_batches(&parts[0].schema(), &parts).ok()?,
        };
        self.rows -= joined.num_rows();
        Some(joined)
    }
}

/// The names that come more than once, for [`META_REPEATED`]; columns without a name have none in common.
pub(crate) fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let (mut seen, mut twice) = (HashSet::new(), Vec::new());
    for name in names.filter(|name| !name.is_empty()) {
        if !seen.insert(name) && !twice.contains(&name) {
            twice.push(name);
        }
    }
    (!twice.is_empty()).then(|| serde_json::json!(twice).to_string())
}

/// The positions of the planned columns in a schema; all when the plan names none.
pub(crate) fn projection(schema: &SchemaRef, plan: &ReadPlan) -> Result<Vec<usize>, DataError> {
    let Some(wanted) = &plan.columns else {
        return Ok((0..schema.fields().len()).collect());
    };
    let by_name = positions(schema);
    let mut positions = Vec::with_capacity(wanted.len());
    for name in wanted {
        positions.push(*by_name.get(name.as_str()).ok_or_else(|| DataError::NoSuchColumn {
            column: name.clone(),
            available: schema.fields().iter().map(|f| f.name().clone()).collect(),
        })?);
    }
    positions.sort_unstable();
    positions.dedup();
    Ok(positions)
}
