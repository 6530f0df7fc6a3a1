//! The model that is served: a pool of sessions behind the names of the protocol.

use std::fs;
use std::path::Path;
use std::thread;

use desk_core::{Cancel, NamedTensor, Signature, ValueInfo};
use desk_runtime::{Engine, RuntimeError, SessionPool, SessionSpec, locate};

use crate::config::ServeConfig;
use crate::error::ServeError;
use crate::protocol;
use crate::version::Version;

/// Models above this size get one session with all threads: each session holds the weights again.
const LARGE_MODEL_BYTES: u64 = 64 * 1024 * 1024;

/// A loaded version, ready to answer.
pub struct Model {
    /// Its name in URLs.
    pub name: String,
    /// The version it was loaded from.
    pub version: Version,
    /// Inputs and outputs as the protocol shows them.
    pub signature: Signature,
    /// Such as `onnxruntime 1.31.1 cpu`.
    pub runtime: String,
    /// Runs that can go on at the same time.
    pub sessions: usize,
    pool: SessionPool,
}

impl Model {
    /// Loads a version's folder and answers its golden rows once, so that it is warm when it is called ready.
    pub fn load(folder: &Path, config: &ServeConfig, verify: bool) -> Result<Self, ServeError> {
        let version = Version::read(folder, verify)?;
        let engine = Engine::load(&locate::library(None)?)?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let size: u64 = version.manifest.size_bytes();
        let small = size <= LARGE_MODEL_BYTES;
        let sessions = config.sessions.unwrap_or(if small { cores.min(4) } else { 1 }).max(1);
        let threads = config.threads.unwrap_or(cores / sessions).max(1);
        let device = config.device.parse()?;
        let spec = SessionSpec::new(&version.model).on(device).with_threads(threads);
        let pool = SessionPool::open(&engine, &spec, sessions)?;
        let runtime = format!("onnxruntime {} {}", engine.version(), pool.device_used());
        let signature = shown(&version.manifest.description.signature, &pool)?;
        let model = Self { name: config.model.clone(), version, signature, runtime, sessions, pool };
        if let Some(golden) = &model.version.golden {
            model.run(golden.inputs.clone(), &Cancel::new())?;
        }
        Ok(model)
    }

    /// What of a request's texts the model does not know, in a sentence.
    pub fn unknown_category(&self, inputs: &[NamedTensor]) -> Option<String> {
        let rows = self.version.golden.as_ref().map(|golden| golden.inputs.as_slice());
        protocol::unknown_category(inputs, &self.version.manifest.description.categories, rows)
    }

    /// Answers one request; blocks until a session is free and has run.
    pub fn run(&self, inputs: Vec<NamedTensor>, cancel: &Cancel) -> Result<Vec<NamedTensor>, RuntimeError> {
        self.pool.get(cancel)?.run(inputs, cancel)
    }
}

/// The runtime's signature with the manifest's types where both name the same value: the manifest knows
/// scalars and symbolic sizes that the runtime does not tell. Outputs that cannot be given are left out.
fn shown(manifest: &Signature, pool: &SessionPool) -> Result<Signature, ServeError> {
    let unsupported = pool.get(&Cancel::new())?.unsupported_outputs().to_vec();
    let better = |known: &[ValueInfo], found: &[ValueInfo]| -> Vec<ValueInfo> {
        let one = |info: &ValueInfo| known.iter().find(|other| other.name == info.name).unwrap_or(info).clone();
        found.iter().filter(|info| !unsupported.contains(info)).map(one).collect()
    };
    let found = pool.signature();
    Ok(Signature {
        inputs: better(&manifest.inputs, &found.inputs),
        outputs: better(&manifest.outputs, &found.outputs),
    })
}

/// Resident memory of this process in bytes; `None` where the system does not say.
pub fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
