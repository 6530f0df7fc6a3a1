//! What a graph makes of its ensemble's sums, and the ensemble as the model that answers.

use desk_core::trees::{PostTransform, TreeEnsemble};
use desk_core::{Cancel, Fault, Predictor};
use rayon::prelude::*;

use crate::error::ExplainError;
use crate::input::Table;
use crate::trees::predict::{EnsemblePredictor, is_binary_from_one, weights_are_positive};

/// Rows on which the ensemble is held against the graph.
const COMPARED_ROWS: usize = 256;
/// Largest difference that is the rounding of float32 sums, relative to the answers' size.
const ROUNDING: f64 = 1e-5;
/// Rows whose answers are made together.
const TOGETHER: usize = 256;

/// A tree ensemble in the place of the model: its sums in float64, and what the graph makes of them.
///
/// Asked many times it is some three times as fast as a graph runtime, and its answers do not depend on the number of threads,
/// which those of a runtime that adds trees up in float32 do.
#[derive(Debug)]
pub struct TreeAnswers<'a> {
    own: EnsemblePredictor<'a>,
    answers: Answers,
    outputs: usize,
}

impl<'a> TreeAnswers<'a> {
    /// The ensemble, where it answers the first rows of each table as the model does but for rounding; none where not, or
    /// where it cannot be told.
    ///
    /// # Errors
    /// The model's own, or a cancel.
    pub fn of(
        ensemble: &'a TreeEnsemble,
        model: &mut dyn Predictor,
        tables: &[Table<'_>],
        cancel: &Cancel,
    ) -> Result<Option<Self>, ExplainError> {
        let Ok(own) = EnsemblePredictor::new(ensemble) else { return Ok(None) };
        let (width, outputs) = (model.n_features(), model.n_outputs());
        if own.n_features() != width {
            return Ok(None);
        }
        let found = Self { own, answers: Answers::new(ensemble), outputs };
        for table in tables {
            cancel.check()?;
            let part = &table.rows[..table.len().min(COMPARED_ROWS) * width];
            let graph = model.predict(part)?;
            let Some(here) = found.answer(part).filter(|here| here.len() == graph.len()) else { return Ok(None) };
            // What is no number agrees with nothing.
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= ROUNDING * b.abs().max(1.0);
            if !here.iter().zip(&graph).all(close) {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    fn answer(&self, rows: &[f64]) -> Option<Vec<f64>> {
        let raw = self.own.raw(rows);
        let columns = self.own.n_outputs();
        if self.answers.are_sums() {
            return (columns == self.outputs).then_some(raw);
        }
        let parts = raw.par_chunks(columns * TOGETHER);
        let parts = parts.map(|part| {
            let mut answers = Vec::with_capacity(part.len() / columns * self.outputs);
            for raw in part.chunks_exact(columns) {
                answers.extend(self.answers.of(raw).filter(|answer| answer.len() == self.outputs)?);
            }
            Some(answers)
        });
        Some(parts.collect::<Option<Vec<_>>>()?.concat())
    }
}

impl Predictor for TreeAnswers<'_> {
    fn n_features(&self) -> usize {
        self.own.n_features()
    }

    fn n_outputs(&self) -> usize {
        self.outputs
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        self.answer(rows).ok_or_else(|| Fault::bug("a tree ensemble that answered for its model does not any more"))
    }
}

/// What the graph makes of raw scores, for many rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers {
    post: PostTransform,
    /// A classifier of two classes that stores one score, and whether no weight is negative: ONNX Runtime looks at the
    /// weights, not at the transformation.
    one_for_two: Option<bool>,
}

impl Answers {
    pub fn new(ensemble: &TreeEnsemble) -> Self {
        let one_for_two = is_binary_from_one(ensemble).then(|| weights_are_positive(ensemble));
        Self { post: ensemble.post, one_for_two }
    }

    /// The answers are the raw scores as they are.
    fn are_sums(self) -> bool {
        self.one_for_two.is_none() && self.post == PostTransform::None
    }

    /// The answer to one row; `None` for a transformation that is not reproduced here.
    pub fn of(self, raw: &[f64]) -> Option<Vec<f64>> {
        let logistic = |x: &f64| 1.0 / (1.0 + (-x).exp());
        if let Some(positive) = self.one_for_two {
            let score = *raw.last()?;
            if positive {
                return Some(vec![1.0 - score, score]);
            }
            return match self.post {
                PostTransform::Logistic => Some(vec![logistic(&-score), logistic(&score)]),
                PostTransform::Probit => None,
                _ => Some(vec![-score, score]),
            };
        }
        match self.post {
            PostTransform::None => Some(raw.to_vec()),
            PostTransform::Logistic => Some(raw.iter().map(logistic).collect()),
            PostTransform::Exp => Some(raw.iter().map(|x| x.exp()).collect()),
            PostTransform::Softmax | PostTransform::SoftmaxZero => {
                let zero_stays = self.post == PostTransform::SoftmaxZero;
                let top = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let part = |x: &f64| if zero_stays && x.abs() <= 1e-7 { 0.0 } else { (x - top).exp() };
                let total: f64 = raw.iter().map(part).sum();
                Some(raw.iter().map(|x| part(x) / total).collect())
            }
            PostTransform::Probit => None,
        }
    }
}
