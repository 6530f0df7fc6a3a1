//! A whole model with all its graphs: found names, the ways from graph to graph.

use std::collections::HashSet;

use desk_core::{GraphNode, GraphPath, GraphStep, ModelGraph};

use super::drawn::What;

/// A graph that belongs to a node: one of its bodies, or the function that it calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Door {
    /// The step that leads there.
    pub step: GraphStep,
    /// What it is called, such as `then_branch`.
    pub name: String,
    /// Nodes that are there.
    pub nodes: usize,
}

/// A part of the way to a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Crumb {
    /// What it is called.
    pub name: String,
    /// The graph that it leads to.
    pub graph: GraphPath,
    /// The node that is selected there.
    pub node: Option<u32>,
}

/// Something with the text that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The graph, by its place in [`Whole::levels`].
    pub level: u32,
    /// What it is there.
    pub what: What,
}

/// A model's graphs.
#[derive(Debug, Default)]
pub struct Whole {
    /// As the file has it, without weights.
    pub graph: ModelGraph,
    /// Every graph, the main one first.
    pub levels: Vec<GraphPath>,
    /// Operators of all of them.
    pub operators: usize,
    /// Tensors of all of them.
    pub tensors: usize,
    /// Some operator is a whole ensemble of trees.
    pub has_trees: bool,
    index: Index,
}

/// All names, in lower case, a line each; what has several has them one after another.
#[derive(Debug, Default)]
struct Index {
    text: String,
    /// Where the names of each hit end.
    ends: Vec<usize>,
    hits: Vec<Hit>,
}

impl Index {
    fn add<'n>(&mut self, hit: Hit, names: impl Iterator<Item = &'n String>) {
        for name in names.filter(|name| !name.is_empty()) {
            if name.is_ascii() {
                let start = self.text.len();
                self.text.push_str(name);
                self.text[start..].make_ascii_lowercase();
            } else {
                self.text.push_str(&name.to_lowercase());
            }
            self.text.push('\n');
        }
        self.ends.push(self.text.len());
        self.hits.push(hit);
    }
}

impl Whole {
    /// Looks through all graphs of a model once.
    pub fn new(graph: ModelGraph) -> Self {
        let has_trees = graph.nodes.iter().any(|node| node.op.starts_with("TreeEnsemble"));
        let mut index = Index::default();
        let (mut levels, mut operators, mut tensors) = (Vec::new(), 0, 0);
        for (level, (path, graph)) in (0..).zip(graph.levels()) {
            levels.push(path);
            operators += graph.nodes.len();
            tensors += graph.tensors.len();
            // Older files list their weights as inputs too.
            let weights: HashSet<&String> = graph.tensors.iter().map(|tensor| &tensor.name).collect();
            for (i, input) in graph.inputs.iter().enumerate().filter(|(_, input)| !weights.contains(&input.name)) {
                index.add(Hit { level, what: What::Input(i) }, [&input.name].into_iter());
            }
            for (i, node) in graph.nodes.iter().enumerate() {
                let names = [&node.op, &node.name].into_iter().chain(&node.inputs).chain(&node.outputs);
                index.add(Hit { level, what: What::Operator(i) }, names);
            }
            for (i, output) in graph.outputs.iter().enumerate() {
                index.add(Hit { level, what: What::Output(i) }, [&output.name].into_iter());
            }
        }
        Self { graph, levels, operators, tensors, has_trees, index }
    }

    /// What has this text, in any case, in its operator, name, inputs or outputs: graph by graph, each from top to
    /// bottom.
    pub fn find(&self, text: &str) -> Vec<Hit> {
        let text = text.trim().to_lowercase();
        let mut found: Vec<usize> = Vec::new();
        if text.is_empty() {
            return Vec::new();
        }
        let mut from = 0;
        while let Some(at) = self.index.text.get(from..).and_then(|rest| rest.find(&text)) {
            let hit = self.index.ends.partition_point(|end| *end <= from + at);
            found.push(hit);
            from = self.index.ends.get(hit).copied().unwrap_or(self.index.text.len());
        }
        found.into_iter().filter_map(|i| self.index.hits.get(i).copied()).collect()
    }

    /// The place of a graph among all; functions are where they are defined, whoever calls them.
    pub fn level(&self, path: &GraphPath) -> Option<u32> {
        let plain = self.graph.without_calls(path)?;
        self.levels.iter().position(|level| *level == plain).map(|i| i as u32)
    }

    /// The graphs that a node leads to; `at` is its place.
    pub fn doors(&self, node: &GraphNode, at: u32) -> Vec<Door> {
        let bodies = (0..).zip(&node.graphs).map(|(i, (name, graph))| Door {
            step: GraphStep::Body(at, i),
            name: name.clone(),
            nodes: graph.node_count(),
        });
        let function = self.graph.function_of(node).and_then(|i| self.graph.functions.get(i));
        let called =
            function.map(|body| Door { step: GraphStep::Call(at), name: body.name.clone(), nodes: body.node_count() });
        bodies.chain(called).collect()
    }

    /// The way to a graph: `main`, and for each step the node and the graph that it leads to.
    pub fn crumbs(&self, path: &GraphPath) -> Vec<Crumb> {
        let mut crumbs = vec![Crumb { name: "main".to_owned(), graph: GraphPath::default(), node: None }];
        let mut here = GraphPath::default();
        for step in &path.0 {
            let Some(graph) = self.graph.at(&here) else { break };
            let at = match *step {
                GraphStep::Body(node, _) | GraphStep::Call(node) => Some(node),
                GraphStep::Function(_) => None,
            };
            let node = at.and_then(|at| Some((at, graph.nodes.get(at as usize)?)));
            if let Some((at, node)) = node {
                crumbs.push(Crumb { name: node_name(node, at), graph: here.clone(), node: Some(at) });
            }
            here = here.and(*step);
            let name = match (*step, node) {
                (GraphStep::Body(_, which), Some((_, node))) => {
                    node.graphs.get(which as usize).map(|(name, _)| name.clone())
                }
                _ => self.graph.at(&here).map(|body| body.name.clone()),
            };
            crumbs.push(Crumb { name: name.unwrap_or_else(|| "?".to_owned()), graph: here.clone(), node: None });
        }
        crumbs
    }
}

/// The name of a node, or its operator and its place where it has none.
fn node_name(node: &GraphNode, at: u32) -> String {
    if node.name.is_empty() { format!("{}_{at}", node.op) } else { node.name.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(op: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> GraphNode {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (inputs, outputs) = (names(inputs), names(outputs));
        GraphNode { op: op.into(), name: name.into(), inputs, outputs, ..GraphNode::default() }
    }

    fn model() -> Whole {
        let branch = ModelGraph { nodes: vec![node("Neg", "", &["Äh"], &["n"])], ..ModelGraph::default() };
        let mut choose = node("If", "", &["c"], &["z"]);
        choose.graphs = vec![("then_branch".into(), branch.clone()), ("else_branch".into(), branch)];
        let mut call = node("Twice", "call", &["z"], &["t"]);
        call.domain = "local".into();
        let body = ModelGraph {
            name: "local.Twice".into(),
            nodes: vec![node("Add", "sum", &["a", "a"], &["b"])],
            ..ModelGraph::default()
        };
        let graph = ModelGraph {
            nodes: vec![node("Conv", "first", &["x", "w"], &["c"]), choose, call],
            functions: vec![body],
            ..ModelGraph::default()
        };
        Whole::new(graph)
    }

    #[test]
    fn names_are_found_in_all_graphs() {
        let whole = model();
        let hit = |level, i| Hit { level, what: What::Operator(i) };
        assert_eq!(whole.find("CONV"), [hit(0, 0)]);
        assert_eq!(whole.find("äH"), [hit(1, 0), hit(2, 0)]);
        assert_eq!(whole.find(" sum "), [hit(3, 0)]);
        assert_eq!(whole.find("c"), [hit(0, 0), hit(0, 1), hit(0, 2)], "once each, whatever of them matches");
        assert!(whole.find("").is_empty() && whole.find("conv\nfirst\nnone").is_empty());
        assert_eq!((whole.operators, whole.levels.len()), (6, 4));
    }

    #[test]
    fn nodes_lead_to_their_graphs_and_the_way_back_is_told() {
        let whole = model();
        let doors = whole.doors(&whole.graph.nodes[1], 1);
        assert_eq!(
            doors.iter().map(|door| (door.name.as_str(), door.nodes)).collect::<Vec<_>>(),
            [("then_branch", 1), ("else_branch", 1)]
        );
        let call = whole.doors(&whole.graph.nodes[2], 2);
        assert_eq!((call.len(), call[0].step, call[0].name.as_str()), (1, GraphStep::Call(2), "local.Twice"));
        assert!(whole.doors(&whole.graph.nodes[0], 0).is_empty());
        let names = |path: &str| {
            let crumbs = whole.crumbs(&path.parse().expect(path));
            crumbs.into_iter().map(|crumb| crumb.name).collect::<Vec<_>>()
        };
        assert_eq!(names("1.1"), ["main", "If_1", "else_branch"]);
        assert_eq!(names("c2"), ["main", "call", "local.Twice"]);
        assert_eq!(names("f0"), ["main", "local.Twice"]);
        assert_eq!(whole.level(&"c2".parse().expect("a path")), Some(3));
        assert_eq!(whole.level(&"7.0".parse().expect("a path")), None);
    }
}
