//! Exact interventional tree SHAP by summing over the masks that matter to one row.
//!
//! As `tables`, but nothing is worked out ahead except the counts: for a row's mask c at a leaf, the
//! background rows that can meet it there are those that fail a subset of c, and only these subsets
//! are visited: (3/2)^D of 2^D on average. Rows of a block with the same mask share the work. Better
//! than tables for few rows or deep leaves, and as indifferent to the size of the background.

use desk_core::trees::Tree;

use crate::players::Players;
use crate::trees::columns::Columns;
use crate::trees::counts::Counts;
use crate::trees::grouped::weight;
use crate::trees::predict::Column;
use crate::trees::program::{self, MAX_BITS, Program, Scratch, Unit, UnitLeaf};
use crate::trees::tables::{UNIT_BITS, UNIT_SPLITS, leaf_weights};

struct Leaf {
    players: Vec<u32>,
    /// One for each explained output.
    weights: Vec<f64>,
    /// Background rows by the set of players that they fail.
    failed: Vec<f64>,
}

/// A tree whose background is counted.
pub(crate) struct SubsetTree {
    program: Program,
    leaves: Vec<Leaf>,
}

/// Working memory: Shapley weights and the shares of the masks met in a block.
pub(crate) struct Memory {
    /// (|a|-1)! q! / (|a|+q)! at `q * (MAX_BITS + 1) + |a|`.
    inside: Vec<f64>,
    /// |a|! (q-1)! / (|a|+q)! at the same place.
    outside: Vec<f64>,
    /// For each mask, the turn in which it was met and where its shares are.
    met: Vec<(u32, u32)>,
    turn: u32,
    /// Shares of the masks met in this turn, features of the leaf to each.
    shares: Vec<f64>,
}

impl Memory {
    pub fn new() -> Self {
        let side = MAX_BITS + 1;
        let table = |of: &dyn Fn(usize, usize) -> f64| (0..side * side).map(|at| of(at % side, at / side)).collect();
        Self {
            inside: table(&|a, q| weight(a, q)),
            outside: table(&|a, q| weight(q, a)),
            met: vec![(0, 0); 1 << MAX_BITS],
            turn: 0,
            shares: Vec::new(),
        }
    }

    /// Starts on another leaf.
    fn start(&mut self) {
        if self.turn == u32::MAX {
            self.met.fill((0, 0));
            self.turn = 0;
        }
        self.turn += 1;
        self.shares.clear();
    }

    /// Where the shares of a mask at a leaf of weight 1 are.
    fn shares_of(&mut self, mask: u16, features: usize, counts: &[f64]) -> usize {
        let (turn, place) = self.met[usize::from(mask)];
        if turn == self.turn {
            return place as usize;
        }
        let place = self.shares.len();
        self.met[usize::from(mask)] = (self.turn, place as u32);
        self.shares.resize(place + features, 0.0);
        let shares = &mut self.shares[place..];
        let (c, q) = (usize::from(mask), features - mask.count_ones() as usize);
        let row = q * (MAX_BITS + 1);
        let mut lost = 0.0;
        let mut failed = c;
        loop {
            let count = counts[failed];
            if count > 0.0 {
                let size = failed.count_ones() as usize;
                lost += count * self.outside[row + size];
                let gain = count * self.inside[row + size];
                let mut bits = failed;
                while bits != 0 {
                    shares[bits.trailing_zeros() as usize] += gain;
                    bits &= bits - 1;
                }
            }
            if failed == 0 {
                break;
            }
            failed = (failed - 1) & c;
        }
        for (slot, share) in shares.iter_mut().enumerate() {
            if c >> slot & 1 == 0 {
                *share = -lost;
            }
        }
        place
    }
}

impl SubsetTree {
    /// Counts the background. Each leaf's weights are multiplied by `scale` and the columns' signs.
    pub fn new((tree, players): (&Tree, &Players), columns: &[Column], scale: f64, background: &Columns) -> Self {
        let (units, unit_program, program) = program::compile(tree, players, UNIT_SPLITS, UNIT_BITS);
        let counts = Counts::new(&units, &unit_program, background);
        let share = scale / background.rows() as f64;
        let leaves =
            units.iter().enumerate().flat_map(|(id, unit)| unit.leaves.iter().map(move |leaf| (id, unit, leaf)));
        let leaf = |(id, unit, leaf): (usize, &Unit, &UnitLeaf)| {
            let mut failed = Vec::new();
            counts.failed(id, unit, leaf, &mut failed);
            Leaf { weights: leaf_weights(tree, leaf.node, columns, share), players: leaf.players.clone(), failed }
        };
        Self { leaves: leaves.map(leaf).collect(), program }
    }

    /// Adds the shares of rows `from..from + valid`; `shares` is players x outputs x B.
    pub fn add<const B: usize>(
        &self,
        rows: &Columns,
        (from, valid): (usize, usize),
        scratch: &mut Scratch<B>,
        memory: &mut Memory,
        shares: &mut [[f64; B]],
    ) {
        self.program.run(rows, from, scratch, |number, masks| {
            let leaf = &self.leaves[number];
            let (width, outputs) = (leaf.players.len(), leaf.weights.len());
            if leaf.weights.iter().all(|weight| *weight == 0.0) {
                return;
            }
            memory.start();
            for (r, mask) in masks[..valid].iter().enumerate() {
                let place = memory.shares_of(*mask, width, &leaf.failed);
                let found = &memory.shares[place..place + width];
                for (player, share) in leaf.players.iter().zip(found) {
                    for (k, weight) in leaf.weights.iter().enumerate() {
                        shares[*player as usize * outputs + k][r] += weight * share;
                    }
                }
            }
        });
    }
}
