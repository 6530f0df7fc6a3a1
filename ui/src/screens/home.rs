//! Home: the first steps on a fresh desk, and what was used last on an older one.

use std::collections::HashSet;

use desk_app::Command;
use desk_app::query::{DeploymentItem, RunItem};
use desk_core::state::DeploymentState;
use desk_uikit::{Button, Card, Icon, Row, Tokens, Tone, card, fonts, format, text};
use egui::{RichText, Ui};

use super::deployments::shown_state;
use crate::ages::ago;
use crate::background::{Slot, Topic};
use crate::command::UiCommand;
use crate::cx::{Action, Cx, Lists};
use crate::fault::run_summary;
use crate::jobs;
use crate::route::{Route, VersionTab};

/// What home remembers.
#[derive(Default)]
pub struct Home {
    runs: Slot<(), Vec<RunItem>>,
    dismissed: Option<String>,
}

impl Home {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.runs.ensure(cx.background, (), Topic::Models, |desk| desk.runs(None, 8));
        let models = cx.lists.models.value.value().map_or(0, Vec::len);
        let heading = if models == 0 { "Welcome to Modeldesk" } else { "Home" };
        super::page(
            ui,
            heading,
            |_| {},
            |ui| {
                if models == 0 {
                    text::sub(
                        ui,
                        "Take a trained model from a file to a proven deployment, and back. Everything stays on this computer and the targets you name",
                    );
                    ui.add_space(12.0);
                }
                jobs::above_results(ui, cx, &mut self.dismissed, |c| matches!(c, Command::Sample | Command::Import(_)));
                if models > 0 {
                    self.recent(ui, cx);
                    ui.add_space(8.0);
                }
                first_steps(ui, cx, models > 0);
            },
        );
    }

    fn recent(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let models = cx.lists.models.value.value().map(Vec::as_slice).unwrap_or_default();
        let runs = self.runs.value.value().map(Vec::as_slice).unwrap_or_default();
        let has_runs = !runs.is_empty();
        let visited = cx.recent.shown(cx.lists);
        let mut cards = vec![Part::Models];
        if !visited.is_empty() {
            cards.insert(0, Part::Visited);
        }
        let standing = standing(cx.lists);
        if !standing.is_empty() {
            cards.push(Part::Deployments);
        }
        if has_runs {
            cards.push(Part::Runs);
        }
        card::grid(ui, cards.len(), 300.0, |ui, i, width| match cards[i] {
            Part::Visited => {
                Card::titled("Visited last").width(width).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    for shown in visited.iter().take(6) {
                        let age = ago(&shown.at);
                        let row = Row::new(&shown.title).icon(shown.icon()).detail(&shown.detail).trailing(&age);
                        if ui.add(row).clicked() {
                            cx.go(shown.route.clone());
                        }
                    }
                });
            }
            Part::Models => {
                Card::titled("Models").width(width).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    let mut newest: Vec<_> = models.iter().collect();
                    newest.sort_by(|a, b| b.updated_at.cmp(&a.updated_at));
                    for model in newest.into_iter().take(6) {
                        let detail = format!("v{}, {}", model.latest, format::bytes(model.size_bytes));
                        let age = ago(&model.updated_at);
                        let name = model.name.to_string();
                        let row = Row::new(&name).icon(Icon::Model).detail(&detail).trailing(&age);
                        if ui.add(row).clicked() {
                            let tab = VersionTab::Overview;
                            cx.go(Route::Version { model: model.name.clone(), number: model.latest, tab });
                        }
                    }
                });
            }
            Part::Deployments => {
                Card::titled("Deployments").width(width).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    for deployment in standing.iter().take(6) {
                        deployed(ui, cx, deployment);
                    }
                });
            }
            Part::Runs => {
                Card::titled("Last runs").width(width).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    for run in runs.iter().take(6) {
                        let icon = if run.kind == "predict" { Icon::Test } else { Icon::Explain };
                        let title = run.version.replace('@', " v");
                        let age = ago(&run.at);
                        let summary = run_summary(run);
                        let row = Row::new(&title).icon(icon).detail(&summary).trailing(&age).tooltip(&summary);
                        if ui.add(row).clicked() {
                            open_run(cx, run);
                        }
                    }
                });
            }
        });
    }
}

/// A card of what was used last.
#[derive(Debug, Clone, Copy)]
enum Part {
    Visited,
    Models,
    Deployments,
    Runs,
}

/// What stands where: of each model on each target the newest deployment that is live, under way or came to a bad end;
/// what asks for somebody first.
fn standing(lists: &Lists) -> Vec<&DeploymentItem> {
    let mut seen = HashSet::new();
    let all = lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
    let newest = all.iter().filter(|d| seen.insert((&d.target, &d.model)) || d.state == DeploymentState::Live);
    let gone = [DeploymentState::Superseded, DeploymentState::Stopped, DeploymentState::Planned];
    let mut shown: Vec<_> = newest.filter(|d| !gone.contains(&d.state)).collect();
    shown.sort_by_key(|d| matches!(shown_state(d).0, Tone::Ok | Tone::Accent));
    shown
}

/// A line of what stands where.
fn deployed(ui: &mut Ui, cx: &Cx<'_>, deployment: &DeploymentItem) {
    let (tone, state) = shown_state(deployment);
    let proof = deployment.parity.as_ref().filter(|_| tone == Tone::Ok);
    let detail = match proof {
        Some(parity) if parity.proven() => format!("{state}, proven"),
        Some(_) => format!("{state}, not proven"),
        None => state,
    };
    let title = format!("{} v{} on {}", deployment.model, deployment.version, deployment.target);
    let age = ago(&deployment.at);
    let row = Row::new(&title).icon(tone.icon()).tone(tone).detail(&detail).trailing(&age);
    if ui.add(row).clicked() {
        cx.go(Route::Deployment(deployment.id.clone()));
    }
}

fn open_run(cx: &Cx<'_>, run: &RunItem) {
    let Some((model, number)) = run.version.split_once('@') else { return };
    if let (Ok(model), Ok(number)) = (model.parse(), number.parse()) {
        let tab = if run.kind == "predict" { VersionTab::Test } else { VersionTab::Explain };
        cx.go(Route::Version { model, number, tab });
    }
}

/// The samples' models that are not here, archived or not, with all their versions.
fn missing_samples(lists: &Lists) -> Vec<&'static str> {
    // Nothing is called missing before it is known what is here.
    if lists.models.value.value().is_none() || lists.archived.value.value().is_none() {
        return Vec::new();
    }
    let here = |name: &str, versions: u32| {
        let model = name.parse().ok().and_then(|name| lists.model(&name));
        model.is_some_and(|model| model.versions >= versions)
    };
    let samples = desk_app::Desk::sample_models().into_iter();
    samples.filter(|(name, versions)| !here(name, *versions)).map(|(name, _)| name).collect()
}

/// What the samples' card says: how many there are, or which of them are missing.
fn samples_text(missing: &[&str]) -> String {
    let all = desk_app::Desk::sample_models().len();
    let what = if missing.len() == all {
        format::plural(all as u64, "small model", "small models")
    } else {
        format!("The rest of the small models: {},", missing.join(" and "))
    };
    format!(
        "{what} with held-out data: score them, see why they answer as they do, deploy and roll back. Works offline"
    )
}

/// Ways to begin; the samples are none where they are here already.
fn first_steps(ui: &mut Ui, cx: &Cx<'_>, begun: bool) {
    let missing = missing_samples(cx.lists);
    let samples = samples_text(&missing);
    let import = (
        Icon::Import,
        "Import a model",
        "An ONNX file from scikit-learn, XGBoost, LightGBM, PyTorch or another tool. You can also drop it anywhere in this window",
        UiCommand::Import,
    );
    let samples = (Icon::Sample, "Try the samples", samples.as_str(), UiCommand::AddSamples);
    let target = (
        Icon::Target,
        "Connect a target",
        "Another machine by SSH, or this computer as a stand-in with the same steps and the same proof",
        UiCommand::NewTarget,
    );
    let tour = (
        Icon::Hint,
        if cx.tour.is_under_way() { "Go on with the tour" } else { "Take the tour" },
        "Seven short steps over the samples: test, explain, compare, deploy, roll back. Works offline; it can be left and taken up again",
        UiCommand::Tour,
    );
    let mut steps = if begun { vec![import, samples, target, tour] } else { vec![samples, import, tour] };
    // Until both lists are known they may be here: a card that goes away again would be worse than none.
    let unknown = cx.lists.models.value.value().is_none() || cx.lists.archived.value.value().is_none();
    if missing.is_empty() || (begun && unknown) {
        steps.retain(|(.., command)| *command != UiCommand::AddSamples);
    }
    if begun && cx.tour.is_finished() && !cx.tour.is_open() {
        steps.retain(|(.., command)| *command != UiCommand::Tour);
    }
    card::grid(ui, steps.len(), 200.0, |ui, i, width| {
        let (icon, title, body, command) = steps[i];
        let t = Tokens::of(ui);
        // In a narrow window the texts take more lines; the buttons stay in one line all the same.
        let text_height = if width < 240.0 { 180.0 } else { 130.0 };
        Card::new().width(width).min_height(text_height + 60.0).show(ui, |ui| {
            ui.label(icon.rich(22.0, t.accent));
            ui.add_space(2.0);
            ui.label(RichText::new(title).font(fonts::semibold(fonts::size::SECTION)).color(t.strong));
            text::sub(ui, body);
            ui.add_space((ui.max_rect().top() + text_height - ui.cursor().top()).max(4.0));
            let goes_on = command == UiCommand::Tour && cx.tour.is_under_way();
            let label = if goes_on { "Go on" } else { command.text() };
            // The one next step: on a fresh desk the samples, which need nothing; later an import.
            let next = if begun || missing.is_empty() { UiCommand::Import } else { UiCommand::AddSamples };
            let button = if command == next { Button::primary(label) } else { Button::secondary(label) };
            let button = button.tooltip(command.tooltip()).shortcut(command.shortcut_text(ui.ctx()));
            let open = (command == UiCommand::Tour && cx.tour.is_open()).then_some("It is open below");
            if ui.add(button.disabled_if(open)).clicked() {
                cx.act(Action::Ui(command));
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use desk_app::query::ModelItem;
    use desk_uikit::{Loadable, ThemeChoice};
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::fixtures::{deployment, model, stage};

    fn shown(models: Vec<ModelItem>, archived: Vec<ModelItem>) -> egui_kittest::Harness<'static> {
        let mut lists = Lists::default();
        lists.models.value = Loadable::Ready(models);
        lists.archived.value = Loadable::Ready(archived);
        let mut home = Home::default();
        let mut harness = stage([1060.0, 700.0], ThemeChoice::Dark, lists, move |ui, cx| home.show(ui, cx));
        harness.run_steps(3);
        harness
    }

    #[test]
    fn samples_that_are_here_are_not_offered() {
        let harness = shown(vec![model("tumour", 2), model("digits", 1)], vec![model("penguins", 1)]);
        assert!(harness.query_by_label("Try the samples").is_none(), "the archived one is here, too");
        assert!(harness.query_by_label("Connect a target").is_some());
        let harness = shown(vec![model("tumour", 1), model("digits", 1)], vec![]);
        harness.get_by_label_contains("The rest of the small models: tumour and penguins, with");
        let harness = shown(vec![model("mine", 1)], vec![]);
        harness.get_by_label_contains("3 small models with");
        let harness = shown(vec![], vec![]);
        harness.get_by_label("Try the samples");
    }

    #[test]
    fn what_ended_badly_stands_above_what_is_live() {
        let mut lists = Lists::default();
        let states = [DeploymentState::Undone, DeploymentState::Live, DeploymentState::Superseded];
        let mut elsewhere = deployment(4, DeploymentState::Stopped);
        elsewhere.target = "edge-02".into();
        let mut all: Vec<_> = states.into_iter().zip([3, 2, 1]).map(|(state, v)| deployment(v, state)).collect();
        all.push(elsewhere);
        lists.deployments.value = Loadable::Ready(all);
        assert_eq!(standing(&lists).iter().map(|d| d.version).collect::<Vec<_>>(), [3, 2]);
        lists.models.value = Loadable::Ready(vec![model("tumour", 3)]);
        let mut home = Home::default();
        let mut harness = stage([1060.0, 700.0], ThemeChoice::Light, lists, move |ui, cx| home.show(ui, cx));
        harness.run_steps(3);
        let top = |label: &str| harness.get_by_label_contains(label).rect().top();
        assert!(top("tumour v3 on edge-01") < top("tumour v2 on edge-01"));
    }
}
