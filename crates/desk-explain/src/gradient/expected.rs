//! Expected gradients (Erion et al. 2021), which shap and captum call GradientSHAP: integrated gradients from each row
//! of the background, sampled.

use super::spread::Spread;
use super::walk::Walk;
use super::{COMPLETE, GradientDetail, Work, put};
use crate::dice::Dice;
use crate::error::ExplainError;
use crate::explanation::{Cube, Explanation};

/// Samples when nobody says how many, and for each background row if that is more.
const SAMPLES: usize = 200;
const PER_BACKGROUND_ROW: usize = 4;
/// Standard errors that a sum may be off by.
const SURELY: f64 = 4.0;
/// The stream of random numbers.
const PURPOSE: u64 = 0x4547;

pub(super) fn expected(
    work: &Work<'_>,
    walk: &mut Walk<'_>,
    explanation: &mut Explanation,
    detail: &mut GradientDetail,
) -> Result<(), ExplainError> {
    explanation.base_values = work.background_mean(walk)?;
    let (rows, width, outputs) = explanation.values.shape();
    let background = work.background;
    let samples = work.request.samples.unwrap_or_else(|| SAMPLES.max(PER_BACKGROUND_ROW * background.len()));
    let mut errors = Cube::zeros(rows, width, outputs);
    let mut failed = 0;
    for r in 0..rows {
        let x = work.rows.row(r);
        let draws = draws(work, x, samples);
        // One more than there are features: the sum's own standard error is not that of its parts.
        let mut means: Vec<Spread> = (0..outputs).map(|_| Spread::new(width + 1, samples, background.len())).collect();
        for part in draws.chunks(walk.batch()) {
            let at = |(b, t): &(usize, f64)| {
                let (row, t) = (background.row(*b), *t);
                row.iter().zip(x).map(move |(a, x)| a + t * (x - a))
            };
            let points: Vec<f64> = part.iter().flat_map(at).collect();
            for (k, output) in work.outputs.iter().enumerate() {
                let mean = &mut means[k];
                let mut draw = part.iter();
                let place = || format!("lines to row {}", r + 1);
                walk.gradients(&points, *output, place, |gradient| {
                    let Some((b, place)) = draw.next() else { return };
                    let row = background.row(*b);
                    let one = |f: usize| gradient[f] * (x[f] - row[f]);
                    let sum = (0..width).map(one).sum::<f64>();
                    mean.add((*b, *place), (0..width).map(one).chain([sum]));
                })?;
            }
        }
        let mut sum_errors = Vec::with_capacity(outputs);
        for (k, mean) in means.into_iter().enumerate() {
            let found: Vec<(f64, f64)> = mean.finish().collect();
            sum_errors.extend(found.last().map(|(_, error)| *error));
            put(explanation, &mut errors, (r, k), found.into_iter());
        }
        let residuals = work.residuals(explanation, r);
        for (k, residual) in residuals.iter().enumerate() {
            let moved = explanation.predictions[r][k] - explanation.base_values[k];
            failed += usize::from(residual.abs() > SURELY * sum_errors[k] + COMPLETE * moved.abs());
        }
        detail.deltas.push(residuals.clone());
        explanation.residuals.push(residuals);
        walk.meter.add(outputs as u64);
    }
    explanation.std_error = (samples > 1).then_some(errors);
    detail.steps = vec![vec![samples; outputs]; rows];
    if failed > 0 {
        explanation.warnings.push(format!(
            "The attributions do not add up in {failed} of {} sums, by more than sampling explains; give more samples, \
             or take another method",
            rows * outputs
        ));
    }
    Ok(())
}

/// Background rows, each as often as the others, and places on their lines, spread evenly; row by row.
fn draws(work: &Work<'_>, x: &[f64], samples: usize) -> Vec<(usize, f64)> {
    let mut dice = Dice::new(work.request.seed, x, PURPOSE);
    let count = work.background.len();
    let mut rows: Vec<usize> = Vec::with_capacity(samples);
    while rows.len() < samples {
        let mut order: Vec<usize> = (0..count).collect();
        dice.shuffle(&mut order);
        order.truncate(samples - rows.len());
        rows.append(&mut order);
    }
    let mut places: Vec<f64> = (0..samples).map(|i| i as f64).collect();
    dice.shuffle(&mut places);
    let mut draws: Vec<(usize, f64)> =
        rows.into_iter().zip(places).map(|(row, i)| (row, (i + dice.uniform()) / samples as f64)).collect();
    draws.sort_by_key(|(row, _)| *row);
    draws
}
