//! Refuses ensembles that would lead the algorithms astray, before they start.

use desk_core::trees::{Aggregate, Node, Tree, TreeEnsemble};

use crate::error::ExplainError;

/// Deepest tree that is walked; recursion stays far from the end of any thread's stack.
const MAX_DEPTH: u32 = 512;

/// Checks that every index is in range, every node has one parent and every weight is finite.
pub(crate) fn check(ensemble: &TreeEnsemble) -> Result<(), ExplainError> {
    if ensemble.n_features == 0 {
        return Err(ExplainError::NoFeatures);
    }
    if ensemble.n_outputs == 0 {
        return Err(ExplainError::BrokenEnsemble("it has no output"));
    }
    if ensemble.base_values.len() != ensemble.n_outputs as usize {
        return Err(ExplainError::BrokenEnsemble("it does not have one base value for each output"));
    }
    if ensemble.base_values.iter().any(|value| !value.is_finite()) {
        return Err(ExplainError::BrokenEnsemble("a base value is not finite"));
    }
    for (t, tree) in ensemble.trees.iter().enumerate() {
        check_tree(t, tree, ensemble)?;
    }
    Ok(())
}

/// Why the trees cannot be explained one by one, if they cannot.
pub(crate) fn not_additive(ensemble: &TreeEnsemble) -> Option<String> {
    if ensemble.trees.is_empty() {
        return Some("the ensemble has no tree".to_owned());
    }
    match ensemble.aggregate {
        Aggregate::Sum | Aggregate::Average => None,
        Aggregate::Min => Some("the ensemble takes the minimum of its trees, which is no sum".to_owned()),
        Aggregate::Max => Some("the ensemble takes the maximum of its trees, which is no sum".to_owned()),
    }
}

fn check_tree(t: usize, tree: &Tree, ensemble: &TreeEnsemble) -> Result<(), ExplainError> {
    let broken = |node: usize, what| ExplainError::BrokenTree { tree: t, node, what };
    if tree.nodes.is_empty() {
        return Err(broken(0, "it has no node"));
    }
    // Depth from 1; 0 while no parent was met. Parents come before children.
    let mut depth = vec![0u32; tree.nodes.len()];
    depth[0] = 1;
    for (n, node) in tree.nodes.iter().enumerate() {
        match node {
            Node::Split { feature, yes, no, threshold, .. } => {
                if *feature >= ensemble.n_features {
                    return Err(broken(n, "it splits on a feature that does not exist"));
                }
                if threshold.is_nan() {
                    return Err(broken(n, "its threshold is no number"));
                }
                for child in [*yes as usize, *no as usize] {
                    if child <= n || child >= tree.nodes.len() {
                        return Err(broken(n, "a child does not exist or comes before its parent"));
                    }
                    if depth[child] != 0 {
                        return Err(broken(child, "it has two parents"));
                    }
                    // Nodes that nothing leads to count from 1; they are never walked.
                    depth[child] = depth[n].max(1) + 1;
                    if depth[child] > MAX_DEPTH {
                        return Err(broken(child, "it is deeper than 512 splits"));
                    }
                }
            }
            Node::Leaf(weights) => {
                if weights.iter().any(|(output, _)| *output >= ensemble.n_outputs) {
                    return Err(broken(n, "it adds to an output that does not exist"));
                }
                if weights.iter().any(|(_, weight)| !weight.is_finite()) {
                    return Err(broken(n, "its weight is not finite"));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use desk_core::trees::{PostTransform, SplitMode};

    use super::*;

    fn split(feature: u32, yes: u32, no: u32) -> Node {
        Node::Split { feature, mode: SplitMode::Leq, threshold: 0.0, missing_yes: false, yes, no }
    }

    fn ensemble(nodes: Vec<Node>) -> TreeEnsemble {
        TreeEnsemble {
            n_features: 2,
            n_outputs: 1,
            base_values: vec![0.0],
            trees: vec![Tree { nodes }],
            aggregate: Aggregate::Sum,
            post: PostTransform::None,
            binary_from_one: false,
            labels: None,
        }
    }

    #[test]
    fn damaged_trees_are_named() {
        let leaf = || Node::Leaf(vec![(0, 1.0)]);
        assert!(check(&ensemble(vec![split(1, 1, 2), leaf(), leaf()])).is_ok());
        for (nodes, what) in [
            (vec![], "no node"),
            (vec![split(2, 1, 2), leaf(), leaf()], "feature"),
            (vec![split(0, 1, 3), leaf(), leaf()], "child"),
            (vec![split(0, 0, 1), leaf()], "child"),
            (vec![split(0, 1, 1), leaf()], "two parents"),
            (vec![Node::Leaf(vec![(1, 1.0)])], "output"),
            (vec![Node::Leaf(vec![(0, f32::NAN)])], "finite"),
        ] {
            let error = check(&ensemble(nodes)).expect_err(what).to_string();
            assert!(error.contains(what), "{error}");
        }
        let mut chain: Vec<Node> = (0..600).flat_map(|i| [split(0, 2 * i + 1, 2 * i + 2), leaf()]).collect();
        chain.push(leaf());
        // Node 2i is the split, 2i + 1 its leaf, 2i + 2 the next split.
        assert!(check(&ensemble(chain)).expect_err("deep").to_string().contains("512"));
    }
}
