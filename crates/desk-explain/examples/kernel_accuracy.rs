//! How near kernel SHAP comes to the exact values of a forest: `kernel_accuracy FOLDER`.
//!
//! FOLDER is what `xtask/python/bench_kernel.py` wrote, which also says how near shap comes. One JSON line for each number of
//! coalitions: over the rows and 20 seeds the mean and largest relative error (the length of the difference by that of the
//! exact values) and the share of values that lie within 1.96 standard errors.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use desk_core::trees::TreeEnsemble;
use desk_core::{Cancel, NoProgress, Predictor as _};
use desk_explain::{
    EnsemblePredictor, ExplainRequest, Explanation, FeatureInfo, Method, Model, OutputChoice, Table, explain,
};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

const SEEDS: u64 = 20;

fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).ok_or("usage: kernel_accuracy FOLDER")?;
    let read = |name: &str| fs::read_to_string(Path::new(&folder).join(name));
    let ensemble: TreeEnsemble = serde_json::from_str(&read("ensemble.json")?)?;
    let file: Value = serde_json::from_str(&read("rows.json")?)?;
    let (rows, background) = (numbers(&file["rows"]), numbers(&file["background"]));
    let exact = run(&ensemble, &rows, &background, Method::Tree, None, 0)?;
    for samples in [512, 2048, 8192] {
        let (mut all, mut largest, mut inside, mut count, mut seconds) = (0.0, 0f64, 0u32, 0u32, 0.0);
        for seed in 0..SEEDS {
            let start = Instant::now();
            let found = run(&ensemble, &rows, &background, Method::Kernel, Some(samples), seed)?;
            seconds += start.elapsed().as_secs_f64();
            let errors = found.std_error.as_ref().ok_or("the method does not sample here")?;
            let length = |of: &mut dyn Iterator<Item = f64>| of.map(|x| x * x).sum::<f64>().sqrt();
            for row in 0..found.predictions.len() {
                let pairs = || found.values.row(row).iter().zip(exact.values.row(row));
                let error = length(&mut pairs().map(|(a, b)| a - b)) / length(&mut pairs().map(|(_, b)| *b));
                (all, largest) = (all + error, largest.max(error));
                for ((a, b), error) in pairs().zip(errors.row(row)).filter(|(_, error)| **error > 0.0) {
                    inside += u32::from((a - b).abs() <= 1.96 * error);
                    count += 1;
                }
            }
        }
        let runs = SEEDS as f64 * exact.predictions.len() as f64;
        println!(
            "{}",
            json!({"coalitions": samples, "relative_error": all / runs, "largest": largest,
                   "within_95": f64::from(inside) / f64::from(count), "seconds_a_row": seconds / runs})
        );
    }
    Ok(())
}

/// A list of any depth as flat numbers.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

fn run(
    ensemble: &TreeEnsemble,
    rows: &[f64],
    background: &[f64],
    method: Method,
    samples: Option<usize>,
    seed: u64,
) -> Result<Explanation, Failure> {
    let mut predictor = EnsemblePredictor::new(ensemble)?;
    let d = predictor.n_features();
    let features: Vec<_> = (0..d).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
    let output = OutputChoice::One(predictor.n_outputs() - 1);
    let model = Model { trees: Some(ensemble), linear: None, predictor: &mut predictor, output_names: &[] };
    let request = ExplainRequest { method, samples, seed, output, ..ExplainRequest::default() };
    let (rows, background) = (Table::new(rows, d), Table::new(background, d));
    Ok(explain(model, rows, background, &features, &request, &Cancel::new(), &NoProgress)?)
}
