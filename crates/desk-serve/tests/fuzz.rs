//! Requests that are wrong in every way that came to mind, and many that are wrong by chance: the sender's
//! mistakes are answered with 4xx, never with 5xx, and the server goes on.

mod common;

use std::io::Write as _;

use common::{Client, Process, Root, fixture, read_reply, sample, tumour_request};
use serde_json::{Value, json};

const INFER: &str = "/v2/models/churn/infer";

fn server(model: &std::path::Path) -> (Root, Process) {
    let root = Root::new(&json!({}));
    let hex = root.add(model, "", Some(1));
    let server = Process::model(&root.version(&hex), &[]);
    (root, server)
}

#[track_caller]
fn refused(client: &mut Client, headers: &str, body: &[u8]) -> String {
    let reply = client.send("POST", INFER, headers, body).expect("answered");
    let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
    assert!((400..500).contains(&reply.status), "{} for {shown}: {reply:?}", reply.status);
    assert!(!reply.error().is_empty());
    reply.error()
}

#[test]
fn inputs_of_unequal_row_counts_are_the_senders_mistake() {
    let (_root, server) = server(&fixture("sum.onnx"));
    let mut client = server.client();
    let input = |name: &str, rows: usize| json!({"name": name, "shape": [rows, 2], "datatype": "FP32", "data": vec![0.5; 2 * rows]});
    let request = |a: usize, b: usize| json!({"inputs": [input("a", a), input("b", b)]});
    assert_eq!(client.infer(&request(2, 2)).status, 200);
    assert_eq!(client.infer(&request(1, 2)).status, 200, "the smaller one is repeated");
    let error = refused(&mut client, "", request(3, 2).to_string().as_bytes());
    assert!(error.contains("different numbers of rows: `a` has 3 and `b` has 2"), "{error}");
}

#[test]
fn what_came_to_mind() {
    let (_root, server) = server(&sample("tumour/v1.onnx"));
    let mut client = server.client();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut request = tumour_request(2);
        change(&mut request);
        request.to_string().into_bytes()
    };
    let input =
        |key: &'static str, value: Value| with(&move |request: &mut Value| request["inputs"][0][key] = value.clone());
    let bodies = [
        input("shape", json!([0, 30])),
        input("shape", json!([2, 0])),
        input("shape", json!([])),
        input("shape", json!([2, 30, 1])),
        input("shape", json!([u64::MAX, 30])),
        input("shape", json!([u64::MAX, u64::MAX])),
        input("shape", json!([1u64 << 62, 4])),
        input("shape", json!([-1, 30])),
        input("shape", json!([2.0, 30])),
        input("shape", json!("2x30")),
        input("shape", Value::Null),
        input("datatype", json!("FP64")),
        input("datatype", json!("fp32")),
        input("datatype", json!("BF16")),
        input("datatype", json!("")),
        input("datatype", json!(7)),
        input("data", json!([])),
        input("data", json!({})),
        input("data", json!("NaN")),
        input("data", json!([[1, "two"]])),
        input("data", json!(vec![true; 60])),
        input("data", json!(vec![1e300; 60])),
        input("data", json!(vec!["x"; 60])),
        input("name", json!("Y")),
        input("name", json!("")),
        input("name", Value::Null),
        input("parameters", json!({"binary_data_size": 240})),
        input("parameters", json!({"shared_memory_region": "x"})),
        input("parameters", json!(7)),
        with(&|request| {
            request["inputs"][0].as_object_mut().expect("an object").remove("data");
        }),
        with(&|request| {
            let again = request["inputs"][0].clone();
            request["inputs"].as_array_mut().expect("a list").push(again);
        }),
        with(&|request| request["outputs"] = json!([{"name": "nothing"}])),
        with(&|request| request["outputs"] = json!([{"name": "label"}, {"name": "label"}])),
        with(&|request| request["outputs"] = json!([{"name": "label", "parameters": {"classification": 2}}])),
        with(&|request| request["outputs"] = json!("label")),
        with(&|request| request["id"] = json!({})),
        with(&|request| request["parameters"] = json!({"binary_data_output": "yes"})),
        b"{\"inputs\":[{\"name\":\"X\",\"shape\":[1,30],\"datatype\":\"FP32\",\"data\":[NaN]}]}".to_vec(),
        b"{\"inputs\":[{\"name\":\"X\",\"shape\":[1,30],\"datatype\":\"FP32\",\"data\":[1e999]}]}".to_vec(),
        format!("{{\"inputs\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        format!("{{\"inputs\":[],\"parameters\":{}1{}}}", "{\"a\":".repeat(50_000), "}".repeat(50_000)).into_bytes(),
        format!(
            "{{\"inputs\":[{{\"name\":\"X\",\"shape\":[1,30],\"datatype\":\"FP32\",\"data\":{}1{}}}]}}",
            "[".repeat(5_000),
            "]".repeat(5_000)
        )
        .into_bytes(),
        b"{\"inputs\":[],\"inputs\":[]}".to_vec(),
        b"".to_vec(),
        b"null".to_vec(),
        b"\xff\xfe{}".to_vec(),
        vec![0; 1000],
    ];
    for body in &bodies {
        refused(&mut client, "", body);
    }
    // The same bytes, said to be JSON only in part.
    let whole = tumour_request(2).to_string();
    for length in ["0", "1", "18446744073709551615", "-1", "99999999999999999999", "x", ""] {
        refused(&mut client, &format!("Inference-Header-Content-Length: {length}\r\n"), whole.as_bytes());
    }
    assert_eq!(client.infer(&tumour_request(2)).status, 200);
}

#[test]
fn binary_sizes_that_lie() {
    let (_root, server) = server(&fixture("echo.onnx"));
    let mut client = server.client();
    let bytes = [0u8; 64];
    for (datatype, size) in
        [("FP32", 7), ("FP32", 0), ("FP32", 64), ("FP32", 65), ("BYTES", 8), ("BYTES", 64), ("BOOL", 3)]
    {
        for shape in [json!([1, 2]), json!([4, 2]), json!([1_000_000_000, 2]), json!([0, 2])] {
            let header = json!({"inputs": [{
                "name": format!("in_{datatype}"), "shape": shape, "datatype": datatype,
                "parameters": {"binary_data_size": size},
            }]})
            .to_string();
            let body = [header.as_bytes(), &bytes[..]].concat();
            let length = format!("Inference-Header-Content-Length: {}\r\n", header.len());
            refused(&mut client, &length, &body);
        }
    }
}

/// Sends raw bytes, and says that there are no more of them; the status, if an answer came.
fn broken(address: &str, bytes: &[u8]) -> Option<u16> {
    let mut client = Client::new(address);
    let connection = client.connect().expect("connects");
    // The server may have answered and closed before all was sent.
    drop(connection.get_mut().write_all(bytes));
    drop(connection.get_mut().shutdown(std::net::Shutdown::Write));
    read_reply(connection, "POST").ok().map(|reply| reply.status)
}

#[test]
fn broken_http() {
    let (_root, server) = server(&sample("tumour/v1.onnx"));
    let address = server.address();
    let body = tumour_request(1).to_string();
    let head = |line: &str| format!("POST {INFER} HTTP/1.1\r\nHost: t\r\n{line}\r\n\r\n");
    let long = format!("X: {}", "y".repeat(1_000_000));
    let many = "X: y\r\n".repeat(1_000) + "X: y";
    for request in [
        head("Content-Length: 10") + "{",
        head("Content-Length: -1") + &body,
        head("Content-Length: 1\r\nContent-Length: 2") + &body,
        head("Content-Length: 5\r\nTransfer-Encoding: chunked") + "0\r\n\r\n",
        head("Transfer-Encoding: chunked") + "zz\r\n{}\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + "5\r\n{}",
        head("Transfer-Encoding: gzip") + &body,
        head(&long) + &body,
        head(&many) + &body,
        "POST /%zz/v2 HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "GET /v2/models/%2e%2e%2f/ready HTTP/1.1\r\nHost: t\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ] {
        let status = broken(&address, request.as_bytes());
        let shown = &request[..request.len().min(120)];
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{status:?} for {shown}");
    }
    // Chunked bodies, however they are cut, are bodies.
    let chunk = |bytes: &[u8]| format!("{:x}\r\n{}\r\n", bytes.len(), String::from_utf8_lossy(bytes));
    let chunks = body.as_bytes().chunks(37).map(chunk).collect::<Vec<String>>().concat();
    let mut client = Client::new(&address);
    let connection = client.connect().expect("connects");
    let request = head("Transfer-Encoding: chunked") + &chunks + "0\r\n\r\n";
    connection.get_mut().write_all(request.as_bytes()).expect("sent");
    assert_eq!(read_reply(connection, "POST").expect("answered").status, 200);
    assert_eq!(Client::new(&address).infer(&tumour_request(1)).status, 200);
}

/// Valid requests with some bytes exchanged: not one may be the server's fault.
#[test]
fn wrong_by_chance() {
    let (_root, server) = server(&fixture("slow.onnx"));
    let mut client = server.client();
    let valid = json!({
        "id": "7",
        "inputs": [
            {"name": "x", "shape": [2], "datatype": "FP32", "data": [0.5, "NaN"]},
            {"name": "steps", "shape": [1], "datatype": "INT64", "data": [3]},
        ],
        "outputs": [{"name": "y", "parameters": {"binary_data": false}}],
    })
    .to_string();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let bits = b"0-1[]{},:\"e9 tfn.\\\x00\xff";
    for _ in 0..1_500 {
        let mut body = valid.clone().into_bytes();
        for _ in 0..=chance(3) {
            let (at, bit) = (chance(body.len()), bits[chance(bits.len())]);
            match chance(3) {
                0 => body[at] = bit,
                1 => body.insert(at, bit),
                _ => drop(body.remove(at)),
            }
        }
        // A number of steps beyond patience is valid, and not what is asked here.
        let text = String::from_utf8_lossy(&body).into_owned();
        if text.contains("\"data\":[3e") || text.split("\"INT64\"").nth(1).is_some_and(|rest| rest.contains('9')) {
            continue;
        }
        let reply = client.send("POST", INFER, "", &body).expect("answered");
        assert!(reply.status < 500, "{} for {text}: {reply:?}", reply.status);
    }
    assert_eq!(client.send("POST", INFER, "", valid.as_bytes()).expect("answered").status, 200);
}
