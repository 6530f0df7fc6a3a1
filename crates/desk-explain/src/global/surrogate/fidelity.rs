//! How far a tree may stand for the model: on rows that it was not grown with.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::summary::quantile;

/// Draws of the held-out rows for the interval of R squared.
pub(super) const RESAMPLES: usize = 1_000;
/// The stream of random numbers that draws rows again.
const BOOTSTRAP: u64 = 13;
/// The normal quantile of 95 % intervals.
const Z: f64 = 1.959_963_984_540_054;

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How well the tree gives the model's answers, on rows that it was not grown with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Those rows.
    pub rows: usize,
    /// Share of the variance of the model's answers that the tree gives, for each output: 1 is all, 0 no better than the
    /// mean, less is worse. None where the model answers all of them alike. The interval is the percentile one of
    /// `resamples` draws of the rows with replacement (Efron 1979).
    pub r2: Vec<Option<Estimate>>,
    /// The same number over the rows that the tree was grown with.
    pub r2_grown: Vec<Option<f64>>,
    /// How often tree and model name the same class, where the answers are shares of all classes.
    pub agreement: Option<Agreement>,
    /// Draws behind the intervals of `r2`.
    pub resamples: usize,
}

/// Same classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Share of the rows, with Wilson's score interval (1927).
    #[serde(flatten)]
    pub share: Estimate,
    /// The share that naming the model's most frequent class in every row would reach.
    pub constant: f64,
}

/// R squared as `sklearn.metrics.r2_score` has it; none where the truth is the same everywhere.
pub(super) fn r2(truth: &[f64], answer: &[f64]) -> Option<f64> {
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let all: f64 = truth.iter().map(|x| (x - mean).powi(2)).sum();
    let missed: f64 = truth.iter().zip(answer).map(|(x, y)| (x - y).powi(2)).sum();
    (all > 0.0).then(|| 1.0 - missed / all)
}

/// R squared with its interval.
pub(super) fn r2_estimate(truth: &[f64], answer: &[f64], seed: u64) -> Option<Estimate> {
    let value = r2(truth, answer)?;
    let mut dice = Dice::new(seed, &[], BOOTSTRAP);
    let (mut x, mut y) = (truth.to_vec(), answer.to_vec());
    let mut draws = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for (x, y) in x.iter_mut().zip(&mut y) {
            let row = dice.below(truth.len());
            (*x, *y) = (truth[row], answer[row]);
        }
        // A draw of rows that are all alike says nothing.
        draws.extend(r2(&x, &y));
    }
    draws.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&draws, 0.025), quantile(&draws, 0.975));
    (2 * draws.len() > RESAMPLES).then(|| Estimate { value, low: low.min(value), high: high.max(value) })
}

/// How often the largest of each row's shares stands in the same place; the first of equal ones.
pub(super) fn agreement(truth: &[f64], answer: &[f64], classes: usize) -> Agreement {
    let largest = |row: &[f64]| (0..classes).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
    let named: Vec<usize> = truth.chunks_exact(classes).map(largest).collect();
    let same = named.iter().zip(answer.chunks_exact(classes)).filter(|(class, row)| **class == largest(row)).count();
    let most = (0..classes).map(|class| named.iter().filter(|named| **named == class).count()).max();
    let of = |count: usize| count as f64 / named.len() as f64;
    Agreement { share: wilson(same, named.len()), constant: of(most.unwrap_or(0)) }
}

/// A share with Wilson's score interval.
fn wilson(hits: usize, of: usize) -> Estimate {
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Estimate { value: p, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_squared_is_scikit_learns() {
        // sklearn.metrics.r2_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
        let found = r2(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0]).expect("it varies");
        assert!((found - 0.948_608_137_044_967_9).abs() < 1e-15, "{found}");
        assert_eq!(r2(&[2.0, 2.0], &[2.0, 3.0]), None);
        assert_eq!(r2_estimate(&[2.0, 2.0], &[2.0, 3.0], 0), None);
    }

    #[test]
    fn shares_have_wilsons_interval() {
        // statsmodels.stats.proportion.proportion_confint(81, 263, method="wilson"), Newcombe 1998's first example.
        let found = wilson(81, 263);
        assert!((found.low - 0.2553).abs() < 5e-5 && (found.high - 0.3662).abs() < 5e-5, "{found:?}");
        let all = wilson(5, 5);
        assert!((all.high - 1.0).abs() < 1e-12 && all.low > 0.5 && all.low < 0.6, "{all:?}");
    }

    #[test]
    fn the_first_of_equal_shares_is_the_class() {
        let truth = [0.5, 0.5, 0.2, 0.8, 0.9, 0.1, 0.6, 0.4];
        let answer = [0.5, 0.5, 0.9, 0.1, 0.7, 0.3, 0.51, 0.49];
        let found = agreement(&truth, &answer, 2);
        assert_eq!((found.share.value, found.constant), (0.75, 0.75));
    }

    /// Of samples of a population whose R squared is known, the share of intervals that hold it.
    #[test]
    fn intervals_of_r_squared_hold_it_at_about_their_rate() {
        let (trials, mut held) = (300u64, 0u32);
        for trial in 0..trials {
            let mut dice = Dice::new(trial, &[], 99);
            let (mut truth, mut answer) = (Vec::new(), Vec::new());
            for _ in 0..150 {
                let (x, e) = (dice.normal(), dice.normal());
                truth.push(x + 0.5 * e);
                answer.push(x);
            }
            // Variances 1.25 in all and 0.25 missed.
            let found = r2_estimate(&truth, &answer, trial).expect("it varies");
            held += u32::from((found.low..=found.high).contains(&0.8));
        }
        let rate = f64::from(held) / trials as f64;
        assert!((0.9..=0.99).contains(&rate), "{rate}");
    }
}
