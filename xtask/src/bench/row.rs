//! One row through the worker, beside the same session without a process between.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row};
use crate::{place, runtime, shell};

/// What the example `overhead` of desk-jobs prints with `--json`: medians in microseconds.
#[derive(Deserialize)]
struct Overhead {
    bare_us: f64,
    worker_us: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let mut example = context.example("overhead")?;
    example.current_dir(place::root()).env(runtime::LIBRARY_VARIABLE, &context.library);
    // As the desk starts its worker: the runtime records nothing.
    example.env("ORT_DISABLE_TELEMETRY", "1");
    let printed = shell::output(example.args(["assets/samples/tumour/v2.onnx", "--json"]))?;
    let found: Overhead = serde_json::from_str(&printed).with_context(|| format!("the answer: {printed}"))?;
    Ok(vec![
        Row {
            what: "one row, tumour sample (peer: the bare session)".to_owned(),
            ours: found.worker_us / 1e6,
            peer: Some(found.bare_us / 1e6),
            unit: "s",
            less_is_better: true,
            aim: "",
        },
        Row {
            what: "what the worker adds".to_owned(),
            ours: (found.worker_us - found.bare_us) / 1e6,
            peer: None,
            unit: "s",
            less_is_better: true,
            aim: "below 0.001 s",
        },
    ])
}
