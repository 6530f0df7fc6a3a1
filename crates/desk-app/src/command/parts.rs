//! Settings of explanations by parts of a row: segments of its picture, words of its text.

use serde::{Deserialize, Serialize};

/// What stands in the place of a segment that LIME takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hide {
    /// The segment's own mean colour, as in the reference.
    OwnMean,
    /// The background's mean.
    BackgroundMean,
}

impl Hide {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::OwnMean => "own-mean",
            Self::BackgroundMean => "background-mean",
        }
    }
}

/// Settings of explanations by parts of a row; what is left out is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartSettings {
    /// Segments that each row's picture is cut into, about; 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<usize>,
    /// What stands for a segment that LIME takes away; the segment's own mean colour when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hide: Option<Hide>,
    /// The column whose words are explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A text is one value, whatever stands in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_text: bool,
    /// Each place of a word counts by itself, and not the word wherever it stands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub positions: bool,
}
