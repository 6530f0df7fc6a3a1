//! Whole networks, as torch exports them, against torch's own gradients in float64.

use desk_core::{Cancel, Fault, NoProgress};
use desk_explain::{ExplainRequest, FeatureInfo, GradientModel, Gradients, Method, OutputChoice, Pass, Space, Table};
use desk_grad::{Side, Through, Wanted};
use serde::Deserialize;

use crate::common::{Numbers, Opened, distance, open, reference};

#[derive(Deserialize)]
struct Golden {
    shape: Vec<usize>,
    x: Vec<f64>,
    target: Vec<usize>,
    scores: Vec<f64>,
    gradient: Vec<f64>,
    answer_gradient: Option<Vec<f64>>,
    base: f64,
    input_x_gradient: Vec<f64>,
    integrated: Vec<f64>,
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
    let built = desk_grad::build(
        &path,
        Wanted { output: "probabilities", side: Side::Scores, through: Through::Gradient, layer: None },
    )
    .expect("builds");
    assert_eq!(built.before.as_deref(), Some("Sigmoid"));
    let columns = built.columns.expect("both classes");
    assert_eq!(columns.iter().map(|column| (column.from, column.sign)).collect::<Vec<_>>(), [(0, -1.0), (0, 1.0)]);
}

/// A built network as the methods of explanation see it.
struct Network {
    opened: Opened,
    shape: Vec<usize>,
    outputs: usize,
}

impl Gradients for Network {
    fn n_features(&self) -> usize {
        self.shape[1..].iter().product()
    }

    fn n_outputs(&self) -> usize {
        self.outputs
    }

    fn forward_backward(&mut self, rows: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        let count = rows.len() / self.n_features();
        let shape = std::iter::once(count).chain(self.shape[1..].iter().copied()).collect();
        let x = Numbers { shape, data: rows.to_vec(), kind: None };
        let seed = Numbers { shape: vec![count, self.outputs], data: seed.to_vec(), kind: None };
        let (values, mut found) = self.opened.run(vec![x.tensor("x")], &seed);
        Ok(Pass { values, gradients: found.remove(0).2 })
    }
}

/// Gradient times input and integrated gradients of whole networks, against captum's.
#[test]
fn integrated_gradients_as_captum_has_them() {
    // Where slopes jump (ReLU), the points stop where the sum is near enough, and captum has 400 of its own.
    for (name, near) in [("mlp", 5e-3), ("transformer", 1e-4), ("transformer_opset12", 1e-4), ("cnn", 5e-3)] {
        let text = std::fs::read(reference(&format!("{name}.json"))).expect("reads");
        let golden: Golden = serde_json::from_slice(&text).expect("JSON");
        let rows = golden.shape[0];
        let outputs = golden.scores.len() / rows;
        let opened = open(&reference(&format!("{name}.onnx")), "y", Side::Scores).expect("builds");
        let mut network = Network { opened, shape: golden.shape.clone(), outputs };
        let width = network.n_features();
        let features: Vec<_> = (0..width).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
        let base = vec![golden.base; width];
        for (method, expected, near) in
            [(Method::InputGradient, &golden.input_x_gradient, 1e-4), (Method::Integrated, &golden.integrated, near)]
        {
            for (row, target) in golden.target.iter().enumerate() {
                let asked = ExplainRequest { method, output: OutputChoice::One(*target), ..ExplainRequest::default() };
                let model = GradientModel {
                    gradients: &mut network,
                    output_names: &[],
                    space: Space::Raw,
                    before: None,
                    unseen: Vec::new(),
                };
                let own = row * width..(row + 1) * width;
                let (x, background) = (Table::new(&golden.x[own.clone()], width), Table::new(&base, width));
                let found = desk_explain::explain_gradients(
                    model,
                    x,
                    background,
                    &features,
                    &asked,
                    &Cancel::new(),
                    &NoProgress,
                )
                .expect("explains");
                let far = distance(&found.attributions(0, 0), &expected[own]);
                assert!(far < near, "{name}, row {row}: {method} is off by {far:.1e}");
                assert!(found.warnings.is_empty(), "{:?}", found.warnings);
            }
        }
    }
}
