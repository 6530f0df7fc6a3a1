//! Rollouts against the in-memory target double: every step failing, every point crashing.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use desk_core::state::{DeploymentState, StepState};
use desk_core::{Cancel, Digest, Fault, FaultKind, NoProgress};
use desk_deploy::faults::{FaultPoint, FaultyConnector, FaultyJournal};
use desk_deploy::rollout::{self, Outcome, Plan, Step};
use desk_deploy::testing::{TargetDouble, World, WrongOn, double_package};
use desk_deploy::{Connector as _, FileJournal, Journal, MemoryJournal, Package, rollback, undeploy};
use parking_lot::Mutex;

/// A target double and packages for it.
struct Desk {
    target: TargetDouble,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { target: TargetDouble::new().expect("ports"), folder }
    }

    /// With version 1 deployed.
    fn with_one() -> Self {
        let desk = Self::new();
        desk.deploy(1).expect("deployed");
        desk
    }

    fn package(&self, number: u32) -> Package {
        double_package(self.folder.path(), number).expect("a package")
    }

    fn plan(&self, number: u32) -> Plan {
        self.plan_of(&self.package(number))
    }

    fn plan_of(&self, package: &Package) -> Plan {
        let number = package.number;
        let mut plan = Plan::new("edge", package.model.clone(), number, package.digest, u64::from(number));
        plan.numbers = (1..=9).filter(|n| *n != number).map(|n| (self.package(n).digest, n)).collect();
        plan
    }

    fn deploy(&self, number: u32) -> Result<Outcome, Fault> {
        let (plan, package) = (self.plan(number), self.package(number));
        rollout::run(&plan, &package, &self.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
    }

    fn hex(&self, number: u32) -> String {
        self.package(number).digest.hex()
    }

    fn roll_back(&self, number: u32) -> Result<Outcome, Fault> {
        rollback::run(&self.plan(number), &self.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
    }

    /// Changes a file of a version on the target.
    fn damage(&self, number: u32, file: &str) {
        let path = format!("versions/{}/{file}", self.hex(number));
        let damaged = self.target.with(|world| world.files.insert(path, b"damaged".to_vec()));
        assert!(damaged.is_some(), "{file} is not there");
    }

    #[track_caller]
    fn is_whole(&self, number: u32) {
        let folder = format!("versions/{}", self.hex(number));
        let world = self.target.snapshot();
        let manifest = &world.files[&format!("{folder}/manifest.json")];
        assert_eq!(Digest::of(manifest).hex(), self.hex(number));
        let text = String::from_utf8_lossy(&world.files[&format!("{folder}/files/model.onnx")]).into_owned();
        assert_eq!(text, format!("the weights of version {number}"));
    }

    fn versions(&self) -> Vec<String> {
        let connection = self.target.connect().expect("connects");
        connection.list("versions").expect("listed")
    }

    /// Everything that serving depends on; uploads that wait to be gone on with are not part of it.
    fn serving(&self) -> World {
        let mut world = self.target.snapshot();
        world.files.retain(|name, _| !name.contains(".part"));
        world.folders.clear();
        // Tools lie under their digests; more of them change nothing.
        world.files.retain(|name, _| !name.starts_with("bin/") && !name.starts_with("lib/"));
        world
    }
}

#[test]
fn deploys_replaces_rolls_back_and_tidies() {
    let desk = Desk::new();
    let first = desk.deploy(1).expect("live");
    assert_eq!((first.state, first.was, first.revision), (DeploymentState::Live, None, 1));
    assert!(first.steps.iter().all(|step| step.state == StepState::Done), "{:?}", first.steps);
    assert!(first.parity.expect("proven").ok);
    let second = desk.deploy(2).expect("live");
    assert_eq!(second.was, Some(desk.package(1).digest));

    let plan = desk.plan(1);
    let back = rollback::run(&plan, &desk.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress);
    assert_eq!(back.expect("live again").was, Some(desk.package(2).digest));
    assert_eq!(desk.target.snapshot().live, Some(desk.hex(1)));

    for number in 3..=5 {
        desk.deploy(number).expect("live");
    }
    let mut kept = vec![desk.hex(3), desk.hex(4), desk.hex(5)];
    kept.sort();
    assert_eq!(desk.versions(), kept, "the last three stay");
    let gone = rollback::run(&desk.plan(1), &desk.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress);
    let fault = gone.expect_err("version 1 was tidied away");
    assert!(fault.message.contains("not on") && fault.message.contains("version 5 is still serving"), "{fault}");
}

#[test]
fn deploying_the_live_version_again_proves_it_and_changes_nothing() {
    let desk = Desk::with_one();
    let before = desk.serving();
    let again = desk.deploy(1).expect("live");
    assert!(again.parity.expect("proven").ok);
    assert_eq!(desk.serving(), before);
}

#[track_caller]
fn fails_at(step: Step, break_it: impl FnOnce(&Desk, &mut World), says: &str) {
    let desk = Desk::with_one();
    let before = desk.serving();
    desk.target.with(|world| break_it(&desk, world));
    let mut journal = MemoryJournal::new();
    let (plan, package) = (desk.plan(2), desk.package(2));
    let fault =
        rollout::run(&plan, &package, &desk.target, &mut journal, &Cancel::new(), &NoProgress).expect_err("must fail");
    let outcome = Outcome::from_entries(&journal.entries().expect("read")).expect("sound").expect("some");
    let failed: Vec<Step> = outcome.steps.iter().filter(|s| s.state == StepState::Failed).map(|s| s.name).collect();
    assert_eq!(failed, [step], "{fault}");
    assert_eq!(outcome.state, DeploymentState::Undone, "{fault} {:?}", fault.details);
    let holds = if step == Step::Check { "nothing was changed on the target" } else { "version 1 is still serving" };
    for part in [says, "version 2 not deployed to edge", step.title(), holds] {
        assert!(fault.message.contains(part), "{part:?} is not in: {fault}");
    }
    assert!(!fault.hints.is_empty(), "{fault}");
    let mut after = desk.serving();
    (after.wrong, after.failing, after.free_bytes) = (before.wrong.clone(), before.failing.clone(), before.free_bytes);
    assert_eq!(after, before, "undone");
    assert!(!after.links.contains_key("run/rollout.lock"));
}

#[test]
fn each_step_that_fails_is_undone() {
    let fail = |operation: &'static str| {
        move |_: &Desk, world: &mut World| {
            world.failing.insert(operation.to_owned());
        }
    };
    fails_at(Step::Check, fail("link-new"), "the test wants it so");
    fails_at(Step::Upload, fail("put"), "the test wants it so");
    fails_at(Step::Upload, fail("rename"), "the test wants it so");
    fails_at(Step::Upload, |_, world| world.free_bytes = 1000, "no space left");
    fails_at(Step::Stage, fail("ctl-stage"), "the test wants it so");
    fails_at(Step::Health, fail("forward"), "the test wants it so");
    fails_at(Step::Switch, fail("ctl-switch"), "the test wants it so");
    let wrong = |on: WrongOn| {
        move |desk: &Desk, world: &mut World| {
            world.wrong.insert((desk.hex(2), on));
        }
    };
    fails_at(Step::Prove, wrong(WrongOn::Staged), "row 1: 3 instead of 2");
    fails_at(Step::Verify, wrong(WrongOn::Main), "row 1: 3 instead of 2");
}

#[test]
fn a_first_deployment_that_fails_leaves_nothing_running() {
    let desk = Desk::new();
    desk.target.with(|world| world.wrong.insert((desk.hex(1), WrongOn::Main)));
    let fault = desk.deploy(1).expect_err("must fail");
    assert!(fault.message.contains("nothing was serving before, and nothing is now"), "{fault}");
    let world = desk.serving();
    assert!(!world.running && world.live.is_none() && !world.links.contains_key("current"));
    assert!(!world.files.contains_key("serve.json"));
    assert!(desk.versions().is_empty());
}

#[test]
fn an_upload_that_breaks_goes_on_over_a_new_connection() {
    let desk = Desk::with_one();
    desk.target.with(|world| world.breaking.insert("put-half".to_owned()));
    desk.deploy(2).expect("live in spite of it");
    assert_eq!(desk.target.snapshot().live, Some(desk.hex(2)));
}

#[test]
fn a_connection_that_breaks_later_is_made_again_to_undo() {
    let desk = Desk::with_one();
    let before = desk.serving();
    desk.target.with(|world| world.breaking.insert("ctl-switch".to_owned()));
    let fault = desk.deploy(2).expect_err("must fail");
    assert!(fault.message.contains("version 1 is still serving"), "{fault}");
    assert_eq!(desk.serving(), before);
}

#[test]
fn a_cancel_between_steps_is_undone_and_is_no_failure() {
    let desk = Desk::with_one();
    let before = desk.serving();
    for at in Step::ALL {
        let cancel = Cancel::new();
        let stop = cancel.clone();
        let progress = move |progress: desk_core::Progress| {
            if progress.stage == at.title() {
                stop.cancel();
            }
        };
        let (plan, package) = (desk.plan(2), desk.package(2));
        let mut journal = MemoryJournal::new();
        let done = rollout::run(&plan, &package, &desk.target, &mut journal, &cancel, &progress);
        if at == Step::Tidy {
            // Too late: it is live and proven.
            done.expect("live");
            continue;
        }
        let fault = done.expect_err("cancelled");
        assert!(fault.is_cancelled(), "{fault}");
        assert_eq!(desk.serving(), before, "{at:?}");
        assert!(!desk.target.snapshot().files.keys().any(|name| name.contains(".part")), "{at:?}");
    }
}

#[test]
fn two_rollouts_at_a_time_are_refused() {
    let desk = Desk::with_one();
    desk.target.with(|world| world.links.insert("run/rollout.lock".to_owned(), "somebody-else".to_owned()));
    let fault = desk.deploy(2).expect_err("must be refused");
    assert!(fault.message.contains("another rollout (somebody-else)"), "{fault}");
    assert!(desk.target.snapshot().links.contains_key("run/rollout.lock"), "not ours to remove");
}

#[test]
fn another_model_or_another_port_in_the_folder_is_refused() {
    let desk = Desk::with_one();
    let other = r#"{"host":"127.0.0.1","port":1,"model":"other"}"#;
    desk.target.with(|world| world.files.insert("serve.json".to_owned(), other.into()));
    let fault = desk.deploy(2).expect_err("must be refused");
    assert!(fault.message.contains("serves model `other` already"), "{fault}");
}

#[test]
fn a_package_that_contradicts_itself_is_refused_before_anything_is_touched() {
    let desk = Desk::new();
    let check = |change: &dyn Fn(&mut Package), says: &str| {
        let mut package = desk.package(1);
        change(&mut package);
        let mut plan = desk.plan(1);
        plan.digest = package.digest;
        let fault = rollout::run(&plan, &package, &desk.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
            .expect_err("must be refused");
        assert!(fault.message.contains(says), "{fault}");
    };
    check(&|package| package.digest = Digest::of("x"), "digest");
    check(&|package| package.golden.rows = 1, "golden rows' digest");
    check(&|package| package.files.clear(), "missing");
    check(
        &|package| {
            package.manifest.files[0].size += 1;
            package.files[0].0.size += 1;
            package.digest = package.manifest.seal().1;
        },
        "bytes instead of",
    );
    assert!(desk.target.snapshot().files.is_empty());
}

/// Unwinds at one point, as if the process had ended there.
struct CrashAt(String);

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

fn all_points(run: impl FnOnce(Arc<dyn FaultPoint>)) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    run(Arc::new(move |point: &str| note.lock().push(point.to_owned())));
    seen.lock().clone()
}

/// The write that is to be torn when the point is within one.
fn torn_at(point: &str) -> Option<usize> {
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

fn recover(desk: &Desk, path: &std::path::Path) -> Result<Option<Outcome>, Fault> {
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

const MODEL: &str = "files/model.onnx";

#[test]
fn a_damaged_version_is_repaired_by_deploying_it_again() {
    for file in [MODEL, "manifest.json", "golden.json"] {
        let desk = Desk::with_one();
        desk.deploy(2).expect("live");
        desk.damage(1, file);
        let outcome = desk.deploy(1).unwrap_or_else(|fault| panic!("{file}: {fault:?}"));
        desk.is_whole(1);
        assert_eq!(desk.target.snapshot().live, Some(desk.hex(1)));
        let note = outcome.steps[Step::Upload as usize].note.clone().expect("a note");
        assert!(note.starts_with("1 damaged file was replaced"), "{note}");
        assert!(!desk.versions().iter().any(|name| name.contains("part")));
    }
    // Also when it is the live one, which does not load any more.
    let desk = Desk::with_one();
    desk.damage(1, MODEL);
    desk.target.with(|world| world.broken = true);
    desk.deploy(1).expect("live");
    desk.is_whole(1);
    assert!(!desk.target.snapshot().broken);
}

#[test]
fn a_damaged_version_is_rolled_back_to_where_the_desk_has_its_bytes() {
    for file in [MODEL, "manifest.json", "golden.json"] {
        let desk = Desk::with_one();
        desk.deploy(2).expect("live");
        desk.damage(1, file);
        let fault = desk.roll_back(1).expect_err("nobody has the bytes");
        assert!(fault.message.contains("version 2 is still serving"), "{fault}");
        desk.target.keep_here(desk.package(1));
        desk.roll_back(1).unwrap_or_else(|fault| panic!("{file}: {fault:?}"));
        desk.is_whole(1);
        assert_eq!(desk.target.snapshot().live, Some(desk.hex(1)));
    }
}

#[test]
fn undoing_brings_a_damaged_former_version_again() {
    let desk = Desk::with_one();
    let before = desk.serving();
    desk.target.keep_here(desk.package(1));
    desk.damage(1, MODEL);
    desk.target.with(|world| world.wrong.insert((desk.hex(2), WrongOn::Main)));
    let fault = desk.deploy(2).expect_err("must fail");
    assert!(fault.message.contains("version 1 is still serving"), "{fault}");
    let mut after = desk.serving();
    after.wrong.clear();
    assert_eq!(after, before);
}

/// Deploys version 2 and cancels within its last step; version 1 is damaged and nobody has its bytes.
fn cancel_with_a_damaged_former(desk: &Desk, journal: &mut dyn Journal) -> Result<Outcome, Fault> {
    desk.damage(1, MODEL);
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let progress = move |progress: desk_core::Progress| {
        if progress.stage == Step::Verify.title() {
            stop.cancel();
        }
    };
    rollout::run(&desk.plan(2), &desk.package(2), &desk.target, journal, &cancel, &progress)
}

#[test]
fn a_version_stays_when_the_former_one_cannot_serve_any_more() {
    let desk = Desk::with_one();
    let outcome = cancel_with_a_damaged_former(&desk, &mut MemoryJournal::new()).expect("live");
    assert_eq!(outcome.state, DeploymentState::Live);
    assert!(outcome.parity.is_some_and(|parity| parity.ok));
    let note = outcome.steps[Step::Verify as usize].note.clone().expect("a note");
    assert!(note.contains("version 1 cannot serve any more"), "{note}");
    let world = desk.target.snapshot();
    assert_eq!((&world.live, world.running), (&Some(desk.hex(2)), true));
    assert!(!world.links.contains_key("run/rollout.lock"));
    desk.deploy(3).expect("the next one works");
}

#[test]
fn what_can_be_neither_undone_nor_proven_is_said_and_can_be_given_up() {
    let desk = Desk::with_one();
    let mut journal = MemoryJournal::new();
    desk.target.with(|world| world.wrong.insert((desk.hex(2), WrongOn::Main)));
    let fault = cancel_with_a_damaged_former(&desk, &mut journal).expect_err("must fail");
    let details = fault.details.join("; ");
    for part in ["version 2 still serves", "is not proven", "version 1 cannot serve any more", "damaged"] {
        assert!(details.contains(part), "{part:?} is not in: {details}");
    }
    assert_eq!(desk.target.snapshot().live, Some(desk.hex(2)), "something serves");
    let again = rollout::recover(&desk.target, &mut journal, &NoProgress).expect_err("nothing has changed");
    let given_up = rollout::abandon(&desk.target, &mut journal, again).expect("given up").expect("some");
    assert_eq!(given_up.state, DeploymentState::Undone);
    let once_more = rollout::recover(&desk.target, &mut journal, &NoProgress).expect("at its end").expect("some");
    assert_eq!(once_more.state, DeploymentState::Undone);
    desk.deploy(3).expect("the next one works");
    // With the bytes at hand it would not have come to that.
    let desk = Desk::with_one();
    let mut journal = MemoryJournal::new();
    desk.target.with(|world| world.wrong.insert((desk.hex(2), WrongOn::Main)));
    cancel_with_a_damaged_former(&desk, &mut journal).expect_err("must fail");
    desk.target.keep_here(desk.package(1));
    let undone = rollout::recover(&desk.target, &mut journal, &NoProgress).expect("undone").expect("some");
    assert_eq!(undone.state, DeploymentState::Undone);
    assert_eq!(desk.target.snapshot().live, Some(desk.hex(1)));
    desk.is_whole(1);
}

#[test]
fn a_live_version_that_does_not_answer_is_in_nobodys_way() {
    let desk = Desk::with_one();
    desk.damage(1, MODEL);
    desk.target.with(|world| {
        world.broken = true;
        world.wrong.insert((desk.hex(2), WrongOn::Staged));
    });
    let fault = desk.deploy(2).expect_err("must fail");
    assert!(!fault.message.contains("not finished"), "{fault}");
    desk.target.with(|world| world.wrong.clear());
    desk.deploy(2).expect("the next one works");
}

#[test]
fn damage_on_this_computer_is_the_inputs_fault() {
    let desk = Desk::with_one();
    let before = desk.serving();
    let package = desk.package(2);
    std::fs::write(&package.files[0].1, "the weights of version X").expect("damaged, of the same size");
    let mut journal = MemoryJournal::new();
    let fault =
        rollout::run(&desk.plan_of(&package), &package, &desk.target, &mut journal, &Cancel::new(), &NoProgress)
            .expect_err("must be refused");
    assert_eq!(fault.kind, FaultKind::Input, "{fault:?}");
    assert!(fault.message.contains("not what was imported"), "{fault}");
    assert!(fault.hints.iter().any(|hint| hint.contains("modeldesk verify")), "{fault:?}");
    assert_eq!(desk.serving(), before);
}

#[test]
fn the_holder_of_the_lock_is_named_alike_everywhere() {
    let desk = Desk::with_one();
    desk.target.with(|world| world.links.insert("run/rollout.lock".to_owned(), "somebody-else".to_owned()));
    for fault in [desk.deploy(2).expect_err("locked"), desk.roll_back(1).expect_err("locked")] {
        assert_eq!(fault.kind, FaultKind::Target, "{fault:?}");
        assert!(fault.hints.iter().any(|hint| hint.contains("run/rollout.lock")), "{fault:?}");
    }
}

#[test]
fn one_version_is_a_version() {
    let outcome = Desk::new().deploy(1).expect("live");
    assert_eq!(outcome.steps[Step::Tidy as usize].note.as_deref(), Some("1 version kept, 0 removed"));
}

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
    let stopped = undeploy::run(&desk.target, &mut journal).expect("stopped");
    assert_eq!(stopped.state, DeploymentState::Stopped);
    let world = desk.target.snapshot();
    assert!(!world.running && !world.links.contains_key("current") && !world.links.contains_key("run/rollout.lock"));
    assert_eq!(desk.versions(), [desk.hex(1)], "its files stay");
    let again = undeploy::run(&desk.target, &mut journal).expect("is stopped");
    assert_eq!(again.state, DeploymentState::Stopped);
    assert_eq!(desk.target.snapshot(), world);
    desk.deploy(1).expect("live again");
}

#[test]
fn taking_down_is_refused_while_another_rollout_is_under_way_and_when_nothing_is_live() {
    let (desk, path) = deployed();
    let mut journal = FileJournal::open(&path).expect("opens");
    desk.target.with(|world| world.links.insert("run/rollout.lock".to_owned(), "somebody-else".to_owned()));
    let fault = undeploy::run(&desk.target, &mut journal).expect_err("locked");
    assert!(fault.message.contains("another rollout (somebody-else)"), "{fault}");
    desk.target.with(|world| {
        world.links.remove("run/rollout.lock");
        world.failing.insert("ctl-stop".to_owned());
    });
    let fault = undeploy::run(&desk.target, &mut journal).expect_err("does not stop");
    assert!(fault.message.contains("could not be stopped"), "{fault}");
    let outcome = Outcome::from_entries(&journal.entries().expect("read")).expect("sound").expect("some");
    assert_eq!(outcome.state, DeploymentState::Live);
    undeploy::run(&desk.target, &mut journal).expect("stopped");

    let mut undone = MemoryJournal::new();
    desk.target.with(|world| world.failing.insert("put".to_owned()));
    rollout::run(&desk.plan(2), &desk.package(2), &desk.target, &mut undone, &Cancel::new(), &NoProgress)
        .expect_err("fails");
    let fault = undeploy::run(&desk.target, &mut undone).expect_err("is not live");
    assert!(fault.message.contains("not live"), "{fault}");
}

#[test]
fn a_crash_anywhere_while_taking_down_is_gone_on_from() {
    let run = |desk: &Desk, path: &std::path::Path, point: &Arc<dyn FaultPoint>, torn: Option<usize>| {
        let mut journal = FaultyJournal::new(FileJournal::open(path).expect("opens"), point.clone(), torn);
        let connector = FaultyConnector::new(desk.target.clone(), point.clone());
        catch_unwind(AssertUnwindSafe(|| undeploy::run(&connector, &mut journal).expect("stops"))).is_err()
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
        let stopped = undeploy::run(&desk.target, &mut FileJournal::open(&path).expect("opens")).expect("stops");
        assert_eq!(stopped.state, DeploymentState::Stopped, "{name}");
        let world = desk.target.snapshot();
        assert!(!world.running && !world.links.contains_key("run/rollout.lock"), "{name}");
        desk.deploy(2).expect("the next one works");
    }
}

#[test]
fn a_server_that_comes_up_while_it_is_asked_is_asked_again() {
    let desk = Desk::with_one();
    desk.target.with(|world| world.starting = 3);
    desk.deploy(2).expect("live");
    assert_eq!(desk.target.snapshot().live, Some(desk.hex(2)));
}

/// A machine that is switched off.
struct SwitchedOff;

impl desk_deploy::Connector for SwitchedOff {
    fn connect(&self) -> Result<Box<dyn desk_deploy::Remote>, Fault> {
        Err(Fault::new(FaultKind::Target, "cannot reach edge"))
    }

    fn serve_port(&self) -> u16 {
        1
    }

    fn address(&self) -> String {
        "edge".to_owned()
    }
}

#[test]
fn a_target_that_was_never_reached_leaves_nothing_to_undo() {
    let desk = Desk::new();
    let (plan, package) = (desk.plan(1), desk.package(1));
    let mut journal = MemoryJournal::new();
    let fault = rollout::run(&plan, &package, &SwitchedOff, &mut journal, &Cancel::new(), &NoProgress);
    let fault = fault.expect_err("it is switched off");
    assert!(fault.message.contains("cannot reach edge") && !fault.message.contains("not finished"), "{fault:?}");
    let outcome = rollout::recover(&SwitchedOff, &mut journal, &NoProgress).expect("has ended").expect("an outcome");
    assert_eq!(outcome.state, DeploymentState::Undone);
}
