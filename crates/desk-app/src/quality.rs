//! What was measured of an explanation's quality: several measures, and no score of them all.

pub use desk_explain::quality::{Curves, Infidelity, Promise, Replacement};
use desk_explain::quality::{Faithfulness, MethodAgreement};
use serde::{Deserialize, Serialize};

/// Quality of the explanations of some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityAnswer {
    /// Numbers of these rows in the data file, from 1: five at most, evenly spaced over those that were explained.
    pub row_numbers: Vec<u64>,
    /// Whether features matter to the model as the explanation says; none where the function that was explained cannot be
    /// asked again.
    pub faithfulness: Option<Faithfulness>,
    /// Whether the explanation stays as it is when the row hardly changes.
    pub sensitivity: Sensitivity,
    /// Whether another method says the same; none where it could not explain these rows.
    pub agreement: Option<Agreed>,
    /// Rows sent through the model for all of it.
    pub model_rows: u64,
}

/// Max-sensitivity of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// Noise on either side, in standard deviations of each feature over the background.
    pub radius: f64,
    /// Noisy copies of each row.
    pub copies: usize,
    /// The largest change of the attributions as a part of their length, rows x outputs; none where they are all 0.
    pub values: Vec<Vec<Option<f64>>>,
}

/// Agreement with another method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreed {
    /// The other method.
    pub method: String,
    /// What it explains, `raw` or `probability`.
    pub space: String,
    /// Rows x outputs.
    pub values: Vec<Vec<MethodAgreement>>,
}
