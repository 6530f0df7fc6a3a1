//! Occlusion (Zeiler and Fergus 2014): what the answer loses when a window of features is covered.
//!
//! A window takes the baseline's values, and what the answer loses is the attribution of each feature in it; where windows
//! overlap it is the mean of theirs. That is captum's `Occlusion`, with windows at the right and lower end cut off at the
//! picture's. The baseline is the background's mean, of categories the most frequent, also of those that columns of flags
//! make, which are covered together.

use desk_core::ProgressSink;
use serde::{Deserialize, Serialize};

use crate::error::ExplainError;
use crate::explanation::Explanation;
use crate::game::{Game, Meter};
use crate::input::{FeatureInfo, FeatureKind, Table};
use crate::request::Windows;

/// A window's side is this part of the picture's shorter side when nobody says which.
const PART: usize = 8;
/// Numbers of covered rows that are made at a time.
const CELLS: usize = 1 << 20;

/// What occlusion says beyond its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OcclusionDetail {
    /// Pixels of a window's side; absent where each feature is covered alone.
    pub patch: Option<usize>,
    /// Pixels from one window to the next.
    pub stride: Option<usize>,
    /// Windows for each row.
    pub windows: usize,
    /// What the sum of the attributions misses of prediction - base value, rows x outputs. Occlusion promises no such
    /// sum: what features do only together is in none of them or in several.
    pub deltas: Vec<Vec<f64>>,
}

/// The row that covers: the background's mean, of categories the most frequent one. Missing values count for nothing
/// beside others.
pub fn baseline(background: Table<'_>, features: &[FeatureInfo]) -> Vec<f64> {
    let column = |f: usize| (0..background.len()).map(move |b| background.row(b)[f]).filter(|value| value.is_finite());
    let mean = |f: usize| column(f).sum::<f64>() / column(f).count() as f64;
    let most_frequent = |f: usize| {
        let mut codes: Vec<f64> = column(f).collect();
        codes.sort_by(f64::total_cmp);
        let runs = codes.chunk_by(|a, b| a == b);
        // The first of several that are as frequent.
        runs.rev().max_by_key(|run| run.len()).map_or(f64::NAN, |run| run[0])
    };
    let one = |(f, feature): (usize, &FeatureInfo)| match feature.kind {
        FeatureKind::Numeric => mean(f),
        FeatureKind::Categorical { .. } => most_frequent(f),
    };
    features.iter().enumerate().map(one).collect()
}

/// Of columns of flags that are covered together the flags that are most frequent in the background: means of them would be
/// of no category.
fn flags_together(baseline: &mut [f64], background: Table<'_>, together: &[Vec<usize>]) {
    for columns in together {
        let flags = |b: usize| -> Vec<bool> { columns.iter().map(|f| background.row(b)[*f] == 1.0).collect() };
        let is_flag = |b: usize| columns.iter().all(|f| [0.0, 1.0].contains(&background.row(b)[*f]));
        if background.is_empty() || !(0..background.len()).all(is_flag) {
            continue;
        }
        let mut all: Vec<Vec<bool>> = (0..background.len()).map(flags).collect();
        all.sort_unstable();
        let most = all.chunk_by(|a, b| a == b).rev().max_by_key(|run| run.len()).map_or(&[][..], |run| &run[0]);
        for (f, flag) in columns.iter().zip(most) {
            baseline[*f] = f64::from(u8::from(*flag));
        }
    }
}

/// Windows as lists of features, with the patch and the stride of a picture.
struct Laid {
    windows: Vec<Vec<usize>>,
    patch: Option<(usize, usize)>,
}

fn lay(features: usize, asked: &Windows) -> Result<Laid, ExplainError> {
    let refuse = |why: String| Err(ExplainError::BadRequest(why));
    let Some(picture) = asked.picture else {
        if asked.patch.or(asked.stride).is_some() {
            return refuse("a patch is laid on a picture, and the model takes none".to_owned());
        }
        let alone = |f: &usize| !asked.together.iter().flatten().any(|other| other == f);
        let alone = (0..features).filter(alone).map(|f| vec![f]);
        return Ok(Laid { windows: asked.together.iter().cloned().chain(alone).collect(), patch: None });
    };
    if picture.first + picture.cells() > features {
        return refuse("the picture has more pixels than there are features".to_owned());
    }
    let side = picture.height.min(picture.width);
    let patch = asked.patch.unwrap_or_else(|| side.div_ceil(PART));
    if patch == 0 || patch > side {
        return refuse(format!("a patch of {patch} pixels does not fit: it may have from 1 to {side}"));
    }
    let stride = asked.stride.unwrap_or_else(|| (patch / 2).max(1));
    if stride == 0 || stride > patch {
        return refuse(format!("a stride of {stride} pixels leaves gaps: it may be from 1 to the patch of {patch}"));
    }
    let starts = |size: usize| (0..=(size - patch).div_ceil(stride)).map(move |i| i * stride);
    let own = picture.first..picture.first + picture.cells();
    let mut windows: Vec<Vec<usize>> = (0..features).filter(|f| !own.contains(f)).map(|f| vec![f]).collect();
    for top in starts(picture.height) {
        for left in starts(picture.width) {
            let rows = top..(top + patch).min(picture.height);
            let columns = left..(left + patch).min(picture.width);
            let pixels = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
            let channels = |(row, column)| (0..picture.channels).map(move |c| picture.feature(c, row, column));
            windows.push(pixels.flat_map(channels).collect());
        }
    }
    Ok(Laid { windows, patch: Some((patch, stride)) })
}

/// Covers each window of each row; base value, predictions and values are filled in.
pub(crate) fn explain(
    game: &mut Game<'_>,
    rows: Table<'_>,
    features: &[FeatureInfo],
    asked: &Windows,
    explanation: &mut Explanation,
    sink: &dyn ProgressSink,
) -> Result<(), ExplainError> {
    let mut baseline = baseline(game.background(), features);
    flags_together(&mut baseline, game.background(), &asked.together);
    let (count, width, outputs) = explanation.values.shape();
    let Laid { windows, patch } = lay(width, asked)?;
    explanation.base_values = game.predict(&baseline, |_| "the baseline".to_owned())?;
    let full = game.predict(rows.rows, |r| format!("row {}", r + 1))?;
    explanation.predictions = full.chunks_exact(outputs).map(<[f64]>::to_vec).collect();
    let mut covering = vec![0.0f64; width];
    for feature in windows.iter().flatten() {
        covering[*feature] += 1.0;
    }
    let mut meter = Meter::new(sink, "Explaining", "windows", (windows.len() * count) as u64);
    let mut detail = OcclusionDetail {
        patch: patch.map(|(patch, _)| patch),
        stride: patch.map(|(_, stride)| stride),
        windows: windows.len(),
        deltas: Vec::with_capacity(count),
    };
    for r in 0..count {
        let x = rows.row(r);
        for some in windows.chunks((CELLS / width).max(1)) {
            let mut covered = Vec::with_capacity(some.len() * width);
            for window in some {
                let start = covered.len();
                covered.extend_from_slice(x);
                for feature in window {
                    covered[start + feature] = baseline[*feature];
                }
            }
            let answers = game.predict(&covered, |_| format!("row {} with a part of it covered", r + 1))?;
            let cells = explanation.values.row_mut(r);
            for (window, answer) in some.iter().zip(answers.chunks_exact(outputs)) {
                for (k, answer) in answer.iter().enumerate() {
                    let lost = full[r * outputs + k] - answer;
                    for feature in window {
                        cells[feature * outputs + k] += lost / covering[*feature];
                    }
                }
            }
            meter.add(some.len() as u64);
        }
        let delta = |k: usize| {
            let sum: f64 = explanation.values.features_of(r, k).iter().sum();
            explanation.base_values[k] + sum - explanation.predictions[r][k]
        };
        detail.deltas.push((0..outputs).map(delta).collect());
    }
    explanation.residuals = vec![vec![0.0; outputs]; count];
    explanation.occlusion = Some(detail);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Picture;

    #[test]
    fn windows_cover_every_pixel_and_end_with_the_picture() {
        let picture = Picture::of(1, &[2, 5, 7]).expect("a picture");
        let asked = Windows { picture: Some(picture), patch: Some(3), stride: Some(2), ..Windows::default() };
        let laid = lay(72, &asked).expect("fits");
        // A feature before the picture, one behind it, and 2 x 3 windows.
        assert_eq!((laid.windows.len(), laid.patch), (2 + 2 * 3, Some((3, 2))));
        assert_eq!(&laid.windows[..2], &[vec![0], vec![71]]);
        let mut met: Vec<usize> = laid.windows.iter().flatten().copied().collect();
        met.sort_unstable();
        met.dedup();
        assert_eq!(met, (0..72).collect::<Vec<_>>());
        assert_eq!(laid.windows[2][..4], [1, 36, 2, 37], "all channels of a pixel");
    }

    #[test]
    fn sizes_are_chosen_and_nonsense_is_refused() {
        let of = |dims: &[usize], patch, stride| {
            let windows = Windows { picture: Picture::of(0, dims), patch, stride, ..Windows::default() };
            lay(dims.iter().product(), &windows).map(|laid| (laid.patch, laid.windows.len()))
        };
        assert_eq!(of(&[1, 8, 8], None, None).expect("chosen"), (Some((1, 1)), 64));
        assert_eq!(of(&[224, 224, 3], None, None).expect("chosen"), (Some((28, 14)), 225));
        for (patch, stride) in [(Some(0), None), (Some(9), None), (Some(2), Some(0)), (Some(2), Some(3))] {
            assert!(of(&[1, 8, 8], patch, stride).is_err());
        }
        assert!(of(&[8], Some(2), None).is_err());
    }
}
