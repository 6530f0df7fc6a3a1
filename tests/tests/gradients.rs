//! Networks explained by their own gradients: the backward graph is built from the file and run in the worker.

use std::fmt::Write as _;
use std::path::Path;

use modeldesk_tests::{Cli, sample};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

fn reference(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(name).display().to_string()
}

#[test]
fn pictures_of_digits_are_explained_by_every_method() {
    let cli = Cli::new();
    cli.run(&["import", &sample("digits/model.onnx"), "--name", "digits"]).good();
    let data = sample("digits/heldout.npz");
    let explain = |more: &[&str]| {
        let args = ["explain", "digits", "--data", &data, "--rows", "2..3", "--output", "7"];
        cli.run(&[&args[..], more].concat()).good()
    };
    let ig = explain(&["--method", "ig"]);
    assert_eq!((&ig["method"], &ig["space"]), (&"ig".into(), &"raw".into()));
    assert_eq!(ig["gradient"]["before"], "Softmax");
    assert_eq!(ig["feature_names"].as_array().map(Vec::len), Some(64));
    let shares = numbers(&ig["probabilities"]);
    assert!(shares.len() == 2 && shares.iter().all(|p| (0.0..=1.0).contains(p)), "{shares:?}");
    for row in 0..2 {
        let sum: f64 = numbers(&ig["values"][row]).iter().sum();
        let moved = numbers(&ig["predictions"][row])[0] - numbers(&ig["base_values"])[0];
        let delta = numbers(&ig["gradient"]["deltas"][row])[0];
        assert!((sum - moved - delta).abs() < 1e-9, "{sum} {moved} {delta}");
        assert!(delta.abs() < 0.01 * moved.abs().max(0.1), "{delta} of {moved}");
    }
    assert_eq!(ig["warnings"].as_array().map(Vec::len), Some(0), "{}", ig["warnings"]);

    // The same record gives the same digest.
    assert_eq!(explain(&["--method", "ig"])["digest"], ig["digest"]);
    let saliency = explain(&["--method", "saliency"]);
    assert_eq!(saliency["gradient"]["additive"], false);
    assert!(numbers(&saliency["values"]).iter().all(|value| *value >= 0.0));
    let times = explain(&["--method", "ixg"]);
    assert_ne!(times["digest"], saliency["digest"]);
    let smooth = explain(&["--method", "smoothgrad", "--samples", "16", "--seed", "5"]);
    assert!(!smooth["std_error"].is_null());
    let expected = explain(&["--method", "gradshap", "--samples", "2000"]);
    let errors = numbers(&expected["std_error"][0]);
    // Exact Shapley values are another thing, but the two agree on where the ink matters.
    let (a, b) = (numbers(&expected["values"][0]), numbers(&ig["values"][0]));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert!(dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt() > 0.7, "{a:?} {b:?}");
    assert!(errors.iter().all(|error| error.is_finite()));

    // Changed rules: DeepLIFT and DeepSHAP share out what the score moved by, LRP the score itself.
    for method in ["deeplift", "deepshap"] {
        let found = explain(&["--method", method]);
        for row in 0..2 {
            let sum: f64 = numbers(&found["values"][row]).iter().sum();
            let moved = numbers(&found["predictions"][row])[0] - numbers(&found["base_values"])[0];
            assert!((sum - moved).abs() < 1e-4 * moved.abs().max(1.0), "{method}: {sum} of {moved}");
        }
        assert_eq!(found["warnings"].as_array().map(Vec::len), Some(0), "{}", found["warnings"]);
        assert_eq!(explain(&["--method", method])["digest"], found["digest"], "{method}");
    }
    let relevance = explain(&["--method", "lrp"]);
    assert_eq!((&relevance["gradient"]["additive"], &relevance["gradient"]["epsilon"]), (&false.into(), &1e-6.into()));
    let (delta, score) = (numbers(&relevance["gradient"]["deltas"])[0], numbers(&relevance["predictions"])[0]);
    let sum: f64 = numbers(&relevance["values"][0]).iter().sum();
    assert!((sum - score - delta).abs() < 1e-9, "{sum} {score} {delta}");
    let guided = explain(&["--method", "guided-backprop"]);
    assert_ne!(guided["values"], saliency["values"]);

    // A patch in the middle of the background's mean is worth what the score loses by it.
    let covered = explain(&["--method", "occlusion", "--patch", "3"]);
    assert_eq!((&covered["occlusion"]["patch"], &covered["occlusion"]["stride"]), (&3.into(), &1.into()));
    assert_eq!(covered["occlusion"]["windows"], 36);
    assert_eq!(explain(&["--method", "occlusion", "--patch", "3"])["digest"], covered["digest"]);
    let pixels = explain(&["--method", "occlusion"]);
    assert_eq!(pixels["occlusion"]["windows"], 64);
    cli.run(&["explain", "digits", "--data", &data, "--rows", "2..2", "--method", "occlusion", "--patch", "9"])
        .refused(2);

    // The last convolution, or one that is named; others are refused with the names that there are.
    let map = explain(&["--method", "grad-cam"]);
    assert_eq!(map["gradient"]["layer"], "Conv `conv2`");
    let values = numbers(&map["values"]);
    assert!(values.iter().all(|value| *value >= 0.0) && values.iter().any(|value| *value > 0.0));
    let first = explain(&["--method", "grad-cam", "--layer", "conv1"]);
    assert_eq!(first["gradient"]["layer"], "Conv `conv1`");
    assert_ne!(first["values"], map["values"]);
    let args = ["explain", "digits", "--data", &data, "--rows", "2..2", "--method", "grad-cam", "--layer", "conv9"];
    let said = cli.run(&args).refused(3).to_string();
    assert!(said.contains("conv9") && said.contains("conv2, conv1"), "{said}");

    // Pictures in a folder are rows of pixels as well.
    let images = sample("digits/images");
    let background = ["--background", &data, "--rows", "2..3", "--output", "7", "--method", "ig"];
    let files = cli.run(&[&["explain", "digits", "--data", &images][..], &background].concat()).good();
    assert_eq!(files["feature_names"], ig["feature_names"]);
    assert!(numbers(&files["gradient"]["deltas"]).iter().all(|delta| delta.abs() < 0.1), "{}", files["gradient"]);
    let kernel =
        cli.run(&["explain", "digits", "--data", &images, "--rows", "1..1", "--output", "3", "--samples", "600"]);
    assert_eq!(kernel.good()["method"], "kernel");

    // In the window's words, on a terminal.
    let mut command = cli.command();
    command.args(["explain", "digits", "--data", &data, "--rows", "2..2", "--output", "7", "--method", "ig"]);
    let said = String::from_utf8(command.output().expect("runs").stdout).expect("text");
    assert!(said.contains("completeness: off by") && said.contains("before the model's Softmax"), "{said}");
}

/// scikit-learn's perceptron: a scaler before it, one score for two classes.
#[test]
fn a_perceptron_for_a_table() {
    let cli = Cli::new();
    cli.run(&["import", &reference("models/network.onnx"), "--name", "network"]).good();
    let golden: Value =
        serde_json::from_slice(&std::fs::read(reference("predictions/network.json")).expect("reads")).expect("JSON");
    let rows = numbers(&golden["inputs"][0]["tensor"]["data"]["values"]);
    let write = |name: &str, rows: &[f64]| {
        let names: Vec<String> = (0..10).map(|i| format!("x{i}")).collect();
        let mut text = names.join(",");
        for row in rows.chunks(10) {
            let cells: Vec<String> = row.iter().map(f64::to_string).collect();
            write!(text, "\n{}", cells.join(",")).expect("written");
        }
        let path = cli.folder().join(name);
        std::fs::write(&path, text + "\n").expect("written");
        path.display().to_string()
    };
    let data = write("rows.csv", &rows);
    let explain = |data: &str, more: &[&str]| {
        cli.run(&[&["explain", "network", "--data", data, "--background", &data_of(&cli)][..], more].concat()).good()
    };
    let raw = explain(&data, &["--method", "ig"]);
    assert_eq!((&raw["gradient"]["before"], &raw["space"]), (&"Sigmoid".into(), &"raw".into()));
    assert!(raw["residual_max"].as_f64().expect("a number") < 0.05, "{}", raw["residual_max"]);
    let both = explain(&data, &["--method", "ig", "--output", "all"]);
    let (first, second) = (&both["values"][0][0][0], &both["values"][0][0][1]);
    assert_eq!(first.as_f64().map(|v| -v), second.as_f64(), "the first class is the second turned round");

    // The gradient of the probability against differences of what `predict` says.
    let gradient = explain(&data, &["--method", "ixg", "--space", "probability", "--rows", "1..1"]);
    assert_eq!(gradient["space"], "probability");
    let step = 0.002;
    let mut moved = Vec::new();
    for i in 0..10 {
        for sign in [-1.0, 1.0] {
            let mut row = rows[..10].to_vec();
            row[i] *= 1.0 + sign * step;
            moved.extend(row);
        }
    }
    let answers = explain(&write("moved.csv", &moved), &["--method", "saliency", "--space", "probability"]);
    let answers = numbers(&answers["predictions"]);
    let found = numbers(&gradient["values"][0]);
    let size = found.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    for (i, found) in found.iter().enumerate() {
        let slope = (answers[2 * i + 1] - answers[2 * i]) / (2.0 * step);
        assert!((found - slope).abs() < 0.01 * size, "x{i}: {found} instead of {slope}");
    }
}

/// The background stands beside the rows.
fn data_of(cli: &Cli) -> String {
    cli.folder().join("rows.csv").display().to_string()
}

#[test]
fn what_has_no_gradient_is_named() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let args = ["explain", "tumour", "--data", &data, "--rows", "1..1", "--method"];
    let said = cli.run(&[&args[..], &["ig"]].concat()).refused(3);
    let text = said.to_string();
    assert!(
        text.contains("no gradient through ai.onnx.ml.TreeEnsembleClassifier") && text.contains("kernel"),
        "{text}"
    );
    // What was refused is no run.
    let runs = cli.run(&["list", "runs", "tumour"]).good();
    assert_eq!(runs["items"].as_array().map(Vec::len), Some(0));
}
