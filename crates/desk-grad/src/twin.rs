//! The reference's half of the graph: every value that the inputs change, once more under another name.

use std::collections::HashSet;

use crate::net::{Net, name_of};
use crate::proto::Node;
use crate::shapes::Shapes;

/// Forward nodes on the reference row. Weights and whatever else the inputs do not change are shared.
pub(crate) struct Twins {
    prefix: String,
    varies: HashSet<String>,
    /// The nodes, in an order in which they can be run.
    pub nodes: Vec<Node>,
}

impl Twins {
    /// `prefix` begins no name of the model.
    pub fn of(net: &Net, shapes: &Shapes, prefix: &str) -> Self {
        let inputs = net.inputs.iter().map(name_of).filter(|name| shapes.is_float(name));
        let varies = inputs.map(str::to_owned).collect();
        let mut twins = Self { prefix: format!("{prefix}reference/"), varies, nodes: Vec::new() };
        for node in &net.nodes {
            // The reference has the shape of the row.
            let is_shape = node.domain().is_empty() && matches!(node.op(), "Shape" | "Size");
            // A graph within a node may use values that its inputs do not name.
            let changes = node.has_graph() || node.inputs.iter().any(|name| twins.varies.contains(name));
            if is_shape || !changes {
                continue;
            }
            twins.varies.extend(node.outputs.iter().filter(|name| !name.is_empty()).cloned());
            if node.has_graph() {
                continue;
            }
            let mut twin = node.clone();
            for name in twin.inputs.iter_mut().chain(&mut twin.outputs) {
                if let Some(other) = twins.name(name) {
                    *name = other;
                }
            }
            // Two nodes of one name are an error to some runtimes.
            twin.name = None;
            twins.nodes.push(twin);
        }
        twins
    }

    /// The reference's name of a value; `None` for what the inputs do not change.
    pub fn name(&self, value: &str) -> Option<String> {
        self.varies.contains(value).then(|| format!("{}{value}", self.prefix))
    }
}
