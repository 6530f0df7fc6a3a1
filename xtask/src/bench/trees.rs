//! Shapley values of boosted trees beside shap, woodelf and XGBoost, each on one core, in one run.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row, text};
use crate::{python, shell};

/// Trees and depth of the models.
const MODELS: [(u32, u32); 3] = [(100, 6), (500, 6), (1000, 8)];
/// Two correct answers differ by no more: shap adds in float32.
const TOLERANCE: f64 = 1e-4;

/// One measurement, as `bench_trees.py` and the example `speed` of desk-explain print it.
#[derive(Deserialize)]
struct Found {
    method: String,
    background: Option<u32>,
    rows: u32,
    seconds: f64,
    /// Of the example alone.
    threads: Option<u32>,
    difference: Option<f64>,
}

impl Found {
    fn rate(&self) -> f64 {
        f64::from(self.rows) / self.seconds
    }
}

pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let beside = python::beside(&context.python, "requirements-trees.txt")?;
    let models = if context.quick { &MODELS[..1] } else { &MODELS[..] };
    let mut rows = Vec::new();
    for (trees, depth) in models {
        let folder = context.path(&format!("trees{trees}"));
        fs::create_dir_all(&folder)?;
        let mut script = context.script("bench_trees.py")?;
        script.env("PYTHONPATH", &beside).env("OMP_NUM_THREADS", "1").env("OPENBLAS_NUM_THREADS", "1");
        script.args([&trees.to_string(), &depth.to_string(), text(&folder)?]);
        let mut example = context.example("speed")?;
        example.arg(&folder);
        if context.quick {
            script.arg("--quick");
            example.arg("--quick");
        }
        let (peers, ours) = (read(&mut script)?, read(&mut example)?);
        if let Some(wrong) = ours.iter().find(|found| found.difference.is_some_and(|most| most > TOLERANCE)) {
            anyhow::bail!("{} differs from its peer by {:?}", wrong.method, wrong.difference);
        }
        rows.extend(table(&format!("{trees} trees of depth {depth}"), &peers, &ours));
    }
    Ok(rows)
}

fn read(command: &mut Command) -> Result<Vec<Found>> {
    let printed = shell::output(command)?;
    let line = |line| serde_json::from_str(line).with_context(|| format!("the answer: {line}"));
    printed.lines().map(line).collect()
}

/// Each of our figures on one core beside the peers that explain the same; the largest on two cores beside that on one.
fn table(model: &str, peers: &[Found], ours: &[Found]) -> Vec<Row> {
    let mut rows = Vec::new();
    for found in ours.iter().filter(|found| found.threads == Some(1)) {
        let size = found.background.map_or_else(String::new, |size| format!(", background {size}"));
        let what = |peer: &str| format!("{model}{size}, {} rows, one core (peer: {peer})", found.rows);
        let mut add = |peer: &str, rate: f64, aim| {
            let (ours, peer_rate) = (found.rate(), Some(rate));
            rows.push(Row { what: what(peer), ours, peer: peer_rate, unit: "rows/s", less_is_better: false, aim });
        };
        for peer in peers.iter().filter(|peer| peer.background == found.background) {
            match peer.method.as_str() {
                "woodelf" if peer.rows == found.rows => add("woodelf", peer.rate(), "ahead"),
                // These take their rows one after the other.
                "shap" if found.rows >= 2_000 => add("shap", peer.rate(), "120x or better"),
                "xgboost" if found.rows >= 2_000 => add("XGBoost's pred_contribs", peer.rate(), "75x or better"),
                _ => {}
            }
        }
    }
    let most = ours.iter().map(|found| found.rows).max();
    for both in ours.iter().filter(|found| found.threads == Some(2) && Some(found.rows) == most) {
        let same = |one: &&Found| {
            one.threads == Some(1)
                && (one.method.as_str(), one.background, one.rows) == (both.method.as_str(), both.background, both.rows)
        };
        let size = both.background.map_or_else(String::new, |size| format!(", background {size}"));
        rows.push(Row {
            what: format!("{model}{size}, {} rows, two cores (beside: one)", both.rows),
            ours: both.rate(),
            peer: ours.iter().find(same).map(Found::rate),
            unit: "rows/s",
            less_is_better: false,
            aim: "",
        });
    }
    rows
}
