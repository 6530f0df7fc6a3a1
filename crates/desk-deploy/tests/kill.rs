//! A desk that is killed in the middle of a rollout: real processes, real SIGKILL, the real server.
//!
//! Every point of the rollout is visited by the tests of the state machine; here those that differ
//! in what is on disk: within and after each journal write, within uploads, after each change.

mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::{Root, package, tools};
use desk_core::state::DeploymentState;
use desk_core::{Cancel, NoProgress};
use desk_deploy::faults::{FaultPoint, FaultyConnector, FaultyJournal};
use desk_deploy::oip::OipClient;
use desk_deploy::rollout::{self, Outcome, Plan};
use desk_deploy::testing::free_port;
use desk_deploy::{
    Connector as _, FileJournal, KnownHosts, MemoryJournal, Package, TargetConfig, TargetConnector, rollback,
};

const CHILD: &str = "MODELDESK_TEST_KILL_CHILD";
/// Tests that share the points; each has a target of its own.
const SHARES: usize = 3;

fn local(root: &str, port: u16) -> TargetConnector {
    let config = TargetConfig::Local { folder: root.to_owned(), port };
    TargetConnector::new(config, None, Arc::new(KnownHosts::new())).expect("valid")
}

fn plan_of(package: &Package) -> Plan {
    Plan::new("edge", package.model.clone(), package.number, package.digest, 2)
}

/// Ends this process the hard way at one point, or writes down every point.
struct Point {
    kill_at: Option<String>,
    list: PathBuf,
}

impl FaultPoint for Point {
    fn at(&self, point: &str) {
        use std::io::Write as _;
        match &self.kill_at {
            Some(kill_at) if kill_at == point => {
                let killed = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
                panic!("still alive: {killed:?}");
            }
            Some(_) => {}
            None => {
                let file = std::fs::OpenOptions::new().create(true).append(true).open(&self.list);
                writeln!(file.expect("opens"), "{point}").expect("written");
            }
        }
    }
}

/// Not a test by itself: the process that the tests below kill.
#[test]
fn child() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let arguments: Vec<&str> = arguments.split('\n').collect();
    let [root, port, journal, list, kill_at] = arguments[..] else { panic!("{arguments:?}") };
    let Some(tools) = tools() else { return };
    let kill_at = (!kill_at.is_empty()).then(|| kill_at.to_owned());
    let torn = kill_at.as_deref().and_then(|at| at.strip_prefix("journal:")?.strip_suffix(":within")?.parse().ok());
    let point: Arc<dyn FaultPoint> = Arc::new(Point { kill_at, list: PathBuf::from(list) });
    let journal = FileJournal::open(Path::new(journal)).expect("opens");
    let mut journal = FaultyJournal::new(journal, point.clone(), torn);
    let connector = FaultyConnector::new(local(root, port.parse().expect("a port")), point);
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");
    rollout::run(&plan_of(&two), &two, &connector, &mut journal, &Cancel::new(), &NoProgress).expect("not killed");
}

struct Scene {
    root: Root,
    port: u16,
    one: Package,
    two: Package,
    files: tempfile::TempDir,
}

impl Scene {
    fn new() -> Option<Self> {
        let tools = tools()?;
        let one = package(tools, "tumour", 1, "tumour/v1.onnx");
        let two = package(tools, "tumour", 2, "tumour/v2.onnx");
        let files = tempfile::tempdir().expect("a folder");
        let scene = Self { root: Root::new(), port: free_port(), one, two, files };
        let (plan, connector) = (plan_of(&scene.one), scene.connector());
        rollout::run(&plan, &scene.one, &connector, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
            .expect("version 1 is live");
        Some(scene)
    }

    fn connector(&self) -> TargetConnector {
        local(&self.root.text(), self.port)
    }

    fn journal(&self) -> PathBuf {
        self.files.path().join("journal")
    }

    /// Runs the rollout of version 2 in a process of its own; true when it was killed.
    fn roll_out(&self, kill_at: &str) -> bool {
        let list = self.files.path().join("points");
        let (port, journal) = (self.port.to_string(), self.journal());
        let texts = [&self.root.text(), &port, journal.to_str().expect("text"), list.to_str().expect("text"), kill_at];
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, texts.join("\n"))
            .output()
            .expect("runs");
        let killed = output.status.signal() == Some(9);
        assert!(killed || output.status.success(), "{kill_at}: {}", String::from_utf8_lossy(&output.stdout));
        killed
    }

    fn points(&self) -> Vec<String> {
        assert!(!self.roll_out(""));
        let text = std::fs::read_to_string(self.files.path().join("points")).expect("written");
        let mut points: Vec<String> = text.lines().map(str::to_owned).collect();
        // Before a write or a change the disk is as it was after the one before it.
        points.retain(|point| !point.contains(":before"));
        points.dedup();
        self.reset();
        points
    }

    /// Version 1 live, nothing of version 2 on the target.
    fn reset(&self) {
        if self.root.live() != Some(self.one.digest.hex()) {
            let (plan, connector) = (plan_of(&self.one), self.connector());
            rollback::run(&plan, &connector, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress).expect("back");
        }
        let remote = self.connector().connect().expect("connects");
        for name in [self.two.digest.hex(), format!("{}.part", self.two.digest.hex())] {
            remote.remove(&format!("versions/{name}")).expect("removed");
        }
        std::fs::remove_file(self.journal()).expect("removed");
    }

    /// The main port answers as exactly this package does, and nothing else is left.
    fn serves(&self, package: &Package, point: &str) {
        let client = OipClient::new(format!("http://127.0.0.1:{}", self.port)).expect("a client");
        let golden = &package.golden;
        let found = client.infer("tumour", Some(&package.digest.hex()), &golden.inputs, &golden.outputs);
        assert_eq!(found.unwrap_or_else(|e| panic!("{point}: {e}")), golden.outputs, "{point}");
        let status = self.root.ctl("status");
        assert_eq!(status["live"]["version"], package.digest.hex(), "{point}");
        assert!(status["staged"].is_null(), "{point}: {status}");
        let current = std::fs::read_link(self.root.0.path().join("current")).expect("a link");
        assert!(current.ends_with(package.digest.hex()), "{point}: {}", current.display());
        let lock = self.root.0.path().join("run/rollout.lock");
        assert!(lock.symlink_metadata().is_err(), "{point}: locked");
    }

    fn kill_and_recover(&self, point: &str) -> DeploymentState {
        assert!(self.roll_out(point), "{point} was not reached");
        let mut journal = FileJournal::open(&self.journal()).expect("opens");
        let outcome = rollout::recover(&self.connector(), &mut journal, &NoProgress);
        let outcome: Option<Outcome> = outcome.unwrap_or_else(|fault| panic!("{point}: {fault:?}"));
        let state = outcome.map_or(DeploymentState::Undone, |outcome| outcome.state);
        match state {
            DeploymentState::Live => self.serves(&self.two, point),
            DeploymentState::Undone => {
                self.serves(&self.one, point);
                let folder = self.root.0.path().join("versions").join(self.two.digest.hex());
                assert!(!folder.exists(), "{point}");
            }
            other => panic!("{point}: {other:?}"),
        }
        self.reset();
        state
    }
}

/// Every `SHARES`th point, from `first` on.
fn kill_at_points(first: usize) {
    let Some(scene) = Scene::new() else { return };
    let points = scene.points();
    assert!(points.len() > 40, "{points:?}");
    let states: Vec<DeploymentState> =
        points.iter().skip(first).step_by(SHARES).map(|point| scene.kill_and_recover(point)).collect();
    for state in [DeploymentState::Live, DeploymentState::Undone] {
        assert!(states.contains(&state), "{states:?}");
    }
}

#[test]
fn killed_desks_leave_one_version_live_and_proven_first_share() {
    kill_at_points(0);
}

#[test]
fn killed_desks_leave_one_version_live_and_proven_second_share() {
    kill_at_points(1);
}

#[test]
fn killed_desks_leave_one_version_live_and_proven_third_share() {
    kill_at_points(2);
}
