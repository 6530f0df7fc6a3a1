//! Targets, credentials, deployments and the rollout journal.

use desk_core::state::DeploymentState as State;
use desk_core::{Parity, Tolerance};
use desk_store::{Begun, DeploymentChange, DeploymentFilter, NewDeployment, NewTarget, Owner, Store, StoreError};
use serde_json::json;

use crate::jobs::elsewhere;
use crate::{TestStore, add, name};

fn target(name: &str) -> NewTarget {
    NewTarget {
        name: name.into(),
        kind: "ssh".into(),
        config: json!({ "host": "edge" }),
        credential: Some("key".into()),
    }
}

fn plan(store: &Store, content: &str) -> String {
    let version = add(store, "churn", content);
    let new = NewDeployment {
        target: "edge".into(),
        model: version.model.clone(),
        number: version.number,
        version: version.digest,
        plan: json!({ "strategy": "replace" }),
    };
    store.create_deployment(&new).expect("planned").id
}

#[test]
fn of_two_that_begin_one_gets_the_target_until_it_gives_it_back_or_its_lease_ends() {
    let t = TestStore::new();
    t.store.add_target(&target("edge")).expect("added");
    let version = add(&t.store, "churn", "one");
    let new = NewDeployment {
        target: "edge".into(),
        model: version.model.clone(),
        number: version.number,
        version: version.digest,
        plan: json!({}),
    };
    let begin = |owner: &Owner| t.store.begin_deployment(&new, owner, 30).expect("asks");
    let Begun::Mine(first) = begin(&elsewhere(1)) else { panic!("nobody has it") };
    assert_eq!(first.owner, Some(elsewhere(1)));
    assert_eq!(begin(&elsewhere(2)), Begun::Busy(first.clone()));
    assert_eq!(t.store.list_deployments(&DeploymentFilter::default(), 9).expect("lists").len(), 1, "no row is left");
    t.store.release_deployment(&first.id, &elsewhere(1)).expect("given back");
    let Begun::Mine(second) = begin(&elsewhere(2)) else { panic!("it was given back") };
    t.clock.advance_secs(31);
    assert!(matches!(begin(&elsewhere(1)), Begun::Mine(_)), "its lease has ended");
    assert_eq!(second.revision, 2);
}

#[test]
fn a_revision_number_is_that_of_a_deployment_that_began() {
    let t = TestStore::new();
    t.store.add_target(&target("edge")).expect("added");
    let revision = |id: &str| t.store.get_deployment(id).expect("found").revision;
    let refused = || DeploymentChange { never_began: true, ..to(State::Undone) };
    let one = plan(&t.store, "one");
    assert_eq!(revision(&one), 1);
    t.store.update_deployment(&one, &refused()).expect("refused");
    t.store.update_deployment(&one, &refused()).expect("told again");
    let two = plan(&t.store, "two");
    assert_eq!((revision(&one), revision(&two)), (0, 1));
    t.store.update_deployment(&two, &refused()).expect("refused");
    let three = plan(&t.store, "three");
    t.store.update_deployment(&three, &to(State::Live)).expect("live");
    let four = plan(&t.store, "four");
    assert_eq!([&one, &two, &three, &four].map(|id| revision(id)), [0, 0, 1, 2]);
}

#[test]
fn the_newest_deployment_is_the_one_that_was_planned_last_whatever_the_clock_said() {
    let t = TestStore::new();
    t.store.add_target(&target("edge")).expect("added");
    let first = plan(&t.store, "one");
    t.clock.set_back_secs(3600);
    let second = plan(&t.store, "two");
    let all = t.store.list_deployments(&DeploymentFilter::default(), 9).expect("lists");
    assert_eq!(all.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [second.as_str(), first.as_str()]);
    let open = t.store.open_deployments().expect("lists");
    assert_eq!(open.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [first.as_str(), second.as_str()]);
    // A lease that was given by a clock that was a year ahead is not waited for.
    t.clock.advance_secs(365 * 86_400);
    assert!(t.store.claim_deployment(&second, &elsewhere(1), 30).expect("taken"));
    t.clock.set_back_secs(365 * 86_400);
    assert!(t.store.claim_deployment(&second, &elsewhere(2), 30).expect("taken over"));
    // One that is held by a process that is seen to live stays its own.
    assert!(t.store.claim_deployment(&first, t.store.owner(), 30).expect("taken"));
    t.clock.advance_secs(365 * 86_400);
    assert!(!t.store.claim_deployment(&first, &elsewhere(2), 30).expect("asks"));
}

fn to(state: State) -> DeploymentChange {
    DeploymentChange { state: Some(state), ..Default::default() }
}

#[test]
fn targets_and_credentials_protect_each_other() {
    let t = TestStore::new();
    t.store.put_credential("key", "ssh-key", "keyring").expect("stored");
    t.store.add_target(&target("edge")).expect("added");
    assert!(matches!(t.store.add_target(&target("edge")), Err(StoreError::NameTaken { .. })));
    assert_eq!(t.store.get_credential("key").expect("found").used_by, ["edge"]);
    assert!(matches!(t.store.remove_credential("key"), Err(StoreError::InUse { .. })));
    let known = t.store.set_known_host("edge", Some("ssh-ed25519 AAAA")).expect("set");
    assert_eq!(known.known_host.as_deref(), Some("ssh-ed25519 AAAA"));
    let changed = t.store.update_target("edge", &json!({ "host": "other" }), None).expect("changed");
    assert_eq!((changed.config, changed.credential), (json!({ "host": "other" }), None));
    t.store.remove_credential("key").expect("nobody needs it");
    t.store.remove_target("edge").expect("removed");
    t.store.add_target(&target("edge")).expect("the name is free again");
    let StoreError::NotFound { near, .. } = t.store.get_target("egde").expect_err("no such") else { panic!() };
    assert_eq!(near, ["edge"]);
}

#[test]
fn the_live_deployment_replaces_the_former_and_keeps_its_record() {
    let t = TestStore::new();
    t.store.add_target(&target("edge")).expect("added");
    let first = plan(&t.store, "one");
    t.store.update_deployment(&first, &to(State::Running)).expect("runs");
    let parity = Parity::compare(&[], &[], Tolerance::default());
    let live = DeploymentChange { url: Some("http://edge:8123".into()), parity: Some(parity), ..to(State::Live) };
    assert_eq!(t.store.update_deployment(&first, &live).expect("live").revision, 1);
    let second = plan(&t.store, "two");
    let row = t.store.get_deployment(&second).expect("found");
    assert_eq!((row.revision, row.was.as_deref()), (2, Some(first.as_str())));
    t.store.update_deployment(&second, &to(State::Live)).expect("live");
    assert_eq!(t.store.get_deployment(&first).expect("found").state, State::Superseded);
    let now = t.store.live_deployment("edge", &name("churn")).expect("asks").expect("one");
    assert_eq!(now.id, second);
    assert_eq!(t.store.get_model(&name("churn")).expect("found").live_deployments, 1);
    assert!(matches!(t.store.remove_target("edge"), Err(StoreError::InUse { .. })));
    let superseded = DeploymentFilter { state: Some(State::Superseded), ..Default::default() };
    assert_eq!(t.store.list_deployments(&superseded, 9).expect("lists").len(), 1);
    assert_eq!(t.store.list_deployments(&DeploymentFilter::default(), 9).expect("lists").len(), 2);
    assert!(t.store.verify_chain().expect("reads").ok);
}

#[test]
fn the_journal_keeps_order_and_survives_reopening() {
    let t = TestStore::new();
    t.store.add_target(&target("edge")).expect("added");
    let id = plan(&t.store, "one");
    for (i, step) in ["push", "push", "start"].iter().enumerate() {
        assert_eq!(t.store.journal_append(&id, step, &json!({ "n": i })).expect("appends"), i as u64 + 1);
    }
    assert!(matches!(t.store.journal_append("no such", "x", &json!({})), Err(StoreError::NotFound { .. })));
    let again = Store::open(t.home.path()).expect("opens");
    let rows = again.journal(&id).expect("reads");
    assert_eq!(rows.iter().map(|row| row.step.as_str()).collect::<Vec<_>>(), ["push", "push", "start"]);
    assert_eq!(rows[2].event, json!({ "n": 2 }));
}

#[test]
fn of_two_desks_one_recovers_an_open_deployment() {
    let t = TestStore::new();
    t.store.add_target(&target("edge")).expect("added");
    let id = plan(&t.store, "one");
    let elsewhere = |pid| Owner { pid, started: 1, place: "another machine/its boot/".into() };
    let (a, b) = (elsewhere(1), elsewhere(2));
    assert_eq!(t.store.open_deployments().expect("lists").len(), 1);
    assert_eq!(t.store.claim_open_deployments(&a, 30).expect("claims").len(), 1);
    assert!(t.store.claim_open_deployments(&b, 30).expect("claims").is_empty());
    assert!(!t.store.claim_deployment(&id, &b, 30).expect("asks"));
    t.clock.advance_secs(31);
    assert_eq!(t.store.claim_open_deployments(&b, 30).expect("claims").len(), 1, "the lease ran out");
    t.store.release_deployment(&id, &a).expect("not its own any more");
    assert!(!t.store.claim_deployment(&id, &a, 30).expect("asks"));
    t.store.release_deployment(&id, &b).expect("given back");
    assert!(t.store.claim_deployment(&id, &a, 30).expect("asks"));
    t.store.update_deployment(&id, &to(State::Undone)).expect("ended");
    assert!(t.store.open_deployments().expect("lists").is_empty());
}
