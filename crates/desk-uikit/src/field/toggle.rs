//! Check boxes and segmented choices.

use egui::{Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::Field;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::tokens::{RADIUS_BUTTON, RADIUS_INPUT, Tokens, control_height};

/// A check box with its label at the right.
pub fn check(ui: &mut Ui, value: &mut bool, label: &str) -> Response {
    let t = Tokens::of(ui);
    let room = (ui.available_width() - 24.0).max(20.0);
    let galley = paint::one_line(ui.painter(), label, fonts::regular(size::BODY), t.text, room);
    let (rect, mut response) = ui.allocate_exact_size(vec2(galley.size().x + 24.0, control_height(ui)), Sense::click());
    if response.clicked() {
        *value = !*value;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), *value, label));
    let mark = egui::Rect::from_center_size(pos2(rect.left() + 8.0, rect.center().y), vec2(16.0, 16.0));
    let painter = ui.painter();
    if *value {
        painter.rect_filled(mark, f32::from(RADIUS_INPUT), t.accent);
        paint::icon(painter, mark.center(), Icon::Check, 13.0, t.on_accent);
    } else {
        let fill = if response.hovered() { t.hover } else { t.raised };
        let stroke = Stroke::new(1.0, t.line_strong);
        painter.rect(mark, f32::from(RADIUS_INPUT), fill, stroke, StrokeKind::Inside);
    }
    paint::galley_left(painter, rect.left() + 24.0, rect.center().y, galley);
    paint::focus_ring(ui, &response, rect.expand2(vec2(4.0, 0.0)), RADIUS_INPUT);
    response
}

impl Field<'_> {
    /// A few values side by side, one of them on; returns true when another one was chosen.
    pub fn show_segments<T: Clone + PartialEq>(self, ui: &mut Ui, value: &mut T, options: &[(T, &str)]) -> bool {
        self.frame(ui, |ui, _, _| segments(ui, self.label, value, options))
    }
}

/// A few values side by side, one of them on; returns true when another one was chosen.
pub fn segments<T: Clone + PartialEq>(ui: &mut Ui, name: &str, value: &mut T, options: &[(T, &str)]) -> bool {
    let t = Tokens::of(ui);
    let mut changed = false;
    let frame = egui::Frame::new().fill(t.hover).corner_radius(RADIUS_BUTTON).inner_margin(2);
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            // In a row that is laid out from the right, the first one still stands at the left.
            let mut order: Vec<&(T, &str)> = options.iter().collect();
            if ui.layout().prefer_right_to_left() {
                order.reverse();
            }
            for (option, label) in order {
                let on = option == value;
                let font = if on { fonts::medium(size::BODY) } else { fonts::regular(size::BODY) };
                let ink = if on { t.strong } else { t.sub };
                let galley = ui.painter().layout_no_wrap((*label).to_owned(), font, ink);
                let width = galley.size().x.ceil() + 20.0;
                let (rect, response) = ui.allocate_exact_size(vec2(width, control_height(ui) - 4.0), Sense::click());
                response.widget_info(|| {
                    WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), on, format!("{name}: {label}"))
                });
                if on {
                    let stroke = Stroke::new(1.0, t.line);
                    ui.painter().rect(rect, f32::from(RADIUS_INPUT), t.raised, stroke, StrokeKind::Inside);
                }
                paint::galley_left(ui.painter(), rect.left() + 10.0, rect.center().y, galley);
                paint::focus_ring(ui, &response, rect, RADIUS_INPUT);
                if response.clicked() && !on {
                    *value = option.clone();
                    changed = true;
                }
            }
        });
    });
    changed
}
