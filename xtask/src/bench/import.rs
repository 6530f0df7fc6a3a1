//! A model with 2 GB of weights into the store, beside `sha256sum` and `cp`.

use std::fs::{self, File};
use std::process::Command;

use anyhow::Result;

use super::measure::{cost, median};
use super::{Context, Row, text};
use crate::shell;

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let megabytes = if context.quick { "64" } else { "2048" };
    let folder = context.path("large");
    shell::run(context.script("bench_large_model.py")?.arg(megabytes).arg(&folder))?;
    let weights = folder.join("weights.bin");
    // Both read from the page cache, so that the disk does not decide.
    std::io::copy(&mut File::open(&weights)?, &mut std::io::sink())?;
    let ours = median(3, || {
        let home = context.path("import");
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        cost(context.modeldesk("import").args(["import", text(&folder)?, "--name", "large"]), &context.scratch)
    })?;
    let copy = context.path("copy.bin");
    let shell_line = |line: &str| {
        median(3, || {
            if copy.exists() {
                fs::remove_file(&copy)?;
            }
            let mut command = Command::new("sh");
            command.args(["-ec", line, "sh"]).arg(&weights).arg(&copy);
            cost(&mut command, &context.scratch)
        })
    };
    let peer = shell_line(r#"sha256sum "$1"; cp "$1" "$2""#)?;
    let synced = shell_line(r#"sha256sum "$1"; cp "$1" "$2"; sync "$2""#)?;
    let row = |what: String, peer, aim| Row {
        what,
        ours: ours.seconds,
        peer: Some(peer),
        unit: "s",
        less_is_better: true,
        aim,
    };
    Ok(vec![
        row(format!("{megabytes} MiB (peer: sha256sum + cp)"), peer.seconds, "0.7 or better"),
        row("the same, to the disk (peer: sha256sum + cp + sync)".to_owned(), synced.seconds, ""),
        Row {
            what: "peak memory".to_owned(),
            ours: ours.peak_bytes as f64,
            peer: None,
            unit: "bytes",
            less_is_better: true,
            aim: "below 200 MB",
        },
    ])
}
