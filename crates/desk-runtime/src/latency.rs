//! How long calls of a model took: percentiles with intervals, and the whole distribution as a curve.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

/// Fewest calls of which a distribution is told: of fewer not even the 95th percentile is resolved.
pub const FEWEST_CALLS: u64 = 20;
/// Percentiles that are told, where the calls resolve them.
const PERCENTILES: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];
/// Points of the curve for each further nine.
const POINTS_PER_NINE: f64 = 20.0;
/// Three digits: values are right to a thousandth, in memory that does not grow with the calls.
const DIGITS: u8 = 3;
/// Shortest and longest call that is told apart, in nanoseconds: a hundred nanoseconds to a day.
const RANGE: (u64, u64) = (100, 86_400_000_000_000);

/// Collects how long calls took, each of the same number of rows.
#[derive(Debug, Clone)]
pub struct Latencies {
    rows: usize,
    at_once: usize,
    left_out: u64,
    /// Always there: its bounds and digits are constants that a histogram takes.
    seen: Option<Histogram<u64>>,
}

impl Latencies {
    /// Of calls with `rows` rows each, `at_once` of them side by side.
    pub fn new(rows: usize, at_once: usize) -> Self {
        Self { rows, at_once, left_out: 0, seen: Histogram::new_with_bounds(RANGE.0, RANGE.1, DIGITS).ok() }
    }

    /// One call. Calls of other sizes and those that warm up are counted and left out.
    pub fn add(&mut self, rows: usize, took: Duration, warming_up: bool) {
        if rows != self.rows || warming_up {
            self.left_out += 1;
            return;
        }
        if let Some(seen) = &mut self.seen {
            seen.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// What was seen; none where there were fewer than [`FEWEST_CALLS`] calls of the size.
    pub fn finish(&self) -> Option<Latency> {
        let seen = self.seen.as_ref().filter(|seen| seen.len() >= FEWEST_CALLS)?;
        let calls = seen.len();
        let percentiles = PERCENTILES.iter().filter(|percent| is_resolved(calls, **percent));
        Some(Latency {
            calls,
            rows_per_call: self.rows as u64,
            at_once: self.at_once as u64,
            left_out: self.left_out,
            min_ms: millis(seen.min()),
            mean_ms: seen.mean() / 1e6,
            max_ms: millis(seen.max()),
            percentiles: percentiles.map(|percent| percentile(seen, *percent)).collect(),
            curve: curve(seen),
        })
    }
}

/// The value and its distribution-free 95 % interval between two order statistics, whose ranks are
/// quantiles of the binomial distribution (Hahn and Meeker, Statistical Intervals, section 5.2).
fn percentile(seen: &Histogram<u64>, percent: f64) -> Percentile {
    let calls = seen.len();
    let ranks = Binomial::new(percent / 100.0, calls).ok();
    let rank = |share: f64| ranks.as_ref().map(|ranks| ranks.inverse_cdf(share));
    let low = rank(0.025).filter(|rank| *rank >= 1).map(|rank| at_rank(seen, rank));
    let high = rank(0.975).map(|rank| rank + 1).filter(|rank| *rank <= calls).map(|rank| at_rank(seen, rank));
    Percentile { percent, ms: millis(seen.value_at_percentile(percent)), low_ms: low, high_ms: high }
}

/// The n-th shortest call, in milliseconds; the first is 1.
fn at_rank(seen: &Histogram<u64>, rank: u64) -> f64 {
    millis(seen.value_at_quantile(rank as f64 / seen.len() as f64))
}

/// Percentiles from the shortest call on, as dense for the slow tenth, hundredth and thousandth as for all.
fn curve(seen: &Histogram<u64>) -> Vec<Percentile> {
    let nines = (seen.len() as f64).log10();
    let steps = (nines * POINTS_PER_NINE).floor() as u32;
    let percent = |step: u32| 100.0 * (1.0 - 10_f64.powf(-f64::from(step) / POINTS_PER_NINE));
    (0..=steps).map(|step| percentile(seen, percent(step))).collect()
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// A call lies beyond the percentile.
fn is_resolved(calls: u64, percent: f64) -> bool {
    calls as f64 * (100.0 - percent) / 100.0 >= 1.0 - 1e-9
}

/// How long the calls of one size took. Times are in milliseconds and right to a thousandth of themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Calls that were timed.
    pub calls: u64,
    /// Rows in each of them.
    pub rows_per_call: u64,
    /// Calls that ran side by side, which makes each of them slower.
    pub at_once: u64,
    /// Calls that are not in the figures: those that warmed the session up, and smaller ones.
    pub left_out: u64,
    /// The shortest.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Percentiles that so many calls resolve.
    pub percentiles: Vec<Percentile>,
    /// All percentiles that so many calls resolve, in steps of a twentieth of a nine.
    pub curve: Vec<Percentile>,
}

/// A percentile of the calls' times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    /// Which: 50 is the median.
    pub percent: f64,
    /// So many milliseconds or fewer.
    pub ms: f64,
    /// Lower end of the 95 % interval; none where there are too few calls for it.
    pub low_ms: Option<f64>,
    /// Upper end of the 95 % interval; none where there are too few calls for it.
    pub high_ms: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: impl Iterator<Item = u64>) -> Latencies {
        let mut all = Latencies::new(1, 1);
        times.for_each(|micros| all.add(1, Duration::from_micros(micros), false));
        all
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let found = of((1..=1000).rev().map(|i| i * 10)).finish().expect("enough");
        assert_eq!((found.calls, found.rows_per_call, found.left_out), (1000, 1, 0));
        let near = |value: f64, want: f64| assert!((value / want - 1.0).abs() < 2e-3, "{value} for {want}");
        for (percentile, want) in found.percentiles.iter().zip([5.0, 9.0, 9.5, 9.9, 9.99]) {
            near(percentile.ms, want);
        }
        near(found.min_ms, 0.01);
        near(found.mean_ms, 5.005);
        near(found.max_ms, 10.0);
        // Ranks 469 and 532 of 1000: the binomial quantiles that R's qbinom gives, the upper one plus one.
        near(found.percentiles[0].low_ms.expect("known"), 4.69);
        near(found.percentiles[0].high_ms.expect("known"), 5.32);
        // Beyond the 99.9th percentile lies one call: how far the next would lie is not known.
        assert_eq!(found.percentiles[4].high_ms, None);
    }

    #[test]
    fn the_interval_covers_the_true_median_as_often_as_it_says() {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            1 + (state >> 33) % 10_000
        };
        let covered = (0..1000).filter(|_| {
            let found = of((0..60).map(|_| next())).finish().expect("enough");
            let median = found.percentiles[0];
            median.low_ms.expect("known") <= 5.0 && 5.0 <= median.high_ms.expect("known")
        });
        let share = covered.count() as f64 / 1000.0;
        assert!((0.93..=0.985).contains(&share), "{share}");
    }

    #[test]
    fn few_calls_say_nothing_and_few_percentiles_are_told_of_not_many() {
        assert!(of(1..=19).finish().is_none());
        let found = of(1..=20).finish().expect("enough");
        let told: Vec<f64> = found.percentiles.iter().map(|p| p.percent).collect();
        assert_eq!(told, [50.0, 90.0, 95.0]);
        assert!(found.curve.is_sorted_by(|a, b| a.ms <= b.ms && a.percent < b.percent));
        let last = found.curve.last().expect("points");
        assert!((95.0 - 1.0..=95.0 + 1e-9).contains(&last.percent), "{last:?}");
    }

    #[test]
    fn other_sizes_and_the_first_calls_are_left_out() {
        let mut all = Latencies::new(64, 2);
        (0..30).for_each(|_| all.add(64, Duration::from_millis(2), false));
        all.add(64, Duration::from_secs(9), true);
        all.add(3, Duration::from_secs(9), false);
        let found = all.finish().expect("enough");
        assert_eq!((found.calls, found.left_out, found.at_once), (30, 2, 2));
        assert!(found.max_ms < 2.01, "{}", found.max_ms);
    }
}
