//! Two explanations of the same rows beside each other: which features gained, which lost, and by how much rows moved.
//!
//! Differences are paired, row by row; intervals are Student's t over the rows (Student 1908).

use serde::{Deserialize, Serialize};

use crate::global::ranks;
use crate::normal;

/// The level of the intervals.
const LEVEL: f64 = 0.95;

/// What became of one feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Mean |contribution| of the first, in the explanations' unit.
    pub first: f64,
    /// That of the second.
    pub second: f64,
    /// Second - first.
    pub difference: f64,
    /// The ends of its 95 % interval; none of fewer than 3 rows.
    pub interval: Option<(f64, f64)>,
    /// Mean |second contribution - first contribution|: how far rows moved, whichever way.
    pub moved: f64,
}

impl Moved {
    /// The interval leaves out 0: chance alone in which rows were taken does not explain the difference.
    pub fn is_sure(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// What became of each feature; `first` and `second` are rows x features, the same rows and the same features in both.
pub fn moved(first: &[Vec<f64>], second: &[Vec<f64>]) -> Vec<Moved> {
    let features = first.first().map_or(0, Vec::len);
    let n = first.len().min(second.len());
    (0..features).map(|feature| of_feature(&(0..n).map(|row| (first[row][feature], second[row][feature])))).collect()
}

fn of_feature(pairs: &(impl Iterator<Item = (f64, f64)> + Clone)) -> Moved {
    let n = pairs.clone().count() as f64;
    let mean = |of: &dyn Fn((f64, f64)) -> f64| pairs.clone().map(of).sum::<f64>() / n.max(1.0);
    let difference = mean(&|(a, b)| b.abs() - a.abs());
    let squares = pairs.clone().map(|(a, b)| (b.abs() - a.abs() - difference).powi(2)).sum::<f64>();
    let interval = (n >= 3.0).then(|| {
        let half = normal::two_sided_t(LEVEL, n - 1.0) * (squares / (n - 1.0) / n).sqrt();
        (difference - half, difference + half)
    });
    Moved {
        first: mean(&|(a, _)| a.abs()),
        second: mean(&|(_, b)| b.abs()),
        difference,
        interval,
        moved: mean(&|(a, b)| (b - a).abs()),
    }
}

/// Spearman's rank correlation of the features' mean |contribution| (Spearman 1904), ties with their mean rank; none of
/// fewer than 3 features or where one explanation has them all alike.
pub fn rank_correlation(moved: &[Moved]) -> Option<f64> {
    let ranked = |of: &dyn Fn(&Moved) -> f64| ranks(&moved.iter().map(of).collect::<Vec<_>>());
    let (a, b) = (ranked(&|of| of.first), ranked(&|of| of.second));
    let middle = f64::midpoint(moved.len() as f64, 1.0);
    let sum = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum::<f64>();
    let spread = (sum(&a, &a) * sum(&b, &b)).sqrt();
    (moved.len() >= 3 && spread > 0.0).then(|| sum(&a, &b) / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_paired_and_have_the_interval_of_a_mean() {
        let first = [vec![0.1, -0.5], vec![-0.2, 0.5], vec![0.3, -0.5], vec![0.2, 0.5]];
        let second = [vec![0.2, 0.5], vec![0.3, -0.5], vec![-0.5, 0.5], vec![0.4, -0.5]];
        let found = moved(&first, &second);
        assert!((found[0].first - 0.2).abs() < 1e-12 && (found[0].second - 0.35).abs() < 1e-12);
        assert!((found[0].difference - 0.15).abs() < 1e-12);
        // scipy.stats.ttest_1samp([0.1, 0.1, 0.2, 0.2], 0).confidence_interval(0.95)
        let (low, high) = found[0].interval.expect("4 rows");
        assert!((low - 0.058_130_688).abs() < 1e-8 && (high - 0.241_869_312).abs() < 1e-8, "{low} {high}");
        assert!(found[0].is_sure());
        assert_eq!((found[1].difference, found[1].moved), (0.0, 1.0), "each row turned round, and the size stayed");
        assert!(!found[1].is_sure());
        assert!(moved(&first[..2], &second[..2])[0].interval.is_none());
        assert!(moved(&[], &[]).is_empty());
    }

    #[test]
    fn ranks_are_compared_as_scipy_does() {
        let of = |first: f64, second: f64| Moved { first, second, difference: 0.0, interval: None, moved: 0.0 };
        let all = [of(0.5, 0.4), of(0.3, 0.45), of(0.1, 0.1), of(0.1, 0.0)];
        // scipy.stats.spearmanr([0.5, 0.3, 0.1, 0.1], [0.4, 0.45, 0.1, 0.0]).statistic
        assert!((rank_correlation(&all).expect("four") - 0.737_864_787_372_621_8).abs() < 1e-12);
        assert_eq!(rank_correlation(&all[..2]), None);
        assert_eq!(rank_correlation(&[of(0.1, 0.3), of(0.1, 0.2), of(0.1, 0.1)]), None);
    }
}
