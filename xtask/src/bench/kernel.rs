//! Methods that ask the model, beside shap and lime that ask a session of ONNX Runtime, and beside that session alone.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row, text};
use crate::shell;

/// Rows that are explained.
const ROWS: u32 = 20;

/// One measurement of `bench_kernel.py`.
#[derive(Deserialize)]
struct Peer {
    what: String,
    model: Option<String>,
    relative_error: Option<f64>,
    /// For each row.
    seconds: Option<f64>,
}

/// One measurement of the example `kernel_accuracy` of desk-explain.
#[derive(Deserialize)]
struct Accuracy {
    coalitions: u32,
    relative_error: f64,
}

/// The part of an explanation that is looked at.
#[derive(Deserialize)]
struct Explained {
    seconds: f64,
    model_rows: u64,
    lime: Option<Lime>,
}

#[derive(Deserialize)]
struct Lime {
    repeats: u32,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let folder = context.path("kernel");
    let peers: Vec<Peer> = lines(context.script("bench_kernel.py")?.arg(&folder))?;
    let near: Vec<Accuracy> = lines(context.example("kernel_accuracy")?.arg(&folder))?;
    let near =
        near.iter().find(|near| near.coalitions == 2048).context("nothing was measured with 2,048 coalitions")?;
    let mut rows = Vec::new();
    for (way, said, aim) in
        [("default", "as it comes", "at most 0.02"), ("full regression", "l1_reg=False", "at most 0.02")]
    {
        let error = peers.iter().find(|peer| peer.what == way).and_then(|peer| peer.relative_error);
        rows.push(Row {
            what: format!("forest, 2,048 coalitions: relative error (peer: shap's KernelExplainer, {said})"),
            ours: near.relative_error,
            peer: error,
            unit: "",
            less_is_better: true,
            aim,
        });
    }
    for model in ["forest", "network"] {
        rows.extend(of(context, model, &peers)?);
    }
    Ok(rows)
}

/// What it takes to explain a row of a model.
fn of(context: &Context, model: &str, peers: &[Peer]) -> Result<Vec<Row>> {
    let of = |what: &str| {
        let mut found = peers.iter().filter(|peer| peer.what == what && peer.model.as_deref() == Some(model));
        found.next().and_then(|peer| peer.seconds).with_context(|| format!("the script does not tell of {what}"))
    };
    let folder = context.path("kernel");
    let (file, data, background) =
        (folder.join(format!("{model}.onnx")), folder.join("rows.csv"), folder.join("background.csv"));
    let _: serde_json::Value = context.ask("kernel", &["import", text(&file)?, "--name", model])?;
    let explain = |method: &str, more: &[&str]| -> Result<Explained> {
        let common = ["--background", text(&background)?, "--rows", "1..20", "--space", "probability"];
        let args = [&["explain", model, "--data", text(&data)?, "--method", method], &common[..], more].concat();
        let mut all: Vec<Explained> = (0..3).map(|_| context.ask("kernel", &args)).collect::<Result<_>>()?;
        all.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        Ok(all.remove(1))
    };
    let (kernel, lime) = (explain("kernel", &["--samples", "2048"])?, explain("lime", &[])?);
    let fits = lime.lime.map_or(1, |lime| lime.repeats);
    let row = |what: String, ours: f64, peer: f64, aim| Row {
        what,
        ours,
        peer: Some(peer),
        unit: "s",
        less_is_better: true,
        aim,
    };
    let each = f64::from(ROWS);
    Ok(vec![
        row(
            format!("{model}, Kernel SHAP of a row, 2,048 coalitions, background of 100 (peer: shap)"),
            kernel.seconds / each,
            of("kernel")?,
            "",
        ),
        row(
            format!("{model}, the same {} rows (peer: ONNX Runtime's session alone)", kernel.model_rows),
            kernel.seconds,
            of("session")? * kernel.model_rows as f64,
            "0.8 or better",
        ),
        row(
            format!("{model}, one fit of LIME to a row, 5,000 samples (peer: lime)"),
            lime.seconds / each / f64::from(fits),
            of("lime")?,
            if model == "forest" { "20x or better" } else { "" },
        ),
    ])
}

/// What a command prints, line by line.
fn lines<T: serde::de::DeserializeOwned>(command: &mut Command) -> Result<Vec<T>> {
    let printed = shell::output(command)?;
    printed.lines().map(|line| serde_json::from_str(line).with_context(|| format!("the answer: {line}"))).collect()
}
