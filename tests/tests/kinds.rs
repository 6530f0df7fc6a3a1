//! Models of many kinds explained from their files, the whole way: equal to enumeration, to shap and to captum.
//! Linear models are in `linear.rs`, groups of columns in `groups.rs`, texts in `parts.rs`.

use std::path::{Path, PathBuf};

use modeldesk_tests::Cli;
use serde_json::Value;

/// Largest difference from a reference value, relative to the largest attribution of that model and method. The answers
/// and base values that go with them are held to it relative to the largest answer or attribution.
const RELATIVE: f64 = 1e-6;

/// Every model, the folder with its values, and what `--method auto` makes of it.
const KINDS: [(&str, &str, &str); 25] = [
    // Trees: values by shap, agreed by enumeration leaf by leaf.
    ("tumour_v1", "shap", "tree"),
    ("tumour_v2", "shap", "tree"),
    ("forest_binary", "shap", "tree"),
    ("forest_wine", "shap", "tree"),
    ("forest_diabetes", "shap", "tree"),
    ("lightgbm_missing", "shap", "tree"),
    ("xgboost_missing", "shap", "tree"),
    ("xgboost_wine", "shap", "tree"),
    ("xgboost_diabetes", "shap", "tree"),
    // Trees: values by enumeration leaf by leaf, agreed by shap where it can.
    ("extra_trees_wine", "explained", "tree"),
    ("boosting_tumour", "explained", "tree"),
    ("boosting_wine", "explained", "tree"),
    ("boosting_diabetes", "explained", "tree"),
    ("histogram_missing", "explained", "tree"),
    ("histogram_diabetes", "explained", "tree"),
    ("forest_two_outputs", "explained", "tree"),
    ("lightgbm_wine", "explained", "tree"),
    ("catboost_missing", "explained", "tree"),
    ("catboost_wine", "explained", "tree"),
    ("catboost_diabetes", "explained", "tree"),
    // All coalitions by the definition.
    ("vectors_tumour", "explained", "exact"),
    ("vectors_diabetes", "explained", "exact"),
    ("network_wine", "explained", "exact"),
    ("network_diabetes", "explained", "exact"),
    ("rents_mixed", "explained", "exact"),
];

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(name)
}

/// Numbers in their order; `null` is a missing value.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

/// Rows as a CSV file whose numbers read back as the same float32, its missing cells empty.
fn csv(columns: &[String], rows: &Value) -> String {
    let cell = |cell: &Value| match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        number => (number.as_f64().expect("a number") as f32).to_string(),
    };
    let line = |row: &Value| row.as_array().expect("a row").iter().map(cell).collect::<Vec<_>>().join(",");
    let lines = rows.as_array().expect("rows").iter().map(line);
    [columns.join(",")].into_iter().chain(lines).collect::<Vec<_>>().join("\n") + "\n"
}

/// One model's file of values.
struct Kind {
    name: &'static str,
    file: Value,
    /// What the model's one input is called; none where each column is one.
    input: Option<String>,
}

impl Kind {
    fn read(name: &'static str, folder: &str) -> Self {
        let file = std::fs::read(reference(&format!("{folder}/{name}.json"))).expect("there");
        let file: Value = serde_json::from_slice(&file).expect("JSON");
        let input = match file.get("input") {
            None => Some("X".to_owned()),
            Some(input) => input.as_str().map(str::to_owned),
        };
        Self { name, file, input }
    }

    /// Methods and their values: of shap's files one, and for trees that of their own covers.
    fn cases(&self, auto: &str) -> Vec<Value> {
        if let Some(cases) = self.file["cases"].as_array() {
            return cases.clone();
        }
        let of = |method: &str, base: &str, values: &str| {
            let (base, values, predictions) = (&self.file[base], &self.file[values], &self.file["predictions"]);
            serde_json::json!({ "method": method, "base_values": base, "values": values, "predictions": predictions,
                "space": self.space() })
        };
        let mut cases = vec![of(auto, "base_values", "values")];
        if auto == "tree" {
            cases.push(of("path", "path_base_values", "path_values"));
        }
        cases
    }

    /// `probability` or `raw`; log-odds are raw scores.
    fn space(&self) -> &str {
        if self.file["space"] == "probability" { "probability" } else { "raw" }
    }

    /// Imports the model and writes its rows; gives what all explanations of it are asked with.
    fn prepare(&self, cli: &Cli) -> Vec<String> {
        let columns = self.file.get("columns").unwrap_or(&self.file["feature_names"]);
        let columns: Vec<String> = serde_json::from_value(columns.clone()).expect("names");
        let write = |what: &str| {
            let path = cli.folder().join(format!("{}_{what}.csv", self.name));
            std::fs::write(&path, csv(&columns, &self.file[what])).expect("written");
            path.display().to_string()
        };
        let (data, background) = (write("rows"), write("background"));
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(self.file["model"].as_str().expect("a path"));
        assert!(std::fs::metadata(&model).expect("there").len() < 300_000, "{} is no small model", self.name);
        cli.run(&["import", &model.display().to_string(), "--name", self.name]).good();
        let mut args = ["explain", self.name, "--data", &data, "--background", &background, "--no-groups"]
            .map(str::to_owned)
            .to_vec();
        if let Some(input) = &self.input {
            args.extend(["--map".to_owned(), format!("{input}={}", columns.join(","))]);
        }
        args
    }
}

/// The largest difference of two lists; what they are is told where they are not equally long.
fn furthest(found: &Value, want: &Value, what: &str) -> f64 {
    let (found, want) = (numbers(found), numbers(want));
    assert_eq!(found.len(), want.len(), "{what}");
    found.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, |most, x| if x.is_nan() { x } else { x.max(most) })
}

/// The largest of some numbers without their signs.
fn largest(value: &Value) -> f64 {
    numbers(value).iter().fold(0.0, |most, x| x.abs().max(most))
}

/// Runs one method and says what of its answer is too far from the reference, if anything.
fn differs(cli: &Cli, ask: &[String], kind: &Kind, auto: &str, case: &Value) -> Option<String> {
    let method = case["method"].as_str().expect("a method");
    let what = format!("{} by {method}", kind.name);
    let asked = if method == auto { "auto" } else { method };
    let mut args: Vec<&str> = ask.iter().map(String::as_str).collect();
    args.extend(["--output", "all", "--method", asked]);
    let found = cli.run(&args).good();
    assert_eq!(found["method"], method, "{what}: {}", found["method_reason"]);
    if let Some(space) = case["space"].as_str() {
        assert_eq!(found["space"], space, "{what}");
    }
    assert_eq!(found["background_rows"].as_u64(), kind.file["background"].as_array().map(|rows| rows.len() as u64));
    assert!(found.get("std_error").is_none(), "{what} is exact");
    let scale = largest(&case["values"]);
    let answers = largest(&case["predictions"]).max(scale);
    let told = [("values", scale), ("base_values", answers), ("predictions", answers)].map(|(key, scale)| {
        let off = furthest(&found[key], &case[key], &format!("{what}: {key}")) / scale;
        (off.is_nan() || off > RELATIVE).then(|| format!("{what}: {key} are off by {off:.1e} of {scale:.3}"))
    });
    told.into_iter().flatten().reduce(|all, next| format!("{all}\n{next}"))
}

/// Explains some of the models by each of their methods and names all that are wrong.
fn check(kinds: &[(&'static str, &str, &str)]) {
    let cli = Cli::new();
    let mut wrong = Vec::new();
    for (name, folder, auto) in kinds {
        let kind = Kind::read(name, folder);
        let ask = kind.prepare(&cli);
        wrong.extend(kind.cases(auto).iter().filter_map(|case| differs(&cli, &ask, &kind, auto, case)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn trees_by_shap_are_explained_as_shap_does() {
    check(&KINDS[..9]);
}

#[test]
fn trees_of_every_exporter_are_explained_exactly() {
    check(&KINDS[9..20]);
}

#[test]
fn what_is_no_tree_is_explained_by_all_coalitions() {
    check(&KINDS[20..25]);
}

/// Sampled values are as far from the exact ones as their standard errors say.
#[test]
fn sampled_values_of_vectors_and_networks_lie_within_their_errors() {
    let cli = Cli::new();
    for (name, folder, _) in &KINDS[20..24] {
        let kind = Kind::read(name, folder);
        let ask = kind.prepare(&cli);
        let mut args: Vec<&str> = ask.iter().map(String::as_str).collect();
        args.extend(["--output", "all", "--method", "kernel", "--samples", "100"]);
        let found = cli.run(&args).good();
        assert_eq!(found["method"], "kernel");
        let (values, want) = (numbers(&found["values"]), numbers(&kind.file["cases"][0]["values"]));
        let errors = numbers(&found["std_error"]);
        let slack = RELATIVE * largest(&kind.file["cases"][0]["values"]);
        assert!(errors.iter().any(|error| *error > slack), "{name} was sampled");
        let apart = values.iter().zip(&want).zip(&errors).filter(|(_, error)| **error > slack);
        let apart: Vec<f64> = apart.map(|((a, b), error)| (a - b) / error).collect();
        let spread = (apart.iter().map(|x| x * x).sum::<f64>() / apart.len() as f64).sqrt();
        // Seeds 0 to 5 give 0.8 to 1.4: what one set of coalitions does is in all values of a row.
        assert!((0.5..2.0).contains(&spread), "{name}: the values lie {spread} standard errors away");
    }
}

/// skl2onnx writes the two scores of an SVC without probabilities turned round: they are scores, not shares, the class is
/// the model's own, and importance does not judge them as if they were the model's answers.
#[test]
fn scores_that_are_turned_round_are_not_taken_for_the_answer() {
    let cli = Cli::new();
    let kind = Kind::read("vectors_tumour", "explained");
    let ask = kind.prepare(&cli);
    let mut args: Vec<&str> = ask.iter().map(String::as_str).collect();
    let data = args[3].to_owned();
    args.extend(["--output", "all"]);
    let found = cli.run(&args).good();
    assert_eq!(found["space"], "raw");
    let out = cli.folder().join("answers.csv").display().to_string();
    let map = ask.last().expect("the map");
    cli.run(&["predict", "vectors_tumour", "--data", &data, "--map", map, "--out", &out]).good();
    let answers = std::fs::read_to_string(&out).expect("written");
    let labels: Vec<&str> = answers.lines().skip(1).map(|line| line.split(',').next().expect("a label")).collect();
    assert_eq!(found["answered"], serde_json::json!(labels));
    let scores = numbers(&found["predictions"]);
    let first = |row: usize| scores[2 * row] > scores[2 * row + 1];
    assert!((0..labels.len()).all(|row| first(row) == (labels[row] == "1")), "{labels:?} {scores:?}");

    let truth = cli.folder().join("truth.csv");
    let text = std::fs::read_to_string(&data).expect("there");
    let rows: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(at, line)| format!("{line},{}", if at == 0 { "y".to_owned() } else { (at % 2).to_string() }))
        .collect();
    std::fs::write(&truth, rows.join("\n")).expect("written");
    let truth = truth.display().to_string();
    let refused =
        cli.run(&["importance", "vectors_tumour", "--data", &truth, "--target", "y", "--map", map]).refused(3);
    assert!(refused["message"].to_string().contains("another class than that of its largest score"), "{refused}");
}

/// Of one row nothing is usual.
#[test]
fn a_background_of_one_row_is_warned_of() {
    let cli = Cli::new();
    let kind = Kind::read("forest_binary", "shap");
    let mut ask = kind.prepare(&cli);
    let one = std::fs::read_to_string(&ask[5]).expect("there").lines().take(2).collect::<Vec<_>>().join("\n");
    let warned = |ask: &[String]| {
        let args: Vec<&str> = ask.iter().map(String::as_str).collect();
        cli.run(&args).good()["warnings"].to_string().contains("The background is one row")
    };
    assert!(!warned(&ask));
    ask[5] = cli.folder().join("one.csv").display().to_string();
    std::fs::write(&ask[5], one).expect("written");
    assert!(warned(&ask));
    let args: Vec<&str> = ask.iter().map(String::as_str).collect();
    let told = cli.command().args(args).output().expect("runs");
    assert!(String::from_utf8_lossy(&told.stdout).contains("background 1 row ("), "{told:?}");
}

/// A convolutional network by DeepLIFT's rule: captum in float64, the network here in float32.
#[test]
fn a_convolutional_network_is_explained_as_captum_does() {
    let cli = Cli::new();
    let file: Value =
        serde_json::from_slice(&std::fs::read(reference("gradients/rules_cnn.json")).expect("there")).expect("JSON");
    let model = reference("gradients/rules_cnn.onnx").display().to_string();
    cli.run(&["import", &model, "--name", "cnn"]).good();
    let write = |what: &str| {
        let pixels = numbers(&file[what]);
        let path = cli.folder().join(format!("{what}.npy"));
        std::fs::write(&path, npy(&[pixels.len() / 98, 2, 7, 7], &pixels)).expect("written");
        path.display().to_string()
    };
    let (data, background) = (write("x"), write("background"));
    for row in 0..2 {
        let target = file["target"][row].to_string();
        let rows = format!("{0}..{0}", row + 1);
        let ask =
            ["explain", "cnn", "--data", &data, "--background", &background, "--rows", &rows, "--output", &target];
        let found = cli.run(&[&ask[..], &["--method", "deeplift"]].concat()).good();
        let want = Value::from(numbers(&file["deeplift"])[98 * row..98 * (row + 1)].to_vec());
        let off = furthest(&found["values"], &want, "DeepLIFT") / largest(&want);
        assert!(off < 1e-5, "row {row}: {off:.1e}");
    }
}

/// A file of NumPy's, float32.
fn npy(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}", shape.join(", "));
    header.push_str(&" ".repeat(64 - (10 + header.len() + 1) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(values.iter().flat_map(|value| (*value as f32).to_le_bytes()));
    bytes
}
