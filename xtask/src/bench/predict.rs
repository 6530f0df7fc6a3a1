//! Files of rows scored from end to end, beside pandas with onnxruntime.

use anyhow::Result;

use super::measure::{Cost, cost, median};
use super::{Context, Row, text};
use crate::shell;

const MODEL: &str = "assets/samples/tumour/v2.onnx";

/// One million rows of CSV in, predictions as CSV out.
pub fn csv(context: &Context) -> Result<Vec<Row>> {
    let rows = if context.quick { 50_000 } else { 1_000_000 };
    let (ours, peer) = compare(context, rows, "csv", 3)?;
    Ok(pair(&format!("{rows} rows of 30 columns, CSV to CSV"), "3x or better", "less", &ours, &peer))
}

/// Ten million rows of Parquet: what matters is that the memory does not grow with the rows.
pub fn parquet(context: &Context) -> Result<Vec<Row>> {
    let rows = if context.quick { 100_000 } else { 10_000_000 };
    let (tenth, _) = compare(context, rows / 10, "parquet", 1)?;
    let (ours, peer) = compare(context, rows, "parquet", 1)?;
    let mut table =
        pair(&format!("{rows} rows of 30 columns, Parquet to Parquet"), "", "bounded, and less", &ours, &peer);
    table.push(Row {
        what: format!("peak memory (beside: of Modeldesk with {} rows)", rows / 10),
        ours: ours.peak_bytes as f64,
        peer: Some(tenth.peak_bytes as f64),
        unit: "bytes",
        less_is_better: true,
        aim: "near 1",
    });
    Ok(table)
}

/// The same rows by both programs; the answers are compared before any time counts.
fn compare(context: &Context, rows: u32, extension: &str, runs: usize) -> Result<(Cost, Cost)> {
    let data = context.path(&format!("rows-{rows}.{extension}"));
    shell::run(context.script("bench_data.py")?.arg(rows.to_string()).arg(&data))?;
    let home = format!("predict-{extension}-{rows}");
    let _: serde_json::Value = context.ask(&home, &["import", MODEL, "--name", "tumour"])?;
    let (ours_out, peer_out) = (context.path(&format!("ours.{extension}")), context.path(&format!("peer.{extension}")));
    let ours = median(runs, || {
        let mut command = context.modeldesk(&home);
        command.args(["predict", "tumour@1", "--device", "cpu", "--data", text(&data)?, "--out", text(&ours_out)?]);
        cost(&mut command, &context.scratch)
    })?;
    let peer = median(runs, || {
        let mut command = context.script("bench_predict.py")?;
        cost(command.arg(MODEL).arg(&data).arg(&peer_out), &context.scratch)
    })?;
    shell::run(context.script("bench_same.py")?.arg(&ours_out).arg(&peer_out))?;
    for file in [data, ours_out, peer_out] {
        std::fs::remove_file(file)?;
    }
    Ok((ours, peer))
}

fn pair(what: &str, time_aim: &'static str, memory_aim: &'static str, ours: &Cost, peer: &Cost) -> Vec<Row> {
    let time = Row {
        what: format!("{what} (peer: pandas + onnxruntime)"),
        ours: ours.seconds,
        peer: Some(peer.seconds),
        unit: "s",
        less_is_better: true,
        aim: time_aim,
    };
    let memory = Row {
        what: "peak memory".to_owned(),
        ours: ours.peak_bytes as f64,
        peer: Some(peer.peak_bytes as f64),
        unit: "bytes",
        less_is_better: true,
        aim: memory_aim,
    };
    vec![time, memory]
}
