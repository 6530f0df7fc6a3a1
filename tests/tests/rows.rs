//! The rows of a test: filtered, sorted and written as a look through a plain file of the same answers says.

use modeldesk_tests::{Cli, sample};
use serde_json::Value;

/// A table of texts, read with nothing of ours.
struct Plain {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Plain {
    fn read(text: &str) -> Self {
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Self { names: lines.next().expect("a header"), rows: lines.collect() }
    }

    fn cell(&self, row: usize, name: &str) -> &str {
        &self.rows[row][self.names.iter().position(|other| other == name).expect(name)]
    }

    fn number(&self, row: usize, name: &str) -> Option<f64> {
        self.cell(row, name).parse().ok()
    }
}

/// Tests the sample on its own rows, of which some have lost a value: all of its answers beside their rows.
fn tested(cli: &Cli) -> Plain {
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample is there");
    let lines = text.lines().enumerate().map(|(i, line)| match line.split_once(',') {
        Some((_, rest)) if i % 9 == 4 => format!(",{rest}"),
        _ => line.to_owned(),
    });
    let data = cli.folder().join("holes.csv");
    std::fs::write(&data, lines.collect::<Vec<_>>().join("\n")).expect("written");
    let (data, all) = (data.display().to_string(), cli.folder().join("all.csv").display().to_string());
    cli.run(&["predict", "tumour", "--data", &data]).good();
    cli.run(&["predict", "tumour", "--data", &data, "--out", &all, "--echo-all"]).good();
    Plain::read(&std::fs::read_to_string(all).expect("written"))
}

fn numbers(answer: &Value) -> Vec<u64> {
    let rows = answer["rows"].as_array().expect("rows");
    rows.iter().map(|row| row["row"].as_u64().expect("a number")).collect()
}

#[test]
fn rows_are_those_of_a_plain_file() {
    let cli = Cli::new();
    let plain = tested(&cli);
    let all = 0..plain.rows.len();
    let radius = |row: &usize| plain.number(*row, "mean_radius");
    let numbered = |rows: &[usize]| rows.iter().map(|row| *row as u64 + 1).collect::<Vec<_>>();

    let found = cli.run(&["rows", "tumour", "--where", "mean_radius is missing", "-n", "500"]).good();
    let missing: Vec<usize> = all.clone().filter(|row| radius(row).is_none()).collect();
    assert!(missing.len() > 10);
    assert_eq!(numbers(&found), numbered(&missing));
    assert_eq!((found["matching"].as_u64(), found["total"].as_u64()), (Some(missing.len() as u64), Some(171)));
    assert_eq!(found["rows"][0]["values"]["mean_radius"], Value::Null);

    let args = ["rows", "tumour@1", "--where", "mean_radius>=14", "--where", "label=malignant"];
    let found = cli.run(&[&args[..], &["--sort", "worst_area:desc", "-n", "500"]].concat()).good();
    let mut large: Vec<usize> = all.clone().filter(|row| radius(row) >= Some(14.0)).collect();
    large.retain(|row| plain.cell(*row, "label") == "malignant");
    large.sort_by(|a, b| plain.number(*b, "worst_area").partial_cmp(&plain.number(*a, "worst_area")).expect("numbers"));
    assert_eq!(numbers(&found), numbered(&large));
    let page = cli.run(&[&args[..], &["--sort", "worst_area:desc", "-n", "3", "--offset", "2"]].concat()).good();
    assert_eq!(numbers(&page), numbered(&large[2..5]));
    // Two keys in one word; a minus turns one round.
    let both = |sort: &[&str]| numbers(&cli.run(&[&["rows", "tumour", "-n", "500"][..], sort].concat()).good());
    let keys = both(&["--sort", "label", "--sort", "worst_area:desc"]);
    assert_eq!(both(&["--sort", "label,-worst_area"]), keys);
    assert_ne!(both(&["--sort", "-label,-worst_area"]), keys);

    let wrong: Vec<usize> = all.filter(|row| plain.cell(*row, "label") != plain.cell(*row, "diagnosis")).collect();
    let found = cli.run(&["rows", "tumour", "--wrong", "--sort", "#", "-n", "500"]).good();
    assert_eq!(numbers(&found), numbered(&wrong));
    let found = cli.run(&["rows", "tumour", "--wrong", "--columns", "label,diagnosis"]).good();
    let first = found["rows"][0]["row"].as_u64().expect("a row") as usize - 1;
    let sure = |row: &usize| ["benign", "malignant"].map(|of| plain.number(*row, &format!("probability_{of}")));
    let sure = |row: &usize| sure(row).into_iter().flatten().fold(0.0, f64::max);
    assert!(wrong.iter().all(|row| sure(row) <= sure(&first)), "the surest mistake comes first");

    let text = cli.command().args(["rows", "tumour", "--wrong", "-n", "2"]).output().expect("runs");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains(&format!("{} of 171 rows, 1 to 2 shown", wrong.len())), "{text}");
}

#[test]
fn what_is_written_is_what_is_shown() {
    let cli = Cli::new();
    let plain = tested(&cli);
    let view = ["rows", "tumour", "--where", "mean_radius<13", "--sort", "mean_radius"];
    let shown = numbers(&cli.run(&[&view[..], &["-n", "500"]].concat()).good());
    for ending in ["csv", "parquet", "jsonl", "arrow"] {
        let out = cli.folder().join(format!("some.{ending}")).display().to_string();
        let columns = ["--columns", "#,label", "--columns", "mean_radius", "--out", &out];
        let written = cli.run(&[&view[..], &columns].concat()).good();
        assert_eq!(written["rows"].as_u64(), Some(shown.len() as u64), "{ending}");
        assert_eq!(written["columns"], serde_json::json!(["row", "label", "mean_radius"]));
        if ending == "csv" {
            let read = Plain::read(&std::fs::read_to_string(&out).expect("written"));
            let rows: Vec<u64> = read.rows.iter().map(|row| row[0].parse().expect("a number")).collect();
            assert_eq!(rows, shown);
            for (row, cells) in read.rows.iter().enumerate() {
                let number = shown[row] as usize - 1;
                assert_eq!(cells[1], plain.cell(number, "label"));
                assert_eq!(cells[2].parse::<f64>().ok(), plain.number(number, "mean_radius"));
            }
        }
        if ending == "jsonl" {
            let text = std::fs::read_to_string(&out).expect("written");
            let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
            assert_eq!(rows.map(|row| row["row"].as_u64().expect("a number")).collect::<Vec<_>>(), shown);
        }
        // A file that is there stays as it is unless that is asked for.
        let before = std::fs::read(&out).expect("it is there");
        cli.run(&[&view[..], &["--out", &out]].concat()).refused(2);
        assert_eq!(std::fs::read(&out).expect("it is there"), before);
        let all = cli.run(&[&view[..], &["--out", &out, "--force"]].concat()).good();
        assert_eq!(all["columns"].as_array().map(Vec::len), Some(plain.names.len()));
    }
    // What was written can be scored: it is data.
    let out = cli.folder().join("some.parquet").display().to_string();
    let again = cli.run(&["predict", "tumour", "--data", &out]).good();
    assert_eq!(again["rows"].as_u64(), Some(shown.len() as u64));
    let parts = std::fs::read_dir(cli.folder()).expect("the folder").flatten();
    assert!(parts.into_iter().all(|file| !file.file_name().to_string_lossy().ends_with(".part")));
}

#[test]
fn a_truth_that_is_called_as_the_answer_is_told_from_it() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample is there");
    let data = cli.folder().join("label.csv");
    std::fs::write(&data, text.replacen("diagnosis", "label", 1)).expect("written");
    let data = data.display().to_string();
    for version in ["tumour@1", "tumour@2"] {
        let scored = cli.run(&["predict", version, "--data", &data, "--target", "label"]).good();
        let found = cli.run(&["rows", version, "--wrong"]).good();
        let accuracy = scored["metrics"]["accuracy"].as_f64().expect("a number");
        let wrong = found["matching"].as_f64().expect("a number");
        assert!((1.0 - wrong / 171.0 - accuracy).abs() < 1e-9, "{wrong} wrong, accuracy {accuracy}");
    }
    let compared = cli.run(&["compare", "tumour@1", "tumour@2"]).good();
    assert!(compared["answers"]["changed"].as_u64() > Some(0), "{}", compared["answers"]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let untested = cli.run(&["rows", "tumour"]).refused(3);
    assert!(untested.to_string().contains("modeldesk predict"), "{untested}");
    cli.run(&["predict", "tumour", "--data", &sample("tumour/heldout.csv")]).good();
    cli.run(&["rows", "tumour", "--where", "weight>3"]).refused(2);
    cli.run(&["rows", "tumour", "--where", "mean_radius"]).refused(2);
    cli.run(&["rows", "tumour", "--where", "mean_radius>much"]).refused(3);
    cli.run(&["rows", "tumour", "--sort", "weight"]).refused(3);
    cli.run(&["rows", "tumour", "--columns", "weight"]).refused(3);
    cli.run(&["rows", "tumour", "--run", "no-such-run"]).refused(3);
    let out = cli.folder().join("rows.docx").display().to_string();
    cli.run(&["rows", "tumour", "--out", &out]).refused(3);
    let nowhere = cli.folder().join("none/rows.csv").display().to_string();
    cli.run(&["rows", "tumour", "--out", &nowhere]).refused(3);
}
