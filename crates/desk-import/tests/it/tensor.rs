//! Values of tensors, wherever a model keeps them.

use std::path::Path;

use desk_core::{Cancel, Diagnose as _, Fault, TensorFacts, TensorPlace};
use desk_import::{TensorFormat, open_tensor};

use crate::build::{Msg, external, file, graph, model, node, tensor, value, varint};

fn place(name: &str, graph: Option<&str>) -> TensorPlace {
    TensorPlace { name: name.to_owned(), graph: graph.map(|graph| graph.parse().expect("a path")) }
}

#[track_caller]
fn facts(path: &Path, name: &str) -> TensorFacts {
    open_tensor(path, &place(name, None)).expect(name).facts(&Cancel::new(), &|_, _| ()).expect(name)
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A tensor with its values in a list: `field` is that of the list.
fn listed(name: &str, data_type: i64, dims: &[i64], field: u64, list: &[u8]) -> Msg {
    dims.iter().fold(Msg::new(), |message, dim| message.int(1, *dim)).int(2, data_type).text(8, name).bytes(field, list)
}

fn with(tensors: &[Msg]) -> Msg {
    model(&graph(&[node("Relu", &["x"], &["y"])], tensors))
}

#[test]
fn figures_and_a_histogram_of_raw_floats() {
    let values = [0.0, -1.5, 2.5, f32::NAN, f32::INFINITY, 0.0, 1.0, 4.0];
    let (_dir, path) = file(&with(&[tensor("w", &[2, 4], &floats(&values))]).0);
    let found = facts(&path, "w");
    assert_eq!((found.element.as_str(), found.dims.as_slice(), found.elements), ("float32", [2, 4].as_slice(), 8));
    assert_eq!((found.bytes, found.external, found.graph.to_string()), (Some(32), None, String::new()));
    assert_eq!(found.first, ["0.0", "-1.5", "2.5", "NaN", "inf", "0.0", "1.0", "4.0"]);
    let numbers = found.numbers.expect("numbers");
    assert_eq!((numbers.finite, numbers.zeros, numbers.nans, numbers.infinite), (6, 2, 1, 1));
    assert_eq!((numbers.min, numbers.max, numbers.mean), (Some(-1.5), Some(4.0), Some(1.0)));
    assert_eq!(numbers.edges.len(), numbers.counts.len() + 1);
    assert_eq!((numbers.edges[0], numbers.edges.last().copied()), (-1.5, Some(4.0)));
    assert_eq!(numbers.counts.iter().sum::<u64>(), 6);
}

#[test]
fn values_in_lists_of_every_sort() {
    let ints: Vec<u8> = [1u64, 2, u64::MAX].into_iter().flat_map(varint).collect();
    let tensors = [
        listed("floats", 1, &[3], 4, &floats(&[0.1, -2.0, 3.0])),
        listed("ints", 7, &[3], 7, &ints),
        listed("halves", 10, &[2], 5, &[varint(0x3c00), varint(0xc000)].concat()),
        listed("nibbles", 22, &[3], 5, &[varint(0xf8), varint(0x07)].concat()),
        listed("large", 13, &[1], 11, &varint(u64::MAX)),
        listed("doubles", 11, &[1], 10, &0.1f64.to_le_bytes()),
    ];
    let (_dir, path) = file(&with(&tensors).0);
    for (name, element, first) in [
        ("floats", "float32", vec!["0.1", "-2.0", "3.0"]),
        ("ints", "int64", vec!["1", "2", "-1"]),
        ("halves", "float16", vec!["1.0", "-2.0"]),
        ("nibbles", "int4", vec!["-8", "-1", "7"]),
        ("large", "uint64", vec!["18446744073709551615"]),
        ("doubles", "float64", vec!["0.1"]),
    ] {
        let found = facts(&path, name);
        assert_eq!((found.element.as_str(), found.first), (element, first.iter().map(|x| (*x).to_owned()).collect()));
    }
    // Few whole numbers have a bin each.
    let numbers = facts(&path, "nibbles").numbers.expect("numbers");
    assert_eq!((numbers.edges[0], numbers.counts.len(), numbers.counts[0]), (-8.5, 16, 1));
}

#[test]
fn texts_have_values_and_no_figures() {
    let texts = Msg::new().int(1, 2).int(2, 8).text(8, "names").text(6, "setosa").text(6, "a \"b\"");
    let (dir, path) = file(&with(&[texts]).0);
    let found = facts(&path, "names");
    assert_eq!((found.element.as_str(), found.numbers, found.bytes), ("string", None, None));
    assert_eq!(found.first, ["setosa", "a \"b\""]);
    let mut opened = open_tensor(&path, &place("names", None)).expect("there");
    assert_eq!(opened.values(1, 10).expect("read"), ["a \"b\""]);
    let out = dir.path().join("names.csv");
    opened.export(TensorFormat::Csv, &out, &Cancel::new(), &|_, _| ()).expect("written");
    assert_eq!(std::fs::read_to_string(&out).expect("there"), "dim_0,value\n0,\"setosa\"\n1,\"a \"\"b\"\"\"\n");
    let error = opened.export(TensorFormat::Npy, &out, &Cancel::new(), &|_, _| ()).expect_err("refused");
    assert_eq!(error.hints(), ["End the name in .csv"]);
}

#[test]
fn values_in_another_file_are_read_from_their_offset_page_by_page() {
    let many: Vec<f32> = (0..300_000u32).map(|i| i as f32).collect();
    let weights = external("w", &[300, 1000], &[("location", "weights.bin"), ("offset", "64")]);
    let (dir, path) = file(&with(&[weights]).0);
    let mut bytes = vec![0xff; 64];
    bytes.extend(floats(&many));
    std::fs::write(dir.path().join("weights.bin"), &bytes).expect("written");
    let found = facts(&path, "w");
    assert_eq!((found.external.as_deref(), found.elements), (Some("weights.bin"), 300_000));
    let numbers = found.numbers.expect("numbers");
    assert_eq!((numbers.min, numbers.max, numbers.zeros), (Some(0.0), Some(299_999.0), 1));
    assert_eq!(numbers.mean, Some(149_999.5));
    let mut opened = open_tensor(&path, &place("w", None)).expect("there");
    assert_eq!(opened.values(299_998, 10).expect("read"), ["299998.0", "299999.0"]);
    assert!(opened.values(300_000, 10).expect("read").is_empty());
    // The array is what NumPy would have written.
    let out = dir.path().join("w.npy");
    assert_eq!(opened.export(TensorFormat::Npy, &out, &Cancel::new(), &|_, _| ()).expect("written"), 300_000);
    let written = std::fs::read(&out).expect("there");
    assert_eq!(written.len(), 128 + 4 * 300_000);
    assert_eq!(&written[128..], &bytes[64..]);
    // A file that was cut is told, and so is a cancel.
    std::fs::write(dir.path().join("weights.bin"), &bytes[..1000]).expect("written");
    let fault = Fault::from(opened.facts(&Cancel::new(), &|_, _| ()).expect_err("too short"));
    assert!(fault.message.contains("weights.bin"), "{fault:?}");
    std::fs::write(dir.path().join("weights.bin"), &bytes).expect("written");
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(opened.facts(&cancel, &|_, _| ()).is_err());
}

#[test]
fn constants_and_graphs_within_nodes() {
    let inner = tensor("", &[2], &floats(&[5.0, 6.0]));
    let constant = |output: &str| {
        let held = Msg::new().text(1, "value").int(20, 4).msg(5, &inner);
        node("Constant", &[], &[output]).msg(5, &held)
    };
    let body = Msg::new()
        .msg(1, &constant("inside"))
        .msg(1, &node("Add", &["inside", "b"], &["z"]))
        .text(2, "then")
        .msg(5, &tensor("b", &[2], &floats(&[1.0, 2.0])))
        .msg(12, &value("z", &[2]));
    let branches = ["then_branch", "else_branch"].map(|name| Msg::new().text(1, name).int(20, 5).msg(6, &body));
    let condition = Msg::new().int(2, 9).text(8, "c").bytes(9, &[1]);
    let nodes = [constant("k"), node("If", &["c"], &["y"]).all(5, &branches)];
    let (_dir, path) = file(&model(&graph(&nodes, &[condition])).0);
    assert_eq!(facts(&path, "k").first, ["5.0", "6.0"]);
    assert_eq!(facts(&path, "inside").graph.to_string(), "1.0");
    let there = open_tensor(&path, &place("b", Some("1.1"))).expect("there").facts(&Cancel::new(), &|_, _| ());
    assert_eq!(there.expect("read").graph.to_string(), "1.1");
    assert_eq!(facts(&path, "c").first, ["true"]);
    let Err(error) = open_tensor(&path, &place("b", Some("1.7"))) else { panic!("no such graph") };
    assert_eq!(error.to_string(), "the model holds no tensor named `b`");
    let Err(error) = open_tensor(&path, &place("bb", None)) else { panic!("no such tensor") };
    assert!(error.hints()[0].contains("inside"), "{:?}", error.hints());
}

#[test]
fn types_that_are_not_read_are_refused_by_name() {
    let (_dir, path) = file(&with(&[Msg::new().int(1, 1).int(2, 14).text(8, "c").bytes(9, &[0; 8])]).0);
    let mut opened = open_tensor(&path, &place("c", None)).expect("there");
    let error = opened.facts(&Cancel::new(), &|_, _| ()).expect_err("refused");
    assert!(error.to_string().ends_with("are complex64, which cannot be read here"), "{error}");
}
