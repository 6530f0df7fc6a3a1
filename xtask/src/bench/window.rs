//! The window: how soon its first frame is there, and what it costs to leave it open.
//!
//! Drawn by the software renderer on a virtual display, so that every machine can measure it; a
//! graphics card makes the first frame come sooner.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row};
use crate::{place, runtime, shell};

/// So often the window is opened; the median is kept.
const TRIES: usize = 5;

#[derive(Deserialize)]
struct FirstFrame {
    seconds: f64,
}

#[derive(Deserialize)]
struct Idle {
    seconds: f64,
    cpu_seconds: f64,
    frames: u64,
}

/// Opens the release build on the sample workspace.
pub fn run(context: &Context) -> Result<Vec<Row>> {
    context.ask::<serde_json::Value>("window", &["sample"])?;
    let tries = if context.quick { 1 } else { TRIES };
    let mut frames = Vec::new();
    // The first start of all reads the program from the disk and is not counted.
    for _ in 0..=tries {
        frames.push(measure::<FirstFrame>(context, "first-frame")?.seconds);
    }
    frames.remove(0);
    frames.sort_by(f64::total_cmp);
    let idle: Idle = measure(context, "idle")?;
    let row =
        |what: &str, ours, unit, aim| Row { what: what.to_owned(), ours, peer: None, unit, less_is_better: true, aim };
    Ok(vec![
        row("first frame", frames[frames.len() / 2], "s", "under 1 s"),
        row("idle CPU", 100.0 * idle.cpu_seconds / idle.seconds, "% of one core", "under 1 %"),
        row("frames painted while idle", idle.frames as f64, "in 10 s", "none"),
    ])
}

/// One JSON line of the window on a display of its own.
fn measure<T: serde::de::DeserializeOwned>(context: &Context, what: &str) -> Result<T> {
    let mut command = Command::new("xvfb-run");
    command.args(["-a", "-s", "-screen 0 1280x800x24"]).arg(place::program("modeldesk-workbench", "release"));
    command.arg("--home").arg(context.path("window")).args(["--measure", what]);
    command.env(runtime::LIBRARY_VARIABLE, &context.library).env_remove("WAYLAND_DISPLAY");
    let text = shell::output(&mut command).context("is the Debian package xvfb installed?")?;
    serde_json::from_str(text.trim()).with_context(|| format!("the answer of the window: {text}"))
}
