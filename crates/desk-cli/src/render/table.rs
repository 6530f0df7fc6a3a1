//! Aligned columns.

use crate::output::one_line;

/// Characters of a cell that are shown, at most.
const LONGEST: usize = 200;

/// Rows of cells under a header; numbers may be aligned right.
pub struct Table {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A header; a `>` before a name aligns that column right.
    pub fn new(header: &[&str]) -> Self {
        Self {
            right: header.iter().map(|name| name.starts_with('>')).collect(),
            header: header.iter().map(|name| one_line(name.strip_prefix('>').unwrap_or(name))).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of as many cells as the header has.
    pub fn row(&mut self, mut cells: Vec<String>) {
        for cell in &mut cells {
            *cell = short(&one_line(cell));
        }
        self.rows.push(cells);
    }

    /// The text; `empty` when there is no row.
    pub fn render(&self, empty: &str) -> String {
        if self.rows.is_empty() {
            return empty.to_owned();
        }
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([self.header[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let all = std::iter::once(&self.header).chain(&self.rows);
        let lines: Vec<String> = all.map(|row| self.line(row, &widths)).collect();
        lines.join("\n")
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let cells = row.iter().zip(widths).zip(&self.right).map(|((cell, width), right)| {
            let gap = " ".repeat(width - cell.chars().count());
            if *right { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// A cell as it stands in a line: of a text of thousands of characters the first ones, and how many there are. `--json` has
/// all of it.
fn short(cell: &str) -> String {
    match cell.char_indices().nth(LONGEST) {
        None => cell.to_owned(),
        Some((end, _)) => format!("{}… ({} characters)", &cell[..end], cell.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_a_whole_text_is_cut() {
        let mut table = Table::new(&["text", ">rows"]);
        table.row(vec!["é".repeat(100_000), "10".into()]);
        table.row(vec!["é".repeat(200), "7".into()]);
        let lines: Vec<String> = table.render("").lines().map(str::to_owned).collect();
        assert!(lines[1].starts_with(&format!("{}… (100000 characters)  ", "é".repeat(200))), "{}", lines[1]);
        assert!(lines[2].starts_with(&format!("{}  ", "é".repeat(200))) && lines[2].ends_with(" 7"));
    }

    #[test]
    fn columns_align() {
        let mut table = Table::new(&["name", ">rows"]);
        table.row(vec!["a".into(), "10".into()]);
        table.row(vec!["längst".into(), "7".into()]);
        assert_eq!(table.render(""), "name    rows\na         10\nlängst     7");
        assert_eq!(Table::new(&["name"]).render("Nothing yet"), "Nothing yet");
    }
}
