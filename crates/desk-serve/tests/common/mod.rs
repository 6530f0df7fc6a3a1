//! Folders, processes and a client for the tests.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use desk_core::{Description, Digest, FileEntry, GoldenRows, Manifest, ModelFamily, ModelFormat, Signature};
use serde_json::{Value, json};

pub const BINARY: &str = env!("CARGO_BIN_EXE_modeldesk-serve");

pub fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/samples").join(path)
}

pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// A target's folder.
pub struct Root {
    pub folder: tempfile::TempDir,
}

impl Root {
    pub fn new(settings: &Value) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut config = json!({"host": "127.0.0.1", "port": 0, "model": "churn", "token_file": null});
        for (name, value) in settings.as_object().expect("an object") {
            config[name] = value.clone();
        }
        fs::write(folder.path().join("serve.json"), config.to_string()).expect("written");
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A version of a model; `note` makes versions of the same model different.
    pub fn add(&self, model: &Path, note: &str, number: Option<u32>) -> String {
        self.add_with_golden(model, note, number, None)
    }

    pub fn add_with_golden(
        &self,
        model: &Path,
        note: &str,
        number: Option<u32>,
        golden: Option<&GoldenRows>,
    ) -> String {
        let bytes = fs::read(model).expect("model");
        let golden = golden.map(|rows| serde_json::to_vec(rows).expect("serialises"));
        let manifest = Manifest {
            schema: 1,
            entry: "model.onnx".into(),
            files: vec![FileEntry { name: "model.onnx".into(), digest: Digest::of(&bytes), size: bytes.len() as u64 }],
            description: description(note),
            golden: golden.as_ref().map(Digest::of),
            copy: 0,
        };
        let (text, digest) = manifest.seal();
        let folder = self.path().join("versions").join(digest.hex());
        fs::create_dir_all(folder.join("files")).expect("folder");
        fs::write(folder.join("manifest.json"), text).expect("written");
        fs::write(folder.join("files/model.onnx"), bytes).expect("written");
        if let Some(golden) = golden {
            fs::write(folder.join("golden.json"), golden).expect("written");
        }
        if let Some(number) = number {
            fs::write(folder.join("serve-model.json"), json!({"number": number}).to_string()).expect("written");
        }
        digest.hex()
    }

    pub fn version(&self, hex: &str) -> PathBuf {
        self.path().join("versions").join(hex)
    }

    pub fn current(&self) -> Option<String> {
        let target = fs::read_link(self.path().join("current")).ok()?;
        Some(target.file_name().expect("a name").to_string_lossy().into_owned())
    }

    /// Runs `modeldesk-serve ctl`; the object it printed and whether it succeeded.
    pub fn ctl(&self, arguments: &[&str]) -> (bool, Value) {
        let (name, rest) = arguments.split_first().expect("a command");
        run(Command::new(BINARY).arg("ctl").arg(name).arg("--root").arg(self.path()).args(rest))
    }

    #[track_caller]
    pub fn ctl_ok(&self, arguments: &[&str]) -> Value {
        let (ok, value) = self.ctl(arguments);
        assert!(ok, "{arguments:?}: {value}\n{}", self.log());
        value
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path().join("run/supervisor.log")).unwrap_or_default()
    }

    /// Stages a version and switches to it.
    #[track_caller]
    pub fn go_live(&self, hex: &str) {
        self.ctl_ok(&["stage", "--version", hex]);
        self.ctl_ok(&["switch", "--version", hex]);
    }
}

fn description(note: &str) -> Description {
    Description {
        format: ModelFormat::Onnx,
        ir_version: 8,
        opsets: vec![],
        producer: String::new(),
        graph_name: String::new(),
        doc: note.into(),
        metadata: vec![],
        signature: Signature::default(),
        operators: vec![],
        node_count: 0,
        parameter_count: 0,
        labels: None,
        family: ModelFamily::Other,
        external_files: vec![],
        findings: vec![],
        categories: vec![],
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> (bool, Value) {
    let output = command.output().expect("starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{command:?} printed {text:?}, {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), value)
}

/// A server process that ends with the test.
pub struct Process {
    pub child: Child,
    /// What it printed when it was ready.
    pub first: Value,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("printed {line:?}"));
        assert!(first.get("error").is_none(), "it did not start: {first}");
        Self { child, first }
    }

    /// One version without a supervisor.
    pub fn model(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.arg("model").arg("--dir").arg(folder).args(["--port", "0", "--model", "churn"]).args(arguments);
        Self::start(&mut command)
    }

    pub fn supervise(root: &Root) -> Self {
        Self::start(Command::new(BINARY).arg("supervise").arg("--root").arg(root.path()))
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        let text = self.first["url"].as_str().or(self.first["listen"].as_str()).expect("an address");
        text.trim_start_matches("http://").to_owned()
    }

    pub fn client(&self) -> Client {
        Client::new(&self.address())
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> bool {
        self.child.wait().expect("ends").success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Children of a supervisor end when it does.
            self.child.kill().expect("killed");
            self.child.wait().expect("ended");
        }
    }
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().expect("kill");
    assert!(status.success());
}

/// Waits until something holds, at most 10 s.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().expect("an error").to_owned()
    }
}

/// A client that keeps its connection, and never sends a request twice.
pub struct Client {
    address: String,
    connection: Option<BufReader<TcpStream>>,
    pub headers: String,
}

impl Client {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), connection: None, headers: String::new() }
    }

    pub fn connect(&mut self) -> std::io::Result<&mut BufReader<TcpStream>> {
        if self.connection.is_none() {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            self.connection = Some(BufReader::new(stream));
        }
        Ok(self.connection.as_mut().expect("just connected"))
    }

    /// Closes the connection; the next request opens another one.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> std::io::Result<Reply> {
        let all = self.headers.clone();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n{all}{headers}\r\n", body.len());
        let connection = self.connect()?;
        connection.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let reply = read_reply(connection, method);
        let closes = reply.as_ref().map_or(true, |reply| reply.header("connection") == Some("close"));
        if closes {
            self.disconnect();
        }
        reply
    }

    #[track_caller]
    pub fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, "", b"").expect("answered")
    }

    #[track_caller]
    pub fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, "", body.to_string().as_bytes()).expect("answered")
    }

    #[track_caller]
    pub fn infer(&mut self, body: &Value) -> Reply {
        self.post("/v2/models/churn/infer", body)
    }
}

pub fn read_reply(connection: &mut BufReader<TcpStream>, method: &str) -> std::io::Result<Reply> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let status = lines[0].split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a number"));
    let mut body = vec![0; if method == "HEAD" { 0 } else { length }];
    connection.read_exact(&mut body)?;
    Ok(Reply { status, headers, body })
}

/// A request for the tumour model: `rows` equal rows of 30 numbers.
pub fn tumour_request(rows: usize) -> Value {
    let row = [
        11.51, 23.93, 74.52, 403.5, 0.09261, 0.1021, 0.1112, 0.04105, 0.1388, 0.0657, 0.2388, 2.904, 1.936, 16.97,
        0.0082, 0.02982, 0.05738, 0.01267, 0.01488, 0.004738, 12.48, 37.16, 82.28, 474.2, 0.1298, 0.2517, 0.363,
        0.09653, 0.2112, 0.08732,
    ];
    json!({"inputs": [{"name": "X", "shape": [rows, 30], "datatype": "FP32", "data": vec![row; rows]}]})
}
