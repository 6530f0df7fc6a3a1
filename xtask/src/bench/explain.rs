//! Interventional Shapley values of the tumour sample, beside shap's TreeExplainer; then those of larger ensembles.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::measure::{Cost, cost, median};
use super::{Context, Row, text, trees};
use crate::shell;

/// The part of both answers that is looked at.
#[derive(Deserialize)]
struct Answer {
    seconds: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let rows: u32 = if context.quick { 100 } else { 2000 };
    let data = context.path("explain.csv");
    shell::run(context.script("bench_data.py")?.arg(rows.to_string()).arg(&data))?;
    let background = "assets/samples/tumour/background.csv";
    let _: serde_json::Value =
        context.ask("explain", &["import", "assets/samples/tumour/v2.onnx", "--name", "tumour"])?;
    let range = format!("1..{rows}");
    let ours = median(3, || {
        let mut command = context.modeldesk("explain");
        command.args(["explain", "tumour@1", "--data", text(&data)?, "--rows", &range]);
        cost(command.args(["--background", background, "--method", "tree"]), &context.scratch)
    })?;
    let peer = median(3, || cost(context.script("bench_explain.py")?.arg(&data).arg(background), &context.scratch))?;
    let rate = |cost: &Cost| -> Result<f64> {
        let answer: Answer = serde_json::from_str(&cost.output).context("the answer has no `seconds`")?;
        Ok(f64::from(rows) / answer.seconds)
    };
    let mut found = vec![
        Row {
            what: format!("150 trees, background of 100 rows, {rows} rows: the computation (peer: shap)"),
            ours: rate(&ours)?,
            peer: Some(rate(&peer)?),
            unit: "rows/s",
            less_is_better: false,
            aim: "10x or better",
        },
        Row {
            what: "the whole command".to_owned(),
            ours: ours.seconds,
            peer: Some(peer.seconds),
            unit: "s",
            less_is_better: true,
            aim: "",
        },
    ];
    found.extend(trees::rows(context)?);
    Ok(found)
}
