//! The model server that is pushed to a target: one version behind the Open Inference Protocol v2 (REST),
//! and a supervisor that exchanges versions without losing a request.
//!
//! Architecture invariants: nothing here knows the registry or a window; the data port has no management
//! API (that is the control socket, for this user only); no file is opened that the version's folder does
//! not hold, apart from configuration and library.
//!
//! # Processes
//! `modeldesk-serve supervise` owns the listening socket for its life. Each revision is a child process that
//! inherits the socket. A staged child answers on a loopback port of its own; a switch makes it accept on the
//! main socket too, replaces the link `current`, and makes the old child stop accepting and drain. Because the
//! socket itself is never closed, a connection is never refused. A connection that was idle over the switch stays with
//! the old child, which hands what still comes on it to the new one ([`http::heir`]): once a switch has been answered,
//! every request meets the new version.
//!
//! While no version is live the supervisor answers 503 itself. After a crash connections wait in the
//! socket's queue for up to 3 s while the version is started again, then they get 503 too.
//!
//! # Versions in URLs
//! A version is called by its number where `serve-model.json` beside the manifest tells it
//! (`{"number": 3}`), else by the first 12 digits of its manifest's digest. Any 12 or more digits name it too.
//!
//! # Answers
//! Class probabilities (ZipMap) are `FP32 [rows, classes]`, their labels in the output's parameter `labels`.
//! JSON has no NaN and no infinity: the texts `"NaN"`, `"Infinity"` and `"-Infinity"` stand for them.
#![cfg(unix)]

pub mod child;
pub mod cli;
pub mod config;
pub mod ctl;
pub mod error;
pub mod http;
pub mod layout;
pub mod metrics;
pub mod model;
pub mod protocol;
pub mod server;
pub mod supervisor;
mod sys;
pub mod token;
pub mod version;

pub use config::ServeConfig;
pub use error::ServeError;
