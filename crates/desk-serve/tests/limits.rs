//! Limits of size, time and number, and who may ask.

mod common;

use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::{BINARY, Process, Root, fixture, read_reply, run, sample, tumour_request};
use serde_json::{Value, json};

/// A server with settings, for the tumour model.
fn tumour(settings: &Value) -> (Root, Process) {
    server(settings, "tumour/v1.onnx")
}

fn server(settings: &Value, model: &str) -> (Root, Process) {
    let root = Root::new(settings);
    let model = if model.contains('/') { sample(model) } else { fixture(model) };
    let hex = root.add(&model, "", None);
    let config = root.path().join("serve.json");
    let server = Process::model(&root.version(&hex), &["--config", config.to_str().expect("text")]);
    (root, server)
}

const INFER: &str = "/v2/models/churn/infer";

#[test]
fn large_bodies_are_refused_and_their_sender_hears_why() {
    let (_root, server) = tumour(&json!({"max_body_bytes": 100_000}));
    let mut client = server.client();
    // Announced: refused although every byte is sent, and many are.
    for bytes in [2_000_000, 70_000_000] {
        let reply = client.send("POST", INFER, "", &vec![b' '; bytes]).expect("answered");
        assert_eq!((reply.status, reply.header("connection")), (413, Some("close")));
    }
    let reply = client.send("POST", INFER, "", &vec![b' '; 200_000]).expect("answered");
    assert!(reply.error().contains("100000"), "{}", reply.error());
    // Not announced.
    let connection = client.connect().expect("connects");
    let stream = connection.get_mut();
    write!(stream, "POST {INFER} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n").expect("sent");
    for _ in 0..20 {
        write!(stream, "2710\r\n{}\r\n", " ".repeat(10_000)).expect("sent");
    }
    write!(stream, "0\r\n\r\n").expect("sent");
    assert_eq!(read_reply(connection, "POST").expect("answered").status, 413);
    client.disconnect();
    // With `Expect` the body is not even sent.
    let connection = client.connect().expect("connects");
    let head = format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n");
    connection.get_mut().write_all(head.as_bytes()).expect("sent");
    assert_eq!(read_reply(connection, "POST").expect("answered").status, 413);
    client.disconnect();
    assert_eq!(client.infer(&tumour_request(1)).status, 200);
}

#[test]
fn what_is_no_request_is_told_in_json_and_what_never_ends_at_once() {
    let (_root, server) = tumour(&json!({}));
    let mut client = server.client();
    let many = "X: y\r\n".repeat(100);
    for (head, status, says) in [
        ("nonsense\r\n\r\n".to_owned(), 400, "not an HTTP request"),
        (format!("GET /v2 HTTP/1.1\r\nHost: t\r\n{many}\r\n"), 431, "too many fields"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)), 414, "too long"),
        (format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", 1_u64 << 63), 413, "larger than"),
    ] {
        let began = Instant::now();
        let connection = client.connect().expect("connects");
        connection.get_mut().write_all(head.as_bytes()).expect("sent");
        let reply = read_reply(connection, "POST").expect("answered");
        assert_eq!(reply.status, status);
        assert!(reply.error().contains(says), "{reply:?}");
        assert!(began.elapsed() < Duration::from_secs(1), "{status} after {:?}", began.elapsed());
        client.disconnect();
    }
}

#[test]
fn too_many_rows_are_refused() {
    let (_root, server) = tumour(&json!({"max_rows": 2}));
    let mut client = server.client();
    assert_eq!(client.infer(&tumour_request(2)).status, 200);
    let reply = client.infer(&tumour_request(3));
    assert_eq!(reply.status, 400);
    assert!(reply.error().contains("at most 2"), "{}", reply.error());
}

#[test]
fn slow_clients_are_dropped_and_do_not_keep_others_out() {
    let limits = json!({
        "header_timeout_ms": 300, "body_timeout_ms": 300, "idle_timeout_ms": 600, "max_connections": 20,
    });
    let (_root, server) = tumour(&limits);
    // Twenty clients take every place: some silent, some with half a header, some trickling.
    let mut slow: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(server.address()).expect("connects")).collect();
    for (i, stream) in slow.iter_mut().enumerate() {
        if i % 2 == 0 {
            stream.write_all(b"POST /v2 HTTP/1.1\r\nHost: t\r\nX: ").expect("sent");
        }
    }
    let started = Instant::now();
    let trickle = thread::spawn(move || {
        // A byte every 50 ms does not prolong the 300 ms.
        let mut ended = Vec::new();
        while !slow.is_empty() && started.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(50));
            slow.retain_mut(|stream| {
                let alive = stream.write_all(b"x").is_ok() && !is_closed(stream);
                if !alive {
                    ended.push(started.elapsed());
                }
                alive
            });
        }
        (ended, slow.len())
    });
    // A good client waits for a place and gets one.
    assert_eq!(server.client().infer(&tumour_request(1)).status, 200);
    let (ended, left) = trickle.join().expect("no panic");
    assert_eq!(left, 0, "every slow client was dropped: {ended:?}");
    assert!(ended.iter().all(|after| *after < Duration::from_secs(3)), "{ended:?}");

    // A body that stops is answered.
    let mut client = server.client();
    let connection = client.connect().expect("connects");
    let head = format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n{{");
    connection.get_mut().write_all(head.as_bytes()).expect("sent");
    assert_eq!(read_reply(connection, "POST").expect("answered").status, 408);

    // A connection that does nothing after its answer is closed in the end.
    let mut idle = server.client();
    assert_eq!(idle.get("/v2").status, 200);
    let mut byte = [0];
    assert_eq!(idle.connect().expect("open").get_mut().read(&mut byte).expect("closed properly"), 0);
}

fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let mut bytes = [0; 64];
    let closed = match stream.read(&mut bytes) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).expect("a socket");
    closed
}

/// A request for the slow model; 1,000,000 steps take seconds.
fn slow_request(steps: u64) -> Value {
    json!({"inputs": [
        {"name": "x", "shape": [1], "datatype": "FP32", "data": [0.5]},
        {"name": "steps", "shape": [1], "datatype": "INT64", "data": [steps]},
    ]})
}

#[test]
fn beyond_the_limit_of_requests_the_answer_is_503_at_once() {
    let (_root, server) = server(&json!({"max_concurrent": 2, "sessions": 1}), "slow.onnx");
    assert_eq!(server.client().infer(&slow_request(10)).status, 200);
    // Two that run long, on connections that stay open meanwhile.
    let mut busy: Vec<BufReader<TcpStream>> = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address()).expect("connects");
        let body = slow_request(20_000_000).to_string();
        write!(stream, "POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .expect("sent");
        busy.push(BufReader::new(stream));
    }
    let mut client = server.client();
    common::eventually("both requests in work", || metric(&mut client, "requests_in_flight") == 2);
    let started = Instant::now();
    let reply = client.infer(&slow_request(1));
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert!(started.elapsed() < Duration::from_secs(1));
    // Metadata is still answered.
    assert_eq!(client.get("/v2/models/churn").status, 200);
    // When their clients go away, the runs are cancelled and there is room again.
    drop(busy);
    common::eventually("room again", || client.infer(&slow_request(1)).status == 200);
    assert!(started.elapsed() < Duration::from_secs(5), "the runs would have taken longer");
}

#[test]
fn a_client_that_does_not_read_its_answer_is_dropped() {
    let (_root, server) = server(&json!({"write_timeout_ms": 300, "max_rows": 10_000_000}), "slow.onnx");
    let count = 4_000_000;
    let header = json!({
        "inputs": [
            {"name": "x", "shape": [count], "datatype": "FP32", "parameters": {"binary_data_size": 4 * count}},
            {"name": "steps", "shape": [1], "datatype": "INT64", "data": [1]},
        ],
        "parameters": {"binary_data_output": true},
    })
    .to_string();
    let mut stream = TcpStream::connect(server.address()).expect("connects");
    let length = header.len() + 4 * count;
    let head = format!(
        "POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\nInference-Header-Content-Length: {}\r\n\r\n",
        header.len()
    );
    // 16 MB of answer do not fit into the buffers between the two.
    stream.write_all(&[head.as_bytes(), header.as_bytes(), &vec![0; 4 * count]].concat()).expect("sent");
    let mut client = server.client();
    common::eventually("an answer", || metric(&mut client, "rows_total") == count as u64);
    common::eventually("the client to be dropped", || metric(&mut client, "connections") == 1);
    let mut read = Vec::new();
    let ended = stream.read_to_end(&mut read);
    assert!(ended.is_err() || read.len() < 4 * count, "the answer broke off");
}

fn metric(client: &mut common::Client, name: &str) -> u64 {
    let text = String::from_utf8(client.get("/metrics").body).expect("text");
    let line = text.lines().find(|line| line.starts_with(&format!("modeldesk_{name}{{"))).expect("the metric");
    line.rsplit(' ').next().expect("a value").parse().expect("a number")
}

#[test]
fn a_token_is_wanted_from_everybody_except_probes() {
    let folder = tempfile::tempdir().expect("folder");
    let token = folder.path().join("token");
    fs::write(&token, "correct-horse-battery\n").expect("written");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("mode");
    let (_root, server) = tumour(&json!({"token_file": token}));
    let mut client = server.client();
    for path in ["/v2", "/v2/models/churn", "/metrics", "/nowhere"] {
        let reply = client.get(path);
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")), "{path}");
    }
    assert_eq!(client.infer(&tumour_request(1)).status, 401);
    let reply = client.send("POST", INFER, "", &vec![b' '; 2_000_000]).expect("answered, not cut off");
    assert_eq!(reply.status, 401);
    assert_eq!(client.get("/v2/health/live").status, 200);
    assert_eq!(client.get("/v2/health/ready").status, 200);
    client.headers = "Authorization: Bearer correct-horse-batterz\r\n".into();
    assert_eq!(client.infer(&tumour_request(1)).status, 401);
    client.headers = "Authorization: Bearer correct-horse-battery\r\n".into();
    assert_eq!(client.infer(&tumour_request(1)).status, 200);
}

#[test]
fn off_loopback_it_refuses_to_start_without_a_token() {
    let root = Root::new(&json!({"host": "0.0.0.0"}));
    let hex = root.add(&sample("tumour/v1.onnx"), "", None);
    let mut command = Command::new(BINARY);
    command.arg("model").arg("--dir").arg(root.version(&hex)).args(["--port", "0", "--host", "0.0.0.0"]);
    let (ok, answer) = run(&mut command);
    assert!(!ok);
    assert_eq!(answer["error"]["kind"], "policy");
    assert!(answer["error"]["hints"][0].as_str().expect("a hint").contains("token"), "{answer}");
    assert_eq!(command.status().expect("starts").code(), Some(5));
    let (ok, answer) = run(Command::new(BINARY).args(["supervise", "--root"]).arg(root.path()));
    assert!(!ok);
    assert_eq!(answer["error"]["kind"], "policy");
}

#[test]
fn what_cannot_be_served_is_told() {
    let root = Root::new(&json!({}));
    let hex = root.add(&sample("tumour/v1.onnx"), "", None);
    let model = |folder: &std::path::Path| {
        run(Command::new(BINARY).arg("model").arg("--dir").arg(folder).args(["--port", "0"]))
    };
    fs::write(root.version(&hex).join("files/model.onnx"), b"not a model").expect("written");
    let (ok, answer) = model(&root.version(&hex));
    assert!(!ok && answer["error"]["message"].as_str().expect("text").contains("damaged"), "{answer}");
    let garbage = root.path().join("garbage");
    fs::write(&garbage, b"not a model").expect("written");
    let (ok, answer) = model(&root.version(&root.add(&garbage, "", None)));
    assert!(!ok && answer["error"]["kind"] == "input", "{answer}");
    let (ok, answer) = model(&root.path().join("versions/none"));
    assert!(!ok && answer["error"]["message"].as_str().expect("text").contains("no such version"), "{answer}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (ok, answer) =
        run(Command::new(BINARY).arg("model").arg("--dir").arg(root.version(&hex)).args(["--port", &port]));
    assert!(!ok && answer["error"]["message"].as_str().expect("text").contains(&port), "{answer}");
}

#[test]
fn sigterm_finishes_what_is_in_work() {
    let (_root, mut server) = server(&json!({"sessions": 1}), "slow.onnx");
    let address = server.address();
    let request = thread::spawn(move || common::Client::new(&address).infer(&slow_request(300_000)));
    let mut client = server.client();
    common::eventually("a request in work", || metric(&mut client, "requests_in_flight") == 1);
    server.signal("TERM");
    let reply = request.join().expect("no panic");
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert!(server.wait(), "ended properly");
}
