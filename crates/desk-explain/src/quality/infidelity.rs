//! Infidelity (Yeh, Hsieh, Suggala, Inouye and Ravikumar 2019): how far what an explanation promises for a change of the row
//! is from what the answer does.
//!
//! The mean of (I·Φ - (f(x) - f(x - I)))², as in captum's `infidelity`; `scaled` is its `normalize`, the same after the
//! attributions are multiplied by the one factor that suits them best. The change takes a random set of features to the
//! background: of random size, then of random members, where captum leaves the choice to its caller. Where the values of
//! background rows stand in, f(x - I) is the mean over them, so that an additive model explained by Shapley values has an
//! infidelity of 0. Attributions that are shares of what the features do together promise their sum, slopes promise slope
//! times change.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::explanation::Explanation;
use crate::request::Method;

/// How attributions are read as a change of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Promise {
    /// Each is what the answer changes by when its feature goes to the background.
    Shares,
    /// Each is what the answer changes by for a unit of its feature.
    Slopes,
    /// Each is such a slope times the feature's value.
    Products,
    /// They say which features speak for the answer, and no size: only the scaled infidelity means something.
    Order,
    /// They have no direction.
    Nothing,
}

impl Promise {
    /// What the method of an explanation promises.
    pub(super) fn of(explanation: &Explanation) -> Self {
        match explanation.method {
            Method::Saliency => Self::Nothing,
            Method::SmoothGrad => Self::Slopes,
            Method::InputGradient => Self::Products,
            Method::Guided | Method::GradCam | Method::Relevance => Self::Order,
            // A window's change is handed to each of its pixels.
            Method::Occlusion if explanation.occlusion.as_ref().is_some_and(|of| of.patch.is_some()) => Self::Order,
            _ => Self::Shares,
        }
    }

    /// Whether the promised changes are in the answer's unit.
    pub(super) fn has_size(self) -> bool {
        !matches!(self, Self::Order | Self::Nothing)
    }

    /// What is promised for taking away each set; `mean` is the background's.
    pub(super) fn of_sets(self, sets: &[Vec<usize>], said: &[f64], row: &[f64], mean: &[f64]) -> Vec<f64> {
        let one = |feature: &usize| {
            let (said, x, step) = (said[*feature], row[*feature], row[*feature] - mean[*feature]);
            match self {
                Self::Shares | Self::Order | Self::Nothing => said,
                Self::Slopes => said * step,
                // Of a value of 0 the slope cannot be told back.
                Self::Products => {
                    if x == 0.0 {
                        0.0
                    } else {
                        said / x * step
                    }
                }
            }
        };
        sets.iter().map(|set| set.iter().map(one).sum()).collect()
    }
}

/// How far promised changes are from those of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Infidelity {
    /// Mean squared difference, in the square of the answer's unit; none where the method promises no size.
    pub value: Option<f64>,
    /// Its standard error over the sets.
    pub std_error: Option<f64>,
    /// `value` as a part of the mean squared change: 0 where every change is foretold, 1 where "nothing changes" would be
    /// as near. None where the answer changes with no set.
    pub relative: Option<f64>,
    /// The same part, after the attributions are multiplied by the factor that suits them best.
    pub scaled: Option<f64>,
    /// Random sets of features.
    pub sets: usize,
}

/// Random sets of features, none of them empty.
pub(super) fn sets(features: usize, count: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let mut all: Vec<usize> = (0..features).collect();
    let one = |_| {
        dice.shuffle(&mut all);
        let mut set = all[..=dice.below(features)].to_vec();
        set.sort_unstable();
        set
    };
    (0..count).map(one).collect()
}

/// Infidelity from what was promised for each set and what the answer changed by.
pub(super) fn infidelity(promised: &[f64], changes: &[f64], has_size: bool) -> Infidelity {
    let n = changes.len() as f64;
    let pairs = || promised.iter().zip(changes);
    let missed: Vec<f64> = pairs().map(|(promised, change)| (promised - change).powi(2)).collect();
    let value = missed.iter().sum::<f64>() / n;
    let spread = missed.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let squares = changes.iter().map(|change| change * change).sum::<f64>() / n;
    let own = promised.iter().map(|x| x * x).sum::<f64>();
    let factor = if own > 0.0 { pairs().map(|(a, b)| a * b).sum::<f64>() / own } else { 0.0 };
    let after = pairs().map(|(promised, change)| (factor * promised - change).powi(2)).sum::<f64>() / n;
    let part = |of: f64| (squares > 0.0).then(|| of / squares);
    Infidelity {
        value: has_size.then_some(value),
        std_error: has_size.then(|| (spread / n).sqrt()),
        relative: if has_size { part(value) } else { None },
        scaled: part(after),
        sets: changes.len(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn sets_are_of_every_size_and_hold_no_feature_twice() {
        let found = sets(4, 400, &mut Dice::new(5, &[], 1));
        for size in 1..=4 {
            let of_size = found.iter().filter(|set| set.len() == size).count();
            assert!((60..=140).contains(&of_size), "{of_size} of size {size}");
        }
        assert!(found.iter().all(|set| set.windows(2).all(|pair| pair[0] < pair[1])));
        assert!(found.iter().any(|set| set == &[2]) && found.iter().any(|set| set == &[0, 3]));
    }

    #[test]
    fn each_kind_of_promise_is_read_in_its_own_way() {
        let (sets, row, mean) = (vec![vec![0], vec![0, 1]], [2.0, 0.0], [1.0, 3.0]);
        let of = |promise: Promise| promise.of_sets(&sets, &[10.0, 4.0], &row, &mean);
        assert_eq!(of(Promise::Shares), [10.0, 14.0]);
        assert_eq!(of(Promise::Slopes), [10.0, -2.0]);
        assert_eq!(of(Promise::Products), [5.0, 5.0], "of a value of 0 nothing is promised");
    }

    #[test]
    fn infidelity_is_captums() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/quality/captum.json");
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
        for case in file["cases"].as_array().expect("a list") {
            let list = |of: &Value| -> Vec<f64> { serde_json::from_value(of.clone()).expect("numbers") };
            let (x, mean, changes) = (list(&case["x"]), list(&case["mean"]), list(&case["changes"]));
            let sets: Vec<Vec<usize>> = serde_json::from_value(case["sets"].clone()).expect("lists");
            let squares = changes.iter().map(|change| change * change).sum::<f64>() / changes.len() as f64;
            let kinds = [("shares", Promise::Shares), ("slopes", Promise::Slopes), ("products", Promise::Products)];
            for (name, promise) in kinds {
                let (said, want) = (list(&case[name]["attributions"]), &case[name]);
                let found = infidelity(&promise.of_sets(&sets, &said, &x, &mean), &changes, true);
                let close = |found: f64, want: &Value| {
                    let want = want.as_f64().expect("a number");
                    assert!((found - want).abs() < 1e-9 * want.abs().max(1e-6), "{name}: {found} and {want}");
                };
                close(found.value.expect("a size"), &want["infidelity"]);
                close(found.relative.expect("it changes") * squares, &want["infidelity"]);
                close(found.scaled.expect("it changes") * squares, &want["normalized"]);
            }
        }
    }

    #[test]
    fn what_is_right_but_for_its_size_is_forgiven_only_when_scaled() {
        let found = infidelity(&[2.0, 4.0, -6.0], &[1.0, 2.0, -3.0], true);
        assert_eq!((found.relative, found.scaled), (Some(1.0), Some(0.0)));
        let found = infidelity(&[2.0, 4.0], &[0.0, 0.0], false);
        assert_eq!((found.value, found.relative, found.scaled), (None, None, None), "nothing changes");
    }
}
