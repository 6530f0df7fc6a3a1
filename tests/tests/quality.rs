//! `explain --quality`: what it says of good explanations, what it rests on, and its record.

use modeldesk_tests::{Cli, csv, reference, sample};
use serde_json::Value;

fn list(of: &Value) -> &Vec<Value> {
    of.as_array().expect("a list")
}

fn number(of: &Value) -> f64 {
    of.as_f64().expect("a number")
}

#[test]
fn exact_values_of_a_forest_are_borne_out_and_recorded() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let ask = |more: &[&str]| cli.run(&[&["explain", "tumour", "--data", &data, "--rows", "1..20"][..], more].concat());
    let plain = ask(&[]).good();
    assert_eq!(plain.get("quality"), None, "nothing is measured unless it is asked for");
    let found = ask(&["--quality"]).good();
    assert_eq!((&found["method"], &found["values"]), (&"tree".into(), &plain["values"]));
    let quality = &found["quality"];
    assert_eq!(quality["row_numbers"], serde_json::json!([1, 5, 9, 13, 17]));
    let faithful = &quality["faithfulness"];
    assert_eq!((&faithful["replaced_by"], &faithful["background_rows"]), (&"rows".into(), &100.into()));
    for at in 0..5 {
        let (curves, infidelity) = (&faithful["curves"][at][0], &faithful["infidelity"][at][0]);
        let (deletion, insertion) = (list(&curves["deletion"]), list(&curves["insertion"]));
        let prediction = number(&found["predictions"][at * 4][0]);
        assert!((number(&deletion[0]) - prediction).abs() < 1e-5, "all features are there: {prediction}");
        assert_eq!((&deletion[0], &insertion[0]), (&insertion[insertion.len() - 1], &deletion[deletion.len() - 1]));
        let base = number(&found["base_values"][0]);
        assert!((number(&insertion[0]) - base).abs() < 1e-5, "none is: {base}");
        let area = |key: &str| number(&curves[key]);
        assert!(
            area("deletion_area") < area("random_area") && area("random_area") < area("insertion_area"),
            "{curves}"
        );
        assert!(number(&infidelity["relative"]) < 0.5, "{infidelity}");
        let agreed = &quality["agreement"]["values"][at][0];
        assert!((0.0..=1.0).contains(&number(&agreed["features"])) && number(&agreed["spearman"]) > 0.3, "{agreed}");
        assert!((0.0..3.0).contains(&number(&quality["sensitivity"]["values"][at][0])));
    }
    assert_eq!(quality["agreement"]["method"], "occlusion");
    let mean = ask(&["--quality=mean", "--against", "kernel"]).good();
    let other = (&mean["quality"]["faithfulness"]["replaced_by"], &mean["quality"]["agreement"]["method"]);
    assert_eq!(other, (&"mean".into(), &"kernel".into()));
    for values in list(&mean["quality"]["agreement"]["values"]) {
        assert!(
            number(&values[0]["features"]) >= 0.8 && number(&values[0]["signs"]) >= 0.8,
            "both are Shapley: {values}"
        );
    }
    assert_eq!(ask(&["--quality"]).good()["digest"], found["digest"], "the same record, the same figures");
    assert_ne!(found["digest"], plain["digest"], "the figures are sealed too");
    let unknown = ask(&["--quality", "--against", "guessing"]).refused(2);
    assert!(unknown["message"].to_string().contains("`guessing` is no method"), "{unknown}");
    ask(&["--against", "kernel"]).refused(2);
}

/// Scores before the softmax are measured as scores; categories, classes and LIME too.
#[test]
fn networks_and_categories_are_measured_by_what_was_explained() {
    let cli = Cli::new();
    cli.run(&["import", &sample("digits/model.onnx"), "--name", "digits"]).good();
    cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let data = sample("digits/heldout.npz");
    let ask = ["explain", "digits", "--data", &data, "--rows", "1..2", "--output", "7", "--quality=mean"];
    for (method, promise) in [("ig", "shares"), ("smoothgrad", "slopes"), ("saliency", "nothing")] {
        let found = cli.run(&[&ask[..], &["--method", method]].concat()).good();
        let faithful = &found["quality"]["faithfulness"];
        assert_eq!(faithful["promise"], promise, "{found}");
        let full = number(&faithful["curves"][0][0]["deletion"][0]);
        let prediction = number(&found["predictions"][0][0]);
        assert!((full - prediction).abs() < 1e-3 * prediction.abs().max(1.0), "{method}: {full} and {prediction}");
        assert_eq!(faithful["infidelity"].is_null(), method == "saliency");
    }
    let data = sample("penguins/heldout.csv");
    for method in ["exact", "lime", "occlusion"] {
        let ask = ["explain", "penguins", "--data", &data, "--rows", "3..3", "--quality", "--method", method];
        let found = cli.run(&ask).good();
        let quality = &found["quality"];
        assert_eq!(list(&quality["faithfulness"]["curves"][0]).len(), 3, "each class");
        assert_eq!(list(&quality["sensitivity"]["values"][0]).len(), 3);
        let other = if method == "occlusion" { "kernel" } else { "occlusion" };
        assert_eq!(quality["agreement"]["method"], other);
    }
}

#[test]
fn another_method_explains_the_same_scores_of_a_linear_model() {
    let cli = Cli::new();
    let file: Value =
        serde_json::from_slice(&std::fs::read(reference("shap/linear_binary.json")).expect("there")).expect("JSON");
    let columns: Vec<String> = serde_json::from_value(file["feature_names"].clone()).expect("names");
    let data = cli.folder().join("rows.csv");
    std::fs::write(&data, csv(&columns, &file["rows"])).expect("written");
    let model = reference("models/linear_binary.onnx").display().to_string();
    cli.run(&["import", &model, "--name", "linear"]).good();
    let map = format!("X={}", columns.join(","));
    let ask =
        ["explain", "linear", "--data", &data.display().to_string(), "--map", &map, "--rows", "1..5", "--quality"];
    let found = cli.run(&ask).good();
    assert_eq!((&found["method"], &found["space"]), (&"linear".into(), &"raw".into()));
    let agreement = &found["quality"]["agreement"];
    assert_eq!(
        (&agreement["method"], &agreement["space"]),
        (&"occlusion".into(), &"raw".into()),
        "{}",
        found["warnings"]
    );
    // What a linear sum loses without a feature is the feature's share.
    for values in list(&agreement["values"]) {
        assert!(number(&values[0]["spearman"]) > 0.999 && number(&values[0]["signs"]) == 1.0, "{values}");
    }
}
