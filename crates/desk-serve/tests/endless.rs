//! Requests that would be computed for ever: stopped at their time limit, at a stop and after a switch.

mod common;

use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::{BINARY, Client, Process, Reply, Root, eventually, fixture, signal};
use serde_json::{Value, json};

/// Far less than a request without an end takes, and more than anything else should.
const SOON: Duration = Duration::from_secs(8);

fn request(steps: u64) -> Value {
    json!({"inputs": [
        {"name": "x", "shape": [1], "datatype": "FP32", "data": [0.5]},
        {"name": "steps", "shape": [1], "datatype": "INT64", "data": [steps]},
    ]})
}

fn endless() -> Value {
    request(1_000_000_000_000)
}

/// Sends a request without an end, and waits until it is in work.
fn begin(address: &str) -> JoinHandle<Reply> {
    let to = address.to_owned();
    let sent = thread::spawn(move || Client::new(&to).infer(&endless()));
    let mut client = Client::new(address);
    eventually("a request in work", || {
        let text = String::from_utf8(client.get("/metrics").body).expect("text");
        text.lines().any(|line| line.starts_with("modeldesk_requests_in_flight{") && line.ends_with(" 1"))
    });
    sent
}

fn one(settings: &Value, arguments: &[&str]) -> (Root, Process) {
    let root = Root::new(settings);
    let hex = root.add(&fixture("slow.onnx"), "", None);
    let config = root.path().join("serve.json");
    let arguments = [&["--config", config.to_str().expect("text")], arguments].concat();
    let server = Process::model(&root.version(&hex), &arguments);
    (root, server)
}

#[test]
fn a_request_that_takes_too_long_is_stopped_and_answered_504() {
    let (_root, server) = one(&json!({"sessions": 1}), &["--request-timeout", "1"]);
    let began = Instant::now();
    let reply = server.client().infer(&endless());
    assert_eq!(reply.status, 504);
    assert!(reply.error().contains("longer than 1 s"), "{}", reply.error());
    // The one session is free again: what it computed was really stopped.
    let mut client = server.client();
    assert_eq!(client.infer(&request(10)).status, 200);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let metrics = String::from_utf8(client.get("/metrics").body).expect("text");
    assert!(metrics.contains("code=\"504\"} 1\n"), "{metrics}");
    assert!(!Command::new(BINARY).args(["model", "--request-timeout", "0"]).status().expect("starts").success());
}

#[test]
fn a_server_that_is_to_end_stops_what_it_computes_after_its_deadline() {
    let (_root, mut server) = one(&json!({"drain_deadline_ms": 500}), &[]);
    let sent = begin(&server.address());
    let began = Instant::now();
    server.signal("TERM");
    let reply = sent.join().expect("no panic");
    assert_eq!((reply.status, reply.header("connection")), (503, Some("close")));
    assert!(reply.error().contains("is ending"), "{}", reply.error());
    assert!(server.wait() && began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_stop_tells_that_it_is_under_way_and_goes_on_when_nobody_waits_for_it() {
    let root = Root::new(&json!({"drain_deadline_ms": 3_000}));
    let hex = root.add(&fixture("slow.onnx"), "", None);
    let mut supervisor = Process::supervise(&root);
    root.go_live(&hex);
    let sent = begin(&supervisor.address());
    let began = Instant::now();
    let mut stop = Command::new(BINARY);
    stop.args(["ctl", "stop", "--root"]).arg(root.path()).stdout(Stdio::piped());
    let stop = stop.spawn().expect("starts");
    eventually("a stop under way", || root.ctl_ok(&["status"])["stopping"] == true);
    eventually("a version that drains", || root.ctl_ok(&["status"])["draining"][0]["version"] == hex);
    assert_eq!(root.ctl_ok(&["status"])["live"], Value::Null);
    signal(stop.id(), "INT");
    let said = stop.wait_with_output().expect("ends");
    assert!(began.elapsed() < Duration::from_secs(3), "at once");
    assert_eq!(said.status.code(), Some(6));
    let answer: Value = serde_json::from_slice(&said.stdout).expect("an object");
    let message = answer["error"]["message"].as_str().expect("a message");
    assert!(message.contains("takes no new requests") && message.contains("within 5 s"), "{message}");
    assert_eq!(sent.join().expect("no panic").status, 503);
    assert!(supervisor.wait() && began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_stop_does_not_wait_for_what_a_switch_left_in_work() {
    // After a switch there are the 60 s that every request has.
    let root = Root::new(&json!({"drain_deadline_ms": 500, "drain_grace_ms": 100}));
    let (first, second) = (root.add(&fixture("slow.onnx"), "1", None), root.add(&fixture("slow.onnx"), "2", None));
    let mut supervisor = Process::supervise(&root);
    root.go_live(&first);
    let sent = begin(&supervisor.address());
    root.go_live(&second);
    let status = root.ctl_ok(&["status"]);
    assert_eq!((&status["stopping"], &status["draining"][0]["version"]), (&json!(false), &json!(first)));
    thread::sleep(Duration::from_secs(1));
    assert!(!sent.is_finished(), "a request is not lost because of a switch");
    let began = Instant::now();
    root.ctl_ok(&["stop"]);
    assert_eq!(sent.join().expect("no panic").status, 503);
    assert!(supervisor.wait() && began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_supervisor_that_goes_away_before_it_answers_is_told_in_words() {
    let root = Root::new(&json!({}));
    std::fs::create_dir(root.path().join("run")).expect("a folder");
    std::fs::write(root.path().join("run/supervisor.lock"), "").expect("written");
    let socket = UnixListener::bind(root.path().join("run/control.sock")).expect("a socket");
    thread::spawn(move || {
        for stream in socket.incoming().flatten() {
            let mut line = String::new();
            std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut line).expect("a command");
        }
    });
    let (ok, answer) = root.ctl(&["status"]);
    assert!(!ok);
    assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains("before it answered")), "{answer}");
    assert!(answer["error"]["hints"][0].as_str().is_some_and(|text| text.contains("ctl status")), "{answer}");
    assert_eq!(root.ctl_ok(&["stop"]), json!({"stopped": true}), "that was wanted, and nobody holds the folder");
}
