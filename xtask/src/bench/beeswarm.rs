//! Charts of many dots: what a frame of them costs.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row};
use crate::shell;

/// What the example `beeswarm` of desk-uikit prints for each chart and movement.
#[derive(Deserialize)]
struct Found {
    chart: String,
    points: u32,
    movement: String,
    frame_p95_ms: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let mut example = context.example("beeswarm")?;
    let points: &[&str] = if context.quick { &["1000"] } else { &["1000", "100000"] };
    let printed = shell::output(example.args(points))?;
    let row = |line: &str| {
        let found: Found = serde_json::from_str(line).with_context(|| format!("the answer: {line}"))?;
        let while_what = if found.movement == "zoom" { "while zooming" } else { "under the pointer" };
        Ok(Row {
            what: format!(
                "{} points, {}, {while_what}: a frame on the processor, 95th percentile",
                found.points, found.chart
            ),
            ours: found.frame_p95_ms,
            peer: None,
            unit: "ms",
            less_is_better: true,
            aim: "below 8 ms",
        })
    };
    printed.lines().map(row).collect()
}
