//! Going back to a former version: from which to which is said before it happens.

use desk_app::Command;
use desk_app::command::Rollback;
use desk_app::outcome::TargetView;
use desk_app::query::{DeploymentItem, VersionView};
use desk_core::ModelName;
use desk_core::state::DeploymentState;
use desk_uikit::modal::Dialog;
use desk_uikit::{Button, Icon, text};
use egui::{Context, Ui};

use crate::cx::Cx;

/// One way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// Id of the live deployment.
    pub live: String,
    /// The target.
    pub target: String,
    /// The model.
    pub model: ModelName,
    /// The version that serves now.
    pub from: u32,
    /// The version that shall serve.
    pub to: u32,
    /// It leads to a newer version, which a rollback left.
    pub forward: bool,
}

impl WayBack {
    /// To where `rollback` leads on this target, where there is something to go back to.
    pub fn former(all: &[DeploymentItem], model: &ModelName, target: &str) -> Option<Self> {
        let live = live_on(all, model, target)?;
        Some(Self::new(live, live.rollback_to?))
    }

    /// To what the last rollbacks on this target left, where there is such a version.
    pub fn ahead(all: &[DeploymentItem], model: &ModelName, target: &str) -> Option<Self> {
        let live = live_on(all, model, target)?;
        Some(Self { forward: true, ..Self::new(live, live.forward_to?) })
    }

    /// To the version of another deployment of the same model on the same target.
    pub fn to(of_model: &[&DeploymentItem], chosen: &DeploymentItem) -> Result<Self, &'static str> {
        let live = of_model.iter().find(|d| d.target == chosen.target && d.state == DeploymentState::Live);
        let live = live.ok_or("Nothing of this model is live on that target")?;
        match chosen.state {
            _ if live.version == chosen.version => Err("This version is live there now"),
            DeploymentState::Superseded | DeploymentState::Stopped => Ok(Self::new(live, chosen.version)),
            _ => Err("This deployment never served, so there is nothing to go back to"),
        }
    }

    fn new(live: &DeploymentItem, to: u32) -> Self {
        let (id, target, model) = (live.id.clone(), live.target.clone(), live.model.clone());
        let forward = live.rollback_to != Some(to) && to > live.version;
        Self { live: id, target, model, from: live.version, to, forward }
    }

    /// What is done, as a button says it, with its icon.
    fn label(&self) -> (String, Icon) {
        if self.forward {
            (format!("Go forward to v{}", self.to), Icon::Forward)
        } else {
            (format!("Roll back to v{}", self.to), Icon::Undo)
        }
    }

    /// The command that goes there.
    pub fn command(&self) -> Command {
        Command::Rollback(Rollback { deployment: format!("{}/{}", self.target, self.model), to: Some(self.to) })
    }
}

fn live_on<'d>(all: &'d [DeploymentItem], model: &ModelName, target: &str) -> Option<&'d DeploymentItem> {
    all.iter().find(|d| d.model == *model && d.target == target && d.state == DeploymentState::Live)
}

/// The question that is open.
#[derive(Default)]
pub struct Asking(Option<WayBack>);

impl Asking {
    /// Buttons for the chosen target: back to a former version, forward to one that a rollback left.
    pub fn button(&mut self, ui: &mut Ui, all: &[DeploymentItem], view: &VersionView, target: &TargetView, busy: bool) {
        let model = &view.item.model;
        let ways = [WayBack::former(all, model, &target.name), WayBack::ahead(all, model, &target.name)];
        for way in ways.into_iter().flatten() {
            let (label, icon) = way.label();
            let label = format!("{label}…");
            let reason = busy.then_some("A rollout on this target is under way");
            let button = if way.forward { Button::ghost(&label) } else { Button::secondary(&label) };
            if ui.add(button.icon(icon).disabled_if(reason)).clicked() {
                self.0 = Some(way);
            }
        }
    }

    /// A button for the row that is chosen in the history.
    pub fn button_for_row(&mut self, ui: &mut Ui, of_model: &[&DeploymentItem], chosen: Option<&DeploymentItem>) {
        let way = chosen.map_or(Err("Choose a deployment in the table first"), |d| WayBack::to(of_model, d));
        let label = match &way {
            Ok(way) if way.forward => format!("Go forward to v{} on {}…", way.to, way.target),
            Ok(way) => format!("Roll {} back to v{}…", way.target, way.to),
            Err(_) => "Roll back…".to_owned(),
        };
        let icon = way.as_ref().map_or(Icon::Undo, |way| way.label().1);
        let button = Button::secondary(&label).icon(icon).disabled_if(way.as_ref().err().copied());
        if ui.add(button).clicked() {
            self.0 = way.ok();
        }
    }

    /// Shows the question until it is answered.
    pub fn show(&mut self, ctx: &Context, cx: &Cx<'_>) {
        let Some(way) = &self.0 else { return };
        let command = way.command();
        let mut done = false;
        let what = if way.forward { "Go forward with" } else { "Roll back" };
        let title = format!("{what} {} to v{}?", way.model, way.to);
        let output = Dialog::new("roll-back", &title).width(460.0).show(
            ctx,
            |ui| body(ui, way),
            |ui, ()| {
                let (label, icon) = way.label();
                let next = Ok::<_, &str>(command);
                done = crate::dialogs::footer(ui, cx, Button::primary(&label).icon(icon), next, "Cancel");
            },
        );
        if done || output.closed {
            self.0 = None;
        }
    }
}

/// What will happen and what is kept.
pub fn body(ui: &mut Ui, way: &WayBack) {
    text::body(
        ui,
        format!(
            "Target {} serves v{} now. v{} still lies there: it is started beside it, proven with the golden rows, and only then switched to",
            way.target, way.from, way.to
        ),
    );
    ui.add_space(4.0);
    let later = if way.forward { "roll back" } else { "go forward" };
    text::sub(ui, format!("When the proof fails, v{} keeps serving. You can {later} to it again later", way.from));
}

/// Goes back to what was live before, or forward to what that left, where there is something to go to.
pub fn roll_back_button(ui: &mut Ui, cx: &Cx<'_>, model: &ModelName, target: &str) {
    let all = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
    let way = WayBack::former(all, model, target).or_else(|| WayBack::ahead(all, model, target));
    let Some(way) = way else { return };
    let command = way.command();
    let (label, icon) = way.label();
    let button = if way.forward { Button::ghost(&label) } else { Button::secondary(&label) };
    if ui.add(button.icon(icon).tooltip("In one action, with the same proof")).clicked() {
        cx.run(command.clone());
    }
    cx.copy_command(ui, &command);
}
