//! Two models on the same rows: which of them is right where the other one is wrong.

use serde::{Deserialize, Serialize};

use super::value::Metric;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959963984540054;

/// Rows by whether the first and the second model answered them rightly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paired {
    /// Both are right.
    pub both_right: u64,
    /// Only the first is right.
    pub only_first: u64,
    /// Only the second is right.
    pub only_second: u64,
    /// Both are wrong.
    pub both_wrong: u64,
}

impl Paired {
    /// Adds a row.
    pub fn add(&mut self, first: bool, second: bool) {
        let cell = match (first, second) {
            (true, true) => &mut self.both_right,
            (true, false) => &mut self.only_first,
            (false, true) => &mut self.only_second,
            (false, false) => &mut self.both_wrong,
        };
        *cell += 1;
    }

    /// Rows.
    pub fn rows(&self) -> u64 {
        self.both_right + self.only_first + self.only_second + self.both_wrong
    }

    /// Accuracy of the second less that of the first.
    ///
    /// The interval is the adjusted Wald interval of Agresti and Min (2005) for matched pairs: half a row is added
    /// to each of the four cells, which keeps its rate with few rows that differ.
    pub fn difference(&self) -> Metric {
        let rows = self.rows();
        if rows == 0 {
            return Metric::undefined("There is no row that both answered");
        }
        let value = (self.only_second as f64 - self.only_first as f64) / rows as f64;
        let (gained, lost, n) = (self.only_second as f64 + 0.5, self.only_first as f64 + 0.5, rows as f64 + 2.0);
        let middle = (gained - lost) / n;
        let half = Z * (gained + lost - (gained - lost).powi(2) / n).sqrt() / n;
        Metric {
            low: Some((middle - half).max(-1.0)),
            high: Some((middle + half).min(1.0)),
            interval: Some("Agresti and Min, matched pairs".to_owned()),
            ..Metric::of(value)
        }
    }

    /// The exact test of McNemar (1947), two-sided: how likely so uneven a split of the rows that differ is (or a
    /// more uneven one), when both models are equally good.
    pub fn p_value(&self) -> f64 {
        let (n, k) = (self.only_first + self.only_second, self.only_first.min(self.only_second));
        if 2 * k >= n {
            return 1.0;
        }
        // The binomial probability of k, and from there down: each term is the one before times i / (n - i + 1).
        let log_choose: f64 = (1..=k).map(|i| (((n - k + i) as f64) / i as f64).ln()).sum();
        let largest = (log_choose - n as f64 * std::f64::consts::LN_2).exp();
        let (mut term, mut tail) = (largest, largest);
        for i in (1..=k).rev() {
            term *= i as f64 / (n - i + 1) as f64;
            tail += term;
            if term < tail * 1e-17 {
                break;
            }
        }
        (2.0 * tail).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(both_right: u64, only_first: u64, only_second: u64, both_wrong: u64) -> Paired {
        Paired { both_right, only_first, only_second, both_wrong }
    }

    #[test]
    fn the_exact_test_equals_a_binomial_test() {
        // scipy 1.17: binomtest(k, n, 0.5).pvalue
        for (b, c, want) in [
            (0, 0, 1.0),
            (3, 3, 1.0),
            (1, 9, 0.021_484_375),
            (12, 25, 0.047_031_027_439_515_06),
            (150, 200, 0.008_720_036_530_555_947),
            (0, 40, 1.818_989_403_545_856_5e-12),
        ] {
            let found = paired(10, b, c, 2).p_value();
            assert!((found - want).abs() <= want * 1e-12, "{b}, {c}: {found}");
        }
    }

    #[test]
    fn the_difference_has_an_interval_around_it() {
        // The paper's formula, worked out by another program.
        let metric = paired(794, 86, 150, 570).difference();
        assert!((metric.value.expect("a value") - 0.04).abs() < 1e-12);
        let (low, high) = metric.low.zip(metric.high).expect("an interval");
        assert!((low - 0.021_217_189_117_972_622).abs() < 1e-12, "{low}");
        assert!((high - 0.058_682_935_725_972_45).abs() < 1e-12, "{high}");
        let none = paired(20, 0, 0, 0).difference();
        let (low, high) = none.low.zip(none.high).expect("an interval");
        assert!(low < 0.0 && high > 0.0 && (low + high).abs() < 1e-12, "nothing differs, and 20 rows prove little");
        assert!(Paired::default().difference().reason.is_some());
    }

    #[test]
    fn rows_are_counted_by_who_is_right() {
        let mut counted = Paired::default();
        for (first, second) in [(true, true), (true, false), (false, true), (false, true), (false, false)] {
            counted.add(first, second);
        }
        assert_eq!(counted, paired(1, 1, 2, 1));
        assert_eq!(counted.rows(), 5);
    }
}
