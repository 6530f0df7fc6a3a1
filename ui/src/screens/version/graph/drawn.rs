//! A model's graph made ready to draw, off the frame.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use desk_core::{Cancel, GraphNode, GraphPath, GraphTensor, ModelGraph, TensorPlace};
use desk_uikit::dag::{Dag, Face, Sort};
use desk_uikit::format;

use super::whole::{Door, Whole};

/// Weights whose shapes stand in a node; the inspector has all.
const LINES: usize = 3;

/// What a node of the picture stands for.
/// They stand in the picture in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// An input of the graph, by its place.
    Input(usize),
    /// A value that a graph around this one gives.
    Outside(usize),
    /// An operator, by its place in the file.
    Operator(usize),
    /// An output of the graph, by its place.
    Output(usize),
}

/// One graph of a model with its picture.
#[derive(Debug, Default)]
pub struct Drawn {
    /// The model.
    pub whole: Arc<Whole>,
    /// Which of its graphs this is.
    pub path: GraphPath,
    /// The picture.
    pub dag: Dag,
    /// What each node of the picture is.
    pub whats: Vec<What>,
    /// Values that graphs around this one give.
    outside: Vec<String>,
    /// Types of values, as far as the file states them.
    types: HashMap<String, String>,
    /// Initialisers by name: how many steps further out their graph lies, and their place there.
    tensors: HashMap<String, (usize, usize)>,
    /// Which node gives a value.
    givers: HashMap<String, u32>,
}

impl Drawn {
    /// Lays a graph out; `told` is given the fraction that is done. `None` when it was cancelled.
    pub fn new(whole: Arc<Whole>, path: GraphPath, cancel: &Cancel, told: &dyn Fn(f32)) -> Option<Self> {
        let mut drawn = Self { whole, path, ..Self::default() };
        drawn.name_values();
        let (faces, edges) = drawn.nodes_and_edges();
        let step = |fraction| {
            told(fraction);
            cancel.is_cancelled()
        };
        drawn.dag = Dag::new(faces, &edges, &step)?;
        Some(drawn)
    }

    /// The graph itself.
    pub fn graph(&self) -> &ModelGraph {
        self.around(0).unwrap_or(&self.whole.graph)
    }

    /// The graph so many steps further out.
    fn around(&self, steps: usize) -> Option<&ModelGraph> {
        self.whole.graph.chain(&self.path)?.into_iter().rev().nth(steps)
    }

    fn name_values(&mut self) {
        let whole = Arc::clone(&self.whole);
        let chain = whole.graph.chain(&self.path).unwrap_or_default();
        // Names of graphs further in come before those around them.
        for (steps, graph) in chain.iter().rev().enumerate().rev() {
            let tensors = graph.tensors.iter().enumerate();
            self.tensors.extend(tensors.map(|(i, tensor)| (tensor.name.clone(), (steps, i))));
            let stated = graph.inputs.iter().chain(&graph.outputs).chain(&graph.values);
            self.types.extend(stated.map(|info| (info.name.clone(), info.value_type.to_string())));
        }
    }

    /// The faces of inputs, operators and outputs, and who leads to whom.
    fn nodes_and_edges(&mut self) -> (Vec<Face>, Vec<(u32, u32)>) {
        let whole = Arc::clone(&self.whole);
        let chain = whole.graph.chain(&self.path).unwrap_or_default();
        let Some(graph) = chain.last() else { return Default::default() };
        let (mut faces, mut whats) = (Vec::new(), Vec::new());
        for (i, input) in graph.inputs.iter().enumerate() {
            // Older files list their weights as inputs too.
            if !self.tensors.contains_key(&input.name) {
                self.givers.insert(input.name.clone(), faces.len() as u32);
                faces.push(end(&input.name, &input.value_type.to_string()));
                whats.push(What::Input(i));
            }
        }
        if chain.len() > 1 {
            self.outside = self.names_outside(graph);
            for (i, name) in self.outside.iter().enumerate() {
                self.givers.insert(name.clone(), faces.len() as u32);
                faces.push(end(name, "from outside"));
                whats.push(What::Outside(i));
            }
        }
        for (i, node) in graph.nodes.iter().enumerate() {
            for output in node.outputs.iter().filter(|name| !name.is_empty()) {
                self.givers.insert(output.clone(), faces.len() as u32);
            }
            faces.push(self.face(node, i as u32));
            whats.push(What::Operator(i));
        }
        let mut edges = Vec::new();
        for (at, what) in whats.iter().enumerate() {
            let What::Operator(i) = what else { continue };
            edges.extend(self.sources(&graph.nodes[*i]).map(|from| (from, at as u32)));
        }
        for (i, output) in graph.outputs.iter().enumerate() {
            edges.extend(self.givers.get(&output.name).map(|from| (*from, faces.len() as u32)));
            faces.push(end(&output.name, &output.value_type.to_string()));
            whats.push(What::Output(i));
        }
        self.whats = whats;
        (faces, edges)
    }

    /// Values that operators here, or in graphs within them, take and that neither this graph nor a tensor gives.
    fn names_outside(&self, graph: &ModelGraph) -> Vec<String> {
        let mut known: HashSet<&str> = self.tensors.keys().chain(self.givers.keys()).map(String::as_str).collect();
        let mut found = Vec::new();
        outside(graph, &mut known, &mut found);
        found
    }

    /// The nodes that give what a node takes, also what graphs within it take from here.
    fn sources<'d>(&'d self, node: &'d GraphNode) -> Box<dyn Iterator<Item = u32> + 'd> {
        let within = node.graphs.iter().flat_map(|(_, graph)| &graph.nodes).flat_map(|node| self.sources(node));
        Box::new(node.inputs.iter().filter_map(|name| self.givers.get(name).copied()).chain(within))
    }

    fn face(&self, node: &GraphNode, at: u32) -> Face {
        let weights: Vec<&GraphTensor> = node.inputs.iter().filter_map(|name| self.tensor(name)).collect();
        let mut lines: Vec<String> = weights.iter().take(LINES).map(|tensor| shape(tensor)).collect();
        if weights.len() > LINES {
            lines.push(format!("and {} more", weights.len() - LINES));
        }
        let doors = self.whole.doors(node, at);
        let nodes = |door: &Door| format!("{}: {}", door.name, format::plural(door.nodes as u64, "node", "nodes"));
        lines.extend(doors.iter().take(LINES).map(nodes));
        let sort = sort(&node.op, !weights.is_empty());
        Face { title: node.op.clone(), lines, called: node.name.clone(), sort, opens: !doors.is_empty() }
    }

    /// The initialiser of this name, here or in a graph around this one.
    pub fn tensor(&self, name: &str) -> Option<&GraphTensor> {
        let (steps, at) = *self.tensors.get(name)?;
        self.around(steps)?.tensors.get(at)
    }

    /// Where a tensor lies: an initialiser, or what a constant here gives.
    pub fn place(&self, name: &str) -> Option<TensorPlace> {
        let steps = self.tensors.get(name).map_or(0, |(steps, _)| *steps);
        let mut graph = self.whole.graph.without_calls(&self.path)?;
        (0..steps).for_each(|_| graph = graph.up());
        Some(TensorPlace { name: name.to_owned(), graph: Some(graph) })
    }

    /// The type of a value, where the file states it.
    pub fn value_type(&self, name: &str) -> Option<&str> {
        self.types.get(name).map(String::as_str)
    }

    /// The node that gives a value.
    pub fn giver(&self, name: &str) -> Option<u32> {
        self.givers.get(name).copied()
    }

    /// A value that graphs around this one give.
    pub fn outside(&self, i: usize) -> &str {
        self.outside.get(i).map_or("", String::as_str)
    }

    /// The graphs that a node leads to.
    pub fn doors(&self, node: u32) -> Vec<Door> {
        match self.whats.get(node as usize) {
            Some(What::Operator(i)) => {
                self.graph().nodes.get(*i).map(|node| self.whole.doors(node, *i as u32)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// The node of the picture that shows something.
    pub fn node_of(&self, what: What) -> Option<u32> {
        self.whats.binary_search(&what).ok().map(|node| node as u32)
    }

    /// How a node is called in lists and for screen readers.
    pub fn name(&self, node: u32) -> String {
        let graph = self.graph();
        match self.whats.get(node as usize) {
            Some(What::Input(i)) => format!("Input {}", graph.inputs[*i].name),
            Some(What::Outside(i)) => format!("Outside {}", self.outside(*i)),
            Some(What::Output(i)) => format!("Output {}", graph.outputs[*i].name),
            Some(What::Operator(i)) => {
                let node = &graph.nodes[*i];
                if node.name.is_empty() { node.op.clone() } else { format!("{} {}", node.op, node.name) }
            }
            None => String::new(),
        }
    }
}

/// Adds the names that nodes take and nothing known gives, in the order of their first use.
fn outside<'g>(graph: &'g ModelGraph, known: &mut HashSet<&'g str>, found: &mut Vec<String>) {
    known.extend(graph.inputs.iter().map(|info| info.name.as_str()));
    known.extend(graph.tensors.iter().map(|tensor| tensor.name.as_str()));
    known.extend(graph.nodes.iter().flat_map(|node| &node.outputs).map(String::as_str));
    for node in &graph.nodes {
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            if known.insert(name) {
                found.push(name.clone());
            }
        }
        for (_, within) in &node.graphs {
            outside(within, known, found);
        }
    }
    for output in &graph.outputs {
        if known.insert(&output.name) {
            found.push(output.name.clone());
        }
    }
}

/// `float32 [8, 1, 3, 3]`.
pub fn shape(tensor: &GraphTensor) -> String {
    let dims: Vec<String> = tensor.dims.iter().map(i64::to_string).collect();
    if dims.is_empty() { tensor.element.to_string() } else { format!("{} [{}]", tensor.element, dims.join(", ")) }
}

fn end(name: &str, value_type: &str) -> Face {
    Face { title: name.to_owned(), called: value_type.to_owned(), sort: Sort::End, ..Face::default() }
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
        let whole = Arc::new(Whole::new(graph));
        let at = |path: &str| {
            let path = path.parse().expect(path);
            Drawn::new(Arc::clone(&whole), path, &Cancel::new(), &|_| ()).expect("not cancelled")
        };
        let drawn = at("");
        // x, three operators, z; the weights are no input.
        assert_eq!(drawn.dag.len(), 5);
        assert_eq!(drawn.dag.neighbours(0).0, [1]);
        assert_eq!(drawn.dag.neighbours(3).1, [1, 2], "what a branch takes from outside is an edge too");
        assert_eq!(drawn.dag.neighbours(4).1, [3]);
        assert_eq!(shape(drawn.tensor("w").expect("there")), "float32 [4, 2]");
        assert_eq!((drawn.node_of(What::Operator(2)), drawn.node_of(What::Output(0))), (Some(3), Some(4)));
        assert_eq!((drawn.node_of(What::Input(1)), drawn.doors(3).len()), (None, 1));
        // The branch: what it takes from outside is an end of its picture, and weights around it are known.
        let branch = at("2.0");
        assert_eq!(branch.whats, [What::Outside(0), What::Operator(0)]);
        assert_eq!((branch.outside(0), branch.name(0).as_str()), ("h", "Outside h"));
        assert_eq!(branch.dag.neighbours(1).1, [0]);
        let place = branch.place("w").expect("a place");
        assert_eq!(place.graph.map(|graph| graph.is_main()), Some(true), "weights of the graph around it");
    }
}
