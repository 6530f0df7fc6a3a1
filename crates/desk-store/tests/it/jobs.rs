//! Jobs: leases, progress, cancel, ends.

use desk_core::state::JobState;
use desk_core::{Fault, Progress};
use desk_store::{JobFilter, NewJob, Outcome, Owner, StoreError};
use serde_json::json;

use crate::TestStore;

fn job(title: &str) -> NewJob {
    NewJob {
        kind: "predict".into(),
        title: title.into(),
        command: json!({ "model": "churn" }),
        object: Some("churn".into()),
    }
}

/// An owner that cannot be seen from here, so that only its lease counts.
pub fn elsewhere(pid: u32) -> Owner {
    Owner { pid, started: 1, place: "another machine/its boot/".into() }
}

#[test]
fn a_job_runs_reports_and_ends() {
    let t = TestStore::new();
    let id = t.store.create_job(&job("Scoring")).expect("made");
    let me = t.store.owner();
    assert!(t.store.claim_job(&id, me, 30).expect("asks"));
    assert!(!t.store.update_progress(&id, &Progress::new("Scoring", 5, Some(10), "rows")).expect("reports"));
    let running = t.store.get_job(&id).expect("found");
    assert_eq!((running.state, running.attempts), (JobState::Running, 1));
    assert_eq!(running.progress.and_then(|p| p.fraction()), Some(0.5));
    t.store.finish_job(&id, &Outcome::Done(json!({ "rows": 10 }))).expect("ends");
    let done = t.store.get_job(&id).expect("found");
    assert_eq!((done.state, done.result, done.owner), (JobState::Done, Some(json!({ "rows": 10 })), None));
    let again = t.store.finish_job(&id, &Outcome::Cancelled).expect_err("ended");
    assert!(matches!(again, StoreError::WrongState { .. }), "{again:?}");
    assert!(!t.store.claim_job(&id, me, 30).expect("asks"), "it has ended");
    assert!(matches!(t.store.get_job("no such"), Err(StoreError::NotFound { .. })));
}

#[test]
fn leases_run_out_are_renewed_and_lost() {
    let t = TestStore::new();
    let id = t.store.create_job(&job("Scoring")).expect("made");
    let (a, b) = (elsewhere(1), elsewhere(2));
    assert!(t.store.claim_job(&id, &a, 30).expect("asks"));
    assert!(!t.store.claim_job(&id, &b, 30).expect("asks"));
    t.clock.advance_secs(20);
    assert!(t.store.claim_job(&id, &a, 30).expect("renews"));
    t.clock.advance_secs(20);
    assert!(t.store.orphans().expect("lists").is_empty());
    t.clock.advance_secs(20);
    assert_eq!(t.store.orphans().expect("lists").len(), 1);
    assert!(t.store.claim_job(&id, &b, 30).expect("asks"));
    assert!(!t.store.claim_job(&id, &a, 30).expect("asks"), "it belongs to another now");
}

#[test]
fn a_clock_that_jumps_neither_takes_what_is_held_nor_keeps_what_is_lost() {
    const YEAR: u32 = 365 * 86_400;
    let t = TestStore::new();
    let (me, other) = (t.store.owner().clone(), elsewhere(2));
    // A year forward: this process lives, and keeps what it took.
    let id = t.store.begin_job(&job("Scoring"), &me, 30).expect("made");
    t.clock.advance_secs(YEAR);
    assert!(!t.store.claim_job(&id, &other, 30).expect("asks"));
    assert!(t.store.orphans().expect("lists").is_empty());
    t.store.finish_job(&id, &Outcome::Cancelled).expect("ends");
    // Back by a year: whoever took it then cannot be seen, and its lease would last for a year.
    let id = t.store.begin_job(&job("Scoring"), &elsewhere(1), 30).expect("made");
    let waits = t.store.create_job(&job("Waiting")).expect("made");
    t.clock.set_back_secs(YEAR);
    let mut lost: Vec<String> = t.store.orphans().expect("lists").into_iter().map(|job| job.id).collect();
    lost.sort();
    let mut both = vec![id.clone(), waits];
    both.sort();
    assert_eq!(lost, both);
    assert!(t.store.claim_job(&id, &other, 30).expect("asks"));
    assert!(t.store.verify_chain().expect("reads").ok);
}

#[test]
fn cancel_reaches_running_jobs_and_ends_waiting_ones() {
    let t = TestStore::new();
    let waiting = t.store.create_job(&job("Waiting")).expect("made");
    assert_eq!(t.store.request_cancel(&waiting).expect("asks"), JobState::Cancelled);
    let running = t.store.create_job(&job("Running")).expect("made");
    t.store.claim_job(&running, t.store.owner(), 30).expect("asks");
    assert_eq!(t.store.request_cancel(&running).expect("asks"), JobState::Running);
    assert!(t.store.cancel_requested(&running).expect("reads"));
    assert!(t.store.update_progress(&running, &Progress::default()).expect("reports"), "and hears of it");
    t.store.finish_job(&running, &Outcome::Failed(Fault::input("a bad file"))).expect("ends");
    assert_eq!(t.store.request_cancel(&running).expect("asks"), JobState::Failed);
    assert_eq!(t.store.get_job(&running).expect("found").fault, Some(Fault::input("a bad file")));
    let open = JobFilter { open_only: true, ..Default::default() };
    assert!(t.store.list_jobs(&open, 9).expect("lists").is_empty());
    let of = JobFilter { object: Some("churn".into()), ..Default::default() };
    assert_eq!(t.store.list_jobs(&of, 9).expect("lists").len(), 2);
}

#[test]
fn a_job_is_made_and_taken_up_at_once_or_lost() {
    let t = TestStore::new();
    let id = t.store.begin_job(&job("Scoring"), t.store.owner(), 30).expect("made");
    let begun = t.store.get_job(&id).expect("found");
    assert_eq!((begun.state, begun.attempts, begun.owner.as_ref()), (JobState::Running, 1, Some(t.store.owner())));
    let lost = t.store.create_job(&job("Lost")).expect("made");
    assert!(t.store.orphans().expect("lists").is_empty(), "it may be taken up any moment");
    t.clock.advance_secs(120);
    let orphans: Vec<String> = t.store.orphans().expect("lists").into_iter().map(|job| job.id).collect();
    assert_eq!(orphans, [lost], "a process that is seen to live works on, whatever its lease says");
}
