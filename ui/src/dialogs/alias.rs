//! Pointing an alias such as `champion` at a version.

use desk_app::Command;
use desk_app::command::SetAlias;
use desk_core::{ModelName, VersionRef};
use desk_uikit::field::Field;
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, Icon, text};

use crate::cx::Cx;

/// The state of the dialog.
pub struct AliasDialog {
    version: VersionRef,
    taken: Vec<(String, u32)>,
    alias: String,
    focused: bool,
}

impl AliasDialog {
    /// Asks for an alias; `taken` says where the model's aliases point now.
    pub fn new(version: VersionRef, taken: Vec<(String, u32)>) -> Self {
        Self { version, taken, alias: "champion".into(), focused: false }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        let mut done = false;
        let alias = self.alias.trim().to_owned();
        let valid = alias.parse::<ModelName>().is_ok();
        let version = self.version.clone();
        let output = Frame::new("alias", "Move alias").width(420.0).show_with(
            ctx,
            self,
            |ui, this| {
                text::sub(
                    ui,
                    format!(
                        "An alias names a version; it can be moved and moved back. It will name {}",
                        crate::fault::words(&this.version.to_string())
                    ),
                );
                ui.add_space(6.0);
                let was = this.taken.iter().find(|(name, _)| *name == alias);
                let help = match was {
                    Some((_, number)) => format!("Names v{number} now"),
                    None => "A new alias of this model".to_owned(),
                };
                let error = (!valid).then_some("Use letters, digits, dots, underscores and hyphens");
                let input = Field::new("Alias").help(&help).error(error).show_text(ui, &mut this.alias, "champion");
                if !std::mem::replace(&mut this.focused, true) {
                    input.request_focus();
                }
            },
            |ui, _, ()| {
                let command = Command::Alias(SetAlias { version, alias: alias.clone() });
                let next = if valid { Ok(command) } else { Err("Type an alias first") };
                done = super::footer(ui, cx, Button::primary("Move alias").icon(Icon::Alias), next, "Cancel");
            },
        );
        done || output.closed
    }
}
