//! The Deploy tab: choose a target, see every step and its proof, and go back.

mod choose;
mod confirm;
mod plan;
mod roll_back;
#[cfg(test)]
mod tests;
pub mod trust;

use desk_app::Command;
use desk_app::command::{Deploy as Request, TargetName};
use desk_app::outcome::TargetView;
use desk_app::query::{DeploymentItem, VersionView};
use desk_core::state::{DeploymentState, StepState};
use desk_core::{ModelName, VersionRef};
use desk_uikit::loadable::loadable_view;
use desk_uikit::{Button, Card, Icon, error_view, text};
use egui::{Align, Layout, Ui};

use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::fault::{error_text, words};
use crate::jobs;
use crate::route::{Route, VersionTab};
use crate::screens::answers::Answers;
use crate::screens::deployments::{history, steps_alone, steps_card, still_holds, take_down_button};
use confirm::{Confirm, Plan};
use roll_back::changes_target;
pub use roll_back::{WayBack, buttons as roll_back_buttons, rollout_there};

/// What the tab remembers.
#[derive(Default)]
pub struct Deploy {
    /// The model for which the target was chosen.
    model: Option<ModelName>,
    target: Option<String>,
    dismissed: Option<String>,
    dismissed_check: Option<String>,
    selected: Option<String>,
    /// Targets there were when a new one was asked for here: the one that comes is meant.
    before: Option<Vec<String>>,
    confirm: Confirm,
    answers: Answers,
}

impl Deploy {
    /// Draws the tab.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
        let retry = loadable_view(ui, &cx.lists.targets.value, |ui, targets| {
            if targets.is_empty() {
                self.no_target(ui, cx);
            } else {
                self.targets(ui, cx, view, targets);
            }
        });
        if retry {
            cx.background.refresh_all();
        }
        self.confirm.show(ui.ctx(), cx);
    }

    fn no_target(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let adding = |command: &Command| matches!(command, Command::TargetAdd(_));
        jobs::above_results(ui, cx, &mut self.dismissed, adding);
        match choose::no_target(ui).or_else(|| cx.primary.take().then_some(choose::NoTarget::ThisComputer)) {
            Some(choose::NoTarget::ThisComputer) => cx.run(choose::add_this_computer()),
            Some(choose::NoTarget::Another) => cx.act(Action::Ui(UiCommand::NewTarget)),
            None => {}
        }
        ui.add_space(8.0);
        plan::show(ui);
    }

    fn targets(&mut self, ui: &mut Ui, cx: &Cx<'_>, view: &VersionView, targets: &[TargetView]) {
        let all = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
        let model = &view.item.model;
        let of_model: Vec<&DeploymentItem> = all.iter().filter(|d| d.model == *model).collect();
        let known = |name: &String| targets.iter().any(|target| target.name == *name);
        if self.model.as_ref() != Some(model) || !self.target.as_ref().is_some_and(known) {
            self.model = Some(model.clone());
            self.target = choose::first_choice(targets, view);
        }
        let is_new = |target: &&TargetView| self.before.as_ref().is_some_and(|before| !before.contains(&target.name));
        if let Some(target) = targets.iter().find(is_new) {
            (self.target, self.before) = (Some(target.name.clone()), None);
        }
        let Some(target) = targets.iter().find(|target| Some(&target.name) == self.target.as_ref()) else { return };
        let rollout = |command: &Command| changes_target(command, all, &target.name);
        let busy = rollout_there(cx, &target.name).is_some();
        let newest = of_model.iter().copied().find(|d| d.target == target.name);
        self.form(ui, cx, view, targets, target, busy);
        self.check_of(ui, cx, target, newest);
        ui.add_space(10.0);
        let live = of_model.iter().find(|d| d.target == target.name && d.state == DeploymentState::Live);
        if let Some(live) = live.filter(|_| !busy) {
            self.answers.show(ui, cx, live);
        }

        // A failure that has a deployment is told with its steps, below.
        let told = newest.is_some_and(|d| d.fault.is_some());
        let running = if told && !busy { false } else { jobs::above_results(ui, cx, &mut self.dismissed, rollout) };
        match newest {
            Some(newest) if !running || newest.state == DeploymentState::Running => {
                if rollout_of(ui, cx, newest, busy) {
                    self.try_again(cx, view, newest);
                }
                ui.add_space(10.0);
            }
            None if !running => {
                plan::show(ui);
                ui.add_space(10.0);
            }
            _ => {}
        }
        self.history(ui, cx, &of_model);
    }

    fn form(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        view: &VersionView,
        targets: &[TargetView],
        target: &TargetView,
        busy: bool,
    ) {
        let checking = |command: &Command| matches!(command, Command::TargetCheck(c) if c.name == target.name);
        let is_checking = cx.jobs.running().any(|job| checking(&job.command));
        Card::new().show(ui, |ui| {
            ui.horizontal_top(|ui| {
                if let Some(name) = choose::field(ui, targets, target) {
                    self.target = Some(name);
                }
                ui.vertical(|ui| {
                    // Level with the input, below the label's line.
                    ui.add_space(18.0);
                    ui.horizontal_wrapped(|ui| {
                        let reason = is_checking.then_some("The check is under way");
                        let check = Button::secondary("Check target").icon(Icon::Test).disabled_if(reason);
                        if ui.add(check).clicked() {
                            cx.run(Command::TargetCheck(TargetName { name: target.name.clone() }));
                        }
                        if ui.add(Button::ghost("New target…").icon(Icon::Add)).clicked() {
                            self.before = Some(targets.iter().map(|target| target.name.clone()).collect());
                            cx.act(Action::Ui(UiCommand::NewTarget));
                        }
                    });
                });
            });
            ui.add_space(2.0);
            let all = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
            let newest = all.iter().find(|d| d.target == target.name && d.model == view.item.model);
            choose::state(ui, view, target, newest);
            ui.add_space(6.0);
            ui.horizontal_wrapped(|ui| {
                let refusal = choose::refusal(view, target, busy);
                let again = choose::is_live(view, target) && target.not_answering_since.is_some();
                self.confirm.button(ui, cx, Plan::of(view, &target.name), again, refusal);
                roll_back_buttons(ui, cx, &view.item.model, &target.name);
                let live = all.iter().find(|d| {
                    d.state == DeploymentState::Live && d.target == target.name && d.model == view.item.model
                });
                if let Some(live) = live {
                    take_down_button(ui, cx, live, false);
                }
                if let Some(why) = refusal {
                    text::caption(ui, why);
                }
            });
        });
    }

    /// What the last check found: an unknown host key, what does not work, or that it failed.
    fn check_of(&mut self, ui: &mut Ui, cx: &Cx<'_>, target: &TargetView, newest: Option<&DeploymentItem>) {
        let mine = |command: &Command| match command {
            Command::TargetCheck(c) => c.name == target.name,
            Command::TargetTrust(c) => c.name == target.name,
            // What was deployed there since shows that it answers.
            Command::Deploy(c) => c.to == target.name,
            _ => false,
        };
        let job = jobs::newest(cx, mine).filter(|job| !matches!(job.command, Command::Deploy(_)));
        if let Some(job) = job.filter(|job| !job.state.is_final()) {
            ui.add_space(8.0);
            Card::new().show(ui, |ui| jobs::running(ui, cx, job));
        }
        if let Some(job) = job
            && let Some(fault) = job.fault.as_ref().filter(|fault| !fault.is_cancelled())
            && self.dismissed_check.as_ref() != Some(&job.id)
        {
            ui.add_space(8.0);
            let error = error_text(fault).titled(format!("{} failed", words(&job.title)));
            if error_view(ui, &error, Some("Dismiss")) {
                self.dismissed_check = Some(job.id.clone());
            }
        }
        if let Some(key) = &target.offered_key {
            ui.add_space(8.0);
            if let Some(command) = trust::panel(ui, target, key) {
                cx.run(command);
            }
        }
        choose::checks(ui, target, newest);
    }

    /// The same version to the same target; what is known to speak against it is asked only of the one that is shown.
    fn try_again(&mut self, cx: &Cx<'_>, view: &VersionView, deployment: &DeploymentItem) {
        if deployment.version == view.item.version {
            self.confirm.start(cx, Plan::of(view, &deployment.target));
        } else {
            let version = VersionRef::numbered(deployment.model.clone(), deployment.version);
            cx.run(Command::Deploy(Request::new(version, &deployment.target)));
        }
    }

    fn history(&mut self, ui: &mut Ui, cx: &Cx<'_>, of_model: &[&DeploymentItem]) {
        if of_model.is_empty() {
            return;
        }
        ui.horizontal(|ui| {
            text::section(ui, "History");
            text::caption(ui, "Enter or a double click opens a deployment");
            let chosen = of_model.iter().find(|d| Some(&d.id) == self.selected.as_ref()).copied();
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                roll_back::button_for_row(ui, cx, of_model, chosen);
            });
        });
        ui.add_space(4.0);
        history(ui, cx, "model-deployments", of_model, &mut self.selected);
    }
}

/// A deployment's steps; when it failed, first what that means and what to do. True when it shall be tried again.
fn rollout_of(ui: &mut Ui, cx: &Cx<'_>, deployment: &DeploymentItem, busy: bool) -> bool {
    let Some(fault) = &deployment.fault else {
        steps_card(ui, cx, deployment);
        return false;
    };
    let failed = deployment.steps.iter().find(|step| step.state == StepState::Failed);
    let what = if deployment.action == "rollback" { "Rolling back" } else { "Deploying" };
    let at = failed.map(|step| format!(" at step {}", step.name)).unwrap_or_default();
    let title = format!("{what} to v{} on {} failed{at}", deployment.version, deployment.target);
    let title = if deployment.action == "rollback" { title } else { title.replacen("to v", "v", 1) };
    let mut error = error_text(fault).titled(title);
    if deployment.state == DeploymentState::Failed {
        error.still_holds = Some("Undoing did not succeed either: look at the steps before you go on".to_owned());
    } else if !error.message.contains("serving") {
        error.still_holds = Some(still_holds(deployment));
    }
    let again = deployment.action == "deploy" && !busy;
    let again = error_view(ui, &error, again.then_some("Try again"));
    ui.add_space(10.0);
    steps_alone(ui, deployment);
    again
}

/// The place of a deployment's version on the deploy tab.
pub fn place(deployment: &DeploymentItem) -> Route {
    Route::Version { model: deployment.model.clone(), number: deployment.version, tab: VersionTab::Deploy }
}

/// Puts an action at the right end of a line.
pub fn at_right(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), add);
}
