//! The ONNX Runtime of this process: one library, loaded once, for life.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ort::environment::Environment;
use ort::logging::LogLevel;
use parking_lot::Mutex;

use crate::error::RuntimeError;
use crate::library;
use crate::session::{ModelSession, SessionSpec};

/// The environment variable that keeps ONNX Runtime's telemetry off; it must be `1` before the
/// process starts. The published library records a device id below the user's home otherwise, and
/// no call can prevent it.
pub const TELEMETRY_SWITCH: &str = "ORT_DISABLE_TELEMETRY";

/// The loaded ONNX Runtime; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    environment: Environment,
    library: PathBuf,
    version: String,
}

/// The engine of this process. ONNX Runtime allows one environment per process, ever, so it is
/// kept here until the end.
static ENGINE: Mutex<Option<Engine>> = Mutex::new(None);

impl Engine {
    /// Loads the library, or returns the engine that already uses it.
    ///
    /// Fails when the process already uses another library, when [`TELEMETRY_SWITCH`] is not set,
    /// and when the file is missing, is not ONNX Runtime, or is too old. After a failure another
    /// path can be tried.
    pub fn load(path: &Path) -> Result<Self, RuntimeError> {
        if env::var_os(TELEMETRY_SWITCH).is_none_or(|value| value != "1") {
            return Err(RuntimeError::TelemetryNotDisabled);
        }
        let mut slot = ENGINE.lock();
        let library =
            fs::canonicalize(path).map_err(|_missing| RuntimeError::LibraryNotThere { path: path.to_path_buf() })?;
        if let Some(engine) = slot.as_ref() {
            return if engine.0.library == library {
                Ok(engine.clone())
            } else {
                Err(RuntimeError::OtherLibraryLoaded { loaded: engine.0.library.clone(), asked: library })
            };
        }
        let version = library::version(&library)?;
        let unusable = |reason: String| RuntimeError::LibraryUnusable { path: library.clone(), reason };
        let builder = ort::init_from(&library).map_err(|error| unusable(error.to_string()))?;
        let environment = builder
            .with_name("modeldesk")
            .with_telemetry(false)
            .with_logger(Arc::new(log))
            .build()
            .map_err(|error| RuntimeError::Start(error.to_string()))?;
        environment.set_log_level(LogLevel::Warning);
        let engine = Self(Arc::new(Inner { environment, library, version }));
        *slot = Some(engine.clone());
        Ok(engine)
    }

    /// The version of a library file, without making it this process's engine; fails like
    /// [`Engine::load`] for files that cannot be used. The file's code does run: give it only files
    /// that somebody chose.
    pub fn inspect(path: &Path) -> Result<String, RuntimeError> {
        if !path.is_file() {
            return Err(RuntimeError::LibraryNotThere { path: path.to_path_buf() });
        }
        library::version(path)
    }

    /// The version of the library, such as `1.31.1`.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The library file, with links resolved.
    pub fn library(&self) -> &Path {
        &self.0.library
    }

    /// Opens a model. Its external data is read from beside it.
    pub fn session(&self, spec: &SessionSpec) -> Result<ModelSession, RuntimeError> {
        ModelSession::open(self, spec)
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({} {})", self.0.version, self.0.library.display())
    }
}

/// ONNX Runtime's log lines, one level lower than it thinks: what a user has to know comes back as
/// an error of the call.
fn log(level: LogLevel, category: &str, _id: &str, place: &str, message: &str) {
    match level {
        LogLevel::Fatal | LogLevel::Error => tracing::warn!(target: "onnxruntime", category, place, "{message}"),
        LogLevel::Warning => tracing::debug!(target: "onnxruntime", category, place, "{message}"),
        LogLevel::Info | LogLevel::Verbose => tracing::trace!(target: "onnxruntime", category, place, "{message}"),
    }
}
