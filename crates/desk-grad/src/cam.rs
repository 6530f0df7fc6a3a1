//! Grad-CAM (Selvaraju et al. 2017): where a convolution's channels speak for an output.
//!
//! Each channel of the layer's output counts by the mean of its gradient, what is below 0 in their sum is left out, and the
//! map is enlarged to the picture, each pixel between the four that are nearest (half-pixel centres, as torch's
//! `interpolate` and captum's `LayerAttribution.interpolate` do it).

use crate::attributes::{int, text};
use crate::error::{GradError, Refusal};
use crate::proto::{Node, element};
use crate::shapes::{Dim, Shapes};
use crate::tape::Tape;

/// Layers that an error names at most.
const NAMED: usize = 8;

/// The layer of the map.
pub(crate) struct Layer {
    /// Its output.
    pub value: String,
    /// For people: `Conv `block/conv2``.
    pub label: String,
}

/// The layer of that name, of a node or of its output; the last convolution over pictures when none is named. `nodes` are
/// those on the way, in an order in which they can be run.
pub(crate) fn layer(nodes: &[&Node], shapes: &Shapes, named: Option<&str>) -> Result<Layer, GradError> {
    let of_pictures = |value: &str| shapes.rank(value).is_none_or(|rank| rank == 4);
    let convolution = |node: &Node| matches!(node.op(), "Conv" | "ConvTranspose") && node.domain().is_empty();
    let own_name = |node: &Node| node.name.clone().unwrap_or_default();
    let last = nodes.iter().rev();
    let found = match named {
        Some(named) => {
            last.clone().find(|node| node.output(0) == named || !named.is_empty() && own_name(node) == named)
        }
        None => last.clone().find(|node| convolution(node) && of_pictures(node.output(0))),
    };
    let Some(node) = found.filter(|node| of_pictures(node.output(0))) else {
        let shown = |node: &Node| Some(own_name(node)).filter(|name| !name.is_empty());
        let layers = last.filter(|node| convolution(node) && of_pictures(node.output(0)));
        let layers = layers.take(NAMED).map(|node| shown(node).unwrap_or_else(|| node.output(0).to_owned())).collect();
        return Err(GradError::NoLayer { named: named.map(str::to_owned), layers });
    };
    Ok(Layer { value: node.output(0).to_owned(), label: node.label() })
}

/// The map of a layer in the shape of an input, the same in each channel.
pub(crate) fn map(t: &mut Tape<'_>, layer: &str, gradient: &str, input: &str) -> Result<String, Refusal> {
    let known = |t: &Tape<'_>, at: usize| match t.shapes.dims(input).and_then(|dims| dims.get(at)) {
        Some(Dim::Known(size)) => Some(*size),
        _ => None,
    };
    let rank = t.shapes.rank(input).unwrap_or(0);
    if rank != 3 && rank != 4 {
        return Err(Refusal::new("the input is no picture"));
    }
    // Channels are fewer than the pixels of a row.
    let channels_last = rank == 4 && known(t, 1).zip(known(t, 3)).is_some_and(|(second, last)| last < second);
    let first = if rank == 4 && !channels_last { 2 } else { 1 };

    let (space, channels) = (t.ints(&[2, 3]), t.ints(&[1]));
    let keep = || vec![int("keepdims", 1)];
    let weights = t.op_with("ReduceMean", &[gradient, &space], keep());
    let weighed = t.op("Mul", &[layer, &weights]);
    let sum = t.op_with("ReduceSum", &[&weighed, &channels], keep());
    let above = t.op("Relu", &[&sum]);

    let (shape, small) = (t.shape(input), t.op("Shape", &[&above]));
    let (from, to) = (t.ints(&[first]), t.ints(&[first + 2]));
    let (zero, two) = (t.ints(&[0]), t.ints(&[2]));
    let (pixels, head) = (t.op("Slice", &[&shape, &from, &to]), t.op("Slice", &[&small, &zero, &two]));
    let sizes = t.op_with("Concat", &[&head, &pixels], vec![int("axis", 0)]);
    // The runtime enlarges float32.
    let single = t.op_with("Cast", &[&above], vec![int("to", i64::from(element::FLOAT))]);
    let how = vec![text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel")];
    let large = t.op_with("Resize", &[&single, "", "", &sizes], how);
    let mut map = t.as_type_of(&large, input);
    if rank == 3 || channels_last {
        map = t.op("Squeeze", &[&map, &channels]);
    }
    if channels_last {
        let last = t.ints(&[3]);
        map = t.op("Unsqueeze", &[&map, &last]);
    }
    Ok(t.op("Expand", &[&map, &shape]))
}
