//! A model's graph made ready to draw, off the frame.

use std::collections::HashMap;

use desk_core::{Cancel, GraphNode, GraphTensor, ModelGraph};
use desk_uikit::dag::{Dag, Face, Sort};

/// Weights whose shapes stand in a node; the inspector has all.
const LINES: usize = 3;

/// What a node of the picture stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An input of the model, by its place.
    Input(usize),
    /// An operator, by its place in the file.
    Operator(usize),
    /// An output of the model, by its place.
    Output(usize),
}

/// A graph with its picture.
#[derive(Debug, Default)]
pub struct Drawn {
    /// As the file has it, without weights.
    pub graph: ModelGraph,
    /// The picture.
    pub dag: Dag,
    /// What each node of the picture is.
    pub whats: Vec<What>,
    /// Operators, also those of graphs within operators.
    pub operators: usize,
    /// Some operator is a whole ensemble of trees.
    pub has_trees: bool,
    /// Types of values, as far as the file states them.
    types: HashMap<String, String>,
    /// Initialisers by name.
    tensors: HashMap<String, usize>,
    /// Which node gives a value.
    givers: HashMap<String, u32>,
}

impl Drawn {
    /// Lays a graph out; `told` is given the fraction that is done. `None` when it was cancelled.
    pub fn new(graph: ModelGraph, cancel: &Cancel, told: &dyn Fn(f32)) -> Option<Self> {
        let (operators, has_trees) = (graph.node_count(), graph.nodes.iter().any(|n| n.op.starts_with("TreeEnsemble")));
        let mut drawn = Self { graph, operators, has_trees, ..Self::default() };
        drawn.name_values();
        let (faces, edges) = drawn.nodes_and_edges();
        let step = |fraction| {
            told(fraction);
            cancel.is_cancelled()
        };
        drawn.dag = Dag::new(faces, &edges, &step)?;
        Some(drawn)
    }

    fn name_values(&mut self) {
        let g = &self.graph;
        self.tensors = g.tensors.iter().enumerate().map(|(i, tensor)| (tensor.name.clone(), i)).collect();
        let stated = g.inputs.iter().chain(&g.outputs).chain(&g.values);
        self.types = stated.map(|info| (info.name.clone(), info.value_type.to_string())).collect();
    }

    /// The faces of inputs, operators and outputs, and who leads to whom.
    fn nodes_and_edges(&mut self) -> (Vec<Face>, Vec<(u32, u32)>) {
        let (mut faces, mut whats) = (Vec::new(), Vec::new());
        for (i, input) in self.graph.inputs.iter().enumerate() {
            // Older files list their weights as inputs too.
            if !self.tensors.contains_key(&input.name) {
                self.givers.insert(input.name.clone(), faces.len() as u32);
                faces.push(end(&input.name, &input.value_type.to_string()));
                whats.push(What::Input(i));
            }
        }
        for (i, node) in self.graph.nodes.iter().enumerate() {
            for output in node.outputs.iter().filter(|name| !name.is_empty()) {
                self.givers.insert(output.clone(), faces.len() as u32);
            }
            faces.push(self.face(node));
            whats.push(What::Operator(i));
        }
        let mut edges = Vec::new();
        for (at, what) in whats.iter().enumerate() {
            let What::Operator(i) = what else { continue };
            edges.extend(self.sources(&self.graph.nodes[*i]).map(|from| (from, at as u32)));
        }
        for (i, output) in self.graph.outputs.iter().enumerate() {
            edges.extend(self.givers.get(&output.name).map(|from| (*from, faces.len() as u32)));
            faces.push(end(&output.name, &output.value_type.to_string()));
            whats.push(What::Output(i));
        }
        self.whats = whats;
        (faces, edges)
    }

    /// The nodes that give what a node takes, also what graphs within it take from here.
    fn sources<'d>(&'d self, node: &'d GraphNode) -> Box<dyn Iterator<Item = u32> + 'd> {
        let within = node.graphs.iter().flat_map(|(_, graph)| &graph.nodes).flat_map(|node| self.sources(node));
        Box::new(node.inputs.iter().filter_map(|name| self.givers.get(name).copied()).chain(within))
    }

    fn face(&self, node: &GraphNode) -> Face {
        let weights: Vec<&GraphTensor> = node.inputs.iter().filter_map(|name| self.tensor(name)).collect();
        let mut lines: Vec<String> = weights.iter().take(LINES).map(|tensor| shape(tensor)).collect();
        if weights.len() > LINES {
            lines.push(format!("and {} more", weights.len() - LINES));
        }
        Face { title: node.op.clone(), lines, called: node.name.clone(), sort: sort(&node.op, !weights.is_empty()) }
    }

    /// The initialiser of this name.
    pub fn tensor(&self, name: &str) -> Option<&GraphTensor> {
        self.graph.tensors.get(*self.tensors.get(name)?)
    }

    /// The type of a value, where the file states it.
    pub fn value_type(&self, name: &str) -> Option<&str> {
        self.types.get(name).map(String::as_str)
    }

    /// The node that gives a value.
    pub fn giver(&self, name: &str) -> Option<u32> {
        self.givers.get(name).copied()
    }

    /// How a node is called in lists and for screen readers.
    pub fn name(&self, node: u32) -> String {
        match self.whats.get(node as usize) {
            Some(What::Input(i)) => format!("Input {}", self.graph.inputs[*i].name),
            Some(What::Output(i)) => format!("Output {}", self.graph.outputs[*i].name),
            Some(What::Operator(i)) => {
                let node = &self.graph.nodes[*i];
                if node.name.is_empty() { node.op.clone() } else { format!("{} {}", node.op, node.name) }
            }
            None => String::new(),
        }
    }

    /// Nodes with this text, in any case, in their operator, name, inputs or outputs, from top to bottom.
    pub fn find(&self, text: &str) -> Vec<u32> {
        let text = text.trim();
        if text.is_empty() {
            return Vec::new();
        }
        let lower = text.to_lowercase();
        let has = |what: &What| match what {
            What::Input(i) => self.graph.inputs[*i].name.to_lowercase().contains(&lower),
            What::Output(i) => self.graph.outputs[*i].name.to_lowercase().contains(&lower),
            What::Operator(i) => self.graph.nodes[*i].has(text),
        };
        (0..self.whats.len() as u32).filter(|node| has(&self.whats[*node as usize])).collect()
    }
}

/// `float32 [8, 1, 3, 3]`.
pub fn shape(tensor: &GraphTensor) -> String {
    let dims: Vec<String> = tensor.dims.iter().map(i64::to_string).collect();
    if dims.is_empty() { tensor.element.to_string() } else { format!("{} [{}]", tensor.element, dims.join(", ")) }
}

fn end(name: &str, value_type: &str) -> Face {
    Face { title: name.to_owned(), lines: Vec::new(), called: value_type.to_owned(), sort: Sort::End }
}

fn sort(op: &str, weights: bool) -> Sort {
    const BENDS: [&str; 12] = [
        "Relu",
        "Sigmoid",
        "Tanh",
        "Softmax",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "Clip",
        "PRelu",
    ];
    const SHAPES: [&str; 13] = [
        "Reshape",
        "Transpose",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Concat",
        "Split",
        "Slice",
        "Gather",
        "Cast",
        "Shape",
        "Expand",
        "Pad",
    ];
    match op {
        _ if BENDS.contains(&op) => Sort::Bend,
        _ if SHAPES.contains(&op) => Sort::Shape,
        _ if weights => Sort::Weights,
        _ => Sort::Plain,
    }
}

#[cfg(test)]
mod tests {
    use desk_core::{ValueInfo, ValueType};

    use super::*;

    fn value(name: &str) -> ValueInfo {
        ValueInfo { name: name.into(), value_type: ValueType::Unsupported { name: "any".into() } }
    }

    fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> GraphNode {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        GraphNode { op: op.into(), inputs: names(inputs), outputs: names(outputs), ..GraphNode::default() }
    }

    #[test]
    fn values_are_edges_and_weights_stand_in_their_node() {
        let tensor = GraphTensor {
            name: "w".into(),
            element: desk_core::signature::ElementType::Float32,
            dims: vec![4, 2],
            bytes: Some(32),
            external: None,
        };
        let branch = ModelGraph { nodes: vec![node("Neg", &["h"], &["n"])], ..ModelGraph::default() };
        let mut choose = node("If", &["y"], &["z"]);
        choose.graphs = vec![("then_branch".into(), branch)];
        let graph = ModelGraph {
            inputs: vec![value("x"), value("w")],
            outputs: vec![value("z")],
            nodes: vec![node("MatMul", &["x", "w"], &["h"]), node("Relu", &["h"], &["y"]), choose],
            tensors: vec![tensor],
            ..ModelGraph::default()
        };
        let drawn = Drawn::new(graph, &Cancel::new(), &|_| ()).expect("not cancelled");
        // x, three operators, z; the weights are no input.
        assert_eq!(drawn.dag.len(), 5);
        assert_eq!(drawn.dag.neighbours(0).0, [1]);
        assert_eq!(drawn.dag.neighbours(3).1, [1, 2], "what a branch takes from outside is an edge too");
        assert_eq!(drawn.dag.neighbours(4).1, [3]);
        assert_eq!(shape(drawn.tensor("w").expect("there")), "float32 [4, 2]");
        assert_eq!(drawn.find("RELU"), [2]);
        assert_eq!(drawn.find("w"), [1]);
        assert!(drawn.find(" ").is_empty());
    }
}
