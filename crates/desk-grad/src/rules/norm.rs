//! Normalisations. Statistics of the data they run on (layer, instance, group) have gradients too;
//! those of the training (batch) are constants.

use super::{Rule, Step, adds, mixing, only_first_active};
use crate::attributes::{int, ints};
use crate::error::Refusal;
use crate::tape::Tape;
use crate::through::over;

const FAMILY: &str = "normalisations";

pub(super) const RULES: &[Rule] = &[
    adds(FAMILY, "BatchNormalization", batch),
    mixing(FAMILY, "LayerNormalization", layer),
    mixing(FAMILY, "RMSNormalization", layer),
    mixing(FAMILY, "InstanceNormalization", instance),
    mixing(FAMILY, "GroupNormalization", group),
    mixing(FAMILY, "LpNormalization", by_length),
    mixing(FAMILY, "LRN", across_channels),
    mixing(FAMILY, "Normalizer", by_length).of("ai.onnx.ml"),
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

/// What is standardised: over which axes, with which epsilon, and whether the mean is taken away first.
struct Standard<'a> {
    axes: &'a str,
    epsilon: &'a str,
    centred: bool,
    /// A value of the model with the type of all this.
    like: &'a str,
}

impl Standard<'_> {
    fn mean(&self, t: &mut Tape<'_>, value: &str) -> String {
        t.op_with("ReduceMean", &[value, self.axes], vec![int("keepdims", 1)])
    }

    /// `x - mean` and its deviation, or `x` and its root mean square.
    fn parts(&self, t: &mut Tape<'_>, x: &str) -> (String, String) {
        let centre = if self.centred {
            let middle = self.mean(t, x);
            t.op("Sub", &[x, &middle])
        } else {
            x.to_owned()
        };
        let square = t.op("Mul", &[&centre, &centre]);
        let variance = self.mean(t, &square);
        let lifted = t.op("Add", &[&variance, self.epsilon]);
        let deviation = t.op("Sqrt", &[&lifted]);
        (centre, deviation)
    }

    /// The gradient through `(x - mean) / deviation` over axes, or through `x / root mean square`; with a reference
    /// its multiplier.
    fn back(&self, t: &mut Tape<'_>, g: &str, x: &str, reference: Option<&str>) -> String {
        let (centre, deviation) = self.parts(t, x);
        if let Some(reference) = reference {
            return self.back_from(t, g, (&centre, &deviation), reference);
        }
        let unit = t.op("Div", &[&centre, &deviation]);
        let product = t.op("Mul", &[g, &unit]);
        let along = self.mean(t, &product);
        let part = t.op("Mul", &[&unit, &along]);
        let mut rest = t.op("Sub", &[g, &part]);
        if self.centred {
            let middle = self.mean(t, g);
            rest = t.op("Sub", &[&rest, &middle]);
        }
        t.op("Div", &[&rest, &deviation])
    }

    /// c / d as a quotient of two values that move. With d^2 = mean(c^2) + epsilon both d and c^2 move by products of
    /// sums, so nothing is divided by a difference.
    fn back_from(&self, t: &mut Tape<'_>, g: &str, (c, d): (&str, &str), reference: &str) -> String {
        let (c0, d0) = self.parts(t, reference);
        let (here, there) = (t.op("Div", &[g, d]), t.op("Div", &[g, &d0]));
        let (both, half) = (t.op("Add", &[&here, &there]), t.float(self.like, 0.5));
        let direct = t.op("Mul", &[&both, &half]);
        let centres = t.op("Add", &[c, &c0]);
        let product = t.op("Mul", &[g, &centres]);
        let mean = self.mean(t, &product);
        let along = t.op("Mul", &[&mean, &half]);
        let (squares, deviations) = (t.op("Mul", &[d, &d0]), t.op("Add", &[d, &d0]));
        let below = t.op("Mul", &[&squares, &deviations]);
        let along = t.op("Div", &[&along, &below]);
        let part = t.op("Mul", &[&centres, &along]);
        let rest = t.op("Sub", &[&direct, &part]);
        if !self.centred {
            return rest;
        }
        let middle = self.mean(t, &rest);
        t.op("Sub", &[&rest, &middle])
    }
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
    let reference = t.reference(x);
    let given = Standard { axes: &axes, epsilon: &epsilon, centred, like: x }.back(t, &scaled, x, reference.as_deref());
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
    let reference = t.reference(x);
    let given =
        Standard { axes: &axes, epsilon: &epsilon, centred: true, like: x }.back(t, &scaled, x, reference.as_deref());
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
    let reference = t.reference(x).map(|reference| t.op("Reshape", &[&reference, &apart]));
    let standard = Standard { axes: &axes, epsilon: &epsilon, centred: true, like: x };
    let given = standard.back(t, &scaled, &flat, reference.as_deref());
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
    let norm = if squares { "ReduceL2" } else { "ReduceL1" };
    let length = t.op_with(norm, &[x, &axes], keep());
    if let Some(reference) = t.reference(x) {
        let from = t.op_with(norm, &[&reference, &axes], keep());
        let given = by_length_from(t, g, (x, &length), (&reference, &from), &axes, squares);
        t.give(x, given);
        return Ok(());
    }
    let product = t.op("Mul", &[g, y]);
    let along = t.op_with("ReduceSum", &[&product, &axes], keep());
    let direction = if squares { y.to_owned() } else { t.op("Sign", &[x]) };
    let part = t.op("Mul", &[&direction, &along]);
    let rest = t.op("Sub", &[g, &part]);
    let given = t.op("Div", &[&rest, &length]);
    t.give(x, given);
    Ok(())
}

/// x / length as a quotient of two values that move.
fn by_length_from(
    t: &mut Tape<'_>,
    g: &str,
    (x, length): (&str, &str),
    (reference, from): (&str, &str),
    axes: &str,
    squares: bool,
) -> String {
    let (here, there) = (t.op("Div", &[g, length]), t.op("Div", &[g, from]));
    let (both, half, middle) = (t.op("Add", &[&here, &there]), t.float(x, 0.5), t.middle(x));
    let direct = t.op("Mul", &[&both, &half]);
    let product = t.op("Mul", &[g, &middle]);
    let sum = t.op_with("ReduceSum", &[&product, axes], vec![int("keepdims", 1)]);
    let lengths = t.op("Mul", &[length, from]);
    let along = t.op("Div", &[&sum, &lengths]);
    // How the length moves with each number of x.
    let slope = if squares {
        let (sum, sizes) = (t.op("Add", &[x, reference]), t.op("Add", &[length, from]));
        t.op("Div", &[&sum, &sizes])
    } else {
        let (a, b, sign) = (t.op("Abs", &[x]), t.op("Abs", &[reference]), t.op("Sign", &[x]));
        let moved = t.op("Sub", &[&a, &b]);
        over(t, &moved, &sign, x)
    };
    let part = t.op("Mul", &[&slope, &along]);
    t.op("Sub", &[&direct, &part])
}

/// x / s^beta with s = bias + alpha / size * (the sum of squares over neighbouring channels):
/// g s^-beta - 2 alpha beta / size * x * (the sum of g x s^(-beta - 1) over those whose neighbour it is).
fn across_channels(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let x = node.input(0);
    if t.reference(x).is_some() {
        return Err(Refusal::new("DeepLIFT has no rule for it"));
    }
    let size = node.int("size", 0);
    if !(1..=1 << 16).contains(&size) {
        return Err(Refusal::new("its size makes no sense"));
    }
    let (alpha, beta) = (node.float("alpha", 1e-4), node.float("beta", 0.75));
    let (before, after) = ((size - 1) / 2, size / 2);
    let square = t.op("Mul", &[x, x]);
    let mean = over_channels(t, &square, x, size, [before, after]);
    let (alpha_of, bias) = (t.float(x, alpha), t.float(x, node.float("bias", 1.0)));
    let scaled = t.op("Mul", &[&mean, &alpha_of]);
    let s = t.op("Add", &[&scaled, &bias]);
    let (power, lower) = (t.float(x, -beta), t.float(x, -beta - 1.0));
    let (factor, steeper) = (t.op("Pow", &[&s, &power]), t.op("Pow", &[&s, &lower]));
    let direct = t.op("Mul", &[g, &factor]);
    let product = t.op("Mul", &[g, x]);
    let product = t.op("Mul", &[&product, &steeper]);
    // A channel is a neighbour of those that stand on its other side.
    let back = over_channels(t, &product, x, size, [after, before]);
    let twice = t.float(x, 2.0 * alpha * beta);
    let part = t.op("Mul", &[&back, &twice]);
    let part = t.op("Mul", &[&part, x]);
    let given = t.op("Sub", &[&direct, &part]);
    t.give(x, given);
    Ok(())
}

/// The sum over neighbouring channels divided by `size`, whatever is missing at the ends.
fn over_channels(t: &mut Tape<'_>, value: &str, like: &str, size: i64, [before, after]: [i64; 2]) -> String {
    let (shape, zero, one, two) = (t.shape(like), t.ints(&[0]), t.ints(&[1]), t.ints(&[2]));
    let (rows, channels, rest) =
        (t.op("Slice", &[&shape, &zero, &one]), t.op("Slice", &[&shape, &one, &two]), t.ints(&[-1]));
    let flat = t.op_with("Concat", &[&rows, &one, &channels, &rest], vec![int("axis", 0)]);
    let apart = t.op("Reshape", &[value, &flat]);
    let attributes =
        vec![ints("kernel_shape", &[size, 1]), ints("pads", &[before, 0, after, 0]), int("count_include_pad", 1)];
    let mean = t.op_with("AveragePool", &[&apart], attributes);
    t.reshape_like(&mean, like)
}
