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

use desk_core::trees::{Node, Tree};

use crate::quadrature::Rule;
use crate::trees::columns::Columns;
use crate::trees::counts::Counts;
use crate::trees::predict::Column;
use crate::trees::program::{self, Program, Scratch, Unit, UnitLeaf};

/// A unit ready for look-ups.
struct UnitTable {
    /// Features that it touches.
    features: Vec<u32>,
    /// outputs x features x 2^bits.
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
const UNIT_SPLITS: u32 = 3;
/// Bits up to which a unit of several splits is made; beyond, tables leave the cache.
const UNIT_BITS: usize = 10;

impl TreeTables {
    /// Counts the background and works out all tables. Each leaf's weights are multiplied by
    /// `scale` and the columns' signs.
    pub fn new(tree: &Tree, columns: &[Column], scale: f64, background: &Columns) -> Self {
        let (units, unit_program, leaf_program) = program::compile(tree, UNIT_SPLITS, UNIT_BITS);
        let leaves = units.iter().flat_map(|unit| &unit.leaves);
        let counts = Counts::new(leaves.map(|leaf| leaf.features.len()), &leaf_program, background);
        let rules = Rules::default();
        let mut shares = LeafShares::default();
        let tables = units
            .iter()
            .map(|unit| {
                let mut table = UnitTable::new(unit, tree, columns.len());
                for leaf in &unit.leaves {
                    let weights = leaf_weights(tree, leaf.node, columns, scale / background.rows() as f64);
                    if weights.iter().any(|weight| *weight != 0.0) {
                        shares.fill(leaf.features.len(), counts.of(leaf.number), &rules);
                        table.add(unit, leaf, &shares, &weights);
                    }
                }
                table
            })
            .collect();
        Self { program: unit_program, units: tables }
    }

    /// Adds the shares of rows `from..from + B`; `shares` is features x outputs x B.
    pub fn add<const B: usize>(
        &self,
        rows: &Columns,
        from: usize,
        outputs: usize,
        scratch: &mut Scratch<B>,
        shares: &mut [[f64; B]],
    ) {
        self.program.run(rows, from, scratch, |id, index| {
            let unit = &self.units[id];
            let mut tables = unit.values.chunks_exact(unit.size);
            for output in 0..outputs {
                for (feature, table) in unit.features.iter().zip(tables.by_ref()) {
                    let target = &mut shares[*feature as usize * outputs + output];
                    for (share, index) in target.iter_mut().zip(index) {
                        *share += table[usize::from(*index)];
                    }
                }
            }
        });
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

/// Quadrature rules by number of features, made when first wanted.
struct Rules(Vec<Rule>);

impl Default for Rules {
    fn default() -> Self {
        Self((0..=program::MAX_BITS).map(|features| Rule::on_unit_interval(features.div_ceil(2))).collect())
    }
}

/// Shares of a leaf of weight 1 as functions of the row's mask c. A feature in c gets
/// `with[c] - without[c less it]`, any other gets `outside[c]`.
#[derive(Default)]
struct LeafShares {
    with: Vec<f64>,
    without: Vec<f64>,
    outside: Vec<f64>,
    sums: Vec<f64>,
}

impl LeafShares {
    fn fill(&mut self, features: usize, counts: &[u32], rules: &Rules) {
        let size = 1usize << features;
        for values in [&mut self.with, &mut self.without, &mut self.outside] {
            values.clear();
            values.resize(size, 0.0);
        }
        for (t, weight) in rules.0[features].nodes() {
            let (ups, downs) = (powers(t, features), powers(1.0 - t, features));
            self.sums.clear();
            // The set that a background row fails is the complement of its mask.
            let failed = (0..size).map(|a| f64::from(counts[size - 1 - a]) * ups[a.count_ones() as usize]);
            self.sums.extend(failed);
            subset_sums(&mut self.sums);
            for (c, sum) in self.sums.iter().enumerate() {
                let q = features - c.count_ones() as usize;
                self.with[c] += weight * downs[q] / t * sum;
                if q > 0 {
                    let below = weight * downs[q - 1] * sum;
                    self.without[c] += below / t;
                    self.outside[c] -= below;
                }
            }
        }
    }
}

/// x^0 to x^n.
fn powers(x: f64, n: usize) -> [f64; program::MAX_BITS + 1] {
    let mut powers = [1.0; program::MAX_BITS + 1];
    for i in 1..=n {
        powers[i] = powers[i - 1] * x;
    }
    powers
}

/// Replaces each set's number by the sum over its subsets.
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
    fn new(unit: &Unit, tree: &Tree, outputs: usize) -> Self {
        let mut features = unit.path.clone();
        for split in &unit.splits {
            if let Node::Split { feature, .. } = &tree.nodes[*split as usize]
                && !features.contains(feature)
            {
                features.push(*feature);
            }
        }
        let size = 1 << unit.bits();
        Self { values: vec![0.0; outputs * features.len() * size], features, size }
    }

    /// Adds a leaf's shares at every index of the unit.
    fn add(&mut self, unit: &Unit, leaf: &UnitLeaf, shares: &LeafShares, weights: &[f64]) {
        let masks: Vec<usize> = (0..self.size).map(|index| leaf_mask(index, unit, leaf)).collect();
        let width = self.features.len();
        for (slot, feature) in leaf.features.iter().enumerate() {
            let Some(place) = self.features.iter().position(|known| known == feature) else { continue };
            for (output, weight) in weights.iter().enumerate() {
                let start = (output * width + place) * self.size;
                for (value, c) in self.values[start..start + self.size].iter_mut().zip(&masks) {
                    let bit = 1 << slot;
                    let share =
                        if c & bit == 0 { shares.outside[*c] } else { shares.with[*c] - shares.without[c ^ bit] };
                    *value += weight * share;
                }
            }
        }
    }
}

/// The mask at a leaf that belongs to an index of its unit.
fn leaf_mask(index: usize, unit: &Unit, leaf: &UnitLeaf) -> usize {
    let path = unit.path.len();
    let fresh = ((1 << leaf.features.len()) - 1) & !((1 << path) - 1);
    let mut mask = index & ((1 << path) - 1) | fresh;
    for (bit, slot, way) in &leaf.turns {
        if (index >> bit & 1 == 1) != *way {
            mask &= !(1 << slot);
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factorial(n: u32) -> f64 {
        (1..=n).map(f64::from).product()
    }

    #[test]
    fn shares_of_a_leaf_equal_the_definition() {
        let rules = Rules::default();
        let mut shares = LeafShares::default();
        for features in 1..=9usize {
            let size = 1 << features;
            let counts: Vec<u32> = (0..size as u32).map(|b| b.wrapping_mul(2654435761) >> 28).collect();
            shares.fill(features, &counts, &rules);
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
                    let found =
                        if c >> j & 1 == 1 { shares.with[c] - shares.without[c ^ 1 << j] } else { shares.outside[c] };
                    assert!((found - want).abs() < 1e-12 * 2f64.powi(features as i32), "{features} {c} {j}");
                }
            }
        }
    }
}
