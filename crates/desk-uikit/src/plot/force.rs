//! A force plot: what raises an answer pushes from the left, what lowers it from the right, and they meet at the answer.

use std::sync::Arc;

use egui::{Align2, Color32, Galley, Painter, Rect, Response, Shape, Stroke, Ui, pos2};

use super::axes::{self, Scale};
use super::{Contribution, hover, surface};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// Contributions on one line.
#[must_use]
pub struct Force<'a> {
    base: f64,
    prediction: f64,
    items: &'a [Contribution],
    unit: &'a str,
}

/// One arrow.
struct Arrow<'a> {
    of: &'a Contribution,
    from: f64,
    to: f64,
}

/// Where the arrows are, from the top.
const TOP: f32 = 46.0;
const THICK: f32 = 26.0;
/// Height of a name's line; names stand in up to four of them.
const LINE: f32 = 17.0;
const LINES: usize = 4;
const AXIS: f32 = 24.0;

impl<'a> Force<'a> {
    /// Contributions that lead from `base` to `prediction`, in any order.
    pub fn new(base: f64, prediction: f64, items: &'a [Contribution]) -> Self {
        Self { base, prediction, items, unit: "prediction" }
    }

    /// What is explained, such as `probability of yes`.
    pub fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// Arrows of one direction, the largest next to the answer.
    fn arrows(&self, up: bool) -> Vec<Arrow<'a>> {
        let mut items: Vec<&Contribution> =
            self.items.iter().filter(|item| item.amount != 0.0 && (item.amount > 0.0) == up).collect();
        items.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
        let mut tip = self.prediction;
        let arrow = |of: &'a Contribution| {
            let to = tip;
            tip -= of.amount;
            Arrow { of, from: tip, to }
        };
        items.into_iter().map(arrow).collect()
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let sum = |up: bool| self.arrows(up).iter().map(|arrow| arrow.of.amount).sum::<f64>();
        format!(
            "The {} is {}, from a base of {}: features add {} and take {}",
            self.unit,
            format::number(self.prediction),
            format::number(self.base),
            format::signed(sum(true)),
            format::signed(sum(false))
        )
    }

    /// Shows the chart.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let (up, down) = (self.arrows(true), self.arrows(false));
        let ends = || up.iter().chain(&down).map(|arrow| arrow.from).chain([self.base, self.prediction]);
        let room = egui::Rangef::new(0.0, ui.available_width());
        let over = |room: egui::Rangef| Scale::over(ends(), 0.06, room.min + 8.0, room.max - 8.0);
        let lines = |room: egui::Rangef| {
            let names = [&up, &down].map(|arrows| names(ui.painter(), t, &over(room), room, arrows));
            names.into_iter().flatten().collect::<Vec<Name>>()
        };
        let used = lines(room).iter().map(|name| name.line + 1).max().unwrap_or(0) as f32;
        let height = TOP + THICK + 8.0 + LINE * used + AXIS;
        let placed = lines(egui::Rangef::new(ui.cursor().left(), ui.cursor().left() + room.max));
        let (rect, response, painter) = surface(ui, height, &self.summary());
        let plot = Rect::from_min_max(rect.min, rect.max - egui::vec2(0.0, AXIS));
        let scale = over(plot.x_range());
        axes::paint_x(&painter, t, plot, &scale, false);
        let bars = plot.top() + TOP..=plot.top() + TOP + THICK;
        let above = plot.top() + 34.0..=*bars.end() + 4.0;
        for (value, name, strong) in [(self.base, "base value", false), (self.prediction, self.unit, true)] {
            let line = Stroke::new(1.0, if strong { t.strong } else { t.line_strong });
            paint::dashed_vline(&painter, scale.at(value), above.clone(), line);
            // The base's name gives way to the answer's.
            let y = plot.top() + if strong { 8.0 } else { 25.0 };
            let (font, ink) =
                if strong { (fonts::semibold(size::BODY), t.strong) } else { (fonts::regular(size::SMALL), t.sub) };
            let words = painter.layout_no_wrap(format!("{name} {}", format::number(value)), font, ink);
            let left = (scale.at(value) - words.size().x / 2.0).clamp(rect.left(), rect.right() - words.size().x);
            paint::galley_left(&painter, left, y, words);
        }
        for (arrows, color) in [(&up, t.positive), (&down, t.negative)] {
            paint_arrows(&painter, t, &scale, arrows, (bars.clone(), color));
        }
        paint_names(&painter, t, *bars.end(), placed);
        if let Some(pointer) = response.hover_pos().filter(|at| bars.contains(&at.y)) {
            let value = scale.value(pointer.x);
            let inside = |arrow: &&Arrow<'_>| (arrow.from.min(arrow.to)..=arrow.from.max(arrow.to)).contains(&value);
            if let Some(arrow) = up.iter().chain(&down).find(inside) {
                hover(&response, &[named(arrow.of), format!("{} to {}", format::signed(arrow.of.amount), self.unit)]);
            }
        }
        response
    }
}

fn named(item: &Contribution) -> String {
    if item.value.is_empty() { item.name.clone() } else { format!("{} = {}", item.name, item.value) }
}

/// Each arrow points to the answer, so that its direction does not hang on colour.
fn paint_arrows(
    painter: &Painter,
    t: &Tokens,
    scale: &Scale,
    arrows: &[Arrow<'_>],
    (bars, color): (std::ops::RangeInclusive<f32>, Color32),
) {
    let (top, bottom) = (*bars.start(), *bars.end());
    let middle = f32::midpoint(top, bottom);
    // From the outside in, so that each head lies over the tail of the next.
    for (i, arrow) in arrows.iter().enumerate().rev() {
        let (a, b) = (scale.at(arrow.from), scale.at(arrow.to));
        let head = 7.0_f32.min((b - a).abs()).copysign(b - a);
        let shade = if i % 2 == 0 { color } else { paint::mix(color, t.raised, 0.28) };
        let points = vec![pos2(a, top), pos2(b - head, top), pos2(b, middle), pos2(b - head, bottom), pos2(a, bottom)];
        painter.add(Shape::convex_polygon(points, shade, Stroke::NONE));
        if (b - a).abs() > 46.0 {
            let ink = crate::contrast::ink_on(shade, t.strong, t.on_accent);
            let at = pos2(f32::midpoint(a, b - head), middle);
            let amount = format::signed(arrow.of.amount);
            painter.text(at, Align2::CENTER_CENTER, amount, fonts::medium(size::SMALL), ink);
        }
    }
}

/// A name below its arrow.
struct Name {
    text: Arc<Galley>,
    left: f32,
    /// From 0, downwards.
    line: usize,
    /// The middle of its arrow.
    of: f32,
}

/// The names of the largest ones, each in the first line where it has room.
fn names(painter: &Painter, t: &Tokens, scale: &Scale, room: egui::Rangef, arrows: &[Arrow<'_>]) -> Vec<Name> {
    let mut named: Vec<Name> = Vec::new();
    for arrow in arrows {
        let (a, b) = (scale.at(arrow.from), scale.at(arrow.to));
        let of = f32::midpoint(a, b);
        if (b - a).abs() < 6.0 {
            continue;
        }
        let text = paint::one_line(painter, &self::named(arrow.of), fonts::regular(size::SMALL), t.text, 200.0);
        let width = text.size().x;
        // Names of one side stand on that side of the answer.
        let meet = scale.at(arrows[0].to);
        let (low, high) =
            if arrow.of.amount > 0.0 { (room.min, meet - width - 4.0) } else { (meet + 4.0, room.max - width) };
        let left = (of - width / 2.0).min(high).max(low);
        let free = |line: &usize| {
            let mut in_line = named.iter().filter(|name| name.line == *line);
            in_line.all(|name| left > name.left + name.text.size().x + 8.0 || left + width < name.left - 8.0)
        };
        if let Some(line) = (0..LINES).find(free).filter(|_| left + width <= room.max + 1.0) {
            named.push(Name { text, left, line, of });
        }
    }
    named
}

fn paint_names(painter: &Painter, t: &Tokens, bottom: f32, names: Vec<Name>) {
    let y = |name: &Name| bottom + 14.0 + LINE * name.line as f32;
    // The lines to the arrows run behind all names.
    for name in &names {
        let to = pos2(name.of.clamp(name.left, name.left + name.text.size().x), y(name) - 8.0);
        painter.line_segment([pos2(name.of, bottom + 1.0), to], Stroke::new(1.0, t.line_strong));
    }
    for name in names {
        let y = y(&name);
        let behind = Rect::from_min_size(pos2(name.left - 2.0, y - 7.0), egui::vec2(name.text.size().x + 4.0, 15.0));
        painter.rect_filled(behind, 2.0, t.raised);
        paint::galley_left(painter, name.left, y, name.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sides_meet_at_the_answer() {
        let item = |name: &str, amount| Contribution { name: name.into(), value: String::new(), amount };
        let items = [item("a", 0.3), item("b", -0.1), item("c", 0.05), item("d", 0.0)];
        let chart = Force::new(0.25, 0.5, &items).unit("probability of yes");
        let (up, down) = (chart.arrows(true), chart.arrows(false));
        assert_eq!(up.iter().map(|arrow| arrow.of.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((up[0].to, down[0].to), (0.5, 0.5));
        assert!((up[1].from - 0.15).abs() < 1e-12 && (down[0].from - 0.6).abs() < 1e-12);
        assert_eq!(
            chart.summary(),
            "The probability of yes is 0.5, from a base of 0.25: features add +0.35 and take −0.1"
        );
    }
}
