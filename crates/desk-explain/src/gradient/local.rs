//! What the way back says right at a row: saliency, gradient times input, guided backpropagation, relevance, and the mean
//! gradient over noisy copies.

use super::walk::{Mean, Walk};
use super::{COMPLETE, GradientDetail, Work, told, write};
use crate::dice::Dice;
use crate::error::ExplainError;
use crate::explanation::{Cube, Explanation};
use crate::request::Method;

/// Noisy copies of a row when nobody says how many.
const COPIES: usize = 64;
/// Noise as a part of each feature's own spread over the background.
const NOISE: f64 = 0.15;
/// The stream of random numbers.
const PURPOSE: u64 = 0x5347;

/// Saliency (the size of the gradient), guided backpropagation and Grad-CAM (what comes back, as it is), gradient times input and
/// LRP (the changed gradient times the input).
pub(super) fn plain(
    work: &Work<'_>,
    walk: &mut Walk<'_>,
    explanation: &mut Explanation,
    detail: &mut GradientDetail,
) -> Result<(), ExplainError> {
    explanation.base_values = work.background_mean(walk)?;
    let (rows, width, outputs) = explanation.values.shape();
    let method = work.request.method;
    for (k, output) in work.outputs.iter().enumerate() {
        let mut row = 0;
        let values = &mut explanation.values;
        walk.gradients(
            work.rows.rows,
            *output,
            || "the rows".to_owned(),
            |gradient| {
                let x = work.rows.row(row);
                let cells = values.row_mut(row);
                for f in 0..width {
                    cells[f * outputs + k] = match method {
                        Method::Saliency => gradient[f].abs(),
                        Method::Guided | Method::GradCam => gradient[f],
                        _ => gradient[f] * x[f],
                    };
                }
                row += 1;
            },
        )?;
        walk.meter.add(rows as u64);
    }
    detail.steps = vec![vec![1; outputs]; rows];
    if method == Method::Relevance {
        conserved(explanation, detail);
    }
    Ok(())
}

/// Relevance is the score, handed back layer by layer; what biases and the epsilon keep of it is told.
fn conserved(explanation: &mut Explanation, detail: &mut GradientDetail) {
    let (rows, _, outputs) = explanation.values.shape();
    let mut failed = Vec::new();
    for r in 0..rows {
        let missed = |k: usize| explanation.attributions(r, k).iter().sum::<f64>() - explanation.predictions[r][k];
        let deltas: Vec<f64> = (0..outputs).map(missed).collect();
        for (k, missed) in deltas.iter().enumerate() {
            let score = explanation.predictions[r][k];
            if missed.abs() > COMPLETE * score.abs() {
                failed.push((r, *missed, score));
            }
        }
        detail.deltas.push(deltas);
    }
    let what = "The relevance does not add up to the score, of which biases within the network keep a part";
    explanation.warnings.extend(told(&failed, rows * outputs, what, "deeplift shares it out among the features"));
}

/// SmoothGrad: the mean gradient over copies of the row with noise.
pub(super) fn smooth(
    work: &Work<'_>,
    walk: &mut Walk<'_>,
    explanation: &mut Explanation,
    detail: &mut GradientDetail,
) -> Result<(), ExplainError> {
    explanation.base_values = work.background_mean(walk)?;
    let (rows, width, outputs) = explanation.values.shape();
    let noise = spread(work);
    if noise.iter().all(|sd| *sd == 0.0) {
        return Err(ExplainError::BadRequest(
            "smoothgrad adds noise of the background's own spread, and its rows are all alike".to_owned(),
        ));
    }
    let copies = work.request.samples.unwrap_or(COPIES);
    let mut errors = Cube::zeros(rows, width, outputs);
    for r in 0..rows {
        let x = work.rows.row(r);
        let mut means: Vec<Mean> = (0..outputs).map(|_| Mean::new(width)).collect();
        let mut dice = Dice::new(work.request.seed, x, PURPOSE);
        let mut left = copies;
        while left > 0 {
            let now = left.min(walk.batch());
            left -= now;
            let mut points = Vec::with_capacity(now * width);
            for _ in 0..now {
                points.extend(x.iter().zip(&noise).map(|(x, sd)| x + sd * dice.normal()));
            }
            for (k, output) in work.outputs.iter().enumerate() {
                let mean = &mut means[k];
                let place = || format!("noisy copies of row {}", r + 1);
                walk.gradients(&points, *output, place, |gradient| mean.add(gradient.iter().copied()))?;
            }
        }
        for (k, mean) in means.iter().enumerate() {
            write(explanation, &mut errors, (r, k), mean);
        }
        walk.meter.add(outputs as u64);
    }
    explanation.std_error = (copies > 1).then_some(errors);
    detail.steps = vec![vec![copies; outputs]; rows];
    Ok(())
}

/// The noise for each feature: a part of its standard deviation over the background.
fn spread(work: &Work<'_>) -> Vec<f64> {
    let (background, n) = (work.background, work.background.len() as f64);
    let deviation = |f: usize| {
        let column = || (0..background.len()).map(|b| background.row(b)[f]);
        let mean = column().sum::<f64>() / n;
        let variance = column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        if variance.is_finite() { NOISE * variance.sqrt() } else { 0.0 }
    };
    (0..background.n_features).map(deviation).collect()
}
