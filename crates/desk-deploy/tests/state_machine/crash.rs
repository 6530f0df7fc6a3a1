//! A process that ends at any point of a rollout, and what takes it up.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use desk_core::state::DeploymentState;
use desk_core::{Cancel, Fault, NoProgress};
use desk_deploy::FileJournal;
use desk_deploy::faults::{FaultPoint, FaultyConnector, FaultyJournal};
use desk_deploy::rollout::{self, Outcome};
use desk_deploy::testing::{World, WrongOn};
use parking_lot::Mutex;

use crate::desk::Desk;

/// Unwinds at one point, as if the process had ended there.
pub struct CrashAt(pub String);

impl FaultPoint for CrashAt {
    fn at(&self, point: &str) {
        if point == self.0 {
            resume_unwind(Box::new("crashed"));
        }
    }
}

/// One rollout of version 2 that is stopped at `point`; the journal's file stays.
fn crash(desk: &Desk, journal: &std::path::Path, point: &Arc<dyn FaultPoint>, torn_at: Option<usize>) -> bool {
    let file = FileJournal::open(journal).expect("opens");
    let mut journal = FaultyJournal::new(file, point.clone(), torn_at);
    let connector = FaultyConnector::new(desk.target.clone(), point.clone());
    let (plan, package) = (desk.plan(2), desk.package(2));
    catch_unwind(AssertUnwindSafe(|| {
        rollout::run(&plan, &package, &connector, &mut journal, &Cancel::new(), &NoProgress).expect("not crashed")
    }))
    .is_err()
}

pub fn all_points(run: impl FnOnce(Arc<dyn FaultPoint>)) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    run(Arc::new(move |point: &str| note.lock().push(point.to_owned())));
    seen.lock().clone()
}

/// The write that is to be torn when the point is within one.
pub fn torn_at(point: &str) -> Option<usize> {
    point.strip_prefix("journal:")?.strip_suffix(":within")?.parse().ok()
}

/// Exactly one of "live and proven" and "the former version serves, as before".
fn check_end(desk: &Desk, before: &World, outcome: Option<&Outcome>, point: &str) {
    let world = desk.serving();
    assert!(!world.links.contains_key("run/rollout.lock"), "{point}: locked");
    match outcome.map(|outcome| outcome.state) {
        Some(DeploymentState::Live) => {
            assert_eq!(world.live, Some(desk.hex(2)), "{point}");
            assert_eq!(world.links["current"], format!("versions/{}", desk.hex(2)), "{point}");
            assert!(outcome.and_then(|outcome| outcome.parity.as_ref()).is_some_and(|parity| parity.ok), "{point}");
        }
        // No entry at all: the rollout was never asked for.
        Some(DeploymentState::Undone) | None => assert_eq!(&world, before, "{point}"),
        other => panic!("{point}: {other:?}"),
    }
}

pub fn recover(desk: &Desk, path: &std::path::Path) -> Result<Option<Outcome>, Fault> {
    rollout::recover(&desk.target, &mut FileJournal::open(path).expect("opens"), &NoProgress)
}

#[test]
fn a_crash_anywhere_ends_live_or_undone() {
    let points = all_points(|point| {
        let desk = Desk::with_one();
        crash(&desk, &desk.folder.path().join("journal"), &point, None);
    });
    assert!(points.len() > 60, "{points:?}");
    let (mut live, mut undone) = (0, 0);
    let desk = Desk::with_one();
    let start = desk.target.snapshot();
    let before = desk.serving();
    let path = desk.folder.path().join("journal");
    for (i, name) in points.iter().enumerate() {
        let point: Arc<dyn FaultPoint> = Arc::new(CrashAt(name.clone()));
        assert!(crash(&desk, &path, &point, torn_at(name)), "{name} was not reached");
        let outcome = recover(&desk, &path).expect("recovers");
        check_end(&desk, &before, outcome.as_ref(), name);
        match outcome.map(|outcome| outcome.state) {
            Some(DeploymentState::Live) => live += 1,
            _ => undone += 1,
        }
        // Recovering again changes nothing more.
        let again = recover(&desk, &path).expect("recovers");
        check_end(&desk, &before, again.as_ref(), name);
        if i % 10 == 0 {
            desk.deploy(2).expect("the next one works");
        }
        desk.target.with(|world| *world = start.clone());
        std::fs::remove_file(&path).expect("removed");
    }
    assert!(live > 5 && undone > 50, "{live} {undone}");
}

#[test]
fn a_crash_while_recovering_from_a_crash_is_recovered_from() {
    // The worst place: switched, not yet verified.
    let points = all_points(|point| {
        let desk = Desk::with_one();
        crash(&desk, &desk.folder.path().join("journal"), &point, None);
    });
    let at = points.into_iter().find(|point| point.ends_with("after:ctl-switch")).expect("it switches");
    let desk = Desk::with_one();
    let path = desk.folder.path().join("journal");
    let before = desk.serving();
    let start: Arc<dyn FaultPoint> = Arc::new(CrashAt(at));
    assert!(crash(&desk, &path, &start, None));
    let (world, entries) = (desk.target.snapshot(), std::fs::read(&path).expect("there"));
    let restore = || {
        desk.target.with(|now| *now = world.clone());
        std::fs::write(&path, &entries).expect("written");
    };
    let run = |point: &Arc<dyn FaultPoint>, torn: Option<usize>| {
        let mut journal = FaultyJournal::new(FileJournal::open(&path).expect("opens"), point.clone(), torn);
        let connector = FaultyConnector::new(desk.target.clone(), point.clone());
        catch_unwind(AssertUnwindSafe(|| rollout::recover(&connector, &mut journal, &NoProgress).expect("recovers")))
            .is_err()
    };
    let points = all_points(|point| {
        run(&point, None);
    });
    assert!(points.iter().any(|point| point.contains("ctl-switch")), "{points:?}");
    for name in &points {
        restore();
        assert!(run(&(Arc::new(CrashAt(name.clone())) as Arc<dyn FaultPoint>), torn_at(name)), "{name}");
        let outcome = recover(&desk, &path).expect("recovers");
        assert_eq!(outcome.as_ref().map(|outcome| outcome.state), Some(DeploymentState::Undone), "{name}");
        check_end(&desk, &before, outcome.as_ref(), name);
    }
}

#[test]
fn undoing_that_fails_is_said_and_goes_on_later() {
    let desk = Desk::with_one();
    let before = desk.serving();
    let path = desk.folder.path().join("journal");
    desk.target.with(|world| {
        world.wrong.insert((desk.hex(2), WrongOn::Staged));
        world.failing.insert("ctl-unstage".to_owned());
    });
    let (plan, package) = (desk.plan(2), desk.package(2));
    let mut journal = FileJournal::open(&path).expect("opens");
    let fault =
        rollout::run(&plan, &package, &desk.target, &mut journal, &Cancel::new(), &NoProgress).expect_err("must fail");
    assert!(fault.message.contains("undoing is not finished"), "{fault}");
    assert!(fault.details.iter().any(|detail| detail.contains("undoing failed")), "{fault:?}");
    drop(journal);
    let outcome = recover(&desk, &path).expect("recovers").expect("some");
    assert_eq!(outcome.state, DeploymentState::Undone);
    let mut after = desk.serving();
    after.wrong.clear();
    assert_eq!(after, before);
}
