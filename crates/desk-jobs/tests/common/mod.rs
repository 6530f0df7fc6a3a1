//! A worker for tests: the test program itself, started again with a variable set.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::env;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use desk_core::{Cancel, Fault, NoProgress, Progress};
use desk_jobs::{JobContext, Limits, Policy, WorkerCommand, WorkerPool, serve};
use serde_json::{Value, json};

const ROLE: &str = "DESK_JOBS_TEST_WORKER";

/// Call it from a test named `worker_entry`: does nothing in the test run itself.
pub fn worker_entry() {
    if env::var_os(ROLE).is_some() {
        serve(Arc::new(handle));
    }
}

/// This test program as a worker.
pub fn command() -> WorkerCommand {
    let program = env::current_exe().expect("own path");
    WorkerCommand::new(program, ["--exact", "worker_entry", "--nocapture"]).env(ROLE, "1")
}

pub fn pool(max_workers: usize) -> WorkerPool {
    let limits = Limits { max_workers, grace: Duration::from_millis(300), ..Limits::default() };
    WorkerPool::new(command(), limits)
}

/// A call without payload, progress or cancel.
pub fn call(pool: &WorkerPool, policy: &Policy, op: &str, body: &Value) -> Result<Value, Fault> {
    pool.call(policy, "test", op, body, Vec::new(), &Cancel::new(), &NoProgress).map(|(answer, _)| answer)
}

fn handle(op: &str, body: Value, payload: Vec<u8>, ctx: &JobContext) -> Result<(Value, Vec<u8>), Fault> {
    let text = body.as_str().unwrap_or_default();
    let number = body.as_u64().unwrap_or_default();
    let io = |result: std::io::Result<Value>| {
        result.map_err(|error| Fault::input(format!("{:?}", error.kind())).detail(error.to_string()))
    };
    let answer = match op {
        "echo" => return Ok((body, payload)),
        "pid" => json!(std::process::id()),
        "environment" => json!(env::vars().collect::<std::collections::BTreeMap<_, _>>()),
        "fail" => return Err(Fault::input("bad rows").hint("Look at row 3").detail("row 3")),
        "panic" => panic!("a test panics"),
        "progress" => count(number, ctx),
        "wait" => {
            let begun = Instant::now();
            while !ctx.cancel.is_cancelled() && begun.elapsed() < Duration::from_millis(number) {
                thread::sleep(Duration::from_millis(1));
            }
            json!(ctx.cancel.is_cancelled())
        }
        "deaf" => loop {
            thread::sleep(Duration::from_secs(1));
        },
        "burn" => loop {
            std::hint::black_box(number);
        },
        "allocate" => json!(vec![1u8; number as usize].iter().map(|b| u64::from(*b)).sum::<u64>()),
        "read" => io(std::fs::read(text).map(|bytes| json!(bytes.len())))?,
        "list" => io(std::fs::read_dir(text).map(|entries| json!(entries.count())))?,
        "write" => io(std::fs::write(text, b"written").map(|()| json!(true)))?,
        "remove" => io(std::fs::remove_file(text).map(|()| json!(true)))?,
        "scratch" => {
            io(std::fs::write(ctx.scratch().join("file"), b"x").map(|()| json!(true)))?;
            json!([ctx.scratch(), env::temp_dir()])
        }
        "connect" => io(TcpStream::connect(text).map(|_| json!(true)))?,
        "unix" => io(std::os::unix::net::UnixDatagram::unbound().map(|_| json!(true)))?,
        "run" => io(std::process::Command::new(text).status().map(|_| json!(true)))?,
        "thread" => io(thread::Builder::new().spawn(|| 7).map(|t| json!(t.join().expect("joins"))))?,
        "print" => {
            let mut out = std::io::stdout().lock();
            let done = writeln!(out, "a stray line {text}");
            io(done.map(|()| json!(true)))?
        }
        _ => return native(op, number, text),
    };
    Ok((answer, Vec::new()))
}

fn count(steps: u64, ctx: &JobContext) -> Value {
    for step in 0..=steps {
        ctx.progress(Progress::new("Counting", step, Some(steps), "steps"));
    }
    json!(steps)
}

/// What only native code does.
#[expect(unsafe_code, reason = "the tests need real crashes and raw system calls")]
fn native(op: &str, number: u64, text: &str) -> Result<(Value, Vec<u8>), Fault> {
    let outcome = match op {
        // SAFETY: none, on purpose; the process is meant to die of it.
        "segfault" => unsafe {
            std::ptr::without_provenance_mut::<u32>(8).write_volatile(1);
            0
        },
        // SAFETY: takes a number and ends the process.
        "quit" => unsafe { libc::_exit(number as i32) },
        // SAFETY: a signal, sent to the process whose number is given.
        "kill" => unsafe { libc::kill(number as i32, libc::SIGTERM) },
        // SAFETY: creates an ordinary child that leaves at once, where it is allowed.
        "fork" => unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(0);
            }
            child
        },
        // SAFETY: raw system calls with numbers as arguments.
        "syscall" => unsafe { libc::syscall(number as i64, 1, 1, 0, 0) as i32 },
        "garbage" => sockets().into_iter().fold(0, |_, socket| {
            // SAFETY: the text outlives the call, and its length is right.
            unsafe { libc::write(socket, text.as_ptr().cast(), text.len()) as i32 }
        }),
        other => return Err(Fault::bug(format!("no operation `{other}`"))),
    };
    if outcome < 0 {
        Err(Fault::input(std::io::Error::last_os_error().to_string()))
    } else {
        Ok((json!(outcome), Vec::new()))
    }
}

/// Open descriptors of this process that are sockets.
fn sockets() -> Vec<RawFd> {
    let is_socket = |fd: &RawFd| {
        std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    (3..64).filter(is_socket).collect()
}
