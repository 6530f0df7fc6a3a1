//! Reference files, small models and definitions that several tests share.
#![expect(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use desk_core::trees::TreeEnsemble;
use desk_core::{Cancel, Fault, NoProgress, Predictor};
use desk_explain::{ExplainError, ExplainRequest, Explanation, FeatureInfo, Model, Table, explain};
use serde_json::Value;

/// The repository's reference values.
pub fn reference(name: &str) -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference").join(name))
}

/// This crate's own fixtures.
pub fn fixture(name: &str) -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name))
}

fn read(path: &PathBuf) -> Value {
    let text = std::fs::read_to_string(path).expect("the reference file is there");
    serde_json::from_str(&text).expect("JSON")
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// A list of any depth as flat numbers; null is NaN.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![number(other)],
    }
}

pub fn ensemble(value: Value) -> TreeEnsemble {
    serde_json::from_value(value).expect("a tree ensemble")
}

/// A model from a function of one row.
pub struct Function<F> {
    pub features: usize,
    pub outputs: usize,
    pub of: F,
    /// Rows that it was asked for.
    pub asked: usize,
}

impl<F: FnMut(&[f64]) -> Vec<f64>> Function<F> {
    pub fn new(features: usize, outputs: usize, of: F) -> Self {
        Self { features, outputs, of, asked: 0 }
    }
}

impl<F: FnMut(&[f64]) -> Vec<f64> + Send> Predictor for Function<F> {
    fn n_features(&self) -> usize {
        self.features
    }

    fn n_outputs(&self) -> usize {
        self.outputs
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        self.asked += rows.len() / self.features;
        Ok(rows.chunks_exact(self.features).flat_map(|row| (self.of)(row)).collect())
    }
}

pub fn names(count: usize) -> Vec<FeatureInfo> {
    (0..count).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect()
}

/// Explains without trees, without progress.
pub fn run(
    predictor: &mut dyn Predictor,
    rows: &[f64],
    background: &[f64],
    request: &ExplainRequest,
) -> Result<Explanation, ExplainError> {
    let d = predictor.n_features();
    let model = Model { trees: None, linear: None, predictor, output_names: &[] };
    let (rows, background) = (Table::new(rows, d), Table::new(background, d));
    explain(model, rows, background, &names(d), request, &Cancel::new(), &NoProgress)
}

/// Shapley values by the definition, features x outputs, for a row: the slow way, on purpose.
pub fn by_definition(of: &dyn Fn(&[f64]) -> Vec<f64>, row: &[f64], background: &[f64]) -> Vec<f64> {
    let d = row.len();
    let n = (background.len() / d) as f64;
    let value = |set: usize| -> Vec<f64> {
        let mut sum: Vec<f64> = Vec::new();
        for other in background.chunks_exact(d) {
            let mixed: Vec<f64> = (0..d).map(|j| if set >> j & 1 == 1 { row[j] } else { other[j] }).collect();
            let answer = of(&mixed);
            sum.resize(answer.len(), 0.0);
            sum.iter_mut().zip(&answer).for_each(|(s, a)| *s += a / n);
        }
        sum
    };
    let values: Vec<Vec<f64>> = (0..1 << d).map(value).collect();
    let outputs = values[0].len();
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    let mut shares = vec![0.0; d * outputs];
    for set in 0..1usize << d {
        let size = set.count_ones() as usize;
        for j in (0..d).filter(|j| set >> j & 1 == 0) {
            let weight = factorial(size) * factorial(d - size - 1) / factorial(d);
            for k in 0..outputs {
                shares[j * outputs + k] += weight * (values[set | 1 << j][k] - values[set][k]);
            }
        }
    }
    shares
}

/// Numbers that look random and are the same everywhere, in [-1, 1).
pub fn noise(count: usize, mut state: u64) -> Vec<f64> {
    let next = |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as f64 / f64::from(1u32 << 30)) - 1.0
    };
    (0..count).map(next).collect()
}
