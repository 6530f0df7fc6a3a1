//! Taking down what is live.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use desk_core::state::DeploymentState;
use desk_core::{Cancel, NoProgress};
use desk_deploy::faults::{FaultPoint, FaultyConnector, FaultyJournal};
use desk_deploy::rollout::{self, Outcome};
use desk_deploy::{FileJournal, Journal, MemoryJournal, undeploy};

use crate::crash::{CrashAt, all_points, recover, torn_at};
use crate::desk::Desk;

/// With version 1 deployed, and the journal of that.
fn deployed() -> (Desk, std::path::PathBuf) {
    let desk = Desk::new();
    let path = desk.folder.path().join("journal");
    let mut journal = FileJournal::open(&path).expect("opens");
    rollout::run(&desk.plan(1), &desk.package(1), &desk.target, &mut journal, &Cancel::new(), &NoProgress)
        .expect("live");
    (desk, path)
}

#[test]
fn a_deployment_is_taken_down_once() {
    let (desk, path) = deployed();
    let mut journal = FileJournal::open(&path).expect("opens");
    let stopped = undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect("stopped");
    assert_eq!(stopped.state, DeploymentState::Stopped);
    let world = desk.target.snapshot();
    assert!(!world.running && !world.links.contains_key("current") && !world.links.contains_key("run/rollout.lock"));
    assert_eq!(desk.versions(), [desk.hex(1)], "its files stay");
    let again = undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect("is stopped");
    assert_eq!(again.state, DeploymentState::Stopped);
    assert_eq!(desk.target.snapshot(), world);
    desk.deploy(1).expect("live again");
}

#[test]
fn taking_down_is_refused_while_another_rollout_is_under_way_and_when_nothing_is_live() {
    let (desk, path) = deployed();
    let mut journal = FileJournal::open(&path).expect("opens");
    desk.target.with(|world| world.links.insert("run/rollout.lock".to_owned(), "somebody-else".to_owned()));
    let fault = undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect_err("locked");
    assert!(fault.message.contains("another desk is changing the double: somebody-else"), "{fault}");
    desk.target.with(|world| {
        world.links.remove("run/rollout.lock");
        world.failing.insert("ctl-stop".to_owned());
    });
    let fault = undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect_err("does not stop");
    assert!(fault.message.contains("could not be stopped"), "{fault}");
    let outcome = Outcome::from_entries(&journal.entries().expect("read")).expect("sound").expect("some");
    assert_eq!(outcome.state, DeploymentState::Live);
    undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect("stopped");

    let mut undone = MemoryJournal::new();
    desk.target.with(|world| world.failing.insert("put".to_owned()));
    rollout::run(&desk.plan(2), &desk.package(2), &desk.target, &mut undone, &Cancel::new(), &NoProgress)
        .expect_err("fails");
    let fault = undeploy::run(&desk.target, &mut undone, &Cancel::new(), &NoProgress).expect_err("is not live");
    assert!(fault.message.contains("not live"), "{fault}");
}

#[test]
fn a_crash_anywhere_while_taking_down_is_gone_on_from() {
    let run = |desk: &Desk, path: &std::path::Path, point: &Arc<dyn FaultPoint>, torn: Option<usize>| {
        let mut journal = FaultyJournal::new(FileJournal::open(path).expect("opens"), point.clone(), torn);
        let connector = FaultyConnector::new(desk.target.clone(), point.clone());
        catch_unwind(AssertUnwindSafe(|| {
            undeploy::run(&connector, &mut journal, &Cancel::new(), &NoProgress).expect("stops")
        }))
        .is_err()
    };
    let points = all_points(|point| {
        let (desk, path) = deployed();
        run(&desk, &path, &point, None);
    });
    assert!(points.iter().any(|point| point.contains("ctl-stop")), "{points:?}");
    for name in &points {
        let (desk, path) = deployed();
        assert!(run(&desk, &path, &(Arc::new(CrashAt(name.clone())) as Arc<dyn FaultPoint>), torn_at(name)), "{name}");
        // Both ways lead on: asking again, and taking up what was left open.
        let outcome = recover(&desk, &path).expect("recovers").expect("some");
        assert!(matches!(outcome.state, DeploymentState::Live | DeploymentState::Stopped), "{name}");
        let stopped =
            undeploy::run(&desk.target, &mut FileJournal::open(&path).expect("opens"), &Cancel::new(), &NoProgress)
                .expect("stops");
        assert_eq!(stopped.state, DeploymentState::Stopped, "{name}");
        let world = desk.target.snapshot();
        assert!(!world.running && !world.links.contains_key("run/rollout.lock"), "{name}");
        desk.deploy(2).expect("the next one works");
    }
}

#[test]
fn a_full_disk_does_not_keep_a_server_from_being_stopped() {
    let (desk, path) = deployed();
    let mut journal = FileJournal::open(&path).expect("opens");
    desk.target.with(|world| world.full = true);
    let stopped = undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect("stopped");
    assert_eq!(stopped.state, DeploymentState::Stopped);
    let world = desk.target.snapshot();
    assert!(!world.running && !world.links.contains_key("run/rollout.lock"));
    let fault = desk.deploy(2).expect_err("nothing can be written");
    assert!(fault.hints.iter().any(|hint| hint.contains("Free space on the double")), "{fault:?}");
    assert!(!desk.target.snapshot().links.contains_key("run/rollout.lock"), "given back");
}

#[test]
fn a_server_that_does_not_answer_is_told_as_that_and_leaves_no_lock() {
    let (desk, path) = deployed();
    let mut journal = FileJournal::open(&path).expect("opens");
    desk.target.with(|world| {
        world.silent = true;
        world.files.insert("run/supervisor.pid".to_owned(), b"4711\n".to_vec());
    });
    for fault in [
        undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect_err("silent"),
        desk_deploy::standing(&desk.target).expect_err("silent"),
    ] {
        assert!(fault.message.contains("runs (process 4711) and does not answer"), "{fault:?}");
        assert!(fault.hints.iter().any(|hint| hint.contains("kill -CONT 4711")), "{fault:?}");
    }
    assert!(!desk.target.snapshot().links.contains_key("run/rollout.lock"));
}
