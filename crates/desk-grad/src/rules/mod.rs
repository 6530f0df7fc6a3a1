//! How a gradient passes back through each operator: one file for each family.

mod activation;
mod conv;
mod einsum;
mod elementwise;
mod index;
mod matmul;
mod norm;
mod pool;
mod reduce;
mod resize;
mod shape;
mod softmax;
pub(crate) mod window;

use crate::error::Refusal;
use crate::proto::{Node, element};
use crate::tape::Tape;
use crate::through::Through;

/// One node on the way back.
pub(crate) struct Step<'a> {
    pub node: &'a Node,
    /// The gradients of its outputs; `None` for those without influence.
    pub gradients: &'a [Option<String>],
}

impl Step<'_> {
    /// The gradient of the first output.
    pub fn gradient(&self) -> Result<&str, Refusal> {
        let first = self.gradients.first().and_then(Option::as_deref);
        first.ok_or_else(|| Refusal::new("only its second output is used"))
    }
}

/// Emits the gradients of a node's inputs.
pub(crate) type Backward = fn(&mut Tape<'_>, &Step<'_>) -> Result<(), Refusal>;

/// A rule and what it is for.
pub(crate) struct Rule {
    pub domain: &'static str,
    pub op: &'static str,
    pub family: &'static str,
    pub kind: Kind,
    pub backward: Backward,
}

/// How an operator answers to what changes with the inputs: what the ways beside the gradient go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Moves, picks or scales numbers.
    Linear,
    /// Adds several into each.
    Adds,
    /// A function of one number at each place.
    Bend {
        /// It is 0 at 0.
        from_zero: bool,
    },
    /// Linear in each of two inputs, or in the first of them.
    Product {
        /// It adds products up.
        adds: bool,
    },
    /// Picks the largest or smallest.
    Largest,
    /// Mixes numbers in a way that is none of these.
    Mixing,
}

/// An operator that gradients pass through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// Its operator set; empty for ONNX's own.
    pub domain: &'static str,
    /// Its name.
    pub op: &'static str,
    /// What kind of operator it is, for people.
    pub family: &'static str,
}

/// Every operator that gradients pass through, by family.
pub fn covered() -> impl Iterator<Item = Covered> {
    all().map(|rule| Covered { domain: rule.domain, op: rule.op, family: rule.family })
}

fn all() -> impl Iterator<Item = &'static Rule> {
    let families: [&[Rule]; 11] = [
        elementwise::RULES,
        activation::RULES,
        softmax::RULES,
        matmul::RULES,
        einsum::RULES,
        conv::RULES,
        pool::RULES,
        norm::RULES,
        shape::RULES,
        index::RULES,
        reduce::RULES,
    ];
    families.into_iter().flatten()
}

impl Rule {
    /// The same for an operator of another set than ONNX's own.
    const fn of(self, domain: &'static str) -> Self {
        Self { domain, ..self }
    }
}

/// A family's rule for an operator of ONNX's own set; one word for each [`Kind`].
const fn linear(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Linear, backward }
}

const fn adds(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Adds, backward }
}

const fn bend(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Bend { from_zero: true }, backward }
}

/// Something else than 0 at 0.
const fn lifted(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Bend { from_zero: false }, backward }
}

const fn product(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Product { adds: false }, backward }
}

const fn matrices(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Product { adds: true }, backward }
}

const fn largest_of(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Largest, backward }
}

const fn mixing(family: &'static str, op: &'static str, backward: Backward) -> Rule {
    Rule { domain: "", op, family, kind: Kind::Mixing, backward }
}

/// The rule of a node's operator.
pub(crate) fn find(node: &Node) -> Option<&'static Rule> {
    all().find(|rule| rule.op == node.op() && rule.domain == node.domain())
}

/// Operators whose answer changes in steps or not at all: their gradient is zero wherever there is one.
const STEPS: [&str; 25] = [
    "Shape",
    "Size",
    "ArgMax",
    "ArgMin",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "And",
    "Or",
    "Xor",
    "Not",
    "IsNaN",
    "IsInf",
    "NonZero",
    "Floor",
    "Ceil",
    "Round",
    "Sign",
    "ConstantOfShape",
    "EyeLike",
    "OneHot",
    "RandomNormalLike",
    "RandomUniformLike",
];

/// Operators that make values from nothing, or tables of a label each: no gradient needs to pass them.
const APART: [&str; 5] = ["Constant", "Range", "ZipMap", "RandomNormal", "RandomUniform"];

/// Of a model's operators, each with its set, those that a rule does not pass, for a first look without the
/// file: whether they lie on the way to the answer, [`crate::build`] tells.
pub fn uncovered<'a>(operators: impl Iterator<Item = (&'a str, &'a str)>, through: Through) -> Vec<String> {
    let passes = |domain: &str, op: &str| {
        let domain = if domain == "ai.onnx" { "" } else { domain };
        all().any(|rule| rule.op == op && rule.domain == domain && through.passes(rule.kind))
            || STEPS.contains(&op)
            || STEPS_OF_ML.contains(&op)
            || APART.contains(&op)
    };
    operators.filter(|(domain, op)| !passes(domain, op)).map(|(_, op)| op.to_owned()).collect()
}

/// Operators of the classic set whose answer changes in steps.
const STEPS_OF_ML: [&str; 3] = ["Binarizer", "LabelEncoder", "OneHotEncoder"];

/// True where nothing flows back through a node.
pub(crate) fn is_step(node: &Node) -> bool {
    match (node.domain(), node.op()) {
        ("", "Cast") => !element::is_float(node.int("to", 1) as i32),
        ("", op) => STEPS.contains(&op),
        ("ai.onnx.ml", op) => STEPS_OF_ML.contains(&op),
        _ => false,
    }
}

/// The operator with its set, where that is not ONNX's own.
pub(crate) fn full_name(node: &Node) -> String {
    let op = desk_core::words::escaped(node.op());
    if node.domain().is_empty() { op } else { format!("{}.{op}", desk_core::words::escaped(node.domain())) }
}

/// Refuses nodes of which another input than the first changes with the model's inputs.
pub(crate) fn only_first_active(tape: &Tape<'_>, node: &Node, what: &str) -> Result<(), Refusal> {
    let other = node.inputs.iter().skip(1).any(|name| tape.is_active(name));
    if other { Err(Refusal::new(format!("{what} change with the input"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_operator_has_one_rule() {
        let mut seen = HashSet::new();
        for covered in covered() {
            assert!(seen.insert((covered.domain, covered.op)), "{covered:?}");
            assert!(!covered.domain.is_empty() || !STEPS.contains(&covered.op), "{covered:?} is a step");
        }
        assert!(seen.len() > 90, "{}", seen.len());
    }
}
