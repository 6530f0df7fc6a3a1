//! A beeswarm: every row's contribution of each feature, coloured by the feature's value.

use egui::{Color32, Mesh, Painter, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::axes::{self, Scale};
use super::dots::{self, Dot};
use super::{hover, span};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::{RADIUS_INPUT, Tokens};

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
    numbers: &'a [u64],
    marked: Option<usize>,
}

/// Height of a feature's line.
pub(super) const ROW: f32 = 40.0;
const AXIS: f32 = 24.0;
/// Height of what stands above the first.
pub(super) const LEGEND: f32 = 22.0;

impl<'a> Beeswarm<'a> {
    /// Contributions to `what`, such as `probability of yes`.
    pub fn new(what: &'a str, swarms: &'a [Swarm]) -> Self {
        Self { what, swarms, numbers: &[], marked: None }
    }

    /// The rows' own numbers; from 1 without them.
    pub fn numbers(mut self, numbers: &'a [u64]) -> Self {
        self.numbers = numbers;
        self
    }

    /// A row, by its index, that is marked on the line of each feature.
    pub fn marked(mut self, row: usize) -> Self {
        self.marked = Some(row);
        self
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
    ///
    /// The wheel with Ctrl (or two fingers) and `+` and `-` zoom along the contributions, dragging and the arrow keys
    /// move there, a double click or `0` shows everything again.
    pub fn show(&self, ui: &mut Ui) -> (Response, Option<usize>) {
        let t = Tokens::of(ui);
        let names: String = self.swarms.iter().map(|swarm| swarm.name.as_str()).collect();
        let id = ui.make_persistent_id((self.what, names, "beeswarm"));
        let height = LEGEND + ROW * self.swarms.len() as f32 + AXIS;
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, self.summary()));
        paint::focus_ring(ui, &response, rect, RADIUS_INPUT);
        let painter = ui.painter_at(rect.expand(1.0));
        let widest = self
            .swarms
            .iter()
            .map(|s| painter.layout_no_wrap(s.name.clone(), fonts::regular(size::BODY), t.text).size().x)
            .fold(60.0, f32::max);
        let label_width = widest.min(rect.width() * 0.35);
        legend(&painter, t, rect, "Feature value", ["low", "high"]);
        let plot = Rect::from_min_max(rect.min + vec2(label_width + 16.0, LEGEND), rect.max - vec2(12.0, AXIS));
        let key = self.key(t);
        let (least, most) = dots::extent(ui, id.with("extent"), key, || {
            let all = self.swarms.iter().flat_map(|s| s.amounts.iter().copied()).chain([0.0]);
            let scale = Scale::over(all, 0.03, 0.0, 1.0);
            (scale.min, scale.max)
        });
        let whole = Scale { min: least, max: most, from: plot.left(), to: plot.right() };
        let (min, max) = span::seen(ui, &response, id.with("span"), plot, (whole.min, whole.max));
        let scale = Scale { min, max, ..whole };
        axes::paint_x(&painter, t, plot, &scale, false);
        for (i, swarm) in self.swarms.iter().enumerate() {
            let y = plot.top() + ROW * (i as f32 + 0.5);
            painter.hline(plot.x_range(), y, Stroke::new(1.0, t.line));
            let name = paint::one_line(&painter, &swarm.name, fonts::regular(size::BODY), t.text, label_width);
            paint::galley_left(&painter, rect.left(), y, name);
        }
        let zero = scale.at(0.0);
        if plot.x_range().contains(zero) {
            painter.vline(zero, plot.y_range(), Stroke::new(1.0, t.line_strong));
        }
        let pointer = response.hover_pos().filter(|_| !response.dragged());
        let view = (key, [min, max, 0.0, 1.0]);
        let found = dots::paint(ui, id.with("dots"), plot, view, pointer, || self.dots(t, plot, &scale));
        self.mark(&painter, t, plot, &scale);
        span::way_back(ui, id.with("span"), plot);
        let found = found.map(|(dot, at)| {
            painter.circle_stroke(at, dots::RADIUS + 2.0, Stroke::new(1.5, t.strong));
            let (i, row) = self.which(dot.point);
            hover(&response, &self.about(i, row));
            row
        });
        (response, found)
    }

    /// Draws where the marked row stands, over all dots.
    fn mark(&self, painter: &Painter, t: &Tokens, plot: Rect, scale: &Scale) {
        let Some(row) = self.marked else { return };
        for (i, swarm) in self.swarms.iter().enumerate() {
            let Some(x) = swarm.amounts.get(row).map(|amount| scale.at(*amount)) else { continue };
            if !plot.x_range().contains(x) {
                continue;
            }
            let (y, reach) = (plot.top() + ROW * (i as f32 + 0.5), dots::RADIUS + 3.5);
            let level = level_color(t, swarm.levels.get(row).copied().flatten());
            // A rim apart from the dots, then the strongest ink of the theme, then the value's colour: it is seen among dots
            // of every colour.
            for (reach, fill) in [(reach + 2.0, t.panel), (reach, t.strong), (reach * 0.5, level)] {
                let corners = [pos2(x, y - reach), pos2(x + reach, y), pos2(x, y + reach), pos2(x - reach, y)];
                painter.add(Shape::convex_polygon(corners.to_vec(), fill, Stroke::NONE));
            }
        }
    }

    /// What the dots are painted from.
    fn key(&self, t: &Tokens) -> dots::Key {
        let key = dots::Key::new().with_colors(&[t.value_low, t.value_high, t.sub]);
        self.swarms.iter().fold(key, |key, swarm| {
            let key = key.with_data(&swarm.amounts, |amount| *amount);
            key.with_data(&swarm.levels, |level| level.map_or(-1.0, f64::from))
        })
    }

    /// The dots that are seen, from the plot's corner.
    fn dots(&self, t: &Tokens, plot: Rect, scale: &Scale) -> Vec<Dot> {
        let seen = plot.x_range().expand(dots::RADIUS);
        let mut all = Vec::new();
        let mut before = 0;
        for (i, swarm) in self.swarms.iter().enumerate() {
            let y = ROW * (i as f32 + 0.5);
            let places: Vec<(usize, f32)> = swarm
                .amounts
                .iter()
                .enumerate()
                .map(|(row, amount)| (row, scale.at(*amount)))
                .filter(|(_, x)| seen.contains(*x))
                .collect();
            for ((row, x), offset) in places.iter().zip(offsets(&places, scale.from)) {
                let color = level_color(t, swarm.levels.get(*row).copied().flatten());
                all.push(Dot { at: pos2(x - plot.left(), y + offset), color, point: (before + row) as u32 });
            }
            before += swarm.amounts.len();
        }
        all
    }

    /// Which feature and row a point is.
    fn which(&self, point: u32) -> (usize, usize) {
        let mut row = point as usize;
        for (i, swarm) in self.swarms.iter().enumerate() {
            if row < swarm.amounts.len() {
                return (i, row);
            }
            row -= swarm.amounts.len();
        }
        (0, 0)
    }

    fn about(&self, i: usize, row: usize) -> [String; 3] {
        let Some(swarm) = self.swarms.get(i) else { return Default::default() };
        let value = swarm.values.get(row).map_or("", String::as_str);
        let amount = swarm.amounts.get(row).copied().unwrap_or_default();
        let number = self.numbers.get(row).copied().unwrap_or(row as u64 + 1);
        [
            format!("Row {}", format::count(number)),
            format!("{} = {value}", swarm.name),
            format!("{} to {}", format::signed(amount), self.what),
        ]
    }
}

/// The colour of a value between the lowest and the highest.
pub(super) fn level_color(t: &Tokens, level: Option<f32>) -> Color32 {
    level.map_or(t.sub, |level| paint::mix(t.value_low, t.value_high, level))
}

/// What the colours mean, at the right end of a line.
pub(super) fn legend(painter: &Painter, t: &Tokens, rect: Rect, what: &str, ends: [&str; 2]) {
    let y = rect.top() + 7.0;
    let words = |text: &str, room: f32| paint::one_line(painter, text, fonts::regular(size::CAPTION), t.sub, room);
    let high = paint::galley_right(painter, rect.right() - 12.0, y, words(ends[1], 90.0));
    let bar = Rect::from_min_max(pos2(high.left() - 86.0, y - 4.0), pos2(high.left() - 6.0, y + 4.0));
    let mut mesh = Mesh::default();
    mesh.colored_vertex(bar.left_top(), t.value_low);
    mesh.colored_vertex(bar.right_top(), t.value_high);
    mesh.colored_vertex(bar.right_bottom(), t.value_high);
    mesh.colored_vertex(bar.left_bottom(), t.value_low);
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(0, 2, 3);
    painter.add(Shape::mesh(mesh));
    let low = paint::galley_right(painter, bar.left() - 6.0, y, words(ends[0], 90.0));
    let room = (low.left() - rect.left() - 12.0).max(24.0);
    paint::galley_right(painter, low.left() - 10.0, y, words(what, room));
}

/// How far each point is moved off its line so that points do not hide each other.
///
/// Points that fall into the same bin along x are stacked alternately above and below, and the
/// stack is squeezed when it would leave its row.
fn offsets(places: &[(usize, f32)], left: f32) -> Vec<f32> {
    let step = dots::RADIUS * 1.7;
    let bin = |x: f32| ((x - left) / step).round() as i32;
    let first = places.iter().map(|(_, x)| bin(*x)).min().unwrap_or(0);
    let last = places.iter().map(|(_, x)| bin(*x)).max().unwrap_or(0);
    let mut counts = vec![0_u32; (last - first) as usize + 1];
    let ranks: Vec<u32> = places
        .iter()
        .map(|(_, x)| {
            let count = &mut counts[(bin(*x) - first) as usize];
            *count += 1;
            *count - 1
        })
        .collect();
    let tallest = ranks.iter().max().map_or(0.0, |rank| (rank.div_ceil(2)) as f32 * step);
    let squeeze = ((ROW / 2.0 - dots::RADIUS - 1.0) / tallest.max(0.1)).min(1.0);
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
        let places = |xs: &[f32]| -> Vec<(usize, f32)> { xs.iter().copied().enumerate().collect() };
        let spread = offsets(&places(&[150.0; 60]), 0.0);
        assert_eq!(spread[0], 0.0);
        assert!(spread[1] < 0.0 && spread[2] > 0.0);
        assert!(spread.iter().all(|o| o.abs() <= ROW / 2.0));
        assert_eq!(offsets(&places(&[30.0, 270.0]), 0.0), [0.0, 0.0]);
        assert!(offsets(&[], 0.0).is_empty());
    }

    #[test]
    fn a_point_knows_its_feature_its_row_and_the_rows_number() {
        let swarm = |name: &str| Swarm {
            name: name.to_owned(),
            amounts: vec![0.5, -0.25],
            levels: vec![None, Some(1.0)],
            values: vec!["a".to_owned(), "b".to_owned()],
        };
        let swarms = [swarm("one"), swarm("two")];
        let chart = Beeswarm::new("yes", &swarms).numbers(&[7, 90]);
        let (i, row) = chart.which(3);
        assert_eq!((i, row), (1, 1));
        assert_eq!(chart.about(i, row)[..2], ["Row 90".to_owned(), "two = b".to_owned()]);
    }
}
