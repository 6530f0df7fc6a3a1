//! What can be wrong with truths and predictions.

use desk_core::words::quoted;
use desk_core::{Diagnose, FaultKind};

/// Truth and predictions cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// Fewer than two classes, or two of the same name.
    #[error("a classification needs at least two different classes, got {0:?}")]
    Classes(Vec<String>),
    /// The class that counts as positive is not one of the classes.
    #[error("the positive class {positive} is none of the classes {classes:?}", positive = quoted(.positive))]
    Positive {
        /// The class.
        positive: String,
        /// The classes there are.
        classes: Vec<String>,
    },
    /// Truth, labels and scores of different lengths.
    #[error("{what}: {found} instead of {expected}")]
    Length {
        /// What has the wrong length.
        what: &'static str,
        /// Values expected.
        expected: usize,
        /// Values found.
        found: usize,
    },
    /// The model predicted a class that is not in the list.
    #[error("row {row}: the predicted label {label} is none of the classes {classes:?}", label = quoted(.label))]
    UnknownPrediction {
        /// Row, from 1.
        row: u64,
        /// The label.
        label: String,
        /// The classes there are.
        classes: Vec<String>,
    },
    /// Neither labels nor scores.
    #[error("there is neither a predicted label nor a score to compare with the truth")]
    NothingPredicted,
    /// No truth is a class of the model.
    #[error("none of the {rows} truths is a class of the model; truths: {found:?}, classes: {classes:?}")]
    NoKnownTruth {
        /// Rows with a truth.
        rows: u64,
        /// Some of the truths.
        found: Vec<String>,
        /// The classes there are.
        classes: Vec<String>,
    },
}

impl Diagnose for MetricError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Length { .. } | Self::NothingPredicted => FaultKind::Bug,
            _ => FaultKind::Input,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoKnownTruth { .. } => {
                "Check that the target column is the right one and spells the classes as the model does"
            }
            Self::UnknownPrediction { .. } => "State the model's classes in the order of its scores",
            Self::Positive { .. } => "Choose one of the classes as the positive one",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
