//! Status badges: always icon, word and colour together, so that colour alone says nothing.

use egui::{Color32, Response, Role, Sense, Ui, Widget, WidgetInfo, pos2, vec2};

use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::tokens::Tokens;

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Nothing to do: a fact.
    Neutral,
    /// Under way, or the thing in use.
    Accent,
    /// Good.
    Ok,
    /// Needs a look.
    Warn,
    /// Failed.
    Err,
}

impl Tone {
    /// Ink and fill of this tone.
    pub fn colors(self, t: &Tokens) -> (Color32, Color32) {
        match self {
            Self::Neutral => (t.sub, t.hover),
            Self::Accent => (t.accent, t.accent_weak),
            Self::Ok => (t.ok, t.ok_weak),
            Self::Warn => (t.warn, t.warn_weak),
            Self::Err => (t.err, t.err_weak),
        }
    }

    /// The icon that goes with this tone when the caller has no better one.
    pub fn icon(self) -> Icon {
        match self {
            Self::Neutral => Icon::Idle,
            Self::Accent => Icon::Running,
            Self::Ok => Icon::Ok,
            Self::Warn => Icon::Warn,
            Self::Err => Icon::Fail,
        }
    }
}

/// A small pill with an icon and a word.
#[must_use]
pub struct Badge<'a> {
    text: &'a str,
    tone: Tone,
    icon: Icon,
    framed: bool,
}

impl<'a> Badge<'a> {
    /// A badge with the tone's own icon.
    pub fn new(tone: Tone, text: &'a str) -> Self {
        Self { text, tone, icon: tone.icon(), framed: true }
    }

    /// Another icon.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = icon;
        self
    }

    /// Without the pill behind it, for lines of text.
    pub fn plain(mut self) -> Self {
        self.framed = false;
        self
    }
}

impl Widget for Badge<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let (ink, fill) = self.tone.colors(t);
        let (icon_size, font, ink_text) = if self.framed {
            (12.0, fonts::medium(size::SMALL), ink)
        } else {
            (14.0, fonts::regular(size::BODY), t.text)
        };
        let pad = if self.framed { 8.0 } else { 0.0 };
        let gap = if self.framed { 4.0 } else { 6.0 };
        let room = (ui.available_width() - 2.0 * pad - icon_size - gap).max(24.0);
        let galley = paint::one_line(ui.painter(), self.text, font, ink_text, room);
        let width = 2.0 * pad + icon_size + gap + galley.size().x;
        let (rect, response) = ui.allocate_exact_size(vec2(width.ceil(), 20.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, self.text));
        if ui.is_rect_visible(rect) {
            let painter = ui.painter();
            if self.framed {
                painter.rect_filled(rect, 10.0, fill);
            }
            paint::icon(painter, pos2(rect.left() + pad + icon_size / 2.0, rect.center().y), self.icon, icon_size, ink);
            paint::galley_left(painter, rect.left() + pad + icon_size + gap, rect.center().y, galley.clone());
        }
        paint::tooltip_if_elided(&response, &galley, self.text);
        response
    }
}
