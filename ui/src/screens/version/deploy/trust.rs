//! A machine's host key that is not trusted: is it the right one? In the deploy tab and in the targets' dialog.

use desk_app::Command;
use desk_app::command::TargetTrust;
use desk_app::outcome::TargetView;
use desk_uikit::{Button, Card, Icon, code, text};
use egui::Ui;

/// The question as a heading.
pub fn question(target: &TargetView) -> String {
    if target.is_key_changed() {
        return format!("The host key of {} has changed", target.name);
    }
    format!("Is this the host key of {}?", target.name)
}

/// The command that trusts a key from now on.
pub fn command(target: &TargetView, key: &str) -> Command {
    Command::TargetTrust(TargetTrust { name: target.name.clone(), fingerprint: key.to_owned() })
}

/// The button that trusts it; a key in the place of a trusted one is not trusted by the way.
pub fn button(target: &TargetView) -> Button<'static> {
    let label = "Trust this key";
    let button = if target.is_key_changed() { Button::danger(label) } else { Button::primary(label) };
    button.icon(Icon::Fingerprint)
}

fn secondary() -> Button<'static> {
    Button::secondary("Trust this key").icon(Icon::Fingerprint)
}

/// The offered key, what it means, and how to compare it.
pub fn body(ui: &mut Ui, target: &TargetView, key: &str) {
    let body = match &target.trusted_key {
        Some(_) => format!(
            "{} answers with another key than the one that is trusted. Either it was set up anew, or another machine \
             answers in its place and may be reading what is sent",
            target.address
        ),
        None => format!("{} answers with this key for the first time", target.address),
    };
    text::body(ui, body);
    ui.add_space(4.0);
    if let Some(former) = &target.trusted_key {
        text::sub(ui, "Trusted until now");
        code::line(ui, "trusted fingerprint", former);
        ui.add_space(4.0);
        text::sub(ui, "Shown by the machine now");
    }
    code::line(ui, "fingerprint", key);
    ui.add_space(4.0);
    text::body(ui, "Compare it with what the machine says on its own console, or ask who runs it:");
    code::line(ui, "command to compare", "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf \"$key\"; done");
    ui.add_space(4.0);
    text::sub(ui, "When no line shows the same fingerprint, do not trust it");
}

/// All of it as a card; gives the command when the key is trusted.
pub fn panel(ui: &mut Ui, target: &TargetView, key: &str) -> Option<Command> {
    let mut trusted = None;
    Card::titled(&question(target)).show(ui, |ui| {
        body(ui, target, key);
        ui.add_space(6.0);
        // The tab's own primary action is to deploy.
        let trust = if target.is_key_changed() { button(target) } else { secondary() };
        if ui.add(trust).clicked() {
            trusted = Some(command(target, key));
        }
    });
    trusted
}
