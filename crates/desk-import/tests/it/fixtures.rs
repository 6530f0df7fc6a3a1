//! Trees of exporters and operators that the reference set lacks; see `tests/fixtures/make.py`.

use std::path::{Path, PathBuf};

use desk_core::trees::{Aggregate, PostTransform};
use desk_import::{TreeModel, describe, extract_trees};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Extracts the trees and compares their answers with the recorded ones.
fn check(name: &str) -> TreeModel {
    let trees = extract_trees(&path(&format!("{name}.onnx"))).expect(name).unwrap_or_else(|| panic!("{name} is trees"));
    let text = std::fs::read(path(&format!("{name}.json"))).expect("reads");
    let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
    let rows = json["rows"].as_array().expect("rows").iter().flat_map(|row| row.as_array().expect("a row"));
    let rows: Vec<f32> = rows.map(|value| number(value) as f32).collect();
    let expected = json["outputs"][&trees.score_output].as_array().expect("the score output");
    let found = trees.ensemble.predict_rows(&rows);
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let expected = number(expected);
        let allowed = 1e-6 * expected.abs().max(1.0);
        assert!((found - expected).abs() <= allowed, "{name}: value {i} is {found} instead of {expected}");
    }
    trees
}

#[test]
fn answers_equal_those_of_the_runtime() {
    let multi = check("gb_multi");
    assert_eq!(multi.ensemble.post, PostTransform::Softmax);
    assert_eq!(multi.score_output, "output_probability");
    assert_eq!(multi.label_output.as_deref(), Some("output_label"));
    assert_eq!(multi.ensemble.labels.as_ref().map(Vec::len), Some(3));
    check("gb_reg");
    check("lgbm_multi");
    assert_eq!(check("lgbm_poisson").ensemble.post, PostTransform::Exp);
    check("lgbm_rf");
    let double = check("rf_double");
    assert_eq!(double.notes.len(), 1, "compared in float64 by the model");
}

#[test]
fn the_version_5_operator() {
    check("v5_sum");
    // The file says SOFTMAX; ONNX Runtime 1.31 computes LOGISTIC, and that is recorded.
    let swapped = check("v5_softmax");
    assert_eq!((swapped.ensemble.post, swapped.notes.len()), (PostTransform::Logistic, 1));
    check("v5_member");
    assert_eq!(check("v5_max").ensemble.aggregate, Aggregate::Max);
    let description = describe(&path("v5_sum.onnx")).expect("describes");
    assert_eq!(description.parameter_count, 4 + 3, "leaves and thresholds");
}

#[test]
fn columns_of_several_inputs_are_joined() {
    let trees = extract_trees(&path("concat.onnx")).expect("reads").expect("trees");
    let inputs: Vec<_> = trees.inputs.iter().map(|input| (input.name.as_str(), input.width)).collect();
    assert_eq!(inputs, [("a", 1), ("bc", 2), ("d", 1)]);
    assert_eq!(trees.ensemble.n_features, 4);
}
