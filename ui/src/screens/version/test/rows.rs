//! Every scored row, paged from the kept answers; a chosen row can be explained.

use desk_uikit::table::{Cell, Column, Table, TableSource};
use desk_uikit::{Button, Icon, Tone, error_view, format, text};
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
const REST: f32 = 440.0;

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
            .show(ui, &AnswersFirst::new(&self.table, result));
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

/// The same table with the answers and the truth before the columns of the data; an answer that
/// differs from the truth is marked.
struct AnswersFirst<'a> {
    table: &'a dyn TableSource,
    order: Vec<usize>,
    columns: Vec<Column>,
    /// The label's and the truth's column, where both are there.
    compare: Option<(usize, usize)>,
}

impl<'a> AnswersFirst<'a> {
    fn new(table: &'a dyn TableSource, result: &TestResult) -> Self {
        let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
        let answers = &result.answer.output_columns;
        let (order, truth) = order(&names, answers, result.answer.target.as_deref());
        let label = answers.first().and_then(|name| names.iter().rposition(|other| other == name));
        Self {
            compare: label.zip(truth).filter(|_| result.confusion.is_some()),
            // The widths of what is compared stay whole; wide data scrolls.
            columns: order.iter().map(|column| table.columns()[*column].clone().narrow()).collect(),
            order,
            table,
        }
    }
}

/// The row's number, the answers, the truth, the rest; and where the truth is.
fn order(names: &[&str], answers: &[String], target: Option<&str>) -> (Vec<usize>, Option<usize>) {
    // The data may have a column of an answer's name too; the answers stand last.
    let first: Vec<usize> = answers.iter().filter_map(|name| names.iter().rposition(|other| other == name)).collect();
    let truth = names.iter().position(|name| Some(*name) == target).filter(|column| !first.contains(column));
    let mut order: Vec<usize> = (0..names.len().min(1)).chain(first).chain(truth).collect();
    let rest: Vec<usize> = (0..names.len()).filter(|column| !order.contains(column)).collect();
    order.extend(rest);
    (order, truth)
}

fn same(a: &str, b: &str) -> bool {
    a == b || a.parse::<f64>().ok().zip(b.parse::<f64>().ok()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
}

impl TableSource for AnswersFirst<'_> {
    fn row_count(&self) -> usize {
        self.table.row_count()
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let Some(at) = self.order.get(column).copied() else { return Cell::missing() };
        let cell = self.table.cell(row, at);
        match self.compare {
            Some((label, truth)) if label == at => {
                let known = self.table.cell(row, truth);
                let wrong = known.value != desk_uikit::table::Value::Missing && !same(&cell.text, &known.text);
                if wrong { Cell { icon: Some(Icon::Warn), tone: Some(Tone::Warn), ..cell } } else { cell }
            }
            _ => cell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_come_first_then_the_truth() {
        let names = ["Row", "label", "a", "truth", "label", "p"];
        let answers = ["label".to_owned(), "p".to_owned()];
        assert_eq!(order(&names, &answers, Some("truth")), (vec![0, 4, 5, 3, 1, 2], Some(3)));
        assert_eq!(order(&[], &answers, None), (vec![], None));
        assert!(same("1", "1.0") && same("no", "no") && !same("no", "yes"));
    }
}
