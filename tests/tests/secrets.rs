//! After the whole path a planted secret is nowhere but in the keyring: not in the home folder,
//! on the far side, in logs, in the user's home, nor in any process's arguments or environment; a crash
//! writes no core file, and what is started gets neither open files nor the environment of the desk.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use desk_deploy::testing::{TestSshd, free_port};
use modeldesk_tests::{Cli, StopServer, again_with_a_keyring, sample};

/// The key's passphrase; nothing else contains it.
const PLANTED: &str = "planted-6f1c9d-passphrase";

#[test]
fn a_secret_is_only_in_the_keyring() {
    if again_with_a_keyring("a_secret_is_only_in_the_keyring") {
        return;
    }
    let sshd = TestSshd::start().expect("an sshd");
    sshd.add_key("locked", PLANTED, &["-t", "ed25519"]).expect("a key with a passphrase");
    let key_file = sshd.dir().join("locked");
    let key_line = middle_of_key(&key_file);
    let cli = Cli::new();
    let far = sshd.dir().join("far");
    let _stop = StopServer(far.clone());
    let watcher = Watcher::start(vec![PLANTED.to_owned(), key_line.clone()]);

    let key = key_file.display().to_string();
    let set = ["credential", "set", "edge", "--kind", "ssh-key", "--key-file", &key, "--passphrase", "--stdin"];
    cli.run_with(&set, &format!("{PLANTED}\n")).good();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let settings = [
        "host=127.0.0.1".to_owned(),
        format!("port={}", sshd.port()),
        format!("user={}", sshd.user()),
        format!("folder={}", far.display()),
        format!("serve-port={}", free_port()),
    ];
    let mut add = vec!["target", "add", "edge-01", "--kind", "ssh", "--credential", "edge"];
    add.extend(settings.iter().flat_map(|setting| ["--set", setting.as_str()]));
    cli.run(&add).good();
    let check = cli.run(&["target", "check", "edge-01"]).good();
    let offered = check["offered_key"].as_str().expect("offered").to_owned();
    cli.run(&["target", "trust", "edge-01", &offered]).good();
    cli.run(&["-v", "-v", "deploy", "tumour", "--to", "edge-01"]).good();
    // A failure's words are looked through too.
    let failed = cli.run(&["-v", "-v", "rollback", "edge-01"]);
    assert_ne!(failed.code, 0);
    watcher.stop();

    for text in [&failed.stdout, &failed.stderr] {
        assert!(!text.contains(PLANTED) && !text.contains(&key_line));
    }
    let home = PathBuf::from(std::env::var_os("HOME").expect("a fresh home"));
    let mut looked = 0;
    for folder in [cli.folder(), &far, &home] {
        looked += look_through(folder, &[PLANTED, &key_line]);
    }
    assert!(looked > 15, "only {looked} files were looked through");
}

/// A line from the middle of the private key's text.
fn middle_of_key(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("the key");
    text.lines().nth(2).expect("a line").to_owned()
}

/// Looks for the secrets in every file below a folder, as they are and in base64; counts files.
fn look_through(folder: &Path, secrets: &[&str]) -> usize {
    let mut looked = 0;
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            looked += look_through(&entry.path(), secrets);
        } else if kind.is_file() {
            looked += 1;
            let bytes = std::fs::read(entry.path()).expect("readable");
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "a secret is in {}", entry.path().display());
            }
        }
    }
    looked
}

/// Reads arguments and environments of all processes while the test goes on.
struct Watcher {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<String>>,
}

impl Watcher {
    fn start(secrets: Vec<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut found = Vec::new();
            while !ended.load(Ordering::SeqCst) {
                for process in std::fs::read_dir("/proc").expect("/proc").flatten() {
                    for part in ["cmdline", "environ"] {
                        let bytes = std::fs::read(process.path().join(part)).unwrap_or_default();
                        let text = String::from_utf8_lossy(&bytes);
                        if secrets.iter().any(|secret| text.contains(secret.as_str())) && !is_keygen(&text) {
                            found.push(format!("{}: {}", process.path().display(), text.replace('\0', " ")));
                        }
                    }
                }
            }
            found
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        let found = self.thread.join().expect("watched");
        assert!(found.is_empty(), "secrets in processes: {found:?}");
    }
}

/// The test's own key maker takes the passphrase as an argument.
fn is_keygen(text: &str) -> bool {
    text.starts_with("ssh-keygen")
}

/// A core file holds all that was in memory, so a desk that crashes must leave none.
#[test]
fn a_desk_that_crashes_leaves_no_core_file() {
    use std::io::BufRead as _;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let mut desk = std::process::Command::new("sh")
        .args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh"])
        .arg(cli.program())
        .arg("--home")
        .arg(cli.home())
        .args(["serve", "tumour", "--port", &free_port().to_string()])
        .current_dir(cli.folder())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("starts");
    let mut line = String::new();
    std::io::BufReader::new(desk.stdout.take().expect("piped")).read_line(&mut line).expect("says where it serves");
    let id = i32::try_from(desk.id()).expect("a process id");
    std::process::Command::new("kill").args(["-ABRT", &id.to_string()]).status().expect("sent");
    let ended = desk.wait().expect("ends");
    // What it had started is in its process group.
    std::process::Command::new("kill").args(["-KILL", "--", &format!("-{id}")]).status().expect("sent");
    assert!(ended.signal().is_some() && !ended.core_dumped(), "{ended}, {line}");
}

/// Scripts hand a passphrase over as an open file: neither the worker, which opens models of strangers, nor
/// a server that stays for weeks may have it, nor what else the caller's environment holds.
#[test]
fn what_the_desk_starts_inherits_no_open_file_and_no_environment() {
    // Another one than the neighbour's, which looks through all processes.
    const HANDED_OVER: &str = "handed-over-41b7e2";
    let cli = Cli::new();
    let passphrase = cli.folder().join("passphrase");
    std::fs::write(&passphrase, HANDED_OVER).expect("written");
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let far = cli.folder().join("far");
    let _stop = StopServer(far.clone());
    let settings = [format!("folder={}", far.display()), format!("serve-port={}", free_port())];
    let add = ["target", "add", "here", "--kind", "local", "--set", &settings[0], "--set", &settings[1]];
    cli.run(&add).good();
    let deployed = std::process::Command::new("sh")
        .args(["-c", "exec \"$@\" 7<\"$0\""])
        .arg(&passphrase)
        .arg(cli.program())
        .arg("--home")
        .arg(cli.home())
        .args(["--json", "deploy", "tumour", "--to", "here"])
        .env("SOMEBODY_ELSES_TOKEN", HANDED_OVER)
        .output()
        .expect("runs");
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stdout));

    let mut servers = 0;
    for process in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        if !String::from_utf8_lossy(&command).contains(&far.display().to_string()) {
            continue;
        }
        servers += 1;
        let environment = std::fs::read(process.path().join("environ")).expect("readable");
        assert!(!String::from_utf8_lossy(&environment).contains(HANDED_OVER));
        for file in std::fs::read_dir(process.path().join("fd")).expect("readable").flatten() {
            assert_ne!(std::fs::read_link(file.path()).ok(), Some(passphrase.clone()));
        }
    }
    assert!(servers > 0, "no server was found");
}

#[test]
fn a_passphrase_without_an_end_is_refused() {
    let cli = Cli::new();
    cli.run_with(&["credential", "create-vault", "--stdin"], &"x".repeat(70_000)).refused(3);
}

#[test]
fn a_secret_is_never_an_argument() {
    let cli = Cli::new();
    let mut command = cli.command();
    command.args(["credential", "set", "--help"]).stdout(Stdio::piped());
    let help = modeldesk_tests::finish(command, "").stdout;
    for option in ["--password", "--secret", "--token "] {
        assert!(!help.contains(option), "{help}");
    }
    // Nobody can be asked and nothing is piped in: refused, not an empty secret.
    cli.run(&["credential", "set", "edge", "--kind", "password"]).refused(2);
}
