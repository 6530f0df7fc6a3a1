//! Many batches go through the model side by side; the answers stay in the order of the rows.

use modeldesk_tests::{Cli, sample};

/// The held-out rows of the sample, forty times over.
fn many_rows(cli: &Cli, spoiled: Option<usize>) -> (String, usize) {
    let text = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample is there");
    let (header, rows) = text.split_once('\n').expect("a header");
    let mut lines: Vec<String> = rows.lines().cycle().take(rows.lines().count() * 40).map(str::to_owned).collect();
    if let Some(row) = spoiled {
        lines[row - 1] = lines[row - 1].replacen(|c: char| c.is_ascii_digit(), "x", 1);
    }
    let path = cli.folder().join("many.csv");
    std::fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).expect("written");
    (path.display().to_string(), lines.len())
}

#[test]
fn answers_keep_the_order_of_the_rows_whatever_the_batch() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    let (data, rows) = many_rows(&cli, None);
    let mut answers = Vec::new();
    // One batch goes through one session; batches of 16 rows are shared between the cores.
    for batch in ["1000000", "16"] {
        let out = cli.folder().join(format!("answers-{batch}.csv")).display().to_string();
        let scored = cli.run(&["predict", "tumour@1", "--data", &data, "--out", &out, "--batch", batch]).good();
        assert_eq!(scored["rows"], rows, "{scored}");
        answers.push(std::fs::read_to_string(out).expect("written"));
    }
    let labels = |text: &str| text.lines().map(|line| line.split(',').next().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(labels(&answers[0]), labels(&answers[1]));
}

#[test]
fn a_cell_in_a_late_batch_is_named_by_its_row() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    let (data, rows) = many_rows(&cli, Some(3001));
    assert!(rows > 3100, "{rows} rows");
    let out = cli.folder().join("answers.csv");
    let refused = cli
        .run(&["predict", "tumour@1", "--data", &data, "--batch", "16", "--out", &out.display().to_string()])
        .refused(3);
    assert!(refused.to_string().contains("3001"), "{refused}");
    assert!(!out.exists(), "no half-written answers");
}
