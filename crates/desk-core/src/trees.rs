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
