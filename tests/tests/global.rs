//! Importance and dependence on the command line: what they say rests on what they say it rests on.

use desk_app::{Desk, DeskOptions};
use modeldesk_tests::{Cli, fixture, sample};

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

/// The window proposes the same column, by the same rule.
#[test]
fn the_truth_is_found_where_nobody_names_it_and_it_is_said_by_what() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let file = cli.folder().join("otherwise.csv");
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("there");
    std::fs::write(&file, text.replacen("diagnosis", "found later", 1)).expect("written");
    let data = file.display().to_string();
    let ask = ["importance", "tumour", "--data", &data, "--repeats", "1"];
    let found = cli.run(&ask).good();
    assert_eq!((&found["target"], &found["target_from"]), (&"found later".into(), &"values".into()));
    let version = "tumour@1".parse().expect("a version");
    let desk = Desk::open(DeskOptions::for_home(cli.home())).expect("opened");
    let proposed = desk.proposed_truth(&version, &file, &desk_app::command::Columns::default()).expect("read");
    assert_eq!(proposed.expect("one").to_string(), "found later (it holds the model's classes)");
    let told = cli.command().args(ask).output().expect("runs");
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("against found later (it holds the model's classes)"), "{told}");
    let named = cli.run(&["importance", "tumour", "--data", &sample("tumour/heldout.csv"), "--repeats", "1"]).good();
    assert_eq!((&named["target"], &named["target_from"]), (&"diagnosis".into(), &"model".into()));
    let worst = cli.run(&["explain", "tumour", "--data", &data, "--pick", "worst", "--count", "3"]).good();
    assert_eq!((&worst["target"], &worst["target_from"]), (&"found later".into(), &"values".into()));
    // What somebody leaves out is no truth.
    let refused = cli.run(&[&ask[..], &["--drop", "found later"]].concat()).refused(3);
    assert!(refused["message"].to_string().contains("no column with the truth is known"), "{refused}");
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
    let both = ask("body_mass_g", &["--with", "island", "--points", "5", "--output", "Gentoo"]).good();
    let pair = &both["pair"];
    assert_eq!(
        (&pair["names"], &both["other_levels"]),
        (&serde_json::json!(["body_mass_g", "island"]), &island["levels"])
    );
    let lists = |of: &serde_json::Value| of.as_array().expect("a list").clone();
    assert_eq!((lists(&pair["mean"][0]).len(), lists(&pair["mean"][0][0]).len()), (5, 3));
    let near: u64 = lists(&pair["near"]).iter().flat_map(lists).map(|rows| rows.as_u64().expect("a count")).sum();
    assert_eq!(Some(near), both["used_rows"].as_u64(), "each row is near one pair of values");
    let h = pair["interaction"]["h"][0].as_f64().expect("a number");
    assert!((0.0..1.5).contains(&h), "{h}");
    let points = lists(&both["partial"]["grid"]).len() as u64;
    let rows = both["used_rows"].as_u64().expect("a count");
    assert!(both["model_rows"].as_u64() >= Some(rows * (points + 5 * 3)), "{both}");
    let same = ask("island", &["--with", "island"]).refused(2);
    assert!(same["message"].to_string().contains("two different features"), "{same}");
    let refused = ask("nothing", &[]).refused(3);
    assert!(refused["hints"].to_string().contains("body_mass_g"), "{refused}");
}

/// Lines of a file without their ends.
fn lines(path: &str) -> Vec<String> {
    std::fs::read_to_string(path).expect("readable").lines().map(str::to_owned).collect()
}

#[test]
fn what_is_wrong_with_a_cell_is_told_by_its_row_in_the_file() {
    let cli = Cli::new();
    cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let mut penguins = lines(&sample("penguins/heldout.csv"));
    let header: Vec<String> = penguins[0].split(',').map(str::to_owned).collect();
    let at = |column: &str| header.iter().position(|name| name == column).expect("there");
    let write = |name: &str, rows: &std::ops::Range<usize>, column: &str, cell: &str, penguins: &[String]| {
        let mut changed = penguins.to_vec();
        for row in rows.clone() {
            let mut cells: Vec<&str> = changed[row].split(',').collect();
            cells[at(column)] = cell;
            changed[row] = cells.join(",");
        }
        let path = cli.folder().join(name);
        std::fs::write(&path, changed.join("\n")).expect("written");
        path.display().to_string()
    };
    let n = penguins.len() - 1;
    // Of each stretch one row is drawn: of the one in the middle, all of which is changed, it is known that one is there.
    let drawn = n / 2;
    let stretch = 1 + (drawn / 2) * n / drawn..1 + (drawn / 2 + 1) * n / drawn;
    let count = drawn.to_string();
    let ask = |verb: &[&str], data: &str| cli.run(&[verb, &["--data", data, "--rows", &count]].concat());
    let importance = ["importance", "penguins"];
    let dependence = ["dependence", "penguins", "--feature", "body_mass_g"];
    let wrong = write("wrong.csv", &stretch, "body_mass_g", "heavy", &penguins);
    let unknown = write("unknown.csv", &stretch, "island", "Atlantis", &penguins);
    for verb in [&importance[..], &dependence[..]] {
        let refused = ask(verb, &wrong).refused(3);
        assert!(stretch.clone().any(|row| refused.to_string().contains(&format!("row {row}"))), "{refused}");
        let told = ask(verb, &unknown).good();
        let said = |row: usize| told["warnings"].to_string().contains(&format!("`Atlantis` in 1 row ({row})"));
        assert!(stretch.clone().any(said), "{told}");
    }
    penguins.truncate(1);
    let empty = cli.folder().join("empty.csv");
    std::fs::write(&empty, penguins.join("\n")).expect("written");
    let refused = ask(&dependence, &empty.display().to_string()).refused(3);
    assert!(refused["message"].to_string().contains("no rows"), "{refused}");
}

/// A file is read as far as explanations read it, and what was left is said.
#[test]
fn of_a_long_file_the_first_hundred_thousand_rows_are_read() {
    let cli = Cli::new();
    cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let penguins = lines(&sample("penguins/heldout.csv"));
    let long = cli.folder().join("long.csv");
    let write = |rows: usize| {
        let rows = penguins[1..].iter().cycle().take(rows);
        let text: Vec<&str> = std::iter::once(&penguins[0]).chain(rows).map(String::as_str).collect();
        std::fs::write(&long, text.join("\n")).expect("written");
    };
    let data = long.display().to_string();
    let ask = || {
        let verb = ["dependence", "penguins", "--data", &data, "--feature", "island", "--rows", "50"];
        cli.run(&verb).good()
    };
    write(100_001);
    let found = ask();
    assert_eq!((&found["used_rows"], &found["of_rows"]), (&50.into(), &100_000.into()));
    let told = found["warnings"].to_string();
    assert!(told.contains("Only the first 100000 rows of the file were read"), "{told}");
    let explained = cli.run(&["explain", "penguins", "--data", &data, "--rows", "1..1"]).good();
    assert_eq!(explained["background"], "100 rows drawn evenly over the first 100000 rows of long.csv");
    write(100_000);
    let told = ask()["warnings"].to_string();
    assert!(!told.contains("Only the first"), "that is all of it: {told}");
}

/// What is told of a thousand classes does not fit into the head of a message; single rows' curves of all of them would be
/// more than anybody can read.
#[test]
fn a_thousand_outputs_are_all_told() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("thousand.onnx"), "--name", "thousand"]).good();
    let path = cli.folder().join("rows.csv");
    let rows =
        (0..50).map(|row| format!("{},{},{}", f64::from(row) / 50.0, f64::from(row % 7) / 7.0, f64::from(row % 3)));
    let text: Vec<String> = std::iter::once("a,b,c".to_owned()).chain(rows).collect();
    std::fs::write(&path, text.join("\n")).expect("written");
    let data = path.display().to_string();
    let ask = |more: &[&str]| {
        cli.run(&[&["dependence", "thousand", "--data", &data, "--feature", "a"], more].concat()).good()
    };
    let all = ask(&[]);
    let partial = &all["partial"];
    let means = partial["mean"].as_array().expect("outputs");
    assert_eq!((means.len(), all["ale"]["effects"].as_array().map(Vec::len)), (1000, Some(1000)));
    for point in 0..means[0].as_array().expect("points").len() {
        let sum: f64 = means.iter().map(|mean| mean[point].as_f64().expect("a number")).sum();
        assert!((sum - 1.0).abs() < 1e-4, "probabilities of all classes: {sum}");
    }
    let curves = partial["curves"][0].as_array().map(Vec::len);
    assert_eq!((curves, all["curve_row_numbers"].as_array().map(Vec::len)), (Some(6), Some(6)));
    assert!(
        all["warnings"].to_string().contains("the curves of 6 rows instead of 30: ask for one output alone"),
        "{all}"
    );
    let one = ask(&["--output", "7"]);
    assert_eq!(one["partial"]["curves"][0].as_array().map(Vec::len), Some(30));
    assert_eq!(one["partial"]["mean"][0], partial["mean"][7], "the same model, asked for less");
    // An explanation of all of them is as large.
    let explain = ["explain", "thousand", "--data", &data, "--rows", "1..50", "--output", "all", "--method", "exact"];
    let explained = cli.run(&explain).good();
    assert_eq!(explained["output_names"].as_array().map(Vec::len), Some(1000));
}

/// A picture is too many features to shuffle one by one, as it is to explain.
#[test]
fn too_many_features_are_refused_before_the_model_runs() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("wide.onnx"), "--name", "wide"]).good();
    let path = cli.folder().join("wide.npy");
    std::fs::write(&path, npy(2, 20_001)).expect("written");
    let data = path.display().to_string();
    for verb in [&["importance", "wide"][..], &["dependence", "wide", "--feature", "x"], &["explain", "wide"]] {
        let refused = cli.run(&[verb, &["--data", &data]].concat()).refused(3);
        assert!(refused["message"].to_string().contains("20001 features are too many to explain"), "{refused}");
    }
}

/// A file of NumPy's with zeros, float32.
fn npy(rows: usize, columns: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    header.push_str(&" ".repeat(64 - (10 + header.len() + 1) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(std::iter::repeat_n(0u8, rows * columns * 4));
    bytes
}

/// What an answer says of itself is in the record, which gives the same digest when it is made again.
#[test]
fn results_are_recorded_with_what_they_rest_on_and_come_again() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let importance = ["importance", "tumour", "--data", &data, "--rows", "50", "--repeats", "2"];
    let dependence = ["dependence", "tumour", "--data", &data, "--rows", "50", "--feature", "worst_area"];
    for (args, summary, kind) in [
        (&importance[..], "50 rows, importance by accuracy", "importance"),
        (&dependence[..], "50 rows, dependence on worst_area", "dependence"),
    ] {
        let found = cli.run(args).good();
        assert_eq!(found["rows_from"], "50 rows drawn evenly over heldout.csv");
        let text = |key: &str| found[key].as_str().unwrap_or_default();
        assert!(text("runtime").starts_with("onnxruntime ") && text("device") == "cpu", "{found}");
        for digest in ["model_digest", "data_digest", "rows_digest", "digest"] {
            assert!(text(digest).starts_with("sha256:"), "{digest}: {found}");
        }
        assert!(
            !text("method").is_empty() && !text("method_reason").is_empty() && found["seconds"].as_f64() > Some(0.0)
        );
        let pairs = found["correlated"].as_array().expect("a list");
        assert!(pairs.iter().all(|pair| pair["correlation"].as_f64().is_some_and(|r| (0.8..=1.0).contains(&r.abs()))));
        let said = if kind == "importance" { "Features go together: " } else { "`worst_area` goes together with `" };
        assert!(!pairs.is_empty() && found["warnings"].to_string().contains(said), "{found}");

        let runs = cli.run(&["list", "runs"]).good();
        let run = &runs["items"][0];
        assert_eq!((&run["id"], &run["kind"], &run["summary"]), (&found["run"], &kind.into(), &summary.into()));
        let record = {
            let desk = Desk::open(DeskOptions::for_home(cli.home())).expect("opens");
            desk.run_record(text("run")).expect("there")
        };
        assert_eq!(serde_json::to_value(&record.outcome).expect("plain data"), found, "the record is the answer");
        let typed = record.command.to_args();
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        let again = cli.run(&typed).good();
        assert_eq!(again["digest"], found["digest"], "made again by its own record: {typed:?}");
        assert_ne!(again["run"], found["run"]);
    }
    let found = cli.run(&importance).good();
    assert_eq!(found["model_rows"], 50, "a forest is asked once, and then its trees are walked again");
    let walked = |key: &str| found["walked"][key].as_u64().expect("told");
    assert!(walked("again") > 0 && walked("again") < walked("all"), "{}", found["walked"]);
    let other = cli.run(&[&importance[..], &["--seed", "1"]].concat()).good();
    assert_ne!(other["digest"], found["digest"], "other shuffles");
    let found = cli.run(&dependence).good();
    let points = found["partial"]["grid"].as_array().expect("a list").len() as u64;
    assert_eq!(found["model_rows"], 50 * points + 2 * 50, "every point, and both edges of each row's step");
    let curves = found["curve_row_numbers"].as_array().expect("a list");
    assert_eq!((curves.len(), &curves[1]), (30, &4.into()), "row 1 of 50 of 171, from 0, is row 4 of the file");
    let mut jobs = cli.run(&["jobs"]).good()["items"].as_array().expect("a list").clone();
    jobs.retain(|job| job["title"].as_str().is_some_and(|title| title.starts_with("Dependence on worst_area over")));
    assert!(jobs.len() >= 3, "{jobs:?}");
}
