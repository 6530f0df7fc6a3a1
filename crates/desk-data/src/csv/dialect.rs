//! Delimiter and header of a CSV file, from its first records.

use std::collections::{HashMap, HashSet};

use super::cells::{self, Cell};
use super::number;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The byte between cells.
    pub delimiter: u8,
    /// The first record names the columns.
    pub header: bool,
}

const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
const RECORDS: usize = 200;

/// Up to 200 records of a text; the last one only when the text is the whole file.
fn records(text: &str, whole: bool, delimiter: u8) -> Vec<Vec<String>> {
    let bytes = text.as_bytes();
    let mut cells: Vec<Cell> = Vec::new();
    let mut found = Vec::new();
    let mut at = cells::skip_blank_lines(bytes, 0);
    while at < bytes.len() && found.len() < RECORDS {
        let Ok(next) = cells::next_record(bytes, at, delimiter, &mut cells) else { break };
        if next == bytes.len() && !whole && bytes.last() != Some(&b'\n') {
            break;
        }
        found.push(cells.iter().map(|cell| cell.text(text).trim().to_owned()).collect());
        at = cells::skip_blank_lines(bytes, next);
    }
    found
}

/// Finds what the options do not state. The delimiter is the one that cuts most records into the
/// same number of cells, more than one; without any, the file has one column.
pub fn sniff(text: &str, whole: bool, delimiter: Option<u8>, header: Option<bool>) -> Dialect {
    let delimiter = delimiter.unwrap_or_else(|| best_delimiter(text, whole));
    let header = header.unwrap_or_else(|| has_header(&records(text, whole, delimiter)));
    Dialect { delimiter, header }
}

fn best_delimiter(text: &str, whole: bool) -> u8 {
    let mut best = (0.0, 0usize, b',');
    for delimiter in CANDIDATES {
        let records = records(text, whole, delimiter);
        let Some(width) = records.first().map(Vec::len).filter(|width| *width > 1) else { continue };
        let same = records.iter().filter(|r| r.len() == width).count() as f64 / records.len() as f64;
        if same > best.0 + 1e-9 || (same - best.0).abs() <= 1e-9 && width > best.1 {
            best = (same, width, delimiter);
        }
    }
    best.2
}

fn is_number(cell: &str) -> bool {
    number::parse(cell.as_bytes()).is_some()
}

/// A header has no number in it, or it has text above a column of numbers.
fn has_header(records: &[Vec<String>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return true };
    if !first.iter().any(|cell| is_number(cell)) {
        return true;
    }
    let numeric_below = |column: usize| {
        let mut cells = rest.iter().filter_map(|r| r.get(column)).filter(|cell| !cell.is_empty()).peekable();
        cells.peek().is_some() && cells.all(|cell| is_number(cell))
    };
    let names_a_number = |(column, cell): (usize, &String)| {
        !cell.is_empty() && !is_number(cell) && !is_missing_word(cell) && numeric_below(column)
    };
    first.iter().enumerate().any(names_a_number)
}

fn is_missing_word(cell: &str) -> bool {
    ["na", "n/a", "nan", "null", "none"].iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// Column names: empty ones become `column_3`, repeated ones get `.1`, `.2` as pandas does it.
pub fn column_names(first: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(first.len());
    let taken: HashSet<String> = first.iter().cloned().collect();
    let mut given: HashSet<String> = HashSet::with_capacity(first.len());
    // How far the numbers of a repeated name have come: a thousand equal names are counted once, not squared.
    let mut repeated: HashMap<String, usize> = HashMap::new();
    for (i, name) in first.into_iter().enumerate() {
        let base = if name.trim().is_empty() { format!("column_{}", i + 1) } else { name };
        let mut unique = base.clone();
        let n = repeated.entry(base.clone()).or_insert(0usize);
        while given.contains(&unique) || *n > 0 && taken.contains(&unique) {
            *n += 1;
            unique = format!("{base}.{n}");
        }
        given.insert(unique.clone());
        names.push(unique);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, delimiter: u8, header: bool) {
        assert_eq!(sniff(text, true, None, None), Dialect { delimiter, header }, "{text:?}");
    }

    #[test]
    fn delimiters() {
        check("a,b\n1,2\n", b',', true);
        check("a;b\n1,5;2,5\n3,5;4,5\n", b';', true);
        check("a\tb\n1\t2\n", b'\t', true);
        check("a|b\n\"x|y\"|2\n", b'|', true);
        check("note\nhello, world\nbye\n", b',', true);
    }

    #[test]
    fn headers() {
        check("1,2\n3,4\n", b',', false);
        check("id,2019,2020\n1,5,6\n", b',', true);
        check("1,a\n2,b\n", b',', false);
        check("x,NaN\n1,2\n", b',', true);
        check("name,kind\na,b\n", b',', true);
    }

    #[test]
    fn names_are_unique() {
        let names = |list: &[&str]| column_names(list.iter().map(|s| (*s).to_owned()).collect());
        assert_eq!(names(&["a", "", "a", "a.1", "a"]), ["a", "column_2", "a.2", "a.1", "a.3"]);
    }
}
