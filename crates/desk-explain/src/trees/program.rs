//! Which conditions of its path each leaf's rows satisfy, for a block of rows at once.
//!
//! The conditions of a path are gathered by player, a feature or a group: bit j of a mask says whether a row satisfies
//! every split of the path on the features of its j-th player. A tree becomes a list of steps, one pass of which gives
//! the masks at all its leaves, or at all its units (a unit is a small subtree; the bits of its own
//! splits follow those of the path to it).

use desk_core::trees::{Node, SplitMode, Tree};

use crate::players::Players;
use crate::trees::columns::Columns;

/// Most bits of a mask.
pub(crate) const MAX_BITS: usize = 16;

/// A subtree of few splits whose contributions share one table.
#[derive(Debug)]
pub(crate) struct Unit {
    /// Players of the path to it, in bit order.
    pub path: Vec<u32>,
    /// Its splits, in the order of the bits that follow.
    pub splits: Vec<u32>,
    /// Its leaves.
    pub leaves: Vec<UnitLeaf>,
}

impl Unit {
    /// Bits of its index.
    pub fn bits(&self) -> usize {
        self.path.len() + self.splits.len()
    }
}

impl UnitLeaf {
    /// For each way that the unit's splits can go, the bits of this leaf's mask that they leave set. The mask that
    /// belongs to an index is `(path bits | bits of the unit's own players) & kept[index >> path bits]`.
    pub fn kept(&self, unit: &Unit) -> Vec<usize> {
        let (path, all) = (unit.path.len(), (1usize << self.players.len()) - 1);
        let failed = |ways: usize| {
            let failed = self.turns.iter().filter(|(bit, _, way)| (ways >> (bit - path) & 1 == 1) != *way);
            failed.fold(0, |bits, (_, slot, _)| bits | 1 << slot)
        };
        (0..1 << unit.splits.len()).map(|ways| all & !failed(ways)).collect()
    }
}

/// A leaf and how to get to it.
#[derive(Debug)]
pub(crate) struct UnitLeaf {
    /// Index in the tree's nodes.
    pub node: u32,
    /// Players of its whole path, in bit order; those of the path to the unit come first.
    pub players: Vec<u32>,
    /// Splits within the unit on the way: (bit of the split, slot of its player, way taken).
    pub turns: Vec<(usize, usize, bool)>,
}

#[derive(Debug)]
enum Step {
    /// Evaluates a split for the path at `depth`.
    Split { depth: usize, feature: u32, mode: SplitMode, threshold: f32, missing_yes: bool },
    /// Goes on from `depth` to the child on one side; its player has `bit`, new on the path or not.
    Enter { depth: usize, yes: bool, bit: u32, fresh: bool },
    /// Starts an index with the mask at `depth`.
    Begin { depth: usize },
    /// Adds a split's outcome to the index.
    Extend { feature: u32, mode: SplitMode, threshold: f32, missing_yes: bool, bit: u32 },
    /// The index of leaf or unit `id` is complete.
    Emit { id: usize },
}

/// A tree as steps.
#[derive(Debug, Default)]
pub(crate) struct Program {
    steps: Vec<Step>,
    depth: usize,
}

/// Splits in the subtree of each node.
pub(crate) fn split_counts(tree: &Tree) -> Vec<u32> {
    let mut counts = vec![0u32; tree.nodes.len()];
    for (n, node) in tree.nodes.iter().enumerate().rev() {
        if let Node::Split { yes, no, .. } = node {
            counts[n] = 1 + counts[*yes as usize] + counts[*no as usize];
        }
    }
    counts
}

/// Splits a tree into units of at most `most_splits` splits and `most_bits` bits (never less than a leaf), and
/// gives the steps that emit the units' indices and those that emit the leaves' masks.
pub(crate) fn compile(
    tree: &Tree,
    players: &Players,
    most_splits: u32,
    most_bits: usize,
) -> (Vec<Unit>, Program, Program) {
    let counts = split_counts(tree);
    let mut builder = Builder {
        tree,
        players,
        counts: &counts,
        most_splits,
        most_bits: most_bits.min(MAX_BITS),
        units: Vec::new(),
        leaves: 0,
        unit_program: Program::default(),
        leaf_program: Program::default(),
    };
    builder.walk(0, 0, &mut Vec::new());
    (builder.units, builder.unit_program, builder.leaf_program)
}

struct Builder<'a> {
    tree: &'a Tree,
    players: &'a Players,
    counts: &'a [u32],
    most_splits: u32,
    most_bits: usize,
    units: Vec<Unit>,
    leaves: usize,
    unit_program: Program,
    leaf_program: Program,
}

impl Builder<'_> {
    /// Compiles the subtree of a node that is not inside a unit.
    fn walk(&mut self, node: u32, depth: usize, path: &mut Vec<u32>) {
        let splits = self.counts[node as usize];
        let bits = path.len() + splits as usize;
        self.unit_program.depth = self.unit_program.depth.max(depth);
        if splits == 0 || splits <= self.most_splits && bits <= self.most_bits {
            let mut unit = Unit { path: path.clone(), splits: Vec::new(), leaves: Vec::new() };
            self.unit_program.steps.push(Step::Begin { depth });
            self.walk_unit(&mut unit, node, depth, &mut path.clone(), &mut Vec::new());
            self.unit_program.steps.push(Step::Emit { id: self.units.len() });
            self.units.push(unit);
            return;
        }
        let Node::Split { feature, mode, threshold, missing_yes, yes, no } = self.tree.nodes[node as usize] else {
            return;
        };
        for program in [&mut self.unit_program, &mut self.leaf_program] {
            program.steps.push(Step::Split { depth, feature, mode, threshold, missing_yes });
        }
        for (child, side) in [(yes, true), (no, false)] {
            let (slot, fresh) = slot(path, self.players.of(feature));
            for program in [&mut self.unit_program, &mut self.leaf_program] {
                program.steps.push(Step::Enter { depth, yes: side, bit: slot as u32, fresh });
            }
            self.walk(child, depth + 1, path);
            if fresh {
                path.pop();
            }
        }
    }

    /// Compiles the subtree of a node inside a unit.
    fn walk_unit(
        &mut self,
        unit: &mut Unit,
        node: u32,
        depth: usize,
        path: &mut Vec<u32>,
        turns: &mut Vec<(usize, usize, bool)>,
    ) {
        self.leaf_program.depth = self.leaf_program.depth.max(depth);
        let Node::Split { feature, mode, threshold, missing_yes, yes, no } = self.tree.nodes[node as usize] else {
            let number = self.leaves;
            self.leaves += 1;
            self.leaf_program.steps.extend([Step::Begin { depth }, Step::Emit { id: number }]);
            unit.leaves.push(UnitLeaf { node, players: path.clone(), turns: turns.clone() });
            return;
        };
        let split = unit.splits.len();
        unit.splits.push(node);
        let bit = (unit.path.len() + split) as u32;
        self.unit_program.steps.push(Step::Extend { feature, mode, threshold, missing_yes, bit });
        self.leaf_program.steps.push(Step::Split { depth, feature, mode, threshold, missing_yes });
        for (child, side) in [(yes, true), (no, false)] {
            let (slot, fresh) = slot(path, self.players.of(feature));
            self.leaf_program.steps.push(Step::Enter { depth, yes: side, bit: slot as u32, fresh });
            turns.push((bit as usize, slot, side));
            self.walk_unit(unit, child, depth + 1, path, turns);
            turns.pop();
            if fresh {
                path.pop();
            }
        }
    }
}

/// The place of a player on a path, which it is added to when new.
fn slot(path: &mut Vec<u32>, player: u32) -> (usize, bool) {
    if let Some(slot) = path.iter().position(|known| *known == player) {
        return (slot, false);
    }
    path.push(player);
    (path.len() - 1, true)
}

/// Working memory for a block of `B` rows.
pub(crate) struct Scratch<const B: usize> {
    masks: Vec<[u16; B]>,
    splits: Vec<[u16; B]>,
    index: [u16; B],
}

impl<const B: usize> Scratch<B> {
    /// Nothing in it yet.
    pub fn new() -> Self {
        Self { masks: vec![[0; B]], splits: Vec::new(), index: [0; B] }
    }
}

impl Program {
    /// Runs the steps for rows `from..from + B`; `emit` gets the number of a leaf or unit and the
    /// index of each row, rows of the padding included.
    #[inline(always)]
    pub fn run<const B: usize>(
        &self,
        columns: &Columns,
        from: usize,
        scratch: &mut Scratch<B>,
        mut emit: impl FnMut(usize, &[u16; B]),
    ) {
        if scratch.masks.len() <= self.depth {
            scratch.masks.resize(self.depth + 1, [0; B]);
            scratch.splits.resize(self.depth + 1, [0; B]);
        }
        for step in &self.steps {
            match *step {
                Step::Split { depth, feature, mode, threshold, missing_yes } => {
                    let x = &columns.column(feature)[from..from + B];
                    outcome(x, mode, threshold, missing_yes, &mut scratch.splits[depth]);
                }
                Step::Enter { depth, yes, bit, fresh } => {
                    let (above, below) = scratch.masks.split_at_mut(depth + 1);
                    enter(&above[depth], &scratch.splits[depth], yes, bit, fresh, &mut below[0]);
                }
                Step::Begin { depth } => scratch.index = scratch.masks[depth],
                Step::Extend { feature, mode, threshold, missing_yes, bit } => {
                    let x = &columns.column(feature)[from..from + B];
                    let mut split = [0; B];
                    outcome(x, mode, threshold, missing_yes, &mut split);
                    scratch.index.iter_mut().zip(&split).for_each(|(index, yes)| *index |= yes << bit);
                }
                Step::Emit { id } => emit(id, &scratch.index),
            }
        }
    }
}

/// 1 where a row goes to `yes`, else 0.
#[inline(always)]
pub(crate) fn outcome<const B: usize>(x: &[f32], mode: SplitMode, t: f32, missing_yes: bool, to: &mut [u16; B]) {
    #[inline(always)]
    fn fill<const B: usize>(x: &[f32], to: &mut [u16; B], holds: impl Fn(f32) -> bool) {
        to.iter_mut().zip(x).for_each(|(to, x)| *to = u16::from(holds(*x)));
    }
    match (mode, missing_yes) {
        (SplitMode::Leq, false) => fill(x, to, |x| x <= t),
        (SplitMode::Lt, false) => fill(x, to, |x| x < t),
        (SplitMode::Gte, false) => fill(x, to, |x| x >= t),
        (SplitMode::Gt, false) => fill(x, to, |x| x > t),
        (SplitMode::Eq, false) => fill(x, to, |x| x == t),
        (SplitMode::Neq, _) => fill(x, to, |x| x != t),
        (SplitMode::Leq, true) => fill(x, to, |x| x <= t || x.is_nan()),
        (SplitMode::Lt, true) => fill(x, to, |x| x < t || x.is_nan()),
        (SplitMode::Gte, true) => fill(x, to, |x| x >= t || x.is_nan()),
        (SplitMode::Gt, true) => fill(x, to, |x| x > t || x.is_nan()),
        (SplitMode::Eq, true) => fill(x, to, |x| x == t || x.is_nan()),
    }
}

/// The masks of a child from those of its parent.
#[inline(always)]
fn enter<const B: usize>(above: &[u16; B], split: &[u16; B], yes: bool, bit: u32, fresh: bool, below: &mut [u16; B]) {
    let flip = u16::from(!yes);
    if fresh {
        for ((below, above), split) in below.iter_mut().zip(above).zip(split) {
            *below = above | (split ^ flip) << bit;
        }
    } else {
        let others = !(1u16 << bit);
        for ((below, above), split) in below.iter_mut().zip(above).zip(split) {
            *below = above & (others | (split ^ flip) << bit);
        }
    }
}
