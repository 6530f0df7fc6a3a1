//! Many points through the model, in batches that a processor's cache holds.

use desk_core::Cancel;

use super::Gradients;
use crate::error::ExplainError;
use crate::game::Meter;

/// Points that anybody may ask for, for each row.
pub(super) const MOST_POINTS: usize = 1_000_000;
/// Numbers of the input in one batch: what a network makes of them is some ten times as large, and beyond the cache
/// everything takes twice as long.
const BATCH_CELLS: usize = 750_000;
/// Points in one batch at most, so that a cancel is seen soon.
const BATCH_POINTS: usize = 256;

/// A model with its batches.
pub(super) struct Walk<'a> {
    model: &'a mut dyn Gradients,
    cancel: &'a Cancel,
    pub meter: Meter<'a>,
    /// Points at which it was asked.
    pub points: u64,
    width: usize,
    outputs: usize,
    batch: usize,
}

impl<'a> Walk<'a> {
    pub fn new(model: &'a mut dyn Gradients, cancel: &'a Cancel, meter: Meter<'a>) -> Self {
        let (width, outputs) = (model.n_features(), model.n_outputs());
        let batch = (BATCH_CELLS / width.max(1)).clamp(1, BATCH_POINTS);
        Self { model, cancel, meter, points: 0, width, outputs, batch }
    }

    /// Points that go through together.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// What the model gives, for each point a list of all outputs.
    pub fn values(&mut self, points: &[f64], place: impl Fn(usize) -> String) -> Result<Vec<Vec<f64>>, ExplainError> {
        let mut all = Vec::with_capacity(points.len() / self.width);
        for batch in points.chunks(self.batch * self.width) {
            let seed = vec![0.0; batch.len() / self.width * self.outputs];
            let (values, _) = self.pass(batch, None, &seed)?;
            for row in values.chunks(self.outputs) {
                finite(row, || place(all.len()))?;
                all.push(row.to_vec());
            }
        }
        Ok(all)
    }

    /// The gradient of one output at each point, handed to `take` in the order of the points.
    pub fn gradients(
        &mut self,
        points: &[f64],
        output: usize,
        place: impl Fn() -> String,
        take: impl FnMut(&[f64]),
    ) -> Result<(), ExplainError> {
        self.back(points, None, output, place, take)
    }

    /// The multipliers of one output at each point against its own reference.
    pub fn multipliers(
        &mut self,
        points: &[f64],
        references: &[f64],
        output: usize,
        place: impl Fn() -> String,
        take: impl FnMut(&[f64]),
    ) -> Result<(), ExplainError> {
        self.back(points, Some(references), output, place, take)
    }

    fn back(
        &mut self,
        points: &[f64],
        references: Option<&[f64]>,
        output: usize,
        place: impl Fn() -> String,
        mut take: impl FnMut(&[f64]),
    ) -> Result<(), ExplainError> {
        let cells = self.batch * self.width;
        for (i, batch) in points.chunks(cells).enumerate() {
            let references = references.map(|references| &references[i * cells..i * cells + batch.len()]);
            let mut seed = vec![0.0; batch.len() / self.width * self.outputs];
            seed.iter_mut().skip(output).step_by(self.outputs).for_each(|weight| *weight = 1.0);
            let (_, gradients) = self.pass(batch, references, &seed)?;
            for gradient in gradients.chunks(self.width) {
                if let Some(value) = gradient.iter().find(|value| !value.is_finite()) {
                    return Err(ExplainError::WildGradient { value: *value, place: place() });
                }
                take(gradient);
            }
        }
        Ok(())
    }

    fn pass(
        &mut self,
        points: &[f64],
        references: Option<&[f64]>,
        seed: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>), ExplainError> {
        self.cancel.check()?;
        let count = points.len() / self.width;
        self.points += count as u64;
        let pass = match references {
            Some(references) => self.model.multipliers(points, references, seed)?,
            None => self.model.forward_backward(points, seed)?,
        };
        for (found, expected) in [(pass.values.len(), count * self.outputs), (pass.gradients.len(), points.len())] {
            if found != expected {
                return Err(ExplainError::AnswerShape { expected, found });
            }
        }
        Ok((pass.values, pass.gradients))
    }
}

fn finite(row: &[f64], place: impl Fn() -> String) -> Result<(), ExplainError> {
    match row.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((output, value)) => Err(ExplainError::NotFinite { value: *value, place: place(), output }),
        None => Ok(()),
    }
}

/// Mean and standard error of lists of numbers that come one by one.
pub(super) struct Mean {
    count: f64,
    middle: Vec<f64>,
    squares: Vec<f64>,
}

impl Mean {
    pub fn new(width: usize) -> Self {
        Self { count: 0.0, middle: vec![0.0; width], squares: vec![0.0; width] }
    }

    /// Welford's update.
    pub fn add(&mut self, values: impl Iterator<Item = f64>) {
        self.count += 1.0;
        for ((mean, squares), value) in self.middle.iter_mut().zip(&mut self.squares).zip(values) {
            let off = value - *mean;
            *mean += off / self.count;
            *squares += off * (value - *mean);
        }
    }

    pub fn mean(&self) -> &[f64] {
        &self.middle
    }

    /// Sums of squares about the means.
    pub fn squares(&self) -> &[f64] {
        &self.squares
    }

    pub fn std_error(&self) -> impl Iterator<Item = f64> + '_ {
        self.squares.iter().map(|squares| (squares / (self.count - 1.0).max(1.0) / self.count).sqrt())
    }
}
