//! How long Shapley values of a tree ensemble take: `speed FOLDER [--quick]`.
//!
//! FOLDER is what `xtask/python/bench_trees.py` wrote, beside shap, woodelf and XGBoost in the same run. One JSON line
//! for each measurement: the best of some runs of the whole call, preparation included.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use desk_core::trees::TreeEnsemble;
use desk_core::{Cancel, NoProgress};
use desk_explain::{EnsemblePredictor, ExplainRequest, Explanation, FeatureInfo, Method, Model, Table, explain};
use serde_json::json;

/// Rows from which covers are counted anew for each call; XGBoost reads them from its file.
const COVERS_FROM: usize = 10_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: speed FOLDER [--quick]")?;
    let quick = args.any(|arg| arg == "--quick");
    let folder = Path::new(&folder);
    let ensemble: TreeEnsemble = serde_json::from_str(&fs::read_to_string(folder.join("ensemble.json"))?)?;
    let rows: Vec<f64> = numbers(&folder.join("rows.f32"), |b: [u8; 4]| f64::from(f32::from_le_bytes(b)))?;
    let shap = numbers(&folder.join("shap.f64"), f64::from_le_bytes)?;
    let counts: &[usize] = if quick { &[1, 2_000] } else { &[1, 100, 2_000, 20_000] };
    let backgrounds: &[usize] = if quick { &[100] } else { &[100, 10_000] };
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let bench = Bench { ensemble: &ensemble, rows: &rows, pool: &pool, threads };
        for count in counts {
            for background in backgrounds {
                let expected = if *background == 100 { shap.as_slice() } else { &[] };
                bench.measure(Method::Tree, *background, *count, expected)?;
            }
            bench.measure(Method::Path, COVERS_FROM, *count, &[])?;
        }
    }
    Ok(())
}

/// Little-endian numbers of a file.
fn numbers<const N: usize>(path: &Path, read: impl Fn([u8; N]) -> f64) -> Result<Vec<f64>, Failure> {
    Ok(fs::read(path)?.as_chunks::<N>().0.iter().map(|bytes| read(*bytes)).collect())
}

struct Bench<'a> {
    ensemble: &'a TreeEnsemble,
    rows: &'a [f64],
    pool: &'a rayon::ThreadPool,
    threads: usize,
}

impl Bench<'_> {
    /// Explains the first `count` rows against the first `background`; what is `expected` of the first of them is compared.
    fn measure(&self, method: Method, background: usize, count: usize, expected: &[f64]) -> Result<(), Failure> {
        let (mut best, mut runs, mut spent) = (f64::INFINITY, 0, 0.0);
        let mut difference = 0f64;
        while runs < 3 || (runs < 20 && spent < 0.3) {
            let start = Instant::now();
            let found = self.explain(method, background, count)?;
            let seconds = start.elapsed().as_secs_f64();
            (best, runs, spent) = (best.min(seconds), runs + 1, spent + seconds);
            let both = found.values.as_slice().iter().zip(expected);
            difference = both.fold(difference, |most, (a, b)| most.max((a - b).abs()));
        }
        let background = (method == Method::Tree).then_some(background);
        println!(
            "{}",
            json!({"method": method, "background": background, "rows": count, "threads": self.threads,
                   "seconds": best, "difference": difference})
        );
        Ok(())
    }

    fn explain(&self, method: Method, background: usize, count: usize) -> Result<Explanation, Failure> {
        let d = self.ensemble.n_features as usize;
        let features: Vec<_> = (0..d).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
        let mut predictor = EnsemblePredictor::new(self.ensemble)?;
        let model = Model { trees: Some(self.ensemble), linear: None, predictor: &mut predictor, output_names: &[] };
        let (rows, background) = (Table::new(&self.rows[..count * d], d), Table::new(&self.rows[..background * d], d));
        let request = ExplainRequest { method, ..ExplainRequest::default() };
        Ok(self.pool.install(|| explain(model, rows, background, &features, &request, &Cancel::new(), &NoProgress))?)
    }
}
