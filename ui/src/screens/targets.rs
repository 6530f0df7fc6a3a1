//! Targets: where models are deployed to, and what works there.

use desk_app::Command;
use desk_app::command::TargetName;
use desk_app::outcome::{Check, Mark, TargetView};
use desk_uikit::empty::EmptyAction;
use desk_uikit::loadable::loadable_view;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Button, EmptyState, Icon, Loadable, Tokens, Tone, kv, text};
use egui::Ui;

use crate::ages::ago;
use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::dialogs::Dialog;

#[cfg(test)]
mod tests;

/// What the screen remembers.
#[derive(Default)]
pub struct Targets {
    selected: Option<String>,
    dismissed: Option<String>,
}

impl Targets {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let nothing = cx.lists.targets.value.value().is_some_and(Vec::is_empty);
        let actions = |ui: &mut Ui| {
            // The empty view has the button.
            if nothing {
                return;
            }
            let keys = UiCommand::NewTarget.shortcut_text(ui.ctx());
            if ui.add(Button::primary("New target…").icon(Icon::Add).shortcut(keys)).clicked() || cx.primary.take() {
                cx.act(Action::Ui(UiCommand::NewTarget));
            }
        };
        super::filled_page(ui, "Targets", actions, |ui| {
            let mine = |c: &Command| {
                matches!(
                    c,
                    Command::TargetAdd(_)
                        | Command::TargetCheck(_)
                        | Command::TargetTrust(_)
                        | Command::TargetRemove(_)
                )
            };
            crate::jobs::above_results(ui, cx, &mut self.dismissed, mine);
            let slot = &cx.lists.targets;
            if let Loadable::Ready(list) = &slot.value
                && list.is_empty()
            {
                return empty(ui, cx);
            }
            let retry = loadable_view(ui, &slot.value, |ui, list| self.list(ui, cx, list));
            if retry {
                cx.background.refresh_all();
            }
        });
    }

    fn list(&mut self, ui: &mut Ui, cx: &Cx<'_>, list: &[TargetView]) {
        let columns = vec![
            Column::text("Name"),
            Column::text("Address"),
            Column::text("State").narrow(),
            Column::text("Live").narrow(),
            Column::text("Credential").narrow().lesser(2),
            Column::text("Checked").narrow().lesser(1),
        ];
        let row = |target: &TargetView| {
            let (tone, word) = state(target);
            let live: Vec<String> = target.live.iter().map(|(model, n)| format!("{model} v{n}")).collect();
            let live = match &target.not_answering_since {
                _ if live.is_empty() => Cell::missing(),
                None => Cell::text(live.join(", ")),
                Some(_) => Cell::status(Tone::Err, format!("{}, not answering", live.join(", "))),
            };
            let icon = if target.kind == "local" { Icon::LocalTarget } else { Icon::Target };
            vec![
                Cell::text(target.name.clone()).strong().icon(icon),
                Cell::text(target.address.clone()),
                Cell::status(tone, word),
                live,
                target.credential.clone().map_or_else(Cell::missing, Cell::text),
                target.checked_at.as_ref().map_or_else(Cell::missing, |at| Cell::text(ago(at))),
            ]
        };
        let mut table = MemTable::new(columns, list.iter().map(row).collect());
        let names: Vec<String> = list.iter().map(|target| target.name.clone()).collect();
        let output = Table::list("targets", "Targets").show_keyed(ui, &mut table, &names, &mut self.selected);
        if let Some(target) = output.activated.and_then(|row| list.get(row)) {
            cx.open(Dialog::edit_target(target));
        }
        if let Some(target) = list.iter().find(|target| Some(&target.name) == self.selected.as_ref()) {
            if cx.rename.take() {
                cx.open(Dialog::edit_target(target));
            }
            if cx.remove.take() && target.live.is_empty() {
                cx.open(Dialog::remove_target(&target.name));
            }
        }
    }

    /// Draws the inspector.
    pub fn inspector(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let list = cx.lists.targets.value.value().map(Vec::as_slice).unwrap_or_default();
        match list.iter().find(|target| Some(&target.name) == self.selected.as_ref()) {
            Some(target) => about(ui, cx, target),
            None => super::nothing_selected(ui, "a target"),
        }
    }
}

fn kind(target: &TargetView) -> &'static str {
    if target.kind == "local" { "This computer" } else { "SSH" }
}

fn state(target: &TargetView) -> (Tone, &'static str) {
    match (target.offered_key.is_some(), target.reachable) {
        (true, _) if target.is_key_changed() => (Tone::Err, "Host key changed"),
        (true, _) => (Tone::Warn, "Key not trusted yet"),
        (false, Some(true)) if target.checks.iter().any(|check| !check.ok) => (Tone::Warn, "Look at the check"),
        (false, Some(true)) => (Tone::Ok, "Reachable"),
        (false, Some(false)) => (Tone::Err, "Not reachable"),
        (false, None) => (Tone::Neutral, "Not checked"),
    }
}

fn empty(ui: &mut Ui, cx: &Cx<'_>) {
    let chosen = EmptyState::new(Icon::Target, "No target yet")
        .body("A target is a machine that serves models: another one by SSH, or this computer as a stand-in")
        .primary(Icon::Add, "New target…")
        .secondary("Use this computer")
        .show(ui);
    match chosen.or_else(|| cx.primary.take().then_some(EmptyAction::Primary)) {
        Some(EmptyAction::Primary) => cx.act(Action::Ui(UiCommand::NewTarget)),
        Some(EmptyAction::Secondary) => cx.run(Command::TargetAdd(desk_app::command::TargetAdd {
            name: "this-computer".into(),
            kind: "local".into(),
            set: Vec::new(),
            credential: None,
            replace: false,
        })),
        None => {}
    }
}

fn about(ui: &mut Ui, cx: &Cx<'_>, target: &TargetView) {
    text::section(ui, &target.name);
    ui.add_space(6.0);
    kv::properties(ui, |kv| {
        let (tone, word) = state(target);
        kv.status("State", tone, word);
        kv.text("Kind", kind(target));
        for (key, value) in &target.config {
            let label = crate::fault::sentence(&key.replace('-', " "));
            if key == "folder" && !value.is_empty() {
                kv.copyable(&label, value);
            } else if !value.is_empty() {
                kv.text(&label, value);
            }
        }
        if target.kind == "ssh" {
            kv.text("Log in with", target.credential.as_deref().unwrap_or("SSH agent"));
        }
        if let Some(key) = &target.trusted_key {
            kv.copyable("Host key", key);
        }
        for (model, number) in &target.live {
            match &target.not_answering_since {
                None => kv.status("Live", Tone::Ok, &format!("{model} v{number}")),
                Some(_) => kv.status("Live", Tone::Err, &format!("{model} v{number}, not answering")),
            };
        }
    });
    ui.add_space(10.0);
    if let Some(key) = &target.offered_key {
        let label = if target.is_key_changed() { "Compare its new host key…" } else { "Compare its host key…" };
        let button = Button::primary(label).icon(Icon::Fingerprint).full_width();
        if ui.add(button).clicked() {
            cx.open(Dialog::trust(target, key));
        }
    }
    let check = Command::TargetCheck(TargetName { name: target.name.clone() });
    if ui.add(Button::secondary("Check").icon(Icon::Retry).full_width()).clicked() {
        cx.run(check.clone());
    }
    if ui.add(Button::secondary("Change…").icon(Icon::Edit).full_width()).clicked() {
        cx.open(Dialog::edit_target(target));
    }
    let reason = (!target.live.is_empty()).then_some("Something is live there");
    let remove = Button::secondary("Remove…").icon(Icon::Remove).full_width().disabled_if(reason);
    if ui.add(remove).clicked() {
        cx.open(Dialog::remove_target(&target.name));
    }
    ui.horizontal(|ui| {
        cx.copy_command(ui, &check);
        text::caption(ui, "Copy the check as a command");
    });
    if !target.checks.is_empty() {
        ui.add_space(10.0);
        text::section(ui, "Last check");
        ui.add_space(4.0);
        checks(ui, &target.checks);
    }
}

/// How a check turned out: icon, tone and word.
pub fn look(check: &Check) -> (Icon, Tone, &'static str) {
    match check.mark() {
        Mark::Good => (Icon::Ok, Tone::Ok, "Works"),
        Mark::Note => (Icon::Info, Tone::Accent, "To know"),
        Mark::Bad => (Icon::Fail, Tone::Err, "Does not work"),
    }
}

/// A list of checks, each with what was found and what to do.
pub fn checks(ui: &mut Ui, checks: &[Check]) {
    let t = Tokens::of(ui);
    for check in checks {
        let (icon, tone, word) = look(check);
        ui.horizontal_top(|ui| {
            let mark = ui.label(icon.rich(14.0, tone.colors(t).0).line_height(Some(18.0)));
            mark.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, word));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                text::strong(ui, crate::fault::sentence(&check.name));
                text::caption_wrapped(ui, crate::fault::words(&crate::fault::sentence(&check.detail)));
                if let Some(hint) = &check.hint {
                    text::body(ui, hint);
                }
            });
        });
        ui.add_space(4.0);
    }
}
