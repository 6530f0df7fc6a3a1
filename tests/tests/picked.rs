//! Rows that are worth a look: those that a plain file of all answers says, in its order.

use modeldesk_tests::{Cli, sample};
use serde_json::Value;

/// Of each row of the sample: the truth, the class it was answered with, the probability of `malignant`.
fn answers(cli: &Cli) -> Vec<(String, String, f64)> {
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let all = cli.folder().join("all.csv").display().to_string();
    cli.run(&["predict", "tumour", "--data", &sample("tumour/heldout.csv"), "--out", &all, "--echo-all"]).good();
    let text = std::fs::read_to_string(all).expect("written");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a header");
    let at = |name: &str| head.iter().position(|other| *other == name).expect(name);
    let (truth, label, probability) = (at("diagnosis"), at("label"), at("probability_malignant"));
    lines
        .map(|row| (row[truth].to_owned(), row[label].to_owned(), row[probability].parse().expect("a number")))
        .collect()
}

fn numbers(answer: &Value) -> Vec<usize> {
    let rows = answer["row_numbers"].as_array().expect("rows");
    rows.iter().map(|row| row.as_u64().expect("a number") as usize).collect()
}

/// Row numbers in the order of a number, the smallest first; rows that are alike keep their order.
fn ordered(all: &[(String, String, f64)], key: impl Fn(&(String, String, f64)) -> f64) -> Vec<usize> {
    let mut rows: Vec<usize> = (1..=all.len()).collect();
    rows.sort_by(|a, b| key(&all[a - 1]).total_cmp(&key(&all[b - 1])));
    rows
}

#[test]
fn the_rows_worth_a_look_are_explained_in_their_order() {
    let cli = Cli::new();
    let all = answers(&cli);
    let data = sample("tumour/heldout.csv");
    let ask = |more: &[&str]| cli.run(&[&["explain", "tumour", "--data", &data][..], more].concat());

    let worst = ask(&["--pick", "worst"]).good();
    let of_truth = |(truth, _, p): &(String, String, f64)| if truth == "malignant" { *p } else { 1.0 - p };
    assert_eq!(numbers(&worst), ordered(&all, of_truth)[..20]);
    assert_eq!((&worst["picked"]["measure"], &worst["picked"]["of_rows"]), (&"log loss".into(), &171.into()));
    let first = worst["picked"]["values"][0].as_f64().expect("a loss");
    assert!((first + of_truth(&all[numbers(&worst)[0] - 1]).ln()).abs() < 1e-5, "{first}");
    for (place, number) in numbers(&worst).into_iter().enumerate() {
        let (truth, answered, _) = &all[number - 1];
        assert_eq!(
            (&worst["truths"][place], &worst["answered"][place]),
            (&truth.as_str().into(), &answered.as_str().into())
        );
        let one = ask(&["--rows", &number.to_string()]).good();
        assert_eq!(one["values"][0], worst["values"][place], "the row is explained as by itself");
    }

    let near = ask(&["--pick", "threshold", "--count", "5"]).good();
    assert_eq!(numbers(&near), ordered(&all, |(_, _, p)| (p - 0.5).abs())[..5]);
    let near = ask(&["--pick", "threshold", "--count", "5", "--threshold", "0.1"]).good();
    assert_eq!(numbers(&near), ordered(&all, |(_, _, p)| (p - 0.1).abs())[..5]);
    let high = ask(&["--pick", "highest", "--count", "3"]).good();
    assert_eq!(numbers(&high), ordered(&all, |(_, _, p)| -p)[..3]);
    let low = ask(&["--pick", "lowest", "--count", "4", "--rows", "11..50"]).good();
    let some = ordered(&all[10..50], |(_, _, p)| *p);
    assert_eq!(numbers(&low), some[..4].iter().map(|row| row + 10).collect::<Vec<_>>(), "of the rows that were named");

    let draw = |seed: &str| numbers(&ask(&["--pick", "random", "--count", "30", "--seed", seed]).good());
    let mut drawn = draw("1");
    assert_eq!(drawn, draw("1"));
    assert_ne!(drawn, draw("2"));
    drawn.sort_unstable();
    drawn.dedup();
    assert!(drawn.len() == 30 && drawn.iter().all(|row| (1..=171).contains(row)), "each once: {drawn:?}");
    assert_eq!(numbers(&ask(&["--pick", "random", "--count", "500"]).good()).len(), 171, "not more than there are");

    let told = cli.command().args(["explain", "tumour", "--data", &data, "--pick", "worst"]).output().expect("runs");
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("20 of 171 rows, those with the largest log loss first"), "{told}");
    assert!(told.contains("answered benign, and it is malignant; log loss"), "{told}");
}

#[test]
fn what_cannot_be_picked_is_refused() {
    let cli = Cli::new();
    answers(&cli);
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("there");
    let bare: Vec<String> = text.lines().map(|line| line.rsplit_once(',').expect("columns").0.to_owned()).collect();
    let file = cli.folder().join("bare.csv");
    std::fs::write(&file, bare.join("\n")).expect("written");
    let file = file.display().to_string();
    let error = cli.run(&["explain", "tumour", "--data", &file, "--pick", "worst"]).refused(3);
    assert!(error["hints"].to_string().contains("--target"), "{error}");
    assert!(cli.run(&["explain", "tumour", "--data", &file, "--pick", "threshold"]).good()["truths"].is_null());
    let data = sample("tumour/heldout.csv");
    cli.run(&["explain", "tumour", "--data", &data, "--pick", "best"]).refused(2);
    cli.run(&["explain", "tumour", "--data", &data, "--count", "5"]).refused(2);
    cli.run(&["explain", "tumour", "--data", &data, "--pick", "threshold", "--threshold", "nan"]).refused(2);
    let ask = |more: &[&str]| cli.run(&[&["explain", "tumour", "--data", &data, "--pick"][..], more].concat());
    for limit in ["-1", "1.5"] {
        let error = ask(&["threshold", "--threshold", limit]).refused(2);
        assert!(error["message"].to_string().contains(&format!("probabilities, and {limit} is none")), "{error}");
    }
    let error = ask(&["worst", "--threshold", "0.3"]).refused(2);
    assert!(error["message"].to_string().contains("--pick worst looks at no threshold"), "{error}");
}

#[test]
fn an_end_that_nobody_named_is_told() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample");
    let (head, rows) = text.split_once('\n').expect("a header");
    let long = cli.folder().join("long.csv").display().to_string();
    std::fs::write(&long, format!("{head}\n{}", rows.repeat(6))).expect("written");
    let warnings = |more: &[&str]| {
        let args = [&["explain", "tumour", "--data", long.as_str()], more].concat();
        cli.run(&args).good()["warnings"].to_string()
    };
    assert!(warnings(&[]).contains("Rows 1 to 1000 are explained, and the file has more"));
    assert!(warnings(&["--rows", "5.."]).contains("Rows 5 to 1004 are explained"));
    for whole in [["--rows", "1..1000"], ["--rows", "100.."]] {
        assert!(!warnings(&whole).contains("the file has more"), "{whole:?}");
    }
    let answer = cli.run(&["explain", "tumour", "--data", &long, "--rows", "500..", "--pick", "worst"]).good();
    assert_eq!(answer["picked"]["from_row"], 500);
}
