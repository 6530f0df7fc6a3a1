//! Small painting helpers that the components share: focus ring, centred icons, elided text.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align2, Color32, FontId, Galley, Painter, Pos2, Rect, Response, Stroke, StrokeKind, Ui, lerp, pos2, vec2};

use crate::fonts;
use crate::icon::Icon;
use crate::tokens::{FOCUS_WIDTH, Tokens};

/// What `add` draws keeps its identity when other things come and go before it: a press on a button that begins before
/// a line appears above it ends on the same button. The key is the only one of its kind around here.
pub fn keyed<R>(ui: &mut Ui, key: impl egui::AsIdSalt, add: impl FnOnce(&mut Ui) -> R) -> R {
    let id = ui.scope_id().with(key);
    ui.scope_builder(egui::UiBuilder::new().scope_id(id), add).inner
}

/// Scrolls to a widget that the keyboard has just given the focus; what the pointer is on is seen already.
pub fn reveal(ui: &Ui, response: &Response) {
    let pointed = || ui.input(|input| input.pointer.any_down() || input.pointer.any_released());
    if response.gained_focus() && !pointed() {
        response.scroll_to_me(None);
    }
}

/// Draws the focus ring inside a widget that has the keyboard's focus, and scrolls to it.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect, radius: u8) {
    reveal(ui, response);
    if response.has_focus() {
        let stroke = Stroke::new(FOCUS_WIDTH, Tokens::of(ui).accent);
        ui.painter().rect_stroke(rect, f32::from(radius), stroke, StrokeKind::Inside);
    }
}

/// Draws an icon centred on a point.
pub fn icon(painter: &Painter, center: Pos2, icon: Icon, size: f32, color: Color32) {
    painter.text(center, Align2::CENTER_CENTER, icon.text(), fonts::icons(size), color);
}

/// Lays out one line that ends in `…` when it is wider than `max_width`.
pub fn one_line(painter: &Painter, text: &str, font: FontId, color: Color32, max_width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(fonts::seen(text).into_owned(), TextFormat::simple(font, color));
    job.wrap = TextWrapping { max_rows: 1, break_anywhere: true, ..TextWrapping::wrap_at_width(max_width.max(1.0)) };
    job.break_on_newline = false;
    painter.layout_job(job)
}

/// Draws a laid-out line with its left edge at `x`, centred on `y`.
pub fn galley_left(painter: &Painter, x: f32, y: f32, galley: Arc<Galley>) -> Rect {
    let rect = Rect::from_min_size(pos2(x, y - galley.size().y / 2.0), galley.size());
    painter.galley(rect.min, galley, Color32::PLACEHOLDER);
    rect
}

/// Draws a laid-out line with its right edge at `x`, centred on `y`.
pub fn galley_right(painter: &Painter, x: f32, y: f32, galley: Arc<Galley>) -> Rect {
    let left = x - galley.size().x;
    galley_left(painter, left, y, galley)
}

/// Places a widget over what is there, without moving what comes after.
pub fn overlay(ui: &mut Ui, rect: Rect, widget: impl egui::Widget) -> Response {
    ui.new_child(egui::UiBuilder::new().max_rect(rect)).add(widget)
}

/// The colour `t` of the way from `a` to `b`, in sRGB.
#[expect(clippy::disallowed_methods, reason = "mixes two tokens; no colour of its own")]
pub fn mix(a: Color32, b: Color32, t: f32) -> Color32 {
    let t = t.clamp(0.0, 1.0);
    let channel = |a: u8, b: u8| lerp(f32::from(a)..=f32::from(b), t).round() as u8;
    Color32::from_rgb(channel(a.r(), b.r()), channel(a.g(), b.g()), channel(a.b(), b.b()))
}

/// A dashed horizontal line.
pub fn dashed_hline(painter: &Painter, x: std::ops::RangeInclusive<f32>, y: f32, stroke: Stroke) {
    painter.extend(egui::Shape::dashed_line(&[pos2(*x.start(), y), pos2(*x.end(), y)], stroke, 3.0, 3.0));
}

/// A dashed vertical line.
pub fn dashed_vline(painter: &Painter, x: f32, y: std::ops::RangeInclusive<f32>, stroke: Stroke) {
    painter.extend(egui::Shape::dashed_line(&[pos2(x, *y.start()), pos2(x, *y.end())], stroke, 3.0, 3.0));
}

/// Shows `text` as a tooltip when the painted text was cut.
pub fn tooltip_if_elided(response: &Response, galley: &Galley, text: &str) {
    if galley.elided && response.hovered() {
        response.show_tooltip_text(text);
    }
}

/// A rectangle of the given size centred in another.
pub fn centered(outer: Rect, width: f32, height: f32) -> Rect {
    Rect::from_center_size(outer.center(), vec2(width, height))
}
