//! Operators that pick elements: the gradient goes back to where each was picked.
//!
//! One idea serves them all. The operator is applied to the positions of the elements as it was to the
//! elements, and the gradient is added up at the positions that come out.

use super::{Rule, Step, linear};
use crate::attributes::int;
use crate::error::Refusal;
use crate::shapes::Dim;
use crate::tape::Tape;

const FAMILY: &str = "picking";

pub(super) const RULES: &[Rule] = &[
    linear(FAMILY, "Slice", slice),
    linear(FAMILY, "Gather", picked),
    linear(FAMILY, "GatherElements", picked),
    linear(FAMILY, "GatherND", picked),
    linear(FAMILY, "Tile", picked),
    linear(FAMILY, "Resize", resized),
    linear(FAMILY, "ArrayFeatureExtractor", columns).of("ai.onnx.ml"),
];

fn picked(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let places = t.positions(node.input(0));
    let mut inputs = vec![places.as_str()];
    inputs.extend(node.inputs.iter().skip(1).map(String::as_str));
    let picked = t.op_with(node.op(), &inputs, node.attributes.clone());
    let given = t.scatter(node.input(0), g, &picked);
    t.give(node.input(0), given);
    Ok(())
}

fn slice(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let Some(pads) = around(t, step) else { return picked(t, step) };
    let pads = t.ints(&pads);
    let zero = t.float(node.input(0), 0.0);
    let given = t.op("Pad", &[g, &pads, &zero]);
    t.give(node.input(0), given);
    Ok(())
}

/// How many elements a slice left out before and behind, where its limits are constants on known sizes.
fn around(t: &Tape<'_>, step: &Step<'_>) -> Option<Vec<i64>> {
    let node = step.node;
    let dims = t.shapes.dims(node.input(0))?;
    let ints = |at: usize| node.optional(at).map(|name| t.constants.ints(name));
    let (starts, ends) = (ints(1)??, ints(2)??);
    let axes = ints(3).unwrap_or_else(|| Some((0..starts.len() as i64).collect()))?;
    let steps = ints(4).unwrap_or_else(|| Some(vec![1; axes.len()]))?;
    if steps.iter().any(|step| *step != 1) || starts.len() != axes.len() || ends.len() != axes.len() {
        return None;
    }
    let mut pads = vec![0; 2 * dims.len()];
    for (i, axis) in axes.iter().enumerate() {
        let at = usize::try_from(if *axis < 0 { axis + dims.len() as i64 } else { *axis }).ok()?;
        let Dim::Known(size) = *dims.get(at)? else { return None };
        let counted = |value: i64| (if value < 0 { value.saturating_add(size) } else { value }).clamp(0, size);
        let (start, end) = (counted(starts[i]), counted(ends[i]));
        if end < start {
            return None;
        }
        (pads[at], pads[at + dims.len()]) = (start, size - end);
    }
    Some(pads)
}

/// Columns of a table by their numbers.
fn columns(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let x = node.input(0);
    let places = t.positions(x);
    let picked = t.op_with("Gather", &[&places, node.input(1)], vec![int("axis", -1)]);
    let given = t.scatter(x, g, &picked);
    t.give(x, given);
    Ok(())
}

/// Pictures made larger or smaller, by repeating and leaving out elements or by mixing them.
fn resized(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    if node.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize" {
        return Err(Refusal::new("it crops"));
    }
    if node.text("mode", "nearest") != "nearest" {
        return super::resize::mixed(t, step);
    }
    let x = node.input(0);
    let places = t.positions(x);
    // The runtime resizes no 64-bit numbers; there are fewer than 2^31 elements.
    let small = t.op_with("Cast", &[&places], vec![int("to", i64::from(crate::proto::element::INT32))]);
    let mut inputs = vec![small.as_str()];
    inputs.extend(node.inputs.iter().skip(1).map(String::as_str));
    let picked = t.op_with("Resize", &inputs, node.attributes.clone());
    let picked = t.op_with("Cast", &[&picked], vec![int("to", i64::from(crate::proto::element::INT64))]);
    let given = t.scatter(x, g, &picked);
    t.give(x, given);
    Ok(())
}
