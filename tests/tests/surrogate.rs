//! A small tree in place of the model on the command line: its rules, how far they may be believed, and its record.

use desk_app::{Desk, DeskOptions};
use modeldesk_tests::{Cli, sample};
use serde_json::Value;

fn list(of: &Value) -> &Vec<Value> {
    of.as_array().expect("a list")
}

fn number(of: &Value) -> f64 {
    of.as_f64().expect("a number")
}

/// The rules lead every row to a leaf, and leaves give what is said of them.
#[test]
fn the_tree_of_a_forest_is_told_with_its_fidelity() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let ask = |more: &[&str]| cli.run(&[&["surrogate", "tumour", "--data", &data][..], more].concat());
    let found = ask(&[]).good();
    let count = |key: &str| found[key].as_u64().expect("a count");
    assert_eq!((count("used_rows"), count("grown_rows"), count("depth"), count("least")), (171, 120, 3, 5));
    assert_eq!((count("model_rows"), &found["fidelity"]["rows"]), (171, &51.into()));
    assert_eq!(list(&found["output_names"]).len(), 1);
    let nodes = list(&found["nodes"]);
    let (mut leaves, mut share) = (0, 0.0);
    for node in nodes {
        if let Some(split) = node.get("split").filter(|split| !split.is_null()) {
            let below = |side: &str| nodes[split[side].as_u64().expect("a node") as usize].clone();
            let (left, right) = (below("left"), below("right"));
            assert_eq!(number(&left["rows"]) + number(&right["rows"]), number(&node["rows"]));
            assert!(split["rule"]["at_most"].is_number() && split["name"].is_string(), "{split}");
        } else {
            leaves += 1;
            share += number(&node["share"]);
            assert!(number(&node["rows"]) >= 5.0 && (0.0..=1.0).contains(&number(&node["value"][0])), "{node}");
        }
    }
    assert!((2..=8).contains(&leaves) && (share - 1.0).abs() < 1e-9, "{leaves} leaves, {share}");
    let r2 = &found["fidelity"]["r2"][0];
    assert!(number(&r2["low"]) <= number(&r2["value"]) && number(&r2["value"]) <= number(&r2["high"]), "{r2}");
    assert!(number(&r2["value"]) > 0.5 && number(&r2["value"]) < 1.0, "{r2}");
    let agreement = &found["fidelity"]["agreement"];
    assert!(number(&agreement["value"]) > number(&agreement["constant"]), "{agreement}");

    let deeper = ask(&["--depth", "5", "--leaf-rows", "1", "--seed", "1"]).good();
    assert!(list(&deeper["nodes"]).len() > nodes.len());
    let poor = ask(&["--depth", "1", "--leaf-rows", "40"]).good();
    assert!(poor["warnings"].to_string().contains("stands poorly for the model: R² of"), "{}", poor["warnings"]);
    let few = ask(&["--rows", "19"]).refused(2);
    assert!(few["message"].to_string().contains("at least 20 rows"), "{few}");
    ask(&["--depth", "9"]).refused(2);
}

#[test]
fn categories_and_several_outputs_have_rules_of_their_names() {
    let cli = Cli::new();
    cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let data = sample("penguins/heldout.csv");
    let found = cli.run(&["surrogate", "penguins", "--data", &data]).good();
    assert_eq!(list(&found["output_names"]).len(), 3);
    for node in list(&found["nodes"]) {
        let all: f64 = list(&node["value"]).iter().map(number).sum();
        assert!((all - 1.0).abs() < 1e-5, "means of shares are shares: {all}");
    }
    assert_eq!(list(&found["fidelity"]["r2"]).len(), 3);
    assert!(number(&found["fidelity"]["agreement"]["value"]) > 0.8, "{}", found["fidelity"]);
    let one = cli.run(&["surrogate", "penguins", "--data", &data, "--output", "Chinstrap"]).good();
    assert_eq!(one["fidelity"]["agreement"], Value::Null, "one class of three names no class");
    let rules = one["nodes"].to_string() + &found["nodes"].to_string();
    assert!(rules.contains("levels_left"), "the island or the sex tells: {rules}");
}

/// The record is the answer, and gives the same digest when it is made again.
#[test]
fn the_tree_is_recorded_and_comes_again() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let found = cli.run(&["surrogate", "tumour", "--data", &data, "--seed", "3", "--rows", "100"]).good();
    let runs = cli.run(&["list", "runs"]).good();
    let run = &runs["items"][0];
    let wanted = [&found["run"], &"surrogate".into(), &"100 rows, tree of depth 3".into()];
    assert_eq!([&run["id"], &run["kind"], &run["summary"]], wanted);
    let record = {
        let desk = Desk::open(DeskOptions::for_home(cli.home())).expect("opens");
        desk.run_record(found["run"].as_str().expect("an id")).expect("there")
    };
    assert_eq!(serde_json::to_value(&record.outcome).expect("plain data"), found, "the record is the answer");
    let typed = record.command.to_args();
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    let again = cli.run(&typed).good();
    assert_eq!(again["digest"], found["digest"], "{typed:?}");
    let other = cli.run(&["surrogate", "tumour", "--data", &data, "--seed", "4", "--rows", "100"]).good();
    assert_ne!(other["digest"], found["digest"], "other rows were held out");
}
