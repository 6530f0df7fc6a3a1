//! What can go wrong with the server itself, and what to do about it.

use std::path::PathBuf;

use desk_core::{Diagnose, Fault, FaultKind};
use desk_runtime::RuntimeError;

/// An error of the server. Errors of single requests are HTTP answers instead.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A configuration file cannot be understood.
    #[error("the configuration cannot be used ({reason}): {}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The host can be reached by others and there is no token.
    #[error("refusing to listen on {host} without a token: everybody who reaches it could use the model")]
    HostNeedsToken {
        /// The host of the configuration.
        host: String,
    },
    /// The token file cannot be used.
    #[error("the token file cannot be used ({reason}): {}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Host and port.
        address: String,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
    /// Another supervisor owns this folder.
    #[error("another supervisor runs here{}: {}", pid.map_or(String::new(), |pid| format!(" (process {pid})")), root.display())]
    AlreadyRunning {
        /// The folder.
        root: PathBuf,
        /// Its process, where known.
        pid: Option<u32>,
    },
    /// Nobody answers on the control socket.
    #[error("no supervisor runs here: {}", root.display())]
    NotRunning {
        /// The folder.
        root: PathBuf,
    },
    /// The supervisor answered something else than expected, or went away.
    #[error("the supervisor did not answer properly: {0}")]
    Control(String),
    /// The supervisor went away before it answered.
    #[error("the supervisor ended before it answered: {}", root.display())]
    Lost {
        /// The folder.
        root: PathBuf,
    },
    /// Whoever asked for a stop does not wait for its end.
    #[error(
        "not waited for: the server takes no new requests, and ends within {seconds} s when what it computes has ended"
    )]
    StopGoesOn {
        /// How long that may take.
        seconds: u64,
    },
    /// Not a version's name.
    #[error("not a version (64 hexadecimal digits): `{0}`")]
    VersionName(String),
    /// The version's folder is not there.
    #[error("there is no such version: {}", path.display())]
    NoVersion {
        /// The folder that was looked for.
        path: PathBuf,
    },
    /// The version's files are not what its manifest says.
    #[error("the version is damaged ({reason}): {}", path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A switch to a version that has not been staged.
    #[error("version {0} is not staged")]
    NotStaged(String),
    /// The process of a version ended before it was ready.
    #[error("the process of version {version} ended before it was ready ({how})")]
    ChildEnded {
        /// The version.
        version: String,
        /// Exit status and the last lines of its log.
        how: String,
    },
    /// The process of a version did not become ready.
    #[error("version {version} was not ready after {seconds} s")]
    ChildSlow {
        /// The version.
        version: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The process of a version said what went wrong.
    #[error("{}", .0.message)]
    Child(Fault),
    /// Somebody gave a version up while it was being staged.
    #[error("staging of version {0} was given up")]
    Unstaged(String),
    /// The supervisor is ending.
    #[error("the supervisor is stopping")]
    Stopping,
    /// The runtime or the model cannot be loaded.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The system refused something.
    #[error("cannot {action}: {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
}

impl ServeError {
    /// Wraps a system error with what was being done to which path.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { action, path, cause }
    }
}

impl Diagnose for ServeError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Config { .. }
            | Self::Token { .. }
            | Self::VersionName(_)
            | Self::NoVersion { .. }
            | Self::Damaged { .. }
            | Self::NotStaged(_) => FaultKind::Input,
            Self::HostNeedsToken { .. } => FaultKind::Policy,
            Self::Listen { .. }
            | Self::AlreadyRunning { .. }
            | Self::NotRunning { .. }
            | Self::Lost { .. }
            | Self::ChildEnded { .. }
            | Self::ChildSlow { .. }
            | Self::Stopping
            | Self::Io { .. } => FaultKind::Environment,
            Self::Unstaged(_) | Self::StopGoesOn { .. } => FaultKind::Cancelled,
            Self::Control(_) => FaultKind::Bug,
            Self::Child(fault) => fault.kind,
            Self::Runtime(error) => error.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Config { .. } => "Correct the file, then start again",
            Self::HostNeedsToken { .. } => {
                "Name a token file (`token_file` in serve.json, or --token-file), or listen on 127.0.0.1"
            }
            Self::Token { .. } => "Put at least 16 characters into it, readable by this user only",
            Self::Listen { .. } => "Choose another port, or end the program that uses this one",
            Self::AlreadyRunning { .. } => "Use `modeldesk-serve ctl` to control it, or `ctl stop` to end it",
            Self::NotRunning { .. } => "Start it with `modeldesk-serve supervise --root DIR --daemon`",
            Self::Lost { .. } => {
                "See what runs with `modeldesk-serve ctl status`; run/supervisor.log says why the supervisor ended"
            }
            Self::StopGoesOn { .. } => "See how far it is with `modeldesk-serve ctl status`",
            Self::VersionName(_) => "Use the digest of the version's manifest",
            Self::NoVersion { .. } => "Push the version first",
            Self::Damaged { .. } => "Push the version again",
            Self::NotStaged(_) => "Stage it first: `modeldesk-serve ctl stage --version HEX`",
            Self::ChildEnded { .. } => "Look into run/supervisor.log; memory and the processor type are common causes",
            Self::ChildSlow { .. } => "Raise `start_timeout_s` in serve.json if the model is very large",
            Self::Child(fault) => return fault.hints.clone(),
            Self::Runtime(error) => return error.hints(),
            Self::Stopping => "Start it again when it has ended",
            Self::Io { .. } => "Check permissions and free space",
            Self::Unstaged(_) => "Stage it again when it is wanted",
            Self::Control(_) => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
