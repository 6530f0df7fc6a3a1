//! First contact with a machine: is this its host key?

use desk_app::Command;
use desk_app::command::TargetTrust;
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, Icon, code, text};

use crate::cx::Cx;

/// The state of the dialog.
pub struct TrustDialog {
    target: String,
    address: String,
    fingerprint: String,
}

impl TrustDialog {
    /// Asks about a key that a target offered.
    pub fn new(target: &str, address: &str, fingerprint: &str) -> Self {
        Self { target: target.to_owned(), address: address.to_owned(), fingerprint: fingerprint.to_owned() }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        let mut done = false;
        let command =
            Command::TargetTrust(TargetTrust { name: self.target.clone(), fingerprint: self.fingerprint.clone() });
        let title = format!("Is this the host key of {}?", self.target);
        let output = Frame::new("trust", &title).width(500.0).show_with(
            ctx,
            self,
            |ui, this| {
                let body = format!("{} answers with this key for the first time:", this.address);
                text::body(ui, body);
                ui.add_space(4.0);
                code::line(ui, "fingerprint", &this.fingerprint);
                ui.add_space(4.0);
                text::body(ui, "Compare it with what the machine itself says, on its own console:");
                code::line(ui, "command to compare", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
                ui.add_space(4.0);
                text::sub(ui, "When they differ, somebody else may be answering: do not trust it");
            },
            |ui, _, ()| {
                let next = Ok::<_, &str>(command);
                done =
                    super::footer(ui, cx, Button::primary("Trust this key").icon(Icon::Fingerprint), next, "Not now");
            },
        );
        done || output.closed
    }
}
