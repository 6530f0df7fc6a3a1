//! The graph of a version, on the command line.

use modeldesk_tests::{Cli, sample};

#[test]
fn operators_tensors_and_what_was_looked_for() {
    let cli = Cli::new();
    cli.run(&["import", &sample("digits/model.onnx"), "--name", "digits"]).good();
    let graph = cli.run(&["graph", "digits"]).good();
    let nodes = graph["nodes"].as_array().expect("nodes");
    let convolutions = nodes.iter().filter(|node| node["op"] == "Conv").count();
    assert!(convolutions > 0 && nodes.len() > convolutions, "{graph}");
    let known: Vec<&str> = nodes.iter().chain(graph["tensors"].as_array().expect("tensors")).flat_map(names).collect();
    let conv = nodes.iter().find(|node| node["op"] == "Conv").expect("there");
    assert!(known.contains(&conv["inputs"][1].as_str().expect("weights")), "{conv}");

    let found = cli.run(&["graph", "digits@1", "--find", "CONV"]).good();
    assert!(found["nodes"].as_array().expect("nodes").len() >= convolutions);
    assert!(found["nodes"].as_array().expect("nodes").len() < nodes.len());
    cli.run(&["graph", "digits@9"]).refused(3);
}

#[test]
fn the_values_of_a_tensor_are_told_and_written() {
    let cli = Cli::new();
    cli.run(&["import", &sample("digits/model.onnx"), "--name", "digits"]).good();
    let graph = cli.run(&["graph", "digits"]).good();
    let weights = graph["tensors"].as_array().expect("tensors").iter().find(|tensor| tensor["name"] == "conv1.weight");
    let weights = weights.expect("the first layer");
    let name = weights["name"].as_str().expect("its name");
    let facts = cli.run(&["graph", "digits", "--tensor", name]).good();
    assert_eq!((&facts["dims"], &facts["element"]), (&weights["dims"], &weights["element"]));
    let (numbers, elements) = (&facts["numbers"], facts["elements"].as_u64().expect("how many"));
    let counted: u64 = numbers["counts"].as_array().expect("bins").iter().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!((numbers["finite"].as_u64(), counted), (Some(elements), elements));
    assert!(numbers["min"].as_f64() < numbers["mean"].as_f64() && numbers["mean"].as_f64() < numbers["max"].as_f64());

    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("weights.csv");
    let out = out.to_str().expect("a path");
    let written = cli.run(&["graph", "digits", "--tensor", name, "--out", out]).good();
    assert_eq!(written["values"].as_u64(), Some(elements));
    let lines = std::fs::read_to_string(out).expect("written");
    assert_eq!(lines.lines().count() as u64, elements + 1);
    assert_eq!(lines.lines().nth(1).and_then(|line| line.rsplit(',').next()), facts["first"][0].as_str());
    cli.run(&["graph", "digits", "--tensor", name, "--out", out]).refused(2);
    cli.run(&["graph", "digits", "--tensor", name, "--out", "weights.txt"]).refused(3);
    cli.run(&["graph", "digits", "--tensor", "no such"]).refused(3);
    cli.run(&["graph", "digits", "--within", "0.0"]).refused(3);
}

/// What a node or a tensor gives.
fn names(of: &serde_json::Value) -> Vec<&str> {
    let outputs = of["outputs"].as_array().into_iter().flatten().filter_map(|name| name.as_str());
    outputs.chain(of.get("dims").and(of["name"].as_str())).collect()
}
