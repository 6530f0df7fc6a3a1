//! Supervision: calls, progress, cancel, crashes, and what is left behind.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{call, pool};
use desk_core::{Cancel, FaultKind, NoProgress, Progress};
use desk_jobs::{Limits, MAX_PAYLOAD_BYTES, Policy, WorkerCommand, WorkerPool};
use parking_lot::Mutex;
use serde_json::{Value, json};

#[test]
fn worker_entry() {
    common::worker_entry();
}

#[test]
fn bodies_and_payloads_come_back() {
    let pool = pool(1);
    for len in [0, 10, 100_000, 30_000_000] {
        let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let body = json!({ "text": "grüß dich", "list": [1, 2.5, null] });
        let answer = pool.call(&Policy::default(), "a", "echo", &body, payload.clone(), &Cancel::new(), &NoProgress);
        let (found, bytes): (Value, Vec<u8>) = answer.expect("echo");
        assert_eq!(found, body);
        assert_eq!(bytes, payload);
    }
}

#[test]
fn quick_calls_stay_in_one_worker() {
    let pool = pool(4);
    let policy = Policy::default();
    let first = call(&pool, &policy, "pid", &Value::Null).expect("pid");
    let begun = Instant::now();
    for i in 0..1000 {
        assert_eq!(call(&pool, &policy, "echo", &json!(i)).expect("echo"), json!(i));
    }
    // Far above what it takes, far below what a process a call would take.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(call(&pool, &policy, "pid", &Value::Null).expect("pid"), first);
    assert_eq!(pool.workers().len(), 1);
}

#[test]
fn callers_at_the_same_time_do_not_wait_on_each_other() {
    let pool = pool(2);
    let policy = Policy::default();
    pool.warm_up(&policy, "test", &Cancel::new()).expect("warm");
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| call(&pool, &policy, "wait", &json!(300)).expect("wait"));
        }
    });
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[test]
fn more_callers_than_places_all_get_their_answer() {
    let limits = Limits { max_workers: 2, per_worker: 2, ..Limits::default() };
    let pool = WorkerPool::new(common::command(), limits);
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for i in 0..16 {
            let (pool, done) = (&pool, &done);
            scope.spawn(move || {
                let affinity = format!("model {}", i % 5);
                let answer: (Value, _) = pool
                    .call(&Policy::default(), &affinity, "wait", &json!(20), vec![0; 1000], &Cancel::new(), &NoProgress)
                    .expect("answer");
                assert_eq!(answer.0, json!(false));
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(done.load(Ordering::SeqCst), 16);
    assert!(pool.workers().len() <= 2);
}

#[test]
fn affinity_and_policy_choose_the_worker() {
    let pool = pool(2);
    let folder = tempfile::tempdir().expect("folder");
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let on = |path: &Path, affinity: &str| -> Value {
        let policy = Policy::default().read(path);
        pool.call(&policy, affinity, "pid", &Value::Null, Vec::new(), &Cancel::new(), &NoProgress).expect("pid").0
    };
    let (first, second) = (on(&a, "a"), on(&b, "b"));
    assert_ne!(first, second, "the first worker may not see b");
    assert_eq!(on(&a, "a"), first);
    assert_eq!(on(&b, "b"), second);
    // A third policy takes the place of the one that was idle longest.
    let third = on(folder.path(), "c");
    assert!(third != first && third != second);
    let pids: Vec<Value> = pool.workers().iter().map(|worker| json!(worker.pid)).collect();
    assert!(pids.len() == 2 && pids.contains(&second) && pids.contains(&third), "{pids:?}");
    assert_eq!(on(&b, "b"), second);
}

#[test]
fn progress_arrives_in_order_and_not_too_often() {
    let pool = pool(1);
    let told = Mutex::new(Vec::new());
    let sink = |progress: Progress| told.lock().push(progress.done);
    let answer: (Value, _) = pool
        .call(&Policy::default(), "a", "progress", &json!(100_000), Vec::new(), &Cancel::new(), &sink)
        .expect("counted");
    assert_eq!(answer.0, json!(100_000));
    let told = told.into_inner();
    assert_eq!(told.first(), Some(&0));
    assert_eq!(told.last(), Some(&100_000));
    assert!(told.is_sorted() && told.len() < 100, "{} reports", told.len());
}

/// How long a caller took to come back after it was cancelled, the best of three: other tests keep
/// the processors busy.
#[track_caller]
fn cancelled(pool: &WorkerPool, op: &str) -> Duration {
    (0..3).map(|_| cancelled_after(pool, op)).min().expect("three")
}

/// Cancels a running operation after a moment.
#[track_caller]
fn cancelled_after(pool: &WorkerPool, op: &str) -> Duration {
    let cancel = Cancel::new();
    let setter = cancel.clone();
    pool.warm_up(&Policy::default(), "test", &Cancel::new()).expect("warm");
    let set = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        setter.cancel();
        Instant::now()
    });
    let answer = pool.call::<Value>(&Policy::default(), "test", op, &json!(60_000), Vec::new(), &cancel, &NoProgress);
    let back = Instant::now();
    assert_eq!(answer.expect_err("cancelled").kind, FaultKind::Cancelled);
    back - set.join().expect("joins")
}

#[test]
fn cancel_comes_back_at_once_and_keeps_a_worker_that_listens() {
    let pool = pool(1);
    let pid = call(&pool, &Policy::default(), "pid", &Value::Null).expect("pid");
    let took = cancelled(&pool, "wait");
    assert!(took < Duration::from_millis(50), "{took:?}");
    // Longer than the grace: it must not be killed, since it did stop.
    thread::sleep(Duration::from_millis(600));
    assert_eq!(call(&pool, &Policy::default(), "pid", &Value::Null).expect("pid"), pid);
}

#[test]
fn cancel_comes_back_at_once_and_ends_a_worker_that_is_deaf() {
    let pool = pool(1);
    let pid = call(&pool, &Policy::default(), "pid", &Value::Null).expect("pid");
    let took = cancelled(&pool, "deaf");
    assert!(took < Duration::from_millis(50), "{took:?}");
    wait_until("the deaf worker is killed", || pool.workers().is_empty());
    assert_ne!(call(&pool, &Policy::default(), "pid", &Value::Null).expect("pid"), pid);
}

/// A cancelled request that goes on takes its worker along; whoever has something else in that worker notices nothing.
#[test]
fn what_shares_a_worker_with_a_deaf_request_is_answered_all_the_same() {
    let pool = Arc::new(pool(1));
    pool.warm_up(&Policy::default(), "test", &Cancel::new()).expect("warm");
    let cancel = Cancel::new();
    let (deaf, heard) = (Arc::clone(&pool), cancel.clone());
    let deaf = thread::spawn(move || {
        let op = json!(60_000);
        deaf.call::<Value>(&Policy::default(), "test", "deaf", &op, Vec::new(), &heard, &NoProgress)
    });
    wait_until("the deaf request runs", || pool.workers().iter().any(|worker| worker.busy == 1));
    let beside = Arc::clone(&pool);
    let beside = thread::spawn(move || call(&beside, &Policy::default(), "wait", &json!(1500)));
    wait_until("both run in one worker", || pool.workers().iter().any(|worker| worker.busy == 2));
    cancel.cancel();
    assert_eq!(deaf.join().expect("joins").expect_err("cancelled").kind, FaultKind::Cancelled);
    beside.join().expect("joins").expect("answered by another worker");
}

#[test]
fn a_cancelled_flag_starts_nothing() {
    let pool = pool(1);
    let cancel = Cancel::new();
    cancel.cancel();
    let answer = pool.call::<Value>(&Policy::default(), "a", "pid", &(), Vec::new(), &cancel, &NoProgress);
    assert!(answer.expect_err("cancelled").is_cancelled());
    assert!(pool.workers().is_empty());
}

/// The operation ends the worker; the fault names the reason, and the next call works.
#[track_caller]
fn crashes(op: &str, body: &Value, policy: &Policy, kind: FaultKind, words: &str) {
    let pool = pool(1);
    let fault = call(&pool, policy, op, body).expect_err("crashed");
    assert_eq!(fault.kind, kind, "{fault:?}");
    assert!(fault.message.contains(words) && fault.message.contains(op), "{fault:?}");
    assert!(!fault.hints.is_empty(), "{fault:?}");
    assert_eq!(call(&pool, policy, "echo", &json!(1)).expect("a new worker"), json!(1));
}

#[test]
fn crashes_become_faults() {
    let free = Policy::default();
    crashes("segfault", &Value::Null, &free, FaultKind::Input, "SIGSEGV (an invalid memory access)");
    crashes("quit", &json!(9), &free, FaultKind::Bug, "exit code 9");
    let small = Policy::default().memory(256 << 20);
    crashes("allocate", &json!(1u64 << 30), &small, FaultKind::Environment, "more memory than its limit of 256 MiB");
    crashes("garbage", &json!("Segmentation fault"), &free, FaultKind::Bug, "cannot be understood");
}

#[test]
fn cpu_time_is_limited() {
    let policy = Policy::default().cpu(1);
    crashes("burn", &Value::Null, &policy, FaultKind::Environment, "used up its CPU time of 1 s");
}

#[test]
fn a_crash_tells_everybody_who_waits() {
    let pool = pool(1);
    let policy = Policy::default();
    pool.warm_up(&policy, "test", &Cancel::new()).expect("warm");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| call(&pool, &policy, "wait", &json!(60_000)));
        wait_until("the first request runs", || pool.workers().iter().any(|worker| worker.busy == 1));
        let crashed = call(&pool, &policy, "segfault", &Value::Null).expect_err("crashed");
        let waited = waiting.join().expect("joins").expect_err("crashed with it");
        assert!(crashed.message.contains("`segfault`") && waited.message.contains("`wait`"));
    });
}

#[test]
fn failures_and_panics_leave_the_worker_alive() {
    let pool = pool(1);
    let policy = Policy::default();
    let pid = call(&pool, &policy, "pid", &Value::Null).expect("pid");
    let fault = call(&pool, &policy, "fail", &Value::Null).expect_err("fails");
    assert_eq!((fault.message.as_str(), fault.hints.len(), fault.details.len()), ("bad rows", 1, 1));
    let fault = call(&pool, &policy, "panic", &Value::Null).expect_err("fails");
    assert!(fault.kind == FaultKind::Bug && fault.message.contains("a test panics"), "{fault:?}");
    assert_eq!(call(&pool, &policy, "pid", &Value::Null).expect("pid"), pid);
}

#[test]
fn printing_does_not_disturb_the_protocol_and_is_kept_for_the_details() {
    let pool = pool(1);
    let policy = Policy::default();
    for i in 0..200 {
        call(&pool, &policy, "print", &json!(i.to_string())).expect("prints");
    }
    let fault = call(&pool, &policy, "segfault", &Value::Null).expect_err("crashed");
    assert!(fault.details.iter().any(|line| line == "worker: a stray line 199"), "{:?}", fault.details);
    assert!(fault.details.len() < 120);
}

#[test]
fn an_answer_of_another_form_and_a_huge_payload_are_refused() {
    let pool = pool(1);
    let answer =
        pool.call::<u32>(&Policy::default(), "a", "echo", &json!("text"), Vec::new(), &Cancel::new(), &NoProgress);
    assert!(answer.expect_err("not a number").message.contains("answer of `echo`"));
    // Never touched, so it takes no memory.
    let payload = vec![0; MAX_PAYLOAD_BYTES as usize + 1];
    let answer = pool.call::<Value>(&Policy::default(), "a", "echo", &(), payload, &Cancel::new(), &NoProgress);
    assert!(answer.expect_err("too large").message.contains("too large"));
    assert_eq!(call(&pool, &Policy::default(), "echo", &json!(1)).expect("still works"), json!(1));
}

#[test]
fn a_program_that_is_missing_or_is_no_worker() {
    let missing = WorkerPool::new(WorkerCommand::new("/nowhere/modeldesk", ["worker"]), Limits::default());
    let fault = call(&missing, &Policy::default(), "echo", &Value::Null).expect_err("missing");
    assert_eq!(fault.kind, FaultKind::Environment);
    assert!(fault.message.ends_with("/nowhere/modeldesk"), "{fault}");
    let other = WorkerPool::new(WorkerCommand::new("/bin/echo", ["hello"]), Limits::default());
    let fault = call(&other, &Policy::default(), "echo", &Value::Null).expect_err("no worker");
    assert!(fault.message.contains("exit code 0"), "{fault:?}");
    assert!(fault.details.contains(&"worker: hello".to_owned()), "{fault:?}");
}

#[test]
fn idle_workers_end() {
    let limits = Limits { idle_secs: 0, ..Limits::default() };
    let pool = WorkerPool::new(common::command(), limits);
    pool.warm_up(&Policy::default(), "test", &Cancel::new()).expect("warm");
    wait_until("the idle worker ends", || pool.workers().is_empty());
}

#[test]
fn nothing_is_left_behind() {
    let pool = pool(2);
    let answer = call(&pool, &Policy::default(), "scratch", &Value::Null).expect("writes");
    let scratch = answer[0].as_str().expect("a path").to_owned();
    assert_eq!(answer[0], answer[1], "the temporary folder is the worker's own");
    let pid = pool.workers()[0].pid;
    assert!(Path::new(&scratch).exists());
    drop(pool);
    assert!(!Path::new(&scratch).exists(), "{scratch}");
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

/// The desk of [`a_killed_desk_takes_its_workers_along`]: starts a worker, says its number, stays.
#[test]
fn desk_entry() {
    let Some(op) = std::env::var_os("DESK_JOBS_TEST_DESK") else { return };
    let pool = pool(1);
    pool.warm_up(&Policy::default(), "test", &Cancel::new()).expect("warm");
    let pid = pool.workers()[0].pid;
    std::fs::write(std::env::var_os("DESK_JOBS_TEST_OUT").expect("set"), pid.to_string()).expect("writes");
    drop(call(&pool, &Policy::default(), &op.to_string_lossy(), &json!(60_000)));
}

#[test]
fn a_killed_desk_takes_its_workers_along() {
    let folder = tempfile::tempdir().expect("folder");
    for op in ["wait", "deaf", "burn"] {
        let out = folder.path().join(op);
        let mut desk = Command::new(std::env::current_exe().expect("own path"))
            .args(["--exact", "desk_entry", "--nocapture"])
            .env("DESK_JOBS_TEST_DESK", op)
            .env("DESK_JOBS_TEST_OUT", &out)
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        wait_until("the worker's number is written", || std::fs::read_to_string(&out).is_ok_and(|pid| !pid.is_empty()));
        let process = format!("/proc/{}/stat", std::fs::read_to_string(&out).expect("written"));
        assert!(Path::new(&process).exists());
        desk.kill().expect("kills");
        desk.wait().expect("ends");
        wait_until("the worker is gone", || is_gone(&process));
    }
}

/// No such process, or only its entry is left for init to collect.
fn is_gone(stat: &str) -> bool {
    std::fs::read_to_string(stat).map_or(true, |text| text.contains(") Z "))
}

#[track_caller]
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}
