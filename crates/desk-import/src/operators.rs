//! The operators that ONNX defines, from a table that `scripts/operators.py` writes.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::proto::{Graph, Node};

/// Operator sets that ONNX Runtime brings itself, without a definition in ONNX.
const RUNTIME_DOMAINS: &[&str] = &[
    "com.microsoft",
    "com.microsoft.experimental",
    "com.microsoft.nchwc",
    "com.ms.internal.nhwc",
    "ai.onnx.training",
    "ai.onnx.preview.training",
    "org.pytorch.aten",
];

/// What ONNX defines.
pub(crate) struct Operators {
    /// The newest IR version.
    pub ir: i64,
    newest: HashMap<&'static str, i64>,
    since: HashMap<(&'static str, &'static str), i64>,
}

impl Operators {
    /// The newest version of an operator set, for the two that ONNX defines.
    pub fn newest(&self, domain: &str) -> Option<i64> {
        self.newest.get(domain).copied()
    }

    /// The opset that introduced an operator.
    pub fn since(&self, domain: &str, name: &str) -> Option<i64> {
        self.since.get(&(domain, name)).copied()
    }
}

/// True for operator sets that ONNX Runtime brings itself.
pub(crate) fn is_runtime_domain(domain: &str) -> bool {
    RUNTIME_DOMAINS.contains(&domain)
}

/// The table.
pub(crate) fn known() -> &'static Operators {
    static TABLE: OnceLock<Operators> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Operators { ir: 0, newest: HashMap::new(), since: HashMap::new() };
        for line in include_str!("operators.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let (Some(name), Some(domain), Some(version)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let version = version.parse().unwrap_or(0);
            match name {
                "ir" => table.ir = version,
                "opset" => drop(table.newest.insert(domain, version)),
                _ => drop(table.since.insert((domain, name), version)),
            }
        }
        table
    })
}

/// Operators that keep every value.
const KEEPS: [&str; 6] = ["Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"];

/// The operator that makes each output of a graph, looked for through those that keep every value.
pub(crate) fn of_outputs(graph: &Graph) -> Vec<(String, String)> {
    let makers: HashMap<&str, &Node> =
        graph.nodes.iter().flat_map(|node| node.outputs.iter().map(move |name| (name.as_str(), node))).collect();
    let maker = |output: &str| {
        let mut node = makers.get(output)?;
        // A graph was checked to have no circle; the count only keeps that from mattering.
        for _ in 0..graph.nodes.len() {
            if !KEEPS.contains(&node.op.as_str()) {
                break;
            }
            node = makers.get(node.inputs.first()?.as_str())?;
        }
        Some((output.to_owned(), node.op.clone()))
    };
    graph.outputs.iter().filter_map(|output| maker(&output.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_back() {
        let table = known();
        assert!(table.ir >= 14 && table.newest("").is_some_and(|v| v >= 28), "regenerate operators.tsv");
        assert_eq!(table.newest("ai.onnx.ml"), Some(5));
        assert_eq!(table.since("", "Gelu"), Some(20));
        assert_eq!(table.since("ai.onnx.ml", "TreeEnsemble"), Some(5));
        assert_eq!(table.since("", "Gemmm"), None);
        assert!(is_runtime_domain("com.microsoft") && !is_runtime_domain("com.example"));
    }

    #[test]
    fn outputs_are_followed_to_the_operator_that_makes_their_values() {
        let node = |op: &str, from: &str, to: &str| Node {
            op: op.to_owned(),
            inputs: vec![from.to_owned()],
            outputs: vec![to.to_owned()],
            ..Node::default()
        };
        let value_type = desk_core::ValueType::Tensor { element: desk_core::ElementType::Float32, shape: None };
        let output = |name: &str| desk_core::ValueInfo { name: name.to_owned(), value_type: value_type.clone() };
        let nodes =
            vec![node("Sigmoid", "x", "p"), node("Cast", "p", "c"), node("Squeeze", "c", "y"), node("Relu", "x", "z")];
        let outputs = vec![output("y"), output("z"), output("x")];
        let found = of_outputs(&Graph { nodes, outputs, ..Graph::default() });
        assert_eq!(found, [("y".to_owned(), "Sigmoid".to_owned()), ("z".to_owned(), "Relu".to_owned())]);
    }
}
