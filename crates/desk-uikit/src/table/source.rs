//! Where a table's cells come from.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::badge::Tone;
use crate::format;
use crate::icon::Icon;

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// Numbers: right-aligned, with tabular figures.
    pub numeric: bool,
    /// Takes part of the width that is left over; 0 keeps to its contents.
    pub flex: f32,
    /// Hidden where there is no room for all columns, the highest first; 0 always stays.
    pub lesser: u8,
    /// Has room for an icon before each cell, whether one is there now or comes later.
    pub marks: bool,
    /// What it holds, where its name does not say it: seen when the pointer rests on the heading, and heard.
    pub about: String,
}

impl Column {
    /// A text column.
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: false, flex: 1.0, lesser: 0, marks: false, about: String::new() }
    }

    /// A column of numbers.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: true, flex: 0.0, lesser: 0, marks: false, about: String::new() }
    }

    /// Keeps to the width of its contents.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.flex = 0.0;
        self
    }

    /// What it holds, where its name does not say it.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Has room for an icon before each cell, whether one is there now or comes later.
    #[must_use]
    pub fn with_marks(mut self) -> Self {
        self.marks = true;
        self
    }

    /// Takes part of the width that is left over.
    #[must_use]
    pub fn wide(mut self, flex: f32) -> Self {
        self.flex = flex;
        self
    }

    /// Hidden where there is no room for all columns, the highest number first.
    #[must_use]
    pub fn lesser(mut self, lesser: u8) -> Self {
        self.lesser = lesser;
        self
    }
}

/// What a cell holds, for sorting and for copying at full precision.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// The text as shown.
    #[default]
    Text,
    /// A number, whatever its shown precision.
    Number(f64),
    /// Nothing.
    Missing,
}

/// One cell as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell<'a> {
    /// The text on screen.
    pub text: Cow<'a, str>,
    /// What it is.
    pub value: Value,
    /// What it is sorted by instead of its text, such as an age.
    pub key: Option<f64>,
    /// The colour of icon (and, without an icon, of the text).
    pub tone: Option<Tone>,
    /// An icon before the text.
    pub icon: Option<Icon>,
    /// What the icon means: heard with the text, and seen when the pointer rests on it.
    pub mark: Option<Cow<'a, str>>,
    /// In the fixed-width face.
    pub mono: bool,
    /// In the heavier weight.
    pub strong: bool,
}

impl<'a> Cell<'a> {
    /// A text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A number with four significant digits.
    pub fn number(value: f64) -> Self {
        Self { text: format::number(value).into(), value: Value::Number(value), ..Self::default() }
    }

    /// A number with fixed decimals, so that a column lines up.
    pub fn fixed(value: f64, decimals: usize) -> Self {
        Self { text: format::fixed(value, decimals).into(), value: Value::Number(value), ..Self::default() }
    }

    /// A number shown as the given text (a size, a duration, an age).
    pub fn shown_as(value: f64, text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), value: Value::Number(value), ..Self::default() }
    }

    /// A text that is sorted by a number, such as `12 min ago` or `v10`; copied as its text.
    pub fn sorted_by(key: f64, text: impl Into<Cow<'a, str>>) -> Self {
        Self { key: Some(key), ..Self::text(text) }
    }

    /// A missing value.
    pub fn missing() -> Self {
        Self { text: "–".into(), value: Value::Missing, tone: Some(Tone::Neutral), ..Self::default() }
    }

    /// A status: icon, word and colour.
    pub fn status(tone: Tone, text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), tone: Some(tone), icon: Some(tone.icon()), ..Self::default() }
    }

    /// In the fixed-width face.
    #[must_use]
    pub fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// In the heavier weight.
    #[must_use]
    pub fn strong(mut self) -> Self {
        self.strong = true;
        self
    }

    /// An icon before the text.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// An icon before the text that says something the text does not.
    #[must_use]
    pub fn marked(mut self, icon: Icon, meaning: impl Into<Cow<'a, str>>) -> Self {
        self.mark = Some(meaning.into());
        self.icon(icon)
    }

    /// The order in a sorted column: missing last, numbers by value, texts by their letters.
    pub fn compare(&self, other: &Self) -> Ordering {
        if let (Some(a), Some(b)) = (self.key, other.key) {
            return a.total_cmp(&b);
        }
        match (&self.value, &other.value) {
            (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
            (Value::Missing, Value::Missing) => Ordering::Equal,
            (Value::Missing, _) => Ordering::Greater,
            (_, Value::Missing) => Ordering::Less,
            _ => self.text.to_lowercase().cmp(&other.text.to_lowercase()),
        }
    }

    /// The cell for the clipboard: full precision, nothing for missing.
    pub fn exact(&self) -> Cow<'_, str> {
        match self.value {
            Value::Number(value) => value.to_string().into(),
            Value::Missing => "".into(),
            Value::Text => self.text.as_ref().into(),
        }
    }
}

/// Cells on demand; only those on the screen are asked for.
pub trait TableSource {
    /// How many rows there are.
    fn row_count(&self) -> usize;
    /// The columns.
    fn columns(&self) -> &[Column];
    /// The row's cells are in memory; where they are not, [`TableSource::cell`] gives something in their place.
    fn is_here(&self, row: usize) -> bool {
        let _ = row;
        true
    }
    /// One cell; called for visible rows only, so it may format.
    fn cell(&self, row: usize, column: usize) -> Cell<'_>;
}

/// Which column a table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
}

/// A table in memory that can sort itself; for lists of things, not for data sets.
#[derive(Debug, Clone, Default)]
pub struct MemTable {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell<'static>>>,
    order: Vec<usize>,
    sorted: Option<Sort>,
}

impl MemTable {
    /// A table of rows with as many cells as there are columns.
    pub fn new(columns: Vec<Column>, rows: Vec<Vec<Cell<'static>>>) -> Self {
        let order = (0..rows.len()).collect();
        Self { columns, rows, order, sorted: None }
    }

    /// Sorts, stably; `None` restores the order of insertion. Costs nothing when it is sorted so.
    pub fn sort(&mut self, sort: Option<Sort>) {
        if self.sorted == sort {
            return;
        }
        self.sorted = sort;
        self.order = (0..self.rows.len()).collect();
        if let Some(Sort { column, descending }) = sort {
            let rows = &self.rows;
            self.order.sort_by(|a, b| {
                let (Some(a), Some(b)) = (rows[*a].get(column), rows[*b].get(column)) else { return Ordering::Equal };
                // Missing values stay last in both directions.
                match (&a.value, &b.value) {
                    (Value::Missing, _) | (_, Value::Missing) => a.compare(b),
                    _ if descending => b.compare(a),
                    _ => a.compare(b),
                }
            });
        }
    }

    /// The row as shown of a row as inserted.
    pub fn shown(&self, original: usize) -> Option<usize> {
        self.order.iter().position(|row| *row == original)
    }

    /// The row as inserted of a row as shown.
    pub fn original(&self, shown: usize) -> Option<usize> {
        self.order.get(shown).copied()
    }
}

impl TableSource for MemTable {
    fn row_count(&self) -> usize {
        self.rows.len()
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let cell = self.order.get(row).and_then(|i| self.rows.get(*i)).and_then(|cells| cells.get(column));
        cell.cloned().unwrap_or_else(Cell::missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_numbers_by_value_and_missing_last_both_ways() {
        let columns = vec![Column::number("n")];
        let rows = [Some(10.0), None, Some(9.0), Some(-1.0)]
            .map(|n| vec![n.map_or_else(Cell::missing, Cell::number)])
            .to_vec();
        let mut table = MemTable::new(columns, rows);
        let shown = |t: &MemTable| (0..4).map(|i| t.original(i).expect("in range")).collect::<Vec<_>>();
        table.sort(Some(Sort { column: 0, descending: false }));
        assert_eq!(shown(&table), [3, 2, 0, 1]);
        table.sort(Some(Sort { column: 0, descending: true }));
        assert_eq!(shown(&table), [0, 2, 3, 1]);
        table.sort(None);
        assert_eq!(shown(&table), [0, 1, 2, 3]);
    }
}
