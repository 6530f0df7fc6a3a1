//! The selection as text for the clipboard: TSV, CSV, JSON or Markdown, at full precision.

use super::select::Block;
use super::source::{Cell, TableSource, Value};

/// A format for the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tab-separated, without a heading; what spreadsheets paste best.
    Tsv,
    /// Comma-separated with a heading (RFC 4180).
    Csv,
    /// A list of objects.
    Json,
    /// A table for documents.
    Markdown,
}

impl Format {
    /// All formats, in the order of the menu.
    pub const ALL: [Self; 4] = [Self::Tsv, Self::Csv, Self::Json, Self::Markdown];

    /// The name in the menu.
    pub fn label(self) -> &'static str {
        match self {
            Self::Tsv => "Copy",
            Self::Csv => "Copy as CSV",
            Self::Json => "Copy as JSON",
            Self::Markdown => "Copy as Markdown",
        }
    }
}

/// At most so many rows go to the clipboard; more belongs into a file.
pub const AT_MOST: usize = 100_000;

/// A selection that is to be copied and whose rows are not all in memory: the caller fetches them, and [`render`]s it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyLater {
    /// What is selected.
    pub blocks: Vec<Block>,
    /// As what it is copied.
    pub format: Format,
}

/// The rows of some blocks, each once and in order, as many as are copied; and how many were selected.
pub fn copied_rows(blocks: &[Block]) -> (Vec<usize>, usize) {
    let mut rows: Vec<usize> = Vec::new();
    let mut selected = 0;
    let mut spans: Vec<(usize, usize)> = blocks.iter().map(|b| (b.from.row, b.to.row)).collect();
    spans.sort_unstable();
    let mut next = 0;
    for (from, to) in spans {
        let from = from.max(next);
        if from > to {
            continue;
        }
        selected += to - from + 1;
        let room = AT_MOST.saturating_sub(rows.len());
        rows.extend((from..=to).take(room));
        next = to + 1;
    }
    (rows, selected)
}

/// Text for the clipboard and how much of the selection it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The text.
    pub text: String,
    /// Rows in it.
    pub rows: usize,
    /// Rows that were selected.
    pub selected: usize,
}

/// The whole table as text, with a heading in every format.
pub fn copy_all(source: &dyn TableSource, format: Format) -> String {
    let last =
        super::Place { row: source.row_count().saturating_sub(1), column: source.columns().len().saturating_sub(1) };
    let blocks = [Block { from: super::Place::default(), to: last }];
    let text = render(source, if source.row_count() == 0 { &[] } else { &blocks }, format).text;
    if format != Format::Tsv {
        return text;
    }
    let titles: Vec<String> = source.columns().iter().map(|column| one_cell(&column.name)).collect();
    format!("{}\n{text}", titles.join("\t"))
}

/// The selected cells in a format; rows in order, each once, columns from the first to the last selected.
pub fn render(source: &dyn TableSource, blocks: &[Block], format: Format) -> Copied {
    let (rows, selected) = copied_rows(blocks);
    let first = blocks.iter().map(|b| b.from.column).min().unwrap_or(0);
    let last = blocks.iter().map(|b| b.to.column).max().unwrap_or(0);
    let columns: Vec<usize> = (first..=last).filter(|c| *c < source.columns().len()).collect();
    let names: Vec<&str> = columns.iter().map(|c| source.columns()[*c].name.as_str()).collect();
    let inside = |row: usize, column: usize| blocks.iter().any(|b| b.contains(super::select::Place { row, column }));
    let cell = |row: usize, column: usize| {
        if inside(row, column) { source.cell(row, column) } else { Cell::missing() }
    };
    let text = match format {
        Format::Tsv => lines(&rows, &columns, "\t", |cell| one_cell(&cell.exact()), cell),
        Format::Csv => {
            let head: Vec<String> = names.iter().map(|name| csv(name)).collect();
            head.join(",") + "\n" + &lines(&rows, &columns, ",", |cell| csv(&cell.exact()), cell)
        }
        Format::Json => json(&rows, &columns, &names, cell),
        Format::Markdown => {
            let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
            let escape = |text: &str| text.replace('|', "\\|").replace('\n', " ");
            let marks = columns.iter().map(|c| if source.columns()[*c].numeric { "---:" } else { "---" }.to_owned());
            let mut out = vec![row(names.iter().map(|n| escape(n)).collect()), row(marks.collect())];
            for &r in &rows {
                out.push(row(columns.iter().map(|&c| escape(&cell(r, c).exact())).collect()));
            }
            out.join("\n")
        }
    };
    Copied { text, rows: rows.len(), selected }
}

fn lines<'a>(
    rows: &[usize],
    columns: &[usize],
    separator: &str,
    show: impl Fn(Cell<'a>) -> String,
    cell: impl Fn(usize, usize) -> Cell<'a>,
) -> String {
    let line = |row: &usize| columns.iter().map(|c| show(cell(*row, *c))).collect::<Vec<_>>().join(separator);
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Text that stays in its cell where tabs and line ends part cells.
fn one_cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn csv(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn json<'a>(rows: &[usize], columns: &[usize], names: &[&str], cell: impl Fn(usize, usize) -> Cell<'a>) -> String {
    let object = |row: &usize| {
        let fields: Vec<String> = columns
            .iter()
            .zip(names)
            .map(|(column, name)| {
                let cell = cell(*row, *column);
                let value = match cell.value {
                    Value::Number(n) if n.is_finite() => n.to_string(),
                    Value::Number(_) | Value::Missing => "null".to_owned(),
                    Value::Text => quoted(&cell.text),
                };
                format!("{}: {value}", quoted(name))
            })
            .collect();
        format!("  {{{}}}", fields.join(", "))
    };
    format!("[\n{}\n]", rows.iter().map(object).collect::<Vec<_>>().join(",\n"))
}

/// A control character as JSON writes it.
fn unicode_escape(c: char) -> String {
    format!("\\u{:04x}", c as u32)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out += &unicode_escape(c),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::select::Place;
    use crate::table::source::{Column, MemTable};

    fn table() -> MemTable {
        let columns = vec![Column::text("na,me"), Column::number("p"), Column::text("note")];
        let row = |name: &str, p: f64, note: &str| {
            vec![Cell::text(name.to_owned()), Cell::fixed(p, 2), Cell::text(note.to_owned())]
        };
        let rows = vec![row("a", 0.123_456, "x|y"), row("b \"q\"", 2.0, "two\nlines"), row("c", f64::NAN, "")];
        MemTable::new(columns, rows)
    }

    fn block(r0: usize, c0: usize, r1: usize, c1: usize) -> Block {
        Block { from: Place { row: r0, column: c0 }, to: Place { row: r1, column: c1 } }
    }

    #[track_caller]
    fn check(format: Format, blocks: &[Block], want: &str) {
        assert_eq!(render(&table(), blocks, format).text, want);
    }

    #[test]
    fn each_format_has_full_precision_and_escapes() {
        let all = [block(0, 0, 1, 2)];
        check(Format::Tsv, &all, "a\t0.123456\tx|y\nb \"q\"\t2\ttwo lines");
        check(Format::Csv, &all, "\"na,me\",p,note\na,0.123456,x|y\n\"b \"\"q\"\"\",2,\"two\nlines\"");
        check(
            Format::Markdown,
            &all,
            "| na,me | p | note |\n| --- | ---: | --- |\n| a | 0.123456 | x\\|y |\n| b \"q\" | 2 | two lines |",
        );
        check(
            Format::Json,
            &[block(1, 0, 2, 1)],
            "[\n  {\"na,me\": \"b \\\"q\\\"\", \"p\": 2},\n  {\"na,me\": \"c\", \"p\": null}\n]",
        );
    }

    #[test]
    fn a_whole_table_has_a_heading_in_every_format() {
        let text = copy_all(&table(), Format::Tsv);
        assert!(text.starts_with("na,me\tp\tnote\na\t0.123456\t"), "{text}");
        assert!(Format::ALL.iter().all(|format| copy_all(&table(), *format).contains("note")));
    }

    #[test]
    fn overlapping_blocks_give_each_row_once_and_leave_gaps_empty() {
        let copied = render(&table(), &[block(1, 0, 2, 0), block(0, 1, 1, 1)], Format::Tsv);
        assert_eq!(copied.text, "\t0.123456\nb \"q\"\t2\nc\t");
        assert_eq!((copied.rows, copied.selected), (3, 3));
    }
}
