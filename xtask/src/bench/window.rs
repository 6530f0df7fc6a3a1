//! The window: how soon its first frame is there, and what it costs to leave it open.
//!
//! Drawn by the software renderer on a virtual display, so that every machine can measure it; a
//! graphics card makes the first frame come sooner.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row};
use crate::{place, runtime, shell};

/// So often the window is opened; the median is kept.
const TRIES: usize = 5;
/// Where the window is opened.
const PLACE: &str = "modeldesk://models/tumour/2/overview";

#[derive(Deserialize)]
struct FirstFrame {
    seconds: f64,
}

#[derive(Deserialize)]
struct Idle {
    seconds: f64,
    cpu_seconds: f64,
    frames: u64,
    resident_bytes: u64,
}

/// Opens the release build on the sample workspace, and beside it a window with nothing in it.
pub fn run(context: &Context) -> Result<Vec<Row>> {
    context.ask::<serde_json::Value>("window", &["sample"])?;
    let (ours, bare) = (Window::workbench(context), Window::bare(context)?);
    let tries = if context.quick { 1 } else { TRIES };
    let mut frames = (Vec::new(), Vec::new());
    // In turn, so that both meet the same machine. The first start of all reads the program from the disk and is not
    // counted.
    for _ in 0..=tries {
        frames.0.push(ours.measure::<FirstFrame>("first-frame")?.seconds);
        frames.1.push(bare.measure::<FirstFrame>("first-frame")?.seconds);
    }
    let frames = (median(frames.0), median(frames.1));
    let idle: (Idle, Idle) = (ours.measure("idle")?, bare.measure("idle")?);
    let row =
        |what: &str, ours, peer, unit, aim| Row { what: what.to_owned(), ours, peer, unit, less_is_better: true, aim };
    let megabytes = |idle: &Idle| idle.resident_bytes as f64 / 1e6;
    Ok(vec![
        row("first frame (peer: a bare window of the same library)", frames.0, Some(frames.1), "s", "within 1.5x"),
        row("idle CPU", 100.0 * idle.0.cpu_seconds / idle.0.seconds, None, "% of one core", "under 1 %"),
        row("frames painted while idle", idle.0.frames as f64, None, "in 10 s", "none"),
        row(
            "resident memory with the samples open (peer: a bare window; both with the software renderer's own)",
            megabytes(&idle.0),
            Some(megabytes(&idle.1)),
            "MB",
            "below 200 MB",
        ),
    ])
}

/// The median of all but the first.
fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.remove(0);
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// A program with a window, and what it is started with.
struct Window {
    args: Vec<OsString>,
    library: Option<PathBuf>,
}

impl Window {
    fn workbench(context: &Context) -> Self {
        let program = place::program("modeldesk-workbench", "release");
        let home = context.path("window");
        let args = [program.into_os_string(), "--home".into(), home.into_os_string(), PLACE.into()];
        Self { args: args.into(), library: Some(context.library.clone()) }
    }

    fn bare(context: &Context) -> Result<Self> {
        Ok(Self { args: vec![context.example("bare")?.get_program().to_owned()], library: None })
    }

    /// One JSON line of the window on a display of its own.
    fn measure<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T> {
        let mut command = Command::new("xvfb-run");
        command.args(["-a", "-s", "-screen 0 1280x800x24"]).args(&self.args).args(["--measure", what]);
        command.envs(self.library.iter().map(|library| (runtime::LIBRARY_VARIABLE, library)));
        command.env_remove("WAYLAND_DISPLAY");
        let text = shell::output(&mut command).context("is the Debian package xvfb installed?")?;
        serde_json::from_str(text.trim()).with_context(|| format!("the answer of the window: {text}"))
    }
}
