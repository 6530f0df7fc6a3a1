//! Normalisations. Statistics of the data they run on (layer, instance, group) have gradients too;
//! those of the training (batch) are constants.

use super::{Rule, Step, only_first_active, rule};
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::Tape;

const FAMILY: &str = "normalisations";

pub(super) const RULES: &[Rule] = &[
    rule(FAMILY, "BatchNormalization", batch),
    rule(FAMILY, "LayerNormalization", layer),
    rule(FAMILY, "RMSNormalization", layer),
    rule(FAMILY, "InstanceNormalization", instance),
    rule(FAMILY, "GroupNormalization", group),
    rule(FAMILY, "LpNormalization", by_length),
    Rule { domain: "ai.onnx.ml", op: "Normalizer", family: FAMILY, backward: by_length },
];

fn batch(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    if node.int("training_mode", 0) != 0 {
        return Err(Refusal::new("it is in training mode"));
    }
    only_first_active(t, node, "its statistics")?;
    let (x, scale, variance) = (node.input(0), node.input(1), node.input(4));
    let epsilon = t.float(scale, node.float("epsilon", 1e-5));
    let lifted = t.op("Add", &[variance, &epsilon]);
    let deviation = t.op("Sqrt", &[&lifted]);
    let factor = t.op("Div", &[scale, &deviation]);
    let factor = t.per_channel(&factor, x);
    let given = t.op("Mul", &[g, &factor]);
    t.give(x, given);
    Ok(())
}

/// The gradient through `(x - mean) / deviation` over axes, or through `x / root mean square`.
fn standardised(t: &mut Tape<'_>, g: &str, x: &str, axes: &str, epsilon: &str, centred: bool) -> String {
    let mean = |t: &mut Tape<'_>, value: &str| t.op_with("ReduceMean", &[value, axes], vec![int("keepdims", 1)]);
    let centre = if centred {
        let middle = mean(t, x);
        t.op("Sub", &[x, &middle])
    } else {
        x.to_owned()
    };
    let square = t.op("Mul", &[&centre, &centre]);
    let variance = mean(t, &square);
    let lifted = t.op("Add", &[&variance, epsilon]);
    let deviation = t.op("Sqrt", &[&lifted]);
    let unit = t.op("Div", &[&centre, &deviation]);
    let product = t.op("Mul", &[g, &unit]);
    let along = mean(t, &product);
    let part = t.op("Mul", &[&unit, &along]);
    let mut rest = t.op("Sub", &[g, &part]);
    if centred {
        let middle = mean(t, g);
        rest = t.op("Sub", &[&rest, &middle]);
    }
    t.op("Div", &[&rest, &deviation])
}

fn layer(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    only_first_active(t, node, "its scale")?;
    let (x, axis) = (node.input(0), node.int("axis", -1));
    let axes = if axis < 0 {
        let axes: Vec<i64> = (axis.max(-16)..0).collect();
        t.ints(&axes)
    } else {
        t.axes_from(axis, x)
    };
    let scaled = match node.optional(1) {
        Some(scale) => t.op("Mul", &[g, scale]),
        None => g.to_owned(),
    };
    let centred = node.op() == "LayerNormalization";
    let epsilon = t.float(x, node.float("epsilon", 1e-5));
    let given = standardised(t, &scaled, x, &axes, &epsilon, centred);
    t.give(x, given);
    Ok(())
}

fn instance(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    only_first_active(t, node, "its scale")?;
    let x = node.input(0);
    let axes = t.axes_from(2, x);
    let scale = t.per_channel(node.input(1), x);
    let scaled = t.op("Mul", &[g, &scale]);
    let epsilon = t.float(x, node.float("epsilon", 1e-5));
    let given = standardised(t, &scaled, x, &axes, &epsilon, true);
    t.give(x, given);
    Ok(())
}

fn group(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    only_first_active(t, node, "its scale")?;
    let x = node.input(0);
    let groups = node.int("num_groups", 0);
    let scales = t.shapes.sizes(node.input(1)).and_then(|sizes| sizes.first().copied());
    let apart = t.ints(&[0, groups, -1]);
    // Until opset 20 there was a scale for each group, since then for each channel.
    let scaled = match scales {
        Some(count) if count == groups => {
            let split = t.op("Reshape", &[g, &apart]);
            let shape = t.ints(&[1, -1, 1]);
            let scale = t.op("Reshape", &[node.input(1), &shape]);
            t.op("Mul", &[&split, &scale])
        }
        Some(_) => {
            let scale = t.per_channel(node.input(1), x);
            let scaled = t.op("Mul", &[g, &scale]);
            t.op("Reshape", &[&scaled, &apart])
        }
        None => return Err(Refusal::new("the size of its scale is not known")),
    };
    let flat = t.op("Reshape", &[x, &apart]);
    let axes = t.ints(&[2]);
    let epsilon = t.float(x, node.float("epsilon", 1e-5));
    let given = standardised(t, &scaled, &flat, &axes, &epsilon, true);
    let given = t.reshape_like(&given, x);
    t.give(x, given);
    Ok(())
}

/// x divided by its length: the sum of sizes, the root of squares, or the largest size.
fn by_length(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (x, y) = (node.input(0), node.output(0));
    let ml = node.domain() == "ai.onnx.ml";
    let squares = if ml {
        match node.text("norm", "MAX").as_str() {
            "L1" => false,
            "L2" => true,
            _ => return Err(Refusal::new("it divides by the largest")),
        }
    } else {
        node.int("p", 2) == 2
    };
    let axis = if ml { -1 } else { node.int("axis", -1) };
    let axes = t.ints(&[axis]);
    let keep = || vec![int("keepdims", 1)];
    let length = t.op_with(if squares { "ReduceL2" } else { "ReduceL1" }, &[x, &axes], keep());
    let product = t.op("Mul", &[g, y]);
    let along = t.op_with("ReduceSum", &[&product, &axes], keep());
    let direction = if squares { y.to_owned() } else { t.op("Sign", &[x]) };
    let part = t.op("Mul", &[&direction, &along]);
    let rest = t.op("Sub", &[g, &part]);
    let given = t.op("Div", &[&rest, &length]);
    t.give(x, given);
    Ok(())
}
