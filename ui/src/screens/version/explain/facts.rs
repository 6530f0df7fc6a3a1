//! What an explanation stands on: method and why, background, seed, how well it adds up.

use desk_uikit::{Card, Tone, format, kv};
use egui::Ui;

use super::result::ExplainResult;
use crate::fault::{date_time, sentence};

/// A sum that misses by more than this part of the answer is worth a warning.
const ADDS_UP: f64 = 1e-4;

/// Gradients that were summed up miss by at most this part of what they share out, or it is told.
const COMPLETE: f64 = 0.01;

/// The method as people call it.
pub fn method_name(method: &str) -> &str {
    match method {
        "tree" => "Tree SHAP",
        "path" => "Path-dependent tree SHAP",
        "linear" => "Linear SHAP",
        "exact" => "Exact Shapley values",
        "kernel" => "Kernel SHAP",
        "permutation" => "Permutation SHAP",
        "owen" => "Owen values",
        "lime" => "LIME",
        "saliency" => "Saliency",
        "ixg" => "Gradient × input",
        "ig" => "Integrated gradients",
        "smoothgrad" => "SmoothGrad",
        "gradshap" => "Expected gradients",
        "deeplift" => "DeepLIFT",
        "deepshap" => "DeepSHAP",
        "lrp" => "Relevance (LRP)",
        "guided-backprop" => "Guided backpropagation",
        "occlusion" => "Occlusion",
        "grad-cam" => "Grad-CAM",
        other => other,
    }
}

/// Shows all of it.
pub fn show(ui: &mut Ui, result: &ExplainResult, row: usize, output: usize) {
    let answer = &result.answer;
    Card::titled("What this stands on").show(ui, |ui| {
        kv::properties(ui, |kv| {
            kv.text("Method", &format!("{}: {}", method_name(&answer.method), answer.method_reason));
            let (tone, text) = adds_up(result, row, output);
            kv.status("Adds up", tone, &text);
            if let Some(groups) = answer.groups_words() {
                kv.text("Count as one", &groups);
            }
            if let Some((largest, mean)) = result.errors(output) {
                let text = format!("{} on average, {} at most", format::number(mean), format::number(largest));
                kv.text("Std. error", &text);
            }
            if let Some(r2) = answer.r2.as_ref().and_then(|rows| rows.get(row)).and_then(|row| row.get(output)) {
                let tone = if *r2 >= 0.7 { Tone::Ok } else { Tone::Warn };
                kv.status("R²", tone, &format!("{} of the local stand-in, in this row", format::number(*r2)));
            }
            if let Some(lime) = &answer.lime {
                kv.text("Kernel width", &format::number(lime.kernel_width));
                let off = format::number(answer.residual_max);
                kv.text("Stand-in", &format!("Differs from the model by up to {off} over the explained rows"));
            }
            if let Some(before) = answer.gradient.as_ref().and_then(|gradient| gradient.before.as_ref()) {
                kv.text("Gradients", &format!("Of the scores before the model's {before}"));
            }
            let rows = format::plural(answer.background_rows as u64, "row", "rows");
            let from = &answer.background;
            // The words may begin with the number already.
            let background = if answer.background_rows == 0 || from.starts_with(&answer.background_rows.to_string()) {
                from.clone()
            } else {
                format!("{rows}: {from}")
            };
            kv.text("Background", &background);
            if let Some((mean, largest)) = answer.background_moves(output) {
                let (mean, largest) = (format::number(mean), format::number(largest));
                kv.text(
                    "Its error",
                    &format!("Another background would move contributions by ± {mean} on average, {largest} at most"),
                );
            }
            if answer.background_rows > 0 {
                kv.copyable("Its digest", &answer.background_digest.to_string());
            }
            kv.text("Seed", &answer.seed.to_string());
            kv.text("Units", &sentence(&result.unit(output)));
            let work = format::plural(answer.model_rows, "row", "rows");
            kv.text("Effort", &format!("{work} through the model in {}", format::duration(answer.seconds)));
            kv.text("When", &date_time(&result.at));
            kv.copyable("Run", &answer.run);
            kv.copyable("Digest", &answer.digest.to_string());
        });
    });
}

/// Whether base and contributions give the prediction; for LIME, what they give instead.
pub fn adds_up(result: &ExplainResult, row: usize, output: usize) -> (Tone, String) {
    let answer = &result.answer;
    if answer.is_lime() {
        let to = answer.surrogate(row, output).map(|s| format!(", {}", format::number(s.local_prediction)));
        let text = format!("With the intercept to the stand-in's prediction{}", to.unwrap_or_default());
        return (Tone::Neutral, text);
    }
    if let Some(sum) = answer.delta(row, output) {
        let (delta, moved) = (format::number(sum.delta), format::number(sum.moved));
        let near = sum.delta.abs() <= COMPLETE * sum.moved.abs();
        let tone = if near { Tone::Ok } else { Tone::Warn };
        let words = if answer.occlusion.is_some() { ("window", "windows") } else { ("point", "points") };
        let points = format::plural(sum.points as u64, words.0, words.1);
        return (tone, format!("Off by {delta} of {moved}, with {points}"));
    }
    if !answer.is_additive() {
        return (Tone::Neutral, "Not meant to: the values say how the answer changes near the row".to_owned());
    }
    let scale = (0..result.rows()).map(|row| result.prediction(row, output).abs()).fold(1.0, f64::max);
    let miss = format::number(answer.residual_max);
    if answer.residual_max <= ADDS_UP * scale {
        (Tone::Ok, format!("To the prediction, within {miss}"))
    } else {
        (Tone::Warn, format!("Misses the prediction by up to {miss}"))
    }
}
