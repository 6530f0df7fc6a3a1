//! The mean of samples that are spread evenly in two ways, and its standard error.

use super::walk::Mean;

/// Stretches of the places along the lines.
const STRETCHES: usize = 50;
/// Samples, beside one for each row, for each stretch at least: of fewer its mean is noise.
const PER_STRETCH: usize = 15;
/// Numbers that are held for all stretches at most: 32 MiB.
const HELD: usize = 1 << 22;

/// Samples of lists of numbers, each from a row of the background and a place on the line to it.
///
/// Every row is taken equally often and the places are one in each of as many equal parts, so that neither what the rows
/// differ by nor what the places do moves the mean: only what is left of a sample beside both does (Stein 1987; Owen
/// 1992, A central limit theorem for Latin hypercube sampling). Rows that are taken less than twice tell nothing of
/// themselves; then they count as drawn, which overstates the error.
pub(super) struct Spread {
    all: Mean,
    /// Of the row whose samples come now, with the stretches that they are from.
    row: Mean,
    stretches: Vec<usize>,
    /// Which row that is; rows that cannot be told apart are all the first.
    now: usize,
    apart: bool,
    /// Sums of squares about the means of the rows.
    within: Vec<f64>,
    /// Sums about the means of the rows, stretch by stretch.
    off: Vec<Vec<f64>>,
    counts: Vec<usize>,
    rows: usize,
}

impl Spread {
    /// For lists of `width` numbers: `samples` of them, over so many rows of the background.
    pub fn new(width: usize, samples: usize, rows: usize) -> Self {
        let apart = samples >= 2 * rows;
        let free = samples - if apart { rows } else { 1 };
        let stretches = (free / PER_STRETCH).min(HELD / width.max(1)).clamp(1, STRETCHES);
        Self {
            all: Mean::new(width),
            row: Mean::new(width),
            stretches: Vec::new(),
            now: 0,
            apart,
            within: vec![0.0; width],
            off: vec![vec![0.0; width]; stretches],
            counts: vec![0; stretches],
            rows: 0,
        }
    }

    /// Takes a sample of a row from a place between 0 and 1. Those of one row come one after the other.
    pub fn add(&mut self, (row, place): (usize, f64), values: impl Iterator<Item = f64> + Clone) {
        if self.apart && row != self.now {
            self.end_row();
            self.now = row;
        }
        let stretch = ((place * self.counts.len() as f64) as usize).min(self.counts.len() - 1);
        self.stretches.push(stretch);
        self.counts[stretch] += 1;
        for (off, value) in self.off[stretch].iter_mut().zip(values.clone()) {
            *off += value;
        }
        self.all.add(values.clone());
        self.row.add(values);
    }

    fn end_row(&mut self) {
        self.rows += usize::from(!self.stretches.is_empty());
        for stretch in self.stretches.drain(..) {
            for (off, mean) in self.off[stretch].iter_mut().zip(self.row.mean()) {
                *off -= mean;
            }
        }
        for (within, squares) in self.within.iter_mut().zip(self.row.squares()) {
            *within += squares;
        }
        self.row = Mean::new(self.within.len());
    }

    /// The means, each with its standard error.
    pub fn finish(mut self) -> impl Iterator<Item = (f64, f64)> {
        self.end_row();
        let samples = self.counts.iter().sum::<usize>() as f64;
        let free = samples - self.rows as f64;
        let stretches = self.counts.iter().filter(|count| **count > 0).count() as f64;
        (0..self.within.len()).map(move |f| {
            let one = |(off, count): (&Vec<f64>, &usize)| off[f] * off[f] / (*count).max(1) as f64;
            // The mean of a row takes its share of what the places do away with it.
            let between = self.off.iter().zip(&self.counts).map(one).sum::<f64>() * samples / free.max(1.0);
            let left = (self.within[f] - between).max(0.0) / (free - (stretches - 1.0)).max(1.0);
            (self.all.mean()[f], (left / samples).sqrt())
        })
    }
}
