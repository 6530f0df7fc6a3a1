//! The table as it is shown: the chosen columns in their order, wrong answers marked.

use desk_app::rows::{ROW, Rows};
use desk_core::words::same_value;
use desk_uikit::table::{Arrangement, Cell, Column, Copied, CopyLater, TableSource, Value, copied_rows, render};
use desk_uikit::{Icon, Tone};

use crate::paged::{PAGE, PagedTable};

/// The chosen columns of a table.
pub struct Shown {
    /// Places in the table; its first column is the row's number.
    order: Vec<usize>,
    columns: Vec<Column>,
    /// Those that stay when the others scroll.
    pub pinned: usize,
    /// Places of the answer's class and of the truth in the table.
    judged: Option<(usize, usize)>,
}

impl Shown {
    /// Which columns of the rows are shown.
    pub fn new(rows: &Rows, table: &PagedTable, arrangement: &Arrangement) -> Self {
        let usual = rows.usual_order();
        let names: Vec<&str> = usual.iter().map(|i| rows.columns()[*i].name.as_str()).collect();
        let (shown, pinned) = arrangement.shown(&names);
        let order: Vec<usize> = std::iter::once(0).chain(shown.into_iter().map(|i| usual[i] + 1)).collect();
        Self {
            columns: order.iter().map(|i| table.columns()[*i].clone()).collect(),
            order,
            pinned: pinned + 1,
            judged: rows.judged().map(|(label, truth)| (label + 1, truth + 1)),
        }
    }

    /// The place among the rows' columns of a shown one; none for the row's number.
    pub fn column(&self, shown: usize) -> Option<usize> {
        self.order.get(shown)?.checked_sub(1)
    }

    /// The names of the shown columns, for a command line.
    pub fn names(&self, rows: &Rows) -> Vec<String> {
        let name = |i: &usize| i.checked_sub(1).map_or_else(|| ROW.to_owned(), |i| rows.columns()[i].name.clone());
        self.order.iter().map(name).collect()
    }

    /// The columns that are shown.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The table with these columns.
    pub fn over<'a>(&'a self, table: &'a PagedTable) -> Over<'a> {
        Over { shown: self, table }
    }

    /// Copies rows that are not in memory; to be done off the frame.
    pub fn copy(
        self,
        table: &PagedTable,
        wanted: CopyLater,
    ) -> impl FnOnce() -> Result<Copied, desk_core::Fault> + Send + use<> {
        let mut pages: Vec<u64> = copied_rows(&wanted.blocks).0.into_iter().map(|row| row as u64 / PAGE).collect();
        pages.dedup();
        let read = table.with_pages(pages);
        move || Ok(render(&self.over(&read()?), &wanted.blocks, wanted.format))
    }
}

/// A table with chosen columns.
pub struct Over<'a> {
    shown: &'a Shown,
    table: &'a PagedTable,
}

impl TableSource for Over<'_> {
    fn row_count(&self) -> usize {
        self.table.row_count()
    }

    fn columns(&self) -> &[Column] {
        &self.shown.columns
    }

    fn is_here(&self, row: usize) -> bool {
        self.table.is_here(row)
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let Some(at) = self.shown.order.get(column).copied() else { return Cell::missing() };
        let cell = self.table.cell(row, at);
        match self.shown.judged {
            Some((label, truth)) if label == at => {
                let known = self.table.cell(row, truth);
                let wrong = known.value != Value::Missing && !same_value(&cell.text, &known.text);
                if wrong { Cell { icon: Some(Icon::Warn), tone: Some(Tone::Warn), ..cell } } else { cell }
            }
            _ => cell,
        }
    }
}
