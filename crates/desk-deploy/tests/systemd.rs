//! A target whose systemd manages services of users: a real manager (`systemd --user`) of its own, and a
//! real sshd whose sessions find it. systemd wants to see that the machine was started by it, which a
//! container was not; in a mount namespace the mark it looks for can be made without touching the machine.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Root, package, skip, tools, with_other_answers};
use desk_core::{Cancel, Digest, Fault, NoProgress};
use desk_deploy::rollout::{self, Outcome, Plan, Step};
use desk_deploy::testing::{TestSshd, free_port};
use desk_deploy::{Connector, MemoryJournal, Package, check};

/// Set in the process that runs inside of the namespace.
const INSIDE: &str = "MODELDESK_TEST_INSIDE";
/// The namespace's script ends with it when there can be none.
const NO_NAMESPACE: i32 = 99;

/// Runs the named test of this file again in a mount namespace where systemd believes that it started the
/// machine. `Ok(false)` in the process that is inside; `Err` where there can be no such namespace.
fn entered_namespace(test: &str) -> Result<bool, String> {
    const SCRIPT: &str = "mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/system \
                          || exit 99; exec \"$@\"";
    if std::env::var_os(INSIDE).is_some() {
        return Ok(false);
    }
    let exe = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", SCRIPT, "sh"])
        .arg(exe)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .map_err(|e| format!("unshare: {e}"))?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(NO_NAMESPACE) || said.contains("unshare failed") {
        return Err(format!("no mount namespace can be made here: {said}"));
    }
    assert!(output.status.success(), "{said}");
    if let Some(why) = said.split("SKIPPED: ").nth(1) {
        return Err(why.to_owned());
    }
    Ok(true)
}

/// A running `systemd --user` that knows nothing but a folder of its own. Ends with the value, and all
/// of its services with it.
struct Manager {
    dir: tempfile::TempDir,
    child: Child,
}

impl Manager {
    fn start() -> Result<Self, String> {
        let program = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].into_iter().find(|p| Path::new(p).exists());
        let program = program.ok_or("no systemd on this computer (Debian: systemd)")?;
        let dir = tempfile::Builder::new().prefix("mdunit").tempdir().map_err(|e| e.to_string())?;
        for name in ["run", "config"] {
            std::fs::create_dir(dir.path().join(name)).map_err(|e| e.to_string())?;
        }
        let log = std::fs::File::create(dir.path().join("log")).map_err(|e| e.to_string())?;
        let mut command = Command::new(program);
        command.args(["--user", "--log-target=console"]).stdin(Stdio::null()).stderr(log).stdout(Stdio::null());
        let child = command.envs(variables(dir.path())).spawn().map_err(|e| e.to_string())?;
        let mut manager = Self { dir, child };
        let until = Instant::now() + Duration::from_secs(20);
        while !manager.systemctl(&["show-environment"]).is_ok_and(|said| !said.is_empty()) {
            if Instant::now() > until || manager.child.try_wait().is_ok_and(|status| status.is_some()) {
                let log = std::fs::read_to_string(manager.dir.path().join("log")).unwrap_or_default();
                return Err(format!("systemd for users does not run here: {log}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(manager)
    }

    /// What `systemctl --user` says.
    fn systemctl(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new("systemctl");
        command.arg("--user").args(args).envs(variables(self.dir.path()));
        let output = command.output().map_err(|e| e.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// A property of a unit.
    fn show(&self, unit: &str, property: &str) -> String {
        self.systemctl(&["show", unit, "--value", "--property", property]).expect("shown")
    }

    /// Names of the unit files that were written.
    fn units(&self) -> Vec<String> {
        let Ok(folder) = std::fs::read_dir(self.dir.path().join("config/systemd/user")) else { return Vec::new() };
        let names = folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".service")).collect()
    }

    /// The line of `sshd_config` that lets sessions find this manager.
    fn sessions(&self) -> String {
        let set: Vec<String> =
            variables(self.dir.path()).map(|(name, path)| format!("{name}={}", path.display())).into();
        format!("SetEnv SHLVL=2 {}", set.join(" "))
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        drop(self.child.wait());
    }
}

/// Where the manager and everybody who asks it look.
fn variables(dir: &Path) -> [(&'static str, PathBuf); 2] {
    [("XDG_RUNTIME_DIR", dir.join("run")), ("XDG_CONFIG_HOME", dir.join("config"))]
}

fn deploy(connector: &dyn Connector, package: &Package) -> Result<Outcome, Fault> {
    let plan = Plan::new("edge", package.model.clone(), package.number, package.digest, 1);
    rollout::run(&plan, package, connector, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn systemd_starts_restarts_and_ends_the_server() {
    let Some(tools) = tools() else { return };
    match entered_namespace("systemd_starts_restarts_and_ends_the_server") {
        Ok(false) => {}
        Ok(true) => return,
        Err(why) => return skip(&why),
    }
    let manager = match Manager::start() {
        Ok(manager) => manager,
        Err(why) => return skip(&why),
    };
    let server = match TestSshd::start_with(&[&manager.sessions()]) {
        Ok(server) => server,
        Err(why) => return skip(&why),
    };
    let root = Root::new();
    let connector = server.connector(&root.text(), free_port()).expect("valid");
    let report = check(&connector, None);
    assert!(report.capabilities.iter().any(|name| name == "service"), "{report:?}");

    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    // A first deployment that fails takes the service away again.
    let fault = deploy(&connector, &with_other_answers(tools, &one)).expect_err("must not prove");
    assert!(fault.message.contains("nothing was serving before, and nothing is now"), "{fault:?}");
    assert_eq!(manager.units(), Vec::<String>::new());

    let outcome = deploy(&connector, &one).unwrap_or_else(|fault| panic!("{fault:?}"));
    let start = outcome.steps.iter().find(|step| step.name == Step::Start).expect("a step");
    assert_eq!(start.note.as_deref(), Some("started as a service of systemd"));

    // systemd runs it, will run it after the next start of the machine, and says so.
    let units = manager.units();
    let [unit] = units.as_slice() else { panic!("{units:?}") };
    assert_eq!(*unit, format!("modeldesk-{}.service", Digest::of(root.text()).short()));
    assert_eq!(
        (manager.show(unit, "ActiveState"), manager.show(unit, "UnitFileState")),
        ("active".into(), "enabled".into())
    );
    let supervisor = root.ctl("status")["supervisor"]["pid"].to_string();
    assert_eq!(manager.show(unit, "MainPID"), supervisor);

    // A server that is killed comes back by itself and serves the same version.
    assert!(Command::new("kill").args(["-KILL", &supervisor]).status().expect("runs").success());
    until("it did not come back", || manager.show(unit, "NRestarts") == "1" && root.live().is_some());
    assert_ne!(manager.show(unit, "MainPID"), supervisor);
    assert_eq!(root.live(), Some(one.digest.hex()));

    desk_deploy::stop_server(&connector).expect("stops");
    assert_eq!(manager.units(), Vec::<String>::new());
    assert_eq!(manager.show(unit, "LoadState"), "not-found");
    assert_eq!(desk_deploy::server_status(&connector).expect("answers"), None);
}
