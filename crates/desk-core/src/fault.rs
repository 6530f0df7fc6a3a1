//! Errors as people meet them: what kind, what happened, what to do next.

use serde::{Deserialize, Serialize};

/// What sort of failure it is: sets the tone, the exit code and what the window offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The command was written wrongly (exit code 2).
    Usage,
    /// A model, a file or a name that cannot be used (exit code 3).
    Input,
    /// This computer lacks something: a library, disk space, a keyring, a right (exit code 3).
    Environment,
    /// A target or the network failed (exit code 4).
    Target,
    /// Refused by policy or signature (exit code 5).
    Policy,
    /// Somebody asked to stop (exit code 6).
    Cancelled,
    /// A fault of Modeldesk itself (exit code 1).
    Bug,
}

impl FaultKind {
    /// The process exit code of `modeldesk` for this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Input | Self::Environment => 3,
            Self::Target => 4,
            Self::Policy => 5,
            Self::Cancelled => 6,
        }
    }
}

/// An error type that can say its kind and what to do next.
///
/// Every library crate has one `thiserror` enum that implements this; `?` then turns it into a
/// [`Fault`] where crates meet.
pub trait Diagnose: std::error::Error {
    /// The kind of failure.
    fn kind(&self) -> FaultKind;

    /// What to do next, most useful first; each a sentence without a full stop.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What another library or program said of a failure: the cause behind a sentence of ours, shown as a detail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Said(pub String);

/// An error that crosses crates, processes and the wire: plain data, ready to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind of failure.
    pub kind: FaultKind,
    /// One sentence: what happened and where; a path or address comes last.
    pub message: String,
    /// What to do next, most useful first.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The chain of causes and other facts, one a line; folded away in the window.
    #[serde(default)]
    pub details: Vec<String>,
}

impl Fault {
    /// An error of the given kind with no hints yet.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), details: Vec::new() }
    }

    /// Input that cannot be used.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Input, message)
    }

    /// A fault of Modeldesk itself.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Bug, message)
    }

    /// The outcome of a cancelled command.
    pub fn cancelled() -> Self {
        Self::new(FaultKind::Cancelled, "cancelled")
    }

    /// Adds one thing to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds one line of detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Puts what was being done before the message: `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl std::fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// True when somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.kind == FaultKind::Cancelled
    }
}

// `Fault` is not a `std::error::Error` on purpose: that keeps the conversion below free of overlap.
impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: Diagnose> From<E> for Fault {
    fn from(error: E) -> Self {
        let mut details = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            details.push(cause.to_string());
            source = cause.source();
        }
        Self { kind: error.kind(), message: error.to_string(), hints: error.hints(), details }
    }
}
