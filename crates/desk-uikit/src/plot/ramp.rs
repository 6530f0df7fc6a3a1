//! What the colours of a map mean: a ramp with its ends in numbers.

use egui::{Color32, Mesh, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2};

use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// Its length.
const RAMP: f32 = 110.0;

/// A ramp from the lowest to the highest, with both in words; `at` is the middle of its right end. Gives its area.
pub(super) fn sequential(painter: &Painter, t: &Tokens, at: Pos2, colors: [Color32; 2], ends: &[String; 2]) -> Rect {
    let words = |text: &str| painter.layout_no_wrap(text.to_owned(), fonts::regular(size::CAPTION), t.sub);
    let high = paint::galley_right(painter, at.x, at.y, words(&ends[1]));
    let bar = Rect::from_min_max(pos2(high.left() - RAMP - 6.0, at.y - 4.0), pos2(high.left() - 6.0, at.y + 4.0));
    let mut mesh = Mesh::default();
    for (x, color) in [(bar.left(), colors[0]), (bar.right(), colors[1])] {
        mesh.colored_vertex(pos2(x, bar.top()), color);
        mesh.colored_vertex(pos2(x, bar.bottom()), color);
    }
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(1, 2, 3);
    painter.add(Shape::mesh(mesh));
    painter.rect_stroke(bar, 0.0, Stroke::new(1.0, t.line_strong), StrokeKind::Outside);
    paint::galley_right(painter, bar.left() - 6.0, at.y, words(&ends[0])).union(high)
}

/// A ramp from the most that takes to the most that adds, with its ends in numbers; `at` is the middle of its right end.
/// Gives its area.
pub(super) fn diverging(painter: &Painter, t: &Tokens, at: Pos2, most: f64) -> Rect {
    let words = |text: String| painter.layout_no_wrap(text, fonts::regular(size::CAPTION), t.sub);
    let high = paint::galley_right(painter, at.x, at.y, words(format::signed(most)));
    let bar = Rect::from_min_max(pos2(high.left() - RAMP - 6.0, at.y - 4.0), pos2(high.left() - 6.0, at.y + 4.0));
    let mut mesh = Mesh::default();
    for (x, color) in [(bar.left(), t.negative), (bar.center().x, t.raised), (bar.right(), t.positive)] {
        mesh.colored_vertex(pos2(x, bar.top()), color);
        mesh.colored_vertex(pos2(x, bar.bottom()), color);
    }
    for first in [0, 2] {
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first + 1, first + 2, first + 3);
    }
    painter.add(Shape::mesh(mesh));
    painter.vline(bar.center().x, bar.y_range().expand(1.0), Stroke::new(1.0, t.line_strong));
    paint::galley_right(painter, bar.left() - 6.0, at.y, words(format::signed(-most))).union(high)
}
