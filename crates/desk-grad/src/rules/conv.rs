//! Convolutions: grouped, depthwise, strided, dilated, and transposed.

use super::window::Window;
use super::{Rule, Step, adds, only_first_active};
use crate::error::Refusal;
use crate::proto::Node;
use crate::tape::Tape;

const FAMILY: &str = "convolutions";

pub(super) const RULES: &[Rule] = &[adds(FAMILY, "Conv", conv), adds(FAMILY, "ConvTranspose", transposed)];

/// The sizes of a node's weights.
fn weights(t: &Tape<'_>, node: &Node) -> Result<Vec<i64>, Refusal> {
    let unknown = || Refusal::new("the size of its weights is not known");
    t.shapes.sizes(node.input(1)).filter(|sizes| sizes.len() > 2).ok_or_else(unknown)
}

fn conv(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    only_first_active(t, node, "its weights")?;
    let (x, w) = (node.input(0), node.input(1));
    let sizes = weights(t, node)?;
    let mut window = Window::of(node, &sizes[2..])?;
    window.settle(t.shapes.dims(x), false)?;
    let given = match turned(&window) {
        Some(turned) => {
            let flipped = flipped(t, w, &sizes, window.group);
            t.op_with("Conv", &[g, &flipped], turned.attributes())
        }
        None => window.spread(t, g, w, x),
    };
    t.give(x, given);
    Ok(())
}

/// Windows that stand one by one are undone by another convolution, which runtimes do much faster than the
/// transposed one.
fn turned(window: &Window) -> Option<Window> {
    let n = window.kernel.len();
    if window.strides.iter().any(|stride| *stride != 1) {
        return None;
    }
    let mut turned = window.clone();
    for i in 0..n {
        turned.pads[i] = window.extent(i) - 1 - window.pads[i];
        turned.pads[i + n] = window.extent(i) - 1 - window.pads[i + n];
    }
    turned.pads.iter().all(|pad| *pad >= 0).then_some(turned)
}

/// The weights with inputs and outputs swapped within each group, and turned round in space. The runtime
/// does this once, when it loads the model.
fn flipped(t: &mut Tape<'_>, weights: &str, sizes: &[i64], group: i64) -> String {
    let (outputs, inputs, kernel) = (sizes[0], sizes[1], &sizes[2..]);
    let n = kernel.len() as i64;
    let depthwise = inputs == 1 && outputs == group;
    let mut w = weights.to_owned();
    if group == 1 {
        let order: Vec<i64> = [1, 0].into_iter().chain(2..2 + n).collect();
        w = t.transpose(&w, &order);
    } else if !depthwise {
        let apart: Vec<i64> = [group, outputs / group, inputs].into_iter().chain(kernel.iter().copied()).collect();
        let order: Vec<i64> = [0, 2, 1].into_iter().chain(3..3 + n).collect();
        let joined: Vec<i64> =
            [group.saturating_mul(inputs), outputs / group].into_iter().chain(kernel.iter().copied()).collect();
        let (apart, joined) = (t.ints(&apart), t.ints(&joined));
        let split = t.op("Reshape", &[&w, &apart]);
        let swapped = t.transpose(&split, &order);
        w = t.op("Reshape", &[&swapped, &joined]);
    }
    if kernel.iter().all(|size| *size == 1) {
        return w;
    }
    let axes: Vec<i64> = (2..2 + n).collect();
    let back = vec![-1; kernel.len()];
    let (starts, ends, axes, steps) =
        (t.ints(&back), t.ints(&vec![i64::MIN + 1; kernel.len()]), t.ints(&axes), t.ints(&back));
    t.op("Slice", &[&w, &starts, &ends, &axes, &steps])
}

/// The reverse of a convolution is one.
fn transposed(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    only_first_active(t, node, "its weights")?;
    if node.attribute("output_shape").is_some() || node.text("auto_pad", "NOTSET").starts_with("SAME") {
        return Err(Refusal::new("its padding follows from the size of its output"));
    }
    let sizes = weights(t, node)?;
    let window = Window::of(node, &sizes[2..])?;
    let given = t.op_with("Conv", &[g, node.input(1)], window.attributes());
    t.give(node.input(0), given);
    Ok(())
}
