//! The rule by which a number at the output is passed back: the gradient, or one of the rules that change it.
//!
//! All of them walk the graph in the same way and agree on what is linear. They differ at nonlinearities, and the
//! difference is always one factor, which stands here; operators that mix many numbers ask for the reference's
//! themselves ([`Tape::reference`], [`Tape::middle`]).

use crate::error::Refusal;
use crate::proto::Node;
use crate::rules::{Kind, Rule, Step};
use crate::tape::Tape;

/// How a number at the output is passed back to the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Through {
    /// The gradient.
    #[default]
    Gradient,
    /// Guided backpropagation (Springenberg et al. 2015): at rectifiers only what is above 0 on the way back passes,
    /// where the input is above 0. Rectifiers are Relu, ThresholdedRelu and Clip from 0; elsewhere it is the gradient,
    /// as in captum's `GuidedBackprop`.
    Guided,
    /// Epsilon-LRP (Bach et al. 2015) as a gradient with changed slopes (Ancona et al. 2018): an activation passes
    /// f(z) / z, a layer that adds up to z passes |z| / (|z| + epsilon). Times the input it is the relevance that captum's
    /// `LRP` gives with its `EpsilonRule`; largest elements take all.
    Relevance {
        /// Above 0.
        epsilon: f64,
    },
    /// The rescale rule of DeepLIFT (Shrikumar et al. 2017): multipliers against a reference row. An activation passes
    /// (f(x) - f(r)) / (x - r), its slope where the two are too near to each other. Max pools are split at the larger of
    /// their two answers as captum does; products of two values that change take each side at the middle of the other
    /// (shap's rule), softmax and normalisations are taken apart into such steps. So the multipliers times
    /// (x - r) add up to what the output moved by, wherever nothing on the way changes in steps.
    Rescale,
    /// Grad-CAM: the gradient, up to a layer. In the place of each input's gradient comes the map of the layer.
    Cam,
}

impl Through {
    /// The name in errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gradient | Self::Cam => "the gradient",
            Self::Guided => "guided backpropagation",
            Self::Relevance { .. } => "LRP",
            Self::Rescale => "DeepLIFT",
        }
    }

    /// True when operators of the kind pass, as far as that is known without the graph.
    pub(crate) fn passes(self, kind: Kind) -> bool {
        let refused = matches!(kind, Kind::Mixing | Kind::Bend { from_zero: false });
        !(refused && matches!(self, Self::Relevance { .. }))
    }
}

/// Two inputs of an activation that differ by less than this part of their size give the slope and no quotient: beyond
/// it float32 has rounded away what the quotient is made of.
const NEAR: f64 = 1e-5;

/// Passes a node by the rule of the tape.
pub(crate) fn pass(t: &mut Tape<'_>, rule: &Rule, step: &Step<'_>) -> Result<(), Refusal> {
    match t.through {
        Through::Gradient | Through::Cam => (rule.backward)(t, step),
        Through::Guided => guided(t, rule, step),
        Through::Relevance { epsilon } => relevance(t, rule, step, epsilon),
        Through::Rescale => rescale(t, rule, step),
    }
}

fn guided(t: &mut Tape<'_>, rule: &Rule, step: &Step<'_>) -> Result<(), Refusal> {
    let node = step.node;
    let rectifier = match node.op() {
        "Relu" | "ThresholdedRelu" => true,
        "Clip" => node.optional(1).is_some_and(|least| t.constants.number(least) == Some(0.0)),
        _ => false,
    };
    if !rectifier {
        return (rule.backward)(t, step);
    }
    t.rectifiers += 1;
    let above = t.op("Relu", &[step.gradient()?]);
    (rule.backward)(t, &Step { node, gradients: &[Some(above)] })
}

fn relevance(t: &mut Tape<'_>, rule: &Rule, step: &Step<'_>, epsilon: f64) -> Result<(), Refusal> {
    let node = step.node;
    match rule.kind {
        Kind::Linear => (rule.backward)(t, step),
        Kind::Adds => summed(t, rule, step, epsilon),
        Kind::Product { adds } => {
            let changing = changing(t, node);
            if changing.len() > 1 || node.op() == "Div" && changing != [0] {
                return Err(Refusal::new("LRP has no rule where two values that change meet in a product"));
            }
            if adds { summed(t, rule, step, epsilon) } else { (rule.backward)(t, step) }
        }
        // Homogeneous of the first degree: the slope is the quotient.
        Kind::Largest => {
            let others = node.inputs.iter().filter(|name| !t.is_active(name));
            let mut limits = others.filter(|_| matches!(node.op(), "Max" | "Min"));
            if limits.any(|name| t.constants.number(name) != Some(0.0)) {
                return Err(Refusal::new("LRP has no rule for a limit that is not 0"));
            }
            (rule.backward)(t, step)
        }
        Kind::Bend { from_zero: true } if is_zero_at_zero(t, node) => bent(t, rule, step),
        Kind::Bend { .. } => Err(Refusal::new("LRP has no rule for what is not 0 at 0")),
        Kind::Mixing => Err(Refusal::new("LRP has no rule for it")),
    }
}

fn rescale(t: &mut Tape<'_>, rule: &Rule, step: &Step<'_>) -> Result<(), Refusal> {
    let node = step.node;
    match rule.kind {
        Kind::Bend { .. } => bent(t, rule, step),
        Kind::Largest if matches!(node.op(), "Max" | "Min") => match changing(t, node).as_slice() {
            [_] => bent(t, rule, step),
            [0, 1] if node.inputs.len() == 2 => shared_extreme(t, step),
            _ => Err(Refusal::new("DeepLIFT has no rule for the largest of more than two")),
        },
        // What mixes, multiplies or pools asks for the reference itself.
        _ => (rule.backward)(t, step),
    }
}

/// Places of the inputs that change with the model's.
fn changing(t: &Tape<'_>, node: &Node) -> Vec<usize> {
    node.inputs.iter().enumerate().filter(|(_, name)| t.is_active(name)).map(|(at, _)| at).collect()
}

/// A layer that adds up to z passes |z| / (|z| + epsilon).
fn summed(t: &mut Tape<'_>, rule: &Rule, step: &Step<'_>, epsilon: f64) -> Result<(), Refusal> {
    let (node, z) = (step.node, step.node.output(0));
    // What is yet to get its bias is no sum of its own.
    if t.is_before_bias(z) {
        return (rule.backward)(t, step);
    }
    let (size, epsilon) = (t.op("Abs", &[z]), t.float(z, epsilon));
    let lifted = t.op("Add", &[&size, &epsilon]);
    let share = t.op("Div", &[&size, &lifted]);
    let kept = t.op("Mul", &[step.gradient()?, &share]);
    (rule.backward)(t, &Step { node, gradients: &[Some(kept)] })
}

/// True when a function of one number that can be 0 at 0 is so with the constants that it has here.
fn is_zero_at_zero(t: &Tape<'_>, node: &Node) -> bool {
    let number = |at: usize| node.optional(at).map(|name| t.constants.number(name));
    match node.op() {
        "Clip" => {
            number(1).is_none_or(|least| least.is_some_and(|least| least <= 0.0))
                && number(2).is_none_or(|most| most.is_some_and(|most| most >= 0.0))
        }
        "Pow" => number(1).flatten().is_some_and(|power| power > 0.0),
        _ => true,
    }
}

/// A function of one number: the quotient of what it moved by and what its input moved by, in the place of the slope.
fn bent(t: &mut Tape<'_>, rule: &Rule, step: &Step<'_>) -> Result<(), Refusal> {
    let node = step.node;
    let [at] = changing(t, node)[..] else {
        return Err(Refusal::new(format!("{} has no rule for two sides that change", t.through.name())));
    };
    // Laid over something larger, one number of the input would stand behind several of the output.
    let mut others = node.inputs.iter().enumerate().filter(|(other, name)| *other != at && !name.is_empty());
    let spread = matches!(node.op(), "Pow" | "Max" | "Min");
    if spread && others.any(|(_, name)| t.constants.number(name).is_none()) {
        return Err(Refusal::new(format!("{} needs its other side to be one number", t.through.name())));
    }
    (rule.backward)(t, step)?;
    let (x, y) = (node.input(at), node.output(0));
    let Some(slope) = t.take_last(x) else { return Ok(()) };
    let moved = match t.reference(y) {
        Some(reference) => t.op("Sub", &[y, &reference]),
        None => y.to_owned(),
    };
    let part = t.op("Mul", &[step.gradient()?, &moved]);
    let given = over(t, &part, &slope, x);
    t.give(x, given);
    Ok(())
}

/// A part of what the output moved by, divided by what the input moved by, from the reference or from 0; `slope` where
/// there is nothing to divide by.
pub(crate) fn over(t: &mut Tape<'_>, part: &str, slope: &str, x: &str) -> String {
    if let Some(reference) = t.reference(x) {
        return over_from(t, part, slope, (x, &reference), x);
    }
    let zero = t.float(x, 0.0);
    let near = t.op("Equal", &[x, &zero]);
    quotient(t, part, slope, (x, &near), x)
}

/// As [`over`], between two values that need not be the model's; `like` is one of it with their type.
pub(crate) fn over_from(t: &mut Tape<'_>, part: &str, slope: &str, (x, from): (&str, &str), like: &str) -> String {
    let moved = t.op("Sub", &[x, from]);
    let (a, b, far) = (t.op("Abs", &[x]), t.op("Abs", &[from]), t.op("Abs", &[&moved]));
    let (sizes, part_of) = (t.op("Add", &[&a, &b]), t.float(like, NEAR));
    let least = t.op("Mul", &[&sizes, &part_of]);
    let near = t.op("LessOrEqual", &[&far, &least]);
    quotient(t, part, slope, (&moved, &near), like)
}

fn quotient(t: &mut Tape<'_>, part: &str, slope: &str, (moved, near): (&str, &str), like: &str) -> String {
    let one = t.float(like, 1.0);
    let divisor = t.op("Where", &[near, &one, moved]);
    let quotient = t.op("Div", &[part, &divisor]);
    t.op("Where", &[near, slope, &quotient])
}

/// The larger or smaller of two: what it moves by when one side moves, in the mean over where the other side stands.
fn shared_extreme(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let (op, y) = (node.op(), node.output(0));
    for (at, other) in [(0, 1), (1, 0)] {
        let (a, b) = (node.input(at), node.input(other));
        let (Some(a0), Some(b0)) = (t.reference(a), t.reference(b)) else { continue };
        let (from, to) = (t.op(op, &[&a0, b]), t.op(op, &[a, &b0]));
        let (first, start) = (t.op("Sub", &[y, &from]), t.op(op, &[&a0, &b0]));
        let second = t.op("Sub", &[&to, &start]);
        let (both, half) = (t.op("Add", &[&first, &second]), t.float(y, 0.5));
        let mean = t.op("Mul", &[&both, &half]);
        let part = t.op("Mul", &[g, &mean]);
        let wins = t.op("Equal", &[a, y]);
        let wins = t.as_type_of(&wins, y);
        let slope = t.op("Mul", &[g, &wins]);
        let given = over(t, &part, &slope, a);
        t.give_summed(a, given, y);
    }
    Ok(())
}
