//! `TreeEnsembleClassifier` and `TreeEnsembleRegressor`, versions 1 to 3 of ai.onnx.ml.

use std::collections::HashMap;

use desk_core::trees::{Aggregate, PostTransform, SplitMode, TreeEnsemble};
use desk_core::words::quoted;

use super::build::{Item, add_weight, feature, threshold32, tree, widest};
use super::{Stop, Understood, not_trees};
use crate::describe::node_labels;
use crate::error::ImportError;
use crate::proto::Node;
use crate::values;
use crate::wire::Reader;

/// Most elements of an attribute given as a tensor.
const MAX_ELEMENTS: u64 = 1 << 32;

/// Reads the node; also returns one more than the largest feature it uses.
pub(super) fn read(r: &mut Reader<'_>, node: &Node) -> Understood<(TreeEnsemble, u32)> {
    let lists = Lists::read(r, node)?;
    let invalid = |why: String| ImportError::BadTrees { node: node.label(), why, path: r.path() };
    let mut items = lists.items().map_err(invalid)?;
    lists.add_weights(&mut items).map_err(invalid)?;
    let roots = lists.roots()?;
    let mut reached = vec![false; items.len()];
    let trees: Result<Vec<_>, String> = roots.iter().map(|root| tree(&items, *root, &mut reached)).collect();
    let trees = trees.map_err(invalid)?;
    let widest = widest(&items);

    let base = lists.base_values.clone();
    let mut ensemble = TreeEnsemble {
        n_features: widest,
        n_outputs: lists.outputs as u32,
        base_values: Vec::new(),
        trees,
        aggregate: aggregate(node)?,
        post: post_transform(node)?,
        binary_from_one: false,
        labels: node_labels(r, node)?,
    };
    if node.op == "TreeEnsembleClassifier" {
        classifier(&mut ensemble, base, &lists.ids)?;
    } else {
        regressor(&mut ensemble, base)?;
    }
    Ok((ensemble, widest))
}

/// How ONNX Runtime 1.31 reads a classifier, found by asking it: two classes with weights for class
/// number 0 only mean that this number is the score of the second class.
fn classifier(ensemble: &mut TreeEnsemble, base: Vec<f64>, ids: &[i64]) -> Understood<()> {
    let classes = ensemble.n_outputs as usize;
    let only_zero = ids.iter().all(|id| *id == 0);
    ensemble.base_values = match (classes, base.len()) {
        (0 | 1, _) => return not_trees("Its classifier has fewer than two classes"),
        (2, 0 | 1) if only_zero => {
            ensemble.binary_from_one = true;
            ensemble.n_outputs = 1;
            if ensemble.post != PostTransform::Logistic {
                if matches!(ensemble.post, PostTransform::Probit) {
                    return not_trees("Its two-class classifier ends in PROBIT");
                }
                // One score has nothing to be compared with: softmax leaves it alone.
                ensemble.post = PostTransform::None;
            }
            vec![base.first().copied().unwrap_or(0.0)]
        }
        (_, 0) => vec![0.0; classes],
        (3.., n) if n == classes => base,
        (_, n) => return not_trees(format!("Its classifier has {classes} classes and {n} base values")),
    };
    Ok(())
}

/// With one target, ONNX Runtime applies no post transform but PROBIT.
fn regressor(ensemble: &mut TreeEnsemble, base: Vec<f64>) -> Understood<()> {
    let targets = ensemble.n_outputs as usize;
    ensemble.labels = None;
    ensemble.base_values = match base.len() {
        0 => vec![0.0; targets],
        n if n == targets => base,
        n => return not_trees(format!("Its regressor has {targets} targets and {n} base values")),
    };
    if targets == 1 && ensemble.post != PostTransform::Probit {
        ensemble.post = PostTransform::None;
    }
    Ok(())
}

fn aggregate(node: &Node) -> Understood<Aggregate> {
    match node.attribute("aggregate_function").and_then(|a| a.text.as_deref()) {
        None | Some("SUM") => Ok(Aggregate::Sum),
        Some("AVERAGE") => Ok(Aggregate::Average),
        Some("MIN") => Ok(Aggregate::Min),
        Some("MAX") => Ok(Aggregate::Max),
        Some(other) => not_trees(format!("Its trees are combined by {other}", other = quoted(&other))),
    }
}

fn post_transform(node: &Node) -> Understood<PostTransform> {
    match node.attribute("post_transform").and_then(|a| a.text.as_deref()) {
        None | Some("NONE") => Ok(PostTransform::None),
        Some("LOGISTIC") => Ok(PostTransform::Logistic),
        Some("SOFTMAX") => Ok(PostTransform::Softmax),
        Some("SOFTMAX_ZERO") => Ok(PostTransform::SoftmaxZero),
        Some("PROBIT") => Ok(PostTransform::Probit),
        Some(other) => not_trees(format!("Its post transform is {other}", other = quoted(&other))),
    }
}

/// The attributes' lists, checked to be equally long.
struct Lists {
    tree_ids: Vec<i64>,
    node_ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<Mode>,
    values: Vec<f64>,
    yes: Vec<i64>,
    no: Vec<i64>,
    missing_yes: Vec<i64>,
    weight_trees: Vec<i64>,
    weight_nodes: Vec<i64>,
    ids: Vec<i64>,
    weights: Vec<f64>,
    base_values: Vec<f64>,
    outputs: u64,
}

#[derive(Clone, Copy)]
enum Mode {
    Leaf,
    Split(SplitMode),
    Unknown,
}

fn mode(text: &str) -> Mode {
    match text {
        "LEAF" => Mode::Leaf,
        "BRANCH_LEQ" => Mode::Split(SplitMode::Leq),
        "BRANCH_LT" => Mode::Split(SplitMode::Lt),
        "BRANCH_GTE" => Mode::Split(SplitMode::Gte),
        "BRANCH_GT" => Mode::Split(SplitMode::Gt),
        "BRANCH_EQ" => Mode::Split(SplitMode::Eq),
        "BRANCH_NEQ" => Mode::Split(SplitMode::Neq),
        _ => Mode::Unknown,
    }
}

impl Lists {
    fn read(r: &mut Reader<'_>, node: &Node) -> Understood<Self> {
        let kind = if node.op == "TreeEnsembleClassifier" { "class" } else { "target" };
        let outputs = if kind == "class" {
            let count = |name| node.attribute(name).map_or(0, |a| a.strings.max(a.ints));
            count("classlabels_strings").max(count("classlabels_int64s"))
        } else {
            node.attribute("n_targets").and_then(|a| a.int).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
        };
        let mut ints = |name: &str| node.attribute(name).map_or(Ok(Vec::new()), |a| values::ints(r, a));
        let mut lists = Self {
            tree_ids: ints("nodes_treeids")?,
            node_ids: ints("nodes_nodeids")?,
            features: ints("nodes_featureids")?,
            yes: ints("nodes_truenodeids")?,
            no: ints("nodes_falsenodeids")?,
            missing_yes: ints("nodes_missing_value_tracks_true")?,
            weight_trees: ints(&format!("{kind}_treeids"))?,
            weight_nodes: ints(&format!("{kind}_nodeids"))?,
            ids: ints(&format!("{kind}_ids"))?,
            modes: Vec::new(),
            values: floats(r, node, "nodes_values")?,
            weights: floats(r, node, &format!("{kind}_weights"))?,
            base_values: floats(r, node, "base_values")?,
            outputs,
        };
        if let Some(modes) = node.attribute("nodes_modes") {
            lists.modes = values::strings(r, modes, mode)?;
        }
        match lists.check() {
            Ok(()) => Ok(lists),
            Err(why) => Err(Stop::Invalid(ImportError::BadTrees { node: node.label(), why, path: r.path() })),
        }
    }

    fn check(&self) -> Result<(), String> {
        let n = self.tree_ids.len();
        let nodes = [
            self.node_ids.len(),
            self.features.len(),
            self.modes.len(),
            self.values.len(),
            self.yes.len(),
            self.no.len(),
        ];
        if n == 0 {
            return Err("there are no nodes".to_owned());
        }
        if nodes.iter().any(|len| *len != n) || !matches!(self.missing_yes.len(), 0) && self.missing_yes.len() != n {
            return Err("the lists that describe its nodes are not equally long".to_owned());
        }
        let m = self.weights.len();
        if [self.weight_trees.len(), self.weight_nodes.len(), self.ids.len()].iter().any(|len| *len != m) {
            return Err("the lists that describe its leaves are not equally long".to_owned());
        }
        if self.outputs == 0 || self.outputs > 1_000_000 {
            return Err(format!("it has {} outputs", self.outputs));
        }
        match self.ids.iter().find(|id| u64::try_from(**id).map_or(true, |id| id >= self.outputs)) {
            Some(id) => Err(format!("a leaf adds to output {id} of {}", self.outputs)),
            None => Ok(()),
        }
    }

    fn places(&self) -> Result<HashMap<(i64, i64), usize>, String> {
        let mut places = HashMap::with_capacity(self.tree_ids.len());
        for (i, key) in self.tree_ids.iter().copied().zip(self.node_ids.iter().copied()).enumerate() {
            if places.insert(key, i).is_some() {
                return Err(format!("tree {} has two nodes {}", key.0, key.1));
            }
        }
        Ok(places)
    }

    fn items(&self) -> Result<Vec<Item>, String> {
        let places = self.places()?;
        let child = |i: usize, id: i64| {
            let place = places.get(&(self.tree_ids[i], id)).copied();
            place.ok_or_else(|| format!("tree {} has no node {id}", self.tree_ids[i]))
        };
        let item = |i: usize| match self.modes[i] {
            Mode::Leaf => Ok(Item::Leaf(Vec::new())),
            Mode::Unknown => Err("a node of an unknown mode".to_owned()),
            Mode::Split(mode) => Ok(Item::Split {
                feature: feature(self.features[i])?,
                mode,
                threshold: threshold32(self.values[i], mode),
                // A NaN differs from every threshold.
                missing_yes: mode == SplitMode::Neq || self.missing_yes.get(i).is_some_and(|yes| *yes != 0),
                yes: child(i, self.yes[i])?,
                no: child(i, self.no[i])?,
            }),
        };
        (0..self.tree_ids.len()).map(item).collect()
    }

    /// Weights that are given to a split are left out, as the runtime does.
    fn add_weights(&self, items: &mut [Item]) -> Result<(), String> {
        let places = self.places()?;
        for (i, key) in self.weight_trees.iter().copied().zip(self.weight_nodes.iter().copied()).enumerate() {
            let place = places.get(&key).ok_or_else(|| format!("tree {} has no node {}", key.0, key.1))?;
            if let Item::Leaf(leaf) = &mut items[*place] {
                add_weight(leaf, self.ids[i] as u32, self.weights[i] as f32);
            }
        }
        Ok(())
    }

    /// The first node of each tree. A tree whose nodes are not together has several first nodes.
    fn roots(&self) -> Understood<Vec<usize>> {
        let starts: Vec<usize> =
            (0..self.tree_ids.len()).filter(|i| *i == 0 || self.tree_ids[*i] != self.tree_ids[i - 1]).collect();
        let mut ids: Vec<i64> = starts.iter().map(|i| self.tree_ids[*i]).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() == starts.len() { Ok(starts) } else { not_trees("The nodes of one of its trees are not together") }
    }
}

/// A list of floats, given as such or, from version 3 on, as a tensor of float32 or float64.
fn floats(r: &mut Reader<'_>, node: &Node, name: &str) -> Understood<Vec<f64>> {
    if let Some(attribute) = node.attribute(name).filter(|a| a.floats > 0) {
        return Ok(values::floats(r, attribute)?.into_iter().map(f64::from).collect());
    }
    let tensor = node.attribute(&format!("{name}_as_tensor")).and_then(|a| a.tensor.as_deref());
    let Some(tensor) = tensor else { return Ok(Vec::new()) };
    match values::tensor(r, tensor, MAX_ELEMENTS)? {
        Some(values) => Ok(values),
        None => not_trees(format!("Its attribute {name} is a tensor that cannot be read here")),
    }
}
