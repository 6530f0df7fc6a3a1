//! Exact interventional tree SHAP by per-leaf tables.
//!
//! The idea is WOODELF's (Nadel and Wettenstein, arXiv 2511.09376): a row and a background row meet
//! a leaf only through which of its path's features they satisfy, a mask of D bits each, so the
//! background is counted once by mask and every row's share is a look-up, whatever the size of the
//! background. Here the tables are made with subset sums at Gauss-Legendre nodes, 2^D * D * D/2
//! steps a leaf: with c the row's mask and a the set of features that a background row fails, a
//! feature j in c gets
//!   sum over a within c, j in a, of n(a) (|a|-1)! q! / (|a|+q)!,   q = D - |c|,
//! whose factor is the integral over t in [0,1] of t^(|a|-1) (1-t)^q, a polynomial of degree below
//! D, so ceil(D/2) nodes are exact. Leaves near each other share one table (see `program`), which
//! halves and quarters the look-ups.

use std::sync::OnceLock;

use desk_core::trees::{Node, Tree};
use fearless_simd::{Level, dispatch};

use crate::players::Players;
use crate::quadrature::Rule;
use crate::trees::columns::Columns;
use crate::trees::failing::{Absent, Failing};
use crate::trees::predict::Column;
use crate::trees::program::{self, Program, Scratch, Unit, UnitLeaf};

/// A unit ready for look-ups.
struct UnitTable {
    /// Players that it touches.
    players: Vec<u32>,
    /// outputs x players x 2^bits.
    values: Vec<f64>,
    /// 2^bits.
    size: usize,
}

/// A tree ready for look-ups.
pub(crate) struct TreeTables {
    program: Program,
    units: Vec<UnitTable>,
}

/// Splits of a unit that save more look-ups than they cost in table.
pub(crate) const UNIT_SPLITS: u32 = 3;
/// Bits up to which a unit of several splits is made; beyond, tables leave the cache.
pub(crate) const UNIT_BITS: usize = 10;

impl TreeTables {
    /// Works out all tables. Each leaf's weights are multiplied by `scale` and the columns' signs.
    pub fn new((tree, players): (&Tree, &Players), columns: &[Column], scale: f64, absent: &Absent<'_>) -> Self {
        let (units, program, _) = program::compile(tree, players, UNIT_SPLITS, UNIT_BITS);
        let failing = Failing::new((tree, players), &units, &program, absent);
        let scale = scale * failing.share();
        let (mut shares, mut failed) = (LeafShares::default(), Vec::new());
        let mut table = |(id, unit): (usize, &Unit)| {
            let mut table = UnitTable::new(unit, (tree, players), columns.len());
            for leaf in &unit.leaves {
                let weights = leaf_weights(tree, leaf.node, columns, scale);
                if weights.iter().any(|weight| *weight != 0.0) {
                    failing.of(id, unit, leaf, &mut failed);
                    let kept = leaf.kept(unit);
                    dispatch!(Level::new(), _ => {
                        shares.fill(leaf.players.len(), &failed);
                        table.add(unit.path.len(), leaf, &kept, &mut shares, &weights);
                    });
                }
            }
            table
        };
        Self { units: units.iter().enumerate().map(&mut table).collect(), program }
    }

    /// Adds the shares of rows `from..from + B`; `shares` is players x outputs x B.
    pub fn add<const B: usize>(
        &self,
        rows: &Columns,
        from: usize,
        outputs: usize,
        scratch: &mut Scratch<B>,
        shares: &mut [[f64; B]],
    ) {
        dispatch!(Level::new(), _ => {
            self.program.run(rows, from, scratch, |id, index| {
                let unit = &self.units[id];
                let mut tables = unit.values.chunks_exact(unit.size);
                for output in 0..outputs {
                    for (player, table) in unit.players.iter().zip(tables.by_ref()) {
                        look_up(table, index, &mut shares[*player as usize * outputs + output]);
                    }
                }
            });
        });
    }
}

/// Adds the table's values at the indices.
fn look_up<const B: usize>(table: &[f64], index: &[u16; B], target: &mut [f64; B]) {
    /// A size that is known needs no check of bounds.
    fn known<const B: usize, const N: usize>(table: &[f64], index: &[u16; B], target: &mut [f64; B]) -> bool {
        let Some((table, [])) = table.split_first_chunk::<N>() else { return false };
        for (value, index) in target.iter_mut().zip(index) {
            *value += table[usize::from(*index) & (N - 1)];
        }
        true
    }
    let done = match table.len() {
        16 => known::<B, 16>(table, index, target),
        32 => known::<B, 32>(table, index, target),
        64 => known::<B, 64>(table, index, target),
        128 => known::<B, 128>(table, index, target),
        256 => known::<B, 256>(table, index, target),
        512 => known::<B, 512>(table, index, target),
        1024 => known::<B, 1024>(table, index, target),
        _ => false,
    };
    if !done {
        for (value, index) in target.iter_mut().zip(index) {
            *value += table[usize::from(*index)];
        }
    }
}

/// A leaf's weights for the explained outputs.
pub(crate) fn leaf_weights(tree: &Tree, node: u32, columns: &[Column], scale: f64) -> Vec<f64> {
    let Node::Leaf(weights) = &tree.nodes[node as usize] else { return vec![0.0; columns.len()] };
    let sum = |column: &Column| -> f64 {
        weights.iter().filter(|(output, _)| *output == column.output).map(|(_, weight)| f64::from(*weight)).sum()
    };
    columns.iter().map(|column| sum(column) * column.sign * scale).collect()
}

/// What one node of the quadrature multiplies the sets of a leaf's features with.
struct Factors {
    t: f64,
    /// t^|a|.
    up: Vec<f64>,
    /// weight (1-t)^q / t for the row's mask, q features outside it.
    with: Vec<f64>,
    /// weight (1-t)^(q-1) / t, and 0 for q = 0.
    below: Vec<f64>,
}

/// The factors for a leaf of so many features, made when first wanted.
fn factors(features: usize) -> &'static [Factors] {
    static KNOWN: [OnceLock<Vec<Factors>>; program::MAX_BITS + 1] = [const { OnceLock::new() }; program::MAX_BITS + 1];
    KNOWN[features].get_or_init(|| {
        let by_size = |of: &dyn Fn(i32) -> f64| (0..1u32 << features).map(|set| of(set.count_ones() as i32)).collect();
        let rule = Rule::on_unit_interval(features.div_ceil(2));
        let n = features as i32;
        let node = |(t, weight): (f64, f64)| Factors {
            t,
            up: by_size(&|size| t.powi(size)),
            with: by_size(&|size| weight * (1.0 - t).powi(n - size) / t),
            below: by_size(&|size| if size < n { weight * (1.0 - t).powi(n - size - 1) / t } else { 0.0 }),
        };
        rule.nodes().map(node).collect()
    })
}

/// Shares of a leaf of weight 1 as functions of the row's mask c. A feature in c gets
/// `with[c] - without[c less it]`, any other gets `outside[c]`.
#[derive(Default)]
struct LeafShares {
    with: Vec<f64>,
    without: Vec<f64>,
    outside: Vec<f64>,
    sums: Vec<f64>,
    of_one: Vec<f64>,
}

impl LeafShares {
    /// `failed` says how many rows fail each set of features, all its own and no other.
    #[inline(always)]
    fn fill(&mut self, features: usize, failed: &[f64]) {
        let size = 1usize << features;
        for values in [&mut self.with, &mut self.without, &mut self.outside] {
            values.clear();
            values.resize(size, 0.0);
        }
        for Factors { t, up, with, below } in factors(features) {
            self.sums.clear();
            self.sums.extend(failed.iter().zip(up).map(|(count, up)| count * up));
            subset_sums(&mut self.sums);
            let sets = self.with.iter_mut().zip(&mut self.without).zip(&mut self.outside);
            for ((to, sum), (with, below)) in sets.zip(&self.sums).zip(with.iter().zip(below)) {
                let ((of_with, of_without), of_outside) = to;
                *of_with += with * sum;
                *of_without += below * sum;
                *of_outside -= below * sum * t;
            }
        }
    }

    /// The shares of one feature by mask.
    #[inline(always)]
    fn of(&mut self, slot: usize) -> &[f64] {
        let half = 1usize << slot;
        self.of_one.clear();
        self.of_one.resize(self.with.len(), 0.0);
        let pairs = self.of_one.chunks_exact_mut(2 * half).zip(self.with.chunks_exact(2 * half));
        let others = self.without.chunks_exact(2 * half).zip(self.outside.chunks_exact(2 * half));
        for ((to, with), (without, outside)) in pairs.zip(others) {
            let (absent, present) = to.split_at_mut(half);
            absent.copy_from_slice(&outside[..half]);
            for ((to, with), without) in present.iter_mut().zip(&with[half..]).zip(&without[..half]) {
                *to = with - without;
            }
        }
        &self.of_one
    }
}

/// Replaces each set's number by the sum over its subsets.
#[inline(always)]
fn subset_sums(values: &mut [f64]) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (without, with) = pair.split_at_mut(half);
            with.iter_mut().zip(without).for_each(|(with, without)| *with += *without);
        }
        half *= 2;
    }
}

impl UnitTable {
    fn new(unit: &Unit, (tree, of): (&Tree, &Players), outputs: usize) -> Self {
        let mut players = unit.path.clone();
        for split in &unit.splits {
            if let Node::Split { feature, .. } = &tree.nodes[*split as usize]
                && !players.contains(&of.of(*feature))
            {
                players.push(of.of(*feature));
            }
        }
        let size = 1 << unit.bits();
        Self { values: vec![0.0; outputs * players.len() * size], players, size }
    }

    /// Adds a leaf's shares at every index of the unit, whose path has `path` players.
    #[inline(always)]
    fn add(&mut self, path: usize, leaf: &UnitLeaf, kept: &[usize], shares: &mut LeafShares, weights: &[f64]) {
        let (width, low) = (self.players.len(), (1usize << path) - 1);
        for (slot, player) in leaf.players.iter().enumerate() {
            let Some(place) = self.players.iter().position(|known| known == player) else { continue };
            let of_feature = shares.of(slot);
            for (output, weight) in weights.iter().enumerate() {
                let start = (output * width + place) * self.size;
                let targets = self.values[start..start + self.size].chunks_exact_mut(low + 1);
                for (target, kept) in targets.zip(kept) {
                    let own = kept & !low;
                    if kept & low == low {
                        let source = &of_feature[own..=own | low];
                        target.iter_mut().zip(source).for_each(|(value, share)| *value += weight * share);
                    } else {
                        let of = |on_path: usize| of_feature[on_path & kept | own];
                        target.iter_mut().enumerate().for_each(|(c, value)| *value += weight * of(c));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factorial(n: u32) -> f64 {
        (1..=n).map(f64::from).product()
    }

    #[test]
    fn shares_of_a_leaf_equal_the_definition() {
        let mut shares = LeafShares::default();
        for features in 1..=9usize {
            let size = 1 << features;
            let counts: Vec<u32> = (0..size as u32).map(|b| b.wrapping_mul(2654435761) >> 28).collect();
            let failed: Vec<f64> = counts.iter().rev().map(|count| f64::from(*count)).collect();
            shares.fill(features, &failed);
            for c in 0..size {
                for j in 0..features {
                    let mut want = 0.0;
                    for (b, count) in counts.iter().enumerate().filter(|(b, _)| c | b == size - 1) {
                        let p = (c & !b).count_ones();
                        let q = (b & !c).count_ones();
                        let bit = 1 << j;
                        if c & bit != 0 && b & bit == 0 {
                            want += f64::from(*count) * factorial(p - 1) * factorial(q) / factorial(p + q);
                        } else if c & bit == 0 && b & bit != 0 {
                            want -= f64::from(*count) * factorial(p) * factorial(q - 1) / factorial(p + q);
                        }
                    }
                    let found = shares.of(j)[c];
                    assert!((found - want).abs() < 1e-12 * 2f64.powi(features as i32), "{features} {c} {j}");
                }
            }
        }
    }
}
