//! The real runtime inside the sandbox: it works, it sees the model and nothing else, it is quiet.

#![cfg(target_os = "linux")]

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use desk_core::{Cancel, Fault, NoProgress};
use desk_jobs::{JobContext, Limits, Policy, WorkerCommand, WorkerPool, serve};
use desk_runtime::{Device, Engine, SessionSpec, locate, make_golden_inputs};
use serde_json::{Value, json};

const ROLE: &str = "DESK_JOBS_ONNX_WORKER";

#[test]
fn worker_entry() {
    if env::var_os(ROLE).is_some() {
        serve(Arc::new(handle));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of a handler")]
/// Runs the model named in `body` on generated rows.
fn handle(op: &str, body: Value, _payload: Vec<u8>, ctx: &JobContext) -> Result<(Value, Vec<u8>), Fault> {
    let library = locate::library(None)?;
    let engine = Engine::load(&library)?;
    let model = body["model"].as_str().unwrap_or_default();
    let mut session = engine.session(&SessionSpec::new(model).on(Device::Cpu))?;
    let rows = body["rows"].as_u64().unwrap_or(1) as usize;
    let inputs = make_golden_inputs(session.signature(), rows, 1)?;
    let answer = match op {
        "run" => json!(session.run(inputs, &ctx.cancel)?),
        "nodes" => json!(session.provider_nodes(inputs)?),
        other => return Err(Fault::bug(format!("no operation `{other}`"))),
    };
    Ok((answer, Vec::new()))
}

fn repository(path: &str) -> PathBuf {
    std::fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).expect("is there")
}

fn pool() -> WorkerPool {
    let library = locate::library(None).expect("a library: run `cargo xtask setup` first");
    let library = std::fs::canonicalize(library).expect("exists");
    let command = WorkerCommand::new(env::current_exe().expect("own path"), ["--exact", "worker_entry", "--nocapture"])
        .env(ROLE, "1")
        .env(locate::LIBRARY_VARIABLE, &library)
        .read(library.parent().expect("a folder"));
    WorkerPool::new(command, Limits { max_workers: 1, ..Limits::default() })
}

fn call(pool: &WorkerPool, policy: &Policy, op: &str, model: &Path, rows: u64) -> Result<Value, Fault> {
    let body = json!({ "model": model, "rows": rows });
    pool.call(policy, "m", op, &body, Vec::new(), &Cancel::new(), &NoProgress).map(|(answer, _)| answer)
}

#[test]
fn a_model_runs_and_its_placement_is_known() {
    let pool = pool();
    let model = repository("assets/samples/digits/model.onnx");
    let policy = Policy::default().read(&model).memory(2 << 30).cpu(60);
    let report = pool.warm_up(&policy, "m", &Cancel::new()).expect("ready");
    assert!(report.is_complete(), "{:?}", report.losses);
    let answer = call(&pool, &policy, "run", &model, 3).expect("runs");
    assert_eq!(answer[0]["tensor"]["shape"][0], json!(3));
    let nodes = call(&pool, &policy, "nodes", &model, 3).expect("counts");
    assert!(nodes["CPUExecutionProvider"].as_u64().is_some_and(|count| count > 1), "{nodes}");
}

#[test]
fn a_model_that_is_not_named_is_not_seen() {
    let pool = pool();
    let (model, other) = (repository("assets/samples/tumour/v1.onnx"), repository("assets/samples/tumour/v2.onnx"));
    let policy = Policy::default().read(&model);
    call(&pool, &policy, "run", &model, 1).expect("runs");
    let fault = call(&pool, &policy, "run", &other, 1).expect_err("refused");
    assert!(fault.message.contains(other.to_str().expect("a text")), "{fault:?}");
}

#[test]
fn a_model_that_needs_too_much_memory_ends_the_job_and_not_the_desk() {
    let pool = pool();
    let model = repository("crates/desk-runtime/tests/fixtures/long.onnx");
    let policy = Policy::default().read(&model).memory(300 << 20);
    call(&pool, &policy, "run", &model, 1).expect("runs in little memory");
    let fault = call(&pool, &policy, "run", &model, 100_000).expect_err("too much");
    assert!(fault.message.contains("memory") || fault.message.contains("lloc"), "{fault:?}");
    call(&pool, &policy, "run", &model, 1).expect("the next request works");
}

#[test]
fn a_long_run_stops_at_once_and_its_worker_lives_on() {
    let pool = pool();
    let model = repository("crates/desk-runtime/tests/fixtures/long.onnx");
    let policy = Policy::default().read(&model);
    call(&pool, &policy, "run", &model, 1).expect("runs");
    let pid = pool.workers()[0].pid;
    let body = json!({ "model": model, "rows": 128 });
    let cancelled_after = || {
        let cancel = Cancel::new();
        let setter = cancel.clone();
        let set = thread::spawn(move || {
            thread::sleep(Duration::from_millis(150));
            setter.cancel();
            Instant::now()
        });
        let answer = pool.call::<Value>(&policy, "m", "run", &body, Vec::new(), &cancel, &NoProgress);
        let back = Instant::now();
        assert!(answer.expect_err("cancelled").is_cancelled());
        back - set.join().expect("joins")
    };
    // The best of three: other tests keep the processors busy.
    let took = (0..3).map(|_| cancelled_after()).min().expect("three");
    assert!(took < Duration::from_millis(50), "{took:?}");
    // The run itself stops too: its place is free long before the grace is over.
    let deadline = Instant::now() + Duration::from_millis(500);
    while pool.workers()[0].busy > 0 {
        assert!(Instant::now() < deadline, "the run goes on");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(pool.workers()[0].pid, pid);
}
