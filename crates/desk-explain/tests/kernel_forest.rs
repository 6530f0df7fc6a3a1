//! Kernel SHAP on a forest of 100 trees and 30 features, against its exact values.

mod common;

use common::{ensemble, fixture, names, numbers};
use desk_core::{Cancel, NoProgress, Predictor as _};
use desk_explain::{EnsemblePredictor, ExplainRequest, Explanation, Method, Model, OutputChoice, Table, explain};

/// The model rows that shap's `KernelExplainer` asks for with these coalitions, and with which it misses by 0.20 as it is
/// set by default and by 0.030 with the full regression (`xtask/python/bench_kernel.py`).
const COALITIONS: usize = 2048;

#[test]
fn two_thousand_coalitions_miss_by_less_than_two_hundredths_and_intervals_hold() {
    let file = fixture("kernel_forest.json");
    let trees = ensemble(file["ensemble"].clone());
    let (rows, background) = (numbers(&file["rows"]), numbers(&file["background"]));
    let explained = |method, seed| -> Explanation {
        let mut predictor = EnsemblePredictor::new(&trees).expect("well formed");
        let d = predictor.n_features();
        let output = OutputChoice::One(1);
        let request = ExplainRequest { method, samples: Some(COALITIONS), seed, output, ..ExplainRequest::default() };
        let model = Model { trees: Some(&trees), linear: None, predictor: &mut predictor, output_names: &[] };
        let (rows, background) = (Table::new(&rows, d), Table::new(&background, d));
        explain(model, rows, background, &names(d), &request, &Cancel::new(), &NoProgress).expect("explained")
    };
    let exact = explained(Method::Tree, 0);
    let length = |of: &[f64]| of.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (mut all, mut inside, mut count, mut squares) = (0.0, 0, 0, 0.0);
    let (seeds, n) = (3, exact.predictions.len());
    for seed in 0..seeds {
        let found = explained(Method::Kernel, seed);
        assert_eq!(found.model_rows - n as u64 * 2 - 100, (n * COALITIONS * 100) as u64, "no more than was asked for");
        let errors = found.std_error.expect("sampled");
        for row in 0..n {
            let both = found.values.row(row).iter().zip(exact.values.row(row));
            let apart: Vec<f64> = both.map(|(a, b)| a - b).collect();
            all += length(&apart) / length(exact.values.row(row));
            for (apart, error) in apart.iter().zip(errors.row(row)).filter(|(_, error)| **error > 0.0) {
                inside += u32::from(apart.abs() <= 1.96 * error);
                squares += (apart / error).powi(2);
                count += 1;
            }
        }
    }
    let error = all / (seeds as f64 * n as f64);
    assert!(error <= 0.02, "{error} of the values' length");
    let (share, ratio) = (f64::from(inside) / f64::from(count), (squares / f64::from(count)).sqrt());
    assert!((0.91..0.99).contains(&share), "{share} within intervals of 95 %");
    assert!((0.85..1.2).contains(&ratio), "errors are {ratio} times what is said");
}
