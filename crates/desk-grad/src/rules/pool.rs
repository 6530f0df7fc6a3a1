//! Pools: the largest and the mean of windows, and of everything.

use super::window::Window;
use super::{Rule, Step, rule};
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::{Extra, Tape};

const FAMILY: &str = "pools";

pub(super) const RULES: &[Rule] = &[
    rule(FAMILY, "MaxPool", largest),
    rule(FAMILY, "AveragePool", average),
    rule(FAMILY, "GlobalAveragePool", whole_average),
    rule(FAMILY, "GlobalMaxPool", whole_largest),
];

/// The gradient goes to where each window's largest element stands, which the operator says itself.
fn largest(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    if node.int("storage_order", 0) != 0 {
        return Err(Refusal::new("it counts by columns"));
    }
    let places = if let Some(places) = node.optional_output(1) {
        places.to_owned()
    } else {
        let name = t.name();
        t.wanted.push(Extra { of: node.output(0).to_owned(), place: 1, name: name.clone() });
        name
    };
    let given = t.scatter(node.input(0), g, &places);
    t.give(node.input(0), given);
    Ok(())
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
    let x = node.input(0);
    let equal = t.op("Equal", &[x, node.output(0)]);
    let mask = t.as_type_of(&equal, x);
    let axes = t.axes_from(2, x);
    let count = t.op_with("ReduceSum", &[&mask, &axes], vec![int("keepdims", 1)]);
    let share = t.op("Div", &[g, &count]);
    let given = t.op("Mul", &[&mask, &share]);
    t.give(x, given);
    Ok(())
}
