//! A decision plot: how the answers of many rows come about, feature by feature, from the base at the bottom to the
//! answer at the top.

use egui::{Color32, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::axes::{self, Scale};
use super::beeswarm::{legend, level_color};
use super::hover;
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// Lines of rows over features.
#[must_use]
pub struct Decision<'a> {
    base: f64,
    /// The most important first.
    names: &'a [String],
    rows: &'a [DecisionRow],
    what: &'a str,
    marked: Option<usize>,
}

/// One row's way.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    /// Its index among all rows, which a press gives back.
    pub row: usize,
    /// Its number, for people.
    pub number: u64,
    /// What the named features add, in their order.
    pub amounts: Vec<f64>,
    /// What all features without a name add together.
    pub others: f64,
}

/// Height of a feature's line.
const ROW: f32 = 26.0;
const LEGEND: f32 = 22.0;
const TOP: f32 = 22.0;
const AXIS: f32 = 24.0;
/// Width of the legend.
const KEY: f32 = 200.0;
/// So far from the pointer a line is found.
const NEAR: f32 = 8.0;

impl DecisionRow {
    /// Where the way is below each feature's line and above the last: from the base, over the others, to the answer.
    fn way(&self, base: f64) -> Vec<f64> {
        let mut at = base + self.others;
        let mut way = vec![base, at];
        for amount in self.amounts.iter().rev() {
            at += amount;
            way.push(at);
        }
        way
    }
}

impl<'a> Decision<'a> {
    /// Ways from `base` over the features `names`, the most important first, to each row's `what`.
    pub fn new(base: f64, names: &'a [String], rows: &'a [DecisionRow], what: &'a str) -> Self {
        Self { base, names, rows, what, marked: None }
    }

    /// A row, by its index, that stands out.
    pub fn marked(mut self, row: usize) -> Self {
        self.marked = Some(row);
        self
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let end = |row: &DecisionRow| row.way(self.base).last().copied().unwrap_or(self.base);
        let low = self.rows.iter().map(end).fold(f64::INFINITY, f64::min);
        let high = self.rows.iter().map(end).fold(f64::NEG_INFINITY, f64::max);
        let rows = format::plural(self.rows.len() as u64, "row", "rows");
        let first: Vec<&str> = self.names.iter().take(3).map(String::as_str).collect();
        format!(
            "The {} of {rows} from a base of {} to between {} and {}; the last steps are {}",
            self.what,
            format::number(self.base),
            format::number(low),
            format::number(high),
            first.join(", ")
        )
    }

    /// Shows the chart; gives the response and the index of the row under the pointer.
    pub fn show(&self, ui: &mut Ui) -> (Response, Option<usize>) {
        let t = Tokens::of(ui);
        // The lowest line is that of all other features.
        let lines = self.names.len() + 1;
        let height = LEGEND + TOP + ROW * lines as f32 + AXIS;
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, self.summary()));
        let painter = ui.painter_at(rect.expand(1.0));
        let own = |name: &String| painter.layout_no_wrap(name.clone(), fonts::regular(size::BODY), t.text).size().x;
        let label = self.names.iter().map(own).fold(90.0, f32::max).min(rect.width() * 0.35);
        let corner = rect.min + vec2(label + 16.0, LEGEND + TOP);
        let plot = Rect::from_min_max(corner, rect.max - vec2(16.0, AXIS));
        let ways: Vec<Vec<f64>> = self.rows.iter().map(|row| row.way(self.base)).collect();
        let scale = Scale::over(ways.iter().flatten().copied(), 0.04, plot.left(), plot.right());
        axes::paint_x(&painter, t, plot, &scale, true);
        legend(&painter, t, rect, "Answer", ["low", "high"]);
        self.labels(&painter, t, rect, plot, label);
        let dashed = plot.top() - TOP..=plot.bottom();
        paint::dashed_vline(&painter, scale.at(self.base), dashed, Stroke::new(1.0, t.line_strong));
        let places = |way: &Vec<f64>| -> Vec<Pos2> {
            way.iter().enumerate().map(|(i, x)| pos2(scale.at(*x), plot.bottom() - ROW * i as f32)).collect()
        };
        let lines: Vec<Vec<Pos2>> = ways.iter().map(places).collect();
        let colors = colors(t, &ways);
        // Many lines let those below them through.
        let faint = if self.rows.len() > 60 { 0.45 } else { 0.8 };
        for (points, color) in lines.iter().zip(&colors) {
            painter.add(Shape::line(points.clone(), Stroke::new(1.2, color.gamma_multiply(faint))));
        }
        let find = |row: Option<usize>| row.and_then(|row| self.rows.iter().position(|of| of.row == row));
        let under = response.hover_pos().and_then(|at| nearest(&lines, at, plot));
        for (at, width) in [(find(self.marked), 3.0), (under, 2.5)] {
            let Some(at) = at else { continue };
            painter.add(Shape::line(lines[at].clone(), Stroke::new(width + 2.0, t.raised)));
            painter.add(Shape::line(lines[at].clone(), Stroke::new(width, colors[at])));
            let Some((end, answer)) = lines[at].last().zip(ways[at].last()) else { continue };
            painter.circle(*end, 4.0, colors[at], Stroke::new(1.5, t.strong));
            let words = format!("row {}: {}", format::count(self.rows[at].number), format::number(*answer));
            let text = painter.layout_no_wrap(words, fonts::medium(size::SMALL), t.strong);
            let left = (end.x - text.size().x / 2.0).clamp(rect.left(), rect.right() - text.size().x);
            let behind = Rect::from_min_size(pos2(left - 3.0, end.y - 22.0), text.size() + vec2(6.0, 3.0));
            painter.rect_filled(behind, 2.0, t.raised);
            painter.galley(behind.min + vec2(3.0, 1.0), text, t.strong);
        }
        if let (Some(at), Some(pointer)) = (under, response.hover_pos()) {
            self.tell(&response, &self.rows[at], &ways[at], ((plot.bottom() - pointer.y) / ROW).floor() as isize);
        }
        (response, under.map(|at| self.rows[at].row))
    }

    fn labels(&self, painter: &Painter, t: &Tokens, rect: Rect, plot: Rect, label: f32) {
        let others = "Other features".to_owned();
        for (i, name) in self.names.iter().chain([&others]).enumerate() {
            let y = plot.top() + ROW * (i as f32 + 0.5);
            let ink = if i < self.names.len() { t.text } else { t.sub };
            let name = paint::one_line(painter, name, fonts::regular(size::BODY), ink, label);
            paint::galley_left(painter, rect.left(), y, name);
            painter.hline(plot.x_range(), plot.top() + ROW * i as f32, Stroke::new(1.0, t.line));
        }
        let room = (plot.width() - KEY).max(60.0);
        let what = paint::one_line(painter, self.what, fonts::medium(size::CAPTION), t.sub, room);
        paint::galley_left(painter, plot.left(), rect.top() + 7.0, what);
    }

    /// What one feature adds on the way of a row; `step` counts from the bottom.
    fn tell(&self, response: &Response, row: &DecisionRow, way: &[f64], step: isize) {
        let step = step.clamp(0, way.len() as isize - 2) as usize;
        let name = match step {
            0 => "Other features",
            step => self.names[self.names.len() - step].as_str(),
        };
        let adds = format::signed(way[step + 1] - way[step]);
        let lines = [
            format!("Row {}", format::count(row.number)),
            format!("{name} {adds}, to {}", format::number(way[step + 1])),
        ];
        hover(response, &lines);
    }
}

/// By where each way ends, from the lowest answer to the highest.
fn colors(t: &Tokens, ways: &[Vec<f64>]) -> Vec<Color32> {
    let ends = || ways.iter().filter_map(|way| way.last().copied());
    let (low, high) = (ends().fold(f64::INFINITY, f64::min), ends().fold(f64::NEG_INFINITY, f64::max));
    let level = |end: f64| if high > low { ((end - low) / (high - low)) as f32 } else { 0.5 };
    ends().map(|end| level_color(t, Some(level(end)))).collect()
}

/// The way that is nearest to a point, along x at its height.
fn nearest(lines: &[Vec<Pos2>], at: Pos2, plot: Rect) -> Option<usize> {
    if !plot.expand(NEAR).contains(at) {
        return None;
    }
    let step = (((plot.bottom() - at.y) / ROW).max(0.0)) as usize;
    let part = ((plot.bottom() - at.y) / ROW - step as f32).clamp(0.0, 1.0);
    let away = |points: &Vec<Pos2>| {
        let from = points.get(step).or(points.last())?;
        let to = points.get(step + 1).or(points.last())?;
        Some((from.x + (to.x - from.x) * part - at.x).abs())
    };
    let all = lines.iter().enumerate().filter_map(|(i, points)| Some((i, away(points)?)));
    all.filter(|(_, away)| *away <= NEAR).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, amounts: [f64; 2], others: f64) -> DecisionRow {
        DecisionRow { row: number as usize - 1, number, amounts: amounts.to_vec(), others }
    }

    #[test]
    fn a_way_leads_from_the_base_to_the_answer_with_the_most_important_last() {
        let row = row(4, [0.5, -0.25], 0.125);
        assert_eq!(row.way(0.25), [0.25, 0.375, 0.125, 0.625]);
        let names = ["a".to_owned(), "b".to_owned()];
        let rows = [row];
        let text = Decision::new(0.25, &names, &rows, "probability of yes").summary();
        assert_eq!(
            text,
            "The probability of yes of 1 row from a base of 0.25 to between 0.625 and 0.625; the last steps are a, b"
        );
    }

    #[test]
    fn the_nearest_way_is_found_at_the_height_of_the_pointer() {
        let plot = Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 2.0 * ROW));
        let line =
            |xs: [f32; 3]| xs.iter().enumerate().map(|(i, x)| pos2(*x, plot.bottom() - ROW * i as f32)).collect();
        let lines = vec![line([50.0, 20.0, 10.0]), line([50.0, 60.0, 90.0])];
        assert_eq!(nearest(&lines, pos2(62.0, ROW), plot), Some(1));
        assert_eq!(nearest(&lines, pos2(15.0, ROW / 2.0), plot), Some(0));
        assert_eq!(nearest(&lines, pos2(40.0, ROW), plot), None, "none is near");
        assert_eq!(nearest(&lines, pos2(10.0, -30.0), plot), None, "outside");
    }
}
