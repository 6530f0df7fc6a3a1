//! From a version's address to the picture of its graph: `graph_page HOME PROGRAM NAME`; one JSON line.
//!
//! The whole window over a real desk, whose worker is the program named: the worker reads the file, the graph comes
//! through its pipe, is laid out and drawn. Frames are drawn up to their triangles, without a display.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use desk_app::{Desk, DeskOptions, SecretsChoice};
use desk_core::{Cancel, VersionRef};
use egui::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use modeldesk_workbench::Workbench;
use modeldesk_workbench::measure::resident_bytes;
use modeldesk_workbench::picker::SystemPicker;

/// Longer than any graph takes.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = |what: &str| args.next().with_context(|| format!("{what} is not named"));
    let (home, worker) = (PathBuf::from(next("the home")?), PathBuf::from(next("the program")?));
    let name = next("the model")?;
    let options = DeskOptions { worker, secrets: SecretsChoice::Memory, ..DeskOptions::for_home(home) };
    let desk = Desk::open(options).map_err(|fault| anyhow::anyhow!(fault.message))?;
    let version: VersionRef = format!("{name}@1").parse()?;
    let began = Instant::now();
    let graph = desk.graph(&version, &Cancel::new()).map_err(|fault| anyhow::anyhow!(fault.message))?;
    let (read, nodes) = (began.elapsed().as_secs_f64(), graph.node_count());
    drop(graph);
    let mut harness = Harness::builder().with_size(egui::vec2(1280.0, 800.0)).build_eframe(move |cc| {
        Workbench::new(&cc.egui_ctx, desk, Box::new(SystemPicker::default())).unwrap_or_else(|error| {
            println!(r#"{{"error":"{error}"}}"#);
            std::process::exit(1)
        })
    });
    harness.run_steps(4);
    let before = resident_bytes();
    let began = Instant::now();
    let place = format!("models/{name}/1/graph").parse().ok().context("the name is no name of a model")?;
    harness.state_mut().open(place);
    while harness.query_all_by_role(Role::GraphicsDocument).next().is_none() {
        harness.run_steps(1);
        if began.elapsed() > PATIENCE {
            bail!("there is no picture after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let picture = began.elapsed().as_secs_f64();
    harness.run_steps(4);
    let resident = resident_bytes().saturating_sub(before);
    println!(
        r#"{{"nodes":{nodes},"read_seconds":{read:.4},"picture_seconds":{picture:.4},"resident_bytes":{resident}}}"#
    );
    Ok(())
}
