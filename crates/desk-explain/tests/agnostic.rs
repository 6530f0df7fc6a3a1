//! Exact enumeration, kernel SHAP and permutation sampling, against shap and against the definition.

mod common;

use common::{Function, by_definition, noise, number, numbers, reference, run};
use desk_explain::{ExplainRequest, Explanation, Method, OutputChoice, Table, summarize, swarm};
use proptest::prelude::*;

/// The reference network, by its weights.
struct Network {
    mean: Vec<f64>,
    scale: Vec<f64>,
    w1: Vec<f64>,
    b1: Vec<f64>,
    w2: Vec<f64>,
    b2: f64,
}

impl Network {
    fn load() -> (Self, serde_json::Value) {
        let file = reference("shap/network.json");
        let list = |name: &str| numbers(&file[name]);
        let network = Self {
            mean: list("mean"),
            scale: list("scale"),
            w1: list("w1"),
            b1: list("b1"),
            w2: list("w2"),
            b2: list("b2")[0],
        };
        (network, file)
    }

    fn log_odds(&self, row: &[f64]) -> f64 {
        let x: Vec<f64> = row.iter().zip(&self.mean).zip(&self.scale).map(|((x, m), s)| (x - m) / s).collect();
        let hidden = self.b1.len();
        let unit = |h: usize| {
            let sum: f64 = x.iter().enumerate().map(|(j, x)| x * self.w1[j * hidden + h]).sum();
            (sum + self.b1[h]).tanh() * self.w2[h]
        };
        (0..hidden).map(unit).sum::<f64>() + self.b2
    }

    fn probability(&self, row: &[f64]) -> f64 {
        1.0 / (1.0 + (-self.log_odds(row)).exp())
    }
}

fn request(method: Method) -> ExplainRequest {
    ExplainRequest { method, ..ExplainRequest::default() }
}

fn worst(found: &[f64], want: &[f64]) -> f64 {
    assert_eq!(found.len(), want.len());
    found.iter().zip(want).fold(0.0, |max, (a, b)| max.max((a - b).abs()))
}

#[test]
fn enumeration_equals_shap_for_a_network() {
    let (network, file) = Network::load();
    let (rows, background) = (numbers(&file["rows"]), numbers(&file["background"]));
    for (name, log_odds) in [("log-odds", true), ("probability", false)] {
        let of = |row: &[f64]| vec![if log_odds { network.log_odds(row) } else { network.probability(row) }];
        let mut model = Function::new(10, 1, of);
        let found = run(&mut model, &rows, &background, &request(Method::Auto)).expect("explained");
        let want = &file["spaces"][name];
        assert_eq!((found.method, found.exact), (Method::Exact, true));
        assert!(worst(found.values.as_slice(), &numbers(&want["values"])) < 1e-9, "{name}");
        assert!(worst(&found.base_values, &numbers(&want["base_values"])) < 1e-9);
        assert!(found.residual_max < 1e-12 && found.std_error.is_none());
        assert_eq!(found.model_rows as usize, model.asked);
    }
}

#[test]
fn every_method_equals_shap_for_a_linear_model() {
    let file = reference("shap/linear.json");
    let (weights, intercept) = (numbers(&file["weights"]), number(&file["intercept"]));
    let of = |row: &[f64]| vec![intercept + row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>()];
    let (rows, background) = (numbers(&file["rows"]), numbers(&file["background"]));
    let want = numbers(&file["values"]);
    for method in [Method::Exact, Method::Kernel, Method::Permutation] {
        let mut model = Function::new(weights.len(), 1, of);
        let asked = ExplainRequest { samples: Some(40), ..request(method) };
        let found = run(&mut model, &rows, &background, &asked).expect("explained");
        assert!(worst(found.values.as_slice(), &want) < 1e-9, "{method}");
        // An additive model leaves nothing to chance, and the standard errors say so.
        let errors = found.std_error.map_or(0.0, |e| e.as_slice().iter().copied().fold(0.0, f64::max));
        assert!(errors < 1e-9, "{method} {errors}");
    }
}

/// A model with interactions of every order up to four, 16 features, of which some share alike.
fn tangled(row: &[f64]) -> f64 {
    let linear: f64 = row.iter().enumerate().map(|(j, x)| x * (j as f64 - 6.0) / 5.0).sum();
    let pairs: f64 = row.windows(2).map(|w| w[0] * w[1]).sum();
    let triples: f64 = row.windows(3).map(|w| (w[0] * w[1] * w[2]).tanh()).sum();
    linear + pairs + 2.0 * triples + (row[0] * row[5] * row[9] * row[12] * 4.0).sin()
}

/// Exact values of `tangled` for 16 features: by the definition in one sweep over 2^16 sets.
fn exact_16(row: &[f64], background: &[f64]) -> Vec<f64> {
    by_definition(&|x| vec![tangled(x)], row, background)
}

/// |estimate - exact| within 3 standard errors for 99 % of estimates (a normal has 99.7 %), and
/// standard errors of the size of the actual errors.
fn calibrated(method: Method, samples: usize) {
    let d = 16;
    let (row, background) = (noise(d, 5), noise(3 * d, 6));
    let want = exact_16(&row, &background);
    let (mut inside, mut all, mut squares) = (0, 0, 0.0);
    for seed in 0..200 {
        let mut model = Function::new(d, 1, |x: &[f64]| vec![tangled(x)]);
        let asked = ExplainRequest { samples: Some(samples), seed, ..request(method) };
        let found = run(&mut model, &row, &background, &asked).expect("explained");
        assert!(!found.exact && found.residual_max < 1e-9);
        let errors = found.std_error.expect("sampled");
        for ((value, want), error) in found.values.as_slice().iter().zip(&want).zip(errors.as_slice()) {
            assert!(*error > 0.0);
            all += 1;
            inside += usize::from((value - want).abs() <= 3.0 * error);
            squares += ((value - want) / error).powi(2);
        }
    }
    let (share, ratio) = (f64::from(inside as u32) / f64::from(all), (squares / f64::from(all)).sqrt());
    assert!(share >= 0.985, "{method} {samples}: only {share} within 3 standard errors");
    assert!((0.7..1.15).contains(&ratio), "{method} {samples}: errors are {ratio} times what is said");
}

#[test]
fn kernel_standard_errors_are_true() {
    for samples in [70, 150, 400, 2000] {
        calibrated(Method::Kernel, samples);
    }
}

#[test]
fn permutation_standard_errors_are_true() {
    for samples in [400, 1200] {
        calibrated(Method::Permutation, samples);
    }
}

#[test]
fn kernel_converges_and_beats_permutation_at_equal_cost() {
    let d = 16;
    let (row, background) = (noise(d, 5), noise(3 * d, 6));
    let want = exact_16(&row, &background);
    let error = |method, samples| {
        let mut squares = 0.0;
        for seed in 0..20 {
            let mut model = Function::new(d, 1, |x: &[f64]| vec![tangled(x)]);
            let asked = ExplainRequest { samples: Some(samples), seed, ..request(method) };
            let found = run(&mut model, &row, &background, &asked).expect("explained");
            squares += found.values.as_slice().iter().zip(&want).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        }
        (squares / 20.0).sqrt()
    };
    let (few, many) = (error(Method::Kernel, 256), error(Method::Kernel, 8192));
    assert!(many < few / 6.0, "32 times the samples: {few} to {many}");
    assert!(few < error(Method::Permutation, 256));
    // The whole budget is the exact answer.
    assert!(error(Method::Kernel, 1 << 16) < 1e-9);
}

#[test]
fn an_early_stop_saves_work_and_keeps_its_promise() {
    let d = 16;
    let (row, background) = (noise(d, 5), noise(3 * d, 6));
    for method in [Method::Kernel, Method::Permutation] {
        let with = |max_std_error| {
            let mut model = Function::new(d, 1, |x: &[f64]| vec![tangled(x)]);
            let asked = ExplainRequest { samples: Some(8000), max_std_error, ..request(method) };
            run(&mut model, &row, &background, &asked).expect("explained")
        };
        let (full, stopped, strict) = (with(None), with(Some(0.05)), with(Some(1e-6)));
        let largest =
            |e: &Explanation| e.std_error.as_ref().expect("sampled").as_slice().iter().copied().fold(0.0, f64::max);
        assert!(stopped.model_rows < full.model_rows / 2, "{} of {}", stopped.model_rows, full.model_rows);
        assert!(largest(&stopped) <= 0.05 && stopped.warnings.is_empty());
        assert_eq!(strict.model_rows, full.model_rows);
        assert!(strict.warnings.iter().any(|w| w.contains("standard error")), "{:?}", strict.warnings);
        assert_eq!(strict.values, full.values);
    }
}

#[test]
fn a_seed_is_the_same_bits_and_another_seed_is_not() {
    let d = 14;
    let (rows, background) = (noise(3 * d, 1), noise(5 * d, 2));
    for method in [Method::Kernel, Method::Permutation, Method::Lime] {
        let with = |seed, rows: &[f64]| {
            let mut model = Function::new(d, 1, |x: &[f64]| vec![tangled(&[x, &[0.5, 0.5]].concat())]);
            let asked = ExplainRequest { samples: Some(300), seed, ..request(method) };
            run(&mut model, rows, &background, &asked).expect("explained")
        };
        let (one, again, other) = (with(1, &rows), with(1, &rows), with(2, &rows));
        assert_eq!(one, again);
        assert_ne!(one.values, other.values);
        // A row is explained alone as it is among others.
        let alone = with(1, &rows[2 * d..]);
        assert_eq!(alone.values.row(0), one.values.row(2));
    }
}

#[test]
fn features_that_never_vary_take_nothing_and_cost_nothing() {
    let d = 30;
    let mut background = noise(4 * d, 3);
    let mut row = noise(d, 4);
    row[7] = f64::NAN;
    for (b, cells) in background.chunks_exact_mut(d).enumerate() {
        cells[7] = f64::NAN;
        cells[9..].copy_from_slice(&row[9..]);
        cells[8] = if b == 2 { 0.0 } else { row[8] };
    }
    let of = |x: &[f64]| vec![x.iter().filter(|v| !v.is_nan()).map(|v| v.sin()).product::<f64>() * 1e12];
    let mut model = Function::new(d, 1, of);
    let found = run(&mut model, &row, &background, &request(Method::Auto)).expect("explained");
    assert_eq!(found.method, Method::Exact);
    assert!(found.method_reason.contains("at most 8 features vary"), "{}", found.method_reason);
    for j in (0..d).filter(|j| *j == 7 || *j >= 9) {
        assert_eq!(found.values.get(0, j, 0), 0.0);
    }
    assert_ne!(found.values.get(0, 8, 0), 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exact_and_complete_kernel_equal_the_definition(seed in any::<u64>(), d in 1..7usize, n in 1..5usize) {
        let (row, background) = (noise(d, seed), noise(n * d, seed ^ 1));
        let of = |x: &[f64]| vec![x.iter().product::<f64>().sin() + x[0], x.iter().sum::<f64>().powi(3)];
        let want = by_definition(&of, &row, &background);
        for method in [Method::Exact, Method::Kernel] {
            let found = run(&mut Function::new(d, 2, of), &row, &background, &request(method)).expect("explained");
            prop_assert!(worst(found.values.as_slice(), &want) < 1e-9);
        }
    }

    #[test]
    fn the_axioms_hold_for_every_method(seed in any::<u64>(), d in 13..17usize) {
        // Features 0 and 1 are alike, the last does nothing.
        let mut row = noise(d, seed);
        row[1] = row[0];
        let mut background = noise(3 * d, seed ^ 1);
        background.chunks_exact_mut(d).for_each(|b| b[1] = b[0]);
        let f = |x: &[f64]| x[..d - 1].iter().sum::<f64>().tanh() + x[0] * x[1] * x[3];
        let g = |x: &[f64]| x[2] * x[4] + (x[0] + x[1]).abs();
        let of = |x: &[f64]| vec![f(x), g(x), 2.0 * f(x) - 3.0 * g(x)];
        for method in [Method::Kernel, Method::Permutation] {
            let asked = ExplainRequest { samples: Some(1500), seed, ..request(method) };
            let found = run(&mut Function::new(d, 3, of), &row, &background, &asked).expect("explained");
            prop_assert!(found.residual_max < 1e-9, "efficiency");
            let errors = found.std_error.as_ref().expect("sampled");
            for k in 0..3 {
                let (a, b) = (found.values.get(0, 0, k), found.values.get(0, 1, k));
                let error = errors.get(0, 0, k) + errors.get(0, 1, k);
                prop_assert!((a - b).abs() <= 5.0 * error + 1e-9, "symmetry {a} {b} {error}");
                let last = found.values.get(0, d - 1, k).abs();
                prop_assert!(last <= 5.0 * errors.get(0, d - 1, k) + 1e-9, "dummy {last}");
            }
            for j in 0..d {
                let [f, g, both] = [0, 1, 2].map(|k| found.values.get(0, j, k));
                prop_assert!((2.0 * f - 3.0 * g - both).abs() < 1e-9, "linearity");
            }
        }
    }
}

#[test]
fn many_rows_are_summed_up() {
    let d = 4;
    let (rows, background) = (noise(50 * d, 8), noise(10 * d, 9));
    let of = |x: &[f64]| vec![0.0, 5.0 * x[2] + 0.5 * x[0] + 0.5 * x[3]];
    let asked = ExplainRequest { output: OutputChoice::One(1), ..request(Method::Exact) };
    let found = run(&mut Function::new(d, 2, of), &rows, &background, &asked).expect("explained");
    assert_eq!((found.outputs.as_slice(), found.output_names[0].as_str()), (&[1][..], "output 1"));
    let summary = summarize(&found, 0);
    assert_eq!((summary[0].feature, summary[0].rank, summary[0].above_next), (2, 1, true));
    assert_eq!((summary[3].feature, summary[3].mean_abs, summary[3].std_error), (1, 0.0, 0.0));
    assert!(!summary[1].above_next, "features 0 and 3 matter alike");
    let shares = found.values.as_slice();
    let mean = (0..50).map(|r| shares[r * d + 2].abs()).sum::<f64>() / 50.0;
    assert!((summary[0].mean_abs - mean).abs() < 1e-12);
    let swarm = swarm(&found, Table::new(&rows, d), 2, 0);
    assert_eq!(swarm.len(), 50);
    for pair in swarm.windows(2) {
        // The model rises with feature 2, so colour and place rise together.
        let (a, b) = (pair[0].level.expect("varies"), pair[1].level.expect("varies"));
        assert!((a - b) * (pair[0].value - pair[1].value) >= 0.0);
    }
}
