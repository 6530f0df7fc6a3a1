//! What can go wrong between a caller and a worker, apart from the job itself.

use std::io;
use std::path::PathBuf;

use desk_core::cancel::Cancelled;
use desk_core::{Diagnose, FaultKind};

/// Everything this crate can fail with.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The worker's program cannot be started.
    #[error("The worker process could not be started ({reason}): {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The worker was started and did not report for duty.
    #[error("The worker process did not get ready within {seconds} s")]
    NotReady {
        /// How long was waited.
        seconds: u64,
    },
    /// The worker's folder for temporary files cannot be made.
    #[error("No folder for the worker's temporary files could be made: {0}")]
    Scratch(#[source] io::Error),
    /// The pool is shutting down.
    #[error("The program is closing, no more work is taken")]
    Closed,
    /// Reading or writing the pipe between desk and worker failed.
    #[error("The connection to the worker process failed: {0}")]
    Link(#[source] io::Error),
    /// The other side said something that is not in the protocol.
    #[error("The worker process sent something that cannot be understood: {0}")]
    Protocol(String),
    /// A message is larger than the protocol allows.
    #[error("A message of {size} bytes is too large for a worker process, {limit} are allowed")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A body cannot be written as JSON, or an answer has another form than the caller expects.
    #[error("The {what} of `{op}` does not have the expected form: {reason}")]
    Body {
        /// `request` or `answer`.
        what: &'static str,
        /// The operation.
        op: String,
        /// What serde said.
        reason: String,
    },
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Diagnose for JobError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Start { .. } | Self::NotReady { .. } | Self::Scratch(_) => FaultKind::Environment,
            Self::TooLarge { .. } => FaultKind::Input,
            Self::Closed | Self::Cancelled(_) => FaultKind::Cancelled,
            Self::Link(_) | Self::Protocol(_) | Self::Body { .. } => FaultKind::Bug,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Start { .. } => "Install Modeldesk again: its programs belong in one folder",
            Self::NotReady { .. } => "Close other programs and try again: the computer is very busy",
            Self::Scratch(_) => "Free some space in the folder for temporary files, or name another one in TMPDIR",
            Self::TooLarge { .. } => "Ask for less at a time: fewer rows, or one output alone",
            Self::Link(_) | Self::Protocol(_) => "Try again: the next request starts a new worker process",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
