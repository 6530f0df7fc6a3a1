//! The rows of the regression, and the products of its normal equations.

use fearless_simd::{Level, dispatch};

use super::Pair;
use super::design::Stratum;
use super::triples::{self, Triple};

/// Rows of the left side that one thread sums up at a time.
pub(super) const STRIPE: usize = 8;

/// Pairs as weighted rows of players and products.
pub(super) struct Rows {
    columns: usize,
    cells: Vec<f64>,
    weights: Vec<f64>,
}

impl Rows {
    /// A row for each pair; a stratum's pairs share out its mass.
    pub fn of(strata: &[Stratum], pairs: &[Pair], counts: &[usize], triples: &[Triple]) -> Self {
        let columns = pairs.first().map_or(0, |pair| pair.x.len()) + triples.len();
        let mut cells = Vec::with_capacity(pairs.len() * columns);
        for pair in pairs {
            pair.row(triples, &mut cells);
        }
        let weight = |pair: &Pair| strata[pair.stratum].mass / counts[pair.stratum] as f64;
        Self { columns, cells, weights: pairs.iter().map(weight).collect() }
    }

    /// Adds up the left side's rows from one on, each up to its diagonal. Every sum is over the pairs in their order, whatever
    /// the number of threads.
    pub fn products(&self, first: usize, gram: &mut [f64]) {
        dispatch!(Level::new(), _ => self.add_products(first, gram));
    }

    #[expect(clippy::inline_always, reason = "a function of its own would not be made for the processor at hand")]
    #[inline(always)]
    fn add_products(&self, first: usize, gram: &mut [f64]) {
        let columns = self.columns;
        for (row, weight) in self.cells.chunks_exact(columns).zip(&self.weights) {
            for (a, gram) in (first..).zip(gram.chunks_exact_mut(columns)) {
                if row[a] != 0.0 {
                    let scaled = weight * row[a];
                    gram[..=a].iter_mut().zip(row).for_each(|(g, x)| *g += scaled * x);
                }
            }
        }
    }

    /// Adds up a right side for answers to the pairs.
    pub fn times(&self, answer: impl Fn(usize) -> f64, right: &mut [f64]) {
        for (pair, (row, weight)) in self.cells.chunks_exact(self.columns).zip(&self.weights).enumerate() {
            let y = answer(pair);
            right.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x * y);
        }
    }
}

impl Pair {
    /// Adds the players' part of the regression's row, and behind it that of the products.
    pub fn row(&self, triples: &[Triple], row: &mut Vec<f64>) {
        row.extend_from_slice(&self.x);
        row.extend(triples.iter().map(|triple| triples::column(&self.set, triple)));
    }
}
