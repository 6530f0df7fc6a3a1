//! Files that were made to break the builder, and models without gradients: an error that names it, never a panic.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use desk_core::Diagnose as _;
use desk_grad::{GradError, Side, Through, Wanted, build};
use proptest::prelude::*;

use crate::common::reference;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn of(output: &str) -> Wanted<'_> {
    Wanted { output, side: Side::Scores, through: Through::Gradient, layer: None }
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).expect("written");
    (folder, path)
}

/// A message of the wire format.
#[derive(Clone, Default)]
struct Msg(Vec<u8>);

impl Msg {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }
}

fn value(name: &str, element: i64, dims: &[i64]) -> Msg {
    let shape = dims.iter().fold(Msg::default(), |shape, dim| shape.bytes(1, &Msg::default().int(1, *dim).0));
    let tensor = Msg::default().int(1, element).bytes(2, &shape.0);
    Msg::default().text(1, name).bytes(2, &Msg::default().bytes(1, &tensor.0).0)
}

fn node(op: &str, domain: &str, inputs: &[&str], outputs: &[&str], attributes: &[Msg]) -> Msg {
    let node = inputs.iter().fold(Msg::default(), |node, name| node.text(1, name));
    let node = outputs.iter().fold(node, |node, name| node.text(2, name)).text(4, op).text(7, domain);
    attributes.iter().fold(node, |node, attribute| node.bytes(5, &attribute.0))
}

fn ints(name: &str, values: &[i64]) -> Msg {
    values.iter().fold(Msg::default().text(1, name).int(20, 7), |a, value| a.int(8, *value))
}

/// A model of nodes from x to y.
fn model(nodes: &[Msg], tensors: &[Msg], element: i64) -> Vec<u8> {
    let graph = nodes.iter().fold(Msg::default(), |graph, node| graph.bytes(1, &node.0)).text(2, "g");
    let graph = tensors.iter().fold(graph, |graph, tensor| graph.bytes(5, &tensor.0));
    let graph = graph.bytes(11, &value("x", element, &[2, 3, 4, 4]).0).bytes(12, &value("y", 1, &[]).0);
    let opset = |domain: &str, version| Msg::default().text(1, domain).int(2, version);
    Msg::default()
        .int(1, 9)
        .bytes(7, &graph.0)
        .bytes(8, &opset("", 18).0)
        .bytes(8, &opset("com.microsoft", 1).0)
        .bytes(8, &opset("ai.onnx.ml", 3).0)
        .0
}

#[track_caller]
fn refused(bytes: &[u8]) -> String {
    let (_folder, path) = file(bytes);
    let error = build(&path, of("y")).expect_err("no gradient");
    assert!(!error.hints().is_empty(), "{error}");
    error.to_string()
}

#[test]
fn operators_without_a_rule_are_all_named_at_once() {
    let bytes = model(
        &[
            node("Det", "", &["x"], &["a"], &[]),
            node("Hardmax", "", &["a"], &["b"], &[]),
            node("Hardmax", "", &["b"], &["c"], &[]),
            node("BiasGelu", "com.microsoft", &["c", "c"], &["y"], &[]),
        ],
        &[],
        1,
    );
    assert_eq!(refused(&bytes), "there is no gradient through Det, Hardmax (2 nodes), com.microsoft.BiasGelu");
}

#[test]
fn trees_and_steps_have_no_gradient() {
    let trees = build(&repository("assets/samples/tumour/v1.onnx"), of("probabilities")).expect_err("trees");
    assert_eq!(trees.to_string(), "there is no gradient through ai.onnx.ml.TreeEnsembleClassifier");
    let steps = model(&[node("Floor", "", &["x"], &["y"], &[])], &[], 1);
    assert_eq!(refused(&steps), "there is no gradient of the output `y`: it changes in steps only (Floor)");
    let whole = model(&[node("Identity", "", &["x"], &["y"], &[])], &[], 7);
    assert!(refused(&whole).contains("no input that holds numbers with fractions"));
    let none = build(&reference("mlp.onnx"), of("z")).expect_err("no such output");
    assert!(matches!(none, GradError::NoSuchOutput { .. }), "{none}");
}

#[test]
fn uses_that_are_not_covered_say_why() {
    let sized = |attributes: &[Msg]| node("Conv", "", &["x", "w"], &["y"], attributes);
    let weights = Msg::default().int(1, 2).int(1, 3).int(1, 3).int(1, 3).int(2, 1).text(8, "w").bytes(9, &[0; 216]);
    for (attribute, why) in [
        (ints("strides", &[0, 1]), "its strides make no sense"),
        (ints("dilations", &[1 << 40, 1]), "its dilations make no sense"),
        (ints("pads", &[i64::MAX, 1, 1, 1]), "its pads make no sense"),
        (ints("pads", &[1]), "its pads make no sense"),
    ] {
        let said = refused(&model(&[sized(&[attribute])], std::slice::from_ref(&weights), 1));
        assert_eq!(said, format!("there is no gradient through Conv `y`: {why}"));
    }
    let turned = model(&[node("Transpose", "", &["x"], &["y"], &[ints("perm", &[9, 0, -3, 1])])], &[], 1);
    assert!(refused(&turned).contains("its order makes no sense"));
    let product = model(&[node("Conv", "", &["x", "x"], &["y"], &[])], &[], 1);
    assert!(refused(&product).contains("its weights change with the input"));
    for kernel in [[1 << 23, 1 << 23], [i64::MAX, 1], [0, 3]] {
        let pool = model(&[node("AveragePool", "", &["x"], &["y"], &[ints("kernel_shape", &kernel)])], &[], 1);
        assert!(refused(&pool).contains("its kernel makes no sense"));
    }
    let bare = model(&[node("MaxPool", "", &[], &["y"], &[])], &[], 1);
    refused(&bare);
}

#[test]
fn cycles_missing_values_and_giants_are_found_before_anything_is_built() {
    let cycle = model(&[node("Add", "", &["x", "b"], &["y"], &[]), node("Relu", "", &["y"], &["b"], &[])], &[], 1);
    assert!(refused(&cycle).contains("cycle"));
    let missing = model(&[node("Add", "", &["x", "w"], &["y"], &[])], &[], 1);
    assert!(refused(&missing).contains("nothing in the graph gives"));
    let giant = Msg::default().int(1, 1 << 40).int(1, 1 << 40).int(2, 1).text(8, "w");
    assert!(refused(&model(&[node("Add", "", &["x", "w"], &["y"], &[])], &[giant], 1)).contains('w'));
    let (_folder, path) = file(b"");
    assert!(build(&path, of("y")).is_err());
}

/// A chain of ten thousand nodes, named backwards: no recursion, no quadratic walk.
#[test]
fn a_long_chain_is_walked() {
    let name = |i: usize| if i == 10_000 { "y".to_owned() } else { format!("v{i}") };
    let step = |i: usize| {
        let from = if i == 0 { "x".to_owned() } else { name(i) };
        node("Neg", "", &[&from], &[&name(i + 1)], &[])
    };
    let nodes: Vec<Msg> = (0..10_000).rev().map(step).collect();
    let (_folder, path) = file(&model(&nodes, &[], 1));
    let began = std::time::Instant::now();
    let built = build(&path, of("y")).expect("builds");
    assert_eq!(built.gradients.len(), 1);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

fn models() -> &'static Vec<(Vec<u8>, &'static str)> {
    static MODELS: OnceLock<Vec<(Vec<u8>, &'static str)>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let read = |path: PathBuf| std::fs::read(path).expect("a model");
        vec![
            (read(reference("mlp.onnx")), "y"),
            (read(reference("cnn.onnx")), "y"),
            (read(reference("transformer_opset12.onnx")), "y"),
            (read(repository("tests/reference/models/network.onnx")), "probabilities"),
            (read(repository("assets/samples/digits/model.onnx")), "probabilities"),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn spoiled_models_never_panic(
        which in 0..5usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        side in prop_oneof![Just(Side::Scores), Just(Side::Answers)],
        through in prop_oneof![
            Just(Through::Gradient),
            Just(Through::Guided),
            Just(Through::Relevance { epsilon: 1e-6 }),
            Just(Through::Rescale),
            Just(Through::Cam),
        ],
    ) {
        let (mut bytes, output) = models()[which].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let (_folder, path) = file(&bytes);
        if let Ok(built) = build(&path, Wanted { output, side, through, layer: None }) {
            prop_assert!(!built.gradients.is_empty());
        }
    }
}
