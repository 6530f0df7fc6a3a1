//! The HTTP side of the target double: answers golden inputs with golden outputs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use desk_core::{GoldenRows, TensorData};
use parking_lot::Mutex;
use serde_json::json;

use super::double::{World, WrongOn};
use crate::layout;

/// Answers on a port of its own for as long as the process lives.
pub(super) fn listen(world: Arc<Mutex<World>>, port: WrongOn) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that has gone away is its own business.
            drop(serve(&stream, &world, port));
        }
    });
    Ok(address)
}

fn serve(mut stream: &TcpStream, world: &Mutex<World>, port: WrongOn) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, answer) = respond(&world.lock(), port, &path);
    let text = answer.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

fn respond(world: &World, port: WrongOn, path: &str) -> (&'static str, serde_json::Value) {
    let Some(version) = world.version_on(port) else {
        return ("503 Service Unavailable", json!({ "error": "no version is live" }));
    };
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v2", "models", _, "ready"] => ("200 OK", json!({})),
        ["v2", "models", _, "versions", asked, "infer"] if asked == version => {
            let golden = world.files.get(&format!("{}/golden.json", layout::version(version)));
            let golden = golden.and_then(|bytes| serde_json::from_slice::<GoldenRows>(bytes).ok());
            let Some(golden) = golden else {
                return ("500 Internal Server Error", json!({ "error": "no golden rows" }));
            };
            let off = if world.wrong.contains(&(version.clone(), port)) { 1.0 } else { 0.0 };
            ("200 OK", outputs(&golden, off))
        }
        _ => ("404 Not Found", json!({ "error": format!("{path} is not served; {version} is") })),
    }
}

fn outputs(golden: &GoldenRows, off: f32) -> serde_json::Value {
    let outputs: Vec<serde_json::Value> = golden
        .outputs
        .iter()
        .map(|output| {
            let TensorData::Float32(values) = &output.tensor.data else { return json!(null) };
            let values: Vec<f32> = values.iter().map(|value| value + off).collect();
            json!({ "name": output.name, "shape": output.tensor.shape, "datatype": "FP32", "data": values })
        })
        .collect();
    json!({ "outputs": outputs })
}
