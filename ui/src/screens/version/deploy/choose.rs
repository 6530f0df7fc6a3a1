//! Where to deploy: the choice, the target's state, and why it cannot be deployed there.

use desk_app::Command;
use desk_app::command::TargetAdd;
use desk_app::outcome::TargetView;
use desk_app::query::{DeploymentItem, VersionView};
use desk_core::state::DeploymentState;
use desk_uikit::empty::EmptyAction;
use desk_uikit::field::Field;
use desk_uikit::{Badge, Card, EmptyState, Icon, Tone, kv, text};
use egui::Ui;

use crate::ages::ago;
use crate::screens::targets::look;

/// What somebody without a target chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTarget {
    /// This computer shall be the target.
    ThisComputer,
    /// A machine by SSH.
    Another,
}

/// The empty state.
pub fn no_target(ui: &mut Ui) -> Option<NoTarget> {
    let chosen = EmptyState::new(Icon::Target, "No target yet")
        .body("A target is a machine that serves models: another one by SSH, or this computer to try it out")
        .primary(Icon::LocalTarget, "Use this computer")
        .secondary("Add an SSH machine…")
        .show(ui)?;
    Some(match chosen {
        EmptyAction::Primary => NoTarget::ThisComputer,
        EmptyAction::Secondary => NoTarget::Another,
    })
}

/// The command that makes this computer a target.
pub fn add_this_computer() -> Command {
    let (name, kind) = ("here".to_owned(), "local".to_owned());
    Command::TargetAdd(TargetAdd { name, kind, set: Vec::new(), credential: None, replace: false })
}

/// The target that is chosen at first: one where the model is live, else the first that takes it.
pub fn first_choice(targets: &[TargetView], view: &VersionView) -> Option<String> {
    let model = view.item.model.as_str();
    let serves = |target: &&TargetView| target.live.iter().any(|(name, _)| name == model);
    let free = |target: &&TargetView| target.live.is_empty();
    let found = targets.iter().find(serves).or_else(|| targets.iter().find(free)).or(targets.first());
    found.map(|target| target.name.clone())
}

/// The choice; gives the name when another target was chosen.
pub fn field(ui: &mut Ui, targets: &[TargetView], chosen: &TargetView) -> Option<String> {
    let labels: Vec<String> = targets.iter().map(|t| format!("{} · {}", t.name, t.address)).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let current = targets.iter().position(|target| target.name == chosen.name);
    let field = Field::new("Target").width((ui.available_width() - 280.0).clamp(180.0, 340.0));
    let index = field.show_choice_index(ui, current, &labels, "Choose a target")?;
    targets.get(index).map(|target| target.name.clone())
}

/// What is known of the target, in a line: reachable or not, and what is live there.
pub fn state(ui: &mut Ui, view: &VersionView, target: &TargetView, newest: Option<&DeploymentItem>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        let worked = worked_since(target, newest);
        let checked = worked.or(target.checked_at.as_deref()).map(ago);
        let (tone, text) = match (worked.map(|_| true).or(target.reachable), checked) {
            (Some(true), Some(when)) => (Tone::Ok, format!("Reached {when}")),
            (Some(false), Some(when)) => (Tone::Err, format!("Not reached {when}")),
            (Some(true), None) => (Tone::Ok, "Reached".to_owned()),
            (Some(false), None) => (Tone::Err, "Not reached".to_owned()),
            (None, _) => (Tone::Neutral, "Not checked yet".to_owned()),
        };
        ui.add(Badge::new(tone, &text).plain());
        let (tone, text) = live_line(view, target);
        ui.add(Badge::new(tone, &text).icon(Icon::Deploy).plain());
    });
}

fn live_line(view: &VersionView, target: &TargetView) -> (Tone, String) {
    let model = view.item.model.as_str();
    let live = target.live.iter().find(|(name, _)| name == model).map(|(_, number)| *number);
    match (live, target.live.first()) {
        (Some(number), _) if target.not_answering_since.is_some() => {
            (Tone::Err, format!("v{number} should be live there, and does not answer"))
        }
        (Some(number), _) if number == view.item.version => (Tone::Ok, format!("v{number} is live there now")),
        (Some(number), _) => (Tone::Accent, format!("v{number} is live there now; you can roll back to it later")),
        (None, Some((other, number))) => (Tone::Warn, format!("Serves {other} v{number}")),
        (None, None) => (Tone::Neutral, "Nothing is live there".to_owned()),
    }
}

/// This very version was made live there.
pub fn is_live(view: &VersionView, target: &TargetView) -> bool {
    target.live.iter().any(|(name, number)| name == view.item.model.as_str() && *number == view.item.version)
}

/// Why this version cannot be deployed to this target now.
pub fn refusal(view: &VersionView, target: &TargetView, busy: bool) -> Option<&'static str> {
    let model = view.item.model.as_str();
    if busy {
        Some("A rollout on this target is under way")
    } else if view.golden.is_none() {
        Some("This version has no golden rows, so nothing could be proven; import it again with data")
    } else if target.is_key_changed() {
        Some("The machine's host key has changed; compare it first")
    } else if target.offered_key.is_some() {
        Some("Compare and trust the machine's host key first")
    } else if target.live.iter().any(|(name, _)| name != model) {
        Some("This target serves another model; add a target with another folder and port")
    } else if is_live(view, target) && target.not_answering_since.is_none() {
        Some("This version is live there already")
    } else {
        None
    }
}

/// When a deployment went there after the last check: what that found is no longer so.
fn worked_since<'d>(target: &TargetView, newest: Option<&'d DeploymentItem>) -> Option<&'d str> {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let newest = newest.filter(|newest| newest.state == DeploymentState::Live)?;
    let after = time(&newest.at)? > time(target.checked_at.as_deref()?)?;
    after.then_some(newest.at.as_str())
}

/// What the last check found, when something does not work.
pub fn checks(ui: &mut Ui, target: &TargetView, newest: Option<&DeploymentItem>) {
    if target.checks.iter().all(|check| check.ok) || worked_since(target, newest).is_some() {
        return;
    }
    ui.add_space(8.0);
    Card::titled("What the check found").caption(&target.address).show(ui, |ui| {
        kv::properties(ui, |kv| {
            for check in &target.checks {
                let (icon, tone, _) = look(check);
                kv.row(&check.name, |ui| {
                    ui.add(Badge::new(tone, &check.detail).icon(icon).plain());
                    if let Some(hint) = &check.hint {
                        text::sub(ui, hint);
                    }
                });
            }
        });
    });
}
