//! Whether two methods say the same of a row (Krishna et al. 2022, "The disagreement problem in explainable machine
//! learning"), and the rank correlations of the sizes of their attributions.

use serde::{Deserialize, Serialize};

use crate::global::ranks;

/// How far two methods agree on a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodAgreement {
    /// How many features count as the most important ones.
    pub top: usize,
    /// Feature agreement: share of them that both name, in any order.
    pub features: f64,
    /// Rank agreement: share that both name in the same place.
    pub ranks: f64,
    /// Sign agreement: share that both name with the same sign. None where a method gives no signs.
    pub signs: Option<f64>,
    /// Signed rank agreement: share that both name in the same place with the same sign.
    pub signed_ranks: Option<f64>,
    /// Spearman's rank correlation of the sizes of all attributions; none where a method gives all the same size.
    pub spearman: Option<f64>,
    /// Kendall's, tau-b.
    pub kendall: Option<f64>,
}

/// Compares the attributions of two methods for one row and output: a number for each feature. `signed` says whether both
/// have signs. The most important features are the `top` largest by size, of equal ones the first; fewer where there are
/// fewer features.
pub fn agreement(one: &[f64], other: &[f64], top: usize, signed: bool) -> MethodAgreement {
    let top = top.min(one.len()).max(1);
    let sizes = |of: &[f64]| of.iter().map(|x| x.abs()).collect::<Vec<f64>>();
    let (a, b) = (sizes(one), sizes(other));
    let (first, second) = (largest(&a, top), largest(&b, top));
    let share = |count: usize| count as f64 / top as f64;
    let same_sign = |f: usize| one[f].signum() == other[f].signum() && (one[f] == 0.0) == (other[f] == 0.0);
    let both = || first.iter().copied().filter(|f| second.contains(f));
    let in_place = || first.iter().zip(&second).filter(|(a, b)| a == b).map(|(f, _)| *f);
    MethodAgreement {
        top,
        features: share(both().count()),
        ranks: share(in_place().count()),
        signs: signed.then(|| share(both().filter(|f| same_sign(*f)).count())),
        signed_ranks: signed.then(|| share(in_place().filter(|f| same_sign(*f)).count())),
        spearman: correlation(&ranks(&a), &ranks(&b)),
        kendall: kendall(&a, &b),
    }
}

/// The features with the largest sizes, the largest first.
fn largest(sizes: &[f64], top: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|a, b| sizes[*b].total_cmp(&sizes[*a]).then(a.cmp(b)));
    order.truncate(top);
    order
}

/// Pearson's correlation; none where one is constant.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let product: f64 = a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum();
    let square = |of: &[f64], mean: f64| of.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let scale = (square(a, ma) * square(b, mb)).sqrt();
    (scale > 0.0).then(|| (product / scale).clamp(-1.0, 1.0))
}

/// Kendall's tau-b by Knight's way (1966): sorted by the first, the second is sorted by merging, and its exchanges are the
/// pairs that stand the other way round.
fn kendall(a: &[f64], b: &[f64]) -> Option<f64> {
    let mut pairs: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
    pairs.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
    let of = |n: usize| (n * n.saturating_sub(1) / 2) as f64;
    let all = of(pairs.len());
    let tied_first: f64 = pairs.chunk_by(|x, y| x.0 == y.0).map(|run| of(run.len())).sum();
    let tied_both: f64 = pairs.chunk_by(|x, y| x == y).map(|run| of(run.len())).sum();
    let mut second: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let exchanges = sort_counting(&mut second) as f64;
    let tied_second: f64 = second.chunk_by(|x, y| x == y).map(|run| of(run.len())).sum();
    let scale = ((all - tied_first) * (all - tied_second)).sqrt();
    (scale > 0.0).then(|| (all - tied_first - tied_second + tied_both - 2.0 * exchanges) / scale)
}

/// Sorts and says how many neighbours would have to change places for it.
fn sort_counting(list: &mut [f64]) -> usize {
    if list.len() < 2 {
        return 0;
    }
    let middle = list.len() / 2;
    let (left, right) = list.split_at_mut(middle);
    let mut exchanges = sort_counting(left) + sort_counting(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        if j == right.len() || i < left.len() && left[i] <= right[j] {
            merged.push(left[i]);
            i += 1;
        } else {
            merged.push(right[j]);
            exchanges += left.len() - i;
            j += 1;
        }
    }
    list.copy_from_slice(&merged);
    exchanges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rank_correlations_are_scipys() {
        let a = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let b = [2.0, 7.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0];
        // scipy.stats.spearmanr(a, b).statistic and scipy.stats.kendalltau(a, b).statistic
        let found = agreement(&a, &b, 3, true);
        assert!((found.spearman.expect("varies") - 0.198_853_681_209_924_67).abs() < 1e-12, "{found:?}");
        assert!((found.kendall.expect("varies") - 0.160_514_470_781_025_63).abs() < 1e-12, "{found:?}");
        let constant = agreement(&a, &[1.0; 8], 3, true);
        assert_eq!((constant.spearman, constant.kendall), (None, None));
    }

    #[test]
    fn agreements_are_those_of_their_definitions() {
        // Largest first: 3, 0, 1 and 3, 1, 4.
        let (one, other) = ([-2.0, 1.5, 0.1, 4.0, 0.3], [0.2, -3.0, 0.1, 5.0, 1.0]);
        let found = agreement(&one, &other, 3, true);
        assert_eq!((found.features, found.ranks), (2.0 / 3.0, 1.0 / 3.0));
        assert_eq!((found.signs, found.signed_ranks), (Some(1.0 / 3.0), Some(1.0 / 3.0)));
        let unsigned = agreement(&one, &other, 50, false);
        assert_eq!((unsigned.top, unsigned.features, unsigned.signs), (5, 1.0, None));
    }

    proptest! {
        /// Over all pairs, the slow way.
        #[test]
        fn kendall_is_its_definition(pairs in prop::collection::vec((0u8..6, 0u8..6), 2..30)) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).unzip();
            let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
            for i in 0..a.len() {
                for j in 0..i {
                    let sign = |d: f64| if d == 0.0 { 0.0 } else { d.signum() };
                    let (x, y) = (sign(a[i] - a[j]), sign(b[i] - b[j]));
                    sum += x * y;
                    first += x * x;
                    second += y * y;
                }
            }
            let scale = f64::sqrt(first * second);
            let found = kendall(&a, &b);
            prop_assert_eq!(found.is_none(), scale == 0.0);
            prop_assert!(found.is_none_or(|found| (found - sum / scale).abs() < 1e-12), "{found:?}");
        }
    }
}
