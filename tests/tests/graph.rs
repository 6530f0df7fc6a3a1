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

/// What a node or a tensor gives.
fn names(of: &serde_json::Value) -> Vec<&str> {
    let outputs = of["outputs"].as_array().into_iter().flatten().filter_map(|name| name.as_str());
    outputs.chain(of.get("dims").and(of["name"].as_str())).collect()
}
