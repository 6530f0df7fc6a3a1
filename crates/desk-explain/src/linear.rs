//! Shapley values of linear models, in closed form.
//!
//! Where absent features take the values of background rows, feature i of a weighted sum has the share
//! w_i (x_i - mean of feature i over the background), in whatever order features come and however they go together
//! (Lundberg and Lee 2017, corollary 1). These are the values of `shap.LinearExplainer` with an `Independent` masker.
//! What is shared out is the sum, before a logistic function or a softmax.

use desk_core::linear::{LinearModel, Link};
use desk_core::{Cancel, Fault, Predictor};

use crate::error::ExplainError;
use crate::explanation::{Cube, Explanation};
use crate::input::Table;
use crate::moves::{self, BackgroundError, Spread};
use crate::players::Players;
use crate::request::Space;

/// Rows on which the sums and the graph are compared.
const COMPARED_ROWS: usize = 256;
/// Largest difference between them that is rounding, relative to the answers' size.
const AGREEMENT: f64 = 1e-3;

/// A linear model that answers as the graph does.
pub(crate) struct Linear {
    /// One sum for each output of the graph.
    pub model: LinearModel,
    /// Largest difference of the answers.
    pub difference: f64,
}

impl Linear {
    /// The model, where its answers to the first rows are those of the graph but for rounding.
    pub fn of(
        model: &LinearModel,
        predictor: &mut dyn Predictor,
        rows: Table<'_>,
        cancel: &Cancel,
        model_rows: &mut u64,
    ) -> Result<Option<Self>, ExplainError> {
        let (width, outputs) = (rows.n_features, predictor.n_outputs());
        let Some(model) = as_wide_as(model, outputs).filter(|model| model.n_features == width) else { return Ok(None) };
        let part = &rows.rows[..rows.len().min(COMPARED_ROWS) * width];
        cancel.check()?;
        let graph = predictor.predict(part)?;
        *model_rows += (part.len() / width) as u64;
        let own = part.chunks_exact(width).flat_map(|row| model.answer(&model.raw(row)));
        let mut difference = 0f64;
        for (own, graph) in own.zip(&graph) {
            let apart = (own - graph).abs();
            // What is no number is told of where the rows are explained.
            if apart > AGREEMENT * graph.abs().max(1.0) {
                return Ok(None);
            }
            difference = difference.max(apart);
        }
        Ok(Some(Self { model, difference }))
    }

    /// Why a space cannot be explained, if so.
    pub fn why_not(&self, space: Option<Space>) -> Option<String> {
        let step = match self.model.link {
            _ if space != Some(Space::Probability) => return None,
            Link::Identity => return None,
            Link::Logistic | Link::Shares => "logistic function",
            Link::Softmax => "softmax",
            Link::Exp => "exponential",
        };
        Some(format!("the answer is the {step} of a linear sum, and only that sum has a closed form"))
    }

    /// Fills in what the sums of some outputs share out. What a group has is the sum of its features' shares: nothing
    /// interacts.
    pub fn explain(
        &self,
        rows: Table<'_>,
        background: Table<'_>,
        outputs: &[usize],
        players: &Players,
        explanation: &mut Explanation,
    ) -> Result<(), ExplainError> {
        let (width, count) = (rows.n_features, background.len() as f64);
        let mean = |f: usize| (0..background.len()).map(|b| background.row(b)[f]).sum::<f64>() / count;
        let mean: Vec<f64> = (0..width).map(mean).collect();
        let finite =
            |values: &[f64], place: &dyn Fn() -> String| match values.iter().position(|value| !value.is_finite()) {
                Some(at) => Err(ExplainError::NotFinite { value: values[at], place: place(), output: outputs[at] }),
                None => Ok(()),
            };
        let sums = |row: &[f64]| {
            let raw = self.model.raw(row);
            outputs.iter().map(|output| raw[*output]).collect::<Vec<f64>>()
        };
        explanation.background_error = self.moves(rows, background, outputs, players);
        explanation.base_values = sums(&mean);
        finite(&explanation.base_values, &|| "the background's mean".to_owned())?;
        for row in 0..rows.len() {
            let cells = rows.row(row);
            let prediction = sums(cells);
            finite(&prediction, &|| format!("row {}", row + 1))?;
            explanation.predictions.push(prediction);
            let values = explanation.values.row_mut(row);
            for (k, output) in outputs.iter().enumerate() {
                for (f, weight) in self.model.weights_of(*output).iter().enumerate() {
                    values[players.of(f as u32) as usize * outputs.len() + k] += weight * (cells[f] - mean[f]);
                }
            }
        }
        Ok(())
    }
}

/// The sums of a linear model as a model of its own: what the closed form shares out.
pub struct LinearSums(LinearModel);

impl LinearSums {
    /// One sum for each of so many answers of the graph; none where the model has not as many.
    pub fn of(model: &LinearModel, outputs: usize) -> Option<Self> {
        as_wide_as(model, outputs).map(Self)
    }
}

impl Predictor for LinearSums {
    fn n_features(&self) -> usize {
        self.0.n_features
    }

    fn n_outputs(&self) -> usize {
        self.0.n_outputs()
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        Ok(rows.chunks_exact(self.0.n_features.max(1)).flat_map(|row| self.0.raw(row)).collect())
    }
}

impl Linear {
    /// How far base values and attributions would move with another background: what one of its rows shifts, a player at a
    /// time, is the same for every explained row.
    fn moves(
        &self,
        rows: Table<'_>,
        background: Table<'_>,
        outputs: &[usize],
        players: &Players,
    ) -> Option<BackgroundError> {
        if background.len() < 2 {
            return None;
        }
        let (width, count) = (outputs.len(), players.count());
        let (mut base, mut shifts) = (Spread::new(width), Spread::new(count * width));
        for b in 0..background.len() {
            let mut of_row = vec![0.0; count * width];
            for (k, output) in outputs.iter().enumerate() {
                for (f, weight) in self.model.weights_of(*output).iter().enumerate() {
                    of_row[players.of(f as u32) as usize * width + k] += weight * background.row(b)[f];
                }
            }
            let sum = |k: usize| of_row.iter().skip(k).step_by(width).sum::<f64>();
            base.add(&(0..width).map(sum).collect::<Vec<_>>());
            shifts.add(&of_row);
        }
        let of_row = shifts.errors();
        let mut values = Cube::zeros(rows.len().min(moves::ROWS), count, width);
        values.as_mut_slice().chunks_exact_mut(count * width).for_each(|row| row.copy_from_slice(&of_row));
        Some(BackgroundError { base: base.errors(), values })
    }
}

/// One sum for each of so many answers: of two classes, one score is the second's.
fn as_wide_as(model: &LinearModel, outputs: usize) -> Option<LinearModel> {
    if model.n_outputs() == outputs {
        return Some(model.clone());
    }
    let one_for_two = model.n_outputs() == 1 && outputs == 2 && model.link == Link::Logistic;
    one_for_two.then(|| {
        let both = |list: &[f64]| list.iter().map(|x| -x).chain(list.iter().copied()).collect();
        LinearModel { weights: both(&model.weights), intercepts: both(&model.intercepts), ..model.clone() }
    })
}
