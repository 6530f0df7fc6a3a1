//! Shapley values by antithetic permutation sampling.
//!
//! Players join one after the other in a random order; what each adds is averaged over orders
//! (Castro, Gomez and Tejada 2009). Every order is also gone backwards, which removes much of the
//! variance (Mitchell et al. 2022). Each such pair is one independent estimate, so standard errors
//! are those of a mean.

use crate::dice::Dice;
use crate::error::ExplainError;
use crate::exact::RowShares;
use crate::game::{Coalition, Effort, Game, Meter, RowGame};

/// Pairs of orders that are valued before an early stop is considered.
const FIRST_LOOK: usize = 16;
/// Fewest pairs of orders, so that their spread says something.
const MIN_ORDERS: usize = 4;

/// How an order of players is drawn, into one that was drawn before or is the first.
pub(crate) type Draw<'a> = dyn Fn(&mut Dice, &mut [usize]) + 'a;

/// Estimated shares of the players of a row within a budget of coalitions.
pub(crate) fn shares(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    effort: Effort,
    meter: &mut Meter<'_>,
) -> Result<RowShares, ExplainError> {
    shares_over(game, row, effort, meter, 2, &|dice, order| dice.shuffle(order))
}

/// The same over orders that are drawn in another way, of which each is as likely as its reverse. `purpose` is the number of
/// their stream of random numbers.
pub(crate) fn shares_over(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    effort: Effort,
    meter: &mut Meter<'_>,
    purpose: u64,
    draw: &Draw<'_>,
) -> Result<RowShares, ExplainError> {
    let (d, outputs, width) = (row.players.len(), game.width(), game.columns());
    let Effort { budget, seed, max_std_error } = effort;
    if d < 2 {
        return crate::exact::shares(game, row, meter);
    }
    let per_order = 2 * (d - 1);
    let orders = (budget / per_order).max(MIN_ORDERS);
    let mut dice = Dice::new(seed, row.row, purpose);
    let mut order: Vec<usize> = (0..d).collect();
    let mut means = vec![0.0; d * width];
    // Sums of squared deviations (Welford 1962), of the outputs.
    let mut spreads = vec![0.0; d * outputs];
    let mut valued = 0;
    while valued < orders {
        draw(&mut dice, &mut order);
        let one = one_order(game, row, &order, meter)?;
        valued += 1;
        for (player, gains) in one.chunks_exact(width).enumerate() {
            for (k, value) in gains.iter().enumerate() {
                let mean = &mut means[player * width + k];
                let before = value - *mean;
                *mean += before / valued as f64;
                if k < outputs {
                    spreads[player * outputs + k] += before * (value - *mean);
                }
            }
        }
        let look = valued >= FIRST_LOOK && valued.is_multiple_of(FIRST_LOOK / 2);
        if look && max_std_error.is_some_and(|limit| errors(&spreads, valued, outputs).iter().all(|e| *e <= limit)) {
            break;
        }
    }
    let std_errors = errors(&spreads, valued, outputs);
    let needed = MIN_ORDERS * per_order;
    let note = (budget < needed)
        .then(|| format!("{budget} coalitions are too few for {d} varying features; {needed} were used"));
    Ok(RowShares { values: means, errors: Some(std_errors), moves: None, note })
}

/// What each player adds, mean of one order and its reverse: players x outputs.
fn one_order(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    order: &[usize],
    meter: &mut Meter<'_>,
) -> Result<Vec<f64>, ExplainError> {
    let (d, width) = (order.len(), game.columns());
    let mut coalitions = Vec::with_capacity(2 * (d - 1));
    let mut set = Coalition::empty(d);
    for player in &order[..d - 1] {
        set.insert(*player);
        coalitions.push(set.clone());
    }
    for forward in 0..d - 1 {
        coalitions.push(coalitions[forward].complement(d));
    }
    let inner = game.values(row, &coalitions, meter)?;
    // Value of the first `size` of the order, and of all but them.
    let value = |reverse: usize, size: usize, k: usize| match (size, reverse) {
        (0, 0) => row.base[k],
        (0, _) => row.full[k],
        (size, 0) if size == d => row.full[k],
        (size, _) if size == d => row.base[k],
        _ => inner[(reverse * (d - 1) + size - 1) * width + k],
    };
    let mut gains = vec![0.0; d * width];
    for (at, player) in order.iter().enumerate() {
        for k in 0..width {
            let forward = value(0, at + 1, k) - value(0, at, k);
            let backward = value(1, at, k) - value(1, at + 1, k);
            gains[player * width + k] = f64::midpoint(forward, backward);
        }
    }
    Ok(gains)
}

/// Standard errors of means over `count` pairs of orders: players x outputs.
///
/// A few orders may happen to agree on a player although others would not, so each variance leans,
/// with the weight of one observation, on the mean variance of the output's players.
fn errors(spreads: &[f64], count: usize, outputs: usize) -> Vec<f64> {
    let n = count as f64;
    let players = (spreads.len() / outputs) as f64;
    let common: Vec<f64> =
        (0..outputs).map(|k| spreads.iter().skip(k).step_by(outputs).sum::<f64>() / players / (n - 1.0)).collect();
    let error = |(at, spread): (usize, &f64)| ((spread + common[at % outputs]) / n / n).sqrt();
    spreads.iter().enumerate().map(error).collect()
}
