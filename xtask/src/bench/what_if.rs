//! What if: from a changed value to its answer and its explanation, as the window asks for them.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row};
use crate::{runtime, shell};

/// What the example `what_if` of desk-app prints for each sample.
#[derive(Deserialize)]
struct Found {
    sample: String,
    median_ms: f64,
    p95_ms: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let mut example = context.example("what_if")?;
    example.env(runtime::LIBRARY_VARIABLE, &context.library);
    let printed = shell::output(&mut example)?;
    let mut rows = Vec::new();
    for line in printed.lines() {
        let found: Found = serde_json::from_str(line).with_context(|| format!("the answer: {line}"))?;
        let row = |what: &str, ours, aim| Row {
            what: format!("{} sample, one value of a row changed: {what}", found.sample),
            ours,
            peer: None,
            unit: "ms",
            less_is_better: true,
            aim,
        };
        rows.push(row("median", found.median_ms, ""));
        rows.push(row("95th percentile", found.p95_ms, "below 50 ms"));
    }
    Ok(rows)
}
