//! Looking after a home from scripts: unused files, a locked vault, completions, names that forge lines.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use modeldesk_tests::{Cli, finish, sample};

/// Every stored file.
fn blobs(cli: &Cli) -> Vec<PathBuf> {
    let root = cli.home().join("blobs/sha256");
    let folders = std::fs::read_dir(root).expect("lists").flatten();
    folders.flat_map(|dir| std::fs::read_dir(dir.path()).expect("lists").flatten()).map(|entry| entry.path()).collect()
}

#[test]
fn what_a_failed_import_left_is_found_and_removed() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "kept"]).good();
    let kept = blobs(&cli).len();
    // The model is stored before its golden rows are found not to fit.
    let other = sample("penguins/heldout.csv");
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "lost", "--golden", &other]).refused(3);
    assert_eq!(blobs(&cli).len(), kept + 1);
    let young = cli.run(&["gc", "--dry-run"]).good();
    assert_eq!(young["blobs"], 0, "an import may be under way: {young}");
    for blob in blobs(&cli) {
        let file = std::fs::File::open(blob).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).expect("set");
    }
    let found = cli.run(&["gc", "--dry-run"]).good();
    assert_eq!((&found["blobs"], blobs(&cli).len()), (&1.into(), kept + 1), "{found}");
    // Whether everything works depends on this computer's keyring.
    let doctor = cli.run(&["doctor"]).json();
    let storage = doctor["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "storage");
    assert!(storage.is_some_and(|check| check.to_string().contains("1 unused")), "{doctor}");
    let removed = cli.run(&["gc"]).good();
    assert_eq!((&removed["blobs"], &removed["bytes"]), (&found["blobs"], &found["bytes"]));
    assert_eq!(blobs(&cli).len(), kept);
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
    cli.run(&["predict", "kept", "--data", &sample("tumour/heldout.csv")]).good();
}

#[test]
fn a_lost_registry_is_no_reason_to_remove_the_models() {
    for empty in [false, true] {
        let cli = Cli::new();
        cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "kept"]).good();
        let kept = blobs(&cli).len();
        for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
            drop(std::fs::remove_file(cli.home().join(name)));
        }
        if empty {
            std::fs::write(cli.home().join("registry.db"), "").expect("written");
        }
        for verb in ["gc", "list", "verify"] {
            let refused = cli.run(&[verb]).refused(3);
            assert!(refused.to_string().contains("backup"), "{refused}");
        }
        assert_eq!(blobs(&cli).len(), kept);
    }
}

#[test]
fn doctor_goes_on_without_a_registry_that_is_damaged() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "kept"]).good();
    for name in ["registry.db-wal", "registry.db-shm"] {
        drop(std::fs::remove_file(cli.home().join(name)));
    }
    std::fs::write(cli.home().join("registry.db"), "not a database, whatever its name says".repeat(400))
        .expect("written");
    cli.run(&["list"]).refused(3);
    let told = cli.run(&["doctor"]).bad(3);
    let check = |name: &str| {
        let found = told["checks"].as_array().and_then(|all| all.iter().find(|check| check["name"] == name));
        found.unwrap_or_else(|| panic!("no check {name}: {told}")).clone()
    };
    let registry = check("registry");
    assert_eq!(registry["ok"], false);
    assert!(registry["detail"].as_str().is_some_and(|text| text.contains("the registry is damaged")), "{registry}");
    assert!(registry["hint"].as_str().is_some_and(|text| text.contains("backup")), "{registry}");
    for name in ["home", "storage", "runtime", "modeldesk-serve"] {
        assert_eq!(check(name)["ok"], true, "{told}");
    }
    assert!(check("storage")["detail"].as_str().is_some_and(|text| text.starts_with("3 files")), "{told}");
    assert!(told.to_string().contains("ecrets"), "{told}");
}

#[test]
fn a_name_that_cannot_be_used_comes_with_the_rule_of_names() {
    let cli = Cli::new();
    for line in [
        &["target", "add", "my target", "--kind", "local"][..],
        &["import", &sample("tumour/v1.onnx"), "--alias", "a b"],
        &["import", &sample("tumour/v1.onnx"), "--name", "a b"],
    ] {
        let ended = cli.run(line);
        assert!(ended.code == 2 || ended.code == 3, "{ended:?}");
        let error = &ended.json()["error"];
        assert!(error["hints"].to_string().contains("1 to 100 letters, digits"), "{error}");
    }
}

#[test]
fn the_same_bytes_imported_again_are_a_version_with_its_own_identity_and_runs() {
    let cli = Cli::new();
    let import = ["import", &sample("tumour/v1.onnx"), "--name", "twice", "--again"];
    let first = cli.run(&import).good();
    cli.run(&["predict", "twice@1", "--data", &sample("tumour/heldout.csv")]).good();
    let second = cli.run(&import).good();
    assert_eq!((&first["version"], &second["version"]), (&1.into(), &2.into()));
    assert_ne!(first["digest"], second["digest"]);
    // Another model of the same name of bytes, and so of the same digest, changes nothing either.
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "other"]).good();
    let runs = cli.run(&["list", "runs"]).good();
    assert_eq!(runs["items"][0]["version"], "twice@1", "{runs}");
    assert_eq!(cli.run(&["show", "other@1"]).good()["runs"], serde_json::json!([]));
}

#[test]
fn a_vault_is_opened_by_a_script() {
    let cli = Cli::new();
    let passphrase = "four words are enough\n";
    cli.run_with(&["credential", "create-vault", "--passphrase-stdin"], passphrase).good();
    let set = ["credential", "set", "edge", "--kind", "password", "--stdin"];
    let locked = cli.run(&set).refused(2);
    assert!(locked.to_string().contains("--passphrase-stdin"), "{locked}");
    let both = format!("{passphrase}the secret itself\n");
    let item = cli.run_with(&[&set[..], &["--passphrase-stdin"]].concat(), &both).good();
    assert_eq!(item["items"][0]["stored_in"], "encrypted file");

    let doctor = cli.run(&["doctor"]).good();
    let mut broken = cli.command();
    broken.env("MODELDESK_ORT_LIB", "/nowhere/libonnxruntime.so").args(["--json", "doctor"]);
    let found = modeldesk_tests::finish(broken, "").bad(3);
    assert!(found["checks"].as_array().expect("checks").iter().any(|check| check["ok"] == false), "{found}");
    let secrets = doctor["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "secrets");
    assert_eq!(secrets.map(|check| check["ok"].clone()), Some(true.into()), "a closed vault works: {doctor}");

    let remove = ["credential", "remove", "edge"];
    let refused = cli.run(&remove).refused(3);
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("locked")), "{refused}");
    assert!(refused["hints"].to_string().contains("--passphrase-stdin"), "{refused}");
    assert!(!refused["hints"].to_string().contains("keyring"), "{refused}");
    let wrong = cli.run_with(&[&remove[..], &["--passphrase-stdin"]].concat(), "another one here\n").refused(3);
    assert!(wrong.to_string().contains("does not open"), "{wrong}");
    cli.run_with(&[&remove[..], &["--passphrase-stdin"]].concat(), passphrase).good();
    assert_eq!(cli.run(&["credential", "list"]).good()["items"], serde_json::json!([]));
}

#[test]
fn shells_complete_what_the_store_knows_and_nothing_hidden() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour", "--alias", "champion"]).good();
    let home = cli.home().display().to_string();
    let complete = |words: &[&str]| {
        let mut command = std::process::Command::new(desk_app::near("modeldesk").expect("built"));
        command.env("MODELDESK_COMPLETE", "fish").args(["--", "modeldesk"]).args(words);
        let ended = finish(command, "");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.stdout
    };
    assert!(complete(&["--home", &home, "show", "tu"]).lines().any(|line| line.starts_with("tumour")));
    let versions = complete(&["--home", &home, "explain", "tumour@"]);
    assert!(versions.contains("tumour@1") && versions.contains("tumour@champion"), "{versions}");
    let verbs = complete(&[""]);
    assert!(verbs.contains("import") && !verbs.contains("dev-seed"), "{verbs}");
    let elsewhere = cli.folder().join("nothing here");
    complete(&["--home", &elsewhere.display().to_string(), "show", ""]);
    assert!(!elsewhere.exists(), "a key press made a folder");
    let script = finish(
        {
            let mut command = cli.command();
            command.args(["completions", "bash"]);
            command
        },
        "",
    );
    assert!(script.code == 0 && script.stdout.contains("MODELDESK_COMPLETE"), "{}", script.stdout);
}

#[test]
fn notes_cannot_forge_lines() {
    let cli = Cli::new();
    let note = "fine\n  golden rows  16 (user-data)\u{2028}verified";
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour", "--note", note]).good();
    for line in [&["show", "tumour"][..], &["list", "versions", "tumour"]] {
        let mut command = cli.command();
        command.args(line);
        let text = finish(command, "").stdout;
        assert!(text.contains("fine\\n  golden rows  16") && !text.contains('\u{2028}'), "{text}");
    }
}

#[test]
fn what_was_asked_for_beside_known_bytes_is_done_or_said() {
    let cli = Cli::new();
    let model = sample("tumour/v1.onnx");
    let import = ["import", &model, "--name", "tumour"];
    cli.run(&import).good();
    let data = sample("tumour/heldout.csv");
    let again = cli.run(&[&import[..], &["--note", "seen", "--golden", &data]].concat()).good();
    assert_eq!(again["created"], false);
    assert!(again["findings"].to_string().contains("golden-not-taken"), "{again}");
    assert_eq!(cli.run(&["show", "tumour"]).good()["note"], "seen");
    let reserved = cli.run(&["alias", "tumour@1", "latest"]).refused(3);
    assert!(reserved["hints"].to_string().contains("champion"), "{reserved}");
    let log = cli.run(&["log"]).good();
    let added = log["items"].as_array().expect("items").iter().find(|item| item["kind"] == "version.add");
    let id = added.expect("an import")["id"].to_string();
    let refused = cli.run(&["undo", &id]).refused(3);
    assert!(refused.to_string().contains("modeldesk archive"), "{refused}");
}

#[test]
fn the_digests_of_a_version_and_of_its_files_are_told_apart() {
    let cli = Cli::new();
    let people = |args: &[&str]| {
        let mut command = cli.command();
        command.args(args);
        modeldesk_tests::finish(command, "").stdout
    };
    let imported = people(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]);
    let view = cli.run(&["show", "tumour"]).good();
    let (version, file) = (view["digest"].as_str().expect("text"), view["files"][0]["sha256"].as_str().expect("text"));
    assert_eq!(file, desk_core::Digest::of(std::fs::read(sample("tumour/v1.onnx")).expect("read")).hex());
    assert!(imported.contains(&format!("version digest  {version}")), "{imported}");
    assert!(imported.contains(&format!("file sha256     {file}  v1.onnx")), "{imported}");
    let shown = people(&["show", "tumour"]);
    assert!(
        shown.contains(&format!("version digest {version}")) && shown.contains(&format!("sha256 {file}")),
        "{shown}"
    );
}

#[test]
fn values_are_written_as_a_table_and_as_a_page() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let data = sample("tumour/heldout.csv");
    let explain = |out: &str| {
        let out = cli.folder().join(out).display().to_string();
        let base = ["explain", "tumour", "--data", &data, "--rows", "1..3", "--out", &out];
        (cli.run(&base), out)
    };
    let (answer, page) = explain("values.html");
    let answer = answer.good();
    let page = std::fs::read_to_string(page).expect("written");
    for fact in ["model_digest", "data", "data_digest", "background_digest", "digest", "method"] {
        let text = answer[fact].as_str().expect(fact);
        assert!(page.contains(text), "{fact} is not on the page");
    }
    let run = answer["run"].as_str().expect("the run's id");
    let again = cli.folder().join("again.html");
    cli.run(&["values", run, "--out", &again.display().to_string()]).good();
    assert_eq!(std::fs::read_to_string(&again).expect("written"), page, "what was recorded");
    cli.run(&["values", run, "--out", &data]).refused(3);
    cli.run(&["values", "nothing", "--out", &again.display().to_string()]).refused(3);
    assert!(page.contains("<svg") && !page.contains("<script") && !page.contains("http://127"), "{page}");
    let (answer, table) = explain("values.parquet");
    answer.good();
    let rows = cli.run(&["predict", "tumour", "--data", &table]).refused(3);
    assert!(rows.to_string().contains("wants 30 number columns"), "a table that reads: {rows}");
    let (answer, none) = explain("values.csv");
    answer.refused(3);
    assert!(!std::path::Path::new(&none).exists());
}

#[test]
fn what_the_desk_notes_for_itself_is_not_undone_by_hand() {
    let cli = Cli::new();
    cli.run(&["target", "add", "here", "--kind", "local"]).good();
    let log = cli.run(&["log"]).good();
    let notes: Vec<&serde_json::Value> =
        log["items"].as_array().expect("a list").iter().filter(|item| item["kind"] == "setting.set").collect();
    assert!(!notes.is_empty(), "the port that was chosen is noted: {log}");
    for note in notes {
        assert_eq!(note["undoable"], false, "{note}");
        let refused = cli.run(&["undo", &note["id"].to_string()]).refused(3);
        assert!(refused.to_string().contains("for itself"), "{refused}");
    }
}
