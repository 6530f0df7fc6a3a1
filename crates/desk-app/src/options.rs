//! Where the desk keeps things and which programs it starts.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use desk_core::{Fault, FaultKind};

/// How to open a desk.
#[derive(Debug, Clone)]
pub struct DeskOptions {
    /// The home folder: registry and blobs.
    pub home: PathBuf,
    /// The program that becomes a worker when its first argument is `worker`.
    pub worker: PathBuf,
    /// `modeldesk-serve`, to run here and to push; found when it is needed.
    pub serve_binary: Option<PathBuf>,
    /// The ONNX Runtime library; found when it is needed.
    pub runtime_library: Option<PathBuf>,
    /// Where secrets are kept.
    pub secrets: SecretsChoice,
    /// Most worker processes at a time.
    pub max_workers: usize,
}

/// Which store of secrets a desk uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretsChoice {
    /// The system's keyring, or the encrypted file where somebody made one.
    System,
    /// Memory of this process: for tests only, and named so wherever it is shown.
    Memory,
}

impl DeskOptions {
    /// A desk in a folder.
    pub fn for_home(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            worker: worker_program(),
            serve_binary: None,
            runtime_library: None,
            secrets: SecretsChoice::System,
            max_workers: std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4)),
        }
    }

    /// The desk in the platform's data folder, or where `MODELDESK_HOME` says.
    pub fn default_home() -> Result<Self, Fault> {
        if let Some(home) = std::env::var_os("MODELDESK_HOME").filter(|home| !home.is_empty()) {
            let home = PathBuf::from(home);
            // The same folder for as long as the program runs, wherever it goes.
            return Ok(Self::for_home(std::path::absolute(&home).unwrap_or(home)));
        }
        let dirs = directories::ProjectDirs::from("", "", "modeldesk").ok_or_else(|| {
            Fault::new(FaultKind::Environment, "this user has no home folder")
                .hint("Name a folder with --home DIR or MODELDESK_HOME")
        })?;
        Ok(Self::for_home(dirs.data_dir()))
    }
}

/// The program to start workers with: `modeldesk` or `modeldesk-workbench` itself, else the
/// `modeldesk` that lies near (test programs).
fn worker_program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("modeldesk"));
    let stem = own.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if stem == "modeldesk" || stem == "modeldesk-workbench" {
        return own;
    }
    near("modeldesk").unwrap_or(own)
}

/// A program of ours: in `MODELDESK_BIN_DIR`, beside this one, or one folder up (test programs
/// lie in `deps`).
pub fn near(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent);
    let named = std::env::var_os("MODELDESK_BIN_DIR").filter(|dir: &OsString| !dir.is_empty()).map(PathBuf::from);
    [named.as_deref(), beside, beside.and_then(Path::parent)]
        .into_iter()
        .flatten()
        .map(|dir| dir.join(&file))
        .find(|path| path.is_file())
}

impl DeskOptions {
    /// The server that is pushed to targets.
    pub fn serve_binary(&self) -> Result<PathBuf, Fault> {
        self.serve_binary.clone().or_else(|| near("modeldesk-serve")).ok_or_else(|| {
            Fault::new(FaultKind::Environment, "the program modeldesk-serve was not found")
                .hint("Put modeldesk-serve beside modeldesk, or name its folder in MODELDESK_BIN_DIR")
        })
    }

    /// The ONNX Runtime library.
    pub fn runtime_library(&self) -> Result<PathBuf, Fault> {
        Ok(desk_runtime::locate::library(self.runtime_library.as_deref())?)
    }
}
