//! The rows of a test: filtered, sorted, with chosen columns, copied and exported; a chosen row can be explained.

mod columns;
mod filter;
mod finding;
mod source;

use desk_app::Command;
use desk_app::command::ExportRows;
use desk_app::rows::{Filter, ROW, Relation, RowView, SortKey, Test};
use desk_core::VersionRef;
use desk_uikit::empty::EmptyAction;
use desk_uikit::table::{Copied, HeadAction, RowAction, Sort, Table, TableOutput, TableSource as _, Value};
use desk_uikit::toast::Toast;
use desk_uikit::{Button, Chip, ChipAction, EmptyState, Icon, Tone, error_view, field, format, loadable, text};
use egui::Ui;

use super::result::TestResult;
use crate::background::Pending;
use crate::cx::{Action, Cx};
use crate::jobs;
use crate::kept::Kept;
use crate::picker::Picked;
use columns::Columns;
use filter::{Done, FilterForm};
use finding::{Finding, Found};
use source::Shown;

/// The rows of one run, and which one is chosen.
pub struct Rows {
    run: String,
    version: VersionRef,
    finding: Finding,
    /// What was filtered and sorted by before, in any test of the version.
    view: Kept<RowView>,
    /// Of what was kept nothing has been shown yet.
    recalled: Recalled,
    columns: Columns,
    form: Option<FilterForm>,
    /// The row under the cursor, as shown.
    chosen: Option<usize>,
    /// Of which answer that is.
    chosen_of: u64,
    copying: Pending<Copied>,
    saving: Picked,
    dismissed: Option<String>,
}

/// What became of the filters and the order that were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Recalled {
    /// They are being read.
    #[default]
    Waits,
    /// The rows are looked through with them.
    Tried,
    /// There is nothing more to take up.
    Done,
}

/// Rows are this high at least where the view is small.
const LEAST_HEIGHT: f32 = 300.0;
/// What the window shows above and below the table while that fills the view.
const REST: f32 = 474.0;

impl Rows {
    /// The rows of a run of a version.
    pub fn new(run: &str, version: VersionRef) -> Self {
        Self {
            run: run.to_owned(),
            columns: Columns::new(&version),
            view: Kept::new(format!("window/rows/{version}")),
            version,
            finding: Finding::default(),
            recalled: Recalled::default(),
            form: None,
            chosen: None,
            chosen_of: 0,
            copying: Pending::default(),
            saving: Picked::default(),
            dismissed: None,
        }
    }

    /// The run whose rows these are.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Takes up what the version's rows were filtered and sorted by before, and keeps what they are now.
    fn recall(&mut self, cx: &Cx<'_>) {
        if !self.view.poll(cx.background, false) {
            return;
        }
        match self.recalled {
            Recalled::Waits => {
                self.finding.wanted = self.view.get();
                self.recalled = if self.finding.wanted.is_everything() { Recalled::Done } else { Recalled::Tried };
            }
            Recalled::Tried if self.finding.found.is_some() => self.recalled = Recalled::Done,
            Recalled::Tried if self.finding.error().is_some() => {
                // This test has other columns, or no truth.
                self.finding.wanted = RowView::default();
                self.recalled = Recalled::Done;
                let toast = Toast::new(Tone::Neutral, "Filters and order of an earlier test do not fit these rows");
                cx.act(Action::Toast(toast.body("All rows are shown as they are in the file")));
            }
            Recalled::Tried => {}
            Recalled::Done => {
                // What cannot be shown is not worth keeping.
                if let Some(found) = self.finding.found.as_ref().filter(|found| found.view == self.finding.wanted) {
                    self.view.change(|view| view.clone_from(&found.view));
                }
            }
        }
    }

    /// Shows the table; gives the row (from 1) that shall be explained.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, result: &TestResult) -> Option<u64> {
        self.recall(cx);
        if self.recalled != Recalled::Waits {
            self.finding.poll(ui.ctx(), cx.background, &self.run);
        }
        let columns_known = self.columns.poll(ui, cx.background);
        self.copied(ui, cx);
        let mine = |command: &Command| matches!(command, Command::ExportRows(c) if c.version == self.version);
        jobs::above_results(ui, cx, &mut self.dismissed, mine);
        if let Some(error) = self.finding.error() {
            if error_view(ui, error, Some("Try again")) {
                self.finding.again();
            }
            self.finding.found.as_ref()?;
        }
        let Some(found) = self.finding.found.as_ref().filter(|_| columns_known) else {
            loadable::skeleton(ui, 5);
            return None;
        };
        if self.chosen_of != found.generation {
            self.chosen_of = found.generation;
            self.chosen = None;
        }
        let shown = Shown::new(&found.rows, &found.table, &self.columns.arrangement());
        let mut explain = self.bar(ui, cx, &shown, result);
        self.chips(ui);
        self.filter_form(ui, cx);
        self.finding.show_progress(ui);
        let found = self.finding.found.as_ref()?;
        if found.rows.count() == 0 && found.rows.total() > 0 {
            self.nothing(ui);
            return explain;
        }
        let output = table(ui, &self.columns, found, &shown);
        self.chosen = output.cursor.or(self.chosen);
        if let Some(row) = output.activated.or(output.row_action.map(|(row, _)| row)) {
            explain = found.rows.number(row as u64);
        }
        self.asked(ui, cx, shown, output);
        explain
    }

    /// The line above the table: what can be done with the chosen row, and with all of them.
    fn bar(&mut self, ui: &mut Ui, cx: &Cx<'_>, shown: &Shown, result: &TestResult) -> Option<u64> {
        let Self { finding, columns, form, chosen, saving, version, run, .. } = self;
        let Finding { found: Some(found), wanted, .. } = finding else { return None };
        let number = chosen.and_then(|row| found.rows.number(row as u64));
        let mut explain = None;
        ui.horizontal_wrapped(|ui| {
            let label =
                number.map_or_else(|| "Explain row".to_owned(), |row| format!("Explain row {}", format::count(row)));
            let button = Button::secondary(&label).icon(Icon::Explain);
            if ui.add(button.disabled_if(number.is_none().then_some("Choose a row in the table first"))).clicked() {
                explain = number;
            }
            let find = cx.find.take();
            let filter = Button::secondary("Filter…").icon(Icon::Filter).selected(form.is_some());
            if ui.add(filter.tooltip("Show only rows that have something in common")).clicked() || find {
                let usual = found.rows.usual_order();
                let first = shown.column(1).or(usual.first().copied()).map(|i| found.rows.columns()[i].name.as_str());
                *form = match form.take() {
                    None => Some(FilterForm::new(found.rows.columns(), first.unwrap_or(ROW), &[], None)),
                    open if find => open,
                    Some(_) => None,
                };
            }
            columns.chooser(ui, &found.rows);
            let export = Button::secondary("Export…").icon(Icon::Export);
            let none = (found.rows.count() == 0).then_some("There is no row to write");
            if ui.add(export.tooltip("Write these rows to a file").disabled_if(none)).clicked() {
                let ctx = ui.ctx().clone();
                let name = format!("{}-rows.csv", version.to_string().replace('@', "-v"));
                saving.wait(cx.picker.save(&name, Box::new(move || ctx.request_repaint())));
            }
            let chosen = if columns.arrangement().is_default() { Vec::new() } else { shown.names(&found.rows) };
            cx.copy_line(ui, &wanted.to_cli(version, run, &chosen));
            if found.rows.judged().is_some() && result.confusion.is_some() {
                field::check(ui, &mut wanted.wrong, "Wrong answers only");
            }
        });
        if let Some(out) = saving.take() {
            let (version, run, view) = (version.clone(), Some(run.clone()), found.view.clone());
            // Whoever chose a file that is there was asked by the dialog.
            let command = ExportRows { version, run, view, columns: shown.names(&found.rows), out, force: true };
            cx.run(Command::ExportRows(command));
        }
        explain
    }

    /// How many rows there are, and what keeps the others away.
    fn chips(&mut self, ui: &mut Ui) {
        let Finding { found: Some(found), wanted, .. } = &mut self.finding else { return };
        let mut removed = None;
        ui.horizontal_wrapped(|ui| {
            let (count, total) = (found.rows.count(), found.rows.total());
            let all = format::plural(total, "row", "rows");
            let surest = found.view.wrong && found.view.sort.is_empty() && count > 1;
            let sorted = if surest { ", the most certain first" } else { "" };
            if found.view.filters.is_empty() && !found.view.wrong {
                text::caption(ui, format!("{all} · Enter explains the row, Ctrl+C copies"));
            } else {
                text::caption(ui, format!("{} of {all}{sorted}", format::count(count)));
            }
            for (i, filter) in wanted.filters.iter().enumerate() {
                match Chip::new("Filter", &filter::words(filter)).show(ui) {
                    Some(ChipAction::Remove) => removed = Some(i),
                    Some(ChipAction::Change) => {
                        let columns = found.rows.columns();
                        self.form = Some(FilterForm::new(columns, &filter.column, &wanted.filters, Some(filter)));
                    }
                    None => {}
                }
            }
            sort_chips(ui, &mut wanted.sort);
            // Where nothing matches, the button stands in the middle.
            let offered = !wanted.filters.is_empty() && count > 0;
            if offered && ui.add(Button::ghost("Clear filters")).clicked() {
                wanted.filters.clear();
            }
        });
        if let Some(i) = removed {
            wanted.filters.remove(i);
        }
    }

    fn filter_form(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let (Some(form), Some(found)) = (&mut self.form, &self.finding.found) else { return };
        let wanted = &mut self.finding.wanted;
        match form.show(ui, cx, found, &self.run) {
            None => return,
            Some(Done::Cancel) => {}
            Some(Done::Apply(former, filters)) => {
                let at = wanted.filters.iter().position(|filter| former.contains(filter));
                wanted.filters.retain(|filter| !former.contains(filter));
                let at = at.unwrap_or(wanted.filters.len()).min(wanted.filters.len());
                let new = filters.into_iter().filter(|filter| !wanted.filters.contains(filter)).collect::<Vec<_>>();
                wanted.filters.splice(at..at, new);
            }
        }
        self.form = None;
    }

    fn nothing(&mut self, ui: &mut Ui) {
        let Finding { found: Some(found), wanted, .. } = &mut self.finding else { return };
        let all = format::plural(found.rows.total(), "row", "rows");
        let (title, body, action) = if found.view.filters.is_empty() {
            ("No wrong answer", format!("The answers to {all} are the same as the truth"), "Show all rows")
        } else {
            ("Nothing matches", format!("None of {all} passes all filters"), "Clear filters")
        };
        let state = EmptyState::new(Icon::Filter, title).body(&body).primary(Icon::Close, action);
        if state.show(ui) == Some(EmptyAction::Primary) {
            wanted.filters.clear();
            wanted.wrong = false;
        }
    }

    /// Does what was asked in the table.
    fn asked(&mut self, ui: &Ui, cx: &Cx<'_>, shown: Shown, output: TableOutput) {
        let Finding { found: Some(found), wanted, .. } = &mut self.finding else { return };
        let name =
            |column: usize| shown.column(column).map_or(ROW, |i| found.rows.columns()[i].name.as_str()).to_owned();
        let mut sort = output.sort;
        match output.head {
            Some((column, HeadAction::Sort(way))) => sort = Some(way.map(|descending| Sort { column, descending })),
            Some((column, HeadAction::Then(way))) => then(&mut wanted.sort, name(column), way),
            Some((column, HeadAction::Filter)) => {
                let columns = found.rows.columns();
                self.form = Some(FilterForm::new(columns, &name(column), &wanted.filters, None));
            }
            Some((column, action)) => self.columns.act(&found.rows, &shown, column, action),
            None => {}
        }
        if let Some(place) = output.only {
            let over = shown.over(&found.table);
            let cell = over.cell(place.row, place.column);
            let test = match cell.value {
                Value::Missing => Test::Missing,
                _ => Test::Is(Relation::Equal, cell.exact().into_owned()),
            };
            let filter = Filter::new(name(place.column), test);
            if !wanted.filters.contains(&filter) {
                wanted.filters.push(filter);
            }
        }
        if let Some(sort) = sort {
            let key = sort.map(|sort| SortKey { column: name(sort.column), descending: sort.descending });
            wanted.sort = key.into_iter().collect();
        }
        if let Some(copied) = &output.copied {
            tell(cx, copied);
        }
        if let Some(later) = output.copy_later {
            let copy = shown.copy(&found.table, later);
            self.copying.start(cx.background, move |_| copy());
            ui.ctx().request_repaint();
        }
    }

    /// Takes what had to be read to be copied.
    fn copied(&mut self, ui: &Ui, cx: &Cx<'_>) {
        match self.copying.take() {
            Some(Ok(copied)) => {
                tell(cx, &copied);
                ui.ctx().copy_text(copied.text);
            }
            Some(Err(fault)) => {
                cx.act(Action::Toast(Toast::new(Tone::Err, "The rows were not copied").body(fault.message)));
            }
            None => {}
        }
    }
}

/// Says how much was copied, where that is more than can be seen, or less than was selected.
fn tell(cx: &Cx<'_>, copied: &Copied) {
    if copied.rows < 2 {
        return;
    }
    let rows = format::plural(copied.rows as u64, "row", "rows");
    let toast = if copied.rows < copied.selected {
        let selected = format::count(copied.selected as u64);
        Toast::new(Tone::Warn, format!("Copied the first {rows} of {selected}")).body("Export writes all of them")
    } else {
        Toast::new(Tone::Ok, format!("Copied {rows}"))
    };
    cx.act(Action::Toast(toast));
}

/// Sorts rows that are alike in the keys so far by a column, too; by the column no more where no way is given.
fn then(keys: &mut Vec<SortKey>, column: String, way: Option<bool>) {
    let at = keys.iter().position(|key| key.column == column);
    match (at, way) {
        (Some(at), Some(descending)) => keys[at].descending = descending,
        (Some(at), None) => drop(keys.remove(at)),
        (None, Some(descending)) => keys.push(SortKey { column, descending }),
        (None, None) => {}
    }
}

/// By what the rows are sorted: a press turns the order round, a cross ends it.
fn sort_chips(ui: &mut Ui, keys: &mut Vec<SortKey>) {
    let mut removed = None;
    for (i, key) in keys.iter_mut().enumerate() {
        let column = if key.column == ROW { "row" } else { &key.column };
        let words = format!("{column}, {} first", if key.descending { "largest" } else { "smallest" });
        match Chip::new("Order", &words).show(ui) {
            Some(ChipAction::Remove) => removed = Some(i),
            Some(ChipAction::Change) => key.descending = !key.descending,
            None => {}
        }
    }
    if let Some(i) = removed {
        keys.remove(i);
    }
}

fn table(ui: &mut Ui, columns: &Columns, found: &Found, shown: &Shown) -> TableOutput {
    let heads = columns.heads(&found.rows, shown, &found.view);
    let named = |i: usize| shown.column(i).map_or(ROW, |i| found.rows.columns()[i].name.as_str());
    // A column that is hidden sorts too: what follows it keeps its number.
    let place = |key: &SortKey| (0..heads.len()).find(|i| named(*i) == key.column).unwrap_or(usize::MAX);
    let keys: Vec<Sort> =
        found.view.sort.iter().map(|key| Sort { column: place(key), descending: key.descending }).collect();
    // The page scrolls as a whole; the table is as high as fits below its heading.
    let height = (ui.ctx().content_rect().height() - REST).max(LEAST_HEIGHT);
    Table::data("scored-rows", "Scored rows")
        .sorted(keys.first().copied())
        .then_sorted(keys.get(1..).unwrap_or_default())
        .heads(&heads, shown.pinned)
        .generation(found.generation)
        .row_actions(&[RowAction { label: "Explain this row", icon: Icon::Explain }])
        .max_height(height)
        .empty("The file had no rows")
        .show(ui, &shown.over(&found.table))
}
