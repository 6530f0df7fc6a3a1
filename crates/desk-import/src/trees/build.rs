//! From lists of nodes to trees: parents before children, every node reached once.

use desk_core::trees::{Node, SplitMode, Tree};

/// Largest feature number that is believed.
pub(super) const MAX_FEATURE: i64 = 10_000_000;

/// A node whose children are places in the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Split { feature: u32, mode: SplitMode, threshold: f32, missing_yes: bool, yes: usize, no: usize },
    Leaf(Vec<(u32, f32)>),
}

/// The tree below `root`, depth first, the `yes` side first. Splits that are reached twice are an error.
pub(super) fn tree(items: &[Item], root: usize, reached: &mut [bool]) -> Result<Tree, String> {
    let mut nodes: Vec<Node> = Vec::new();
    // Place in the list, and the parent's child that has to point here: (parent, is it the yes side).
    let mut pending: Vec<(usize, Option<(usize, bool)>)> = vec![(root, None)];
    while let Some((at, parent)) = pending.pop() {
        let here = u32::try_from(nodes.len()).ok().ok_or("a tree with more than 2^32 nodes")?;
        if let Some((parent, is_yes)) = parent
            && let Some(Node::Split { yes, no, .. }) = nodes.get_mut(parent)
        {
            *(if is_yes { yes } else { no }) = here;
        }
        match items.get(at).ok_or("a child that does not exist")? {
            Item::Leaf(weights) => nodes.push(Node::Leaf(weights.clone())),
            // Both ways lead to one leaf: how the v5 operator writes a tree without splits.
            Item::Split { yes, no, .. } if yes == no && matches!(items.get(*yes), Some(Item::Leaf(_))) => {
                pending.push((*yes, parent));
            }
            Item::Split { feature, mode, threshold, missing_yes, yes, no } => {
                if std::mem::replace(&mut reached[at], true) {
                    return Err("a node is reached twice".to_owned());
                }
                let (feature, mode, threshold, missing_yes) = (*feature, *mode, *threshold, *missing_yes);
                nodes.push(Node::Split { feature, mode, threshold, missing_yes, yes: 0, no: 0 });
                pending.push((*no, Some((here as usize, false))));
                pending.push((*yes, Some((here as usize, true))));
            }
        }
    }
    Ok(Tree { nodes })
}

/// The float32 threshold that decides every float32 value as `threshold` does.
pub(super) fn threshold32(threshold: f64, mode: SplitMode) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) == threshold || threshold.is_nan() {
        return nearest;
    }
    let below = if f64::from(nearest) < threshold { nearest } else { nearest.next_down() };
    let above = if f64::from(nearest) > threshold { nearest } else { nearest.next_up() };
    match mode {
        SplitMode::Leq | SplitMode::Gt => below,
        SplitMode::Lt | SplitMode::Gte => above,
        // No float32 equals it.
        SplitMode::Eq | SplitMode::Neq => f32::NAN,
    }
}

/// Adds a weight to a leaf; weights of one output add up, as they do when the ensemble is summed.
pub(super) fn add_weight(leaf: &mut Vec<(u32, f32)>, output: u32, weight: f32) {
    match leaf.iter_mut().find(|(known, _)| *known == output) {
        Some((_, sum)) => *sum += weight,
        None => leaf.push((output, weight)),
    }
}

/// Checks a feature number.
pub(super) fn feature(number: i64) -> Result<u32, String> {
    match u32::try_from(number) {
        Ok(feature) if number <= MAX_FEATURE => Ok(feature),
        _ => Err(format!("a split on feature {number}")),
    }
}

/// One more than the largest feature that a split looks at.
pub(super) fn widest(items: &[Item]) -> u32 {
    let feature = |item: &Item| match item {
        Item::Split { feature, .. } => feature + 1,
        Item::Leaf(_) => 0,
    };
    items.iter().map(feature).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(yes: usize, no: usize) -> Item {
        Item::Split { feature: 0, mode: SplitMode::Leq, threshold: 0.0, missing_yes: false, yes, no }
    }

    #[test]
    fn children_follow_their_parents_and_cycles_are_refused() {
        let items = [Item::Leaf(vec![(0, 1.0)]), split(0, 2), split(3, 0), Item::Leaf(vec![(0, 2.0)])];
        let tree = tree(&items, 1, &mut [false; 4]).expect("a tree");
        let children: Vec<(u32, u32)> = tree
            .nodes
            .iter()
            .filter_map(|node| if let Node::Split { yes, no, .. } = node { Some((*yes, *no)) } else { None })
            .collect();
        assert_eq!(children, [(1, 2), (3, 4)]);
        let circle = [split(1, 1), split(0, 0)];
        assert!(super::tree(&circle, 0, &mut [false; 2]).is_err());
        assert!(super::tree(&[split(7, 7)], 0, &mut [false]).is_err());
    }

    #[test]
    fn a_split_without_a_choice_is_a_leaf() {
        let items = [split(1, 1), Item::Leaf(vec![(0, 1.0)])];
        assert_eq!(tree(&items, 0, &mut [false; 2]).expect("a tree").nodes, [Node::Leaf(vec![(0, 1.0)])]);
    }

    #[test]
    fn float32_thresholds_decide_every_float32_value_alike() {
        for threshold in [0.1, 1.0 / 3.0, -1e-50, 1e300, -1e300, 0.5, 1e-46] {
            let near = threshold as f32;
            let values =
                [near.next_down(), near, near.next_up(), 0.0, f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY];
            for mode in [SplitMode::Leq, SplitMode::Lt, SplitMode::Gte, SplitMode::Gt, SplitMode::Eq, SplitMode::Neq] {
                for x in values {
                    let wide = f64::from(x);
                    let expected = match mode {
                        SplitMode::Leq => wide <= threshold,
                        SplitMode::Lt => wide < threshold,
                        SplitMode::Gte => wide >= threshold,
                        SplitMode::Gt => wide > threshold,
                        SplitMode::Eq => wide == threshold,
                        SplitMode::Neq => wide != threshold,
                    };
                    assert_eq!(mode.holds(x, threshold32(threshold, mode)), expected, "{x} {mode:?} {threshold}");
                }
            }
        }
    }
}
