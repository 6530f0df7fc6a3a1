//! What is told of a model does not follow the number of cores of the machine: on one of them the digests are the same.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use modeldesk_tests::{Cli, reference};
use serde_json::Value;

/// A model, the file with its rows, and the methods that ask it through the runtime.
const CASES: [(&str, &str, &[&str]); 4] = [
    // Trees that are added up in another order give other sums of float32.
    ("forest_diabetes", "shap", &["kernel", "permutation", "lime"]),
    ("xgboost_wine", "shap", &["kernel", "lime"]),
    ("network_wine", "explained", &["exact", "lime"]),
    // Trees behind an encoder, which nobody but the runtime walks.
    ("rents_mixed", "explained", &["exact", "lime"]),
];

/// A program that runs the desk on one core alone.
fn on_one_core(cli: &Cli) -> std::path::PathBuf {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list").trim();
    let core = allowed.split(['-', ',']).next().expect("a core");
    let script = cli.folder().join("on_one_core");
    fs::write(&script, format!("#!/bin/sh\nexec taskset -c {core} '{}' \"$@\"\n", cli.program().display()))
        .expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("made a program");
    script
}

/// Rows as a CSV file; numbers read back as the same float32.
fn table(columns: &[String], rows: &Value) -> String {
    let cell = |cell: &Value| {
        cell.as_str().map_or_else(|| (cell.as_f64().expect("a number") as f32).to_string(), str::to_owned)
    };
    let line = |row: &Value| row.as_array().expect("a row").iter().map(cell).collect::<Vec<_>>().join(",");
    let lines = rows.as_array().expect("rows").iter().map(line);
    [columns.join(",")].into_iter().chain(lines).collect::<Vec<_>>().join("\n") + "\n"
}

/// Commands that ask a model, each with what it is about.
fn questions(cli: &Cli, (name, folder, methods): (&str, &str, &[&str])) -> Vec<Vec<String>> {
    let file = fs::read(reference(&format!("{folder}/{name}.json"))).expect("there");
    let file: Value = serde_json::from_slice(&file).expect("JSON");
    let columns = file.get("columns").unwrap_or(&file["feature_names"]);
    let columns: Vec<String> = serde_json::from_value(columns.clone()).expect("names");
    let write = |what: &str| {
        let path = cli.folder().join(format!("{name}_{what}.csv"));
        fs::write(&path, table(&columns, &file[what])).expect("written");
        path.display().to_string()
    };
    let (rows, background) = (write("rows"), write("background"));
    cli.run(&["import", &reference(&format!("models/{name}.onnx")).display().to_string(), "--name", name]).good();
    let map = format!("X={}", columns.join(","));
    // Where each column is an input of its own there is nothing to map.
    let map = if file.get("input").is_some_and(Value::is_null) { Vec::new() } else { vec!["--map", map.as_str()] };
    let ask = |verb: &str, data: &str, more: &[&str]| {
        [&[verb, name, "--data", data][..], &map[..], more].concat().into_iter().map(str::to_owned).collect()
    };
    let mut all: Vec<Vec<String>> = Vec::new();
    for method in methods {
        all.push(ask("explain", &rows, &["--method", method, "--background", &background, "--rows", "1..2"]));
    }
    all.push(ask("dependence", &background, &["--feature", &columns[1]]));
    all.push(ask("surrogate", &background, &[]));
    all
}

#[test]
fn digests_do_not_follow_the_number_of_cores() {
    let mut cli = Cli::new();
    let questions: Vec<Vec<String>> = CASES.into_iter().flat_map(|case| questions(&cli, case)).collect();
    let digests = |cli: &Cli| {
        let digest = |question: &Vec<String>| {
            let question: Vec<&str> = question.iter().map(String::as_str).collect();
            cli.run(&question).good()["digest"].as_str().expect("a digest").to_owned()
        };
        questions.iter().map(digest).collect::<Vec<_>>()
    };
    let of_all_cores = digests(&cli);
    let one = on_one_core(&cli);
    cli.use_program(one);
    for ((question, all), one) in questions.iter().zip(of_all_cores).zip(digests(&cli)) {
        assert_eq!(all, one, "{}", question.join(" "));
    }
}
