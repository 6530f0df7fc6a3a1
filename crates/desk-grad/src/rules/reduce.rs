//! Reductions over axes.

use super::{Rule, Step, rule};
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::Tape;

const FAMILY: &str = "reductions";

pub(super) const RULES: &[Rule] = &[
    rule(FAMILY, "ReduceSum", reduce),
    rule(FAMILY, "ReduceMean", reduce),
    rule(FAMILY, "ReduceMax", reduce),
    rule(FAMILY, "ReduceMin", reduce),
    rule(FAMILY, "ReduceL1", reduce),
    rule(FAMILY, "ReduceL2", reduce),
    rule(FAMILY, "ReduceSumSquare", reduce),
    rule(FAMILY, "ReduceLogSum", reduce),
    rule(FAMILY, "ReduceLogSumExp", reduce),
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
    let (g, y) = match axes.filter(|_| !kept && !none) {
        Some(axes) => (t.op("Unsqueeze", &[g, axes]), t.op("Unsqueeze", &[y, axes])),
        None => (g.to_owned(), y.to_owned()),
    };
    let given = match node.op() {
        "ReduceSum" => g,
        "ReduceMean" => {
            let (all, kept) = (t.size(x), t.size(&y));
            let count = t.op("Div", &[&all, &kept]);
            let count = t.as_type_of(&count, x);
            t.op("Div", &[&g, &count])
        }
        "ReduceMax" | "ReduceMin" => {
            let equal = t.op("Equal", &[x, &y]);
            let mask = t.as_type_of(&equal, x);
            let mut inputs = vec![mask.as_str()];
            inputs.extend(axes);
            let ties = t.op_with("ReduceSum", &inputs, vec![int("keepdims", 1)]);
            let share = t.op("Div", &[&g, &ties]);
            t.op("Mul", &[&mask, &share])
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
