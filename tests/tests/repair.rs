//! Damaged and lost files of a version are put back by importing the same bytes again, or it is said what is missing.

use std::path::{Path, PathBuf};

use modeldesk_tests::{Cli, sample};

/// Every stored file, as its digest and its path.
fn blobs(cli: &Cli) -> Vec<PathBuf> {
    let root = cli.home().join("blobs/sha256");
    let folders = std::fs::read_dir(root).expect("lists").flatten();
    let mut found: Vec<PathBuf> = folders
        .flat_map(|dir| std::fs::read_dir(dir.path()).expect("lists").flatten())
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Takes a file away whole, or changes a byte in its middle.
fn spoil(blob: &Path, whole: bool) {
    if whole {
        return std::fs::remove_file(blob).expect("removed");
    }
    let mut bytes = std::fs::read(blob).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::remove_file(blob).expect("removed");
    std::fs::write(blob, bytes).expect("written");
}

/// Spoils each stored file in turn and imports again.
fn each_is_put_back(cli: &Cli, import: &[&str]) {
    cli.run(import).good();
    let data = sample("tumour/heldout.csv");
    let before = cli.run(&["predict", "tumour", "--data", &data]).good();
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
    let kept: Vec<PathBuf> = {
        let view = cli.run(&["show", "tumour"]).good();
        let used = |path: &PathBuf| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            // The answers of the run are no part of the version.
            std::fs::read(path).is_ok_and(|bytes| !bytes.starts_with(b"ARROW1")) || view.to_string().contains(&name)
        };
        blobs(cli).into_iter().filter(used).collect()
    };
    assert_eq!(kept.len(), 3, "model, manifest and golden rows: {kept:?}");
    for blob in &kept {
        for whole in [true, false] {
            let bytes = std::fs::read(blob).expect("read");
            spoil(blob, whole);
            let verified = cli.run(&["verify", "tumour"]).bad(5);
            let next = verified["hints"][0].to_string();
            assert!(next.contains("tumour@1 has lost: modeldesk import FILE --name tumour"), "{next}");
            let again = cli.run(import).good();
            assert_eq!((&again["created"], &again["version"]), (&false.into(), &1.into()));
            assert_eq!(cli.run(&["verify"]).good()["ok"], true, "{}", blob.display());
            assert_eq!(std::fs::read(blob).expect("read"), bytes);
        }
    }
    let after = cli.run(&["predict", "tumour", "--data", &data]).good();
    assert_eq!(after["result_digest"], before["result_digest"]);
}

#[test]
fn a_version_with_generated_golden_rows_is_made_whole() {
    each_is_put_back(&Cli::new(), &["import", &sample("tumour/v1.onnx"), "--name", "tumour"]);
}

#[test]
fn a_version_with_golden_rows_of_a_file_is_made_whole_by_the_same_file() {
    let (model, data) = (sample("tumour/v1.onnx"), sample("tumour/heldout.csv"));
    each_is_put_back(&Cli::new(), &["import", &model, "--name", "tumour", "--golden", &data]);
}

#[test]
fn all_versions_of_the_same_bytes_are_made_whole() {
    let cli = Cli::new();
    let model = sample("tumour/v1.onnx");
    for name in [&["--name", "one"][..], &["--name", "two"], &["--name", "two", "--again"]] {
        cli.run(&[&["import", &model], name].concat()).good();
    }
    for blob in blobs(&cli) {
        spoil(&blob, true);
    }
    let again = cli.run(&["import", &model, "--name", "two"]).good();
    assert!(again["repaired"].as_array().is_some_and(|what| what.len() == 3), "{again}");
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
}

#[test]
fn golden_rows_of_a_file_that_is_not_given_are_asked_for() {
    let cli = Cli::new();
    let (model, data) = (sample("tumour/v1.onnx"), sample("tumour/heldout.csv"));
    let import = ["import", &model, "--name", "tumour"];
    cli.run(&[&import[..], &["--golden", &data]].concat()).good();
    for blob in blobs(&cli) {
        spoil(&blob, true);
    }
    let asked = cli.run(&import).refused(3);
    assert!(asked["message"].to_string().contains("golden rows of tumour v1"), "{asked}");
    let hint = asked["hints"].as_array().expect("hints").iter().find(|hint| hint.to_string().contains("--golden"));
    assert!(hint.is_some_and(|hint| hint.to_string().contains(&data)), "{asked}");
    // The rest was put back: the version runs.
    cli.run(&["predict", "tumour", "--data", &data]).good();
    // Other data makes other rows.
    let other = cli.folder().join("other.csv");
    let text = std::fs::read_to_string(&data).expect("read");
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&other, [&lines[..1], &lines[9..]].concat().join("\n")).expect("written");
    cli.run(&[&import[..], &["--golden", &other.display().to_string()]].concat()).refused(3);
    cli.run(&[&import[..], &["--golden", &data]].concat()).good();
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
}
