//! What a shell does with the program: streams that are closed or full, homes with relative names, kills.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use modeldesk_tests::{Cli, Ended, finish, fixture, sample};

/// A command line of a shell; `"$0"` is the program.
fn shell(cli: &Cli, line: &str) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", line]).arg(cli.program()).env("MODELDESK_HOME", cli.home());
    finish(command, "")
}

#[test]
fn what_cannot_be_printed_is_an_error_and_a_reader_that_leaves_is_none() {
    let cli = Cli::new();
    cli.run(&["list"]).good();
    for line in [
        "\"$0\" list >&-",
        "\"$0\" --json list >&-",
        "\"$0\" --json show nothing >&-",
        "\"$0\" list >/dev/full",
        "\"$0\" --help >&-",
        "\"$0\" list --help >/dev/full",
        "\"$0\" completions bash >&-",
    ] {
        let ended = shell(&cli, line);
        assert_eq!(ended.code, 3, "{line}: {ended:?}");
        assert!(ended.stderr.starts_with("error: ") && !ended.stderr.contains("panicked"), "{line}: {ended:?}");
    }
    // Nobody can be told, and it ends all the same.
    assert_eq!(shell(&cli, "\"$0\" show nothing 2>/dev/full").code, 3);
    assert_eq!(shell(&cli, "\"$0\" show nothing >&- 2>&-").code, 3);
    for line in ["\"$0\" list >/dev/null", "\"$0\" completions bash | head -n 1", "\"$0\" list <&-"] {
        let ended = shell(&cli, line);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{line}");
    }
    let mut command = cli.command();
    command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_relative_home_is_told_in_full_when_it_is_made_and_an_empty_one_refused() {
    let cli = Cli::new();
    let run = |variable: &str, args: &[&str]| {
        let mut command = Command::new(cli.program());
        command.args(args).env("MODELDESK_HOME", variable).current_dir(cli.folder());
        finish(command, "")
    };
    let made = run("here", &["--json", "list"]);
    let full = cli.folder().canonicalize().expect("there").join("here");
    assert_eq!(made.stderr.trim(), format!("A new home is made in {}", full.display()));
    assert!(made.good()["items"].is_array() && full.join("registry.db").is_file());
    assert_eq!(run("here", &["list"]).stderr, "", "told once");
    assert!(run("", &["--home", "there", "list"]).stderr.contains("/there"));
    assert_eq!(run("here", &["--json", "--home", "", "list"]).code, 2);
    let refused = run("", &["--json", "list"]).refused(2);
    assert!(refused["message"].to_string().contains("MODELDESK_HOME"), "{refused}");
}

/// Folders of workers below a folder, as far as they are complete.
fn worker_folders(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("modeldesk-worker-"));
    ours.filter(|entry| entry.path().join("lock").exists()).count()
}

#[test]
fn what_the_workers_of_a_killed_desk_left_is_removed_and_that_of_a_living_one_stays() {
    let mut cli = Cli::new();
    let folder = cli.folder().join("tmp");
    std::fs::create_dir(&folder).expect("made");
    cli.env("TMPDIR", folder.display().to_string());
    let endless = || {
        let mut command = cli.command();
        command.args(["import", &fixture("endless.onnx"), "--golden-seconds", "60"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        let (before, began) = (worker_folders(&folder), Instant::now());
        while worker_folders(&folder) == before {
            assert!(began.elapsed() < Duration::from_secs(30), "no worker starts");
            std::thread::yield_now();
        }
        // One worker reads the model and another one runs it: until there are no more.
        let (mut last, mut since) = (worker_folders(&folder), Instant::now());
        while since.elapsed() < Duration::from_secs(2) {
            let now = worker_folders(&folder);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    };
    let mut living = endless();
    let mut killed = endless();
    killed.kill().expect("killed");
    killed.wait().expect("ends");
    let held = worker_folders(&folder);
    assert!(held >= 2, "{held}");
    assert!(cli.run(&["gc", "--dry-run"]).good()["folders"].as_u64().is_some_and(|folders| folders >= 1));
    cli.run(&["import", &sample("tumour/v1.onnx")]).good();
    let left = worker_folders(&folder);
    assert!((1..held).contains(&left), "{left} of {held}");
    living.kill().expect("killed");
    living.wait().expect("ends");
    cli.run(&["gc"]).good();
    assert_eq!(worker_folders(&folder), 0);
}

#[test]
fn a_damaged_registry_is_told_by_the_import_that_adds_to_it() {
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let registry = cli.home().join("registry.db");
    let mut bytes = std::fs::read(&registry).expect("read");
    let (said, forged) = (b"Added tumour@1", b"Added tumour@7");
    let at = bytes.windows(said.len()).position(|part| part == said).expect("what the log says");
    bytes[at..at + said.len()].copy_from_slice(forged);
    std::fs::write(&registry, bytes).expect("written");
    let imported = cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    let findings = imported["findings"].to_string();
    assert!(findings.contains("damaged-registry") && findings.contains("`modeldesk verify`"), "{findings}");
    let verified = cli.run(&["verify"]).bad(5);
    assert!(verified["hints"].to_string().contains("Restore registry.db"), "{verified}");
}
