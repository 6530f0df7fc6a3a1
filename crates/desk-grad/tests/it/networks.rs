//! Whole networks, as torch exports them, against torch's own gradients in float64.

use desk_grad::Side;
use serde::Deserialize;

use crate::common::{Numbers, distance, open, reference};

#[derive(Deserialize)]
struct Golden {
    shape: Vec<usize>,
    x: Vec<f64>,
    target: Vec<usize>,
    scores: Vec<f64>,
    gradient: Vec<f64>,
    answer_gradient: Option<Vec<f64>>,
}

fn check(name: &str, before: Option<&str>) {
    let text = std::fs::read(reference(&format!("{name}.json"))).expect("reads");
    let golden: Golden = serde_json::from_slice(&text).expect("JSON");
    let path = reference(&format!("{name}.onnx"));
    let rows = golden.shape[0];
    let width = golden.scores.len() / rows;
    // Each row asks for a class of its own.
    let mut seed = vec![0.0; rows * width];
    for (row, target) in golden.target.iter().enumerate() {
        seed[row * width + target] = 1.0;
    }
    let seed = Numbers { shape: vec![rows, width], data: seed, kind: None };
    let x = Numbers { shape: golden.shape.clone(), data: golden.x.clone(), kind: None };

    let mut scores = open(&path, "y", Side::Scores).expect("builds");
    assert_eq!(scores.built.before.as_deref(), before, "{name}");
    let (value, found) = scores.run(vec![x.tensor("x")], &seed);
    assert!(distance(&value, &golden.scores) < 1e-4, "{name}: scores");
    let far = distance(&found[0].2, &golden.gradient);
    assert!(far < 1e-4, "{name}: gradients are off by {far:.1e}");

    if let Some(expected) = &golden.answer_gradient {
        let mut answers = open(&path, "y", Side::Answers).expect("builds");
        assert_eq!(answers.built.before, None);
        let (value, found) = answers.run(vec![x.tensor("x")], &seed);
        let sums: Vec<f64> = value.chunks(width).map(|row| row.iter().sum()).collect();
        assert!(distance(&sums, &vec![1.0; rows]) < 1e-5, "{name}: shares");
        let far = distance(&found[0].2, expected);
        assert!(far < 1e-4, "{name}: gradients of the answers are off by {far:.1e}");
    }
}

#[test]
fn a_perceptron() {
    check("mlp", Some("Softmax"));
}

#[test]
fn convolutions_with_depthwise_pools_residuals_and_gates() {
    check("cnn", Some("Softmax"));
    check("cnn_opset12", Some("Softmax"));
}

#[test]
fn a_transformer_block() {
    check("transformer", None);
    check("transformer_opset12", None);
}

/// scikit-learn's perceptron for two classes ends in a sigmoid and `[1 - p, p]`.
#[test]
fn two_classes_of_one_score() {
    let path = reference("../models/network.onnx");
    let built =
        desk_grad::build(&path, desk_grad::Wanted { output: "probabilities", side: Side::Scores }).expect("builds");
    assert_eq!(built.before.as_deref(), Some("Sigmoid"));
    let columns = built.columns.expect("both classes");
    assert_eq!(columns.iter().map(|column| (column.from, column.sign)).collect::<Vec<_>>(), [(0, -1.0), (0, 1.0)]);
}
