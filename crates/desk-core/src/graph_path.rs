//! Where a graph lies in a model: the steps that lead from the main graph into it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::graph::{GraphNode, ModelGraph};

/// Graphs lie no deeper within one another than this.
const DEEPEST: usize = 64;

/// One step from a graph to one that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GraphStep {
    /// A graph of a node: the place of the node, and that of the graph among the node's. Written `12.0`.
    Body(u32, u32),
    /// The function that a node calls, by the place of the node. Written `c12`.
    Call(u32),
    /// A function of the model, by its place. Written `f2`.
    Function(u32),
}

impl fmt::Display for GraphStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(node, graph) => write!(f, "{node}.{graph}"),
            Self::Call(node) => write!(f, "c{node}"),
            Self::Function(function) => write!(f, "f{function}"),
        }
    }
}

impl FromStr for GraphStep {
    type Err = NoGraphPath;

    fn from_str(text: &str) -> Result<Self, NoGraphPath> {
        let number = |text: &str| text.parse().ok().ok_or(NoGraphPath);
        if let Some(node) = text.strip_prefix('c') {
            return Ok(Self::Call(number(node)?));
        }
        if let Some(function) = text.strip_prefix('f') {
            return Ok(Self::Function(number(function)?));
        }
        let (node, graph) = text.split_once('.').ok_or(NoGraphPath)?;
        Ok(Self::Body(number(node)?, number(graph)?))
    }
}

/// The steps from the main graph to one within it; none for the main graph itself. Written `12.0/c3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GraphPath(pub Vec<GraphStep>);

impl GraphPath {
    /// The main graph.
    pub fn is_main(&self) -> bool {
        self.0.is_empty()
    }

    /// One step further in.
    #[must_use]
    pub fn and(&self, step: GraphStep) -> Self {
        Self(self.0.iter().copied().chain([step]).collect())
    }

    /// The graph around this one.
    #[must_use]
    pub fn up(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }
}

impl fmt::Display for GraphPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            write!(f, "{}{step}", if i == 0 { "" } else { "/" })?;
        }
        Ok(())
    }
}

impl FromStr for GraphPath {
    type Err = NoGraphPath;

    fn from_str(text: &str) -> Result<Self, NoGraphPath> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let steps: Vec<GraphStep> = text.split('/').map(str::parse).collect::<Result<_, _>>()?;
        if steps.len() > DEEPEST { Err(NoGraphPath) } else { Ok(Self(steps)) }
    }
}

impl TryFrom<String> for GraphPath {
    type Error = NoGraphPath;

    fn try_from(text: String) -> Result<Self, NoGraphPath> {
        text.parse()
    }
}

impl From<GraphPath> for String {
    fn from(path: GraphPath) -> Self {
        path.to_string()
    }
}

/// The text is no place of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place of a graph: a place is written as 12.0, c12 or f2, with / between steps")]
pub struct NoGraphPath;

impl ModelGraph {
    /// The graphs that a path leads through, outermost first: whose values can be used in the last one. A function
    /// sees no values but its own. `None` when the path leads nowhere.
    pub fn chain(&self, path: &GraphPath) -> Option<Vec<&Self>> {
        let mut chain = vec![self];
        for step in &path.0 {
            let here = *chain.last()?;
            match *step {
                GraphStep::Body(node, graph) => {
                    chain.push(&here.nodes.get(node as usize)?.graphs.get(graph as usize)?.1);
                }
                GraphStep::Call(node) => {
                    chain = vec![self.functions.get(self.function_of(here.nodes.get(node as usize)?)?)?];
                }
                GraphStep::Function(function) => chain = vec![self.functions.get(function as usize)?],
            }
        }
        Some(chain)
    }

    /// The same place without calls: where a called function lies among those of the model.
    pub fn without_calls(&self, path: &GraphPath) -> Option<GraphPath> {
        let (mut plain, mut here) = (GraphPath::default(), GraphPath::default());
        for step in &path.0 {
            let graph = self.at(&here)?;
            plain = match *step {
                GraphStep::Call(node) => {
                    let function = self.function_of(graph.nodes.get(node as usize)?)?;
                    GraphPath(vec![GraphStep::Function(function as u32)])
                }
                GraphStep::Function(_) => GraphPath(vec![*step]),
                GraphStep::Body(..) => plain.and(*step),
            };
            here = here.and(*step);
        }
        Some(plain)
    }

    /// The graph that a path leads to.
    pub fn at(&self, path: &GraphPath) -> Option<&Self> {
        self.chain(path)?.pop()
    }

    /// The function of the model that a node calls, by its place.
    pub fn function_of(&self, node: &GraphNode) -> Option<usize> {
        if self.functions.is_empty() {
            return None;
        }
        let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
        self.functions.iter().position(|function| {
            function.name.strip_prefix(domain).and_then(|rest| rest.strip_prefix('.')) == Some(node.op.as_str())
        })
    }

    /// Every graph of the model with its place: the main one first, each before those within it, functions last.
    pub fn levels(&self) -> Vec<(GraphPath, &Self)> {
        let mut found = Vec::new();
        let functions = (0..).zip(&self.functions).map(|(i, body)| (GraphPath(vec![GraphStep::Function(i)]), body));
        for (path, graph) in std::iter::once((GraphPath::default(), self)).chain(functions) {
            graph.add_levels(&path, &mut found);
        }
        found
    }

    fn add_levels<'g>(&'g self, path: &GraphPath, found: &mut Vec<(GraphPath, &'g Self)>) {
        found.push((path.clone(), self));
        for (i, node) in (0..).zip(&self.nodes) {
            for (which, (_, graph)) in (0..).zip(&node.graphs) {
                graph.add_levels(&path.and(GraphStep::Body(i, which)), found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(op: &str, graphs: Vec<(String, ModelGraph)>) -> GraphNode {
        GraphNode { op: op.into(), domain: "local".into(), graphs, ..GraphNode::default() }
    }

    #[test]
    fn a_path_is_its_text() {
        for text in ["", "12.0", "c3", "f0/4.1/c2"] {
            let path: GraphPath = text.parse().expect(text);
            assert_eq!(path.to_string(), text);
            assert_eq!(serde_json::from_str::<GraphPath>(&format!("\"{text}\"")).expect(text), path);
        }
        for bad in ["x", "1", "1.", "c", "f-1", "1.0/", "/"] {
            assert!(bad.parse::<GraphPath>().is_err(), "{bad}");
        }
        assert!(vec!["1.0"; 100].join("/").parse::<GraphPath>().is_err());
    }

    #[test]
    fn a_path_leads_into_bodies_and_functions_and_nowhere_else() {
        let inner = ModelGraph { name: "inner".into(), nodes: vec![node("Twice", vec![])], ..ModelGraph::default() };
        let body = ModelGraph {
            name: "body".into(),
            nodes: vec![node("If", vec![("then_branch".into(), inner)])],
            ..ModelGraph::default()
        };
        let twice =
            ModelGraph { name: "local.Twice".into(), nodes: vec![node("Add", vec![])], ..ModelGraph::default() };
        let model = ModelGraph {
            nodes: vec![node("Neg", vec![]), node("Loop", vec![("body".into(), body)])],
            functions: vec![twice],
            ..ModelGraph::default()
        };
        let at = |path: &str| model.at(&path.parse().expect(path)).map(|graph| graph.name.as_str());
        assert_eq!((at("1.0"), at("1.0/0.0"), at("f0")), (Some("body"), Some("inner"), Some("local.Twice")));
        assert_eq!(at("1.0/0.0/c0"), Some("local.Twice"), "what a node calls");
        for nowhere in ["0.0", "1.1", "9.0", "c0", "f1", "1.0/0.0/0.0"] {
            assert_eq!(at(nowhere), None, "{nowhere}");
        }
        let chain = |path: &str| model.chain(&path.parse().expect(path)).map(|chain| chain.len());
        assert_eq!((chain(""), chain("1.0/0.0"), chain("1.0/0.0/c0")), (Some(1), Some(3), Some(1)));
        let plain = |path: &str| model.without_calls(&path.parse().expect(path)).map(|path| path.to_string());
        assert_eq!(plain("1.0/0.0/c0"), Some("f0".to_owned()));
        assert_eq!(plain("1.0/0.0"), Some("1.0/0.0".to_owned()));
        assert_eq!(plain("1.0/c5"), None);
        let places: Vec<String> = model.levels().into_iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(places, ["", "1.0", "1.0/0.0", "f0"]);
        let path: GraphPath = "1.0/0.0".parse().expect("a path");
        assert_eq!((path.up().to_string(), path.up().up().is_main()), ("1.0".to_owned(), true));
    }
}
