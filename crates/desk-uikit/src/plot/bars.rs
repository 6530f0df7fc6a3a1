//! Horizontal bars with their intervals: importances, agreements, counts by group.

use egui::{Rect, Response, Stroke, Ui, pos2, vec2};

use super::axes::{self, Scale};
use super::{beeswarm, hover, surface};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// The interval around the value, when it is an estimate.
    pub interval: Option<(f64, f64)>,
}

/// A chart of horizontal bars, in the order given.
#[must_use]
pub struct Bars<'a> {
    what: &'a str,
    items: &'a [Bar],
    /// Height of a bar's line, and what is free above the first.
    line: (f32, f32),
    /// The axis reaches as far as this at least.
    up_to: f64,
}

const ROW: f32 = 26.0;
const AXIS: f32 = 24.0;

impl<'a> Bars<'a> {
    /// Bars of `what`, such as `mean |contribution|`.
    pub fn new(what: &'a str, items: &'a [Bar]) -> Self {
        Self { what, items, line: (ROW, 0.0), up_to: 0.0 }
    }

    /// On the same lines as a beeswarm of the same features beside it.
    pub fn beside_beeswarm(mut self) -> Self {
        self.line = (beeswarm::ROW, beeswarm::LEGEND);
        self
    }

    /// On the same axis as other charts beside it, whose largest value this is.
    pub fn up_to(mut self, value: f64) -> Self {
        self.up_to = value;
        self
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let mut items: Vec<&Bar> = self.items.iter().collect();
        items.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        let top: Vec<String> =
            items.iter().take(3).map(|bar| format!("{} {}", bar.name, format::number(bar.value))).collect();
        format!("{} of {}: {}", self.what, format::plural(items.len() as u64, "item", "items"), top.join(", "))
    }

    /// Shows the chart.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let (row, above) = self.line;
        let height = above + row * self.items.len() as f32 + AXIS;
        let (rect, response, painter) = surface(ui, height, &self.summary());
        let widest = self
            .items
            .iter()
            .map(|b| painter.layout_no_wrap(b.name.clone(), fonts::regular(size::BODY), t.text).size().x)
            .fold(60.0, f32::max);
        let label_width = widest.min(rect.width() * 0.4);
        let plot = Rect::from_min_max(rect.min + vec2(label_width + 12.0, above), rect.max - vec2(64.0, AXIS));
        let ends = self.items.iter().flat_map(|b| {
            let (low, high) = b.interval.unwrap_or((b.value, b.value));
            [0.0, b.value, low, high, self.up_to]
        });
        let mut scale = Scale::over(ends, 0.0, plot.left(), plot.right());
        scale.max = if scale.max <= 0.0 && scale.min >= 0.0 { 1.0 } else { scale.max };
        axes::paint_x(&painter, t, plot, &scale, true);
        painter.vline(scale.at(0.0), plot.y_range(), Stroke::new(1.0, t.line_strong));
        let alike = format::Alike::of(self.items.iter().map(|bar| bar.value));
        for (i, bar) in self.items.iter().enumerate() {
            let y = plot.top() + row * (i as f32 + 0.5);
            let name = paint::one_line(&painter, &bar.name, fonts::regular(size::BODY), t.text, label_width);
            paint::galley_left(&painter, rect.left(), y, name);
            let color = if bar.value >= 0.0 { t.positive } else { t.negative };
            let (zero, end) = (scale.at(0.0), scale.at(bar.value));
            let body = Rect::from_two_pos(pos2(zero, y - 7.0), pos2(end, y + 7.0));
            painter.rect_filled(body, 2.0, color);
            let mut right = zero.max(end);
            if let Some((low, high)) = bar.interval {
                let (low, high) = (scale.at(low), scale.at(high));
                // A halo in the surface's colour keeps the interval visible on its own bar.
                for stroke in [Stroke::new(3.5, t.raised), Stroke::new(1.5, t.strong)] {
                    painter.hline(low..=high, y, stroke);
                    painter.vline(low, y - 4.0..=y + 4.0, stroke);
                    painter.vline(high, y - 4.0..=y + 4.0, stroke);
                }
                right = right.max(high);
            }
            let value = paint::one_line(&painter, &alike.number(bar.value), fonts::medium(size::SMALL), t.text, 70.0);
            paint::galley_left(&painter, right + 8.0, y, value);
        }
        let pointed = response.hover_pos().filter(|p| p.y >= plot.top());
        if let Some(bar) = pointed.and_then(|p| self.items.get(((p.y - plot.top()) / row) as usize)) {
            let mut lines = vec![bar.name.clone(), format!("{} {}", self.what, format::number(bar.value))];
            if let Some((low, high)) = bar.interval {
                lines.push(format!("between {} and {}", format::number(low), format::number(high)));
            }
            hover(&response, &lines);
        }
        response
    }
}
