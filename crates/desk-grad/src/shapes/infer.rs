//! The shape of each operator's outputs.

use super::{Dim, Shapes, overlaid, reshaped};
use crate::constants::Constants;
use crate::proto::Node;
use crate::rules::window::Window;

/// The dimensions of an output, where known.
type Found = Option<Vec<Dim>>;

/// The shapes of a node's outputs; fewer than it has where only the first is known.
pub(super) fn node(shapes: &mut Shapes, constants: &Constants<'_>, node: &Node) -> Vec<Found> {
    if node.op() == "Split" {
        return split(shapes, constants, node);
    }
    vec![first(shapes, constants, node)]
}

fn first(shapes: &mut Shapes, constants: &Constants<'_>, node: &Node) -> Found {
    let x = node.input(0);
    let of_x = || shapes.dims(x).map(<[Dim]>::to_vec);
    match node.op() {
        "Constant" => constants.dims(node.output(0)).map(|dims| dims.into_iter().map(Dim::Known).collect()),
        "Relu"
        | "LeakyRelu"
        | "PRelu"
        | "Elu"
        | "Selu"
        | "Celu"
        | "Sigmoid"
        | "Tanh"
        | "Softplus"
        | "Softsign"
        | "Erf"
        | "Gelu"
        | "HardSigmoid"
        | "HardSwish"
        | "Swish"
        | "Mish"
        | "ThresholdedRelu"
        | "Clip"
        | "Neg"
        | "Abs"
        | "Sqrt"
        | "Exp"
        | "Log"
        | "Reciprocal"
        | "Sin"
        | "Cos"
        | "Tan"
        | "Atan"
        | "Sinh"
        | "Cosh"
        | "Identity"
        | "Cast"
        | "CastLike"
        | "Dropout"
        | "Floor"
        | "Ceil"
        | "Round"
        | "Sign"
        | "Not"
        | "IsNaN"
        | "IsInf"
        | "Softmax"
        | "LogSoftmax"
        | "BatchNormalization"
        | "LayerNormalization"
        | "RMSNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "LpNormalization"
        | "Scaler"
        | "Normalizer"
        | "Imputer"
        | "CumSum"
        | "Trilu"
        | "ScatterElements"
        | "ScatterND"
        | "QuickGelu" => of_x(),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" | "Sum" | "Mean" | "Equal" | "Greater"
        | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Xor" | "Mod" | "Where" => overlay(shapes, node),
        "MatMul" => matmul(shapes, node),
        "Gemm" => gemm(shapes, node),
        "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool" | "LpPool" => windows(shapes, node),
        "GlobalAveragePool" | "GlobalMaxPool" => {
            let mut dims = of_x()?;
            dims.iter_mut().skip(2).for_each(|dim| *dim = Dim::Known(1));
            Some(dims)
        }
        "Shape" => {
            let rank = shapes.rank(x).filter(|_| node.attributes.is_empty())?;
            Some(vec![Dim::Known(rank as i64)])
        }
        "Gather" => {
            let (mut dims, indices) = (of_x()?, shapes.dims(node.input(1))?.to_vec());
            let at = axis(node.int("axis", 0), dims.len())?;
            dims.splice(at..=at, indices);
            Some(dims)
        }
        "Concat" => concat(shapes, node),
        op if op.starts_with("Reduce") => reduce(shapes, constants, node),
        _ => reshaped::node(shapes, constants, node),
    }
}

/// An axis counted from 0.
pub(super) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let counted = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(counted).ok().filter(|at| *at < rank)
}

/// All inputs laid over each other, aligned at the last dimension.
fn overlay(shapes: &mut Shapes, node: &Node) -> Found {
    let mut all: Vec<Vec<Dim>> = Vec::new();
    for input in &node.inputs {
        all.push(shapes.dims(input)?.to_vec());
    }
    let rank = all.iter().map(Vec::len).max()?;
    let mut dims = Vec::with_capacity(rank);
    for place in 0..rank {
        let mut found = Some(Dim::Known(1));
        for input in &all {
            let Some(at) = (place + input.len()).checked_sub(rank) else { continue };
            found = found.and_then(|dim| overlaid(dim, input[at]));
        }
        dims.push(found.unwrap_or_else(|| shapes.fresh()));
    }
    Some(dims)
}

fn matmul(shapes: &mut Shapes, node: &Node) -> Found {
    let (a, b) = (shapes.dims(node.input(0))?.to_vec(), shapes.dims(node.input(1))?.to_vec());
    let ([.., m, _], [.., n]) = (a.as_slice(), b.as_slice()) else { return None };
    if b.len() < 2 {
        return None;
    }
    let (outer_a, outer_b) = (&a[..a.len() - 2], &b[..b.len() - 2]);
    let rank = outer_a.len().max(outer_b.len());
    let mut dims = Vec::with_capacity(rank + 2);
    for place in 0..rank {
        let of = |outer: &[Dim]| (place + outer.len()).checked_sub(rank).map_or(Dim::Known(1), |at| outer[at]);
        dims.push(overlaid(of(outer_a), of(outer_b)).unwrap_or_else(|| shapes.fresh()));
    }
    dims.extend([*m, *n]);
    Some(dims)
}

fn gemm(shapes: &Shapes, node: &Node) -> Found {
    let (a, b) = (shapes.dims(node.input(0))?, shapes.dims(node.input(1))?);
    let (&[a0, a1], &[b0, b1]) = (a, b) else { return None };
    let m = if node.int("transA", 0) == 0 { a0 } else { a1 };
    Some(vec![m, if node.int("transB", 0) == 0 { b1 } else { b0 }])
}

/// Convolutions and pools.
fn windows(shapes: &mut Shapes, node: &Node) -> Found {
    let x = shapes.dims(node.input(0))?.to_vec();
    let spatial = x.len().checked_sub(2)?;
    let weights = shapes.sizes(node.input(1)).filter(|weights| weights.len() == x.len());
    let channels = match (node.op(), &weights) {
        ("Conv", Some(weights)) => Dim::Known(weights[0]),
        ("ConvTranspose", Some(weights)) => Dim::Known(weights[1].checked_mul(node.int("group", 1))?),
        ("Conv" | "ConvTranspose", None) => shapes.fresh(),
        _ => x[1],
    };
    let kernel = node.ints("kernel_shape").or_else(|| weights.map(|weights| weights[2..].to_vec()));
    let plain = node.op() != "ConvTranspose" && node.text("auto_pad", "NOTSET") == "NOTSET";
    let window = kernel.filter(|_| plain).and_then(|kernel| Window::of(node, &kernel).ok());
    let mut dims = vec![x[0], channels];
    for i in 0..spatial {
        let size = match (&window, x[2 + i]) {
            (Some(window), Dim::Known(size)) => window.count(i, size, node.int("ceil_mode", 0) != 0),
            _ => None,
        };
        dims.push(size.map_or_else(|| shapes.fresh(), Dim::Known));
    }
    Some(dims)
}

fn concat(shapes: &mut Shapes, node: &Node) -> Found {
    let mut dims = shapes.dims(node.input(0))?.to_vec();
    let at = axis(node.int("axis", 0), dims.len())?;
    let mut sum = Some(0i64);
    for input in &node.inputs {
        let other = shapes.dims(input)?;
        if other.len() != dims.len() {
            return None;
        }
        for (i, dim) in other.iter().enumerate().filter(|(i, _)| *i != at) {
            // They are equal, so a number that one of them knows is that of all.
            if matches!(dim, Dim::Known(_)) {
                dims[i] = *dim;
            }
        }
        sum = match other[at] {
            Dim::Known(size) => sum.and_then(|sum| sum.checked_add(size)),
            Dim::Same(_) => None,
        };
    }
    dims[at] = sum.map_or_else(|| shapes.fresh(), Dim::Known);
    Some(dims)
}

fn split(shapes: &mut Shapes, constants: &Constants<'_>, node: &Node) -> Vec<Found> {
    let Some(dims) = shapes.dims(node.input(0)).map(<[Dim]>::to_vec) else { return Vec::new() };
    let Some(at) = axis(node.int("axis", 0), dims.len()) else { return Vec::new() };
    let sizes = node.optional(1).and_then(|split| constants.ints(split));
    let mut found = Vec::with_capacity(node.outputs.len());
    for i in 0..node.outputs.len() {
        let mut part = dims.clone();
        part[at] = match (&sizes, dims[at]) {
            (Some(sizes), _) if sizes.len() == node.outputs.len() => Dim::Known(sizes[i]),
            (None, Dim::Known(whole)) if node.optional(1).is_none() && whole % node.outputs.len() as i64 == 0 => {
                Dim::Known(whole / node.outputs.len() as i64)
            }
            _ => shapes.fresh(),
        };
        found.push(Some(part));
    }
    found
}

fn reduce(shapes: &Shapes, constants: &Constants<'_>, node: &Node) -> Found {
    let mut dims = shapes.dims(node.input(0))?.to_vec();
    let keep = node.int("keepdims", 1) != 0;
    let axes = match node.optional(1) {
        Some(axes) => constants.ints(axes)?,
        None => Vec::new(),
    };
    if axes.is_empty() && node.int("noop_with_empty_axes", 0) != 0 {
        return Some(dims);
    }
    let all = axes.is_empty();
    let places: Vec<usize> = axes.iter().map(|at| axis(*at, dims.len())).collect::<Option<_>>()?;
    let reduced = |i: usize| all || places.contains(&i);
    if keep {
        (0..dims.len()).filter(|i| reduced(*i)).for_each(|i| dims[i] = Dim::Known(1));
        return Some(dims);
    }
    Some(dims.iter().enumerate().filter(|(i, _)| !reduced(*i)).map(|(_, dim)| *dim).collect())
}
