//! Owen values as somebody at a terminal asks for them: of columns, of words and of segments.

use std::path::Path;

use modeldesk_tests::{Cli, sample};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

/// Base value and values lead to the prediction of each row.
fn adds_up(answer: &Value) {
    let base = numbers(&answer["base_values"])[0];
    for (row, prediction) in answer["values"].as_array().expect("rows").iter().zip(numbers(&answer["predictions"])) {
        let sum = base + numbers(row).iter().sum::<f64>();
        assert!((sum - prediction).abs() < 1e-6, "{sum} {prediction}");
    }
}

#[test]
fn columns_are_valued_in_unions_found_or_given() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let ask = |more: &[&str]| {
        let args = ["explain", "tumour", "--data", &data, "--rows", "4..6", "--method", "owen"];
        cli.run(&[&args[..], more].concat()).good()
    };
    let found = ask(&["--samples", "600"]);
    adds_up(&found);
    assert_eq!((&found["method"], &found["owen"]["from"]), (&"owen".into(), &"correlation".into()));
    let mut players = numbers(&found["owen"]["hierarchy"]);
    players.sort_by(f64::total_cmp);
    let count = found["feature_names"].as_array().expect("names").len();
    assert_eq!(players, (0..count).map(|player| player as f64).collect::<Vec<_>>(), "each once");
    assert_eq!(ask(&["--samples", "600"])["digest"], found["digest"], "the same again");
    let group = "size=worst_area,worst_radius,worst_perimeter";
    let given = ask(&["--samples", "600", "--group", group]);
    adds_up(&given);
    assert_eq!(given["owen"]["from"], "groups");
    assert_eq!(numbers(&given["owen"]["hierarchy"][0]).len(), 3);
    assert_eq!(given["feature_names"], found["feature_names"], "the columns of a union keep their own values");
    assert!(given["std_error"].is_array(), "so many columns beside each other are sampled");
    assert_ne!(given["values"], found["values"]);
    let args = ["explain", "tumour", "--data", &data, "--rows", "4", "--method", "owen", "--samples", "300"];
    let told = String::from_utf8(cli.command().args(args).output().expect("runs").stdout).expect("text");
    assert!(told.contains("unions: ((") && told.contains("average linkage"), "{told}");
}

#[test]
fn words_and_segments_are_valued_in_unions_of_neighbours() {
    let cli = Cli::new();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/models/text.onnx").display().to_string();
    cli.run(&["import", &model, "--name", "text"]).good();
    let path = cli.folder().join("reviews.jsonl");
    std::fs::write(&path, "{\"review\": \"good coffee and late train\"}\n").expect("written");
    let data = path.display().to_string();
    let words = cli.run(&["explain", "text", "--data", &data, "--method", "owen"]).good();
    let row = &words["text"]["rows"][0];
    let spans = row["spans"].as_array().expect("spans");
    let sum: f64 = spans.iter().map(|span| numbers(&span["contribution"])[0]).sum();
    assert!((numbers(&row["base"])[0] + sum - numbers(&words["predictions"])[0]).abs() < 1e-9);
    assert!(words["std_error"].is_null() && words["method_reason"].to_string().contains("halves of halves"));
    cli.run(&["import", &sample("digits/model.onnx"), "--name", "digits"]).good();
    let data = sample("digits/heldout.npz");
    let args = ["explain", "digits", "--data", &data, "--rows", "2", "--output", "7", "--segments", "12"];
    let picture = cli.run(&[&args[..], &["--method", "owen", "--samples", "300"]].concat()).good();
    let row = &picture["segments"]["rows"][0];
    let sum = numbers(&row["base"])[0] + numbers(&row["values"]).iter().sum::<f64>();
    assert!((sum - numbers(&picture["predictions"])[0]).abs() < 1e-6, "{sum}");
    assert!(picture["method_reason"].to_string().contains("neighbours that are alike"), "{}", picture["method_reason"]);
}
