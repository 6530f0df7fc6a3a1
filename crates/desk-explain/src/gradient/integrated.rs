//! Integrated gradients (Sundararajan et al. 2017): along the straight line from a baseline to the row.
//!
//! The line is integrated by Gauss-Legendre, with twice as many points until the attributions add up to what the
//! prediction moved by. That sum is known exactly, so the error is measured and not guessed.

use super::walk::Walk;
use super::{COMPLETE, GradientDetail, ROUNDING, Work, told};
use crate::error::ExplainError;
use crate::explanation::Explanation;
use crate::quadrature::Rule;

/// Points on the first line.
const FIRST: usize = 16;
/// Points on the last line when nobody says how many.
const MOST: usize = 512;
/// More points on one line tell nothing more.
const LIMIT: usize = 4096;
/// A sum this near to what was to be shared out is near enough.
const NEAR: f64 = 0.000_5;

pub(super) fn integrated(
    work: &Work<'_>,
    walk: &mut Walk<'_>,
    explanation: &mut Explanation,
    detail: &mut GradientDetail,
) -> Result<(), ExplainError> {
    let (rows, _, outputs) = explanation.values.shape();
    let baseline = work.mean_row()?;
    let of_baseline = walk.values(&baseline, |_| "the background's mean".to_owned())?;
    explanation.base_values = work.outputs.iter().map(|k| of_baseline[0][*k]).collect();
    let most = work.request.samples.unwrap_or(MOST).min(LIMIT);
    let mut failed = Vec::new();
    for r in 0..rows {
        let x = work.rows.row(r);
        let mut steps = Vec::with_capacity(outputs);
        for (k, output) in work.outputs.iter().enumerate() {
            let (prediction, base) = (explanation.predictions[r][k], explanation.base_values[k]);
            let moved = prediction - base;
            let rounding = ROUNDING * prediction.abs().max(base.abs()).max(1e-3);
            let mut points = FIRST.min(most);
            let (attributions, missed) = loop {
                let attributions = line(walk, &baseline, x, *output, points, r)?;
                let missed = attributions.iter().sum::<f64>() - moved;
                if missed.abs() <= (NEAR * moved.abs()).max(rounding) || points * 2 > most {
                    break (attributions, missed);
                }
                points *= 2;
            };
            if missed.abs() > (COMPLETE * moved.abs()).max(rounding) {
                failed.push((r, missed, moved));
            }
            let cells = explanation.values.row_mut(r).iter_mut().skip(k).step_by(outputs);
            cells.zip(attributions).for_each(|(cell, value)| *cell = value);
            steps.push(points);
            walk.meter.add(1);
        }
        detail.steps.push(steps);
        let residuals = work.residuals(explanation, r);
        detail.deltas.push(residuals.clone());
        explanation.residuals.push(residuals);
    }
    let help = "give more samples, or take another method";
    explanation.warnings.extend(told(&failed, rows * outputs, "The attributions do not add up", help));
    Ok(())
}

fn line(
    walk: &mut Walk<'_>,
    from: &[f64],
    to: &[f64],
    output: usize,
    points: usize,
    row: usize,
) -> Result<Vec<f64>, ExplainError> {
    let rule: Vec<(f64, f64)> = Rule::on_unit_interval(points).nodes().collect();
    let mut sums = vec![0.0; from.len()];
    // A batch at a time: all points of a picture at once would be gigabytes.
    for nodes in rule.chunks(walk.batch()) {
        let at = |t: f64| from.iter().zip(to).map(move |(a, b)| a + t * (b - a));
        let path: Vec<f64> = nodes.iter().flat_map(|(t, _)| at(*t)).collect();
        let mut weights = nodes.iter().map(|(_, weight)| *weight);
        walk.gradients(
            &path,
            output,
            || format!("the line to row {}", row + 1),
            |gradient| {
                let weight = weights.next().unwrap_or_default();
                sums.iter_mut().zip(gradient).for_each(|(sum, slope)| *sum += weight * slope);
            },
        )?;
    }
    Ok(sums.iter().zip(from).zip(to).map(|((sum, a), b)| sum * (b - a)).collect())
}
