//! Shapley values by enumerating every set of players (Shapley 1953).

use crate::error::ExplainError;
use crate::game::{Coalition, Game, Meter, RowGame};
use crate::moves::Spread;

/// Most varying players of a row that are enumerated: 4,096 sets.
pub(crate) const MAX_PLAYERS: usize = 12;

/// What a method says of one row.
#[derive(Debug, Clone)]
pub(crate) struct RowShares {
    /// Attributions: players x columns of the game, and of its outputs alone once it is told what another background moves.
    pub values: Vec<f64>,
    /// Standard errors of those of the outputs, players x outputs; `None` when exact.
    pub errors: Option<Vec<f64>>,
    /// Standard errors from the background's size alone, the same; `None` where they are not known.
    pub moves: Option<Vec<f64>>,
    /// The method stopped before its budget was spent, or could not tell its errors.
    pub note: Option<String>,
}

impl RowShares {
    /// Takes the columns of the parts of a background apart from those of the outputs: what the parts differ by is how far
    /// another background would move the whole.
    pub fn apart(mut self, outputs: usize, columns: usize) -> Self {
        if columns > outputs {
            let part = |players: &[f64], at: usize| -> Vec<f64> {
                players.chunks_exact(columns).flat_map(|of| &of[at * outputs..(at + 1) * outputs]).copied().collect()
            };
            let whole = part(&self.values, 0);
            let mut spread = Spread::new(whole.len());
            (1..columns / outputs).for_each(|at| spread.add(&part(&self.values, at)));
            (self.values, self.moves) = (whole, Some(spread.errors()));
        }
        self
    }
}

/// Exact shares of the players of a row.
pub(crate) fn shares(game: &mut Game<'_>, row: &RowGame<'_>, meter: &mut Meter<'_>) -> Result<RowShares, ExplainError> {
    let d = row.players.len();
    let width = game.columns();
    let all = (1usize << d) - 1;
    let coalitions: Vec<Coalition> = (1..all).map(|bits| Coalition::from_bits(bits as u64)).collect();
    let mut table = Vec::with_capacity((all + 1) * width);
    table.extend_from_slice(row.base);
    if all > 0 {
        table.extend(game.values(row, &coalitions, meter)?);
        table.extend_from_slice(row.full);
    }
    let mut values = vec![0.0; d * width];
    // |S|! (d - |S| - 1)! / d! = 1 / (d * C(d - 1, |S|))
    let weights: Vec<f64> = (0..d).map(|size| 1.0 / (d as f64 * choose(d - 1, size))).collect();
    for bits in 0..=all {
        for player in 0..d {
            if bits >> player & 1 == 0 {
                let weight = weights[bits.count_ones() as usize];
                for k in 0..width {
                    let gain = table[(bits | 1 << player) * width + k] - table[bits * width + k];
                    values[player * width + k] += weight * gain;
                }
            }
        }
    }
    Ok(RowShares { values, errors: None, moves: None, note: None })
}

/// Binomial coefficient as a float; infinite when beyond its range.
pub(crate) fn choose(n: usize, k: usize) -> f64 {
    (0..k.min(n - k)).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn binomials() {
        assert_eq!(choose(12, 5).round(), 792.0);
        assert_eq!((choose(7, 0), choose(7, 7)), (1.0, 1.0));
        assert!(choose(3000, 1500).is_infinite());
    }
}
