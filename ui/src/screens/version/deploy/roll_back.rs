//! Where a target can go back to, or forward; the buttons that ask about it are the same everywhere.

use desk_app::Command;
use desk_app::command::Rollback;
use desk_app::query::DeploymentItem;
use desk_core::ModelName;
use desk_core::state::DeploymentState;
use desk_uikit::{Button, Icon};
use egui::Ui;

use crate::cx::Cx;
use crate::dialogs::Dialog;

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
    pub fn label(&self) -> (String, Icon) {
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

/// Why nothing can be changed on a target now: a rollout of this desk is under way there. One of another desk is
/// met by its lock there, and what a dead desk left is taken up by the next rollout.
pub fn rollout_there(cx: &Cx<'_>, target: &str) -> Option<String> {
    let all = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
    let under_way = cx.jobs.running().any(|job| changes_target(&job.command, all, target));
    under_way.then(|| format!("A rollout on {target} is under way"))
}

/// The command is a rollout on this target.
pub fn changes_target(command: &Command, all: &[DeploymentItem], target: &str) -> bool {
    let named = |deployment: &str| {
        let by_name = deployment.split_once('/').map_or(deployment, |(target, _)| target) == target;
        by_name || all.iter().any(|d| d.id == deployment && d.target == target)
    };
    match command {
        Command::Deploy(c) => c.to == target,
        Command::Rollback(c) => named(&c.deployment),
        Command::Undeploy(c) => named(&c.deployment),
        _ => false,
    }
}

/// Buttons for what is live of a model on a target: back to a former version, forward to one that a rollback left.
/// Each asks first; while a rollout is under way there, they say so.
pub fn buttons(ui: &mut Ui, cx: &Cx<'_>, model: &ModelName, target: &str) {
    let busy = rollout_there(cx, target);
    let all = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
    let ways = [WayBack::former(all, model, target), WayBack::ahead(all, model, target)];
    for way in ways.into_iter().flatten() {
        let (label, icon) = way.label();
        let label = format!("{label}…");
        let button = if way.forward { Button::ghost(&label) } else { Button::secondary(&label) };
        if ui.add(button.icon(icon).disabled_if(busy.as_deref())).clicked() {
            cx.open(Dialog::roll_back(way));
        }
    }
}

/// A button for the row that is chosen in the history.
pub fn button_for_row(ui: &mut Ui, cx: &Cx<'_>, of_model: &[&DeploymentItem], chosen: Option<&DeploymentItem>) {
    let way = chosen.map_or(Err("Choose a deployment in the table first"), |d| WayBack::to(of_model, d));
    let label = match &way {
        Ok(way) if way.forward => format!("Go forward to v{} on {}…", way.to, way.target),
        Ok(way) => format!("Roll {} back to v{}…", way.target, way.to),
        Err(_) => "Roll back…".to_owned(),
    };
    let icon = way.as_ref().map_or(Icon::Undo, |way| way.label().1);
    let busy = way.as_ref().ok().and_then(|way| rollout_there(cx, &way.target));
    let reason = way.as_ref().err().copied().or(busy.as_deref());
    let button = Button::secondary(&label).icon(icon).disabled_if(reason);
    if ui.add(button).clicked()
        && let Ok(way) = way
    {
        cx.open(Dialog::roll_back(way));
    }
}
