//! Bad input gets one clear error with a hint and the right exit code, and nothing is half-stored.

use std::path::PathBuf;

use modeldesk_tests::{Cli, sample};

/// A home with the sample model in it.
fn with_model() -> Cli {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    cli
}

fn file(cli: &Cli, name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = cli.folder().join(name);
    std::fs::write(&path, bytes).expect("written");
    path.display().to_string()
}

/// After a refused import the registry has no model and the store no leftovers.
#[track_caller]
fn nothing_stored(cli: &Cli) {
    assert_eq!(cli.run(&["list"]).good()["items"], serde_json::json!([]));
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
}

#[test]
fn files_that_are_no_models() {
    let cli = Cli::new();
    let whole = std::fs::read(sample("tumour/v2.onnx")).expect("read");
    let mut lies = vec![0x3a];
    lies.extend([0x80, 0x80, 0x80, 0x80, 0x28]); // a graph of 10 GB
    lies.extend([0u8; 100]);
    for (name, bytes) in [
        ("empty.onnx", &b""[..]),
        ("text.onnx", b"this is not a model\n"),
        ("random.onnx", &[0xde, 0xad, 0xbe, 0xef, 0x13, 0x37][..]),
        ("truncated.onnx", &whole[..whole.len() / 2]),
        ("lies.onnx", &lies[..]),
    ] {
        let path = file(&cli, name, bytes);
        let error = cli.run(&["import", &path]).refused(3);
        assert!(error["message"].as_str().expect("text").contains(name), "{error}");
    }
    cli.run(&["import", "/nowhere/model.onnx"]).refused(3);
    nothing_stored(&cli);
}

#[test]
fn a_library_that_is_missing_or_wrong() {
    let mut cli = Cli::new();
    cli.env("MODELDESK_ORT_LIB", "/nowhere/libonnxruntime.so");
    let error = cli.run(&["import", &sample("tumour/v1.onnx")]).refused(3);
    assert!(error["message"].as_str().expect("text").contains("/nowhere/"), "{error}");
    nothing_stored(&cli);

    let mut cli = Cli::new();
    let wrong = file(&cli, "libonnxruntime.so", b"not a library");
    cli.env("MODELDESK_ORT_LIB", wrong);
    cli.run(&["import", &sample("tumour/v1.onnx")]).refused(3);
    nothing_stored(&cli);
}

#[test]
fn data_that_cannot_be_read() {
    let cli = with_model();
    let whole = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("read");
    let header = whole.lines().next().expect("a header");
    let row = whole.lines().nth(1).expect("a row");
    let ragged = format!("{header}\n{row}\n1,2,3\n");
    let mut cells: Vec<&str> = row.split(',').collect();
    cells[2] = "many";
    let mistyped = format!("{header}\n{row}\n{}\n", cells.join(","));
    let utf16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, must_say) in [
        ("ragged.csv", ragged.as_bytes(), "row 2"),
        ("mistyped.csv", mistyped.as_bytes(), "row 2"),
        ("utf16.csv", &utf16[..], "utf16.csv"),
        ("empty.csv", b"", "empty.csv"),
        ("header.csv", header.as_bytes(), "header.csv"),
        ("few.csv", b"a,b\n1,2\n", "30 number columns"),
    ] {
        let path = file(&cli, name, bytes);
        let error = cli.run(&["predict", "tumour", "--data", &path]).refused(3);
        let text = error.to_string();
        assert!(text.contains(must_say), "{name}: {text}");
    }
}

#[test]
fn missing_cells_are_counted_and_not_hidden() {
    let cli = with_model();
    let whole = std::fs::read_to_string(sample("tumour/heldout.csv")).expect("read");
    let mut lines: Vec<String> = whole.lines().take(3).map(str::to_owned).collect();
    let rest: Vec<&str> = lines[1].split(',').skip(1).collect();
    lines[1] = format!(",{}", rest.join(","));
    let path = file(&cli, "missing.csv", (lines.join("\n") + "\n").as_bytes());
    let scored = cli.run(&["predict", "tumour", "--data", &path]).good();
    assert_eq!(scored["rows"], 2);
    assert!(scored["warnings"].to_string().contains("mean_radius"), "{}", scored["warnings"]);
    for method in ["auto", "kernel", "permutation"] {
        let explain = ["explain", "tumour", "--data", &path, "--rows", "1", "--method", method, "--samples", "200"];
        let explained = cli.run(&explain).good();
        assert!(explained["feature_numbers"][0][0].is_null(), "{}", explained["feature_numbers"]);
    }
}

#[test]
fn outputs_that_cannot_be_written() {
    let cli = with_model();
    let data = sample("tumour/heldout.csv");
    for out in ["/nowhere/out.csv", "/proc/out.csv", "/tmp"] {
        cli.run(&["predict", "tumour", "--data", &data, "--out", out]).refused(3);
    }
    let own = cli.folder().join("own.csv");
    std::fs::copy(&data, &own).expect("copied");
    let own = own.display().to_string();
    cli.run(&["predict", "tumour", "--data", &own, "--out", &own]).refused(3);
    assert_eq!(std::fs::read(&own).expect("there"), std::fs::read(&data).expect("there"), "the data was overwritten");
    let registry = cli.home().join("registry.db").display().to_string();
    cli.run(&["predict", "tumour", "--data", &data, "--out", &registry]).refused(3);
    let strange = cli.folder().join("out.xyz").display().to_string();
    cli.run(&["predict", "tumour", "--data", &data, "--out", &strange]).refused(3);
    let out = cli.folder().join("out.parquet").display().to_string();
    let scored = cli.run(&["predict", "tumour", "--data", &data, "--out", &out]).good();
    assert_eq!(scored["out"], out.as_str());
    assert!(std::fs::metadata(&out).expect("there").len() > 100);
}

#[test]
fn names_and_options_that_do_not_exist() {
    let cli = with_model();
    cli.run(&["show", "tumor"]).refused(3);
    cli.run(&["show", "tumour@9"]).refused(3);
    cli.run(&["deploy", "tumour", "--to", "nowhere"]).refused(3);
    cli.run(&["predict", "tumour", "--data", &sample("tumour/heldout.csv"), "--device", "quantum"]).refused(2);
    cli.run(&["explain", "tumour", "--data", &sample("tumour/heldout.csv"), "--method", "magic"]).refused(2);
    cli.run(&["explain", "tumour", "--data", &sample("tumour/heldout.csv"), "--rows", "9999"]).refused(3);
    assert_eq!(cli.run(&["predict", "tumour"]).code, 2);
    assert_eq!(cli.run(&["frobnicate"]).code, 2);
}

#[test]
fn targets_that_cannot_be_reached() {
    let cli = with_model();
    cli.run_with(&["credential", "create-vault", "--stdin"], "correct horse\n").good();
    cli.run(&["target", "add", "bad", "--kind", "ssh", "--set", "user=x"]).refused(2);
    cli.run(&["rollback", "bad"]).refused(3);
}

#[test]
fn a_damaged_blob_is_noticed_and_repaired_by_the_same_file() {
    let cli = with_model();
    let data = sample("tumour/heldout.csv");
    let bytes = std::fs::read(sample("tumour/v1.onnx")).expect("read");
    let blob = modeldesk_tests::blob_of(&cli.home().join("blobs"), bytes.len() as u64);
    let mut damaged = bytes;
    damaged[536] ^= 0x10;
    let mut rights = std::fs::metadata(&blob).expect("there").permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a test's own file")]
    rights.set_readonly(false);
    std::fs::set_permissions(&blob, rights).expect("allowed");
    std::fs::write(&blob, damaged).expect("damaged");
    cli.run(&["predict", "tumour", "--data", &data]).refused(3);
    assert_eq!(cli.run(&["verify"]).code, 5);
    let again = cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    assert_eq!(again["created"], false);
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
    let accuracy = cli.run(&["predict", "tumour", "--data", &data]).good()["metrics"]["accuracy"].as_f64();
    assert!(accuracy.is_some_and(|accuracy| accuracy > 0.9), "{accuracy:?}");
}

#[test]
fn what_must_not_be_kept_or_waited_for() {
    let cli = with_model();
    let secret = "mistyped-7e3a";
    let set = format!("password={secret}");
    cli.run(&["target", "add", "edge", "--kind", "ssh", "--set", "host=h", "--set", "user=u", "--set", &set])
        .refused(2);
    for name in ["registry.db", "registry.db-wal"] {
        let bytes = std::fs::read(cli.home().join(name)).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "kept in {name}");
    }
    let pipe = cli.folder().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    cli.run(&["predict", "tumour", "--data", &pipe.display().to_string()]).refused(3);
}
