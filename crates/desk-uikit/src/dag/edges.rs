//! Edges of a graph on the canvas: curves from row to row, straight when far away.

use egui::emath::TSTransform;
use egui::epaint::CubicBezierShape;
use egui::{Color32, Painter, Pos2, Rect, Stroke, vec2};

use super::layout::{Item, Layout};
use crate::tokens::Tokens;

/// Curves are seen as such from this scale on.
const CURVES: f32 = 0.3;
/// Rows closer together than this on the screen show no edges.
const ROWS_APART: f32 = 8.0;
/// So many are drawn in one frame.
const MOST: usize = 20_000;

/// Paints those in sight; those of the selected node in the accent, above the others.
pub fn paint(painter: &Painter, t: &Tokens, layout: &Layout, camera: &TSTransform, seen: Rect, selected: Option<u32>) {
    let rows = layout.rows_between(seen.top(), seen.bottom());
    let rows = rows.start.saturating_sub(1)..rows.end;
    let height = seen.height().max(1.0);
    let apart = height * camera.scaling / rows.len().max(1) as f32;
    let mut lit = Vec::new();
    let mut left = MOST;
    for row in &layout.rows[rows] {
        for (from, to) in &row.links {
            let (Some(from), Some(to)) = (layout.items.get(*from as usize), layout.items.get(*to as usize)) else {
                continue;
            };
            let (start, end) = (from.rect.center_bottom(), to.rect.center_top());
            if start.x.max(end.x) < seen.left() || start.x.min(end.x) > seen.right() {
                continue;
            }
            if selected.is_some_and(|node| touches(from, to, node)) {
                lit.push((start, end, to.bend));
            } else if apart >= ROWS_APART && left > 0 {
                left -= 1;
                one(painter, camera, start, end, to.bend, t.line_strong.gamma_multiply(0.8), 1.0);
            }
        }
    }
    for (start, end, bend) in lit {
        one(painter, camera, start, end, bend, t.accent, 2.0);
    }
    for (from, to) in layout.far.iter().filter(|(from, to)| selected == Some(*from) || selected == Some(*to)) {
        if let (Some(from), Some(to)) = (layout.node(*from), layout.node(*to)) {
            let points = [*camera * from.center_bottom(), *camera * to.center_top()];
            painter.add(egui::Shape::dashed_line(&points, Stroke::new(1.5, t.accent), 6.0, 4.0));
        }
    }
}

fn touches(from: &Item, to: &Item, node: u32) -> bool {
    from.node == node || (to.node == node && !to.bend)
}

fn one(painter: &Painter, camera: &TSTransform, start: Pos2, end: Pos2, bend: bool, ink: Color32, width: f32) {
    let (a, b) = (*camera * start, *camera * end);
    let stroke = Stroke::new(width, ink);
    if camera.scaling < CURVES {
        painter.line_segment([a, b], stroke);
        return;
    }
    let pull = vec2(0.0, (b.y - a.y) * 0.5);
    painter.add(CubicBezierShape::from_points_stroke([a, a + pull, b - pull, b], false, Color32::TRANSPARENT, stroke));
    if !bend && camera.scaling >= 0.45 {
        let size = 4.0 * camera.scaling;
        let head = vec![b, b + vec2(-size, -1.6 * size), b + vec2(size, -1.6 * size)];
        painter.add(egui::Shape::convex_polygon(head, ink, Stroke::NONE));
    }
}
