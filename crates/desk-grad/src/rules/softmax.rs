//! Softmax and its logarithm.

use super::{Rule, Step, mixing};
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::Tape;
use crate::through::{over, over_from};

const FAMILY: &str = "activations";

pub(super) const RULES: &[Rule] = &[mixing(FAMILY, "Softmax", softmax), mixing(FAMILY, "LogSoftmax", log_softmax)];

/// y * (g - sum(g * y))
fn softmax(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, y) = (step.gradient()?, step.node.output(0));
    let axis = step.node.int("axis", -1);
    if let Some(reference) = t.reference(y) {
        let given = softmax_from(t, g, step, &reference);
        t.give(step.node.input(0), given);
        return Ok(());
    }
    let product = t.op("Mul", &[g, y]);
    let sum = t.sum_over(&product, &[axis]);
    let rest = t.op("Sub", &[g, &sum]);
    let given = t.op("Mul", &[y, &rest]);
    t.give(step.node.input(0), given);
    Ok(())
}

/// g - exp(y) * sum(g)
fn log_softmax(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, y) = (step.gradient()?, step.node.output(0));
    let sum = t.sum_over(g, &[step.node.int("axis", -1)]);
    let x = step.node.input(0);
    if t.reference(x).is_some() {
        let axes = t.ints(&[step.node.int("axis", -1)]);
        let (share, _) = log_sum(t, x, &axes);
        let part = t.op("Mul", &[&share, &sum]);
        let given = t.op("Sub", &[g, &part]);
        t.give(x, given);
        return Ok(());
    }
    let share = t.op("Exp", &[y]);
    let part = t.op("Mul", &[&share, &sum]);
    let given = t.op("Sub", &[g, &part]);
    t.give(step.node.input(0), given);
    Ok(())
}

/// exp(z) with z = x - log(sum(exp(x))): the exponential by its quotient, the logarithm of the sum by [`log_sum`].
fn softmax_from(t: &mut Tape<'_>, g: &str, step: &Step<'_>, reference: &str) -> String {
    let (x, y) = (step.node.input(0), step.node.output(0));
    let axes = t.ints(&[step.node.int("axis", -1)]);
    let (share, sums) = log_sum(t, x, &axes);
    let x0 = t.reference(x).unwrap_or_default();
    let (z, z0) = (t.op("Sub", &[x, &sums.0]), t.op("Sub", &[&x0, &sums.1]));
    let moved = t.op("Sub", &[y, reference]);
    let (part, slope) = (t.op("Mul", &[g, &moved]), t.op("Mul", &[g, y]));
    let of_z = over_from(t, &part, &slope, (&z, &z0), x);
    let all = t.op_with("ReduceSum", &[&of_z, &axes], vec![int("keepdims", 1)]);
    let part = t.op("Mul", &[&share, &all]);
    t.op("Sub", &[&of_z, &part])
}

/// How log(sum(exp(x))) moves with each number of x, against the reference, and its two values. All exponentials are
/// taken below the larger of the two, so that none of them overflows.
pub(super) fn log_sum(t: &mut Tape<'_>, x: &str, axes: &str) -> (String, (String, String)) {
    let x0 = t.reference(x).unwrap_or_else(|| x.to_owned());
    let log_sum = |t: &mut Tape<'_>, x: &str| t.op_with("ReduceLogSumExp", &[x, axes], vec![int("keepdims", 1)]);
    let (l, l0) = (log_sum(t, x), log_sum(t, &x0));
    let top = t.op("Max", &[&l, &l0]);
    let below = |t: &mut Tape<'_>, value: &str| {
        let lower = t.op("Sub", &[value, &top]);
        t.op("Exp", &[&lower])
    };
    let (e, e0, s, s0) = (below(t, x), below(t, &x0), below(t, &l), below(t, &l0));
    let moved = t.op("Sub", &[&e, &e0]);
    let each = over(t, &moved, &e, x);
    let (log, one) = (t.op("Sub", &[&l, &l0]), t.float(x, 1.0));
    // The slope of the logarithm where the sums are the same: that of 1.
    let of_sum = over_from(t, &log, &one, (&s, &s0), x);
    (t.op("Mul", &[&each, &of_sum]), (l, l0))
}
