//! What speaks against a deployment is shown, and done only when somebody says so.

use desk_app::Command;
use desk_app::command::{Deploy as Request, Permissions};
use desk_app::query::VersionView;
use desk_core::{SignatureChange, VersionRef};
use desk_uikit::modal::Dialog;
use desk_uikit::{Badge, Button, Icon, Tone, text};
use egui::{Context, Ui};

use crate::cx::Cx;
use crate::fault::{sentence, words};

/// A deployment and what speaks against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// As it is run once it is confirmed.
    pub request: Request,
    /// The version's number.
    pub number: u32,
    /// In what clients of the version that is live there would fail.
    pub changes: Vec<SignatureChange>,
    /// What another desk made live there: who, what and when.
    pub replaces: Option<String>,
    /// Why nothing would be proven.
    pub unprovable: Option<String>,
}

impl Plan {
    /// Of a version to a target, as far as this desk knows what is live there.
    pub fn of(view: &VersionView, target: &str) -> Self {
        let changes = view.breaks.get(target).cloned().unwrap_or_default();
        let replaces = view.replaces.get(target).cloned();
        let version = VersionRef::numbered(view.item.model.clone(), view.item.version);
        let request = Request {
            permissions: Permissions {
                allow_signature_change: !changes.is_empty(),
                allow_unproven: view.unprovable.is_some(),
                replace_other: replaces.is_some(),
            },
            ..Request::new(version, target)
        };
        Self { request, number: view.item.version, changes, replaces, unprovable: view.unprovable.clone() }
    }

    /// Nothing speaks against it.
    pub fn is_clear(&self) -> bool {
        self.changes.is_empty() && self.unprovable.is_none() && self.replaces.is_none()
    }

    /// The command that does it, with what was confirmed.
    pub fn command(&self) -> Command {
        Command::Deploy(self.request.clone())
    }
}

/// The question that is open.
#[derive(Default)]
pub struct Confirm(Option<Plan>);

impl Confirm {
    /// Starts a deployment, or asks first.
    pub fn start(&mut self, cx: &Cx<'_>, plan: Plan) {
        if plan.is_clear() {
            cx.run(plan.command());
        } else {
            self.0 = Some(plan);
        }
    }

    /// The view's next step: at once where nothing speaks against it, else through the question.
    pub fn button(&mut self, ui: &mut Ui, cx: &Cx<'_>, plan: Plan, again: bool, refusal: Option<&str>) {
        let again = if again { " again" } else { "" };
        let label = format!("Deploy v{}{again} to {}", plan.number, plan.request.to);
        if plan.is_clear() || refusal.is_some() {
            cx.primary(ui, Icon::Deploy, &label, refusal.map_or_else(|| Ok(plan.command()), Err));
            return;
        }
        let pressed = ui.add(Button::primary(&format!("{label}…")).icon(Icon::Deploy)).clicked();
        cx.copy_command(ui, &plan.command());
        if pressed || cx.primary.take() {
            self.0 = Some(plan);
        }
    }

    /// Shows the question until it is answered.
    pub fn show(&mut self, ctx: &Context, cx: &Cx<'_>) {
        let Some(plan) = &self.0 else { return };
        let command = plan.command();
        let mut done = false;
        let title = format!("Deploy {} to {} all the same?", plan.request.version, plan.request.to);
        let output = Dialog::new("confirm-deploy", &title).width(520.0).show(
            ctx,
            |ui| body(ui, plan),
            |ui, ()| {
                if ui.add(Button::danger("Deploy all the same").icon(Icon::Deploy)).clicked() {
                    cx.run(command.clone());
                    done = true;
                }
                cx.copy_command(ui, &command);
                if ui.add(Button::secondary("Cancel")).clicked() {
                    done = true;
                }
            },
        );
        if done || output.closed {
            self.0 = None;
        }
    }
}

/// What would be replaced, what would break, and what would not be proven.
pub fn body(ui: &mut Ui, plan: &Plan) {
    if let Some(what) = &plan.replaces {
        text::body(ui, "What serves there is not this desk's as far as is known, and would be replaced");
        ui.add(Badge::new(Tone::Warn, &said(what)).plain());
        ui.add_space(4.0);
    }
    if !plan.changes.is_empty() {
        text::body(ui, "Clients of the version that is live there could not use this one");
        for change in &plan.changes {
            ui.add(Badge::new(Tone::Warn, &said(&change.to_string())).plain());
        }
        ui.add_space(4.0);
    }
    if let Some(why) = &plan.unprovable {
        text::body(ui, "Nothing can be proven at the far side");
        ui.add(Badge::new(Tone::Warn, &said(why)).plain());
    }
}

fn said(text: &str) -> String {
    words(&sentence(text))
}
