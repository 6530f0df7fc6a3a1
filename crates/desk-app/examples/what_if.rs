//! How long a changed value of a row takes to be answered and explained: `cargo run --release --example what_if`; one
//! JSON line for each sample that has a table. The answer is what the window's card waits for when a slider moves.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::time::Instant;

use desk_app::command::{Explain, MethodSettings};
use desk_app::{Command, Desk, DeskOptions};
use desk_core::{Cancel, Fault, NoProgress};
use serde_json::json;

/// Positions of the slider.
const MOVES: usize = 200;
/// The first answers open the session.
const FIRST: usize = 5;

fn main() -> Result<(), Fault> {
    let home = tempfile::tempdir().map_err(|e| Fault::input(format!("no folder: {e}")))?;
    let desk = Desk::open(DeskOptions::for_home(home.path()))?;
    desk.run(Command::Sample, &Cancel::new(), &NoProgress)?;
    for (name, version, feature, low, high) in [
        ("tumour", "tumour@2", "worst_area", 200.0, 2_000.0),
        ("penguins", "penguins@1", "body_mass_g", 2_800.0, 6_000.0),
    ] {
        let samples = desk.samples_folder().join(name);
        let asked = Explain {
            version: version.parse()?,
            data: samples.join("heldout.csv"),
            first_row: Some(4),
            last_row: Some(4),
            background: Some(samples.join("background.csv")),
            columns: desk_app::command::Columns::default(),
            method: "auto".to_owned(),
            samples: None,
            seed: 0,
            output: None,
            space: None,
            settings: MethodSettings::default(),
            interactions: false,
            finished: false,
            pick: None,
            out: None,
        };
        let mut millis = Vec::new();
        for step in 0..FIRST + MOVES {
            let value = low + (high - low) * step as f64 / (FIRST + MOVES) as f64;
            let from = Instant::now();
            desk.what_if(&asked, &[(feature.to_owned(), format!("{value:.3}"))], &Cancel::new())?;
            millis.push(from.elapsed().as_secs_f64() * 1e3);
        }
        millis.drain(..FIRST);
        millis.sort_by(f64::total_cmp);
        let at = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
        println!("{}", json!({ "sample": name, "median_ms": at(0.5), "p95_ms": at(0.95) }));
    }
    Ok(())
}
