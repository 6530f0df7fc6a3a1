//! How far an explanation would move with another background of the same size, and which order of features stands firm.
//!
//! Interventional Shapley values are means over the background's rows (the game is, and shares are linear in the game), so
//! their standard error is that of a mean: for linear models from each row's own share, else from parts of the background,
//! whose values are independent estimates of the same mean (batch means): trees are explained once more with each part, and
//! methods that ask the model share out the parts' games along with the whole one. It says what a background drawn anew
//! from the same source would change; not what rows of another source would.

use serde::{Deserialize, Serialize};

use crate::explanation::Cube;
use crate::input::Table;

/// Parts that a background is cut into.
pub(crate) const PARTS: usize = 8;
/// Fewest rows of a part.
const LEAST: usize = 2;
/// Rows that are looked at: each is explained once more with every part.
pub(crate) const ROWS: usize = 100;
/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.96;

/// Standard errors from the background's size alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackgroundError {
    /// Of the base values, one for each explained output.
    pub base: Vec<f64>,
    /// Of the attributions of the first rows: rows x players x outputs.
    pub values: Cube,
}

/// Most explained outputs that are followed through every part where a model is asked.
const OUTPUTS: usize = 16;

/// Into how many parts a background is cut where a model with so many explained outputs is asked; 0 where it is not.
pub(crate) fn parts_of(background: Table<'_>, outputs: usize) -> usize {
    if background.len() < PARTS * LEAST || outputs > OUTPUTS { 0 } else { PARTS }
}

/// The parts of a background, every so-manieth row to each; none where there are too few.
pub(crate) fn parts(background: Table<'_>) -> Option<Vec<Vec<f64>>> {
    if background.len() < PARTS * LEAST {
        return None;
    }
    let part = |first: usize| {
        let rows = (first..background.len()).step_by(PARTS);
        rows.flat_map(|row| background.row(row).iter().copied()).collect()
    };
    Some((0..PARTS).map(part).collect())
}

/// Means and squared distances from them, number by number (Welford 1962).
pub(crate) struct Spread {
    count: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Spread {
    pub fn new(numbers: usize) -> Self {
        Self { count: 0.0, means: vec![0.0; numbers], squares: vec![0.0; numbers] }
    }

    /// Adds one observation of each number.
    pub fn add(&mut self, found: &[f64]) {
        self.count += 1.0;
        for ((mean, square), value) in self.means.iter_mut().zip(&mut self.squares).zip(found) {
            let before = value - *mean;
            *mean += before / self.count;
            *square += before * (value - *mean);
        }
    }

    /// The standard errors of the means.
    pub fn errors(&self) -> Vec<f64> {
        self.squares.iter().map(|square| (square / (self.count - 1.0).max(1.0) / self.count).sqrt()).collect()
    }
}

/// How many of the largest attributions stand in an order that their errors cannot turn round, 95 %.
///
/// Errors of two attributions may go together in any way, so what separates them must be larger than both errors together.
/// Attributions that are 0 without an error, and those behind the last one that is not, count as settled.
pub(crate) fn settled(values: &[f64], errors: &[f64]) -> usize {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()));
    let firm = |pair: &[usize]| {
        let (one, other) = (pair[0], pair[1]);
        let apart = values[one].abs() - values[other].abs();
        let reach = Z * (errors[one] + errors[other]);
        apart > reach || reach == 0.0
    };
    order.windows(2).position(|pair| !firm(pair)).unwrap_or(values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_errors_may_turn_round_is_not_settled() {
        assert_eq!(settled(&[3.0, -1.0, 2.0], &[0.0; 3]), 3, "exact values stand as they are, equal ones too");
        assert_eq!(settled(&[3.0, -1.0, 2.0], &[0.1; 3]), 3);
        assert_eq!(settled(&[3.0, -1.0, 2.0], &[0.2, 0.4, 0.2]), 1, "2 and 1 may change places");
        assert_eq!(settled(&[3.0, -1.0, 2.9], &[0.2; 3]), 0);
        assert_eq!(settled(&[3.0, 0.0, 0.0], &[0.2, 0.0, 0.0]), 3, "features that do nothing");
        assert_eq!(settled(&[], &[]), 0);
    }

    #[test]
    fn errors_are_those_of_means() {
        let mut spread = Spread::new(2);
        for pair in [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]] {
            spread.add(&pair);
        }
        let errors = spread.errors();
        assert!((errors[0] - (1.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(errors[1], 0.0);
        let rows: Vec<f64> = (0..34).map(f64::from).collect();
        let found = parts(Table::new(&rows, 2)).expect("17 rows");
        assert_eq!((found.len(), &found[0][..], found[7].len()), (PARTS, &[0.0, 1.0, 16.0, 17.0, 32.0, 33.0][..], 4));
        assert!(parts(Table::new(&rows[..30], 2)).is_none());
    }
}
