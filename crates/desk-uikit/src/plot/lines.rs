//! Lines over numbers: latency, ROC and calibration curves.

use std::collections::BTreeSet;

use egui::{Color32, Id, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_plot::{Line, LineStyle, MarkerShape, PlotPoint, PlotPoints, Points};

use super::axes::Scale;
use super::hover;
use super::stage::{Stage, Staged};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::{RADIUS_INPUT, Tokens};

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
    /// Takes the colour of the first line, whose interval it bounds.
    pub bounds_first: bool,
    /// What else is told of each point under the pointer: its name, and a value or none for each point.
    pub along: Option<(&'static str, Vec<Option<f64>>)>,
}

impl Series {
    /// A solid line without marks.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>) -> Self {
        Self { name: name.into(), points, dashed: false, marks: false, bounds_first: false, along: None }
    }

    /// An end of the first line's interval: broken, in its colour.
    #[must_use]
    pub fn bound(mut self) -> Self {
        (self.dashed, self.bounds_first) = (true, true);
        self
    }

    /// Tells a further value of each point, such as the threshold that makes it.
    #[must_use]
    pub fn along(mut self, name: &'static str, values: Vec<Option<f64>>) -> Self {
        self.along = Some((name, values));
        self
    }

    fn color(&self, t: &Tokens, i: usize) -> Color32 {
        t.series[if self.bounds_first { 0 } else { i % t.series.len() }]
    }

    /// Marks every point.
    #[must_use]
    pub fn with_marks(mut self) -> Self {
        self.marks = true;
        self
    }
}

/// Room beside the first and the last value, so that their marks are whole.
const MARGIN: f64 = 0.025;

/// A chart of lines.
#[must_use]
pub struct Lines<'a> {
    series: &'a [Series],
    x: &'a str,
    y: &'a str,
    height: f32,
    bounds: Option<[f64; 4]>,
    diagonal: Option<&'a str>,
    mark: Option<([f64; 2], &'a str)>,
    ticks: Option<Ticks<'a>>,
    faint: &'a [Vec<[f64; 2]>],
}

/// How an x is called: at 0, 1, 2 and so on below the axis, and anywhere under the pointer.
#[derive(Clone, Copy)]
pub(super) struct Ticks<'a> {
    /// Names below the axis.
    pub names: &'a [String],
    /// A value in words.
    pub say: fn(f64) -> String,
}

impl<'a> Lines<'a> {
    /// Lines with the names of their axes.
    pub fn new(series: &'a [Series], x: &'a str, y: &'a str) -> Self {
        Self { series, x, y, height: 220.0, bounds: None, diagonal: None, mark: None, ticks: None, faint: &[] }
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

    /// Further lines without names behind the others, such as those of single rows.
    pub fn faint(mut self, lines: &'a [Vec<[f64; 2]>]) -> Self {
        self.faint = lines;
        self
    }

    /// What is seen at first: x from, x to, y from, y to.
    pub(super) fn bounds_of(mut self, bounds: [f64; 4]) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// Calls x by other names than its value.
    pub(super) fn ticks(mut self, ticks: Ticks<'a>) -> Self {
        self.ticks = Some(ticks);
        self
    }

    /// One point that stands out, such as the threshold in use, and what it is.
    pub fn mark(mut self, point: [f64; 2], name: &'a str) -> Self {
        self.mark = Some((point, name));
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
        let mark =
            self.mark.map(|([x, y], name)| format!("; {name} at {} and {}", format::number(x), format::number(y)));
        format!("{} by {}: {}{}", self.y, self.x, parts.join("; "), mark.unwrap_or_default())
    }

    /// Shows the chart; a press on a line's name in the legend hides it or shows it again.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let names: String = self.series.iter().map(|series| series.name.as_str()).collect();
        let id = ui.make_persistent_id((self.x, self.y, names, "lines"));
        let mut hidden: BTreeSet<usize> = ui.data(|data| data.get_temp(id)).unwrap_or_default();
        let top = ui.cursor().top();
        self.legend(ui, id, &mut hidden);
        let height = self.height - (ui.cursor().top() - top);
        let summary = self.summary();
        let bounds = self.bounds();
        let names = self.ticks.map_or(&[][..], |ticks| ticks.names);
        let stage = Stage { id, height, bounds, x: self.x, summary: &summary, names };
        let visible: Vec<(usize, &Series)> =
            self.series.iter().enumerate().filter(|(i, _)| !hidden.contains(i)).collect();
        let staged = stage.show(ui, |plot| {
            if self.diagonal.is_some() {
                let ends = PlotPoints::new(vec![[0.0, 0.0], [1.0, 1.0]]);
                plot.line(Line::new("", ends).color(t.line_strong).width(1.0).style(LineStyle::dashed_dense()));
            }
            for points in self.faint {
                let line = Line::new("", PlotPoints::Owned(owned(points)));
                plot.line(line.color(t.line_strong.gamma_multiply(0.6)).width(1.0).allow_band(false));
            }
            for (i, series) in &visible {
                let color = series.color(t, *i);
                let style = if series.dashed { LineStyle::dashed_loose() } else { LineStyle::Solid };
                let points = || PlotPoints::Owned(owned(&series.points));
                let line = Line::new(series.name.as_str(), points()).color(color).width(2.0).style(style);
                // Every point is drawn: a band in place of many of them would look like an interval.
                plot.line(line.allow_band(false));
                if series.marks {
                    plot.points(Points::new("", points()).color(color).radius(3.0).shape(MarkerShape::Circle));
                }
            }
        });
        self.paint_mark(ui, t, &staged);
        let x = |value: f64| match self.ticks {
            Some(ticks) => (ticks.say)(value),
            None => format!("{} {}", self.x, format::number(value)),
        };
        on_hover(ui, (x, self.y), &visible, &staged);
        if hidden.is_empty() {
            ui.data_mut(|data| data.remove_temp::<BTreeSet<usize>>(id));
        } else {
            ui.data_mut(|data| data.insert_temp(id, hidden));
        }
        staged.response
    }

    fn bounds(&self) -> [f64; 4] {
        let lines = || self.series.iter().map(|series| &series.points).chain(self.faint);
        let values = |axis: usize| lines().flat_map(move |points| points.iter().map(move |p| p[axis]));
        let over = |axis: usize| Scale::over(values(axis), MARGIN, 0.0, 1.0);
        let [x0, x1, y0, y1] = self.bounds.unwrap_or_else(|| {
            let (x, y) = (over(0), over(1));
            [x.min, x.max, y.min, y.max]
        });
        if self.bounds.is_none() {
            return [x0, x1, y0, y1];
        }
        let (x, y) = ((x1 - x0) * MARGIN, (y1 - y0) * MARGIN);
        [x0 - x, x1 + x, y0 - y, y1 + y]
    }

    /// The name of the y axis, and the lines' names to press: beside it, or below where there is no room.
    fn legend(&self, ui: &mut Ui, id: Id, hidden: &mut BTreeSet<usize>) {
        let t = Tokens::of(ui);
        let width = |text: &str| {
            ui.painter().layout_no_wrap(text.to_owned(), fonts::regular(size::CAPTION), t.sub).size().x + KEY
        };
        let names = self.series.iter().map(|s| s.name.as_str()).chain(self.diagonal);
        let all: f32 = names.map(|name| width(name) + 10.0).sum();
        let beside = all + width(self.y) <= ui.available_width();
        let keys = self.series.len() > 1 || self.diagonal.is_some();
        let mut show = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing = vec2(10.0, 2.0);
            if !keys {
                return;
            }
            for (i, series) in self.series.iter().enumerate() {
                let on = !hidden.contains(&i);
                let color = series.color(t, i);
                if key(ui, id.with(i), &series.name, Stroke::new(2.0, color), series.dashed, Some(on)) {
                    if on {
                        hidden.insert(i);
                    } else {
                        hidden.remove(&i);
                    }
                }
            }
            if let Some(name) = self.diagonal {
                key(ui, id.with("diagonal"), name, Stroke::new(1.0, t.line_strong), true, None);
            }
        };
        if beside {
            ui.horizontal(|ui| {
                crate::text::caption(ui, self.y);
                ui.add_space((ui.available_width() - all - 10.0).max(0.0));
                show(ui);
            });
        } else {
            crate::text::caption(ui, self.y);
            ui.horizontal_wrapped(show);
        }
    }

    fn paint_mark(&self, ui: &Ui, t: &Tokens, staged: &Staged) {
        let Some(([x, y], name)) = self.mark else { return };
        let at = staged.transform.position_from_point(&PlotPoint::new(x, y));
        let frame = *staged.transform.frame();
        if !frame.expand(2.0).contains(at) {
            return;
        }
        let painter = ui.painter_at(frame.expand(6.0));
        let faint = Stroke::new(1.0, t.line_strong);
        paint::dashed_vline(&painter, at.x, at.y..=frame.bottom(), faint);
        paint::dashed_hline(&painter, frame.left()..=at.x, at.y, faint);
        painter.circle(at, 5.0, t.strong, Stroke::new(2.0, t.raised));
        let galley = painter.layout_no_wrap(name.to_owned(), fonts::medium(size::CAPTION), t.strong);
        // Beside the point, on whichever side there is room.
        let left = at.x + 10.0 + galley.size().x > frame.right();
        let x = if left { at.x - 10.0 - galley.size().x } else { at.x + 10.0 };
        let y = (at.y + 12.0).min(frame.bottom() - 10.0);
        paint::galley_left(&painter, x, y, galley);
    }
}

/// Points as the plot wants them.
fn owned(points: &[[f64; 2]]) -> Vec<PlotPoint> {
    points.iter().map(|[x, y]| PlotPoint::new(*x, *y)).collect()
}

/// The line before a name in the legend, with its gap.
const KEY: f32 = 22.0;

/// One name of the legend; true when it was pressed. Without a state it is only a name.
fn key(ui: &mut Ui, id: Id, name: &str, stroke: Stroke, dashed: bool, on: Option<bool>) -> bool {
    let t = Tokens::of(ui);
    let ink = if on == Some(false) { t.sub.gamma_multiply(0.6) } else { t.sub };
    let room = ui.available_width().max(60.0) - 26.0;
    let galley = paint::one_line(ui.painter(), name, fonts::regular(size::CAPTION), ink, room.max(120.0));
    let (rect, _) = ui.allocate_exact_size(vec2(galley.size().x + KEY, 20.0), Sense::hover());
    let y = rect.center().y;
    let ends = [pos2(rect.left(), y), pos2(rect.left() + 16.0, y)];
    let stroke = if on == Some(false) { Stroke::new(1.0, t.line_strong) } else { stroke };
    if dashed {
        ui.painter().extend(Shape::dashed_line(&ends, stroke, 4.0, 3.0));
    } else {
        ui.painter().line_segment(ends, stroke);
    }
    let words = paint::galley_left(ui.painter(), rect.left() + 22.0, y, galley);
    let Some(on) = on else { return false };
    if !on {
        ui.painter().hline(words.x_range(), y, Stroke::new(1.0, ink));
    }
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
    paint::focus_ring(ui, &response, rect.expand(2.0), RADIUS_INPUT);
    let pressed = response.clicked();
    response.on_hover_text(if on { "Hide this line" } else { "Show this line" });
    pressed
}

/// The exact values at the x nearest the pointer, of every line.
fn on_hover(ui: &Ui, (x, y_name): (impl Fn(f64) -> String, &str), series: &[(usize, &Series)], staged: &Staged) {
    let t = Tokens::of(ui);
    let only = series.len() == 1;
    let frame = *staged.transform.frame();
    let Some(pointer) = staged.response.hover_pos().filter(|p| frame.expand(4.0).contains(*p)) else { return };
    let screen = |p: &[f64; 2]| staged.transform.position_from_point(&PlotPoint::new(p[0], p[1]));
    let near = |s: &Series| {
        let to = |p: &[f64; 2]| (screen(p).x - pointer.x).abs();
        s.points.iter().copied().enumerate().min_by(|(_, a), (_, b)| to(a).total_cmp(&to(b)))
    };
    let Some((_, first)) = series.first().and_then(|(_, series)| near(series)) else { return };
    let painter = ui.painter_at(frame);
    painter.vline(screen(&first).x, frame.y_range(), Stroke::new(1.0, t.line_strong));
    let mut lines = vec![x(first[0])];
    for (i, series) in series {
        if let Some((at, point)) = near(series) {
            let color = series.color(t, *i);
            painter.circle(screen(&point), 4.0, color, Stroke::new(1.5, t.raised));
            // One line is told by what is measured along it; several by their names.
            let what = if only { y_name } else { series.name.as_str() };
            lines.push(format!("{what} {}", format::number(point[1])));
            let further = series.along.as_ref().and_then(|(name, values)| Some((name, (*values.get(at)?)?)));
            lines.extend(further.map(|(name, value)| format!("{name} {}", format::number(value))));
        }
    }
    hover(&staged.response, &lines);
}
