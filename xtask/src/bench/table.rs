//! Tables of a million rows: what filtering and sorting take, and what a frame costs.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::measure::{cost, median};
use super::{Context, Row, text};
use crate::shell;

const MODEL: &str = "assets/samples/tumour/v2.onnx";

/// What `modeldesk rows --json` says of its work.
#[derive(Deserialize)]
struct Answer {
    matching: u64,
    seconds: f64,
}

/// What the example `table` of desk-uikit prints for each size.
#[derive(Deserialize)]
struct Frames {
    rows: u64,
    columns: u64,
    frame_p95_ms: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let rows = if context.quick { 50_000 } else { 1_000_000 };
    let data = context.path("table.parquet");
    shell::run(context.script("bench_data.py")?.arg(rows.to_string()).arg(&data))?;
    let _: serde_json::Value = context.ask("table", &["import", MODEL, "--name", "tumour"])?;
    let _: serde_json::Value =
        context.ask("table", &["predict", "tumour", "--device", "cpu", "--data", text(&data)?])?;
    let mut table = Vec::new();
    let asked: [(&str, &[&str]); 3] = [
        ("sorted by a number", &["--sort", "worst_area:desc"]),
        ("sorted by a text, then by a number", &["--sort", "label", "--sort", "worst_area"]),
        (
            "filtered by two columns, sorted by a number",
            &["--where", "mean_radius>=10", "--where", "label=benign", "--sort", "worst_area:desc"],
        ),
    ];
    for (what, args) in asked {
        let whole = median(3, || {
            let mut command = context.modeldesk("table");
            cost(command.args(["rows", "tumour"]).args(args), &context.scratch)
        })?;
        let found: Answer =
            serde_json::from_str(&whole.output).with_context(|| format!("the answer: {}", whole.output))?;
        let row = |what: String, ours, aim| Row { what, ours, peer: None, unit: "s", less_is_better: true, aim };
        table.push(row(format!("{rows} rows {what}: {} rows found", found.matching), found.seconds, "below 0.3 s"));
        table.push(row("the whole command".to_owned(), whole.seconds, ""));
    }
    table.extend(frames(context)?);
    Ok(table)
}

fn frames(context: &Context) -> Result<Vec<Row>> {
    let mut example = context.example("table")?;
    let rows: &[&str] = if context.quick { &["1000"] } else { &["1000", "1000000"] };
    let printed = shell::output(example.args(rows))?;
    let mut table = Vec::new();
    for line in printed.lines() {
        let found: Frames = serde_json::from_str(line).with_context(|| format!("the answer: {line}"))?;
        table.push(Row {
            what: format!("{} rows, {} columns: a frame on the processor, 95th percentile", found.rows, found.columns),
            ours: found.frame_p95_ms,
            peer: None,
            unit: "ms",
            less_is_better: true,
            aim: "below 8 ms",
        });
    }
    Ok(table)
}
