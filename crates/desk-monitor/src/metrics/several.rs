//! Metrics of a regression that predicts several numbers a row: of each, and their plain means.

use serde::{Deserialize, Serialize};

use super::regression::{Regression, RegressionReport};
use super::value::Metric;
use crate::error::MetricError;

/// One of several predicted numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputReport {
    /// Name of the output.
    pub output: String,
    /// Name of the column with its truth.
    pub truth: String,
    /// Its metrics.
    #[serde(flatten)]
    pub report: RegressionReport,
}

/// Metrics of several predicted numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeveralReport {
    /// Means over the outputs, each of which counts the same (`uniform_average` of scikit-learn).
    #[serde(flatten)]
    pub average: RegressionReport,
    /// Each output.
    pub outputs: Vec<OutputReport>,
}

/// Collects truth and predictions of several numbers a row.
#[derive(Debug, Clone)]
pub struct SeveralRegressions {
    names: Vec<(String, String)>,
    all: Vec<Regression>,
}

impl SeveralRegressions {
    /// Nothing yet; `names` are those of each output and of the column with its truth.
    pub fn new(names: Vec<(String, String)>) -> Self {
        Self { all: vec![Regression::new(); names.len()], names }
    }

    /// Adds rows: for each output the truths, and the predictions row by row.
    pub fn push(&mut self, truths: &[&[f64]], predicted: &[f64]) -> Result<(), MetricError> {
        let width = self.all.len();
        if truths.len() != width {
            return Err(MetricError::Length { what: "columns of the truth", expected: width, found: truths.len() });
        }
        for (i, (regression, truth)) in self.all.iter_mut().zip(truths).enumerate() {
            let column: Vec<f64> = predicted.iter().skip(i).step_by(width.max(1)).copied().collect();
            regression.push(truth, &column)?;
        }
        Ok(())
    }

    /// Works everything out.
    pub fn finish(self) -> SeveralReport {
        let reports = self.names.into_iter().zip(self.all);
        let outputs: Vec<OutputReport> = reports
            .map(|((output, truth), regression)| OutputReport { output, truth, report: regression.finish() })
            .collect();
        let average = average(&outputs);
        SeveralReport { average, outputs }
    }
}

fn average(outputs: &[OutputReport]) -> RegressionReport {
    let mean = |of: fn(&RegressionReport) -> &Metric| {
        let values: Option<Vec<f64>> = outputs.iter().map(|output| of(&output.report).value).collect();
        match values {
            Some(values) if !values.is_empty() => Metric::of(values.iter().sum::<f64>() / values.len() as f64),
            _ => Metric::undefined("It is undefined for one of the outputs"),
        }
    };
    let most = |of: fn(&RegressionReport) -> u64| outputs.iter().map(|output| of(&output.report)).max().unwrap_or(0);
    let said = |output: &OutputReport| {
        let of = output.truth.clone();
        output.report.warnings.iter().map(move |warning| format!("{of}: {warning}")).collect::<Vec<_>>()
    };
    RegressionReport {
        n: most(|report| report.n),
        missing_truth: most(|report| report.missing_truth),
        bad_prediction: most(|report| report.bad_prediction),
        mse: mean(|report| &report.mse),
        rmse: mean(|report| &report.rmse),
        mae: mean(|report| &report.mae),
        median_absolute_error: mean(|report| &report.median_absolute_error),
        max_error: mean(|report| &report.max_error),
        mape: mean(|report| &report.mape),
        r2: mean(|report| &report.r2),
        explained_variance: mean(|report| &report.explained_variance),
        bias: mean(|report| &report.bias),
        warnings: outputs.iter().flat_map(said).collect(),
    }
}
