//! The CSV file as a table: blocks are read in order and parsed side by side.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use rayon::prelude::*;

use super::cells::{self, Cell, QuoteError};
use super::dialect::{self, Dialect};
use super::infer::{Missing, Sample, Seen};
use super::parse::{PieceError, PiecePlan, Wrong, parse_piece};
use crate::error::{DataError, Place, shown};
use crate::format::{Format, Guess, looks_utf16};
use crate::table::{
    ColumnType, META_FIRST_TEXT, META_INDEX, META_NO_NAMES, META_REPEATED, META_TEXT_SOURCE, ReadPlan, Rebatch,
    TableReader, TextOptions, projection, repeated,
};

/// Bytes that one task parses.
const PIECE: usize = 1 << 20;
/// A record longer than this is taken for a quote that was never closed.
const LONGEST_RECORD: usize = 64 << 20;

/// Rows and lines of a parsed block, to find the line of a row again.
#[derive(Debug, Clone, Copy)]
struct Block {
    row: u64,
    line: u64,
    rows: u64,
    lines: u64,
}

/// Reads a CSV file.
pub struct CsvReader {
    path: PathBuf,
    file: File,
    total: u64,
    /// Bytes read and not parsed yet; starts with a record.
    buffer: Vec<u8>,
    /// Offset of `buffer[0]` in the file.
    offset: u64,
    at_end: bool,
    schema: SchemaRef,
    /// Column types, and whether they were inferred.
    inferred: Vec<bool>,
    names: Vec<String>,
    plan: PiecePlan,
    ready: Rebatch,
    rows: u64,
    lines: u64,
    blocks: Vec<Block>,
}

/// Reads until `want` bytes are in the buffer; true at the end of the file.
fn top_up(file: &mut File, buffer: &mut Vec<u8>, want: usize, path: &Path) -> Result<bool, DataError> {
    let missing = want.saturating_sub(buffer.len());
    buffer.reserve(missing);
    let got = file.take(missing as u64).read_to_end(buffer).map_err(|e| DataError::io("read", path, e))?;
    Ok(got < missing)
}

impl CsvReader {
    /// Opens a file: finds delimiter, header and types from its first bytes.
    pub fn open(path: &Path, options: &TextOptions) -> Result<Self, DataError> {
        let mut file = File::open(path).map_err(|e| DataError::io("open", path, e))?;
        let total = file.metadata().map_err(|e| DataError::io("open", path, e))?.len();
        let mut buffer = Vec::new();
        let sample = usize::try_from(options.infer_bytes.clamp(1 << 16, total.max(1 << 16) + 1)).unwrap_or(usize::MAX);
        let at_end = top_up(&mut file, &mut buffer, sample, path)?;
        let opening = Opening { path, buffer: &buffer, whole: at_end, options };
        let Head { dialect, names, repeated, data_start, index, guessed_from } = opening.head()?;
        let sample = opening.sample(data_start, names.len(), dialect.delimiter)?;
        // A record that cannot be cut into cells is no row yet either, but the parser says why.
        if sample.rows == 0 && at_end && buffer[data_start..].trim_ascii().is_empty() {
            let found = if dialect.header { "only a header" } else { "it is empty" };
            return Err(DataError::NoRows { path: path.to_owned(), found });
        }
        let lines = memchr::memchr_iter(b'\n', &buffer[..data_start]).count() as u64;
        buffer.drain(..data_start);
        let known: HashMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        if let Some(name) = options.types.keys().find(|name| !known.contains_key(name.as_str())) {
            return Err(DataError::NoSuchColumn { column: name.clone(), available: names });
        }
        let types: Vec<ColumnType> = names
            .iter()
            .zip(&sample.columns)
            .map(|(name, seen)| options.types.get(name).copied().unwrap_or_else(|| seen.column_type()))
            .collect();
        let fields = names.iter().zip(&types).zip(&sample.columns).map(|((name, kind), seen)| field(name, *kind, seen));
        let mut fields: Vec<Field> = fields.collect();
        // Row labels of a data frame that was written with them: a first column without a name.
        if index && let Some(first) = fields.first_mut().filter(|first| *first.data_type() == DataType::Int64) {
            let mut metadata = first.metadata().clone();
            metadata.insert(META_INDEX.to_owned(), String::new());
            first.set_metadata(metadata);
        }
        let mut metadata = text_source();
        if !dialect.header {
            metadata.insert(META_NO_NAMES.to_owned(), guessed_from.unwrap_or_default());
        }
        if let Some(repeated) = repeated {
            metadata.insert(META_REPEATED.to_owned(), repeated);
        }
        let schema = Schema::new_with_metadata(fields, metadata);
        Ok(Self {
            path: path.to_owned(),
            file,
            total,
            buffer,
            offset: data_start as u64,
            at_end,
            schema: Arc::new(schema),
            inferred: names.iter().map(|name| !options.types.contains_key(name)).collect(),
            names,
            plan: PiecePlan {
                columns: types.into_iter().map(Some).collect(),
                delimiter: dialect.delimiter,
                missing: Missing::new(&options.missing),
            },
            ready: Rebatch::default(),
            rows: 0,
            lines,
            blocks: Vec::new(),
        })
    }

    /// Parses what is in the buffer, as far as records are whole.
    fn parse_more(&mut self) -> Result<(), DataError> {
        let group = PIECE * rayon::current_num_threads().clamp(1, 16) * 4;
        let mut want = group;
        let mut cuts = loop {
            if !self.at_end {
                self.at_end = top_up(&mut self.file, &mut self.buffer, want, &self.path)?;
            }
            let cuts = cells::cut_points(&self.buffer, self.plan.delimiter, PIECE);
            if !cuts.is_empty() || self.at_end {
                break cuts;
            }
            if self.buffer.len() > LONGEST_RECORD {
                let what = "a record is longer than 64 MiB; perhaps a quote in it is never closed".to_owned();
                return Err(self.syntax(self.place(0, 0), what));
            }
            want = self.buffer.len() * 2;
        };
        if self.at_end && cuts.last().copied() != Some(self.buffer.len()) && !self.buffer.is_empty() {
            cuts.push(self.buffer.len());
        }
        let buffer = std::mem::take(&mut self.buffer);
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let pieces: Vec<(usize, usize)> = starts.zip(cuts.iter().copied()).collect();
        let plan = &self.plan;
        let parsed: Vec<_> = pieces.par_iter().map(|(from, to)| parse_piece(&buffer[*from..*to], plan)).collect();
        for ((from, to), parsed) in pieces.into_iter().zip(parsed) {
            let piece = match parsed {
                Ok(piece) => piece,
                Err(wrong) => {
                    // Nothing follows a broken record: the next call finds the end.
                    self.at_end = true;
                    self.ready = Rebatch::default();
                    return Err(self.explain(wrong, &buffer[from..to], self.offset + from as u64));
                }
            };
            let (rows, lines) = (piece.rows as u64, piece.lines as u64);
            self.blocks.push(Block { row: self.rows, line: self.lines, rows, lines });
            self.rows += rows;
            self.lines += lines;
            let options = RecordBatchOptions::new().with_row_count(Some(piece.rows));
            let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), piece.arrays, &options);
            self.ready.push(batch.map_err(|e| DataError::Mismatch(e.to_string()))?);
        }
        let done = cuts.last().copied().unwrap_or(0);
        self.offset += done as u64;
        self.buffer = buffer;
        self.buffer.drain(..done);
        Ok(())
    }

    /// The place of a record of the piece that comes next: rows and lines before it in the piece.
    fn place(&self, row: u64, line: u64) -> Place {
        Place { row: self.rows + row + 1, line: Some(self.lines + line + 1) }
    }

    fn syntax(&self, place: Place, what: String) -> DataError {
        DataError::Syntax { path: self.path.clone(), format: Format::Csv, place, what }
    }

    fn explain(&self, error: PieceError, piece: &[u8], offset: u64) -> DataError {
        let line = memchr::memchr_iter(b'\n', &piece[..error.start]).count() as u64;
        let place = self.place(error.row as u64, line);
        match error.wrong {
            Wrong::Encoding(at) => encoding(&self.path, piece, at, offset, place),
            Wrong::Ragged(found) => {
                DataError::Ragged { path: self.path.clone(), place, expected: self.names.len(), found }
            }
            Wrong::Quote(wrong) => self.syntax(place, quote_text(wrong).to_owned()),
            Wrong::Cell(column, value) => self.cell_error(place, column, &value),
        }
    }

    fn cell_error(&self, place: Place, column: usize, value: &str) -> DataError {
        let kind = self.plan.columns[column].unwrap_or(ColumnType::Text);
        let (path, name) = (self.path.clone(), self.names[column].as_str().into());
        let written = super::number::is_written(value.as_bytes());
        let value: Box<str> = shown(value).into();
        let too_large = match kind {
            ColumnType::Float32 if written => Some("a number that float32 holds (3.4e38 at most)"),
            ColumnType::Float64 if written => Some("a number that float64 holds (1.8e308 at most)"),
            _ => None,
        };
        if let Some(wanted) = too_large {
            return DataError::Cell { path: Some(path.into()), place, column: name, value, wanted: wanted.into() };
        }
        if self.inferred[column] {
            let found = if written { "a number with a fraction" } else { "text" };
            let inferred = match kind {
                ColumnType::Int64 => "integers",
                ColumnType::Bool => "true and false",
                _ => "numbers",
            };
            return DataError::TypeChanged { path: path.into(), place, column: name, value, found, inferred };
        }
        let wanted = match kind {
            ColumnType::Int64 => "an integer (int64)",
            ColumnType::Bool => "true or false",
            ColumnType::Text => "a text that fits into memory",
            ColumnType::Float32 | ColumnType::Float64 => "a number",
        };
        DataError::Cell { path: Some(path.into()), place, column: name, value, wanted: wanted.into() }
    }
}

fn quote_text(wrong: QuoteError) -> &'static str {
    match wrong {
        QuoteError::Open => "a quote that opens here is never closed",
        QuoteError::Trailing => "there is text between a closing quote and the next delimiter",
    }
}

fn encoding(path: &Path, piece: &[u8], at: usize, offset: u64, place: Place) -> DataError {
    DataError::Encoding { path: path.to_owned(), offset: offset + at as u64, place, guess: Guess::of(piece) }
}

fn text_source() -> HashMap<String, String> {
    HashMap::from([(META_TEXT_SOURCE.to_owned(), "csv".to_owned())])
}

fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Text => DataType::Utf8,
    }
}

fn field(name: &str, kind: ColumnType, seen: &Seen) -> Field {
    let mut metadata = HashMap::new();
    if let Some((row, cell)) = seen.text.as_ref().filter(|_| kind == ColumnType::Text) {
        metadata.insert(META_FIRST_TEXT.to_owned(), format!("row {}: {cell}", row + 1));
    }
    Field::new(name, arrow_type(kind), true).with_metadata(metadata)
}

/// What the first record tells.
struct Head {
    dialect: Dialect,
    names: Vec<String>,
    /// Names that stand there more than once.
    repeated: Option<String>,
    /// The first cells, where only they tell that there is no header.
    guessed_from: Option<String>,
    /// Where the data starts.
    data_start: usize,
    /// The first column alone has no name, as pandas writes row labels.
    index: bool,
}

/// The first bytes of a file that is being opened.
struct Opening<'a> {
    path: &'a Path,
    buffer: &'a [u8],
    whole: bool,
    options: &'a TextOptions,
}

impl Opening<'_> {
    /// Delimiter and header, the column names, and where the data starts.
    fn head(&self) -> Result<Head, DataError> {
        let start = if self.buffer.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let bytes = &self.buffer[start..];
        if looks_utf16(bytes) {
            return Err(encoding(self.path, bytes, 0, start as u64, Place { row: 1, line: Some(1) }));
        }
        if bytes.trim_ascii().is_empty() && self.whole {
            return Err(DataError::NoRows { path: self.path.to_owned(), found: "it is empty" });
        }
        self.refuse_lone_returns(bytes)?;
        let text = valid_start(bytes);
        let whole = self.whole && text.len() == bytes.len();
        let dialect = dialect::sniff(text, whole, self.options.delimiter, self.options.header);
        let delimiter = dialect.delimiter;
        if matches!(delimiter, b'"' | b'\n' | b'\r') || !delimiter.is_ascii() {
            return Err(DataError::Mismatch("a delimiter is one ASCII character, no quote and no line break".into()));
        }
        let mut cells: Vec<Cell> = Vec::new();
        let first = cells::skip_blank_lines(text.as_bytes(), 0);
        let next = cells::next_record(text.as_bytes(), first, delimiter, &mut cells).map_err(|wrong| {
            let place = Place { row: 1, line: Some(1) };
            DataError::Syntax { path: self.path.to_owned(), format: Format::Csv, place, what: quote_text(wrong).into() }
        })?;
        if next == text.len() && !whole && !text.ends_with('\n') {
            if let Some(at) = std::str::from_utf8(bytes).err().map(|error| error.valid_up_to()).filter(|at| *at == next)
            {
                return Err(encoding(self.path, bytes, at, start as u64, Place { row: 1, line: Some(1) }));
            }
            let what = "its first line does not end within the bytes that the columns are found from".to_owned();
            let limit = format!("{} bytes", self.buffer.len());
            return Err(DataError::TooLarge { path: self.path.to_owned(), what, limit });
        }
        let cells: Vec<String> = cells.iter().map(|cell| cell.text(text).trim().to_owned()).collect();
        let guessed_from = (!dialect.header && self.options.header.is_none()).then(|| first_cells(&cells));
        let names: Vec<String> = if dialect.header { cells } else { vec![String::new(); cells.len()] };
        let repeated = repeated(names.iter().map(String::as_str));
        let data_start = start + if dialect.header { next } else { 0 };
        let index = matches!(&names[..], [first, rest @ ..]
            if dialect.header && first.is_empty() && !rest.is_empty() && rest.iter().all(|name| !name.is_empty()));
        Ok(Head { dialect, names: dialect::column_names(names), repeated, data_start, index, guessed_from })
    }

    fn refuse_lone_returns(&self, bytes: &[u8]) -> Result<(), DataError> {
        if memchr::memchr(b'\n', bytes).is_none() && memchr::memchr(b'\r', bytes).is_some_and(|n| n + 1 < bytes.len()) {
            return Err(DataError::Unsupported {
                path: self.path.to_owned(),
                format: Format::Csv,
                what: "a carriage return alone as the end of a line".into(),
                hint: "Convert the line ends: tr '\\r' '\\n' < FILE > NEW".into(),
            });
        }
        Ok(())
    }

    /// What the columns hold, from whole records behind `start`.
    fn sample(&self, start: usize, width: usize, delimiter: u8) -> Result<Sample, DataError> {
        let bytes = &self.buffer[start..];
        let mut cuts = cells::cut_points(bytes, delimiter, PIECE);
        if self.whole && cuts.last().copied() != Some(bytes.len()) && !bytes.is_empty() {
            cuts.push(bytes.len());
        }
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let pieces: Vec<(usize, usize)> = starts.zip(cuts.iter().copied()).collect();
        let missing = Missing::new(&self.options.missing);
        let samples: Vec<Option<Sample>> = pieces
            .par_iter()
            .map(|(from, to)| {
                let text = std::str::from_utf8(&bytes[*from..*to]).ok()?;
                Some(Sample::of(text, width, delimiter, &missing))
            })
            .collect();
        let mut all = Sample { columns: vec![Seen::default(); width], rows: 0 };
        for ((from, to), sample) in pieces.into_iter().zip(samples) {
            match sample {
                Some(sample) => all.join(sample),
                None => return Err(self.encoding_at(&bytes[from..to], start + from, &all, delimiter, width)),
            }
        }
        Ok(all)
    }

    fn encoding_at(&self, piece: &[u8], offset: usize, before: &Sample, delimiter: u8, width: usize) -> DataError {
        let plan = PiecePlan { columns: vec![None; width], delimiter, missing: Missing::default() };
        match parse_piece(piece, &plan) {
            Err(PieceError { row, start, wrong: Wrong::Encoding(at) }) => {
                let line = memchr::memchr_iter(b'\n', &self.buffer[..offset + start]).count() as u64 + 1;
                let place = Place { row: before.rows + row as u64 + 1, line: Some(line) };
                encoding(self.path, piece, at, offset as u64, place)
            }
            _ => DataError::Mismatch("a piece that was not UTF-8 is now".into()),
        }
    }
}

/// `1`, `2.5`, `3`, … for people.
fn first_cells(cells: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = cells.iter().take(SHOWN).map(|cell| format!("`{}`", shown(cell))).collect();
    format!("{}{}", shown.join(", "), if cells.len() > SHOWN { ", …" } else { "" })
}

/// The first megabyte as text, or the first lines where they are longer, as far as it is UTF-8; what follows
/// is reported when it is read.
fn valid_start(bytes: &[u8]) -> &str {
    const LINES: usize = 8;
    let lines = memchr::memchr_iter(b'\n', bytes).nth(LINES).map_or(bytes.len(), |n| n + 1);
    let bytes = &bytes[..bytes.len().min(PIECE.max(lines))];
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

impl TableReader for CsvReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn row_count(&self) -> Option<u64> {
        (self.at_end && self.buffer.is_empty()).then_some(self.rows)
    }

    fn row_estimate(&self) -> Option<u64> {
        if let Some(rows) = self.row_count() {
            return Some(rows);
        }
        // Before the first block the first records stand for the others.
        let (rows, bytes) = if self.rows > 0 {
            (self.rows, self.offset)
        } else {
            let start = &self.buffer[..self.buffer.len().min(PIECE)];
            (memchr::memchr_iter(b'\n', start).count().max(1) as u64, start.len().max(1) as u64)
        };
        Some((self.total as f64 / bytes.max(1) as f64 * rows as f64).round() as u64)
    }

    fn prepare(&mut self, plan: &ReadPlan) -> Result<(), DataError> {
        if self.rows > 0 {
            return Err(DataError::Mismatch("a table can only be prepared before its first batch".into()));
        }
        let keep = projection(&self.schema, plan)?;
        let mut fields = Vec::with_capacity(keep.len());
        let mut columns = vec![None; self.names.len()];
        let by_name: HashMap<&str, usize> = self.names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        for position in keep {
            let field = self.schema.field(position);
            // Without an earlier plan, schema and file have the same columns; with one, names tell.
            let column = by_name.get(field.name().as_str()).copied().unwrap_or(position);
            let wanted = plan.types.get(field.name()).copied();
            self.inferred[column] &= wanted.is_none();
            columns[column] = wanted.or(self.plan.columns[column]);
            let kind = columns[column].map_or(DataType::Utf8, arrow_type);
            fields.push(field.clone().with_data_type(kind));
        }
        self.plan.columns = columns;
        self.schema = Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
        Ok(())
    }

    fn next_batch(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, DataError> {
        while self.ready.rows() < max_rows.max(1) && !(self.at_end && self.buffer.is_empty()) {
            self.parse_more()?;
        }
        Ok(self.ready.take(max_rows))
    }

    fn bytes_read(&self) -> u64 {
        self.offset
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(self.total)
    }

    fn line_of(&self, row: u64) -> Option<u64> {
        let row = row.checked_sub(1)?;
        let block = self.blocks[..self.blocks.partition_point(|block| block.row <= row)].last()?;
        // One line a row in this block (the last line of a file may lack its line feed).
        let simple = block.rows == block.lines || block.rows == block.lines + 1;
        (simple && row < block.row + block.rows).then_some(block.line + row - block.row + 1)
    }
}
