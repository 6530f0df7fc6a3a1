//! Exact interventional tree SHAP by walking a row against the whole background.
//!
//! The pairwise recursion (Lundberg et al. 2020, interventional algorithm) follows one row and one
//! background row down a tree: where they part on a feature that the path has not met, the walk
//! goes both ways and notes whose feature it is. Here background rows that part alike stay one
//! group, so the work depends on how many different histories there are, not on pairs. No limit on
//! depth; chosen where tables would be too large or too few rows would use them.

use desk_core::trees::{Node, Tree};

use crate::players::Players;
use crate::trees::columns::Columns;
use crate::trees::predict::Column;
use crate::trees::tables::leaf_weights;

/// Whose values of a player's features the path below uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Both,
    Row,
    Background,
}

/// A tree ready to be walked.
pub(crate) struct GroupedTree<'a> {
    tree: &'a Tree,
    /// nodes x outputs; zero for splits.
    weights: Vec<f64>,
    outputs: usize,
}

impl<'a> GroupedTree<'a> {
    /// Each leaf's weights are multiplied by `scale` and the columns' signs.
    pub fn new(tree: &'a Tree, columns: &[Column], scale: f64, background: &Columns) -> Self {
        let share = scale / background.rows() as f64;
        let weights = (0..tree.nodes.len()).flat_map(|n| leaf_weights(tree, n as u32, columns, share)).collect();
        Self { tree, weights, outputs: columns.len() }
    }
}

/// One row's walk through many trees.
pub(crate) struct Walker<'a> {
    rows: &'a Columns,
    background: &'a Columns,
    players: &'a Players,
    row: usize,
    owners: Vec<Owner>,
    /// Background rows, permuted so that groups are contiguous.
    order: Vec<u32>,
    /// Per output, what the walk below a node adds for each feature of the row and of the background.
    stack: Vec<f64>,
    shares: Vec<f64>,
    weights: Weights,
}

impl<'a> Walker<'a> {
    /// A walker for tables of the players' columns and `outputs` explained outputs.
    pub fn new(rows: &'a Columns, background: &'a Columns, players: &'a Players, outputs: usize) -> Self {
        Self {
            rows,
            background,
            players,
            row: 0,
            owners: vec![Owner::Both; players.count()],
            order: (0..background.rows() as u32).collect(),
            stack: Vec::new(),
            shares: vec![0.0; players.count() * outputs],
            weights: Weights::default(),
        }
    }

    /// Starts another row.
    pub fn start(&mut self, row: usize) {
        self.row = row;
        self.shares.fill(0.0);
    }

    /// Players x outputs of the row so far.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Adds one tree.
    pub fn add(&mut self, tree: &GroupedTree<'_>) {
        self.visit(tree, 0, (0, self.order.len()), 0, 0);
        self.stack.clear();
    }

    fn goes_yes(node: &Node, x: f32) -> bool {
        match node {
            Node::Split { mode, threshold, missing_yes, .. } => mode.holds(x, *threshold) || *missing_yes && x.is_nan(),
            Node::Leaf(_) => false,
        }
    }

    /// Brings the group's members that go to `yes` to the front; how many there are.
    fn part(&mut self, node: &Node, feature: u32, (from, to): (usize, usize), yes: bool) -> usize {
        let column = self.background.column(feature);
        let mut front = from;
        for at in from..to {
            if Self::goes_yes(node, column[self.order[at] as usize]) == yes {
                self.order.swap(front, at);
                front += 1;
            }
        }
        front
    }

    /// Walks a group below a node, with `p` features that are the row's and `q` the background's.
    /// Pushes, per output, the sums over reached leaves for a row's and for a background's feature.
    fn visit(&mut self, tree: &GroupedTree<'_>, at: u32, group: (usize, usize), p: usize, q: usize) {
        let node = &tree.tree.nodes[at as usize];
        let Node::Split { feature, yes, no, .. } = node else {
            let count = (group.1 - group.0) as f64;
            let (gain, loss) = self.weights.of(p, q);
            for weight in &tree.weights[at as usize * tree.outputs..(at as usize + 1) * tree.outputs] {
                self.stack.push(count * weight * gain);
                self.stack.push(-count * weight * loss);
            }
            return;
        };
        let f = self.players.of(*feature) as usize;
        let row_yes = Self::goes_yes(node, self.rows.column(*feature)[self.row]);
        let (mine, other) = if row_yes { (*yes, *no) } else { (*no, *yes) };
        let start = self.stack.len();
        self.stack.resize(start + 2 * tree.outputs, 0.0);
        match self.owners[f] {
            Owner::Row => self.descend(tree, start, mine, group, p, q),
            Owner::Background => {
                let middle = self.part(node, *feature, group, row_yes);
                self.descend(tree, start, mine, (group.0, middle), p, q);
                self.descend(tree, start, other, (middle, group.1), p, q);
            }
            Owner::Both => {
                let middle = self.part(node, *feature, group, row_yes);
                self.descend(tree, start, mine, (group.0, middle), p, q);
                let apart = (middle, group.1);
                if middle < group.1 {
                    self.owners[f] = Owner::Row;
                    self.descend_for(tree, start, mine, apart, (p + 1, q), f, 0);
                    self.owners[f] = Owner::Background;
                    self.descend_for(tree, start, other, apart, (p, q + 1), f, 1);
                    self.owners[f] = Owner::Both;
                }
            }
        }
    }

    /// Walks a child and adds its sums to those at `start`.
    fn descend(&mut self, tree: &GroupedTree<'_>, start: usize, child: u32, group: (usize, usize), p: usize, q: usize) {
        if group.0 == group.1 {
            return;
        }
        self.visit(tree, child, group, p, q);
        self.take(tree, start, None);
    }

    /// As `descend`, and what the child gives for side `side` (0 the row's, 1 the background's)
    /// belongs to player `f`.
    #[expect(clippy::too_many_arguments, reason = "the state of a recursion")]
    fn descend_for(
        &mut self,
        tree: &GroupedTree<'_>,
        start: usize,
        child: u32,
        group: (usize, usize),
        (p, q): (usize, usize),
        f: usize,
        side: usize,
    ) {
        self.visit(tree, child, group, p, q);
        self.take(tree, start, Some((f, side)));
    }

    fn take(&mut self, tree: &GroupedTree<'_>, start: usize, owner: Option<(usize, usize)>) {
        let width = 2 * tree.outputs;
        let from = self.stack.len() - width;
        if let Some((f, side)) = owner {
            for output in 0..tree.outputs {
                self.shares[f * tree.outputs + output] += self.stack[from + 2 * output + side];
            }
        }
        let (below, top) = self.stack.split_at_mut(from);
        below[start..start + width].iter_mut().zip(top).for_each(|(sum, value)| *sum += *value);
        self.stack.truncate(from);
    }
}

/// Shapley weights of a leaf by how many features are the row's (p) and the background's (q):
/// (p-1)! q! / (p+q)! and p! (q-1)! / (p+q)!, 0 where there is no such feature.
#[derive(Default)]
struct Weights(Vec<Vec<(f64, f64)>>);

impl Weights {
    fn of(&mut self, p: usize, q: usize) -> (f64, f64) {
        while self.0.len() <= p {
            self.0.push(Vec::new());
        }
        let known = &mut self.0[p];
        while known.len() <= q {
            let q = known.len();
            known.push((weight(p, q), weight(q, p)));
        }
        known[q]
    }
}

/// (p-1)! q! / (p+q)!, and 0 for p = 0.
pub(crate) fn weight(p: usize, q: usize) -> f64 {
    if p == 0 {
        return 0.0;
    }
    // Product of i / (p + i) for i up to q, over p.
    (1..=q).fold(1.0 / p as f64, |product, i| product * i as f64 / (p + i) as f64)
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn weights_are_quotients_of_factorials() {
        assert_eq!((weight(1, 0), weight(0, 4)), (1.0, 0.0));
        assert!((weight(2, 3) - 6.0 / 120.0).abs() < 1e-16);
        assert!((weight(3, 1) - 2.0 / 24.0).abs() < 1e-16);
        assert!(weight(400, 400) >= 0.0);
    }
}
