//! What a version would answer to a row if some of its cells were others: the same as for a file that has them.

use modeldesk_tests::{Cli, sample};

/// The fourth row of the sample, with its `worst_area` as given, in a file of its own.
fn fourth_row_with(cli: &Cli, worst_area: &str) -> String {
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample is there");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines[0].split(',').position(|name| name == "worst_area").expect("the column");
    let mut cells: Vec<&str> = lines[4].split(',').collect();
    cells[at] = worst_area;
    let path = cli.folder().join("changed.csv");
    std::fs::write(&path, format!("{}\n{}\n", lines[0], cells.join(","))).expect("written");
    path.display().to_string()
}

#[test]
fn a_changed_row_is_answered_as_a_file_that_has_it() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let (data, background) = (sample("tumour/heldout.csv"), sample("tumour/background.csv"));
    let ask = |set: &str| {
        let args = ["what-if", "tumour", "--data", &data, "--background", &background, "--row", "4", "--set", set];
        cli.run(&args)
    };
    let found = ask("worst_area=500").good();
    assert_eq!(found["row"], 4);
    assert_eq!(found["changes"], serde_json::json!([{"feature": "worst_area", "was": "928.2", "is": "500"}]));
    let both = &found["explanation"];
    assert_eq!(both["row_numbers"], serde_json::json!([4, 4]));
    assert_ne!(both["predictions"][0], both["predictions"][1], "the model looks at that column");

    let file = fourth_row_with(&cli, "500");
    let alone = cli.run(&["explain", "tumour", "--data", &file, "--background", &background, "--rows", "1..1"]).good();
    assert_eq!(alone["predictions"][0], both["predictions"][1]);
    assert_eq!(alone["values"][0], both["values"][1]);
    let stands = cli.run(&["explain", "tumour", "--data", &data, "--background", &background, "--rows", "4..4"]).good();
    assert_eq!(stands["predictions"][0], both["predictions"][0]);
    assert_eq!(stands["values"][0], both["values"][0]);

    // Nothing of it is recorded but the two explanations that were asked for.
    let runs = cli.run(&["list", "runs", "tumour"]).good();
    assert_eq!(runs["items"].as_array().map(Vec::len), Some(2));
    let same = ask("worst_area=928.2").good();
    assert_eq!(same["changes"], serde_json::json!([]));
    assert_eq!(same["explanation"]["predictions"][0], same["explanation"]["predictions"][1]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let ask = |row: &str, set: &[&str]| {
        let mut args = vec!["what-if", "tumour", "--data", &data, "--row", row];
        args.extend(set.iter().flat_map(|set| ["--set", set]));
        cli.run(&args)
    };
    let unknown = ask("4", &["weight=3"]).refused(3);
    assert!(unknown.to_string().contains("`weight`") && unknown.to_string().contains("mean_radius"), "{unknown}");
    for text in ["malignant", "zebra", ""] {
        let truth = ask("4", &[&format!("diagnosis={text}")]).refused(3);
        assert!(truth.to_string().contains("reads no column `diagnosis`"), "{truth}");
    }
    ask("4", &["worst_area=much"]).refused(3);
    ask("4000", &["worst_area=3"]).refused(3);
    ask("4", &["worst_area=3", "worst_area=4"]).refused(2);
}
