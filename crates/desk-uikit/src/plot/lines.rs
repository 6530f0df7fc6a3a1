//! Lines over numbers: latency by batch, ROC and calibration curves.

use egui::{Align2, Painter, Pos2, Rect, Response, Shape, Stroke, Ui, pos2, vec2};

use super::axes::{self, Scale, tick_label};
use super::{hover, surface};
use crate::fonts::{self, size};
use crate::format;
use crate::tokens::Tokens;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points in order of x.
    pub points: Vec<[f64; 2]>,
    /// Dashed, so that lines differ in more than colour.
    pub dashed: bool,
    /// A mark on each point.
    pub marks: bool,
}

impl Series {
    /// A solid line without marks.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>) -> Self {
        Self { name: name.into(), points, dashed: false, marks: false }
    }

    /// Marks every point.
    #[must_use]
    pub fn with_marks(mut self) -> Self {
        self.marks = true;
        self
    }
}

/// A chart of lines.
#[must_use]
pub struct Lines<'a> {
    series: &'a [Series],
    x: &'a str,
    y: &'a str,
    height: f32,
    bounds: Option<[f64; 4]>,
    diagonal: Option<&'a str>,
}

impl<'a> Lines<'a> {
    /// Lines with the names of their axes.
    pub fn new(series: &'a [Series], x: &'a str, y: &'a str) -> Self {
        Self { series, x, y, height: 220.0, bounds: None, diagonal: None }
    }

    /// The height in points.
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// Both axes from 0 to 1 with the diagonal drawn: `chance` for ROC, `perfect` for calibration.
    pub fn unit_square(mut self, diagonal: &'a str) -> Self {
        self.bounds = Some([0.0, 1.0, 0.0, 1.0]);
        self.diagonal = Some(diagonal);
        self
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = self
            .series
            .iter()
            .map(|s| {
                let ys = || s.points.iter().map(|p| p[1]).filter(|y| y.is_finite());
                let low = ys().fold(f64::INFINITY, f64::min);
                let high = ys().fold(f64::NEG_INFINITY, f64::max);
                format!("{} from {} to {}", s.name, format::number(low), format::number(high))
            })
            .collect();
        format!("{} by {}: {}", self.y, self.x, parts.join("; "))
    }

    /// Shows the chart.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let (rect, response, painter) = surface(ui, self.height, &self.summary());
        let (legend_y, top) = self.legend_place(&painter, rect);
        let (x_scale, y_scale, plot) = self.scales(&painter, rect, top);
        axes::paint_y(&painter, t, plot, &y_scale, tick_label);
        axes::paint_x(&painter, t, plot, &x_scale, false);
        painter.hline(plot.x_range(), plot.bottom(), Stroke::new(1.0, t.line_strong));
        let title = fonts::regular(size::CAPTION);
        painter.text(pos2(plot.center().x, rect.bottom()), Align2::CENTER_BOTTOM, self.x, title.clone(), t.sub);
        painter.text(pos2(rect.left(), rect.top() + 6.0), Align2::LEFT_CENTER, self.y, title, t.sub);

        if self.diagonal.is_some() {
            let ends = [pos2(x_scale.at(0.0), y_scale.at(0.0)), pos2(x_scale.at(1.0), y_scale.at(1.0))];
            painter.extend(Shape::dashed_line(&ends, Stroke::new(1.0, t.line_strong), 4.0, 4.0));
        }
        for (i, series) in self.series.iter().enumerate() {
            let color = t.series[i % t.series.len()];
            let points: Vec<Pos2> = series.points.iter().map(|p| pos2(x_scale.at(p[0]), y_scale.at(p[1]))).collect();
            if series.dashed {
                painter.extend(Shape::dashed_line(&points, Stroke::new(2.0, color), 6.0, 4.0));
            } else {
                painter.line(points.clone(), Stroke::new(2.0, color));
            }
            if series.marks {
                for point in points {
                    painter.circle(point, 3.0, color, Stroke::new(1.0, t.raised));
                }
            }
        }
        self.legend(&painter, t, legend_y, plot.right());
        self.on_hover(&response, &painter, t, plot, &x_scale, &y_scale);
        response
    }

    fn scales(&self, painter: &Painter, rect: Rect, top: f32) -> (Scale, Scale, Rect) {
        let values = |axis: usize| self.series.iter().flat_map(move |s| s.points.iter().map(move |p| p[axis]));
        let [x0, x1, y0, y1] = self.bounds.unwrap_or_else(|| {
            let x = Scale::over(values(0), 0.0, 0.0, 1.0);
            let y = Scale::over(values(1), 0.06, 0.0, 1.0);
            [x.min, x.max, y.min, y.max]
        });
        let guess = Scale::new(y0, y1, 0.0, 1.0);
        let marks = guess.ticks(5);
        let widest = marks
            .iter()
            .map(|tick| {
                let text = tick_label(*tick, &marks);
                painter.layout_no_wrap(text, fonts::regular(size::CAPTION), egui::Color32::WHITE).size().x
            })
            .fold(12.0, f32::max);
        let plot = Rect::from_min_max(rect.min + vec2(widest + 12.0, top), rect.max - vec2(10.0, 38.0));
        (Scale::new(x0, x1, plot.left(), plot.right()), Scale::new(y0, y1, plot.bottom(), plot.top()), plot)
    }

    fn has_legend(&self) -> bool {
        self.series.len() > 1 || self.diagonal.is_some()
    }

    /// The legend's middle line and where the plot begins: the legend stands beside the name of
    /// the y axis, or in a line of its own where there is no room for both.
    fn legend_place(&self, painter: &Painter, rect: Rect) -> (f32, f32) {
        let width = |text: &str| {
            painter.layout_no_wrap(text.to_owned(), fonts::regular(size::CAPTION), egui::Color32::WHITE).size().x
        };
        let names = self.series.iter().map(|s| s.name.as_str()).chain(self.diagonal);
        let legend: f32 = names.map(|name| width(name) + 36.0).sum();
        if self.has_legend() && legend + width(self.y) > rect.width() {
            (rect.top() + 24.0, 42.0)
        } else {
            (rect.top() + 6.0, 24.0)
        }
    }

    fn legend(&self, painter: &Painter, t: &Tokens, y: f32, right: f32) {
        if !self.has_legend() {
            return;
        }
        let font = fonts::regular(size::CAPTION);
        let mut x = right;
        let names = self.series.iter().enumerate().map(|(i, s)| (s.name.as_str(), Some((i, s.dashed))));
        let all: Vec<_> = names.chain(self.diagonal.map(|name| (name, None))).collect();
        for (name, series) in all.into_iter().rev() {
            let text = painter.text(pos2(x, y), Align2::RIGHT_CENTER, name, font.clone(), t.sub);
            let key = [pos2(text.left() - 22.0, y), pos2(text.left() - 6.0, y)];
            match series {
                Some((i, dashed)) => {
                    let stroke = Stroke::new(2.0, t.series[i % t.series.len()]);
                    if dashed {
                        painter.extend(Shape::dashed_line(&key, stroke, 4.0, 3.0));
                    } else {
                        painter.line_segment(key, stroke);
                    }
                }
                None => painter.extend(Shape::dashed_line(&key, Stroke::new(1.0, t.line_strong), 3.0, 3.0)),
            }
            x = text.left() - 36.0;
        }
    }

    /// The exact values at the x nearest the pointer, of every line.
    fn on_hover(&self, response: &Response, painter: &Painter, t: &Tokens, plot: Rect, x: &Scale, y: &Scale) {
        let Some(pointer) = response.hover_pos().filter(|p| plot.expand(4.0).contains(*p)) else { return };
        let near = |s: &Series| {
            let to = |p: &[f64; 2]| (x.at(p[0]) - pointer.x).abs();
            s.points.iter().copied().min_by(|a, b| to(a).total_cmp(&to(b)))
        };
        let Some(first) = self.series.first().and_then(near) else { return };
        painter.vline(x.at(first[0]), plot.y_range(), Stroke::new(1.0, t.line_strong));
        let mut lines = vec![format!("{} {}", self.x, format::number(first[0]))];
        for (i, series) in self.series.iter().enumerate() {
            if let Some(point) = near(series) {
                let color = t.series[i % t.series.len()];
                painter.circle(pos2(x.at(point[0]), y.at(point[1])), 4.0, color, Stroke::new(1.5, t.raised));
                lines.push(format!("{} {}", series.name, format::number(point[1])));
            }
        }
        hover(response, &lines);
    }
}
