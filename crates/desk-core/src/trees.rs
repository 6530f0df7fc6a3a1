//! Tree ensembles as plain data: what an ONNX `TreeEnsemble*` node says, format taken away.

use serde::{Deserialize, Serialize};

/// How a split compares a feature `x` with its threshold `t`; true goes to `yes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of ONNX: BRANCH_LEQ and so on")]
pub enum SplitMode {
    Leq,
    Lt,
    Gte,
    Gt,
    Eq,
    Neq,
}

/// One node of a tree; children are indices into [`Tree::nodes`], always larger than the parent's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Node {
    /// An inner node.
    Split {
        /// Column of the feature table.
        feature: u32,
        /// The comparison.
        mode: SplitMode,
        /// The threshold, in the precision the runtime compares in.
        threshold: f32,
        /// Where a missing value (NaN) goes: to `yes` when true.
        missing_yes: bool,
        /// Child when the comparison holds.
        yes: u32,
        /// Child when it does not.
        no: u32,
    },
    /// A leaf: what it adds, as (output, weight).
    Leaf(Vec<(u32, f32)>),
}

impl SplitMode {
    /// The comparison as the runtime makes it, in float32. NaN compares false except for `Neq`;
    /// callers look at `missing_yes` first.
    pub fn holds(self, x: f32, t: f32) -> bool {
        match self {
            Self::Leq => x <= t,
            Self::Lt => x < t,
            Self::Gte => x >= t,
            Self::Gt => x > t,
            Self::Eq => x == t,
            Self::Neq => x != t,
        }
    }
}

/// One tree; node 0 is its root.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tree {
    /// Parents before children.
    pub nodes: Vec<Node>,
}

/// How the trees' answers become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of ONNX")]
pub enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// What is done to the sum at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostTransform {
    /// Nothing: the sum is the answer (random forests: already a probability).
    None,
    /// 1 / (1 + exp(-x)) per output.
    Logistic,
    /// exp(x_i) / sum exp(x_j).
    Softmax,
    /// Softmax that leaves zeros zero.
    SoftmaxZero,
    /// The normal distribution's quantile.
    Probit,
    /// exp(x), for log-link regressions.
    Exp,
}

/// A whole ensemble: features in, `n_outputs` sums out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeEnsemble {
    /// Columns of the feature table.
    pub n_features: u32,
    /// Outputs; a binary classifier that stores one score has 1 here and `binary_from_one` set.
    pub n_outputs: u32,
    /// Added to each output before the post transform; `n_outputs` values.
    pub base_values: Vec<f64>,
    /// The trees.
    pub trees: Vec<Tree>,
    /// How they are combined.
    pub aggregate: Aggregate,
    /// What happens to the combined value.
    pub post: PostTransform,
    /// A classifier with two classes that stores the score of the second only.
    pub binary_from_one: bool,
    /// Class labels in output order, where it is a classifier.
    pub labels: Option<Vec<String>>,
}

impl TreeEnsemble {
    /// Leaves over all trees.
    pub fn leaf_count(&self) -> usize {
        self.trees.iter().flat_map(|t| &t.nodes).filter(|n| matches!(n, Node::Leaf(_))).count()
    }
}

impl Tree {
    /// The weights of the leaf that a row falls into. Features that the row lacks count as missing.
    pub fn leaf(&self, row: &[f32]) -> &[(u32, f32)] {
        let mut at = 0;
        loop {
            match self.nodes.get(at) {
                Some(Node::Leaf(weights)) => return weights,
                Some(Node::Split { feature, mode, threshold, missing_yes, yes, no }) => {
                    let x = row.get(*feature as usize).copied().unwrap_or(f32::NAN);
                    let holds = if x.is_nan() { *missing_yes } else { mode.holds(x, *threshold) };
                    let next = *(if holds { yes } else { no }) as usize;
                    // Children follow their parents; whatever does not would never end.
                    at = if next > at { next } else { self.nodes.len() };
                }
                None => return &[],
            }
        }
    }
}

impl TreeEnsemble {
    /// The combined leaf weights and base values of a row, before the post transform: `n_outputs`
    /// values. Compared in float32 as the runtime does, added in float64.
    pub fn raw_row(&self, row: &[f32]) -> Vec<f64> {
        let mut sums: Vec<Option<f64>> = vec![None; self.n_outputs as usize];
        for (output, weight) in self.trees.iter().flat_map(|tree| tree.leaf(row)) {
            let weight = f64::from(*weight);
            if let Some(sum) = sums.get_mut(*output as usize) {
                *sum = Some(match (self.aggregate, *sum) {
                    (_, None) => weight,
                    (Aggregate::Sum | Aggregate::Average, Some(sum)) => sum + weight,
                    (Aggregate::Min, Some(sum)) => sum.min(weight),
                    (Aggregate::Max, Some(sum)) => sum.max(weight),
                });
            }
        }
        let share = if self.aggregate == Aggregate::Average { 1.0 / self.trees.len().max(1) as f64 } else { 1.0 };
        let base = self.base_values.iter().copied().chain(std::iter::repeat(0.0));
        sums.iter().zip(base).map(|(sum, base)| sum.unwrap_or(0.0) * share + base).collect()
    }

    /// What the model answers for a row of `n_features` values: one value per output, two for a
    /// classifier with [`TreeEnsemble::binary_from_one`].
    pub fn predict_row(&self, row: &[f32]) -> Vec<f64> {
        self.transform(&self.raw_row(row))
    }

    /// As [`TreeEnsemble::predict_row`] for a whole table, row-major; the answer is row-major too.
    pub fn predict_rows(&self, rows: &[f32]) -> Vec<f64> {
        let width = (self.n_features as usize).max(1);
        let positive = self.weights_are_positive();
        rows.chunks_exact(width).flat_map(|row| self.transform_knowing(&self.raw_row(row), positive)).collect()
    }

    /// The post transform of raw values, as ONNX Runtime 1.31 makes it.
    pub fn transform(&self, raw: &[f64]) -> Vec<f64> {
        self.transform_knowing(raw, self.weights_are_positive())
    }

    fn transform_knowing(&self, raw: &[f64], positive: bool) -> Vec<f64> {
        if self.binary_from_one {
            let score = raw.first().copied().unwrap_or(0.0);
            return match self.post {
                PostTransform::Logistic => vec![logistic(-score), logistic(score)],
                // Weights that are never negative are shares of a vote; others are margins.
                _ if positive => vec![1.0 - score, score],
                _ => vec![-score, score],
            };
        }
        match self.post {
            PostTransform::None => raw.to_vec(),
            PostTransform::Logistic => raw.iter().copied().map(logistic).collect(),
            PostTransform::Softmax => softmax(raw, |_| true),
            PostTransform::SoftmaxZero => softmax(raw, |x| x.abs() > 1e-7),
            PostTransform::Probit => raw.iter().copied().map(probit).collect(),
            PostTransform::Exp => raw.iter().copied().map(f64::exp).collect(),
        }
    }

    /// True when no leaf takes anything away: then a two-class score is a share of a vote.
    pub fn weights_are_positive(&self) -> bool {
        let leaves = self.trees.iter().flat_map(|tree| &tree.nodes);
        leaves
            .filter_map(|node| if let Node::Leaf(weights) = node { Some(weights) } else { None })
            .flatten()
            .all(|(_, w)| *w >= 0.0)
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Softmax over the values that `counts` selects; the others become zero.
fn softmax(raw: &[f64], counts: impl Fn(f64) -> bool) -> Vec<f64> {
    let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = raw.iter().map(|x| if counts(*x) { (x - largest).exp() } else { 0.0 }).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| if sum > 0.0 { power / sum } else { 0.0 }).collect()
}

/// The normal quantile as ONNX Runtime computes it: sqrt(2) * erfinv(2p - 1), by Winitzki's
/// approximation with a = 0.147.
fn probit(p: f64) -> f64 {
    let x = 2.0 * p - 1.0;
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let v = 2.0 / (std::f64::consts::PI * 0.147) + 0.5 * log;
    let erfinv = x.signum() * ((v * v - log / 0.147).sqrt() - v).sqrt();
    std::f64::consts::SQRT_2 * erfinv
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stump(threshold: f32, missing_yes: bool, yes: f32, no: f32) -> Tree {
        let split = Node::Split { feature: 0, mode: SplitMode::Leq, threshold, missing_yes, yes: 1, no: 2 };
        Tree { nodes: vec![split, Node::Leaf(vec![(0, yes)]), Node::Leaf(vec![(0, no)])] }
    }

    fn ensemble(trees: Vec<Tree>, aggregate: Aggregate, post: PostTransform, binary: bool) -> TreeEnsemble {
        let base_values = vec![0.0];
        TreeEnsemble {
            n_features: 1,
            n_outputs: 1,
            base_values,
            trees,
            aggregate,
            post,
            binary_from_one: binary,
            labels: None,
        }
    }

    #[track_caller]
    fn near(found: &[f64], expected: &[f64]) {
        let same = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-5);
        assert!(same, "{found:?} instead of {expected:?}");
    }

    /// Values that ONNX Runtime 1.31.1 gave for the same stumps.
    #[test]
    fn two_class_scores_as_the_runtime_writes_them() {
        let votes = ensemble(vec![stump(0.0, false, 0.2, 0.7)], Aggregate::Sum, PostTransform::None, true);
        near(&votes.predict_rows(&[-1.0, 1.0]), &[0.8, 0.2, 0.3, 0.7]);
        let margins = ensemble(vec![stump(0.0, false, -0.2, 0.7)], Aggregate::Sum, PostTransform::None, true);
        near(&margins.predict_rows(&[-1.0, 1.0]), &[0.2, -0.2, -0.7, 0.7]);
        let logistic = TreeEnsemble { post: PostTransform::Logistic, base_values: vec![0.1], ..margins };
        near(&logistic.predict_rows(&[-1.0, 1.0]), &[0.52498, 0.47502, 0.31003, 0.68997]);
    }

    #[test]
    fn aggregates_and_probit_as_the_runtime_gives_them() {
        let leaf = Tree { nodes: vec![Node::Leaf(vec![(0, 0.4)])] };
        let trees = vec![stump(0.0, false, 0.2, 0.7), leaf];
        for (aggregate, expected) in [
            (Aggregate::Sum, [0.6, 1.1]),
            (Aggregate::Average, [0.3, 0.55]),
            (Aggregate::Min, [0.2, 0.4]),
            (Aggregate::Max, [0.4, 0.7]),
        ] {
            near(&ensemble(trees.clone(), aggregate, PostTransform::None, false).predict_rows(&[-1.0, 1.0]), &expected);
        }
        let probit = ensemble(trees, Aggregate::Average, PostTransform::Probit, false);
        near(&probit.predict_rows(&[-1.0, 1.0]), &[-0.52445, 0.12566]);
    }

    #[test]
    fn missing_values_go_where_the_split_says_and_bad_children_end() {
        for (missing_yes, expected) in [(true, 1.0), (false, 2.0)] {
            let tree = stump(0.0, missing_yes, 1.0, 2.0);
            assert_eq!(tree.leaf(&[f32::NAN]), [(0, expected)]);
        }
        let split = Node::Split { feature: 0, mode: SplitMode::Leq, threshold: 0.0, missing_yes: true, yes: 0, no: 9 };
        let circle = Tree { nodes: vec![split] };
        assert!(circle.leaf(&[0.0]).is_empty() && circle.leaf(&[1.0]).is_empty());
    }
}
