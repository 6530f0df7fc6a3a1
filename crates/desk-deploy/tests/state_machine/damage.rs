//! Files that are not what they should be, here or on the target.

use desk_core::state::DeploymentState;
use desk_core::{Cancel, Fault, FaultKind, NoProgress};
use desk_deploy::rollout::{self, Outcome, Step};
use desk_deploy::testing::WrongOn;
use desk_deploy::{Journal, MemoryJournal};

use crate::desk::Desk;

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
