//! Measures what a call to a worker costs: `cargo run --release -p desk-jobs --example overhead`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use desk_core::{Cancel, Fault, NoProgress};
use desk_jobs::{JobContext, Limits, Policy, WorkerCommand, WorkerPool, serve};
use serde_json::Value;

fn echo(_op: &str, body: Value, payload: Vec<u8>, _ctx: &JobContext) -> Result<(Value, Vec<u8>), Fault> {
    Ok((body, payload))
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        return serve(Arc::new(echo));
    }
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    let pool = WorkerPool::new(WorkerCommand::new(program, ["worker"]), Limits::default());
    let policy = Policy::default().memory(1 << 30);
    let begun = Instant::now();
    if let Err(fault) = pool.warm_up(&policy, "echo", &Cancel::new()) {
        println!("{fault:?}");
        return ExitCode::FAILURE;
    }
    println!("start and sandbox: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    for bytes in [0, 1_000, 100_000, 10_000_000] {
        let calls = if bytes > 1_000_000 { 50 } else { 2000 };
        let body = serde_json::json!({ "model": "sha256:0123456789abcdef", "batch": 1 });
        let mut took: Vec<f64> = Vec::new();
        for _ in 0..calls {
            let payload = vec![1; bytes];
            let begun = Instant::now();
            let answer = pool.call::<Value>(&policy, "echo", "echo", &body, payload, &Cancel::new(), &NoProgress);
            took.push(begun.elapsed().as_secs_f64() * 1e6);
            if let Err(fault) = answer {
                println!("{fault:?}");
                return ExitCode::FAILURE;
            }
        }
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        println!("{bytes:>9} bytes there and back: p50 {:.0} us, p99 {:.0} us", at(0.5), at(0.99));
    }
    ExitCode::SUCCESS
}
