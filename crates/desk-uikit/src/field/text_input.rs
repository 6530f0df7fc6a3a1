//! One line of text, and a filter box.

use egui::{Id, Margin, Response, TextEdit, Ui, vec2};

use super::Field;
use crate::icon::Icon;
use crate::tokens::{Tokens, control_height};

/// So many characters a line takes: more would have to be laid out in every frame, and mean nothing in one line.
pub const LONGEST: usize = 4096;

impl Field<'_> {
    /// A line of text; `hint` shows while it is empty.
    pub fn show_text(self, ui: &mut Ui, value: &mut String, hint: &str) -> Response {
        self.frame(ui, |ui, label, width| {
            self.outline(ui);
            let response = name(line(ui, value, hint, width, |edit| edit.char_limit(LONGEST)), label, self);
            tell_cut(ui, value);
            response
        })
    }

    /// A filter box with a magnifying glass and, once there is text, a button that clears it.
    pub fn show_filter(self, ui: &mut Ui, value: &mut String, hint: &str) -> Response {
        self.hide_label().frame(ui, |ui, label, width| {
            let glass = Icon::Search.rich(13.0, Tokens::of(ui).sub);
            let input = line(ui, value, hint, width, |edit| edit.prefix(glass).char_limit(LONGEST));
            let mut response = name(input, label, self.hide_label());
            if !value.is_empty() {
                let at = egui::Rect::from_center_size(
                    response.rect.right_center() - vec2(14.0, 0.0),
                    egui::Vec2::splat(control_height(ui)),
                );
                if crate::paint::overlay(ui, at, crate::Button::icon_only(Icon::Close, "Clear filter")).clicked() {
                    value.clear();
                    response.mark_changed();
                }
            }
            tell_cut(ui, value);
            response
        })
    }
}

/// Says that there was more, such as a whole file that was pasted.
pub(super) fn tell_cut(ui: &mut Ui, value: &str) {
    // Bytes are fewer to count, and no fewer than characters.
    if value.len() >= LONGEST && value.chars().count() >= LONGEST {
        let said = format!("Cut after {} characters: a line takes no more", crate::format::count(LONGEST as u64));
        crate::text::caption_wrapped(ui, said);
    }
}

/// The text input itself, in the house's size.
pub(super) fn line<'t>(
    ui: &mut Ui,
    value: &'t mut String,
    hint: &str,
    width: f32,
    with: impl FnOnce(TextEdit<'t>) -> TextEdit<'t>,
) -> Response {
    let hint = egui::RichText::new(hint).color(Tokens::of(ui).sub);
    let edit = TextEdit::singleline(value)
        .hint_text(hint)
        .margin(Margin::symmetric(8, 4))
        .desired_width(width)
        .min_size(vec2(0.0, control_height(ui)))
        // Enter takes what was typed; who types on afterwards types here.
        .return_key(None)
        .align(egui::Align2::LEFT_CENTER);
    let response = ui.add(with(edit));
    crate::paint::reveal(ui, &response);
    response
}

/// Names the input by its visible label, or directly when the label is hidden.
pub(super) fn name(response: Response, label: Id, field: Field<'_>) -> Response {
    if field.hide_label { response.accessible_name(field.label) } else { response.labelled_by(label) }
}
