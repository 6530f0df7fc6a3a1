//! Kernel SHAP: Shapley values by weighted regression over sampled sets of features.
//!
//! The regression is the full one under the efficiency constraint (Lundberg and Lee 2017), never a
//! penalised one, so it converges to the exact values. Sets come in pairs with their complements;
//! for such pairs only half the difference of the two values enters, which removes all
//! interactions of even order (Covert and Lee 2021). Products of three players are fitted beside them, as control variates
//! that change no target (see `triples`). Standard errors are those of a stratified
//! regression estimate: residuals corrected for leverage (HC3), spread within each stratum, finite
//! populations counted.

mod design;
mod rows;
mod triples;

use crate::dice::Dice;
use crate::error::ExplainError;
use crate::exact::{self, RowShares};
use crate::game::{Coalition, Effort, Game, Meter, RowGame};
use crate::linalg::Cholesky;
use design::Stratum;
use desk_core::cancel::Cancelled;
use rayon::prelude::*;
use rows::{Rows, STRIPE};
use triples::Triple;

/// How far an early-stopping run goes before it looks again: eighths of the budget.
const ROUNDS: usize = 8;
/// Pairs whose pulls are solved for beside each other.
const BESIDE: usize = 8;
/// Fewest pairs of a stratum whose spread says something.
const MIN_SPREAD: usize = 2;

/// Fewest coalitions of so many players.
pub(crate) fn fewest(players: usize) -> usize {
    4 * players
}

/// A valued pair.
struct Pair {
    stratum: usize,
    /// The set; the other one of the pair is its complement.
    set: Coalition,
    /// Differences of membership to the last player: players - 1 numbers of -1, 0, 1.
    x: Vec<f64>,
    /// Half the difference of the values of set and complement, less the last player's part; one per column of the game.
    y: Vec<f64>,
}

/// Estimated shares of the players of a row within a budget of coalitions.
pub(crate) fn shares(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    effort: Effort,
    meter: &mut Meter<'_>,
) -> Result<RowShares, ExplainError> {
    let d = row.players.len();
    let Effort { budget, seed, max_std_error } = effort;
    if d < 3 || d < 24 && (1 << d) - 2 <= budget {
        return exact::shares(game, row, meter);
    }
    let floor = fewest(d);
    let mut dice = Dice::new(seed, row.row, 1);
    let strata = design::strata(d, budget.max(floor), &mut dice);
    let order = order(&strata);
    let change: Vec<f64> = row.full.iter().zip(row.base).map(|(f, b)| f - b).collect();
    let first = order.iter().take_while(|(stratum, _)| strata[*stratum].complete).count();
    let mut pairs: Vec<Pair> = Vec::with_capacity(order.len());
    for round in 1..=ROUNDS {
        let target = match max_std_error {
            Some(_) => first + (order.len() - first) * round / ROUNDS,
            None => order.len(),
        };
        let chosen = &order[pairs.len()..target];
        pairs.extend(value_pairs(game, row, &strata, chosen, &change, meter)?);
        let fit = Fit::of(&strata, &pairs, d, &change, game)?;
        let done = target == order.len();
        let small = fit.largest_error().zip(max_std_error).is_some_and(|(error, limit)| error <= limit);
        if done || small {
            let note = (budget < floor)
                .then(|| format!("{budget} coalitions are too few for {d} varying features; {floor} were used"));
            return Ok(RowShares { values: fit.values, errors: fit.errors, moves: None, note });
        }
    }
    Err(ExplainError::BadRequest("the number of coalitions must not be 0".to_owned()))
}

/// Complete strata first, then the sampled ones interleaved, so that every prefix is spread over
/// them as the whole is. Items are (stratum, number within it).
fn order(strata: &[Stratum]) -> Vec<(usize, usize)> {
    let mut order: Vec<(f64, usize, usize)> = Vec::new();
    for (s, stratum) in strata.iter().enumerate() {
        for i in 0..stratum.sets.len() {
            let position = if stratum.complete { -1.0 } else { (i as f64 + 0.5) / stratum.sets.len() as f64 };
            order.push((position, s, i));
        }
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    order.into_iter().map(|(_, s, i)| (s, i)).collect()
}

/// Values the chosen pairs, each (stratum, number within it).
fn value_pairs(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    strata: &[Stratum],
    chosen: &[(usize, usize)],
    change: &[f64],
    meter: &mut Meter<'_>,
) -> Result<Vec<Pair>, ExplainError> {
    let d = row.players.len();
    let sets: Vec<_> = chosen.iter().map(|(s, i)| strata[*s].sets[*i].clone()).collect();
    let both: Vec<_> = sets.iter().flat_map(|set| [set.clone(), set.complement(d)]).collect();
    let values = game.values(row, &both, meter)?;
    let width = game.columns();
    let pair = |(n, (set, (stratum, _))): (usize, (&Coalition, &(usize, usize)))| {
        let member = |p: usize| f64::from(u8::from(set.contains(p)));
        let last = member(d - 1);
        let value = |k: usize| {
            let odd = (values[2 * n * width + k] - values[(2 * n + 1) * width + k]) / 2.0;
            odd - (last - 0.5) * change[k]
        };
        let x = (0..d - 1).map(|p| member(p) - last).collect();
        Pair { stratum: *stratum, set: set.clone(), x, y: (0..width).map(value).collect() }
    };
    Ok(sets.iter().zip(chosen).enumerate().map(pair).collect())
}

/// The regression's answer.
struct Fit {
    /// Players x columns of the game.
    values: Vec<f64>,
    /// Players x outputs; `None` while a stratum has too few pairs to tell.
    errors: Option<Vec<f64>>,
}

impl Fit {
    /// The players alone first, then with the products of those that matter most.
    fn of(
        strata: &[Stratum],
        pairs: &[Pair],
        players: usize,
        change: &[f64],
        game: &Game<'_>,
    ) -> Result<Self, ExplainError> {
        let alone = Regression::new(strata, pairs, &[], change, game)?;
        let values = alone.values(players, change);
        // The parts of a background choose nothing: they are to be fitted as the whole is.
        let whole: Vec<f64> = values.chunks(change.len()).flat_map(|of| &of[..game.width()]).copied().collect();
        let triples = triples::chosen(&whole, players, pairs.len());
        // Where every pair is valued the products change nothing.
        if triples.is_empty() || strata.iter().all(|stratum| stratum.complete) {
            let errors = alone.standard_errors(strata, pairs, game)?;
            return Ok(Self { values, errors });
        }
        let full = Regression::new(strata, pairs, &triples, change, game)?;
        let errors = full.standard_errors(strata, pairs, game)?;
        Ok(Self { values: full.values(players, change), errors })
    }

    fn largest_error(&self) -> Option<f64> {
        self.errors.as_ref().map(|errors| errors.iter().copied().fold(0.0, f64::max))
    }
}

/// A weighted fit of the pairs by players and products of them.
struct Regression<'a> {
    triples: &'a [Triple],
    /// Pairs of each stratum.
    counts: Vec<usize>,
    factor: Cholesky,
    /// Columns of the game x (players - 1 + products).
    solution: Vec<f64>,
}

impl<'a> Regression<'a> {
    fn new(
        strata: &[Stratum],
        pairs: &[Pair],
        triples: &'a [Triple],
        change: &[f64],
        game: &Game<'_>,
    ) -> Result<Self, ExplainError> {
        let players = pairs.first().map_or(0, |pair| pair.x.len());
        let (n, width) = (players + triples.len(), change.len());
        let mut counts = vec![0usize; strata.len()];
        for pair in pairs {
            counts[pair.stratum] += 1;
        }
        let rows = Rows::of(strata, pairs, &counts, triples);
        let mut gram = vec![0.0; n * n];
        let mut solution = vec![0.0; width * n];
        let cancel = game.cancel();
        gram.par_chunks_mut(STRIPE * n).enumerate().try_for_each(|(stripe, gram)| {
            cancel.check()?;
            rows.products(stripe * STRIPE, gram);
            Ok::<_, Cancelled>(())
        })?;
        solution.par_chunks_mut(n).enumerate().for_each(|(k, right)| rows.times(|pair| pairs[pair].y[k], right));
        for a in 0..n {
            if a >= players {
                gram[a * n + a] *= 1.0 + triples::PENALTY;
            }
            for b in 0..a {
                gram[b * n + a] = gram[a * n + b];
            }
        }
        let factor = Cholesky::new(&gram, n).ok_or_else(|| {
            ExplainError::BadRequest("the sampled coalitions do not determine the attributions".to_owned())
        })?;
        solution.chunks_mut(n).for_each(|of| factor.solve(of));
        Ok(Self { triples, counts, factor, solution })
    }

    /// Players x columns; the last player has what the others leave of the change.
    fn values(&self, players: usize, change: &[f64]) -> Vec<f64> {
        let (n, width) = (players - 1, change.len());
        let mut values = vec![0.0; players * width];
        for (k, of) in self.solution.chunks(n + self.triples.len()).enumerate() {
            for (p, value) in of[..n].iter().enumerate() {
                values[p * width + k] = *value;
            }
            values[n * width + k] = change[k] - of[..n].iter().sum::<f64>();
        }
        values
    }

    /// Standard errors of players x outputs: the spread, within strata, of each pair's pull on the estimate.
    fn standard_errors(
        &self,
        strata: &[Stratum],
        pairs: &[Pair],
        game: &Game<'_>,
    ) -> Result<Option<Vec<f64>>, ExplainError> {
        let sampled = |s: usize| !strata[s].complete;
        if (0..strata.len()).any(|s| sampled(s) && self.counts[s] < MIN_SPREAD) {
            return Ok(None);
        }
        let n = pairs.first().map_or(0, |pair| pair.x.len());
        let (players, width) = (n + 1, game.width());
        let sampled_pairs: Vec<&Pair> = pairs.iter().filter(|pair| sampled(pair.stratum)).collect();
        let cancel = game.cancel();
        let pulls = sampled_pairs.par_chunks(BESIDE).map(|beside| {
            cancel.check()?;
            Ok::<_, Cancelled>(self.pulls(strata, beside, width))
        });
        let pulls = pulls.collect::<Result<Vec<_>, _>>()?;
        // Sums and sums of squares of pulls, by stratum.
        let mut sums = vec![0.0; strata.len() * players * width];
        let mut squares = vec![0.0; strata.len() * players * width];
        for (pair, pulls) in sampled_pairs.iter().zip(pulls.iter().flat_map(|some| some.chunks(players * width))) {
            let at = pair.stratum * players * width;
            let sums = sums[at..].iter_mut().zip(&mut squares[at..]);
            sums.zip(pulls).for_each(|((sum, square), pull)| {
                *sum += pull;
                *square += pull * pull;
            });
        }
        let mut errors = vec![0.0; players * width];
        for (s, stratum) in strata.iter().enumerate().filter(|(s, _)| sampled(*s)) {
            let count = self.counts[s] as f64;
            let unseen = (1.0 - count / stratum.population).max(0.0);
            for (at, error) in errors.iter_mut().enumerate() {
                let at = s * players * width + at;
                let spread = (squares[at] - sums[at] * sums[at] / count).max(0.0) / (count - 1.0);
                *error += stratum.mass * stratum.mass / count * unseen * spread;
            }
        }
        for error in &mut errors {
            *error = error.sqrt();
        }
        Ok(Some(errors))
    }

    /// How far up to [`BESIDE`] pairs pull the estimate: pairs x players x outputs.
    fn pulls(&self, strata: &[Stratum], beside: &[&Pair], outputs: usize) -> Vec<f64> {
        let n = beside.first().map_or(0, |pair| pair.x.len());
        let all = n + self.triples.len();
        let mut rows = Vec::with_capacity(beside.len() * all);
        for pair in beside {
            pair.row(self.triples, &mut rows);
        }
        let mut pulls = vec![[0.0; BESIDE]; all];
        for (lane, row) in rows.chunks(all).enumerate() {
            pulls.iter_mut().zip(row).for_each(|(pull, x)| pull[lane] = *x);
        }
        self.factor.solve_beside(&mut pulls);
        let mut found = Vec::with_capacity(beside.len() * (n + 1) * outputs);
        for (lane, (pair, row)) in beside.iter().zip(rows.chunks(all)).enumerate() {
            let weight = strata[pair.stratum].mass / self.counts[pair.stratum] as f64;
            let leverage = weight * row.iter().zip(&pulls).map(|(x, g)| x * g[lane]).sum::<f64>();
            let residual = |(y, solution): (&f64, &[f64])| {
                let fitted: f64 = row.iter().zip(solution).map(|(x, b)| x * b).sum();
                (y - fitted) / (1.0 - leverage).max(0.1)
            };
            let residuals: Vec<f64> =
                pair.y.iter().zip(self.solution.chunks(all)).take(outputs).map(residual).collect();
            // The last player is pulled the other way by all the others.
            let last = -pulls[..n].iter().map(|g| g[lane]).sum::<f64>();
            let pull = pulls[..n].iter().map(|g| g[lane]).chain([last]);
            found.extend(pull.flat_map(|g| residuals.iter().map(move |residual| g * residual)));
        }
        found
    }
}
