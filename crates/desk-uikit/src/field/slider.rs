//! A slider over a range of numbers.

use std::ops::RangeInclusive;

use egui::{Response, Slider, Ui};

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
            let mut slider = Slider::new(value, limits).show_value(false).trailing_fill(true);
            if steps > 0.0 {
                slider = slider.step_by(steps);
            }
            let response = super::text_input::name(ui.add(slider), label, self);
            crate::paint::reveal(ui, &response);
            crate::paint::focus_ring(ui, &response, response.rect.expand(2.0), crate::tokens::RADIUS_INPUT);
            response.widget_info(|| egui::WidgetInfo::slider(true, *value, self.label));
            response
        })
    }
}
