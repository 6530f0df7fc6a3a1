//! Points along a feature: quantiles as scikit-learn and ALE have them, or every value where there are few.

use crate::input::{FeatureInfo, FeatureKind, Table};

/// The finite values of a column, ascending.
pub(super) fn sorted(rows: Table<'_>, feature: usize) -> Vec<f64> {
    let mut values: Vec<f64> = (0..rows.len()).map(|r| rows.row(r)[feature]).filter(|x| x.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Different values of a sorted list.
pub(super) fn unique(sorted: &[f64]) -> Vec<f64> {
    let mut unique = sorted.to_vec();
    unique.dedup();
    unique
}

/// A quantile of a sorted list with plotting positions `(k - a) / (n + 1 - 2 a)`: `a = 1` is NumPy's default,
/// `a = 0.4` that of `scipy.stats.mstats.mquantiles`, which scikit-learn's partial dependence uses.
pub(super) fn quantile(sorted: &[f64], p: f64, a: f64) -> f64 {
    let n = sorted.len() as f64;
    let place = (n * p + a + p * (1.0 - 2.0 * a)).clamp(1.0, n.max(1.0));
    let below = (place.floor() as usize).min(sorted.len() - 1).max(1);
    let part = (place - below as f64).clamp(0.0, 1.0);
    let above = sorted.get(below).copied().unwrap_or(sorted[below - 1]);
    // Between equal infinities there is no difference to share out.
    if sorted[below - 1] == above { above } else { (1.0 - part) * sorted[below - 1] + part * above }
}

/// The grid of scikit-learn's `partial_dependence`: every value where there are fewer than `points`, else `points`
/// evenly spaced from the 5 % to the 95 % quantile; every category of a categorical feature that occurs.
pub(super) fn even(rows: Table<'_>, feature: usize, info: &FeatureInfo, points: usize) -> Vec<f64> {
    let sorted = sorted(rows, feature);
    let unique = unique(&sorted);
    if unique.len() < points || matches!(info.kind, FeatureKind::Categorical { .. }) {
        return unique;
    }
    let (low, high) = (quantile(&sorted, 0.05, 0.4), quantile(&sorted, 0.95, 0.4));
    if low == high {
        return unique;
    }
    let step = (high - low) / (points - 1) as f64;
    (0..points).map(|i| if i + 1 == points { high } else { low + step * i as f64 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy_and_scipy() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        // numpy.quantile([1, 2, 4, 8, 16], [0, 0.1, 0.5, 0.9, 1])
        let numpy: Vec<f64> = [0.0, 0.1, 0.5, 0.9, 1.0].map(|p| quantile(&values, p, 1.0)).to_vec();
        for (found, want) in numpy.iter().zip([1.0, 1.4, 4.0, 12.8, 16.0]) {
            assert!((found - want).abs() < 1e-12, "{numpy:?}");
        }
        // scipy.stats.mstats.mquantiles([1, 2, 4, 8, 16], [0.05, 0.25, 0.5, 0.95])
        let scipy = [0.05, 0.25, 0.5, 0.95].map(|p| quantile(&values, p, 0.4));
        for (found, want) in scipy.iter().zip([1.0, 1.7, 4.0, 16.0]) {
            assert!((found - want).abs() < 1e-12, "{scipy:?}");
        }
        assert_eq!(quantile(&[7.0], 0.3, 0.4), 7.0);
    }
}
