//! Softmax and its logarithm.

use super::{Rule, Step, rule};
use crate::error::Refusal;
use crate::tape::Tape;

const FAMILY: &str = "activations";

pub(super) const RULES: &[Rule] = &[rule(FAMILY, "Softmax", softmax), rule(FAMILY, "LogSoftmax", log_softmax)];

/// y * (g - sum(g * y))
fn softmax(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, y) = (step.gradient()?, step.node.output(0));
    let axis = step.node.int("axis", -1);
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
    let share = t.op("Exp", &[y]);
    let part = t.op("Mul", &[&share, &sum]);
    let given = t.op("Sub", &[g, &part]);
    t.give(step.node.input(0), given);
    Ok(())
}
