//! A map of numbers over two axes: answers along two features, contributions of features in many rows.

use egui::{
    Align2, Color32, Painter, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::hover;
use super::ramp::{diverging, sequential};
use super::raster::{self, Cells};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// Numbers in lines from top to bottom, all of one length.
#[must_use]
pub struct Map<'a> {
    /// What a number is: `mean probability of yes`.
    what: &'a str,
    lines: &'a [String],
    columns: &'a [String],
    /// Line after line.
    values: &'a [f64],
    titles: [&'a str; 2],
    /// Colours by sign around 0, and not from the lowest to the highest.
    signed: bool,
    /// Cells that rest on something; all when it is empty.
    known: &'a [bool],
    /// A number above each column, and what it is.
    above: Option<(&'a str, &'a [f64])>,
    /// A column that is marked.
    marked: Option<usize>,
}

/// Height of a line, at most and at least.
const LINE: (f32, f32) = (30.0, 16.0);
/// All lines together are no higher than this, unless they would be lower than the least.
const HIGHEST: f32 = 340.0;
/// The legend on top, the numbers above the columns, and what is called below.
const LEGEND: f32 = 22.0;
const ABOVE: f32 = 54.0;
const BELOW: f32 = 40.0;
/// Strokes over cells that rest on nothing are told apart from this size on.
const CROSSED: f32 = 9.0;

impl<'a> Map<'a> {
    /// Numbers of `what`; `values` has them line after line, as many in each as there are columns.
    pub fn new(what: &'a str, lines: &'a [String], columns: &'a [String], values: &'a [f64]) -> Self {
        Self { what, lines, columns, values, titles: [""; 2], signed: false, known: &[], above: None, marked: None }
    }

    /// Names of the axes: of the lines, and of the columns.
    pub fn titles(mut self, lines: &'a str, columns: &'a str) -> Self {
        self.titles = [lines, columns];
        self
    }

    /// The numbers have a sign that matters.
    pub fn signed(mut self) -> Self {
        self.signed = true;
        self
    }

    /// Which cells rest on something; the others are crossed out.
    pub fn known(mut self, known: &'a [bool]) -> Self {
        self.known = known;
        self
    }

    /// A line of numbers above the columns.
    pub fn above(mut self, what: &'a str, numbers: &'a [f64]) -> Self {
        self.above = Some((what, numbers));
        self
    }

    /// A column that stands out.
    pub fn marked(mut self, column: usize) -> Self {
        self.marked = Some(column);
        self
    }

    fn value(&self, line: usize, column: usize) -> f64 {
        self.values.get(line * self.columns.len() + column).copied().unwrap_or(f64::NAN)
    }

    fn is_known(&self, line: usize, column: usize) -> bool {
        self.known.get(line * self.columns.len() + column).copied().unwrap_or(true)
    }

    /// Lowest and highest number; of signed ones as far below 0 as above.
    fn ends(&self) -> (f64, f64) {
        let finite = || self.values.iter().copied().filter(|value| value.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        match (low > high, self.signed) {
            (true, _) => (0.0, 0.0),
            (_, true) => (-low.abs().max(high.abs()), low.abs().max(high.abs())),
            _ => (low, high),
        }
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let width = self.columns.len().max(1);
        let place = |at: usize| {
            let name = |names: &[String], at: usize, title: &str| {
                let name = names.get(at).map_or("", String::as_str);
                if title.is_empty() { name.to_owned() } else { format!("{title} {name}") }
            };
            let line = name(self.lines, at / width, self.titles[0]);
            format!("{line} and {}", name(self.columns, at % width, self.titles[1]))
        };
        let all = || self.values.iter().enumerate().filter(|(_, value)| value.is_finite());
        let ends = all().min_by(|a, b| a.1.total_cmp(b.1)).zip(all().max_by(|a, b| a.1.total_cmp(b.1)));
        let Some(((least, low), (most, high))) = ends else { return format!("{}: nothing to show", self.what) };
        let number = |value: f64| if self.signed { format::signed(value) } else { format::number(value) };
        format!(
            "{} is lowest, {}, at {} and highest, {}, at {}",
            self.what,
            number(*low),
            place(least),
            number(*high),
            place(most)
        )
    }

    /// Shows the chart; gives the response and the line and column under the pointer. `about` says what is told there.
    pub fn show(&self, ui: &mut Ui, about: impl Fn(usize, usize) -> Vec<String>) -> (Response, Option<(usize, usize)>) {
        let t = Tokens::of(ui);
        let line = (HIGHEST / self.lines.len().max(1) as f32).clamp(LINE.1, LINE.0);
        let above = if self.above.is_some() { ABOVE } else { 0.0 };
        let height = LEGEND + above + line * self.lines.len() as f32 + BELOW;
        let id = ui.make_persistent_id((self.what, "map"));
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, self.summary()));
        let painter = ui.painter_at(rect.expand(1.0));
        let left = self.names(&painter, t, rect, above, line);
        let corner = pos2(left, rect.top() + LEGEND + above);
        let plot = Rect::from_min_max(corner, pos2(rect.right() - 8.0, rect.bottom() - BELOW));
        let ends = self.ends();
        let cells = Cells::new(self.lines.len(), self.columns.len(), |line, column| {
            let value = self.value(line, column);
            let color = self.color(t, value, ends);
            if self.is_known(line, column) { color } else { paint::mix(color, t.raised, 0.6) }
        });
        raster::paint(ui, id, &painter, plot, cells);
        self.crosses(&painter, t, plot);
        painter.rect_stroke(plot, 0.0, Stroke::new(1.0, t.line_strong), StrokeKind::Outside);
        self.numbers_above(&painter, t, plot);
        self.columns_below(&painter, t, plot);
        self.legend(&painter, t, rect, left, ends);
        let shape = (self.lines.len(), self.columns.len());
        let mark = |column: usize, lines: Rect, stroke: f32| {
            let size = plot.width() / shape.1.max(1) as f32;
            let from = plot.left() + size * column as f32;
            let marked = Rect::from_x_y_ranges(from..=from + size.max(2.0), lines.y_range());
            painter.rect_stroke(marked, 0.0, Stroke::new(stroke, t.strong), StrokeKind::Outside);
        };
        if let Some(column) = self.marked.filter(|column| *column < shape.1) {
            mark(column, plot, 1.5);
        }
        let under = response.hover_pos().and_then(|at| raster::under(plot, shape, at));
        if let Some((at, column)) = under {
            let top = plot.top() + line * at as f32;
            mark(column, Rect::from_x_y_ranges(plot.x_range(), top..=top + line), 2.0);
            hover(&response, &about(at, column));
        }
        (response, under)
    }

    fn color(&self, t: &Tokens, value: f64, (low, high): (f64, f64)) -> Color32 {
        if !value.is_finite() {
            return t.line;
        }
        if self.signed {
            let full = if value >= 0.0 { t.positive } else { t.negative };
            return paint::mix(t.raised, full, (value.abs() / high.max(f64::MIN_POSITIVE)) as f32);
        }
        let level = if high > low { (value - low) / (high - low) } else { 0.5 };
        paint::mix(t.hover, t.heat, level as f32)
    }

    /// The names of the lines and of their axis; gives where the map begins.
    fn names(&self, painter: &Painter, t: &Tokens, rect: Rect, above: f32, line: f32) -> f32 {
        let own = |name: &String| painter.layout_no_wrap(name.clone(), fonts::regular(size::SMALL), t.text).size().x;
        let widest = self.lines.iter().map(own).fold(30.0, f32::max).min(rect.width() * 0.3);
        let (top, title) = (rect.top() + LEGEND + above, self.titles[0]);
        for (i, name) in self.lines.iter().enumerate() {
            let name = paint::one_line(painter, name, fonts::regular(size::SMALL), t.text, widest);
            paint::galley_right(painter, rect.left() + widest, top + line * (i as f32 + 0.5), name);
        }
        let title = paint::one_line(painter, title, fonts::medium(size::CAPTION), t.sub, rect.width() * 0.4);
        paint::galley_left(painter, rect.left(), rect.top() + LEGEND / 2.0, title);
        rect.left() + widest + 8.0
    }

    fn crosses(&self, painter: &Painter, t: &Tokens, plot: Rect) {
        let (lines, columns) = (self.lines.len().max(1), self.columns.len().max(1));
        let cell = vec2(plot.width() / columns as f32, plot.height() / lines as f32);
        if self.known.is_empty() || cell.min_elem() < CROSSED {
            return;
        }
        for (line, column) in (0..lines).flat_map(|line| (0..columns).map(move |column| (line, column))) {
            if !self.is_known(line, column) {
                let corner = plot.min + vec2(column as f32 * cell.x, line as f32 * cell.y);
                let cell = Rect::from_min_size(corner, cell).shrink(3.0);
                painter.line_segment([cell.left_bottom(), cell.right_top()], Stroke::new(1.0, t.line_strong));
            }
        }
    }

    fn numbers_above(&self, painter: &Painter, t: &Tokens, plot: Rect) {
        let Some((_, numbers)) = self.above else { return };
        let area = Rect::from_x_y_ranges(plot.x_range(), plot.top() - ABOVE + 4.0..=plot.top() - 6.0);
        let scale = super::Scale::over(numbers.iter().copied(), 0.06, area.bottom(), area.top());
        let size = area.width() / numbers.len().max(1) as f32;
        let point = |(i, value): (usize, &f64)| pos2(area.left() + size * (i as f32 + 0.5), scale.at(*value));
        let points = numbers.iter().enumerate().filter(|(_, value)| value.is_finite()).map(point).collect();
        painter.add(Shape::line(points, Stroke::new(1.5, t.series[0])));
        let end = |value: f64, y: f32, align: Align2| {
            let text = format::number(value);
            painter.text(pos2(area.left() - 8.0, y), align, text, fonts::regular(size::CAPTION), t.sub);
        };
        let finite = || numbers.iter().copied().filter(|value| value.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        if low <= high {
            end(high, area.top(), Align2::RIGHT_TOP);
            end(low, area.bottom(), Align2::RIGHT_BOTTOM);
        }
    }

    /// As many names below as there is room for.
    fn columns_below(&self, painter: &Painter, t: &Tokens, plot: Rect) {
        let n = self.columns.len().max(1);
        let cell = plot.width() / n as f32;
        let own = |name: &String| painter.layout_no_wrap(name.clone(), fonts::regular(size::CAPTION), t.sub).size().x;
        let widest = self.columns.iter().take(400).map(own).fold(24.0, f32::max).min(120.0);
        let every = ((widest + 10.0) / cell).ceil().max(1.0) as usize;
        for (i, name) in self.columns.iter().enumerate().step_by(every) {
            let name = paint::one_line(painter, name, fonts::regular(size::CAPTION), t.sub, widest);
            let x = plot.left() + cell * (i as f32 + 0.5) - name.size().x / 2.0;
            painter.galley(pos2(x.max(plot.left() - 12.0), plot.bottom() + 5.0), name, t.sub);
        }
        let at = pos2(plot.center().x, plot.bottom() + BELOW - 2.0);
        painter.text(at, Align2::CENTER_BOTTOM, self.titles[1], fonts::medium(size::CAPTION), t.sub);
    }

    fn legend(&self, painter: &Painter, t: &Tokens, rect: Rect, left: f32, (low, high): (f64, f64)) {
        let y = rect.top() + LEGEND / 2.0 - 2.0;
        let words = |text: &str, room: f32| paint::one_line(painter, text, fonts::regular(size::CAPTION), t.sub, room);
        let ramp = if self.signed {
            diverging(painter, t, pos2(rect.right() - 8.0, y), high).left()
        } else {
            let ends = [low, high].map(format::number);
            sequential(painter, t, pos2(rect.right() - 8.0, y), [t.hover, t.heat], &ends).left()
        };
        // What stands above the columns is called at the left.
        let mut room = ramp - left - 12.0;
        if let Some((above, _)) = self.above {
            let title = paint::one_line(painter, above, fonts::medium(size::CAPTION), t.sub, room.max(24.0));
            room -= paint::galley_left(painter, left, y, title).width() + 16.0;
        }
        let what = words(self.what, room.max(24.0));
        if room >= what.size().x.min(60.0) {
            paint::galley_right(painter, ramp - 12.0, y, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_both_ends() {
        let (lines, columns) = (["a", "b"].map(str::to_owned), ["1", "2", "3"].map(str::to_owned));
        let values = [0.1, 0.2, 0.3, -0.4, f64::NAN, 0.25];
        let map = Map::new("Contribution", &lines, &columns, &values).titles("", "row");
        assert_eq!(map.summary(), "Contribution is lowest, −0.4, at b and row 1 and highest, 0.3, at a and row 3");
        assert_eq!(map.ends(), (-0.4, 0.3));
        assert_eq!(map.signed().ends(), (-0.4, 0.4));
        assert!(Map::new("Mean", &[], &[], &[]).summary().ends_with("nothing to show"));
    }

    #[test]
    fn the_ends_have_the_full_colours_and_the_middle_none() {
        let t = Tokens::for_theme(egui::Theme::Light, false);
        let map = Map::new("Contribution", &[], &[], &[]).signed();
        assert_eq!(map.color(t, 0.5, (-0.5, 0.5)), t.positive);
        assert_eq!(map.color(t, -0.5, (-0.5, 0.5)), t.negative);
        assert_eq!(map.color(t, 0.0, (-0.5, 0.5)), t.raised);
        let plain = Map::new("Mean", &[], &[], &[]);
        assert_eq!(plain.color(t, 2.0, (1.0, 2.0)), t.heat);
        assert_eq!(plain.color(t, f64::NAN, (1.0, 2.0)), t.line);
    }
}
