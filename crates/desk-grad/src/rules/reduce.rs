//! Reductions over axes.

use super::pool::shared;
use super::softmax::log_sum;
use super::{Rule, Step, adds, largest_of, mixing};
use crate::attributes::int;
use crate::error::Refusal;
use crate::proto::Node;
use crate::tape::Tape;
use crate::through::{over, over_from};

const FAMILY: &str = "reductions";

pub(super) const RULES: &[Rule] = &[
    adds(FAMILY, "ReduceSum", reduce),
    adds(FAMILY, "ReduceMean", reduce),
    largest_of(FAMILY, "ReduceMax", reduce),
    largest_of(FAMILY, "ReduceMin", reduce),
    mixing(FAMILY, "ReduceL1", reduce),
    mixing(FAMILY, "ReduceL2", reduce),
    mixing(FAMILY, "ReduceSumSquare", reduce),
    mixing(FAMILY, "ReduceProd", reduce),
    mixing(FAMILY, "ReduceLogSum", reduce),
    mixing(FAMILY, "ReduceLogSumExp", reduce),
];

/// A number that divides in place of a length of 0, where the elements are 0 too.
const TINY: f64 = 1e-30;

fn reduce(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (x, y) = (node.input(0), node.output(0));
    let axes = node.optional(1);
    let none = axes.is_none_or(|axes| t.constants.ints(axes).is_some_and(|axes| axes.is_empty()));
    if none && node.int("noop_with_empty_axes", 0) != 0 {
        if matches!(node.op(), "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin") {
            t.give(x, g.to_owned());
            return Ok(());
        }
        return Err(Refusal::new("it has no axes"));
    }
    // The dimensions that went away come back as ones; a single number needs none to be laid over all.
    let kept = node.int("keepdims", 1) != 0;
    let reference = t.reference(y);
    let (g, y, y0) = match axes.filter(|_| !kept && !none) {
        Some(axes) => {
            let lift = |t: &mut Tape<'_>, value: &str| t.op("Unsqueeze", &[value, axes]);
            let y0 = reference.map(|reference| lift(t, &reference));
            (lift(t, g), lift(t, y), y0)
        }
        None => (g.to_owned(), y.to_owned(), reference),
    };
    if let Some(y0) =
        y0.as_deref().filter(|_| !matches!(node.op(), "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin"))
    {
        let given = from_reference(t, node, &g, (&y, y0))?;
        t.give(x, given);
        return Ok(());
    }
    let given = match node.op() {
        "ReduceSum" => g,
        "ReduceMean" => {
            let (all, kept) = (t.size(x), t.size(&y));
            let count = t.op("Div", &[&all, &kept]);
            let count = t.as_type_of(&count, x);
            t.op("Div", &[&g, &count])
        }
        "ReduceMax" | "ReduceMin" => {
            let sum = |t: &mut Tape<'_>, value: &str| {
                let mut inputs = vec![value];
                inputs.extend(axes);
                t.op_with("ReduceSum", &inputs, vec![int("keepdims", 1)])
            };
            let larger = if node.op() == "ReduceMax" { "Max" } else { "Min" };
            shared(t, &g, (x, &y), y0.as_deref(), larger, &sum)
        }
        "ReduceL1" => {
            let sign = t.op("Sign", &[x]);
            t.op("Mul", &[&sign, &g])
        }
        "ReduceL2" => {
            let tiny = t.float(x, if t.element(x) == crate::proto::element::FLOAT16 { 1e-6 } else { TINY });
            let length = t.op("Max", &[&y, &tiny]);
            let share = t.op("Div", &[&g, &length]);
            t.op("Mul", &[x, &share])
        }
        "ReduceSumSquare" => {
            let two = t.float(x, 2.0);
            let twice = t.op("Mul", &[x, &two]);
            t.op("Mul", &[&twice, &g])
        }
        "ReduceProd" => {
            let slope = of_others(t, x, axes);
            t.op("Mul", &[&slope, &g])
        }
        "ReduceLogSum" => {
            let sum = t.op("Exp", &[&y]);
            t.op("Div", &[&g, &sum])
        }
        _ => {
            let below = t.op("Sub", &[x, &y]);
            let share = t.op("Exp", &[&below]);
            t.op("Mul", &[&share, &g])
        }
    };
    // A sum or mean has one gradient for all that it covers.
    let shape = t.shape(x);
    let given = t.op("Expand", &[&given, &shape]);
    t.give(x, given);
    Ok(())
}

/// The product of all others along the axes, of a 0 among them too.
fn of_others(t: &mut Tape<'_>, x: &str, axes: Option<&str>) -> String {
    let along = |t: &mut Tape<'_>, op: &str, value: &str| {
        let mut inputs = vec![value];
        inputs.extend(axes);
        t.op_with(op, &inputs, vec![int("keepdims", 1)])
    };
    let (zero, one) = (t.float(x, 0.0), t.float(x, 1.0));
    let is_zero = t.op("Equal", &[x, &zero]);
    let filled = t.op("Where", &[&is_zero, &one, x]);
    let product = along(t, "ReduceProd", &filled);
    let mask = t.as_type_of(&is_zero, x);
    let zeros = along(t, "ReduceSum", &mask);
    let among_others = t.op("Sub", &[&zeros, &mask]);
    let none = t.op("Equal", &[&among_others, &zero]);
    let share = t.op("Div", &[&product, &filled]);
    t.op("Where", &[&none, &share, &zero])
}

/// The multiplier of a length or the logarithm of a sum, against the reference.
fn from_reference(t: &mut Tape<'_>, node: &Node, g: &str, (y, y0): (&str, &str)) -> Result<String, Refusal> {
    let x = node.input(0);
    let Some(x0) = t.reference(x) else { return Err(Refusal::new("DeepLIFT has no rule for it")) };
    let given = match node.op() {
        "ReduceL1" => {
            let (a, b, sign) = (t.op("Abs", &[x]), t.op("Abs", &[&x0]), t.op("Sign", &[x]));
            let moved = t.op("Sub", &[&a, &b]);
            let slope = over(t, &moved, &sign, x);
            t.op("Mul", &[&slope, g])
        }
        "ReduceL2" => {
            let tiny = t.float(x, if t.element(x) == crate::proto::element::FLOAT16 { 1e-6 } else { TINY });
            let (sum, sizes) = (t.op("Add", &[x, &x0]), t.op("Add", &[y, y0]));
            let sizes = t.op("Max", &[&sizes, &tiny]);
            let share = t.op("Div", &[g, &sizes]);
            t.op("Mul", &[&sum, &share])
        }
        "ReduceProd" => return Err(Refusal::new("DeepLIFT has no rule for it")),
        "ReduceSumSquare" => {
            let sum = t.op("Add", &[x, &x0]);
            t.op("Mul", &[&sum, g])
        }
        "ReduceLogSum" => {
            let (sum, sum0, moved) = (t.op("Exp", &[y]), t.op("Exp", &[y0]), t.op("Sub", &[y, y0]));
            let slope = t.op("Div", &[g, &sum]);
            let part = t.op("Mul", &[g, &moved]);
            let given = over_from(t, &part, &slope, (&sum, &sum0), x);
            let shape = t.shape(x);
            t.op("Expand", &[&given, &shape])
        }
        _ => {
            let axes = match node.optional(1) {
                Some(axes) => axes.to_owned(),
                None => t.axes_from(0, x),
            };
            let (share, _) = log_sum(t, x, &axes);
            t.op("Mul", &[&share, g])
        }
    };
    Ok(given)
}
