//! Columns that belong together as one player: found by themselves, equal to the definition over players.

use modeldesk_tests::{Cli, csv, numbers, reference};
use serde_json::Value;

/// The largest difference of the second class's values from those of the file, rows x players x classes.
fn furthest(found: &Value, want: &Value) -> f64 {
    let (found, want) = (numbers(found), numbers(want));
    assert_eq!(2 * found.len(), want.len());
    let pairs = found.iter().zip(want.iter().skip(1).step_by(2));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn values_of_categories_and_dates_equal_the_definition_over_players() {
    let cli = Cli::new();
    let file: Value =
        serde_json::from_slice(&std::fs::read(reference("shap/groups.json")).expect("there")).expect("JSON");
    let columns: Vec<String> = serde_json::from_value(file["feature_names"].clone()).expect("names");
    let (data, background) = (cli.folder().join("rows.csv"), cli.folder().join("background.csv"));
    std::fs::write(&data, csv(&columns, &file["rows"])).expect("written");
    std::fs::write(&background, csv(&columns, &file["background"])).expect("written");
    cli.run(&["import", &reference("models/groups.onnx").display().to_string(), "--name", "groups"]).good();
    let (data, background) = (data.display().to_string(), background.display().to_string());
    let map = format!("X={}", columns.join(","));
    let ask = ["explain", "groups", "--data", &data, "--background", &background, "--output", "1", "--map", &map];
    for method in ["tree", "exact", "auto"] {
        let found = cli.run(&[&ask[..], &["--method", method]].concat()).good();
        assert_eq!(found["feature_names"], serde_json::json!(["age", "fare", "class", "sex", "boarded"]));
        assert_eq!(found["groups"][0]["columns"][2], "class_third", "{}", found["groups"]);
        let kinds = [&found["groups"][0]["kind"], &found["groups"][1]["kind"], &found["groups"][2]["kind"]];
        assert_eq!(kinds, ["onehot", "onehot", "date"]);
        // float32 leaves in the file, float64 in scikit-learn.
        assert!(furthest(&found["values"], &file["values"]) < 1e-6, "{method}");
        assert!(found["residual_max"].as_f64() < Some(1e-6), "{method}: {}", found["residual_max"]);
        let texts = &found["feature_values"][0];
        assert!(["first", "second", "third"].contains(&texts[2].as_str().expect("a level")), "{texts}");
        assert!(texts[4].as_str().is_some_and(|text| text.starts_with("year 191")), "{texts}");
        assert!(found["feature_numbers"][0][4].is_null() && found["feature_numbers"][0][2].is_number());
    }
    let apart = cli.run(&[&ask[..], &["--no-groups"]].concat()).good();
    assert_eq!((apart["feature_names"][2].as_str(), apart.get("groups")), (Some("class_first"), None));
    assert!(furthest(&apart["values"], &file["values_of_columns"]) < 1e-6);
    assert_ne!(apart["digest"], cli.run(&ask).good()["digest"]);

    let wealth = cli.run(&[&ask[..], &["--group", "wealth=fare,class_first,class_second,class_third"]].concat()).good();
    assert_eq!(wealth["feature_names"], serde_json::json!(["age", "wealth", "sex", "boarded"]), "given before found");
    let told = cli.command().args(ask).output().expect("runs");
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("sex (2 columns of a category), boarded (3 parts of a date); --no-groups"), "{told}");
    let what_if = |male: &str| {
        let row = ["what-if", "groups", "--data", &data, "--row", "1", "--set", "sex_female=1", "--set", male];
        cli.run(&[&row[..], &["--background", &background, "--map", &map]].concat()).good()
    };
    let changed = what_if("sex_male=0");
    assert_eq!(changed["explanation"]["feature_names"][3], "sex", "{changed}");
    let impossible = what_if("sex_male=1");
    let warned = impossible["explanation"]["warnings"].to_string();
    assert!(warned.contains("not of one sex"), "{warned}");
    let found = cli.run(&[&ask[..], &["--quality"]].concat()).good();
    // Kernel SHAP would only say the same once more: what is one player is covered as one.
    let agreed = &found["quality"]["agreement"];
    assert_eq!((&agreed["method"], &agreed["values"][0][0]["top"]), (&"occlusion".into(), &5.into()), "{agreed}");
    let names = &cli.run(&[&ask[..], &["--quality", "--against", "occlusion"]].concat()).good()["quality"]["agreement"];
    assert_eq!(names, agreed, "it is the usual one");
    let itself = cli.run(&[&ask[..], &["--quality", "--against", "tree"]].concat()).refused(2);
    assert!(itself["message"].to_string().contains("itself"), "{itself}");
    let quality = &cli.run(&[&ask[..], &["--quality", "--against", "kernel"]].concat()).good()["quality"];
    let shares = numbers(&quality["faithfulness"]["curves"][0][0]["shares"]);
    assert_eq!(shares, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], "a group goes and comes as one");
    let agreed = &quality["agreement"];
    assert_eq!((&agreed["method"], &agreed["values"][0][0]["features"]), (&"kernel".into(), &1.0.into()));
    let fault = cli.run(&[&ask[..], &["--quality", "--against", "lime"]].concat()).refused(2);
    assert!(fault["message"].to_string().contains("lime looks at single columns"), "{fault}");
    let fault = cli.run(&[&ask[..], &["--group", "wealth=fare,cabin"]].concat()).refused(3);
    assert!(fault["message"].to_string().contains("cabin") && fault["hints"].to_string().contains("boarded_year"));
    let named = cli.run(&[&ask[..], &["--group", "age=fare,sex_male"]].concat()).refused(3);
    assert!(named["message"].to_string().contains("name of another column"), "{named}");
    let fault = cli.run(&[&ask[..], &["--group", "wealth=fare", "--method", "lime"]].concat()).refused(2);
    assert!(fault["message"].to_string().contains("only Shapley values"), "{fault}");
}
