//! The graph of a model as people look at it.

use desk_core::{GraphAttribute, ModelGraph};
use desk_import::graph as read;

use crate::build::{Msg, external, file, graph, model, node, tensor, value, varint};

#[track_caller]
fn graph_of(model: &Msg) -> ModelGraph {
    let (_dir, path) = file(&model.0);
    read(&path).expect("reads")
}

/// `AttributeProto` with its type.
fn attribute(name: &str, kind: i64, rest: &Msg) -> Msg {
    let mut message = Msg::new().text(1, name).int(20, kind);
    message.0.extend(&rest.0);
    message
}

fn shown(found: &GraphAttribute) -> (&str, &str, u64) {
    (&found.name, &found.value, found.more)
}

#[test]
fn nodes_tensors_and_stated_types() {
    let weights = tensor("w", &[4, 4], &[0; 64]);
    let nodes = [node("MatMul", &["x", "w"], &["h"]), node("Relu", &["h"], &["y"]).text(3, "last")];
    let found = graph_of(&model(&graph(&nodes, &[weights]).msg(13, &value("h", &[-1, 4]))));
    assert_eq!((found.inputs[0].name.as_str(), found.outputs[0].name.as_str()), ("x", "y"));
    assert_eq!(found.nodes[0].op, "MatMul");
    assert_eq!(found.nodes[0].inputs, ["x", "w"]);
    assert_eq!((found.nodes[1].name.as_str(), found.nodes[1].outputs[0].as_str()), ("last", "y"));
    assert_eq!(found.values[0].name, "h");
    assert_eq!(found.values[0].value_type.to_string(), "float32 [n, 4]");
    assert_eq!((found.tensors[0].dims.as_slice(), found.tensors[0].bytes), ([4, 4].as_slice(), Some(64)));
    assert_eq!(found.node_count(), 2);
}

#[test]
fn attributes_as_text() {
    let many: Vec<u8> = (0..100).flat_map(|_| varint(3)).collect();
    let attributes = [
        attribute("axis", 2, &Msg::new().int(3, -1)),
        attribute("none", 2, &Msg::new()),
        attribute("mode", 3, &Msg::new().text(4, "same \u{e9}")),
        attribute("pads", 7, &Msg::new().int(8, 1).int(8, 2)),
        attribute("many", 7, &Msg::new().bytes(8, &many)),
        attribute("empty", 7, &Msg::new()),
        attribute("names", 8, &Msg::new().text(9, "a").text(9, "b")),
        attribute("value", 4, &Msg::new().msg(5, &tensor("", &[2], &[0, 0, 128, 63, 0, 0, 0, 64]))),
        attribute("large", 4, &Msg::new().msg(5, &tensor("", &[100], &[0; 400]))),
    ];
    let found = graph_of(&model(&graph(&[node("Relu", &["x"], &["y"]).all(5, &attributes)], &[])));
    let attributes: Vec<_> = found.nodes[0].attributes.iter().map(shown).collect();
    let first = format!("[{}]", ["3"; 32].join(", "));
    assert_eq!(
        attributes,
        [
            ("axis", "-1", 0),
            ("none", "0", 0),
            ("mode", "\"same \u{e9}\"", 0),
            ("pads", "[1, 2]", 0),
            ("many", first.as_str(), 68),
            ("empty", "[]", 0),
            ("names", "[\"a\", \"b\"]", 0),
            ("value", "float32[2] = [1, 2]", 0),
            ("large", "float32[100]", 0),
        ]
    );
}

#[test]
fn graphs_within_nodes_and_weights_in_other_files() {
    let branch = |name: &str| {
        let body = Msg::new().msg(1, &node("Neg", &["x"], &["z"])).text(2, name).msg(12, &value("z", &[-1, 4]));
        attribute(name, 5, &Msg::new().msg(6, &body))
    };
    let branches = [branch("then_branch"), branch("else_branch")];
    let choose = node("If", &["c"], &["y"]).all(5, &branches);
    let condition = Msg::new().int(2, 9).text(8, "c").bytes(9, &[1]);
    let weights = external("w", &[2, 3], &[("location", "weights.bin")]);
    let (dir, path) = file(&model(&graph(&[choose], &[condition, weights])).0);
    // What the file holds does not matter: it is not opened.
    std::fs::write(dir.path().join("weights.bin"), [0; 24]).expect("written");
    let found = read(&path).expect("reads");
    let names: Vec<&str> = found.nodes[0].graphs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["then_branch", "else_branch"]);
    assert_eq!(found.nodes[0].graphs[1].1.nodes[0].op, "Neg");
    assert_eq!((found.node_count(), found.nodes[0].attributes.len()), (3, 0));
    assert_eq!(found.tensors[1].external.as_deref(), Some("weights.bin"));
}
