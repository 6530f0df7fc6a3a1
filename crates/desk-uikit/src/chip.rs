//! Chips: what is in force, such as a filter; a press changes it, its cross takes it away.

use egui::{Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::tokens::Tokens;

/// A chip with a text and a cross.
#[must_use]
pub struct Chip<'a> {
    text: &'a str,
    name: &'a str,
}

/// What was done to a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChipAction {
    /// It was pressed.
    Change,
    /// Its cross was pressed.
    Remove,
}

const HEIGHT: f32 = 24.0;
const CROSS: f32 = 22.0;
/// A longer text is cut.
const LONGEST: f32 = 320.0;

impl<'a> Chip<'a> {
    /// A chip; `name` says what sort of thing it is to those who do not see it: `Filter`.
    pub fn new(name: &'a str, text: &'a str) -> Self {
        Self { text, name }
    }

    /// Shows it.
    pub fn show(self, ui: &mut Ui) -> Option<ChipAction> {
        let t = Tokens::of(ui);
        let galley = paint::one_line(ui.painter(), self.text, fonts::medium(size::SMALL), t.accent, LONGEST);
        let size = vec2((galley.size().x + 10.0 + CROSS).ceil(), HEIGHT);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let label = format!("{}: {}", self.name, self.text);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &label));
        let side = rect.with_min_x(rect.right() - CROSS);
        let cross = ui.interact(side, response.id.with("remove"), Sense::click());
        let remove = format!("Remove {}: {}", self.name.to_lowercase(), self.text);
        cross.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &remove));
        if ui.is_rect_visible(rect) {
            let painter = ui.painter();
            let outline = if response.hovered() || cross.hovered() { t.accent } else { t.accent.gamma_multiply(0.4) };
            painter.rect(rect, HEIGHT / 2.0, t.accent_weak, Stroke::new(1.0, outline), StrokeKind::Inside);
            paint::galley_left(painter, rect.left() + 10.0, rect.center().y, galley.clone());
            let ink = if cross.hovered() || cross.has_focus() { t.strong } else { t.accent };
            paint::icon(painter, side.center() - vec2(1.0, 0.0), Icon::Close, 12.0, ink);
            paint::focus_ring(ui, &response, rect, HEIGHT as u8 / 2);
            paint::focus_ring(ui, &cross, side.shrink(2.0), HEIGHT as u8 / 2);
        } else {
            paint::reveal(ui, &response);
            paint::reveal(ui, &cross);
        }
        paint::tooltip_if_elided(&response, &galley, self.text);
        match (cross.clicked(), response.clicked()) {
            (true, _) => Some(ChipAction::Remove),
            (false, true) => Some(ChipAction::Change),
            (false, false) => None,
        }
    }
}
