//! What desk and worker say to each other. Bulk data follows a message as raw bytes, see [`crate::wire`].

use std::path::PathBuf;

use desk_core::{Fault, Progress};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policy::{Policy, SandboxReport};

/// From the desk to a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(crate) enum ToWorker {
    /// The first message: what the worker may do. It locks itself in before it reads on.
    Hello {
        policy: Policy,
        /// A folder of its own for temporary files.
        scratch: PathBuf,
        /// Requests that it works on at a time.
        concurrency: usize,
    },
    /// Do this; the payload goes with it.
    Request { id: u64, op: String, body: Value },
    /// The answer to a request is not wanted any more.
    Cancel { id: u64 },
    /// Leave.
    Shutdown,
}

/// From a worker to the desk.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(crate) enum FromWorker {
    /// Locked in and ready.
    Ready { report: SandboxReport },
    /// How far a request is.
    Progress { id: u64, progress: Progress },
    /// The answer to a request; the payload goes with it.
    Response { id: u64, body: Value },
    /// The request failed; the worker is fine.
    Failed { id: u64, fault: Fault },
}
