//! A desk that was asleep for longer than its lease, and wakes: whatever it was about to do, it changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use desk_core::state::DeploymentState;
use desk_core::{Cancel, Fault, FaultKind, NoProgress};
use desk_deploy::faults::{FaultPoint, FaultyConnector, FaultyJournal};
use desk_deploy::rollout::{self, Outcome};
use desk_deploy::testing::TargetDouble;
use desk_deploy::{MemoryJournal, Package, Permissions, Plan, rollback, undeploy};

use crate::crash::all_points;
use crate::desk::Desk;

const ANN: &str = "ann on north";
const BEN: &str = "ben on south";

/// What ann was doing when she fell asleep.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Deploy,
    RollBack,
    Undeploy,
}

/// Ann has deployed version 2, then 1.
fn hers() -> (Desk, MemoryJournal) {
    let desk = Desk::new();
    for number in [2, 1] {
        let mut journal = MemoryJournal::new();
        deploy(&desk.target, &plan(&desk, number, ANN), &desk.package(number), &mut journal).expect("live");
        if number == 1 {
            return (desk, journal);
        }
    }
    unreachable!("version 1 is the last one")
}

fn plan(desk: &Desk, number: u32, by: &str) -> Plan {
    let permissions = Permissions { replace_other: by == BEN, ..Permissions::default() };
    Plan { by: by.to_owned(), permissions, ..desk.plan(number) }
}

fn deploy(
    target: &TargetDouble,
    plan: &Plan,
    package: &Package,
    journal: &mut MemoryJournal,
) -> Result<Outcome, Fault> {
    rollout::run(plan, package, target, journal, &Cancel::new(), &NoProgress)
}

/// Does it, with `point` called on the way.
fn go(desk: &Desk, journal: MemoryJournal, doing: Doing, point: &Arc<dyn FaultPoint>) -> Result<Outcome, Fault> {
    let connector = FaultyConnector::new(desk.target.clone(), point.clone());
    let fresh = if matches!(doing, Doing::Undeploy) { journal } else { MemoryJournal::new() };
    let mut journal = FaultyJournal::new(fresh, point.clone(), None);
    let (never, plan) = (Cancel::new(), plan(desk, 2, ANN));
    match doing {
        Doing::Deploy => rollout::run(&plan, &desk.package(2), &connector, &mut journal, &never, &NoProgress),
        Doing::RollBack => rollback::run(&plan, &connector, &mut journal, &never, &NoProgress),
        Doing::Undeploy => undeploy::run(&connector, &mut journal, &never, &NoProgress),
    }
}

/// Ann falls asleep at a point, ben takes over and deploys version 3, and ann wakes.
fn asleep_at(name: &str, doing: Doing) -> (Desk, Result<Outcome, Fault>) {
    let (desk, journal) = hers();
    let (target, theirs, package) = (desk.target.clone(), plan(&desk, 3, BEN), desk.package(3));
    let (at, slept) = (name.to_owned(), AtomicBool::new(false));
    let point: Arc<dyn FaultPoint> = Arc::new(move |point: &str| {
        if point == at && !slept.swap(true, Ordering::SeqCst) {
            target.with(|world| world.clock += 125);
            deploy(&target, &theirs, &package, &mut MemoryJournal::new()).expect("taken over");
        }
    });
    let woken = go(&desk, journal, doing, &point);
    (desk, woken)
}

/// Wherever it is asleep between taking the lock and giving it back, it changes nothing when it wakes.
fn changes_nothing(doing: Doing) {
    let points = all_points(|point| {
        let (desk, journal) = hers();
        go(&desk, journal, doing, &point).expect("not asleep");
    });
    let taken = points.iter().position(|point| point.contains("link-new")).expect("it takes the lock");
    let given_back = points.iter().rposition(|point| point.contains(":before:remove")).expect("it gives it back");
    // A link is replaced right after the look at the lock, and names a tool by its digest.
    let asleep = |point: &&String| point.contains(":before:") && !point.contains("link") || point.ends_with(":after");
    for name in points[taken..=given_back].iter().filter(asleep) {
        let (desk, woken) = asleep_at(name, doing);
        let world = desk.target.snapshot();
        assert_eq!((world.live, world.staged), (Some(desk.hex(3)), None), "{name}: {woken:?}");
        assert_eq!(world.links["current"], format!("versions/{}", desk.hex(3)), "{name}");
        assert!(!world.links.contains_key("run/rollout.lock"), "{name}");
        let note = String::from_utf8_lossy(&world.files["run/deployed.json"]).into_owned();
        assert!(note.contains(&format!(r#""by":"{BEN}""#)), "{name}: {note}");
    }
}

#[test]
fn a_deployment_that_wakes_too_late_changes_nothing() {
    changes_nothing(Doing::Deploy);
}

#[test]
fn a_rollback_that_wakes_too_late_changes_nothing() {
    changes_nothing(Doing::RollBack);
}

#[test]
fn an_undeploy_that_wakes_too_late_changes_nothing() {
    changes_nothing(Doing::Undeploy);
}

#[test]
fn a_stop_that_wakes_too_late_says_who_has_taken_over_and_why() {
    let (desk, woken) = asleep_before("ctl-stop", Doing::Undeploy);
    let fault = woken.expect_err("it is ben's");
    assert_eq!(fault.kind, FaultKind::Policy);
    let said = "another desk, ben on south, has taken over the double, as this one gave no sign of life for 125 s; \
                nothing more was done there";
    assert!(fault.message.ends_with(said), "{fault:?}");
    assert!(fault.hints.iter().any(|hint| hint.contains("modeldesk target check edge")), "{fault:?}");
    assert!(desk.target.snapshot().running);
    let (_desk, woken) = asleep_before("ctl-stage", Doing::Deploy);
    let fault = woken.expect_err("it is ben's");
    assert!(fault.message.contains("step `Stage version` failed") && fault.message.ends_with(said), "{fault:?}");
}

fn asleep_before(what: &str, doing: Doing) -> (Desk, Result<Outcome, Fault>) {
    let points = all_points(|point| {
        let (desk, journal) = hers();
        go(&desk, journal, doing, &point).expect("not asleep");
    });
    let name = points.iter().find(|point| point.ends_with(&format!("before:{what}"))).expect("it does that");
    asleep_at(name, doing)
}

#[test]
fn what_somebody_left_staged_is_ended_by_the_next_rollout_of_any_version() {
    let desk = Desk::with_one();
    for number in [1, 2] {
        desk.deploy(1).expect("live");
        desk.target.with(|world| world.staged = Some("ab".repeat(32)));
        assert_eq!(desk.deploy(number).expect("live").state, DeploymentState::Live);
        assert_eq!(desk.target.snapshot().staged, None, "{number}");
    }
}
