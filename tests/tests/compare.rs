//! Two versions side by side: what is counted equals what both wrote into files of their own.

use modeldesk_tests::{Cli, sample};
use serde_json::Value;

const TRUTH: &str = "diagnosis";

/// Label and truth of each row, as a version writes them.
fn labels(cli: &Cli, version: &str) -> Vec<(String, String)> {
    let out = cli.folder().join(format!("{}.csv", version.replace('@', "-"))).display().to_string();
    let data = sample("tumour/heldout.csv");
    let scored = cli.run(&["predict", version, "--data", &data, "--out", &out, "--echo", TRUTH]).good();
    let answer = scored["output_columns"][0].as_str().expect("a name").to_owned();
    let text = std::fs::read_to_string(&out).expect("written");
    let (header, rows) = text.split_once('\n').expect("a header");
    let column = |name: &str| header.split(',').position(|other| other == name).expect("the column");
    let (truth, label) = (column(TRUTH), column(&answer));
    let cells = |row: &str| row.split(',').map(str::to_owned).collect::<Vec<_>>();
    rows.lines().map(cells).map(|cells| (cells[label].clone(), cells[truth].clone())).collect()
}

#[test]
fn rows_and_metrics_of_both_are_counted_as_their_files_say() {
    let cli = Cli::new();
    for version in ["v1", "v2"] {
        cli.run(&["import", &sample(&format!("tumour/{version}.onnx")), "--name", "tumour"]).good();
    }
    let none = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    assert_eq!(none["no_answers"], "tumour@1 was not tested yet");
    assert!(none["answers"].is_null());

    // Answers that were written to files are not kept: metrics only.
    let (first, second) = (labels(&cli, "tumour@1"), labels(&cli, "tumour@2"));
    let metrics_only = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    assert_eq!(metrics_only["answers"]["rows"], 0);

    let data = sample("tumour/heldout.csv");
    let found = cli.run(&["compare", "tumour@1", "tumour@2", "--data", &data]).good();
    let answers = &found["answers"];
    let pairs = || first.iter().zip(&second).map(|((a, truth), (b, _))| (a == truth, b == truth));
    let count = |was: bool, is: bool| pairs().filter(|pair| *pair == (was, is)).count();
    let wanted = serde_json::json!({
        "both_right": count(true, true), "only_first": count(true, false),
        "only_second": count(false, true), "both_wrong": count(false, false)
    });
    assert_eq!(answers["paired"], wanted);
    assert_eq!(answers["rows"], first.len());
    let changed = first.iter().zip(&second).filter(|(a, b)| a.0 != b.0).count();
    assert!(changed > 0, "the second version answers some rows otherwise");
    assert_eq!(answers["changed"], changed);
    assert_eq!(answers["changes"].as_array().map(Vec::len), Some(changed));
    let accuracy = |side: &str| {
        let list = answers["metrics"].as_array().expect("metrics");
        let pair = list.iter().find(|pair| pair["metric"] == "accuracy").expect("accuracy");
        pair[side]["value"].as_f64().expect("a number")
    };
    let difference = answers["difference"]["value"].as_f64().expect("a number");
    assert!((difference - (accuracy("second") - accuracy("first"))).abs() < 1e-12);
    let (low, high) = (&answers["difference"]["low"], &answers["difference"]["high"]);
    assert!(low.as_f64() < Some(difference) && high.as_f64() > Some(difference), "{low} to {high}");
    assert!(answers["p_value"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)));

    // The other way round everything changes its side.
    let turned = cli.run(&["compare", "tumour@2", "tumour@1"]).good();
    assert_eq!(turned["answers"]["paired"]["only_first"], answers["paired"]["only_second"]);
    assert_eq!(turned["answers"]["p_value"], answers["p_value"]);
    let text = cli.command().args(["compare", "tumour@1", "tumour@2"]).output().expect("runs");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("McNemar's exact test: p = ") && text.contains("rows answered otherwise"), "{text}");
}

#[test]
fn versions_that_clients_cannot_swap_say_so_and_unknown_ones_are_refused() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    cli.run(&["import", &sample("digits/model.onnx"), "--name", "digits"]).good();
    let found = cli.run(&["compare", "tumour", "digits"]).good();
    let breaks = found["breaks"].as_array().expect("a list");
    assert!(breaks.iter().any(|change: &Value| change["part"] == "input"), "{found}");
    let same = cli.run(&["compare", "tumour", "tumour@1"]).good();
    assert_eq!(same["same"], true);
    cli.run(&["compare", "tumour@1", "tumour@9"]).refused(3);
}

#[test]
fn a_truth_that_nobody_named_is_pointed_out_after_the_answers() {
    let cli = Cli::new();
    for version in ["v1", "v2"] {
        cli.run(&["import", &sample(&format!("tumour/{version}.onnx")), "--name", "tumour"]).good();
    }
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample");
    let data = cli.folder().join("found later.csv");
    std::fs::write(&data, text.replacen(TRUTH, "found later", 1)).expect("written");
    let data = data.display().to_string();
    for line in [&["predict", "tumour@1", "--data", &data][..], &["compare", "tumour@1", "tumour@2", "--data", &data]] {
        let mut command = cli.command();
        command.args(line);
        let ran = modeldesk_tests::finish(command, "");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("looks like the truth") && ran.stderr.contains("--target 'found later'"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn tests_that_read_their_file_differently_are_not_compared_without_a_word() {
    let cli = Cli::new();
    for file in ["tumour/v1.onnx", "tumour/v2.onnx"] {
        cli.run(&["import", &sample(file), "--name", "tumour"]).good();
    }
    let data = sample("tumour/heldout.csv");
    cli.run(&["predict", "tumour@1", "--data", &data]).good();
    cli.run(&["predict", "tumour@2", "--data", &data, "--missing", "nothing"]).good();
    let told = |answer: &serde_json::Value| answer["answers"]["warnings"].to_string();
    let differs = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    assert!(told(&differs).contains("--missing nothing"), "{differs}");
    // A test that read it alike is taken before a newer one that did not.
    cli.run(&["predict", "tumour@2", "--data", &data]).good();
    cli.run(&["predict", "tumour@2", "--data", &data, "--missing", "nothing"]).good();
    let alike = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    assert_eq!(told(&alike), "[]", "{alike}");
}

#[test]
fn what_moved_between_two_explanations_is_what_their_values_say() {
    let cli = Cli::new();
    cli.run(&["sample"]).good();
    let data = sample("tumour/heldout.csv");
    let before = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    assert!(before["explanations"].is_null(), "{before}");
    assert!(before["no_explanations"].as_str().is_some_and(|why| why.contains("was not explained yet")), "{before}");
    let explain = |version: &str, rows: &str| {
        cli.run(&["explain", version, "--data", &data, "--rows", rows, "--space", "raw"]).good()
    };
    let (first, second) = (explain("tumour@1", "1..30"), explain("tumour@2", "11..40"));
    let found = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    let of = &found["explanations"];
    assert_eq!((&of["rows"], &of["run_first"], &of["run_second"]), (&20.into(), &first["run"], &second["run"]));
    let output = &of["outputs"][0];
    assert_eq!(output["unit"], "raw score of malignant");
    let names: Vec<String> = serde_json::from_value(first["feature_names"].clone()).expect("names");
    let values =
        |answer: &Value, row: usize, feature: usize| answer["values"][row][feature].as_f64().expect("a number");
    for feature in output["features"].as_array().expect("features") {
        let at = names.iter().position(|name| *name == feature["feature"]).expect("known");
        // Rows 11 to 30 stand at 10 to 29 in the first and at 0 to 19 in the second.
        let pairs = (0..20).map(|row| (values(&first, row + 10, at), values(&second, row, at)));
        let mean = |of: &dyn Fn((f64, f64)) -> f64| pairs.clone().map(of).sum::<f64>() / 20.0;
        for (key, want) in [
            ("first", mean(&|(a, _)| a.abs())),
            ("second", mean(&|(_, b)| b.abs())),
            ("difference", mean(&|(a, b)| b.abs() - a.abs())),
            ("moved", mean(&|(a, b)| (b - a).abs())),
        ] {
            let found = feature[key].as_f64().expect("a number");
            assert!((found - want).abs() < 1e-12, "{key} of {}: {found} and {want}", names[at]);
        }
    }
    let moved: Vec<f64> =
        output["features"].as_array().expect("features").iter().map(|f| f["moved"].as_f64().expect("moved")).collect();
    assert!(moved.is_sorted_by(|a, b| a >= b), "those that moved most first");
    assert!(of["warnings"].to_string().contains("20 of 30 rows are explained with both"), "{}", of["warnings"]);
    let told = cli.command().args(["compare", "tumour@1", "tumour@2"]).output().expect("runs");
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("Explanations of raw score of malignant over 20 rows of both, tree"), "{told}");
    // What means something else is not compared.
    cli.run(&["explain", "tumour@2", "--data", &data, "--rows", "1..5", "--method", "lime"]).good();
    let still = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    assert_eq!(still["explanations"]["run_second"], second["run"], "LIME's values are no contributions");
}

#[test]
fn explanations_that_read_their_file_differently_say_so_and_are_not_taken_first() {
    let cli = Cli::new();
    cli.run(&["sample"]).good();
    let data = sample("tumour/heldout.csv");
    let explain = |version: &str, more: &[&str]| {
        cli.run(&[&["explain", version, "--data", &data, "--rows", "1..5"][..], more].concat()).good()
    };
    let first = explain("tumour@1", &[]);
    explain("tumour@2", &["--missing", "nothing"]);
    let of = |found: &Value| found["explanations"].clone();
    let differs = of(&cli.run(&["compare", "tumour@1", "tumour@2"]).good());
    assert!(differs["warnings"].to_string().contains("tumour@2 with --missing nothing"), "{differs}");
    let alike = explain("tumour@2", &[]);
    explain("tumour@2", &["--missing", "nothing"]);
    let found = of(&cli.run(&["compare", "tumour@1", "tumour@2"]).good());
    assert_eq!((&found["run_first"], &found["run_second"]), (&first["run"], &alike["run"]), "{found}");
    assert!(!found["warnings"].to_string().contains("differently"), "{found}");
    let mut command = cli.command();
    command.args(["compare", "tumour@1", "tumour@2"]);
    let text = modeldesk_tests::finish(command, "").stdout;
    let run = alike["run"].as_str().expect("an id");
    assert!(text.contains(&format!("second: run {run}, background ")) && text.contains(", seed 0"), "{text}");
}
