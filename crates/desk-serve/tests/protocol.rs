//! The protocol, endpoint by endpoint, on real models in a real server process.

mod common;

use common::{Process, Reply, Root, fixture, sample, tumour_request};
use serde_json::{Value, json};

fn tumour() -> (Root, Process, String) {
    let root = Root::new(&json!({}));
    let hex = root.add(&sample("tumour/v1.onnx"), "", Some(3));
    let server = Process::model(&root.version(&hex), &[]);
    (root, server, hex)
}

#[test]
fn metadata_health_and_readiness() {
    let (_root, server, hex) = tumour();
    let mut client = server.client();
    let about = client.get("/v2").json();
    assert_eq!(about["name"], "modeldesk-serve");
    assert_eq!(about["extensions"], json!(["binary_tensor_data"]));
    assert_eq!(client.get("/v2/health/live").json(), json!({"live": true}));
    assert_eq!(client.get("/v2/health/ready").json(), json!({"ready": true}));
    let model = client.get("/v2/models/churn").json();
    let expect = json!({
        "name": "churn", "versions": ["3"], "platform": "onnxruntime_onnx",
        "parameters": {"digest": format!("sha256:{hex}")},
        "inputs": [{"name": "X", "datatype": "FP32", "shape": [-1, 30]}],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
        ],
    });
    assert_eq!(model, expect);
    assert_eq!(client.get("/v2/models/churn/ready").json(), json!({"name": "churn", "ready": true}));
    for version in ["3", &hex, &hex[..12]] {
        assert_eq!(client.get(&format!("/v2/models/churn/versions/{version}")).json(), expect);
        assert_eq!(client.get(&format!("/v2/models/churn/versions/{version}/ready")).status, 200);
        let path = format!("/v2/models/churn/versions/{version}/infer");
        assert_eq!(client.post(&path, &tumour_request(1)).json()["model_version"], "3");
    }
    let head = client.send("HEAD", "/v2/health/ready", "", b"").expect("answered");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn infer_as_the_runtime_answers() {
    let (_root, server, _) = tumour();
    let mut client = server.client();
    let mut request = tumour_request(2);
    request["id"] = json!("a-1");
    let reply = client.infer(&request);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let answer = reply.json();
    assert_eq!((&answer["model_name"], &answer["id"]), (&json!("churn"), &json!("a-1")));
    let label = &answer["outputs"][0];
    assert_eq!(*label, json!({"name": "label", "shape": [2], "datatype": "BYTES", "data": ["benign", "benign"]}));
    let table = &answer["outputs"][1];
    assert_eq!((&table["shape"], &table["datatype"]), (&json!([2, 2]), &json!("FP32")));
    // onnxruntime 1.31.1 in Python gives these for the first held-out row.
    let p: Vec<f64> = table["data"].as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect();
    assert_eq!(p.len(), 4);
    assert!((p[0] + p[1] - 1.0).abs() < 1e-6 && p[0] > 0.5, "{p:?}");
    assert_eq!(p[0], p[2]);

    // Flat data is the same as nested data, and only the outputs asked for come back.
    let flat: Vec<Value> = request["inputs"][0]["data"]
        .as_array()
        .expect("rows")
        .iter()
        .flat_map(|row| row.as_array().expect("row").clone())
        .collect();
    request["inputs"][0]["data"] = json!(flat);
    request["outputs"] = json!([{"name": "probabilities"}]);
    let again = client.infer(&request).json();
    assert_eq!(again["outputs"], json!([table]));
}

#[test]
fn texts_and_class_tables() {
    let root = Root::new(&json!({}));
    let hex = root.add(&sample("penguins/model.onnx"), "", None);
    let server = Process::model(&root.version(&hex), &[]);
    let mut client = server.client();
    let model = client.get("/v2/models/churn").json();
    assert_eq!(model["versions"], json!([&hex[..12]]));
    assert_eq!(model["inputs"][0], json!({"name": "island", "datatype": "BYTES", "shape": [-1, 1]}));
    assert_eq!(model["outputs"][1], json!({"name": "output_probability", "datatype": "FP32", "shape": [-1, -1]}));
    let input = |name: &str, datatype: &str, data: Value| json!({"name": name, "shape": [1, 1], "datatype": datatype, "data": data});
    let request = json!({"inputs": [
        input("island", "BYTES", json!(["Biscoe"])),
        input("sex", "BYTES", json!(["female"])),
        input("bill_depth_mm", "FP32", json!([18.6])),
        input("flipper_length_mm", "FP32", json!([193.0])),
        input("body_mass_g", "FP32", json!([2925.0])),
    ]});
    let answer = client.infer(&request).json();
    assert_eq!(answer["outputs"][0]["data"], json!(["Adelie"]));
    let table = &answer["outputs"][1];
    assert_eq!((&table["name"], &table["shape"]), (&json!("output_probability"), &json!([1, 3])));
    assert_eq!(table["parameters"]["labels"], json!(["Adelie", "Chinstrap", "Gentoo"]));
}

/// Every datatype, as JSON and as bytes, both ways.
#[test]
fn every_datatype_round_trips() {
    let root = Root::new(&json!({}));
    let hex = root.add(&fixture("echo.onnx"), "", None);
    let server = Process::model(&root.version(&hex), &[]);
    let mut client = server.client();
    // Datatype, the values in JSON, the same two elements as little-endian bytes.
    let cases: Vec<(&str, Value, Vec<u8>)> = vec![
        ("BOOL", json!([true, false]), vec![1, 0]),
        ("UINT8", json!([255, 0]), vec![255, 0]),
        ("UINT16", json!([65535, 1]), vec![255, 255, 1, 0]),
        ("UINT32", json!([4294967295u32, 1]), vec![255, 255, 255, 255, 1, 0, 0, 0]),
        ("UINT64", json!([u64::MAX, 1]), [u64::MAX.to_le_bytes(), 1u64.to_le_bytes()].concat()),
        ("INT8", json!([-128, 1]), vec![128, 1]),
        ("INT16", json!([-2, 1]), vec![254, 255, 1, 0]),
        ("INT32", json!([-2, 1]), [(-2i32).to_le_bytes(), 1i32.to_le_bytes()].concat()),
        (
            "INT64",
            json!([i64::MIN, 9007199254740993i64]),
            [i64::MIN.to_le_bytes(), 9007199254740993i64.to_le_bytes()].concat(),
        ),
        ("FP16", json!([1.5, -2.0]), vec![0x00, 0x3e, 0x00, 0xc0]),
        ("FP32", json!([0.1, "-Infinity"]), [0.1f32.to_le_bytes(), f32::NEG_INFINITY.to_le_bytes()].concat()),
        ("FP64", json!([0.1, "NaN"]), [0.1f64.to_le_bytes(), f64::NAN.to_le_bytes()].concat()),
        ("BYTES", json!(["", "größe"]), [&[0, 0, 0, 0, 7, 0, 0, 0][..], "größe".as_bytes()].concat()),
    ];
    let as_json: Vec<Value> = cases
        .iter()
        .map(|(kind, data, _)| json!({"name": format!("in_{kind}"), "shape": [1, 2], "datatype": kind, "data": data}))
        .collect();
    let answer = client.infer(&json!({"inputs": as_json})).json();
    for (i, (kind, data, _)) in cases.iter().enumerate() {
        let expect = json!({"name": format!("out_{kind}"), "shape": [1, 2], "datatype": kind, "data": data});
        assert_eq!(answer["outputs"][i], expect);
    }

    let as_bytes: Vec<Value> = cases
        .iter()
        .map(|(kind, _, bytes)| {
            let parameters = json!({"binary_data_size": bytes.len()});
            json!({"name": format!("in_{kind}"), "shape": [1, 2], "datatype": kind, "parameters": parameters})
        })
        .collect();
    let header = json!({"inputs": as_bytes, "parameters": {"binary_data_output": true}}).to_string();
    let tensors: Vec<u8> = cases.iter().flat_map(|(_, _, bytes)| bytes.clone()).collect();
    let body = [header.as_bytes(), &tensors].concat();
    let length = format!("Inference-Header-Content-Length: {}\r\n", header.len());
    let reply = client.send("POST", "/v2/models/churn/infer", &length, &body).expect("answered");
    assert_eq!(reply.status, 200, "{}", reply.error());
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    let (json, bytes) = split(&reply);
    assert_eq!(bytes, tensors);
    for (i, (kind, _, bytes)) in cases.iter().enumerate() {
        let output = &json["outputs"][i];
        assert_eq!(output["name"], format!("out_{kind}"));
        assert_eq!(output["parameters"]["binary_data_size"], bytes.len());
    }

    // A value that somebody forgot does not become an answer.
    let mut forgotten = as_json.clone();
    forgotten[10]["data"][1] = json!(null);
    let reply = client.infer(&json!({"inputs": forgotten}));
    assert_eq!(reply.status, 400);
    assert!(reply.error().contains("element 1 of `data` is null"), "{}", reply.error());

    // Some outputs as bytes and some as JSON.
    let outputs = json!([{"name": "out_INT8", "parameters": {"binary_data": true}}, {"name": "out_FP32"}]);
    let reply = client.infer(&json!({"inputs": as_json, "outputs": outputs}));
    let (json, bytes) = split(&reply);
    assert_eq!(bytes, [128, 1]);
    assert_eq!(json["outputs"][1]["data"], json!([0.1, "-Infinity"]));
}

fn split(reply: &Reply) -> (Value, &[u8]) {
    let length: usize = reply.header("inference-header-content-length").expect("binary").parse().expect("a number");
    let (json, bytes) = reply.body.split_at(length);
    (serde_json::from_slice(json).expect("JSON"), bytes)
}

#[test]
fn a_body_that_is_the_tensor_alone() {
    let (_root, server, _) = tumour();
    let body: Vec<u8> = (0..60).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let header = "Inference-Header-Content-Length: 0\r\nContent-Type: application/octet-stream\r\n";
    let reply = server.client().send("POST", "/v2/models/churn/infer", header, &body).expect("answered");
    let (json, _) = split(&reply);
    assert_eq!(json["outputs"][1]["shape"], json!([2, 2]));
}

#[test]
fn bad_requests_have_fitting_answers() {
    let (_root, server, _) = tumour();
    let mut client = server.client();
    let status = |reply: Reply, says: &str| {
        let error = reply.error();
        assert!(error.contains(says), "{error}");
        reply.status
    };
    assert_eq!(status(client.get("/"), "nothing"), 404);
    assert_eq!(status(client.get("/v2/models/other"), "`churn`"), 404);
    assert_eq!(status(client.get("/v2/models/churn/versions/4"), "`4`"), 404);
    assert_eq!(status(client.get("/v2/models/churn/config"), "nothing"), 404);
    assert_eq!(status(client.get("/v2/repository/index"), "nothing"), 404);
    let reply = client.get("/v2/models/churn/infer");
    assert_eq!(reply.header("allow"), Some("POST"));
    assert_eq!(status(reply, "POST"), 405);
    assert_eq!(status(client.post("/v2", &json!({})), "GET"), 405);
    assert_eq!(status(client.post("/v2/models/other/infer", &tumour_request(1)), "other"), 404);
    assert_eq!(status(client.infer(&json!({"inputs": []})), "`X`"), 400);
    assert_eq!(status(client.infer(&json!([])), "not valid"), 400);
    let mut wrong = tumour_request(1);
    wrong["inputs"][0]["shape"] = json!([1, 29]);
    assert_eq!(status(client.infer(&wrong), "needs 29"), 400);
    wrong["inputs"][0]["shape"] = json!([30]);
    assert_eq!(status(client.infer(&wrong), "nested"), 400);
    wrong["inputs"][0]["data"] = json!(vec![0.0; 30]);
    assert_eq!(status(client.infer(&wrong), "[batch, 30]"), 400);
    let infer = "/v2/models/churn/infer";
    let send = |client: &mut common::Client, headers: &str, body: &[u8]| {
        client.send("POST", infer, headers, body).expect("answered")
    };
    assert_eq!(status(send(&mut client, "", b"{"), "EOF"), 400);
    assert_eq!(status(send(&mut client, "Inference-Header-Content-Length: x\r\n", b"{}"), "number"), 400);
    assert_eq!(status(send(&mut client, "Inference-Header-Content-Length: 9\r\n", b"{}"), "fewer"), 400);
    assert_eq!(status(send(&mut client, "Content-Encoding: gzip\r\n", b"x"), "compressed"), 415);
    // After all that the connection and the model still work.
    assert_eq!(client.infer(&tumour_request(1)).status, 200);
}

#[test]
fn metrics_count() {
    let (_root, server, hex) = tumour();
    let mut client = server.client();
    client.infer(&tumour_request(3));
    client.infer(&tumour_request(4));
    client.get("/nowhere");
    let reply = client.get("/metrics");
    assert!(reply.header("content-type").expect("a type").starts_with("text/plain"));
    let text = String::from_utf8(reply.body).expect("text");
    for expect in [
        "modeldesk_requests_total{model=\"churn\",version=\"3\",code=\"200\"} 2\n".to_owned(),
        "modeldesk_requests_total{model=\"churn\",version=\"3\",code=\"404\"} 1\n".to_owned(),
        "modeldesk_rows_total{model=\"churn\",version=\"3\"} 7\n".to_owned(),
        "modeldesk_infer_duration_seconds_count{model=\"churn\",version=\"3\"} 2\n".to_owned(),
        "modeldesk_requests_in_flight{model=\"churn\",version=\"3\"} 0\n".to_owned(),
        "modeldesk_connections{model=\"churn\",version=\"3\"} 1\n".to_owned(),
        format!("digest=\"{hex}\",runtime=\"onnxruntime "),
        "process_resident_memory_bytes ".to_owned(),
    ] {
        assert!(text.contains(&expect), "{expect} in {text}");
    }
}
