//! Text in the fixed-width face, in a box, with a button that copies it.

use egui::{Frame, Label, Margin, RichText, ScrollArea, Stroke, Ui};

use crate::Button;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::tokens::{RADIUS_BUTTON, Tokens};

/// Several lines, scrolling beyond `max_height`, with a copy button in the corner.
pub fn block(ui: &mut Ui, name: &str, text: &str, max_height: f32) {
    let t = Tokens::of(ui);
    let shown = frame(t).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ScrollArea::vertical().id_salt(name).max_height(max_height).auto_shrink([false, true]).show(ui, |ui| {
            // Keeps the text clear of the copy button.
            ui.set_max_width((ui.available_width() - 32.0).max(40.0));
            let rich = RichText::new(text).font(fonts::mono(size::MONO)).color(t.text);
            ui.add(Label::new(rich).wrap().selectable(true));
        });
    });
    let corner = shown.response.rect.right_top() + egui::vec2(-30.0, 4.0);
    copy_button(ui, egui::Rect::from_min_size(corner, egui::Vec2::splat(26.0)), name, text);
}

/// One line, such as a command, with a copy button at its end.
pub fn line(ui: &mut Ui, name: &str, text: &str) {
    let t = Tokens::of(ui);
    let shown = frame(t).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.set_max_width((ui.available_width() - 32.0).max(40.0));
            let rich = RichText::new(text).font(fonts::mono(size::MONO)).color(t.text);
            ui.add(Label::new(rich).truncate());
        });
    });
    let rect = shown.response.rect;
    let button = egui::Rect::from_center_size(rect.right_center() - egui::vec2(17.0, 0.0), egui::Vec2::splat(26.0));
    copy_button(ui, button, name, text);
}

fn frame(t: &Tokens) -> Frame {
    Frame::new()
        .fill(t.bg)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(RADIUS_BUTTON)
        .inner_margin(Margin::symmetric(10, 6))
}

fn copy_button(ui: &mut Ui, rect: egui::Rect, name: &str, text: &str) {
    let label = format!("Copy {name}");
    let button = Button::icon_only(Icon::Copy, &label);
    if crate::paint::overlay(ui, rect, button).clicked() {
        ui.ctx().copy_text(text.to_owned());
    }
}
