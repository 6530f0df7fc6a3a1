//! A beeswarm: every row's contribution of each feature, coloured by the feature's value.

use egui::{Align2, Color32, Mesh, Painter, Pos2, Rect, Response, Shape, Stroke, Ui, pos2, vec2};

use super::axes::{self, Scale};
use super::{hover, surface};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// One feature's points.
#[derive(Debug, Clone, PartialEq)]
pub struct Swarm {
    /// The feature.
    pub name: String,
    /// Contribution of the feature in each row.
    pub amounts: Vec<f64>,
    /// The feature's value in each row, 0 (lowest) to 1 (highest); `None` for text and missing.
    pub levels: Vec<Option<f32>>,
    /// The feature's value in each row, as text.
    pub values: Vec<String>,
}

/// A chart of swarms, most important first.
#[must_use]
pub struct Beeswarm<'a> {
    what: &'a str,
    swarms: &'a [Swarm],
}

const ROW: f32 = 40.0;
const AXIS: f32 = 24.0;
const LEGEND: f32 = 22.0;
const RADIUS: f32 = 2.6;

impl<'a> Beeswarm<'a> {
    /// Contributions to `what`, such as `probability of yes`.
    pub fn new(what: &'a str, swarms: &'a [Swarm]) -> Self {
        Self { what, swarms }
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let rows = self.swarms.first().map_or(0, |s| s.amounts.len());
        let ranges: Vec<String> = self
            .swarms
            .iter()
            .take(3)
            .map(|s| {
                let low = s.amounts.iter().copied().fold(f64::INFINITY, f64::min);
                let high = s.amounts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                format!("{} from {} to {}", s.name, format::signed(low), format::signed(high))
            })
            .collect();
        format!(
            "Contributions to {} over {}: {}",
            self.what,
            format::plural(rows as u64, "row", "rows"),
            ranges.join(", ")
        )
    }

    /// Shows the chart; returns the response and the row index of the point under the pointer.
    pub fn show(&self, ui: &mut Ui) -> (Response, Option<usize>) {
        let t = Tokens::of(ui);
        let height = LEGEND + ROW * self.swarms.len() as f32 + AXIS;
        let (rect, response, painter) = surface(ui, height, &self.summary());
        let widest = self
            .swarms
            .iter()
            .map(|s| painter.layout_no_wrap(s.name.clone(), fonts::regular(size::BODY), t.text).size().x)
            .fold(60.0, f32::max);
        let label_width = widest.min(rect.width() * 0.35);
        legend(&painter, t, rect);
        let plot = Rect::from_min_max(rect.min + vec2(label_width + 16.0, LEGEND), rect.max - vec2(12.0, AXIS));
        let all = self.swarms.iter().flat_map(|s| s.amounts.iter().copied()).chain([0.0]);
        let scale = Scale::over(all, 0.03, plot.left(), plot.right());
        axes::paint_x(&painter, t, plot, &scale, false);

        let pointer = response.hover_pos();
        let mut nearest: Option<(f32, usize, usize, Pos2)> = None;
        let mut mesh = Mesh::default();
        for (i, swarm) in self.swarms.iter().enumerate() {
            let y = plot.top() + ROW * (i as f32 + 0.5);
            painter.hline(plot.x_range(), y, Stroke::new(1.0, t.line));
            let name = paint::one_line(&painter, &swarm.name, fonts::regular(size::BODY), t.text, label_width);
            paint::galley_left(&painter, rect.left(), y, name);
            for (row, offset) in offsets(&swarm.amounts, &scale).into_iter().enumerate() {
                let at = pos2(scale.at(swarm.amounts[row]), y + offset);
                dot(&mut mesh, at, level_color(t, swarm.levels.get(row).copied().flatten()));
                if let Some(pointer) = pointer {
                    let distance = at.distance_sq(pointer);
                    if distance < 36.0 && nearest.is_none_or(|(best, ..)| distance < best) {
                        nearest = Some((distance, i, row, at));
                    }
                }
            }
        }
        painter.vline(scale.at(0.0), plot.y_range(), Stroke::new(1.0, t.line_strong));
        painter.add(Shape::mesh(mesh));
        if let Some((_, i, row, at)) = nearest {
            painter.circle_stroke(at, RADIUS + 2.0, Stroke::new(1.5, t.strong));
            let swarm = &self.swarms[i];
            let value = swarm.values.get(row).map_or("", String::as_str);
            hover(
                &response,
                &[
                    format!("Row {}", row + 1),
                    format!("{} = {value}", swarm.name),
                    format!("{} to {}", format::signed(swarm.amounts[row]), self.what),
                ],
            );
        }
        (response, nearest.map(|(_, _, row, _)| row))
    }
}

fn level_color(t: &Tokens, level: Option<f32>) -> Color32 {
    level.map_or(t.sub, |level| paint::mix(t.value_low, t.value_high, level))
}

fn legend(painter: &Painter, t: &Tokens, rect: Rect) {
    let font = fonts::regular(size::CAPTION);
    let y = rect.top() + 7.0;
    let high = painter.text(pos2(rect.right() - 12.0, y), Align2::RIGHT_CENTER, "high", font.clone(), t.sub);
    let bar = Rect::from_min_max(pos2(high.left() - 86.0, y - 4.0), pos2(high.left() - 6.0, y + 4.0));
    let mut mesh = Mesh::default();
    mesh.colored_vertex(bar.left_top(), t.value_low);
    mesh.colored_vertex(bar.right_top(), t.value_high);
    mesh.colored_vertex(bar.right_bottom(), t.value_high);
    mesh.colored_vertex(bar.left_bottom(), t.value_low);
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(0, 2, 3);
    painter.add(Shape::mesh(mesh));
    painter.text(pos2(bar.left() - 6.0, y), Align2::RIGHT_CENTER, "Feature value   low", font, t.sub);
}

/// A small disc of eight triangles with a soft edge; cheaper than a circle shape by thousands.
fn dot(mesh: &mut Mesh, at: Pos2, color: Color32) {
    const CORNERS: u32 = 10;
    let base = mesh.vertices.len() as u32;
    mesh.colored_vertex(at, color);
    for (radius, ink) in [(RADIUS - 0.5, color), (RADIUS + 0.5, Color32::TRANSPARENT)] {
        for i in 0..CORNERS {
            let angle = i as f32 / CORNERS as f32 * std::f32::consts::TAU;
            mesh.colored_vertex(at + radius * vec2(angle.cos(), angle.sin()), ink);
        }
    }
    for i in 0..CORNERS {
        let next = (i + 1) % CORNERS;
        let (inner, outer) = (base + 1, base + 1 + CORNERS);
        mesh.add_triangle(base, inner + i, inner + next);
        mesh.add_triangle(inner + i, outer + i, outer + next);
        mesh.add_triangle(inner + i, outer + next, inner + next);
    }
}

/// How far each point is moved off its line so that points do not hide each other.
///
/// Points that fall into the same bin along x are stacked alternately above and below, and the
/// stack is squeezed when it would leave its row.
fn offsets(amounts: &[f64], scale: &Scale) -> Vec<f32> {
    let step = RADIUS * 1.7;
    let bin = |v: f64| ((scale.at(v) - scale.from) / step).round() as i32;
    let mut counts = std::collections::HashMap::<i32, u32>::new();
    let ranks: Vec<u32> = amounts
        .iter()
        .map(|v| {
            let count = counts.entry(bin(*v)).or_default();
            *count += 1;
            *count - 1
        })
        .collect();
    let tallest = ranks.iter().max().map_or(0.0, |rank| (rank.div_ceil(2)) as f32 * step);
    let squeeze = ((ROW / 2.0 - RADIUS - 1.0) / tallest.max(0.1)).min(1.0);
    ranks
        .iter()
        .map(|rank| {
            let side = if rank % 2 == 1 { -1.0 } else { 1.0 };
            side * rank.div_ceil(2) as f32 * step * squeeze
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_one_place_are_spread_within_their_row() {
        let scale = Scale::new(0.0, 1.0, 0.0, 300.0);
        let spread = offsets(&[0.5; 60], &scale);
        assert_eq!(spread[0], 0.0);
        assert!(spread[1] < 0.0 && spread[2] > 0.0);
        assert!(spread.iter().all(|o| o.abs() <= ROW / 2.0));
        assert_eq!(offsets(&[0.1, 0.9], &scale), [0.0, 0.0]);
    }
}
