//! A model's graph: how long its layout takes, what a frame of it costs, and the whole way from the file to the picture.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row, text};
use crate::{place, shell};

/// What the example `graph` of desk-uikit prints for each graph.
#[derive(Deserialize)]
struct Found {
    shape: String,
    nodes: u32,
    layout_seconds: f64,
    frame_p95_ms: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let mut example = context.example("graph")?;
    let nodes: &[&str] = if context.quick { &["1000"] } else { &["1000", "10000", "100000"] };
    let printed = shell::output(example.args(nodes))?;
    let mut rows = Vec::new();
    for line in printed.lines() {
        let found: Found = serde_json::from_str(line).with_context(|| format!("the answer: {line}"))?;
        let row = |what: &str, ours, unit, aim| Row {
            what: format!("{} nodes, {}: {what}", found.nodes, found.shape),
            ours,
            peer: None,
            unit,
            less_is_better: true,
            aim,
        };
        rows.push(row("layout", found.layout_seconds, "s", "below 1 s"));
        rows.push(row("a frame on the processor, 95th percentile", found.frame_p95_ms, "ms", "below 16 ms"));
    }
    rows.extend(whole_way(context)?);
    Ok(rows)
}

/// What the example `graph_page` of the window prints.
#[derive(Deserialize)]
struct Page {
    nodes: u64,
    read_seconds: f64,
    picture_seconds: f64,
    resident_bytes: u64,
}

/// A model of so many nodes is imported and its graph opened in the window: the worker reads the file, the graph comes
/// through its pipe, is laid out and drawn.
fn whole_way(context: &Context) -> Result<Vec<Row>> {
    let nodes = if context.quick { "1000" } else { "100000" };
    let model = context.path("chain.onnx");
    shell::run(context.script("bench_graph.py")?.arg(nodes).arg(&model))?;
    // The runtime may take minutes to load such a chain: golden rows are not made.
    let import = ["import", text(&model)?, "--name", "chain", "--golden-seconds", "2"];
    context.ask::<serde_json::Value>("graph", &import)?;
    let mut example = context.example("graph_page")?;
    example.arg(context.path("graph")).arg(place::program("modeldesk-workbench", "release")).arg("chain");
    let printed = shell::output(&mut example)?;
    let found: Page = serde_json::from_str(printed.trim()).with_context(|| format!("the answer: {printed}"))?;
    let row = |what: &str, ours, unit, aim| Row {
        what: format!("{} nodes, a file: {what}", found.nodes),
        ours,
        peer: None,
        unit,
        less_is_better: true,
        aim,
    };
    Ok(vec![
        row("read by the worker and taken over", found.read_seconds, "s", ""),
        row("from the address to the first picture", found.picture_seconds, "s", "below 2 s"),
        row("resident memory of the window for it", found.resident_bytes as f64 / 1e6, "MB", "below 400 MB"),
    ])
}
