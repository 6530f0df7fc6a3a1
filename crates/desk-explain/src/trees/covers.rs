//! How many rows of a data set pass each node of a tree.
//!
//! Exported ONNX trees carry no covers, so they are counted again from rows that somebody names; the rows that the model
//! was trained on give those of training, as far as training counted rows and not weights.

use desk_core::trees::{Node, Tree};

use crate::players::Players;
use crate::trees::columns::Columns;
use crate::trees::score::{BLOCK, Steps};

/// Rows that pass each node of one tree, in the order of its nodes.
#[derive(Debug)]
pub(crate) struct Covers(Vec<f64>);

impl Covers {
    /// Counts.
    pub fn count(tree: &Tree, rows: &Columns) -> Self {
        let steps = Steps::new(tree);
        let mut counts = vec![0u32; tree.nodes.len()];
        let mut leaves = [0u32; BLOCK];
        for from in (0..rows.rows()).step_by(BLOCK) {
            let valid = (rows.rows() - from).min(BLOCK);
            steps.leaves(rows.from(from), rows.stride(), &mut leaves[..valid]);
            leaves[..valid].iter().for_each(|leaf| counts[*leaf as usize] += 1);
        }
        // Children follow their parents.
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            if let Node::Split { yes, no, .. } = node {
                counts[at] = counts[*yes as usize] + counts[*no as usize];
            }
        }
        Self(counts.into_iter().map(f64::from).collect())
    }

    /// The share of a node's rows that go on to a child: one half each where no row comes by.
    pub fn share(&self, node: u32, child: u32) -> f64 {
        let (all, some) = (self.0[node as usize], self.0[child as usize]);
        if all > 0.0 { some / all } else { 0.5 }
    }

    /// Leaves that rows reach, by node, with their share of the rows.
    pub fn leaves<'t>(&'t self, tree: &'t Tree) -> impl Iterator<Item = (u32, f64)> + 't {
        let leaves =
            tree.nodes.iter().enumerate().filter(|(at, node)| matches!(node, Node::Leaf(_)) && self.0[*at] > 0.0);
        leaves.map(|(at, _)| (at as u32, self.0[at] / self.0[0]))
    }

    /// Leaves that no row reaches, and all leaves, of those that something leads to.
    pub fn unreached(&self, tree: &Tree) -> (usize, usize) {
        let mut led = vec![false; tree.nodes.len()];
        led[0] = true;
        let (mut unreached, mut all) = (0, 0);
        for (at, node) in tree.nodes.iter().enumerate() {
            match node {
                Node::Split { yes, no, .. } if led[at] => {
                    led[*yes as usize] = true;
                    led[*no as usize] = true;
                }
                Node::Leaf(_) if led[at] => {
                    all += 1;
                    unreached += usize::from(self.0[at] == 0.0);
                }
                _ => {}
            }
        }
        (unreached, all)
    }

    /// For each leaf, by its node, the share of each player of its path in the order of the path: the product of the
    /// shares of the splits on that player's features. Other nodes have none.
    pub fn shares_of_leaves(&self, tree: &Tree, players: &Players) -> Vec<Vec<f64>> {
        let mut of_leaves = vec![Vec::new(); tree.nodes.len()];
        self.walk((tree, players), 0, &mut Vec::new(), &mut of_leaves);
        of_leaves
    }

    fn walk(
        &self,
        (tree, players): (&Tree, &Players),
        at: u32,
        path: &mut Vec<(u32, f64)>,
        of_leaves: &mut [Vec<f64>],
    ) {
        let Node::Split { feature, yes, no, .. } = &tree.nodes[at as usize] else {
            of_leaves[at as usize] = path.iter().map(|(_, share)| *share).collect();
            return;
        };
        let player = players.of(*feature);
        for child in [*yes, *no] {
            let share = self.share(at, child);
            if let Some(slot) = path.iter().position(|(known, _)| *known == player) {
                let before = path[slot].1;
                path[slot].1 = before * share;
                self.walk((tree, players), child, path, of_leaves);
                path[slot].1 = before;
            } else {
                path.push((player, share));
                self.walk((tree, players), child, path, of_leaves);
                path.pop();
            }
        }
    }
}

/// For each set of players, the share of independent rows that fail just these; player j is satisfied by `shares[j]`.
pub(crate) fn failed(shares: &[f64], into: &mut Vec<f64>) {
    into.clear();
    into.push(1.0);
    for share in shares {
        let failing: Vec<f64> = into.iter().map(|of| of * (1.0 - share)).collect();
        for of in into.iter_mut() {
            *of *= share;
        }
        into.extend(failing);
    }
}

#[cfg(test)]
mod tests {
    use desk_core::trees::SplitMode;

    use super::*;
    use crate::input::Table;
    use crate::players::{Group, GroupKind};

    /// x0 <= 0, then x1 <= 0, then x0 <= -1 on the way of yes.
    fn tree() -> Tree {
        let split = |feature, threshold, yes, no| Node::Split {
            feature,
            mode: SplitMode::Leq,
            threshold,
            missing_yes: false,
            yes,
            no,
        };
        let leaf = |weight| Node::Leaf(vec![(0, weight)]);
        let nodes = vec![
            split(0, 0.0, 1, 2),
            split(1, 0.0, 3, 4),
            leaf(1.0),
            split(0, -1.0, 5, 6),
            leaf(2.0),
            leaf(3.0),
            leaf(4.0),
        ];
        Tree { nodes }
    }

    #[test]
    fn rows_are_counted_at_every_node_and_halves_stand_where_none_come_by() {
        let rows = [-2.0, -1.0, -0.5, -1.0, -0.5, -3.0, 1.0, 0.0, 2.0, f64::NAN];
        let covers = Covers::count(&tree(), &Columns::new(Table::new(&rows, 2)));
        assert_eq!(covers.0, [5.0, 3.0, 2.0, 3.0, 0.0, 1.0, 2.0]);
        assert_eq!(covers.unreached(&tree()), (1, 4));
        let shares = covers.shares_of_leaves(&tree(), &Players::single(2));
        assert_eq!(shares[2], [0.4]);
        assert_eq!(shares[5], [0.6 * (1.0 / 3.0), 1.0]);
        assert_eq!(shares[4], [0.6, 0.0]);
        let pair = Group { name: "both".into(), features: vec![0, 1], kind: GroupKind::Given };
        let together = covers.shares_of_leaves(&tree(), &Players::grouped(2, &[pair]).expect("sound"));
        assert_eq!((&together[2], &together[5]), (&vec![0.4], &vec![0.6 * (1.0 / 3.0)]));
        let none = Covers::count(&tree(), &Columns::new(Table::new(&rows[6..], 2)));
        assert_eq!((none.share(0, 1), none.share(1, 3), none.share(3, 5)), (0.0, 0.5, 0.5));
    }

    #[test]
    fn shares_of_failing_sets_multiply() {
        let mut found = Vec::new();
        failed(&[0.25, 0.5], &mut found);
        assert_eq!(found, [0.125, 0.375, 0.125, 0.375]);
        failed(&[], &mut found);
        assert_eq!(found, [1.0]);
    }
}
