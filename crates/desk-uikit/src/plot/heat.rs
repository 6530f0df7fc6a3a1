//! A heat map of counts with its numbers written in: confusion matrices.

use egui::{Align2, Painter, Rect, Response, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{hover, surface};
use crate::contrast;
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// Counts by row and column.
#[must_use]
pub struct Heat<'a> {
    rows: &'a [String],
    columns: &'a [String],
    counts: &'a [Vec<u64>],
    row_title: &'a str,
    column_title: &'a str,
}

impl<'a> Heat<'a> {
    /// A confusion matrix: `counts[i][j]` rows of class `i` that were predicted as `j`.
    pub fn confusion(labels: &'a [String], counts: &'a [Vec<u64>]) -> Self {
        Self { rows: labels, columns: labels, counts, row_title: "Actual", column_title: "Predicted" }
    }

    fn at(&self, row: usize, column: usize) -> u64 {
        self.counts.get(row).and_then(|counts| counts.get(column)).copied().unwrap_or(0)
    }

    fn row_total(&self, row: usize) -> u64 {
        self.counts.get(row).map_or(0, |counts| counts.iter().sum())
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let total: u64 = (0..self.rows.len()).map(|i| self.row_total(i)).sum();
        let right: u64 = (0..self.rows.len()).map(|i| self.at(i, i)).sum();
        let wrong: Vec<(usize, usize)> = (0..self.rows.len())
            .flat_map(|i| (0..self.columns.len()).map(move |j| (i, j)))
            .filter(|(i, j)| i != j && self.at(*i, *j) > 0)
            .collect();
        let mut text = format!("{} of {} right", format::count(right), format::plural(total, "row", "rows"));
        if let Some((i, j)) = wrong.iter().copied().max_by_key(|(i, j)| self.at(*i, *j)) {
            let most = self.at(i, j);
            let times = format::plural(most, "time", "times");
            let alike = wrong.iter().filter(|(i, j)| self.at(*i, *j) == most).count() as u64 - 1;
            let as_often = match alike {
                0 => String::new(),
                n => format!(", as often as {}", format::plural(n, "other pair", "other pairs")),
            };
            let (actual, predicted) = (&self.rows[i], &self.columns[j]);
            text = format!("{text}; most often wrong: {actual} predicted as {predicted}, {times}{as_often}");
        }
        text
    }

    /// Shows the chart, at most `max_width` wide.
    pub fn show(&self, ui: &mut Ui, max_width: f32) -> Response {
        let t = Tokens::of(ui);
        let n = self.columns.len().max(1) as f32;
        let widest = self
            .rows
            .iter()
            .map(|r| ui.painter().layout_no_wrap(r.clone(), fonts::regular(size::SMALL), t.text).size().x)
            .fold(40.0, f32::max)
            .min(120.0);
        let left = widest + 12.0;
        let room = ui.available_width().min(max_width);
        let cell = ((room - left) / n).clamp(24.0, 110.0);
        let cell_height = cell.min(56.0);
        let top = 38.0;
        let height = top + cell_height * self.rows.len() as f32 + 2.0;
        let (rect, response, painter) = surface(ui, height, &self.summary());
        self.titles(&painter, t, rect, left, top, cell);
        let pointer = response.hover_pos();
        let most = (0..self.rows.len()).flat_map(|i| (0..self.columns.len()).map(move |j| self.at(i, j))).max();
        for (i, row) in self.rows.iter().enumerate() {
            let y = rect.top() + top + cell_height * i as f32;
            let name = paint::one_line(&painter, row, fonts::regular(size::SMALL), t.text, widest);
            paint::galley_right(&painter, rect.left() + left - 8.0, y + cell_height / 2.0, name);
            for (j, column) in self.columns.iter().enumerate() {
                let at = Rect::from_min_size(pos2(rect.left() + left + cell * j as f32, y), vec2(cell, cell_height));
                let at = at.shrink(1.0);
                let count = self.at(i, j);
                let strength = count as f32 / most.unwrap_or(0).max(1) as f32;
                let fill = paint::mix(t.hover, t.heat, strength.sqrt());
                painter.rect_filled(at, 3.0, fill);
                if i == j {
                    painter.rect_stroke(at, 3.0, Stroke::new(1.0, t.line_strong), StrokeKind::Inside);
                }
                let share = count as f64 / self.row_total(i).max(1) as f64;
                cell_text(&painter, t, at, fill, count, share);
                if pointer.is_some_and(|p| at.contains(p)) {
                    painter.rect_stroke(at, 3.0, Stroke::new(2.0, t.strong), StrokeKind::Inside);
                    hover(
                        &response,
                        &[
                            format!(
                                "{} {row}, {} {column}",
                                self.row_title.to_lowercase(),
                                self.column_title.to_lowercase()
                            ),
                            format!("{} ({} of its row)", format::plural(count, "row", "rows"), format::percent(share)),
                        ],
                    );
                }
            }
        }
        response
    }

    fn titles(&self, painter: &Painter, t: &Tokens, rect: Rect, left: f32, top: f32, cell: f32) {
        let caption = fonts::regular(size::CAPTION);
        let middle = rect.left() + left + cell * self.columns.len() as f32 / 2.0;
        painter.text(pos2(middle, rect.top()), Align2::CENTER_TOP, self.column_title, caption.clone(), t.sub);
        let corner = pos2(rect.left() + left - 8.0, rect.top() + top - 4.0);
        painter.text(corner, Align2::RIGHT_BOTTOM, self.row_title, caption, t.sub);
        for (j, column) in self.columns.iter().enumerate() {
            let x = rect.left() + left + cell * (j as f32 + 0.5);
            let name = paint::one_line(painter, column, fonts::regular(size::SMALL), t.text, cell - 4.0);
            painter.galley(pos2(x - name.size().x / 2.0, rect.top() + top - 6.0 - name.size().y), name, t.text);
        }
    }
}

fn cell_text(painter: &Painter, t: &Tokens, at: Rect, fill: egui::Color32, count: u64, share: f64) {
    let ink = contrast::ink_on(fill, t.strong, t.on_accent);
    let number = format::count(count);
    let font = if at.width() > 46.0 { fonts::semibold(size::SECTION) } else { fonts::regular(size::CAPTION) };
    if at.height() >= 40.0 && at.width() > 46.0 {
        painter.text(at.center() - vec2(0.0, 7.0), Align2::CENTER_CENTER, number, font, ink);
        let small = fonts::regular(size::CAPTION);
        painter.text(at.center() + vec2(0.0, 10.0), Align2::CENTER_CENTER, format::percent(share), small, ink);
    } else {
        painter.text(at.center(), Align2::CENTER_CENTER, number, font, ink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_has_the_total_and_the_worst_mistake() {
        let labels = ["no".to_owned(), "yes".to_owned()];
        let counts = [vec![9812, 188], vec![120, 2280]];
        let text = Heat::confusion(&labels, &counts).summary().replace('\u{202f}', " ");
        assert_eq!(text, "12 092 of 12 400 rows right; most often wrong: no predicted as yes, 188 times");
        let tied = Heat::confusion(&labels, &[vec![5, 1], vec![1, 5]]).summary().replace('\u{202f}', " ");
        assert!(tied.ends_with("predicted as no, 1 time, as often as 1 other pair"), "{tied}");
        assert_eq!(Heat::confusion(&[], &[]).summary(), "0 of 0 rows right");
    }
}
