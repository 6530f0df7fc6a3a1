//! Explanations of many rows, gathered by feature.

use serde::{Deserialize, Serialize};

use crate::explanation::Explanation;
use crate::input::Table;

/// How much a feature moves the model over a set of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSummary {
    /// Column of the table.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Mean of |attribution| over the rows.
    pub mean_abs: f64,
    /// Standard error of that mean, from the spread over rows; 0 for a single row.
    pub std_error: f64,
    /// Mean attribution, with its sign.
    pub mean: f64,
    /// 1 for the largest mean |attribution|; ties keep column order.
    pub rank: usize,
    /// Whether the next feature's mean is lower by more than twice the standard error of the
    /// difference; false means that the order of the two could be chance.
    pub above_next: bool,
}

/// Features by mean |attribution|, largest first; `output` is a position in
/// [`Explanation::outputs`].
pub fn summarize(explanation: &Explanation, output: usize) -> Vec<FeatureSummary> {
    let (rows, features, _) = explanation.values.shape();
    let column = |f: usize| (0..rows).map(move |r| explanation.values.get(r, f, output));
    let mut summary: Vec<FeatureSummary> = (0..features)
        .map(|f| {
            let (mean_abs, std_error) = mean_and_error(column(f).map(f64::abs), rows);
            let mean = column(f).sum::<f64>() / rows.max(1) as f64;
            let name = explanation.feature_names.get(f).cloned().unwrap_or_default();
            FeatureSummary { feature: f, name, mean_abs, std_error, mean, rank: 0, above_next: true }
        })
        .collect();
    summary.sort_by(|a, b| b.mean_abs.total_cmp(&a.mean_abs).then(a.feature.cmp(&b.feature)));
    for at in 0..summary.len() {
        summary[at].rank = at + 1;
        if at + 1 < summary.len() {
            let (a, b) = (summary[at].feature, summary[at + 1].feature);
            let differences = column(a).zip(column(b)).map(|(a, b)| a.abs() - b.abs());
            let (mean, error) = mean_and_error(differences, rows);
            summary[at].above_next = mean > 2.0 * error && (rows > 1 || mean > 0.0);
        }
    }
    summary
}

/// Mean and its standard error.
fn mean_and_error(values: impl Iterator<Item = f64> + Clone, count: usize) -> (f64, f64) {
    let n = count as f64;
    if count == 0 {
        return (0.0, 0.0);
    }
    let mean = values.clone().sum::<f64>() / n;
    if count == 1 {
        return (mean, 0.0);
    }
    let spread = values.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (spread / n).sqrt())
}

/// One dot of a beeswarm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SwarmPoint {
    /// Row of the explanation.
    pub row: usize,
    /// Attribution: the place on the axis.
    pub value: f64,
    /// Where the feature's value lies between its 5th and 95th percentile over the rows, 0 to 1:
    /// the colour. `None` where the value is missing or the feature is the same everywhere.
    pub level: Option<f64>,
}

/// The dots of a beeswarm for one feature and output, rows in order.
pub fn swarm(explanation: &Explanation, rows: Table<'_>, feature: usize, output: usize) -> Vec<SwarmPoint> {
    let mut known: Vec<f64> = (0..rows.len()).map(|r| rows.row(r)[feature]).filter(|x| !x.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    let (low, high) = match known.as_slice() {
        [] => (0.0, 0.0),
        [first, .., last] if quantile(&known, 0.05) == quantile(&known, 0.95) => (*first, *last),
        _ => (quantile(&known, 0.05), quantile(&known, 0.95)),
    };
    let level = |x: f64| (high > low && !x.is_nan()).then(|| ((x - low) / (high - low)).clamp(0.0, 1.0));
    (0..rows.len().min(explanation.values.shape().0))
        .map(|row| SwarmPoint {
            row,
            value: explanation.values.get(row, feature, output),
            level: level(rows.row(row)[feature]),
        })
        .collect()
}

/// The quantile of sorted numbers by linear interpolation, as numpy's default.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = q * last as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let (a, b) = (sorted[below], sorted[(below + 1).min(last)]);
    // numpy's formula, which is exact at both ends.
    if part < 0.5 { a + (b - a) * part } else { b - (b - a) * (1.0 - part) }
}
