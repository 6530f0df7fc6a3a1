//! Linear models out of ONNX files: their sums are those of the estimators, and nothing else is taken for linear.

use std::path::{Path, PathBuf};

use desk_core::linear::{LinearModel, Link};
use desk_import::extract_linear;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn extract(file: &str, output: &str, features: usize) -> Option<LinearModel> {
    extract_linear(&root().join(file), output, features).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

#[test]
fn sums_are_those_of_the_estimators() {
    for (name, output, link) in [
        ("linear_binary", "probabilities", Link::Logistic),
        ("linear_wine", "probabilities", Link::Softmax),
        ("linear_diabetes", "variable", Link::Identity),
        ("linear_layer", "probability", Link::Logistic),
    ] {
        let text = std::fs::read(root().join(format!("tests/reference/shap/{name}.json"))).expect("there");
        let file: Value = serde_json::from_slice(&text).expect("JSON");
        let width = file["feature_names"].as_array().expect("a list").len();
        let model = extract(&format!("tests/reference/models/{name}.onnx"), output, width).expect("linear");
        assert_eq!((model.link, model.n_features), (link, width), "{name}");
        let (rows, want) = (numbers(&file["rows"]), numbers(&file["predictions"]));
        let outputs = want.len() * width / rows.len();
        for (row, want) in rows.chunks(width).zip(want.chunks(outputs)) {
            let raw = model.raw(row);
            // Of two classes the second's score is the estimator's.
            let found = &raw[raw.len() - outputs..];
            for (found, want) in found.iter().zip(want) {
                assert!((found - want).abs() < 1e-5 * want.abs().max(1.0), "{name}: {found} and {want}");
            }
            if name == "linear_binary" {
                assert!((raw[0] + raw[1]).abs() < 1e-9, "the first class's is the same turned round");
            }
        }
    }
}

#[test]
fn layers_are_read_as_they_are_written() {
    let model = extract("tests/fixtures/sigmoid.onnx", "p", 4).expect("linear");
    let near = |found: &[f64], want: &[f64]| {
        assert_eq!(found.len(), want.len());
        found.iter().zip(want).for_each(|(a, b)| assert!((a - b).abs() < 1e-7, "{found:?}"));
    };
    near(&model.weights, &[0.8, -1.2, 0.5, 0.0]);
    near(&model.intercepts, &[0.1]);
    assert_eq!(model.link, Link::Logistic);
    let model = extract("tests/fixtures/three_numbers.onnx", "y", 4).expect("linear");
    let eighths: Vec<f64> = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].map(|i| f64::from(i) / 8.0).into();
    near(&model.weights, &eighths);
    near(&model.intercepts, &[0.5, -1.0, 2.0]);
}

#[test]
fn nothing_else_is_taken_for_linear() {
    for (file, output, features) in [
        ("tests/reference/models/network.onnx", "probabilities", 10),
        ("tests/reference/models/forest_diabetes.onnx", "variable", 10),
        ("tests/fixtures/mean_of_rows.onnx", "y", 4),
        ("tests/fixtures/infinite.onnx", "y", 3),
        ("assets/samples/digits/model.onnx", "probabilities", 64),
        ("assets/samples/penguins/model.onnx", "probabilities", 5),
        // The label is no sum, an output that is not there is nothing, and two features are not ten.
        ("tests/reference/models/linear_binary.onnx", "label", 10),
        ("tests/reference/models/linear_binary.onnx", "elsewhere", 10),
        ("tests/reference/models/linear_binary.onnx", "probabilities", 2),
    ] {
        assert_eq!(extract(file, output, features), None, "{file} {output}");
    }
}
