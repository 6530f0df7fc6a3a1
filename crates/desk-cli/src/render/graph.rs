//! The graph of a model.

use desk_core::{GraphNode, GraphTensor, ModelGraph, ValueInfo};

use super::bytes;
use super::table::Table;

/// Characters of a cell that are shown.
const CELL: usize = 60;

/// Inputs, operators in the order of the file, tensors that the model holds, and outputs.
pub fn graph(graph: &ModelGraph) -> String {
    let mut table = Table::new(&["what", "name", "from", "gives", "settings"]);
    let value = |what: &str, info: &ValueInfo| {
        vec![what.to_owned(), info.name.clone(), String::new(), info.value_type.to_string(), String::new()]
    };
    graph.inputs.iter().for_each(|info| table.row(value("input", info)));
    graph.tensors.iter().for_each(|tensor| table.row(weights(tensor)));
    graph.nodes.iter().for_each(|each| table.row(node(each)));
    graph.outputs.iter().for_each(|info| table.row(value("output", info)));
    table.render("No nodes")
}

fn node(node: &GraphNode) -> Vec<String> {
    let op = if node.domain.is_empty() { node.op.clone() } else { format!("{}.{}", node.domain, node.op) };
    let settings = node.attributes.iter().map(|each| match each.more {
        0 => format!("{}={}", each.name, each.value),
        more => format!("{}={} and {more} more", each.name, each.value),
    });
    let within = node.graphs.iter().map(|(name, graph)| format!("{name}: {} nodes", graph.node_count()));
    let settings: Vec<String> = settings.chain(within).map(|text| cut(&text)).collect();
    vec![op, node.name.clone(), cut(&node.inputs.join(", ")), cut(&node.outputs.join(", ")), cut(&settings.join(", "))]
}

fn weights(tensor: &GraphTensor) -> Vec<String> {
    let dims: Vec<String> = tensor.dims.iter().map(i64::to_string).collect();
    let size = tensor.bytes.map(bytes).unwrap_or_default();
    let kind = format!("{} [{}]", tensor.element, dims.join(", "));
    let file = tensor.external.as_ref().map(|file| format!("in {file}")).unwrap_or_default();
    vec!["tensor".to_owned(), tensor.name.clone(), file, kind, size]
}

/// A long text cut, and marked so.
fn cut(text: &str) -> String {
    if text.chars().count() <= CELL {
        return text.to_owned();
    }
    text.chars().take(CELL - 1).chain(['…']).collect()
}
