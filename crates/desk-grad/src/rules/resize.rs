//! Pictures made larger or smaller by mixing neighbours.

use super::Step;
use crate::attributes::int;
use crate::error::Refusal;
use crate::tape::Tape;

/// Rows and columns are mixed one after the other, each by a matrix: what the operator itself makes of the unit matrix,
/// whatever its mode and its way of placing pixels. The gradient goes back through the two matrices turned.
pub(super) fn mixed(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let x = node.input(0);
    if t.shapes.rank(x) != Some(4) {
        return Err(Refusal::new("it mixes neighbours in other than two dimensions"));
    }
    if node.attribute("axes").is_some() || node.text("keep_aspect_ratio_policy", "stretch") != "stretch" {
        return Err(Refusal::new("its size follows from some of its axes"));
    }
    let (of_rows, of_columns) = (matrix(t, step, 2)?, matrix(t, step, 3)?);
    let turned = t.transpose(&of_rows, &[0, 1, 3, 2]);
    let rows = t.op("MatMul", &[&turned, g]);
    let given = t.op("MatMul", &[&rows, &of_columns]);
    t.give(x, given);
    Ok(())
}

/// The matrix of one axis, 1 x 1 x after x before.
fn matrix(t: &mut Tape<'_>, step: &Step<'_>, axis: i64) -> Result<String, Refusal> {
    let node = step.node;
    let (from, to) = (t.ints(&[axis]), t.ints(&[axis + 1]));
    let slice = |t: &mut Tape<'_>, list: &str| t.op("Slice", &[list, &from, &to]);
    let shape = t.shape(node.input(0));
    let size = slice(t, &shape);
    let square = t.op_with("Concat", &[&size, &size], vec![int("axis", 0)]);
    let zeros = t.constant_of_shape(&square, node.input(0), 0.0);
    let (unit, first) = (t.op("EyeLike", &[&zeros]), t.ints(&[0, 1]));
    let unit = t.op("Unsqueeze", &[&unit, &first]);
    let joined = |t: &mut Tape<'_>, parts: &[&str]| t.op_with("Concat", parts, vec![int("axis", 0)]);
    if let Some(sizes) = node.optional(3) {
        let (ones, after) = (t.ints(&[1, 1]), slice(t, sizes));
        let sizes = joined(t, &[&ones, &after, &size]);
        return Ok(t.op_with("Resize", &[&unit, "", "", &sizes], node.attributes.clone()));
    }
    let scales = node.optional(2).ok_or_else(|| Refusal::new("it has neither scales nor sizes"))?;
    let (ones, one, scale) = (t.floats(scales, &[1.0, 1.0]), t.floats(scales, &[1.0]), slice(t, scales));
    let scales = joined(t, &[&ones, &scale, &one]);
    Ok(t.op_with("Resize", &[&unit, "", &scales], node.attributes.clone()))
}
