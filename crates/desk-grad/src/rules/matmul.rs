//! Products of matrices.

use super::{Rule, Step, matrices};
use crate::attributes::{float, int, text};
use crate::error::Refusal;
use crate::tape::Tape;

const FAMILY: &str = "matrices";

pub(super) const RULES: &[Rule] = &[matrices(FAMILY, "MatMul", matmul), matrices(FAMILY, "Gemm", gemm)];

/// y = a b: a has g bᵀ, b has aᵀ g.
fn matmul(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (a, b) = (node.input(0), node.input(1));
    // Against a reference each side counts at the middle of the other.
    let (at_a, at_b) = (t.middle(a), t.middle(b));
    let (of_a, of_b) = (t.shapes.rank(a), t.shapes.rank(b));
    if of_a == Some(1) || t.is_active(b) && of_b == Some(1) {
        return Err(Refusal::new("one side is a vector"));
    }
    if t.is_active(a) && of_b == Some(1) {
        let (last, first) = (t.ints(&[-1]), t.ints(&[0]));
        let (column, row) = (t.op("Unsqueeze", &[g, &last]), t.op("Unsqueeze", &[&at_b, &first]));
        let given = t.op("Mul", &[&column, &row]);
        t.give(a, given);
    } else if t.is_active(a) {
        let turned = swapped(t, &at_b, of_b);
        let given = t.op("MatMul", &[g, &turned]);
        // A plain matrix at the right repeats nothing of what stands at the left.
        if of_b == Some(2) { t.give(a, given) } else { give_of_batch(t, a, given, node.output(0)) }
    }
    if t.is_active(b) {
        let turned = swapped(t, &at_a, of_a);
        let given = t.op("MatMul", &[&turned, g]);
        give_of_batch(t, b, given, node.output(0));
    }
    Ok(())
}

/// Gives a gradient whose last two dimensions are the value's own, and whose others are the product's.
fn give_of_batch(t: &mut Tape<'_>, value: &str, gradient: String, product: &str) {
    let dims = t.shapes.dims(value).zip(t.shapes.dims(product)).and_then(|(own, product)| {
        let (outer, own) = (product.len().checked_sub(2)?, own.len().checked_sub(2).map(|at| &own[at..])?);
        Some([&product[..outer], own].concat())
    });
    t.give_from(value, gradient, dims.as_deref());
}

/// The last two dimensions swapped, of however many there are.
fn swapped(t: &mut Tape<'_>, value: &str, rank: Option<usize>) -> String {
    let Some(rank) = rank else {
        return t.op_with("Einsum", &[value], vec![text("equation", "...ij->...ji")]);
    };
    let rank = rank as i64;
    let order: Vec<i64> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    t.transpose(value, &order)
}

/// y = alpha * a' b' + beta * c, where a' and b' may be turned.
fn gemm(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (a, b) = (node.input(0), node.input(1));
    let (turn_a, turn_b) = (node.int("transA", 0) != 0, node.int("transB", 0) != 0);
    let alpha = node.float("alpha", 1.0);
    let product = |t: &mut Tape<'_>, left: &str, right: &str, turn_left: bool, turn_right: bool| {
        let attributes =
            vec![float("alpha", alpha), int("transA", i64::from(turn_left)), int("transB", i64::from(turn_right))];
        t.op_with("Gemm", &[left, right], attributes)
    };
    if t.is_active(a) {
        let at = t.middle(b);
        let given = if turn_a { product(t, &at, g, turn_b, true) } else { product(t, g, &at, false, !turn_b) };
        t.give(a, given);
    }
    if t.is_active(b) {
        let at = t.middle(a);
        let given = if turn_b { product(t, g, &at, true, turn_a) } else { product(t, &at, g, !turn_a, false) };
        t.give(b, given);
    }
    if let Some(c) = node.optional(2).filter(|c| t.is_active(c)) {
        let beta = node.float("beta", 1.0);
        let scaled = if beta == 1.0 {
            g.to_owned()
        } else {
            let beta = t.float(c, beta);
            t.op("Mul", &[g, &beta])
        };
        t.give_summed(c, scaled, node.output(0));
    }
    Ok(())
}
