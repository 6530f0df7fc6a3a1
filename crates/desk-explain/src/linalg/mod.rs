//! Small dense linear algebra: Cholesky here, weighted ridge regression in `ridge`, on tables of ones and zeros with `flags`.

mod flags;
mod ridge;

use fearless_simd::{Level, dispatch};

pub(crate) use flags::Flags;
pub use ridge::{RidgeFit, ridge};
pub(crate) use ridge::{Seen, explained, is_constant, ridge_of};

/// Lower-triangular L with L L' = A, row-major.
pub(crate) struct Cholesky {
    n: usize,
    l: Vec<f64>,
}

impl Cholesky {
    /// Factors a symmetric positive definite matrix; `None` when it is not (numerically).
    pub fn new(matrix: &[f64], n: usize) -> Option<Self> {
        let mut l = matrix.to_vec();
        for j in 0..n {
            let (above, rest) = l.split_at_mut(j * n);
            let pivot_row = &mut rest[..n];
            for (k, row) in above.chunks_exact(n).enumerate() {
                let sum: f64 = row[..k].iter().zip(&pivot_row[..k]).map(|(a, b)| a * b).sum();
                pivot_row[k] = (pivot_row[k] - sum) / row[k];
            }
            let sum: f64 = pivot_row[..j].iter().map(|a| a * a).sum();
            let pivot = pivot_row[j] - sum;
            if pivot.is_nan() || pivot <= matrix[j * n + j].abs() * 1e-14 {
                return None;
            }
            pivot_row[j] = pivot.sqrt();
        }
        Some(Self { n, l })
    }

    /// Solves A x = b in place.
    pub fn solve(&self, b: &mut [f64]) {
        let mut one: Vec<[f64; 1]> = b.iter().map(|x| [*x]).collect();
        self.solve_beside(&mut one);
        b.iter_mut().zip(one).for_each(|(b, [x])| *b = x);
    }

    /// The same for `B` right sides beside each other: each comes to the same bits as alone, in a fraction of the time.
    pub fn solve_beside<const B: usize>(&self, b: &mut [[f64; B]]) {
        dispatch!(Level::new(), _ => self.substitute(b));
    }

    #[expect(clippy::inline_always, reason = "a function of its own would not be made for the processor at hand")]
    #[inline(always)]
    fn substitute<const B: usize>(&self, b: &mut [[f64; B]]) {
        let n = self.n;
        for i in 0..n {
            let mut sums = [0.0; B];
            for (factor, known) in self.l[i * n..i * n + i].iter().zip(&*b) {
                sums.iter_mut().zip(known).for_each(|(sum, x)| *sum += factor * x);
            }
            b[i].iter_mut().zip(&sums).for_each(|(x, sum)| *x = (*x - sum) / self.l[i * n + i]);
        }
        for i in (0..n).rev() {
            b[i].iter_mut().for_each(|x| *x /= self.l[i * n + i]);
            let known = b[i];
            for (target, factor) in b[..i].iter_mut().zip(&self.l[i * n..i * n + i]) {
                target.iter_mut().zip(&known).for_each(|(target, x)| *target -= factor * x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cholesky_solves_and_refuses() {
        let a = [4.0, 2.0, 0.6, 2.0, 3.0, 0.4, 0.6, 0.4, 2.0];
        let factor = Cholesky::new(&a, 3).expect("positive definite");
        let mut x = [1.0, -2.0, 0.5];
        factor.solve(&mut x);
        let back: Vec<f64> = a.chunks(3).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
        for (found, want) in back.iter().zip([1.0, -2.0, 0.5]) {
            assert!((found - want).abs() < 1e-14);
        }
        let mut both = [[1.0, 0.3], [-2.0, 7.0], [0.5, 0.1]];
        factor.solve_beside(&mut both);
        assert_eq!(both.map(|[one, _]| one), x, "the same bits beside another");
        assert!(Cholesky::new(&[1.0, 1.0, 1.0, 1.0], 2).is_none());
        assert!(Cholesky::new(&[f64::NAN], 1).is_none());
    }
}
