//! The one list row: navigation, lists and pickers all use it.

use egui::{Color32, Response, Role, Sense, Ui, Widget, WidgetInfo, pos2, vec2};

use crate::badge::Tone;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::tokens::{RADIUS_BUTTON, Tokens, row_height};

/// A full-width row with an icon, a label, and something short at its right end.
#[must_use]
pub struct Row<'a> {
    label: &'a str,
    icon: Option<Icon>,
    tone: Tone,
    detail: Option<&'a str>,
    trailing: Option<&'a str>,
    selected: bool,
    marked: bool,
    indent: u8,
    compact: bool,
    tooltip: Option<&'a str>,
    expanded: Option<bool>,
}

impl<'a> Row<'a> {
    /// A row with a label.
    pub fn new(label: &'a str) -> Self {
        Self {
            label,
            icon: None,
            tone: Tone::Neutral,
            detail: None,
            trailing: None,
            selected: false,
            marked: false,
            indent: 0,
            compact: false,
            tooltip: None,
            expanded: None,
        }
    }

    /// An icon before the label.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// The icon's colour, when it stands for a status.
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// A second, quieter text after the label.
    pub fn detail(mut self, detail: &'a str) -> Self {
        self.detail = Some(detail);
        self
    }

    /// A count, a state or an age at the right end.
    pub fn trailing(mut self, trailing: &'a str) -> Self {
        self.trailing = Some(trailing).filter(|text| !text.is_empty());
        self
    }

    /// This is the thing on show.
    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    /// The keyboard is here while the focus is elsewhere, as in the list of a field.
    pub fn marked(mut self, marked: bool) -> Self {
        self.marked = marked;
        self
    }

    /// How deep the row is in a tree.
    pub fn indent(mut self, levels: u8) -> Self {
        self.indent = levels;
        self
    }

    /// Only the icon, for a collapsed navigation; the label becomes the tooltip.
    pub fn compact(mut self, compact: bool) -> Self {
        self.compact = compact;
        self
    }

    /// More about the row, on hover.
    pub fn tooltip(mut self, text: &'a str) -> Self {
        self.tooltip = Some(text);
        self
    }

    /// It opens to more below it, or is open.
    pub fn expanded(mut self, open: bool) -> Self {
        self.expanded = Some(open);
        self
    }

    fn paint(&self, ui: &Ui, rect: egui::Rect, response: &Response) {
        let t = Tokens::of(ui);
        let painter = ui.painter();
        let fill = match (self.selected, response.hovered() || self.marked) {
            (true, _) => t.accent_weak,
            (false, true) => t.hover,
            (false, false) => Color32::TRANSPARENT,
        };
        painter.rect_filled(rect, f32::from(RADIUS_BUTTON), fill);
        paint::focus_ring(ui, response, rect, RADIUS_BUTTON);
        if self.marked {
            let stroke = egui::Stroke::new(crate::tokens::FOCUS_WIDTH, t.accent);
            painter.rect_stroke(rect, f32::from(RADIUS_BUTTON), stroke, egui::StrokeKind::Inside);
        }
        let y = rect.center().y;
        let icon_ink = match (self.tone, self.selected) {
            (Tone::Neutral, true) => t.accent,
            (tone, _) => tone.colors(t).0,
        };
        if self.compact {
            if let Some(icon) = self.icon {
                paint::icon(painter, rect.center(), icon, 16.0, icon_ink);
            }
            return;
        }
        let mut x = rect.left() + 8.0 + f32::from(self.indent) * 14.0;
        if let Some(icon) = self.icon {
            paint::icon(painter, pos2(x + 8.0, y), icon, 15.0, icon_ink);
            x += 24.0;
        }
        let mut right = rect.right() - 8.0;
        if let Some(open) = self.expanded {
            let icon = if open { Icon::Down } else { Icon::Right };
            paint::icon(painter, pos2(right - 7.0, y), icon, 14.0, t.sub);
            right -= 20.0;
        }
        if let Some(trailing) = self.trailing {
            let galley = paint::one_line(painter, trailing, fonts::regular(size::SMALL), t.sub, rect.width() / 2.0);
            right = paint::galley_right(painter, right, y, galley).left() - 8.0;
        }
        let (font, ink) =
            if self.selected { (fonts::medium(size::BODY), t.strong) } else { (fonts::regular(size::BODY), t.text) };
        let galley = paint::one_line(painter, self.label, font, ink, right - x);
        paint::tooltip_if_elided(response, &galley, self.label);
        x = paint::galley_left(painter, x, y, galley).right() + 8.0;
        if let Some(detail) = self.detail.filter(|_| right - x > 24.0) {
            let galley = paint::one_line(painter, detail, fonts::regular(size::SMALL), t.sub, right - x);
            paint::galley_left(painter, x, y, galley);
        }
    }
}

impl Widget for Row<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), row_height(ui)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, ui.is_enabled(), self.selected, self.label));
        if let Some(open) = self.expanded {
            // What stands at its end is heard too: it is not told elsewhere.
            let more: Vec<&str> = [self.detail, self.trailing].into_iter().flatten().collect();
            ui.ctx().accesskit_node_builder(response.id, |node| {
                node.set_role(Role::Button);
                node.set_expanded(open);
                node.set_description(more.join(", "));
            });
        }
        if ui.is_rect_visible(rect) {
            self.paint(ui, rect, &response);
        } else {
            paint::reveal(ui, &response);
        }
        match self.tooltip.or_else(|| self.compact.then_some(self.label)) {
            Some(text) => response.on_hover_text(text),
            None => response,
        }
    }
}
