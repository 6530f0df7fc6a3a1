//! LIME on parts that are there or not: segments of a picture, words of a text (Ribeiro, Singh and Guestrin 2016).
//!
//! Reference implementation: lime 0.2.0.1's `LimeImageExplainer` and `LimeTextExplainer`, with all parts kept and the fit
//! repeated, as for tables.

use rayon::prelude::*;

use super::bits::Bits;
use super::{LimeRow, fit_highest, mean_of_fits};
use crate::dice::Dice;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::FeatureInfo;
use crate::linalg::{Flags, RidgeFit, Seen};
use crate::request::{LimeOptions, LimeSelection, PartsLime};

/// Perturbed rows of one stream of random numbers.
const BLOCK: usize = 64;
/// Cells of perturbed rows that are made at a time, and such streams at most.
const CELLS: usize = 1 << 20;
const MOST_BLOCKS: usize = 32;

/// LIME on rows whose features are parts: 1 where the part is there.
pub(crate) struct OnParts<'a> {
    /// How parts are taken away.
    pub way: PartsLime,
    /// The rest of the settings.
    pub options: &'a LimeOptions,
    /// Names of the parts.
    pub features: &'a [FeatureInfo],
    /// Perturbed rows of a repetition.
    pub samples: usize,
    /// Seed of the request.
    pub seed: u64,
}

impl OnParts<'_> {
    /// Width of the kernel over cosine distances.
    pub fn kernel_width(&self) -> f64 {
        self.options.kernel_width.unwrap_or_else(|| self.way.kernel_width())
    }

    /// Explains one row with all parts there; `index` names it in errors.
    pub fn explain(
        &self,
        game: &mut Game<'_>,
        index: usize,
        row: &[f64],
        meter: &mut Meter<'_>,
    ) -> Result<LimeRow, ExplainError> {
        let mut fits = Vec::with_capacity(self.options.repeats);
        for repeat in 0..self.options.repeats {
            fits.push(self.fit(game, index, row, repeat as u64)?);
            meter.add(self.samples as u64);
        }
        let conditions = self.features.iter().map(|feature| feature.name.clone()).collect();
        Ok(mean_of_fits(&fits, row, conditions))
    }

    fn fit(&self, game: &mut Game<'_>, index: usize, row: &[f64], repeat: u64) -> Result<Vec<RidgeFit>, ExplainError> {
        let (parts, outputs) = (row.len(), game.width());
        let mut bits = Bits::zeros(self.samples, parts);
        let mut weights = Vec::with_capacity(self.samples);
        let mut answers = Vec::with_capacity(self.samples * outputs);
        let mut near = Vec::new();
        let starts: Vec<usize> = (0..self.samples).step_by(BLOCK).collect();
        for some in starts.chunks((CELLS / BLOCK / parts).clamp(1, MOST_BLOCKS)) {
            game.cancel().check()?;
            let last = some.last().map_or(0, |from| self.samples.min(from + BLOCK));
            near.clear();
            near.resize((last - some[0]) * parts, 1.0);
            let blocks = near.par_chunks_mut(BLOCK * parts).zip(some);
            let drawn = blocks.map(|(cells, from)| {
                let there = self.block(row, repeat, *from, cells);
                (there, cells.chunks_exact(parts).flat_map(Bits::bytes).collect::<Vec<u8>>())
            });
            for (from, (there, bytes)) in some.iter().zip(drawn.collect::<Vec<_>>()) {
                bits.set_rows(*from, &bytes);
                weights.extend(there.iter().map(|there| self.weight(*there, parts)));
            }
            answers.extend(game.predict(&near, |_| format!("row {} without some of its parts", index + 1))?);
        }
        match self.options.selection {
            LimeSelection::HighestWeights(keep) if keep < parts => {
                let cells: Vec<f64> = (0..self.samples).flat_map(|sample| bits.row(sample)).collect();
                let seen = Flags::of(&cells, parts).map_or(Seen::Numbers(cells.into(), parts), Seen::Flags);
                fit_highest(&seen, (&answers, outputs), &weights, self.options.alpha, keep)
                    .ok_or_else(super::no_solution)
            }
            _ => bits.ridge(&answers, outputs, &weights, self.options.alpha, game.cancel()),
        }
    }

    /// Perturbed rows from one on, out of rows of ones; how many parts each is left with. They are drawn from a stream of their
    /// own, so they are the same on any number of threads.
    fn block(&self, row: &[f64], repeat: u64, from: usize, cells: &mut [f64]) -> Vec<usize> {
        let parts = row.len();
        let mut dice = Dice::new(self.seed, row, 16 + repeat + (((from / BLOCK) as u64) << 32));
        let mut order: Vec<usize> = (0..parts).collect();
        let one = |(r, cells): (usize, &mut [f64])| {
            // The first of all is the row itself.
            if from + r == 0 { parts } else { self.way.draw(cells, &mut order, &mut dice) }
        };
        cells.chunks_exact_mut(parts).enumerate().map(one).collect()
    }

    /// The weight of a row with so many of its parts. Their cosine with all of them is the root of their share; a row
    /// without parts has a distance of 1.
    fn weight(&self, there: usize, parts: usize) -> f64 {
        let distance = (1.0 - (there as f64 / parts as f64).sqrt()) * self.way.scale();
        (-(distance / self.kernel_width()).powi(2)).exp().sqrt()
    }
}

impl PartsLime {
    /// What cosine distances are multiplied by.
    fn scale(self) -> f64 {
        match self {
            Self::Picture => 1.0,
            Self::Text => 100.0,
        }
    }

    /// Takes parts away from a row of ones; how many are left. `order` is any order of the parts, and another one after.
    fn draw(self, row: &mut [f64], order: &mut [usize], dice: &mut Dice) -> usize {
        let parts = row.len();
        match self {
            // Each part by the toss of a coin.
            Self::Picture => {
                let mut there = 0;
                for cells in row.chunks_mut(64) {
                    let tosses = dice.bits();
                    for (i, cell) in cells.iter_mut().enumerate() {
                        let on = tosses >> i & 1 == 1;
                        *cell = f64::from(u8::from(on));
                        there += usize::from(on);
                    }
                }
                there
            }
            // From one to all of them, each number equally often.
            Self::Text => {
                let away = 1 + dice.below(parts);
                // Whichever are fewer are drawn: those that go, or those that stay.
                let (drawn, value) = if 2 * away <= parts { (away, 0.0) } else { (parts - away, 1.0) };
                if value == 1.0 {
                    row.fill(0.0);
                }
                for i in 0..drawn {
                    order.swap(i, i + dice.below(parts - i));
                    row[order[i]] = value;
                }
                parts - away
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn numbers(value: &Value) -> Vec<f64> {
        match value {
            Value::Array(items) => items.iter().flat_map(numbers).collect(),
            other => vec![other.as_f64().expect("a number")],
        }
    }

    /// One run of the reference: with its own sets of parts and answers the surrogate is the same.
    fn the_surrogate_is_the_same(way: PartsLime, run: &Value) {
        let (data, labels) = (numbers(&run["data"]), numbers(&run["labels"]));
        let parts = data.len() / labels.len();
        let options = LimeOptions { parts: Some(way), ..LimeOptions::default() };
        let lime = OnParts { way, options: &options, features: &[], samples: labels.len(), seed: 0 };
        let mut bits = Bits::zeros(labels.len(), parts);
        let mut weights = Vec::new();
        bits.set_rows(0, &data.chunks(parts).flat_map(Bits::bytes).collect::<Vec<_>>());
        for cells in data.chunks(parts) {
            weights.push(lime.weight(cells.iter().sum::<f64>() as usize, parts));
        }
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{way:?}: {a} {b}");
        weights.iter().zip(numbers(&run["weights"])).for_each(|(a, b)| near(*a, b));
        let fit = bits.ridge(&labels, 1, &weights, 1.0, &desk_core::Cancel::new()).expect("solved").remove(0);
        fit.coefficients.iter().zip(numbers(&run["coefficients"])).for_each(|(a, b)| near(*a, b));
        near(fit.intercept, run["intercept"].as_f64().expect("a number"));
        near(fit.r2, run["r2"].as_f64().expect("a number"));
        let local = fit.intercept + fit.coefficients.iter().sum::<f64>();
        near(local, run["local_prediction"].as_f64().expect("a number"));
    }

    #[test]
    fn equals_the_reference_on_its_own_sets_of_parts() {
        let read = |name: &str| -> Value {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/lime");
            serde_json::from_str(&std::fs::read_to_string(folder.join(name)).expect("there")).expect("JSON")
        };
        let (picture, text) = (read("picture.json"), read("text.json"));
        the_surrogate_is_the_same(PartsLime::Picture, &picture["one"]);
        the_surrogate_is_the_same(PartsLime::Picture, &picture["one_hidden"]);
        the_surrogate_is_the_same(PartsLime::Text, &text["bag"]["one"]);
        the_surrogate_is_the_same(PartsLime::Text, &text["places"]["one"]);
    }

    #[test]
    fn as_many_parts_go_as_the_reference_takes() {
        let (parts, draws) = (9, 40_000);
        let mut dice = Dice::new(3, &[], 1);
        let mut order: Vec<usize> = (0..parts).collect();
        for way in [PartsLime::Picture, PartsLime::Text] {
            let (mut sizes, mut on) = (vec![0; parts + 1], vec![0; parts]);
            for _ in 0..draws {
                let mut row = vec![1.0; parts];
                let there = way.draw(&mut row, &mut order, &mut dice);
                assert_eq!(row.iter().sum::<f64>(), there as f64);
                sizes[there] += 1;
                on.iter_mut().zip(&row).for_each(|(on, x)| *on += usize::from(*x == 1.0));
            }
            let share = |count: usize| count as f64 / f64::from(draws);
            match way {
                PartsLime::Picture => {
                    assert!((share(sizes[4]) - 126.0 / 512.0).abs() < 0.01);
                    assert!(on.iter().all(|on| (share(*on) - 0.5).abs() < 0.01));
                }
                PartsLime::Text => {
                    assert_eq!(sizes[parts], 0, "at least one goes");
                    assert!(sizes[..parts].iter().all(|size| (share(*size) - 1.0 / 9.0).abs() < 0.01), "{sizes:?}");
                    assert!(on.iter().all(|on| (share(*on) - 4.0 / 9.0).abs() < 0.01), "{on:?}");
                }
            }
        }
    }
}
