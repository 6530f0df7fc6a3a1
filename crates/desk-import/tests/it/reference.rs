//! Extracted trees answer as ONNX Runtime does, on the samples and the reference models.

use std::path::{Path, PathBuf};

use desk_core::trees::{PostTransform, TreeEnsemble};
use desk_core::{ModelFamily, NamedTensor, TensorData};
use desk_import::{TreeExtraction, describe, examine_trees, extract_trees, locate};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `null` among numbers is NaN.
fn tensors(value: &serde_json::Value) -> Vec<NamedTensor> {
    let list = value.as_array().expect("a list");
    list.iter()
        .map(|item| {
            let mut item = item.clone();
            let values = &mut item["tensor"]["data"]["values"];
            let missing: Vec<usize> = match values.as_array_mut() {
                Some(values) => values
                    .iter_mut()
                    .enumerate()
                    .filter(|(_, value)| value.is_null())
                    .map(|(i, value)| {
                        *value = 0.0.into();
                        i
                    })
                    .collect(),
                None => Vec::new(),
            };
            let mut named: NamedTensor = serde_json::from_value(item).expect("a tensor");
            if let TensorData::Float32(values) = &mut named.tensor.data {
                for i in missing {
                    values[i] = f32::NAN;
                }
            }
            named
        })
        .collect()
}

fn check(model: &str, predictions: &str) {
    let path = root().join(model);
    let trees = extract_trees(&path).expect(model).unwrap_or_else(|| panic!("{model} is trees"));
    let text = std::fs::read(root().join("tests/reference/predictions").join(predictions)).expect("predictions");
    let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let (inputs, outputs) = (tensors(&json["inputs"]), tensors(&json["outputs"]));
    let TensorData::Float32(rows) = &inputs[0].tensor.data else { panic!("{model}: float32 input") };
    assert_eq!(trees.inputs.len(), 1);
    assert_eq!(trees.inputs[0].name, inputs[0].name);
    let output = outputs.iter().find(|output| output.name == trees.score_output).expect("the score output");
    let expected = output.tensor.data.to_f64().expect("numbers");
    let found = trees.ensemble.predict_rows(rows);
    assert_eq!(found.len(), expected.len(), "{model}");
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let allowed = 1e-6 * expected.abs().max(1.0);
        assert!((found - expected).abs() <= allowed, "{model}: value {i} is {found} instead of {expected}");
    }
}

#[test]
fn extracted_trees_answer_as_the_runtime_does() {
    let models = [
        "forest_binary",
        "forest_diabetes",
        "forest_wine",
        "lightgbm_missing",
        "xgboost_diabetes",
        "xgboost_missing",
        "xgboost_wine",
    ];
    for name in models {
        check(&format!("tests/reference/models/{name}.onnx"), &format!("{name}.json"));
    }
    check("assets/samples/tumour/v1.onnx", "tumour_v1.json");
    check("assets/samples/tumour/v2.onnx", "tumour_v2.json");
}

#[test]
fn extracted_trees_equal_those_that_the_onnx_package_reads() {
    for entry in std::fs::read_dir(root().join("tests/reference/trees")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let expected: TreeEnsemble =
            serde_json::from_slice(&std::fs::read(&path).expect("reads")).expect("an ensemble");
        let model = match name.strip_prefix("tumour_") {
            Some(version) => root().join(format!("assets/samples/tumour/{version}.onnx")),
            None => root().join(format!("tests/reference/models/{name}.onnx")),
        };
        let found = extract_trees(&model).expect("reads").expect("trees").ensemble;
        assert_eq!(found.trees, expected.trees, "{name}");
        assert_eq!((found.n_features, found.n_outputs), (expected.n_features, expected.n_outputs), "{name}");
        assert_eq!(found.binary_from_one, expected.binary_from_one, "{name}");
        assert_eq!((found.aggregate, found.post), (expected.aggregate, expected.post), "{name}");
        assert_eq!((&found.labels, &found.base_values), (&expected.labels, &expected.base_values), "{name}");
    }
}

#[test]
fn descriptions_of_the_samples() {
    let tumour = describe(&root().join("assets/samples/tumour/v1.onnx")).expect("describes");
    assert_eq!(tumour.family, ModelFamily::TreeEnsemble);
    assert_eq!(tumour.labels.as_deref(), Some(&["benign".to_owned(), "malignant".to_owned()][..]));
    assert_eq!(tumour.signature.inputs[0].value_type.to_string(), "float32 [batch, 30]");
    // 48 leaves, 84 nodes: 36 thresholds.
    assert_eq!(tumour.parameter_count, 48 + 36);
    assert_eq!(tumour.node_count, 2);
    assert!(tumour.producer.starts_with("skl2onnx 1."), "{}", tumour.producer);

    let penguins = describe(&root().join("assets/samples/penguins/model.onnx")).expect("describes");
    assert_eq!(penguins.family, ModelFamily::Pipeline);
    assert_eq!(penguins.signature.inputs.len(), 5);
    assert_eq!(penguins.labels.map(|labels| labels.len()), Some(3));
    assert_eq!(
        penguins.signature.outputs[1].value_type.to_string(),
        "sequence of map from string to float32 [any shape]"
    );

    let digits = describe(&root().join("assets/samples/digits/model.onnx")).expect("describes");
    assert_eq!(digits.family, ModelFamily::Network);
    assert_eq!(digits.opsets, [(String::new(), 18)]);
    let network = describe(&root().join("tests/reference/models/network.onnx")).expect("describes");
    assert_eq!(network.family, ModelFamily::Pipeline, "a scaler and a network");
}

#[test]
fn what_is_no_tree_ensemble_says_why() {
    let why = |model: &str| match examine_trees(&root().join(model)).expect("reads") {
        TreeExtraction::NotTrees(why) => why,
        TreeExtraction::Found(_) => panic!("{model} is no tree ensemble"),
    };
    assert_eq!(why("assets/samples/digits/model.onnx"), "It holds no tree ensemble");
}

#[test]
fn one_file_is_located() {
    let path = root().join("assets/samples/tumour/v1.onnx");
    let source = locate(&path).expect("located");
    assert_eq!(source.entry, "v1.onnx");
    assert_eq!(source.files, [("v1.onnx".to_owned(), path)]);
}

#[test]
fn the_lightgbm_ensemble_has_its_steps_folded_in() {
    let trees =
        extract_trees(&root().join("tests/reference/models/lightgbm_missing.onnx")).expect("reads").expect("trees");
    assert_eq!(trees.score_output, "probabilities");
    assert_eq!(trees.label_output.as_deref(), Some("label"));
    assert_eq!(trees.ensemble.post, PostTransform::Logistic);
    assert!(trees.notes.is_empty());
}
