//! One version: its heading and tabs, and what it is in the inspector.

mod arrival;
mod data;
mod deploy;
mod explain;
mod graph;
mod newest;
mod overview;
mod test;
pub mod warnings;

use std::collections::HashMap;

use desk_app::query::{DeploymentItem, VersionView};
use desk_core::state::DeploymentState;
use desk_core::{ModelName, VersionRef};
use desk_uikit::loadable::{loadable_aside, loadable_view};
use desk_uikit::{Badge, Button, Icon, Loadable, Tabs, Tokens, Tone, fonts, format, kv, text};
use egui::{Align, Layout, RichText, Ui};

use crate::ages::ago;
use crate::background::{Slot, Topic};
use crate::columns::ColumnsForm;
use crate::command::UiCommand;
use crate::cx::Cx;
use crate::dialogs::Dialog;
use crate::fault::run_summary;
use crate::route::{Route, VersionTab};

pub use deploy::{WayBack, at_right, place, roll_back_buttons, rollout_there, trust};
pub use explain::beside::{Beside, Which};
pub use explain::method_name;
pub use test::file_name;

/// Room that a button with a word needs, with the arrows after it.
const COMPARE_WIDTH: f32 = 220.0;

/// What the screen remembers.
#[derive(Default)]
pub struct Version {
    view: Slot<(ModelName, u32), VersionView>,
    /// Files and parameters, kept for each model so that its versions share them.
    forms: HashMap<ModelName, Forms>,
    test: test::Test,
    explain: explain::Explain,
    deploy: deploy::Deploy,
    graph: graph::Graph,
}

/// What was filled in for a model.
#[derive(Default)]
struct Forms {
    data: data::DataChoice,
    /// The same columns for tests and explanations.
    columns: ColumnsForm,
    test: test::Form,
    explain: explain::Form,
}

impl Forms {
    /// Draws the choice of the data; the first time with what was used before.
    fn data_field(&mut self, ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
        let Some(last) = self.data.show(ui, cx, view, self.columns.reading()) else { return };
        let columns = last.test.as_ref().map(|test| &test.columns);
        let explained = last.explain.as_ref().map(|explain| &explain.columns);
        if let Some(columns) = columns.or(explained).or(last.import.as_ref().map(|(_, columns)| columns)) {
            self.columns = ColumnsForm::of(columns);
        }
        if let Some(test) = &last.test {
            self.test.recall(test);
        }
        if let Some(explain) = &last.explain {
            self.explain.recall(explain);
        }
    }
}

impl Version {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, model: &ModelName, number: u32, tab: VersionTab) {
        let version = VersionRef::numbered(model.clone(), number);
        let asked = version.clone();
        self.view.ensure(cx.background, (model.clone(), number), Topic::Models, move |desk| desk.version(&asked));
        let view = self.view.value.value();
        let actions = |ui: &mut Ui| {
            // What cannot be read cannot be deployed.
            if !matches!(self.view.value, Loadable::Failed { previous: None, .. }) {
                header_actions(ui, cx, view, &version, tab);
            }
        };
        super::header(ui, |ui| heading(ui, cx, view, model, number), actions);
        let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(super::MARGIN, 0));
        frame.show(ui, |ui| {
            if let Some(tab) = Tabs::new(&VersionTab::ALL).show(ui, tab) {
                cx.go(cx.route.with_tab(tab));
            }
        });
        let Self { view, forms, test, explain, deploy, graph } = self;
        let forms = forms.entry(model.clone()).or_default();
        early(ui, cx, view.value.is_settled(), forms, tab);
        if tab == VersionTab::Graph {
            // It takes the height there is and scrolls by itself.
            super::inset(ui, |ui| graph.show(ui, cx, &version, view.value.value()));
            return;
        }
        let mut retry = false;
        let settled = !view.value.is_loading();
        crate::shell::scroll(ui, &format!("{tab:?}"), |ui| {
            super::inset(ui, |ui| {
                retry = loadable_view(ui, &view.value, |ui, view| match tab {
                    VersionTab::Overview | VersionTab::Graph => overview::show(ui, cx, view),
                    VersionTab::Test => test.show(ui, cx, view, forms, settled),
                    VersionTab::Explain => explain.show(ui, cx, view, forms, settled),
                    VersionTab::Deploy => deploy.show(ui, cx, view),
                });
            });
        });
        if retry {
            view.again();
        }
    }

    /// Draws the inspector.
    pub fn inspector(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if let Route::Version { tab: VersionTab::Graph, .. } | Route::Within { .. } = cx.route
            && let Some(version) = cx.route.version()
            && self.graph.inspector(ui, cx, &version)
        {
            return;
        }
        loadable_aside(ui, &self.view.value, |ui, view| about(ui, cx, view));
    }
}

/// The key of the next step that is pressed while the version is being read is kept for its form.
fn early(ui: &Ui, cx: &Cx<'_>, settled: bool, forms: &mut Forms, tab: VersionTab) {
    let intent = match tab {
        VersionTab::Test => &mut forms.test.intent,
        VersionTab::Explain => &mut forms.explain.intent,
        VersionTab::Overview | VersionTab::Graph | VersionTab::Deploy => return,
    };
    if settled {
        return;
    }
    intent.hold(ui);
    if cx.primary.take() {
        intent.keep(ui, "The version is being read");
    }
}

fn heading(ui: &mut Ui, cx: &Cx<'_>, view: Option<&VersionView>, model: &ModelName, number: u32) {
    let t = Tokens::of(ui);
    text::title(ui, model.to_string());
    ui.label(RichText::new(format!("v{number}")).font(fonts::medium(fonts::size::SECTION)).color(t.sub));
    let Some(view) = view else { return };
    for alias in &view.item.aliases {
        ui.add(Badge::new(Tone::Accent, alias).icon(Icon::Alias));
    }
    let silent = cx.lists.silent_on(model, Some(number));
    if !silent.is_empty() {
        let words = format!("Not answering on {}", silent.join(", "));
        ui.add(Badge::new(Tone::Err, &words).icon(Icon::Deploy));
    } else if !view.item.live_on.is_empty() {
        let live = match view.item.live_on.as_slice() {
            [one] => format!("Live on {one}"),
            more => format!("Live on {}", more.len()),
        };
        ui.add(Badge::new(Tone::Ok, &live).icon(Icon::Deploy));
    }
}

fn header_actions(ui: &mut Ui, cx: &Cx<'_>, view: Option<&VersionView>, version: &VersionRef, tab: VersionTab) {
    if tab != VersionTab::Deploy && ui.add(Button::secondary("Deploy").icon(Icon::Deploy)).clicked() {
        cx.go(cx.route.with_tab(VersionTab::Deploy));
    }
    let Some(view) = view else { return };
    let alias = Button::icon_only(Icon::Alias, "Move an alias to this version");
    if ui.add(alias.shortcut(UiCommand::Rename.shortcut_text(ui.ctx()))).clicked() || cx.rename.take() {
        let list = cx.lists.models.value.value();
        let model = list.and_then(|list| list.iter().find(|model| model.name == version.model));
        cx.open(Dialog::alias(version.clone(), model.map(|model| model.aliases.clone()).unwrap_or_default()));
    }
    // Earlier and later versions, one click away.
    let number = view.item.version;
    let at = view.lineage.iter().position(|n| *n == number);
    let newer = at.and_then(|i| view.lineage.get(i + 1)).copied();
    let older = at.and_then(|i| i.checked_sub(1)).and_then(|i| view.lineage.get(i)).copied();
    let room = ui.available_width() > COMPARE_WIDTH;
    let compare = if room { Button::secondary("Compare") } else { Button::icon_only(Icon::Differs, "Compare") };
    let compare = compare.icon(Icon::Differs).tooltip("Compare with another version");
    let compare = compare.disabled_if((view.lineage.len() < 2).then_some("There is no other version yet"));
    if ui.add(compare).clicked()
        && let Some(other) = older.or(newer)
    {
        let side = |number: u32| (version.model.clone(), number);
        cx.go(Route::Compare { first: side(other.min(number)), second: side(other.max(number)) });
    }
    let go = |ui: &mut Ui, icon, name: &str, to: Option<u32>, none: &str| {
        let button = Button::icon_only(icon, name).disabled_if(to.is_none().then_some(none));
        if ui.add(button).clicked()
            && let Some(number) = to
        {
            cx.go(Route::Version { model: version.model.clone(), number, tab });
        }
    };
    go(ui, Icon::Right, "Newer version", newer, "This is the newest version");
    go(ui, Icon::Left, "Older version", older, "This is the oldest version");
}

/// The version in the inspector.
fn about(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
    let d = &view.description;
    ui.scope(|ui| {
        // As high as other headings of the inspector, which have nothing at their right.
        ui.spacing_mut().interact_size.y = 0.0;
        ui.horizontal(|ui| {
            text::section(ui, format!("Version {}", view.item.version));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                text::caption(ui, ago(&view.item.created_at));
            });
        });
    });
    ui.add_space(6.0);
    kv::properties(ui, |kv| {
        if !view.item.aliases.is_empty() {
            kv.text("Aliases", &view.item.aliases.join(", "));
        }
        let opset = d.opsets.iter().find(|(domain, _)| domain.is_empty()).or(d.opsets.first());
        kv.text("Format", &opset.map_or("ONNX".to_owned(), |(_, n)| format!("ONNX opset {n}")));
        kv.text("Kind", d.family.words());
        kv.text("Size", &format::bytes(view.item.size_bytes));
        kv.text("Parameters", &format::count(d.parameter_count));
        if !d.producer.is_empty() {
            kv.text("Made by", &d.producer);
        }
        if !view.item.note.is_empty() {
            kv.text("Note", &view.item.note);
        }
        kv.copyable("Version digest", &view.item.digest.to_string());
        for file in &view.file_entries {
            kv.copyable("File SHA-256", &file.digest.hex());
        }
    });
    ui.add_space(14.0);
    text::section(ui, "Readiness");
    ui.add_space(4.0);
    ui.spacing_mut().item_spacing.y = 2.0;
    readiness(ui, cx, view);
}

/// What has been done with the version, and the next step where something has not.
fn readiness(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
    let tested = view.runs.iter().find(|run| run.kind == "predict");
    let explained = view.runs.iter().find(|run| run.kind == "explain");
    let silent = cx.lists.silent_on(&view.item.model, Some(view.item.version));
    let step = |ui: &mut Ui, done: Option<String>, todo: &str, tab: VersionTab| {
        let (icon, tone, text) = match &done {
            Some(text) if tab == VersionTab::Deploy && !silent.is_empty() => {
                (Tone::Err.icon(), Tone::Err, text.as_str())
            }
            Some(text) => (Icon::Ok, Tone::Ok, text.as_str()),
            None => (Icon::Pending, Tone::Neutral, todo),
        };
        let row = desk_uikit::Row::new(text).icon(icon).tone(tone);
        if ui.add(row).clicked() {
            cx.go(cx.route.with_tab(tab));
        }
    };
    step(ui, tested.map(|run| format!("Tested: {}", run_summary(run))), "Not tested yet", VersionTab::Test);
    step(ui, explained.map(|run| format!("Explained: {}", run_summary(run))), "Not explained yet", VersionTab::Explain);
    let live = &view.item.live_on;
    let deployed = match (live.is_empty(), silent.is_empty()) {
        (true, _) => None,
        (false, true) => Some(format!("Live on {}", live.join(", "))),
        (false, false) => Some(format!("Not answering on {}", silent.join(", "))),
    };
    let was_live = |item: &DeploymentItem| {
        let state = matches!(item.state, DeploymentState::Superseded | DeploymentState::Stopped);
        state && item.model == view.item.model && item.version == view.item.version
    };
    let before = cx.lists.deployments.value.value().into_iter().flatten().any(was_live);
    let not_live = if before { "Live before, not now" } else { "Not deployed" };
    step(ui, deployed, not_live, VersionTab::Deploy);
}
