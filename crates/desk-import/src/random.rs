//! Operators that draw random numbers: what such a model answers cannot be compared with golden rows.

use std::collections::BTreeSet;

use desk_core::model::RANDOM_ANSWERS;
use desk_core::{Finding, Severity};

use crate::error::ImportError;
use crate::proto::{Graph, Node, Tensor};
use crate::values;
use crate::wire::Reader;

/// Operators of `ai.onnx` that draw whenever they run.
const ALWAYS: [&str; 6] =
    ["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// The finding that answers differ from run to run, where they do.
///
/// `opset` is the version of `ai.onnx` that the model declares.
pub(crate) fn finding(
    r: &mut Reader<'_>,
    graph: &Graph,
    nodes: &[&Node],
    opset: i64,
) -> Result<Option<Finding>, ImportError> {
    let mut drawing = BTreeSet::new();
    for node in nodes {
        if node.domain.is_empty() && ALWAYS.contains(&node.op.as_str()) {
            drawing.insert(node.op.as_str());
        } else if node.domain.is_empty() && node.op == "Dropout" && is_training(r, graph, nodes, node, opset)? {
            drawing.insert("Dropout in training mode");
        }
    }
    if drawing.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = drawing.into_iter().collect();
    let message = format!(
        "It draws random numbers ({}): its answers differ from run to run, so golden rows prove nothing certain",
        names.join(", ")
    );
    Ok(Some(Finding { severity: Severity::Warning, code: RANDOM_ANSWERS.to_owned(), message }))
}

/// Before opset 7 an attribute has to say that it does not. Since opset 12 the third input says so; one that is no
/// constant may say so.
fn is_training(
    r: &mut Reader<'_>,
    graph: &Graph,
    nodes: &[&Node],
    node: &Node,
    opset: i64,
) -> Result<bool, ImportError> {
    if opset < 7 {
        return Ok(node.attribute("is_test").and_then(|flag| flag.int).unwrap_or(0) == 0);
    }
    let Some(name) = node.inputs.get(2).filter(|name| !name.is_empty()) else { return Ok(false) };
    let Some(flag) = constant(graph, nodes, name) else { return Ok(true) };
    Ok(values::tensor(r, flag, 1)?.is_none_or(|values| values.iter().any(|value| *value != 0.0)))
}

/// The constant of a name: an initialiser or a Constant node, in the graph or in a branch of it.
fn constant<'a>(graph: &'a Graph, nodes: &[&'a Node], name: &str) -> Option<&'a Tensor> {
    let inner = nodes.iter().flat_map(|node| &node.attributes).flat_map(|a| &a.graphs).flat_map(|g| &g.initializers);
    let mut initialisers = graph.initializers.iter().chain(inner);
    let made = || {
        let node = nodes.iter().find(|node| node.op == "Constant" && node.outputs.iter().any(|out| out == name))?;
        node.attribute("value")?.tensor.as_deref()
    };
    initialisers.find(|tensor| tensor.name == name).or_else(made)
}
