//! Pools: the largest and the mean of windows, and of everything.

use super::window::Window;
use super::{Rule, Step, adds, largest_of};
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::{Extra, Tape};
use crate::through::over;

const FAMILY: &str = "pools";

pub(super) const RULES: &[Rule] = &[
    largest_of(FAMILY, "MaxPool", largest),
    adds(FAMILY, "AveragePool", average),
    adds(FAMILY, "GlobalAveragePool", whole_average),
    largest_of(FAMILY, "GlobalMaxPool", whole_largest),
];

/// The gradient goes to where each window's largest element stands, which the operator says itself.
fn largest(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    if node.int("storage_order", 0) != 0 {
        return Err(Refusal::new("it counts by columns"));
    }
    let (x, y) = (node.input(0), node.output(0));
    let places = |t: &mut Tape<'_>, output: &str, named: Option<String>| {
        named.unwrap_or_else(|| {
            let name = t.name();
            t.wanted.push(Extra { of: output.to_owned(), place: 1, name: name.clone() });
            name
        })
    };
    let named = node.optional_output(1);
    let here = places(t, y, named.map(str::to_owned));
    let slope = t.scatter(x, g, &here);
    let given = if let Some(reference) = t.reference(y) {
        let other = named.and_then(|named| t.reference(named));
        let there = places(t, &reference, other);
        let (up, down) = up_and_down(t, g, y, &reference, "Max");
        let (up, down) = (t.scatter(x, &up, &here), t.scatter(x, &down, &there));
        let part = t.op("Add", &[&up, &down]);
        over(t, &part, &slope, x)
    } else {
        slope
    };
    t.give(x, given);
    Ok(())
}

/// What the larger of two answers is split at, as captum does it: up to it the row's own element moved, from it the
/// reference's.
pub(super) fn up_and_down(t: &mut Tape<'_>, g: &str, y: &str, reference: &str, larger: &str) -> (String, String) {
    let top = t.op(larger, &[y, reference]);
    let (up, down) = (t.op("Sub", &[&top, reference]), t.op("Sub", &[y, &top]));
    (t.op("Mul", &[g, &up]), t.op("Mul", &[g, &down]))
}

/// The gradient through the largest or smallest of everything along axes, which equal ones share; with a reference
/// the multiplier. `g` and `y` have dimensions of 1 along the axes, `sum` adds up along them.
pub(super) fn shared(
    t: &mut Tape<'_>,
    g: &str,
    (x, y): (&str, &str),
    reference: Option<&str>,
    larger: &str,
    sum: &dyn Fn(&mut Tape<'_>, &str) -> String,
) -> String {
    let share = |t: &mut Tape<'_>, x: &str, y: &str, g: &str| {
        let equal = t.op("Equal", &[x, y]);
        let mask = t.as_type_of(&equal, y);
        let count = sum(t, &mask);
        let each = t.op("Div", &[g, &count]);
        t.op("Mul", &[&mask, &each])
    };
    let slope = share(t, x, y, g);
    let (Some(y0), Some(x0)) = (reference, t.reference(x)) else { return slope };
    let (up, down) = up_and_down(t, g, y, y0, larger);
    let (up, down) = (share(t, x, y, &up), share(t, &x0, y0, &down));
    let part = t.op("Add", &[&up, &down]);
    over(t, &part, &slope, x)
}

fn average(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let x = node.input(0);
    let kernel = node.ints("kernel_shape").ok_or_else(|| Refusal::new("it has no kernel"))?;
    let mut window = Window::of(node, &kernel)?;
    let padded = window.clone();
    let ceil = node.int("ceil_mode", 0) != 0;
    window.settle(t.shapes.dims(x), ceil)?;
    window.group = 1;
    let with_padding = node.int("count_include_pad", 0) != 0;
    if with_padding && ceil && window.pads != padded.pads {
        return Err(Refusal::new("runtimes disagree on what its last windows count"));
    }
    let dims: Vec<i64> = [1, 1].into_iter().chain(kernel.iter().copied()).collect();
    let ones = t.filled(x, &dims, 1.0);
    let share = if with_padding || window.pads.iter().all(|pad| *pad == 0) {
        let count = t.float(x, kernel.iter().product::<i64>() as f64);
        t.op("Div", &[g, &count])
    } else {
        // Windows at the border have fewer elements: counted by a convolution of ones.
        let (head, space) = (t.ints(&[1, 1]), t.spatial_shape(x));
        let shape = t.op_with("Concat", &[&head, &space], vec![int("axis", 0)]);
        let all = t.constant_of_shape(&shape, x, 1.0);
        let counts = t.op_with("Conv", &[&all, &ones], window.attributes());
        t.op("Div", &[g, &counts])
    };
    // Channels are alike: each is a picture of its own.
    let (head, space) = (t.ints(&[-1, 1]), t.op_with("Shape", &[&share], vec![int("start", 2)]));
    let shape = t.op_with("Concat", &[&head, &space], vec![int("axis", 0)]);
    let apart = t.op("Reshape", &[&share, &shape]);
    let spread = window.spread(t, &apart, &ones, x);
    let given = t.reshape_like(&spread, x);
    t.give(x, given);
    Ok(())
}

fn whole_average(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let x = node.input(0);
    let (all, kept) = (t.size(x), t.size(node.output(0)));
    let count = t.op("Div", &[&all, &kept]);
    let count = t.as_type_of(&count, x);
    let share = t.op("Div", &[g, &count]);
    let shape = t.shape(x);
    let given = t.op("Expand", &[&share, &shape]);
    t.give(x, given);
    Ok(())
}

/// Equal ones share.
fn whole_largest(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (x, y) = (node.input(0), node.output(0));
    let axes = t.axes_from(2, x);
    let sum = |t: &mut Tape<'_>, value: &str| t.op_with("ReduceSum", &[value, &axes], vec![int("keepdims", 1)]);
    let reference = t.reference(y);
    let given = shared(t, g, (x, y), reference.as_deref(), "Max", &sum);
    t.give(x, given);
    Ok(())
}
