//! LIME against lime 0.2.0.1 and scikit-learn's Ridge.

mod common;

use common::{Function, fixture, number, numbers, reference};
use desk_core::{Cancel, NoProgress};
use desk_explain::{
    ExplainRequest, Explanation, FeatureInfo, LimeOptions, LimeSelection, Method, Model, Table, explain, ridge,
};

#[test]
fn the_surrogate_equals_scikit_learns_ridge() {
    for name in ["lime/continuous.json", "lime/discretized.json"] {
        let file = reference(name);
        let (data, labels, weights) = (numbers(&file["data"]), numbers(&file["labels"]), numbers(&file["weights"]));
        let columns = numbers(&file["row"]).len();
        // The kernel's weights.
        let width = 0.75 * (columns as f64).sqrt();
        assert_eq!(number(&file["kernel_width"]), width);
        for ((row, weight), distance) in data.chunks(columns).zip(&weights).zip(numbers(&file["distances"])) {
            let distance2: f64 = row.iter().zip(&data).map(|(a, b)| (a - b).powi(2)).sum();
            assert!((distance2.sqrt() - distance).abs() < 1e-9);
            assert!(((-distance2 / width.powi(2)).exp().sqrt() - weight).abs() < 1e-12);
        }
        let fits = ridge(&data, columns, &labels, 1, &weights, number(&file["ridge_alpha"])).expect("solvable");
        let fit = &fits[0];
        for (a, b) in fit.coefficients.iter().zip(numbers(&file["coefficients"])) {
            assert!((a - b).abs() < 1e-9, "{name} {a} {b}");
        }
        assert!((fit.intercept - number(&file["intercept"])).abs() < 1e-9);
        assert!((fit.r2 - number(&file["r2"])).abs() < 1e-9);
    }
}

/// Explains the fixture's rows with the fixture's model.
fn run(options: LimeOptions, samples: usize) -> (Explanation, serde_json::Value) {
    let file = fixture("lime.json");
    let (rows, background) = (numbers(&file["rows"]), numbers(&file["background"]));
    let d = 4;
    // The same formula as in make_fixtures.py.
    let mut model = Function::new(d, 2, |x: &[f64]| {
        let score = x[0] - 0.5 * x[1] * x[1] + if x[2] == 1.0 { 1.5 } else { 0.0 } + 0.3 * x[0] * x[3];
        let p = 1.0 / (1.0 + (-score).exp());
        vec![1.0 - p, p]
    });
    let levels = ["red", "green", "blue"].map(str::to_owned).to_vec();
    let features = [
        FeatureInfo::numeric("a"),
        FeatureInfo::numeric("b"),
        FeatureInfo::categorical("c", levels),
        FeatureInfo::numeric("d"),
    ];
    let model = Model { trees: None, linear: None, predictor: &mut model, output_names: &[] };
    let request =
        ExplainRequest { method: Method::Lime, samples: Some(samples), lime: options, ..ExplainRequest::default() };
    let (rows, background) = (Table::new(&rows, d), Table::new(&background, d));
    let found = explain(model, rows, background, &features, &request, &Cancel::new(), &NoProgress).expect("explained");
    (found, file)
}

/// Weights, intercept, local prediction and R2 equal the means of many runs of lime, within 4
/// standard errors of the difference.
fn equals_lime(discretize: bool, name: &str) {
    let options = LimeOptions { discretize, repeats: 40, ..LimeOptions::default() };
    let (found, file) = run(options, 5000);
    let want = &file[name];
    let errors = found.std_error.as_ref().expect("repeated");
    for row in 0..2 {
        for f in 0..4 {
            let (mean, error) = (number(&want["weights"][row][f]), number(&want["weight_errors"][row][f]));
            let ours = found.values.get(row, f, 1);
            let error = error.hypot(errors.get(row, f, 1));
            assert!((ours - mean).abs() < 4.0 * error, "{name} row {row} feature {f}: {ours} {mean} +- {error}");
            // Two classes: the other's weights are turned round.
            assert!((ours + found.values.get(row, f, 0)).abs() < 1e-9);
        }
        let lime = found.lime.as_ref().expect("lime");
        let r2 = found.r2.as_ref().expect("lime")[row][1];
        for (ours, key) in
            [(lime.intercepts[row][1], "intercept"), (lime.local_predictions[row][1], "local"), (r2, "r2")]
        {
            let (mean, error) = (number(&want[key][row][0]), number(&want[key][row][1]));
            // Ours has the same spread and half as many runs or more.
            assert!((ours - mean).abs() < 8.0 * error, "{name} row {row} {key}: {ours} {mean} +- {error}");
        }
        assert!((found.residuals[row][1] - (lime.local_predictions[row][1] - found.predictions[row][1])).abs() < 1e-12);
    }
}

#[test]
fn equals_lime_with_quartiles() {
    equals_lime(true, "discretized");
}

#[test]
fn equals_lime_without_quartiles() {
    equals_lime(false, "continuous");
}

#[test]
fn conditions_read_as_lime_writes_them() {
    let (found, file) = run(LimeOptions { repeats: 1, ..LimeOptions::default() }, 50);
    assert!(found.std_error.is_none());
    let lime = found.lime.expect("lime");
    let want: Vec<Vec<String>> = serde_json::from_value(file["conditions"].clone()).expect("texts");
    for (ours, want) in lime.conditions.iter().zip(&want) {
        for f in [0, 1, 3] {
            assert_eq!(ours[f], want[f]);
        }
    }
    assert!(lime.conditions[0][2].starts_with("c = "), "{}", lime.conditions[0][2]);
}

#[test]
fn standard_errors_tell_how_stable_weights_are() {
    let of = |seed| {
        let file = fixture("lime.json");
        let d = 4;
        let mut model = Function::new(d, 1, |x: &[f64]| vec![x[0] * x[1] + x[3]]);
        let (rows, background) = (numbers(&file["rows"]), numbers(&file["background"]));
        let request = ExplainRequest { method: Method::Lime, samples: Some(500), seed, ..ExplainRequest::default() };
        common::run(&mut model, &rows[..d], &background, &request).expect("explained")
    };
    let runs: Vec<Explanation> = (0..60).map(of).collect();
    for f in 0..4 {
        let values: Vec<f64> = runs.iter().map(|run| run.values.get(0, f, 0)).collect();
        let mean = values.iter().sum::<f64>() / 60.0;
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 59.0).sqrt();
        let said = |run: &Explanation| run.std_error.as_ref().expect("repeated").get(0, f, 0).powi(2);
        let said = (runs.iter().map(said).sum::<f64>() / 60.0).sqrt();
        assert!((0.75..1.33).contains(&(said / spread)), "feature {f}: {said} said, {spread} seen");
    }
}

#[test]
fn the_strongest_features_are_kept_when_asked() {
    let options = LimeOptions { selection: LimeSelection::HighestWeights(2), repeats: 2, ..LimeOptions::default() };
    let (found, _) = run(options, 2000);
    let (all, _) = run(LimeOptions::default(), 2000);
    for row in 0..2 {
        let strength = |e: &Explanation, f: usize| e.values.get(row, f, 1).abs();
        let kept: Vec<usize> = (0..4).filter(|f| strength(&found, *f) > 0.0).collect();
        assert_eq!(kept.len(), 2);
        let weakest = kept.iter().map(|f| strength(&all, *f)).fold(f64::INFINITY, f64::min);
        let dropped = (0..4).filter(|f| !kept.contains(f)).map(|f| strength(&all, f)).fold(0.0, f64::max);
        assert!(weakest > dropped, "{kept:?}");
    }
}

#[test]
fn missing_values_and_constants_are_survived() {
    let d = 3;
    let background = [1.0, f64::NAN, 5.0, 2.0, f64::NAN, 5.0, 3.0, 0.5, 5.0, f64::NAN, 0.25, 5.0];
    let rows = [f64::NAN, 0.5, 5.0, 2.5, f64::NAN, 6.0];
    for discretize in [true, false] {
        let mut model = Function::new(d, 1, |x: &[f64]| vec![x.iter().filter(|v| !v.is_nan()).sum()]);
        let lime = LimeOptions { discretize, repeats: 3, ..LimeOptions::default() };
        let request = ExplainRequest { method: Method::Lime, samples: Some(400), lime, ..ExplainRequest::default() };
        let found = common::run(&mut model, &rows, &background, &request).expect("explained");
        assert!(found.values.as_slice().iter().all(|v| v.is_finite()));
        assert_eq!(found.values.get(0, 2, 0), 0.0, "a constant explains nothing");
        assert!(found.lime.expect("lime").conditions[0][0].contains("missing"));
    }
}
