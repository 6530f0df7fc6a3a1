//! Every scored row, paged from the kept answers; a chosen row can be explained.

use desk_uikit::table::Table;
use desk_uikit::{Button, Icon, error_view, format, text};
use egui::Ui;

use super::result::TestResult;
use crate::cx::Cx;
use crate::paged::PagedTable;

/// The table of one run, and which row is chosen.
pub struct Rows {
    run: String,
    table: PagedTable,
    chosen: Option<usize>,
}

/// Rows are this high at least where the view is small.
const LEAST_HEIGHT: f32 = 300.0;
/// What the window shows above and below the table while that fills the view.
const REST: f32 = 330.0;

impl Rows {
    /// The rows of a run.
    pub fn new(run: &str) -> Self {
        let id = run.to_owned();
        let table = PagedTable::new(move |desk, offset, limit| desk.result_page(&id, offset, limit));
        Self { run: run.to_owned(), table, chosen: None }
    }

    /// The run whose rows these are.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Shows the table; gives the row (from 1) that shall be explained.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, result: &TestResult) -> Option<u64> {
        self.table.poll(cx.background);
        if let Some(error) = self.table.error() {
            error_view(ui, error, None);
            return None;
        }
        let mut explain = None;
        ui.horizontal(|ui| {
            if let Some(row) = bar(ui, self.chosen, result.answer.rows) {
                explain = Some(row);
            }
        });
        // The page scrolls as a whole; the table is as high as fits below its heading.
        let height = (ui.ctx().content_rect().height() - REST).max(LEAST_HEIGHT);
        let output = Table::data("scored-rows", "Scored rows")
            .unsortable()
            .max_height(height)
            .loading(self.table.is_loading())
            .empty("The file had no rows")
            .show(ui, &self.table);
        self.chosen = output.cursor.or(self.chosen);
        if let Some(row) = output.activated {
            explain = Some(row as u64 + 1);
        }
        explain
    }
}

/// The line above the table: what can be done with the chosen row.
pub fn bar(ui: &mut Ui, chosen: Option<usize>, rows: u64) -> Option<u64> {
    let row = chosen.map(|row| row as u64 + 1);
    let label = row.map_or_else(|| "Explain row".to_owned(), |row| format!("Explain row {}", format::count(row)));
    let button = Button::secondary(&label)
        .icon(Icon::Explain)
        .disabled_if(row.is_none().then_some("Choose a row in the table first"));
    let pressed = ui.add(button).clicked();
    text::caption(ui, format!("{} · Enter explains the row, Ctrl+C copies", format::plural(rows, "row", "rows")));
    row.filter(|_| pressed)
}
