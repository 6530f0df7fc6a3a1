//! Models that are valid and odd: they loop without end, take nothing, or answer no finite number.

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
