//! Weighted ridge regression on a table of ones and zeros, by conjugate gradients.
//!
//! A text may have thousands of words, for which the normal equations take too much time and memory. Products with a table
//! of bits are cheap: eight columns at a time have 256 sums, which are looked up (Arlazarov et al. 1970, the "Four
//! Russians"), and random tables are so well conditioned that some tens of products give the solution to rounding.

use desk_core::Cancel;
use rayon::prelude::*;

use super::no_solution;
use crate::error::ExplainError;
use crate::linalg::{RidgeFit, explained, is_constant};

/// Residual, relative to the right side, at which the solution is as good as rounding lets it be.
const CLOSE: f64 = 1e-13;
/// Residual at which it is no solution when it comes no closer.
const FAR: f64 = 1e-8;
/// Look-ups of a product that are worth more than one thread.
const MANY: usize = 1 << 17;
/// Rows that one thread takes at a time.
const BLOCK: usize = 512;

/// Rows of ones and zeros.
pub(super) struct Bits {
    rows: usize,
    columns: usize,
    /// Eight columns to a byte; the bytes of all rows stand together.
    bytes: Vec<u8>,
}

impl Bits {
    /// A table of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, bytes: vec![0; rows * columns.div_ceil(8)] }
    }

    /// A row of numbers as bytes, eight columns to each; what is not 0 is 1.
    pub fn bytes(cells: &[f64]) -> impl Iterator<Item = u8> + '_ {
        let byte = |eight: &[f64]| eight.iter().enumerate().fold(0, |byte, (i, x)| byte | u8::from(*x != 0.0) << i);
        cells.chunks(8).map(byte)
    }

    /// Writes rows from one on, their bytes one row after the other.
    pub fn set_rows(&mut self, from: usize, bytes: &[u8]) {
        let groups = self.columns.div_ceil(8);
        for (group, to) in self.bytes.chunks_exact_mut(self.rows).enumerate() {
            let column = bytes.iter().skip(group).step_by(groups);
            to[from..].iter_mut().zip(column).for_each(|(to, byte)| *to = *byte);
        }
    }

    /// One row as numbers.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        (0..self.columns).map(move |c| f64::from(self.bytes[c / 8 * self.rows + row] >> (c % 8) & 1))
    }

    /// The table times a vector: one number for each row.
    fn times(&self, v: &[f64]) -> Vec<f64> {
        let tables: Vec<[f64; 256]> = v.chunks(8).map(sums).collect();
        let mut out = vec![0.0; self.rows];
        let block = |(at, out): (usize, &mut [f64])| {
            let from = at * BLOCK;
            for (table, bytes) in tables.iter().zip(self.bytes.chunks_exact(self.rows)) {
                let bytes = &bytes[from..from + out.len()];
                out.iter_mut().zip(bytes).for_each(|(sum, byte)| *sum += table[usize::from(*byte)]);
            }
        };
        if self.bytes.len() < MANY {
            out.chunks_mut(BLOCK).enumerate().for_each(block);
        } else {
            out.par_chunks_mut(BLOCK).enumerate().for_each(block);
        }
        out
    }

    /// A vector times the table: one number for each column.
    fn transposed_times(&self, u: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.columns];
        let group = |(bytes, out): (&[u8], &mut [f64])| {
            // Four tables, so that a sum need not wait for the one before it: rows with most parts, or few, have the same bytes.
            let mut tables = [[0.0; 256]; 4];
            for (bytes, u) in bytes.chunks(4).zip(u.chunks(4)) {
                for (table, (byte, u)) in tables.iter_mut().zip(bytes.iter().zip(u)) {
                    table[usize::from(*byte)] += u;
                }
            }
            let [mut of, others @ ..] = tables;
            for other in &others {
                of.iter_mut().zip(other).for_each(|(sum, more)| *sum += more);
            }
            for bit in (0..8).rev() {
                let (low, high) = of.split_at_mut(1 << bit);
                let high = &high[..1 << bit];
                if let Some(out) = out.get_mut(bit) {
                    *out = high.iter().sum();
                }
                low.iter_mut().zip(high).for_each(|(low, high)| *low += high);
            }
        };
        if self.bytes.len() < MANY {
            self.bytes.chunks_exact(self.rows).zip(out.chunks_mut(8)).for_each(group);
        } else {
            self.bytes.par_chunks_exact(self.rows).zip(out.par_chunks_mut(8)).for_each(group);
        }
        out
    }

    /// Weighted ridge regression with intercept, what [`crate::ridge`] gives for the same table: `y` holds `targets`
    /// answers a row. The result does not depend on the number of threads.
    ///
    /// # Errors
    /// Cancelled, or there is no solution (no weight is positive, or no penalty where columns are alike).
    pub fn ridge(
        &self,
        y: &[f64],
        targets: usize,
        w: &[f64],
        alpha: f64,
        cancel: &Cancel,
    ) -> Result<Vec<RidgeFit>, ExplainError> {
        let total: f64 = w.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return Err(no_solution());
        }
        let means: Vec<f64> = self.transposed_times(w).iter().map(|sum| sum / total).collect();
        let system = System { bits: self, w, total, means: &means, alpha };
        let fit = |t: usize| {
            let y: Vec<f64> = y.iter().skip(t).step_by(targets).copied().collect();
            system.fit(&y, cancel)
        };
        (0..targets).map(fit).collect()
    }
}

/// The sums of all choices among up to eight numbers.
fn sums(eight: &[f64]) -> [f64; 256] {
    let mut table = [0.0; 256];
    for (i, x) in eight.iter().enumerate() {
        let (known, fresh) = table.split_at_mut(1 << i);
        fresh[..1 << i].iter_mut().zip(known).for_each(|(to, from)| *to = *from + x);
    }
    table
}

/// The normal equations, which are never written out.
struct System<'a> {
    bits: &'a Bits,
    w: &'a [f64],
    total: f64,
    means: &'a [f64],
    alpha: f64,
}

impl System<'_> {
    /// The matrix times a vector.
    fn apply(&self, v: &[f64]) -> Vec<f64> {
        let shift = dot(self.means, v);
        let mut u = self.bits.times(v);
        u.iter_mut().zip(self.w).for_each(|(x, w)| *x = w * (*x - shift));
        let mut out = self.bits.transposed_times(&u);
        out.iter_mut().zip(v).for_each(|(o, x)| *o += self.alpha * x);
        out
    }

    fn fit(&self, y: &[f64], cancel: &Cancel) -> Result<RidgeFit, ExplainError> {
        let y_mean = dot(y, self.w) / self.total;
        let u: Vec<f64> = y.iter().zip(self.w).map(|(y, w)| w * (y - y_mean)).collect();
        let coefficients = self.solve(self.bits.transposed_times(&u), cancel)?;
        let intercept = y_mean - dot(&coefficients, self.means);
        let (mut left, mut all) = (0.0, 0.0);
        for ((y, w), part) in y.iter().zip(self.w).zip(self.bits.times(&coefficients)) {
            left += w * (y - intercept - part).powi(2);
            all += w * (y - y_mean).powi(2);
        }
        let r2 = explained(left, all, is_constant(y.iter().copied()));
        Ok(RidgeFit { intercept, coefficients, r2 })
    }

    /// Conjugate gradients (Hestenes and Stiefel 1952), scaled by the matrix' diagonal.
    fn solve(&self, right: Vec<f64>, cancel: &Cancel) -> Result<Vec<f64>, ExplainError> {
        let scale: Vec<f64> = self.means.iter().map(|m| self.total * m * (1.0 - m).max(0.0) + self.alpha).collect();
        if scale.iter().any(|s| s.is_nan() || *s <= 0.0) {
            return Err(no_solution());
        }
        let scaled = |r: &[f64]| r.iter().zip(&scale).map(|(r, s)| r / s).collect::<Vec<f64>>();
        let mut x = vec![0.0; right.len()];
        let mut r = right;
        let mut z = scaled(&r);
        let mut p = z.clone();
        let mut size = dot(&r, &z);
        let first = size;
        for _ in 0..10 * x.len() + 200 {
            if size <= CLOSE * CLOSE * first {
                return Ok(x);
            }
            cancel.check()?;
            let q = self.apply(&p);
            let step = size / dot(&p, &q);
            x.iter_mut().zip(&p).for_each(|(x, p)| *x += step * p);
            r.iter_mut().zip(&q).for_each(|(r, q)| *r -= step * q);
            z = scaled(&r);
            let next = dot(&r, &z);
            let turn = next / size;
            p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + turn * *p);
            size = next;
        }
        if size <= FAR * FAR * first { Ok(x) } else { Err(no_solution()) }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::linalg::ridge;

    /// Random ones and zeros with answers and weights: (cells, answers of two targets, weights).
    fn table(rows: usize, columns: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut dice = Dice::new(5, &[], 0);
        let cells: Vec<f64> = (0..rows * columns).map(|_| f64::from(u8::from(dice.uniform() < 0.6))).collect();
        let y = (0..2 * rows).map(|_| 3.0 + dice.normal()).collect();
        let w = (0..rows).map(|_| dice.uniform()).collect();
        (cells, y, w)
    }

    #[test]
    fn the_solution_is_that_of_the_normal_equations() {
        // The last has more columns than rows, and one is large enough for several threads.
        for (rows, columns) in [(40, 1), (300, 7), (200, 8), (500, 64), (2000, 530), (60, 90)] {
            let (cells, y, w) = table(rows, columns);
            let mut bits = Bits::zeros(rows, columns);
            bits.set_rows(0, &cells.chunks(columns).flat_map(Bits::bytes).collect::<Vec<_>>());
            let found = bits.ridge(&y, 2, &w, 1.0, &Cancel::new()).expect("solved");
            let want = ridge(&cells, columns, &y, 2, &w, 1.0).expect("solved");
            for (a, b) in found.iter().zip(&want) {
                assert!((a.intercept - b.intercept).abs() < 1e-10 && (a.r2 - b.r2).abs() < 1e-10, "{rows} {columns}");
                for (a, b) in a.coefficients.iter().zip(&b.coefficients) {
                    assert!((a - b).abs() < 1e-11, "{rows} x {columns}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn what_has_no_solution_is_refused() {
        let mut bits = Bits::zeros(4, 2);
        bits.set_rows(0, &[3; 4]);
        let cancel = Cancel::new();
        assert!(bits.ridge(&[1.0, 2.0, 3.0, 4.0], 1, &[1.0; 4], 0.0, &cancel).is_err(), "constant columns");
        assert!(bits.ridge(&[1.0, 2.0, 3.0, 4.0], 1, &[0.0; 4], 1.0, &cancel).is_err(), "no weight");
        let fit = bits.ridge(&[5.0; 4], 1, &[1.0; 4], 1.0, &cancel).expect("solved");
        assert_eq!((fit[0].intercept, fit[0].coefficients.as_slice(), fit[0].r2), (5.0, [0.0, 0.0].as_slice(), 1.0));
        cancel.cancel();
        assert!(matches!(
            bits.ridge(&[1.0, 2.0, 3.0, 4.0], 1, &[1.0; 4], 1.0, &cancel),
            Err(ExplainError::Cancelled(_)) | Ok(_)
        ));
    }
}
