//! A histogram: how often values fall into each bin.

use egui::{Align2, Rect, Response, Stroke, Ui, pos2, vec2};

use super::axes::{self, Scale};
use super::{hover, surface};
use crate::fonts::{self, size};
use crate::format;
use crate::tokens::Tokens;

/// Counts in bins.
#[must_use]
pub struct Histogram<'a> {
    what: &'a str,
    edges: &'a [f64],
    counts: &'a [u64],
    height: f32,
}

impl<'a> Histogram<'a> {
    /// `edges` has one more value than `counts`.
    pub fn new(what: &'a str, edges: &'a [f64], counts: &'a [u64]) -> Self {
        Self { what, edges, counts, height: 150.0 }
    }

    /// The height in points.
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let total: u64 = self.counts.iter().sum();
        let mode = self.counts.iter().enumerate().max_by_key(|(_, count)| **count);
        let (Some((i, _)), Some(low), Some(high)) = (mode, self.edges.first(), self.edges.last()) else {
            return format!("{}: no values", self.what);
        };
        format!(
            "{} of {}, from {} to {}, most often between {} and {}",
            self.what,
            format::plural(total, "value", "values"),
            format::number(*low),
            format::number(*high),
            format::number(self.edges[i]),
            self.edges.get(i + 1).map_or_else(String::new, |edge| format::number(*edge)),
        )
    }

    /// Shows the chart.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let (rect, response, painter) = surface(ui, self.height, &self.summary());
        let plot = Rect::from_min_max(rect.min + vec2(44.0, 6.0), rect.max - vec2(10.0, 38.0));
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1);
        let y = Scale::new(0.0, most as f64 * 1.05, plot.bottom(), plot.top());
        let (low, high) = (self.edges.first().copied().unwrap_or(0.0), self.edges.last().copied().unwrap_or(1.0));
        let x = Scale::new(low, high, plot.left(), plot.right());
        axes::paint_y(&painter, t, plot, &y, |value, _| format::number(value));
        axes::paint_x(&painter, t, plot, &x, false);
        let pointer = response.hover_pos().filter(|p| plot.expand(2.0).contains(*p));
        for (count, edges) in self.counts.iter().zip(self.edges.windows(2)) {
            let left = x.at(edges[0]) + 0.5;
            let right = (x.at(edges[1]) - 0.5).max(left + 0.5);
            let bar = Rect::from_min_max(pos2(left, y.at(*count as f64)), pos2(right, plot.bottom()));
            let here = pointer.is_some_and(|p| (left..=right).contains(&p.x));
            let color = t.series[0];
            painter.rect_filled(bar, 1.0, if here { crate::paint::mix(color, t.strong, 0.3) } else { color });
            if here {
                let range = format!("{} to {}", format::number(edges[0]), format::number(edges[1]));
                hover(&response, &[range, format::plural(*count, "value", "values")]);
            }
        }
        painter.hline(plot.x_range(), plot.bottom(), Stroke::new(1.0, t.line_strong));
        let title = fonts::regular(size::CAPTION);
        painter.text(pos2(plot.center().x, rect.bottom()), Align2::CENTER_BOTTOM, self.what, title, t.sub);
        response
    }
}
