//! docs/benchmarks.md: one section for each benchmark, replaced when it runs again.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::{BENCHES, Bench, Row};
use crate::{place, shell};

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench`: release builds, each measure beside its peer in the same run. The ratio says how
many times better than the peer Modeldesk is; above 1 is better. Memory is the largest sum over a program and
everything it starts.
";

/// A table in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("| measure | Modeldesk | peer | ratio | aim |\n| --- | ---: | ---: | ---: | --- |\n");
    for row in rows {
        let peer = row.peer.map_or_else(|| "-".to_owned(), |peer| number(peer, row.unit));
        let ratio = row.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let ours = number(row.ours, row.unit);
        writeln!(text, "| {} | {ours} | {peer} | {ratio} | {} |", row.what, row.aim)
            .expect("writing to a string cannot fail");
    }
    text
}

/// Three significant digits and the unit; bytes as MB.
fn number(value: f64, unit: &str) -> String {
    let (value, unit) = if unit == "bytes" { (value / 1e6, "MB") } else { (value, unit) };
    let digits = if value >= 100.0 || value == 0.0 {
        0
    } else {
        usize::try_from(2 - value.abs().log10().floor() as i64).unwrap_or(0)
    };
    format!("{value:.*} {unit}", digits.min(6))
}

/// Writes the section of one benchmark.
pub fn keep(bench: &Bench, rows: &[Row]) -> Result<()> {
    let path = place::root().join("docs/benchmarks.md");
    let former = fs::read_to_string(&path).unwrap_or_default();
    let mine = format!("\n{}\n\n{}", machine()?, table(rows));
    let text = replaced(&former, bench, &mine);
    fs::create_dir_all(place::root().join("docs"))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The page with one section new and the others as they were, in the order of the benchmarks.
fn replaced(former: &str, bench: &Bench, body: &str) -> String {
    let mut text = HEAD.to_owned();
    for other in &BENCHES {
        let heading = format!("\n## {}\n", other.title);
        let old = former.split_once(&heading).map(|(_, rest)| rest.split("\n## ").next().unwrap_or(rest));
        let kept = if other.name == bench.name { Some(body) } else { old };
        if let Some(kept) = kept {
            text.push_str(&heading);
            text.push_str(kept);
        }
    }
    text
}

/// Date, processor, memory, system and the commit.
fn machine() -> Result<String> {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown memory".to_owned());
    let date = shell::output(Command::new("date").args(["-u", "+%F"]))?;
    let commit = shell::output(Command::new("git").current_dir(place::root()).args(["rev-parse", "--short", "HEAD"]));
    let commit = commit.unwrap_or_else(|_| "unknown".to_owned());
    Ok(format!(
        "{}, {cores} cores ({processor}), {memory}, {}, commit {}, ONNX Runtime 1.31.1 on both sides.",
        date.trim(),
        std::env::consts::OS,
        commit.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_others_stay() {
        let first = replaced("", &BENCHES[3], "\nmachine\n\nold\n");
        let both = replaced(&first, &BENCHES[0], "\nmachine\n\nother\n");
        let again = replaced(&both, &BENCHES[3], "\nmachine\n\nnew\n");
        assert!(again.contains("other") && again.contains("new") && !again.contains("old"), "{again}");
        assert!(again.find("other") < again.find("new"), "in the order of the benchmarks");
        assert_eq!(replaced(&again, &BENCHES[3], "\nmachine\n\nnew\n"), again);
    }

    #[test]
    fn numbers_and_ratios() {
        let row = Row { what: "wall".into(), ours: 2.0, peer: Some(6.0), unit: "s", less_is_better: true, aim: "3x" };
        assert!(table(&[row]).contains("| wall | 2.00 s | 6.00 s | 3.00 | 3x |"));
        assert_eq!(number(123_456_789.0, "bytes"), "123 MB");
        assert_eq!(number(0.01234, "s"), "0.0123 s");
        assert_eq!(number(0.0, "frames"), "0 frames");
    }
}
