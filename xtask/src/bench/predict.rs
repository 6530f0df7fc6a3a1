//! One million rows of CSV in, predictions as CSV out, beside pandas with onnxruntime.

use anyhow::Result;

use super::measure::{cost, median};
use super::{Context, Row, text};
use crate::shell;

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let rows = if context.quick { "50000" } else { "1000000" };
    let data = context.path("rows.csv");
    shell::run(context.script("bench_data.py")?.arg(rows).arg(&data))?;
    let model = "assets/samples/tumour/v2.onnx";
    let _: serde_json::Value = context.ask("predict", &["import", model, "--name", "tumour"])?;
    let (ours_out, peer_out) = (context.path("ours.csv"), context.path("peer.csv"));
    let ours = median(3, || {
        let mut command = context.modeldesk("predict");
        command.args(["predict", "tumour@1", "--device", "cpu", "--data", text(&data)?, "--out", text(&ours_out)?]);
        cost(&mut command, &context.scratch)
    })?;
    let peer = median(3, || {
        let mut command = context.script("bench_predict.py")?;
        cost(command.arg(model).arg(&data).arg(&peer_out), &context.scratch)
    })?;
    shell::run(context.script("bench_same.py")?.arg(&ours_out).arg(&peer_out))?;
    Ok(vec![
        Row {
            what: format!("{rows} rows of 30 columns, CSV to CSV (peer: pandas + onnxruntime)"),
            ours: ours.seconds,
            peer: Some(peer.seconds),
            unit: "s",
            less_is_better: true,
            aim: "3x or better",
        },
        Row {
            what: "peak memory".to_owned(),
            ours: ours.peak_bytes as f64,
            peer: Some(peer.peak_bytes as f64),
            unit: "bytes",
            less_is_better: true,
            aim: "less",
        },
    ])
}
