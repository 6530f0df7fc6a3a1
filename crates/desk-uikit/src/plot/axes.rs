//! Scales and ticks: from values to points on the screen, and round numbers between.

use egui::{Align2, Painter, Rect, Stroke, pos2};

use crate::fonts::{self, size};
use crate::format;
use crate::tokens::Tokens;

/// A linear scale from values to screen points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Value at `from`.
    pub min: f64,
    /// Value at `to`.
    pub max: f64,
    /// Screen coordinate of `min`.
    pub from: f32,
    /// Screen coordinate of `max`.
    pub to: f32,
}

impl Scale {
    /// A scale over values; an empty or pointless range becomes one unit wide.
    pub fn new(min: f64, max: f64, from: f32, to: f32) -> Self {
        let (min, max) = if min.is_finite() && max.is_finite() { (min.min(max), max.max(min)) } else { (0.0, 1.0) };
        let (min, max) =
            if max - min > f64::EPSILON * min.abs().max(1.0) { (min, max) } else { (min - 0.5, max + 0.5) };
        Self { min, max, from, to }
    }

    /// The smallest scale over some values, with a margin as a fraction of the range.
    pub fn over(values: impl IntoIterator<Item = f64>, margin: f64, from: f32, to: f32) -> Self {
        let (min, max) = values
            .into_iter()
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let plain = Self::new(min, max, from, to);
        let pad = (plain.max - plain.min) * margin;
        Self { min: plain.min - pad, max: plain.max + pad, ..plain }
    }

    /// Where a value is.
    pub fn at(&self, value: f64) -> f32 {
        let fraction = ((value - self.min) / (self.max - self.min)).clamp(-1.0, 2.0);
        self.from + (self.to - self.from) * fraction as f32
    }

    /// The value at a place.
    pub fn value(&self, place: f32) -> f64 {
        let span = f64::from(self.to - self.from);
        if span == 0.0 { self.min } else { self.min + f64::from(place - self.from) / span * (self.max - self.min) }
    }

    /// Round values in this scale's range, about `target` of them.
    pub fn ticks(&self, target: usize) -> Vec<f64> {
        ticks(self.min, self.max, target)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten within the range, about `target` of them.
pub fn ticks(min: f64, max: f64, target: usize) -> Vec<f64> {
    let span = max - min;
    if !span.is_finite() || span <= 0.0 || target == 0 {
        return vec![];
    }
    let rough = span / target as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough * 0.999).unwrap_or(rough);
    let first = (min / step - 1e-9).ceil() as i64;
    let last = (max / step + 1e-9).floor() as i64;
    (first..=last.min(first + 100)).map(|i| i as f64 * step).collect()
}

/// A tick's label: no more decimals than the step needs.
pub fn tick_label(value: f64, ticks: &[f64]) -> String {
    let step = ticks.windows(2).map(|w| (w[1] - w[0]).abs()).fold(f64::INFINITY, f64::min);
    if !step.is_finite() || step == 0.0 || value.abs() >= 1e6 {
        return format::number(value);
    }
    let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 6.0) as usize;
    format::fixed(value, decimals)
}

/// Paints horizontal grid lines with labels at the left of `rect`.
pub(super) fn paint_y(painter: &Painter, t: &Tokens, rect: Rect, scale: &Scale, label: impl Fn(f64, &[f64]) -> String) {
    let target = ((rect.height() / 42.0) as usize).clamp(2, 8);
    let ticks = scale.ticks(target);
    for tick in &ticks {
        let y = scale.at(*tick);
        painter.hline(rect.x_range(), y, Stroke::new(1.0, t.line));
        let at = pos2(rect.left() - 8.0, y);
        painter.text(at, Align2::RIGHT_CENTER, label(*tick, &ticks), fonts::regular(size::CAPTION), t.sub);
    }
}

/// Paints labels below `rect`, with grid lines when `grid` is set.
pub(super) fn paint_x(painter: &Painter, t: &Tokens, rect: Rect, scale: &Scale, grid: bool) {
    let target = ((rect.width() / 80.0) as usize).clamp(2, 10);
    let ticks = scale.ticks(target);
    for tick in &ticks {
        let x = scale.at(*tick);
        if grid {
            painter.vline(x, rect.y_range(), Stroke::new(1.0, t.line));
        }
        let text = tick_label(*tick, &ticks);
        painter.text(pos2(x, rect.bottom() + 5.0), Align2::CENTER_TOP, text, fonts::regular(size::CAPTION), t.sub);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(-3.0, 7.0, 5), [-2.0, 0.0, 2.0, 4.0, 6.0]);
        assert!(ticks(1.0, 1.0, 5).is_empty());
        assert!(ticks(f64::NAN, 1.0, 5).is_empty());
        assert_eq!(tick_label(0.6000000000000001, &[0.4, 0.6000000000000001]), "0.6");
        assert_eq!(tick_label(2.0, &[0.0, 2.0]), "2");
    }

    #[test]
    fn a_scale_goes_there_and_back() {
        let s = Scale::new(-1.0, 3.0, 100.0, 300.0);
        assert_eq!(s.at(0.0), 150.0);
        assert!((s.value(150.0) - 0.0).abs() < 1e-9);
        let flat = Scale::over([2.0, 2.0], 0.0, 0.0, 10.0);
        assert_eq!((flat.min, flat.max), (1.5, 2.5));
        let empty = Scale::over([f64::NAN], 0.0, 0.0, 10.0);
        assert!(empty.max > empty.min);
    }
}
