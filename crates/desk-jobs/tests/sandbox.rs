//! What a worker cannot do. On a kernel that lacks a protection these tests fail: they are about
//! the protection itself.

#![cfg(target_os = "linux")]

mod common;

use std::net::TcpListener;

use common::{call, pool};
use desk_core::Cancel;
use desk_jobs::{Enforced, Policy, WorkerPool};
use serde_json::{Value, json};

#[test]
fn worker_entry() {
    common::worker_entry();
}

#[track_caller]
fn refused(pool: &WorkerPool, policy: &Policy, op: &str, body: impl Into<Value>) {
    let body = body.into();
    match call(pool, policy, op, &body) {
        Err(fault) => {
            let text = format!("{} {:?}", fault.message, fault.details);
            let known = ["PermissionDenied", "not permitted", "not implemented", "denied"];
            assert!(known.iter().any(|word| text.contains(word)), "{op} {body}: {text}");
        }
        Ok(answer) => panic!("{op} {body} was possible: {answer}"),
    }
}

#[track_caller]
fn possible(pool: &WorkerPool, policy: &Policy, op: &str, body: impl Into<Value>) -> Value {
    let body = body.into();
    call(pool, policy, op, &body).unwrap_or_else(|fault| panic!("{op} {body}: {fault:?}"))
}

#[test]
fn everything_asked_for_is_in_force() {
    let policy = Policy::default().memory(1 << 30);
    let report = pool(1).warm_up(&policy, "test", &Cancel::new()).expect("ready");
    assert_eq!((report.landlock, report.seccomp, report.memory_limit), (Enforced::Full, true, true));
    assert!(report.is_complete(), "{:?}", report.losses);
}

#[test]
fn files_are_seen_as_far_as_they_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a text").to_owned();
    for name in ["model.onnx", "secret"] {
        std::fs::write(folder.path().join(name), b"12345").expect("writes");
    }
    std::fs::create_dir(folder.path().join("out")).expect("makes");
    let policy = Policy::default().read(path("model.onnx")).write(path("out")).read(path("missing"));
    let pool = pool(1);
    assert_eq!(possible(&pool, &policy, "read", path("model.onnx")), json!(5));
    refused(&pool, &policy, "write", path("model.onnx"));
    refused(&pool, &policy, "remove", path("model.onnx"));
    refused(&pool, &policy, "read", path("secret"));
    refused(&pool, &policy, "list", path("."));
    possible(&pool, &policy, "write", path("out/answer.csv"));
    possible(&pool, &policy, "read", path("out/answer.csv"));
    refused(&pool, &policy, "write", path("other"));
    refused(&pool, &policy, "write", path("out/../other"));
    std::os::unix::fs::symlink(path("secret"), folder.path().join("out/link")).expect("links");
    refused(&pool, &policy, "read", path("out/link"));
}

#[test]
fn the_system_is_out_of_reach() {
    let (pool, policy) = (pool(1), Policy::default());
    let home = std::env::var("HOME").expect("a home");
    for file in ["/etc/passwd", "/etc/hostname", "/proc/1/environ", "/proc/1/cmdline"] {
        refused(&pool, &policy, "read", file);
    }
    refused(&pool, &policy, "read", format!("/proc/{}/environ", std::process::id()));
    for folder in ["/", "/etc", "/tmp", "/root", &home, env!("CARGO_MANIFEST_DIR")] {
        refused(&pool, &policy, "list", folder);
    }
    refused(&pool, &policy, "write", "/dev/shm/modeldesk-test");
    refused(&pool, &policy, "run", "/bin/true");
    refused(&pool, &policy, "fork", Value::Null);
    refused(&pool, &policy, "kill", std::process::id());
    possible(&pool, &policy, "read", "/proc/self/status");
    possible(&pool, &policy, "list", "/usr/lib");
    assert_eq!(possible(&pool, &policy, "thread", Value::Null), json!(7));
}

#[test]
fn the_network_is_out_of_reach() {
    let (pool, policy) = (pool(2), Policy::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("address").to_string();
    refused(&pool, &policy, "connect", address.clone());
    refused(&pool, &policy, "unix", Value::Null);
    refused(&pool, &policy, "syscall", libc::SYS_io_uring_setup);
    // The same call under its x32 number.
    #[cfg(target_arch = "x86_64")]
    refused(&pool, &policy, "syscall", 0x4000_0000 | libc::SYS_socket);
    let open = Policy { network: true, ..Policy::default() };
    possible(&pool, &open, "connect", address);
}

#[test]
fn the_environment_is_not_inherited() {
    let command = common::command().env("MODELDESK_ORT_LIB", "/opt/lib.so");
    let pool = WorkerPool::new(command, desk_jobs::Limits::default());
    let found = possible(&pool, &Policy::default(), "environment", Value::Null);
    let found = found.as_object().expect("a map");
    assert_eq!(found.get("ORT_DISABLE_TELEMETRY"), Some(&json!("1")));
    assert_eq!(found.get("MODELDESK_ORT_LIB"), Some(&json!("/opt/lib.so")));
    assert_ne!(found.get("HOME"), Some(&json!(std::env::var("HOME").expect("a home"))));
    for name in ["PATH", "USER", "CARGO_MANIFEST_DIR", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS"] {
        assert!(!found.contains_key(name), "{name}");
    }
}
