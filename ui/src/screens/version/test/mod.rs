//! The Test tab: score real data, and see how good, how fast and where.

mod charts;
mod form;
mod latency;
mod proof;
mod result;
mod results;
mod rows;
mod threshold;

use desk_app::Command;
use desk_app::query::{RunItem, VersionView};
use desk_core::VersionRef;
use desk_uikit::{EmptyState, Icon, loadable_view};
use egui::Ui;

use super::Forms;
use super::newest::Newest;
use crate::ages::ago;
use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::fault::run_summary;
use crate::jobs;
use crate::route::VersionTab;
pub use form::Form;
use result::TestResult;
pub use results::file_name;
use results::{Choices, Side};
use rows::Rows;

/// What the tab remembers.
#[derive(Default)]
pub struct Test {
    /// Of which version; the rest is forgotten when another one is opened.
    version: Option<VersionRef>,
    /// The run that was chosen; the newest one while it is none.
    chosen: Option<String>,
    newest: Newest,
    result: Slot<String, TestResult>,
    choices: Choices,
    rows: Option<Rows>,
    dismissed: Option<String>,
}

impl Test {
    /// Draws the tab; `settled` when what is known of the version is of now.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, view: &VersionView, forms: &mut Forms, settled: bool) {
        let version = VersionRef::numbered(view.item.model.clone(), view.item.version);
        if self.version.as_ref() != Some(&version) {
            let choices = self.choices;
            *self = Self { version: Some(version.clone()), choices, ..Self::default() };
        }
        self.newest.here(ui, settled);
        let mine = |command: &Command| matches!(command, Command::Predict(c) if c.version == version);
        let busy = cx.jobs.running().any(|job| mine(&job.command));
        form::show(ui, cx, view, forms, &version, busy);
        ui.add_space(10.0);
        self.newest.watch(ui, busy);
        if jobs::above_results(ui, cx, &mut self.dismissed, mine) {
            // The newest result is the one that is being made.
            self.chosen = None;
        }
        let runs: Vec<&RunItem> = view.runs.iter().filter(|run| run.kind == "predict").collect();
        if !busy {
            self.newest.follow(cx, mine, &runs);
        }
        let shown = self.chosen.clone().or_else(|| self.newest.id());
        match shown {
            None if busy => {}
            None => nothing_yet(ui),
            Some(run) => self.results(ui, cx, &runs, &run, forms),
        }
    }

    fn results(&mut self, ui: &mut Ui, cx: &Cx<'_>, runs: &[&RunItem], run: &str, forms: &mut Forms) {
        let asked = run.to_owned();
        self.result
            .ensure(cx.background, run.to_owned(), Topic::Fixed, move |desk| TestResult::new(desk.run_record(&asked)?));
        let names: Vec<(String, String)> = runs.iter().map(|run| (run_summary(run), ago(&run.at))).collect();
        let current = runs.iter().position(|item| item.id == run);
        let (mut other, top) = (None, ui.cursor().top());
        let Self { choices, rows, result, version, .. } = self;
        let retry = loadable_view(ui, &result.value, |ui, result| {
            other = results::heading(ui, result, &mut choices.side, &names, current, |ui| {
                cx.copy_command(ui, &result.command);
            });
            ui.add_space(4.0);
            results::body(ui, cx, result, choices);
            if choices.side == Side::Rows
                && let Some(version) = version
                && let Some(row) = scored_rows(ui, cx, rows, result, version)
            {
                forms.explain.only_row(row);
                forms.explain.intent.keep(ui, "The file is being read");
                forms.data.path.clone_from(&result.data);
                cx.go(cx.route.with_tab(VersionTab::Explain));
            }
        });
        if retry {
            self.result.again();
        }
        if self.result.value.value().is_some() {
            let drawn = egui::Rect::from_x_y_ranges(ui.max_rect().x_range(), top..=ui.cursor().top());
            self.newest.bring(ui, run, drawn);
        }
        if let Some(item) = other.and_then(|i| runs.get(i)) {
            self.chosen = Some(item.id.clone());
        }
    }
}

fn scored_rows(
    ui: &mut Ui,
    cx: &Cx<'_>,
    rows: &mut Option<Rows>,
    result: &TestResult,
    version: &VersionRef,
) -> Option<u64> {
    let rows = match rows {
        Some(rows) if rows.run() == result.answer.run => rows,
        slot => {
            let version = result.answer.version.parse().unwrap_or_else(|_| version.clone());
            slot.insert(Rows::new(&result.answer.run, version))
        }
    };
    rows.show(ui, cx, result)
}

fn nothing_yet(ui: &mut Ui) {
    EmptyState::new(Icon::Test, "Not tested yet")
        .body("Score a file that the model has not seen: its answers, and with the truth in a column also how good they are")
        .hint("Drop a file on this window, or browse for one; images and tensors work too")
        .show(ui);
}
