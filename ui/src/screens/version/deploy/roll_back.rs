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
}

impl WayBack {
    /// To the version that was live before on this target, where there is one.
    pub fn former(all: &[DeploymentItem], model: &ModelName, target: &str) -> Option<Self> {
        let live = all.iter().find(|d| d.model == *model && d.target == target && d.state == DeploymentState::Live)?;
        let was = live.was.filter(|was| *was != live.version)?;
        Some(Self::new(live, was))
    }

    /// To the version of another deployment of the same model on the same target.
    pub fn to(of_model: &[&DeploymentItem], chosen: &DeploymentItem) -> Result<Self, &'static str> {
        let live = of_model.iter().find(|d| d.target == chosen.target && d.state == DeploymentState::Live);
        let live = live.ok_or("Nothing of this model is live on that target")?;
        match chosen.state {
            _ if live.version == chosen.version => Err("This version is live there now"),
            DeploymentState::Superseded => Ok(Self::new(live, chosen.version)),
            _ => Err("This deployment never served, so there is nothing to go back to"),
        }
    }

    fn new(live: &DeploymentItem, to: u32) -> Self {
        Self { live: live.id.clone(), target: live.target.clone(), model: live.model.clone(), from: live.version, to }
    }

    /// The command that goes there.
    pub fn command(&self) -> Command {
        Command::Rollback(Rollback { deployment: format!("{}/{}", self.target, self.model), to: Some(self.to) })
    }
}

/// The question that is open.
#[derive(Default)]
pub struct Asking(Option<WayBack>);

impl Asking {
    /// A button for the chosen target, when there is a former version.
    pub fn button(&mut self, ui: &mut Ui, all: &[DeploymentItem], view: &VersionView, target: &TargetView, busy: bool) {
        let Some(way) = WayBack::former(all, &view.item.model, &target.name) else { return };
        let label = format!("Roll back to v{}…", way.to);
        let reason = busy.then_some("A rollout on this target is under way");
        let button = Button::secondary(&label).icon(Icon::Undo).disabled_if(reason);
        if ui.add(button).clicked() {
            self.0 = Some(way);
        }
    }

    /// A button for the row that is chosen in the history.
    pub fn button_for_row(&mut self, ui: &mut Ui, of_model: &[&DeploymentItem], chosen: Option<&DeploymentItem>) {
        let way = chosen.map_or(Err("Choose a deployment in the table first"), |d| WayBack::to(of_model, d));
        let label = way
            .as_ref()
            .map_or_else(|_| "Roll back…".to_owned(), |way| format!("Roll {} back to v{}…", way.target, way.to));
        let button = Button::secondary(&label).icon(Icon::Undo).disabled_if(way.as_ref().err().copied());
        if ui.add(button).clicked() {
            self.0 = way.ok();
        }
    }

    /// Shows the question until it is answered.
    pub fn show(&mut self, ctx: &Context, cx: &Cx<'_>) {
        let Some(way) = &self.0 else { return };
        let command = way.command();
        let mut done = false;
        let title = format!("Roll back {} to v{}?", way.model, way.to);
        let output = Dialog::new("roll-back", &title).width(460.0).show(
            ctx,
            |ui| body(ui, way),
            |ui, ()| {
                let label = format!("Roll back to v{}", way.to);
                let next = Ok::<_, &str>(command);
                done = crate::dialogs::footer(ui, cx, Button::primary(&label).icon(Icon::Undo), next, "Cancel");
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
    text::sub(ui, format!("When the proof fails, v{} keeps serving. You can go forward to it again later", way.from));
}

/// Goes back to what was live before, where there is something to go back to.
pub fn roll_back_button(ui: &mut Ui, cx: &Cx<'_>, model: &ModelName, target: &str) {
    let all = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
    let Some(way) = WayBack::former(all, model, target) else { return };
    let command = way.command();
    let label = format!("Roll back to v{}", way.to);
    let button = Button::secondary(&label).icon(Icon::Undo).tooltip("In one action, with the same proof");
    if ui.add(button).clicked() {
        cx.run(command.clone());
    }
    cx.copy_command(ui, &command);
}
