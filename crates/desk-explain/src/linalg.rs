//! Small dense linear algebra: Cholesky and weighted ridge regression.

use fearless_simd::{Level, dispatch};

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

/// A linear surrogate: intercept, coefficients and weighted R2.
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeFit {
    /// Not penalised.
    pub intercept: f64,
    /// One for each column.
    pub coefficients: Vec<f64>,
    /// Weighted coefficient of determination.
    pub r2: f64,
}

/// Weighted ridge regression with intercept, as scikit-learn's `Ridge.fit(x, y, sample_weight)`.
///
/// Minimises sum w (y - a - x b)^2 + alpha |b|^2 over intercept `a` and coefficients `b`. `x` is
/// row-major with `columns` columns, `y` holds `targets` answers per row; one fit per target.
/// `None` when the normal equations cannot be solved (alpha 0 and collinear columns) or no weight
/// is positive.
pub fn ridge(x: &[f64], columns: usize, y: &[f64], targets: usize, w: &[f64], alpha: f64) -> Option<Vec<RidgeFit>> {
    let total: f64 = w.iter().sum();
    if total.is_nan() || total <= 0.0 || targets == 0 {
        return None;
    }
    let x_mean = weighted_means(x, columns, w, total);
    let y_mean = weighted_means(y, targets, w, total);
    let flags = Flags::of(x, columns);
    let (mut gram, right) = match &flags {
        Some(flags) => flags.products((y, targets, &y_mean), (w, total), &x_mean),
        None => products((x, columns, &x_mean), (y, targets, &y_mean), w),
    };
    for i in 0..columns {
        gram[i * columns + i] += alpha;
        for j in 0..i {
            gram[j * columns + i] = gram[i * columns + j];
        }
    }
    let factor = Cholesky::new(&gram, columns)?;
    let fits = (0..targets).map(|t| {
        let mut coefficients = right[t * columns..(t + 1) * columns].to_vec();
        factor.solve(&mut coefficients);
        let shift: f64 = coefficients.iter().zip(&x_mean).map(|(b, m)| b * m).sum();
        let intercept = y_mean[t] - shift;
        let predict = |r: usize| match &flags {
            Some(flags) => intercept + flags.row(r).iter().map(|c| coefficients[*c as usize]).sum::<f64>(),
            None => intercept + dot(&coefficients, &x[r * columns..(r + 1) * columns]),
        };
        let (mut left, mut all, mut largest) = (0.0, 0.0, 0f64);
        for (r, weight) in w.iter().enumerate() {
            let value = y[r * targets + t];
            left += weight * (value - predict(r)).powi(2);
            all += weight * (value - y_mean[t]).powi(2);
            largest = largest.max(value.abs());
        }
        let r2 = explained(left, all, total * largest.powi(2));
        RidgeFit { intercept, coefficients, r2 }
    });
    Some(fits.collect())
}

/// R2 of squares that a fit leaves of all, where `size` is the sum of squares as large as the largest value. scikit-learn's
/// convention holds for a constant target, and what differs by the rounding of float32 alone counts as one: of noise no fit
/// explains anything, and each misses it by many times its size.
pub(crate) fn explained(left: f64, all: f64, size: f64) -> f64 {
    const ROUNDING: f64 = 1e-7;
    let flat = size * ROUNDING.powi(2);
    if all > flat { 1.0 - left / all } else { f64::from(u8::from(left <= flat)) }
}

/// The centred normal equations' left side, its lower half, and their right sides, one after the other.
fn products(
    (x, columns, x_mean): (&[f64], usize, &[f64]),
    (y, targets, y_mean): (&[f64], usize, &[f64]),
    w: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let mut gram = vec![0.0; columns * columns];
    let mut right = vec![0.0; targets * columns];
    let mut centred = vec![0.0; columns];
    for (r, weight) in w.iter().enumerate() {
        for ((c, value), mean) in centred.iter_mut().zip(&x[r * columns..(r + 1) * columns]).zip(x_mean) {
            *c = value - mean;
        }
        for i in 0..columns {
            let scaled = weight * centred[i];
            if scaled != 0.0 {
                let row = &mut gram[i * columns..=i * columns + i];
                row.iter_mut().zip(&centred).for_each(|(g, c)| *g += scaled * c);
            }
        }
        for t in 0..targets {
            let scaled = weight * (y[r * targets + t] - y_mean[t]);
            let row = &mut right[t * columns..(t + 1) * columns];
            row.iter_mut().zip(&centred).for_each(|(b, c)| *b += scaled * c);
        }
    }
    (gram, right)
}

/// A table of zeros and ones as the columns of its ones, row by row: most products with it are with nothing.
struct Flags {
    columns: usize,
    ones: Vec<u32>,
    /// Where each row begins, and where the last one ends.
    starts: Vec<usize>,
}

impl Flags {
    /// None where a number is neither 0 nor 1.
    fn of(x: &[f64], columns: usize) -> Option<Self> {
        if columns == 0 || x.iter().any(|x| *x != 0.0 && *x != 1.0) {
            return None;
        }
        let (mut ones, mut starts) = (Vec::with_capacity(x.len() / 2), vec![0]);
        for row in x.chunks_exact(columns) {
            ones.extend(row.iter().enumerate().filter(|(_, x)| **x == 1.0).map(|(c, _)| c as u32));
            starts.push(ones.len());
        }
        Some(Self { columns, ones, starts })
    }

    fn row(&self, row: usize) -> &[u32] {
        &self.ones[self.starts[row]..self.starts[row + 1]]
    }

    /// As [`products`]: centring is taken off at the end, which ones and zeros lose no digits by.
    fn products(
        &self,
        (y, targets, y_mean): (&[f64], usize, &[f64]),
        (w, total): (&[f64], f64),
        x_mean: &[f64],
    ) -> (Vec<f64>, Vec<f64>) {
        let columns = self.columns;
        let mut gram = vec![0.0; columns * columns];
        let mut right = vec![0.0; targets * columns];
        for (r, weight) in w.iter().enumerate() {
            let ones = self.row(r);
            for (at, i) in ones.iter().enumerate() {
                let row = &mut gram[*i as usize * columns..][..columns];
                for j in &ones[..=at] {
                    row[*j as usize] += weight;
                }
            }
            for t in 0..targets {
                let scaled = weight * (y[r * targets + t] - y_mean[t]);
                let row = &mut right[t * columns..(t + 1) * columns];
                for i in ones {
                    row[*i as usize] += scaled;
                }
            }
        }
        let mut counts = vec![0usize; columns];
        self.ones.iter().for_each(|i| counts[*i as usize] += 1);
        // A column of ones alone explains nothing, not even what rounding leaves.
        let constant = |i: usize| counts[i] == w.len();
        for i in 0..columns {
            for j in 0..=i {
                let product = &mut gram[i * columns + j];
                *product = if constant(i) || constant(j) { 0.0 } else { *product - total * x_mean[i] * x_mean[j] };
            }
            if constant(i) {
                right.iter_mut().skip(i).step_by(columns).for_each(|right| *right = 0.0);
            }
        }
        (gram, right)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn weighted_means(x: &[f64], columns: usize, w: &[f64], total: f64) -> Vec<f64> {
    let mut means = vec![0.0; columns];
    if columns > 0 {
        for (row, weight) in x.chunks_exact(columns).zip(w) {
            means.iter_mut().zip(row).for_each(|(m, x)| *m += weight * x);
        }
    }
    for mean in &mut means {
        *mean /= total;
    }
    means
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
        let back: Vec<f64> = a.chunks(3).map(|row| dot(row, &x)).collect();
        for (found, want) in back.iter().zip([1.0, -2.0, 0.5]) {
            assert!((found - want).abs() < 1e-14);
        }
        let mut both = [[1.0, 0.3], [-2.0, 7.0], [0.5, 0.1]];
        factor.solve_beside(&mut both);
        assert_eq!(both.map(|[one, _]| one), x, "the same bits beside another");
        assert!(Cholesky::new(&[1.0, 1.0, 1.0, 1.0], 2).is_none());
        assert!(Cholesky::new(&[f64::NAN], 1).is_none());
    }

    #[test]
    fn ones_and_zeros_have_the_fit_that_numbers_have() {
        let mut dice = crate::dice::Dice::new(3, &[], 0);
        let (rows, columns) = (400, 9);
        let x: Vec<f64> = (0..rows * columns).map(|_| f64::from(u8::from(dice.uniform() < 0.3))).collect();
        let w: Vec<f64> = (0..rows).map(|_| dice.uniform()).collect();
        let y: Vec<f64> =
            (0..2 * rows).map(|i| x[i / 2 * columns] - 2.0 * x[i / 2 * columns + 4] + dice.normal()).collect();
        let found = ridge(&x, columns, &y, 2, &w, 1.0).expect("solvable");
        // One column in other units: no table of flags any more, and with the penalty of a constant column the same fit.
        let wide: Vec<f64> = x.chunks(columns).flat_map(|row| row.iter().copied().chain([7.0])).collect();
        let want = ridge(&wide, columns + 1, &y, 2, &w, 1.0).expect("solvable");
        for (found, want) in found.iter().zip(&want) {
            let pairs = found.coefficients.iter().zip(&want.coefficients);
            let most = pairs.map(|(a, b)| (a - b).abs()).fold((found.intercept - want.intercept).abs(), f64::max);
            assert!(most < 1e-12 && (found.r2 - want.r2).abs() < 1e-12, "{most}");
        }
    }

    #[test]
    fn noise_of_rounding_is_a_constant() {
        assert_eq!(explained(2.0, 4.0, 100.0), 0.5);
        assert_eq!((explained(0.0, 0.0, 4.0), explained(1.0, 0.0, 4.0)), (1.0, 0.0));
        let noise = 1e-16;
        assert_eq!(explained(239.0 * noise, noise, 5_000.0), 1.0);
    }

    #[test]
    fn a_line_is_found_and_constants_have_no_r2_of_their_own() {
        let x = [0.0, 1.0, 2.0, 3.0];
        let y = [1.0, 5.0, 3.0, 5.0, 5.0, 5.0, 7.0, 5.0];
        let fits = ridge(&x, 1, &y, 2, &[1.0; 4], 0.0).expect("solvable");
        assert!((fits[0].coefficients[0] - 2.0).abs() < 1e-12 && (fits[0].intercept - 1.0).abs() < 1e-12);
        assert!((fits[0].r2 - 1.0).abs() < 1e-12);
        assert_eq!((fits[1].coefficients[0], fits[1].intercept, fits[1].r2), (0.0, 5.0, 1.0));
        assert!(ridge(&x, 1, &y, 2, &[0.0; 4], 1.0).is_none());
    }
}
