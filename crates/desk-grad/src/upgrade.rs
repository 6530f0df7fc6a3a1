//! Old models in the terms of opset 18, the oldest that gradients are written in.
//!
//! The built model holds the forward nodes beside the backward ones, and a model has one version of
//! the operator set. Between 7 and 18 the covered operators changed in how they take axes and limits.

use crate::attributes::int;
use crate::constants::{Constants, float_tensor, int_tensor};
use crate::error::{GradError, Refusal};
use crate::net::Net;
use crate::proto::{Attribute, Node};
use crate::shapes::Shapes;

/// The oldest operator set that is written.
pub(crate) const OLDEST: i64 = 18;
/// The oldest that is read: before it operators did not broadcast as they do now.
const OLDEST_READ: i64 = 7;

/// Rewrites the nodes, if the model is older.
pub(crate) fn upgrade(net: &mut Net) -> Result<(), GradError> {
    let from = net.opset();
    if from < OLDEST_READ {
        let nodes = vec![format!("a model of opset {from}, older than {OLDEST_READ}")];
        return Err(GradError::NotLikeThis { nodes });
    }
    if from >= OLDEST {
        return Ok(());
    }
    // Ranks decide whether a softmax must be flattened; the old nodes tell them as well.
    let softmax_at_end = softmaxes_at_end(net);
    let old = std::mem::take(&mut net.nodes);
    let mut writer = Writer { from, initializers: Vec::new(), made: 0 };
    let mut nodes = Vec::with_capacity(old.len());
    let mut refused = Vec::new();
    for (node, at_end) in old.into_iter().zip(softmax_at_end) {
        let label = node.label();
        match writer.node(node, at_end) {
            Ok(new) => nodes.extend(new),
            Err(Refusal(why)) => refused.push(format!("{label}: {why}")),
        }
    }
    if !refused.is_empty() {
        return Err(GradError::NotLikeThis { nodes: refused });
    }
    net.nodes = nodes;
    net.initializers.extend(writer.initializers);
    for (domain, version) in &mut net.opsets {
        if domain.is_empty() {
            *version = OLDEST;
        }
    }
    Ok(())
}

/// For each node: a softmax along what is its last axis for sure.
fn softmaxes_at_end(net: &Net) -> Vec<bool> {
    let constants = Constants::of(net);
    let shapes = Shapes::of(net, &constants);
    let at_end = |node: &Node| {
        let axis = node.int("axis", 1);
        axis == -1 || shapes.rank(node.input(0)).is_some_and(|rank| axis == rank as i64 - 1)
    };
    net.nodes.iter().map(|node| node.op().ends_with("oftmax") && at_end(node)).collect()
}

struct Writer {
    from: i64,
    initializers: Vec<crate::proto::Tensor>,
    made: usize,
}

impl Writer {
    /// A node in new terms, as one node or several.
    fn node(&mut self, mut node: Node, softmax_at_end: bool) -> Result<Vec<Node>, Refusal> {
        if !node.domain().is_empty() {
            return Ok(vec![node]);
        }
        match node.op().to_owned().as_str() {
            "ReduceSum" | "Squeeze" | "Unsqueeze" if self.from >= 13 => {}
            "Squeeze" | "Unsqueeze" => self.move_ints(&mut node, "axes", 1),
            op if op.starts_with("Reduce") => self.move_ints(&mut node, "axes", 1),
            "Slice" if self.from < 10 => {
                self.move_ints(&mut node, "starts", 1);
                self.move_ints(&mut node, "ends", 2);
                self.move_ints(&mut node, "axes", 3);
            }
            "Pad" if self.from < 11 => {
                self.move_ints(&mut node, "pads", 1);
                self.move_float(&mut node, "value", 2);
            }
            "Clip" if self.from < 11 => {
                self.move_float(&mut node, "min", 1);
                self.move_float(&mut node, "max", 2);
            }
            "Dropout" if self.from < 12 => drop(node.take("ratio")),
            "Split" => {
                if self.from < 13 {
                    self.move_ints(&mut node, "split", 1);
                }
                if node.optional(1).is_none() {
                    node.attributes.push(int("num_outputs", node.outputs.len() as i64));
                }
            }
            "BatchNormalization" => {
                if node.take("spatial").and_then(|spatial| spatial.i) == Some(0) {
                    return Err(Refusal::new("it has statistics for each place"));
                }
                if self.from < 14 && node.outputs.iter().skip(1).any(|name| !name.is_empty()) {
                    return Err(Refusal::new("it is in training mode"));
                }
                node.outputs.truncate(1);
            }
            "Softmax" | "LogSoftmax" if self.from < 13 => return Ok(self.softmax(node, softmax_at_end)),
            "Upsample" | "Scatter" => return Err(Refusal::new("newer models have no such operator")),
            "Resize" if self.from < 11 => return Err(Refusal::new("it is of an operator set before 11")),
            _ => {}
        }
        Ok(vec![node])
    }

    fn fresh(&mut self, node: &Node) -> String {
        self.made += 1;
        // The node's own output is nobody else's name, so its continuation is hardly one.
        format!("{}//opset18/{}", node.output(0), self.made)
    }

    /// An attribute with a list becomes an input.
    fn move_ints(&mut self, node: &mut Node, name: &str, place: usize) {
        if let Some(Attribute { ints: values, .. }) = node.take(name) {
            let made = self.fresh(node);
            self.initializers.push(int_tensor(&made, &[values.len() as i64], &values));
            put(node, place, made);
        }
    }

    /// An attribute with a number becomes an input. Such operators were of float32 in practice.
    fn move_float(&mut self, node: &mut Node, name: &str, place: usize) {
        if let Some(value) = node.take(name).and_then(|attribute| attribute.f) {
            let made = self.fresh(node);
            self.initializers.push(float_tensor(&made, crate::proto::element::FLOAT, &[], &[f64::from(value)]));
            put(node, place, made);
        }
    }

    /// Before opset 13 everything from the axis on was one distribution.
    fn softmax(&mut self, mut node: Node, at_end: bool) -> Vec<Node> {
        let axis = node.take("axis").and_then(|axis| axis.i).unwrap_or(1);
        node.attributes.push(int("axis", -1));
        if at_end {
            return vec![node];
        }
        let plain = |op: &str, inputs: Vec<String>, outputs: Vec<String>, attributes| Node {
            operator: Some(op.to_owned()),
            inputs,
            outputs,
            attributes,
            ..Node::default()
        };
        let (shape, flat, soft) = (self.fresh(&node), self.fresh(&node), self.fresh(&node));
        let (x, y) = (node.input(0).to_owned(), node.output(0).to_owned());
        let before = plain("Shape", vec![x.clone()], vec![shape.clone()], Vec::new());
        let flatten = plain("Flatten", vec![x], vec![flat.clone()], vec![int("axis", axis)]);
        node.inputs = vec![flat];
        node.outputs = vec![soft.clone()];
        let after = plain("Reshape", vec![soft, shape], vec![y], Vec::new());
        vec![before, flatten, node, after]
    }
}

/// Sets an input, with empty ones before it where they are missing.
fn put(node: &mut Node, place: usize, name: String) {
    if node.inputs.len() <= place {
        node.inputs.resize(place + 1, String::new());
    }
    node.inputs[place] = name;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::ints;
    use crate::proto::Tensor;

    fn net(op: &str, attributes: Vec<Attribute>, opset: i64) -> Net {
        let node = Node {
            operator: Some(op.to_owned()),
            inputs: vec!["x".to_owned()],
            outputs: vec!["y".to_owned()],
            attributes,
            ..Node::default()
        };
        Net {
            nodes: vec![node],
            initializers: Vec::<Tensor>::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            values: Vec::new(),
            opsets: vec![(String::new(), opset)],
            functions: Vec::new(),
            ir_version: 3,
        }
    }

    #[test]
    fn attributes_become_inputs() {
        let mut old = net("ReduceMean", vec![ints("axes", &[1]), int("keepdims", 0)], 7);
        upgrade(&mut old).expect("rewritten");
        assert_eq!((old.opset(), old.nodes[0].inputs.len(), old.initializers.len()), (OLDEST, 2, 1));
        assert!(old.nodes[0].attribute("axes").is_none());
    }

    #[test]
    fn an_old_softmax_is_one_distribution_from_its_axis_on() {
        let mut old = net("Softmax", vec![], 9);
        upgrade(&mut old).expect("rewritten");
        let ops: Vec<&str> = old.nodes.iter().map(Node::op).collect();
        assert_eq!(ops, ["Shape", "Flatten", "Softmax", "Reshape"]);
        let mut new = net("Softmax", vec![], 13);
        upgrade(&mut new).expect("kept");
        assert_eq!(new.nodes.len(), 1);
    }

    #[test]
    fn what_has_no_new_form_is_refused() {
        assert!(upgrade(&mut net("Upsample", vec![], 9)).is_err());
        assert!(upgrade(&mut net("Relu", vec![], 6)).is_err());
    }
}
