//! Shapes of operators that only put elements in another arrangement.

use super::infer::axis;
use super::{Dim, Shapes, overlaid};
use crate::constants::Constants;
use crate::proto::Node;

pub(super) fn node(shapes: &mut Shapes, constants: &Constants<'_>, node: &Node) -> Option<Vec<Dim>> {
    match node.op() {
        "Reshape" => reshape(shapes, constants, node),
        "Flatten" => flatten(shapes, node),
        "Transpose" => {
            let dims = shapes.dims(node.input(0))?;
            let Some(order) = node.ints("perm") else { return Some(dims.iter().rev().copied().collect()) };
            if order.len() != dims.len() {
                return None;
            }
            order.iter().map(|at| axis(*at, dims.len()).map(|at| dims[at])).collect()
        }
        "Squeeze" => squeeze(shapes, constants, node),
        "Unsqueeze" => {
            let dims = shapes.dims(node.input(0))?;
            let axes = constants.ints(node.optional(1)?)?;
            let rank = dims.len() + axes.len();
            let places: Vec<usize> = axes.iter().map(|at| axis(*at, rank)).collect::<Option<_>>()?;
            let mut rest = dims.iter();
            (0..rank).map(|i| if places.contains(&i) { Some(Dim::Known(1)) } else { rest.next().copied() }).collect()
        }
        "Slice" => slice(shapes, constants, node),
        "Pad" => {
            let (dims, pads) = (shapes.dims(node.input(0))?.to_vec(), constants.ints(node.optional(1)?)?);
            if pads.len() != 2 * dims.len() || node.optional(3).is_some() {
                return Some((0..dims.len()).map(|_| shapes.fresh()).collect());
            }
            let grown = |(i, dim): (usize, &Dim)| match (pads[i].checked_add(pads[i + dims.len()]), dim) {
                (Some(0), dim) => Some(*dim),
                (Some(more), Dim::Known(size)) => size.checked_add(more).map(Dim::Known),
                _ => None,
            };
            let found: Vec<Option<Dim>> = dims.iter().enumerate().map(grown).collect();
            Some(found.into_iter().map(|dim| dim.unwrap_or_else(|| shapes.fresh())).collect())
        }
        "Expand" => {
            let dims = shapes.dims(node.input(0))?.to_vec();
            let Some(to) = constants.ints(node.input(1)) else {
                let rank = shapes.counted(node.input(1))?.max(dims.len());
                return Some((0..rank).map(|_| shapes.fresh()).collect());
            };
            let rank = dims.len().max(to.len());
            let at = |i: usize, len: usize| (i + len).checked_sub(rank);
            let pick = |i: usize| {
                let a = at(i, dims.len()).map_or(Dim::Known(1), |i| dims[i]);
                overlaid(a, at(i, to.len()).map_or(Dim::Known(1), |i| Dim::Known(to[i])))
            };
            let found: Vec<Option<Dim>> = (0..rank).map(pick).collect();
            Some(found.into_iter().map(|dim| dim.unwrap_or_else(|| shapes.fresh())).collect())
        }
        "ConstantOfShape" => {
            let rank = match constants.ints(node.input(0)) {
                Some(sizes) => return Some(sizes.into_iter().map(Dim::Known).collect()),
                None => shapes.counted(node.input(0))?,
            };
            Some((0..rank).map(|_| shapes.fresh()).collect())
        }
        "Tile" | "Resize" | "GatherElements" => {
            let rank = shapes.rank(if node.op() == "GatherElements" { node.input(1) } else { node.input(0) })?;
            Some((0..rank).map(|_| shapes.fresh()).collect())
        }
        "DepthToSpace" | "SpaceToDepth" => {
            let batch = *shapes.dims(node.input(0))?.first()?;
            Some(vec![batch, shapes.fresh(), shapes.fresh(), shapes.fresh()])
        }
        _ => None,
    }
}

fn reshape(shapes: &mut Shapes, constants: &Constants<'_>, node: &Node) -> Option<Vec<Dim>> {
    let Some(to) = constants.ints(node.input(1)) else {
        // A shape that is worked out in the graph: how many dimensions it has may be known.
        let rank = shapes.counted(node.input(1))?;
        return Some((0..rank).map(|_| shapes.fresh()).collect());
    };
    let from = shapes.dims(node.input(0)).map(<[Dim]>::to_vec);
    let copies = node.int("allowzero", 0) == 0;
    let mut dims: Vec<Option<Dim>> = Vec::with_capacity(to.len());
    for (i, size) in to.iter().enumerate() {
        dims.push(match size {
            0 if copies => from.as_ref().and_then(|from| from.get(i).copied()),
            0.. => Some(Dim::Known(*size)),
            _ => None,
        });
    }
    let open: Vec<usize> = (0..dims.len()).filter(|i| dims[*i].is_none()).collect();
    if let (Some(from), [at]) = (&from, open.as_slice()) {
        dims[*at] = left_open(from, &dims);
    }
    Some(dims.into_iter().map(|dim| dim.unwrap_or_else(|| shapes.fresh())).collect())
}

/// The one size that is left open: the number of elements stays what it was.
fn left_open(from: &[Dim], to: &[Option<Dim>]) -> Option<Dim> {
    let (product_from, mut rest) = product(from);
    let given: Vec<Dim> = to.iter().flatten().copied().collect();
    let (product_to, unknown_to) = product(&given);
    for dim in unknown_to {
        let place = rest.iter().position(|other| *other == dim)?;
        rest.remove(place);
    }
    match (product_from?, product_to?, rest.as_slice()) {
        (a, b, []) if b > 0 && a % b == 0 => Some(Dim::Known(a / b)),
        (a, b, [one]) if a == b && b > 0 => Some(*one),
        _ => None,
    }
}

/// The product of the known sizes, and the unknown ones.
fn product(dims: &[Dim]) -> (Option<i64>, Vec<Dim>) {
    let mut known = Some(1i64);
    let mut unknown = Vec::new();
    for dim in dims {
        match dim {
            Dim::Known(size) => known = known.and_then(|product| product.checked_mul(*size)),
            Dim::Same(_) => unknown.push(*dim),
        }
    }
    (known, unknown)
}

fn flatten(shapes: &mut Shapes, node: &Node) -> Option<Vec<Dim>> {
    let dims = shapes.dims(node.input(0))?.to_vec();
    let at = node.int("axis", 1);
    let at = if at == dims.len() as i64 { dims.len() } else { axis(at, dims.len())? };
    let (outer, inner) = dims.split_at(at);
    let mut side = |part: &[Dim]| match product(part) {
        (Some(size), unknown) if unknown.is_empty() => Dim::Known(size),
        (Some(1), unknown) if unknown.len() == 1 => unknown[0],
        _ => shapes.fresh(),
    };
    Some(vec![side(outer), side(inner)])
}

fn squeeze(shapes: &Shapes, constants: &Constants<'_>, node: &Node) -> Option<Vec<Dim>> {
    let dims = shapes.dims(node.input(0))?;
    let axes = constants.ints(node.optional(1)?)?;
    let places: Vec<usize> = axes.iter().map(|at| axis(*at, dims.len())).collect::<Option<_>>()?;
    Some(dims.iter().enumerate().filter(|(i, _)| !places.contains(i)).map(|(_, dim)| *dim).collect())
}

fn slice(shapes: &mut Shapes, constants: &Constants<'_>, node: &Node) -> Option<Vec<Dim>> {
    let mut dims = shapes.dims(node.input(0))?.to_vec();
    let ints = |at: usize| node.optional(at).and_then(|name| constants.ints(name));
    let axes = match node.optional(3) {
        Some(axes) => constants.ints(axes),
        None => ints(1).map(|starts| (0..starts.len() as i64).collect()),
    };
    let Some(axes) = axes else { return Some((0..dims.len()).map(|_| shapes.fresh()).collect()) };
    let (starts, ends) = (ints(1), ints(2));
    let steps = if node.optional(4).is_some() { ints(4) } else { Some(vec![1; axes.len()]) };
    for (i, at) in axes.iter().enumerate() {
        let at = axis(*at, dims.len())?;
        let known = match (&starts, &ends, &steps, dims[at]) {
            (Some(starts), Some(ends), Some(steps), Dim::Known(size)) if steps.get(i) == Some(&1) => {
                let clamp = |value: &i64| {
                    let value = if *value < 0 { value.saturating_add(size) } else { *value };
                    value.clamp(0, size)
                };
                starts.get(i).zip(ends.get(i)).map(|(start, end)| (clamp(end) - clamp(start)).max(0))
            }
            _ => None,
        };
        dims[at] = known.map_or_else(|| shapes.fresh(), Dim::Known);
    }
    Some(dims)
}
