//! The one thing that explanations need of a model.

use crate::fault::Fault;

/// A model seen as a function of a numeric table: rows of features in, rows of outputs out.
///
/// Categories are codes (0.0, 1.0, …) whose meaning the implementation knows. Implementations
/// batch as they like; callers should send many rows at once.
pub trait Predictor: Send {
    /// Features in a row.
    fn n_features(&self) -> usize;

    /// Outputs for a row (1 for regression; classes for a classifier).
    fn n_outputs(&self) -> usize;

    /// Scores `rows.len() / n_features()` rows, row-major; the answer is row-major too, of
    /// `n_outputs()` columns.
    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault>;
}
