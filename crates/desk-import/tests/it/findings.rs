//! What import notices without refusing.

use desk_core::{ModelFamily, Severity};
use desk_import::{describe, feature_names};

use crate::build::{Msg, file, graph, model, node, opset, tensor, value};

fn codes(bytes: &[u8]) -> Vec<(String, Severity)> {
    let (_dir, path) = file(bytes);
    describe(&path).expect("describes").findings.into_iter().map(|f| (f.code, f.severity)).collect()
}

fn has(bytes: &[u8], code: &str, severity: Severity) {
    let found = codes(bytes);
    assert!(found.contains(&(code.to_owned(), severity)), "{found:?}");
}

#[test]
fn findings() {
    let relu = || node("Relu", &["x"], &["y"]);
    let body = graph(&[relu()], &[]);
    let newer = Msg::new().int(1, 99).msg(7, &body).msg(8, &opset("", 9999));
    has(&newer.0, "newer-opset", Severity::Warning);
    has(&newer.0, "newer-ir", Severity::Warning);
    let unknown = Msg::new().int(1, 9).msg(7, &graph(&[node("Future", &["x"], &["y"])], &[])).msg(8, &opset("", 9999));
    has(&unknown.0, "newer-operator", Severity::Warning);
    let gelu = node("BiasGelu", &["x"], &["y"]).text(7, "com.microsoft");
    has(&model(&graph(&[gelu], &[])).msg(8, &opset("com.microsoft", 1)).0, "custom-operator", Severity::Warning);
    has(&model(&body).msg(20, &Msg::new()).0, "training-info", Severity::Info);
    let fixed = Msg::new().msg(1, &relu()).msg(11, &value("x", &[3, 4])).msg(12, &value("y", &[3, 4]));
    has(&model(&fixed).0, "fixed-batch", Severity::Warning);
    let shapeless = Msg::new().text(1, "x").msg(2, &Msg::new().msg(1, &Msg::new().int(1, 1)));
    let shapeless = Msg::new().msg(1, &relu()).msg(11, &shapeless).msg(12, &value("y", &[-1]));
    has(&model(&shapeless).0, "missing-shape", Severity::Info);
    let constant = Msg::new().msg(5, &tensor("y", &[1], &[0; 4])).msg(12, &value("y", &[1]));
    has(&model(&constant).0, "no-inputs", Severity::Warning);
}

#[test]
fn names_and_shapes_that_nobody_can_work_with() {
    let message = |graph: &Msg, code: &str| {
        let (_dir, path) = file(&model(graph).0);
        let findings = describe(&path).expect("describes").findings;
        let found =
            findings.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {code}: {findings:?}"));
        assert_eq!(found.severity, Severity::Warning);
        found.message.clone()
    };
    let between = |x: &str, y: &str, dims: &[i64]| {
        Msg::new().msg(1, &node("Relu", &[x], &[y])).msg(11, &value(x, dims)).msg(12, &value(y, &[-1, 4]))
    };
    let long = "n".repeat(10_000);
    let said = message(&between(&long, "y", &[-1, 4]), "odd-name");
    assert!(said.len() < 300 && said.contains("nnn…`"), "{said}");
    let said = message(&between("x", "y\u{1b}[31m\n", &[-1, 4]), "odd-name");
    assert!(said.contains("The name of the output `y\\u{1b}[31m\\n`"), "{said}");
    let said = message(&between("x", "y", &[-1, 0]), "empty-shape");
    assert!(said.contains("The input `x` has the shape") && said.contains("holds no values; export"), "{said}");
    let nameless = Msg::new().msg(1, &node("Relu", &["x"], &["y"])).msg(12, &value("y", &[-1]));
    let nameless = nameless.msg(11, &value("x", &[-1])).msg(11, &value("", &[-1]));
    assert!(message(&nameless, "empty-name").contains("An input has no name"));
}

#[test]
fn an_initialiser_with_an_inputs_name_is_its_default() {
    let graph = graph(&[node("Add", &["x", "w"], &["y"])], &[tensor("w", &[4], &[0; 16])]).msg(11, &value("w", &[4]));
    let (_dir, path) = file(&model(&graph).0);
    let description = describe(&path).expect("describes");
    assert_eq!(description.signature.inputs.len(), 1);
    assert_eq!(description.parameter_count, 4);
}

#[test]
fn metadata_opsets_families_and_names() {
    let pair = |key: &str, value: &str| Msg::new().text(1, key).text(2, value);
    let weights = tensor("w", &[4, 4], &[0; 64]);
    let linear = graph(&[node("MatMul", &["x", "w"], &["y"])], &[weights]);
    let bytes = model(&linear).msg(8, &opset("ai.onnx", 17)).msg(14, &pair("feature_names", "[\"age\", \"sex\"]"));
    let (_dir, path) = file(&bytes.0);
    let description = describe(&path).expect("describes");
    assert_eq!(description.opsets, [(String::new(), 18)], "of two entries the higher");
    assert_eq!(description.family, ModelFamily::Linear);
    assert_eq!(feature_names(&description), Some(vec!["age".to_owned(), "sex".to_owned()]));
    let commas = desk_core::Description { metadata: vec![("feature_names".into(), "age, sex".into())], ..description };
    assert_eq!(feature_names(&commas), Some(vec!["age".to_owned(), "sex".to_owned()]));
}

#[test]
fn names_of_outer_values_may_be_used_inside() {
    let branch = |name: &str, op: &str| {
        let body = Msg::new().msg(1, &node(op, &["outer"], &["inner"])).text(2, name).msg(12, &value("inner", &[-1]));
        Msg::new().text(1, name).msg(6, &body).int(20, 5)
    };
    let choose =
        node("If", &["x"], &["y"]).msg(5, &branch("then_branch", "Relu")).msg(5, &branch("else_branch", "Neg"));
    let nodes = [choose, node("Abs", &["x"], &["outer"])];
    let (_dir, path) = file(&model(&graph(&nodes, &[])).0);
    let description = describe(&path).expect("describes");
    assert_eq!(description.node_count, 4);
    assert!(description.operators.iter().any(|operator| operator.name == "Neg"));
}

#[test]
fn operators_that_draw_random_numbers_are_named() {
    let message = |bytes: &[u8]| {
        let (_dir, path) = file(bytes);
        let description = describe(&path).expect("describes");
        let found = description.findings.iter().find(|finding| finding.code == desk_core::model::RANDOM_ANSWERS);
        assert_eq!(description.is_random(), found.is_some());
        found.map(|finding| finding.message.clone())
    };
    let of = |nodes: &[Msg], tensors: &[Msg]| message(&model(&graph(nodes, tensors)).0);
    for op in ["RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"] {
        let said = of(&[node(op, &["x"], &["y"])], &[]).expect("a finding");
        assert!(said.contains(op) && said.contains("differ from run to run"), "{said}");
    }
    for op in ["RandomNormal", "RandomUniform"] {
        let said = of(&[node(op, &[], &["r"]), node("Add", &["x", "r"], &["y"])], &[]).expect("a finding");
        assert!(said.contains(op), "{said}");
    }
    let dropout = || node("Dropout", &["x", "", "training"], &["y"]);
    let flag = |byte: u8| Msg::new().int(1, 1).int(2, 9).text(8, "training").msg(9, &Msg(vec![byte]));
    assert!(of(&[dropout()], &[flag(1)]).expect("a finding").contains("Dropout in training mode"));
    assert_eq!(of(&[dropout()], &[flag(0)]), None);
    assert_eq!(of(&[node("Dropout", &["x"], &["y"])], &[]), None);
    // Before opset 7 it drops values unless an attribute says that it is a test.
    let old = |node: Msg| message(&Msg::new().int(1, 3).msg(7, &graph(&[node], &[])).msg(8, &opset("", 6)).0);
    let is_test = |flag: i64| Msg::new().text(1, "is_test").int(3, flag).int(20, 2);
    let dropout = || node("Dropout", &["x"], &["y"]);
    assert!(old(dropout()).expect("a finding").contains("Dropout in training mode"));
    assert!(old(dropout().msg(5, &is_test(0))).is_some());
    assert_eq!(old(dropout().msg(5, &is_test(1))), None);
}
