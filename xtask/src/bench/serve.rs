//! From the start of `modeldesk-serve` until it answers.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::{Context, Row, text};
use crate::{place, runtime, shell};

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let far = context.path("serve-far");
    let _: serde_json::Value = context.ask(
        "serve",
        &[
            "import",
            "assets/samples/tumour/v2.onnx",
            "--name",
            "tumour",
            "--golden",
            "assets/samples/tumour/heldout.csv",
        ],
    )?;
    let folder = format!("folder={}", text(&far)?);
    let port = format!("port={}", shell::free_port()?);
    let add = ["target", "add", "here", "--kind", "local", "--set", &folder, "--set", &port];
    let _: serde_json::Value = context.ask("serve", &add)?;
    let _: serde_json::Value = context.ask("serve", &["deploy", "tumour@1", "--to", "here"])?;
    let version = fs::canonicalize(far.join("current"))?;
    let mut times = (0..7).map(|_| start(context, text(&version)?)).collect::<Result<Vec<f64>>>()?;
    times.sort_by(f64::total_cmp);
    shell::output(
        Command::new(place::program("modeldesk-serve", "release")).args(["ctl", "stop", "--root"]).arg(&far),
    )?;
    Ok(vec![Row {
        what: "start until ready, tumour sample".to_owned(),
        ours: times[times.len() / 2],
        peer: None,
        unit: "s",
        less_is_better: true,
        aim: "below 0.5 s",
    }])
}

/// Seconds until a request for readiness is answered with 200.
fn start(context: &Context, version: &str) -> Result<f64> {
    let mut command = Command::new(place::program("modeldesk-serve", "release"));
    command.args(["model", "--dir", version, "--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    command.env(runtime::LIBRARY_VARIABLE, &context.library);
    let start = Instant::now();
    let mut child = command.spawn().context("cannot start modeldesk-serve")?;
    let ready = child.stdout.take().context("no output").and_then(|out| {
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let answer: serde_json::Value = serde_json::from_str(&line).with_context(|| format!("answer: {line}"))?;
        let url = answer["url"].as_str().context("no url")?.trim_start_matches("http://").trim_end_matches('/');
        ask_ready(url)?;
        Ok(start.elapsed().as_secs_f64())
    });
    child.kill()?;
    child.wait()?;
    ready
}

fn ask_ready(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /v2/health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.lines().next() {
        Some(line) if line.contains(" 200") => Ok(()),
        other => bail!("not ready: {}", other.unwrap_or("no answer")),
    }
}
