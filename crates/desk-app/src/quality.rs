//! What was measured of an explanation's quality: several measures, and no score of them all.

use desk_core::words::short;
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

impl QualityAnswer {
    /// What [`QualityAnswer::figures`] are called, in their order.
    pub fn headings(&self) -> [String; 9] {
        let top = self.agreement.as_ref().and_then(|agreed| agreed.values.first()?.first()).map_or(0, |of| of.top);
        let shared = if top > 0 { format!("shared of top {top}") } else { "shared of top".to_owned() };
        [
            "deletion",
            "insertion",
            "random order",
            "infidelity",
            "scaled",
            "max-sensitivity",
            &shared,
            "Spearman",
            "Kendall",
        ]
        .map(str::to_owned)
    }

    /// The figures of the measured row at a place and an explained output, as words; none where they are not known.
    pub fn figures(&self, at: usize, output: usize) -> [Option<String>; 9] {
        let curves = self.faithfulness.as_ref().and_then(|of| of.curves.get(at)?.get(output));
        let infidelity = self.faithfulness.as_ref().and_then(|of| of.infidelity.as_ref()?.get(at)?.get(output));
        let moved = self.sensitivity.values.get(at).and_then(|row| *row.get(output)?);
        let agreed = self.agreement.as_ref().and_then(|of| of.values.get(at)?.get(output));
        [
            curves.map(|of| short(of.deletion_area)),
            curves.map(|of| short(of.insertion_area)),
            curves.map(|of| short(of.random_area)),
            infidelity.and_then(|of| of.relative).map(short),
            infidelity.and_then(|of| of.scaled).map(short),
            moved.map(short),
            agreed.map(|of| format!("{:.0}", of.features * of.top as f64)),
            agreed.and_then(|of| of.spearman).map(|of| format!("{of:.3}")),
            agreed.and_then(|of| of.kendall).map(|of| format!("{of:.3}")),
        ]
    }

    /// What the figures rest on, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(faithful) = &self.faithfulness {
            let gone = match faithful.replaced_by {
                Replacement::Rows => format!("{} background rows stand in", faithful.background_rows),
                Replacement::Mean => format!("the mean of {} background rows stands in", faithful.background_rows),
            };
            let promise = match faithful.promise {
                Promise::Order => "; the method promises no size, so its infidelity is the scaled one",
                Promise::Nothing => "; the method says no direction, so it has no infidelity",
                Promise::Shares | Promise::Slopes | Promise::Products => "",
            };
            notes.push(format!("areas under the answer; for what is taken away {gone}{promise}"));
        }
        let moved = &self.sensitivity;
        notes.push(format!(
            "infidelity as a part of the squared change; sensitivity to {} copies within {} standard deviations",
            moved.copies, moved.radius
        ));
        if let Some(agreed) = &self.agreement {
            notes.push(format!("compared with {} in {} space", agreed.method, agreed.space));
        }
        notes.push(format!("{} model rows for these figures", self.model_rows));
        notes
    }
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
