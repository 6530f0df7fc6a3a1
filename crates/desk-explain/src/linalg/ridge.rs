//! Weighted ridge regression by the normal equations.

use std::borrow::Cow;

use super::{Cholesky, Flags};

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

/// What a surrogate sees of rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen<'a> {
    /// Numbers, row by row, in so many columns.
    Numbers(Cow<'a, [f64]>, usize),
    /// Ones and zeros.
    Flags(Flags),
}

impl Seen<'_> {
    /// Number of columns.
    pub fn columns(&self) -> usize {
        match self {
            Self::Numbers(_, columns) => *columns,
            Self::Flags(flags) => flags.columns(),
        }
    }

    /// Tables of the same kind and width, one below the other.
    pub fn joined(parts: Vec<Self>) -> Self {
        let joined = parts.into_iter().reduce(|mut all, next| {
            match (&mut all, next) {
                (Self::Numbers(x, _), Self::Numbers(next, _)) => x.to_mut().extend_from_slice(&next),
                (Self::Flags(all), Self::Flags(next)) => all.append(&next),
                _ => {}
            }
            all
        });
        joined.unwrap_or(Self::Numbers(Cow::Owned(Vec::new()), 0))
    }

    /// Writes a row; of flags what is not 0 is 1.
    pub fn set_row(&mut self, row: usize, cells: &[f64]) {
        match self {
            Self::Numbers(x, columns) => x.to_mut()[row * *columns..(row + 1) * *columns].copy_from_slice(cells),
            Self::Flags(flags) => flags.set_row(row, cells),
        }
    }

    /// One cell.
    pub fn cell(&self, row: usize, column: usize) -> f64 {
        match self {
            Self::Numbers(x, columns) => x[row * columns + column],
            Self::Flags(flags) => f64::from(u8::from(flags.is_one(row, column))),
        }
    }

    /// What each row makes of its squared distance from the first.
    pub fn by_distance2(&self, make: impl Fn(f64) -> f64) -> Vec<f64> {
        match self {
            Self::Numbers(x, columns) => {
                let distance2 = |row: &[f64]| row.iter().zip(&x[..*columns]).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
                x.chunks_exact(*columns).map(|row| make(distance2(row))).collect()
            }
            Self::Flags(flags) => {
                // As many distances as there are numbers of cells that differ.
                let made: Vec<f64> = (0..=flags.columns()).map(|cells| make(cells as f64)).collect();
                (0..flags.rows()).map(|row| made[flags.distance(row)]).collect()
            }
        }
    }

    /// Some columns alone, in the order given.
    pub fn narrow(&self, chosen: &[usize]) -> Self {
        match self {
            Self::Numbers(x, columns) => {
                let cells = x.chunks_exact(*columns).flat_map(|row| chosen.iter().map(|column| row[*column]));
                Self::Numbers(Cow::Owned(cells.collect()), chosen.len())
            }
            Self::Flags(flags) => Self::Flags(flags.narrow(chosen)),
        }
    }

    /// A row times coefficients.
    fn times(&self, row: usize, coefficients: &[f64]) -> f64 {
        match self {
            Self::Numbers(x, columns) => dot(coefficients, &x[row * columns..(row + 1) * columns]),
            Self::Flags(flags) => flags.ones(row).map(|column| coefficients[column]).sum(),
        }
    }
}

/// Weighted ridge regression with intercept, as scikit-learn's `Ridge.fit(x, y, sample_weight)`.
///
/// Minimises sum w (y - a - x b)^2 + alpha |b|^2 over intercept `a` and coefficients `b`. `x` is
/// row-major with `columns` columns, `y` holds `targets` answers per row; one fit per target.
/// `None` when the normal equations cannot be solved (alpha 0 and collinear columns) or no weight
/// is positive.
pub fn ridge(x: &[f64], columns: usize, y: &[f64], targets: usize, w: &[f64], alpha: f64) -> Option<Vec<RidgeFit>> {
    let seen = Flags::of(x, columns).map_or_else(|| Seen::Numbers(Cow::Borrowed(x), columns), Seen::Flags);
    ridge_of(&seen, y, targets, w, alpha)
}

/// [`ridge`] on what a surrogate sees.
pub(crate) fn ridge_of(seen: &Seen<'_>, y: &[f64], targets: usize, w: &[f64], alpha: f64) -> Option<Vec<RidgeFit>> {
    let total: f64 = w.iter().sum();
    if total.is_nan() || total <= 0.0 || targets == 0 {
        return None;
    }
    let columns = seen.columns();
    let y_mean = weighted_means(y, targets, w, total);
    let (x_mean, (mut gram, right)) = match seen {
        Seen::Flags(flags) => {
            let x_mean = flags.means(w, total);
            let products = flags.products((y, targets, &y_mean), (w, total), &x_mean);
            (x_mean, products)
        }
        Seen::Numbers(x, _) => {
            let x_mean = weighted_means(x, columns, w, total);
            let products = products((x, columns, &x_mean), (y, targets, &y_mean), w);
            (x_mean, products)
        }
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
        let (mut left, mut all) = (0.0, 0.0);
        for (r, weight) in w.iter().enumerate() {
            let value = y[r * targets + t];
            left += weight * (value - intercept - seen.times(r, &coefficients)).powi(2);
            all += weight * (value - y_mean[t]).powi(2);
        }
        let r2 = explained(left, all, is_constant(y.iter().skip(t).step_by(targets).copied()));
        RidgeFit { intercept, coefficients, r2 }
    });
    Some(fits.collect())
}

/// R2 of the squares that a fit leaves of all those of its target. scikit-learn's convention holds for a target that is the
/// same everywhere; a fit with an intercept leaves no more than all, but for rounding.
pub(crate) fn explained(left: f64, all: f64, constant: bool) -> f64 {
    if constant || all == 0.0 { 1.0 } else { (1.0 - left / all).max(0.0) }
}

/// Every number is the same.
pub(crate) fn is_constant(mut numbers: impl Iterator<Item = f64>) -> bool {
    let first = numbers.next();
    numbers.all(|number| Some(number) == first)
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
    fn steps_of_float32_are_no_good_fit_and_one_number_is() {
        assert_eq!((explained(2.0, 4.0, false), explained(3e-16, 1e-16, false)), (0.5, 0.0));
        assert_eq!((explained(1e-20, 0.0, false), explained(1e-20, 1e-21, true)), (1.0, 1.0));
        // Answers near 1e8 that differ by steps of 8, at random.
        let mut dice = crate::dice::Dice::new(4, &[], 0);
        let x: Vec<f64> = (0..600).map(|_| dice.uniform()).collect();
        let y: Vec<f64> = (0..200).map(|_| 1e8 + 8.0 * dice.below(2) as f64).collect();
        let fit = ridge(&x, 3, &y, 1, &[1.0; 200], 1.0).expect("solvable");
        assert!(fit[0].r2 < 0.1, "{}", fit[0].r2);
        let same = ridge(&x, 3, &[0.1; 200], 1, &[1.0; 200], 1.0).expect("solvable");
        assert_eq!(same[0].r2, 1.0);
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
