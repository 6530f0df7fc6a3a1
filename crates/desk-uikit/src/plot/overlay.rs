//! A picture and, over it, what each pixel adds to the answer and takes from it.

use egui::{Color32, Painter, Rect, Response, Stroke, StrokeKind, Ui, pos2, vec2};

use super::ramp::{diverging, sequential};
use super::raster::{self, Cells};
use super::{hover, surface};
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// A picture with a number for each pixel.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Overlay<'a> {
    height: usize,
    width: usize,
    /// What is seen, from 0 to 1: pixels x channels, of which there are 1 or 3.
    seen: &'a [f32],
    channels: usize,
    amounts: &'a [f64],
    /// What an amount is, such as `to the probability of 7`.
    what: &'a str,
    names: [&'a str; 2],
    threshold: f64,
    beneath: bool,
}

/// Height of the names above both pictures, and of the colours' legend below.
const TITLE: f32 = 22.0;
const LEGEND: f32 = 26.0;
const GAP: f32 = 20.0;
/// A pixel is no larger than this, and a picture no higher.
const PIXEL: f32 = 44.0;
const HIGHEST: f32 = 380.0;
/// How much of the picture is seen below the amounts.
const FAINT: f32 = 0.35;

impl<'a> Overlay<'a> {
    /// A picture of `height` x `width` pixels; `seen` has them row by row, from 0 to 1, with 1 or 3 channels each, and
    /// `amounts` one number for each.
    pub fn new([height, width]: [usize; 2], seen: &'a [f32], amounts: &'a [f64]) -> Self {
        let channels = if seen.len() >= 3 * height * width { 3 } else { 1 };
        let names = ["What the model saw", "What spoke for it and against it"];
        Self { height, width, seen, channels, amounts, what: "to the answer", names, threshold: 0.0, beneath: true }
    }

    /// What stands above the picture, and above what is laid over it.
    pub fn names(mut self, names: [&'a str; 2]) -> Self {
        self.names = names;
        self
    }

    /// What an amount is: `to the probability of 7`.
    pub fn what(mut self, what: &'a str) -> Self {
        self.what = what;
        self
    }

    /// Pixels whose amount is less than this part of the largest one are left as they are.
    pub fn threshold(mut self, part: f64) -> Self {
        self.threshold = part;
        self
    }

    /// The picture shines through what is laid over it.
    pub fn beneath(mut self, beneath: bool) -> Self {
        self.beneath = beneath;
        self
    }

    /// The largest amount without its sign.
    fn most(&self) -> f64 {
        self.amounts.iter().filter(|amount| amount.is_finite()).fold(0.0, |most, amount| amount.abs().max(most))
    }

    /// The pixels that are shown: all whose amount is no smaller than the threshold, with the share of the sum of sizes
    /// that is theirs.
    fn shown(&self) -> (usize, f64) {
        let (line, all) = (self.threshold * self.most(), || self.amounts.iter().filter(|amount| **amount != 0.0));
        let shown = || all().filter(|amount| amount.abs() >= line);
        let sum: f64 = all().map(|amount| amount.abs()).sum();
        (shown().count(), shown().map(|amount| amount.abs()).sum::<f64>() / sum.max(f64::MIN_POSITIVE))
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let signed = |up: bool| self.amounts.iter().filter(|amount| (**amount > 0.0) == up).sum::<f64>();
        let (shown, share) = self.shown();
        let all = format::plural(self.amounts.len() as u64, "pixel", "pixels");
        let shown = format::count(shown as u64);
        let which = if self.threshold > 0.0 {
            format!("{shown} of {all} shown, {} of all contributions", format::percent(share))
        } else {
            format!("{shown} of {all} move it")
        };
        let (up, down) = (format::signed(signed(true)), format::signed(signed(false)));
        format!(
            "{}, and what each pixel adds: {which}; together they add {up} and take {down} {}",
            self.names[0], self.what
        )
    }

    /// Shows both pictures, at most as high as there is room beside each other.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let room = (ui.available_width() - GAP) / 2.0;
        let pixel = (room / self.width.max(1) as f32).min(HIGHEST / self.height.max(1) as f32).min(PIXEL);
        let own = vec2(pixel * self.width as f32, pixel * self.height as f32);
        let id = ui.make_persistent_id("overlay");
        let (rect, response, painter) = surface(ui, TITLE + own.y + LEGEND, &self.summary());
        let left = Rect::from_min_size(rect.min + vec2(0.0, TITLE), own);
        let right = left.translate(vec2(own.x + GAP, 0.0));
        for (area, name) in [(left, self.names[0]), (right, self.names[1])] {
            let title = paint::one_line(&painter, name, fonts::medium(size::SMALL), t.sub, own.x.max(150.0));
            paint::galley_left(&painter, area.left(), rect.top() + TITLE / 2.0 - 2.0, title);
        }
        let picture = Cells::new(self.height, self.width, |row, column| self.color(row, column));
        raster::paint(ui, id.with("picture"), &painter, left, picture);
        let most = self.most();
        let over = Cells::new(self.height, self.width, |row, column| self.laid_over(t, row, column, most));
        raster::paint(ui, id.with("over"), &painter, right, over);
        for area in [left, right] {
            painter.rect_stroke(area, 0.0, Stroke::new(1.0, t.line_strong), StrokeKind::Outside);
        }
        let end = pos2(right.right().max(right.left() + 240.0).min(rect.right()), right.bottom() + 14.0);
        if self.amounts.iter().any(|amount| *amount < 0.0) {
            diverging(&painter, t, end, most);
        } else {
            sequential(&painter, t, end, [t.raised, t.positive], &[0.0, most].map(format::number));
        }
        self.pointed(t, &response, &painter, [left, right]);
        response
    }

    #[expect(clippy::disallowed_methods, reason = "a photograph has its own colours")]
    fn color(&self, row: usize, column: usize) -> Color32 {
        let at = (row * self.width + column) * self.channels;
        let level = |channel: usize| {
            let value = self.seen.get(at + channel).copied().unwrap_or(0.0).clamp(0.0, 1.0);
            (value * 255.0).round() as u8
        };
        if self.channels == 3 { Color32::from_rgb(level(0), level(1), level(2)) } else { Color32::from_gray(level(0)) }
    }

    fn laid_over(&self, t: &Tokens, row: usize, column: usize, most: f64) -> Color32 {
        let below = if self.beneath { paint::mix(t.raised, gray(self.color(row, column)), FAINT) } else { t.raised };
        let amount = self.amounts.get(row * self.width + column).copied().filter(|amount| amount.is_finite());
        let amount = amount.filter(|amount| amount.abs() >= self.threshold * most && *amount != 0.0);
        let Some(amount) = amount else { return below };
        let full = if amount > 0.0 { t.positive } else { t.negative };
        paint::mix(below, full, (amount.abs() / most) as f32)
    }

    fn pointed(&self, t: &Tokens, response: &Response, painter: &Painter, areas: [Rect; 2]) {
        let shape = (self.height, self.width);
        let Some(pointer) = response.hover_pos() else { return };
        let Some((row, column)) = areas.iter().find_map(|area| raster::under(*area, shape, pointer)) else { return };
        for area in areas {
            let size = vec2(area.width() / self.width as f32, area.height() / self.height as f32);
            let corner = area.min + vec2(column as f32 * size.x, row as f32 * size.y);
            let cell = Rect::from_min_size(corner, size);
            painter.rect_stroke(cell, 0.0, Stroke::new(2.0, t.strong), StrokeKind::Outside);
        }
        let amount = self.amounts.get(row * self.width + column).copied().unwrap_or(f64::NAN);
        let place = format!("Pixel in row {}, column {}", row + 1, column + 1);
        hover(response, &[place, format!("{} {}", format::signed(amount), self.what)]);
    }
}

/// How bright a colour is.
fn gray(color: Color32) -> Color32 {
    let [r, g, b] = [color.r(), color.g(), color.b()].map(f32::from);
    Color32::from_gray((0.299 * r + 0.587 * g + 0.114 * b).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_amounts_are_hidden_and_their_share_is_told() {
        let amounts = [0.5, -0.25, 0.1, 0.0];
        let seen = [0.0, 0.3, 0.6, 1.0];
        let chart = Overlay::new([2, 2], &seen, &amounts);
        assert_eq!(
            chart.summary(),
            "What the model saw, and what each pixel adds: 3 of 4 pixels move it; together they add +0.6 and take −0.25 to the answer"
        );
        let part = chart.threshold(0.5);
        assert_eq!(part.shown().0, 2);
        assert!(part.summary().contains("adds: 2 of 4 pixels shown, 88"), "{}", part.summary());
        let t = Tokens::for_theme(egui::Theme::Dark, false);
        assert_ne!(part.laid_over(t, 1, 0, 0.5), chart.laid_over(t, 1, 0, 0.5), "it is laid over without a threshold");
        assert_eq!(chart.laid_over(t, 0, 0, 0.5), t.positive, "the largest has the full colour");
    }
}
