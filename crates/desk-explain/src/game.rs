//! The game that Shapley values share out: the model's mean over mixtures of a row and the background.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use desk_core::{Cancel, Predictor, Progress, ProgressSink};

use crate::error::ExplainError;
use crate::input::Table;
use crate::players::Players;

/// Most cells sent to the model at once: 8 MiB of float64.
const CHUNK_CELLS: usize = 1 << 20;
/// Most rows sent to the model at once, so that a cancel is seen soon.
const CHUNK_ROWS: usize = 2048;

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
    /// Value of the empty set, one for each explained output.
    pub base: &'a [f64],
    /// Value of all players: the prediction.
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
pub(crate) struct Game<'a> {
    predictor: &'a mut dyn Predictor,
    background: Table<'a>,
    outputs: &'a [usize],
    cancel: &'a Cancel,
    buffer: Vec<f64>,
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
        Self { predictor, background, outputs, cancel, buffer: Vec::new(), model_rows: 0 }
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

    /// Mean of the model over the background, one for each explained output.
    pub fn base(&mut self) -> Result<Vec<f64>, ExplainError> {
        let answers = self.predict(self.background.rows, |b| format!("background row {}", b + 1))?;
        let n = self.background.len() as f64;
        let width = self.width();
        Ok((0..width).map(|k| answers.iter().skip(k).step_by(width).sum::<f64>() / n).collect())
    }

    /// The value of each coalition of a row's players: coalitions x explained outputs.
    pub fn values(
        &mut self,
        row_game: &RowGame<'_>,
        coalitions: &[Coalition],
        meter: &mut Meter<'_>,
    ) -> Result<Vec<f64>, ExplainError> {
        let (background, width) = (self.background, self.width());
        let RowGame { index, row, players, all, .. } = row_game;
        let n = background.len();
        let chunk = (CHUNK_CELLS / row.len()).clamp(1, CHUNK_ROWS);
        let mut values = vec![0.0; coalitions.len() * width];
        let total = coalitions.len() * n;
        let mut from = 0;
        while from < total {
            let to = (from + chunk).min(total);
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            for mixture in from..to {
                let start = buffer.len();
                buffer.extend_from_slice(background.row(mixture % n));
                let coalition = &coalitions[mixture / n];
                for (p, player) in players.iter().enumerate() {
                    if coalition.contains(p) {
                        all.members(*player).iter().for_each(|feature| buffer[start + feature] = row[*feature]);
                    }
                }
            }
            let place = |r: usize| format!("a mixture of row {} and background row {}", index + 1, (from + r) % n + 1);
            let answers = self.predict(&buffer, place);
            self.buffer = buffer;
            for (r, answer) in answers?.chunks_exact(width).enumerate() {
                let target = (from + r) / n * width;
                values[target..target + width].iter_mut().zip(answer).for_each(|(v, a)| *v += a);
            }
            meter.add((to / n - from / n) as u64);
            from = to;
        }
        for value in &mut values {
            *value /= n as f64;
        }
        Ok(values)
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
