//! Rows of a file or of kept answers as a table: only the pages on the screen are fetched.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use desk_app::Desk;
use desk_app::query::TablePage;
use desk_core::Fault;
use desk_uikit::ErrorText;
use desk_uikit::table::{Cell, Column, TableSource, Value};

use crate::background::Background;
use crate::fault::error_text;

const PAGE: u64 = 200;
/// Pages kept in memory; those farthest from the screen go first.
const KEPT: usize = 40;

type Fetch = Arc<dyn Fn(&Desk, u64, usize) -> Result<TablePage, Fault> + Send + Sync>;
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
    started: bool,
}

impl PagedTable {
    /// A table over a query for rows `offset..offset + limit`.
    pub fn new(fetch: impl Fn(&Desk, u64, usize) -> Result<TablePage, Fault> + Send + Sync + 'static) -> Self {
        Self {
            fetch: Arc::new(fetch),
            columns: Vec::new(),
            total: 0,
            pages: BTreeMap::new(),
            wanted: RefCell::new(None),
            pending: None,
            error: None,
            started: false,
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
        let wanted = if self.started { self.wanted.take() } else { Some(0) };
        let Some(page) = wanted.filter(|page| !self.pages.contains_key(page)) else { return };
        let fetch = Arc::clone(&self.fetch);
        if let Some(answer) = background.ask(move |desk| fetch(desk, page * PAGE, PAGE as usize)) {
            self.pending = Some((page, answer));
            self.started = true;
        }
    }

    fn take(&mut self, page: u64, result: Result<TablePage, Fault>) {
        let table = match result {
            Ok(table) => table,
            Err(fault) => {
                self.error = Some(error_text(&fault));
                return;
            }
        };
        if self.columns.is_empty() {
            let column = |(name, numeric): (&String, &bool)| {
                if *numeric { Column::number(name.clone()) } else { Column::text(name.clone()) }
            };
            self.columns = vec![Column::number("Row")];
            self.columns.extend(table.columns.iter().zip(&table.numeric).map(column));
        }
        let seen = (table.offset as usize) + table.rows.len();
        let more = table.rows.len() as u64 == PAGE;
        // Files that do not say how long they are grow as they are read.
        self.total = table.total.map_or(self.total.max(seen + usize::from(more)), |total| total as usize);
        self.pages.insert(page, table);
        while self.pages.len() > KEPT {
            let far = self.pages.keys().copied().max_by_key(|key| key.abs_diff(page));
            far.and_then(|key| self.pages.remove(&key));
        }
    }

    /// Why there are no rows.
    pub fn error(&self) -> Option<&ErrorText> {
        self.error.as_ref()
    }

    /// The first page is on its way.
    pub fn is_loading(&self) -> bool {
        self.columns.is_empty() && self.error.is_none()
    }
}

impl TableSource for PagedTable {
    fn row_count(&self) -> usize {
        self.total
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        if column == 0 {
            let number = row as u64 + 1;
            return Cell::shown_as(number as f64, desk_uikit::format::count(number));
        }
        let page = row as u64 / PAGE;
        let Some(table) = self.pages.get(&page) else {
            *self.wanted.borrow_mut() = Some(page);
            return Cell::text("…");
        };
        let text = table.rows.get(row % PAGE as usize).and_then(|cells| cells.get(column - 1));
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

    fn page(offset: u64, rows: usize, total: Option<u64>) -> TablePage {
        TablePage {
            columns: vec!["x".into(), "name".into()],
            numeric: vec![true, false],
            rows: (0..rows).map(|i| vec![(offset as usize + i).to_string(), String::new()]).collect(),
            offset,
            total,
        }
    }

    #[test]
    fn missing_pages_are_asked_for_and_unknown_lengths_grow() {
        let mut table = PagedTable::new(|_, _, _| Err(Fault::bug("not asked here")));
        assert!(table.is_loading());
        table.take(0, Ok(page(0, 200, None)));
        assert_eq!(table.row_count(), 201, "one more row, so that scrolling asks for the next page");
        assert_eq!(table.cell(7, 1).value, Value::Number(7.0));
        assert_eq!(table.cell(7, 2).value, Value::Missing);
        assert_eq!(table.cell(200, 1).text, "…");
        assert_eq!(table.wanted.take(), Some(1));
        table.take(1, Ok(page(200, 50, None)));
        assert_eq!(table.row_count(), 250);
        assert_eq!(table.columns().len(), 3);
    }

    #[test]
    fn far_pages_are_forgotten() {
        let mut table = PagedTable::new(|_, _, _| Err(Fault::bug("not asked here")));
        for i in 0..100 {
            table.take(i, Ok(page(i * 200, 200, Some(1_000_000))));
        }
        assert_eq!(table.pages.len(), KEPT);
        assert!(table.pages.contains_key(&99) && !table.pages.contains_key(&0));
    }
}
