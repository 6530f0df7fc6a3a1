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
use arrow::ipc::{Message, root_as_footer, root_as_message};
use arrow::record_batch::RecordBatch;
use desk_core::Said;

use super::guarded;
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
        let next = guarded(|| match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        });
        next.unwrap_or_else(|said| Some(Err(ArrowError::ParseError(said.0))))
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
    let broken = |e: ArrowError| unreadable(path, HEAD, &e);
    let panicked = |said: Said| unreadable(path, HEAD, &said);
    let mut file = File::open(path).map_err(fail)?;
    let total = file.metadata().map_err(fail)?.len();
    let mut magic = [0u8; 6];
    let is_file = file.read_exact(&mut magic).is_ok() && &magic == b"ARROW1";
    let blocks = if is_file {
        Some(block_rows(path, &mut file, total)?)
    } else {
        check_stream(path, &mut file, total)?;
        None
    };
    file.seek(SeekFrom::Start(0)).map_err(fail)?;
    let buffered = BufReader::with_capacity(1 << 20, file);
    let (source, schema) = if is_file {
        let reader = guarded(|| FileReader::try_new(buffered, None)).map_err(panicked)?.map_err(broken)?;
        let schema = reader.schema();
        (Source::File(Box::new(reader)), schema)
    } else {
        let reader = guarded(|| StreamReader::try_new(buffered, None)).map_err(panicked)?.map_err(broken)?;
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

/// A part that unpacks to more than this and more than [`MOST_TIMES`] its packed size is damaged.
const UNPACKED: i64 = 1 << 30;
const MOST_TIMES: i64 = 100_000;
/// What is wrong where the part that says what follows cannot be read.
const HEAD: &str = "the description of its columns cannot be read";
const FOOTER: &str = "its footer, which says where the rows are, cannot be read";

fn unreadable(path: &Path, what: impl Into<String>, said: &impl std::fmt::Display) -> DataError {
    DataError::unreadable(path, Format::Arrow, what, said)
}

/// A record batch, counted from 1, and its rows where that is known.
fn batch_name(blocks: Option<&Vec<u64>>, number: usize) -> String {
    let first: Option<u64> = blocks.map(|blocks| blocks.iter().take(number.saturating_sub(1)).sum());
    let rows = blocks.zip(first).and_then(|(blocks, first)| {
        let rows = *blocks.get(number.checked_sub(1)?)?;
        Some(format!(" (rows {} to {})", first + 1, first + rows))
    });
    format!("its record batch {number}{}", rows.unwrap_or_default())
}

/// The lengths of all record batches from their headers, without reading their bodies.
fn block_rows(path: &Path, file: &mut File, total: u64) -> Result<Vec<u64>, DataError> {
    let bad = |what: &str| DataError::corrupt(path, Format::Arrow, what);
    let io = |e| read_error(path, e);
    if total < 20 {
        return Err(bad("the footer is missing"));
    }
    let mut tail = [0u8; 10];
    file.seek(SeekFrom::End(-10)).map_err(io)?;
    file.read_exact(&mut tail).map_err(io)?;
    let length = read_footer_length(tail).map_err(|e| unreadable(path, FOOTER, &e))? as u64;
    if length + 10 > total {
        return Err(bad("the footer is longer than the file"));
    }
    file.seek(SeekFrom::End(-10 - length as i64)).map_err(io)?;
    let mut footer = vec![0u8; length as usize];
    file.read_exact(&mut footer).map_err(io)?;
    let footer = root_as_footer(&footer).map_err(|e| unreadable(path, FOOTER, &e))?;
    let mut rows = Vec::new();
    for block in footer.dictionaries().iter().flatten().chain(footer.recordBatches().iter().flatten()) {
        let (offset, size) = (block.offset(), i64::from(block.metaDataLength()));
        if offset < 0 || size < 8 || offset.checked_add(size).is_none_or(|end| end > total as i64) {
            return Err(bad("a record batch lies outside the file"));
        }
        file.seek(SeekFrom::Start(offset as u64)).map_err(io)?;
        let mut head = vec![0u8; size as usize];
        file.read_exact(&mut head).map_err(io)?;
        let start = if head[..4] == [0xff; 4] { 8 } else { 4 };
        let name = batch_name(None, rows.len() + 1);
        let message = root_as_message(&head[start..])
            .map_err(|e| unreadable(path, format!("the header of {name} cannot be read"), &e))?;
        check_body(path, file, &message, (offset + size) as u64, total, &name)?;
        if message.header_as_dictionary_batch().is_none() {
            let batch = message.header_as_record_batch().ok_or_else(|| bad("a block is not a record batch"))?;
            rows.push(u64::try_from(batch.length()).unwrap_or(0));
        }
    }
    Ok(rows)
}

/// Looks at the headers of a stream before it is read; what cannot be read there, its reader tells.
fn check_stream(path: &Path, file: &mut File, total: u64) -> Result<(), DataError> {
    let (mut at, mut batches) = (0, 0);
    while at + 8 <= total {
        let mut start = [0u8; 8];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut start)).map_err(|e| read_error(path, e))?;
        let (first, second) = start.split_at(4);
        let (head, size) = if first == [0xff; 4] { (8, second) } else { (4, first) };
        let size = size.iter().rev().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
        if size == 0 {
            return Ok(());
        }
        let body = at + head + size;
        if body > total {
            return Err(DataError::corrupt(
                path,
                Format::Arrow,
                format!("it breaks off after {batches} record batches"),
            ));
        }
        let mut header = vec![0u8; size as usize];
        file.seek(SeekFrom::Start(at + head))
            .and_then(|_| file.read_exact(&mut header))
            .map_err(|e| read_error(path, e))?;
        let Ok(message) = root_as_message(&header) else { return Ok(()) };
        batches += usize::from(message.header_as_record_batch().is_some());
        check_body(path, file, &message, body, total, &batch_name(None, batches.max(1)))?;
        at = body + message.bodyLength() as u64;
    }
    Ok(())
}

/// Refuses a body that lies outside the file, or whose parts say that they unpack to what nothing packs so well: the
/// reader would ask for as much memory as they say.
fn check_body(
    path: &Path,
    file: &mut File,
    message: &Message<'_>,
    at: u64,
    total: u64,
    name: &str,
) -> Result<(), DataError> {
    let bad = |what: &str| DataError::corrupt(path, Format::Arrow, format!("{name} {what}"));
    if u64::try_from(message.bodyLength()).ok().and_then(|length| at.checked_add(length)).is_none_or(|end| end > total)
    {
        return Err(bad("lies outside the file"));
    }
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary).filter(|batch| batch.compression().is_some())
    else {
        return Ok(());
    };
    for buffer in batch.buffers().iter().flatten().filter(|buffer| buffer.length() >= 8) {
        let from = u64::try_from(buffer.offset()).ok().and_then(|offset| at.checked_add(offset));
        let Some(from) = from.filter(|from| *from <= total.saturating_sub(8)) else {
            return Err(bad("lies outside the file"));
        };
        let mut size = [0u8; 8];
        let read = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(&mut size));
        read.map_err(|e| read_error(path, e))?;
        let size = i64::from_le_bytes(size);
        if size < -1 || size > UNPACKED && size / buffer.length() > MOST_TIMES {
            return Err(bad(&format!("says that a part of it unpacks to {size} bytes")));
        }
    }
    Ok(())
}

fn read_error(path: &Path, error: std::io::Error) -> DataError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => DataError::corrupt(path, Format::Arrow, "it breaks off"),
        _ => DataError::io("read", path, error),
    }
}

impl ArrowTable {
    /// Opens the file once more such that other columns are not even unpacked.
    fn read_only_kept(&mut self) -> Result<(), DataError> {
        let file = File::open(&self.path).map_err(|e| DataError::io("open", &self.path, e))?;
        let buffered = BufReader::with_capacity(1 << 20, file);
        let columns = self.keep.clone();
        let opened = guarded(|| FileReader::try_new(buffered, Some(columns)));
        let opened = opened.map_err(|said| unreadable(&self.path, HEAD, &said))?;
        self.source = Source::File(Box::new(opened.map_err(|e| unreadable(&self.path, HEAD, &e))?));
        self.whole = Arc::clone(&self.schema);
        self.keep = (0..self.schema.fields().len()).collect();
        Ok(())
    }
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
        if matches!(self.source, Source::File(_)) && self.keep.len() < self.whole.fields().len() {
            self.read_only_kept()?;
        }
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
                        let batch = batch_name(self.blocks.as_ref(), self.at);
                        unreadable(&self.path, format!("{batch} cannot be read"), &error)
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
            let batch = batch_name(Some(blocks), self.at + 1);
            let found = reader.set_index(self.at);
            found.map_err(|error| unreadable(&self.path, format!("{batch} cannot be found"), &error))?;
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
