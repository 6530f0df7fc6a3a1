//! LIME of a picture and of a text beside lime.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Context, Row};
use crate::shell;

/// What `bench_lime.py` and the example `lime_speed` of desk-explain print for each.
#[derive(Deserialize)]
struct Found {
    what: String,
    seconds: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let read = |printed: String| -> Result<Vec<Found>> {
        printed.lines().map(|line| serde_json::from_str(line).with_context(|| format!("the answer: {line}"))).collect()
    };
    let ours = read(shell::output(&mut context.example("lime_speed")?)?)?;
    let peer = read(shell::output(&mut context.script("bench_lime.py")?)?)?;
    let row = |(ours, peer): (Found, Found)| {
        let (what, aim) = match ours.what.as_str() {
            "picture" => {
                ("a picture of 224 x 224 x 3, 49 segments, 1,000 samples, a model that takes no time", "8x or better")
            }
            _ => ("a text of 600 words, 5,000 samples, a model that takes no time", "40x or better"),
        };
        Row {
            what: format!("{what} (peer: lime)"),
            ours: ours.seconds,
            peer: Some(peer.seconds),
            unit: "s",
            less_is_better: true,
            aim,
        }
    };
    Ok(ours.into_iter().zip(peer).map(row).collect())
}
