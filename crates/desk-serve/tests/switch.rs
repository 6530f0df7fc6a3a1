//! Ten thousand requests while versions are exchanged under them: none may fail.

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{Client, Process, Root, eventually, fixture, read_reply, sample, tumour_request};
use serde_json::json;

const REQUESTS: usize = 10_000;

/// What one client saw: answers by version, and failures in words.
#[derive(Default)]
struct Seen {
    versions: BTreeMap<String, usize>,
    failures: Vec<String>,
}

#[derive(Clone, Copy)]
enum Habit {
    /// Keeps its connection as long as the server does.
    KeepsConnection,
    /// Opens a connection for each request.
    ConnectsAnew,
    /// Keeps its connection and pauses now and then.
    Pauses,
}

fn hammer(address: &str, habit: Habit, answered: &AtomicUsize, over: &AtomicBool) -> Seen {
    let body = tumour_request(1).to_string();
    let mut client = Client::new(address);
    let mut seen = Seen::default();
    let mut round = 0;
    while !over.load(Ordering::SeqCst) {
        match client.send("POST", "/v2/models/churn/infer", "", body.as_bytes()) {
            Ok(reply) if reply.status == 200 => {
                let version = reply.json()["model_version"].as_str().unwrap_or_default().to_owned();
                *seen.versions.entry(version).or_default() += 1;
            }
            Ok(reply) => seen.failures.push(format!("{} {}", reply.status, reply.error())),
            Err(error) => seen.failures.push(error.to_string()),
        }
        answered.fetch_add(1, Ordering::SeqCst);
        round += 1;
        match habit {
            Habit::ConnectsAnew => client.disconnect(),
            Habit::Pauses if round % 20 == 0 => thread::sleep(Duration::from_millis(30)),
            Habit::KeepsConnection | Habit::Pauses => {}
        }
    }
    seen
}

#[test]
fn no_request_fails_across_switches() {
    let root = Root::new(&json!({"drain_grace_ms": 2_000, "drain_deadline_ms": 10_000}));
    let one = root.add(&sample("tumour/v1.onnx"), "", Some(1));
    let two = root.add(&sample("tumour/v2.onnx"), "", Some(2));
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    let (answered, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let address = supervisor.address();
    let habits = [
        Habit::KeepsConnection,
        Habit::KeepsConnection,
        Habit::KeepsConnection,
        Habit::Pauses,
        Habit::ConnectsAnew,
        Habit::ConnectsAnew,
    ];
    let (address, answered, over) = (address.as_str(), &answered, &over);
    let a_quarter = || {
        let from = answered.load(Ordering::SeqCst);
        while answered.load(Ordering::SeqCst) < from + REQUESTS / 4 {
            thread::sleep(Duration::from_millis(5));
        }
    };
    let seen = thread::scope(|scope| {
        let clients: Vec<_> =
            habits.map(|habit| scope.spawn(move || hammer(address, habit, answered, over))).into_iter().collect();
        // The clients go on during each switch; its requests come on top of the quarters.
        a_quarter();
        for hex in [&two, &one, &two] {
            root.go_live(hex);
            a_quarter();
        }
        over.store(true, Ordering::SeqCst);
        clients.into_iter().map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
    });
    let failures: Vec<&String> = seen.iter().flat_map(|seen| &seen.failures).collect();
    assert!(failures.is_empty(), "{} failures, such as {:?}", failures.len(), &failures[..failures.len().min(5)]);
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for (version, count) in seen.iter().flat_map(|seen| &seen.versions) {
        *versions.entry(version).or_default() += count;
    }
    let total: usize = versions.values().sum();
    assert!(total >= REQUESTS, "{versions:?}");
    assert!(versions["1"] > REQUESTS / 4 && versions["2"] > REQUESTS / 4, "both versions answered: {versions:?}");
    eventually("the old revisions to end", || root.ctl_ok(&["status"])["draining"] == json!([]));
    // What is left is the last version only.
    assert_eq!(supervisor.client().infer(&tumour_request(1)).json()["model_version"], "2");
}

/// Whoever heard that a version is live meets no other one, on no connection.
#[test]
fn a_connection_that_was_idle_over_a_switch_meets_the_live_version() {
    let root = Root::new(&json!({"drain_grace_ms": 20_000}));
    let one = root.add(&sample("tumour/v1.onnx"), "", Some(1));
    let two = root.add(&sample("tumour/v2.onnx"), "", Some(2));
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    let mut clients: Vec<Client> = (0..4).map(|_| supervisor.client()).collect();
    for client in &mut clients {
        assert_eq!(client.infer(&tumour_request(1)).json()["model_version"], "1");
    }
    root.go_live(&two);
    let late = |client: &mut Client, rows: usize| {
        let reply = client.infer(&tumour_request(rows));
        assert_eq!(reply.header("connection"), Some("close"), "it was its connection to the former version");
        let reply = reply.json();
        assert_eq!((&reply["model_version"], &reply["outputs"][0]["shape"][0]), (&json!("2"), &json!(rows)), "{reply}");
    };
    late(&mut clients[0], 1);
    // More than a buffer holds.
    late(&mut clients[1], 3_000);
    let metadata = clients[2].send("GET", "/v2/models/churn", "", b"").expect("answered").json();
    assert_eq!(metadata["versions"], json!(["2"]), "{metadata}");
    // A body that its sender wants to be asked for.
    let body = tumour_request(1).to_string();
    let asked = clients[3].send("POST", "/v2/models/churn/infer", "Expect: 100-continue\r\n", body.as_bytes());
    assert_eq!(asked.expect("asked for").status, 100);
    let asked = read_reply(clients[3].connect().expect("still open"), "POST").expect("answered");
    assert_eq!(asked.json()["model_version"], "2");
    eventually("the former version to end", || root.ctl_ok(&["status"])["draining"] == json!([]));
}

/// A stop right after a switch: the former version is no more live than the one that was stopped.
#[test]
fn nobody_answers_on_an_idle_connection_once_the_server_was_stopped() {
    let root = Root::new(&json!({"drain_grace_ms": 20_000}));
    let one = root.add(&sample("tumour/v1.onnx"), "", Some(1));
    let two = root.add(&sample("tumour/v2.onnx"), "", Some(2));
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    let mut idle: Vec<Client> = (0..20).map(|_| supervisor.client()).collect();
    for client in &mut idle {
        assert_eq!(client.infer(&tumour_request(1)).json()["model_version"], "1");
    }
    root.go_live(&two);
    let stop = thread::scope(|scope| {
        let stop = scope.spawn(|| root.ctl_ok(&["stop"]));
        for client in &mut idle {
            // It may have been closed by now; what is answered is never of the former version.
            let body = tumour_request(1).to_string();
            if let Ok(reply) = client.send("POST", "/v2/models/churn/infer", "", body.as_bytes()) {
                assert!(reply.status == 503 || reply.json()["model_version"] == "2", "{reply:?}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        stop.join().expect("no panic")
    });
    assert_eq!(stop, json!({"stopped": true}));
}

/// Requests that take seconds are in work on both sides of each switch.
#[test]
fn slow_requests_survive_switches() {
    let root = Root::new(&json!({"sessions": 8, "threads": 1}));
    let one = root.add(&fixture("slow.onnx"), "one", Some(1));
    let two = root.add(&fixture("slow.onnx"), "two", Some(2));
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    let address = supervisor.address();
    let request = json!({"inputs": [
        {"name": "x", "shape": [1], "datatype": "FP32", "data": [0.5]},
        {"name": "steps", "shape": [1], "datatype": "INT64", "data": [150_000]},
    ]});
    let answers = thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|i| {
                let (address, request) = (address.as_str(), &request);
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(150 * i));
                    let mut client = Client::new(address);
                    (0..4).map(|_| client.infer(request)).collect::<Vec<_>>()
                })
            })
            .collect();
        for hex in [&two, &one, &two] {
            thread::sleep(Duration::from_millis(400));
            root.go_live(hex);
        }
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(answers.len(), 24);
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.error());
    }
}
