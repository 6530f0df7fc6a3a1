//! Records and cells of CSV text after RFC 4180, one at a time.

use std::borrow::Cow;

/// What ended a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A delimiter: another cell follows.
    Delimiter,
    /// The end of the record or of the text.
    Record,
}

/// One cell: where its text is, how it was written and where the next one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// First byte of the text, quotes left out.
    pub start: usize,
    /// Behind its last byte.
    pub end: usize,
    /// It was in quotes.
    pub quoted: bool,
    /// It holds doubled quotes.
    pub escaped: bool,
    /// First byte behind the delimiter or line break.
    pub next: usize,
    /// What ended it.
    pub by: End,
}

/// What is wrong with quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteError {
    /// No closing quote until the end of the text.
    Open,
    /// Text between a closing quote and the delimiter.
    Trailing,
}

impl Cell {
    /// The text with doubled quotes made single.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let raw = text.get(self.start..self.end).unwrap_or_default();
        if self.escaped { Cow::Owned(raw.replace("\"\"", "\"")) } else { Cow::Borrowed(raw) }
    }
}

/// The cell that starts at `at`.
pub fn next_cell(bytes: &[u8], at: usize, delimiter: u8) -> Result<Cell, QuoteError> {
    if bytes.get(at) == Some(&b'"') {
        return quoted_cell(bytes, at, delimiter);
    }
    let rest = &bytes[at..];
    let end = rest.iter().position(|b| *b == delimiter || *b == b'\n').map_or(bytes.len(), |n| at + n);
    let (end, next, by) = finish(bytes, end, delimiter);
    Ok(Cell { start: at, end, quoted: false, escaped: false, next, by })
}

/// Turns the position of a delimiter, line feed or the end of the text into the cell's end.
fn finish(bytes: &[u8], stop: usize, delimiter: u8) -> (usize, usize, End) {
    match bytes.get(stop) {
        Some(b) if *b == delimiter => (stop, stop + 1, End::Delimiter),
        other => {
            let end = if stop > 0 && bytes[stop - 1] == b'\r' { stop - 1 } else { stop };
            (end, stop + usize::from(other.is_some()), End::Record)
        }
    }
}

fn quoted_cell(bytes: &[u8], at: usize, delimiter: u8) -> Result<Cell, QuoteError> {
    let start = at + 1;
    let mut escaped = false;
    let mut from = start;
    let end = loop {
        let quote = from + memchr::memchr(b'"', &bytes[from..]).ok_or(QuoteError::Open)?;
        if bytes.get(quote + 1) != Some(&b'"') {
            break quote;
        }
        escaped = true;
        from = quote + 2;
    };
    let (next, by) = match (bytes.get(end + 1), bytes.get(end + 2)) {
        (Some(b), _) if *b == delimiter => (end + 2, End::Delimiter),
        (Some(b'\n'), _) | (Some(b'\r'), None) => (end + 2, End::Record),
        (Some(b'\r'), Some(b'\n')) => (end + 3, End::Record),
        (None, _) => (end + 1, End::Record),
        _ => return Err(QuoteError::Trailing),
    };
    Ok(Cell { start, end, quoted: true, escaped, next, by })
}

/// Skips line breaks where a record would start; where the record does start.
pub fn skip_blank_lines(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\n'), _) => at += 1,
            (Some(b'\r'), Some(b'\n')) => at += 2,
            _ => return at,
        }
    }
}

/// Reads the record at `at` into `cells`; where the next one starts.
pub fn next_record(bytes: &[u8], mut at: usize, delimiter: u8, cells: &mut Vec<Cell>) -> Result<usize, QuoteError> {
    cells.clear();
    loop {
        let cell = next_cell(bytes, at, delimiter)?;
        cells.push(cell);
        at = cell.next;
        if cell.by == End::Record {
            return Ok(at);
        }
    }
}

/// The last position in `bytes` (which starts with a record) where a record ends, and cut points
/// near every `piece` bytes before it; the positions are ascending. Empty when no record ends.
pub fn cut_points(bytes: &[u8], delimiter: u8, piece: usize) -> Vec<usize> {
    if memchr::memchr(b'"', bytes).is_some() {
        return cut_quoted(bytes, delimiter, piece);
    }
    let Some(last) = memchr::memrchr(b'\n', bytes).map(|n| n + 1) else { return Vec::new() };
    let mut cuts = Vec::new();
    let mut from = piece;
    while from < last {
        let cut = from + memchr::memchr(b'\n', &bytes[from..last]).map_or(0, |n| n + 1);
        if cut >= last || cut == from {
            break;
        }
        cuts.push(cut);
        from = cut + piece;
    }
    cuts.push(last);
    cuts
}

/// As [`cut_points`], walking from cell to cell so that line breaks in quotes do not count.
fn cut_quoted(bytes: &[u8], delimiter: u8, piece: usize) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut last = 0;
    let mut at = 0;
    while at < bytes.len() {
        let quoted = bytes[at] == b'"';
        if quoted {
            // Trailing text after a closing quote is reported by the parser; here it is stepped over.
            let Some(close) = closing_quote(bytes, at + 1) else { break };
            at = close + 1;
        }
        let Some(stop) = memchr::memchr2(delimiter, b'\n', &bytes[at..]) else { break };
        let is_end = bytes[at + stop] == b'\n';
        at += stop + 1;
        if is_end {
            if at - cuts.last().copied().unwrap_or(0) >= piece {
                cuts.push(at);
            }
            last = at;
        }
    }
    if last > cuts.last().copied().unwrap_or(0) {
        cuts.push(last);
    }
    cuts
}

fn closing_quote(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let quote = from + memchr::memchr(b'"', bytes.get(from..)?)?;
        match bytes.get(quote + 1) {
            Some(b'"') => from = quote + 2,
            // The next byte decides whether the quote is doubled; it is not here yet.
            None => return None,
            Some(_) => return Some(quote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[&[&str]]) {
        let mut cells = Vec::new();
        let mut at = skip_blank_lines(text.as_bytes(), 0);
        let mut found: Vec<Vec<String>> = Vec::new();
        while at < text.len() {
            at = next_record(text.as_bytes(), at, b',', &mut cells).expect("quotes are right");
            found.push(cells.iter().map(|c| c.text(text).into_owned()).collect());
            at = skip_blank_lines(text.as_bytes(), at);
        }
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn cells_of_rfc_4180() {
        check("a,b\r\n1,2\r\n", &[&["a", "b"], &["1", "2"]]);
        check("a,b\n1,2", &[&["a", "b"], &["1", "2"]]);
        check("\"a \"\"x\"\"\",\"b\nc\"\r\n,", &[&["a \"x\"", "b\nc"], &["", ""]]);
        check("5\" pipe,x\n", &[&["5\" pipe", "x"]]);
        check("\"a\"\r\n\"b\"", &[&["a"], &["b"]]);
    }

    #[test]
    fn wrong_quotes() {
        assert_eq!(next_cell(b"\"a", 0, b','), Err(QuoteError::Open));
        assert_eq!(next_cell(b"\"a\"b,c", 0, b','), Err(QuoteError::Trailing));
    }

    #[test]
    fn cuts_are_at_record_ends() {
        assert_eq!(cut_points(b"a,b\nc,d\ne", b',', 2), [4, 8]);
        assert_eq!(cut_points(b"abc", b',', 2), [0usize; 0]);
        let text = b"\"a\nb\",1\n\"c\"\"\n\",2\nx,\"3\n";
        assert_eq!(cut_points(text, b',', 1), [8, 17]);
        assert_eq!(cut_points(b"a,\"b\"", b',', 1), [0usize; 0]);
    }
}
