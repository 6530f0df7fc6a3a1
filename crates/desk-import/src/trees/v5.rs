//! The `TreeEnsemble` operator of ai.onnx.ml 5, which replaces the two older ones.

use desk_core::trees::{Aggregate, PostTransform, SplitMode, TreeEnsemble};

use super::build::{Item, feature, threshold32, tree, widest};
use super::{Stop, Understood, not_trees};
use crate::error::ImportError;
use crate::proto::Node;
use crate::values;
use crate::wire::Reader;

/// Most elements of one of its tensors.
const MAX_ELEMENTS: u64 = 1 << 32;

/// Reads the node; also returns one more than the largest feature it uses.
pub(super) fn read(r: &mut Reader<'_>, node: &Node) -> Understood<(TreeEnsemble, u32)> {
    let path = r.path();
    let invalid = |why: String| Stop::Invalid(ImportError::BadTrees { node: node.label(), why, path: path.clone() });
    let targets = node.attribute("n_targets").and_then(|a| a.int).unwrap_or(0);
    let n_outputs = u32::try_from(targets).ok().filter(|n| (1..=1_000_000).contains(n));
    let n_outputs = n_outputs.ok_or_else(|| invalid(format!("it has {targets} outputs")))?;

    let items = items(r, node, n_outputs)?.map_err(&invalid)?;
    let roots = ints(r, node, "tree_roots")?;
    let mut reached = vec![false; items.len()];
    let splits = items.iter().filter(|item| !matches!(item, Item::Leaf(_))).count();
    let mut trees = Vec::with_capacity(roots.len());
    for root in roots {
        let root = usize::try_from(root).ok().filter(|root| *root < splits);
        let root = root.ok_or_else(|| invalid("a root that does not exist".to_owned()))?;
        trees.push(tree(&items, root, &mut reached).map_err(&invalid)?);
    }
    let widest = widest(&items);
    let mut post = post_transform(node)?;
    if n_outputs == 1 && post != PostTransform::Probit {
        // With one target, ONNX Runtime applies no other post transform.
        post = PostTransform::None;
    }
    let ensemble = TreeEnsemble {
        n_features: widest,
        n_outputs,
        base_values: vec![0.0; n_outputs as usize],
        trees,
        aggregate: aggregate(node)?,
        post,
        binary_from_one: false,
        labels: None,
    };
    Ok((ensemble, widest))
}

fn aggregate(node: &Node) -> Understood<Aggregate> {
    match node.attribute("aggregate_function").and_then(|a| a.int).unwrap_or(1) {
        0 => Ok(Aggregate::Average),
        1 => Ok(Aggregate::Sum),
        2 => Ok(Aggregate::Min),
        3 => Ok(Aggregate::Max),
        other => not_trees(format!("Its trees are combined by function {other}")),
    }
}

/// Numbers as ONNX Runtime 1.31 reads them. It takes 1 for LOGISTIC and 2 for SOFTMAX, where ONNX
/// defines them the other way round (asked of both in November 2026). What the model answers is what
/// counts here.
fn post_transform(node: &Node) -> Understood<PostTransform> {
    match node.attribute("post_transform").and_then(|a| a.int).unwrap_or(0) {
        0 => Ok(PostTransform::None),
        1 => Ok(PostTransform::Logistic),
        2 => Ok(PostTransform::Softmax),
        3 => Ok(PostTransform::SoftmaxZero),
        4 => Ok(PostTransform::Probit),
        other => not_trees(format!("Its post transform is number {other}")),
    }
}

/// Says where ONNX and the runtime differ on this node.
pub(super) fn note(ensemble: &TreeEnsemble) -> Option<&'static str> {
    (ensemble.n_outputs > 1 && matches!(ensemble.post, PostTransform::Logistic | PostTransform::Softmax)).then_some(
        "ONNX Runtime takes LOGISTIC for SOFTMAX and the other way round in this operator; the trees here do as it does",
    )
}

fn ints(r: &mut Reader<'_>, node: &Node, name: &str) -> Result<Vec<i64>, ImportError> {
    node.attribute(name).map_or(Ok(Vec::new()), |attribute| values::ints(r, attribute))
}

fn tensor(r: &mut Reader<'_>, node: &Node, name: &str) -> Understood<Vec<f64>> {
    let Some(tensor) = node.attribute(name).and_then(|a| a.tensor.as_deref()) else { return Ok(Vec::new()) };
    match values::tensor(r, tensor, MAX_ELEMENTS)? {
        Some(values) => Ok(values),
        None => not_trees(format!("Its attribute {name} is a tensor that cannot be read here")),
    }
}

/// The mode of a test for membership in a set.
const MEMBER: f64 = 6.0;

/// The sets of the nodes that test for membership, in the order of the nodes; in the file a NaN ends each.
fn sets(values: &[f64], modes: &[f64]) -> std::vec::IntoIter<Vec<f32>> {
    let count = modes.iter().filter(|mode| **mode == MEMBER).count();
    let sets: Vec<Vec<f32>> = values
        .split(|value| value.is_nan())
        .take(count)
        // A value that is no float32 is equal to none.
        .map(|set| {
            set.iter().map(|value| *value as f32).zip(set).filter(|(a, b)| f64::from(*a) == **b).map(|p| p.0).collect()
        })
        .collect();
    sets.into_iter()
}

fn split_mode(number: f64) -> Option<SplitMode> {
    Some(match number as u8 {
        0 => SplitMode::Leq,
        1 => SplitMode::Lt,
        2 => SplitMode::Gte,
        3 => SplitMode::Gt,
        4 => SplitMode::Eq,
        5 => SplitMode::Neq,
        _ => return None,
    })
}

/// Splits first, then leaves; children are places in this list.
fn items(r: &mut Reader<'_>, node: &Node, n_outputs: u32) -> Understood<Result<Vec<Item>, String>> {
    let features = ints(r, node, "nodes_featureids")?;
    let yes = ints(r, node, "nodes_truenodeids")?;
    let no = ints(r, node, "nodes_falsenodeids")?;
    let yes_leaf = ints(r, node, "nodes_trueleafs")?;
    let no_leaf = ints(r, node, "nodes_falseleafs")?;
    let missing = ints(r, node, "nodes_missing_value_tracks_true")?;
    let leaf_targets = ints(r, node, "leaf_targetids")?;
    let modes = tensor(r, node, "nodes_modes")?;
    let splits = tensor(r, node, "nodes_splits")?;
    let weights = tensor(r, node, "leaf_weights")?;

    let (n, m) = (features.len(), weights.len());
    let lengths = [yes.len(), no.len(), yes_leaf.len(), no_leaf.len(), modes.len(), splits.len()];
    if n == 0 || lengths.iter().any(|len| *len != n) || !missing.is_empty() && missing.len() != n {
        return Ok(Err("the lists that describe its nodes are not equally long".to_owned()));
    }
    if leaf_targets.len() != m {
        return Ok(Err("the lists that describe its leaves are not equally long".to_owned()));
    }
    let mut sets = sets(&tensor(r, node, "membership_values")?, &modes);
    let child = |id: i64, is_leaf: i64| {
        let place = usize::try_from(id).ok().filter(|id| *id < if is_leaf == 0 { n } else { m });
        place.map(|id| if is_leaf == 0 { id } else { n + id }).ok_or_else(|| format!("there is no node {id}"))
    };
    let mut split = |i: usize| {
        let (feature, yes, no) = (feature(features[i])?, child(yes[i], yes_leaf[i])?, child(no[i], no_leaf[i])?);
        let missing_yes = missing.get(i).is_some_and(|yes| *yes != 0);
        if modes[i] == MEMBER {
            let set = sets.next().ok_or("a test for membership without a set")?;
            return Ok(Item::Member { feature, set, missing_yes, yes, no });
        }
        let mode = split_mode(modes[i]).ok_or_else(|| format!("a node of the unknown mode {}", modes[i]))?;
        // A NaN differs from every threshold.
        let missing_yes = missing_yes || mode == SplitMode::Neq;
        Ok(Item::Split { feature, mode, threshold: threshold32(splits[i], mode), missing_yes, yes, no })
    };
    let leaf = |i: usize| match u32::try_from(leaf_targets[i]) {
        Ok(target) if target < n_outputs => Ok(Item::Leaf(vec![(target, weights[i] as f32)])),
        _ => Err(format!("a leaf adds to output {} of {n_outputs}", leaf_targets[i])),
    };
    Ok((0..n).map(&mut split).chain((0..m).map(leaf)).collect())
}
