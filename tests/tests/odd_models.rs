//! Models that are valid and odd: they loop without end, take nothing, or answer no finite number.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use modeldesk_tests::{Cli, fixture};

/// Three columns of three rows.
fn three_columns(cli: &Cli) -> String {
    let path = cli.folder().join("three.csv");
    std::fs::write(&path, "a,b,c\n1,2,3\n-4,5,6\n0,8,9\n").expect("written");
    path.display().to_string()
}

#[test]
fn a_model_without_end_is_stored_without_golden_rows() {
    let cli = Cli::new();
    let imported = cli.run(&["import", &fixture("endless.onnx"), "--golden-seconds", "1"]).good();
    assert!(imported["golden"].is_null(), "{imported}");
    let findings = imported["findings"].to_string();
    assert!(findings.contains("no-golden-rows") && findings.contains("longer than 1 s"), "{findings}");
    let data = three_columns(&cli);
    let refused = cli
        .run(&["import", &fixture("endless.onnx"), "--again", "--golden", &data, "--golden-seconds", "1"])
        .refused(3);
    assert!(refused["hints"].to_string().contains("--golden-seconds"), "{refused}");
}

#[test]
fn making_golden_rows_is_cancelled_from_elsewhere_at_once() {
    let cli = Cli::new();
    let mut command = cli.command();
    command.args(["import", &fixture("endless.onnx"), "--golden-seconds", "60"]);
    let mut import = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let began = Instant::now();
    let job = loop {
        let jobs = cli.run(&["jobs"]).good();
        let job = jobs["items"][0].clone();
        if job["progress"]["stage"] == "Making golden rows" {
            break job;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no golden rows are made: {jobs}");
    };
    let asked = Instant::now();
    cli.run(&["jobs", "cancel", job["id"].as_str().expect("an id")]).good();
    assert_eq!(import.wait().expect("ends").code(), Some(6));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_eq!(cli.run(&["jobs"]).good()["items"][0]["state"], "cancelled");
}

#[test]
fn a_killed_import_is_seen_to_be_interrupted() {
    let cli = Cli::new();
    let mut command = cli.command();
    command.args(["import", &fixture("endless.onnx"), "--golden-seconds", "60"]);
    let mut import = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let scratch = cli.home().join("scratch");
    let began = Instant::now();
    while std::fs::read_dir(&scratch).map_or(0, Iterator::count) == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing is laid out");
        std::thread::yield_now();
    }
    import.kill().expect("killed");
    import.wait().expect("ends");
    let jobs = cli.run(&["jobs"]).good();
    assert_eq!(jobs["items"][0]["state"], "failed", "{jobs}");
    assert!(jobs["items"][0]["fault"]["message"].to_string().contains("was ended"), "{jobs}");
    assert_eq!(cli.run(&["gc"]).good()["running"], 0);
    assert_eq!(std::fs::read_dir(&scratch).expect("lists").count(), 0, "what it had laid out is gone");
}

#[test]
fn a_model_whose_locale_is_not_here_is_refused_in_our_words() {
    let cli = Cli::new();
    let refused = cli.run(&["import", &fixture("unknown_locale.onnx")]).refused(3);
    let message = refused["message"].as_str().unwrap_or_default();
    assert!(message.contains("need the locale `xx_XX.UTF-8`, which this computer does not have"), "{message}");
    assert!(!message.contains("::") && message.len() < 200, "{message}");
    assert!(refused["hints"][0].as_str().is_some_and(|hint| hint.contains("localedef -i xx_XX")), "{refused}");
    assert!(refused["details"].to_string().contains("Failed to construct locale"), "{refused}");
    assert_eq!(cli.run(&["list", "models"]).good()["items"].as_array().map(Vec::len), Some(0), "nothing is stored");
}

#[test]
fn a_model_that_takes_nothing_says_so() {
    let cli = Cli::new();
    let imported = cli.run(&["import", &fixture("nothing.onnx")]).good();
    assert!(imported["golden"].is_null(), "{imported}");
    assert!(imported["findings"].to_string().contains("[0, 3] holds no values"), "{imported}");
    cli.run(&["predict", "nothing", "--data", &three_columns(&cli)]).refused(3);
}

#[test]
fn answers_that_are_not_finite_are_counted() {
    let cli = Cli::new();
    let imported = cli.run(&["import", &fixture("infinite.onnx")]).good();
    assert!(imported["findings"].to_string().contains("not finite"), "{imported}");
    let scored = cli.run(&["predict", "infinite", "--data", &three_columns(&cli)]).good();
    let warnings = scored["warnings"].to_string();
    assert!(warnings.contains("All 9 numbers") && warnings.contains("1 are NaN, 8 infinite"), "{warnings}");
}

/// Rows of four features and what else stands beside them.
fn rows(cli: &Cli, name: &str, more: &str, cells: impl Fn(f64) -> String) -> String {
    let mut text = format!("a,b,c,d,{more}\n");
    for row in 0..40 {
        let x = f64::from(row % 7) - 3.0;
        writeln!(text, "{x},{},{},{row},{}", row % 5, row % 3, cells(x)).expect("a string grows");
    }
    let path = cli.folder().join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn one_probability_a_row_is_measured_and_explained_as_that_of_the_second_class() {
    let cli = Cli::new();
    let data = rows(&cli, "zero.csv", "ill", |x| u8::from(x > 0.0).to_string());
    let import = ["import", &fixture("sigmoid.onnx"), "--golden", &data, "--target", "ill"];
    cli.run(&import).good();
    // What the golden rows' file called its truth is remembered.
    let scored = cli.run(&["predict", "sigmoid", "--data", &data]).good();
    assert_eq!((&scored["target"], &scored["metrics"]["task"]), (&"ill".into(), &"classification".into()), "{scored}");
    assert_eq!(scored["metrics"]["positive"], "1");
    assert!(scored["metrics"]["auc"].as_f64().is_some_and(|auc| auc > 0.5), "{scored}");
    let ask = ["explain", "sigmoid", "--data", &data, "--rows", "1..2"];
    let explained = cli.run(&[&ask[..], &["--space", "probability"]].concat()).good();
    assert_eq!(
        (&explained["space"], &explained["output_names"][0]),
        (&"probability".into(), &"1".into()),
        "{explained}"
    );
    assert_eq!(explained["feature_names"].as_array().map(Vec::len), Some(4));
    // The sum before the logistic function is exact, and is what is explained by itself; the probability stands beside it.
    let sums = cli.run(&ask).good();
    assert_eq!((&sums["method"], &sums["output_names"][0]), (&"linear".into(), &"1".into()), "{sums}");
    assert_eq!(sums["probabilities"][0][0], explained["predictions"][0][0]);
    // Other numbers are no classes.
    let share = rows(&cli, "share.csv", "share", |x| (x / 10.0 + 0.5).to_string());
    let scored = cli.run(&["predict", "sigmoid", "--data", &share, "--target", "share"]).good();
    assert_eq!(scored["metrics"]["task"], "regression", "{scored}");
    assert!(scored["metrics"]["mape"].as_f64().is_some_and(|mape| mape > 0.0), "{scored}");
    let mut command = cli.command();
    command.args(["predict", "sigmoid", "--data", &share, "--target", "share"]);
    let people = modeldesk_tests::finish(command, "").stdout;
    assert!(people.contains("    mape   ") && people.contains("    r2   "), "{people}");
}

#[test]
fn one_probability_a_row_is_measured_against_the_class_that_is_said_to_be_positive() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("sigmoid.onnx"), "--name", "m"]).good();
    let file =
        |name: &str, no: &str, yes: &str| rows(&cli, name, "ill", |x| (if x > 0.0 { yes } else { no }).to_owned());
    let predict =
        |data: &str, more: &[&str]| cli.run(&[&["predict", "m", "--data", data, "--target", "ill"][..], more].concat());
    let zeros = predict(&file("zero.csv", "0", "1"), &[]).good()["metrics"].clone();
    for (name, no, yes) in [("text.csv", "no", "yes"), ("signs.csv", "-1", "1"), ("floats.csv", "-1.0", "1.0")] {
        let data = file(name, no, yes);
        let unsaid = predict(&data, &[]).good();
        assert!(unsaid["metrics"].is_null(), "{name}: {unsaid}");
        assert!(unsaid["warnings"].to_string().contains("(positive class, --positive;"), "{name}: {unsaid}");
        let yes = yes.trim_end_matches(".0");
        let said = predict(&data, &["--positive", yes]).good();
        assert_eq!(said["metrics"]["positive"], yes, "{said}");
        for metric in ["accuracy", "auc", "log_loss", "f1"] {
            assert_eq!(said["metrics"][metric], zeros[metric], "{name}: {metric}");
        }
        // The probability is that of the class that is said.
        let turned = predict(&data, &["--positive", no.trim_end_matches(".0")]).good();
        let auc = |metrics: &serde_json::Value| metrics["auc"].as_f64().expect("a number");
        assert!((auc(&turned["metrics"]) + auc(&zeros) - 1.0).abs() < 1e-12, "{turned}");
        let asks = |answer: &serde_json::Value| answer["warnings"].to_string().contains("the wrong way round");
        assert!(asks(&turned) && !asks(&said), "{turned}");
    }
    let data = file("text.csv", "no", "yes");
    assert_eq!(predict(&data, &["--positive", "yes"]).good()["outputs"][0]["predicted"], "no");
    let refused = predict(&data, &["--positive", "maybe"]).refused(3);
    assert!(refused["message"].to_string().contains("it holds `no`, `yes`"), "{refused}");
    let three = rows(&cli, "three.csv", "ill", |x| (x as i64 % 3).to_string());
    predict(&three, &["--positive", "1"]).refused(3);
    cli.run(&["predict", "m", "--data", &data, "--drop", "ill", "--positive", "yes"]).refused(2);
    // A model that names its two classes takes either.
    cli.run(&["import", &modeldesk_tests::sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let heldout = modeldesk_tests::sample("tumour/heldout.csv");
    let tumour = |more: &[&str]| cli.run(&[&["predict", "tumour", "--data", &heldout][..], more].concat());
    let usual = tumour(&[]).good()["metrics"].clone();
    let classes = usual["report"]["classes"].clone();
    let other = classes.as_array().expect("two").iter().find(|class| **class != usual["positive"]).expect("another");
    let turned = tumour(&["--positive", other.as_str().expect("text")]).good()["metrics"].clone();
    assert_eq!((&turned["positive"], &turned["accuracy"]), (other, &usual["accuracy"]));
    assert_ne!(turned["recall"], usual["recall"]);
}

#[test]
fn several_numbers_a_row_are_measured_each_by_its_column() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("three_numbers.onnx")]).good();
    let data = rows(&cli, "three.csv", "t,u,v", |x| format!("{x},{},{}", x * 2.0, x - 1.0));
    let predict = ["predict", "three_numbers", "--data", &data, "--target"];
    let scored = cli.run(&[&predict[..], &["t,u,v"]].concat()).good();
    let metrics = &scored["metrics"];
    let each = metrics["report"]["outputs"].as_array().expect("outputs");
    let mse = |report: &serde_json::Value| report["mse"]["value"].as_f64().expect("a number");
    assert_eq!(each.len(), 3);
    assert_eq!((&each[1]["output"], &each[1]["truth"]), (&"y_1".into(), &"u".into()));
    let mean = each.iter().map(mse).sum::<f64>() / 3.0;
    assert!((metrics["mse"].as_f64().expect("a number") - mean).abs() < 1e-9, "{metrics}");
    cli.run(&[&predict[..], &["t,u"]].concat()).refused(3);
    // Both verbs call an output alike.
    let explain = ["explain", "three_numbers", "--data", &data, "--drop", "t,u,v", "--rows", "1"];
    let explained = cli.run(&explain).good();
    assert_eq!(explained["output_names"], serde_json::json!(["y_0", "y_1", "y_2"]));
    cli.run(&[&explain[..], &["--output", "y_2"]].concat()).good();
}

#[test]
fn a_truth_that_is_remembered_gives_way_to_what_is_named_and_is_said() {
    let cli = Cli::new();
    let data = rows(&cli, "three.csv", "t,u,v", |x| format!("{x},{},{}", x * 2.0, x - 1.0));
    cli.run(&["import", &fixture("three_numbers.onnx"), "--golden", &data, "--target", "t,u,v"]).good();
    let predict = ["predict", "three_numbers", "--data", &data];
    let remembered = cli.run(&predict).good();
    assert_eq!((&remembered["target"], &remembered["target_from"]), (&"t,u,v".into(), &"import".into()));
    assert_eq!((&remembered["outputs_shown"], &remembered["outputs_preview"]), (&5.into(), &true.into()));
    let left_out = cli.run(&[&predict[..], &["--drop", "t,u,v"]].concat()).good();
    assert!(left_out["target"].is_null() && left_out["metrics"].is_null(), "{left_out}");
    let named = cli.run(&[&predict[..], &["--target", "v,u,t"]].concat()).good();
    assert_eq!((&named["target"], &named["target_from"]), (&"v,u,t".into(), &"command".into()));
}

#[test]
fn a_model_without_an_answer_for_each_row_is_not_proven_explained_or_scored() {
    let cli = Cli::new();
    let data = rows(&cli, "four.csv", "t", |x| x.to_string());
    for (name, more) in [("mean_of_rows", vec![]), ("unrolled", vec!["--golden", &data, "--drop", "t"])] {
        let imported = cli.run(&[&["import", &fixture(&format!("{name}.onnx"))], &more[..]].concat()).good();
        let findings = imported["findings"].to_string();
        assert!(findings.contains("rows of input") && findings.contains("one answer for each row"), "{imported}");
        assert!(imported["golden"].is_null(), "{imported}");
        cli.run(&["predict", name, "--data", &data, "--drop", "t"]).refused(3);
        cli.run(&["explain", name, "--data", &data, "--drop", "t", "--rows", "1"]).refused(3);
    }
}

#[test]
fn a_model_whose_rows_depend_on_each_other_says_so_with_every_answer() {
    let cli = Cli::new();
    let data = rows(&cli, "four.csv", "t", |x| x.to_string());
    let said =
        |answer: &serde_json::Value, field: &str| answer[field].to_string().contains("depends on the rows beside it");
    let with = |words: &[&str]| cli.run(&[words, &["--data", &data, "--drop", "t"]].concat()).good();
    for (name, together) in [("centred", true), ("three_numbers", false)] {
        let imported = cli.run(&["import", &fixture(&format!("{name}.onnx"))]).good();
        assert_eq!(said(&imported, "findings"), together, "{imported}");
        for answer in [with(&["predict", name]), with(&["explain", name, "--rows", "1..2"])] {
            assert_eq!(said(&answer, "warnings"), together, "{answer}");
        }
    }
}

#[test]
fn scores_alone_come_with_the_class_that_is_worked_out_of_them() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("softmax.onnx")]).good();
    let data = rows(&cli, "three.csv", "predicted", |x| f64::from(u8::from(x > 0.0)).to_string());
    let out = cli.folder().join("out.csv").display().to_string();
    let predict = ["predict", "softmax", "--data", &data, "--target", "predicted", "--out", &out, "--echo-all"];
    let scored = cli.run(&predict).good();
    assert_eq!(scored["output_columns"][3], "predicted", "{scored}");
    let text = std::fs::read_to_string(&out).expect("written");
    assert!(text.lines().next().is_some_and(|line| line.ends_with(",predicted_predicted")), "{text}");
    assert!(text.lines().skip(1).all(|line| [",0", ",1", ",2"].iter().any(|class| line.ends_with(class))), "{text}");
    // Formats of numbers alone have no such column.
    let out = cli.folder().join("out.npy").display().to_string();
    cli.run(&["predict", "softmax", "--data", &data, "--drop", "predicted", "--out", &out]).good();
}

#[test]
fn answers_to_pictures_begin_with_their_names_and_are_explained_by_their_pixels() {
    let cli = Cli::new();
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/digits");
    let images = digits.join("images").display().to_string();
    cli.run(&["import", &digits.join("model.onnx").display().to_string(), "--name", "digits"]).good();
    let out = cli.folder().join("out.csv").display().to_string();
    let predict = ["predict", "digits", "--data", &images, "--out", &out];
    for more in [&[][..], &["--echo-all"]] {
        cli.run(&[&predict[..], more].concat()).good();
        let text = std::fs::read_to_string(&out).expect("written");
        let (first, second) = (text.lines().next().expect("names"), text.lines().nth(1).expect("a row"));
        assert!(first.starts_with("file,") && !first.contains("image"), "{first}");
        assert!(second.split(',').next().is_some_and(|name| name.contains(".png")), "{second}");
    }
    let explained = cli.run(&["explain", "digits", "--data", &images, "--rows", "1", "--samples", "300"]).good();
    let pixels = explained["feature_names"].as_array().expect("names");
    assert_eq!((pixels.len(), &pixels[63]), (64, &serde_json::json!("image[63]")), "{explained}");
}

/// Twelve rows of four columns, times so much.
fn four_columns(cli: &Cli, by: u32) -> String {
    let path = cli.folder().join(format!("four{by}.csv"));
    let row = |i: u32| format!("{},{},{},{},{}\n", i % 5 * by, i * i % 7 * by, i % 3 * by, i % 4 * by, i % 6);
    std::fs::write(&path, format!("a,b,c,d,truth\n{}", (0..12).map(row).collect::<String>())).expect("written");
    path.display().to_string()
}

#[test]
fn what_is_said_of_a_model_that_draws_its_answers_is_called_noise_in_part() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("drawn.onnx")]).good();
    let data = four_columns(&cli, 1);
    let told = |args: &[&str]| {
        cli.run(&[args, &["--data", &data, "--target", "truth"]].concat()).good()["warnings"].to_string()
    };
    for args in [
        &["explain", "drawn", "--rows", "1..2"][..],
        &["importance", "drawn"],
        &["dependence", "drawn", "--feature", "a"],
    ] {
        assert!(told(args).contains("is noise in part"), "{args:?}: {}", told(args));
    }
    assert!(!told(&["predict", "drawn"]).contains("noise in part"), "answers are told of in other words");
}

#[test]
fn answers_whose_float32_are_far_apart_are_told_beside_what_is_made_of_them() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("far_from_zero.onnx")]).good();
    // Answers that differ by a few steps, and those that do not differ at all.
    let (apart, alike) = (four_columns(&cli, 5), four_columns(&cli, 1));
    let ask = |args: &[&str], data: &str| cli.run(&[args, &["--data", data, "--target", "truth"]].concat()).good();
    let explain = ["explain", "far_from_zero", "--rows", "1..5"];
    for (args, data) in [
        (&explain[..], &alike),
        (&[&explain[..], &["--method", "exact"]].concat(), &apart),
        (&["importance", "far_from_zero"], &apart),
        (&["dependence", "far_from_zero", "--feature", "b"], &apart),
    ] {
        let told = ask(args, data)["warnings"].to_string();
        assert!(told.contains("The model answers in float32") && told.contains("8.00e0 apart"), "{args:?}: {told}");
    }
    let lime = ask(&["explain", "far_from_zero", "--rows", "2..2", "--method", "lime"], &alike);
    assert!(lime["r2"][0][0].as_f64() < Some(0.5), "{}", lime["r2"]);
    assert!(lime["warnings"].to_string().contains("fits badly"), "{}", lime["warnings"]);
}
