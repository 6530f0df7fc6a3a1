//! Asking before a target or a credential is removed.

use desk_app::Command;
use desk_app::command::{CredentialName, TargetName};
use desk_uikit::modal::{Answer, Confirm};

use crate::cx::Cx;

/// The state of the dialog.
pub struct RemoveDialog {
    confirm: Confirm,
    command: Command,
}

impl RemoveDialog {
    /// Forgets a target.
    pub fn target(name: &str) -> Self {
        let confirm = Confirm {
            title: format!("Remove target {name}?"),
            body: "What runs there keeps running; Modeldesk forgets how to reach it. Its history is kept".into(),
            yes: "Remove target".into(),
            ..Confirm::default()
        };
        Self { confirm, command: Command::TargetRemove(TargetName { name: name.to_owned() }) }
    }

    /// Erases a secret, which cannot be undone.
    pub fn credential(name: &str) -> Self {
        let confirm = Confirm {
            title: format!("Remove credential {name}?"),
            body: "Its secret is erased from where it is kept and cannot be brought back".into(),
            yes: "Remove credential".into(),
            type_to_confirm: Some(name.to_owned()),
            ..Confirm::default()
        };
        Self { confirm, command: Command::CredentialRemove(CredentialName { name: name.to_owned() }) }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        match self.confirm.show(ctx) {
            Some(Answer::Yes) => {
                cx.run(self.command.clone());
                true
            }
            Some(Answer::No) => true,
            None => false,
        }
    }
}
