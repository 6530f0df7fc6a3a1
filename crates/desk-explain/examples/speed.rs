//! Rows per second of the tree method, on one thread and on two.
//!
//! `speed MODEL.json` reads `{"ensemble": …, "rows": [[…]], "background": [[…]], "values": [[…]]}`,
//! which `speed.py` writes beside shap's own figure on the same machine, and prints one JSON object.

use std::time::Instant;

use desk_core::trees::TreeEnsemble;
use desk_core::{Cancel, NoProgress};
use desk_explain::{EnsemblePredictor, ExplainRequest, FeatureInfo, Method, Model, Table, explain};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: speed MODEL.json")?;
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let ensemble: TreeEnsemble = serde_json::from_value(file["ensemble"].clone())?;
    let rows: Vec<Vec<f64>> = serde_json::from_value(file["rows"].clone())?;
    let background: Vec<Vec<f64>> = serde_json::from_value(file["background"].clone())?;
    let shap: Vec<Vec<f64>> = serde_json::from_value(file["values"].clone())?;
    let d = ensemble.n_features as usize;
    let features: Vec<_> = (0..d).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
    let (rows, background) = (rows.concat(), background.concat());
    let request = ExplainRequest { method: Method::Tree, ..ExplainRequest::default() };
    let mut report = Vec::new();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        for count in [1, 10, 100, 1000, rows.len() / d] {
            let part = &rows[..count * d];
            let mut best = f64::INFINITY;
            let mut difference = 0f64;
            for _ in 0..3 {
                let mut predictor = EnsemblePredictor::new(&ensemble)?;
                let model = Model { trees: Some(&ensemble), predictor: &mut predictor, output_names: &[] };
                let (rows, background) = (Table::new(part, d), Table::new(&background, d));
                let start = Instant::now();
                let found = pool
                    .install(|| explain(model, rows, background, &features, &request, &Cancel::new(), &NoProgress))?;
                best = best.min(start.elapsed().as_secs_f64());
                for (a, b) in found.values.as_slice().iter().zip(shap.iter().flatten()) {
                    difference = difference.max((a - b).abs());
                }
            }
            report.push(json!({
                "threads": threads,
                "rows": count,
                "ms": best * 1e3,
                "rows_per_second": count as f64 / best,
                "difference_from_shap": difference,
            }));
        }
    }
    #[expect(clippy::print_stdout, reason = "the report is what this program is for")]
    {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}
