//! Importance and dependence on the command line: what they say rests on what they say it rests on.

use modeldesk_tests::{Cli, sample};

#[test]
fn importance_names_what_matters_and_what_it_rests_on() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let ask = |more: &[&str]| cli.run(&[&["importance", "tumour", "--data", &data][..], more].concat());
    let found = ask(&["--seed", "4"]).good();
    assert_eq!((&found["score"], &found["used_rows"], &found["repeats"]), (&"accuracy".into(), &171.into(), &5.into()));
    let tested = cli.run(&["predict", "tumour", "--data", &data]).good();
    assert_eq!(found["baseline"], tested["metrics"]["accuracy"], "the same rows judged alike");
    let features = found["features"].as_array().expect("a list");
    assert_eq!(features.len(), 30);
    let first = &features[0];
    assert!(first["mean"].as_f64() > Some(0.0) && first["matters"] == true, "{first}");
    let (low, mean, high) = (&first["low"], &first["mean"], &first["high"]);
    assert!(low.as_f64() < mean.as_f64() && mean.as_f64() < high.as_f64(), "{first}");
    let again = ask(&["--seed", "4"]).good();
    assert_eq!(again["features"], found["features"], "the same seed, the same numbers");
    assert_ne!(ask(&["--seed", "5"]).good()["features"], found["features"]);
    let some = ask(&["--rows", "50"]).good();
    assert_eq!((&some["used_rows"], &some["of_rows"]), (&50.into(), &171.into()));
    let loss = ask(&["--score", "neg_log_loss"]).good();
    let told = tested["metrics"]["log_loss"].as_f64().expect("a number");
    assert!((loss["baseline"].as_f64().expect("a number") + told).abs() < 1e-6, "the log loss with its sign turned");
    let wrong = ask(&["--score", "r2"]).refused(3);
    assert!(wrong["message"].to_string().contains("holds text, and r2 judges numbers"), "{wrong}");
    let unknown = ask(&["--score", "auc"]).refused(2);
    assert!(unknown["message"].to_string().contains("neg_log_loss"), "{unknown}");
}

#[test]
fn dependence_gives_curves_and_effects_of_numbers_and_means_of_categories() {
    let cli = Cli::new();
    cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let data = sample("penguins/heldout.csv");
    let ask = |feature: &str, more: &[&str]| {
        cli.run(&[&["dependence", "penguins", "--data", &data, "--feature", feature][..], more].concat())
    };
    let mass = ask("body_mass_g", &["--points", "9", "--curves", "3"]).good();
    assert_eq!(mass["output_names"].as_array().map(Vec::len), Some(3));
    let partial = &mass["partial"];
    assert_eq!(partial["grid"].as_array().map(Vec::len), Some(9));
    assert_eq!(partial["curves"][0].as_array().map(Vec::len), Some(3));
    let mean = |class: usize, point: usize| partial["mean"][class][point].as_f64().expect("a number");
    for point in 0..9 {
        let all: f64 = (0..3).map(|class| mean(class, point)).sum();
        assert!((all - 1.0).abs() < 1e-5, "the probabilities of all classes: {all}");
    }
    assert_eq!(mass["ale"]["effects"].as_array().map(Vec::len), Some(3));
    let island = ask("island", &["--output", "Gentoo"]).good();
    assert_eq!(island["levels"], serde_json::json!(["Biscoe", "Dream", "Torgersen"]));
    assert_eq!((&island["output_names"], &island["ale"]), (&serde_json::json!(["Gentoo"]), &serde_json::Value::Null));
    let refused = ask("nothing", &[]).refused(3);
    assert!(refused["hints"].to_string().contains("body_mass_g"), "{refused}");
}
