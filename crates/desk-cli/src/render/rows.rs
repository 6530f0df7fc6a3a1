//! Rows of a test.

use desk_app::rows::RowColumn;
use desk_core::counted;
use desk_core::words::in_a_line;
use serde::Serialize;
use serde_json::Value;

use super::lines::Lines;
use super::table::Table;

/// Columns that are shown where none was named; the rest is told.
const COLUMNS: usize = 8;

/// What `rows` answers.
#[derive(Debug, Serialize)]
pub struct RowsShown {
    /// The model and version.
    pub version: String,
    /// The test.
    pub run: String,
    /// Rows that pass.
    pub matching: u64,
    /// Rows of the test.
    pub total: u64,
    /// Rows left out before those that are shown.
    pub offset: u64,
    /// Each row: its number in the file and its values by column.
    pub rows: Vec<Value>,
    /// All columns of the test.
    pub columns: Vec<RowColumn>,
    /// Seconds that filtering and sorting took.
    pub seconds: f64,
}

/// Rows as a table; all columns where they were `named`.
pub fn rows(shown: &RowsShown, named: bool) -> String {
    let mut lines = Lines::default();
    let first = shown.rows.first().and_then(|row| row["values"].as_object());
    let names: Vec<&str> = first.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let some = if named { names.len() } else { names.len().min(COLUMNS) };
    let numeric =
        |name: &str| shown.columns.iter().any(|c| c.name == name && c.kind == desk_app::rows::ColumnKind::Number);
    let heading = |name: &&str| if numeric(name) { format!(">{name}") } else { (*name).to_owned() };
    let headings: Vec<String> = std::iter::once(">row".to_owned()).chain(names[..some].iter().map(heading)).collect();
    let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &shown.rows {
        let cell = |name: &&str| match &row["values"][*name] {
            Value::Null => String::new(),
            Value::String(text) => in_a_line(text),
            other => other.to_string(),
        };
        table.row(std::iter::once(row["row"].to_string()).chain(names[..some].iter().map(cell)).collect());
    }
    let none = if shown.matching == 0 { "No row passes" } else { "No row is left after --offset" };
    lines.block(table.render(none));
    let all = if shown.matching == shown.total { String::new() } else { format!("{} of ", shown.matching) };
    let part = match shown.rows.len() as u64 {
        shown_rows if shown_rows == shown.matching => String::new(),
        0 => String::new(),
        shown_rows => format!(", {} to {} shown", shown.offset + 1, shown.offset + shown_rows),
    };
    lines.line(format!("{all}{}{part}", counted(shown.total, "row")));
    if some < names.len() {
        let more = counted((names.len() - some) as u64, "more column");
        lines.line(format!("{more}; --columns names those to show"));
    }
    lines.text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_how_much_of_what_is_shown() {
        let mut shown = RowsShown {
            version: "churn@1".into(),
            run: "r".into(),
            matching: 12,
            total: 171,
            offset: 2,
            rows: vec![json!({"row": 7, "values": {"label": "a", "x": 1.5}})],
            columns: Vec::new(),
            seconds: 0.0,
        };
        let text = rows(&shown, false);
        assert!(text.contains("12 of 171 rows, 3 to 3 shown") && text.contains("row  label  x"), "{text}");
        shown.rows.clear();
        shown.matching = 0;
        assert!(rows(&shown, false).starts_with("No row passes\n0 of 171 rows"), "{}", rows(&shown, false));
    }
}
