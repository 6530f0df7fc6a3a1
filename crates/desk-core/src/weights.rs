//! What the values of a model's own tensor are, once somebody asked for them.

use serde::{Deserialize, Serialize};

use crate::graph_path::GraphPath;

/// A tensor that a model holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TensorPlace {
    /// The name of an initialiser, or of the value that a constant gives.
    pub name: String,
    /// The graph that holds it; looked for in all graphs when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphPath>,
}

/// A tensor's type, shape and values in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorFacts {
    /// Its name.
    pub name: String,
    /// The graph that holds it.
    pub graph: GraphPath,
    /// The type of each element, such as `float32` or `int4`.
    pub element: String,
    /// Its shape; empty for a single value.
    pub dims: Vec<i64>,
    /// How many values it has.
    pub elements: u64,
    /// Their size in bytes; none for texts.
    pub bytes: Option<u64>,
    /// The file beside the model that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// Figures of numbers; none for texts.
    pub numbers: Option<NumberFacts>,
    /// The first values, each as text that reads back as the same value.
    pub first: Vec<String>,
}

/// Figures of many numbers. What is not finite is counted and is in no other figure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NumberFacts {
    /// Finite numbers.
    pub finite: u64,
    /// Those that are zero.
    pub zeros: u64,
    /// Values that are not a number.
    pub nans: u64,
    /// Infinite values.
    pub infinite: u64,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Their mean; none where it is beyond all floats.
    pub mean: Option<f64>,
    /// Their standard deviation, of all of them and not of a sample.
    pub std: Option<f64>,
    /// Edges of the histogram's bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// How many numbers fall into each bin.
    pub counts: Vec<u64>,
}
