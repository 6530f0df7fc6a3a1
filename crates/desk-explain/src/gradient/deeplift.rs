//! DeepLIFT (Shrikumar et al. 2017) and DeepSHAP (Lundberg and Lee 2017): multipliers against reference rows, times
//! how far each feature is from the reference.
//!
//! DeepLIFT has one reference, the background's mean row; DeepSHAP takes each row of the background and gives the mean,
//! as captum's `DeepLiftShap` and shap's `DeepExplainer` do. Of all networks that the rule covers the attributions add up
//! to what the prediction moved by, up to rounding, so a sum that does not is told.

use super::walk::{Mean, Walk};
use super::{COMPLETE, GradientDetail, ROUNDING, Work, told};
use crate::error::ExplainError;
use crate::explanation::Explanation;
use crate::request::Method;

pub(super) fn deeplift(
    work: &Work<'_>,
    walk: &mut Walk<'_>,
    explanation: &mut Explanation,
    detail: &mut GradientDetail,
) -> Result<(), ExplainError> {
    let (rows, width, outputs) = explanation.values.shape();
    let references = if work.request.method == Method::DeepShap {
        explanation.base_values = work.background_mean(walk)?;
        work.background.rows.to_vec()
    } else {
        let mean = work.mean_row()?;
        let of_mean = walk.values(&mean, |_| "the background's mean".to_owned())?;
        explanation.base_values = work.outputs.iter().map(|k| of_mean[0][*k]).collect();
        mean
    };
    let count = references.len() / width;
    let mut failed = Vec::new();
    for r in 0..rows {
        let x = work.rows.row(r);
        let mut means: Vec<Mean> = (0..outputs).map(|_| Mean::new(width)).collect();
        for batch in references.chunks(walk.batch() * width) {
            let points = x.repeat(batch.len() / width);
            for (k, output) in work.outputs.iter().enumerate() {
                let (mean, mut from) = (&mut means[k], batch.chunks(width));
                let place = || format!("the way to row {}", r + 1);
                walk.multipliers(&points, batch, *output, place, |multiplier| {
                    let Some(reference) = from.next() else { return };
                    mean.add(multiplier.iter().zip(x).zip(reference).map(|((m, x), from)| m * (x - from)));
                })?;
            }
        }
        for (k, mean) in means.iter().enumerate() {
            let cells = explanation.values.row_mut(r).iter_mut().skip(k).step_by(outputs);
            cells.zip(mean.mean()).for_each(|(cell, value)| *cell = *value);
        }
        let residuals = work.residuals(explanation, r);
        for (k, missed) in residuals.iter().enumerate() {
            let (prediction, base) = (explanation.predictions[r][k], explanation.base_values[k]);
            let rounding = ROUNDING * prediction.abs().max(base.abs()).max(1e-3);
            if missed.abs() > (COMPLETE * (prediction - base).abs()).max(rounding) {
                failed.push((r, *missed, prediction - base));
            }
        }
        detail.deltas.push(residuals.clone());
        explanation.residuals.push(residuals);
        walk.meter.add(outputs as u64);
    }
    detail.steps = vec![vec![count; outputs]; rows];
    let help = "take another method";
    explanation.warnings.extend(told(&failed, rows * outputs, "The attributions do not add up", help));
    Ok(())
}
