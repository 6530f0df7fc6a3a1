//! A model's graph: how long its layout takes, and what a frame of it costs.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row};
use crate::shell;

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
    Ok(rows)
}
