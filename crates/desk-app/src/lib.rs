//! The use cases of Modeldesk behind one facade, for the window, the command line and tests alike.
//!
//! Architecture invariant: knows no egui, no Tauri and no clap.

pub mod command;
pub mod outcome;
pub mod query;

pub use command::Command;
pub use outcome::Outcome;
pub use query::{Event, JobView};
