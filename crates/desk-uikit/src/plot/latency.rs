//! How long calls took: the slow tenth, hundredth and thousandth as wide as all the rest.

use egui::{Response, Ui};

use super::lines::{Lines, Series, Ticks};
use crate::format;

/// One percentile of the calls' times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentile {
    /// Which, from 0 to less than 100; 50 is the median.
    pub percent: f64,
    /// So many milliseconds or fewer.
    pub ms: f64,
    /// Ends of its 95 % interval, where they are known.
    pub interval: [Option<f64>; 2],
}

/// Latency by percentile, over an axis that gives each further nine the same room (as HdrHistogram plots it).
#[must_use]
pub struct Latency<'a> {
    curve: &'a [Percentile],
    told: &'a [Percentile],
    height: f32,
}

/// Names of the axis: no nine, one nine and so on.
const NINES: [&str; 6] = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"];

impl<'a> Latency<'a> {
    /// `curve` in ascending order; `told` are the percentiles of the sentence.
    pub fn new(curve: &'a [Percentile], told: &'a [Percentile]) -> Self {
        Self { curve, told, height: 220.0 }
    }

    /// The height in points.
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let told: Vec<String> = self.told.iter().map(sentence).collect();
        if told.is_empty() { "Latency: no calls".to_owned() } else { format!("Calls took {}", told.join("; ")) }
    }

    /// Shows the chart.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let line = |of: fn(&Percentile) -> Option<f64>| -> Vec<[f64; 2]> {
            self.curve.iter().filter_map(|p| Some([nines(p.percent), of(p)?])).collect()
        };
        let mut series = vec![Series::new("Latency", line(|p| Some(p.ms)))];
        for (name, of) in [("Low end, 95 %", low as fn(&Percentile) -> Option<f64>), ("High end, 95 %", high)] {
            let points = line(of);
            if points.len() > 1 {
                series.push(Series::new(name, points).bound());
            }
        }
        let all = || series.iter().flat_map(|series| &series.points);
        let right = all().map(|p| p[0]).fold(1.0, f64::max);
        let top = all().map(|p| p[1]).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let names: Vec<String> = NINES.iter().map(|&name| name.to_owned()).collect();
        Lines::new(&series, "Share of the calls that took no longer", "Milliseconds")
            .bounds_of([0.0, right, 0.0, top])
            .ticks(Ticks { names: &names, say })
            .height(self.height)
            .show(ui)
    }
}

fn low(p: &Percentile) -> Option<f64> {
    p.interval[0]
}

fn high(p: &Percentile) -> Option<f64> {
    p.interval[1]
}

/// How many nines a share has: 0 for none, 1 for 90 %, 2 for 99 %.
fn nines(percent: f64) -> f64 {
    -(1.0 - percent / 100.0).max(1e-9).log10()
}

/// The share at so many nines in words, with as many digits as tell it from its neighbours.
fn say(nines: f64) -> String {
    let percent = 100.0 * (1.0 - 10_f64.powf(-nines));
    let decimals = if nines < 1.0 { 0 } else { nines.floor() as usize };
    format!("{} % of the calls", format::fixed(percent, decimals))
}

fn sentence(p: &Percentile) -> String {
    let time = |ms: f64| format!("{} ms", format::number(ms));
    let interval = match p.interval {
        [Some(low), Some(high)] => format!(" ({} to {})", time(low), time(high)),
        [Some(low), None] => format!(" (at least {})", time(low)),
        _ => String::new(),
    };
    let share = if (p.percent - 50.0).abs() < 1e-9 { "half".to_owned() } else { format!("{} %", p.percent) };
    format!("no more than {}{interval} for {share}", time(p.ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_said_by_their_nines() {
        assert!((nines(90.0) - 1.0).abs() < 1e-9 && (nines(99.9) - 3.0).abs() < 1e-9);
        assert_eq!(say(nines(50.0)), "50 % of the calls");
        assert_eq!(say(nines(99.9)), "99.900 % of the calls");
        assert!(nines(100.0).is_finite());
    }

    #[test]
    fn the_sentence_says_what_is_not_known() {
        let told = [
            Percentile { percent: 50.0, ms: 2.0, interval: [Some(1.9), Some(2.2)] },
            Percentile { percent: 99.0, ms: 5.0, interval: [Some(4.0), None] },
        ];
        assert_eq!(
            Latency::new(&told, &told).summary(),
            "Calls took no more than 2 ms (1.9 ms to 2.2 ms) for half; no more than 5 ms (at least 4 ms) for 99 %"
        );
    }
}
