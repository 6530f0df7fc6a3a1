//! What the scenarios share: the command line as a person drives it, with a home of its own.

mod targets;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub use targets::{Far, Signal, offered_key, send};

/// `modeldesk` with a home of its own.
pub struct Cli {
    folder: TempDir,
    program: PathBuf,
    env: Vec<(String, String)>,
}

/// What a command line ended with.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ended {
    /// The JSON object on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.stdout.trim())
            .unwrap_or_else(|error| panic!("not one JSON object ({error}): {}\n{}", self.stdout, self.stderr))
    }

    /// The JSON of a command that must have worked.
    #[track_caller]
    pub fn good(&self) -> Value {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self.json()
    }

    /// The answer of a command that says itself what does not work, with this exit code.
    #[track_caller]
    pub fn bad(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self.json()
    }

    /// The error of a command that must have failed with this exit code; it must say what to do.
    #[track_caller]
    pub fn refused(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        let error = self.json()["error"].clone();
        let message = error["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "an error without a message: {}", self.stdout);
        assert!(error["hints"].as_array().is_some_and(|hints| !hints.is_empty()), "no hint: {}", self.stdout);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        error
    }
}

impl Cli {
    /// A fresh home. Panics when the program was not built: `cargo xtask test` builds it.
    pub fn new() -> Self {
        let program = desk_app::near("modeldesk").expect("modeldesk was not built (cargo build --workspace --bins)");
        let folder = tempfile::Builder::new().prefix("mdt").tempdir().expect("a folder");
        Self { folder, program, env: Vec::new() }
    }

    /// Sets a variable for every command.
    pub fn env(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }

    /// The program that is run.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Runs another program instead, such as one that prepares something and then runs it.
    pub fn use_program(&mut self, program: PathBuf) {
        self.program = program;
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder around it, for a test's own files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command line with `--json`.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, "")
    }

    /// Runs a command line with `--json` and something on standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Ended {
        let mut command = self.command();
        command.arg("--json").args(args);
        finish(command, input)
    }

    /// The program with this home, ready for arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(self.home()).arg("--no-input").envs(self.env.iter().cloned());
        command
    }
}

impl Default for Cli {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a command to its end.
pub fn finish(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    // A program that ends without reading closes the pipe.
    drop(child.stdin.take().expect("piped").write_all(input.as_bytes()));
    let Output { status, stdout, stderr } = child.wait_with_output().expect("ends");
    Ended {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// A file of the bundled samples.
pub fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/samples").join(name);
    let path = path.canonicalize().unwrap_or(path);
    assert!(path.exists(), "there is no sample {}", path.display());
    path.display().to_string()
}

/// A small and odd model that `tests/fixtures/make.py` makes.
pub fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    assert!(path.exists(), "there is no fixture {}", path.display());
    path.display().to_string()
}

/// A file that the reference implementations made: models, and what they say of them.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(name)
}

/// All numbers of a list, of lists in it too, in their order.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

/// Rows of numbers as a CSV file that reads back as the same float32.
pub fn csv(names: &[String], rows: &Value) -> String {
    let mut lines = vec![names.join(",")];
    for row in rows.as_array().expect("rows") {
        let cells: Vec<String> = numbers(row).iter().map(|x| (*x as f32).to_string()).collect();
        lines.push(cells.join(","));
    }
    lines.join("\n") + "\n"
}

/// The file of this size somewhere below a folder; panics when there is none.
pub fn blob_of(folder: &Path, size: u64) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let meta = entry.metadata().expect("there");
            if meta.is_dir() {
                folders.push(entry.path());
            } else if meta.len() == size {
                return entry.path();
            }
        }
    }
    panic!("there is no blob of {size} bytes");
}

/// Stops the server of a target's folder, however the test ends.
pub struct StopServer(pub PathBuf);

impl Drop for StopServer {
    fn drop(&mut self) {
        if let Some(program) = desk_app::near("modeldesk-serve") {
            let mut command = Command::new(program);
            command.args(["ctl", "stop", "--root"]).arg(&self.0);
            // It may have ended already.
            drop(command.stdout(Stdio::null()).stderr(Stdio::null()).status());
        }
    }
}

/// Starts this test again inside a session bus with an unlocked GNOME Keyring and a fresh home;
/// true in the outer process, which is then done.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn again_with_a_keyring(test: &str) -> bool {
    if std::env::var_os("MODELDESK_TEST_INSIDE").is_some() {
        return false;
    }
    let has = |program: &str| {
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
    };
    if !has("dbus-run-session") || !has("gnome-keyring-daemon") {
        eprintln!("SKIPPED {test}: needs the Debian packages dbus and gnome-keyring");
        return true;
    }
    let fresh = tempfile::Builder::new().prefix("mdk").tempdir().expect("a folder");
    for name in ["home", "run"] {
        std::fs::create_dir(fresh.path().join(name)).expect("a folder");
    }
    let start =
        "printf test-pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" \"$@\"";
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", start])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture"])
        .env("MODELDESK_TEST_INSIDE", "1")
        .env("MODELDESK_ORT_LIB", library())
        .env("HOME", fresh.path().join("home"))
        .env("XDG_RUNTIME_DIR", fresh.path().join("run"))
        .env("XDG_DATA_HOME", fresh.path().join("home/data"))
        .env_remove("XDG_CACHE_HOME")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("dbus-run-session starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "the inner test did not run: {text}");
    true
}

/// Starts this test again with all its temporary files on a disk of a few megabytes; true in the outer
/// process, which is then done.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn again_on_a_small_disk(test: &str) -> bool {
    if std::env::var_os("MODELDESK_TEST_INSIDE").is_some() {
        return false;
    }
    let folder = tempfile::Builder::new().prefix("mds").tempdir().expect("a folder");
    let inside = |words: &[&std::ffi::OsStr]| {
        let mount = "mount -t tmpfs -o size=6m modeldesk \"$TMPDIR\" && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"]).args(words);
        command.env("TMPDIR", folder.path()).env("MODELDESK_TEST_INSIDE", "1").env("MODELDESK_ORT_LIB", library());
        command.output()
    };
    if !inside(&["true".as_ref()]).is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED {test}: needs user namespaces, to mount a small disk");
        return true;
    }
    let program = std::env::current_exe().expect("this test");
    let output = inside(&[program.as_os_str(), "--exact".as_ref(), test.as_ref(), "--nocapture".as_ref()]);
    let output = output.expect("starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "the inner test did not run: {text}");
    true
}

/// The runtime library as the tests find it; inside another home it must be named.
fn library() -> PathBuf {
    let options = desk_app::DeskOptions::for_home("unused");
    options.runtime_library().unwrap_or_else(|fault| panic!("{}: {:?}", fault.message, fault.hints))
}
