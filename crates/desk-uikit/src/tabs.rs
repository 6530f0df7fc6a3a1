//! Tabs under a heading: one line, the chosen one underlined in the accent.

use egui::{Key, Modifiers, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::fonts::{self, size};
use crate::paint;
use crate::tokens::{RADIUS_INPUT, Tokens};

const HEIGHT: f32 = 32.0;

/// A row of tabs over a set of values.
#[must_use]
pub struct Tabs<'a, T> {
    items: &'a [(T, &'a str)],
}

impl<'a, T: Copy + PartialEq> Tabs<'a, T> {
    /// Tabs with their values and labels.
    pub fn new(items: &'a [(T, &'a str)]) -> Self {
        Self { items }
    }

    /// Shows the tabs; returns the value that was just chosen, if another one was.
    ///
    /// Left and right arrows move between tabs while one has the focus.
    pub fn show(self, ui: &mut Ui, current: T) -> Option<T> {
        let t = Tokens::of(ui);
        let mut chosen = None;
        let width = ui.available_width();
        let row = ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 20.0;
            for (i, (value, label)) in self.items.iter().enumerate() {
                let selected = *value == current;
                let response = tab(ui, label, selected);
                if response.clicked() && !selected {
                    chosen = Some(*value);
                }
                if response.has_focus() {
                    let step = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
                    let to = if step(Key::ArrowRight) {
                        self.items.get(i + 1)
                    } else if step(Key::ArrowLeft) {
                        i.checked_sub(1).and_then(|i| self.items.get(i))
                    } else {
                        None
                    };
                    chosen = to.map(|(value, _)| *value).or(chosen);
                }
            }
        });
        let line = row.response.rect;
        ui.painter().hline(line.left()..=line.left() + width, line.bottom(), Stroke::new(1.0, t.line));
        chosen
    }
}

fn tab(ui: &mut Ui, label: &str, selected: bool) -> egui::Response {
    let t = Tokens::of(ui);
    // Measured in the heavier weight, so that choosing a tab moves nothing.
    let heavy = ui.painter().layout_no_wrap(label.to_owned(), fonts::medium(size::BODY), t.strong);
    let (rect, response) = ui.allocate_exact_size(vec2(heavy.size().x.ceil(), HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, ui.is_enabled(), selected, label));
    if selected {
        paint::galley_left(ui.painter(), rect.left(), rect.center().y, heavy);
        ui.painter().hline(rect.x_range(), rect.bottom() - 1.0, Stroke::new(2.0, t.accent));
    } else {
        let ink = if response.hovered() { t.strong } else { t.sub };
        let galley = ui.painter().layout_no_wrap(label.to_owned(), fonts::regular(size::BODY), ink);
        let x = rect.center().x - galley.size().x / 2.0;
        let y = rect.center().y - galley.size().y / 2.0;
        ui.painter().galley(pos2(x, y), galley, ink);
    }
    paint::focus_ring(ui, &response, rect.expand2(vec2(6.0, -4.0)), RADIUS_INPUT);
    response
}
