//! A number with a unit and limits: typed, dragged, or stepped with the arrow keys.

use std::ops::RangeInclusive;

use egui::{DragValue, Response, Ui, emath, vec2};

use super::{Field, text_input};
use crate::tokens::CONTROL_HEIGHT;

/// The limits and step of a number.
#[derive(Debug, Clone)]
pub struct Range<N> {
    /// Smallest and largest value.
    pub limits: RangeInclusive<N>,
    /// How much one point of dragging changes it.
    pub step: f64,
}

impl Field<'_> {
    /// A number; `unit` stands after it.
    pub fn show_number<N: emath::Numeric>(self, ui: &mut Ui, value: &mut N, range: Range<N>, unit: &str) -> Response {
        self.frame(ui, |ui, label, width| {
            self.outline(ui);
            ui.style_mut().text_styles.insert(egui::TextStyle::Button, crate::fonts::regular(crate::fonts::size::BODY));
            let suffix = if unit.is_empty() { String::new() } else { format!(" {unit}") };
            let drag = DragValue::new(value).range(range.limits).speed(range.step).suffix(suffix);
            let response = ui.add_sized(vec2(width, CONTROL_HEIGHT), drag);
            text_input::name(response, label, self)
        })
    }
}
