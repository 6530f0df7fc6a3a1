//! Buttons: primary, secondary, ghost and danger; a disabled one says why.

use egui::{Color32, Response, Role, Sense, Stroke, StrokeKind, Ui, Widget, WidgetInfo, vec2};

use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::tokens::{RADIUS_BUTTON, Tokens, control_height};

/// How much a button asks for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The one next step of a view.
    Primary,
    /// Any other action.
    Secondary,
    /// An action beside a text; no frame until the pointer is there.
    Ghost,
    /// Cannot be undone.
    Danger,
}

/// A push button.
///
/// ```
/// # use desk_uikit::{Button, Icon};
/// # egui::__run_test_ui(|ui| {
/// if ui.add(Button::primary("Run tests").icon(Icon::Run)).clicked() { /* … */ }
/// ui.add(Button::secondary("Deploy…").disabled_because("There is no target yet"));
/// # });
/// ```
#[must_use]
pub struct Button<'a> {
    kind: Kind,
    text: &'a str,
    name: Option<&'a str>,
    icon: Option<Icon>,
    shortcut: Option<String>,
    tooltip: Option<&'a str>,
    disabled: Option<&'a str>,
    selected: bool,
    full_width: bool,
}

/// The padding at each side of a ghost button's text.
const GHOST_PADDING: f32 = 8.0;

/// Moves to the left, in a line, by what a ghost button has before its text: that then stands below other texts.
pub fn outdent(ui: &mut Ui) {
    ui.add_space(-GHOST_PADDING);
}

impl<'a> Button<'a> {
    /// A button of the given kind.
    pub fn new(kind: Kind, text: &'a str) -> Self {
        Self {
            kind,
            text,
            name: None,
            icon: None,
            shortcut: None,
            tooltip: None,
            disabled: None,
            selected: false,
            full_width: false,
        }
    }

    /// The one next step of a view.
    pub fn primary(text: &'a str) -> Self {
        Self::new(Kind::Primary, text)
    }

    /// Any other action.
    pub fn secondary(text: &'a str) -> Self {
        Self::new(Kind::Secondary, text)
    }

    /// An action beside a text.
    pub fn ghost(text: &'a str) -> Self {
        Self::new(Kind::Ghost, text)
    }

    /// An action that cannot be undone.
    pub fn danger(text: &'a str) -> Self {
        Self::new(Kind::Danger, text)
    }

    /// A square button with only an icon; `name` is its tooltip and what a screen reader says.
    pub fn icon_only(icon: Icon, name: &'a str) -> Self {
        Self { icon: Some(icon), name: Some(name), tooltip: Some(name), ..Self::new(Kind::Ghost, "") }
    }

    /// An icon before the text.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// What a screen reader says, where several buttons have the same text.
    pub fn named(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// A shortcut, shown in the tooltip.
    pub fn shortcut(mut self, shortcut: impl Into<String>) -> Self {
        self.shortcut = Some(shortcut.into());
        self
    }

    /// What the button does, shown on hover.
    pub fn tooltip(mut self, text: &'a str) -> Self {
        self.tooltip = Some(text);
        self
    }

    /// Greys the button out and says why on hover and to screen readers.
    pub fn disabled_because(mut self, reason: &'a str) -> Self {
        self.disabled = Some(reason);
        self
    }

    /// As [`Self::disabled_because`] when there is a reason.
    pub fn disabled_if(mut self, reason: Option<&'a str>) -> Self {
        self.disabled = reason.or(self.disabled);
        self
    }

    /// Drawn as switched on (for icon toggles).
    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    /// As wide as the space there is.
    pub fn full_width(mut self) -> Self {
        self.full_width = true;
        self
    }

    /// How wide the button will be.
    pub fn width(&self, ui: &Ui) -> f32 {
        let text = ui.painter().layout_no_wrap(self.text.to_owned(), fonts::medium(size::BODY), Color32::PLACEHOLDER);
        let (icon, gap, padding) = self.spaces(control_height(ui));
        (icon + gap + text.size().x + 2.0 * padding).ceil()
    }

    /// Widths of the icon, of the gap after it, and of the padding at each side.
    fn spaces(&self, height: f32) -> (f32, f32, f32) {
        let icon = match (self.icon, self.text.is_empty()) {
            (None, _) => 0.0,
            (Some(_), true) => 16.0,
            (Some(_), false) => 14.0,
        };
        let gap = if icon > 0.0 && !self.text.is_empty() { 6.0 } else { 0.0 };
        let padding = match (self.text.is_empty(), self.kind) {
            (true, _) => (height - icon) / 2.0,
            (false, Kind::Ghost) => GHOST_PADDING,
            (false, _) => 12.0,
        };
        (icon, gap, padding)
    }

    fn colors(&self, t: &Tokens, hot: bool, down: bool) -> (Color32, Color32, Color32) {
        let lift = |fill: Color32| {
            let amount = if down { 0.16 } else { 0.08 };
            if hot { paint::mix(fill, t.strong, amount) } else { fill }
        };
        let quiet = if down { t.line } else { t.hover };
        match self.kind {
            Kind::Primary => (lift(t.accent), Color32::TRANSPARENT, t.on_accent),
            Kind::Danger => (lift(t.err), Color32::TRANSPARENT, t.on_err),
            Kind::Secondary => (if hot { quiet } else { t.raised }, t.line, if hot { t.strong } else { t.text }),
            Kind::Ghost => {
                let ink = if self.text.is_empty() { if hot { t.strong } else { t.sub } } else { t.accent };
                (if hot { quiet } else { Color32::TRANSPARENT }, Color32::TRANSPARENT, ink)
            }
        }
    }

    fn show(self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let font = fonts::medium(size::BODY);
        let galley = ui.painter().layout_no_wrap(self.text.to_owned(), font, Color32::PLACEHOLDER);
        let (icon_width, gap, padding) = self.spaces(control_height(ui));
        let content = icon_width + gap + galley.size().x;
        let natural = (content + 2.0 * padding).ceil();
        let width = if self.full_width { ui.available_width().max(natural) } else { natural };
        let (rect, response) = ui.allocate_exact_size(vec2(width, control_height(ui)), Sense::click());

        let enabled = ui.is_enabled();
        let label = self.name.unwrap_or(self.text);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, enabled, label);
            info.selected = self.selected.then_some(true);
            info
        });
        if !ui.is_rect_visible(rect) {
            paint::reveal(ui, &response);
            return response;
        }
        let hot = response.hovered() || response.has_focus();
        let (mut fill, stroke, mut ink) = self.colors(t, hot, response.is_pointer_button_down_on());
        if self.selected {
            (fill, ink) = (t.accent_weak, t.accent);
        }
        if !enabled && matches!(self.kind, Kind::Primary | Kind::Danger) {
            // A faded accent would make its text unreadable.
            (fill, ink) = (t.hover, t.sub);
        }
        let painter = ui.painter();
        painter.rect(rect, f32::from(RADIUS_BUTTON), fill, Stroke::new(1.0, stroke), StrokeKind::Inside);
        let left = rect.center().x - content / 2.0;
        if let Some(icon) = self.icon {
            paint::icon(painter, egui::pos2(left + icon_width / 2.0, rect.center().y), icon, icon_width, ink);
        }
        let text_pos = egui::pos2(left + icon_width + gap, rect.center().y - galley.size().y / 2.0);
        painter.galley_with_override_text_color(text_pos, galley, ink);
        if response.has_focus() && matches!(self.kind, Kind::Primary | Kind::Danger) {
            paint::reveal(ui, &response);
            // The accent ring would vanish on the accent fill.
            painter.rect_stroke(
                rect.shrink(2.0),
                f32::from(RADIUS_BUTTON) - 2.0,
                Stroke::new(2.0, ink),
                StrokeKind::Inside,
            );
        } else {
            paint::focus_ring(ui, &response, rect, RADIUS_BUTTON);
        }
        response
    }
}

impl Widget for Button<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let (disabled, tooltip, shortcut) = (self.disabled, self.tooltip, self.shortcut.clone());
        let kind = self.kind;
        // The place of what may be disabled does not wrap by itself.
        let begun = ui.cursor().left() > ui.max_rect().left();
        if ui.layout().main_wrap && begun && self.width(ui) > ui.available_size_before_wrap().x {
            ui.end_row();
        }
        let mut response = ui.add_enabled_ui(disabled.is_none(), |ui| self.show(ui)).inner;
        let usable = disabled.is_none() && ui.is_enabled() && matches!(kind, Kind::Primary | Kind::Danger);
        if usable && crate::modal::enter_presses(ui, kind == Kind::Danger) {
            response.flags.insert(egui::response::Flags::FAKE_PRIMARY_CLICKED);
        }
        if let Some(reason) = disabled {
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(reason));
            return response.on_disabled_hover_text(reason);
        }
        match (tooltip, shortcut) {
            (Some(text), Some(keys)) => response.on_hover_text(format!("{text}   {keys}")),
            (Some(text), None) => response.on_hover_text(text),
            (None, Some(keys)) => response.on_hover_text(keys),
            (None, None) => response,
        }
    }
}
