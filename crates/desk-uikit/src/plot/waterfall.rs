//! A waterfall: from the base value to the prediction, one feature's contribution at a time.

use egui::{Painter, Rect, Response, Shape, Stroke, Ui, pos2};

use super::axes::{self, Scale};
use super::{hover, surface};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// One feature's part in an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// The feature.
    pub name: String,
    /// Its value in this row, as text; may be empty.
    pub value: String,
    /// What it adds.
    pub amount: f64,
}

/// A waterfall of contributions.
#[must_use]
pub struct Waterfall<'a> {
    base: f64,
    prediction: f64,
    items: &'a [Contribution],
    at_most: usize,
    unit: &'a str,
}

const ROW: f32 = 26.0;
const AXIS: f32 = 24.0;

impl<'a> Waterfall<'a> {
    /// Contributions that lead from `base` to `prediction`, in any order.
    pub fn new(base: f64, prediction: f64, items: &'a [Contribution]) -> Self {
        Self { base, prediction, items, at_most: 10, unit: "prediction" }
    }

    /// How many features get their own row; the rest are one row together.
    pub fn at_most(mut self, rows: usize) -> Self {
        self.at_most = rows.max(1);
        self
    }

    /// What is explained, such as `probability of yes`.
    pub fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// The rows as shown: largest first, the rest added up.
    fn rows(&self) -> Vec<Contribution> {
        let mut rows = self.items.to_vec();
        rows.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
        if rows.len() > self.at_most {
            let rest = rows.split_off(self.at_most);
            let amount = rest.iter().map(|c| c.amount).sum();
            rows.push(Contribution { name: format!("{} other features", rest.len()), value: String::new(), amount });
        }
        rows
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let rows = self.rows();
        let top: Vec<String> =
            rows.iter().take(3).map(|c| format!("{} {}", c.name, format::signed(c.amount))).collect();
        format!(
            "{} is {}, from a base of {}; largest contributions: {}",
            sentence(self.unit),
            format::number(self.prediction),
            format::number(self.base),
            if top.is_empty() { "none".to_owned() } else { top.join(", ") }
        )
    }

    /// Shows the chart.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let rows = self.rows();
        let height = ROW * (rows.len() as f32 + 2.0) + AXIS;
        let (rect, response, painter) = surface(ui, height, &self.summary());
        let label_width = label_width(&painter, &rows, rect.width());
        let mut ends = vec![self.base, self.prediction];
        let mut at = self.base;
        for row in &rows {
            at += row.amount;
            ends.push(at);
        }
        // Room for the amounts, which stand beside the bars.
        let plot =
            Rect::from_min_max(pos2(rect.left() + label_width + 12.0, rect.top()), rect.max - egui::vec2(64.0, AXIS));
        let scale = Scale::over(ends, 0.02, plot.left() + 60.0, plot.right());
        axes::paint_x(&painter, t, plot, &scale, true);

        // Below the bars: the amounts beside them are not to be struck through.
        for value in [self.base, self.prediction] {
            let lines = rect.top() + ROW * 0.5..=rect.bottom() - AXIS;
            paint::dashed_vline(&painter, scale.at(value), lines, Stroke::new(1.0, t.line_strong));
        }
        end_row(&painter, t, rect, &scale, 0, "Base value", self.base);
        let alike = format::Alike::of(rows.iter().map(|row| row.amount));
        let mut from = self.base;
        for (i, row) in rows.iter().enumerate() {
            let to = from + row.amount;
            let y = plot.top() + ROW * (i as f32 + 1.5);
            paint_label(&painter, t, rect.left(), y, label_width, row);
            paint_bar(&painter, t, &scale, y, (from, to), (row.amount, &alike.signed(row.amount)));
            let connect = Stroke::new(1.0, t.line_strong);
            painter.vline(scale.at(to), y + 9.0..=y + ROW - 9.0, connect);
            from = to;
        }
        end_row(&painter, t, rect, &scale, rows.len() + 1, "Prediction", self.prediction);

        if let Some(pointer) = response.hover_pos() {
            let index = ((pointer.y - plot.top()) / ROW).floor() as isize - 1;
            if let Some(row) = usize::try_from(index).ok().and_then(|i| rows.get(i)) {
                let name =
                    if row.value.is_empty() { row.name.clone() } else { format!("{} = {}", row.name, row.value) };
                hover(&response, &[name, format!("{} to {}", format::signed(row.amount), self.unit)]);
            }
        }
        response
    }
}

fn end_row(painter: &Painter, t: &Tokens, rect: Rect, scale: &Scale, index: usize, name: &str, value: f64) {
    let y = rect.top() + ROW * (index as f32 + 0.5);
    let galley = paint::one_line(painter, name, fonts::medium(size::BODY), t.strong, rect.width() * 0.4);
    paint::galley_left(painter, rect.left(), y, galley);
    let x = scale.at(value);
    painter.circle_filled(pos2(x, y), 4.0, t.strong);
    let text = paint::one_line(painter, &format::number(value), fonts::semibold(size::BODY), t.strong, 120.0);
    let left = x + 9.0;
    let behind = Rect::from_min_size(pos2(left - 2.0, y - 9.0), egui::vec2(text.size().x + 4.0, 18.0));
    painter.rect_filled(behind, 2.0, t.raised);
    paint::galley_left(painter, left, y, text);
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn label_width(painter: &Painter, rows: &[Contribution], width: f32) -> f32 {
    let widest = rows
        .iter()
        .map(|row| {
            let text = format!("{} = {}", row.name, row.value);
            painter.layout_no_wrap(text, fonts::regular(size::BODY), egui::Color32::WHITE).size().x
        })
        .fold(80.0, f32::max);
    widest.min(width * 0.38)
}

fn paint_label(painter: &Painter, t: &Tokens, x: f32, y: f32, width: f32, row: &Contribution) {
    let name = paint::one_line(painter, &row.name, fonts::regular(size::BODY), t.text, width);
    let end = paint::galley_left(painter, x, y, name).right();
    let room = x + width - end;
    if !row.value.is_empty() && room > 30.0 {
        let text = format!(" = {}", row.value);
        let value = paint::one_line(painter, &text, fonts::regular(size::BODY), t.sub, room);
        paint::galley_left(painter, end, y, value);
    }
}

/// A bar whose end is an arrow head, so that its direction does not hang on colour.
fn paint_bar(painter: &Painter, t: &Tokens, scale: &Scale, y: f32, ends: (f64, f64), amount: (f64, &str)) {
    let ((from, to), (amount, said)) = (ends, amount);
    let color = if amount >= 0.0 { t.positive } else { t.negative };
    let (a, b) = (scale.at(from), scale.at(to));
    let half = 8.0;
    let head = 6.0_f32.min((b - a).abs()).copysign(b - a);
    let points =
        vec![pos2(a, y - half), pos2(b - head, y - half), pos2(b, y), pos2(b - head, y + half), pos2(a, y + half)];
    painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
    let text = paint::one_line(painter, said, fonts::medium(size::SMALL), t.text, 80.0);
    let left = if amount >= 0.0 { a.max(b) + 6.0 } else { a.min(b) - 6.0 - text.size().x };
    let behind = Rect::from_min_size(pos2(left - 2.0, y - 8.0), egui::vec2(text.size().x + 4.0, 16.0));
    painter.rect_filled(behind, 2.0, t.raised);
    paint::galley_left(painter, left, y, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<Contribution> {
        [("tenure", "2", 0.31), ("contract", "monthly", 0.22), ("support", "1", -0.08), ("age", "44", 0.01)]
            .into_iter()
            .map(|(name, value, amount)| Contribution { name: name.into(), value: value.into(), amount })
            .collect()
    }

    #[test]
    fn the_rest_is_added_up_and_the_sentence_names_the_largest() {
        let items = items();
        let chart = Waterfall::new(0.26, 0.72, &items).at_most(2).unit("probability of churn");
        let rows = chart.rows();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2].name, "2 other features");
        assert!((rows[2].amount + 0.07).abs() < 1e-12);
        let text = chart.summary();
        assert!(text.starts_with("Probability of churn is 0.72, from a base of 0.26"), "{text}");
        assert!(text.contains("tenure +0.31, contract +0.22"), "{text}");
    }
}
