//! A model's graph for people who look at it: nodes, values and tensors, without the weights.

use serde::{Deserialize, Serialize};

use crate::signature::{ElementType, ValueInfo};

/// The main graph of a model, one within a node (the body of a Loop, a branch of an If), or the body
/// of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelGraph {
    /// Its name in the file.
    pub name: String,
    /// What goes in. Initialisers with the name of an input are its default.
    pub inputs: Vec<ValueInfo>,
    /// What comes out.
    pub outputs: Vec<ValueInfo>,
    /// Values between nodes whose type the file states; most files state none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueInfo>,
    /// Operators, in the order of the file, which need not be one in which they can run.
    pub nodes: Vec<GraphNode>,
    /// Initialisers.
    pub tensors: Vec<GraphTensor>,
    /// Functions that the model defines (main graph only); their names are `domain.name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<ModelGraph>,
}

/// One operator of a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphNode {
    /// Its name; often empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Operator set, empty for `ai.onnx`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// The operator, such as `Conv`.
    pub op: String,
    /// Names of what goes in, in the operator's order; empty where an optional one is left out.
    pub inputs: Vec<String>,
    /// Names of what comes out.
    pub outputs: Vec<String>,
    /// Its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<GraphAttribute>,
    /// Graphs within it, with the names of their attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub graphs: Vec<(String, ModelGraph)>,
}

/// One setting of an operator, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphAttribute {
    /// Its name, such as `kernel_shape`.
    pub name: String,
    /// `3`, `[1, 1]`, `"same"`, or the first items of a long list.
    pub value: String,
    /// Items of a long list that `value` leaves out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    /// It is a tensor, whose values can be read under the name of what its node gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensor: Option<GraphTensor>,
}

/// A tensor that the model holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphTensor {
    /// Its name.
    pub name: String,
    /// The type of each element.
    pub element: ElementType,
    /// Its shape; empty for a single value.
    pub dims: Vec<i64>,
    /// Size of its elements in bytes; none for texts and types that are not known.
    pub bytes: Option<u64>,
    /// The file beside the model that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl ModelGraph {
    /// The same with only those nodes that have the text, in any case, in their operator, name, inputs
    /// or outputs; graphs within are not looked at.
    #[must_use]
    pub fn find(mut self, text: &str) -> Self {
        self.nodes.retain(|node| node.has(text));
        self
    }

    /// Nodes here and in the graphs within.
    pub fn node_count(&self) -> usize {
        self.nodes.iter().map(|node| 1 + node.graphs.iter().map(|(_, graph)| graph.node_count()).sum::<usize>()).sum()
    }
}

impl GraphNode {
    /// True when the text, in any case, is in its operator, name, inputs or outputs.
    pub fn has(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let names = self.inputs.iter().chain(&self.outputs);
        [&self.op, &self.name].into_iter().chain(names).any(|name| name.to_lowercase().contains(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_found_by_any_of_their_names() {
        let node = GraphNode {
            op: "Conv".to_owned(),
            name: "first".to_owned(),
            inputs: vec!["image".to_owned()],
            ..GraphNode::default()
        };
        let graph = ModelGraph { nodes: vec![node], ..ModelGraph::default() };
        for text in ["conv", "FIRST", "mag", ""] {
            assert_eq!(graph.clone().find(text).nodes.len(), 1, "{text}");
        }
        assert!(graph.find("relu").nodes.is_empty());
    }
}
