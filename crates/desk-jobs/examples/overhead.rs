//! Measures what a call to a worker costs, and with a model what a row costs in this process and in
//! a worker: `cargo run --release -p desk-jobs --example overhead [MODEL.onnx [--json]]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use desk_core::{Cancel, Fault, NamedTensor, NoProgress};
use desk_jobs::{JobContext, Limits, Policy, WorkerCommand, WorkerPool, serve};
use desk_runtime::{Device, Engine, ModelSession, SessionSpec, locate, make_golden_inputs};
use serde_json::{Value, json};

/// Answers `echo`, and scores rows with the model that it keeps open.
#[derive(Default)]
struct Worker(Mutex<Option<ModelSession>>);

impl desk_jobs::Handler for Worker {
    fn handle(&self, op: &str, body: Value, payload: Vec<u8>, ctx: &JobContext) -> Result<(Value, Vec<u8>), Fault> {
        if op == "echo" {
            return Ok((body, payload));
        }
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = match slot.as_mut() {
            Some(session) => session,
            None => slot.insert(open(&body["model"])?),
        };
        let inputs: Vec<NamedTensor> =
            serde_json::from_value(body["inputs"].clone()).map_err(|error| Fault::bug(error.to_string()))?;
        Ok((json!(session.run(inputs, &ctx.cancel)?), Vec::new()))
    }
}

fn open(model: &Value) -> Result<ModelSession, Fault> {
    let engine = Engine::load(&locate::library(None)?)?;
    Ok(engine.session(&SessionSpec::new(model.as_str().unwrap_or_default()).on(Device::Cpu))?)
}

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("worker") {
        return serve(Arc::new(Worker::default()));
    }
    let as_json = std::env::args().any(|argument| argument == "--json");
    match measure(argument.map(PathBuf::from), as_json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            say(&format!("{fault:?}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(model: Option<PathBuf>, as_json: bool) -> Result<(), Fault> {
    let say = |line: &str| {
        if !as_json {
            say(line);
        }
    };
    let program = std::env::current_exe().map_err(|error| Fault::bug(error.to_string()))?;
    let mut command = WorkerCommand::new(program, ["worker"]);
    if let Ok(library) = locate::library(None) {
        let folder = library.parent().map(PathBuf::from).unwrap_or_default();
        command = command.env(locate::LIBRARY_VARIABLE, &library).read(folder);
    }
    let pool = WorkerPool::new(command, Limits::default());
    let mut policy = Policy::default().memory(4 << 30);
    if let Some(model) = &model {
        policy = policy.read(std::fs::canonicalize(model).map_err(|error| Fault::input(error.to_string()))?);
    }
    let begun = Instant::now();
    pool.warm_up(&policy, "model", &Cancel::new())?;
    say(&format!("start and sandbox: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3));
    let call = |op: &str, body: &Value, payload: Vec<u8>| {
        pool.call::<Value>(&policy, "model", op, body, payload, &Cancel::new(), &NoProgress).map(drop)
    };
    let body = json!({ "model": "sha256:0123456789abcdef", "batch": 1 });
    for bytes in [0, 1_000, 100_000, 10_000_000] {
        let calls = if bytes > 1_000_000 { 50 } else { 2000 };
        let took = times(calls, || call("echo", &body, vec![1; bytes]))?;
        say(&format!("{bytes:>9} bytes there and back: {took}"));
    }
    let Some(model) = model else { return Ok(()) };
    let path = json!(std::fs::canonicalize(&model).map_err(|error| Fault::input(error.to_string()))?);
    let mut session = open(&path)?;
    let inputs = make_golden_inputs(session.signature(), 1, 1)?;
    let cancel = Cancel::new();
    let bare = times(2000, || Ok(session.run(inputs.clone(), &cancel).map(drop)?))?;
    say(&format!("one row, session in this process: {bare}"));
    let body = json!({ "model": path, "inputs": inputs });
    let far = times(2000, || call("run", &body, Vec::new()))?;
    say(&format!("one row, session in a worker:     {far}"));
    if as_json {
        self::say(&json!({ "bare_us": bare.p50, "worker_us": far.p50 }).to_string());
    }
    Ok(())
}

/// Times in microseconds.
struct Times {
    p50: f64,
    p99: f64,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:.0} us, p99 {:.0} us", self.p50, self.p99)
    }
}

/// The median and the slowest hundredth, after a few calls to warm up.
fn times(calls: usize, mut work: impl FnMut() -> Result<(), Fault>) -> Result<Times, Fault> {
    let mut took = Vec::with_capacity(calls);
    for i in 0..calls + 10 {
        let begun = Instant::now();
        work()?;
        if i >= 10 {
            took.push(begun.elapsed().as_secs_f64() * 1e6);
        }
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Ok(Times { p50: at(0.5), p99: at(0.99) })
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn say(line: &str) {
    println!("{line}");
}
