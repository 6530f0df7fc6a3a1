//! Methods of gradients on functions whose gradients are known by heart.

mod common;

use common::{number, numbers};
use desk_core::{Cancel, Fault, NoProgress};
use desk_explain::{
    ExplainError, ExplainRequest, Explanation, FeatureInfo, GradientModel, Gradients, Method, OutputChoice, Pass,
    Space, Table, explain_gradients,
};
use proptest::prelude::*;

/// A function of a row with its gradient: outputs, and for each output a list of slopes.
struct Known<F> {
    features: usize,
    outputs: usize,
    of: F,
    /// Rows in the largest batch.
    largest: usize,
}

impl<F: Fn(&[f64]) -> (Vec<f64>, Vec<Vec<f64>>)> Known<F> {
    fn new(features: usize, outputs: usize, of: F) -> Self {
        Self { features, outputs, of, largest: 0 }
    }
}

impl<F: Fn(&[f64]) -> (Vec<f64>, Vec<Vec<f64>>) + Send> Gradients for Known<F> {
    fn n_features(&self) -> usize {
        self.features
    }

    fn n_outputs(&self) -> usize {
        self.outputs
    }

    fn forward_backward(&mut self, rows: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        let mut pass = Pass::default();
        self.largest = self.largest.max(rows.len() / self.features);
        for (row, seed) in rows.chunks(self.features).zip(seed.chunks(self.outputs)) {
            let (values, slopes) = (self.of)(row);
            pass.values.extend(values);
            let slope = |f: usize| slopes.iter().zip(seed).map(|(slopes, seed)| slopes[f] * seed).sum::<f64>();
            pass.gradients.extend((0..self.features).map(slope));
        }
        Ok(pass)
    }
}

fn run(
    model: &mut dyn Gradients,
    rows: &[f64],
    background: &[f64],
    request: &ExplainRequest,
) -> Result<Explanation, ExplainError> {
    let width = model.n_features();
    let features: Vec<_> = (0..width).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
    let model = GradientModel { gradients: model, output_names: &[], space: Space::Raw, before: None, unseen: vec![] };
    explain_gradients(
        model,
        Table::new(rows, width),
        Table::new(background, width),
        &features,
        request,
        &Cancel::new(),
        &NoProgress,
    )
}

fn by(method: Method) -> ExplainRequest {
    ExplainRequest { method, seed: 3, ..ExplainRequest::default() }
}

/// x0^2 + 3 x1 + sin(x0 x2); x3 plays no part.
fn smooth(x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let wave = (x[0] * x[2]).cos();
    let value = x[0] * x[0] + 3.0 * x[1] + (x[0] * x[2]).sin();
    (vec![value, -2.0 * x[1]], vec![vec![2.0 * x[0] + x[2] * wave, 3.0, x[0] * wave, 0.0], vec![0.0, -2.0, 0.0, 0.0]])
}

const BACKGROUND: [f64; 12] = [0.0, 0.5, 1.0, 9.0, 1.0, -0.5, 0.0, 7.0, -0.4, 0.3, 0.2, 8.0];

#[test]
fn saliency_and_gradient_times_input_are_the_gradient() {
    let row = [1.0, -2.0, 0.5, 4.0];
    let (_, slopes) = smooth(&row);
    let found = run(&mut Known::new(4, 2, smooth), &row, &BACKGROUND, &by(Method::Saliency)).expect("explains");
    assert_eq!(found.attributions(0, 0), slopes[0].iter().map(|s| s.abs()).collect::<Vec<_>>());
    assert_eq!(found.attributions(0, 1), [0.0, 2.0, 0.0, 0.0]);
    let detail = found.gradient.expect("detail");
    assert!(!detail.additive && detail.deltas.is_empty());
    assert_eq!(found.residual_max, 0.0);
    let found = run(&mut Known::new(4, 2, smooth), &row, &BACKGROUND, &by(Method::InputGradient)).expect("explains");
    let product: Vec<f64> = slopes[0].iter().zip(row).map(|(s, x)| s * x).collect();
    assert_eq!(found.attributions(0, 0), product);
}

#[test]
fn integrated_gradients_add_up_on_a_smooth_function() {
    let rows = [1.0, -2.0, 0.5, 4.0, 2.0, 0.0, -3.0, 1.0];
    let found = run(&mut Known::new(4, 2, smooth), &rows, &BACKGROUND, &by(Method::Integrated)).expect("explains");
    assert!(found.residual_max < 1e-2 && found.warnings.is_empty(), "{found:?}");
    assert_eq!(found.attributions(0, 0)[3], 0.0, "what plays no part has none");
    let mean: f64 = [0.5, -0.5, 0.3].iter().sum::<f64>() / 3.0;
    assert!((found.attributions(0, 1)[1] + 2.0 * (-2.0 - mean)).abs() < 1e-12, "exact for a line");
    let detail = found.gradient.expect("detail");
    assert_eq!((detail.deltas.len(), detail.steps.len()), (2, 2));
    assert!(detail.additive && detail.steps[0][1] == 16);
}

/// Kinks everywhere: twice as many points again and again, and a warning where even those are too few.
#[test]
fn what_does_not_add_up_is_flagged() {
    let saw = |x: &[f64]| {
        let place = x[0] * 377.3;
        let up = place.rem_euclid(2.0) < 1.0;
        let value = if up { place.rem_euclid(2.0) } else { 2.0 - place.rem_euclid(2.0) };
        (vec![value], vec![vec![if up { 377.3 } else { -377.3 }]])
    };
    let few = ExplainRequest { samples: Some(16), ..by(Method::Integrated) };
    let found = run(&mut Known::new(1, 1, saw), &[1.0], &[0.0], &few).expect("explains");
    assert!(found.warnings.iter().any(|warning| warning.contains("do not add up")), "{:?}", found.warnings);
    let many = ExplainRequest { samples: Some(4096), ..by(Method::Integrated) };
    let better = run(&mut Known::new(1, 1, saw), &[1.0], &[0.0], &many).expect("explains");
    assert!(better.residual_max < found.residual_max && better.gradient.expect("detail").steps[0][0] > 16);
}

#[test]
fn expected_gradients_add_up_within_their_error() {
    let rows = [1.0, -2.0, 0.5, 4.0];
    let many = ExplainRequest { samples: Some(20_000), ..by(Method::Expected) };
    let found = run(&mut Known::new(4, 2, smooth), &rows, &BACKGROUND, &many).expect("explains");
    let error = found.std_error.as_ref().expect("errors");
    assert!(found.residual_max < 0.02 && found.warnings.is_empty(), "{}", found.residual_max);
    assert!(error.get(0, 0, 0) > 0.0 && error.get(0, 3, 0) == 0.0);
    // Of a line the value is exact for each row of the background, whatever is drawn.
    let linear = found.attributions(0, 1)[1];
    let mean: f64 = [0.5, -0.5, 0.3].iter().sum::<f64>() / 3.0;
    assert!((linear + 2.0 * (-2.0 - mean)).abs() < 1e-3, "{linear}");
}

#[test]
fn errors_of_expected_gradients_are_what_seeds_differ_by() {
    // Rows and places that are spread evenly leave less than samples that were drawn one by one would.
    let spread = |samples: usize, rows: usize| {
        let cell = |i: usize| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0;
        let background: Vec<f64> = (0..rows * 4).map(cell).collect();
        let seeds = 200;
        let found: Vec<Explanation> = (0..seeds)
            .map(|seed| {
                let request = ExplainRequest { samples: Some(samples), seed, ..by(Method::Expected) };
                run(&mut Known::new(4, 2, smooth), &[1.0, -2.0, 1.5, 4.0], &background, &request).expect("explains")
            })
            .collect();
        [0, 2].map(|f| {
            let values: Vec<f64> = found.iter().map(|found| found.attributions(0, 0)[f]).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let real = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
            let errors = found.iter().map(|found| found.std_error.as_ref().expect("sampled").row(0)[f * 2].powi(2));
            (errors.sum::<f64>() / found.len() as f64 / real).sqrt()
        })
    };
    for (samples, rows) in [(200, 50), (400, 100), (100, 50)] {
        for ratio in spread(samples, rows) {
            assert!((0.85..1.25).contains(&ratio), "{samples} samples over {rows} rows: {ratio}");
        }
    }
    // Rows that are taken once tell nothing of themselves, and along one line alone hardly anything is left: the error is
    // overstated, not understated.
    for (samples, rows) in [(60, 50), (200, 1)] {
        for ratio in spread(samples, rows) {
            assert!(ratio > 0.85, "{samples} samples over {rows} rows: {ratio}");
        }
    }
}

#[test]
fn smoothgrad_is_the_mean_slope_nearby() {
    let square = |x: &[f64]| (vec![x[0] * x[0] * x[0]], vec![vec![3.0 * x[0] * x[0], 0.0]]);
    let many = ExplainRequest { samples: Some(50_000), ..by(Method::SmoothGrad) };
    let found = run(&mut Known::new(2, 1, square), &[1.0, 0.0], &[-2.0, 5.0, 2.0, 5.0], &many).expect("explains");
    // E[3 (1 + 0.3 z)^2] with the spread 2 of the background, of which 15 % is noise.
    let expected = 3.0 * (1.0 + 0.3 * 0.3);
    assert!((found.attributions(0, 0)[0] - expected).abs() < 0.05, "{:?}", found.attributions(0, 0));
    let alike = run(&mut Known::new(2, 1, square), &[1.0, 0.0], &[2.0, 5.0], &by(Method::SmoothGrad));
    assert!(alike.expect_err("no spread").to_string().contains("alike"));
}

#[test]
fn the_same_bits_alone_and_among_others() {
    let rows: Vec<f64> = (0..40).map(|i| f64::from(i % 7) * 0.3 - 1.0).collect();
    for method in [Method::Integrated, Method::SmoothGrad, Method::Expected] {
        let request = ExplainRequest { output: OutputChoice::One(0), ..by(method) };
        let all = run(&mut Known::new(4, 2, smooth), &rows, &BACKGROUND, &request).expect("explains");
        let one = run(&mut Known::new(4, 2, smooth), &rows[8..12], &BACKGROUND, &request).expect("explains");
        assert_eq!(all.attributions(2, 0), one.attributions(0, 0), "{method}");
    }
}

/// A picture's points go through a few at a time, so that they stay in the cache.
#[test]
fn wide_rows_go_in_small_batches() {
    let wide = 150_528;
    let of = move |x: &[f64]| (vec![x[0]], vec![vec![1.0; wide]]);
    let mut model = Known::new(wide, 1, of);
    let row = vec![1.0; wide];
    run(&mut model, &row, &vec![0.0; wide], &by(Method::Integrated)).expect("explains");
    assert_eq!(model.largest, 4);
}

#[test]
fn what_has_no_gradient_is_refused() {
    let nan = |x: &[f64]| (vec![x[0]], vec![vec![f64::NAN]]);
    let wild = run(&mut Known::new(1, 1, nan), &[1.0], &[0.0], &by(Method::Saliency)).expect_err("NaN");
    assert!(matches!(wild, ExplainError::WildGradient { .. }), "{wild}");
    let mut model = Known::new(1, 1, nan);
    let features = [FeatureInfo::categorical("town", vec!["a".into()])];
    let model =
        GradientModel { gradients: &mut model, output_names: &[], space: Space::Raw, before: None, unseen: vec![] };
    let table = Table::new(&[1.0], 1);
    let asked = by(Method::Saliency);
    let error = explain_gradients(model, table, table, &features, &asked, &Cancel::new(), &NoProgress);
    assert!(matches!(error, Err(ExplainError::NoSlope { .. })));
}

/// Two layers of a perceptron written out, against captum's integrated gradients of torch's.
#[test]
fn a_perceptron_as_captum_explains_it() {
    let golden = common::reference("gradients/formula.json");
    let list = |name: &str| numbers(&golden[name]);
    let (w1, b1, w2, b2) = (list("w1"), list("b1"), list("w2"), list("b2"));
    let (features, hidden, outputs) = (5, b1.len(), b2.len());
    let of = move |x: &[f64]| {
        let unit = |h: usize| (b1[h] + (0..features).map(|f| w1[h * features + f] * x[f]).sum::<f64>()).tanh();
        let units: Vec<f64> = (0..hidden).map(unit).collect();
        let value = |k: usize| b2[k] + (0..hidden).map(|h| w2[k * hidden + h] * units[h]).sum::<f64>();
        let slope = |k: usize, f: usize| {
            (0..hidden).map(|h| w2[k * hidden + h] * (1.0 - units[h] * units[h]) * w1[h * features + f]).sum::<f64>()
        };
        let slopes = (0..outputs).map(|k| (0..features).map(|f| slope(k, f)).collect()).collect();
        ((0..outputs).map(value).collect(), slopes)
    };
    let (rows, background) = (list("x"), list("background"));
    let request = ExplainRequest { output: OutputChoice::One(number(&golden["target"]) as usize), ..by(Method::Auto) };
    for (method, name, tolerance) in [
        (Method::Saliency, "saliency", 1e-9),
        (Method::InputGradient, "input_x_gradient", 1e-9),
        (Method::Integrated, "integrated", 1e-4),
    ] {
        let request = ExplainRequest { method, ..request.clone() };
        let found = run(&mut Known::new(features, outputs, &of), &rows, &background, &request).expect("explains");
        let expected = list(name);
        let size = expected.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        for (found, expected) in found.values.as_slice().iter().zip(&expected) {
            assert!((found - expected).abs() < tolerance * size, "{method}: {found} instead of {expected}");
        }
    }
    // What captum's GradientShap samples, as the mean of integrated gradients from each background row.
    let seeds = 40;
    let mut off = 0.0;
    for seed in 0..seeds {
        let request = ExplainRequest { method: Method::Expected, samples: Some(2_000), seed, ..request.clone() };
        let found = run(&mut Known::new(features, outputs, &of), &rows, &background, &request).expect("explains");
        let errors = found.std_error.as_ref().expect("errors");
        for ((found, error), expected) in found.values.as_slice().iter().zip(errors.as_slice()).zip(list("expected")) {
            off += ((found - expected) / error).powi(2) / (15.0 * seeds as f64);
        }
    }
    assert!((0.8..1.2).contains(&off), "squares of distances in standard errors are 1 in the mean: {off}");
}

proptest! {
    #[test]
    fn integrated_gradients_of_polynomials_are_complete(
        row in prop::collection::vec(-2.0..2.0f64, 3),
        background in prop::collection::vec(-2.0..2.0f64, 6),
        weights in prop::collection::vec(-1.0..1.0f64, 4),
    ) {
        let of = |x: &[f64]| {
            let value = weights[0] * x[0] * x[1] + weights[1] * x[1].powi(3) + weights[2] * x[2] + weights[3];
            let slopes = vec![weights[0] * x[1], weights[0] * x[0] + 3.0 * weights[1] * x[1] * x[1], weights[2]];
            (vec![value], vec![slopes])
        };
        let found = run(&mut Known::new(3, 1, of), &row, &background, &by(Method::Integrated)).expect("explains");
        let moved = (found.predictions[0][0] - found.base_values[0]).abs();
        prop_assert!(found.residual_max < 1e-9 * moved.max(1.0));
        // Linearity: the part of x2, which stands alone, is that of the line.
        let mean = f64::midpoint(background[2], background[5]);
        prop_assert!((found.attributions(0, 0)[2] - weights[2] * (row[2] - mean)).abs() < 1e-9);
    }

    /// Two features that the function treats alike, with the same values, have the same part.
    #[test]
    fn symmetric_features_have_equal_parts(a in -2.0..2.0f64, b in -2.0..2.0f64, seed in 0..100u64) {
        let of = |x: &[f64]| {
            let wave = (x[0] * x[1]).tanh();
            (vec![wave], vec![vec![(1.0 - wave * wave) * x[1], (1.0 - wave * wave) * x[0]]])
        };
        for method in [Method::Integrated, Method::Expected] {
            let request = ExplainRequest { seed, ..by(method) };
            let found = run(&mut Known::new(2, 1, of), &[a, a], &[b, b], &request).expect("explains");
            let parts = found.attributions(0, 0);
            prop_assert!((parts[0] - parts[1]).abs() < 1e-12);
        }
    }
}
