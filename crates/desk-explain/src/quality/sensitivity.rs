//! Max-sensitivity (Yeh, Hsieh, Suggala, Inouye and Ravikumar 2019): how much an explanation moves when its row hardly does.
//!
//! The largest ||Φ(y) - Φ(x)|| / ||Φ(x)|| over noisy copies y of the row x, as in captum's `sensitivity_max`: ten copies,
//! noise uniform in a box. captum's box is 0.02 wide on either side for every feature, which suits pixels; here it is a tenth
//! of each feature's standard deviation over the background. Categories and missing values stay, whole numbers stay whole.
//! A sampling method draws anew for each copy, so its own uncertainty counts too, as it does for whoever reads it.

use crate::dice::Dice;
use crate::explanation::Cube;
use crate::input::{FeatureInfo, FeatureKind, Table};

/// Noise on either side, in standard deviations of the feature over the background.
pub const NOISE_RADIUS: f64 = 0.1;
/// Noisy copies of each row.
pub const NOISY_COPIES: usize = 10;
/// The stream of random numbers.
const NOISE: u64 = 23;

/// [`NOISY_COPIES`] copies of each of `chosen` rows, one after the other, as wide as the rows.
pub fn noisy_copies(
    rows: Table<'_>,
    chosen: &[usize],
    background: Table<'_>,
    features: &[FeatureInfo],
    seed: u64,
) -> Vec<f64> {
    let noise: Vec<(f64, bool)> = (0..features.len()).map(|f| box_of(rows, background, f, &features[f])).collect();
    let mut copies = Vec::with_capacity(chosen.len() * NOISY_COPIES * rows.n_features);
    for row in chosen {
        let cells = rows.row(*row);
        let mut dice = Dice::new(seed, cells, NOISE);
        for _ in 0..NOISY_COPIES {
            copies.extend(cells.iter().zip(&noise).map(|(x, (half, whole))| {
                let moved = x + half * (2.0 * dice.uniform() - 1.0);
                // An infinite value has no neighbours.
                let moved = if moved.is_finite() { moved } else { *x };
                if *whole { moved.round() } else { moved }
            }));
        }
    }
    copies
}

/// Half the width of a feature's box, and whether it holds whole numbers only.
fn box_of(rows: Table<'_>, background: Table<'_>, feature: usize, info: &FeatureInfo) -> (f64, bool) {
    if info.kind != FeatureKind::Numeric {
        return (0.0, false);
    }
    let column = |of: Table<'_>| -> Vec<f64> {
        (0..of.len()).map(|row| of.row(row)[feature]).filter(|x| x.is_finite()).collect()
    };
    let (own, known) = (column(rows), column(background));
    let n = known.len().max(1) as f64;
    let mean = known.iter().sum::<f64>() / n;
    let deviation = (known.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    (NOISE_RADIUS * deviation, own.iter().chain(&known).all(|x| x.fract() == 0.0))
}

/// Max-sensitivity of each of `chosen` rows, for each explained output; `values` are the attributions of all rows, `copies`
/// those of [`noisy_copies`]. None where the row's own attributions are all 0.
pub fn sensitivity(values: &Cube, chosen: &[usize], copies: &Cube) -> Vec<Vec<Option<f64>>> {
    let (_, _, outputs) = values.shape();
    let of = |(at, row): (usize, &usize)| {
        let one = |k: usize| {
            let own = values.features_of(*row, k);
            let moved = |copy: usize| {
                let other = copies.features_of(at * NOISY_COPIES + copy, k);
                length(own.iter().zip(&other).map(|(a, b)| a - b))
            };
            let size = length(own.iter().copied());
            (size > 0.0).then(|| (0..NOISY_COPIES).map(moved).fold(0.0, f64::max) / size)
        };
        (0..outputs).map(one).collect()
    };
    chosen.iter().enumerate().map(of).collect()
}

/// The Euclidean length.
fn length(of: impl Iterator<Item = f64>) -> f64 {
    of.map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_largest_change_is_captums() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/quality/captum.json");
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
        // Rows x features x one output.
        let cube = |rows: Vec<Vec<f64>>| -> Cube {
            let cells: Vec<Vec<[f64; 1]>> = rows.iter().map(|row| row.iter().map(|x| [*x]).collect()).collect();
            serde_json::from_value(serde_json::json!(cells)).expect("a cube")
        };
        for case in file["cases"].as_array().expect("a list") {
            let of = &case["sensitivity"];
            let own: Vec<f64> = serde_json::from_value(of["own"].clone()).expect("numbers");
            let copies: Vec<Vec<f64>> = serde_json::from_value(of["copies"].clone()).expect("lists");
            let zeros = vec![0.0; own.len()];
            let both = [copies.clone(), copies].concat();
            let found = sensitivity(&cube(vec![zeros, own]), &[1, 0], &cube(both));
            let (found, want) = (found[0][0].expect("not all 0"), of["max"].as_f64().expect("a number"));
            assert!((found - want).abs() < 1e-9, "{found} and {want}");
        }
        let still = cube(vec![vec![0.0; 2]; 1 + NOISY_COPIES]);
        assert_eq!(sensitivity(&still, &[0], &still), [[None]], "there is nothing that could move");
    }

    #[test]
    fn copies_stay_in_the_box_and_what_they_are() {
        let background = [0.0, 10.0, 0.0, 5.0, 4.0, 20.0, 1.0, 5.0, 2.5, 30.0, 2.0, 5.0, 1.5, 40.0, 0.0, 5.0];
        let row = [2.0, 25.0, 1.0, f64::NAN];
        let features = [
            FeatureInfo::numeric("x"),
            FeatureInfo::numeric("whole"),
            FeatureInfo::categorical("c", Vec::new()),
            FeatureInfo::numeric("constant, missing here"),
        ];
        let copies = noisy_copies(Table::new(&row, 4), &[0], Table::new(&background, 4), &features, 3);
        assert_eq!(copies.len(), 4 * NOISY_COPIES);
        // The standard deviations are 1.458 and 11.18.
        for copy in copies.chunks(4) {
            assert!((copy[0] - 2.0).abs() <= 0.1459 && copy[0] != 2.0, "{copy:?}");
            assert!((copy[1] - 25.0).abs() <= 1.5 && copy[1].fract() == 0.0, "{copy:?}");
            assert!(copy[2] == 1.0 && copy[3].is_nan(), "{copy:?}");
        }
        assert!(copies.chunks(4).any(|copy| copy[1] != 25.0) && copies.chunks(4).any(|copy| copy[0] > 2.1));
        let again = noisy_copies(Table::new(&row, 4), &[0], Table::new(&background, 4), &features, 3);
        assert_eq!(again[..3], copies[..3], "the same seed, the same copies");
    }
}
