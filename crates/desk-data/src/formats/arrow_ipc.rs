//! Apache Arrow IPC: the file format (Feather 2) and the stream format.
//!
//! A record batch of the file is the smallest unit that can be read, so memory is that of the
//! largest one.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader, read_footer_length};
use arrow::ipc::{root_as_footer, root_as_message};
use arrow::record_batch::RecordBatch;

use super::normal::{normal_batch, normal_schema};
use crate::error::DataError;
use crate::format::Format;
use crate::table::{ReadPlan, Rebatch, TableReader, projection};

enum Source {
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<File>>>),
}

impl Source {
    fn next(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        }
    }

    fn position(&mut self) -> u64 {
        let file = match self {
            Self::File(reader) => reader.get_mut(),
            Self::Stream(reader) => reader.get_mut(),
        };
        file.stream_position().unwrap_or(0)
    }
}

struct ArrowTable {
    path: PathBuf,
    source: Source,
    /// All columns of the file, in normal types.
    whole: SchemaRef,
    schema: SchemaRef,
    keep: Vec<usize>,
    ready: Rebatch,
    /// Rows of each record batch of a file; a stream does not say.
    blocks: Option<Vec<u64>>,
    /// Record batches that were read or passed over.
    at: usize,
    started: bool,
    done: bool,
    read: u64,
    total: u64,
}

/// Opens an Arrow file or stream, whichever it is.
pub fn open(path: &Path) -> Result<Box<dyn TableReader>, DataError> {
    let fail = |e| DataError::io("open", path, e);
    let broken = |e: ArrowError| explain(path, &e);
    let mut file = File::open(path).map_err(fail)?;
    let total = file.metadata().map_err(fail)?.len();
    let mut magic = [0u8; 6];
    let is_file = file.read_exact(&mut magic).is_ok() && &magic == b"ARROW1";
    let blocks = if is_file { Some(block_rows(&mut file, total).map_err(broken)?) } else { None };
    file.seek(SeekFrom::Start(0)).map_err(fail)?;
    let buffered = BufReader::with_capacity(1 << 20, file);
    let (source, schema) = if is_file {
        let reader = FileReader::try_new(buffered, None).map_err(broken)?;
        let schema = reader.schema();
        (Source::File(Box::new(reader)), schema)
    } else {
        let reader = StreamReader::try_new(buffered, None).map_err(broken)?;
        let schema = reader.schema();
        (Source::Stream(Box::new(reader)), schema)
    };
    let schema = normal_schema(&schema);
    let keep = (0..schema.fields().len()).collect();
    Ok(Box::new(ArrowTable {
        path: path.to_owned(),
        source,
        whole: Arc::clone(&schema),
        schema,
        keep,
        ready: Rebatch::default(),
        blocks,
        at: 0,
        started: false,
        done: false,
        read: 0,
        total,
    }))
}

fn explain(path: &Path, error: &ArrowError) -> DataError {
    DataError::corrupt(path, Format::Arrow, error.to_string())
}

/// The lengths of all record batches from their headers, without reading their bodies.
fn block_rows(file: &mut File, total: u64) -> Result<Vec<u64>, ArrowError> {
    let bad = |what: &str| ArrowError::ParseError(what.to_owned());
    if total < 20 {
        return Err(bad("the footer is missing"));
    }
    let mut tail = [0u8; 10];
    file.seek(SeekFrom::End(-10))?;
    file.read_exact(&mut tail)?;
    let length = read_footer_length(tail)? as u64;
    if length + 10 > total {
        return Err(bad("the footer is longer than the file"));
    }
    file.seek(SeekFrom::End(-10 - length as i64))?;
    let mut footer = vec![0u8; length as usize];
    file.read_exact(&mut footer)?;
    let footer = root_as_footer(&footer).map_err(|e| bad(&format!("the footer cannot be read: {e}")))?;
    let mut rows = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let (offset, size) = (block.offset(), i64::from(block.metaDataLength()));
        if offset < 0 || size < 8 || offset + size > total as i64 {
            return Err(bad("a record batch lies outside the file"));
        }
        file.seek(SeekFrom::Start(offset as u64))?;
        let mut head = vec![0u8; size as usize];
        file.read_exact(&mut head)?;
        let start = if head[..4] == [0xff; 4] { 8 } else { 4 };
        let message = root_as_message(&head[start..]).map_err(|e| bad(&format!("a header cannot be read: {e}")))?;
        let batch = message.header_as_record_batch().ok_or_else(|| bad("a block is not a record batch"))?;
        rows.push(u64::try_from(batch.length()).unwrap_or(0));
    }
    Ok(rows)
}

impl TableReader for ArrowTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn row_count(&self) -> Option<u64> {
        self.blocks.as_ref().map(|blocks| blocks.iter().sum())
    }

    fn prepare(&mut self, plan: &ReadPlan) -> Result<(), DataError> {
        if self.started {
            return Err(DataError::Mismatch("a table can only be prepared before its first batch".into()));
        }
        let keep = projection(&self.schema, plan)?;
        self.keep = keep.iter().map(|i| self.keep[*i]).collect();
        self.schema = Arc::new(self.schema.project(&keep).map_err(|e| DataError::Mismatch(e.to_string()))?);
        Ok(())
    }

    fn next_batch(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, DataError> {
        self.started = true;
        while self.ready.rows() < max_rows.max(1) && !self.done {
            let next = self.source.next();
            self.read = self.source.position();
            match next {
                Some(batch) => {
                    self.at += 1;
                    let whole = batch.and_then(|batch| normal_batch(&batch, &self.whole));
                    let kept = whole.and_then(|batch| batch.project(&self.keep)).map_err(|error| {
                        self.done = true;
                        self.ready = Rebatch::default();
                        explain(&self.path, &error)
                    })?;
                    self.ready.push(kept);
                }
                None => self.done = true,
            }
        }
        Ok(self.ready.take(max_rows))
    }

    fn skip(&mut self, rows: u64) -> Result<u64, DataError> {
        let mut left = rows;
        if let (Source::File(reader), Some(blocks), 0) = (&mut self.source, &self.blocks, self.ready.rows()) {
            while let Some(block) = blocks.get(self.at).filter(|block| **block <= left) {
                left -= block;
                self.at += 1;
            }
            if self.at >= blocks.len() {
                self.done = true;
                return Ok(rows - left);
            }
            reader.set_index(self.at).map_err(|error| explain(&self.path, &error))?;
        }
        while left > 0 {
            let Some(batch) = self.next_batch(usize::try_from(left).unwrap_or(usize::MAX).min(65_536))? else { break };
            left -= batch.num_rows() as u64;
        }
        Ok(rows - left)
    }

    fn bytes_read(&self) -> u64 {
        self.read
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(self.total)
    }
}
