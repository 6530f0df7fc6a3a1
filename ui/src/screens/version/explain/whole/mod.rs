//! Over the whole file: how much each feature matters to how good the model is, and how its answers change along one.

mod dependence;
mod importance;

use desk_app::Command;
use desk_app::command::{Dependence, Importance};
use desk_app::global::{CURVES, POINTS, REPEATS, ROWS};
use desk_app::query::{RunItem, VersionView};
use desk_core::VersionRef;
use desk_uikit::field::Field;
use desk_uikit::{Button, Icon, text};
use egui::Ui;

use super::Forms;
use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::jobs;
use crate::screens::version::newest::Newest;
use dependence::DependenceResult;
use importance::ImportanceResult;

const FIELD_WIDTH: f32 = 220.0;
/// Room for the button beside the field, and its command.
const BUTTON: f32 = 230.0;
/// Both steps stand in one line from this width on.
const ONE_LINE: f32 = 640.0;

/// What the section remembers.
#[derive(Default)]
pub struct Whole {
    importance: Shown<ImportanceResult>,
    dependence: Shown<DependenceResult>,
    /// The feature to look along; the one that matters most while nobody has chosen.
    feature: Option<String>,
    /// Index of the output that is shown.
    output: usize,
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
        let busy = |mine: &dyn Fn(&Command) -> bool| cx.jobs.running().any(|job| mine(&job.command));
        let (measuring, drawing) = (busy(&measures), busy(&draws));
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            text::section(ui, "Over the whole file");
            text::caption(ui, "what each feature is worth to the score, and how the answers change along one");
        });
        ui.add_space(4.0);
        self.steps(ui, cx, view, forms, (version, measuring, drawing));
        ui.add_space(8.0);
        let (importance, dependence) = (&mut self.importance, &mut self.dependence);
        let run = importance.follow(ui, cx, view, ("importance", settled), measures, measuring);
        importance.read(cx, run, ImportanceResult::new);
        let run = dependence.follow(ui, cx, view, ("dependence", settled), draws, drawing);
        dependence.read(cx, run, DependenceResult::new);
        importance.draw(ui, |ui, result| importance::show(ui, cx, result));
        let output = &mut self.output;
        dependence.draw(ui, |ui, result| dependence::show(ui, cx, result, output));
    }

    /// What can be asked, of the file and columns of the form above.
    fn steps(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        view: &VersionView,
        forms: &Forms,
        (version, measuring, drawing): (&VersionRef, bool, bool),
    ) {
        let seen = forms.data.seen(view);
        let (data, columns) = (forms.data.chosen(), forms.columns.columns(seen));
        let waits = forms.data.waits();
        let ready = || match (waits, data.clone()) {
            (Some(why), _) | (None, Err(why)) => Err(why),
            (None, Ok(data)) => Ok(data),
        };
        // Fields do not wrap by themselves: where there is no room the second step has a line of its own.
        let wide = ui.available_width() >= ONE_LINE;
        let importance = |ui: &mut Ui| {
            let measure = match ready() {
                _ if measuring => Err("An importance of this version is being measured"),
                Err(why) => Err(why),
                Ok(_) if !forms.columns.has_truth(seen) => {
                    Err("Choose the column with the truth under Options first: importance is what the score loses")
                }
                Ok(data) => Ok(Command::Importance(Importance {
                    version: version.clone(),
                    data,
                    columns: columns.clone(),
                    rows: ROWS,
                    repeats: REPEATS,
                    seed: 0,
                    score: None,
                })),
            };
            step(ui, cx, Button::secondary("Measure importance").icon(Icon::Run), measure);
        };
        let mut dependence = |ui: &mut Ui| {
            let features = forms.columns.inputs(seen);
            let chosen = self.chosen(&features);
            let index = chosen.and_then(|name| features.iter().position(|feature| *feature == name));
            let field =
                Field::new("Feature to look along").hide_label().width(FIELD_WIDTH.min(ui.available_width() - BUTTON));
            let picked = field.show_choice_index(ui, index, &features, "Feature to look along");
            let draw = match (ready(), chosen) {
                _ if drawing => Err("A dependence of this version is being drawn"),
                (Err(why), _) => Err(why),
                (Ok(_), None) => Err("Choose a feature first"),
                (Ok(data), Some(feature)) => Ok(Command::Dependence(Dependence {
                    version: version.clone(),
                    data,
                    columns: columns.clone(),
                    rows: ROWS,
                    feature: feature.to_owned(),
                    points: POINTS,
                    curves: CURVES,
                    with: None,
                    output: None,
                })),
            };
            step(ui, cx, Button::secondary("Draw dependence").icon(Icon::Run), draw);
            if let Some(name) = picked.and_then(|i| features.get(i)) {
                self.feature = Some((*name).to_owned());
            }
        };
        if wide {
            ui.horizontal(|ui| {
                importance(ui);
                ui.add_space(12.0);
                dependence(ui);
            });
        } else {
            ui.horizontal(importance);
            ui.horizontal(dependence);
        }
    }

    /// The chosen feature where the file has it, else the one that matters most, else the first.
    fn chosen<'f>(&self, features: &[&'f str]) -> Option<&'f str> {
        let find = |name: &str| features.iter().copied().find(|feature| *feature == name);
        let matters = || self.importance.result.value.value().and_then(|result| find(result.first()?));
        self.feature.as_deref().and_then(find).or_else(matters).or(features.first().copied())
    }
}

/// A step that is not the view's first one: its button, and the command line that does the same.
fn step(ui: &mut Ui, cx: &Cx<'_>, button: Button<'_>, command: Result<Command, &str>) {
    let pressed = ui.add(button.disabled_if(command.as_ref().err().copied())).clicked();
    match command {
        Ok(command) => {
            cx.copy_command(ui, &command);
            if pressed {
                cx.run(command);
            }
        }
        Err(why) => {
            ui.add(Button::icon_only(Icon::Terminal, crate::cx::COPY_COMMAND).disabled_because(why));
        }
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
        if desk_uikit::loadable_view(ui, &self.result.value, show) {
            self.result.again();
        }
        ui.add_space(8.0);
    }
}

/// What a result rests on, in quiet lines below it, with the command that makes it again.
fn rests_on(ui: &mut Ui, cx: &Cx<'_>, basis: &desk_app::global::Basis, command: &Command, method: &str) {
    ui.horizontal_wrapped(|ui| {
        text::caption_wrapped(ui, format!("{method}. {}, {}, {}", basis.rows_from, basis.runtime, basis.device));
        cx.copy_command(ui, command);
    });
}
