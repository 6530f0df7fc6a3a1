//! Control variates of kernel SHAP: products of three players.
//!
//! Half the difference of a set's value and its complement's holds interactions of odd order alone (Covert and Lee 2021,
//! arXiv 2012.01536); next to the players themselves these are products of three, s_i s_j s_k with s = 1 for members and -1
//! for others. As a game of its own such a product has the Shapley value 2/3 for each of the three, by symmetry. Less the
//! linear game with these values it shares out nothing to anybody, so that the regression may fit it beside the players
//! without another target: what it explains no longer spreads the estimate. The penalty keeps products that explain
//! nothing from adding a spread of their own.

use crate::game::Coalition;

/// Pairs for each product.
const PAIRS: usize = 8;
/// Most products: what a fit costs grows with the square of their number.
const MOST: usize = 120;
/// Players among whose products is chosen.
const PLAYERS: usize = 20;
/// Ridge penalty of a product, in units of its own sum of squares.
pub(super) const PENALTY: f64 = 1.0;

/// Three players, ascending.
pub(super) type Triple = [usize; 3];

/// The products of the players that matter most by a first fit (`values`, players x outputs), for so many pairs.
pub(super) fn chosen(values: &[f64], players: usize, pairs: usize) -> Vec<Triple> {
    let outputs = values.len() / players.max(1);
    let sizes: Vec<f64> =
        values.chunks(outputs.max(1)).map(|of| of.iter().map(|v| v * v).sum::<f64>().sqrt()).collect();
    let mut order: Vec<usize> = (0..players).collect();
    order.sort_by(|a, b| sizes[*b].total_cmp(&sizes[*a]).then(a.cmp(b)));
    order.truncate(PLAYERS);
    order.sort_unstable();
    let mut found = Vec::new();
    for (a, i) in order.iter().enumerate() {
        for (b, j) in order.iter().enumerate().skip(a + 1) {
            for k in &order[b + 1..] {
                found.push((sizes[*i] * sizes[*j] * sizes[*k], [*i, *j, *k]));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate((pairs / PAIRS).min(MOST));
    found.into_iter().filter(|(size, _)| *size > 0.0).map(|(_, triple)| triple).collect()
}

/// What the game of a product, without what is linear in it, says of a set: half the difference to its complement.
pub(super) fn column(set: &Coalition, triple: &Triple) -> f64 {
    match triple.iter().filter(|player| set.contains(**player)).count() {
        1 => 4.0 / 3.0,
        2 => -4.0 / 3.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_shares_out_nothing() {
        // Shapley values of the game over three players by all orders of joining.
        let value = |members: &[usize]| {
            let mut set = Coalition::empty(3);
            for player in members {
                set.insert(*player);
            }
            column(&set, &[0, 1, 2])
        };
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let steps: Vec<f64> = (0..3).map(|at| value(&order[..=at]) - value(&order[..at])).collect();
            assert_eq!(
                steps,
                [4.0 / 3.0, -8.0 / 3.0, 4.0 / 3.0],
                "each place in the order, and so each player, in all 0"
            );
        }
        assert_eq!((value(&[]), value(&[0, 1, 2])), (0.0, 0.0));
    }

    #[test]
    fn products_of_players_that_matter_come_first() {
        let values = [0.1, 0.0, -3.0, 2.0, 1.0];
        assert_eq!(chosen(&values, 5, 16), [[2, 3, 4], [0, 2, 3]]);
        assert_eq!(chosen(&values, 5, 800).len(), 4, "none with a player that has no part");
        assert!(chosen(&values, 5, 7).is_empty());
        // Two outputs: the size of both parts.
        let two = [0.0, 0.0, 3.0, 4.0, 1.0, 0.0, 0.0, 2.0];
        assert_eq!(chosen(&two, 4, 8), [[1, 2, 3]]);
    }
}
