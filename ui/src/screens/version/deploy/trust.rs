//! First contact with a machine: is this its host key?

use desk_app::Command;
use desk_app::command::TargetTrust;
use desk_app::outcome::TargetView;
use desk_uikit::{Button, Card, Icon, code, text};
use egui::Ui;

/// The offered key and how to compare it; gives the command when the key is trusted.
pub fn panel(ui: &mut Ui, target: &TargetView, key: &str) -> Option<Command> {
    let title = format!("Is this the host key of {}?", target.name);
    let mut trusted = None;
    Card::titled(&title).show(ui, |ui| {
        let body = match &target.trusted_key {
            Some(_) => format!(
                "{} answers with another key than the one that is trusted. It was set up anew, or somebody else answers",
                target.address
            ),
            None => format!("{} answers with this key for the first time", target.address),
        };
        text::body(ui, body);
        ui.add_space(4.0);
        code::line(ui, "fingerprint", key);
        if let Some(former) = &target.trusted_key {
            text::sub(ui, format!("Trusted until now: {former}"));
        }
        ui.add_space(4.0);
        text::body(ui, "Compare it with what the machine says on its own console, or ask who runs it:");
        code::line(ui, "command to compare", "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf \"$key\"; done");
        ui.add_space(4.0);
        text::sub(ui, "When no line shows the same fingerprint, do not trust it");
        ui.add_space(6.0);
        if ui.add(Button::secondary("Trust this key").icon(Icon::Fingerprint)).clicked() {
            let (name, fingerprint) = (target.name.clone(), key.to_owned());
            trusted = Some(Command::TargetTrust(TargetTrust { name, fingerprint }));
        }
    });
    trusted
}
