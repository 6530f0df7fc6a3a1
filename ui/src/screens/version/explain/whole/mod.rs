//! Over the whole file: how much each feature matters to how good the model is, how its answers change along one feature
//! or two, and a small tree in its place.

mod dependence;
mod importance;
mod pair;
mod steps;
mod surrogate;

use desk_app::Command;
use desk_app::query::{RunItem, VersionView};
use desk_core::VersionRef;
use desk_uikit::text;
use egui::Ui;

use super::Forms;
use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::jobs;
use crate::screens::version::newest::Newest;
use dependence::DependenceResult;
use importance::ImportanceResult;
use steps::{Busy, Steps};
use surrogate::SurrogateResult;

/// What the section remembers.
#[derive(Default)]
pub struct Whole {
    importance: Shown<ImportanceResult>,
    dependence: Shown<DependenceResult>,
    surrogate: Shown<SurrogateResult>,
    steps: Steps,
    /// Index of the output whose dependence is shown, and of that whose tree is.
    output: usize,
    of_tree: usize,
}

/// The newest result of one kind.
struct Shown<T> {
    newest: Newest,
    result: Slot<String, T>,
    dismissed: Option<String>,
}

impl<T> Default for Shown<T> {
    fn default() -> Self {
        Self { newest: Newest::default(), result: Slot::default(), dismissed: None }
    }
}

impl Whole {
    /// Draws the section; `settled` when what is known of the version is of now.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        view: &VersionView,
        forms: &Forms,
        (version, settled): (&VersionRef, bool),
    ) {
        let measures = |command: &Command| matches!(command, Command::Importance(c) if c.version == *version);
        let draws = |command: &Command| matches!(command, Command::Dependence(c) if c.version == *version);
        let grows = |command: &Command| matches!(command, Command::Surrogate(c) if c.version == *version);
        let runs = |mine: &dyn Fn(&Command) -> bool| cx.jobs.running().any(|job| mine(&job.command));
        let busy = Busy { importance: runs(&measures), dependence: runs(&draws), surrogate: runs(&grows) };
        ui.add_space(12.0);
        ui.horizontal_wrapped(|ui| {
            text::section(ui, "Over the whole file");
            text::caption(
                ui,
                "what features are worth, how the answers change along them, a tree in the model's place",
            );
        });
        ui.add_space(4.0);
        let most = self.importance.result.value.value().and_then(ImportanceResult::first);
        self.steps.show(ui, cx, view, forms, (version, busy, most));
        ui.add_space(8.0);
        let Self { importance, dependence, surrogate, output, of_tree, .. } = self;
        let run = importance.follow(ui, cx, view, ("importance", settled), measures, busy.importance);
        importance.read(cx, run, ImportanceResult::new);
        let run = dependence.follow(ui, cx, view, ("dependence", settled), draws, busy.dependence);
        dependence.read(cx, run, DependenceResult::new);
        let run = surrogate.follow(ui, cx, view, ("surrogate", settled), grows, busy.surrogate);
        surrogate.read(cx, run, SurrogateResult::new);
        importance.draw(ui, |ui, result| importance::show(ui, cx, result));
        dependence.draw(ui, |ui, result| dependence::show(ui, cx, result, output));
        surrogate.draw(ui, |ui, result| surrogate::show(ui, cx, result, of_tree));
    }
}

impl<T: Send + 'static> Shown<T> {
    /// Shows how the newest job is getting on, and gives the run to show.
    fn follow(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        view: &VersionView,
        (kind, settled): (&str, bool),
        mine: impl Fn(&Command) -> bool + Copy,
        busy: bool,
    ) -> Option<String> {
        self.newest.here(ui, settled);
        self.newest.watch(ui, busy);
        jobs::above_results(ui, cx, &mut self.dismissed, mine);
        let runs: Vec<&RunItem> = view.runs.iter().filter(|run| run.kind == kind).collect();
        if !busy {
            self.newest.follow(cx, mine, &runs);
        }
        self.newest.id()
    }

    fn read(
        &mut self,
        cx: &Cx<'_>,
        run: Option<String>,
        new: impl FnOnce(desk_app::query::RunView) -> Result<T, desk_core::Fault> + Send + 'static,
    ) {
        if let Some(run) = run {
            let asked = run.clone();
            self.result.ensure(cx.background, run, Topic::Fixed, move |desk| new(desk.run_record(&asked)?));
        }
    }

    fn draw(&mut self, ui: &mut Ui, show: impl FnOnce(&mut Ui, &T)) {
        if matches!(self.result.value, desk_uikit::Loadable::Idle) {
            return;
        }
        let top = ui.cursor().top();
        if desk_uikit::loadable_view(ui, &self.result.value, show) {
            self.result.again();
        }
        if let (Some(run), Some(_)) = (self.newest.id(), self.result.value.value()) {
            let drawn = egui::Rect::from_x_y_ranges(ui.max_rect().x_range(), top..=ui.cursor().top());
            self.newest.bring(ui, &run, drawn);
        }
        ui.add_space(8.0);
    }
}

/// What a picture of a result says it is of.
fn source(basis: &desk_app::global::Basis, at: &str) -> String {
    super::result::source(&basis.version, &basis.data, &basis.method, at, &basis.digest)
}

/// What a result rests on, in quiet lines below it, with the command that makes it again.
fn rests_on(ui: &mut Ui, cx: &Cx<'_>, basis: &desk_app::global::Basis, command: &Command, method: &str) {
    ui.horizontal_wrapped(|ui| {
        text::caption_wrapped(ui, format!("{method}. {}, {}, {}", basis.rows_from, basis.runtime, basis.device));
        cx.copy_command(ui, command);
    });
}
