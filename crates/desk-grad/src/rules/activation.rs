//! Activations: the gradient times the slope, which is written from the output where that is shorter.

use super::{Rule, Step, bend, lifted, only_first_active};
use crate::error::Refusal;
use crate::tape::Tape;

const FAMILY: &str = "activations";

pub(super) const RULES: &[Rule] = &[
    bend(FAMILY, "Relu", relu),
    bend(FAMILY, "LeakyRelu", leaky),
    bend(FAMILY, "PRelu", prelu),
    bend(FAMILY, "ThresholdedRelu", thresholded),
    bend(FAMILY, "Elu", exponential),
    bend(FAMILY, "Selu", exponential),
    bend(FAMILY, "Celu", exponential),
    lifted(FAMILY, "Sigmoid", sigmoid),
    lifted(FAMILY, "HardSigmoid", hard_sigmoid),
    bend(FAMILY, "HardSwish", hard_swish),
    bend(FAMILY, "Swish", swish),
    bend(FAMILY, "QuickGelu", swish).of("com.microsoft"),
    bend(FAMILY, "Mish", mish),
    bend(FAMILY, "Tanh", tanh),
    lifted(FAMILY, "Softplus", softplus),
    bend(FAMILY, "Softsign", softsign),
    bend(FAMILY, "Erf", erf),
    bend(FAMILY, "Gelu", gelu),
    bend(FAMILY, "Gelu", gelu).of("com.microsoft"),
];

/// The slope of an output that is 0 or more: 1 where it is more.
fn relu(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (x, y) = (step.node.input(0), step.node.output(0));
    // Three quick passes: the runtime takes two and a half times as long for a sign.
    let zero = t.float(x, 0.0);
    let above = t.op("Greater", &[y, &zero]);
    let mask = t.as_type_of(&above, x);
    let given = t.op("Mul", &[step.gradient()?, &mask]);
    t.give(step.node.input(0), given);
    Ok(())
}

/// The gradient above 0, and another one below.
fn above_zero(t: &mut Tape<'_>, x: &str, above: &str, below: &str) -> String {
    let zero = t.float(x, 0.0);
    let positive = t.op("Greater", &[x, &zero]);
    t.op("Where", &[&positive, above, below])
}

fn leaky(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, x) = (step.gradient()?, step.node.input(0));
    let alpha = t.float(x, step.node.float("alpha", 0.01));
    let below = t.op("Mul", &[g, &alpha]);
    let given = above_zero(t, x, g, &below);
    t.give(x, given);
    Ok(())
}

fn prelu(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    only_first_active(t, node, "its slopes")?;
    let below = t.op("Mul", &[g, node.input(1)]);
    let given = above_zero(t, node.input(0), g, &below);
    t.give(node.input(0), given);
    Ok(())
}

fn thresholded(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let x = step.node.input(0);
    let (alpha, zero) = (t.float(x, step.node.float("alpha", 1.0)), t.float(x, 0.0));
    let above = t.op("Greater", &[x, &alpha]);
    let given = t.op("Where", &[&above, step.gradient()?, &zero]);
    t.give(x, given);
    Ok(())
}

/// Elu, Selu and Celu: `scale` above 0, and below it the slope of an exponential, from the output.
fn exponential(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (x, y) = (node.input(0), node.output(0));
    // y = scale * alpha * (exp(x / width) - 1) below 0, so y' = (y + scale * alpha) / width.
    let (alpha, scale, width) = match node.op() {
        "Selu" => (node.float("alpha", 1.673_263_192_176_818_8), node.float("gamma", 1.050_700_987_355_480_5), 1.0),
        "Celu" => (node.float("alpha", 1.0), 1.0, node.float("alpha", 1.0)),
        _ => (node.float("alpha", 1.0), 1.0, 1.0),
    };
    let offset = t.float(x, scale * alpha);
    let lifted = t.op("Add", &[y, &offset]);
    let slope = if width == 1.0 {
        lifted
    } else {
        let width = t.float(x, width);
        t.op("Div", &[&lifted, &width])
    };
    let below = t.op("Mul", &[g, &slope]);
    let above = if scale == 1.0 {
        g.to_owned()
    } else {
        let scale = t.float(x, scale);
        t.op("Mul", &[g, &scale])
    };
    let given = above_zero(t, x, &above, &below);
    t.give(x, given);
    Ok(())
}

/// y * (1 - y)
fn sigmoid_slope(t: &mut Tape<'_>, y: &str, like: &str) -> String {
    let one = t.float(like, 1.0);
    let rest = t.op("Sub", &[&one, y]);
    t.op("Mul", &[y, &rest])
}

fn sigmoid(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let node = step.node;
    let slope = sigmoid_slope(t, node.output(0), node.input(0));
    times(t, step, &slope)
}

/// Gives the gradient times a slope.
fn times(t: &mut Tape<'_>, step: &Step<'_>, slope: &str) -> Result<(), Refusal> {
    let given = t.op("Mul", &[step.gradient()?, slope]);
    t.give(step.node.input(0), given);
    Ok(())
}

fn hard_sigmoid(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let node = step.node;
    let (x, y) = (node.input(0), node.output(0));
    let (zero, one, alpha) = (t.float(x, 0.0), t.float(x, 1.0), t.float(x, node.float("alpha", f64::from(0.2f32))));
    let (above, below) = (t.op("Greater", &[y, &zero]), t.op("Less", &[y, &one]));
    let inside = t.op("And", &[&above, &below]);
    let slope = t.op("Where", &[&inside, &alpha, &zero]);
    times(t, step, &slope)
}

/// x * clip(x / 6 + 1/2, 0, 1): 0 up to -3, 1 from 3 on, between them x / 3 + 1/2.
fn hard_swish(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let x = step.node.input(0);
    let (three, minus) = (t.float(x, 3.0), t.float(x, -3.0));
    let (zero, one, half) = (t.float(x, 0.0), t.float(x, 1.0), t.float(x, 0.5));
    let third = t.op("Div", &[x, &three]);
    let between = t.op("Add", &[&third, &half]);
    let low = t.op("LessOrEqual", &[x, &minus]);
    let high = t.op("GreaterOrEqual", &[x, &three]);
    let upper = t.op("Where", &[&high, &one, &between]);
    let slope = t.op("Where", &[&low, &zero, &upper]);
    times(t, step, &slope)
}

/// x * sigmoid(alpha * x): s + alpha * y * (1 - s).
fn swish(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let node = step.node;
    let (x, y) = (node.input(0), node.output(0));
    let default = if node.op() == "Swish" { 1.0 } else { 1.702 };
    let (alpha, one) = (t.float(x, node.float("alpha", default)), t.float(x, 1.0));
    let scaled = t.op("Mul", &[x, &alpha]);
    let s = t.op("Sigmoid", &[&scaled]);
    let rest = t.op("Sub", &[&one, &s]);
    let (part, scaled) = (t.op("Mul", &[y, &rest]), alpha);
    let part = t.op("Mul", &[&part, &scaled]);
    let slope = t.op("Add", &[&s, &part]);
    times(t, step, &slope)
}

/// x * tanh(softplus(x)): w + x * (1 - w^2) * sigmoid(x).
fn mish(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let x = step.node.input(0);
    let soft = t.op("Softplus", &[x]);
    let w = t.op("Tanh", &[&soft]);
    let rest = one_less_square(t, &w, x);
    let s = t.op("Sigmoid", &[x]);
    let part = t.op("Mul", &[&rest, &s]);
    let part = t.op("Mul", &[&part, x]);
    let slope = t.op("Add", &[&w, &part]);
    times(t, step, &slope)
}

/// 1 - y^2
fn one_less_square(t: &mut Tape<'_>, y: &str, like: &str) -> String {
    let one = t.float(like, 1.0);
    let square = t.op("Mul", &[y, y]);
    t.op("Sub", &[&one, &square])
}

fn tanh(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let slope = one_less_square(t, step.node.output(0), step.node.input(0));
    times(t, step, &slope)
}

fn softplus(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let slope = t.op("Sigmoid", &[step.node.input(0)]);
    times(t, step, &slope)
}

/// x / (1 + |x|): 1 / (1 + |x|)^2.
fn softsign(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let x = step.node.input(0);
    let (size, one) = (t.op("Abs", &[x]), t.float(x, 1.0));
    let below = t.op("Add", &[&size, &one]);
    let square = t.op("Mul", &[&below, &below]);
    let slope = t.op("Reciprocal", &[&square]);
    times(t, step, &slope)
}

/// factor * exp(-x^2 * width)
fn bell(t: &mut Tape<'_>, x: &str, factor: f64, width: f64) -> String {
    let (factor, width) = (t.float(x, factor), t.float(x, -width));
    let square = t.op("Mul", &[x, x]);
    let scaled = t.op("Mul", &[&square, &width]);
    let bell = t.op("Exp", &[&scaled]);
    t.op("Mul", &[&bell, &factor])
}

fn erf(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let slope = bell(t, step.node.input(0), std::f64::consts::FRAC_2_SQRT_PI, 1.0);
    times(t, step, &slope)
}

fn gelu(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let x = step.node.input(0);
    let slope = if step.node.text("approximate", "none") == "tanh" {
        gelu_by_tanh(t, x)
    } else {
        // The normal distribution at x, and x times its density.
        let (root, half, one) = (t.float(x, std::f64::consts::FRAC_1_SQRT_2), t.float(x, 0.5), t.float(x, 1.0));
        let scaled = t.op("Mul", &[x, &root]);
        let erf = t.op("Erf", &[&scaled]);
        let lifted = t.op("Add", &[&erf, &one]);
        let below = t.op("Mul", &[&lifted, &half]);
        let density = bell(t, x, 0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2, 0.5);
        let part = t.op("Mul", &[x, &density]);
        t.op("Add", &[&below, &part])
    };
    times(t, step, &slope)
}

/// 0.5 * (1 + w) + 0.5 * x * (1 - w^2) * u' with w = tanh(u), u = sqrt(2/pi) * (x + 0.044715 * x^3).
fn gelu_by_tanh(t: &mut Tape<'_>, x: &str) -> String {
    const CUBE: f64 = 0.044_715;
    let root = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
    let (one, half) = (t.float(x, 1.0), t.float(x, 0.5));
    let square = t.op("Mul", &[x, x]);
    let (linear, cubic, steep) = (t.float(x, root), t.float(x, root * CUBE), t.float(x, 3.0 * root * CUBE));
    let inner = t.op("Mul", &[&square, &cubic]);
    let inner = t.op("Add", &[&inner, &linear]);
    let u = t.op("Mul", &[x, &inner]);
    let w = t.op("Tanh", &[&u]);
    let slope_u = t.op("Mul", &[&square, &steep]);
    let slope_u = t.op("Add", &[&slope_u, &linear]);
    let rest = one_less_square(t, &w, x);
    let part = t.op("Mul", &[&rest, &slope_u]);
    let part = t.op("Mul", &[&part, x]);
    let sum = t.op("Add", &[&w, &one]);
    let sum = t.op("Add", &[&sum, &part]);
    t.op("Mul", &[&sum, &half])
}
