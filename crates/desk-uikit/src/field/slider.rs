//! A slider over a range of numbers.

use std::ops::RangeInclusive;

use egui::{Response, Slider, Ui};

use super::Field;

impl Field<'_> {
    /// A slider; arrow keys move it, too. `steps` is the distance between values, 0 for any.
    pub fn show_slider(self, ui: &mut Ui, value: &mut f64, limits: RangeInclusive<f64>, steps: f64) -> Response {
        self.frame(ui, |ui, label, width| {
            ui.spacing_mut().slider_width = width;
            let mut slider = Slider::new(value, limits).show_value(false);
            if steps > 0.0 {
                slider = slider.step_by(steps);
            }
            let response = ui.add(slider).labelled_by(label);
            crate::paint::focus_ring(ui, &response, response.rect.expand(2.0), crate::tokens::RADIUS_INPUT);
            response.widget_info(|| egui::WidgetInfo::slider(true, *value, self.label));
            response
        })
    }
}
