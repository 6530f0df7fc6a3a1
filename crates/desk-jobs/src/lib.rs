//! Worker processes: the protocol, supervision and the sandbox. Unix only.
//!
//! Native code and other people's files are dealt with in child processes that see only what a job
//! names. The parent side is [`WorkerPool`]; the child side is [`serve`] with a [`Handler`].
//!
//! Architecture invariant: this crate does not know what a job computes. An operation is a name, a
//! JSON body and raw bytes; the answer is a JSON body and raw bytes.
//!
//! ```no_run
//! use desk_core::{Cancel, NoProgress};
//! use desk_jobs::{Limits, Policy, WorkerCommand, WorkerPool};
//!
//! let pool = WorkerPool::new(WorkerCommand::new("/usr/bin/modeldesk", ["worker"]), Limits::default());
//! let policy = Policy::default().read("/home/me/model.onnx").memory(4 << 30);
//! let body = serde_json::json!({ "model": "/home/me/model.onnx" });
//! let answer = pool.call(&policy, "model-1", "describe", &body, Vec::new(), &Cancel::new(), &NoProgress);
//! let (description, bytes): (serde_json::Value, Vec<u8>) = answer.map_err(|fault| fault.message)?;
//! # Ok::<(), String>(())
//! ```

mod child;
mod death;
mod error;
mod message;
mod policy;
mod pool;
mod sandbox;
mod scratch;
mod spawner;
mod tail;
mod wire;
mod worker;

pub use child::{Handler, JobContext, serve};
pub use death::is_out_of_time;
pub use error::JobError;
pub use policy::{Enforced, Policy, SandboxReport};
pub use pool::{Limits, WorkerPool, WorkerStatus};
pub use scratch::left_behind;
pub use wire::{MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES};
pub use worker::WorkerCommand;
