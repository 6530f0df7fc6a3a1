//! Types of CSV columns from their cells.

use super::cells::{self, Cell};
use super::number;
use crate::table::ColumnType;

/// The cells that mean "missing".
#[derive(Debug, Clone, Default)]
pub struct Missing {
    markers: Vec<Vec<u8>>,
    longest: usize,
    /// A marker such as `-999` looks like a number, so markers are looked at first.
    pub numeric: bool,
}

impl Missing {
    /// Markers as the options state them.
    pub fn new(markers: &[String]) -> Self {
        Self {
            longest: markers.iter().map(String::len).max().unwrap_or(0),
            numeric: markers.iter().any(|m| number::parse(m.as_bytes()).is_some()),
            markers: markers.iter().map(|m| m.as_bytes().to_vec()).collect(),
        }
    }

    /// True when the cell is one of the markers.
    #[inline]
    pub fn is(&self, cell: &[u8]) -> bool {
        cell.len() <= self.longest && self.markers.iter().any(|marker| marker == cell)
    }
}

/// What was seen in one column.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of kinds, each by its name")]
pub struct Seen {
    int: bool,
    /// An integer beyond int64.
    big: bool,
    float: bool,
    bool: bool,
    /// Row (from 0) and cell of the first text.
    pub text: Option<(u64, String)>,
}

impl Seen {
    fn add(&mut self, cell: &str, quoted: bool, row: u64, missing: &Missing) {
        let trimmed = cell.as_bytes().trim_ascii();
        if missing.is(trimmed) || trimmed.is_empty() && quoted {
            return;
        }
        match number::scan(trimmed) {
            Some((decimal, end)) if end == trimmed.len() => match (decimal.integer, decimal.to_i64()) {
                (true, _) if decimal.padded => self.add_text(cell, row),
                (true, Some(_)) => self.int = true,
                (true, None) => self.big = true,
                (false, _) => self.float = true,
            },
            None if number::infinity(trimmed).is_some() => self.float = true,
            _ if boolean(trimmed).is_some() => self.bool = true,
            _ => self.add_text(cell, row),
        }
    }

    fn add_text(&mut self, cell: &str, row: u64) {
        if self.text.is_none() {
            self.text = Some((row, crate::error::shown(cell)));
        }
    }

    /// Joins what was seen in a later piece, whose rows start at `offset`.
    fn join(&mut self, later: Self, offset: u64) {
        self.int |= later.int;
        self.big |= later.big;
        self.float |= later.float;
        self.bool |= later.bool;
        if self.text.is_none() {
            self.text = later.text.map(|(row, text)| (row + offset, text));
        }
    }

    /// The narrowest type that holds all cells. A column without any value is float64; integers
    /// beyond int64 stay text unless there are fractions too, because float64 would round them.
    pub fn column_type(&self) -> ColumnType {
        let number = self.int || self.float || self.big;
        match self {
            _ if self.text.is_some() || self.bool && number || self.big && !self.float => ColumnType::Text,
            _ if self.bool => ColumnType::Bool,
            _ if self.int && !self.float => ColumnType::Int64,
            _ => ColumnType::Float64,
        }
    }
}

/// `true`, `True`, `TRUE` and the same for false.
pub fn boolean(cell: &[u8]) -> Option<bool> {
    match cell {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

/// Columns and rows of some records.
#[derive(Debug, Default)]
pub struct Sample {
    /// One for each column.
    pub columns: Vec<Seen>,
    /// Records, ragged ones included.
    pub rows: u64,
}

impl Sample {
    /// Looks at all records of a text. Broken records are left to the parser, which reports them.
    pub fn of(text: &str, width: usize, delimiter: u8, missing: &Missing) -> Self {
        let bytes = text.as_bytes();
        let mut sample = Self { columns: vec![Seen::default(); width], rows: 0 };
        let mut record: Vec<Cell> = Vec::new();
        let mut at = cells::skip_blank_lines(bytes, 0);
        while at < bytes.len() {
            let Ok(next) = cells::next_record(bytes, at, delimiter, &mut record) else { break };
            for (seen, cell) in sample.columns.iter_mut().zip(&record) {
                seen.add(&cell.text(text), cell.quoted, sample.rows, missing);
            }
            sample.rows += 1;
            at = cells::skip_blank_lines(bytes, next);
        }
        sample
    }

    /// Appends a later piece.
    pub fn join(&mut self, later: Self) {
        for (mine, theirs) in self.columns.iter_mut().zip(later.columns) {
            mine.join(theirs, self.rows);
        }
        self.rows += later.rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cells: &[&str], expect: ColumnType) {
        let missing = Missing::new(&crate::table::TextOptions::default().missing);
        let sample = Sample::of(&cells.join("\n"), 1, b',', &missing);
        assert_eq!(sample.columns[0].column_type(), expect, "{cells:?}");
    }

    #[test]
    fn narrowest_type() {
        check(&["1", "-2", "NA"], ColumnType::Int64);
        check(&["1", "2.5", "1e3", "inf"], ColumnType::Float64);
        check(&["true", "FALSE", "null"], ColumnType::Bool);
        check(&["true", "1"], ColumnType::Text);
        check(&["1", "x"], ColumnType::Text);
        check(&["007", "008"], ColumnType::Text);
        check(&["NA", "null"], ColumnType::Float64);
        check(&["9223372036854775808"], ColumnType::Text);
        check(&["9223372036854775808", "0.5"], ColumnType::Float64);
        check(&["\"1\"", "\"2\""], ColumnType::Int64);
    }

    #[test]
    fn pieces_join_with_the_row_of_the_first_text() {
        let missing = Missing::new(&[]);
        let mut sample = Sample::of("1\n2\n", 1, b',', &missing);
        sample.join(Sample::of("3\nx\ny\n", 1, b',', &missing));
        assert_eq!((sample.rows, sample.columns[0].text.clone()), (5, Some((3, "x".to_owned()))));
    }
}
