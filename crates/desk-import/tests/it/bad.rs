//! Files that cannot be imported: each gets one clear error.

use desk_core::{Diagnose as _, FaultKind};
use desk_import::{ImportError, describe, locate};

use crate::build::{Msg, file, graph, model, node, opset, tensor, value, varint};

/// The error that a file's bytes give; it has a hint and names the file last.
#[track_caller]
fn error(bytes: &[u8]) -> ImportError {
    let (_dir, path) = file(bytes);
    let error = describe(&path).expect_err("refused");
    assert_eq!(error.kind(), FaultKind::Input);
    assert!(!error.hints().is_empty(), "{error}");
    error
}

fn good() -> Msg {
    model(&graph(&[node("Relu", &["x"], &["y"])], &[]))
}

#[test]
fn the_model_that_the_others_spoil_is_good() {
    let (_dir, path) = file(&good().0);
    let description = describe(&path).expect("describes");
    assert_eq!((description.node_count, description.operators[0].name.as_str()), (1, "Relu"));
    assert!(description.findings.is_empty(), "{:?}", description.findings);
}

#[test]
fn what_is_no_model_says_what_it_looks_like() {
    assert!(matches!(error(b""), ImportError::Empty { .. }));
    for (bytes, looks) in [
        (&b"PK\x03\x04rest"[..], Some("a ZIP archive")),
        (b"\x80\x04\x95rest", Some("a Python pickle")),
        (b"hello, I am a model", Some("a text file")),
        (b"  {\"model\": 1}", Some("a JSON file")),
        (b"[\n  [1, 2]]", Some("a JSON file")),
        (b"[true, null]", Some("a JSON file")),
        (b"[package]\nname = \"desk\"\n", Some("a settings file")),
        (b"[[bin]]\nname = \"true\"\n", Some("a settings file")),
        (b"<!doctype html><p>Please log in", Some("an HTML")),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", Some("a Git LFS pointer")),
        (b"\x1c\0\0\0TFL3\0\0", Some("a TensorFlow Lite")),
        (b"\xff\xfe\xfd\xfc\x00\x01\x02", None),
        // Valid wire format, but nothing of a model.
        (b"\x08\x09", None),
    ] {
        let found = error(bytes);
        let ImportError::NotAModel { looks_like, .. } = &found else { panic!("{bytes:?}: {found}") };
        match looks {
            Some(start) => assert!(looks_like.as_deref().is_some_and(|found| found.starts_with(start)), "{found}"),
            None => assert_eq!(*looks_like, None, "{found}"),
        }
    }
}

#[test]
fn every_cut_of_a_model_is_refused() {
    let whole = good().0;
    // Behind the graph come the operator sets; a model without them still is one.
    for len in 1..whole.len() - 6 {
        let (_dir, path) = file(&whole[..len]);
        assert!(describe(&path).is_err(), "{len} bytes of {}", whole.len());
    }
    assert!(matches!(error(&whole[..whole.len() / 2]), ImportError::Truncated { .. }));
}

#[test]
fn lengths_that_lie_are_found_at_once() {
    let mut bytes = Msg::new().int(1, 9).0;
    bytes.push(7 << 3 | 2);
    bytes.extend(varint(10 << 30));
    bytes.resize(1024, 0);
    let ImportError::Truncated { announced, .. } = error(&bytes) else { panic!() };
    assert_eq!(announced, 10 << 30);

    let mut inner = Msg::new();
    inner.0.push(1 << 3 | 2);
    inner.0.extend(varint(u64::MAX));
    assert!(matches!(error(&model(&inner).0), ImportError::Truncated { .. }));
}

#[test]
fn cycles_name_their_nodes() {
    let nodes = [
        node("Add", &["x", "b"], &["a"]).text(3, "first"),
        node("Relu", &["a"], &["b"]).text(3, "second"),
        node("Relu", &["b"], &["y"]),
    ];
    let ImportError::Cyclic { nodes, .. } = error(&model(&graph(&nodes, &[])).0) else { panic!() };
    assert_eq!(nodes.len(), 2);
    assert!(nodes.iter().any(|name| name.contains("first")), "{nodes:?}");
    // A node that feeds itself, through a graph inside it.
    let then = Msg::new().msg(1, &node("Relu", &["y"], &["t"])).text(2, "then").msg(12, &value("t", &[1]));
    let branch = Msg::new().text(1, "then_branch").msg(6, &then).int(20, 5);
    let looped = node("If", &["x"], &["y"]).msg(5, &branch);
    assert!(matches!(error(&model(&graph(&[looped], &[])).0), ImportError::Cyclic { .. }));
}

#[test]
fn nodes_may_stand_in_any_order() {
    let nodes = [node("Relu", &["a"], &["y"]), node("Neg", &["x"], &["a"])];
    let (_dir, path) = file(&model(&graph(&nodes, &[])).0);
    describe(&path).expect("the runtime sorts them too");
}

#[test]
fn values_that_nothing_gives_and_values_given_twice() {
    let found = error(&model(&graph(&[node("Add", &["x", "ghost"], &["y"])], &[])).0);
    assert!(found.to_string().starts_with("the Add node that gives `y` needs `ghost`"), "{found}");
    assert!(matches!(error(&model(&graph(&[node("Relu", &["x"], &["z"])], &[])).0), ImportError::Undefined { .. }));
    let twice = [node("Relu", &["x"], &["y"]), node("Neg", &["x"], &["y"])];
    assert!(matches!(error(&model(&graph(&twice, &[])).0), ImportError::Duplicate { what: "values", .. }));
    let relu = [node("Relu", &["x"], &["y"])];
    let weights = [tensor("w", &[1], &[0; 4]), tensor("w", &[1], &[0; 4])];
    let found = error(&model(&graph(&relu, &weights)).0);
    assert!(matches!(found, ImportError::Duplicate { what: "initialisers", .. }), "{found}");
}

#[test]
fn unknown_operators() {
    let with = |op: &str, domain: &str, version: i64| {
        let node = node(op, &["x"], &["y"]).text(7, domain);
        Msg::new().int(1, 9).msg(7, &graph(&[node], &[])).msg(8, &opset(domain, version)).0
    };
    let found = error(&with("Rellu", "", 18));
    assert!(found.to_string().contains("`Rellu`, which ONNX does not define"), "{found}");
    assert!(matches!(error(&with("Treee", "ai.onnx.ml", 3)), ImportError::UnknownOperator { .. }));
    let found = error(&with("Gelu", "ai.onnx", 18));
    assert!(found.to_string().contains("exists since opset 20 only"), "{found}");
    let found = error(&with("Secret", "com.example", 1));
    assert!(matches!(&found, ImportError::UnknownDomain { domain, .. } if domain == "com.example"), "{found}");
}

#[test]
fn functions_of_the_model_are_operators_unless_they_never_end() {
    let function = |name: &str, calls: &str, domain: &str| {
        let body = node(calls, &["a"], &["b"]).text(7, domain);
        Msg::new().text(1, name).text(4, "a").text(5, "b").msg(7, &body).text(10, "my.own")
    };
    let call = node("Twice", &["x"], &["y"]).text(7, "my.own");
    let with = |function: &Msg| model(&graph(std::slice::from_ref(&call), &[])).msg(25, function).0;
    let (_dir, path) = file(&with(&function("Twice", "Relu", "")));
    assert_eq!(describe(&path).expect("describes").node_count, 2);
    assert!(matches!(error(&with(&function("Twice", "Twice", "my.own"))), ImportError::Cyclic { .. }));
}

#[test]
fn tensors_whose_shape_and_data_differ() {
    let relu = [node("Relu", &["x"], &["y"])];
    for weights in [
        tensor("w", &[3], &[0; 8]),
        tensor("w", &[-1], &[0; 4]),
        tensor("w", &[i64::MAX, i64::MAX], &[]),
        tensor("w", &[1 << 40], &[]),
        Msg::new().int(1, 2).int(2, 1).text(8, "w"),
        Msg::new().int(1, 1).int(2, 99).text(8, "w").bytes(9, &[0; 4]),
        Msg::new().int(1, 1).int(2, 8).text(8, "w").bytes(9, &[0; 4]),
    ] {
        let found = error(&model(&graph(&relu, &[weights])).0);
        assert!(matches!(found, ImportError::BadTensor { .. }), "{found}");
    }
}

#[test]
fn nesting_bombs_and_bad_names() {
    let mut inner = graph(&[node("Relu", &["x"], &["y"])], &[]);
    for _ in 0..2000 {
        let attribute = Msg::new().text(1, "body").msg(6, &inner);
        inner = Msg::new().msg(1, &node("Loop", &[], &[]).msg(5, &attribute));
    }
    assert!(matches!(error(&model(&inner).0), ImportError::Excessive { .. }));

    let mut kind = Msg::new();
    for _ in 0..5000 {
        kind = Msg::new().msg(4, &Msg::new().msg(1, &kind));
    }
    let input = Msg::new().text(1, "deep").msg(2, &kind);
    assert!(matches!(error(&model(&graph(&[], &[]).msg(11, &input)).0), ImportError::Excessive { .. }));

    let named = Msg::new().bytes(1, b"\xff\xfe").text(2, "y").text(4, "Relu");
    assert!(matches!(error(&model(&graph(&[named], &[])).0), ImportError::Damaged { .. }));
    let long = node(&"R".repeat(1 << 20), &["x"], &["y"]);
    assert!(matches!(error(&model(&graph(&[long], &[])).0), ImportError::Excessive { .. }));
    let second = good().msg(7, &graph(&[], &[]));
    assert!(matches!(error(&second.0), ImportError::Damaged { .. }));
}

#[test]
fn folders() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(matches!(locate(dir.path()), Err(ImportError::NoModelInFolder { .. })));
    assert!(matches!(locate(&dir.path().join("no")), Err(ImportError::Io { .. })));
    std::fs::write(dir.path().join("a.onnx"), good().0).expect("written");
    assert_eq!(locate(dir.path()).expect("one").entry, "a.onnx");
    std::fs::write(dir.path().join("b.onnx"), good().0).expect("written");
    let Err(ImportError::SeveralModels { names, .. }) = locate(dir.path()) else { panic!() };
    assert_eq!(names, ["a.onnx", "b.onnx"]);
    std::fs::write(dir.path().join("model.onnx"), good().0).expect("written");
    assert_eq!(locate(dir.path()).expect("the named one").entry, "model.onnx");
}
