//! A stop under load: whoever is connected has an answer, everybody else is refused.

mod common;

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Process, Root, read_reply, sample, tumour_request};
use serde_json::json;

/// Clients that connect for each request, more than are let in at a time.
const CLIENTS: usize = 24;
/// Answers before the stop.
const WARM: usize = 300;

/// What clients have seen.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    /// The stop was asked for; connections that came about before that must not be lost on any system.
    stopping: AtomicBool,
    /// Everybody can go home.
    over: AtomicBool,
}

/// One request on a connection of its own. `Ok(None)` when the connection was refused.
fn ask(address: &str) -> Result<Option<u16>, String> {
    let Ok(mut stream) = TcpStream::connect(address) else { return Ok(None) };
    let lost = |error: std::io::Error| error.to_string();
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(lost)?;
    let body = tumour_request(1).to_string();
    let head = "POST /v2/models/churn/infer HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length:";
    stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).map_err(lost)?;
    read_reply(&mut BufReader::new(stream), "POST").map(|reply| Some(reply.status)).map_err(lost)
}

/// Requests until nobody answers any more; connections that came about and had no answer, or another one.
fn hammer(address: &str, expected: u16, seen: &Seen) -> Vec<String> {
    let mut lost = Vec::new();
    while !seen.over.load(Ordering::SeqCst) {
        let began = seen.stopping.load(Ordering::SeqCst);
        match ask(address) {
            Ok(Some(status)) if status == expected => {
                seen.answered.fetch_add(1, Ordering::SeqCst);
            }
            Ok(Some(status)) => lost.push(format!("{status}, stopping: {began}")),
            Ok(None) if began => break,
            Ok(None) => lost.push("refused before the stop".to_owned()),
            Err(error) => lost.push(format!("{error}, stopping: {began}")),
        }
    }
    lost
}

/// Stops a server under load; nobody who was connected may be lost.
#[track_caller]
fn check(address: &str, expected: u16, stop: impl FnOnce()) {
    let seen = Seen::default();
    let lost = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| hammer(address, expected, &seen))).collect();
        let began = Instant::now();
        while seen.answered.load(Ordering::SeqCst) < WARM && began.elapsed() < Duration::from_mins(1) {
            thread::sleep(Duration::from_millis(5));
        }
        seen.stopping.store(true, Ordering::SeqCst);
        stop();
        // Whoever waits to be connected is refused within a second.
        thread::sleep(Duration::from_millis(100));
        seen.over.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(seen.answered.load(Ordering::SeqCst) >= WARM);
    assert!(lost.is_empty(), "{} lost, such as {:?}", lost.len(), &lost[..lost.len().min(5)]);
}

#[test]
fn a_stop_answers_everybody_who_is_connected() {
    let root = Root::new(&json!({"max_connections": 4, "sessions": 1}));
    let one = root.add(&sample("tumour/v1.onnx"), "", Some(1));
    let mut supervisor = Process::supervise(&root);
    root.go_live(&one);
    check(&supervisor.address(), 200, || {
        root.ctl_ok(&["stop"]);
    });
    assert!(supervisor.wait());
}

#[test]
fn a_stop_tells_everybody_who_is_connected_that_nothing_is_live() {
    let root = Root::new(&json!({"max_connections": 4}));
    let mut supervisor = Process::supervise(&root);
    check(&supervisor.address(), 503, || {
        root.ctl_ok(&["stop"]);
    });
    assert!(supervisor.wait());
}

#[test]
fn a_server_without_a_supervisor_answers_everybody_when_it_is_ended() {
    let root = Root::new(&json!({}));
    let one = root.add(&sample("tumour/v1.onnx"), "", Some(1));
    let config = root.path().join("few.json");
    std::fs::write(&config, json!({"max_connections": 4, "sessions": 1}).to_string()).expect("written");
    let config = config.to_string_lossy().into_owned();
    let mut server = Process::model(&root.version(&one), &["--config", &config]);
    let address = server.address();
    let pid = server.child.id();
    check(&address, 200, || {
        common::signal(pid, "TERM");
        assert!(server.wait());
    });
}
