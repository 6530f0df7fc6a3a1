//! A small tree of decisions, from its root on the left to its leaves on the right.

use egui::{Align2, Color32, Painter, Pos2, Rect, Response, ScrollArea, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{hover, surface_of};
use crate::contrast;
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::{RADIUS_INPUT, Tokens};

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The question at a node that is cut: `age ≤ 30`; none at a leaf.
    pub question: Option<String>,
    /// The nodes that follow a yes and a no.
    pub next: Option<[usize; 2]>,
    /// The number at the node.
    pub value: f64,
    /// Rows that come here.
    pub rows: u64,
    /// What else is told under the pointer.
    pub about: Vec<String>,
}

/// A tree of decisions; the first node is the root.
#[must_use]
pub struct Branches<'a> {
    what: &'a str,
    nodes: &'a [Branch],
}

/// Width of a node's box at least and at most, and its height.
const WIDE: (f32, f32) = (124.0, 190.0);
const HIGH: f32 = 40.0;
/// From one level to the next beside the box, and from one leaf to the next.
const GAP: f32 = 46.0;
const STEP: f32 = 50.0;
const TALLEST: f32 = 460.0;

impl<'a> Branches<'a> {
    /// A tree that gives `what`, such as `mean probability of yes`.
    pub fn new(what: &'a str, nodes: &'a [Branch]) -> Self {
        Self { what, nodes }
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let leaves = || self.nodes.iter().filter(|node| node.next.is_none());
        let n = format::plural(leaves().count() as u64, "leaf", "leaves");
        let Some(most) = leaves().max_by(|a, b| a.value.total_cmp(&b.value)) else { return "An empty tree".to_owned() };
        let least = leaves().map(|leaf| leaf.value).fold(f64::INFINITY, f64::min);
        let first = match self.nodes.first().and_then(|root| root.question.as_ref()) {
            Some(question) => format!("; it asks first: {question}"),
            None => String::new(),
        };
        let (low, high) = (format::number(least), format::number(most.value));
        format!("A tree of {n}: {} from {low} to {high}{first}", self.what)
    }

    /// Where each node's box has its middle, in steps from the upper left corner.
    fn places(&self) -> Vec<[f32; 2]> {
        let mut places = vec![[0.0; 2]; self.nodes.len()];
        let mut leaves = 0.0;
        self.place(0, 0, &mut leaves, &mut places);
        places
    }

    fn place(&self, node: usize, depth: usize, leaves: &mut f32, places: &mut [[f32; 2]]) -> f32 {
        let below = self.nodes.get(node).and_then(|node| node.next);
        let is_below = |next: &[usize; 2]| next.iter().all(|next| *next > node && *next < self.nodes.len());
        let y = if let Some([yes, no]) = below.filter(is_below) {
            let first = self.place(yes, depth + 1, leaves, places);
            f32::midpoint(first, self.place(no, depth + 1, leaves, places))
        } else {
            *leaves += 1.0;
            *leaves - 1.0
        };
        if let Some(place) = places.get_mut(node) {
            *place = [depth as f32, y];
        }
        y
    }

    /// Shows the chart; what is too large for the room is scrolled.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let places = self.places();
        let (deepest, lowest) =
            places.iter().fold((0.0_f32, 0.0_f32), |(x, y), place| (x.max(place[0]), y.max(place[1])));
        let wide = ((ui.available_width() - 8.0 - deepest * GAP) / (deepest + 1.0)).clamp(WIDE.0, WIDE.1);
        let own = vec2(deepest * (wide + GAP) + wide + 8.0, lowest * STEP + HIGH + 8.0);
        if super::picture::is_picture(ui.ctx()) {
            return self.paint(ui, own, wide, &places);
        }
        ScrollArea::both()
            .max_height(TALLEST)
            // A page that scrolls leaves no room of its own to what scrolls within it.
            .min_scrolled_height(TALLEST)
            .id_salt((self.what, "branches"))
            .show(ui, |ui| self.paint(ui, own, wide, &places))
            .inner
    }

    fn paint(&self, ui: &mut Ui, own: egui::Vec2, wide: f32, places: &[[f32; 2]]) -> Response {
        let t = Tokens::of(ui);
        let (rect, response, painter) = surface_of(ui, own, &self.summary());
        let middle = |node: usize| -> Pos2 {
            let [x, y] = places[node];
            rect.min + vec2(x * (wide + GAP) + wide / 2.0 + 4.0, y * STEP + HIGH / 2.0 + 4.0)
        };
        let ends = self.nodes.iter().map(|node| node.value).filter(|value| value.is_finite());
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        for (i, node) in self.nodes.iter().enumerate() {
            for (next, answer) in node.next.iter().flatten().zip(["yes", "no"]) {
                if *next > i && *next < self.nodes.len() {
                    edge(&painter, t, [middle(i), middle(*next)], wide, answer);
                }
            }
        }
        for (i, node) in self.nodes.iter().enumerate() {
            let area = Rect::from_center_size(middle(i), vec2(wide, HIGH));
            let level = if high > low { ((node.value - low) / (high - low)) as f32 } else { 0.5 };
            let fill = if node.next.is_some() { t.panel } else { paint::mix(t.hover, t.heat, level) };
            node_box(&painter, t, area, node, fill);
            if response.hover_pos().is_some_and(|at| area.contains(at)) {
                painter.rect_stroke(area, RADIUS_INPUT, Stroke::new(2.0, t.strong), StrokeKind::Inside);
                hover(&response, &self.about(node));
            }
        }
        response
    }

    fn about(&self, node: &Branch) -> Vec<String> {
        let mut lines: Vec<String> = node.question.iter().map(|question| format!("{question}?")).collect();
        lines.push(format!("{} {}", self.what, format::number(node.value)));
        lines.push(format::plural(node.rows, "row", "rows"));
        lines.extend(node.about.iter().cloned());
        lines
    }
}

fn edge(painter: &Painter, t: &Tokens, [from, to]: [Pos2; 2], wide: f32, answer: &str) {
    let (a, b) = (pos2(from.x + wide / 2.0, from.y), pos2(to.x - wide / 2.0, to.y));
    let bend = f32::midpoint(a.x, b.x);
    let stroke = Stroke::new(1.5, t.line_strong);
    painter.line_segment([a, pos2(bend, a.y)], stroke);
    painter.line_segment([pos2(bend, a.y), pos2(bend, b.y)], stroke);
    painter.line_segment([pos2(bend, b.y), b], stroke);
    painter.text(pos2(b.x - 3.0, b.y - 2.0), Align2::RIGHT_BOTTOM, answer, fonts::regular(size::CAPTION), t.sub);
}

fn node_box(painter: &Painter, t: &Tokens, area: Rect, node: &Branch, fill: Color32) {
    painter.rect_filled(area, RADIUS_INPUT, fill);
    painter.rect_stroke(area, RADIUS_INPUT, Stroke::new(1.0, t.line_strong), StrokeKind::Inside);
    let ink = contrast::ink_on(fill, t.strong, t.on_accent);
    let room = area.width() - 16.0;
    let line = |text: &str, font, room: f32| paint::one_line(painter, text, font, ink, room);
    let (name, bound) = node.question.as_deref().map_or(("", ""), name_and_bound);
    // Of a long question the name is cut: what it is compared with tells one node from another.
    let bound = line(bound, fonts::medium(size::SMALL), room / 2.0);
    let first = match &node.question {
        Some(_) => line(name, fonts::medium(size::SMALL), room - bound.size().x),
        None => line(&format::number(node.value), fonts::semibold(size::BODY), room),
    };
    let rows = format::plural(node.rows, "row", "rows");
    let second = match &node.question {
        Some(_) => format!("{} · {rows}", format::number(node.value)),
        None => rows,
    };
    let second = line(&second, fonts::regular(size::CAPTION), room);
    let first = paint::galley_left(painter, area.left() + 8.0, area.top() + 13.0, first);
    paint::galley_left(painter, first.right(), area.top() + 13.0, bound);
    paint::galley_left(painter, area.left() + 8.0, area.top() + 28.0, second);
}

/// A question's name, and what it is compared with: `age` and ` ≤ 30`.
fn name_and_bound(question: &str) -> (&str, &str) {
    let at = [" ≤ ", " = "].iter().filter_map(|sign| question.rfind(sign)).max();
    question.split_at(at.unwrap_or(question.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(question: Option<&str>, next: Option<[usize; 2]>, value: f64) -> Branch {
        Branch { question: question.map(str::to_owned), next, value, rows: 10, about: Vec::new() }
    }

    #[test]
    fn leaves_stand_below_each_other_and_a_node_between_its_own() {
        let nodes = [
            branch(Some("age ≤ 30"), Some([1, 4]), 0.5),
            branch(Some("fare ≤ 9"), Some([2, 3]), 0.25),
            branch(None, None, 0.125),
            branch(None, None, 0.375),
            branch(None, None, 0.75),
        ];
        let tree = Branches::new("mean probability of yes", &nodes);
        assert_eq!(tree.places(), [[0.0, 1.25], [1.0, 0.5], [2.0, 0.0], [2.0, 1.0], [1.0, 2.0]]);
        assert_eq!(
            tree.summary(),
            "A tree of 3 leaves: mean probability of yes from 0.125 to 0.75; it asks first: age ≤ 30"
        );
    }

    #[test]
    fn a_question_ends_in_its_bound() {
        assert_eq!(name_and_bound("length ≤ 202.5"), ("length", " ≤ 202.5"));
        assert_eq!(name_and_bound("a = b ≤ 1"), ("a = b", " ≤ 1"));
        assert_eq!(name_and_bound("island = Dream"), ("island", " = Dream"));
        assert_eq!(name_and_bound("is it"), ("is it", ""));
    }

    #[test]
    fn a_broken_tree_ends_where_it_is_broken() {
        let nodes = [branch(Some("a ≤ 1"), Some([0, 7]), 0.5)];
        assert_eq!(Branches::new("x", &nodes).places(), [[0.0, 0.0]]);
        assert_eq!(Branches::new("x", &[]).summary(), "An empty tree");
    }
}
