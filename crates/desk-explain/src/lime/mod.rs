//! LIME: a weighted linear surrogate around each row (Ribeiro, Singh and Guestrin 2016), of tables here, of parts of a row
//! that are there or not in `parts`.
//!
//! Reference implementation: lime 0.2.0.1. Each row's fit is repeated with independent samples; the
//! mean is reported with its standard error, because one fit says nothing of how stable it is.

mod bits;
mod parts;
mod sampler;

use crate::dice::Dice;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::FeatureInfo;
use crate::linalg::{RidgeFit, ridge};
use crate::request::{LimeOptions, LimeSelection, PartsLime};
use parts::OnParts;
use rayon::prelude::*;
use sampler::{Neighbourhood, Sampler};

/// Perturbed rows of a repetition of a table's row, unless told otherwise.
const TABLE_SAMPLES: usize = 5000;
/// Cells of perturbed rows that are held at once, unless one repetition has more: 64 MiB of float64.
const HELD: usize = 1 << 23;
/// Penalty of the fit that chooses features (lime's `highest_weights`).
const SELECTION_ALPHA: f64 = 0.01;

/// What LIME says of one row.
pub(crate) struct LimeRow {
    /// Weights, features x outputs.
    pub values: Vec<f64>,
    /// Their standard errors; `None` for a single repetition.
    pub errors: Option<Vec<f64>>,
    /// One for each output.
    pub intercepts: Vec<f64>,
    /// One for each output.
    pub local_predictions: Vec<f64>,
    /// One for each output.
    pub r2: Vec<f64>,
    /// One for each feature.
    pub conditions: Vec<String>,
}

/// Perturbed rows of a repetition unless told otherwise.
pub(crate) fn usual_samples(options: &LimeOptions) -> usize {
    options.parts.map_or(TABLE_SAMPLES, PartsLime::samples)
}

/// LIME around rows: of columns, or of parts.
pub(crate) enum Around<'a> {
    /// The columns of a table.
    Columns(Lime<'a>),
    /// Parts of one row.
    Parts(OnParts<'a>),
}

impl<'a> Around<'a> {
    /// What the settings ask for.
    pub fn new(
        game: &Game<'_>,
        features: &'a [FeatureInfo],
        options: &'a LimeOptions,
        samples: usize,
        seed: u64,
    ) -> Self {
        match options.parts {
            None => Self::Columns(Lime::new(game, features, options, samples, seed)),
            Some(way) => Self::Parts(OnParts { way, options, features, samples, seed }),
        }
    }

    /// Width of the kernel.
    pub fn kernel_width(&self) -> f64 {
        match self {
            Self::Columns(lime) => lime.kernel_width,
            Self::Parts(lime) => lime.kernel_width(),
        }
    }

    /// Explains one row; `index` names it in errors.
    pub fn explain(
        &self,
        game: &mut Game<'_>,
        index: usize,
        row: &[f64],
        meter: &mut Meter<'_>,
    ) -> Result<LimeRow, ExplainError> {
        match self {
            Self::Columns(lime) => lime.explain(game, index, row, meter),
            Self::Parts(lime) => lime.explain(game, index, row, meter),
        }
    }
}

/// LIME on one background.
pub(crate) struct Lime<'a> {
    sampler: Sampler<'a>,
    options: &'a LimeOptions,
    /// Width of the kernel.
    kernel_width: f64,
    samples: usize,
    seed: u64,
}

impl<'a> Lime<'a> {
    /// Learns the background.
    fn new(game: &Game<'_>, features: &'a [FeatureInfo], options: &'a LimeOptions, samples: usize, seed: u64) -> Self {
        let sampler = Sampler::new(game.background(), features, options.discretize);
        let kernel_width = options.kernel_width.unwrap_or(0.75 * (features.len() as f64).sqrt());
        Self { sampler, options, kernel_width, samples, seed }
    }

    /// Explains one row; `index` names it in errors.
    fn explain(
        &self,
        game: &mut Game<'_>,
        index: usize,
        row: &[f64],
        meter: &mut Meter<'_>,
    ) -> Result<LimeRow, ExplainError> {
        let repeats: Vec<u64> = (0..self.options.repeats as u64).collect();
        let at_once = (HELD / (self.samples * row.len()).max(1)).clamp(1, repeats.len().max(1));
        let mut fits = Vec::with_capacity(repeats.len());
        for repeats in repeats.chunks(at_once) {
            let draw = |repeat: &u64| {
                let mut dice = Dice::new(self.seed, row, 16 + repeat);
                self.sampler.around(row, self.samples, &mut dice)
            };
            let near: Vec<Neighbourhood> = repeats.par_iter().map(draw).collect();
            game.cancel().check()?;
            let mut answers = Vec::with_capacity(near.len());
            for near in &near {
                answers.push(game.predict(&near.rows, |_| format!("a perturbation of row {}", index + 1))?);
                meter.add(self.samples as u64);
            }
            let (d, outputs) = (row.len(), game.width());
            let fit = |(near, answers): (&Neighbourhood, &Vec<f64>)| self.fit(&near.seen, d, answers, outputs);
            let found: Option<Vec<Vec<RidgeFit>>> = near.par_iter().zip(&answers).map(fit).collect();
            fits.extend(found.ok_or_else(no_solution)?);
            game.cancel().check()?;
        }
        Ok(mean_of_fits(&fits, &self.sampler.seen(row), self.sampler.conditions(row)))
    }

    /// One repetition: a fit for each output, with a coefficient for each feature.
    fn fit(&self, all: &[f64], d: usize, answers: &[f64], outputs: usize) -> Option<Vec<RidgeFit>> {
        let weight = |seen: &[f64]| {
            let distance2: f64 = seen.iter().zip(&all[..d]).map(|(a, b)| (a - b).powi(2)).sum();
            (-distance2 / self.kernel_width.powi(2)).exp().sqrt()
        };
        let weights: Vec<f64> = all.chunks_exact(d).map(weight).collect();
        match self.options.selection {
            LimeSelection::HighestWeights(k) if k < d => (0..outputs)
                .map(|output| {
                    let y: Vec<f64> = answers.iter().skip(output).step_by(outputs).copied().collect();
                    fit_highest(all, d, &y, &weights, self.options.alpha, k)
                })
                .collect(),
            _ => ridge(all, d, answers, outputs, &weights, self.options.alpha),
        }
    }
}

fn no_solution() -> ExplainError {
    ExplainError::BadRequest("LIME's surrogate has no unique solution; give a penalty above 0".to_owned())
}

/// Repetitions as one: the means of repetitions x outputs, and how far they lie apart. `seen` is the row as the surrogate
/// sees it.
fn mean_of_fits(fits: &[Vec<RidgeFit>], seen: &[f64], conditions: Vec<String>) -> LimeRow {
    let (features, outputs) = (seen.len(), fits.first().map_or(0, Vec::len));
    let count = fits.len() as f64;
    let mean = |of: &dyn Fn(&[RidgeFit]) -> f64| fits.iter().map(|fit| of(fit)).sum::<f64>() / count;
    let mut values = Vec::with_capacity(features * outputs);
    let mut errors = Vec::with_capacity(features * outputs);
    for f in 0..features {
        for k in 0..outputs {
            let centre = mean(&|fit| fit[k].coefficients[f]);
            let spread = mean(&|fit| (fit[k].coefficients[f] - centre).powi(2));
            values.push(centre);
            errors.push((spread / (count - 1.0)).sqrt());
        }
    }
    let local = |fit: &RidgeFit| fit.intercept + fit.coefficients.iter().zip(seen).map(|(b, x)| b * x).sum::<f64>();
    LimeRow {
        values,
        errors: (fits.len() > 1).then_some(errors),
        intercepts: (0..outputs).map(|k| mean(&|fit| fit[k].intercept)).collect(),
        local_predictions: (0..outputs).map(|k| mean(&|fit| local(&fit[k]))).collect(),
        r2: (0..outputs).map(|k| mean(&|fit| fit[k].r2)).collect(),
        conditions,
    }
}

/// Ridge on the `keep` features whose |weight x value| is largest in a nearly unpenalised fit; the
/// other coefficients are 0.
fn fit_highest(x: &[f64], columns: usize, y: &[f64], w: &[f64], alpha: f64, keep: usize) -> Option<RidgeFit> {
    let full = ridge(x, columns, y, 1, w, SELECTION_ALPHA)?.pop()?;
    let strength = |f: &usize| (full.coefficients[*f] * x[*f]).abs();
    let mut chosen: Vec<usize> = (0..columns).collect();
    chosen.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then(a.cmp(b)));
    chosen.truncate(keep);
    let narrow: Vec<f64> = x.chunks_exact(columns).flat_map(|row| chosen.iter().map(|f| row[*f])).collect();
    let mut fit = ridge(&narrow, chosen.len(), y, 1, w, alpha)?.pop()?;
    let mut coefficients = vec![0.0; columns];
    chosen.iter().zip(&fit.coefficients).for_each(|(f, b)| coefficients[*f] = *b);
    fit.coefficients = coefficients;
    Some(fit)
}
