//! A graph in an order in which it can be run, and what of it depends on what.

use std::collections::{HashMap, HashSet};

use crate::error::GradError;
use crate::proto::{Model, Node, Tensor, ValueInfo};

/// Nodes at most: the graph that is built has several for each.
const MAX_NODES: usize = 100_000;

/// A decoded model.
#[derive(Debug, Clone)]
pub(crate) struct Net {
    /// Each node after those whose outputs it needs.
    pub nodes: Vec<Node>,
    pub initializers: Vec<Tensor>,
    /// Inputs of the graph, without those that are defaults of initialisers.
    pub inputs: Vec<ValueInfo>,
    pub outputs: Vec<ValueInfo>,
    /// Types of values between, as far as the file says them.
    pub values: Vec<ValueInfo>,
    pub opsets: Vec<(String, i64)>,
    pub functions: Vec<Vec<u8>>,
    pub ir_version: i64,
}

impl Net {
    pub fn of(model: Model) -> Result<Self, GradError> {
        let graph = model.graph.ok_or_else(|| GradError::Decode("it has no graph".to_owned()))?;
        if graph.nodes.len() > MAX_NODES {
            return Err(GradError::Decode(format!("it has more than {MAX_NODES} nodes")));
        }
        if !graph.sparse.is_empty() {
            return Err(GradError::NotCovered { operators: vec!["sparse weights".to_owned()] });
        }
        let initialized: HashSet<&str> =
            graph.initializers.iter().map(|tensor| tensor.name.as_deref().unwrap_or_default()).collect();
        let inputs = graph.inputs.iter().filter(|input| !initialized.contains(name_of(input))).cloned().collect();
        let opsets = model.opsets.iter().map(|opset| {
            let domain = opset.domain.as_deref().filter(|domain| *domain != "ai.onnx").unwrap_or_default();
            (domain.to_owned(), opset.version.unwrap_or(1))
        });
        Ok(Self {
            opsets: opsets.collect(),
            nodes: in_order(graph.nodes),
            initializers: graph.initializers,
            inputs,
            outputs: graph.outputs,
            values: graph.values,
            functions: model.functions,
            ir_version: model.ir_version.unwrap_or(8),
        })
    }

    /// The version of ONNX's own operator set.
    pub fn opset(&self) -> i64 {
        self.opsets.iter().find(|(domain, _)| domain.is_empty()).map_or(1, |(_, version)| *version)
    }

    /// The node that gives each value.
    pub fn givers(&self) -> HashMap<&str, usize> {
        let outputs = |(i, node): (usize, &'_ Node)| -> Vec<(usize, usize)> {
            (0..node.outputs.len()).map(|output| (i, output)).collect()
        };
        let all = self.nodes.iter().enumerate().flat_map(outputs);
        all.map(|(i, output)| (self.nodes[i].outputs[output].as_str(), i))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// Which nodes the value needs.
    pub fn needed(&self, value: &str) -> Vec<bool> {
        let givers = self.givers();
        let mut needed = vec![false; self.nodes.len()];
        let mut open: Vec<&str> = vec![value];
        while let Some(value) = open.pop() {
            let Some(at) = givers.get(value) else { continue };
            if !std::mem::replace(&mut needed[*at], true) {
                open.extend(self.nodes[*at].inputs.iter().map(String::as_str));
            }
        }
        needed
    }
}

/// The name of an input or output.
pub(crate) fn name_of(value: &ValueInfo) -> &str {
    value.name.as_deref().unwrap_or_default()
}

/// The element type of a value that is a tensor.
pub(crate) fn element_of(value: &ValueInfo) -> Option<i32> {
    value.of.as_ref()?.tensor.as_ref()?.element
}

/// Files may list nodes in any order as far as the runtime cares; the walk back needs theirs. There is no
/// cycle: the importer has looked.
fn in_order(nodes: Vec<Node>) -> Vec<Node> {
    let mut giver: HashMap<&str, usize> = HashMap::new();
    for (i, node) in nodes.iter().enumerate() {
        giver.extend(node.outputs.iter().filter(|name| !name.is_empty()).map(|name| (name.as_str(), i)));
    }
    let needs: Vec<Vec<usize>> = nodes
        .iter()
        .map(|node| node.inputs.iter().filter_map(|name| giver.get(name.as_str()).copied()).collect())
        .collect();
    // Depth first with a stack of its own: a chain may be as long as the graph.
    let mut order = Vec::with_capacity(nodes.len());
    let mut seen = vec![false; nodes.len()];
    for start in 0..nodes.len() {
        let mut stack = vec![(start, 0)];
        while let Some((at, next)) = stack.pop() {
            if next == 0 && std::mem::replace(&mut seen[at], true) {
                continue;
            }
            if let Some(need) = needs[at].get(next) {
                stack.push((at, next + 1));
                stack.push((*need, 0));
            } else {
                order.push(at);
            }
        }
    }
    let mut slots: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(input: &str, output: &str) -> Node {
        Node { inputs: vec![input.into()], outputs: vec![output.into()], ..Node::default() }
    }

    #[test]
    fn nodes_stand_behind_what_they_need() {
        let nodes = in_order(vec![node("b", "c"), node("x", "a"), node("a", "b"), node("c", "d")]);
        let outputs: Vec<&str> = nodes.iter().map(|node| node.output(0)).collect();
        assert_eq!(outputs, ["a", "b", "c", "d"]);
    }
}
