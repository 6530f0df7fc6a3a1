//! Features that go together: what shuffling or setting one of them alone makes of rows that do not occur.
//!
//! Measured by Spearman's rank correlation (Spearman 1904), which sees every monotone relation and no single far value;
//! ties get their mean rank, as in `scipy.stats.spearmanr`. Between a column with missing values and another one the
//! correlation is that of the ranks, over the rows where both are there.

use serde::{Deserialize, Serialize};

use crate::input::{FeatureInfo, FeatureKind, Table};

/// From this size on, with either sign, two features are said to go together.
const STRONG: f64 = 0.8;
/// Rows that are looked at, evenly spaced: the error of a correlation of 0.8 is then about 0.01.
const ROWS: usize = 1_000;
/// Below so many rows two columns go together by chance too often.
const FEWEST_ROWS: usize = 20;

/// Two features that go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlated {
    /// The name of the one that was asked about.
    pub feature: String,
    /// The other one's.
    pub other: String,
    /// Their rank correlation, -1 to 1.
    pub correlation: f64,
}

/// Numeric features that go together with those at `asked`, each pair once, the strongest first.
///
/// `rows` are as wide as `features`; the work grows with the number of features times that of those asked about.
pub fn correlated(rows: Table<'_>, features: &[FeatureInfo], asked: &[usize]) -> Vec<Correlated> {
    let n = rows.len().min(ROWS);
    let chosen: Vec<usize> = (0..n).map(|i| i * rows.len() / n).collect();
    let numeric = |at: &usize| features.get(*at).is_some_and(|info| info.kind == FeatureKind::Numeric);
    let column = |at: usize| ranks(&chosen.iter().map(|row| rows.row(*row)[at]).collect::<Vec<_>>());
    let asked: Vec<(usize, Vec<f64>)> = asked.iter().copied().filter(numeric).map(|at| (at, column(at))).collect();
    let mut found = Vec::new();
    for other in (0..features.len()).filter(numeric) {
        let of_other = column(other);
        for (place, (feature, own)) in asked.iter().enumerate() {
            // Of two that are both asked about, the pair is the earlier one's.
            if *feature == other || asked[..place].iter().any(|(earlier, _)| *earlier == other) {
                continue;
            }
            if let Some(correlation) = pearson(own, &of_other).filter(|r| r.abs() >= STRONG) {
                let (feature, other) = (features[*feature].name.clone(), features[other].name.clone());
                found.push(Correlated { feature, other, correlation });
            }
        }
    }
    found.sort_by(|a, b| b.correlation.abs().total_cmp(&a.correlation.abs()));
    found
}

/// Ranks from 1, ties by their mean; NaN where the value is.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|at| !values[*at].is_nan()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![f64::NAN; values.len()];
    let mut from = 0;
    while from < order.len() {
        let same = order[from..].iter().take_while(|at| values[**at] == values[order[from]]).count();
        let mean = f64::midpoint((from + 1) as f64, (from + same) as f64);
        order[from..from + same].iter().for_each(|at| ranks[*at] = mean);
        from += same;
    }
    ranks
}

/// The correlation over the places where both have a number; none where they are few or one is constant.
fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    let both = || one.iter().zip(other).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let n = both().count();
    if n < FEWEST_ROWS {
        return None;
    }
    let mean = |of: &dyn Fn((&f64, &f64)) -> f64| both().map(of).sum::<f64>() / n as f64;
    let (a, b) = (mean(&|(a, _)| *a), mean(&|(_, b)| *b));
    let product = mean(&|(x, y)| (x - a) * (y - b));
    let scale = (mean(&|(x, _)| (x - a).powi(2)) * mean(&|(_, y)| (y - b).powi(2))).sqrt();
    (scale > 0.0).then(|| product / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_their_correlation_are_those_of_scipy() {
        // scipy.stats.rankdata([3, 1, 4, 1, 5])
        assert_eq!(ranks(&[3.0, 1.0, f64::NAN, 4.0, 1.0, 5.0])[..2], [3.0, 1.5]);
        assert!(ranks(&[3.0, f64::NAN])[1].is_nan());
        let n = 40;
        let x: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 40)).collect();
        let y: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 40 / 3 + i % 5)).collect();
        // scipy.stats.spearmanr(x, y).statistic, x = [i * 7 % 40 for i in range(40)], y = [i * 7 % 40 // 3 + i % 5 for i in range(40)]
        let found = pearson(&ranks(&x), &ranks(&y)).expect("enough rows");
        assert!((found - 0.945050641647612).abs() < 1e-12, "{found}");
        assert_eq!(pearson(&ranks(&x), &[1.0; 40]), None, "nothing goes together with a constant");
        assert_eq!(pearson(&ranks(&x[..10]), &ranks(&y[..10])), None, "few rows");
    }

    #[test]
    fn each_pair_is_told_once_and_categories_have_no_order() {
        let row = |i: i32| {
            let x = f64::from(i * 7 % 50);
            [x, -x.exp(), f64::from(i * 13 % 50), x]
        };
        let rows: Vec<f64> = (0..50).flat_map(row).collect();
        let features = vec![
            FeatureInfo::numeric("x"),
            FeatureInfo::numeric("falls"),
            FeatureInfo::numeric("other"),
            FeatureInfo::categorical("codes", Vec::new()),
        ];
        let table = Table::new(&rows, 4);
        let pair = Correlated { feature: "x".into(), other: "falls".into(), correlation: -1.0 };
        let found = correlated(table, &features, &[0, 1, 2, 3]);
        assert!(found.len() == 1 && (found[0].correlation + 1.0).abs() < 1e-12, "{found:?}");
        assert_eq!((&found[0].feature, &found[0].other), (&pair.feature, &pair.other));
        assert_eq!(correlated(table, &features, &[1])[0].other, "x");
        assert!(correlated(table, &features, &[2]).is_empty());
    }
}
