//! LIME: a weighted linear surrogate around each row (Ribeiro, Singh and Guestrin 2016), of tables here, of parts of a row
//! that are there or not in `parts`.
//!
//! Reference implementation: lime 0.2.0.1. Each row's fit is repeated with independent samples; the
//! mean is reported with its standard error, because one fit says nothing of how stable it is.

mod bins;
mod bits;
mod parts;
mod sampler;

use crate::dice::Dice;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::FeatureInfo;
use crate::linalg::{RidgeFit, Seen, ridge_of};
use crate::request::{LimeOptions, LimeSelection, PartsLime};
use parts::OnParts;
use sampler::Sampler;

/// Perturbed rows of a repetition of a table's row, unless told otherwise.
const TABLE_SAMPLES: usize = 5000;
/// Cells of a repetition's rows up to which what the surrogate sees of them is held while the next is made: 64 MiB of float64.
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
        let (outputs, cells) = (game.width(), self.samples * row.len());
        let mut rows = vec![0.0; cells];
        let mut fits = vec![None; self.options.repeats];
        // The model answers one repetition after the other; each is fitted while the next is drawn and answered.
        rayon::in_place_scope(|scope| {
            for (repeat, fit) in fits.iter_mut().enumerate() {
                game.cancel().check()?;
                let dice = |block: u64| Dice::new(self.seed, row, 16 + repeat as u64 + (block << 32));
                let seen = self.sampler.around(row, &mut rows, dice);
                let answers = game.predict(&rows, |_| format!("a perturbation of row {}", index + 1))?;
                meter.add(self.samples as u64);
                if cells > HELD {
                    *fit = self.fit(&seen, &answers, outputs);
                } else {
                    scope.spawn(move |_| *fit = self.fit(&seen, &answers, outputs));
                }
            }
            Ok::<_, ExplainError>(())
        })?;
        let fits: Vec<Vec<RidgeFit>> = fits.into_iter().collect::<Option<_>>().ok_or_else(no_solution)?;
        Ok(mean_of_fits(&fits, &self.sampler.seen(row), self.sampler.conditions(row)))
    }

    /// One repetition: a fit for each output, with a coefficient for each feature.
    fn fit(&self, seen: &Seen<'_>, answers: &[f64], outputs: usize) -> Option<Vec<RidgeFit>> {
        let weights = seen.by_distance2(|distance2| (-distance2 / self.kernel_width.powi(2)).exp().sqrt());
        match self.options.selection {
            LimeSelection::HighestWeights(keep) if keep < seen.columns() => {
                fit_highest(seen, (answers, outputs), &weights, self.options.alpha, keep)
            }
            _ => ridge_of(seen, answers, outputs, &weights, self.options.alpha),
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

/// Of each output ridge on the `keep` features whose |weight x value| is largest in a nearly unpenalised fit; the
/// other coefficients are 0.
fn fit_highest(
    seen: &Seen<'_>,
    (answers, outputs): (&[f64], usize),
    w: &[f64],
    alpha: f64,
    keep: usize,
) -> Option<Vec<RidgeFit>> {
    let columns = seen.columns();
    let one = |(output, full): (usize, RidgeFit)| {
        let y: Vec<f64> = answers.iter().skip(output).step_by(outputs).copied().collect();
        let strength = |f: &usize| (full.coefficients[*f] * seen.cell(0, *f)).abs();
        let mut chosen: Vec<usize> = (0..columns).collect();
        chosen.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then(a.cmp(b)));
        chosen.truncate(keep);
        let mut fit = ridge_of(&seen.narrow(&chosen), &y, 1, w, alpha)?.pop()?;
        let mut coefficients = vec![0.0; columns];
        chosen.iter().zip(&fit.coefficients).for_each(|(f, b)| coefficients[*f] = *b);
        fit.coefficients = coefficients;
        Some(fit)
    };
    ridge_of(seen, answers, outputs, w, SELECTION_ALPHA)?.into_iter().enumerate().map(one).collect()
}
