//! The Explain tab: why the model answers as it does, for a row and for all of them.

mod across;
pub mod beside;
mod cohorts;
mod dependence;
mod every;
mod export;
mod facts;
mod form;
mod global;
mod methods;
mod options;
mod picture;
mod pins;
mod quality;
mod result;
mod row;
mod rows;
mod stopped;
mod view;
mod what_if;
mod whole;
mod words;

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
pub use facts::method_name;
pub use form::Form;
use result::ExplainResult;
use view::{Choices, Side};

/// What the tab remembers.
#[derive(Default)]
pub struct Explain {
    /// Of which version; the rest is forgotten when another one is opened.
    version: Option<VersionRef>,
    /// The run that was chosen; the newest one while it is none.
    chosen: Option<String>,
    newest: Newest,
    result: Slot<String, ExplainResult>,
    choices: Choices,
    /// The run whose view was chosen by itself: one row as a row, several together.
    settled_for: Option<String>,
    cards: view::Cards,
    /// A row that shall be shown once its run is read, by its number.
    open_row: Option<(String, u64)>,
    whole: whole::Whole,
    dismissed: Option<String>,
    /// The job that was stopped and that was said to be enough.
    enough: Option<String>,
}

impl Explain {
    /// Draws the tab; `settled` when what is known of the version is of now.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, view: &VersionView, forms: &mut Forms, settled: bool) {
        let version = VersionRef::numbered(view.item.model.clone(), view.item.version);
        if self.version.as_ref() != Some(&version) {
            *self = Self { version: Some(version.clone()), ..Self::default() };
        }
        self.newest.here(ui, settled);
        let mine = |command: &Command| matches!(command, Command::Explain(c) if c.version == version);
        let busy = cx.jobs.running().any(|job| mine(&job.command));
        form::show(ui, cx, view, forms, &version, busy);
        ui.add_space(10.0);
        self.newest.watch(ui, busy);
        if jobs::above_results(ui, cx, &mut self.dismissed, mine) {
            // The newest result is the one that is being made.
            self.chosen = None;
        }
        stopped::show(ui, cx, &mut self.enough, mine);
        let runs: Vec<&RunItem> = view.runs.iter().filter(|run| run.kind == "explain").collect();
        if !busy {
            self.newest.follow(cx, mine, &runs);
        }
        let shown = self.chosen.clone().or_else(|| self.newest.id());
        match shown {
            None if busy => {}
            None => nothing_yet(ui),
            Some(run) => self.results(ui, cx, &runs, &run),
        }
        self.whole.show(ui, cx, view, forms, (&version, settled));
    }

    fn results(&mut self, ui: &mut Ui, cx: &Cx<'_>, runs: &[&RunItem], run: &str) {
        let asked = run.to_owned();
        self.result.ensure(cx.background, run.to_owned(), Topic::Fixed, move |desk| {
            ExplainResult::new(desk.run_record(&asked)?)
        });
        self.settle();
        let names: Vec<(String, String)> = runs.iter().map(|run| (run_summary(run), ago(&run.at))).collect();
        let current = runs.iter().position(|item| item.id == run);
        let (mut other, top) = (None, ui.cursor().top());
        let Self { choices, cards, result, .. } = &mut *self;
        let retry = loadable_view(ui, &result.value, |ui, result| {
            other = view::heading(ui, cx, result, choices, &names, current, |ui| {
                cx.copy_command(ui, &result.command);
            });
            ui.add_space(4.0);
            view::body(ui, cx, result, choices, cards);
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
        if let Some((run, row)) = self.cards.opened() {
            self.chosen = Some(run.clone());
            self.open_row = Some((run, row));
        }
    }

    /// A new answer: one row shows itself, several show themselves together.
    fn settle(&mut self) {
        let Some(result) = self.result.value.value() else { return };
        if self.settled_for.as_ref() != Some(&result.answer.run) {
            self.settled_for = Some(result.answer.run.clone());
            self.choices.side = if result.rows() > 1 { Side::Global } else { Side::Row };
            self.choices.row = 0;
            self.choices.output = first_output(result);
        }
        if let Some((_, number)) = self.open_row.take_if(|(run, _)| *run == result.answer.run)
            && let Some(row) = result.answer.row_numbers.iter().position(|other| *other == number)
        {
            (self.choices.side, self.choices.row, self.choices.opened) = (Side::Row, row, true);
        }
    }
}

/// For two classes the second one, which people ask about; else what the model answered in the first row.
fn first_output(result: &ExplainResult) -> usize {
    match result.answer.output_names.len() {
        2 => 1,
        n => (0..n).max_by(|a, b| result.prediction(0, *a).total_cmp(&result.prediction(0, *b))).unwrap_or(0),
    }
}

fn nothing_yet(ui: &mut Ui) {
    EmptyState::new(Icon::Explain, "Not explained yet")
        .body("See what each feature adds to one answer, or which features matter over many rows")
        .hint("Contributions add up from the usual answer to this one")
        .show(ui);
}
