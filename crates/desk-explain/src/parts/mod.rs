//! Parts of one row that are there or not: segments of its picture, words of its text.
//!
//! A model is seen as a function of which parts of a row are there: a table of ones (there) and zeros (not). Explaining a
//! row of ones against a background of one row of zeros then gives the Shapley values of the parts, and LIME on parts
//! ([`crate::PartsLime`]) is what the reference does for pictures and texts.

mod joined;
mod segments;
mod words;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use desk_core::{Fault, Predictor};
use rayon::prelude::*;

use crate::error::ExplainError;
use crate::players::{Group, Players};

pub use joined::{Carry, PartValues, RowOfParts, joined};
pub use segments::{MOST_SEGMENTS, Segments};
pub use words::{WordSpan, Words};

/// The columns of each player, ascending: of groups, and of every other column for itself, in the order of their first ones.
///
/// # Errors
/// A group without columns, a column that is not there or in two groups.
pub fn members(features: usize, groups: &[Group]) -> Result<Vec<Vec<usize>>, ExplainError> {
    let players = Players::grouped(features, groups)?;
    Ok((0..players.count()).map(|player| players.members(player).to_vec()).collect())
}

/// Rows that one thread looks at, at least.
const TOGETHER: usize = 64;
/// Cells of rows that are put together at a time.
const CELLS: usize = 1 << 20;

/// Something that answers to parts that are there or not, a few at a time.
pub trait Parted {
    /// How many parts there are.
    fn parts(&self) -> usize;

    /// Numbers of each answer.
    fn outputs(&self) -> usize;

    /// The answers for sets of parts, each a slice of [`Parted::parts`] flags; answers x [`Parted::outputs`].
    ///
    /// # Errors
    /// Those of the model.
    fn answers(&mut self, sets: &[&[bool]]) -> Result<Vec<f64>, Fault>;
}

/// A [`Parted`] as a model of ones and zeros that is asked for each set of parts once.
pub struct Once<P> {
    inner: P,
    /// Place of each set that was answered.
    known: HashMap<Vec<u64>, usize, BuildHasherDefault<std::hash::DefaultHasher>>,
    answers: Vec<f64>,
}

impl<P: Parted> Once<P> {
    /// Nothing asked yet.
    pub fn new(inner: P) -> Self {
        Self { inner, known: HashMap::default(), answers: Vec::new() }
    }

    /// Sets of parts that the model answered so far.
    pub fn asked(&self) -> u64 {
        self.known.len() as u64
    }
}

/// Flags as bits, and one by one.
fn flags(row: &[f64]) -> (Vec<u64>, Vec<bool>) {
    let flags: Vec<bool> = row.iter().map(|x| *x != 0.0).collect();
    let word = |flags: &[bool]| flags.iter().enumerate().fold(0, |word, (i, on)| word | u64::from(*on) << i);
    (flags.chunks(64).map(word).collect(), flags)
}

impl<P: Parted + Send> Predictor for Once<P> {
    fn n_features(&self) -> usize {
        self.inner.parts()
    }

    fn n_outputs(&self) -> usize {
        self.inner.outputs()
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        let (parts, outputs) = (self.inner.parts(), self.inner.outputs());
        let mut places = Vec::with_capacity(rows.len() / parts);
        let mut fresh = Vec::new();
        let all = rows.par_chunks_exact(parts).with_min_len(TOGETHER).map(flags);
        for (bits, flags) in all.collect::<Vec<_>>() {
            let next = self.known.len();
            let place = *self.known.entry(bits).or_insert(next);
            if place == next {
                fresh.push(flags);
            }
            places.push(place);
        }
        let sets: Vec<&[bool]> = fresh.iter().map(Vec::as_slice).collect();
        let found = match self.inner.answers(&sets) {
            Ok(found) if found.len() == fresh.len() * outputs => found,
            other => {
                // What was not answered is not known.
                let first = self.answers.len() / outputs.max(1);
                self.known.retain(|_, place| *place < first);
                return other.and(Err(Fault::bug("the model answered another number of rows than it was asked for")));
            }
        };
        self.answers.extend(found);
        Ok(places.iter().flat_map(|at| &self.answers[at * outputs..(at + 1) * outputs]).copied().collect())
    }
}

/// A row of features taken apart: a part that is not there takes the values of another row.
pub struct Features<'a> {
    /// The model of whole rows.
    pub predictor: &'a mut dyn Predictor,
    /// The row; features of no part stay as they are.
    pub row: &'a [f64],
    /// What stands for parts that are not there.
    pub absent: &'a [f64],
    /// The features of each part.
    pub members: &'a [Vec<usize>],
}

impl Parted for Features<'_> {
    fn parts(&self) -> usize {
        self.members.len()
    }

    fn outputs(&self) -> usize {
        self.predictor.n_outputs()
    }

    fn answers(&mut self, sets: &[&[bool]]) -> Result<Vec<f64>, Fault> {
        let width = self.row.len();
        let mut answers = Vec::with_capacity(sets.len() * self.outputs());
        let runs: Vec<Vec<Range<usize>>> = self.members.iter().map(|of| runs(of)).collect();
        let mut rows = Vec::with_capacity(CELLS.min(sets.len() * width));
        for some in sets.chunks((CELLS / width).max(1)) {
            rows.clear();
            for set in some {
                let start = rows.len();
                rows.extend_from_slice(self.row);
                let off = runs.iter().zip(*set).filter(|(_, on)| !**on);
                for run in off.flat_map(|(runs, _)| runs) {
                    rows[start..][run.clone()].copy_from_slice(&self.absent[run.clone()]);
                }
            }
            answers.extend(self.predictor.predict(&rows)?);
        }
        Ok(answers)
    }
}

/// Ascending places as stretches without a gap.
fn runs(places: &[usize]) -> Vec<Range<usize>> {
    places.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[0] + run.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_as_long_as_they_can_be() {
        assert_eq!(runs(&[0, 1, 2, 5, 7, 8]), [0..3, 5..6, 7..9]);
        assert!(runs(&[]).is_empty());
    }

    struct Sum {
        asked: usize,
        fails: bool,
    }

    impl Parted for Sum {
        fn parts(&self) -> usize {
            70
        }

        fn outputs(&self) -> usize {
            2
        }

        fn answers(&mut self, sets: &[&[bool]]) -> Result<Vec<f64>, Fault> {
            if self.fails {
                return Err(Fault::input("no"));
            }
            self.asked += sets.len();
            let on =
                |set: &&[bool]| set.iter().enumerate().map(|(i, on)| i as f64 * f64::from(u8::from(*on))).sum::<f64>();
            Ok(sets.iter().flat_map(|set| [on(set), -on(set)]).collect())
        }
    }

    #[test]
    fn each_set_is_asked_for_once_and_a_failure_is_not_remembered() {
        let mut once = Once::new(Sum { asked: 0, fails: true });
        let mut rows = vec![0.0; 3 * 70];
        (rows[69], rows[70 + 64], rows[140 + 69]) = (1.0, 1.0, 1.0);
        assert!(once.predict(&rows).is_err());
        once.inner.fails = false;
        assert_eq!(once.predict(&rows).expect("answers"), [69.0, -69.0, 64.0, -64.0, 69.0, -69.0]);
        assert_eq!(once.predict(&rows[70..]).expect("answers"), [64.0, -64.0, 69.0, -69.0]);
        assert_eq!((once.inner.asked, once.asked()), (2, 2));
    }
}
