//! Shapley interaction values of a tree ensemble, interventional and path-dependent.
//!
//! The values are those of shap's `shap_interaction_values` (Lundberg et al. 2020, after Fujimoto's interaction index): two
//! features share I_ij = sum over S of |S|! (d-|S|-2)! / (d-1)! (v(S+ij) - v(S+i) - v(S+j) + v(S)) by halves, and the
//! diagonal is what is left of a feature's Shapley value, so each row of the matrix adds up to it. At a leaf where a row
//! satisfies the features c and a background row fails the features a, a part of c, with p = |a| and q features outside c,
//! the index is (p-2)! q! / (p+q-1)! for two features of a, - (p-1)! (q-1)! / (p+q-1)! for one of a and one outside c, and
//! p! (q-2)! / (p+q-1)! for two outside c.

use desk_core::trees::{Tree, TreeEnsemble};
use rayon::prelude::*;

use crate::error::ExplainError;
use crate::explanation::Cube;
use crate::players::Players;
use crate::trees::Job;
use crate::trees::columns::Columns;
use crate::trees::failing::{Absent, Failing};
use crate::trees::grouped::weight;
use crate::trees::plan::path_widths;
use crate::trees::predict::Column;
use crate::trees::program::{self, MAX_BITS, Program, Scratch};
use crate::trees::tables::{UNIT_BITS, UNIT_SPLITS, leaf_weights};

/// Rows of a block.
const B: usize = 64;
/// Numbers that all rows' matrices may have: 64 MiB here, three times that as text.
const MOST_NUMBERS: usize = 1 << 23;

struct Leaf {
    players: Vec<u32>,
    /// One for each explained output.
    weights: Vec<f64>,
    /// Share of the rows that stand for absent players, by the set of players that they fail.
    failed: Vec<f64>,
}

/// A tree ready for rows.
struct PairTree {
    program: Program,
    leaves: Vec<Leaf>,
}

/// Refuses what would not fit.
pub(crate) fn check(
    ensemble: &TreeEnsemble,
    players: &Players,
    rows: usize,
    outputs: usize,
) -> Result<(), ExplainError> {
    let features = players.count();
    let numbers = features.checked_mul(features).and_then(|n| n.checked_mul(rows)?.checked_mul(outputs));
    if numbers.is_none_or(|numbers| numbers > MOST_NUMBERS) {
        return Err(ExplainError::BadRequest(format!(
            "interaction values of {rows} rows of {features} features are too many numbers; explain fewer rows"
        )));
    }
    let deepest = |tree: &Tree| path_widths(tree, players).into_iter().max().unwrap_or(0);
    match ensemble.trees.iter().map(deepest).max() {
        Some(deepest) if deepest > MAX_BITS => Err(ExplainError::BadRequest(format!(
            "interaction values need trees of at most {MAX_BITS} different features on a path, and one has {deepest}"
        ))),
        _ => Ok(()),
    }
}

impl Job<'_> {
    /// Interaction values, rows x (features x features) x outputs, whose rows add up to the Shapley values given.
    pub(crate) fn interactions(&self, shapley: &Cube) -> Result<Cube, ExplainError> {
        let (rows, features, outputs) = shapley.shape();
        let mut cube = Cube::zeros(rows, features * features, outputs);
        let size = features * features * outputs;
        for (at, tree) in self.ensemble.trees.iter().enumerate() {
            let tree = PairTree::new((tree, self.players), self.columns, self.scale, &self.game.absent(at));
            let blocks = cube.as_mut_slice().par_chunks_mut(B * size).enumerate();
            blocks.try_for_each_init(
                || (Scratch::<B>::new(), Memory::new()),
                |(scratch, memory), (block, target)| {
                    self.cancel.check()?;
                    tree.add(&self.rows, block * B, (scratch, memory), features, target);
                    Ok::<_, ExplainError>(())
                },
            )?;
        }
        for row in 0..rows {
            settle(cube.row_mut(row), shapley.row(row), features, outputs);
        }
        Ok(cube)
    }
}

/// Fills the lower triangle from the upper one, and the diagonal with what is left of the Shapley values.
fn settle(matrix: &mut [f64], shapley: &[f64], features: usize, outputs: usize) {
    for k in 0..outputs {
        let at = |i: usize, j: usize| (i * features + j) * outputs + k;
        for i in 0..features {
            let mut rest = shapley[i * outputs + k];
            for j in (0..features).filter(|j| *j != i) {
                if j < i {
                    matrix[at(i, j)] = matrix[at(j, i)];
                }
                rest -= matrix[at(i, j)];
            }
            matrix[at(i, i)] = rest;
        }
    }
}

impl PairTree {
    fn new((tree, players): (&Tree, &Players), columns: &[Column], scale: f64, absent: &Absent<'_>) -> Self {
        let (units, unit_program, program) = program::compile(tree, players, UNIT_SPLITS, UNIT_BITS);
        let failing = Failing::new((tree, players), &units, &unit_program, absent);
        // Each of two features takes one half.
        let scale = scale * failing.share() / 2.0;
        let mut leaves = Vec::new();
        for (id, unit) in units.iter().enumerate() {
            for leaf in &unit.leaves {
                let mut failed = Vec::new();
                failing.of(id, unit, leaf, &mut failed);
                let weights = leaf_weights(tree, leaf.node, columns, scale);
                leaves.push(Leaf { players: leaf.players.clone(), weights, failed });
            }
        }
        Self { program, leaves }
    }

    /// Adds to the upper triangles of the block's rows.
    fn add(
        &self,
        rows: &Columns,
        from: usize,
        (scratch, memory): (&mut Scratch<B>, &mut Memory),
        features: usize,
        target: &mut [f64],
    ) {
        self.program.run(rows, from, scratch, |number, masks| {
            let leaf = &self.leaves[number];
            let (width, outputs) = (leaf.players.len(), leaf.weights.len());
            memory.pairs.clear();
            memory.met.clear();
            for (matrix, mask) in target.chunks_exact_mut(features * features * outputs).zip(masks) {
                let start = memory.pairs_of(*mask, width, &leaf.failed);
                let mut pairs = memory.pairs[start..].iter();
                for (slot, one) in leaf.players.iter().enumerate() {
                    for (other, pair) in leaf.players[slot + 1..].iter().zip(&mut pairs) {
                        let (i, j) = ((*one).min(*other) as usize, (*one).max(*other) as usize);
                        let cell = &mut matrix[(i * features + j) * outputs..][..outputs];
                        cell.iter_mut().zip(&leaf.weights).for_each(|(cell, weight)| *cell += weight * pair);
                    }
                }
            }
        });
    }
}

/// The indices of the masks met at one leaf of weight 1.
struct Memory {
    /// Mask and where its pairs begin.
    met: Vec<(u16, usize)>,
    /// For each mask, pairs of slots (0, 1), (0, 2), …, (1, 2), ….
    pairs: Vec<f64>,
    /// weight(p, q) at `p * (MAX_BITS + 1) + q`.
    weights: Vec<f64>,
}

impl Memory {
    fn new() -> Self {
        let side = MAX_BITS + 1;
        let weights = (0..side * side).map(|at| weight(at / side, at % side)).collect();
        Self { met: Vec::new(), pairs: Vec::new(), weights }
    }

    fn pairs_of(&mut self, mask: u16, width: usize, failed: &[f64]) -> usize {
        if let Some((_, start)) = self.met.iter().find(|(met, _)| *met == mask) {
            return *start;
        }
        let start = self.pairs.len();
        self.met.push((mask, start));
        let (c, outside) = (usize::from(mask), width - mask.count_ones() as usize);
        let of = |p: usize, q: usize| self.weights[p * (MAX_BITS + 1) + q];
        let mut inside = vec![0.0; width * width];
        let mut across = vec![0.0; width];
        let mut beyond = 0.0;
        let mut a = c;
        loop {
            let (count, p) = (failed[a], a.count_ones() as usize);
            if count > 0.0 {
                let both = if p > 1 { count * of(p - 1, outside) } else { 0.0 };
                let one = if p > 0 && outside > 0 { count * of(p, outside - 1) } else { 0.0 };
                beyond += if outside > 1 { count * of(outside - 1, p) } else { 0.0 };
                for i in bits(a) {
                    across[i] += one;
                    bits(a & !((2 << i) - 1)).for_each(|j| inside[i * width + j] += both);
                }
            }
            if a == 0 {
                break;
            }
            a = (a - 1) & c;
        }
        for i in 0..width {
            for j in i + 1..width {
                self.pairs.push(match (c >> i & 1 == 1, c >> j & 1 == 1) {
                    (true, true) => inside[i * width + j],
                    (true, false) => -across[i],
                    (false, true) => -across[j],
                    (false, false) => beyond,
                });
            }
        }
        start
    }
}

/// The elements of a set, ascending.
fn bits(mut set: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let lowest = set.trailing_zeros() as usize;
            set &= set - 1;
            lowest
        })
    })
}
