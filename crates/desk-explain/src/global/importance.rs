//! Permutation importance: how much worse the answers are when a feature's values are dealt out at random.
//!
//! Breiman 2001; as `sklearn.inspection.permutation_importance` has it: the importance of a feature is the score less
//! the score with that column shuffled, the mean over some shuffles. Beside the spread over shuffles, which says
//! nothing of how few rows there are, an interval is given over the rows. The mean over all shuffles is a mean over
//! pairs of rows, one that loses its value and one that lends its own, so a row counts in both roles (the first
//! projection of a U-statistic, Hoeffding 1948).

use serde::{Deserialize, Serialize};

use super::score::{Judge, Score};
use super::{Subject, row_name, row_with};
use crate::dice::Dice;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::normal;

/// The stream of random numbers that shuffles.
const SHUFFLES: u64 = 11;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportanceRequest {
    /// Shuffles of each feature.
    pub repeats: usize,
    /// Seed of the shuffles.
    pub seed: u64,
}

impl Default for ImportanceRequest {
    fn default() -> Self {
        Self { repeats: 5, seed: 0 }
    }
}

/// How much one feature matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureImportance {
    /// Column of the table.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Mean loss of score over the shuffles, in the score's unit.
    pub mean: f64,
    /// Standard deviation over the shuffles, as scikit-learn gives it.
    pub std: f64,
    /// Lower end of the 95 % interval of the mean, over the rows.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The loss of each shuffle.
    pub repeats: Vec<f64>,
    /// 1 for the largest mean; ties keep column order.
    pub rank: usize,
    /// The interval lies above 0: shuffling hurts beyond chance.
    pub matters: bool,
}

/// Importances of all features, the largest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The score.
    pub score: Score,
    /// The score of the answers as they are.
    pub baseline: f64,
    /// Rows that were judged.
    pub rows: usize,
    /// Shuffles of each feature.
    pub repeats: usize,
    /// Seed of the shuffles.
    pub seed: u64,
    /// Rows that the model scored.
    pub model_rows: u64,
    /// The features.
    pub features: Vec<FeatureImportance>,
}

/// Shuffles one feature after the other and judges the answers.
///
/// `judge` knows the truth of each row. The result depends on the seed and
/// the rows alone: a feature's shuffles are the same wherever its column stands.
///
/// # Errors
/// See [`ExplainError`]; a cancel is seen between chunks of rows.
pub fn permutation_importance(
    subject: &mut Subject<'_>,
    judge: &Judge,
    request: &ImportanceRequest,
) -> Result<Importance, ExplainError> {
    subject.check()?;
    let Subject { rows, row_numbers, features, .. } = *subject;
    let (n, width) = (rows.len(), rows.n_features);
    if judge.rows() != n {
        return Err(ExplainError::Width { what: "truths", expected: n, found: judge.rows() });
    }
    if request.repeats == 0 {
        return Err(ExplainError::BadRequest("the number of shuffles must not be 0".to_owned()));
    }
    let outputs: Vec<usize> = (0..subject.predictor.n_outputs()).collect();
    let mut game = Game::new(subject.predictor, rows, &outputs, subject.cancel);
    let judged = |answers: &[f64]| -> Vec<f64> {
        answers.chunks_exact(outputs.len()).enumerate().map(|(row, answer)| judge.of(row, answer)).collect()
    };
    let plain = judged(&game.predict(rows.rows, |row| row_name(row_numbers, row))?);
    let mut meter = Meter::new(subject.sink, "Shuffling", "shuffles", (width * request.repeats) as u64);
    let mut shuffled = rows.rows.to_vec();
    let mut found = Vec::with_capacity(width);
    for (feature, info) in features.iter().enumerate() {
        let column: Vec<f64> = (0..n).map(|row| rows.row(row)[feature]).collect();
        // What each row loses, and what the others lose by its value.
        let mut lost = vec![0.0; n];
        let mut repeats = Vec::with_capacity(request.repeats);
        let constant = column.iter().all(|value| value.to_bits() == column[0].to_bits());
        for repeat in 0..request.repeats {
            if constant {
                repeats.push(0.0);
                meter.add(1);
                continue;
            }
            let mut lender: Vec<usize> = (0..n).collect();
            Dice::new(request.seed, &[repeat as f64], SHUFFLES).shuffle(&mut lender);
            (0..n).for_each(|row| shuffled[row * width + feature] = column[lender[row]]);
            let of_other = |row| row_with(row_numbers, row, info, "of another row");
            let scores = judged(&game.predict(&shuffled, of_other)?);
            let mut sum = 0.0;
            for (row, (plain, score)) in plain.iter().zip(&scores).enumerate() {
                let loss = plain - score;
                lost[row] += loss;
                lost[lender[row]] += loss;
                sum += loss;
            }
            repeats.push(sum / n as f64);
            meter.add(1);
        }
        (0..n).for_each(|row| shuffled[row * width + feature] = column[row]);
        for sum in &mut lost {
            *sum /= request.repeats as f64;
        }
        found.push(summed(feature, &info.name, repeats, &lost));
    }
    found.sort_by(|a, b| b.mean.total_cmp(&a.mean).then(a.feature.cmp(&b.feature)));
    found.iter_mut().enumerate().for_each(|(at, feature)| feature.rank = at + 1);
    Ok(Importance {
        score: judge.score(),
        baseline: plain.iter().sum::<f64>() / n as f64,
        rows: n,
        repeats: request.repeats,
        seed: request.seed,
        model_rows: game.model_rows,
        features: found,
    })
}

/// One feature's numbers from its shuffles and from the mean losses that each row has a part in: of two rows each.
fn summed(feature: usize, name: &str, repeats: Vec<f64>, lost: &[f64]) -> FeatureImportance {
    let count = repeats.len() as f64;
    let mean = repeats.iter().sum::<f64>() / count;
    let std = (repeats.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / count).sqrt();
    let n = lost.len() as f64;
    let spread = lost.iter().map(|loss| (loss - 2.0 * mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let half = normal::quantile(0.975) * (spread / n).sqrt();
    let (low, high) = (mean - half, mean + half);
    let matters = low > 0.0 && lost.len() > 1;
    FeatureImportance { feature, name: name.to_owned(), mean, std, low, high, repeats, rank: 0, matters }
}
