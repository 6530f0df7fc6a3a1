//! Metrics of classification and regression, equal to scikit-learn's.
//!
//! Truth and predictions are pushed in pieces; what needs all rows at once (AUC, curves, medians)
//! is kept in memory: for each row 4 bytes of classes and, for each class, 4 bytes of score
//! (8 where scores are not float32), 8 bytes of error for a regression.

pub mod calibration;
pub mod classification;
pub(crate) mod confusion;
pub mod paired;
pub mod ranking;
pub mod regression;
pub(crate) mod scores;
pub mod several;
pub mod value;

use desk_core::counted;

use crate::error::MetricError;
use classification::{Classification, ClassificationReport};
use regression::{Regression, RegressionReport};

/// What to know of rows that could not be counted, where there are any.
fn left_out(rows: u64, why: &str) -> Option<String> {
    let (were, their) = if rows == 1 { ("was", "its") } else { ("were", "their") };
    (rows > 0).then(|| format!("{} {were} left out: {their} {why}", counted(rows, "row")))
}

/// The metrics of a classification in one call; see [`Classification::push`].
pub fn classification(
    classes: &[String],
    positive: Option<&str>,
    truth: &[Option<String>],
    predicted: Option<&[String]>,
    scores: Option<&[f64]>,
) -> Result<ClassificationReport, MetricError> {
    let mut all = Classification::new(classes, positive)?;
    all.push(truth, predicted, scores)?;
    all.finish()
}

/// The metrics of a regression in one call; see [`Regression::push`].
pub fn regression(truth: &[f64], predicted: &[f64]) -> Result<RegressionReport, MetricError> {
    let mut all = Regression::new();
    all.push(truth, predicted)?;
    Ok(all.finish())
}
