//! What an ensemble answers: its sums, and what the graph makes of them.

use desk_core::cancel::Cancelled;
use desk_core::trees::{Aggregate, Node, PostTransform, Tree, TreeEnsemble};
use desk_core::{Cancel, Fault, Predictor};
use rayon::prelude::*;

use crate::error::ExplainError;
use crate::trees::check;
use crate::trees::score::{BLOCK, Steps};

/// One explained output as a linear function of a sum: `offset + scale * sum(output)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Column {
    /// Output of the ensemble.
    pub output: u32,
    /// 1, or -1 for the class that is not stored.
    pub sign: f64,
    /// Added.
    pub offset: f64,
}

/// Outputs of the model as sums of the ensemble. A binary classifier that stores one score answers
/// two: the second class has the stored score, the first its complement.
pub(crate) fn columns(ensemble: &TreeEnsemble) -> Vec<Column> {
    let stored = |output: u32| {
        let offset = ensemble.base_values.get(output as usize).copied().unwrap_or(0.0);
        Column { output, sign: 1.0, offset }
    };
    if is_binary_from_one(ensemble) {
        let second = stored(0);
        let whole = if scores_are_probabilities(ensemble) { 1.0 } else { 0.0 };
        return vec![Column { output: 0, sign: -1.0, offset: whole - second.offset }, second];
    }
    (0..ensemble.n_outputs).map(stored).collect()
}

/// True for a classifier of two classes that stores one score.
pub(crate) fn is_binary_from_one(ensemble: &TreeEnsemble) -> bool {
    ensemble.binary_from_one && ensemble.n_outputs == 1
}

/// ONNX Runtime takes the one stored score of a binary classifier as a probability when no weight
/// is negative and nothing is done to it.
fn scores_are_probabilities(ensemble: &TreeEnsemble) -> bool {
    ensemble.post == PostTransform::None && weights_are_positive(ensemble)
}

pub(crate) fn weights_are_positive(ensemble: &TreeEnsemble) -> bool {
    let leaves = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    leaves
        .filter_map(|node| if let Node::Leaf(weights) = node { Some(weights) } else { None })
        .flatten()
        .all(|w| w.1 >= 0.0)
}

/// Sums of an ensemble's outputs for a block of rows, rows x outputs, without base values, in float64.
fn sums(own: &EnsemblePredictor<'_>, columns: &[f32], totals: &mut [f64], rows: usize) {
    let EnsemblePredictor { ensemble, steps, single, .. } = own;
    let outputs = ensemble.n_outputs as usize;
    totals.fill(match ensemble.aggregate {
        Aggregate::Sum | Aggregate::Average => 0.0,
        Aggregate::Min => f64::INFINITY,
        Aggregate::Max => f64::NEG_INFINITY,
    });
    let mut leaves = [0u32; BLOCK];
    for (number, (tree, steps)) in ensemble.trees.iter().zip(steps).enumerate() {
        steps.leaves(columns, BLOCK, &mut leaves[..rows]);
        if let Some(single) = single {
            let values = &single[number];
            totals.iter_mut().zip(&leaves[..rows]).for_each(|(total, leaf)| *total += values[*leaf as usize]);
            continue;
        }
        for (total, leaf) in totals.chunks_exact_mut(outputs).zip(&leaves[..rows]) {
            let Node::Leaf(weights) = &tree.nodes[*leaf as usize] else { continue };
            for (output, weight) in weights {
                let (sum, weight) = (&mut total[*output as usize], f64::from(*weight));
                *sum = match ensemble.aggregate {
                    Aggregate::Sum | Aggregate::Average => *sum + weight,
                    Aggregate::Min => sum.min(weight),
                    Aggregate::Max => sum.max(weight),
                };
            }
        }
    }
    for sum in totals {
        if !sum.is_finite() {
            *sum = 0.0;
        } else if ensemble.aggregate == Aggregate::Average {
            *sum /= ensemble.trees.len() as f64;
        }
    }
}

/// What each node of a tree adds to the one output.
fn added(tree: &Tree) -> Vec<f64> {
    let of = |node: &Node| match node {
        Node::Leaf(weights) => weights.iter().map(|(_, weight)| f64::from(*weight)).sum(),
        Node::Split { .. } => 0.0,
    };
    tree.nodes.iter().map(of).collect()
}

/// A tree ensemble's raw scores as a model: sums before the last transformation, in float64.
///
/// Rows are compared in float32, as ONNX Runtime does, and scored on all threads of the current
/// rayon pool; the answer does not depend on their number.
#[derive(Debug)]
pub struct EnsemblePredictor<'a> {
    ensemble: &'a TreeEnsemble,
    columns: Vec<Column>,
    steps: Vec<Steps>,
    /// Of each tree what its nodes add, where there is one output that is a sum.
    single: Option<Vec<Vec<f64>>>,
}

impl<'a> EnsemblePredictor<'a> {
    /// The raw scores of an ensemble; refuses one that is not well formed.
    pub fn new(ensemble: &'a TreeEnsemble) -> Result<Self, ExplainError> {
        check::check(ensemble)?;
        let steps = ensemble.trees.iter().map(Steps::new).collect();
        let sum = matches!(ensemble.aggregate, Aggregate::Sum | Aggregate::Average);
        let single = (sum && ensemble.n_outputs == 1).then(|| ensemble.trees.iter().map(added).collect());
        Ok(Self { ensemble, columns: columns(ensemble), steps, single })
    }

    /// The model's outputs as sums of the ensemble.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The trees as steps.
    pub(crate) fn steps(&self) -> &[Steps] {
        &self.steps
    }

    /// Raw scores of rows, row-major.
    pub fn raw(&self, rows: &[f64]) -> Vec<f64> {
        self.raw_until(rows, &Cancel::new()).unwrap_or_default()
    }

    /// Raw scores of rows, unless cancelled.
    pub(crate) fn raw_until(&self, rows: &[f64], cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
        let (width, outputs) = (self.ensemble.n_features as usize, self.columns.len());
        let mut answers = vec![0.0; rows.len() / width * outputs];
        let blocks = answers.par_chunks_mut(outputs * BLOCK).zip(rows.par_chunks(width * BLOCK));
        let per_row = self.ensemble.n_outputs as usize;
        let memory = || (vec![0f32; width * BLOCK], vec![0.0; per_row * BLOCK]);
        blocks.try_for_each_init(memory, |(block, totals), (answers, rows)| {
            cancel.check()?;
            let count = rows.len() / width;
            for (f, column) in block.chunks_exact_mut(BLOCK).enumerate() {
                let values = rows[f..].iter().step_by(width);
                column.iter_mut().zip(values).for_each(|(to, value)| *to = *value as f32);
            }
            let totals = &mut totals[..count * per_row];
            sums(self, block, totals, count);
            for (answer, sums) in answers.chunks_exact_mut(outputs).zip(totals.chunks_exact(per_row)) {
                for (value, column) in answer.iter_mut().zip(&self.columns) {
                    *value = column.offset + column.sign * sums[column.output as usize];
                }
            }
            Ok::<_, Cancelled>(())
        })?;
        Ok(answers)
    }
}

impl Predictor for EnsemblePredictor<'_> {
    fn n_features(&self) -> usize {
        self.ensemble.n_features as usize
    }

    fn n_outputs(&self) -> usize {
        self.columns.len()
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        Ok(self.raw(rows))
    }
}
