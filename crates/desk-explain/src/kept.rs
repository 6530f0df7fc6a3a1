//! Rows that are finished, kept by who asked, so that an explanation that was stopped goes on where it stood.

use serde::{Deserialize, Serialize};

use crate::exact::RowShares;
use crate::lime::LimeRow;

/// What a method that asks the model found for one row; numbers are players x outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinishedRow {
    values: Vec<f64>,
    errors: Option<Vec<f64>>,
    /// Standard errors from the background's size alone.
    #[serde(default)]
    moves: Option<Vec<f64>>,
    note: Option<String>,
    /// Rows that the model answered for it.
    pub model_rows: u64,
    lime: Option<Fit>,
}

/// What LIME says of a row beyond its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Fit {
    intercepts: Vec<f64>,
    local_predictions: Vec<f64>,
    r2: Vec<f64>,
    conditions: Vec<String>,
}

impl FinishedRow {
    pub(crate) fn of_shares(shares: &RowShares, model_rows: u64) -> Self {
        let RowShares { values, errors, moves, note } = shares.clone();
        Self { values, errors, moves, note, model_rows, lime: None }
    }

    pub(crate) fn of_lime(row: &LimeRow, model_rows: u64) -> Self {
        let fit = Fit {
            intercepts: row.intercepts.clone(),
            local_predictions: row.local_predictions.clone(),
            r2: row.r2.clone(),
            conditions: row.conditions.clone(),
        };
        let (values, errors) = (row.values.clone(), row.errors.clone());
        Self { values, errors, moves: None, note: None, model_rows, lime: Some(fit) }
    }

    /// The shares, where they are of as many numbers; something else was kept under the same name otherwise.
    pub(crate) fn shares(self, numbers: usize) -> Option<RowShares> {
        let fits = self.lime.is_none() && self.fits(numbers);
        fits.then_some(RowShares { values: self.values, errors: self.errors, moves: self.moves, note: self.note })
    }

    /// The same of LIME, for so many outputs.
    pub(crate) fn lime(self, numbers: usize, outputs: usize) -> Option<LimeRow> {
        if !self.fits(numbers) {
            return None;
        }
        let Fit { intercepts, local_predictions, r2, conditions } = self.lime?;
        let even = [&intercepts, &local_predictions, &r2].iter().all(|of| of.len() == outputs);
        let (values, errors) = (self.values, self.errors);
        even.then_some(LimeRow { values, errors, intercepts, local_predictions, r2, conditions })
    }

    fn fits(&self, numbers: usize) -> bool {
        let fits = |of: &Option<Vec<f64>>| of.as_ref().is_none_or(|of| of.len() == numbers);
        self.values.len() == numbers && fits(&self.errors) && fits(&self.moves)
    }
}

/// Where finished rows are kept. Rows are told apart by their values; whatever else decides what is found for a row (model,
/// background, request) is for the keeper to tell apart.
pub trait Kept {
    /// What was found for a row before.
    fn known(&self, row: &[f64]) -> Option<FinishedRow>;
    /// A row is finished.
    fn keep(&self, row: &[f64], finished: FinishedRow);
}

/// Nothing is kept.
pub struct NotKept;

impl Kept for NotKept {
    fn known(&self, _: &[f64]) -> Option<FinishedRow> {
        None
    }

    fn keep(&self, _: &[f64], _: FinishedRow) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_taken() {
        let shares = RowShares { values: vec![1.0, 2.0], errors: Some(vec![0.1, 0.2]), moves: None, note: None };
        let kept = FinishedRow::of_shares(&shares, 7);
        let text = serde_json::to_string(&kept).expect("text");
        let again: FinishedRow = serde_json::from_str(&text).expect("the same");
        assert_eq!(again, kept);
        assert_eq!(again.clone().shares(2).map(|shares| shares.values), Some(vec![1.0, 2.0]));
        assert!(again.clone().shares(3).is_none(), "another number of players");
        assert!(again.lime(2, 1).is_none(), "another method");
    }
}
