//! Measures, not checks: `cargo test -p desk-serve --test figures -- --ignored --nocapture`.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{Client, Process, Root, sample, tumour_request};
use serde_json::json;

fn percentile(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn median_of(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
#[ignore = "prints figures; run it alone on a quiet machine"]
fn figures() {
    let root = Root::new(&json!({"drain_grace_ms": 100}));
    let one = root.add(&sample("tumour/v1.onnx"), "", Some(1));
    let two = root.add(&sample("tumour/v2.onnx"), "", Some(2));

    let start = |_| {
        let started = Instant::now();
        let server = Process::model(&root.version(&one), &[]);
        let ready = started.elapsed();
        assert_eq!(server.client().infer(&tumour_request(1)).status, 200);
        (ready, started.elapsed())
    };
    let starts: Vec<(Duration, Duration)> = (0..9).map(start).collect();
    println!("start to ready        {:?}", median_of(starts.iter().map(|s| s.0).collect()));
    println!("start to first answer {:?}", median_of(starts.iter().map(|s| s.1).collect()));

    let supervisor = Process::supervise(&root);
    let mut times = Vec::new();
    for hex in [&one, &two, &one, &two, &one] {
        let started = Instant::now();
        root.ctl_ok(&["stage", "--version", hex]);
        let staged = started.elapsed();
        root.ctl_ok(&["switch", "--version", hex]);
        times.push((staged, started.elapsed()));
    }
    println!("stage                 {:?}", median_of(times.iter().map(|t| t.0).collect()));
    println!("stage and switch      {:?}", median_of(times.iter().map(|t| t.1).collect()));

    let address = supervisor.address();
    for rows in [1, 100] {
        let body = tumour_request(rows).to_string().into_bytes();
        let latencies = measure(&address, &body, "", 3_000);
        print_latency(&format!("JSON, {rows} rows"), &latencies);
        let header = json!({
            "inputs": [{"name": "X", "shape": [rows, 30], "datatype": "FP32",
                        "parameters": {"binary_data_size": rows * 120}}],
            "parameters": {"binary_data_output": true},
        })
        .to_string();
        let body = [header.as_bytes(), &vec![0; rows * 120]].concat();
        let length = format!("Inference-Header-Content-Length: {}\r\n", header.len());
        let latencies = measure(&address, &body, &length, 3_000);
        print_latency(&format!("binary, {rows} rows"), &latencies);
    }
    for clients in [1usize, 4, 16] {
        let body = tumour_request(1).to_string().into_bytes();
        let each = 8_000 / clients;
        let started = Instant::now();
        thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| measure(&address, &body, "", each));
            }
        });
        let rate = (each * clients) as f64 / started.elapsed().as_secs_f64();
        println!("{clients:>2} clients, JSON, 1 row: {rate:.0} requests/s");
    }
}

fn measure(address: &str, body: &[u8], headers: &str, count: usize) -> Vec<Duration> {
    let mut client = Client::new(address);
    let mut once = || {
        let started = Instant::now();
        let reply = client.send("POST", "/v2/models/churn/infer", headers, body).expect("answered");
        assert_eq!(reply.status, 200);
        started.elapsed()
    };
    let _warm: Vec<Duration> = (0..50).map(|_| once()).collect();
    let mut times: Vec<Duration> = (0..count).map(|_| once()).collect();
    times.sort();
    times
}

#[expect(clippy::print_stdout, reason = "printing is what this is for")]
fn print_latency(what: &str, sorted: &[Duration]) {
    let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| percentile(sorted, share));
    println!("{what:<21} p50 {p50:?}, p90 {p90:?}, p99 {p99:?}");
}
