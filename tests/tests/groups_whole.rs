//! Columns that belong together over a whole file and by their name: importance, dependence, what if.

use modeldesk_tests::Cli;
use serde_json::{Value, json};

fn reference(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(name)
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

/// The forest over one-hot and date columns, and rows of it with their truth.
struct Passengers {
    cli: Cli,
    file: Value,
    columns: Vec<String>,
    data: String,
}

impl Passengers {
    fn new() -> Self {
        let cli = Cli::new();
        let file = std::fs::read(reference("global/groups.json")).expect("there");
        let file: Value = serde_json::from_slice(&file).expect("JSON");
        let columns: Vec<String> = serde_json::from_value(file["feature_names"].clone()).expect("names");
        let mut lines = vec![format!("{},saved", columns.join(","))];
        for (row, saved) in file["rows"].as_array().expect("rows").iter().zip(numbers(&file["truth"])) {
            let cells: Vec<String> = numbers(row).iter().map(|x| (*x as f32).to_string()).collect();
            lines.push(format!("{},{saved}", cells.join(",")));
        }
        let data = cli.folder().join("rows.csv");
        std::fs::write(&data, lines.join("\n") + "\n").expect("written");
        cli.run(&["import", &reference("models/groups.onnx").display().to_string(), "--name", "groups"]).good();
        let data = data.display().to_string();
        Self { cli, file, columns, data }
    }

    fn args<'a>(&'a self, verb: &'a str, map: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&[verb, "groups", "--data", &self.data, "--target", "saved", "--map", map][..], more].concat()
    }

    fn map(&self) -> String {
        format!("X={}", self.columns.join(","))
    }
}

/// scikit-learn shuffles the one raw column that the group's columns come from.
#[test]
fn groups_are_shuffled_together_as_scikit_learn_shuffles_a_raw_column() {
    let all = Passengers::new();
    let map = all.map();
    let repeats = number(&all.file["repeats"]) as usize;
    let players = ["age", "fare", "class", "sex", "boarded"];
    for want in all.file["importance"].as_array().expect("scores") {
        let score = want["score"].as_str().expect("a name");
        let more = ["--repeats", &repeats.to_string(), "--score", score];
        let found = all.cli.run(&all.args("importance", &map, &more)).good();
        let features = found["features"].as_array().expect("features");
        assert_eq!(features.len(), players.len());
        let (means, stds) = (numbers(&want["mean"]), numbers(&want["std"]));
        for (at, player) in players.iter().enumerate() {
            let of = features.iter().find(|feature| feature["name"] == *player).expect("there");
            let (mean, std) = (number(&of["mean"]), number(&of["std"]));
            // Five standard errors of the difference of two means over as many shuffles.
            let error = 5.0 * (stds[at].powi(2) + std.powi(2)).sqrt() / (repeats as f64).sqrt();
            assert!((mean - means[at]).abs() < error, "{score}, {player}: {mean} and {}", means[at]);
            assert!((std - stds[at]).abs() < 0.25 * stds[at], "{score}, {player}: {std} and {}", stds[at]);
        }
        assert_eq!(features[0]["name"], "class", "{found}");
        let groups: Vec<_> = found["groups"].as_array().expect("groups").iter().map(|group| &group["name"]).collect();
        assert_eq!(groups, ["class", "sex", "boarded"]);
        assert_eq!(found["groups"][1]["columns"], json!(["sex_female", "sex_male"]));
        assert!(found["method_reason"].to_string().contains("columns of a group are dealt out together"));
        assert!(!found["warnings"].to_string().contains("sex_female"), "what is shuffled together goes together");
    }
}

#[test]
fn groups_are_named_left_alone_and_said() {
    let all = Passengers::new();
    let map = all.map();
    let ask = |more: &[&str]| all.cli.run(&all.args("importance", &map, more));
    let apart = ask(&["--no-groups"]).good();
    assert_eq!((apart["features"].as_array().map(Vec::len), apart.get("groups")), (Some(10), None));
    let wealth = ask(&["--group", "wealth=fare,class_first,class_second,class_third", "--no-groups"]).good();
    assert_eq!(wealth["features"].as_array().map(Vec::len), Some(7));
    assert_eq!(wealth["groups"][0]["kind"], "given");
    assert_ne!(wealth["digest"], apart["digest"]);
    let wrong = ask(&["--group", "wealth=fare,cabin"]).refused(3);
    assert!(wrong["message"].to_string().contains("`cabin`"), "{wrong}");
    let wrong = ask(&["--group", "wealth=\"fare,age"]).refused(2);
    assert!(wrong["message"].to_string().contains("a quote is not closed"), "{wrong}");
    let told = all.cli.command().args(all.args("importance", &map, &[])).output().expect("runs");
    let told = String::from_utf8(told.stdout).expect("text");
    let line = "shuffled together: class (3 columns of a category), sex (2 columns of a category), boarded (3 parts of a date)";
    assert!(told.contains(line) && told.contains("--no-groups"), "{told}");
    // Made again by its own record.
    let desk = desk_app::Desk::open(desk_app::DeskOptions::for_home(all.cli.home())).expect("opens");
    let record = desk.run_record(wealth["run"].as_str().expect("an id")).expect("there");
    let typed = record.command.to_args();
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    assert_eq!(all.cli.run(&typed).good()["digest"], wealth["digest"], "{typed:?}");
}

/// A column whose name holds a comma is named in quotes.
#[test]
fn a_column_with_a_comma_goes_into_a_group() {
    let all = Passengers::new();
    let text = std::fs::read_to_string(&all.data).expect("there");
    let file = all.cli.folder().join("commas.csv");
    let renamed = text.replacen("age,fare", "\"age, in years\",fare", 1);
    std::fs::write(&file, renamed).expect("written");
    // By position, as names with commas cannot be mapped.
    let data = file.display().to_string();
    let ask = ["importance", "groups", "--data", &data, "--target", "saved"];
    let found = all.cli.run(&[&ask[..], &["--group", r#"mine="age, in years", fare"#]].concat()).good();
    let group = found["groups"].as_array().expect("groups").iter().find(|group| group["name"] == "mine");
    assert_eq!(group.expect("there")["columns"], json!(["age, in years", "fare"]), "{found}");
}

#[test]
fn a_category_is_looked_along_by_its_levels() {
    let all = Passengers::new();
    let map = all.map();
    let ask = |more: &[&str]| all.cli.run(&all.args("dependence", &map, &[&["--output", "1"], more].concat()));
    for (name, levels) in [("class", &["first", "second", "third"][..]), ("sex", &["female", "male"])] {
        let found = ask(&["--feature", name, "--curves", "120"]).good();
        assert_eq!(found["levels"], json!(levels));
        let want = &all.file["levels"][name];
        let first: Vec<f64> = (0..levels.len()).map(|at| number(&found["partial"]["curves"][0][0][at])).collect();
        for (found, want) in [(numbers(&found["partial"]["mean"][0]), &want["mean"]), (first, &want["of_first_row"])] {
            let want = numbers(want);
            assert_eq!(found.len(), want.len());
            // float32 leaves in the file, float64 in scikit-learn.
            found.iter().zip(&want).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{name}: {a} and {b}"));
        }
        assert!(found["ale"].is_null() && number(&found["partial"]["std_error"][0][0]) > 0.0, "{found}");
        assert_eq!((&found["groups"][0]["name"], &found["groups"][0]["kind"]), (&name.into(), &"onehot".into()));
    }
    let pair = ask(&["--feature", "class", "--with", "sex"]).good();
    assert_eq!(
        (&pair["levels"], &pair["other_levels"]),
        (&json!(["first", "second", "third"]), &json!(["female", "male"]))
    );
    assert_eq!(pair["pair"]["features"], json!([2, 5]));
    let (along, across) = (numbers(&pair["pair"]["mean"][0]), numbers(&pair["pair"]["near"]));
    assert_eq!((along.len(), across.iter().sum::<f64>()), (6, 120.0));
    let mixed = ask(&["--feature", "age", "--with", "class", "--points", "5"]).good();
    assert_eq!(mixed["other_levels"], json!(["first", "second", "third"]));
    assert!(mixed["ale"].is_object() && mixed["partial"]["feature"] == 0, "{mixed}");

    let date = ask(&["--feature", "boarded"]).refused(3);
    assert!(date["message"].to_string().contains("has no levels"), "{date}");
    assert!(date["hints"].to_string().contains("`boarded_month`"), "{date}");
    let unknown = ask(&["--feature", "cabin"]).refused(3);
    assert!(unknown["hints"].to_string().contains("categories `class`, `sex`"), "{unknown}");
    let alone = ask(&["--feature", "class", "--no-groups"]).refused(3);
    assert!(alone["message"].to_string().contains("reads no column `class`"), "{alone}");
    let column = ask(&["--feature", "class_first"]).good();
    assert!(column["levels"].is_null() && column.get("groups").is_none(), "a column by itself stays one");
    let given =
        ask(&["--feature", "rank", "--group", "rank=class_first,class_second,class_third", "--no-groups"]).good();
    assert_eq!(given["levels"], json!(["class_first", "class_second", "class_third"]));
    assert_eq!(given["partial"]["mean"], ask(&["--feature", "class"]).good()["partial"]["mean"]);
}

/// A category is set by one of its levels: the same as by its columns.
#[test]
fn a_category_is_set_by_its_name() {
    let all = Passengers::new();
    let map = all.map();
    let ask = |set: &[&str], more: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        all.cli.run(&all.args("what-if", &map, &[&["--row", "1"], &set[..], more].concat()))
    };
    for method in ["auto", "lime"] {
        let more = ["--method", method];
        let named = ask(&["class=second", "sex=female"], &more).good();
        let flags = ["class_first=0", "class_second=1", "class_third=0", "sex_female=1", "sex_male=0"];
        assert_eq!(named["explanation"]["values"], ask(&flags, &more).good()["explanation"]["values"], "{method}");
    }
    let found = ask(&["class=second"], &[]).good();
    assert_eq!((&found["changes"][0]["feature"], &found["changes"][0]["is"]), (&"class".into(), &"second".into()));
    assert!(!found["explanation"]["warnings"].to_string().contains("not of one"), "{found}");
    let unknown = ask(&["class=fourth"], &[]).refused(3);
    assert!(unknown["message"].to_string().contains("`class` has no level `fourth`"), "{unknown}");
    assert!(unknown["hints"].to_string().contains("`first`, `second`, `third`"), "{unknown}");
    let both = ask(&["class=second", "class_first=1"], &[]).refused(2);
    assert!(both["message"].to_string().contains("`class_first` is set twice"), "{both}");
    let date = ask(&["boarded=1912"], &[]).refused(3);
    assert!(date["hints"].to_string().contains("`boarded_year`"), "{date}");
    let truth = ask(&["saved=1"], &[]).refused(3);
    assert!(truth["message"].to_string().contains("reads no column `saved`"), "{truth}");
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}
