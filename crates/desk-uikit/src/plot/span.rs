//! Which part of a chart's x axis is seen: zoom, pan, and the way back, for charts whose rows are no numbers.
//!
//! The same gestures and keys as on a [`super::stage::Stage`].

use egui::{EventFilter, Id, Key, Rect, Response, Ui, vec2};

use super::stage::{KEY_PAN, KEY_ZOOM};
use crate::button::Button;
use crate::icon::Icon;
use crate::paint;

/// No deeper than this.
const DEEPEST: f64 = 1e-4;

/// The part of `whole` that is seen in `plot`, after what was done with `response` in this frame.
pub(super) fn seen(ui: &Ui, response: &Response, id: Id, plot: Rect, whole: (f64, f64)) -> (f64, f64) {
    let kept = ui.data(|data| data.get_temp::<Seen>(id));
    let mut seen = kept.unwrap_or_default();
    let width = f64::from(plot.width().max(1.0));
    let part = |x: f32| (f64::from(x - plot.left()) / width).clamp(0.0, 1.0);
    if response.dragged() {
        seen.moved(-f64::from(response.drag_delta().x) / width);
    }
    if let Some(pointer) = response.hover_pos() {
        let zoom = f64::from(ui.input(egui::InputState::zoom_delta));
        if (zoom - 1.0).abs() > 1e-6 {
            seen.zoom(zoom, part(pointer.x));
        }
    }
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
        let plus = ui.input(|input| input.key_pressed(Key::Plus) || input.key_pressed(Key::Equals));
        let steps = i32::from(pressed(Key::ArrowRight)) - i32::from(pressed(Key::ArrowLeft));
        seen.moved(f64::from(steps) * KEY_PAN);
        if plus {
            seen.zoom(f64::from(KEY_ZOOM), 0.5);
        } else if pressed(Key::Minus) {
            seen.zoom(1.0 / f64::from(KEY_ZOOM), 0.5);
        }
        if pressed(Key::Num0) {
            seen = Seen::default();
        }
    }
    if response.double_clicked() {
        seen = Seen::default();
    }
    if kept.is_some() || !seen.is_whole() {
        ui.data_mut(|data| data.insert_temp(id, seen));
    }
    let at = |part: f64| whole.0 + (whole.1 - whole.0) * part;
    (at(seen.from), at(seen.to))
}

/// A button for everything again, while not everything is seen.
pub(super) fn way_back(ui: &mut Ui, id: Id, plot: Rect) {
    if ui.data(|data| data.get_temp::<Seen>(id)).is_none_or(Seen::is_whole) {
        return;
    }
    let button = Button::secondary("Reset zoom").icon(Icon::Fit);
    let width = button.width(ui);
    let corner = Rect::from_min_size(plot.right_top() + vec2(-width - 2.0, 2.0), vec2(width, 24.0));
    if paint::overlay(ui, corner, button).clicked() {
        ui.data_mut(|data| data.remove_temp::<Seen>(id));
        ui.ctx().request_repaint();
    }
}

/// From and to, as parts of the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    from: f64,
    to: f64,
}

impl Default for Seen {
    fn default() -> Self {
        Self { from: 0.0, to: 1.0 }
    }
}

impl Seen {
    fn is_whole(self) -> bool {
        self.from <= 0.0 && self.to >= 1.0
    }

    /// By a part of what is seen; never beyond the ends.
    fn moved(&mut self, by: f64) {
        let width = self.to - self.from;
        self.from = (self.from + by * width).clamp(0.0, 1.0 - width);
        self.to = self.from + width;
    }

    /// Larger or smaller around a point of what is seen.
    fn zoom(&mut self, factor: f64, around: f64) {
        let width = self.to - self.from;
        let new = (width / factor).clamp(DEEPEST, 1.0);
        let fixed = self.from + width * around;
        self.from = (fixed - new * around).clamp(0.0, 1.0 - new);
        self.to = self.from + new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_point_under_the_pointer_stays_and_the_ends_are_not_left() {
        let mut seen = Seen::default();
        seen.moved(0.5);
        assert!(seen.is_whole(), "there is nothing beyond");
        seen.zoom(4.0, 0.25);
        assert!((seen.from + (seen.to - seen.from) * 0.25 - 0.25).abs() < 1e-12, "{seen:?}");
        assert!((seen.to - seen.from - 0.25).abs() < 1e-12);
        seen.moved(100.0);
        assert!((seen.to - 1.0).abs() < 1e-12, "{seen:?}");
        seen.zoom(1e9, 0.5);
        assert!(seen.to - seen.from >= DEEPEST * 0.999);
        seen.zoom(1e-9, 0.5);
        assert!(seen.is_whole());
    }
}
