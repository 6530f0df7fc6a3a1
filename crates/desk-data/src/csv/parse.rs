//! One piece of a CSV file to typed columns, in one pass over the bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::cells::{self, Cell, End, QuoteError};
use super::infer::{Missing, boolean};
use super::number;
use crate::table::ColumnType;

/// What to make of the cells.
#[derive(Debug, Clone)]
pub struct PiecePlan {
    /// The type of each column of the file; `None` skips it.
    pub columns: Vec<Option<ColumnType>>,
    /// The byte between cells.
    pub delimiter: u8,
    /// Cells that mean "missing".
    pub missing: Missing,
}

/// A parsed piece.
#[derive(Debug)]
pub struct Piece {
    /// The columns that were not skipped.
    pub arrays: Vec<ArrayRef>,
    /// Records.
    pub rows: usize,
    /// Line breaks, those in quotes included.
    pub lines: usize,
}

/// Why a piece cannot be parsed.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A byte, at this offset of the piece, that is not UTF-8.
    Encoding(usize),
    /// Another number of cells.
    Ragged(usize),
    /// Wrong quotes.
    Quote(QuoteError),
    /// A cell of this column does not fit its type.
    Cell(usize, String),
}

/// Where in a piece something is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct PieceError {
    /// Record of the piece, from 0.
    pub row: usize,
    /// First byte of the record.
    pub start: usize,
    /// What.
    pub wrong: Wrong,
}

enum Values {
    Skip,
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Int64(Vec<i64>),
    Bool(Vec<bool>),
    Text(Vec<i32>, Vec<u8>),
}

struct Column {
    values: Values,
    nulls: Vec<usize>,
}

impl Column {
    fn new(kind: Option<ColumnType>, rows: usize) -> Self {
        let values = match kind {
            None => Values::Skip,
            Some(ColumnType::Float32) => Values::Float32(Vec::with_capacity(rows)),
            Some(ColumnType::Float64) => Values::Float64(Vec::with_capacity(rows)),
            Some(ColumnType::Int64) => Values::Int64(Vec::with_capacity(rows)),
            Some(ColumnType::Bool) => Values::Bool(Vec::with_capacity(rows)),
            Some(ColumnType::Text) => {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                Values::Text(offsets, Vec::new())
            }
        };
        Self { values, nulls: Vec::new() }
    }

    /// Tries the cell as a plain number; where it ends and what ends it. `None` leaves the column as
    /// it was.
    #[inline]
    fn number(&mut self, bytes: &[u8], at: usize, delimiter: u8) -> Option<(usize, End)> {
        if matches!(self.values, Values::Skip | Values::Text(..) | Values::Bool(_)) {
            return None;
        }
        let rest = &bytes[at..];
        let (decimal, length) = number::scan(rest)?;
        let stop = at + length;
        let (next, by) = match bytes.get(stop) {
            Some(b) if *b == delimiter => (stop + 1, End::Delimiter),
            Some(b'\n') => (stop + 1, End::Record),
            Some(b'\r') if bytes.get(stop + 1) == Some(&b'\n') => (stop + 2, End::Record),
            None => (stop, End::Record),
            _ => return None,
        };
        match &mut self.values {
            Values::Float32(v) => v.push(decimal.to_f32(&rest[..length])?),
            Values::Float64(v) => v.push(decimal.to_f64(&rest[..length])?),
            Values::Int64(v) => v.push(decimal.to_i64()?),
            _ => return None,
        }
        Some((next, by))
    }

    /// Adds a cell of any kind; `Err` when it does not fit the type.
    fn cell(&mut self, text: &str, quoted: bool, row: usize, missing: &Missing) -> Result<(), ()> {
        if let Values::Text(offsets, bytes) = &mut self.values {
            if !quoted && missing.is(text.as_bytes()) {
                self.nulls.push(row);
            } else {
                bytes.extend_from_slice(text.as_bytes());
            }
            offsets.push(i32::try_from(bytes.len()).ok().ok_or(())?);
            return Ok(());
        }
        let trimmed = text.as_bytes().trim_ascii();
        let is_missing = missing.is(trimmed) || trimmed.is_empty() && quoted;
        if is_missing {
            self.nulls.push(row);
        }
        match &mut self.values {
            Values::Skip | Values::Text(..) => {}
            Values::Float32(v) if is_missing => v.push(f32::NAN),
            Values::Float64(v) if is_missing => v.push(f64::NAN),
            Values::Int64(v) if is_missing => v.push(0),
            Values::Bool(v) if is_missing => v.push(false),
            Values::Float32(v) => v.push(number::parse_f32(trimmed).ok_or(())?),
            Values::Float64(v) => v.push(number::parse(trimmed).ok_or(())?),
            Values::Int64(v) => {
                let (decimal, end) = number::scan(trimmed).ok_or(())?;
                v.push(decimal.to_i64().filter(|_| end == trimmed.len()).ok_or(())?);
            }
            Values::Bool(v) => v.push(boolean(trimmed).ok_or(())?),
        }
        Ok(())
    }

    fn finish(self, rows: usize) -> Option<ArrayRef> {
        let nulls = (!self.nulls.is_empty()).then(|| {
            let mut valid = vec![true; rows];
            self.nulls.iter().for_each(|row| valid[*row] = false);
            NullBuffer::from(valid)
        });
        Some(match self.values {
            Values::Skip => return None,
            Values::Float32(v) => Arc::new(Float32Array::new(ScalarBuffer::from(v), nulls)),
            Values::Float64(v) => Arc::new(Float64Array::new(ScalarBuffer::from(v), nulls)),
            Values::Int64(v) => Arc::new(Int64Array::new(ScalarBuffer::from(v), nulls)),
            Values::Bool(v) => Arc::new(BooleanArray::new(BooleanBuffer::from(v), nulls)),
            Values::Text(offsets, bytes) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls).ok()?)
            }
        })
    }
}

/// Parses a piece that starts at a record and ends behind one.
pub fn parse_piece(bytes: &[u8], plan: &PiecePlan) -> Result<Piece, PieceError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(encoding_error(bytes, error.valid_up_to(), plan.delimiter)),
    };
    let guess = rows_guess(bytes);
    let mut columns: Vec<Column> = plan.columns.iter().map(|kind| Column::new(*kind, guess)).collect();
    let mut row = 0;
    let mut at = cells::skip_blank_lines(bytes, 0);
    while at < bytes.len() {
        let start = at;
        at = parse_record(text, at, row, &mut columns, plan).map_err(|wrong| PieceError { row, start, wrong })?;
        row += 1;
        if matches!(bytes.get(at), Some(b'\n' | b'\r')) {
            at = cells::skip_blank_lines(bytes, at);
        }
    }
    let lines = memchr::memchr_iter(b'\n', bytes).count();
    Ok(Piece { arrays: columns.into_iter().filter_map(|column| column.finish(row)).collect(), rows: row, lines })
}

/// Rows in the piece if all are as long as the first, and a few more.
fn rows_guess(bytes: &[u8]) -> usize {
    let first = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |n| n + 1).max(2);
    bytes.len() / first * 9 / 8 + 8
}

fn parse_record(
    text: &str,
    mut at: usize,
    row: usize,
    columns: &mut [Column],
    plan: &PiecePlan,
) -> Result<usize, Wrong> {
    let bytes = text.as_bytes();
    let width = columns.len();
    for (i, column) in columns.iter_mut().enumerate() {
        let quick = if plan.missing.numeric { None } else { column.number(bytes, at, plan.delimiter) };
        let (next, by) = match quick {
            Some(done) => done,
            None => any_cell(text, at, row, i, column, plan)?,
        };
        at = next;
        match (by, i + 1 == width) {
            (End::Delimiter, false) | (End::Record, true) => {}
            (End::Record, false) => return Err(Wrong::Ragged(i + 1)),
            (End::Delimiter, true) => return Err(Wrong::Ragged(width + cells_left(bytes, at, plan.delimiter)?)),
        }
    }
    Ok(at)
}

#[inline]
fn any_cell(
    text: &str,
    at: usize,
    row: usize,
    i: usize,
    column: &mut Column,
    plan: &PiecePlan,
) -> Result<(usize, End), Wrong> {
    let cell: Cell = cells::next_cell(text.as_bytes(), at, plan.delimiter).map_err(Wrong::Quote)?;
    if !matches!(column.values, Values::Skip) {
        let content = cell.text(text);
        if column.cell(&content, cell.quoted, row, &plan.missing).is_err() {
            return Err(Wrong::Cell(i, content.into_owned()));
        }
    }
    Ok((cell.next, cell.by))
}

fn cells_left(bytes: &[u8], at: usize, delimiter: u8) -> Result<usize, Wrong> {
    let mut rest = Vec::new();
    cells::next_record(bytes, at, delimiter, &mut rest).map_err(Wrong::Quote)?;
    Ok(rest.len())
}

/// The record that holds the byte at `offset`.
fn encoding_error(bytes: &[u8], offset: usize, delimiter: u8) -> PieceError {
    let mut cells: Vec<Cell> = Vec::new();
    let mut row = 0;
    let mut at = cells::skip_blank_lines(bytes, 0);
    while let Ok(next) = cells::next_record(bytes, at, delimiter, &mut cells) {
        let next = cells::skip_blank_lines(bytes, next);
        if next > offset || next >= bytes.len() {
            break;
        }
        at = next;
        row += 1;
    }
    PieceError { row, start: at, wrong: Wrong::Encoding(offset) }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    fn plan(columns: &[ColumnType]) -> PiecePlan {
        let missing = Missing::new(&crate::table::TextOptions::default().missing);
        PiecePlan { columns: columns.iter().map(|c| Some(*c)).collect(), delimiter: b',', missing }
    }

    #[test]
    fn all_types_with_missing_cells() {
        use ColumnType::{Bool, Float32, Int64, Text};
        let text = "1.5, 7,true,x\r\nNA,,null,NA\n\"2\",\"8\",False,\"NA\"\n";
        let piece = parse_piece(text.as_bytes(), &plan(&[Float32, Int64, Bool, Text])).expect("parses");
        assert_eq!((piece.rows, piece.lines), (3, 3));
        let nulls: Vec<usize> = piece.arrays.iter().map(Array::null_count).collect();
        assert_eq!(nulls, [1, 1, 1, 1]);
        assert_eq!(*piece.arrays[3], StringArray::from(vec![Some("x"), None, Some("NA")]));
        assert_eq!(*piece.arrays[1], Int64Array::from(vec![Some(7), None, Some(8)]));
    }

    #[track_caller]
    fn check_wrong(text: &[u8], row: usize, wrong: Wrong) {
        let found = parse_piece(text, &plan(&[ColumnType::Float32, ColumnType::Int64])).expect_err("it is wrong");
        assert_eq!((found.row, found.wrong), (row, wrong), "{:?}", String::from_utf8_lossy(text));
    }

    #[test]
    fn wrong_records() {
        check_wrong(b"1,2\n3\n", 1, Wrong::Ragged(1));
        check_wrong(b"1,2\n\n3,4,5,6\n", 1, Wrong::Ragged(4));
        check_wrong(b"1,2\nx,4\n", 1, Wrong::Cell(0, "x".into()));
        check_wrong(b"1,2.5\n", 0, Wrong::Cell(1, "2.5".into()));
        check_wrong(b"1,2\n1,\"2\n", 1, Wrong::Quote(QuoteError::Open));
        check_wrong(b"1,2\n3,\xe9\n", 1, Wrong::Encoding(6));
        check_wrong(b"1,99999999999999999999\n", 0, Wrong::Cell(1, "99999999999999999999".into()));
    }

    #[test]
    fn a_numeric_marker_is_missing() {
        let mut plan = plan(&[ColumnType::Float32]);
        plan.missing = Missing::new(&["-999".to_owned()]);
        let piece = parse_piece(b"1\n-999\n", &plan).expect("parses");
        assert_eq!(piece.arrays[0].null_count(), 1);
    }
}
