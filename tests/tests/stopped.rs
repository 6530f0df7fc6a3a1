//! Explanations that are stopped: by Ctrl-C, with their worker, with the desk. Their finished rows are kept, what is asked
//! for again goes on from there, and comes to the same values.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use modeldesk_tests::{Cli, Ended, Signal, sample, send};
use serde_json::Value;

/// Each row takes a second or so: orders of thirty features, each asked of the whole background.
const SLOW: [&str; 8] = ["--rows", "1..6", "--method", "permutation", "--samples", "80000", "--seed", "3"];

fn explain() -> Vec<String> {
    let mut args = vec!["explain".to_owned(), "tumour@1".to_owned(), "--data".to_owned(), sample("tumour/heldout.csv")];
    args.extend(SLOW.map(str::to_owned));
    args
}

fn asked(cli: &Cli, more: &[&str]) -> Ended {
    let args = explain();
    let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
    cli.run(&args)
}

/// Begins to explain, and waits until so many rows are finished.
fn begun(cli: &Cli, rows: usize) -> Child {
    let mut command = cli.command();
    command.arg("--json").args(explain()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("starts");
    let began = Instant::now();
    while finished(cli) < rows {
        assert!(began.elapsed() < Duration::from_mins(2), "{} rows are finished", finished(cli));
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// Rows that are finished and kept.
fn finished(cli: &Cli) -> usize {
    let files = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let lines = |file: PathBuf| fs::read_to_string(file).map_or(0, |text| text.lines().count());
    files(cli.home().join("unfinished")).flat_map(files).map(lines).sum()
}

fn answer(output: &[u8]) -> Value {
    serde_json::from_slice(output).expect("an answer")
}

/// Ends the worker of a desk as a crash does.
fn kill_worker(desk: u32) {
    let found = Command::new("pgrep").args(["-P", &desk.to_string()]).output().expect("pgrep");
    let workers = String::from_utf8(found.stdout).expect("numbers");
    let worker = workers.split_whitespace().last().expect("a worker");
    assert!(Command::new("kill").args(["-9", worker]).status().expect("kill").success());
}

#[test]
fn what_was_finished_is_kept_and_gone_on_with() {
    let whole = Cli::new();
    whole.run(&["sample"]).good();
    let expected = asked(&whole, &[]).good();
    assert_eq!(finished(&whole), 0, "nothing is kept of what came to its end");

    let cli = Cli::new();
    cli.run(&["sample"]).good();
    let fault = asked(&cli, &["--finished"]).refused(3);
    assert!(fault["message"].to_string().contains("no rows of such an explanation"), "{fault}");

    // Somebody stops it.
    let child = begun(&cli, 1);
    send(child.id(), Signal::Interrupt);
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(6));
    let hints = answer(&output.stdout)["error"]["hints"].to_string();
    assert!(hints.contains("goes on from there") && hints.contains("--finished"), "{hints}");
    let first = finished(&cli);
    assert!((1..6).contains(&first), "{first} rows");

    // What is finished is an explanation of its own.
    let part = asked(&cli, &["--finished"]).good();
    let rows = part["row_numbers"].as_array().expect("rows").len();
    assert_eq!(rows, first);
    let values = |answer: &Value| answer["values"].as_array().expect("values").clone();
    assert_eq!(values(&part), values(&expected)[..rows]);
    assert!(part["warnings"].to_string().contains("was stopped"), "{}", part["warnings"]);
    assert_eq!(finished(&cli), first, "they are still kept");

    // Its worker dies, and later the whole desk.
    let child = begun(&cli, first + 1);
    kill_worker(child.id());
    let output = child.wait_with_output().expect("ends");
    assert_ne!(output.status.code(), Some(0));
    let hints = answer(&output.stdout)["error"]["hints"].to_string();
    assert!(hints.contains("goes on from there"), "{hints}");
    let second = finished(&cli);
    assert!(second > first, "{second} rows");
    let mut child = begun(&cli, (second + 1).min(5));
    child.kill().expect("killed");
    child.wait().expect("ends");
    // The worker of a dead desk ends at its next word.
    std::thread::sleep(Duration::from_secs(1));
    let third = finished(&cli);

    let last = asked(&cli, &[]).good();
    assert_eq!(last["digest"], expected["digest"], "as if nothing had happened");
    assert_eq!(last["model_rows"], expected["model_rows"]);
    let told = format!("{third} of 6 rows were finished before");
    assert!(last["warnings"].to_string().contains(&told), "{told}: {}", last["warnings"]);
    assert_eq!(finished(&cli), 0);
}

#[test]
fn another_request_does_not_take_what_was_finished_for_this_one() {
    let cli = Cli::new();
    cli.run(&["sample"]).good();
    let mut child = begun(&cli, 1);
    child.kill().expect("killed");
    child.wait().expect("ends");
    let data = sample("tumour/heldout.csv");
    let other = ["explain", "tumour@1", "--data", &data, "--rows", "1..2", "--method", "permutation", "--seed", "3"];
    let answer = cli.run(&other).good();
    assert!(!answer["warnings"].to_string().contains("finished before"), "{}", answer["warnings"]);
    assert!(finished(&cli) > 0, "what belongs to the other is still there");
}
