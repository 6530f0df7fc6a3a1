//! Apache Parquet, page by page.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::guarded;
use super::normal::{normal_batch, normal_schema};
use crate::error::DataError;
use crate::format::Format;
use crate::table::{ReadPlan, Rebatch, TableReader, projection};

/// Decoded bytes that one batch should not exceed.
const BATCH_BYTES: u64 = 256 << 20;

enum State {
    Planned(Box<ParquetRecordBatchReaderBuilder<File>>),
    Reading(Box<ParquetRecordBatchReader>),
    Done,
}

/// Reads a Parquet file.
pub struct ParquetTable {
    path: PathBuf,
    state: State,
    schema: SchemaRef,
    /// Where its columns stand in the file.
    roots: Vec<usize>,
    ready: Rebatch,
    rows: u64,
    row_bytes: u64,
    rows_read: u64,
    total: u64,
}

/// Opens a Parquet file; only its footer is read.
pub fn open(path: &Path) -> Result<ParquetTable, DataError> {
    let file = File::open(path).map_err(|e| DataError::io("open", path, e))?;
    let total = file.metadata().map_err(|e| DataError::io("open", path, e))?.len();
    let opened = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file));
    let opened = opened.map_err(|said| explain(path, FOOTER, &said.0))?;
    let builder = opened.map_err(|e| explain(path, FOOTER, &e.to_string()))?;
    let metadata = builder.metadata();
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let bytes: u64 = metadata.row_groups().iter().map(|g| u64::try_from(g.total_byte_size()).unwrap_or(0)).sum();
    let schema = normal_schema(builder.schema());
    Ok(ParquetTable {
        path: path.to_owned(),
        state: State::Planned(Box::new(builder)),
        roots: (0..schema.fields().len()).collect(),
        schema,
        ready: Rebatch::default(),
        rows,
        row_bytes: bytes / rows.max(1),
        rows_read: 0,
        total,
    })
}

/// What is wrong where the part that says what the file holds cannot be read.
const FOOTER: &str = "its footer, which says what it holds, cannot be read";

fn explain(path: &Path, what: impl Into<String>, message: &str) -> DataError {
    if message.contains("Disabled feature") || message.contains("NYI") || message.contains("not implemented") {
        return DataError::Unsupported {
            path: path.to_owned(),
            format: Format::Parquet,
            what: format!("this encoding ({message})"),
            hint: "Write the file with snappy or zstd compression".into(),
        };
    }
    DataError::unreadable(path, Format::Parquet, what, &message)
}

impl ParquetTable {
    /// The rows that come next, as what cannot be read.
    fn rest(&self) -> String {
        format!("its rows from row {} on cannot be read", self.rows_read + 1)
    }

    fn start(&mut self, max_rows: usize) -> Result<(), DataError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Planned(builder) => {
                let most = (BATCH_BYTES / self.row_bytes.max(1)).clamp(1, 65_536) as usize;
                let reader = builder.with_batch_size(max_rows.clamp(1, most)).build();
                let reader = reader.map_err(|e| explain(&self.path, self.rest(), &e.to_string()))?;
                self.state = State::Reading(Box::new(reader));
            }
            other => self.state = other,
        }
        Ok(())
    }
}

impl TableReader for ParquetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn prepare(&mut self, plan: &ReadPlan) -> Result<(), DataError> {
        let keep = projection(&self.schema, plan)?;
        match std::mem::replace(&mut self.state, State::Done) {
            State::Planned(builder) => {
                self.roots = keep.iter().map(|i| self.roots[*i]).collect();
                let mask = ProjectionMask::roots(builder.parquet_schema(), self.roots.iter().copied());
                self.state = State::Planned(Box::new(builder.with_projection(mask)));
                self.schema = Arc::new(self.schema.project(&keep).map_err(|e| DataError::Mismatch(e.to_string()))?);
                Ok(())
            }
            other => {
                self.state = other;
                Err(DataError::Mismatch("a table can only be prepared before its first batch".into()))
            }
        }
    }

    fn next_batch(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, DataError> {
        self.start(max_rows)?;
        let most = (BATCH_BYTES / self.row_bytes.max(1)).max(1) as usize;
        let max_rows = max_rows.clamp(1, most);
        while self.ready.rows() < max_rows {
            let State::Reading(reader) = &mut self.state else { break };
            let next = guarded(|| reader.next());
            match next.unwrap_or_else(|said| Some(Err(ArrowError::ParseError(said.0)))) {
                Some(Ok(batch)) => {
                    let rows = batch.num_rows() as u64;
                    let batch = normal_batch(&batch, &self.schema);
                    self.ready.push(batch.map_err(|e| explain(&self.path, self.rest(), &e.to_string()))?);
                    self.rows_read += rows;
                }
                Some(Err(error)) => {
                    self.state = State::Done;
                    self.ready = Rebatch::default();
                    return Err(explain(&self.path, self.rest(), &error.to_string()));
                }
                None => self.state = State::Done,
            }
        }
        Ok(self.ready.take(max_rows))
    }

    fn skip(&mut self, rows: u64) -> Result<u64, DataError> {
        let there = rows.min(self.rows - self.rows_read.min(self.rows));
        match std::mem::replace(&mut self.state, State::Done) {
            // Row groups and pages before the offset are not decoded.
            State::Planned(builder) if self.rows_read == 0 => {
                let offset = usize::try_from(there).unwrap_or(usize::MAX);
                self.state = State::Planned(Box::new(builder.with_offset(offset)));
                self.rows_read = there;
                return Ok(there);
            }
            other => self.state = other,
        }
        let mut left = rows;
        while left > 0 {
            let Some(batch) = self.next_batch(usize::try_from(left).unwrap_or(usize::MAX).min(8192))? else { break };
            left -= batch.num_rows() as u64;
        }
        Ok(rows - left)
    }

    fn bytes_read(&self) -> u64 {
        (self.total as f64 * self.rows_read as f64 / self.rows.max(1) as f64) as u64
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(self.total)
    }
}
