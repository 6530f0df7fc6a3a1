//! Cells that are missing where an input takes none: how many there are, and which were filled.

use arrow::array::{Array as _, ArrayRef};
use arrow::record_batch::RecordBatch;
use desk_core::counted;
use desk_core::words::quoted;

use super::cells::Numbers;
use super::rows::Rows;
use super::{Binding, Source};

/// Columns that are named when more have gaps.
const NAMED: usize = 4;

/// How many cells are missing where an input takes none and no value stands for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Rows with at least one such cell.
    pub rows: u64,
    /// Rows that were looked at.
    pub of: u64,
    /// Such cells by column, the most first.
    pub columns: Vec<(String, u64)>,
    /// The file has more rows than were looked at.
    pub partly: bool,
}

impl Gaps {
    fn add(&mut self, column: &str, cells: u64) {
        match self.columns.iter_mut().find(|(name, _)| name == column) {
            Some((_, sum)) => *sum += cells,
            None => self.columns.push((column.to_owned(), cells)),
        }
        self.columns.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
    }

    /// `12 of 1,000 rows lack a value (city 10, plan 2)`.
    pub fn said(&self) -> String {
        let named = self.columns.iter().take(NAMED);
        let mut named: Vec<String> = named.map(|(name, cells)| format!("{} {cells}", quoted(name))).collect();
        if self.columns.len() > NAMED {
            named.push(format!("{} more columns", self.columns.len() - NAMED));
        }
        let (of, lack) = (counted(self.of, "row"), if self.rows == 1 { "lacks" } else { "lack" });
        let first = if self.partly { "the first " } else { "" };
        format!("{} of {first}{of} {lack} a value ({})", self.rows, named.join(", "))
    }
}

/// Whether each cell of a column is missing; NaN counts where numbers are wanted.
fn missing(array: &ArrayRef, wants_text: bool) -> Vec<bool> {
    let numbers = if wants_text { None } else { Numbers::of(array) };
    let is_missing = |row: usize| match &numbers {
        Some(numbers) => numbers.get(row).is_none(),
        None => array.is_null(row),
    };
    (0..array.len()).map(is_missing).collect()
}

impl Binding {
    /// Adds the cells of some rows that are missing where an input takes none and no value stands for them:
    /// those that [`Binding::tensors`] refuses.
    pub fn count_gaps(&self, batch: &RecordBatch, gaps: &mut Gaps) {
        let rows = Rows::of(batch);
        let mut lacks = vec![false; batch.num_rows()];
        for (name, text) in self.cells_of(|input| !input.element.is_float()) {
            let has_value = if text { self.fill.text(name).is_some() } else { self.fill.number(name).is_some() };
            let Some(column) = rows.get(name).filter(|_| !has_value) else { continue };
            let missing = missing(column, text);
            let cells = missing.iter().filter(|is| **is).count() as u64;
            if cells > 0 {
                gaps.add(name, cells);
                lacks.iter_mut().zip(&missing).for_each(|(lacks, is)| *lacks |= is);
            }
        }
        gaps.rows += lacks.iter().filter(|lacks| **lacks).count() as u64;
        gaps.of += batch.num_rows() as u64;
    }

    /// Missing cells of some rows that a value stood for, by column.
    pub fn filled(&self, batch: &RecordBatch) -> Vec<(String, u64)> {
        let rows = Rows::of(batch);
        let mut filled = Vec::new();
        for (name, text) in self.cells_of(|_| true) {
            let has_value = if text { self.fill.text(name).is_some() } else { self.fill.number(name).is_some() };
            let Some(column) = rows.get(name).filter(|_| has_value) else { continue };
            let cells = missing(column, text).iter().filter(|is| **is).count() as u64;
            filled.extend((cells > 0).then(|| (name.to_owned(), cells)));
        }
        filled
    }

    /// The columns of one value a row that feed inputs, and whether as texts.
    fn cells_of(&self, which: impl Fn(&super::BoundInput) -> bool) -> impl Iterator<Item = (&str, bool)> {
        self.inputs.iter().filter(move |input| which(input)).flat_map(|input| {
            let names: &[String] = match &input.source {
                Source::Columns(names) => names,
                Source::List(_) | Source::Image(..) | Source::Constant(_) => &[],
            };
            let text = input.element == desk_core::ElementType::String;
            names.iter().map(move |name| (name.as_str(), text))
        })
    }
}
