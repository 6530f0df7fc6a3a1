//! Many batches go through the model side by side; the answers stay in the order of the rows.

use modeldesk_tests::{Cli, finish, sample};

/// The held-out rows of the sample, forty times over.
fn many_rows(cli: &Cli, spoiled: Option<usize>) -> (String, usize) {
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample is there");
    let (header, rows) = text.split_once('\n').expect("a header");
    let mut lines: Vec<String> = rows.lines().cycle().take(rows.lines().count() * 40).map(str::to_owned).collect();
    if let Some(row) = spoiled {
        lines[row - 1] = lines[row - 1].replacen(|c: char| c.is_ascii_digit(), "x", 1);
    }
    let path = cli.folder().join("many.csv");
    std::fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).expect("written");
    (path.display().to_string(), lines.len())
}

#[test]
fn answers_keep_the_order_of_the_rows_whatever_the_batch() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    let (data, rows) = many_rows(&cli, None);
    let mut answers = Vec::new();
    // One batch goes through one session; batches of 16 rows are shared between the cores.
    for batch in ["1000000", "16"] {
        let out = cli.folder().join(format!("answers-{batch}.csv")).display().to_string();
        let scored = cli.run(&["predict", "tumour@1", "--data", &data, "--out", &out, "--batch", batch]).good();
        assert_eq!(scored["rows"], rows, "{scored}");
        answers.push(std::fs::read_to_string(out).expect("written"));
    }
    let labels = |text: &str| text.lines().map(|line| line.split(',').next().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(labels(&answers[0]), labels(&answers[1]));
}

#[test]
fn a_cell_in_a_late_batch_is_named_by_its_row() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    let (data, rows) = many_rows(&cli, Some(3001));
    assert!(rows > 3100, "{rows} rows");
    let out = cli.folder().join("answers.csv");
    let refused = cli
        .run(&["predict", "tumour@1", "--data", &data, "--batch", "16", "--out", &out.display().to_string()])
        .refused(3);
    assert!(refused.to_string().contains("3001"), "{refused}");
    assert!(!out.exists(), "no half-written answers");
}

#[test]
fn calls_are_timed_and_too_few_say_nothing() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let few = cli.run(&["predict", "tumour@1", "--data", &data]).good();
    assert!(few["latency"].is_null(), "a few calls of different sizes: {few}");
    let scored = cli.run(&["predict", "tumour@1", "--data", &data, "--batch", "1"]).good();
    let (rows, found) = (scored["rows"].as_u64().expect("rows"), &scored["latency"]);
    let (calls, at_once) = (found["calls"].as_u64().expect("calls"), found["at_once"].as_u64().expect("a number"));
    assert_eq!(calls + found["left_out"].as_u64().expect("a number"), rows, "every row was a call: {found}");
    assert!(calls >= rows - at_once, "no more than the first of each stream warms up: {found}");
    let told = found["percentiles"].as_array().expect("a list");
    let ms: Vec<f64> = told.iter().map(|p| p["ms"].as_f64().expect("milliseconds")).collect();
    assert!(ms.len() >= 4 && ms.is_sorted() && ms[0] > 0.0, "{found}");
    for p in told {
        let [low, at] = ["low_ms", "ms"].map(|key| p[key].as_f64().expect("known"));
        assert!(low <= at && p["high_ms"].as_f64().is_none_or(|high| at <= high), "{p}");
    }
    // The model cannot have taken longer than all of it.
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let in_calls = number(&found["mean_ms"]) * calls as f64 / at_once as f64 / 1e3;
    assert!(in_calls < number(&scored["seconds"]), "{in_calls} s: {scored}");
    let mut plain = cli.command();
    plain.args(["predict", "tumour@1", "--data", &data, "--batch", "1"]);
    let text = finish(plain, "").stdout;
    assert!(text.contains("latency of ") && text.contains("p99 "), "{text}");
}
