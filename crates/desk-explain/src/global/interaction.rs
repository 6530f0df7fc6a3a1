//! How much of what two features do to the answers they do only together: Friedman's H statistic.
//!
//! Friedman and Popescu 2008, section 8.1: the partial dependence on both, less that on each alone, all three centred and
//! taken at the rows' own values; its sum of squares over that of the partial dependence on both. Where that sum is near
//! 0 the quotient says nothing, so the root mean square of what is left stands beside it, in the answer's unit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::setting::Setting;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::Table;

/// Rows that it is worked out over, evenly spaced: the model scores up to three times their square.
const ROWS: usize = 200;
/// A joint effect smaller than this part of the largest answer is rounding of a float32 model.
const ROUNDING: f64 = 1e-6;

/// What two features do only together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairInteraction {
    /// H of each output: 0 where the two add up, 1 where neither does anything alone. Above 1 is possible for features
    /// that go together. None where the answer does not depend on the two.
    pub h: Vec<Option<f64>>,
    /// Root mean square of the part that only both together have, for each output, in the answer's unit.
    pub size: Vec<f64>,
    /// Rows that it was worked out over.
    pub rows: usize,
}

/// The rows of a table that H is worked out over, from 0.
pub(super) fn chosen(rows: Table<'_>) -> Vec<usize> {
    let n = rows.len().min(ROWS);
    (0..n).map(|i| i * rows.len() / n).collect()
}

/// The values that the partial dependences are needed at, each once, and for each row where its three stand: both
/// features, the first, the second.
pub(super) fn settings(rows: Table<'_>, features: [usize; 2]) -> (Vec<[Option<f64>; 2]>, Vec<[usize; 3]>) {
    let mut known: BTreeMap<[Option<u64>; 2], usize> = BTreeMap::new();
    let mut all = Vec::new();
    let mut at = |values: [Option<f64>; 2]| {
        *known.entry(values.map(|value| value.map(f64::to_bits))).or_insert_with(|| {
            all.push(values);
            all.len() - 1
        })
    };
    let places = (0..rows.len())
        .map(|row| {
            let [one, other] = features.map(|feature| Some(rows.row(row)[feature]));
            [at([one, other]), at([one, None]), at([None, other])]
        })
        .collect();
    (all, places)
}

/// H over the rows of `setting`, all of which are used.
///
/// # Errors
/// The model's; a cancel is seen between chunks of rows.
pub(super) fn interaction(
    setting: &Setting<'_>,
    settings: &(Vec<[Option<f64>; 2]>, Vec<[usize; 3]>),
    game: &mut Game<'_>,
    meter: &mut Meter<'_>,
) -> Result<PairInteraction, ExplainError> {
    let (values, places) = settings;
    let means = setting.means(game, values, meter)?;
    let (mut h, mut size) = (Vec::new(), Vec::new());
    let n = places.len() as f64;
    for k in 0..game.width() {
        let curve = |which: usize| {
            let of_rows = places.iter().map(|place| means[place[which]][k]);
            let mean = of_rows.clone().sum::<f64>() / n;
            of_rows.map(|answer| answer - mean).collect::<Vec<f64>>()
        };
        let [both, one, other] = [curve(0), curve(1), curve(2)];
        let left = both.iter().zip(&one).zip(&other).map(|((both, one), other)| (both - one - other).powi(2));
        let left = (left.sum::<f64>() / n).sqrt();
        let joint = (both.iter().map(|effect| effect * effect).sum::<f64>() / n).sqrt();
        let largest = means.iter().map(|answer| answer[k].abs()).fold(0.0, f64::max);
        h.push((joint > ROUNDING * largest).then(|| left / joint));
        size.push(left);
    }
    Ok(PairInteraction { h, size, rows: places.len() })
}
