//! A slider over a range of numbers.

use std::ops::RangeInclusive;

use egui::{PointerButton, Response, Slider, Ui, emath};

use super::Field;
use crate::tokens::Tokens;

impl Field<'_> {
    /// A slider; arrow keys move it, too. `steps` is the distance between values, 0 for any.
    pub fn show_slider(self, ui: &mut Ui, value: &mut f64, limits: RangeInclusive<f64>, steps: f64) -> Response {
        self.frame(ui, |ui, label, width| {
            let t = Tokens::of(ui);
            ui.spacing_mut().slider_width = width;
            // The rail must be seen on every surface, and how far the value is along it.
            ui.visuals_mut().widgets.inactive.bg_fill = t.line_strong;
            ui.visuals_mut().selection.bg_fill = t.accent;
            let before = *value;
            let mut slider = Slider::new(value, limits.clone()).show_value(false).trailing_fill(true);
            if steps > 0.0 {
                slider = slider.step_by(steps);
            }
            let mut response = super::text_input::name(ui.add(slider), label, self);
            if let Some(pressed) = pressed_at(ui, &response, &limits) {
                *value = if steps > 0.0 { (pressed / steps).round() * steps } else { pressed };
                response.request_focus();
                if *value != before {
                    response.mark_changed();
                }
            }
            crate::paint::reveal(ui, &response);
            crate::paint::focus_ring(ui, &response, response.rect.expand(2.0), crate::tokens::RADIUS_INPUT);
            response.widget_info(|| egui::WidgetInfo::slider(true, *value, self.label));
            response
        })
    }
}

/// Where on the rail a short press ended: pressed and released between two frames it moves no handle by itself.
fn pressed_at(ui: &Ui, response: &Response, limits: &RangeInclusive<f64>) -> Option<f64> {
    let clicked = ui.input(|input| input.pointer.button_clicked(PointerButton::Primary));
    let at = ui.input(|input| input.pointer.latest_pos()).filter(|at| clicked && response.rect.contains(*at))?;
    if !response.contains_pointer() || !ui.is_enabled() {
        return None;
    }
    // As far from the ends as the handle's middle can be.
    let rail = response.rect.x_range().shrink(response.rect.height() / 2.5);
    let value = |x: f32| emath::remap_clamp(f64::from(x), f64::from(rail.min)..=f64::from(rail.max), limits.clone());
    let near = ui.input(egui::InputState::aim_radius);
    Some(emath::smart_aim::best_in_range_f64(value(at.x - near), value(at.x + near)))
}
