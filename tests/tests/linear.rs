//! Linear models explained from their files: equal to shap's LinearExplainer.

use modeldesk_tests::{Cli, csv, numbers, reference};
use serde_json::Value;

#[test]
fn attributions_equal_shap_and_are_said_to_be_exact() {
    let cli = Cli::new();
    for name in ["linear_binary", "linear_wine", "linear_diabetes", "linear_layer"] {
        let text = std::fs::read(reference(&format!("shap/{name}.json"))).expect("there");
        let file: Value = serde_json::from_slice(&text).expect("JSON");
        let features: Vec<String> = serde_json::from_value(file["feature_names"].clone()).expect("names");
        let (data, background) = (cli.folder().join("rows.csv"), cli.folder().join("background.csv"));
        std::fs::write(&data, csv(&features, &file["rows"])).expect("written");
        std::fs::write(&background, csv(&features, &file["background"])).expect("written");
        let model = reference(&format!("models/{name}.onnx")).display().to_string();
        cli.run(&["import", &model, "--name", name]).good();
        let (data, background) = (data.display().to_string(), background.display().to_string());
        let map = format!("X={}", features.join(","));
        let mut ask = vec!["explain", name, "--data", &data, "--background", &background];
        if name != "linear_diabetes" && name != "linear_wine" {
            ask.extend(["--output", "1"]);
        }
        ask.extend(["--map", &map]);
        let found = cli.run(&ask).good();
        assert_eq!((&found["method"], &found["space"]), (&"linear".into(), &"raw".into()), "{name}");
        assert!(found["method_reason"].to_string().contains("exact in closed form"), "{found}");
        assert_eq!((&found["background_rows"], found.get("std_error")), (&100.into(), None));
        assert!(found["residual_max"].as_f64() < Some(1e-9), "{}", found["residual_max"]);
        let is_class = name != "linear_diabetes";
        assert_eq!(found["probabilities"].is_null(), !is_class, "what the model makes of the sum stands beside it");
        for (key, of) in [("values", "values"), ("base_values", "base_values"), ("predictions", "predictions")] {
            let (found, want) = (numbers(&found[key]), numbers(&file[of]));
            assert_eq!(found.len(), want.len(), "{name} {key}");
            let largest = want.iter().fold(0f64, |most, x| most.max(x.abs()));
            for (a, b) in found.iter().zip(&want) {
                // The file holds float32 where the estimator has float64.
                let tolerance =
                    if key == "values" { 1e-6 * b.abs().max(1e-3 * largest) } else { 1e-5 * largest.max(1.0) };
                assert!((a - b).abs() <= tolerance, "{name} {key}: {a} and {b}");
            }
        }
        let again = cli.run(&ask).good();
        assert_eq!(again["digest"], found["digest"]);
        let share = cli.run(&[&ask[..], &["--space", "probability", "--rows", "1..1"]].concat()).good();
        assert_eq!(share["method"] == "linear", !is_class, "{}", share["method_reason"]);
    }
}
