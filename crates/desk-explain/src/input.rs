//! What goes in: features, tables, the model.

use desk_core::Predictor;
use desk_core::linear::LinearModel;
use desk_core::trees::TreeEnsemble;
use serde::{Deserialize, Serialize};

use crate::error::ExplainError;

/// Whether a feature is a number or one of a few categories.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FeatureKind {
    /// A number; NaN is a missing value.
    #[default]
    Numeric,
    /// A category, coded 0.0, 1.0, … in the table.
    Categorical {
        /// What each code means, for people.
        levels: Vec<String>,
    },
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureInfo {
    /// The column's name.
    pub name: String,
    /// What its values are.
    #[serde(flatten)]
    pub kind: FeatureKind,
}

impl FeatureInfo {
    /// A column of numbers.
    pub fn numeric(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: FeatureKind::Numeric }
    }

    /// A column of categories.
    pub fn categorical(name: impl Into<String>, levels: Vec<String>) -> Self {
        Self { name: name.into(), kind: FeatureKind::Categorical { levels } }
    }
}

/// Rows of features, row-major, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// The cells; `n_features` to a row.
    pub rows: &'a [f64],
    /// Columns.
    pub n_features: usize,
}

impl<'a> Table<'a> {
    /// A view of cells as rows of `n_features`.
    pub fn new(rows: &'a [f64], n_features: usize) -> Self {
        Self { rows, n_features }
    }

    /// Number of whole rows.
    pub fn len(&self) -> usize {
        self.rows.len().checked_div(self.n_features).unwrap_or(0)
    }

    /// True when there is no whole row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One row, from 0. Panics beyond the last row, as a slice does.
    pub fn row(&self, index: usize) -> &'a [f64] {
        &self.rows[index * self.n_features..(index + 1) * self.n_features]
    }

    /// Checks width and completeness.
    pub(crate) fn check(&self, what: &'static str, width: usize) -> Result<(), ExplainError> {
        if self.n_features != width {
            return Err(ExplainError::Width { what, expected: width, found: self.n_features });
        }
        if !self.rows.len().is_multiple_of(width) {
            return Err(ExplainError::Ragged { what, cells: self.rows.len(), width });
        }
        Ok(())
    }
}

/// Checks what every method needs: rows and background as wide as the model, a name for each feature, none of them
/// empty.
pub(crate) fn check_tables(
    width: usize,
    rows: Table<'_>,
    background: Table<'_>,
    features: &[FeatureInfo],
) -> Result<(), ExplainError> {
    if width == 0 {
        return Err(ExplainError::NoFeatures);
    }
    if features.len() != width {
        return Err(ExplainError::Width { what: "named features", expected: width, found: features.len() });
    }
    rows.check("rows", width)?;
    background.check("background rows", width)?;
    match (rows.is_empty(), background.is_empty()) {
        (true, _) => Err(ExplainError::NoRows),
        (_, true) => Err(ExplainError::NoBackground),
        _ => Ok(()),
    }
}

/// The model to explain.
pub struct Model<'a> {
    /// Its trees, where the whole graph is one tree ensemble over the same features.
    pub trees: Option<&'a TreeEnsemble>,
    /// Its weights, where the whole graph is linear in the same features but for a last step.
    pub linear: Option<&'a LinearModel>,
    /// The graph as it answers: probabilities, values, whatever it gives.
    pub predictor: &'a mut dyn Predictor,
    /// Names of the predictor's outputs; may be empty.
    pub output_names: &'a [String],
}
