//! Deletion and insertion (Petsiuk, Das and Saenko 2018): features are taken from a row, or given to nothing, the most
//! important first, and the answer is followed.
//!
//! The most important feature is the one with the largest attribution, with its sign: what speaks for the output. The areas
//! are those of the paper, the trapezoid rule over the share of features. It has no word for what stands in for pixels but a
//! blurred or grey picture; here the values of background rows do, or their mean. Beside both areas stands that of random
//! orders, which is the same for deletion and insertion, as taking away in one order is giving in the reverse one.

use serde::{Deserialize, Serialize};

use super::coalition;
use crate::dice::Dice;
use crate::error::ExplainError;
use crate::game::{Coalition, Game, Meter, RowGame};

/// Points of a curve beyond its first, at most.
const STEPS: usize = 50;
/// Random orders, each with its reverse.
const PAIRS: usize = 4;

/// What the answer does as features go and come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Share of the features that are gone (deletion) or there (insertion), from 0 to 1.
    pub shares: Vec<f64>,
    /// The answer without the most important ones.
    pub deletion: Vec<f64>,
    /// The answer with the most important ones alone.
    pub insertion: Vec<f64>,
    /// Area under `deletion`: small where the features that were named first carry the answer.
    pub deletion_area: f64,
    /// Area under `insertion`: large where they do.
    pub insertion_area: f64,
    /// The same area, of either, for random orders.
    pub random_area: f64,
}

/// How many features are there at each point: all of them one by one where they are few.
fn counts(features: usize) -> Vec<usize> {
    let steps = features.min(STEPS);
    (0..=steps).map(|step| (step * features + steps / 2) / steps.max(1)).collect()
}

/// Sets of features that the model is asked about for one row.
pub(super) fn sets(features: usize, outputs: usize) -> usize {
    (2 * PAIRS + 2 * outputs) * counts(features).len()
}

/// Orders of the features, each followed by its reverse.
pub(super) fn random_orders(features: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let mut orders = Vec::with_capacity(2 * PAIRS);
    for _ in 0..PAIRS {
        let mut order: Vec<usize> = (0..features).collect();
        dice.shuffle(&mut order);
        let reverse = order.iter().rev().copied().collect();
        orders.extend([order, reverse]);
    }
    orders
}

/// The curves of one row for each explained output, whose attributions are `said`.
pub(super) fn curves(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    said: &[Vec<f64>],
    orders: &[Vec<usize>],
    meter: &mut Meter<'_>,
) -> Result<Vec<Curves>, ExplainError> {
    let (width, outputs) = (row.players.len(), said.len());
    let counts = counts(width);
    let shares: Vec<f64> = counts.iter().map(|count| *count as f64 / width as f64).collect();
    // The answers to the first so many features of an order, the others being away.
    let mut first = |order: &[usize], counts: &[usize]| -> Result<Vec<f64>, ExplainError> {
        let sets: Vec<Coalition> = counts.iter().map(|count| coalition(&order[..*count], width)).collect();
        game.values(row, &sets, meter)
    };
    let left: Vec<usize> = counts.iter().map(|count| width - count).collect();
    let of_output = |values: &[f64], k: usize| values.iter().skip(k).step_by(outputs).copied().collect::<Vec<f64>>();
    let mut random = vec![0.0; outputs];
    for order in orders {
        let values = first(order, &counts)?;
        for (k, sum) in random.iter_mut().enumerate() {
            *sum += area(&shares, &of_output(&values, k)) / orders.len() as f64;
        }
    }
    let mut found = Vec::with_capacity(outputs);
    for (k, attributions) in said.iter().enumerate() {
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|a, b| attributions[*b].total_cmp(&attributions[*a]).then(a.cmp(b)));
        let insertion = of_output(&first(&order, &counts)?, k);
        order.reverse();
        let deletion = of_output(&first(&order, &left)?, k);
        found.push(Curves {
            deletion_area: area(&shares, &deletion),
            insertion_area: area(&shares, &insertion),
            random_area: random[k],
            shares: shares.clone(),
            deletion,
            insertion,
        });
    }
    Ok(found)
}

/// The trapezoid rule.
fn area(x: &[f64], y: &[f64]) -> f64 {
    let part = |i: usize| (x[i] - x[i - 1]) * f64::midpoint(y[i], y[i - 1]);
    (1..x.len()).map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_go_from_nothing_to_all() {
        assert_eq!(counts(3), [0, 1, 2, 3]);
        for features in [1, 7, 50, 51, 784, 20_000] {
            let counts = counts(features);
            assert_eq!((counts[0], counts[counts.len() - 1]), (0, features));
            assert!(counts.windows(2).all(|pair| pair[0] < pair[1]), "{counts:?}");
            assert!(counts.len() <= STEPS + 1);
        }
    }

    #[test]
    fn an_area_is_that_of_trapezoids() {
        // numpy.trapezoid([1, 3, 2], [0, 0.25, 1])
        assert!((area(&[0.0, 0.25, 1.0], &[1.0, 3.0, 2.0]) - 2.375).abs() < 1e-15);
    }
}
