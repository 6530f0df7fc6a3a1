//! Deployments: all of them, one with its steps, and going back.

use desk_app::Command;
use desk_app::command::{Deploy, Permissions, TargetName};
use desk_app::query::DeploymentItem;
use desk_core::VersionRef;
use desk_core::state::{DeploymentState, StepState};
use desk_uikit::loadable::loadable_view;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{
    Badge, Button, Card, EmptyState, Icon, Loadable, Tokens, Tone, error_view, fonts, format, kv, paint, text,
};
use egui::{RichText, Sense, Ui, vec2};

use super::answers::Answers;
use super::version::{at_right, place, roll_back_buttons, rollout_there};
use crate::ages::{self, ago};
use crate::cx::Cx;
use crate::dialogs::Dialog;
use crate::fault::{date_time, deployment_state, error_text, step_state};
use crate::route::Route;

#[cfg(test)]
mod tests;

/// What the screens remember.
#[derive(Default)]
pub struct Deployments {
    selected: Option<String>,
    answers: Answers,
}

impl Deployments {
    /// Draws the list.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        super::filled_page(
            ui,
            "Deployments",
            |_| {},
            |ui| {
                let slot = &cx.lists.deployments;
                if let Loadable::Ready(list) = &slot.value
                    && list.is_empty()
                {
                    let chosen = EmptyState::new(Icon::Deploy, "Nothing deployed yet")
                    .body("Open a version and choose Deploy: it is pushed, proven there with its golden rows, and only then switched to")
                    .primary(Icon::Models, "Go to models")
                    .show(ui);
                    if chosen.is_some() {
                        cx.go(Route::Models);
                    }
                    return;
                }
                let retry = loadable_view(ui, &slot.value, |ui, list| {
                    let all: Vec<&DeploymentItem> = list.iter().collect();
                    history(ui, cx, "deployments", &all, &mut self.selected);
                });
                if retry {
                    cx.background.refresh_all();
                }
            },
        );
    }

    /// Draws one deployment.
    pub fn show_one(&mut self, ui: &mut Ui, cx: &Cx<'_>, id: &str) {
        let list = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
        let Some(deployment) = list.iter().find(|d| d.id == id) else {
            let loading = cx.lists.deployments.value.is_loading();
            super::page(
                ui,
                "Deployment",
                |_| {},
                |ui| {
                    if loading {
                        desk_uikit::loadable::skeleton(ui, 5);
                    } else if EmptyState::new(Icon::Deploy, "There is no such deployment")
                        .primary(Icon::Deploy, "All deployments")
                        .show(ui)
                        .is_some()
                    {
                        cx.go(Route::Deployments);
                    }
                },
            );
            return;
        };
        let heading = format!("{} v{} on {}", deployment.model, deployment.version, deployment.target);
        let actions = |ui: &mut Ui| {
            if ui.add(Button::secondary("Open version").icon(Icon::Version)).clicked() {
                cx.go(place(deployment));
            }
            if deployment.state == DeploymentState::Live {
                roll_back_buttons(ui, cx, &deployment.model, &deployment.target);
                take_down_button(ui, cx, deployment, false);
            }
            again_button(ui, cx, deployment, false);
        };
        super::readable_page(ui, &heading, actions, |ui| {
            steps_card(ui, cx, deployment);
            ui.add_space(10.0);
            if deployment.state == DeploymentState::Live {
                self.answers.show(ui, cx, deployment);
            }
            Card::titled("Facts").show(ui, |ui| facts(ui, deployment));
        });
    }

    /// Draws the inspector.
    pub fn inspector(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let list = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
        let Some(deployment) = list.iter().find(|d| Some(&d.id) == self.selected.as_ref()) else {
            return super::nothing_selected(ui, "a deployment");
        };
        text::section(ui, format!("{} v{}", deployment.model, deployment.version));
        ui.add_space(6.0);
        facts(ui, deployment);
        ui.add_space(10.0);
        if deployment.unknown_since.is_some() {
            text::sub(ui, "The target could not be asked for that long; the rest is what was known before");
            if ui.add(Button::secondary("Check the target").icon(Icon::Retry).full_width()).clicked() {
                cx.run(Command::TargetCheck(TargetName { name: deployment.target.clone() }));
            }
        }
        again_button(ui, cx, deployment, true);
        if ui.add(Button::secondary("Steps and proof").icon(Icon::Proof).full_width()).clicked() {
            cx.go(Route::Deployment(deployment.id.clone()));
        }
        if deployment.state == DeploymentState::Live {
            if deployment.rollback_to.or(deployment.forward_to).is_some() {
                ui.horizontal_wrapped(|ui| {
                    roll_back_buttons(ui, cx, &deployment.model, &deployment.target);
                });
            }
            take_down_button(ui, cx, deployment, true);
        }
    }
}

/// The version as it was deployed, with the proof once more.
fn again(deployment: &DeploymentItem) -> Command {
    let version = VersionRef::numbered(deployment.model.clone(), deployment.version);
    let unproven = deployment.parity.as_ref().is_some_and(|parity| parity.ok && !parity.proven());
    let permissions = Permissions { allow_unproven: unproven, ..Permissions::default() };
    Command::Deploy(Deploy { permissions, ..Deploy::new(version, &deployment.target) })
}

/// Deploys what does not answer, or was taken down, once more; nothing where something serves in its place.
pub fn again_button(ui: &mut Ui, cx: &Cx<'_>, deployment: &DeploymentItem, wide: bool) {
    let all = cx.lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
    let serves = all.iter().any(|d| d.state == DeploymentState::Live && d.target == deployment.target);
    let silent = deployment.not_answering_since.is_some();
    if !silent && (serves || deployment.state != DeploymentState::Stopped) {
        return;
    }
    let busy = rollout_there(cx, &deployment.target);
    let button = if silent { Button::primary("Deploy again") } else { Button::secondary("Deploy again") };
    let button = button.icon(Icon::Deploy).disabled_if(busy.as_deref());
    let pressed = ui.add(if wide { button.full_width() } else { button }).clicked();
    if (pressed || (silent && !wide && cx.primary.take())) && busy.is_none() {
        cx.run(again(deployment));
    }
}

/// Asks, then stops the server of a live deployment; while a rollout is under way there, it says so.
pub fn take_down_button(ui: &mut Ui, cx: &Cx<'_>, live: &DeploymentItem, wide: bool) {
    let busy = rollout_there(cx, &live.target);
    let button = Button::secondary("Take down…").icon(Icon::Stop).disabled_if(busy.as_deref());
    let pressed = ui.add(if wide { button.full_width() } else { button }).clicked() || (wide && cx.remove.take());
    if pressed && busy.is_none() {
        cx.open(Dialog::take_down(live));
    }
}

/// A table of deployments; `selected` is the id of one of them.
pub fn history(ui: &mut Ui, cx: &Cx<'_>, id: &str, deployments: &[&DeploymentItem], selected: &mut Option<String>) {
    let columns = vec![
        Column::text("State").narrow(),
        Column::text("Target"),
        Column::text("Model").narrow(),
        Column::text("Version").narrow(),
        Column::text("What").narrow().lesser(2),
        Column::number("Took").lesser(3),
        Column::text("Proof").narrow().lesser(1),
        Column::text("When").narrow(),
    ];
    let row = |d: &&DeploymentItem| {
        let (tone, word) = shown_state(d);
        let proof = match &d.parity {
            Some(parity) if parity.proven() => Cell::status(Tone::Ok, format!("{} rows", parity.rows)),
            Some(parity) if parity.ok => Cell::status(Tone::Warn, "Not proven"),
            Some(_) => Cell::status(Tone::Err, "Differs"),
            None => Cell::missing(),
        };
        vec![
            Cell::status(tone, word),
            Cell::text(d.target.clone()).strong(),
            Cell::text(d.model.to_string()),
            Cell::sorted_by(f64::from(d.version), format!("v{}", d.version)),
            Cell::text(crate::fault::sentence(&d.action)),
            Cell::shown_as(d.seconds, format::duration(d.seconds)),
            proof,
            ages::cell(&d.at),
        ]
    };
    let mut table = MemTable::new(columns, deployments.iter().map(row).collect());
    let ids: Vec<String> = deployments.iter().map(|d| d.id.clone()).collect();
    let output = Table::list(id, "Deployments").show_keyed(ui, &mut table, &ids, selected);
    if let Some(deployment) = output.activated.and_then(|row| deployments.get(row)) {
        cx.go(Route::Deployment(deployment.id.clone()));
    }
}

/// A deployment's state, or since when nobody could ask the target what it serves.
pub fn shown_state(deployment: &DeploymentItem) -> (Tone, String) {
    if let Some(since) = &deployment.unknown_since {
        let age = ago(since);
        let text =
            age.strip_suffix(" ago").map_or_else(|| "Unknown now".to_owned(), |age| format!("Unknown for {age}"));
        return (Tone::Warn, text);
    }
    if deployment.not_answering_since.is_some() {
        return (Tone::Err, "Not answering".to_owned());
    }
    if let Some(word) = deployment.changed_nothing() {
        return (Tone::Err, crate::fault::sentence(word));
    }
    let (tone, word) = deployment_state(deployment.state);
    (tone, word.to_owned())
}

/// What a deployment that did not go live has left as it was.
pub fn still_holds(deployment: &DeploymentItem) -> String {
    let done = if deployment.changed_nothing().is_some() { "Nothing was changed" } else { "Every step was undone" };
    match deployment.was {
        Some(was) => format!("{done}; v{was} is still serving"),
        None => format!("{done}; nothing served there before, and nothing does now"),
    }
}

/// A deployment's steps as they stand, and its error when it failed.
pub fn steps_card(ui: &mut Ui, cx: &Cx<'_>, deployment: &DeploymentItem) {
    steps_alone(ui, deployment);
    if let Some(fault) = &deployment.fault {
        ui.add_space(10.0);
        let mut error = error_text(fault).titled("The deployment did not succeed");
        if deployment.state == DeploymentState::Undone && !error.message.contains("serving") {
            error.still_holds = Some(still_holds(deployment));
        }
        if error_view(ui, &error, Some("Open version")) {
            cx.go(place(deployment));
        }
    }
}

/// A deployment's steps as they stand.
pub fn steps_alone(ui: &mut Ui, deployment: &DeploymentItem) {
    let (tone, word) = shown_state(deployment);
    let title = format!("v{} on {}", deployment.version, deployment.target);
    let stopped = deployment.ended_at.as_ref().filter(|_| deployment.state == DeploymentState::Stopped);
    let stopped = stopped.map(|at| format!("; stopped {}", ago(at))).unwrap_or_default();
    let caption = format!("{}, {}{stopped}", crate::fault::sentence(&deployment.action), ago(&deployment.at));
    Card::titled(&title).caption(&caption).show_with_actions(
        ui,
        |ui| {
            ui.add(Badge::new(tone, &word));
            if let Some(url) = deployment.url.as_deref().filter(|_| deployment.state == DeploymentState::Live)
                && ui.add(Button::icon_only(Icon::Link, "Copy the address it answers at").tooltip(url)).clicked()
            {
                ui.ctx().copy_text(url.to_owned());
            }
        },
        |ui| {
            for step in &deployment.steps {
                step_line(ui, step);
            }
            if let Some(parity) = &deployment.parity {
                ui.add_space(4.0);
                let (tone, text) = if parity.ok && !parity.proven() {
                    (Tone::Warn, format!("Not proven: of {} golden rows only the form could be compared", parity.rows))
                } else if parity.ok {
                    let difference = if parity.max_abs_diff == 0.0 {
                        "exactly the same answers".to_owned()
                    } else {
                        format!("largest difference {:.1e}", parity.max_abs_diff)
                    };
                    (Tone::Ok, format!("Proven: {} golden rows, {difference}", parity.rows))
                } else {
                    let text = parity.first_difference.clone().unwrap_or_else(|| "The answers differ".into());
                    (Tone::Err, text)
                };
                ui.add(Badge::new(tone, &text).icon(Icon::Proof).plain());
            }
        },
    );
}

/// Room for how long a step took.
const TIME_WIDTH: f32 = 72.0;

fn step_line(ui: &mut Ui, step: &desk_app::outcome::StepView) {
    let t = Tokens::of(ui);
    let (tone, word) = step_state(step.state);
    let icon = match step.state {
        StepState::Pending => Icon::Pending,
        StepState::Running => Icon::Running,
        StepState::Done => Icon::Ok,
        StepState::Failed => Icon::Fail,
        StepState::Undone => Icon::Undo,
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 22.0;
        let (mark, response) = ui.allocate_exact_size(vec2(18.0, 20.0), Sense::hover());
        paint::icon(ui.painter(), mark.center(), icon, 14.0, tone.colors(t).0);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, word));
        let ink = if step.state == StepState::Pending { t.sub } else { t.text };
        ui.label(RichText::new(&step.name).font(fonts::medium(fonts::size::BODY)).color(ink));
        if let Some(detail) = &step.detail {
            let detail = RichText::new(crate::fault::words(&readable(detail)))
                .font(fonts::regular(fonts::size::SMALL))
                .color(t.sub);
            ui.scope(|ui| {
                // The time at the right end keeps its room.
                ui.set_max_width((ui.available_width() - TIME_WIDTH).max(0.0));
                ui.add(egui::Label::new(detail).truncate());
            });
        }
        at_right(ui, |ui| {
            if step.state != StepState::Pending {
                text::caption(ui, format::duration(step.seconds));
            }
        });
    });
}

/// `51264629 bytes sent` as `51.3 MB sent`, no difference as such; other details as they are.
fn readable(detail: &str) -> String {
    if let Some((rows, rest)) = detail.split_once(", largest difference 0.00e0") {
        return format!("{rows}, exactly the same answers{rest}");
    }
    let bytes = detail.strip_suffix(" bytes sent").and_then(|number| number.parse().ok());
    bytes.map_or_else(|| detail.to_owned(), |bytes| format!("{} sent", format::bytes(bytes)))
}

fn facts(ui: &mut Ui, d: &DeploymentItem) {
    kv::properties(ui, |kv| {
        let (tone, word) = shown_state(d);
        kv.status("State", tone, &word);
        kv.text("Target", &d.target);
        if d.revision > 0 {
            kv.text("Revision", &d.revision.to_string());
        }
        if let Some(was) = d.was {
            kv.text("Before", &format!("v{was}"));
        }
        kv.text("Began", &date_time(&d.at));
        kv.text("Took", &format::duration(d.seconds));
        if let Some(since) = &d.not_answering_since {
            kv.text("Since", &date_time(since));
        }
        if let Some(ended) = &d.ended_at {
            let label = if d.state == DeploymentState::Stopped { "Stopped" } else { "Replaced" };
            kv.text(label, &date_time(ended));
        }
        if let Some(url) = &d.url {
            kv.copyable("Address", url);
        }
        if let Some(far) = d.far.as_ref().filter(|_| d.url.is_some()) {
            kv.text("Where", &far.whose());
            kv.copyable("From here", &far.tunnel);
        }
        if let Some(parity) = &d.parity {
            kv.text(
                "Tolerance",
                &format!("{:.0e} + {:.0e} × |value|", parity.tolerance.absolute, parity.tolerance.relative),
            );
        }
        kv.copyable("Version digest", &d.digest.to_string());
        kv.copyable("Id", &d.id);
    });
}
