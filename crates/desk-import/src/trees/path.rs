//! What lies before and behind the ensemble: which inputs feed it, and what its outputs become.

use std::path::Path;

use desk_core::trees::{Aggregate, Node as TreeNode, PostTransform, TreeEnsemble};
use desk_core::words::quoted;
use desk_core::{Dim, ElementType, ValueInfo, ValueType};

use super::{Stop, TreeInput, Understood, not_trees};
use crate::error::ImportError;
use crate::proto::{Graph, Node};
use crate::values;
use crate::wire::Reader;

/// Longest chain of nodes that is followed.
const MAX_CHAIN: usize = 64;

/// Outputs of the graph that were understood.
pub(super) struct Outputs {
    pub label: Option<String>,
    pub score: String,
}

/// A graph input with its number of features, where the graph says it.
pub(super) type Source = (String, Option<u32>);

fn giver<'a>(graph: &'a Graph, name: &str) -> Option<&'a Node> {
    graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == name))
}

fn is_float(to: Option<i64>) -> bool {
    matches!(to, Some(1 | 11))
}

fn cast_to(node: &Node) -> Option<i64> {
    node.attribute("to").and_then(|attribute| attribute.int)
}

/// The graph inputs whose columns, side by side, the ensemble sees; and their width in all.
pub(super) fn inputs(graph: &Graph, ensemble: &Node) -> Understood<(Vec<Source>, Option<u32>)> {
    let mut found = Vec::new();
    let mut pending: Vec<&str> = ensemble.inputs.first().map(String::as_str).into_iter().collect();
    let mut steps = 0;
    while let Some(name) = pending.pop() {
        steps += 1;
        if steps > 100_000 {
            return not_trees("Too many steps lead to its trees");
        }
        if let Some(info) = graph.inputs.iter().find(|info| info.name == name) {
            found.push((info.name.clone(), width(info)?));
            continue;
        }
        let Some(node) = giver(graph, name) else {
            return not_trees("Its trees see a constant");
        };
        match node.op.as_str() {
            "Identity" => pending.extend(node.inputs.first().map(String::as_str)),
            "Cast" if is_float(cast_to(node)) => pending.extend(node.inputs.first().map(String::as_str)),
            "Concat" if matches!(node.attribute("axis").and_then(|a| a.int), Some(1 | -1)) => {
                // Last pushed is first popped.
                pending.extend(node.inputs.iter().rev().map(String::as_str));
            }
            other => return not_trees(format!("A {other} changes the values before its trees")),
        }
    }
    let width = found.iter().map(|(_, width)| *width).sum();
    Ok((found, width))
}

fn width(info: &ValueInfo) -> Understood<Option<u32>> {
    let name = &info.name;
    match &info.value_type {
        ValueType::Tensor { element, .. } if !element.is_float() && !element.is_integer() => {
            not_trees(format!("Its input {name} has elements of type {element}", name = quoted(&name)))
        }
        ValueType::Tensor { shape: None, .. } => Ok(None),
        ValueType::Tensor { shape: Some(dims), .. } => match dims.as_slice() {
            [_, Dim::Fixed(width)] => Ok(u32::try_from(*width).ok()),
            [_, _] => Ok(None),
            _ => not_trees(format!("Its input {name} is no table", name = quoted(&name))),
        },
        other => not_trees(format!("Its input {name} is a {other}", name = quoted(&name))),
    }
}

/// Gives every input its width. A single input of unknown width is as wide as the trees need.
pub(super) fn settle_width(
    sources: Vec<Source>,
    known: Option<u32>,
    widest: u32,
    ensemble: &Node,
    path: &Path,
) -> Understood<Vec<TreeInput>> {
    if let Some(known) = known.filter(|known| *known < widest) {
        let why = format!("they look at feature {widest} of {known}");
        return Err(Stop::Invalid(ImportError::BadTrees { node: ensemble.label(), why, path: path.to_path_buf() }));
    }
    if known.is_none() && sources.len() > 1 {
        return not_trees("Its inputs do not say how many features they hold");
    }
    Ok(sources.into_iter().map(|(name, width)| TreeInput { name, width: width.unwrap_or(widest.max(1)) }).collect())
}

/// True when the ensemble gets float64 values.
pub(super) fn is_double(graph: &Graph, ensemble: &Node) -> bool {
    let mut name = ensemble.inputs.first().map_or("", String::as_str);
    for _ in 0..MAX_CHAIN {
        match giver(graph, name) {
            Some(node) if node.op == "Cast" => return cast_to(node) == Some(11),
            Some(node) => name = node.inputs.first().map_or("", String::as_str),
            None => break,
        }
    }
    let info = graph.inputs.iter().find(|info| info.name == name);
    matches!(info.map(|i| &i.value_type), Some(ValueType::Tensor { element: ElementType::Float64, .. }))
}

/// Finds the graph's outputs behind the ensemble and folds the steps to the score into it.
pub(super) fn outputs(
    r: &mut Reader<'_>,
    graph: &Graph,
    node: &Node,
    ensemble: &mut TreeEnsemble,
) -> Understood<Outputs> {
    let (mut label, mut score, mut why_not) = (None, None, None);
    for output in &graph.outputs {
        if is_label(graph, node, &output.name) {
            label.get_or_insert_with(|| output.name.clone());
            continue;
        }
        let mut folded = ensemble.clone();
        match fold_to(r, graph, node, &output.name, &mut folded) {
            Ok(()) if score.is_none() => score = Some((output.name.clone(), folded)),
            Ok(()) => {}
            Err(Stop::NotTrees(why)) => drop(why_not.get_or_insert(why)),
            Err(other) => return Err(other),
        }
    }
    match score {
        Some((score, folded)) => {
            *ensemble = folded;
            Ok(Outputs { label, score })
        }
        None => not_trees(why_not.unwrap_or_else(|| "No output of the graph is the trees' score".to_owned())),
    }
}

/// True when the output is the predicted class: the classifier's own label, or the class that
/// `ArgMax` found in its scores, by whatever steps that only rename it.
fn is_label(graph: &Graph, ensemble: &Node, output: &str) -> bool {
    let mut name = output;
    for _ in 0..MAX_CHAIN {
        let Some(node) = giver(graph, name) else { return false };
        if std::ptr::eq(node, ensemble) {
            return node.op == "TreeEnsembleClassifier" && node.outputs.first().is_some_and(|first| first == name);
        }
        let next = match node.op.as_str() {
            "Identity" | "Cast" | "Reshape" | "Squeeze" | "Flatten" | "LabelEncoder" => node.inputs.first(),
            // The second input is the index; the first holds the labels.
            "ArrayFeatureExtractor" | "Gather" => node.inputs.get(1),
            "ArgMax" => return true,
            _ => return false,
        };
        match next {
            Some(next) => name = next,
            None => return false,
        }
    }
    false
}

/// Walks from the output back to the ensemble, then applies the steps in their order.
fn fold_to(
    r: &mut Reader<'_>,
    graph: &Graph,
    ensemble_node: &Node,
    output: &str,
    ensemble: &mut TreeEnsemble,
) -> Understood<()> {
    // A classifier's first output is the label.
    let score = usize::from(ensemble_node.op == "TreeEnsembleClassifier");
    let mut steps: Vec<(&Node, Option<f64>)> = Vec::new();
    let mut name = output;
    loop {
        let Some(node) = giver(graph, name) else {
            return not_trees(format!("The output {output} does not come from its trees", output = quoted(&output)));
        };
        if std::ptr::eq(node, ensemble_node) {
            if node.outputs.get(score).is_none_or(|wanted| wanted != name) {
                return not_trees(format!("The output {output} is computed from the label", output = quoted(&output)));
            }
            break;
        }
        if steps.len() >= MAX_CHAIN {
            return not_trees("Too many steps follow its trees");
        }
        let (next, constant) = main_input(r, graph, node)?;
        steps.push((node, constant));
        name = next;
    }
    steps.iter().rev().try_for_each(|(node, constant)| apply(node, *constant, ensemble))
}

/// The input through which the score flows, and the constant on the other side of an arithmetic step.
fn main_input<'a>(r: &mut Reader<'_>, graph: &'a Graph, node: &'a Node) -> Understood<(&'a str, Option<f64>)> {
    let Some(first) = node.inputs.first() else {
        return not_trees(format!("A {} follows its trees", node.op));
    };
    if !matches!(node.op.as_str(), "Mul" | "Add" | "Sub" | "Div") {
        return Ok((first, None));
    }
    let Some(second) = node.inputs.get(1) else {
        return not_trees(format!("A {} follows its trees", node.op));
    };
    if let Some(value) = constant(r, graph, second)? {
        return Ok((first, Some(value)));
    }
    if let Some(value) = constant(r, graph, first)?.filter(|_| matches!(node.op.as_str(), "Mul" | "Add")) {
        return Ok((second, Some(value)));
    }
    not_trees(format!("A {} of two computed values follows its trees", node.op))
}

/// The value of an initialiser or a `Constant` node that holds one number.
fn constant(r: &mut Reader<'_>, graph: &Graph, name: &str) -> Result<Option<f64>, ImportError> {
    let initializer = graph.initializers.iter().find(|tensor| tensor.name == name);
    let attribute = giver(graph, name).filter(|node| node.op == "Constant").and_then(|node| node.attributes.first());
    let tensor = initializer.or_else(|| attribute.and_then(|a| a.tensor.as_deref()));
    if let Some(tensor) = tensor {
        let values = values::tensor(r, tensor, 1)?;
        return Ok(values.and_then(|values| values.first().copied()));
    }
    Ok(attribute.and_then(|a| a.float.map(f64::from)))
}

/// Folds one step behind the ensemble into it.
fn apply(node: &Node, constant: Option<f64>, e: &mut TreeEnsemble) -> Understood<()> {
    let linear = e.post == PostTransform::None && !e.binary_from_one;
    match (node.op.as_str(), constant) {
        ("Identity" | "ZipMap", _) | ("Mul" | "Div", Some(1.0)) | ("Add" | "Sub", Some(0.0)) => Ok(()),
        ("Reshape" | "Squeeze" | "Flatten" | "Unsqueeze", _) if e.n_outputs == 1 && !e.binary_from_one => Ok(()),
        ("Cast", _) if is_float(cast_to(node)) => Ok(()),
        ("Normalizer", _) if sums_to_one(node, e) => Ok(()),
        ("Mul", Some(factor)) if linear => scale(e, factor),
        ("Div", Some(divisor)) if linear && divisor != 0.0 => scale(e, 1.0 / divisor),
        ("Add", Some(shift)) if linear => {
            e.base_values.iter_mut().for_each(|base| *base += shift);
            Ok(())
        }
        ("Sub", Some(shift)) if linear => {
            e.base_values.iter_mut().for_each(|base| *base -= shift);
            Ok(())
        }
        ("Exp", _) if linear => {
            e.post = PostTransform::Exp;
            Ok(())
        }
        ("Sigmoid", _) if linear => {
            e.post = PostTransform::Logistic;
            Ok(())
        }
        ("Softmax", _) if linear && last_axis(node) => {
            e.post = PostTransform::Softmax;
            Ok(())
        }
        (op, _) => not_trees(format!("A {op} that cannot be folded in follows its trees")),
    }
}

fn last_axis(node: &Node) -> bool {
    matches!(node.attribute("axis").and_then(|a| a.int), None | Some(1 | -1))
}

/// True when the rows sum to one already, so that an L1 norm leaves them alone.
fn sums_to_one(node: &Node, e: &TreeEnsemble) -> bool {
    let l1 = node.attribute("norm").and_then(|a| a.text.as_deref()) == Some("L1");
    l1 && (e.post == PostTransform::Softmax || e.binary_from_one && e.post == PostTransform::Logistic)
}

fn scale(e: &mut TreeEnsemble, factor: f64) -> Understood<()> {
    if factor < 0.0 && matches!(e.aggregate, Aggregate::Min | Aggregate::Max) {
        return not_trees("Its smallest or largest tree is multiplied by a negative number");
    }
    for node in e.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
        if let TreeNode::Leaf(weights) = node {
            for (_, weight) in weights {
                *weight = (f64::from(*weight) * factor) as f32;
            }
        }
    }
    e.base_values.iter_mut().for_each(|base| *base *= factor);
    Ok(())
}
