//! Occlusion: against captum's, on a function that is known by heart, and of categories.

mod common;

use common::Function;
use desk_core::{Cancel, NoProgress};
use desk_explain::{
    ExplainError, ExplainRequest, Explanation, FeatureInfo, Method, Model, OutputChoice, Picture, Table, Windows,
    explain,
};

fn run(
    model: &mut dyn desk_core::Predictor,
    features: &[FeatureInfo],
    rows: &[f64],
    background: &[f64],
    windows: Windows,
) -> Result<Explanation, ExplainError> {
    let request = ExplainRequest { method: Method::Occlusion, windows, ..ExplainRequest::default() };
    let width = features.len();
    let (rows, background) = (Table::new(rows, width), Table::new(background, width));
    let model = Model { trees: None, linear: None, predictor: model, output_names: &[] };
    explain(model, rows, background, features, &request, &Cancel::new(), &NoProgress)
}

/// x0 * x1 + 2 x2 against the mean (1, 2, 0): each feature alone.
#[test]
fn a_feature_is_worth_what_the_answer_loses_without_it() {
    let of = |x: &[f64]| vec![x[0] * x[1] + 2.0 * x[2]];
    let features = ["a", "b", "c"].map(FeatureInfo::numeric);
    let background = [0.0, 1.0, 0.0, 2.0, 3.0, f64::NAN];
    let rows = [3.0, 5.0, 0.5];
    let found = run(&mut Function::new(3, 1, of), &features, &rows, &background, Windows::default()).expect("explains");
    // 15 + 1 without a: 5 + 1; without b: 6 + 1; without c: 15. A missing value of the background counts for nothing.
    assert_eq!(found.attributions(0, 0), [10.0, 9.0, 1.0]);
    assert_eq!((found.base_values.as_slice(), found.predictions[0][0]), (&[2.0][..], 16.0));
    let detail = found.occlusion.expect("detail");
    assert_eq!((detail.windows, detail.patch, detail.deltas[0][0]), (3, None, 6.0));
    assert!(found.exact && found.residual_max == 0.0 && found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn categories_are_covered_by_the_most_frequent() {
    let of = |x: &[f64]| vec![10.0 * x[0] + x[1]];
    let town = FeatureInfo::categorical("town", ["a", "b", "c"].map(str::to_owned).to_vec());
    let features = [town, FeatureInfo::numeric("age")];
    let background = [1.0, 4.0, 2.0, 4.0, 1.0, 4.0];
    let found = run(&mut Function::new(2, 1, of), &features, &[2.0, 4.0], &background, Windows::default());
    assert_eq!(found.expect("explains").attributions(0, 0), [10.0, 0.0]);
}

/// Two channels and windows that overlap, pixel by pixel. Captum's own values stand in `crates/desk-grad/tests/it/rules.rs`,
/// where networks are run.
#[test]
fn windows_on_a_picture_overlap_and_share() {
    let (side, patch, stride) = (5usize, 3, 2);
    let weight = |i: usize| ((i * 37 % 11) as f64) - 5.0;
    let of = move |x: &[f64]| {
        let sum: f64 = x.iter().enumerate().map(|(i, x)| weight(i) * x).sum();
        vec![sum.tanh(), sum * sum]
    };
    let width = 2 * side * side;
    let rows: Vec<f64> = (0..width).map(|i| ((i * 13 % 17) as f64) / 40.0).collect();
    let background: Vec<f64> = (0..2 * width).map(|i| ((i * 5 % 7) as f64) / 50.0).collect();
    let base: Vec<f64> = (0..width).map(|f| f64::midpoint(background[f], background[width + f])).collect();
    let features: Vec<FeatureInfo> = (0..width).map(|f| FeatureInfo::numeric(format!("p{f}"))).collect();
    let windows = Windows {
        picture: Picture::of(0, &[2, side, side]),
        patch: Some(patch),
        stride: Some(stride),
        ..Windows::default()
    };
    let found = run(&mut Function::new(width, 2, of), &features, &rows, &background, windows).expect("explains");
    // The same written down for one pixel after another.
    let full = of(&rows);
    for f in 0..width {
        let (row, column) = (f % (side * side) / side, f % side);
        let (mut sums, mut count) = ([0.0; 2], 0.0);
        for top in [0, 2] {
            for left in [0, 2] {
                let inside = |row: usize, column: usize| {
                    (top..top + patch).contains(&row) && (left..left + patch).contains(&column)
                };
                if !inside(row, column) {
                    continue;
                }
                let covered: Vec<f64> = (0..width)
                    .map(|i| if inside(i % (side * side) / side, i % side) { base[i] } else { rows[i] })
                    .collect();
                let answer = of(&covered);
                sums = [sums[0] + full[0] - answer[0], sums[1] + full[1] - answer[1]];
                count += 1.0;
            }
        }
        for (k, sum) in sums.iter().enumerate() {
            let expected = sum / count;
            assert!((found.values.get(0, f, k) - expected).abs() < 1e-12, "pixel {f}, output {k}");
        }
    }
    assert_eq!(found.occlusion.expect("detail").windows, 4);
}

#[test]
fn patches_without_a_picture_are_refused() {
    let features = [FeatureInfo::numeric("a")];
    let windows = Windows { patch: Some(2), ..Windows::default() };
    let of = |x: &[f64]| vec![x[0]];
    let error = run(&mut Function::new(1, 1, of), &features, &[1.0], &[0.0], windows).expect_err("no picture");
    assert!(error.to_string().contains("picture"), "{error}");
    let one = ExplainRequest { method: Method::Occlusion, output: OutputChoice::One(3), ..ExplainRequest::default() };
    let model = Model { trees: None, linear: None, predictor: &mut Function::new(1, 1, of), output_names: &[] };
    let table = Table::new(&[1.0], 1);
    assert!(explain(model, table, table, &features, &one, &Cancel::new(), &NoProgress).is_err());
}

/// Three flags of one category and a number: the flags are covered by the category that is most frequent, all at once.
#[test]
fn flags_of_a_category_are_covered_together() {
    let of = |x: &[f64]| vec![x[0] * 3.0 + x[1] * 5.0 + x[2] * 7.0 + x[1] * x[3]];
    let features: Vec<FeatureInfo> = ["a", "b", "c", "n"].map(FeatureInfo::numeric).to_vec();
    let background = [[1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 1.0, 4.0], [0.0, 0.0, 1.0, 6.0]].concat();
    let windows = Windows { together: vec![vec![0, 1, 2]], ..Windows::default() };
    let row = [0.0, 1.0, 0.0, 10.0];
    let found = run(&mut Function::new(4, 1, of), &features, &row, &background, windows).expect("explains");
    // Of category b and 10 it is 15; of the most frequent category, c, 7; of b and the mean 4, it is 9.
    let values: Vec<f64> = (0..4).map(|f| found.values.get(0, f, 0)).collect();
    assert_eq!(values, [8.0, 8.0, 8.0, 6.0]);
    assert_eq!((found.base_values[0], found.occlusion.expect("detail").windows), (7.0, 2));
}
