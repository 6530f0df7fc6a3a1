//! The use cases of Modeldesk behind one facade, for the window, the command line and tests alike.
//!
//! Architecture invariant: knows no egui, no Tauri and no clap.

mod calls;
mod catalog;
mod check;
pub mod command;
pub mod compare;
mod deploy;
mod deployments;
mod desk;
mod example;
mod explain;
mod features;
mod gc;
pub mod global;
pub mod gradients;
mod graph;
mod history;
mod import;
mod jobs;
mod keyfile;
mod look;
pub mod methods;
mod options;
pub mod outcome;
mod pages;
pub mod pins;
mod ports;
mod predict;
pub mod quality;
pub mod query;
mod recover;
mod repair;
pub mod rows;
mod runtime;
mod samples;
mod serve;
pub mod similar;
mod standing;
mod targets;
mod truth;
mod undeploy;
mod unfinished;
mod usage;
mod values;
mod vault;
pub mod what_if;
pub mod worker;

pub use command::Command;
pub use desk::Desk;
pub use options::{DeskOptions, SecretsChoice, near};
pub use outcome::Outcome;
pub use query::{Event, JobView};
pub use serve::LocalServer;
pub use truth::Truth;
pub use unfinished::finished_rows;
pub use usage::LastUse;

/// Secrets that people type, on their way to the keyring.
pub mod secrets {
    pub use desk_secrets::{CredentialKind, CredentialSecret, MAX_SECRET_BYTES, Secret};

    /// Private keys in files.
    pub mod keys {
        pub use crate::keyfile::{is_encrypted, read};
    }
}
