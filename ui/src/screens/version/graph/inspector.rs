//! One node of the graph: its operator, settings, what goes in and out, and the values of its weights.

use desk_core::{GraphNode, GraphStep, GraphTensor, TensorPlace};
use desk_uikit::{Button, Icon, Row, format, kv, text};
use egui::Ui;

use super::drawn::{Drawn, What, shape};
use super::values::Values;
use crate::cx::Cx;

/// What was asked for.
pub enum Asked {
    /// Another node.
    Node(u32),
    /// A graph that the node leads to.
    Open(GraphStep),
    /// The values of a tensor.
    Values(TensorPlace),
}

/// Shows it; gives what was asked for.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, drawn: &Drawn, node: u32, values: &mut Values) -> Option<Asked> {
    let mut next = None;
    let main = drawn.path.is_main();
    text::section(ui, drawn.name(node));
    ui.add_space(6.0);
    match drawn.whats.get(node as usize)? {
        What::Input(i) => end(ui, if main { "Input of the model" } else { "Input" }, drawn.graph().inputs.get(*i)?),
        What::Output(i) => end(ui, if main { "Output of the model" } else { "Output" }, drawn.graph().outputs.get(*i)?),
        What::Outside(i) => kv::properties(ui, |kv| {
            kv.text("What", "Value of a graph around this one");
            kv.copyable("Name", drawn.outside(*i));
            kv.text("Type", drawn.value_type(drawn.outside(*i)).unwrap_or("not stated in the file"));
        }),
        What::Operator(i) => {
            let one = drawn.graph().nodes.get(*i)?;
            next = doors(ui, drawn, node).or(Operator { cx, drawn, values }.show(ui, one));
        }
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
                next = Some(Asked::Node(*other));
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

/// Buttons that open the graphs of a node.
fn doors(ui: &mut Ui, drawn: &Drawn, node: u32) -> Option<Asked> {
    let mut opened = None;
    for door in drawn.doors(node) {
        let label = format!("Open {}", door.name);
        let nodes = format::plural(door.nodes as u64, "node", "nodes");
        let tooltip = format!("A graph with {nodes} (Enter on the node opens the first)");
        if ui.add(Button::secondary(&label).icon(Icon::Enter).tooltip(&tooltip)).clicked() {
            opened = Some(Asked::Open(door.step));
        }
    }
    ui.add_space(6.0);
    opened
}

/// An operator, and what of its weights is on show.
struct Operator<'a, 'c> {
    cx: &'a Cx<'c>,
    drawn: &'a Drawn,
    values: &'a mut Values,
}

impl Operator<'_, '_> {
    fn show(mut self, ui: &mut Ui, node: &GraphNode) -> Option<Asked> {
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
        let mut next = self.attributes(ui, node);
        heading(ui, "Inputs");
        for name in &node.inputs {
            if name.is_empty() {
                text::caption(ui, "left out");
                continue;
            }
            next = self.value(ui, name).or(next);
            if let Some(giver) = self.drawn.giver(name) {
                let from = format!("from {}", self.drawn.name(giver));
                if ui.add(Row::new(&from).icon(Icon::Up)).clicked() {
                    next = Some(Asked::Node(giver));
                }
            }
        }
        heading(ui, "Outputs");
        for name in node.outputs.iter().filter(|name| !name.is_empty()) {
            next = self.value(ui, name).or(next);
        }
        next
    }

    fn attributes(&mut self, ui: &mut Ui, node: &GraphNode) -> Option<Asked> {
        if node.attributes.is_empty() {
            return None;
        }
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
        // The values of a constant are found under the name of what it gives.
        let tensor = node.attributes.iter().find_map(|each| each.tensor.as_ref())?;
        let place = self.drawn.place(node.outputs.first()?)?;
        self.weights(ui, tensor, place)
    }

    /// A value's name, and its type or what weights it holds.
    fn value(&mut self, ui: &mut Ui, name: &str) -> Option<Asked> {
        text::strong(ui, name);
        let Some(tensor) = self.drawn.tensor(name) else {
            text::caption_wrapped(ui, self.drawn.value_type(name).unwrap_or("type not stated in the file"));
            return None;
        };
        let size = tensor.bytes.map(|bytes| format!(", {}", format::bytes(bytes))).unwrap_or_default();
        let place = tensor.external.as_ref().map(|file| format!(" in {file}")).unwrap_or_default();
        text::caption_wrapped(ui, format!("Weights: {}{size}{place}", shape(tensor)));
        self.weights(ui, tensor, self.drawn.place(name)?)
    }

    /// The values of a tensor once they were asked for, or the way to ask.
    fn weights(&mut self, ui: &mut Ui, tensor: &GraphTensor, place: TensorPlace) -> Option<Asked> {
        if self.values.is_of(&place) {
            self.values.show(ui, self.cx);
            return None;
        }
        let size = tensor.bytes.map(|bytes| format!(": {}", format::bytes(bytes))).unwrap_or_default();
        let label = format!("Read values of {}", place.name);
        let tooltip = format!("Reads them from the model's file{size}");
        let read = Button::secondary("Read values").icon(Icon::Table).named(&label).tooltip(&tooltip);
        ui.add(read).clicked().then_some(Asked::Values(place))
    }
}

fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(12.0);
    text::section(ui, text);
    ui.add_space(2.0);
}
