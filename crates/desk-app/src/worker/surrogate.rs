//! A small tree in place of the model: what to ask for, and what to know of how far it may be believed.

use desk_core::Fault;
use desk_core::words::quoted;
use desk_explain::global::{Estimate, Surrogate, SurrogateRequest, surrogate_tree};

use super::function::Graph;
use super::global::Asked;
use super::protocol::GlobalReply;
use super::roles::Task;

/// A tree that gives less of the variance of the model's answers is told of.
const GOOD_R2: f64 = 0.8;
/// A tree that names the model's class less often is told of.
const GOOD_AGREEMENT: f64 = 0.9;

impl Asked<'_> {
    /// Grows the tree; `depth`, `least` and `seed` as in [`SurrogateRequest`].
    pub(super) fn surrogate(
        &self,
        graph: &mut Graph<'_>,
        output: Option<&str>,
        (depth, least, seed): (usize, Option<usize>, u64),
        reply: &mut GlobalReply,
    ) -> Result<(), Fault> {
        let output = Self::output(graph, output)?;
        let shares = graph.roles.task == Task::Classification && self.are_shares(graph, self.table)?;
        let asked = SurrogateRequest { output, depth, least, shares, seed };
        let mut subject = self.subject(graph, self.table, self.numbers);
        let found = surrogate_tree(&mut subject, &asked).map_err(|error| self.stopped(error))?;
        reply.output_names = Self::output_names(graph, &found.outputs);
        reply.warnings.extend(told(&found, &reply.output_names));
        reply.surrogate = Some(found);
        Ok(())
    }
}

/// What to know of the tree before it is believed.
fn told(found: &Surrogate, names: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    for (r2, name) in found.fidelity.r2.iter().zip(names) {
        match r2 {
            None => told.push(format!(
                "The model answers {} alike in all rows that were held out: what the tree gives of it cannot be told",
                quoted(name)
            )),
            Some(r2) => told.extend(poor(*r2, GOOD_R2, &format!("R² of {}", quoted(name)))),
        }
    }
    if let Some(agreement) = &found.fidelity.agreement {
        told.extend(poor(agreement.share, GOOD_AGREEMENT, "the same class as the model"));
        if agreement.share.low <= agreement.constant && found.nodes.len() > 1 {
            told.push(format!(
                "Naming the model's most frequent class in every row agrees with it in {:.1} % of them: the tree is not \
                 shown to do better",
                100.0 * agreement.constant
            ));
        }
    }
    if found.nodes.len() == 1 {
        told.push("No cut of the rows tells the model's answers apart: the tree is one leaf".to_owned());
    }
    told
}

/// Below the line, or not shown to lie above it.
fn poor(found: Estimate, line: f64, what: &str) -> Option<String> {
    let Estimate { value, low, high } = found;
    let numbers = format!("{what} is {value:.3} ({low:.3} to {high:.3}) on rows that it was not grown with");
    if value < line {
        Some(format!("The tree stands poorly for the model: {numbers}, below {line}"))
    } else if low < line {
        Some(format!("These rows do not show that the tree stands well for the model: {numbers}, from below {line}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poor_tree_is_told_and_a_good_one_is_not() {
        let of = |value, low, high| poor(Estimate { value, low, high }, GOOD_R2, "R²");
        assert!(of(0.5, 0.4, 0.6).expect("told").contains("poorly for the model: R² is 0.500 (0.400 to 0.600)"));
        assert!(of(0.9, 0.7, 0.95).expect("told").contains("do not show"));
        assert_eq!(of(0.9, 0.85, 0.95), None);
    }
}
