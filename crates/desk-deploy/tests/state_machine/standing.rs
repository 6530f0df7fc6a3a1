//! What stands on a target before a rollout: another desk's version, another signature, nothing to prove with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use desk_core::state::DeploymentState;
use desk_core::{
    Cancel, Dim, ElementType, Fault, FaultKind, Finding, NoProgress, Severity, TensorData, ValueInfo, ValueType,
};
use desk_deploy::faults::{FaultPoint, FaultyConnector};
use desk_deploy::rollout::{self, Outcome, Plan, Step};
use desk_deploy::testing::WrongOn;
use desk_deploy::{FileJournal, MemoryJournal, Package, Permissions, rollback, undeploy};

use crate::crash::{CrashAt, all_points};
use crate::desk::Desk;

/// The same package with another description or other golden rows.
fn changed(mut package: Package, change: impl FnOnce(&mut Package)) -> Package {
    change(&mut package);
    package.manifest.golden = Some(desk_core::Digest::of(serde_json::to_vec(&package.golden).expect("plain data")));
    package.digest = package.manifest.seal().1;
    package
}

fn with_columns(package: Package, columns: u64) -> Package {
    changed(package, |package| {
        let shape = Some(vec![Dim::Unknown, Dim::Fixed(columns)]);
        let value_type = ValueType::Tensor { element: ElementType::Float32, shape };
        package.manifest.description.signature.inputs = vec![ValueInfo { name: "x".to_owned(), value_type }];
    })
}

fn run(desk: &Desk, package: &Package, plan: &Plan) -> Result<Outcome, Fault> {
    rollout::run(plan, package, &desk.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
}

#[test]
fn what_would_break_clients_is_refused_before_the_upload_unless_allowed() {
    let desk = Desk::new();
    let (one, two) = (with_columns(desk.package(1), 30), with_columns(desk.package(2), 29));
    let mut plan = desk.plan_of(&two);
    plan.numbers.insert(one.digest, 1);
    run(&desk, &one, &desk.plan_of(&one)).expect("live");
    let before = desk.serving();
    let fault = run(&desk, &two, &plan).expect_err("must be refused");
    assert_eq!(fault.kind, FaultKind::Policy, "{fault:?}");
    for part in ["clients of version 1", "input `x` was float32 [?, 30] and is float32 [?, 29]"] {
        assert!(fault.message.contains(part), "{part:?} is not in: {fault}");
    }
    assert!(fault.hints.iter().any(|hint| hint.contains("--allow-signature-change")), "{fault:?}");
    assert_eq!(desk.serving(), before);

    plan.permissions.allow_signature_change = true;
    let outcome = run(&desk, &two, &plan).expect("allowed");
    let note = outcome.steps[Step::Check as usize].note.clone().expect("a note");
    assert!(note.contains("input `x`") && note.contains("allowed"), "{note}");
    // The way back is never barred.
    let back = rollback::run(&desk.plan_of(&one), &desk.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress);
    assert_eq!(back.expect("live again").state, DeploymentState::Live);
}

#[test]
fn a_version_that_cannot_be_proven_is_refused_unless_allowed_and_never_called_proven() {
    let desk = Desk::with_one();
    let nothing_finite = changed(desk.package(2), |package| {
        if let TensorData::Float32(values) = &mut package.golden.outputs[0].tensor.data {
            values.fill(f32::NAN);
        }
    });
    let random = changed(desk.package(2), |package| {
        let (code, message) = (desk_core::model::RANDOM_ANSWERS.to_owned(), "It draws".to_owned());
        package.manifest.description.findings = vec![Finding { severity: Severity::Warning, code, message }];
    });
    for (package, says) in [(&nothing_finite, "infinite or NaN"), (&random, "random numbers")] {
        let fault = run(&desk, package, &desk.plan_of(package)).expect_err("must be refused");
        assert_eq!(fault.kind, FaultKind::Policy, "{fault:?}");
        assert!(fault.message.contains("churn@2 cannot be proven") && fault.message.contains(says), "{fault}");
        assert!(fault.hints.iter().any(|hint| hint.contains("--allow-unproven")), "{fault:?}");
    }
    // The double answers 2 and 2.25, or 3 where it is wrong: of random answers only the form counts.
    desk.target.with(|world| world.wrong.insert((random.digest.hex(), WrongOn::Staged)));
    let plan =
        Plan { permissions: Permissions { allow_unproven: true, ..Permissions::default() }, ..desk.plan_of(&random) };
    let outcome = run(&desk, &random, &plan).expect("allowed");
    let note = outcome.steps[Step::Prove as usize].note.clone().expect("a note");
    assert!(note.starts_with("not proven: it draws random numbers"), "{note}");
    assert!(outcome.parity.is_some_and(|parity| parity.ok && !parity.proven()));
    // What can be proven has to be, allowed or not.
    desk.target.with(|world| world.wrong.insert((desk.hex(3), WrongOn::Staged)));
    let plan = Plan { permissions: Permissions { allow_unproven: true, ..Permissions::default() }, ..desk.plan(3) };
    run(&desk, &desk.package(3), &plan).expect_err("it answers otherwise");
}

/// A plan of a desk with a name.
fn plan_by(desk: &Desk, number: u32, by: &str) -> Plan {
    Plan { by: by.to_owned(), ..desk.plan(number) }
}

#[test]
fn what_another_desk_has_replaced_is_neither_rolled_back_nor_taken_down() {
    let desk = Desk::new();
    let path = desk.folder.path().join("journal");
    let mut journal = FileJournal::open(&path).expect("opens");
    let ours = plan_by(&desk, 1, "ana");
    rollout::run(&ours, &desk.package(1), &desk.target, &mut journal, &Cancel::new(), &NoProgress).expect("live");
    let before = desk.serving();
    let unasked = run(&desk, &desk.package(2), &plan_by(&desk, 2, "ben")).expect_err("ana's");
    assert_eq!((unasked.kind, desk.serving()), (FaultKind::Policy, before), "{unasked:?}");
    assert!(unasked.message.contains("deployed as churn@1 by ana"), "{unasked}");
    let asked =
        Plan { permissions: Permissions { replace_other: true, ..Permissions::default() }, ..plan_by(&desk, 2, "ben") };
    let theirs = run(&desk, &desk.package(2), &asked).expect("live");
    let note = theirs.steps[Step::Check as usize].note.clone().expect("a note");
    assert!(note.contains("version 1 serves, deployed as churn@1 by ana"), "{note}");

    let before = desk.serving();
    let mut back = plan_by(&desk, 1, "ana");
    back.expects = Some(desk.package(1).digest);
    let never = Cancel::new();
    let fault = rollback::run(&back, &desk.target, &mut MemoryJournal::new(), &never, &NoProgress);
    for fault in [
        fault.expect_err("refused"),
        undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect_err("refused"),
    ] {
        assert_eq!(fault.kind, FaultKind::Policy, "{fault:?}");
        assert!(fault.message.contains("serves version 2") && fault.message.contains("by ben"), "{fault}");
        assert!(!fault.hints.is_empty(), "{fault:?}");
    }
    assert_eq!(desk.serving(), before);
    let mut ours = plan_by(&desk, 1, "ben");
    ours.expects = Some(desk.package(2).digest);
    rollback::run(&ours, &desk.target, &mut MemoryJournal::new(), &never, &NoProgress).expect("ben's own");
}

/// A plan that takes the place of what another desk made live.
fn replacing(desk: &Desk, number: u32, by: &str) -> Plan {
    let permissions = Permissions { replace_other: true, ..Permissions::default() };
    Plan { permissions, ..plan_by(desk, number, by) }
}

/// Whose what is live is, as the target says.
fn owner(desk: &Desk) -> Option<String> {
    Some(desk_deploy::standing(&desk.target).expect("looked").deployed_by?.by)
}

#[test]
fn the_very_same_version_changes_hands_only_when_that_is_asked_for() {
    let desk = Desk::new();
    let mut journal = FileJournal::open(&desk.folder.path().join("journal")).expect("opens");
    let (package, never) = (desk.package(1), Cancel::new());
    rollout::run(&plan_by(&desk, 1, "ana"), &package, &desk.target, &mut journal, &never, &NoProgress).expect("live");
    let fault = run(&desk, &package, &plan_by(&desk, 1, "ben")).expect_err("ana's");
    assert_eq!((fault.kind, owner(&desk).as_deref()), (FaultKind::Policy, Some("ana")), "{fault:?}");
    // What is undone after it was noted is ana's as before.
    let (target, hex) = (desk.target.clone(), desk.hex(1));
    let spoiled: Arc<dyn FaultPoint> = Arc::new(move |_: &str| {
        target.with(|world| {
            let noted = world.files.get("run/deployed.json").map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            if noted.is_some_and(|noted| noted.contains("ben")) {
                world.wrong.insert((hex.clone(), WrongOn::Main));
            }
        });
    });
    let connector = FaultyConnector::new(desk.target.clone(), spoiled);
    let plan = replacing(&desk, 1, "ben");
    rollout::run(&plan, &package, &connector, &mut MemoryJournal::new(), &never, &NoProgress).expect_err("wrong");
    desk.target.with(|world| assert!(!std::mem::take(&mut world.wrong).is_empty(), "it was noted"));
    assert_eq!(owner(&desk).as_deref(), Some("ana"));

    run(&desk, &package, &replacing(&desk, 1, "ben")).expect("asked for");
    assert_eq!(owner(&desk).as_deref(), Some("ben"));
    let fault = run(&desk, &desk.package(2), &plan_by(&desk, 2, "ana")).expect_err("ben's");
    assert_eq!(fault.kind, FaultKind::Policy, "{fault:?}");
    let fault = undeploy::run(&desk.target, &mut journal, &never, &NoProgress).expect_err("ben's");
    assert_eq!(fault.kind, FaultKind::Policy, "{fault:?}");
    assert!(fault.message.contains("is another desk's now: deployed as churn@1 by ben"), "{fault}");
    assert!(fault.hints.iter().any(|hint| hint.contains("undeploy") && hint.contains("--replace-other")), "{fault:?}");
    assert!(desk.target.snapshot().running);
    let foreign = |number| undeploy::Foreign {
        target: "edge".to_owned(),
        by: "ana".to_owned(),
        found: undeploy::Found::Version(desk.package(number).digest),
    };
    let fault = undeploy::take_down(&foreign(2), &desk.target, &never, &NoProgress).expect_err("1 is live");
    assert!(fault.message.contains("serves version") && desk.target.snapshot().running, "{fault:?}");
    undeploy::take_down(&foreign(1), &desk.target, &never, &NoProgress).expect("asked for");
    assert!(!desk.target.snapshot().links.contains_key("run/rollout.lock"));
    assert!(!desk.target.snapshot().running);
}

#[test]
fn whose_a_version_is_holds_wherever_a_desk_dies() {
    let start = || {
        let desk = Desk::new();
        run(&desk, &desk.package(1), &plan_by(&desk, 1, "ana")).expect("live");
        desk
    };
    let die = |desk: &Desk, number: u32, point: &Arc<dyn FaultPoint>| {
        let connector = FaultyConnector::new(desk.target.clone(), point.clone());
        let (plan, package) = (replacing(desk, number, "ben"), desk.package(number));
        let mut journal = MemoryJournal::new();
        drop(catch_unwind(AssertUnwindSafe(|| {
            drop(rollout::run(&plan, &package, &connector, &mut journal, &Cancel::new(), &NoProgress));
        })));
    };
    let points = all_points(|point| die(&start(), 2, &point));
    for name in points {
        let desk = start();
        die(&desk, 2, &(Arc::new(CrashAt(name.clone())) as Arc<dyn FaultPoint>));
        let is_new = desk.target.snapshot().live == Some(desk.hex(2));
        assert_eq!(owner(&desk).as_deref(), Some(if is_new { "ben" } else { "ana" }), "{name}");
        // A third desk that goes back to what was there before takes it over by name, too.
        desk.target.with(|world| world.clock += 1_000);
        run(&desk, &desk.package(1), &replacing(&desk, 1, "eva")).expect("live");
        assert_eq!(owner(&desk).as_deref(), Some("eva"), "{name}");
    }
}

#[test]
fn a_folder_from_which_everything_was_taken_down_takes_another_model() {
    let desk = Desk::new();
    let mut journal = FileJournal::open(&desk.folder.path().join("journal")).expect("opens");
    let never = Cancel::new();
    rollout::run(&desk.plan(1), &desk.package(1), &desk.target, &mut journal, &never, &NoProgress).expect("live");
    let other = Package { model: "other".parse().expect("a name"), ..desk.package(2) };
    let fault = run(&desk, &other, &desk.plan_of(&other)).expect_err("one folder serves one model");
    assert!(fault.message.contains("serves model `churn` already"), "{fault}");
    undeploy::run(&desk.target, &mut journal, &Cancel::new(), &NoProgress).expect("stopped");
    let settings = |desk: &Desk| String::from_utf8_lossy(&desk.target.snapshot().files["serve.json"]).into_owned();
    assert!(settings(&desk).contains("churn"));
    run(&desk, &other, &desk.plan_of(&other)).expect("live");
    assert!(settings(&desk).contains("other"));
}
