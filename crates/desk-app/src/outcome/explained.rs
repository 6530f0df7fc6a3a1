//! The answer to `explain`.

use std::path::PathBuf;

use desk_core::Digest;

use super::parts::{Segmented, Worded};
use serde::{Deserialize, Serialize};

/// Columns that are one player of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouped {
    /// The player's name.
    pub name: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// What they are: `onehot`, `date`, `embedding`, or `given` where somebody said so.
    pub kind: String,
    /// What stands in each of them: rows x columns. None of many numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Vec<String>>,
}

impl Grouped {
    /// For people: `city (3 columns of a category)`.
    pub fn words(&self) -> String {
        let what = match self.kind.as_str() {
            "onehot" => format!("{} columns of a category", self.columns.len()),
            "date" => format!("{} parts of a date", self.columns.len()),
            "embedding" => format!("{} numbers of an embedding", self.columns.len()),
            _ => desk_core::words::quoted_list(&self.columns, 6),
        };
        format!("{} ({what})", self.name)
    }
}

/// The answer to `explain`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The model and version.
    pub version: String,
    /// The version's digest.
    pub model_digest: Digest,
    /// The file that the rows are of; empty in records from before this was told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// Digest of that file; none for a row that was changed by hand, which is in no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_digest: Option<Digest>,
    /// Method that was used.
    pub method: String,
    /// Why this one.
    pub method_reason: String,
    /// `raw` or `probability`.
    pub space: String,
    /// Names of the players: columns in their order, and each group of columns where its first one stands.
    pub feature_names: Vec<String>,
    /// Columns that are one player.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Grouped>,
    /// The features that are the pixels of a picture, where each of them is a player of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<desk_explain::Picture>,
    /// Outputs explained, in order.
    pub output_names: Vec<String>,
    /// Nobody named the output: it is the class that the last test of this version counted as positive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_from_test: bool,
    /// The column with the truth, which is no feature, where the data has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Who named that column, as in [`super::Predicted::target_from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_from: Option<String>,
    /// One for each output explained.
    pub base_values: Vec<f64>,
    /// Rows x players, or rows x players x outputs when there are several.
    pub values: serde_json::Value,
    /// What the model said: rows x outputs explained.
    pub predictions: Vec<Vec<f64>>,
    /// For raw scores, the probabilities that the model made of them where it does: rows x outputs explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Vec<Vec<f64>>>,
    /// Values of the players as they stood in the data: rows x players, for people.
    pub feature_values: Vec<Vec<String>>,
    /// The same as numbers, where they are numbers (category codes else, and of a group that is no category none);
    /// missing ones are NaN here and null in JSON.
    #[serde(deserialize_with = "missing_as_nan")]
    pub feature_numbers: Vec<Vec<f64>>,
    /// Numbers of the rows in the data file, from 1.
    pub row_numbers: Vec<u64>,
    /// How the rows were picked, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked: Option<crate::command::Picked>,
    /// The truth of each row, where the data has one; null where a cell is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truths: Option<Vec<Option<String>>>,
    /// The class that the model answers each row with, where it has classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Vec<String>>,
    /// Largest |sum + base - prediction|; for LIME, largest |local prediction - prediction|.
    pub residual_max: f64,
    /// Standard errors, in the shape of `values`, for sampled methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std_error: Option<serde_json::Value>,
    /// Of trees and linear models: standard errors that come of the background's size alone, of the base values, and of
    /// the first rows' values (rows x players x outputs explained).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_error: Option<desk_explain::BackgroundError>,
    /// How many of the largest values of the first rows stand in an order that neither sampling nor the background's size may
    /// turn round (95 %), as far as these errors are known: rows x outputs explained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Vec<usize>>,
    /// LIME: how well the surrogate fits, rows x outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r2: Option<Vec<Vec<f64>>>,
    /// LIME: intercept + contributions = local prediction, which stands beside the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lime: Option<desk_explain::LimeDetail>,
    /// Shapley interaction values, where they were asked for: rows x features x features, or x outputs when there are
    /// several. Symmetric; each row of a matrix adds up to that feature's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactions: Option<serde_json::Value>,
    /// Methods of gradients: points, completeness deltas, and what was differentiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<desk_explain::GradientDetail>,
    /// Occlusion: its windows, and what its sum misses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occlusion: Option<desk_explain::OcclusionDetail>,
    /// Owen values: the players in their unions, by their places among `feature_names`, and where these come from. None of
    /// parts, whose unions differ from row to row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owen: Option<desk_explain::OwenDetail>,
    /// The segments that each row's picture was cut into, where they are what is explained. Then `values` are no sum: each
    /// pixel has the attribution of its segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Segmented>,
    /// The words of each row's text, where they are what is explained; `values` have their sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Worded>,
    /// How far it may be believed, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<crate::quality::QualityAnswer>,
    /// Seed of everything random.
    pub seed: u64,
    /// Rows of the background that were used: all that were given.
    pub background_rows: usize,
    /// Where the background came from.
    pub background: String,
    /// Digest of the background rows.
    pub background_digest: Digest,
    /// Rows sent through the model.
    pub model_rows: u64,
    /// Seconds in all.
    pub seconds: f64,
    /// Id of the recorded run.
    pub run: String,
    /// Digest of the values, method, seed and digests: the same record gives the same.
    pub digest: Digest,
    /// Where the values were written.
    pub out: Option<PathBuf>,
    /// What to know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Explained {
    /// The groups of columns that are one player each, for people; none where there are none.
    pub fn groups_words(&self) -> Option<String> {
        let words: Vec<String> = self.groups.iter().map(Grouped::words).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// How a row stands, from 0, for people: `answered benign, and it is malignant; log loss 2.31`.
    pub fn standing(&self, row: usize) -> Option<String> {
        let answered = self.answered.as_ref().and_then(|all| all.get(row));
        let truth = self.truths.as_ref().and_then(|all| all.get(row)?.as_ref());
        let stands = match (answered, truth) {
            (Some(answered), Some(truth)) if answered == truth => Some(format!("answered {answered}, which is right")),
            (Some(answered), Some(truth)) => Some(format!("answered {answered}, and it is {truth}")),
            (Some(answered), None) => Some(format!("answered {answered}")),
            (None, Some(truth)) => Some(format!("the truth is {truth}")),
            (None, None) => None,
        };
        let measured = self.picked.as_ref().and_then(|picked| {
            let value = picked.values.get(row)?;
            Some(format!("{} {}", picked.measure, desk_core::words::short(*value)))
        });
        match (stands, measured) {
            (Some(stands), Some(measured)) => Some(format!("{stands}; {measured}")),
            (stands, measured) => stands.or(measured),
        }
    }
}

/// JSON has no NaN: null is a missing number.
pub(crate) fn missing_as_nan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<f64>>, D::Error> {
    let rows = Vec::<Vec<Option<f64>>>::deserialize(deserializer)?;
    let row = |row: Vec<Option<f64>>| row.into_iter().map(|cell| cell.unwrap_or(f64::NAN)).collect();
    Ok(rows.into_iter().map(row).collect())
}

/// LIME's linear stand-in for the model around one row, for one output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surrogate {
    /// Where its sum begins.
    pub intercept: f64,
    /// What it says of the row: intercept + contributions.
    pub local_prediction: f64,
    /// How well it fits around the row.
    pub r2: f64,
    /// Width of the kernel that says what is near.
    pub kernel_width: f64,
}

/// How well the parts of one row add up to what the prediction moved by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Completeness {
    /// Sum of the parts - what the prediction moved by.
    pub delta: f64,
    /// Prediction - base value; of LRP the prediction alone.
    pub moved: f64,
    /// Points at which the gradient was taken, or windows that were covered.
    pub points: usize,
}

impl Explained {
    /// The values are those of LIME: they add up to its stand-in's prediction, not to the model's.
    pub fn is_lime(&self) -> bool {
        self.lime.is_some() || self.method == "lime"
    }

    /// Base value and parts lead to the prediction: not so of LIME's, of occlusion's, of gradients that were not integrated,
    /// and of pixels that have the attribution of their segment.
    pub fn is_additive(&self) -> bool {
        !self.is_lime()
            && self.segments.is_none()
            && self.occlusion.is_none()
            && self.gradient.as_ref().is_none_or(|gradient| gradient.additive)
    }

    /// Where the sum of a row's attributions begins: the answer to a row without its words differs from row to row.
    pub fn base(&self, row: usize, output: usize) -> f64 {
        let of_text = self.text.as_ref().and_then(|text| text.rows.get(row)?.base.get(output));
        let of_segments = || self.segments.as_ref().and_then(|segments| segments.rows.get(row)?.of.base.get(output));
        of_text.or_else(of_segments).or(self.base_values.get(output)).copied().unwrap_or(f64::NAN)
    }

    /// What methods that share something out miss of it, with that and the points on the way; LRP shares out the
    /// score itself.
    pub fn delta(&self, row: usize, output: usize) -> Option<Completeness> {
        if let Some(occlusion) = &self.occlusion {
            let delta = *occlusion.deltas.get(row)?.get(output)?;
            let moved = self.predictions.get(row)?.get(output)? - self.base_values.get(output)?;
            return Some(Completeness { delta, moved, points: occlusion.windows });
        }
        let gradient = self.gradient.as_ref()?;
        let delta = *gradient.deltas.get(row)?.get(output)?;
        let base = if gradient.additive { *self.base_values.get(output)? } else { 0.0 };
        let moved = self.predictions.get(row)?.get(output)? - base;
        Some(Completeness { delta, moved, points: *gradient.steps.get(row)?.get(output)? })
    }

    /// What the parts of an explained output add up to: `probability of malignant`, `raw score of malignant` (which the
    /// model makes a probability of), `prediction`.
    pub fn unit(&self, output: usize) -> String {
        let name = self.output_names.get(output).map_or("the output", String::as_str);
        match self.space.as_str() {
            "probability" => format!("probability of {name}"),
            "raw" if self.probabilities.is_some() => format!("raw score of {name}"),
            "raw" if self.output_names.len() == 1 => "prediction".to_owned(),
            "raw" => format!("prediction of {name}"),
            _ => name.to_owned(),
        }
    }

    /// What LIME's stand-in says of a row; none for other methods, and for answers of old that did not keep it.
    pub fn surrogate(&self, row: usize, output: usize) -> Option<Surrogate> {
        let lime = self.lime.as_ref()?;
        let of = |table: &[Vec<f64>]| table.get(row).and_then(|row| row.get(output)).copied();
        Some(Surrogate {
            intercept: of(&lime.intercepts)?,
            local_prediction: of(&lime.local_predictions)?,
            r2: self.r2.as_deref().and_then(of).unwrap_or(f64::NAN),
            kernel_width: lime.kernel_width,
        })
    }

    /// The attribution of one feature for one row and one explained output.
    ///
    /// NaN when the indices are outside, so that a caller that draws never panics.
    pub fn value(&self, row: usize, feature: usize, output: usize) -> f64 {
        Self::at(&self.values, row, feature, output)
    }

    /// Which order of a row's features stands firm, for people; none where no error is known.
    pub fn settled_words(&self, row: usize, output: usize) -> Option<String> {
        let settled = *self.settled.get(row)?.get(output)?;
        let moves = self.moving(row, output);
        if moves == 0 {
            return None;
        }
        let what = match (&self.segments, &self.text) {
            (Some(_), _) => "segment",
            (_, Some(_)) => "word",
            _ => "feature",
        };
        let why = match (&self.std_error, &self.background_error) {
            (Some(_), None) => "more samples may turn them round".to_owned(),
            // Words and segments are left out: no background stands there.
            _ if self.background_rows == 0 => "more samples may turn them round".to_owned(),
            _ => format!("another background of {} rows may turn them round", self.background_rows),
        };
        let words = match settled {
            n if n >= moves => format!("The order of the {what}s is settled"),
            0 => format!("The order of the first {what}s is not settled: {why}"),
            1 => format!("The first {what} is settled, the order of those behind it is not: {why}"),
            n => format!("The order of the first {n} {what}s is settled, that of those behind them is not: {why}"),
        };
        let unknown = self.background_rows > 1 && self.background_error.is_none();
        Some(if unknown { format!("{words}; what another background would do is not known") } else { words })
    }

    /// How many of a row's players have an attribution: columns, or parts where these are explained.
    fn moving(&self, row: usize, output: usize) -> usize {
        let counts = |values: &[f64]| values.get(output).is_some_and(|value| *value != 0.0);
        if let Some(row) = self.segments.as_ref().and_then(|segments| segments.rows.get(row)) {
            return row.of.values.iter().filter(|values| counts(values)).count();
        }
        if let Some(row) = self.text.as_ref().and_then(|text| text.rows.get(row)) {
            return row.strongest(output).iter().filter(|(span, _)| counts(&span.contribution)).count();
        }
        (0..self.feature_names.len()).filter(|feature| self.value(row, *feature, output) != 0.0).count()
    }

    /// Mean and largest standard error of one output's values from the background's size, where it is known.
    pub fn background_moves(&self, output: usize) -> Option<(f64, f64)> {
        let values = &self.background_error.as_ref()?.values;
        let (rows, players, _) = values.shape();
        let all = || (0..rows).flat_map(|row| (0..players).map(move |player| values.get(row, player, output)));
        let count = (rows * players).max(1) as f64;
        Some((all().sum::<f64>() / count, all().fold(0.0, f64::max)))
    }

    /// The standard error of [`Explained::value`], where the method samples.
    pub fn std_error(&self, row: usize, feature: usize, output: usize) -> Option<f64> {
        self.std_error.as_ref().map(|values| Self::at(values, row, feature, output))
    }

    fn at(values: &serde_json::Value, row: usize, feature: usize, output: usize) -> f64 {
        let cell = values.get(row).and_then(|row| row.get(feature));
        match cell {
            Some(serde_json::Value::Array(outputs)) => outputs.get(output).and_then(serde_json::Value::as_f64),
            Some(number) => number.as_f64(),
            None => None,
        }
        .unwrap_or(f64::NAN)
    }
}
