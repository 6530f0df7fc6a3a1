//! How good a model's answers are: metrics with intervals, and reasons where a metric is undefined.
//!
//! Architecture invariant: numbers in, numbers out. This crate opens no file, no socket and no
//! database, and never runs a model.

pub mod error;
pub mod metrics;

pub use error::MetricError;
pub use metrics::classification::{Classification, ClassificationReport};
pub use metrics::paired::Paired;
pub use metrics::regression::{Regression, RegressionReport};
pub use metrics::several::{SeveralRegressions, SeveralReport};
pub use metrics::value::Metric;
pub use metrics::{classification, regression};
