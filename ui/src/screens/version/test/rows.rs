//! Every scored row, paged from the kept answers; a chosen row can be explained.

use desk_uikit::table::{Cell, Column, MemTable, Table, TableSource};
use desk_uikit::{Button, Icon, Tone, error_view, field, format, loadable_view, text};
use egui::Ui;

use super::result::TestResult;
use super::wrong::WrongRows;
use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::paged::PagedTable;

/// The table of one run, and which row is chosen.
pub struct Rows {
    run: String,
    table: PagedTable,
    chosen: Option<usize>,
    only_wrong: bool,
    wrong: Slot<String, WrongRows>,
    /// The table of the mistakes, made from the value of this generation.
    wrong_table: Option<(u64, MemTable)>,
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
        Self { run: run.to_owned(), table, chosen: None, only_wrong: false, wrong: Slot::default(), wrong_table: None }
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
        let truth = result.answer.target.clone().filter(|_| result.confusion.is_some());
        let number = if self.only_wrong {
            self.chosen.and_then(|row| self.wrong.value.value()?.number(row))
        } else {
            self.chosen.map(|row| row as u64 + 1)
        };
        ui.horizontal(|ui| {
            explain = bar(ui, number, result.answer.rows);
            if truth.is_some() {
                let was = self.only_wrong;
                field::check(ui, &mut self.only_wrong, "Wrong answers only");
                if was != self.only_wrong {
                    self.chosen = None;
                }
            }
        });
        // The page scrolls as a whole; the table is as high as fits below its heading.
        let height = (ui.ctx().content_rect().height() - REST).max(LEAST_HEIGHT);
        if let Some(truth) = truth.filter(|_| self.only_wrong) {
            return self.wrong(ui, cx, result, truth, height).or(explain);
        }
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

    /// The mistakes only; gives the row that shall be explained.
    fn wrong(&mut self, ui: &mut Ui, cx: &Cx<'_>, result: &TestResult, truth: String, height: f32) -> Option<u64> {
        let (run, answers) = (self.run.clone(), result.answer.output_columns.clone());
        self.wrong.ensure(cx.background, self.run.clone(), Topic::Fixed, move |desk| {
            WrongRows::find(desk, &run, &answers, &truth)
        });
        let mut activated = None;
        let (slot, made, chosen) = (&self.wrong, &mut self.wrong_table, &mut self.chosen);
        let retry = loadable_view(ui, &slot.value, |ui, found| {
            text::caption(ui, found.summary());
            let table = match made {
                Some((generation, table)) if *generation == slot.generation => table,
                other => &mut other.insert((slot.generation, found.table())).1,
            };
            let view = Table::data("wrong-rows", "Wrong answers").max_height(height);
            let output = view.empty("Every answer is the same as the truth").show_mem(ui, table);
            *chosen = output.cursor.or(*chosen);
            activated = output.activated.and_then(|row| found.number(row));
        });
        if retry {
            self.wrong.again();
        }
        activated
    }
}

/// The line above the table: what can be done with the chosen row, by its number from 1.
pub fn bar(ui: &mut Ui, row: Option<u64>, rows: u64) -> Option<u64> {
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
pub fn order(names: &[&str], answers: &[String], target: Option<&str>) -> (Vec<usize>, Option<usize>) {
    // The data may have a column of an answer's name too; the answers stand last.
    let first: Vec<usize> = answers.iter().filter_map(|name| names.iter().rposition(|other| other == name)).collect();
    let truth = names.iter().position(|name| Some(*name) == target).filter(|column| !first.contains(column));
    let mut order: Vec<usize> = (0..names.len().min(1)).chain(first).chain(truth).collect();
    let rest: Vec<usize> = (0..names.len()).filter(|column| !order.contains(column)).collect();
    order.extend(rest);
    (order, truth)
}

/// The same text, or the same number written in another way.
pub fn same(a: &str, b: &str) -> bool {
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
