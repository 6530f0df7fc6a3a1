//! Accumulated local effects (Apley and Zhu 2020): how the answers change along a feature among rows that have
//! about that value, so that correlated features are not torn from each other as partial dependence does.
//!
//! Between two neighbouring edges each row's answer at the upper edge less that at the lower one is averaged over the
//! rows that lie there; the means are summed up and centred, so that their mean over the rows is 0. Edges are quantiles,
//! as in alibi's `ALE`.

use serde::{Deserialize, Serialize};

use super::{Subject, grid, row_with};
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::{FeatureKind, Table};
use crate::request::OutputChoice;

/// Effects along one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ale {
    /// Column of the table.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Positions of the outputs.
    pub outputs: Vec<usize>,
    /// Edges, ascending.
    pub edges: Vec<f64>,
    /// Effect at each edge, outputs x edges; the mean over the rows is 0.
    pub effects: Vec<Vec<f64>>,
    /// Standard error of each step between two edges, outputs x (edges - 1).
    pub step_errors: Vec<Vec<f64>>,
    /// Rows between each two edges.
    pub counts: Vec<usize>,
    /// Rows that were used: those whose value is not missing.
    pub rows: usize,
    /// Rows that the model scored.
    pub model_rows: u64,
}

/// Works out the effects of one numeric feature with at most `points` edges.
///
/// # Errors
/// The feature is categorical (its values have no order) or has one value only; see [`ExplainError`].
pub fn accumulated_local_effects(
    subject: &mut Subject<'_>,
    feature: usize,
    (output, points): (OutputChoice, usize),
) -> Result<Ale, ExplainError> {
    subject.check()?;
    let Subject { rows, row_numbers, .. } = *subject;
    let info = subject.feature(feature)?.clone();
    let name = desk_core::words::quoted(&info.name);
    if matches!(info.kind, FeatureKind::Categorical { .. }) {
        return Err(ExplainError::BadRequest(format!(
            "the categories of {name} have no order to accumulate effects in"
        )));
    }
    if points < 2 {
        return Err(ExplainError::BadRequest("accumulated effects need at least 2 edges".to_owned()));
    }
    let edges = edges(rows, feature, points);
    if edges.len() < 2 {
        return Err(ExplainError::BadRequest(format!("the feature {name} has one value only")));
    }
    let outputs = output.among(subject.predictor.n_outputs())?;
    let (width, k) = (rows.n_features, outputs.len());
    let used: Vec<usize> = (0..rows.len()).filter(|row| !rows.row(*row)[feature].is_nan()).collect();
    let bins: Vec<usize> = used.iter().map(|row| bin(&edges, rows.row(*row)[feature])).collect();
    let mut game = Game::new(subject.predictor, rows, &outputs, subject.cancel);
    let mut meter = Meter::new(subject.sink, "Setting values", "sides", 2);
    let mut side = |above: usize| -> Result<Vec<f64>, ExplainError> {
        let mut table = Vec::with_capacity(used.len() * width);
        for (row, bin) in used.iter().zip(&bins) {
            table.extend_from_slice(rows.row(*row));
            let at = table.len() - width + feature;
            table[at] = edges[bin + above];
        }
        let answers = game.predict(&table, |at| {
            row_with(row_numbers, used[at], &info.name, &format!("set to {}", edges[bins[at] + above]))
        })?;
        meter.add(1);
        Ok(answers)
    };
    let (low, high) = (side(0)?, side(1)?);
    let steps = edges.len() - 1;
    let mut found = Ale {
        feature,
        name: info.name.clone(),
        effects: Vec::with_capacity(k),
        step_errors: Vec::with_capacity(k),
        counts: vec![0; steps],
        rows: used.len(),
        model_rows: 0,
        outputs: outputs.clone(),
        edges,
    };
    for bin in &bins {
        found.counts[*bin] += 1;
    }
    for at in 0..k {
        let (mut sums, mut squares) = (vec![0.0; steps], vec![0.0; steps]);
        for (i, bin) in bins.iter().enumerate() {
            let change = high[i * k + at] - low[i * k + at];
            sums[*bin] += change;
            squares[*bin] += change * change;
        }
        let (effects, errors) = accumulate(&sums, &squares, &found.counts);
        found.effects.push(effects);
        found.step_errors.push(errors);
    }
    found.model_rows = game.model_rows;
    Ok(found)
}

/// Quantiles of the values that occur, each once; every value where there are few.
fn edges(rows: Table<'_>, feature: usize, points: usize) -> Vec<f64> {
    let sorted = grid::sorted(rows, feature);
    let unique = grid::unique(&sorted);
    if unique.len() <= points {
        return unique;
    }
    let last = (points - 1) as f64;
    let quantiles: Vec<f64> = (0..points).map(|i| grid::quantile(&sorted, i as f64 / last, 1.0)).collect();
    grid::unique(&quantiles)
}

/// The step that a value lies in: `(lower, upper]`, and the lowest value in the first.
fn bin(edges: &[f64], value: f64) -> usize {
    edges.partition_point(|edge| *edge < value).saturating_sub(1).min(edges.len() - 2)
}

/// Effects at the edges, centred over the rows, and the standard error of each step.
fn accumulate(sums: &[f64], squares: &[f64], counts: &[usize]) -> (Vec<f64>, Vec<f64>) {
    let mut effects = vec![0.0];
    let mut errors = Vec::with_capacity(sums.len());
    for ((sum, square), count) in sums.iter().zip(squares).zip(counts) {
        let n = *count as f64;
        let mean = if *count == 0 { 0.0 } else { sum / n };
        let spread = if *count < 2 { 0.0 } else { ((square - n * mean * mean) / (n - 1.0)).max(0.0) };
        errors.push(if *count == 0 { 0.0 } else { (spread / n).sqrt() });
        effects.push(effects.last().copied().unwrap_or(0.0) + mean);
    }
    let all: usize = counts.iter().sum();
    let middle = |i: usize| f64::midpoint(effects[i], effects[i + 1]) * counts[i] as f64;
    let centre = (0..counts.len()).map(middle).sum::<f64>() / all.max(1) as f64;
    for effect in &mut effects {
        *effect -= centre;
    }
    (effects, errors)
}
