//! Sums of products by the letters of their dimensions.

use super::{Rule, Step, matrices};
use crate::attributes::text;
use crate::error::Refusal;
use crate::tape::Tape;
use crate::through::Through;

pub(super) const RULES: &[Rule] = &[matrices("matrices", "Einsum", einsum)];

/// The letters of each input and of the output.
struct Letters {
    inputs: Vec<String>,
    output: String,
}

impl Letters {
    fn of(equation: &str, inputs: usize) -> Result<Self, Refusal> {
        let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match equation.split_once("->") {
            Some((left, right)) => (left, Some(right.to_owned())),
            None => (equation.as_str(), None),
        };
        let terms: Vec<String> = left.split(',').map(str::to_owned).collect();
        let repeats = |term: &String| term.chars().enumerate().any(|(i, c)| term.chars().skip(i + 1).any(|d| c == d));
        let plain = |term: &String| term.chars().all(|c| c.is_ascii_alphabetic());
        let output = right.unwrap_or_else(|| once(left));
        if terms.len() != inputs || !terms.iter().chain([&output]).all(plain) {
            return Err(Refusal::new("its equation has other than a letter for each dimension"));
        }
        if terms.iter().any(repeats) {
            return Err(Refusal::new("it takes a diagonal"));
        }
        Ok(Self { inputs: terms, output })
    }
}

/// Without an arrow the output has the letters that stand once, in their order in the alphabet.
fn once(left: &str) -> String {
    let mut letters: Vec<char> = left.chars().filter(char::is_ascii_alphabetic).collect();
    letters.sort_unstable();
    letters.chunk_by(|a, b| a == b).filter(|same| same.len() == 1).map(|same| same[0]).collect()
}

/// Each input has the product of the gradient with the other inputs; what it alone was summed over has it throughout.
fn einsum(t: &mut Tape<'_>, step: &Step<'_>) -> Result<(), Refusal> {
    let (g, node) = (step.gradient()?, step.node);
    let letters = Letters::of(&node.text("equation", ""), node.inputs.len())?;
    let changing = node.inputs.iter().filter(|name| t.is_active(name)).count();
    if t.through == Through::Rescale && changing > 2 {
        return Err(Refusal::new("DeepLIFT has no rule for a product of more than two that change"));
    }
    for (at, x) in node.inputs.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        if !t.is_active(x) {
            continue;
        }
        let others = || (0..node.inputs.len()).filter(|other| *other != at);
        let known = |c: &char| letters.output.contains(*c) || others().any(|other| letters.inputs[other].contains(*c));
        let own = &letters.inputs[at];
        let (met, alone): (Vec<usize>, Vec<usize>) =
            (0..own.len()).partition(|i| own[*i..].chars().next().is_some_and(|c| known(&c)));
        let result: String = met.iter().filter_map(|i| own[*i..].chars().next()).collect();
        let mut terms: Vec<&str> = others().map(|other| letters.inputs[other].as_str()).collect();
        terms.push(&letters.output);
        let equation = format!("{}->{result}", terms.join(","));
        let mut inputs: Vec<String> = others().map(|other| t.middle(node.input(other))).collect();
        inputs.push(g.to_owned());
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let mut given = t.op_with("Einsum", &inputs, vec![text("equation", &equation)]);
        if !alone.is_empty() {
            let axes: Vec<i64> = alone.iter().map(|i| *i as i64).collect();
            let (axes, shape) = (t.ints(&axes), t.shape(x));
            given = t.op("Unsqueeze", &[&given, &axes]);
            given = t.op("Expand", &[&given, &shape]);
        }
        t.give(x, given);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read() {
        let read = |equation: &str, inputs| Letters::of(equation, inputs).map(|letters| letters.output).ok();
        assert_eq!(read("ij, jk -> ik", 2).as_deref(), Some("ik"));
        assert_eq!(read("kj,ji", 2).as_deref(), Some("ik"));
        assert_eq!((read("ii->i", 1), read("...i->i", 1), read("ij->ji", 2), read("", 0)), (None, None, None, None));
    }
}
