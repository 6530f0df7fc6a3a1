//! Errors in a view: what happened, what still holds, what to do, and the details folded away.

use egui::{Frame, Label, Margin, OpenUrl, RichText, Role, Stroke, Ui, WidgetInfo};

use crate::Button;
use crate::button;
use crate::code;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::text;
use crate::tokens::{RADIUS_CARD, Tokens};

/// An error as people meet it, in plain text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorText {
    /// What was being done, such as `Import failed`; may be empty.
    pub title: String,
    /// What happened.
    pub message: String,
    /// What still holds, such as `v6 is still serving`.
    pub still_holds: Option<String>,
    /// What to do next, most useful first.
    pub hints: Vec<String>,
    /// Causes and facts, one a line.
    pub details: Vec<String>,
    /// Places that lead on, most useful first.
    pub links: Vec<Link>,
}

/// A button that leads to a place of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the button says.
    pub label: String,
    /// Where it leads; the window takes it from the frame's output as any other link.
    pub address: String,
}

impl ErrorText {
    /// An error with only a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Says what was being done.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// All of it as text, for the clipboard.
    pub fn to_text(&self) -> String {
        let mut lines = Vec::new();
        if !self.title.is_empty() {
            lines.push(self.title.clone());
        }
        lines.push(self.message.clone());
        lines.extend(self.still_holds.clone());
        lines.extend(self.hints.iter().map(|hint| format!("- {hint}")));
        lines.extend(self.details.iter().cloned());
        lines.join("\n")
    }
}

/// Shows an error as a card; returns true when the user pressed the action (such as `Try again`).
pub fn error_view(ui: &mut Ui, error: &ErrorText, action: Option<&str>) -> bool {
    let t = Tokens::of(ui);
    let mut acted = false;
    let frame = Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.err.gamma_multiply(0.6)))
        .corner_radius(RADIUS_CARD)
        .inner_margin(Margin::same(14));
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            ui.add_space(1.0);
            ui.label(Icon::Fail.rich(16.0, t.err));
            ui.vertical(|ui| {
                let (head, rest) =
                    if error.title.is_empty() { (&error.message, None) } else { (&error.title, Some(&error.message)) };
                ui.add(Label::new(text::coded(head, &fonts::semibold(size::SECTION), t.strong)).wrap());
                if let Some(message) = rest {
                    text::body(ui, message);
                }
                if let Some(holds) = &error.still_holds {
                    text::sub(ui, holds);
                }
                hints(ui, &error.hints);
                ui.add_space(4.0);
                acted = actions(ui, error, action);
                details(ui, &error.details);
            });
        });
    });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, text::spoken(&error.message)));
    acted
}

/// What leads on, what can be tried, and a copy of it all; true when the action was pressed.
fn actions(ui: &mut Ui, error: &ErrorText, action: Option<&str>) -> bool {
    let row = ui.horizontal_wrapped(|ui| {
        for link in &error.links {
            if ui.add(Button::secondary(&link.label)).clicked() {
                ui.ctx().open_url(OpenUrl::same_tab(&link.address));
            }
        }
        let acted = action.is_some_and(|label| {
            let button = Button::secondary(label);
            ui.add(if label.ends_with("again") { button.icon(Icon::Retry) } else { button }).clicked()
        });
        if action.is_none() && error.links.is_empty() {
            button::outdent(ui);
        }
        if ui.add(Button::ghost("Copy details")).clicked() {
            ui.ctx().copy_text(error.to_text());
        }
        acted
    });
    row.inner
}

/// A list of things to do next, each with an arrow.
pub fn hints(ui: &mut Ui, hints: &[String]) {
    if hints.is_empty() {
        return;
    }
    let t = Tokens::of(ui);
    ui.add_space(4.0);
    ui.label(RichText::new("What you can do").font(fonts::medium(12.0)).color(t.sub));
    for hint in hints {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().interact_size.y = 18.0;
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(Icon::Right.rich(13.0, t.sub).line_height(Some(18.0)));
            text::body(ui, hint);
        });
    }
}

/// Causes and facts, folded away; they can be copied.
pub fn details(ui: &mut Ui, details: &[String]) {
    if details.is_empty() {
        return;
    }
    let id = ui.make_persistent_id("error-details");
    let open = ui.data_mut(|data| data.get_temp::<bool>(id).unwrap_or(false));
    let (icon, label) = if open { (Icon::Down, "Hide details") } else { (Icon::Right, "Show details") };
    let pressed = ui.horizontal(|ui| {
        button::outdent(ui);
        ui.add(Button::ghost(label).icon(icon)).clicked()
    });
    if pressed.inner {
        ui.data_mut(|data| data.insert_temp(id, !open));
    }
    if open {
        code::block(ui, "details", &details.join("\n"), 180.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copied_text_has_everything() {
        let error = ErrorText {
            title: "Import failed".into(),
            message: "Not an ONNX file: a.onnx".into(),
            still_holds: Some("Nothing was stored".into()),
            hints: vec!["Export the model again".into()],
            details: vec!["wire type 7 at byte 3".into()],
            links: Vec::new(),
        };
        assert_eq!(
            error.to_text(),
            "Import failed\nNot an ONNX file: a.onnx\nNothing was stored\n- Export the model again\nwire type 7 at byte 3"
        );
    }
}
