//! A metric's value with its interval, or the reason why there is none.

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959963984540054;

/// One number, or why it is undefined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The value.
    pub value: Option<f64>,
    /// Lower end of the 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end of the 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// How the interval was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Metric {
    /// A value without an interval.
    pub fn of(value: f64) -> Self {
        Self { value: Some(value), low: None, high: None, interval: None, reason: None }
    }

    /// No value, and why.
    pub fn undefined(reason: impl Into<String>) -> Self {
        Self { value: None, low: None, high: None, interval: None, reason: Some(reason.into()) }
    }

    /// A share with Wilson's score interval (Wilson 1927, without continuity correction).
    pub fn share(hits: u64, of: u64, if_none: &str) -> Self {
        if of == 0 {
            return Self::undefined(if_none);
        }
        let (n, p) = (of as f64, hits as f64 / of as f64);
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        Self::of(p).between((middle - half).max(0.0), (middle + half).min(1.0), "Wilson score")
    }

    /// F1 of `hits` and of `misses`, which are false positives and false negatives.
    ///
    /// Of hits and misses together the hits are a share, J (Jaccard's index); its Wilson score interval is taken over to
    /// F1 = 2 J / (1 + J), which grows with J.
    pub fn f1(hits: u64, misses: u64, if_none: &str) -> Self {
        let over = |share: f64| 2.0 * share / (1.0 + share);
        let share = Self::share(hits, hits + misses, if_none);
        match (share.value, share.low, share.high) {
            (Some(value), Some(low), Some(high)) => {
                Self::of(over(value)).between(over(low), over(high), "Wilson score of TP / (TP + FP + FN)")
            }
            _ => share,
        }
    }

    /// The weighted mean of shares that vary independently, with the interval of the method of variance estimates
    /// recovery (MOVER: Zou and Donner 2008) from their own; weights sum to 1. None where one of them has none.
    pub fn mean_of_shares(shares: &[(f64, Self)]) -> Self {
        let sum = |of: &dyn Fn(&Self) -> Option<f64>| -> Option<f64> {
            shares.iter().map(|(weight, share)| Some(weight * of(share)?)).sum()
        };
        let away = |of: &dyn Fn(&Self) -> Option<f64>| -> Option<f64> {
            let square = |(weight, share): &(f64, Self)| Some((weight * (of(share)? - share.value?)).powi(2));
            shares.iter().map(square).sum::<Option<f64>>().map(f64::sqrt)
        };
        let Some(value) = sum(&|share| share.value) else { return Self::undefined("A part of the mean is undefined") };
        match (away(&|share| share.low), away(&|share| share.high)) {
            (Some(below), Some(above)) => Self::of(value).between(
                (value - below).max(0.0),
                (value + above).min(1.0),
                "Wilson scores, combined by MOVER",
            ),
            _ => Self::of(value),
        }
    }

    /// A mean of `n` values with the interval of the central limit theorem, which is taken on a scale where it
    /// cannot leave `range` (delta method); `squares` are the squared differences from the mean.
    ///
    /// Without spread at an end of the range there is none: the scale has no such point.
    pub fn mean(value: f64, squares: f64, n: u64, range: Range) -> Self {
        if n < 2 {
            return Self::of(value);
        }
        let half = Z * (squares / (n - 1) as f64 / n as f64).sqrt();
        match range {
            Range::Any => Self::of(value).between(value - half, value + half, "normal approximation"),
            Range::NotNegative if value > 0.0 => {
                let factor = (half / value).exp();
                Self::of(value).between(value / factor, value * factor, "delta method, log scale")
            }
            Range::UpTo(top) if value > 0.0 && value < top => {
                let share = value / top;
                let middle = (share / (1.0 - share)).ln();
                let half = half / top / (share * (1.0 - share));
                let back = |x: f64| top / (1.0 + (-x).exp());
                Self::of(value).between(back(middle - half), back(middle + half), "delta method, logit scale")
            }
            _ => Self::of(value),
        }
    }

    /// An area under the ROC curve with the interval of Newcombe (2006, method 5): the areas that the found one is
    /// not significantly different from, by the variance of Hanley and McNeil (1982) at each of them and with the
    /// numbers of positives and negatives evened out. It stays between 0 and 1, and where all rows are in order it
    /// still says how little a few rows prove.
    pub fn auc(value: f64, positives: u64, negatives: u64) -> Self {
        let (p, n) = (positives as f64, negatives as f64);
        let more = f64::midpoint(p, n) - 1.0;
        let variance = |area: f64| {
            let spread = 1.0 + more * (1.0 - area) / (2.0 - area) + more * area / (1.0 + area);
            area * (1.0 - area) * spread / (p * n)
        };
        let differs = |area: f64| (value - area).powi(2) > Z * Z * variance(area);
        let end = |far: f64| {
            let (mut outside, mut inside) = (far, value);
            // Each step halves what is not known of the end: more than a float64 can tell.
            for _ in 0..60 {
                let middle = f64::midpoint(outside, inside);
                if differs(middle) { outside = middle } else { inside = middle }
            }
            inside
        };
        Self::of(value).between(end(0.0), end(1.0), "Newcombe's method 5")
    }

    fn between(self, low: f64, high: f64, method: &str) -> Self {
        Self { low: Some(low), high: Some(high), interval: Some(method.to_owned()), ..self }
    }
}

/// Where the values of a mean, and so the ends of its interval, can lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// Anywhere.
    Any,
    /// From 0 on.
    NotNegative,
    /// From 0 to this.
    UpTo(f64),
}

/// A sum that keeps what rounding loses (Neumaier 1974), with the squares about the mean.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum {
    kept: f64,
    lost: f64,
    n: u64,
    /// The first value: differences from it keep digits that a large common offset would take.
    origin: f64,
    mean: f64,
    squares: f64,
}

impl Sum {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        let total = self.kept + value;
        self.lost +=
            if self.kept.abs() >= value.abs() { (self.kept - total) + value } else { (value - total) + self.kept };
        self.kept = total;
        if self.n == 0 {
            self.origin = value;
        }
        self.n += 1;
        let value = value - self.origin;
        let delta = value - self.mean;
        self.mean += delta / self.n as f64;
        self.squares += delta * (value - self.mean);
    }

    /// The sum.
    pub fn total(&self) -> f64 {
        self.kept + self.lost
    }

    /// The mean; `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.total() / self.n as f64)
    }

    /// The sum of squared differences from the mean (Welford 1962).
    pub fn squares(&self) -> f64 {
        self.squares
    }

    /// The mean as a metric.
    pub fn metric(&self, range: Range) -> Metric {
        match self.mean() {
            Some(mean) => Metric::mean(mean, self.squares, self.n, range),
            None => Metric::undefined("There is no row"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_equals_the_published_example() {
        // Newcombe 1998, table I: 81 of 263 and 0 of 20, 95 % score interval without correction.
        let share = Metric::share(81, 263, "");
        assert!((share.low.expect("low") - 0.2553).abs() < 5e-5 && (share.high.expect("high") - 0.3662).abs() < 5e-5);
        let none = Metric::share(0, 20, "");
        assert!(none.low.expect("low").abs() < 1e-12 && (none.high.expect("high") - 0.1611).abs() < 5e-5);
        assert_eq!(Metric::share(0, 0, "why").reason.as_deref(), Some("why"));
    }

    #[test]
    fn areas_have_the_interval_of_newcombes_method_5() {
        let ends = |value, positives, negatives| {
            let metric = Metric::auc(value, positives, negatives);
            metric.low.zip(metric.high).expect("an interval")
        };
        // Roots of its equation, found by another program (scipy's brentq).
        let roots = [
            (0.9, 10, 15, 0.683_938_757_024_493_9, 0.970_998_221_157_492_7),
            (0.75, 40, 200, 0.657_856_733_899_377_3, 0.821_537_286_245_776_5),
            (1.0, 8, 12, 0.792_983_418_382_734, 1.0),
        ];
        for (value, positives, negatives, low, high) in roots {
            let (found_low, found_high) = ends(value, positives, negatives);
            assert!((found_low - low).abs() < 1e-9 && (found_high - high).abs() < 1e-9, "{found_low} {found_high}");
        }
        // Mirrored areas have mirrored ends.
        let ((low, high), (other_low, other_high)) = (ends(0.3, 9, 14), ends(0.7, 9, 14));
        assert!((low + other_high - 1.0).abs() < 1e-12 && (high + other_low - 1.0).abs() < 1e-12);
        let (few, many) = (ends(1.0, 5, 5), ends(1.0, 500, 500));
        assert!(few.0 < 0.7 && many.0 > 0.99 && few.1 == 1.0 && many.1 == 1.0, "{few:?} {many:?}");
        assert!(ends(1.0, 1, 1).0 < 0.3);
    }

    #[test]
    fn intervals_of_means_stay_where_the_metric_can_be() {
        // One large loss among many of 0: the plain interval would begin below 0.
        let mut sum = Sum::default();
        (0..40).for_each(|row| sum.add(if row == 0 { 0.98 } else { 0.0 }));
        let ends = |range| sum.metric(range).low.zip(sum.metric(range).high).expect("an interval");
        assert!(ends(Range::Any).0 < 0.0);
        for range in [Range::NotNegative, Range::UpTo(1.0)] {
            let (low, high) = ends(range);
            assert!(0.0 < low && low < 0.98 / 40.0 && 0.98 / 40.0 < high && high < 1.0, "{range:?}: {low} to {high}");
        }
        assert_eq!(Metric::mean(0.0, 0.0, 9, Range::NotNegative).low, None);
        assert_eq!(Metric::mean(1.0, 0.0, 9, Range::UpTo(1.0)).high, None);
    }

    #[test]
    fn sums_keep_small_values_beside_large_ones() {
        let mut sum = Sum::default();
        for value in [1e16, 1.0, -1e16] {
            sum.add(value);
        }
        assert_eq!(sum.total(), 1.0);
    }
}
