//! The lock on a target: who holds it, and what becomes of one whose desk was killed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use desk_core::state::DeploymentState;
use desk_core::{Cancel, Fault, NoProgress};
use desk_deploy::faults::{FaultPoint, FaultyConnector};
use desk_deploy::rollout::{self, Outcome, Step};
use desk_deploy::{FileJournal, MemoryJournal, Permissions, Plan};

use crate::crash::{CrashAt, all_points, recover};
use crate::desk::Desk;

/// Takes the place of whatever is live, whoever made that so.
fn plan_by(desk: &Desk, number: u32, by: &str) -> Plan {
    let permissions = Permissions { replace_other: true, ..Permissions::default() };
    Plan { by: by.to_owned(), permissions, ..desk.plan(number) }
}

fn deploy_by(desk: &Desk, number: u32, by: &str) -> Result<Outcome, Fault> {
    let plan = plan_by(desk, number, by);
    rollout::run(&plan, &desk.package(number), &desk.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
}

/// A rollout of version 2 by ann that is killed where `at` says.
fn killed_at(desk: &Desk, at: &str) -> std::path::PathBuf {
    let path = desk.folder.path().join("journal");
    let run = |point: &Arc<dyn FaultPoint>, path: &std::path::Path| {
        let connector = FaultyConnector::new(desk.target.clone(), point.clone());
        let plan = plan_by(desk, 2, "ann on north");
        let mut journal = FileJournal::open(path).expect("opens");
        catch_unwind(AssertUnwindSafe(|| {
            rollout::run(&plan, &desk.package(2), &connector, &mut journal, &Cancel::new(), &NoProgress)
        }))
        .is_err()
    };
    let start = desk.target.snapshot();
    let points = all_points(|point| {
        run(&point, &desk.folder.path().join("looked"));
    });
    desk.target.with(|world| *world = start);
    let point = points.iter().find(|point| point.contains(at)).unwrap_or_else(|| panic!("{at} in {points:?}"));
    assert!(run(&(Arc::new(CrashAt(point.clone())) as Arc<dyn FaultPoint>), &path), "{point} was not reached");
    path
}

#[test]
fn the_lock_of_a_killed_desk_names_it_and_is_taken_over_after_its_lease() {
    let desk = Desk::with_one();
    let path = killed_at(&desk, "after:ctl-stage");
    let fault = deploy_by(&desk, 3, "ben on south").expect_err("ann holds it");
    assert!(fault.message.contains("another desk is changing the double: ann on north, since 20"), "{fault:?}");
    assert!(fault.hints.iter().any(|hint| hint.contains("taken over in 120 s")), "{fault:?}");
    assert!(!fault.hints.iter().any(|hint| hint.contains("rollout.lock")), "{fault:?}");

    desk.target.with(|world| world.clock += 119);
    deploy_by(&desk, 3, "ben on south").expect_err("not yet");
    desk.target.with(|world| world.clock += 1);
    let outcome = deploy_by(&desk, 3, "ben on south").expect("taken over");
    let note = outcome.steps[Step::Check as usize].note.clone().unwrap_or_default();
    assert!(note.contains("took over from ann on north"), "{note}");

    // What ann left is ben's now: she does not undo it under him.
    let before = desk.target.snapshot();
    let ended = recover(&desk, &path).expect("has ended").expect("an outcome");
    assert_eq!(ended.state, DeploymentState::Undone);
    assert!(ended.fault.is_some_and(|fault| fault.message.contains("has taken over")));
    assert_eq!(desk.target.snapshot(), before);
    assert_eq!(before.live, Some(desk.hex(3)));
}

#[test]
fn the_same_desk_takes_its_own_lock_up_at_once() {
    let desk = Desk::with_one();
    let path = killed_at(&desk, "after:ctl-stage");
    assert_eq!(recover(&desk, &path).expect("undone").expect("an outcome").state, DeploymentState::Undone);
    deploy_by(&desk, 3, "ben on south").expect("the lock was given back");
}

#[test]
fn what_a_desk_left_locked_does_not_keep_it_out() {
    let desk = Desk::with_one();
    killed_at(&desk, "after:ctl-stage");
    assert!(deploy_by(&desk, 3, "ben on south").is_err(), "ann holds it");
    let outcome = deploy_by(&desk, 3, "ann on north").expect("nothing of hers is under way");
    assert_eq!(outcome.state, DeploymentState::Live);
    assert!(!desk.target.snapshot().links.contains_key("run/rollout.lock"));
}

#[test]
fn a_living_rollout_that_was_silent_for_too_long_does_not_switch() {
    let desk = Desk::with_one();
    let target = desk.target.clone();
    let taken: Arc<dyn FaultPoint> = Arc::new(move |point: &str| {
        if point.contains("before:ctl-stage") {
            target.with(|world| world.links.insert("run/rollout.lock".to_owned(), "ben".to_owned()));
        }
    });
    let connector = FaultyConnector::new(desk.target.clone(), taken);
    let mut journal = MemoryJournal::new();
    let ran = rollout::run(&desk.plan(2), &desk.package(2), &connector, &mut journal, &Cancel::new(), &NoProgress);
    let fault = ran.expect_err("the lock is ben's");
    assert!(fault.message.contains("another desk, ben, has taken over"), "{fault:?}");
    let world = desk.target.snapshot();
    assert_eq!((world.live, world.links["run/rollout.lock"].as_str()), (Some(desk.hex(1)), "ben"));
}

#[test]
fn the_lock_is_given_back_when_tidying_fails() {
    let desk = Desk::with_one();
    desk.target.with(|world| world.failing.insert("write run/history.json".to_owned()));
    // Whatever tidying comes to, the version is live and others may roll out.
    drop(desk.deploy(2));
    let world = desk.target.snapshot();
    assert!(world.failing.is_empty(), "it was to fail");
    assert_eq!(world.live, Some(desk.hex(2)));
    assert!(!world.links.contains_key("run/rollout.lock"));
    deploy_by(&desk, 3, "ben on south").expect("not locked");
}
