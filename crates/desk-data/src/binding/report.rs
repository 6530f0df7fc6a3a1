//! The mapping as people see it.

use serde::{Deserialize, Serialize};

use super::image::ImageMapping;

/// How an input found its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The user said so.
    Mapping,
    /// The column is called like the input.
    Name,
    /// By the feature names in the model's metadata.
    FeatureNames,
    /// By the order of the columns.
    Position,
    /// From pictures.
    Image,
    /// A list column is the tensor.
    Tensor,
    /// The same value in every row.
    Default,
}

/// One input and its columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputMapping {
    /// The input.
    pub input: String,
    /// Its type, such as `float32 [batch, 30]`.
    pub wants: String,
    /// The columns that feed it, in the tensor's order.
    pub columns: Vec<String>,
    /// How they were found.
    pub how: How,
    /// How pictures become numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageMapping>,
}

/// How a table was bound to a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MappingReport {
    /// One for each input, in the model's order.
    pub inputs: Vec<InputMapping>,
    /// The column that holds the truth.
    pub target: Option<String>,
    /// Columns that feed nothing.
    pub unused: Vec<String>,
    /// What to look at, a sentence each.
    pub warnings: Vec<String>,
}
