//! Many slow clients and a good one: the good one must not notice.

mod common;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Client, Process, Root, sample, tumour_request};
use serde_json::json;

const INFER: &str = "/v2/models/churn/infer";
const SLOW: usize = 300;

fn server() -> (Root, Process) {
    // The limits of time are those that everybody has; a hundred places for three hundred clients.
    let root = Root::new(&json!({"max_connections": 100}));
    let hex = root.add(&sample("tumour/v1.onnx"), "", None);
    let config = root.path().join("serve.json");
    let server = Process::model(&root.version(&hex), &["--config", config.to_str().expect("text")]);
    (root, server)
}

/// What a slow client sends at first; afterwards it drips.
fn first_bytes(kind: usize) -> String {
    match kind % 4 {
        0 => format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nX-Slow: "),
        // Each announces as much as is allowed.
        1 => format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: 60000000\r\n\r\n{{"),
        2 => format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"),
        _ => String::new(),
    }
}

/// Opens a slow connection and drips into it; comes back when it is thrown out.
fn dawdle(address: &str, kind: usize, over: &AtomicBool) {
    while !over.load(Ordering::SeqCst) {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        let mut alive = stream.write_all(first_bytes(kind).as_bytes()).is_ok();
        while alive && !over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(100));
            let drop = if kind % 4 == 2 { "1\r\n \r\n" } else { " " };
            alive = kind % 4 == 3 || stream.write_all(drop.as_bytes()).is_ok();
            if kind % 4 == 3 {
                // It says nothing at all: only reading tells that it was thrown out.
                let mut byte = [0];
                alive = stream.set_nonblocking(true).is_ok()
                    && !matches!(std::io::Read::read(&mut stream, &mut byte), Ok(0));
            }
        }
    }
}

/// The slowest and the middle one of requests that each open a connection.
fn latencies(address: &str, count: usize) -> (Duration, Duration) {
    let body = tumour_request(1).to_string();
    let mut took: Vec<Duration> = (0..count)
        .map(|_| {
            let began = Instant::now();
            let reply = Client::new(address).send("POST", INFER, "", body.as_bytes()).expect("answered");
            assert_eq!(reply.status, 200, "{}", reply.error());
            began.elapsed()
        })
        .collect();
    took.sort();
    (took[count - 1], took[count / 2])
}

#[test]
fn slow_clients_do_not_slow_others_down() {
    let (_root, server) = server();
    let address = server.address();
    let (_, alone) = latencies(&address, 50);
    let over = AtomicBool::new(false);
    let (worst, middle) = thread::scope(|scope| {
        for kind in 0..SLOW {
            let (address, over) = (address.as_str(), &over);
            scope.spawn(move || dawdle(address, kind, over));
        }
        // All places are taken and there is a queue.
        thread::sleep(Duration::from_millis(500));
        let found = latencies(&address, 60);
        over.store(true, Ordering::SeqCst);
        found
    });
    eprintln!("alone {alone:?}; among {SLOW} slow clients {middle:?}, at worst {worst:?}");
    // Who is new has a tenth of a second before it counts as slow: nobody waits much longer than a few of those,
    // and three hundred threads of this test need their time on the same processors.
    assert!(worst < Duration::from_secs(3), "the slowest took {worst:?}, the middle one {middle:?}, alone {alone:?}");
    assert!(middle < Duration::from_millis(500), "the middle one took {middle:?}, alone {alone:?}");
}

#[test]
fn bodies_that_are_only_announced_take_no_memory_from_others() {
    let (_root, server) = server();
    let mut slow: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(server.address()).expect("connects")).collect();
    for stream in &mut slow {
        stream.write_all(first_bytes(1).as_bytes()).expect("sent");
    }
    let mut client = server.client();
    common::eventually("all of them to be in work", || {
        let text = String::from_utf8(client.get("/metrics").body).expect("text");
        text.lines().any(|line| line.starts_with("modeldesk_requests_in_flight{") && line.ends_with(" 40"))
    });
    let began = Instant::now();
    assert_eq!(client.infer(&tumour_request(1)).status, 200);
    assert!(began.elapsed() < Duration::from_secs(1));
}
