//! What nodes of a graph look like: a heading, a few lines, a colour by sort.

use egui::{Color32, CornerRadius, Painter, Rect, Stroke, StrokeKind, Vec2, pos2, vec2};

use crate::fonts;
use crate::paint::{mix, one_line};
use crate::tokens::Tokens;

/// Height of the heading, of a line below it, and the space at the sides.
const HEAD: f32 = 28.0;
const LINE: f32 = 18.0;
const PAD: f32 = 10.0;
/// Width of a character of the heading and of a line, a little more than most take.
const HEAD_CHAR: f32 = 8.2;
const LINE_CHAR: f32 = 7.3;
/// Width of the sign on nodes that open.
const DOOR: f32 = 14.0;
/// No node is wider; longer words are elided.
const WIDEST: f32 = 260.0;

/// Sorts of nodes, which differ in colour and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Sort {
    /// What goes in or comes out: round ends.
    End,
    /// An operator.
    #[default]
    Plain,
    /// One that holds weights.
    Weights,
    /// One that only reshapes or moves values.
    Shape,
    /// One that bends its input: an activation.
    Bend,
}

/// The words and the sort of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Face {
    /// The operator, or the name of an input or output.
    pub title: String,
    /// Below it, such as the shapes of weights.
    pub lines: Vec<String>,
    /// Its name in the file, for screen readers.
    pub called: String,
    /// Its sort.
    pub sort: Sort,
    /// There are graphs within it, which a double click opens.
    pub opens: bool,
}

impl Face {
    /// The room that it takes.
    pub(super) fn size(&self) -> Vec2 {
        let chars = |text: &String, each: f32| text.chars().count() as f32 * each;
        let lines = self.lines.iter().map(|line| chars(line, LINE_CHAR));
        let widest = lines.fold(chars(&self.title, HEAD_CHAR), f32::max);
        let foot = if self.lines.is_empty() { 0.0 } else { 6.0 };
        let door = if self.opens { 2.0 * DOOR } else { 0.0 };
        vec2((widest + 2.0 * PAD + door).clamp(64.0, WIDEST), HEAD + self.lines.len() as f32 * LINE + foot)
    }

    /// `Conv conv1`, for screen readers and lists.
    pub fn name(&self) -> String {
        let name = if self.called.is_empty() { self.title.clone() } else { format!("{} {}", self.title, self.called) };
        if self.opens { format!("{name}, can be opened") } else { name }
    }
}

/// The colour of a sort's heading, mixed into the surface so that text on it keeps its contrast.
fn fill(t: &Tokens, sort: Sort) -> Color32 {
    let tint = match sort {
        Sort::End => t.sub,
        Sort::Plain => return t.raised,
        Sort::Weights => t.series[0],
        Sort::Shape => t.series[2],
        Sort::Bend => t.series[1],
    };
    mix(t.raised, tint, 0.22)
}

/// The colour of a sort where nothing else of a node can be seen.
pub fn far(t: &Tokens, sort: Sort) -> Color32 {
    mix(fill(t, sort), t.line_strong, 0.6)
}

/// A node that is too small for anything but its colour, none when it is large enough for [`paint`].
pub fn dot(t: &Tokens, face: &Face, place: Rect, selected: bool) -> Option<(Rect, Color32)> {
    let ink = if selected { t.accent } else { far(t, face.sort) };
    (place.height() < 6.0).then(|| (place.expand(0.5), ink))
}

/// Paints a node at its place on the screen, with what can be read at this scale.
pub fn paint(painter: &Painter, t: &Tokens, face: &Face, place: Rect, scale: f32, selected: bool, found: bool) {
    let round = if face.sort == Sort::End { place.height() / 2.0 } else { 6.0 * scale };
    let radius = CornerRadius::same(round.clamp(0.0, 40.0) as u8);
    let (width, line) = match (selected, found) {
        (true, _) => (2.0, t.accent),
        (false, true) => (2.0, t.warn),
        (false, false) => (1.0, t.line_strong),
    };
    if face.opens {
        // A sheet below the sheet.
        let below = place.translate(Vec2::splat(4.0 * scale));
        painter.rect(below, radius, t.raised, Stroke::new(width, line), StrokeKind::Inside);
    }
    painter.rect_filled(place, radius, t.raised);
    let head = Rect::from_min_size(place.min, vec2(place.width(), (HEAD * scale).min(place.height())));
    let below = face.lines.is_empty();
    let head_radius = if below { radius } else { CornerRadius { sw: 0, se: 0, ..radius } };
    painter.rect_filled(head, head_radius, fill(t, face.sort));
    painter.rect_stroke(place, radius, Stroke::new(width, line), StrokeKind::Inside);
    // Whole sizes only: each one has pictures of its letters.
    let size = (fonts::size::BODY * scale).round();
    if size < 6.0 {
        return;
    }
    let room = place.width() - 2.0 * PAD * scale;
    let title_room = if face.opens { room - 2.0 * DOOR * scale } else { room };
    if face.opens {
        let at = pos2(head.right() - DOOR * scale, head.center().y);
        crate::paint::icon(painter, at, crate::Icon::Enter, size, t.sub);
    }
    let title = one_line(painter, &face.title, fonts::semibold(size), t.strong, title_room);
    painter.galley(head.center() - title.size() / 2.0, title, t.strong);
    let small = (fonts::size::SMALL * scale).round();
    if small < 6.0 {
        return;
    }
    for (i, text) in face.lines.iter().enumerate() {
        let line = one_line(painter, text, fonts::mono(small), t.sub, room);
        let y = place.top() + (HEAD + 3.0 + LINE * i as f32) * scale;
        painter.galley(pos2(place.left() + PAD * scale, y), line, t.sub);
    }
}
