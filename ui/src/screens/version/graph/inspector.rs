//! One node of the graph: its operator, settings, and what goes in and out.

use desk_core::GraphNode;
use desk_uikit::{Icon, Row, format, kv, text};
use egui::Ui;

use super::drawn::{Drawn, What, shape};

/// Shows it; gives another node when one was asked for.
pub fn show(ui: &mut Ui, drawn: &Drawn, node: u32) -> Option<u32> {
    let mut next = None;
    text::section(ui, drawn.name(node));
    ui.add_space(6.0);
    match drawn.whats.get(node as usize)? {
        What::Input(i) => end(ui, "Input of the model", &drawn.graph.inputs[*i]),
        What::Output(i) => end(ui, "Output of the model", &drawn.graph.outputs[*i]),
        What::Operator(i) => next = operator(ui, drawn, &drawn.graph.nodes[*i]),
    }
    let (below, above) = drawn.dag.neighbours(node);
    for (heading, list) in [("Comes from", above), ("Goes to", below)] {
        if list.is_empty() {
            continue;
        }
        ui.add_space(12.0);
        text::section(ui, heading);
        ui.add_space(2.0);
        for other in list.iter().take(MOST) {
            let name = drawn.name(*other);
            if ui.add(Row::new(&name).icon(Icon::Right)).clicked() {
                next = Some(*other);
            }
        }
        if list.len() > MOST {
            text::caption(ui, format!("and {} more", format::count((list.len() - MOST) as u64)));
        }
    }
    next
}

/// Neighbours that are listed; a value may have thousands of users.
const MOST: usize = 40;

fn end(ui: &mut Ui, what: &str, info: &desk_core::ValueInfo) {
    kv::properties(ui, |kv| {
        kv.text("What", what);
        kv.copyable("Name", &info.name);
        kv.text("Type", &info.value_type.to_string());
    });
}

fn operator(ui: &mut Ui, drawn: &Drawn, node: &GraphNode) -> Option<u32> {
    kv::properties(ui, |kv| {
        kv.text("Operator", &node.op);
        kv.text("Set", if node.domain.is_empty() { "ai.onnx" } else { &node.domain });
        if !node.name.is_empty() {
            kv.copyable("Name", &node.name);
        }
        for (name, graph) in &node.graphs {
            kv.text(name, &format!("a graph with {}", format::plural(graph.node_count() as u64, "node", "nodes")));
        }
    });
    if !node.attributes.is_empty() {
        heading(ui, "Attributes");
        let names: Vec<&str> = node.attributes.iter().map(|each| each.name.as_str()).collect();
        kv::named(ui, &names, |kv| {
            for each in &node.attributes {
                let more = match each.more {
                    0 => String::new(),
                    n => format!(" and {} more", format::count(n)),
                };
                kv.text(&each.name, &format!("{}{more}", each.value));
            }
        });
    }
    let mut next = None;
    heading(ui, "Inputs");
    for name in &node.inputs {
        if name.is_empty() {
            text::caption(ui, "left out");
            continue;
        }
        value(ui, drawn, name);
        if let Some(giver) = drawn.giver(name) {
            let from = format!("from {}", drawn.name(giver));
            if ui.add(Row::new(&from).icon(Icon::Up)).clicked() {
                next = Some(giver);
            }
        }
    }
    heading(ui, "Outputs");
    for name in node.outputs.iter().filter(|name| !name.is_empty()) {
        value(ui, drawn, name);
    }
    next
}

fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(12.0);
    text::section(ui, text);
    ui.add_space(2.0);
}

/// A value's name, and its type or what weights it holds.
fn value(ui: &mut Ui, drawn: &Drawn, name: &str) {
    text::strong(ui, name);
    match drawn.tensor(name) {
        Some(tensor) => {
            let size = tensor.bytes.map(|bytes| format!(", {}", format::bytes(bytes))).unwrap_or_default();
            let place = tensor.external.as_ref().map(|file| format!(" in {file}")).unwrap_or_default();
            text::caption_wrapped(ui, format!("Weights: {}{size}{place}", shape(tensor)));
        }
        None => {
            text::caption_wrapped(ui, drawn.value_type(name).unwrap_or("type not stated in the file"));
        }
    }
}
