//! Arithmetic, element by element, with the shorter side repeated.

use super::{Rule, Step, adds, bend, largest_of, lifted, linear, product};
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::Tape;

const FAMILY: &str = "element by element";

pub(super) const RULES: &[Rule] = &[
    adds(FAMILY, "Add", add),
    adds(FAMILY, "Sub", sub),
    product(FAMILY, "Mul", mul),
    product(FAMILY, "Div", div),
    bend(FAMILY, "Pow", pow),
    adds(FAMILY, "Sum", add),
    adds(FAMILY, "Mean", mean),
    largest_of(FAMILY, "Min", extreme),
    largest_of(FAMILY, "Max", extreme),
    linear(FAMILY, "Where", choose),
    linear(FAMILY, "Identity", same),
    linear(FAMILY, "Dropout", dropout),
    linear(FAMILY, "Cast", cast),
    linear(FAMILY, "CastLike", cast),
    bend(FAMILY, "Clip", clip),
    linear(FAMILY, "Neg", unary),
    bend(FAMILY, "Abs", unary),
    bend(FAMILY, "Sqrt", unary),
    lifted(FAMILY, "Exp", unary),
    lifted(FAMILY, "Log", unary),
    lifted(FAMILY, "Reciprocal", unary),
    bend(FAMILY, "Sin", unary),
    lifted(FAMILY, "Cos", unary),
    bend(FAMILY, "Tan", unary),
    bend(FAMILY, "Atan", unary),
    bend(FAMILY, "Sinh", unary),
    lifted(FAMILY, "Cosh", unary),
    adds(FAMILY, "Scaler", scaler).of("ai.onnx.ml"),
];

/// Adds and sums: each input has the gradient of the whole.
fn add(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let g = step.gradient()?;
    for input in active(t, step) {
        t.give_summed(&input, g.to_owned(), step.node.output(0));
    }
    Ok(())
}

/// Inputs that a gradient is wanted of; one that stands twice counts twice.
fn active(t: &Tape<'_>, step: &Step<'_>) -> Vec<String> {
    step.node.inputs.iter().filter(|input| t.is_active(input)).cloned().collect()
}

fn sub(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    if t.is_active(node.input(0)) {
        t.give_summed(node.input(0), g.to_owned(), node.output(0));
    }
    if t.is_active(node.input(1)) {
        let negative = t.op("Neg", &[g]);
        t.give_summed(node.input(1), negative, node.output(0));
    }
    Ok(())
}

fn mul(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    for (of, other) in [(0, 1), (1, 0)] {
        if t.is_active(node.input(of)) {
            let other = t.middle(node.input(other));
            let product = t.op("Mul", &[g, &other]);
            t.give_summed(node.input(of), product, node.output(0));
        }
    }
    Ok(())
}

fn div(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    if let Some(reference) = t.reference(node.input(1)) {
        return div_from(t, step, &reference);
    }
    let share = t.op("Div", &[g, node.input(1)]);
    if t.is_active(node.input(1)) {
        let product = t.op("Mul", &[&share, node.output(0)]);
        let negative = t.op("Neg", &[&product]);
        t.give_summed(node.input(1), negative, node.output(0));
    }
    if t.is_active(node.input(0)) {
        t.give_summed(node.input(0), share, node.output(0));
    }
    Ok(())
}

/// a / b against the reference: a at the mean of the two 1 / b, and 1 / b, which moves by (b' - b) / (b b'), at the mean a.
fn div_from(t: &mut Tape<'_>, step: &Step<'_>, reference: &str) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (a, b, y) = (node.input(0), node.input(1), node.output(0));
    if t.is_active(b) {
        let (middle, squares) = (t.middle(a), t.op("Mul", &[b, reference]));
        let product = t.op("Mul", &[g, &middle]);
        let share = t.op("Div", &[&product, &squares]);
        let negative = t.op("Neg", &[&share]);
        t.give_summed(b, negative, y);
    }
    if t.is_active(a) {
        let (here, there) = (t.op("Div", &[g, b]), t.op("Div", &[g, reference]));
        let (sum, half) = (t.op("Add", &[&here, &there]), t.float(y, 0.5));
        let given = t.op("Mul", &[&sum, &half]);
        t.give_summed(a, given, y);
    }
    Ok(())
}

fn pow(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (x, exponent, y) = (node.input(0), node.input(1), node.output(0));
    if t.is_active(x) {
        let slope = match t.constants.number(exponent) {
            Some(2.0) => {
                let two = t.float(x, 2.0);
                t.op("Mul", &[x, &two])
            }
            Some(power) => {
                let (power, less) = (t.float(x, power), t.float(x, power - 1.0));
                let lower = t.op("Pow", &[x, &less]);
                t.op("Mul", &[&lower, &power])
            }
            None => {
                let (power, one) = (t.op("CastLike", &[exponent, x]), t.float(x, 1.0));
                let less = t.op("Sub", &[&power, &one]);
                let lower = t.op("Pow", &[x, &less]);
                t.op("Mul", &[&lower, &power])
            }
        };
        let product = t.op("Mul", &[g, &slope]);
        t.give_summed(x, product, y);
    }
    if t.is_active(exponent) {
        // Where the base is 0 so is the power, whatever a logarithm says.
        let (zero, one) = (t.float(x, 0.0), t.float(x, 1.0));
        let positive = t.op("Greater", &[x, &zero]);
        let base = t.op("Where", &[&positive, x, &one]);
        let log = t.op("Log", &[&base]);
        let slope = t.op("Mul", &[y, &log]);
        let product = t.op("Mul", &[g, &slope]);
        t.give_summed(exponent, product, y);
    }
    Ok(())
}

fn mean(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let g = step.gradient()?;
    let count = t.float(step.node.output(0), step.node.inputs.len() as f64);
    let share = t.op("Div", &[g, &count]);
    for input in active(t, step) {
        t.give_summed(&input, share.clone(), step.node.output(0));
    }
    Ok(())
}

/// Smallest and largest: those that are it share the gradient.
fn extreme(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let y = node.output(0);
    let masks: Vec<String> = node
        .inputs
        .iter()
        .map(|input| {
            let equal = t.op("Equal", &[input, y]);
            t.as_type_of(&equal, y)
        })
        .collect();
    let each: Vec<&str> = masks.iter().map(String::as_str).collect();
    let ties = t.op("Sum", &each);
    let share = t.op("Div", &[g, &ties]);
    for (input, mask) in node.inputs.iter().zip(&masks) {
        if t.is_active(input) {
            let part = t.op("Mul", &[&share, mask]);
            t.give_summed(input, part, y);
        }
    }
    Ok(())
}

fn choose(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let condition = node.input(0);
    let zero = t.float(node.output(0), 0.0);
    for (place, parts) in [(1, [g, zero.as_str()]), (2, [zero.as_str(), g])] {
        if t.is_active(node.input(place)) {
            let part = t.op("Where", &[condition, parts[0], parts[1]]);
            t.give_summed(node.input(place), part, node.output(0));
        }
    }
    Ok(())
}

fn same(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    t.give(step.node.input(0), step.gradient()?.to_owned());
    Ok(())
}

fn dropout(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let training = step.node.optional(2).is_some_and(|mode| t.constants.number(mode) != Some(0.0));
    if training { Err(Refusal::new("it is in training mode")) } else { same(t, step) }
}

fn cast(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let back = t.as_type_of(step.gradient()?, step.node.input(0));
    t.give(step.node.input(0), back);
    Ok(())
}

fn clip(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    super::only_first_active(t, node, "its limits")?;
    let x = node.input(0);
    let mut parts = Vec::new();
    if let Some(least) = node.optional(1) {
        parts.push(t.op("GreaterOrEqual", &[x, least]));
    }
    if let Some(most) = node.optional(2) {
        parts.push(t.op("LessOrEqual", &[x, most]));
    }
    let inside = match parts.as_slice() {
        [] => return same(t, step),
        [one] => one.clone(),
        [a, b, ..] => t.op("And", &[a, b]),
    };
    let zero = t.float(x, 0.0);
    let part = t.op("Where", &[&inside, g, &zero]);
    t.give(x, part);
    Ok(())
}

/// One number in, one out: the gradient times the slope there.
fn unary(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (x, y) = (node.input(0), node.output(0));
    let given = match node.op() {
        "Neg" => t.op("Neg", &[g]),
        "Abs" => {
            let sign = t.op("Sign", &[x]);
            t.op("Mul", &[g, &sign])
        }
        "Sqrt" => {
            let half = t.float(x, 0.5);
            let halved = t.op("Mul", &[g, &half]);
            t.op("Div", &[&halved, y])
        }
        "Exp" => t.op("Mul", &[g, y]),
        "Log" => t.op("Div", &[g, x]),
        "Reciprocal" => {
            let square = t.op("Mul", &[y, y]);
            let product = t.op("Mul", &[g, &square]);
            t.op("Neg", &[&product])
        }
        "Sin" | "Sinh" => {
            let slope = t.op(if node.op() == "Sin" { "Cos" } else { "Cosh" }, &[x]);
            t.op("Mul", &[g, &slope])
        }
        "Cos" => {
            let slope = t.op("Sin", &[x]);
            let product = t.op("Mul", &[g, &slope]);
            t.op("Neg", &[&product])
        }
        "Cosh" => {
            let slope = t.op("Sinh", &[x]);
            t.op("Mul", &[g, &slope])
        }
        // tan' = 1 + tan^2, atan' = 1 / (1 + x^2)
        "Tan" => {
            let square = t.op("Mul", &[y, y]);
            let one = t.float(x, 1.0);
            let slope = t.op("Add", &[&square, &one]);
            t.op("Mul", &[g, &slope])
        }
        _ => {
            let square = t.op("Mul", &[x, x]);
            let one = t.float(x, 1.0);
            let below = t.op("Add", &[&square, &one]);
            t.op("Div", &[g, &below])
        }
    };
    t.give(x, given);
    Ok(())
}

/// scikit-learn's scalers: (x - offset) * scale.
fn scaler(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let scale: Vec<f64> =
        node.attribute("scale").map_or_else(Vec::new, |a| a.floats.iter().map(|v| f64::from(*v)).collect());
    let x = node.input(0);
    let scaled = if scale.is_empty() {
        g.to_owned()
    } else {
        let scale = t.floats(node.output(0), &scale);
        t.op("Mul", &[g, &scale])
    };
    let to = i64::from(t.element(x));
    let back = if t.element(x) == t.element(node.output(0)) {
        scaled
    } else {
        t.op_with("Cast", &[&scaled], vec![int("to", to)])
    };
    t.give(x, back);
    Ok(())
}
