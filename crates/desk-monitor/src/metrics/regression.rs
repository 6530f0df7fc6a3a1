//! Metrics of a regression, collected batch by batch.

use serde::{Deserialize, Serialize};

use super::left_out;
use super::value::{Metric, Range, Sum};
use crate::error::MetricError;

/// All metrics of a regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegressionReport {
    /// Rows counted.
    pub n: u64,
    /// Rows left out because the truth is missing.
    pub missing_truth: u64,
    /// Rows left out because the prediction is NaN or infinite.
    pub bad_prediction: u64,
    /// Mean squared error.
    pub mse: Metric,
    /// Its root, in the unit of the target.
    pub rmse: Metric,
    /// Mean absolute error.
    pub mae: Metric,
    /// Median absolute error.
    pub median_absolute_error: Metric,
    /// Largest absolute error.
    pub max_error: Metric,
    /// Mean of |error| / |truth|, truths below 2^-52 taken as that, as scikit-learn does.
    pub mape: Metric,
    /// 1 - (squared error) / (squared distance of the truth from its mean).
    pub r2: Metric,
    /// 1 - (variance of the error) / (variance of the truth).
    pub explained_variance: Metric,
    /// Mean of prediction - truth: positive when the model says too much.
    pub bias: Metric,
    /// What to know, a sentence each.
    pub warnings: Vec<String>,
}

/// Collects truth and predictions of a regression.
#[derive(Debug, Clone, Default)]
pub struct Regression {
    truth: Sum,
    error: Sum,
    squared: Sum,
    absolute: Sum,
    relative: Sum,
    errors: Vec<f64>,
    missing_truth: u64,
    bad_prediction: u64,
}

impl Regression {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds rows; a truth of NaN is missing.
    pub fn push(&mut self, truth: &[f64], predicted: &[f64]) -> Result<(), MetricError> {
        if truth.len() != predicted.len() {
            let (expected, found) = (truth.len(), predicted.len());
            return Err(MetricError::Length { what: "predictions", expected, found });
        }
        for (truth, predicted) in truth.iter().zip(predicted) {
            if !truth.is_finite() {
                self.missing_truth += 1;
            } else if !predicted.is_finite() {
                self.bad_prediction += 1;
            } else {
                let error = predicted - truth;
                self.truth.add(*truth);
                self.error.add(error);
                self.squared.add(error * error);
                self.absolute.add(error.abs());
                self.relative.add(error.abs() / truth.abs().max(f64::EPSILON));
                self.errors.push(error.abs());
            }
        }
        Ok(())
    }

    /// Works everything out.
    pub fn finish(mut self) -> RegressionReport {
        let n = self.errors.len() as u64;
        let none = || Metric::undefined("There is no row");
        let mse = self.squared.metric(Range::NotNegative);
        let rmse = Metric {
            value: mse.value.map(f64::sqrt),
            low: mse.low.map(f64::sqrt),
            high: mse.high.map(f64::sqrt),
            ..mse.clone()
        };
        let ratio = |above: f64| match n {
            0 => none(),
            1 => Metric::undefined("One row has no variance"),
            _ if self.truth.squares() == 0.0 => Metric::undefined("The truth is the same in every row"),
            _ => Metric::of(1.0 - above / self.truth.squares()),
        };
        let left_out = [
            left_out(self.missing_truth, "truth is missing"),
            left_out(self.bad_prediction, "prediction is NaN or infinite"),
        ];
        RegressionReport {
            n,
            missing_truth: self.missing_truth,
            bad_prediction: self.bad_prediction,
            mae: self.absolute.metric(Range::NotNegative),
            mape: self.relative.metric(Range::NotNegative),
            max_error: self.errors.iter().copied().reduce(f64::max).map_or_else(none, Metric::of),
            r2: ratio(self.squared.total()),
            explained_variance: ratio(self.error.squares()),
            bias: self.error.metric(Range::Any),
            median_absolute_error: median(&mut self.errors).map_or_else(none, Metric::of),
            mse,
            rmse,
            warnings: left_out.into_iter().flatten().collect(),
        }
    }
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let odd = values.len() % 2 == 1;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if odd {
        return Some(upper);
    }
    below.iter().copied().reduce(f64::max).map(|lower| f64::midpoint(lower, upper))
}
