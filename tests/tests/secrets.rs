//! After the whole path a planted secret is nowhere but in the keyring: not in the home folder,
//! on the far side, in logs, in the user's home, nor in any process's arguments or environment; a crash
//! writes no core file, and what is started gets neither open files nor the environment of the desk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use desk_deploy::testing::{TestSshd, free_port};
use modeldesk_tests::{Cli, again_with_a_keyring, fixture, offered_key, sample};

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
    let watcher = Watcher::start(vec![PLANTED.to_owned(), key_line.clone()]);

    let key = key_file.display().to_string();
    let set = ["credential", "set", "edge", "--kind", "ssh-key", "--key-file", &key, "--passphrase", "--stdin"];
    cli.run_with(&set, &format!("{PLANTED}\n")).good();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let _far = cli.add_ssh("edge-01", &sshd, sshd.port(), "edge");
    let offered = offered_key(&cli.run(&["target", "check", "edge-01"]));
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
    // The far side's folder is in the one around the home.
    for folder in [cli.folder(), &home] {
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

/// A core file holds all that was in memory, so a desk that crashes must leave none, wherever the system would
/// put it: one byte is the limit that keeps both a file and a program behind a pipe from getting anything.
#[test]
fn a_desk_that_crashes_leaves_no_core_file() {
    use std::io::BufRead as _;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let mut desk = Command::new("sh")
        .args(["-c", "ulimit -S -c \"$(ulimit -H -c)\"; exec \"$@\"", "sh"])
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
    let limit = core_limit(&format!("/proc/{id}/limits"));
    Command::new("kill").args(["-ABRT", &id.to_string()]).status().expect("sent");
    let ended = desk.wait().expect("ends");
    // What it had started is in its process group.
    Command::new("kill").args(["-KILL", "--", &format!("-{id}")]).status().expect("sent");
    assert!(ended.signal().is_some() && !ended.core_dumped(), "{ended}, {line}");
    // Who may not have any core file at all cannot have one of a byte either.
    let allowed = if core_limit("/proc/self/limits").1 == "0" && limit.1 == "0" { "0" } else { "1" };
    assert_eq!(limit, (allowed.to_owned(), allowed.to_owned()), "whatever the system does with core files");
}

/// How large a core file may be, and how large somebody may let it be.
fn core_limit(limits: &str) -> (String, String) {
    let text = std::fs::read_to_string(limits).expect("a living process");
    let line = text.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("a limit");
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().expect("a limit"), words.next().expect("another limit"))
}

/// Scripts hand a passphrase over as an open file: neither the worker, which opens models of strangers, nor
/// a server that stays for weeks may have it, nor what else the caller's environment holds.
#[test]
fn what_the_desk_starts_inherits_no_open_file_and_no_environment() {
    let cli = Cli::new();
    let passphrase = cli.folder().join("passphrase");
    std::fs::write(&passphrase, HANDED_OVER).expect("written");
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let far = cli.add_local("here");
    let handing_over = |args: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 7<\"$0\""]).arg(&passphrase).arg(cli.program()).arg("--home").arg(cli.home());
        command.arg("--json").args(args).env("SOMEBODY_ELSES_TOKEN", HANDED_OVER);
        command
    };
    let deployed = handing_over(&["deploy", "tumour", "--to", "here"]).output().expect("runs");
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stdout));
    let folder = far.path().display().to_string();
    let servers = processes(|_, command| command.contains(&folder));
    assert!(!servers.is_empty(), "no server was found");
    for server in &servers {
        has_nothing_of(server, &passphrase);
    }

    // A worker that computes for ever, to be looked at.
    cli.run(&["import", &fixture("endless_above.onnx"), "--name", "endless"]).good();
    let data = cli.folder().join("data.csv");
    std::fs::write(&data, "a,b,c\n1,2,5000\n").expect("written");
    let data = data.display().to_string();
    let mut desk =
        handing_over(&["predict", "endless", "--data", &data]).stdout(Stdio::null()).spawn().expect("starts");
    let until = Instant::now() + Duration::from_secs(30);
    let workers = loop {
        let desk = format!("\nPPid:\t{}\n", desk.id());
        let found = processes(|process, command| {
            let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
            command.contains("worker") && status.contains(&desk)
        });
        if !found.is_empty() || Instant::now() > until {
            break found;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let looked: Vec<_> =
        workers.iter().map(|worker| std::panic::catch_unwind(|| has_nothing_of(worker, &passphrase))).collect();
    desk.kill().expect("killed");
    desk.wait().expect("ended");
    assert!(!looked.is_empty(), "no worker was found");
    assert!(looked.iter().all(Result::is_ok), "a worker has what it should not");
}

/// Another one than the neighbour's, which looks through all processes.
const HANDED_OVER: &str = "handed-over-41b7e2";

/// Processes that are running, by their folder and their command line.
fn processes(is_meant: impl Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    let meant = |process: &PathBuf| {
        let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
        is_meant(process, &String::from_utf8_lossy(&command).replace('\0', " "))
    };
    all.filter(meant).collect()
}

/// A process has neither the caller's environment nor the file that the caller has opened.
#[track_caller]
fn has_nothing_of(process: &Path, passphrase: &Path) {
    let environment = std::fs::read(process.join("environ")).expect("readable");
    assert!(!String::from_utf8_lossy(&environment).contains(HANDED_OVER));
    let files: Vec<_> = std::fs::read_dir(process.join("fd")).expect("readable").flatten().collect();
    assert!(!files.is_empty(), "it has a standard output");
    for file in files {
        assert_ne!(std::fs::read_link(file.path()).ok().as_deref(), Some(passphrase));
    }
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

/// Who has a port is named without what it was started with: databases and others take passwords there.
#[test]
fn what_a_strangers_program_was_started_with_is_told_to_nobody() {
    const SECRET: &str = "hunter2-strangers-secret";
    // The stranger is this very test, started once more.
    if let Some(port) = std::env::var("STRANGERS_PORT").ok().and_then(|port| port.parse::<u16>().ok()) {
        let _listens = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port");
        std::thread::sleep(Duration::from_mins(5));
        return;
    }
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let far = cli.add_local("here");
    let mut stranger = Command::new(std::env::current_exe().expect("this program"))
        .args(["what_a_strangers_program_was_started_with_is_told_to_nobody", &format!("password={SECRET}")])
        .env("STRANGERS_PORT", far.port().to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let until = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(("127.0.0.1", far.port())).is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = [
        cli.run(&["deploy", "tumour@1", "--to", "here"]),
        cli.run(&["target", "check", "here"]),
        cli.run(&["list", "deployments"]),
    ];
    stranger.kill().expect("ended");
    stranger.wait().expect("ended");
    for said in &said[..2] {
        assert!(said.stdout.contains(&format!("{} (secrets-", stranger.id())), "{}", said.stdout);
    }
    for said in &said {
        assert!(!said.stdout.contains(SECRET) && !said.stderr.contains(SECRET), "{} {}", said.stdout, said.stderr);
    }
    assert!(look_through(&cli.home(), &[SECRET]) > 1);
}
