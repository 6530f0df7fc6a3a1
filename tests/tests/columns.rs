//! Data files as they are found: labels, ids and row labels beside the features, columns in another order.

use std::fmt::Write as _;
use std::path::Path;

use modeldesk_tests::{Cli, fixture, sample};
use serde_json::Value;

/// A model of ten nameless features in one input `X`, and its version's name.
fn nameless(cli: &Cli) -> &'static str {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/models/forest_binary.onnx");
    cli.run(&["import", &model.display().to_string(), "--name", "plain"]).good();
    "plain@1"
}

/// Twelve rows under this header; the cells of a column depend on its name alone, `label` is 0 or 1.
fn table(cli: &Cli, name: &str, header: &[&str]) -> String {
    let mut text = header.join(",");
    for row in 0..12 {
        for (i, column) in header.iter().enumerate() {
            let start = if i == 0 { "\n" } else { "," };
            match *column {
                "label" => write!(text, "{start}{}", row % 2),
                "" | "Unnamed: 0" => write!(text, "{start}{row}"),
                _ => {
                    let seed = column.bytes().map(u32::from).sum::<u32>() * 7 + row * 13;
                    write!(text, "{start}{}", f64::from(seed % 23) / 4.0 - 3.0)
                }
            }
            .expect("a string grows");
        }
    }
    let path = cli.folder().join(name);
    std::fs::write(&path, text + "\n").expect("written");
    path.display().to_string()
}

const FEATURES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

fn warnings(answer: &Value, field: &str) -> String {
    answer[field].to_string()
}

#[test]
fn a_label_in_the_file_blocks_neither_scoring_nor_explaining_nor_golden_rows() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let data = table(&cli, "labelled.csv", &[&FEATURES[..], &["label", "id"]].concat());
    let background = table(&cli, "background.csv", &[&["label"], &FEATURES[..]].concat());

    for verb in ["predict", "explain"] {
        let refused = cli.run(&[verb, version, "--data", &data]).refused(3);
        assert!(refused.to_string().contains("--drop"), "{refused}");
    }
    let scored = cli.run(&["predict", version, "--data", &data, "--target", "label", "--drop", "id"]).good();
    assert_eq!((&scored["rows"], &scored["target"]), (&Value::from(12), &Value::from("label")));
    assert!(warnings(&scored, "warnings").contains("by position"), "{scored}");

    let options = ["--target", "label", "--drop", "id", "--rows", "1..3", "--method", "tree"];
    let explain = ["explain", version, "--data", &data, "--background", &background];
    let explained = cli.run(&[&explain[..], &options[..]].concat()).good();
    assert_eq!(explained["feature_names"], serde_json::json!(FEATURES));
    assert_eq!(explained["background_rows"], 12);

    // By hand, in another order: another model input, so another answer.
    let map = format!("X={}", FEATURES.iter().rev().copied().collect::<Vec<_>>().join(","));
    let mapped = cli.run(&["explain", version, "--data", &data, "--background", &background, "--map", &map]).good();
    assert_eq!(mapped["feature_names"][0], "j");
    assert!(!warnings(&mapped, "warnings").contains("by position"), "{mapped}");

    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/models/forest_binary.onnx");
    let import = ["import", &model.display().to_string(), "--name", "gold", "--golden", &data];
    cli.run(&import).refused(3);
    let imported = cli.run(&[&import[..], &["--target", "label", "--drop", "id"]].concat()).good();
    assert_eq!(imported["golden"]["source"], "user-data");
    assert!(warnings(&imported, "findings").contains("by position"), "{imported}");
    let shown = cli.run(&["show", "gold"]).good();
    assert_eq!(shown["findings"], imported["findings"], "what was noticed at import is kept");
}

#[test]
fn a_background_is_bound_by_the_names_of_the_data() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let data = table(&cli, "data.csv", &FEATURES);
    let reversed: Vec<&str> = FEATURES.iter().rev().copied().collect();
    let (same, other) = (table(&cli, "same.csv", &FEATURES), table(&cli, "other.csv", &reversed));
    let explain = |background: &str| {
        cli.run(&["explain", version, "--data", &data, "--background", background, "--rows", "1..2"]).good()
    };
    let (same, other) = (explain(&same), explain(&other));
    assert_eq!(same["background_digest"], other["background_digest"], "the order of a background's columns is free");
    assert_eq!(same["values"], other["values"]);
    // An array has no names at all.
    let npy = cli.folder().join("rows.npy");
    std::fs::write(&npy, array(12, 10)).expect("written");
    let npy = explain(&npy.display().to_string());
    assert_eq!(npy["background_rows"], 12);
}

#[test]
fn the_digest_of_a_background_depends_on_nothing_but_the_background() {
    let cli = Cli::new();
    let data = modeldesk_tests::sample("penguins/heldout.csv");
    cli.run(&["import", &modeldesk_tests::sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let digest = |rows: &str, background: &[&str]| {
        let explain = ["explain", "penguins", "--data", &data, "--rows", rows];
        cli.run(&[&explain[..], background].concat()).good()["background_digest"].clone()
    };
    let own = modeldesk_tests::sample("penguins/background.csv");
    for background in [&[][..], &["--background", &own]] {
        assert_eq!(digest("1..2", background), digest("40..45", background), "{background:?}");
    }
    assert_ne!(digest("1..2", &[]), digest("1..2", &["--background", &own]));
}

/// A NumPy file of float32 rows.
fn array(rows: usize, width: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend((0..rows * width).flat_map(|i| ((i % 17) as f32).to_le_bytes()));
    bytes
}

#[test]
fn row_labels_are_left_out_with_a_note() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let plain = cli.run(&["predict", version, "--data", &table(&cli, "plain.csv", &FEATURES)]).good();
    for head in ["", "Unnamed: 0"] {
        let data = table(&cli, "labels.csv", &[&[head], &FEATURES[..]].concat());
        let scored = cli.run(&["predict", version, "--data", &data]).good();
        assert_eq!(scored["outputs"], plain["outputs"], "`{head}`");
        assert!(warnings(&scored, "warnings").contains("row labels"), "{scored}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_at_once() {
    let cli = Cli::new();
    let data = sample("tumour/heldout.csv");
    cli.run(&["predict", "x", "--data", &data, "--batch", "0"]).refused(2);
    let twice = cli.run(&["predict", "x", "--data", &data, "--map", "X=a", "--map", "X=b"]).refused(2);
    assert!(twice.to_string().contains("--map X=A,B,C"), "{twice}");
    let add = ["target", "add", "edge", "--kind", "ssh", "--set", "host=a", "--set", "host=b"];
    assert!(cli.run(&add).refused(2).to_string().contains("host"), "named");
}

#[test]
fn a_column_that_is_named_twice_for_one_input_and_a_layer_without_its_method_are_refused() {
    let cli = Cli::new();
    cli.run(&["import", &fixture("sigmoid.onnx"), "--name", "scores"]).good();
    let file = cli.folder().join("four.csv");
    std::fs::write(&file, "a,b,c,d\n1,2,3,4\n2,3,4,5\n").expect("written");
    let data = file.display().to_string();
    let ask = |verb: &str, map: &str| cli.run(&[verb, "scores", "--data", &data, "--map", map]);
    ask("predict", "X=d,c,b,a").good();
    for verb in ["predict", "explain"] {
        let refused = ask(verb, "X=a,b,c,a").refused(2);
        assert!(refused["message"].to_string().contains("column `a` is named twice for the input `X`"), "{refused}");
    }
    let layer = ["explain", "scores", "--data", &data, "--layer", "conv1"];
    let refused = cli.run(&layer).refused(2);
    assert!(refused["hints"].to_string().contains("--method grad-cam"), "{refused}");
}

#[test]
fn truths_that_the_model_does_not_know_are_refused_before_the_file_is_scored() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let mut text = FEATURES.join(",") + ",animal\n";
    for row in 0..200_000 {
        let kind = if row % 2 == 0 { "cat" } else { "dog" };
        writeln!(text, "{},0,0,0,0,0,0,0,0,0,{kind}", row % 7).expect("a string grows");
    }
    let data = cli.folder().join("animals.csv");
    std::fs::write(&data, text).expect("written");
    let data = data.display().to_string();
    let refused = cli.run(&["predict", version, "--data", &data, "--target", "animal"]).refused(3);
    assert!(refused["message"].to_string().contains("`cat`"), "{refused}");
    let runs = cli.run(&["list", "runs"]).good();
    assert_eq!(runs["items"], serde_json::json!([]));
    // Labels beside the features in one array.
    let npy = cli.folder().join("with labels.npy");
    std::fs::write(&npy, array(12, 11)).expect("written");
    let refused = cli.run(&["predict", version, "--data", &npy.display().to_string()]).refused(3);
    assert!(refused["message"].to_string().contains("has 11"), "{refused}");
}

#[test]
fn columns_in_another_order_are_found_by_the_names_of_the_golden_rows() {
    let cli = Cli::new();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/models/forest_binary.onnx");
    let data = table(&cli, "data.csv", &FEATURES);
    cli.run(&["import", &model.display().to_string(), "--name", "plain", "--golden", &data]).good();
    let reversed: Vec<&str> = FEATURES.iter().rev().copied().collect();
    let other = table(&cli, "other.csv", &[&reversed[..], &["id"]].concat());
    let (here, there) = (
        cli.run(&["predict", "plain", "--data", &data]).good(),
        cli.run(&["predict", "plain", "--data", &other]).good(),
    );
    assert_eq!(here["outputs"], there["outputs"]);
    assert_eq!(there["mapping"]["inputs"][0]["how"], "feature_names");
    assert!(!warnings(&there, "warnings").contains("by position"), "{there}");
}

/// A file of these lines.
fn lines(cli: &Cli, name: &str, lines: &[&str]) -> String {
    let path = cli.folder().join(name);
    std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    path.display().to_string()
}

#[test]
fn numbers_beyond_the_range_of_the_model_are_named_by_row_and_column() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let header = FEATURES.join(",");
    for cell in ["1e400", "-1e39"] {
        let bad = format!("1,2,{cell},4,5,6,7,8,9,10");
        let data = lines(&cli, "large.csv", &[&header, "1,2,3,4,5,6,7,8,9,10", &bad]);
        let refused = cli.run(&["predict", version, "--data", &data]).refused(3);
        let message = refused["message"].to_string();
        assert!(message.contains("row 2") && message.contains("`c`") && message.contains("that float"), "{refused}");
    }
    let infinite = lines(&cli, "inf.csv", &[&header, "1,2,inf,4,5,6,7,8,9,10"]);
    cli.run(&["predict", version, "--data", &infinite]).good();
}

#[test]
fn a_name_that_several_columns_have_is_refused_where_it_is_needed_and_told_elsewhere() {
    let cli = Cli::new();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/models/forest_binary.onnx");
    let good = table(&cli, "good.csv", &FEATURES);
    cli.run(&["import", &model.display().to_string(), "--name", "named", "--golden", &good]).good();
    let row = "1,2,3,4,5,6,7,8,9,10,11,12";
    let header = FEATURES.join(",");
    let beside = lines(&cli, "beside.csv", &[&format!("{header},note,note"), row]);
    let told = cli.run(&["predict", "named", "--data", &beside]).good();
    assert!(warnings(&told, "warnings").contains("Several columns are called `note`"), "{told}");
    let twice = lines(&cli, "twice.csv", &[&format!("{header},note,c"), row]);
    let refused = cli.run(&["predict", "named", "--data", &twice]).refused(3);
    assert!(refused["message"].to_string().contains("`c`"), "{refused}");
    // By hand it is said which one is meant.
    cli.run(&["predict", "named", "--data", &twice, "--map", "X=a,b,c.1,d,e,f,g,h,i,j"]).good();
    let json = lines(&cli, "twice.jsonl", &["{\"a\": 1, \"a\": 2}"]);
    let refused = cli.run(&["predict", "named", "--data", &json]).refused(3);
    assert!(refused["message"].to_string().contains("the key `a` stands there twice"), "{refused}");
}

#[test]
fn whether_there_is_a_header_and_what_is_missing_can_be_said() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let data = lines(&cli, "plain.csv", &["0,1,2,3,4,5,6,7,8,9", "9,8,7,6,5,4,3,2,1,0"]);
    let guessed = cli.run(&["predict", version, "--data", &data]).good();
    assert_eq!(guessed["rows"], 2);
    assert!(warnings(&guessed, "warnings").contains("--header if it names"), "{guessed}");
    let said = cli.run(&["predict", version, "--data", &data, "--no-header"]).good();
    assert_eq!((&said["rows"], warnings(&said, "warnings").contains("header")), (&2.into(), false), "{said}");
    assert_eq!(cli.run(&["predict", version, "--data", &data, "--header"]).good()["rows"], 1);
    assert_eq!(cli.run(&["predict", version, "--data", &data, "--header", "--no-header"]).code, 2);
    let marked = lines(&cli, "marked.csv", &[&FEATURES.join(","), "?,1,2,3,4,5,6,7,8,9"]);
    cli.run(&["predict", version, "--data", &marked]).refused(3);
    let scored = cli.run(&["predict", version, "--data", &marked, "--missing", "?"]).good();
    assert!(warnings(&scored, "warnings").contains("1 missing cell in column"), "{scored}");
}

#[test]
fn columns_of_the_data_stand_before_the_answers_where_that_is_asked_for() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let data = table(&cli, "data.csv", &[&["Unnamed: 0"], &FEATURES[..], &["label"]].concat());
    let out = cli.folder().join("out.csv").display().to_string();
    let base = ["predict", version, "--data", &data, "--target", "label", "--out", &out];
    let header = |options: &[&str]| {
        cli.run(&[&base[..], options].concat()).good();
        let text = std::fs::read_to_string(&out).expect("written");
        text.lines().next().expect("a header").to_owned()
    };
    let answers = header(&[]);
    assert!(answers.starts_with("label,") && !answers.contains("Unnamed"), "{answers}");
    // The answers' own `label` gives way.
    assert_eq!(header(&["--echo", "label,Unnamed: 0"]), format!("Unnamed: 0,label,predicted_{answers}"));
    assert_eq!(header(&["--echo-all"]).split(',').count(), 12 + answers.split(',').count());
    cli.run(&[&base[..], &["--echo", "nothing"]].concat()).refused(3);
    assert_eq!(cli.run(&["predict", version, "--data", &data, "--echo-all"]).code, 2);
}

#[test]
fn decimal_commas_are_named_as_what_they_are() {
    let cli = Cli::new();
    let plain = nameless(&cli);
    let row = ["0,5"; FEATURES.len()].join(";");
    let path = cli.folder().join("commas.csv");
    std::fs::write(&path, format!("{}\n{row}\n{row}\n", FEATURES.join(";"))).expect("written");
    let refused = cli.run(&["predict", plain, "--data", &path.display().to_string()]).refused(3);
    assert!(refused["hints"].to_string().contains("Decimal commas"), "{refused}");
}

/// The penguins with cells of the island changed in some rows (from 1).
fn penguins_on(cli: &Cli, changes: &[(usize, &str)]) -> String {
    let text = std::fs::read_to_string(sample("penguins/heldout.csv")).expect("read");
    let mut lines: Vec<Vec<String>> = text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let at = lines[0].iter().position(|name| name == "island").expect("a column");
    for (row, island) in changes {
        (*island).clone_into(&mut lines[*row][at]);
    }
    let text: Vec<String> = lines.iter().map(|cells| cells.join(",")).collect();
    let path = cli.folder().join("changed.csv");
    std::fs::write(&path, text.join("\n") + "\n").expect("written");
    path.display().to_string()
}

#[test]
fn missing_texts_are_counted_and_a_value_can_stand_for_them() {
    let cli = Cli::new();
    cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let data = penguins_on(&cli, &[(2, ""), (5, "NA"), (7, "")]);
    let refused = cli.run(&["predict", "penguins", "--data", &data]).refused(3);
    let said = refused["message"].to_string();
    assert!(said.contains("row 2 (line 3)") && said.contains("3 of 103 rows lack a value (`island` 3)"), "{refused}");
    assert!(refused["hints"].to_string().contains("--fill island=VALUE"), "{refused}");
    // Rows of a range, and of a background that is sampled, are named by their places in the file.
    let explain = |options: &[&str]| cli.run(&[&["explain", "penguins", "--data", &data][..], options].concat());
    assert!(explain(&["--rows", "4..6"]).refused(3)["message"].to_string().contains("row 5 (line 6)"));
    let behind = explain(&["--rows", "1", "--background", &data]).refused(3);
    let said = behind["message"].to_string();
    assert!(said.contains("background (all rows of changed.csv): row 2"), "{behind}");
    let ask = ["what-if", "penguins", "--data", &data, "--row", "2", "--fill", "island=Dream", "--set", "sex=other"];
    let asked = cli.run(&ask).good();
    let told = warnings(&asked["explanation"], "warnings");
    assert!(told.contains("`other` in 1 row (2)") && told.contains("1 missing cell in column island"), "{asked}");

    let filled = cli.run(&["predict", "penguins", "--data", &data, "--fill", "island=Dream"]).good();
    assert!(
        warnings(&filled, "warnings").contains("3 missing cells in column island were given to the model as `Dream`")
    );
    let by_hand = penguins_on(&cli, &[(2, "Dream"), (5, "Dream"), (7, "Dream")]);
    let same = cli.run(&["predict", "penguins", "--data", &by_hand]).good();
    assert_eq!((&filled["head"], &filled["metrics"]), (&same["head"], &same["metrics"]), "as if it stood there");
    penguins_on(&cli, &[(2, "")]);
    let explained = explain(&["--rows", "2", "--fill", "island=Dream"]).good();
    let told = warnings(&explained, "warnings");
    assert!(told.contains("1 missing cell in column island was given to the model as `Dream`"), "{explained}");
    let wrong = cli.run(&["predict", "penguins", "--data", &data, "--fill", "body_mass_g=heavy"]).refused(3);
    assert!(wrong["message"].to_string().contains("takes numbers"), "{wrong}");
    cli.run(&["predict", "penguins", "--data", &data, "--fill", "elsewhere=1"]).refused(3);
}

#[test]
fn all_of_many_columns_are_repeated_before_the_answers_in_good_time() {
    let cli = Cli::new();
    let width = 20_000;
    let names: Vec<String> = (0..width).map(|i| format!("a_column_of_some_length_{i}")).collect();
    let mut text = format!("{},a,b,c,d\n", names.join(","));
    text.push_str(&"0,".repeat(width));
    text.push_str("1,2,3,4\n");
    let data = cli.folder().join("wide.csv");
    std::fs::write(&data, text).expect("written");
    cli.run(&["import", &modeldesk_tests::fixture("sigmoid.onnx"), "--name", "narrow"]).good();
    let out = cli.folder().join("out.csv").display().to_string();
    // Processor seconds at most: what grows with the square of the columns takes several times as long.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -t 4; exec \"$@\"", "sh"]).arg(cli.program()).arg("--home").arg(cli.home());
    command
        .args(["--json", "predict", "narrow", "--map", "X=a,b,c,d", "--echo-all", "--out", &out, "--data"])
        .arg(&data);
    let answer = modeldesk_tests::finish(command, "").good();
    assert_eq!(answer["rows"], 1);
    let written = std::fs::read_to_string(&out).expect("read");
    assert_eq!(written.lines().next().map(|names| names.split(',').count()), Some(width + 6));
}

#[test]
fn texts_that_the_model_does_not_know_are_told_by_column_value_and_row() {
    let cli = Cli::new();
    let imported = cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let known = cli.run(&["show", "penguins"]).good()["description"]["categories"].clone();
    assert_eq!(known[0]["input"], "island", "{imported}");
    assert_eq!(known[0]["values"], serde_json::json!(["Biscoe", "Dream", "Torgersen"]));
    let said = |data: &str| cli.run(&["predict", "penguins", "--data", data]).good();
    let clean = said(&sample("penguins/heldout.csv"));
    assert_eq!(clean["unseen"], serde_json::json!([]), "{clean}");

    let data = penguins_on(&cli, &[(3, "Ross"), (7, "Ross"), (9, "dream")]);
    let answer = said(&data);
    let unseen = &answer["unseen"][0];
    assert_eq!((&unseen["column"], &unseen["rows"]), (&"island".into(), &3.into()), "{answer}");
    assert_eq!(unseen["first_rows"], serde_json::json!([3, 7, 9]));
    assert_eq!(unseen["values"], serde_json::json!(["Ross", "dream"]));
    let sentence = "Column `island`: `Ross`, `dream` in 3 rows (3, 7, 9) are none that the model knows: `Biscoe`, \
                    `Dream`, `Torgersen`";
    assert!(warnings(&answer, "warnings").contains(sentence), "{answer}");
    let explained = cli.run(&["explain", "penguins", "--data", &data, "--rows", "3..4"]).good();
    assert!(warnings(&explained, "warnings").contains("`Ross` in 1 row (3) is not one"), "{explained}");
    let mut command = cli.command();
    command.args(["predict", "penguins", "--data", &data]);
    let people = modeldesk_tests::finish(command, "").stdout;
    assert!(people.contains(&format!("warning: {sentence}")), "{people}");
}

#[test]
fn a_model_that_stops_at_an_unknown_text_names_the_cell_in_each_verb() {
    let cli = Cli::new();
    // The sample's encoders take unknown texts; these do not.
    let mut model = std::fs::read(sample("penguins/model.onnx")).expect("read");
    let (lenient, strict) = (b"zeros\x18\x01", b"zeros\x18\x00");
    while let Some(at) = model.windows(lenient.len()).position(|bytes| bytes == lenient) {
        model[at..at + strict.len()].copy_from_slice(strict);
    }
    let file = cli.folder().join("strict.onnx");
    std::fs::write(&file, model).expect("written");
    let clean = sample("penguins/heldout.csv");
    cli.run(&["import", &file.display().to_string(), "--name", "strict", "--golden", &clean]).good();
    let data = penguins_on(&cli, &[(3, "Ross")]);
    let sentence = "Column `island`: `Ross` in 1 row (3) is not one that the model knows";
    let here = ["explain", "strict", "--data", &data, "--rows", "3..4"];
    let behind = ["explain", "strict", "--data", &data, "--rows", "5..6"];
    for words in [&["predict", "strict", "--data", &data][..], &here, &behind] {
        let refused = cli.run(words).refused(3);
        assert!(refused["hints"].to_string().contains(sentence), "{words:?}: {refused}");
    }
    cli.run(&["explain", "strict", "--data", &data, "--rows", "5..6", "--background", &clean]).good();
    // Served, it names the cell of the request, and its classes.
    let far = cli.add_local("here");
    cli.run(&["deploy", "strict", "--to", "here"]).good();
    let number = |name: &str| serde_json::json!({"name": name, "shape": [2, 1], "datatype": "FP32", "data": [18, 19]});
    let text = |name: &str, data: [&str; 2]| serde_json::json!({"name": name, "shape": [2, 1], "datatype": "BYTES", "data": data});
    let numbers = ["bill_depth_mm", "flipper_length_mm", "body_mass_g"].map(number);
    let mut inputs = vec![text("island", ["Biscoe", "Ross"]), text("sex", ["male", "female"])];
    inputs.extend(numbers);
    let answer =
        ask(far.port(), "POST", "/v2/models/strict/infer", &serde_json::json!({ "inputs": inputs }).to_string());
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("input `island`, row 2: `Ross` is not one that the model knows: `Biscoe`"), "{answer}");
    let metadata = ask(far.port(), "GET", "/v2/models/strict", "");
    assert!(metadata.contains(r#""labels":["Adelie","Chinstrap","Gentoo"]"#), "{metadata}");
}

/// One request to a server on this computer, and all that it answers.
fn ask(port: u16, method: &str, path: &str, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connects");
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn explained_is_what_the_last_test_counted_as_positive() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let explain =
        |more: &[&str]| cli.run(&[&["explain", "tumour", "--data", &data, "--rows", "1..2"][..], more].concat()).good();
    let usual = explain(&[]);
    assert_eq!((&usual["output_names"], usual.get("output_from_test")), (&serde_json::json!(["malignant"]), None));
    assert_eq!((&usual["target"], &usual["target_from"]), (&"diagnosis".into(), &"model".into()), "{usual}");
    cli.run(&["predict", "tumour", "--data", &data, "--positive", "benign"]).good();
    let after = explain(&[]);
    assert_eq!((&after["output_names"], &after["output_from_test"]), (&serde_json::json!(["benign"]), &true.into()));
    let named = explain(&["--output", "malignant"]);
    assert_eq!((&named["output_names"], named.get("output_from_test")), (&serde_json::json!(["malignant"]), None));
    let mut people = cli.command();
    people.args(["explain", "tumour", "--data", &data, "--rows", "1..2"]);
    let said = modeldesk_tests::finish(people, "").stdout;
    assert!(
        said.contains("the last test counted as positive") && said.contains("truth: diagnosis (named in"),
        "{said}"
    );
    cli.run(&["predict", "tumour", "--data", &data]).good();
    assert_eq!(explain(&[])["output_names"], serde_json::json!(["malignant"]), "the last one named none");
}

#[test]
fn rows_to_explain_that_are_not_there_are_told() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let explain = |rows: &str| cli.run(&["explain", "tumour", "--data", &data, "--rows", rows]).good();
    let (within, beyond) = (explain("170..171"), explain("170..180"));
    assert_eq!(warnings(&within, "warnings"), "[]");
    assert_eq!(beyond["row_numbers"], serde_json::json!([170, 171]));
    assert!(warnings(&beyond, "warnings").contains("ends with row 171: rows 172 to 180 are not there"), "{beyond}");
}

#[test]
fn options_for_golden_rows_need_golden_rows() {
    let cli = Cli::new();
    let refused = cli.run(&["import", &sample("penguins/model.onnx"), "--fill", "island=Dream"]).refused(2);
    assert!(refused.to_string().contains("--golden"), "{refused}");
    assert_eq!(cli.run(&["list", "models"]).good()["items"].as_array().map(Vec::len), Some(0), "nothing was imported");
}

#[test]
fn cells_that_a_model_gets_as_nan_are_told_by_test_and_explanation() {
    let cli = Cli::new();
    let version = nameless(&cli);
    let text = std::fs::read_to_string(table(&cli, "whole.csv", &FEATURES)).expect("read");
    // The first two rows lack their first cell.
    let lines = text.lines().enumerate().map(|(line, row)| match row.split_once(',') {
        Some((_, rest)) if (1..=2).contains(&line) => format!(",{rest}\n"),
        _ => format!("{row}\n"),
    });
    let data = cli.folder().join("gaps.csv");
    std::fs::write(&data, lines.collect::<String>()).expect("written");
    let data = data.display().to_string();
    let told = "2 missing cells in column a were given to the model as NaN";
    let scored = cli.run(&["predict", version, "--data", &data]).good();
    assert!(warnings(&scored, "warnings").contains(told), "{scored}");
    let whole = cli.folder().join("whole.csv").display().to_string();
    let explained = cli.run(&["explain", version, "--data", &data, "--background", &whole]).good();
    assert!(warnings(&explained, "warnings").contains(told), "{explained}");
    let rest = cli.run(&["explain", version, "--data", &data, "--background", &whole, "--rows", "3..5"]).good();
    assert!(!warnings(&rest, "warnings").contains(told), "these rows lack nothing: {rest}");
    let behind = cli.run(&["explain", version, "--data", &whole, "--background", &data]).good();
    assert!(warnings(&behind, "warnings").contains(&format!("Background: {told}")), "{behind}");
}
