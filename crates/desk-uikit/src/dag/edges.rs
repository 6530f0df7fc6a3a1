//! Edges of a graph on the canvas: curves from row to row, straight when far away.

use std::ops::Range;

use egui::emath::TSTransform;
use egui::{Color32, Painter, Pos2, Rect, Stroke, pos2, vec2};

use super::layout::{Item, LONGEST_CHAIN, Layout};
use crate::tokens::Tokens;

/// Curves are seen as such from this scale on.
const CURVES: f32 = 0.3;
/// Rows closer together than this on the screen show no edges.
const ROWS_APART: f32 = 8.0;
/// Edges side by side that are nearer together than this on the screen are one.
const ALIKE: f32 = 1.5;
/// Of more than so many, evenly chosen ones are drawn.
const MOST: usize = 2_000;
/// Length of the straight parts of a curve on the screen.
const PART: f32 = 12.0;
/// How often a curve is halved to find where it comes into sight.
const HALVES: usize = 14;

/// Paints those in sight; those of the selected node in the accent, above the others.
pub fn paint(painter: &Painter, t: &Tokens, layout: &Layout, camera: &TSTransform, seen: Rect, selected: Option<u32>) {
    let rows = layout.rows_between(seen.top(), seen.bottom());
    let rows = rows.start.saturating_sub(1)..rows.end;
    let height = seen.height().max(1.0);
    let apart = height * camera.scaling / rows.len().max(1) as f32;
    let clip = painter.clip_rect().expand(4.0);
    let seen_part = |from: &Item, to: &Item| {
        let (start, end) = (*camera * from.rect.center_bottom(), *camera * to.rect.center_top());
        stretch(start, end, camera.scaling >= CURVES, clip)
    };
    if apart >= ROWS_APART {
        let ink = t.line_strong.gamma_multiply(0.8);
        let mut before = [Pos2::ZERO; 3];
        // Those that begin or end in sight are thinned out later than those that only pass by.
        let (ending, passing): (Vec<_>, Vec<_>) = links(layout, rows.clone(), seen)
            .partition(|(from, to)| seen.intersects(from.rect) || seen.intersects(to.rect));
        for (from, to) in thinned(&passing).chain(thinned(&ending)) {
            let Some(part) = seen_part(from, to) else { continue };
            let points = &part.points;
            let looks = [points[0], points[points.len() / 2], points[points.len() - 1]];
            if looks.iter().zip(&before).any(|(a, b)| (*a - *b).abs().max_elem() >= ALIKE) {
                before = looks;
                one(painter, part, camera.scaling, to.bend, ink, 1.0);
            }
        }
    }
    if let Some(node) = selected {
        let lit = around(layout, node, rows);
        let links: Vec<_> = links(layout, lit, seen).filter(|(from, to)| touches(from, to, node)).collect();
        for (from, to) in thinned(&links) {
            if let Some(part) = seen_part(from, to) {
                one(painter, part, camera.scaling, to.bend, t.accent, 2.0);
            }
        }
    }
    for (from, to) in layout.far.iter().filter(|(from, to)| selected == Some(*from) || selected == Some(*to)) {
        if let (Some(from), Some(to)) = (layout.node(*from), layout.node(*to)) {
            let points = [*camera * from.center_bottom(), *camera * to.center_top()];
            painter.add(egui::Shape::dashed_line(&points, Stroke::new(1.5, t.accent), 6.0, 4.0));
        }
    }
}

/// All, or as many evenly chosen ones as one frame can draw.
fn thinned<T>(links: &[T]) -> impl Iterator<Item = &T> {
    links.iter().step_by(links.len().div_ceil(MOST).max(1))
}

/// Edges between neighbouring rows that are in sight.
fn links(layout: &Layout, rows: Range<usize>, seen: Rect) -> impl Iterator<Item = (&Item, &Item)> {
    let ends = layout.rows[rows].iter().flat_map(|row| &row.links);
    ends.filter_map(move |(from, to)| {
        let (from, to) = (layout.items.get(*from as usize)?, layout.items.get(*to as usize)?);
        let (start, end) = (from.rect.center().x, to.rect.center().x);
        (start.max(end) >= seen.left() && start.min(end) <= seen.right()).then_some((from, to))
    })
}

/// Of some rows those that edges of a node can be in: from the row above it down to where its chain of bends ends.
fn around(layout: &Layout, node: u32, rows: Range<usize>) -> Range<usize> {
    let Some(rect) = layout.node(node) else { return rows.start..rows.start };
    let own = layout.rows_between(rect.center().y, rect.center().y).start;
    let start = own.saturating_sub(1).max(rows.start);
    start..(own + LONGEST_CHAIN as usize).min(rows.end).max(start)
}

fn touches(from: &Item, to: &Item, node: u32) -> bool {
    from.node == node || (to.node == node && !to.bend)
}

/// A stretch of an edge that is in sight, as points on the screen.
struct Stretch {
    points: Vec<Pos2>,
    /// It ends where the edge ends.
    whole: bool,
}

/// The stretch within a rectangle of the edge from `a` down to `b`: what is not seen costs nothing to draw.
fn stretch(a: Pos2, b: Pos2, curve: bool, clip: Rect) -> Option<Stretch> {
    let (across, down) = (b.x - a.x, b.y - a.y);
    // Leaves and arrives upright; both parts only grow, or only shrink.
    let x = |t: f32| a.x + across * if curve { t * t * (3.0 - 2.0 * t) } else { t };
    let y = |t: f32| a.y + down * if curve { t * (1.5 - 1.5 * t + t * t) } else { t };
    let (left, right) = within(x, clip.left(), clip.right());
    let (top, bottom) = within(y, clip.top(), clip.bottom());
    let (start, end) = (left.max(top), right.min(bottom));
    if start > end {
        return None;
    }
    let at = |t: f32| pos2(x(t), y(t));
    let length = (at(end) - at(start)).length();
    let parts = if curve && across.abs() > 0.5 { (length / PART).clamp(6.0, 24.0) as usize } else { 1 };
    let points = (0..=parts).map(|i| at(start + (end - start) * i as f32 / parts as f32)).collect();
    Some(Stretch { points, whole: end >= 1.0 })
}

/// From where to where a function that only grows or only shrinks over 0 to 1 is between two values.
fn within(f: impl Fn(f32) -> f32, low: f32, high: f32) -> (f32, f32) {
    let (start, end) = (f(0.0), f(1.0));
    let grows = end >= start;
    let (first, last) = if grows { (low, high) } else { (high, low) };
    // The places before and after a value, by halving.
    let place = |value: f32| {
        let (mut before, mut after) = (0.0, 1.0);
        for _ in 0..HALVES {
            let middle = f32::midpoint(before, after);
            if (f(middle) < value) == grows { before = middle } else { after = middle }
        }
        (before, after)
    };
    let reaches = |value: f32| if grows { value > start } else { value < start };
    let passes = |value: f32| if grows { value < end } else { value > end };
    match (start.max(end) < low, start.min(end) > high) {
        (false, false) => {
            (if reaches(first) { place(first).0 } else { 0.0 }, if passes(last) { place(last).1 } else { 1.0 })
        }
        _ => (1.0, 0.0),
    }
}

fn one(painter: &Painter, stretch: Stretch, scale: f32, bend: bool, ink: Color32, width: f32) {
    let end = stretch.points.last().copied().filter(|_| stretch.whole && !bend && scale >= 0.45);
    painter.add(egui::Shape::line(stretch.points, Stroke::new(width, ink)));
    if let Some(end) = end {
        let size = 4.0 * scale;
        let head = vec![end, end + vec2(-size, -1.6 * size), end + vec2(size, -1.6 * size)];
        painter.add(egui::Shape::convex_polygon(head, ink, Stroke::NONE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: Rect = Rect { min: Pos2::ZERO, max: pos2(100.0, 100.0) };

    #[test]
    fn only_what_is_in_sight_is_drawn() {
        // Inside: from end to end.
        let all = stretch(pos2(10.0, 10.0), pos2(90.0, 90.0), true, CLIP).expect("in sight");
        assert_eq!((all.points[0], all.points.last(), all.whole), (pos2(10.0, 10.0), Some(&pos2(90.0, 90.0)), true));
        // From far at the left to far at the right and back: a stretch about as long as the space is wide.
        for (a, b) in [(-9e5, 9e5), (9e5, -9e5)] {
            for curve in [true, false] {
                let passing = stretch(pos2(a, 20.0), pos2(b, 60.0), curve, CLIP).expect("in sight");
                let (first, last) = (passing.points[0], passing.points[passing.points.len() - 1]);
                assert!(!passing.whole && passing.points.len() <= 25);
                assert!(first.x.min(last.x) > -300.0 && first.x.max(last.x) < 400.0, "{first:?} to {last:?}");
                assert!((first.x - last.x).abs() >= 99.0 && (39.0..41.0).contains(&first.y), "{first:?} to {last:?}");
            }
        }
        // Beside, above and below.
        assert!(stretch(pos2(-50.0, 10.0), pos2(-10.0, 90.0), true, CLIP).is_none());
        assert!(stretch(pos2(10.0, -90.0), pos2(10.0, -10.0), true, CLIP).is_none());
        assert!(stretch(pos2(10.0, 110.0), pos2(10.0, 190.0), false, CLIP).is_none());
        // Into the sight from above.
        let into = stretch(pos2(50.0, -50.0), pos2(50.0, 50.0), true, CLIP).expect("in sight");
        assert!(into.whole && into.points[0].y.abs() < 1.0 && into.points[0].x == 50.0);
    }
}
