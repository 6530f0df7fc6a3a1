//! Rows of a test as a table: only the pages on the screen are fetched.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use desk_app::query::TablePage;
use desk_core::Fault;
use desk_uikit::ErrorText;
use desk_uikit::table::{Cell, Column, TableSource, Value};

use crate::background::Background;
use crate::fault::error_text;

/// Rows of a page.
pub const PAGE: u64 = 200;
/// Pages kept in memory; those farthest from the screen go first.
const KEPT: usize = 40;

type Fetch = Arc<dyn Fn(u64, usize) -> Result<TablePage, Fault> + Send + Sync>;
type Answer = mpsc::Receiver<Result<TablePage, Fault>>;

/// A table whose pages come from the background.
pub struct PagedTable {
    fetch: Fetch,
    columns: Vec<Column>,
    total: usize,
    pages: BTreeMap<u64, TablePage>,
    wanted: RefCell<Option<u64>>,
    pending: Option<(u64, Answer)>,
    error: Option<ErrorText>,
}

impl PagedTable {
    /// A table whose first page is here; `fetch` gives rows `offset..offset + limit`.
    pub fn new(
        first: TablePage,
        fetch: impl Fn(u64, usize) -> Result<TablePage, Fault> + Send + Sync + 'static,
    ) -> Self {
        let column = |(name, numeric): (&String, &bool)| {
            if *numeric { Column::number(name.clone()).narrow() } else { Column::text(name.clone()).narrow() }
        };
        let mut columns = vec![Column::number("Row").narrow()];
        columns.extend(first.columns.iter().zip(&first.numeric).map(column));
        let total = first.total.unwrap_or(first.rows.len() as u64) as usize;
        Self {
            fetch: Arc::new(fetch),
            columns,
            total,
            pages: [(0, first)].into(),
            wanted: RefCell::new(None),
            pending: None,
            error: None,
        }
    }

    /// The same table with some pages read at once, on the thread that asks: for copying what is not on the screen.
    pub fn with_pages(&self, wanted: Vec<u64>) -> impl FnOnce() -> Result<Self, Fault> + Send + use<> {
        let (fetch, columns, total) = (Arc::clone(&self.fetch), self.columns.clone(), self.total);
        move || {
            let read = |page: u64| Ok((page, fetch(page * PAGE, PAGE as usize)?));
            let pages = wanted.into_iter().map(read).collect::<Result<_, Fault>>()?;
            Ok(Self { fetch, columns, total, pages, wanted: RefCell::default(), pending: None, error: None })
        }
    }

    /// Takes what has arrived and asks for what the screen misses; call once per frame.
    pub fn poll(&mut self, background: &Background) {
        if let Some((page, answer)) = &self.pending {
            match answer.try_recv() {
                Ok(result) => {
                    let page = *page;
                    self.pending = None;
                    self.take(page, result);
                }
                Err(mpsc::TryRecvError::Empty) => return,
                Err(mpsc::TryRecvError::Disconnected) => self.pending = None,
            }
        }
        let Some(page) = self.wanted.take().filter(|page| !self.pages.contains_key(page)) else { return };
        let fetch = Arc::clone(&self.fetch);
        if let Some(answer) = background.ask(move |_| fetch(page * PAGE, PAGE as usize)) {
            self.pending = Some((page, answer));
        }
    }

    fn take(&mut self, page: u64, result: Result<TablePage, Fault>) {
        match result {
            Ok(table) => self.pages.insert(page, table),
            Err(fault) => {
                self.error = Some(error_text(&fault));
                return;
            }
        };
        while self.pages.len() > KEPT {
            let far = self.pages.keys().copied().max_by_key(|key| key.abs_diff(page));
            far.and_then(|key| self.pages.remove(&key));
        }
    }

    /// Asks again for what could not be read.
    pub fn again(&mut self) {
        self.error = None;
    }

    /// Why there are no rows.
    pub fn error(&self) -> Option<&ErrorText> {
        self.error.as_ref()
    }
}

impl TableSource for PagedTable {
    fn row_count(&self) -> usize {
        self.total
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn is_here(&self, row: usize) -> bool {
        self.pages.contains_key(&(row as u64 / PAGE))
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let page = row as u64 / PAGE;
        let Some(table) = self.pages.get(&page) else {
            *self.wanted.borrow_mut() = Some(page);
            return Cell::text("…");
        };
        let at = row % PAGE as usize;
        if column == 0 {
            let number = table.numbers.get(at).copied().unwrap_or(row as u64 + 1);
            return Cell::shown_as(number as f64, desk_uikit::format::count(number));
        }
        let text = table.rows.get(at).and_then(|cells| cells.get(column - 1));
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Cell::missing() };
        let numeric = table.numeric.get(column - 1).copied().unwrap_or(false);
        match text.parse::<f64>() {
            Ok(number) if numeric => Cell { value: Value::Number(number), ..Cell::text(text.as_str()) },
            _ => Cell::text(text.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(offset: u64, rows: usize, total: u64) -> TablePage {
        let numbers: Vec<u64> = (0..rows as u64).map(|i| 3 * (offset + i) + 1).collect();
        TablePage {
            columns: vec!["x".into(), "name".into()],
            numeric: vec![true, false],
            rows: numbers.iter().map(|number| vec![number.to_string(), String::new()]).collect(),
            offset,
            total: Some(total),
            numbers,
        }
    }

    fn table() -> PagedTable {
        PagedTable::new(page(0, 200, 1_000_000), |offset, limit| Ok(page(offset, limit, 1_000_000)))
    }

    #[test]
    fn missing_pages_are_asked_for() {
        let mut table = table();
        assert_eq!((table.row_count(), table.columns().len()), (1_000_000, 3));
        assert_eq!(table.cell(7, 0).value, Value::Number(22.0), "the number in the file, not the place");
        assert_eq!(table.cell(7, 1).value, Value::Number(22.0));
        assert_eq!(table.cell(7, 2).value, Value::Missing);
        assert_eq!(table.cell(200, 1).text, "…");
        assert!(table.is_here(199) && !table.is_here(200));
        assert_eq!(table.wanted.take(), Some(1));
        table.take(1, Ok(page(200, 200, 1_000_000)));
        assert_eq!(table.cell(200, 1).value, Value::Number(601.0));
    }

    #[test]
    fn far_pages_are_forgotten_and_read_again_to_be_copied() {
        let mut table = table();
        for i in 0..100 {
            table.take(i, Ok(page(i * 200, 200, 1_000_000)));
        }
        assert_eq!(table.pages.len(), KEPT);
        assert!(table.pages.contains_key(&99) && !table.pages.contains_key(&0));
        let other = table.with_pages(vec![0, 4_999])().expect("read");
        assert!(other.is_here(0) && other.is_here(999_999) && !other.is_here(200));
        assert_eq!(other.cell(999_999, 1).value, Value::Number(2_999_998.0));
    }
}
