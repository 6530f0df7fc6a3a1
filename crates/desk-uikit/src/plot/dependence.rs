//! Dependence: what a feature contributes in each row against its value there, coloured by another feature.
//!
//! As shap's `dependence_plot`: one dot a row, exactly where its value and its contribution are.

use egui::{Rect, Response, Ui, pos2};
use egui_plot::{HLine, PlotPoint};

use super::axes::Scale;
use super::beeswarm::{legend, level_color};
use super::dots::{self, Dot};
use super::hover;
use super::stage::{Stage, Staged};
use crate::format;
use crate::text;
use crate::tokens::Tokens;

/// One row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DependencePoint {
    /// The feature's value; for text, the number of its category.
    pub x: f64,
    /// What the feature contributes.
    pub y: f64,
    /// Where the other feature's value lies, 0 (lowest) to 1 (highest); `None` where it has none.
    pub level: Option<f32>,
}

/// What the colours mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColoredBy<'a> {
    /// The other feature.
    pub name: &'a str,
    /// What its lowest and highest values are called.
    pub ends: [&'a str; 2],
}

/// Room beside the first and the last dot.
const MARGIN: f64 = 0.04;
const HEIGHT: f32 = 300.0;
/// The legend stands beside the axis' name where there is so much room.
const LEGEND: f32 = 300.0;

/// A chart of a feature's contributions by its value.
#[must_use]
pub struct Dependence<'a> {
    feature: &'a str,
    what: String,
    points: &'a [DependencePoint],
    names: &'a [String],
    by: Option<ColoredBy<'a>>,
    about: Option<&'a dyn Fn(usize) -> Vec<String>>,
    sentence: Option<&'a str>,
}

impl<'a> Dependence<'a> {
    /// Contributions of `feature` to `what`, such as `probability of yes`.
    pub fn new(feature: &'a str, what: impl Into<String>, points: &'a [DependencePoint]) -> Self {
        Self { feature, what: what.into(), points, names: &[], by: None, about: None, sentence: None }
    }

    /// The feature's values are categories of these names, numbered from 0.
    pub fn categories(mut self, names: &'a [String]) -> Self {
        self.names = names;
        self
    }

    /// The colours stand for another feature.
    pub fn colored_by(mut self, by: Option<ColoredBy<'a>>) -> Self {
        self.by = by;
        self
    }

    /// What is said of a point beside the pointer, a line each.
    pub fn about(mut self, about: &'a dyn Fn(usize) -> Vec<String>) -> Self {
        self.about = Some(about);
        self
    }

    /// The chart's sentence, where it is known already: it is worked out from all dots.
    pub fn sentence(mut self, sentence: &'a str) -> Self {
        self.sentence = Some(sentence);
        self
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let rows = format::plural(self.points.len() as u64, "row", "rows");
        let ends = |axis: fn(&DependencePoint) -> f64| {
            let all = self.points.iter().map(axis);
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        };
        if self.points.is_empty() {
            return format!("No row has a value of {}", self.feature);
        }
        let (low, high) = ends(|point| point.y);
        let values = if self.names.is_empty() {
            let (from, to) = ends(|point| point.x);
            format!("{} from {} to {}", self.feature, format::number(from), format::number(to))
        } else {
            format!("{}, {}", self.feature, format::plural(self.names.len() as u64, "category", "categories"))
        };
        let by = self.by.map(|by| format!(", coloured by {}", by.name)).unwrap_or_default();
        let (low, high) = (format::signed(low), format::signed(high));
        format!("{values}: moves the {} by {low} to {high} over {rows}{by}", self.what)
    }

    /// Shows the chart; returns the response and the point under the pointer.
    pub fn show(&self, ui: &mut Ui) -> (Response, Option<usize>) {
        let t = Tokens::of(ui);
        let id = ui.make_persistent_id((self.feature, &self.what, "dependence"));
        let line = ui.available_rect_before_wrap();
        let caption = text::caption(ui, format!("Contribution to the {}", self.what)).rect;
        if let Some(by) = self.by {
            let beside = line.right() - caption.right() > LEGEND;
            let at = if beside { caption.top() } else { ui.cursor().top() };
            let left = if beside { caption.right() } else { line.left() };
            if !beside {
                ui.add_space(18.0);
            }
            legend(
                ui.painter(),
                t,
                Rect::from_min_max(pos2(left, at), pos2(line.right(), at + 18.0)),
                by.name,
                by.ends,
            );
        }
        let summary = self.sentence.map_or_else(|| self.summary(), str::to_owned);
        let key = self.key(t);
        let (from, to) = dots::extent(ui, id.with("x"), key, || self.extent(|point| point.x));
        let (low, high) = dots::extent(ui, id.with("y"), key, || self.extent(|point| point.y));
        let bounds = if self.names.is_empty() {
            [from, to, low, high]
        } else {
            [-0.6, self.names.len() as f64 - 0.4, low, high]
        };
        // In a low window it can be seen whole all the same.
        let height = HEIGHT.min(ui.ctx().content_rect().height() * 0.55);
        let stage = Stage { id, height, bounds, x: self.feature, summary: &summary, names: self.names };
        let staged = stage.show(ui, |plot| {
            plot.hline(HLine::new("", 0.0).color(t.line_strong).width(1.0));
        });
        let found = self.paint(ui, t, id, &staged);
        (staged.response, found)
    }

    fn paint(&self, ui: &Ui, t: &Tokens, id: egui::Id, staged: &Staged) -> Option<usize> {
        let frame = *staged.transform.frame();
        let seen = staged.transform.bounds();
        let place = |point: &DependencePoint| staged.transform.position_from_point(&PlotPoint::new(point.x, point.y));
        let make = || {
            let dots = self.points.iter().enumerate().filter_map(|(i, point)| {
                let at = place(point);
                let color = level_color(t, point.level);
                let near = frame.expand(dots::RADIUS).contains(at);
                near.then(|| Dot { at: (at - frame.min).to_pos2(), color, point: i as u32 })
            });
            dots.collect()
        };
        let (low, high) = (seen.min(), seen.max());
        let view = (self.key(t), [low[0], high[0], high[1], low[1]]);
        let pointer = staged.response.hover_pos().filter(|_| !staged.response.dragged());
        let (dot, at) = dots::paint(ui, id.with("dots"), frame, view, pointer, make)?;
        let ring = egui::Stroke::new(1.5, t.strong);
        ui.painter_at(frame.expand(4.0)).circle_stroke(at, dots::RADIUS + 2.0, ring);
        let point = dot.point as usize;
        if let Some(about) = self.about {
            hover(&staged.response, &about(point));
        }
        Some(point)
    }

    /// What the dots are painted from.
    fn key(&self, t: &Tokens) -> dots::Key {
        let key = dots::Key::new().with_colors(&[t.value_low, t.value_high, t.sub]);
        let key = key.with_data(self.points, |point| point.x).with_data(self.points, |point| point.y);
        key.with_data(self.points, |point| point.level.map_or(-1.0, f64::from))
    }

    fn extent(&self, axis: fn(&DependencePoint) -> f64) -> (f64, f64) {
        let scale = Scale::over(self.points.iter().map(axis), MARGIN, 0.0, 1.0);
        (scale.min, scale.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_values_contributions_rows_and_colours() {
        let point = |x, y| DependencePoint { x, y, level: None };
        let points = [point(2.0, -0.12), point(72.0, 0.31)];
        let by = ColoredBy { name: "charges", ends: ["low", "high"] };
        let chart = Dependence::new("tenure", "probability of churn", &points).colored_by(Some(by));
        assert_eq!(
            chart.summary(),
            "tenure from 2 to 72: moves the probability of churn by −0.12 to +0.31 over 2 rows, coloured by charges"
        );
        let names = ["Biscoe".to_owned(), "Dream".to_owned()];
        assert!(Dependence::new("island", "score", &points).categories(&names).summary().contains("2 categories"));
        assert_eq!(Dependence::new("tenure", "score", &[]).summary(), "No row has a value of tenure");
    }
}
