//! From lists of nodes to trees: parents before children, every node reached once.

use desk_core::trees::{Node, SplitMode, Tree};

/// Largest feature number that is believed.
pub(super) const MAX_FEATURE: i64 = 10_000_000;

/// A node whose children are places in the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Split {
        feature: u32,
        mode: SplitMode,
        threshold: f32,
        missing_yes: bool,
        yes: usize,
        no: usize,
    },
    /// Values of the set go to `yes`.
    Member {
        feature: u32,
        set: Vec<f32>,
        missing_yes: bool,
        yes: usize,
        no: usize,
    },
    Leaf(Vec<(u32, f32)>),
}

/// Most nodes that stand in a tree twice because a set has several values.
const MAX_COPIES: usize = 1_000_000;

/// What is still to be built.
struct Pending {
    /// Place in the list.
    at: usize,
    /// Which value of a set comes next.
    value: usize,
    /// It stands in the tree already.
    copy: bool,
    /// The parent's child that has to point here: (parent, is it the yes side).
    parent: Option<(usize, bool)>,
}

/// The tree below `root`, depth first, the `yes` side first. Splits that are reached twice are an error. A set becomes one
/// comparison after the other, as in the runtime, each with its own copy of what follows.
pub(super) fn tree(items: &[Item], root: usize, reached: &mut [bool]) -> Result<Tree, String> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut copies = 0;
    let mut pending = vec![Pending { at: root, value: 0, copy: false, parent: None }];
    while let Some(Pending { at, value, copy, parent }) = pending.pop() {
        copies += usize::from(copy);
        if copies > MAX_COPIES {
            return Err("its sets of values make a tree of too many nodes".to_owned());
        }
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
                pending.push(Pending { at: *yes, value: 0, copy, parent });
            }
            Item::Split { feature, mode, threshold, missing_yes, yes, no } => {
                if std::mem::replace(&mut reached[at], true) && !copy {
                    return Err("a node is reached twice".to_owned());
                }
                let (feature, mode, threshold, missing_yes) = (*feature, *mode, *threshold, *missing_yes);
                nodes.push(Node::Split { feature, mode, threshold, missing_yes, yes: 0, no: 0 });
                pending.push(Pending { at: *no, value: 0, copy, parent: Some((here as usize, false)) });
                pending.push(Pending { at: *yes, value: 0, copy, parent: Some((here as usize, true)) });
            }
            Item::Member { feature, set, missing_yes, yes, no } => {
                if value == 0 && std::mem::replace(&mut reached[at], true) && !copy {
                    return Err("a node is reached twice".to_owned());
                }
                let (feature, missing_yes) = (*feature, *missing_yes);
                let threshold = *set.get(value).ok_or("a set without values")?;
                nodes.push(Node::Split { feature, mode: SplitMode::Eq, threshold, missing_yes, yes: 0, no: 0 });
                let (next, value_of_next) = if value + 1 < set.len() { (at, value + 1) } else { (*no, 0) };
                pending.push(Pending { at: next, value: value_of_next, copy, parent: Some((here as usize, false)) });
                let copy = copy || value > 0;
                pending.push(Pending { at: *yes, value: 0, copy, parent: Some((here as usize, true)) });
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
        Item::Split { feature, .. } | Item::Member { feature, .. } => feature + 1,
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
    fn a_set_is_compared_value_by_value_and_cycles_behind_it_end() {
        let member = |yes, no| Item::Member { feature: 1, set: vec![2.0, 5.0, 7.0], missing_yes: true, yes, no };
        let leaf = |weight| Item::Leaf(vec![(0, weight)]);
        let items = [member(1, 2), split(2, 3), leaf(1.0), leaf(2.0)];
        let found = tree(&items, 0, &mut [false; 4]).expect("a tree");
        for (x, y, expected) in
            [(-1.0, 2.0, 1.0), (1.0, 5.0, 2.0), (1.0, 7.0, 2.0), (1.0, 3.0, 1.0), (1.0, f32::NAN, 2.0)]
        {
            assert_eq!(found.leaf(&[x, y]), [(0, expected)], "{x} {y}");
        }
        assert!(tree(&[member(0, 1), leaf(1.0)], 0, &mut [false; 2]).is_err());
        let none = Item::Member { feature: 0, set: Vec::new(), missing_yes: false, yes: 1, no: 1 };
        assert!(tree(&[none, leaf(1.0)], 0, &mut [false; 2]).is_err());
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
