//! Operators that put the same elements in another arrangement.

use super::{Rule, Step, adds, linear};
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::Tape;

const FAMILY: &str = "shapes";

pub(super) const RULES: &[Rule] = &[
    linear(FAMILY, "Reshape", reshaped),
    linear(FAMILY, "Flatten", reshaped),
    linear(FAMILY, "Squeeze", reshaped),
    linear(FAMILY, "Unsqueeze", reshaped),
    linear(FAMILY, "Transpose", transpose),
    linear(FAMILY, "Expand", expand),
    linear(FAMILY, "Concat", concat),
    linear(FAMILY, "Split", split),
    linear(FAMILY, "Pad", pad),
    linear(FAMILY, "DepthToSpace", depth_to_space),
    linear(FAMILY, "SpaceToDepth", space_to_depth),
    linear(FAMILY, "Trilu", triangle),
    adds(FAMILY, "CumSum", running_sum),
];

fn reshaped(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let x = step.node.input(0);
    let given = t.reshape_like(step.gradient()?, x);
    t.give(x, given);
    Ok(())
}

fn transpose(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let given = match node.ints("perm") {
        // All dimensions turned round: so is the way back.
        None => t.op("Transpose", &[g]),
        Some(order) => {
            let mut back = vec![0; order.len()];
            for (to, from) in order.iter().enumerate() {
                let place = usize::try_from(*from).ok().and_then(|from| back.get_mut(from));
                *place.ok_or_else(|| Refusal::new("its order makes no sense"))? = to as i64;
            }
            t.transpose(g, &back)
        }
    };
    t.give(node.input(0), given);
    Ok(())
}

fn expand(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    t.give_summed(step.node.input(0), step.gradient()?.to_owned(), step.node.output(0));
    Ok(())
}

fn concat(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let axis = node.int("axis", 0);
    if let [only] = node.inputs.as_slice() {
        t.give(only, g.to_owned());
        return Ok(());
    }
    let places = t.ints(&[axis]);
    let lengths: Vec<String> = node
        .inputs
        .iter()
        .map(|input| {
            let shape = t.shape(input);
            t.op_with("Gather", &[&shape, &places], vec![int("axis", 0)])
        })
        .collect();
    let lengths: Vec<&str> = lengths.iter().map(String::as_str).collect();
    let lengths = t.op_with("Concat", &lengths, vec![int("axis", 0)]);
    let parts: Vec<String> = node.inputs.iter().map(|_| t.name()).collect();
    t.emit("Split", &[g, &lengths], parts.clone(), vec![int("axis", axis)]);
    for (input, part) in node.inputs.iter().zip(parts) {
        if t.is_active(input) {
            t.give(input, part);
        }
    }
    Ok(())
}

fn split(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let node = step.node;
    let mut parts = Vec::with_capacity(node.outputs.len());
    for (output, gradient) in node.outputs.iter().zip(step.gradients) {
        parts.push(match gradient {
            Some(gradient) => gradient.clone(),
            None if output.is_empty() => return Err(Refusal::new("one of its parts has no name")),
            None => {
                let shape = t.shape(output);
                t.constant_of_shape(&shape, node.input(0), 0.0)
            }
        });
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let given = t.op_with("Concat", &parts, vec![int("axis", node.int("axis", 0))]);
    t.give(node.input(0), given);
    Ok(())
}

/// What was put round is cut off; what was reflected adds to where it came from.
fn pad(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (x, pads) = (node.input(0), node.input(1));
    let mode = node.text("mode", "constant");
    if mode != "constant" {
        let places = t.positions(x);
        let mut inputs = vec![places.as_str(), pads];
        if let Some(axes) = node.optional(3) {
            inputs.extend(["", axes]);
        }
        let padded = t.op_with("Pad", &inputs, vec![crate::attributes::text("mode", &mode)]);
        let given = t.scatter(x, g, &padded);
        t.give(x, given);
        return Ok(());
    }
    // Negative pads cut elements off: those have no gradient, and the slice would begin at the wrong end.
    if t.constants.ints(pads).is_none_or(|pads| pads.iter().any(|pad| *pad < 0)) {
        return Err(Refusal::new("it may cut elements off"));
    }
    let (zero, two) = (t.ints(&[0]), t.int(2));
    let count = t.op("Size", &[pads]);
    let half = t.op("Div", &[&count, &two]);
    let list = t.ints(&[1]);
    let half = t.op("Reshape", &[&half, &list]);
    let before = t.op("Slice", &[pads, &zero, &half]);
    let shape = t.shape(x);
    let given = match node.optional(3) {
        None => {
            let ends = t.op("Add", &[&before, &shape]);
            t.op("Slice", &[g, &before, &ends])
        }
        Some(axes) => {
            let sizes = t.op_with("Gather", &[&shape, axes], vec![int("axis", 0)]);
            let ends = t.op("Add", &[&before, &sizes]);
            t.op("Slice", &[g, &before, &ends, axes])
        }
    };
    t.give(x, given);
    Ok(())
}

fn depth_to_space(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    if node.text("mode", "DCR") != "DCR" {
        return Err(Refusal::new("its mode is CRD"));
    }
    let given = t.op_with("SpaceToDepth", &[g], vec![int("blocksize", node.int("blocksize", 1))]);
    t.give(node.input(0), given);
    Ok(())
}

fn space_to_depth(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let given = t.op_with("DepthToSpace", &[g], vec![int("blocksize", node.int("blocksize", 1))]);
    t.give(node.input(0), given);
    Ok(())
}

fn triangle(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let mut inputs = vec![g];
    inputs.extend(node.optional(1));
    let given = t.op_with("Trilu", &inputs, vec![int("upper", node.int("upper", 1))]);
    t.give(node.input(0), given);
    Ok(())
}

fn running_sum(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let attributes =
        vec![int("exclusive", node.int("exclusive", 0)), int("reverse", 1 - node.int("reverse", 0).clamp(0, 1))];
    let given = t.op_with("CumSum", &[g, node.input(1)], attributes);
    t.give(node.input(0), given);
    Ok(())
}
