//! Rows explained by parts of them: segments of pictures, words of texts, as somebody at a terminal asks for them.

use std::path::Path;

use modeldesk_tests::{Cli, sample};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

fn reference(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).expect("the reference file is there")).expect("JSON")
}

/// What a person reads of the same.
fn told(cli: &Cli, args: &[&str]) -> String {
    let output = cli.command().args(args).output().expect("runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_picture_is_explained_by_its_segments() {
    let cli = Cli::new();
    cli.run(&["import", &sample("digits/model.onnx"), "--name", "digits"]).good();
    let data = sample("digits/heldout.npz");
    let args = |rows: &'static str, more: &[&'static str]| {
        let args = ["explain", "digits", "--data", &data, "--rows", rows, "--output", "7"];
        [&args[..], more].concat().iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()
    };
    let ask = |rows, more: &[&'static str]| {
        let args = args(rows, more);
        cli.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let lime = ask("2..3", &["--method", "lime"]).good();
    assert_eq!((&lime["lime"]["parts"], &lime["lime"]["kernel_width"]), (&"picture".into(), &0.25.into()));
    assert!(lime["segments"]["rows"][0]["std_error"].is_array(), "repeated");
    assert_eq!((&lime["segments"]["hidden"], &lime["segments"]["asked"]), (&"own-mean".into(), &16.into()));
    for (method, answer) in
        [("lime", &lime), ("kernel", &ask("2..3", &["--method", "kernel", "--segments", "10"]).good())]
    {
        for row in 0..2 {
            let of = &answer["segments"]["rows"][row];
            let (ids, values) = (numbers(&of["ids"]), numbers(&of["values"]));
            assert_eq!(ids.len(), 64);
            assert!((6..=24).contains(&values.len()), "{method}: {}", values.len());
            // Each pixel has its segment's.
            for (id, value) in ids.iter().zip(numbers(&answer["values"][row])) {
                assert_eq!(values[*id as usize], value, "{method}");
            }
            let sum = numbers(&of["base"])[0] + values.iter().sum::<f64>();
            let end = if method == "lime" { &answer["lime"]["local_predictions"] } else { &answer["predictions"] };
            let end = numbers(&end[row])[0];
            assert!((sum - end).abs() < 1e-6, "{method}: {sum} {end}");
        }
        assert_eq!(answer["background_rows"], if method == "lime" { 0 } else { 100 });
    }
    let again = ask("2..3", &["--method", "lime"]).good();
    assert_eq!((&again["digest"], &again["segments"]), (&lime["digest"], &lime["segments"]), "the same again");
    let alone = ask("3..3", &["--method", "lime"]).good();
    assert_eq!(alone["segments"]["rows"][0], lime["segments"]["rows"][1], "a row alone as among others");
    let seed = ask("2..3", &["--method", "lime", "--seed", "5"]).good();
    assert_ne!(seed["values"], lime["values"]);
    assert_eq!(seed["segments"]["rows"][0]["ids"], lime["segments"]["rows"][0]["ids"], "no chance in the segments");
    let mean = ask("2..3", &["--method", "lime", "--hide", "background-mean"]).good();
    assert_eq!((&mean["segments"]["hidden"], &mean["background_rows"]), (&"background-mean".into(), &100.into()));
    assert_ne!(mean["values"], lime["values"]);
    let pixels = ask("2..2", &["--method", "lime", "--segments", "0", "--samples", "300"]).good();
    assert!(pixels["segments"].is_null() && pixels["lime"]["parts"].is_null());
    let shown = args("2..2", &["--method", "kernel", "--segments", "10"]);
    let shown = told(&cli, &shown.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(shown.contains("around row, column") && shown.contains("players are the segments"), "{shown}");

    ask("2..2", &["--segments", "1"]).refused(2);
    ask("2..2", &["--segments", "65", "--method", "lime"]).refused(2);
    ask("2..2", &["--segments", "9", "--method", "ig"]).refused(2);
    ask("2..2", &["--segments", "9", "--method", "kernel", "--hide", "own-mean"]).refused(2);
    ask("2..2", &["--segments", "9", "--quality"]).refused(2);
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    cli.run(&["explain", "tumour", "--data", &sample("tumour/heldout.csv"), "--segments", "9"]).refused(2);
}

/// Two pictures of 90 x 90 in three channels, in a file of numpy's form: one bright in the first channel on the left, and one
/// of noise.
fn wide_pictures(cli: &Cli) -> String {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 90, 90), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(118u16.to_le_bytes());
    bytes.extend(format!("{header:<117}\n").into_bytes());
    for at in 0..2 * 3 * 90 * 90u32 {
        let (picture, channel, column) = (at / 24_300, at / 8_100 % 3, at % 90);
        let noise = (at.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0;
        let bright = picture == 0 && channel == 0 && column < 45;
        bytes.extend((if picture == 0 { f32::from(u8::from(bright)) } else { noise }).to_le_bytes());
    }
    let path = cli.folder().join("wide.npy");
    std::fs::write(&path, bytes).expect("written");
    path.display().to_string()
}

#[test]
fn of_a_large_picture_the_segments_alone_are_told() {
    let cli = Cli::new();
    cli.run(&["import", &modeldesk_tests::fixture("wide_picture.onnx"), "--name", "wide"]).good();
    let data = wide_pictures(&cli);
    let ask = |more: &[&str]| cli.run(&[&["explain", "wide", "--data", &data][..], more].concat());
    let error = ask(&["--method", "occlusion"]).refused(3);
    assert!(error["hints"].to_string().contains("--segments 50"), "{error}");
    let lime = ["--method", "lime", "--hide", "background-mean", "--segments", "30", "--samples", "400"];
    let kernel = ["--method", "kernel", "--segments", "20", "--samples", "200"];
    for (method, more) in [("lime", &lime[..]), ("kernel", &kernel[..])] {
        let answer = ask(more).good();
        assert_eq!(answer["values"], serde_json::json!([[], []]), "no pixel by itself");
        assert_eq!(answer["feature_values"], serde_json::json!([[], []]));
        assert_eq!(answer["feature_names"], serde_json::json!([]));
        let row = &answer["segments"]["rows"][0];
        assert_eq!(row["ids"].as_array().map(Vec::len), Some(8_100));
        let sum = numbers(&row["base"])[0] + numbers(&row["values"]).iter().sum::<f64>();
        let end = if method == "lime" { &answer["lime"]["local_predictions"] } else { &answer["predictions"] };
        assert!((sum - numbers(&end[0])[0]).abs() < 1e-4, "{method}: {sum}");
        // The model is a sum: the left of the picture speaks for the answer, and the right against it.
        for (segment, value) in numbers(&row["values"]).into_iter().enumerate() {
            let columns: Vec<usize> = (0..8_100).filter(|p| row["ids"][p] == segment).map(|p| p % 90).collect();
            assert!(columns.iter().all(|c| *c < 45) || columns.iter().all(|c| *c >= 45), "cut at the edge");
            assert_eq!(value > 0.0, columns[0] < 45, "{method} {segment}: {value}");
        }
    }
    let out = cli.folder().join("wide.html").display().to_string();
    ask(&["--rows", "1", "--method", "lime", "--samples", "60", "--out", &out]).good();
    let page = std::fs::read_to_string(out).expect("written");
    assert!(page.contains("<svg class=\"picture\"") && page.contains("pixels around"), "the segments are drawn");
}

/// The text pipeline with its reviews in a file.
fn reviews(cli: &Cli, texts: &[&str]) -> String {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/models/text.onnx").display().to_string();
    cli.run(&["import", &model, "--name", "text"]).good();
    let lines = texts.iter().map(|text| format!("{}\n", serde_json::json!({ "review": text })));
    let path = cli.folder().join("reviews.jsonl");
    std::fs::write(&path, lines.collect::<String>()).expect("written");
    path.display().to_string()
}

/// The contribution of each part of a row's text, with the part's first word.
fn parts(row: &Value) -> Vec<(String, f64)> {
    let mut parts: Vec<(String, f64)> = Vec::new();
    for span in row["spans"].as_array().expect("spans") {
        let part = span["part"].as_u64().expect("a number") as usize;
        let value = numbers(&span["contribution"])[0];
        match parts.get(part) {
            Some((_, known)) => assert_eq!(*known, value, "{span}"),
            None => parts.push((span["text"].as_str().expect("a word").to_owned(), value)),
        }
    }
    parts
}

#[test]
fn a_text_is_explained_by_its_words_as_by_enumeration_and_as_by_lime() {
    let cli = Cli::new();
    let file = reference("lime/pipeline.json");
    let texts: Vec<&str> = file["texts"].as_array().expect("texts").iter().filter_map(Value::as_str).collect();
    let data = reviews(&cli, &texts);
    let ask = |more: &[&str]| cli.run(&[&["explain", "text", "--data", &data][..], more].concat()).good();
    for (name, more) in [("bag", &[][..]), ("places", &["--positions"][..])] {
        let answer = ask(more);
        assert_eq!((&answer["method"], &answer["output_names"][0]), (&"exact".into(), &"good".into()), "{name}");
        for (row, want) in file[name].as_array().expect("rows").iter().enumerate() {
            let of = &answer["text"]["rows"][row];
            let found = parts(of);
            let words: Vec<&str> = found.iter().map(|(word, _)| word.as_str()).collect();
            assert_eq!(Value::from(words), want["words"], "{name}");
            for ((word, found), want) in found.iter().zip(numbers(&want["values"])) {
                assert!((found - want).abs() < 1e-7, "{name} {row} {word}: {found} {want}");
            }
            let (base, sum) = (numbers(&of["base"])[0], found.iter().map(|(_, value)| value).sum::<f64>());
            assert!((base - numbers(&want["base"])[0]).abs() < 1e-7);
            assert!((base + sum - numbers(&answer["predictions"][row])[0]).abs() < 1e-9, "they add up");
            assert!((numbers(&answer["values"][row])[0] - sum).abs() < 1e-12, "the column has the sum");
            let text: Vec<char> = of["text"].as_str().expect("a text").chars().collect();
            for span in of["spans"].as_array().expect("spans") {
                let place = |key: &str| span[key].as_u64().expect("a number") as usize;
                assert_eq!(
                    text[place("start")..place("end")].iter().collect::<String>(),
                    span["text"].as_str().expect("a word")
                );
            }
        }
    }
    let lime = ask(&["--method", "lime", "--samples", "4000"]);
    assert_eq!((&lime["lime"]["parts"], &lime["lime"]["kernel_width"]), (&"text".into(), &25.0.into()));
    for (row, want) in file["lime"].as_array().expect("rows").iter().enumerate() {
        let found = &lime["text"]["rows"][row]["spans"];
        for (at, (word, value)) in parts(&lime["text"]["rows"][row]).iter().enumerate() {
            let of_span = |span: &&Value| span["part"] == at;
            let span = found.as_array().expect("spans").iter().find(of_span).expect("the part");
            // Five repetitions tell their own spread badly, so the reference's stands for it too.
            let (error, own) = (numbers(&want["errors"])[at], numbers(&span["standard_error"])[0]);
            let apart = (value - numbers(&want["coefficients"])[at]).abs();
            assert!(apart < 5.0 * (own + 2.0 * error), "{word}: {apart} apart, {own} {error}");
        }
    }
    let shown = told(&cli, &["explain", "text", "--data", &data, "--rows", "1"]);
    assert!(shown.contains("[late −]") && shown.contains("absent: each text without its words"), "{shown}");
    let shown = told(&cli, &["explain", "text", "--data", &data, "--rows", "1", "--method", "lime"]);
    assert!(shown.contains("its linear stand-in") && shown.contains("[cold −]"), "{shown}");
    let column = ask(&["--no-text"]);
    assert!(column["text"].is_null() && column["background_rows"] == 3);
    let refused = |more: &[&str]| cli.run(&[&["explain", "text", "--data", &data][..], more].concat()).refused(2);
    refused(&["--text", "reviews"]);
    refused(&["--text", "review", "--method", "tree"]);
    refused(&["--no-text", "--positions"]);
    refused(&["--quality"]);
}

#[test]
fn odd_texts_are_explained() {
    let cli = Cli::new();
    let long: Vec<String> = (0..10_000).map(|i| format!("word{i}")).collect();
    let again = "good ".repeat(3_000);
    let texts = ["", "?!", "good", &again, "Füße 東京 good — don't", &format!("{} late", long.join(" "))];
    let data = reviews(&cli, &texts);
    let ask = |more: &[&str]| cli.run(&[&["explain", "text", "--data", &data][..], more].concat());
    let answer = ask(&["--rows", "1..5"]).good();
    let rows = answer["text"]["rows"].as_array().expect("rows");
    let counts: Vec<usize> = rows.iter().map(|row| parts(row).len()).collect();
    assert_eq!(counts, [0, 0, 1, 1, 5]);
    assert_eq!(numbers(&rows[0]["base"]), numbers(&answer["predictions"][0]));
    assert_eq!(rows[3]["spans"].as_array().map(Vec::len), Some(3_000));
    assert!(answer["warnings"].to_string().contains("2 of 5 texts have no word"), "{}", answer["warnings"]);
    let lime = ask(&["--rows", "1..6", "--method", "lime", "--samples", "300"]).good();
    let strongest = parts(&lime["text"]["rows"][5]);
    assert_eq!(strongest.len(), 10_001);
    let late = strongest.iter().find(|(word, _)| word == "late").expect("the word").1;
    assert!(strongest.iter().all(|(_, value)| *value >= late), "the only word that the model knows");
    let refused = ask(&["--rows", "6", "--method", "kernel"]).refused(2);
    assert!(refused["message"].to_string().contains("kernel SHAP takes at most"), "{refused}");
    assert!(refused["hints"].to_string().contains("--method permutation"), "{refused}");
}
