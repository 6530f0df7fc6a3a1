//! Arguments of the commands that look at a model over a whole file.

use std::path::PathBuf;

use desk_core::VersionRef;
use serde::{Deserialize, Serialize};

use super::Columns;

/// Which columns are one feature.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grouping {
    /// Columns that go together, as `name`, `a,b,c`; one with a comma in its name stands in quotes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<(String, String)>,
    /// Only those: columns that belong together (one-hot, parts of a date, an embedding) are features of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_groups: bool,
}

/// Arguments of [`super::Command::Importance`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The version.
    pub version: VersionRef,
    /// The data.
    pub data: PathBuf,
    /// How its columns become inputs, and which one is the truth.
    #[serde(flatten)]
    pub columns: Columns,
    /// Most rows, drawn evenly over the file.
    pub rows: usize,
    /// Shuffles of each feature.
    pub repeats: usize,
    /// Seed of the shuffles.
    pub seed: u64,
    /// A score by scikit-learn's name; one that suits the model when absent.
    pub score: Option<String>,
    /// Columns that are shuffled together.
    #[serde(flatten)]
    pub grouping: Grouping,
}

/// Arguments of [`super::Command::Surrogate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surrogate {
    /// The version.
    pub version: VersionRef,
    /// The data.
    pub data: PathBuf,
    /// How its columns become inputs.
    #[serde(flatten)]
    pub columns: Columns,
    /// Most rows, drawn evenly over the file.
    pub rows: usize,
    /// Name or index of the output, or `all`; the second of two when absent, else all.
    pub output: Option<String>,
    /// Cuts above a leaf at most.
    pub depth: usize,
    /// Fewest rows of a leaf; a hundredth of the rows, but at least 5, when absent.
    pub leaf_rows: Option<usize>,
    /// Seed of which rows are held out.
    pub seed: u64,
}

/// Arguments of [`super::Command::Dependence`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// The version.
    pub version: VersionRef,
    /// The data.
    pub data: PathBuf,
    /// How its columns become inputs.
    #[serde(flatten)]
    pub columns: Columns,
    /// Most rows, drawn evenly over the file.
    pub rows: usize,
    /// The feature to look along: a column, or a category that several columns of flags make.
    pub feature: String,
    /// Points along it at most.
    pub points: usize,
    /// Rows with a curve of their own.
    pub curves: usize,
    /// Another feature, to look along both together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Name or index of the output, or `all`; the second of two when absent, else all.
    pub output: Option<String>,
    /// Columns that are one feature.
    #[serde(flatten)]
    pub grouping: Grouping,
}

impl Dependence {
    /// What is looked along, for people.
    pub fn features(&self) -> String {
        match &self.with {
            Some(other) => format!("{} and {other}", self.feature),
            None => self.feature.clone(),
        }
    }
}
