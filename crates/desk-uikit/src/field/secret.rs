//! A password, key or passphrase: hidden, taken out once, and forgotten by the field.

use egui::{TextEdit, Ui, vec2};

use super::{Field, text_input};
use crate::Button;
use crate::icon::Icon;
use crate::tokens::control_height;

/// What was typed into a secret field; never printed.
#[derive(Default)]
pub struct SecretText {
    text: String,
    visible: bool,
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl SecretText {
    /// True when nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes the secret out and leaves the field empty.
    pub fn take(&mut self) -> String {
        self.visible = false;
        std::mem::take(&mut self.text)
    }
}

impl Field<'_> {
    /// A hidden line of text with a button that shows it while it is being typed.
    pub fn show_secret(self, ui: &mut Ui, value: &mut SecretText) -> egui::Response {
        self.frame(ui, |ui, label, width| {
            self.outline(ui);
            let visible = value.visible;
            let response = text_input::line(ui, &mut value.text, "", width, |edit| edit.password(!visible));
            // The field's undo history would keep what was typed after it is taken.
            if let Some(mut state) = TextEdit::load_state(ui.ctx(), response.id) {
                state.clear_undoer();
                TextEdit::store_state(ui.ctx(), response.id, state);
            }
            let at = egui::Rect::from_center_size(
                response.rect.right_center() - vec2(14.0, 0.0),
                egui::Vec2::splat(control_height(ui)),
            );
            let (icon, name) = if visible { (Icon::Hide, "Hide the secret") } else { (Icon::Show, "Show the secret") };
            if crate::paint::overlay(ui, at, Button::icon_only(icon, name)).clicked() {
                value.visible = !visible;
            }
            text_input::name(response, label, self)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_printed_and_is_taken_once() {
        let mut secret = SecretText { text: "hunter2".into(), visible: true };
        assert_eq!(format!("{secret:?}"), "SecretText(…)");
        assert_eq!(secret.take(), "hunter2");
        assert!(secret.is_empty() && !secret.visible);
    }
}
