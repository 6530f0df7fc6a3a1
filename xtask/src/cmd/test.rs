//! `cargo xtask test`: sets up what tests need, then runs every check. The last lines are nextest's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{place, python, runtime, shell, tidy};

/// Debian packages and the tests that need them.
const PACKAGES: [(&str, &str); 19] = [
    ("mesa-vulkan-drivers", "pictures of the window"),
    ("libvulkan1", "pictures of the window"),
    ("libgl1-mesa-dri", "the window under a virtual display"),
    ("libegl1", "the window under a virtual display"),
    ("libgles2", "the window under a virtual display"),
    ("libgl1", "the window under a virtual display"),
    ("libxkbcommon-x11-0", "the window under a virtual display"),
    ("libxcursor1", "the window under a virtual display"),
    ("libxi6", "the window under a virtual display"),
    ("libxrandr2", "the window under a virtual display"),
    ("xvfb", "the window under a virtual display"),
    ("xauth", "the window under a virtual display"),
    ("openssh-server", "deployment over SSH"),
    ("openssh-client", "deployment over SSH"),
    ("dbus", "the keyring"),
    ("dbus-x11", "the keyring"),
    ("gnome-keyring", "the keyring"),
    ("libsecret-tools", "the keyring"),
    ("systemd", "services of users on a target"),
];

/// Runs everything; arguments go to nextest.
pub fn main(args: &[String]) -> Result<()> {
    install_packages()?;
    let library = runtime::ensure(None)?;
    let mut report = Report::default();
    report.step("format", || shell::run(shell::cargo().args(["fmt", "--all", "--check"])));
    report.step("tidy", || tidy::main(&[]));
    report.step("licences and advisories", deny);
    report.step("reference values", reference_values);
    report.step("clippy", || {
        let mut clippy = shell::cargo();
        clippy.args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]);
        shell::run(&mut clippy)
    });
    let built = report
        .step("build", || shell::run(shell::cargo().args(["build", "--quiet", "--workspace", "--bins", "--tests"])));
    if built {
        let scratch = Scratch::new()?;
        report.step("doc tests", || {
            let mut doc = shell::cargo();
            shell::run(test_environment(&mut doc, &library, &scratch).args(["test", "--quiet", "--workspace", "--doc"]))
        });
        report.step("tests", || {
            let mut tests = shell::cargo();
            test_environment(&mut tests, &library, &scratch);
            if has_nextest() {
                tests.args(["nextest", "run", "--workspace", "--profile", "ci"]);
            } else {
                eprintln!("cargo-nextest is not installed (cargo install cargo-nextest --locked): using cargo test");
                tests.args(["test", "--workspace", "--all-targets"]);
            }
            shell::run(tests.args(args))
        });
    }
    report.end()
}

/// What the tests find their way by.
fn test_environment<'a>(command: &'a mut Command, library: &Path, scratch: &Scratch) -> &'a mut Command {
    command.env(runtime::LIBRARY_VARIABLE, library).env("MODELDESK_BIN_DIR", place::target().join("debug"));
    if env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("XDG_RUNTIME_DIR", &scratch.0);
    }
    command
}

/// A private folder for sockets, short enough for their names; it goes when the tests are over.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("mdx-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in the temporary folder harms nobody.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn has_nextest() -> bool {
    shell::cargo().args(["nextest", "--version"]).output().is_ok_and(|out| out.status.success())
}

/// Makes the values that tests compare with once more by scikit-learn, shap, lime and ONNX Runtime: those in
/// tests/reference are theirs, not ours. Needs PyPI once, for the pinned packages.
fn reference_values() -> Result<()> {
    let script = python::with_packages().and_then(|python| python::reference(&python, "reference_same.py"));
    let mut script = match script {
        Ok(script) => script,
        Err(error) => {
            eprintln!("skipped: the reference values are taken as they are kept ({error:#})");
            return Ok(());
        }
    };
    let scratch = Scratch::new()?;
    shell::run(script.arg(place::root()).arg(&scratch.0))
}

/// cargo-deny, where it is installed; building it takes longer than all of the tests.
fn deny() -> Result<()> {
    if shell::which("cargo-deny").is_none() {
        eprintln!("skipped: cargo-deny is not installed (cargo install cargo-deny --locked)");
        return Ok(());
    }
    // Advisories come over the network; licences, bans and sources do not.
    shell::run(shell::cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"]))
}

/// Installs missing Debian packages where this process may; otherwise says what will be missing.
fn install_packages() -> Result<()> {
    if shell::which("dpkg-query").is_none() {
        eprintln!("Not a Debian system: install what corresponds to {}", names(&PACKAGES));
        return Ok(());
    }
    let missing: Vec<_> = PACKAGES.iter().copied().filter(|(name, _)| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(before) = privileged() else {
        for (name, needed_by) in &missing {
            eprintln!("missing: {name}, needed by tests of {needed_by}");
        }
        eprintln!("These tests will fail. As root: apt-get install --no-install-recommends {}", names(&missing));
        return Ok(());
    };
    let apt = |args: &[&str]| {
        let mut words = before.iter().map(String::as_str).chain(["apt-get"]).chain(args.iter().copied());
        let mut command = Command::new(words.next().unwrap_or("apt-get"));
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(&mut command)
    };
    let list: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let install = [&["install", "-y", "-q", "--no-install-recommends"], &list[..]].concat();
    apt(&["update", "-q"])?;
    apt(&install)
}

fn names(packages: &[(&str, &str)]) -> String {
    packages.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

fn is_installed(name: &str) -> bool {
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", name]).output();
    asked.is_ok_and(|out| out.status.success() && out.stdout == b"installed")
}

/// The words before `apt-get`: none for root, `sudo -n` where that works without a password.
fn privileged() -> Option<Vec<String>> {
    let id = shell::output(Command::new("id").arg("-u")).ok()?;
    if id.trim() == "0" {
        return Some(Vec::new());
    }
    let sudo = shell::which("sudo")?;
    shell::output(Command::new(&sudo).args(["-n", "true"])).ok()?;
    Some(vec![sudo.display().to_string(), "-n".to_owned()])
}

/// What ran, how long, and what failed.
#[derive(Default)]
struct Report {
    steps: Vec<(&'static str, Duration)>,
    failed: Vec<&'static str>,
}

impl Report {
    /// Runs a step; the next ones run even when it fails.
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        let start = Instant::now();
        let done = work();
        self.steps.push((name, start.elapsed()));
        if let Err(error) = &done {
            eprintln!("xtask: {name}: {error:#}");
            self.failed.push(name);
        }
        done.is_ok()
    }

    /// One line with the times; fails when a step did.
    fn end(self) -> Result<()> {
        let times: Vec<String> = self.steps.iter().map(|(name, time)| format!("{name} {} s", time.as_secs())).collect();
        eprintln!("Checks: {}", times.join(", "));
        if self.failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", self.failed.join(", "))
    }
}
