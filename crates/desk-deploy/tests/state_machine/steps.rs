//! Every step: done, failing, cancelled, refused.

use desk_core::state::{DeploymentState, StepState};
use desk_core::{Cancel, Digest, Fault, FaultKind, NoProgress};
use desk_deploy::rollout::{self, Outcome, Step};
use desk_deploy::testing::{World, WrongOn};
use desk_deploy::{Journal, MemoryJournal, Package, rollback};

use crate::desk::Desk;

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
    assert!(fault.message.contains("another desk is changing the double: somebody-else"), "{fault}");
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

#[test]
fn the_holder_of_the_lock_is_named_alike_everywhere() {
    let desk = Desk::with_one();
    desk.target.with(|world| world.links.insert("run/rollout.lock".to_owned(), "somebody-else".to_owned()));
    for fault in [desk.deploy(2).expect_err("locked"), desk.roll_back(1).expect_err("locked")] {
        assert_eq!(fault.kind, FaultKind::Target, "{fault:?}");
        assert!(fault.hints.iter().any(|hint| hint.contains("taken over in 120 s")), "{fault:?}");
        assert!(!fault.hints.iter().any(|hint| hint.contains("rollout.lock")), "{fault:?}");
    }
}

#[test]
fn one_version_is_a_version() {
    let outcome = Desk::new().deploy(1).expect("live");
    assert_eq!(outcome.steps[Step::Tidy as usize].note.as_deref(), Some("1 version kept, 0 removed"));
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
