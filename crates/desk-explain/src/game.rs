//! The game that Shapley values share out: the model's mean over mixtures of a row and the background.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use desk_core::{Cancel, Predictor, Progress, ProgressSink};

use crate::error::ExplainError;
use crate::input::Table;
use crate::moves::Spread;
use crate::players::Players;

/// Most cells sent to the model at once: 8 MiB of float64.
const CHUNK_CELLS: usize = 1 << 20;
/// Most rows sent to the model at once, so that a cancel is seen soon.
const CHUNK_ROWS: usize = 4096;

/// A set of players, as bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Coalition(Vec<u64>);

impl Coalition {
    /// The empty set, with room for `players`.
    pub fn empty(players: usize) -> Self {
        Self(vec![0; players.div_ceil(64).max(1)])
    }

    /// The set whose members are the bits of `bits`, for up to 64 players.
    pub fn from_bits(bits: u64) -> Self {
        Self(vec![bits])
    }

    /// Puts a player in.
    pub fn insert(&mut self, player: usize) {
        self.0[player / 64] |= 1 << (player % 64);
    }

    /// Whether the player is in.
    pub fn contains(&self, player: usize) -> bool {
        self.0[player / 64] >> (player % 64) & 1 == 1
    }

    /// Everybody else.
    pub fn complement(&self, players: usize) -> Self {
        let mut other = Self(self.0.iter().map(|word| !word).collect());
        if let Some(last) = other.0.last_mut().filter(|_| !players.is_multiple_of(64)) {
            *last &= (1 << (players % 64)) - 1;
        }
        other
    }
}

/// A set of coalitions whose behaviour does not depend on the process (no random hash keys).
pub(crate) type CoalitionSet = HashSet<Coalition, BuildHasherDefault<std::hash::DefaultHasher>>;

/// Progress of one explanation, in its own unit.
pub(crate) struct Meter<'a> {
    sink: &'a dyn ProgressSink,
    stage: &'static str,
    unit: &'static str,
    done: u64,
    total: u64,
}

impl<'a> Meter<'a> {
    /// A meter at zero of `total`.
    pub fn new(sink: &'a dyn ProgressSink, stage: &'static str, unit: &'static str, total: u64) -> Self {
        let meter = Self { sink, stage, unit, done: 0, total };
        meter.report();
        meter
    }

    /// `more` units are done.
    pub fn add(&mut self, more: u64) {
        self.set(self.done + more);
    }

    /// `done` units are done, where an early stop skipped some.
    pub fn set(&mut self, done: u64) {
        self.done = done.min(self.total);
        self.report();
    }

    fn report(&self) {
        self.sink.report(Progress::new(self.stage, self.done, Some(self.total), self.unit));
    }
}

/// One row's game: who plays, and the values of nobody and of everybody.
pub(crate) struct RowGame<'a> {
    /// Number of the row, from 0, for messages.
    pub index: usize,
    /// Its features.
    pub row: &'a [f64],
    /// Players that vary.
    pub players: Vec<usize>,
    /// The features of all players.
    pub all: &'a Players,
    /// Value of the empty set, a number for each of the game's columns.
    pub base: &'a [f64],
    /// Value of all players, the same: the prediction.
    pub full: &'a [f64],
}

/// How hard a sampling method tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Coalitions per row.
    pub budget: usize,
    /// Seed of the request.
    pub seed: u64,
    /// Stop once every standard error is at most this.
    pub max_std_error: Option<f64>,
}

/// A model, a background and the outputs that matter.
///
/// A value has a column for each explained output, and where the game is looked at in parts of the background behind them the
/// same columns for each part: shares are linear in the game, so that every method shares out the parts' games along with
/// the whole one, with no more of the model's answers.
pub(crate) struct Game<'a> {
    predictor: &'a mut dyn Predictor,
    background: Table<'a>,
    outputs: &'a [usize],
    cancel: &'a Cancel,
    /// Mixtures that the model is asked about, and those that come next.
    buffers: [Vec<f64>; 2],
    /// Parts of the background that have columns of their own.
    parts: usize,
    /// Rows that the model scored so far.
    pub model_rows: u64,
}

impl<'a> Game<'a> {
    /// The game of a predictor; widths have been checked.
    pub fn new(
        predictor: &'a mut dyn Predictor,
        background: Table<'a>,
        outputs: &'a [usize],
        cancel: &'a Cancel,
    ) -> Self {
        Self { predictor, background, outputs, cancel, buffers: Default::default(), parts: 0, model_rows: 0 }
    }

    /// From now on with columns for so many parts of the background: row b belongs to part b modulo their number.
    pub fn look_at_parts(&mut self, parts: usize) {
        self.parts = parts;
    }

    /// Columns of a value: the explained outputs, and those of each part.
    pub fn columns(&self) -> usize {
        self.width() * (1 + self.parts)
    }

    /// Explained outputs.
    pub fn width(&self) -> usize {
        self.outputs.len()
    }

    /// The background.
    pub fn background(&self) -> Table<'a> {
        self.background
    }

    /// The flag to watch.
    pub fn cancel(&self) -> &'a Cancel {
        self.cancel
    }

    /// Scores rows, keeps the explained outputs; `place` names a row for an error.
    pub fn predict(&mut self, rows: &[f64], place: impl Fn(usize) -> String) -> Result<Vec<f64>, ExplainError> {
        let width = self.predictor.n_features();
        let mut answers = Vec::with_capacity(rows.len() / width * self.outputs.len());
        let chunk = (CHUNK_CELLS / width).clamp(1, CHUNK_ROWS);
        for (c, part) in rows.chunks(chunk * width).enumerate() {
            self.cancel.check()?;
            let found = self.predictor.predict(part)?;
            self.model_rows += (part.len() / width) as u64;
            let all = self.predictor.n_outputs();
            let expected = part.len() / width * all;
            if found.len() != expected {
                return Err(ExplainError::AnswerShape { expected, found: found.len() });
            }
            for (r, answer) in found.chunks_exact(all).enumerate() {
                for output in self.outputs {
                    let value = answer[*output];
                    if !value.is_finite() {
                        return Err(ExplainError::NotFinite { value, place: place(c * chunk + r), output: *output });
                    }
                    answers.push(value);
                }
            }
        }
        Ok(answers)
    }

    /// Mean of the model over the background, a number for each column, and the standard errors of those of the outputs.
    pub fn base(&mut self) -> Result<(Vec<f64>, Vec<f64>), ExplainError> {
        let answers = self.predict(self.background.rows, |b| format!("background row {}", b + 1))?;
        let mut means = vec![0.0; self.columns()];
        let mut spread = Spread::new(self.width());
        for (row, answer) in answers.chunks_exact(self.width()).enumerate() {
            self.count(&mut means, row, answer);
            spread.add(answer);
        }
        self.divide(&mut means);
        Ok((means, spread.errors()))
    }

    /// Adds an answer that a background row is behind to the columns that it belongs to.
    fn count(&self, columns: &mut [f64], row: usize, answer: &[f64]) {
        let width = answer.len();
        columns[..width].iter_mut().zip(answer).for_each(|(sum, a)| *sum += a);
        if self.parts > 0 {
            let from = (1 + row % self.parts) * width;
            columns[from..from + width].iter_mut().zip(answer).for_each(|(sum, a)| *sum += a);
        }
    }

    /// Makes means of the sums over the background in the columns of one value.
    fn divide(&self, columns: &mut [f64]) {
        let (n, parts) = (self.background.len(), self.parts);
        for (at, sums) in columns.chunks_exact_mut(self.width()).enumerate() {
            let rows = if at == 0 { n } else { (n + parts - at) / parts };
            for sum in sums {
                *sum /= rows as f64;
            }
        }
    }

    /// The value of each coalition of a row's players: coalitions x columns.
    pub fn values(
        &mut self,
        row_game: &RowGame<'_>,
        coalitions: &[Coalition],
        meter: &mut Meter<'_>,
    ) -> Result<Vec<f64>, ExplainError> {
        let (width, columns, n) = (self.width(), self.columns(), self.background.len());
        let mixtures = Mixtures { row_game, coalitions, background: self.background };
        let chunk = (CHUNK_CELLS / row_game.row.len()).clamp(1, CHUNK_ROWS);
        let total = coalitions.len() * n;
        let mut values = vec![0.0; coalitions.len() * columns];
        let [mut ready, mut next] = std::mem::take(&mut self.buffers);
        let mut from = 0;
        mixtures.fill(0..chunk.min(total), &mut ready);
        while from < total {
            let to = (from + chunk).min(total);
            let place =
                |r: usize| format!("a mixture of row {} and background row {}", row_game.index + 1, (from + r) % n + 1);
            // While the model answers the next mixtures are made.
            let (answers, ()) = if to < total {
                let after = to..(to + chunk).min(total);
                rayon::join(|| self.predict(&ready, place), || mixtures.fill(after, &mut next))
            } else {
                (self.predict(&ready, place), ())
            };
            std::mem::swap(&mut ready, &mut next);
            for (r, answer) in answers?.chunks_exact(width).enumerate() {
                let target = (from + r) / n * columns;
                self.count(&mut values[target..target + columns], (from + r) % n, answer);
            }
            meter.add((to / n - from / n) as u64);
            from = to;
        }
        self.buffers = [ready, next];
        values.chunks_exact_mut(columns).for_each(|value| self.divide(value));
        Ok(values)
    }
}

/// A row mixed with every background row, coalition by coalition.
struct Mixtures<'g> {
    row_game: &'g RowGame<'g>,
    coalitions: &'g [Coalition],
    background: Table<'g>,
}

impl Mixtures<'_> {
    /// Writes some of them, counted over all coalitions.
    fn fill(&self, range: Range<usize>, buffer: &mut Vec<f64>) {
        let RowGame { row, players, all, .. } = self.row_game;
        let n = self.background.len();
        let mut taken: Vec<(usize, f64)> = Vec::new();
        buffer.clear();
        let mut mixture = range.start;
        while mixture < range.end {
            // All mixtures of one coalition have the same features of the row.
            let coalition = &self.coalitions[mixture / n];
            let members = players.iter().enumerate().filter(|(p, _)| coalition.contains(*p));
            taken.clear();
            taken.extend(members.flat_map(|(_, player)| all.members(*player)).map(|f| (*f, row[*f])));
            let last = (mixture / n * n + n).min(range.end);
            for behind in mixture % n..=(last - 1) % n {
                let start = buffer.len();
                buffer.extend_from_slice(self.background.row(behind));
                for (feature, value) in &taken {
                    buffer[start + feature] = *value;
                }
            }
            mixture = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complements_stay_within_the_players() {
        for players in [1, 3, 63, 64, 65, 130] {
            let mut some = Coalition::empty(players);
            some.insert(players / 2);
            let other = some.complement(players);
            assert_eq!((0..players).filter(|p| other.contains(*p)).count(), players - 1);
            assert_eq!(other.complement(players), some);
        }
    }
}
