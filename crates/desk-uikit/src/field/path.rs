//! A file or folder: typed, pasted, or picked with the system's dialog (which the caller opens).

use egui::{Response, Ui};

use super::{Field, text_input};
use crate::Button;
use crate::icon::Icon;

/// What happened in a path field.
pub struct PathOutput {
    /// The text input.
    pub response: Response,
    /// The browse button was pressed.
    pub browse: bool,
}

impl Field<'_> {
    /// A path with a browse button.
    pub fn show_path(self, ui: &mut Ui, value: &mut String, hint: &str) -> PathOutput {
        let browse_label = format!("Browse for {}", self.label.to_lowercase());
        self.frame(ui, |ui, label, width| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let button = Button::secondary("Browse…").icon(Icon::Browse);
                let room = button.width(ui) + ui.spacing().item_spacing.x;
                let response = ui
                    .scope(|ui| {
                        self.outline(ui);
                        text_input::line(ui, value, hint, width - room, |edit| edit)
                    })
                    .inner;
                let button = ui.add(button);
                let browse = button.clicked();
                button.accessible_name(browse_label);
                PathOutput { response: text_input::name(response, label, self), browse }
            })
            .inner
        })
    }
}
