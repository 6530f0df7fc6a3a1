//! Rows of explanations kept as evidence.

use serde::{Deserialize, Serialize};

/// Arguments of [`super::Command::Pin`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The recorded explanation.
    pub run: String,
    /// Number of the row in its data, from 1.
    pub row: u64,
    /// Why; replaces the note of a row that is pinned already, which is left as it is without one.
    #[serde(default)]
    pub note: Option<String>,
}

/// Arguments of [`super::Command::Unpin`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpin {
    /// The recorded explanation.
    pub run: String,
    /// Number of the row in its data, from 1.
    pub row: u64,
}
