//! Do scores mean what they say? Reliability in bins of equal width.

use serde::{Deserialize, Serialize};

use super::value::Sum;

/// Bins of the curve.
pub const BINS: usize = 10;

/// One bin of scores: `(from, to]`, the first one with its lower end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Lower end.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Rows.
    pub count: u64,
    /// Mean score; `None` in an empty bin.
    pub mean_score: Option<f64>,
    /// Share that came true; `None` in an empty bin.
    pub share: Option<f64>,
}

/// The calibration curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What the scores are of: `positive class`, or `predicted class` with more than two.
    pub of: String,
    /// Ten bins from 0 to 1.
    pub bins: Vec<CalibrationBin>,
    /// Expected calibration error: the mean of |share - mean score| over rows (Naeini and others
    /// 2015, Guo and others 2017).
    pub ece: Option<f64>,
    /// The largest |share - mean score| of a bin.
    pub max_error: Option<f64>,
}

impl Calibration {
    /// Sorts scores from 0 to 1 into bins, as scikit-learn's `calibration_curve` with the strategy
    /// `uniform` does.
    pub fn new(of: &str, scores: impl Iterator<Item = (f64, bool)>) -> Self {
        // The edges as numpy.linspace computes them.
        let step = 1.0 / BINS as f64;
        let edge = |i: usize| if i == BINS { 1.0 } else { i as f64 * step };
        let edges: Vec<f64> = (0..=BINS).map(edge).collect();
        let mut sums = vec![(Sum::default(), 0u64, 0u64); BINS];
        for (score, hit) in scores {
            let bin = edges[1..BINS].partition_point(|edge| *edge < score);
            sums[bin].0.add(score);
            sums[bin].1 += 1;
            sums[bin].2 += u64::from(hit);
        }
        let rows: u64 = sums.iter().map(|(_, count, _)| count).sum();
        let bins: Vec<CalibrationBin> = sums
            .iter()
            .enumerate()
            .map(|(i, (sum, count, hits))| CalibrationBin {
                from: edges[i],
                to: edges[i + 1],
                count: *count,
                mean_score: sum.mean(),
                share: (*count > 0).then(|| *hits as f64 / *count as f64),
            })
            .collect();
        let gap = |bin: &CalibrationBin| Some((bin.share? - bin.mean_score?).abs());
        let ece = bins.iter().filter_map(|bin| Some(gap(bin)? * bin.count as f64)).sum::<f64>() / rows.max(1) as f64;
        let max_error = bins.iter().filter_map(gap).reduce(f64::max);
        Self { of: of.to_owned(), bins, ece: (rows > 0).then_some(ece), max_error }
    }
}
