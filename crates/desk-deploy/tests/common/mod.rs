//! What the tests with real servers share: packages of the samples, and folders that clean up.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use desk_core::{Cancel, GoldenRows, GoldenSource, NamedTensor, TensorData};
use desk_deploy::Package;
use desk_deploy::testing::package_of;
use desk_runtime::{Engine, SessionSpec, TELEMETRY_SWITCH, locate, make_golden_inputs};

/// `modeldesk-serve` and ONNX Runtime, or why there are none.
pub struct Tools {
    pub serve: PathBuf,
    pub runtime: PathBuf,
    engine: Engine,
}

impl Tools {
    /// How long a model takes for one run here.
    pub fn time(&self, model: &Path, inputs: Vec<NamedTensor>) -> Duration {
        let mut session = self.engine.session(&SessionSpec::new(model)).expect("opens");
        let from = Instant::now();
        session.run(inputs, &Cancel::new()).expect("runs");
        from.elapsed()
    }
}

pub fn tools() -> Option<&'static Tools> {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    match TOOLS.get_or_init(find) {
        Ok(tools) => Some(tools),
        Err(why) => {
            skip(why);
            None
        }
    }
}

/// Says why a test does not do what its name says.
#[expect(clippy::print_stderr, reason = "the test's own output")]
pub fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}

fn find() -> Result<Tools, String> {
    // Cargo puts tests into `deps` below the folder of the programs.
    let exe = std::env::current_exe().map_err(|e| e.to_string())?;
    let beside = exe.parent().and_then(Path::parent).ok_or("the test has no folder")?;
    let folder = std::env::var_os("MODELDESK_BIN_DIR").map_or_else(|| beside.to_owned(), PathBuf::from);
    let serve = folder.join("modeldesk-serve");
    if !serve.exists() {
        return Err(format!("build it first (cargo build -p desk-serve): no {}", serve.display()));
    }
    let runtime = locate::library(None).map_err(|e| format!("{e}: set MODELDESK_ORT_LIB"))?;
    turn_telemetry_off();
    let engine = Engine::load(&runtime).map_err(|e| e.to_string())?;
    Ok(Tools { serve, runtime, engine })
}

/// The library reads the variable when it is loaded; the program that it is meant for sets it itself.
#[expect(unsafe_code, clippy::disallowed_methods, reason = "a test has no parent that could set the variable for it")]
fn turn_telemetry_off() {
    // SAFETY: called once, before the library and before anything else that reads variables from C.
    unsafe { std::env::set_var(TELEMETRY_SWITCH, "1") };
}

/// A file of the samples.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/samples").join(name)
}

/// A package of a sample, with golden rows that this process computes.
pub fn package(tools: &Tools, model: &str, number: u32, file: &str) -> Package {
    let path = sample(file);
    let golden = golden(tools, &path);
    package_of(model, number, &path, golden, &tools.serve, &tools.runtime).expect("a package")
}

fn golden(tools: &Tools, path: &Path) -> GoldenRows {
    let mut session = tools.engine.session(&SessionSpec::new(path)).expect("opens");
    let inputs = make_golden_inputs(session.signature(), 4, 7).expect("inputs");
    let outputs = session.run(inputs.clone(), &Cancel::new()).expect("runs");
    GoldenRows { source: GoldenSource::Generated, rows: 4, inputs, outputs, made_with: "a test".to_owned() }
}

/// Golden outputs that no honest server gives.
pub fn with_other_answers(tools: &Tools, package: &Package) -> Package {
    let mut golden = package.golden.clone();
    for output in &mut golden.outputs {
        if let TensorData::Float32(values) = &mut output.tensor.data {
            values[0] += 0.5;
        }
    }
    let file = &package.files[0].1;
    package_of(package.model.as_str(), 3, file, golden, &tools.serve, &tools.runtime).expect("a package")
}

/// A target's folder whose server is ended with it.
pub struct Root(pub tempfile::TempDir);

impl Root {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("mdroot").tempdir().expect("a folder"))
    }

    /// The path as text, absolute and without links.
    pub fn text(&self) -> String {
        self.0.path().canonicalize().expect("there").to_str().expect("text").to_owned()
    }

    /// Runs a command of the server that was deployed here.
    pub fn ctl(&self, verb: &str) -> serde_json::Value {
        let binary = self.0.path().join("bin/modeldesk-serve");
        let output = Command::new(binary).args(["ctl", verb, "--root", &self.text()]).output().expect("runs");
        serde_json::from_slice(&output.stdout).expect("an answer")
    }

    /// The version on the main port.
    pub fn live(&self) -> Option<String> {
        self.ctl("status")["live"]["version"].as_str().map(str::to_owned)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let binary = self.0.path().join("bin/modeldesk-serve");
        if binary.exists() {
            // No supervisor to end is fine, too.
            drop(Command::new(binary).args(["ctl", "stop", "--root"]).arg(self.0.path()).output());
        }
    }
}
