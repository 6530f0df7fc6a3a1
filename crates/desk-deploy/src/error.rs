//! What can go wrong between the desk and a target.

use std::path::PathBuf;

use desk_core::cancel::Cancelled;
use desk_core::words::bytes;
use desk_core::{Diagnose, Fault, FaultKind};

/// A failure of a target, a connection, a server or a rollout.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A setting of a target cannot be used.
    #[error("target setting `{setting}` {problem}")]
    Config {
        /// Name of the setting.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// Nothing answers at the address.
    #[error("cannot reach {address}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nothing answered in time.
    #[error("{what} took longer than {seconds} s: {address}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
        /// Host and port.
        address: String,
    },
    /// First contact, and nobody vouched for the key.
    #[error("the host key of {address} is not trusted yet: {algorithm} {fingerprint}")]
    HostKeyUnknown {
        /// Host and port.
        address: String,
        /// Key type, such as `ssh-ed25519`.
        algorithm: String,
        /// `SHA256:…`.
        fingerprint: String,
        /// Name of the target, where there is one.
        target: Option<String>,
    },
    /// The host shows another key than the recorded one.
    #[error("the host key of {address} has changed: it was {known} and is now {fingerprint}")]
    HostKeyChanged {
        /// Host and port.
        address: String,
        /// The recorded fingerprint.
        known: String,
        /// The offered fingerprint.
        fingerprint: String,
        /// Name of the target, where there is one.
        target: Option<String>,
    },
    /// The far side refused the login.
    #[error("{address} refused {method} for user `{user}`")]
    LoginRefused {
        /// Host and port.
        address: String,
        /// Login name.
        user: String,
        /// `this key`, `this password` or `every key of the agent`.
        method: &'static str,
        /// Methods that the far side accepts.
        accepted: String,
    },
    /// The private key cannot be read.
    #[error("the private key cannot be used: {problem}")]
    Key {
        /// What is wrong with it.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// No agent, or one that does not answer.
    #[error("the SSH agent cannot be used: {0}")]
    Agent(String),
    /// The target kind needs a credential.
    #[error("target {0} needs a credential to log in")]
    NoCredential(String),
    /// The connection was lost while something was under way.
    #[error("the connection to {address} was lost while {doing}")]
    Lost {
        /// Host and port, or `this computer`.
        address: String,
        /// What was under way.
        doing: String,
        /// What the connection said.
        detail: String,
    },
    /// The far side refused a file operation.
    #[error("cannot {action} on {address}: {problem}: {path}")]
    FarFile {
        /// Such as `create folder`.
        action: &'static str,
        /// Host and port, or `this computer`.
        address: String,
        /// What the far side said.
        problem: String,
        /// Path on the far side.
        path: String,
        /// Nothing of that name exists.
        missing: bool,
    },
    /// No space left at the far side for something small.
    #[error("cannot {action} on {address}: no space is left there: {path}")]
    NoSpace {
        /// Such as `create folder`.
        action: &'static str,
        /// Host and port, or `this computer`.
        address: String,
        /// Path on the far side.
        path: String,
    },
    /// No space left at the far side for an upload.
    #[error("{address} has no space left: {} are needed and {} are free: {path}", bytes(*needed_bytes), bytes(*free_bytes))]
    DiskFull {
        /// Host and port, or `this computer`.
        address: String,
        /// What is needed.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
        /// Folder on the far side.
        path: String,
    },
    /// A file of this computer cannot be read or written.
    #[error("cannot {action}: {}", path.display())]
    NearFile {
        /// Such as `read`.
        action: &'static str,
        /// Path on this computer.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What arrived is not what was sent.
    #[error("the digest of {path} on {address} is {found} instead of {expected}")]
    Digest {
        /// Host and port, or `this computer`.
        address: String,
        /// Path on the far side.
        path: String,
        /// As in the manifest.
        expected: String,
        /// As computed there.
        found: String,
    },
    /// The package contradicts itself.
    #[error("the package of this version is damaged: {0}")]
    Package(String),
    /// A command of the far side failed.
    #[error("`{command}` failed on {address} (exit status {status}): {stderr}")]
    Command {
        /// Host and port, or `this computer`.
        address: String,
        /// The command.
        command: String,
        /// Its exit status, -1 when there is none.
        status: i32,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// `modeldesk-serve` reported an error.
    #[error("modeldesk-serve on {address}: {fault}")]
    Server {
        /// Host and port, or `this computer`.
        address: String,
        /// What it reported.
        fault: Fault,
    },
    /// Another desk is changing the target.
    #[error("another desk is changing {address}: {who}{}", since.as_ref().map_or(String::new(), |since| format!(", since {since}")))]
    Busy {
        /// Where the target is.
        address: String,
        /// Which desk.
        who: String,
        /// When it began, where that is known.
        since: Option<String>,
        /// Seconds from now until its lock can be taken over, if it gives no sign of life any more.
        left: u64,
    },
    /// Another desk has taken this one's place, as it was silent for too long.
    #[error("another desk{} has taken over {address}, as this one gave no sign of life for {}", who.as_ref().map_or(String::new(), |who| format!(", {who},")), silent.map_or("too long".to_owned(), |silent| format!("{silent} s")))]
    Overtaken {
        /// Where the target is.
        address: String,
        /// The target's name.
        target: String,
        /// Which desk, where that is known.
        who: Option<String>,
        /// Seconds since the last sign of life, where that is known.
        silent: Option<u64>,
    },
    /// The far side cannot be used as it is.
    #[error("{problem}")]
    FarState {
        /// What is in the way.
        problem: String,
        /// What to do.
        hint: String,
    },
    /// It could be done, and is refused because of what it would do.
    #[error("{problem}")]
    Refused {
        /// Why it is refused.
        problem: String,
        /// What to do.
        hints: Vec<String>,
    },
    /// An HTTP request failed.
    #[error("the model server did not answer as it should: {problem}: {url}")]
    Http {
        /// What happened.
        problem: String,
        /// Which address.
        url: String,
    },
    /// The deployed version does not answer as it did on the desk.
    #[error("the version does not answer on {address} as it did on the desk: {difference}")]
    Parity {
        /// Host and port, or `this computer`.
        address: String,
        /// The first difference.
        difference: String,
    },
    /// The journal contradicts itself.
    #[error("the rollout journal cannot be replayed: {0}")]
    Journal(String),
    /// What a part that the caller supplied (connector, journal) reported.
    #[error("{0}")]
    Caller(Fault),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl DeployError {
    /// True when a new connection may help.
    pub fn is_transport(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::Lost { .. })
    }

    /// True when the target's disk is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::NoSpace { .. } | Self::DiskFull { .. })
    }

    /// True when the target does not do as it is asked, however often it is asked: its files or its
    /// server are not as they should be.
    pub fn is_far_refusal(&self) -> bool {
        matches!(
            self,
            Self::Server { .. }
                | Self::FarState { .. }
                | Self::Digest { .. }
                | Self::FarFile { .. }
                | Self::NoSpace { .. }
                | Self::Package(_)
        )
    }
}

impl From<Cancelled> for DeployError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl Diagnose for DeployError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Config { .. } => FaultKind::Usage,
            Self::HostKeyUnknown { .. }
            | Self::HostKeyChanged { .. }
            | Self::Refused { .. }
            | Self::Overtaken { .. } => FaultKind::Policy,
            Self::Key { .. } | Self::Package(_) | Self::NoCredential(_) => FaultKind::Input,
            Self::Agent(_) | Self::NearFile { .. } => FaultKind::Environment,
            Self::Journal(_) => FaultKind::Bug,
            Self::Caller(fault) => fault.kind,
            Self::Cancelled => FaultKind::Cancelled,
            _ => FaultKind::Target,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Config { hint, .. } | Self::Key { hint, .. } => (*hint).to_owned(),
            Self::Unreachable { .. } => {
                "Check host name, port and network, and that an SSH server runs there".to_owned()
            }
            Self::Timeout { .. } => "Check the network and the load of the target, then try again".to_owned(),
            Self::HostKeyUnknown { fingerprint, target, .. } => format!(
                "Compare the fingerprint with the one that the machine's owner gives you, then: {}",
                trust(target.as_ref(), fingerprint)
            ),
            Self::HostKeyChanged { fingerprint, target, .. } => {
                return vec![
                    "Ask the machine's owner whether it was set up anew; if not, somebody may be reading the connection"
                        .to_owned(),
                    format!("If the new key is right: {}", trust(target.as_ref(), fingerprint)),
                ];
            }
            Self::Refused { hints, .. } => return hints.clone(),
            Self::LoginRefused { method, accepted, .. } => {
                let fix = if *method == "this password" {
                    "Check the password"
                } else {
                    "Add the public key to ~/.ssh/authorized_keys there"
                };
                return vec![format!("{fix}, and check the user name"), format!("The target accepts: {accepted}")];
            }
            Self::Agent(_) => "Start ssh-agent and add a key with ssh-add, or use a key credential".to_owned(),
            Self::NoCredential(_) => "Add a credential and name it in the target".to_owned(),
            Self::Lost { .. } => "Try again: what was uploaded is kept and the upload goes on from there".to_owned(),
            Self::FarFile { .. } => "Choose a folder that this user may write to".to_owned(),
            Self::NoSpace { address, .. } | Self::DiskFull { address, .. } => {
                format!("Free space on {address}, or choose a folder on another disk")
            }
            Self::NearFile { .. } => "Check that the file exists and may be read".to_owned(),
            Self::Digest { .. } => "Try again; if it happens twice, check the target's disk and memory".to_owned(),
            Self::Package(_) => "Check the store with `modeldesk verify`, or import the version again".to_owned(),
            Self::Command { .. } => "Run the command on the target by hand to see more".to_owned(),
            Self::Server { fault, .. } | Self::Caller(fault) => return fault.hints.clone(),
            Self::Busy { left, .. } => {
                return vec![
                    "Wait until it has ended, then try again".to_owned(),
                    format!("If that desk was killed or lost its connection, its place is taken over in {left} s"),
                ];
            }
            Self::Overtaken { target, .. } => {
                format!("See what it serves now, and who made that live: modeldesk target check {target}")
            }
            Self::FarState { hint, .. } => hint.clone(),
            Self::Http { .. } => "Look at run/supervisor.log in the target's folder".to_owned(),
            Self::Parity { .. } => {
                "Compare the versions of ONNX Runtime and the processors of both sides: the answers must agree"
                    .to_owned()
            }
            Self::Journal(_) | Self::Cancelled => return Vec::new(),
        };
        vec![hint]
    }
}

/// The command that records a host key.
fn trust(target: Option<&String>, fingerprint: &str) -> String {
    format!("modeldesk target trust {} {fingerprint}", target.map_or("TARGET", String::as_str))
}

/// The result of this crate's inner functions.
pub type Result<T, E = DeployError> = std::result::Result<T, E>;
