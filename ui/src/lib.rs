//! The window of Modeldesk: routes, commands, views; one folder or file per screen.
//!
//! Architecture invariant: knows no ONNX Runtime, no database and no Tauri; a view never blocks.

mod ages;
pub mod app;
mod background;
mod columns;
pub mod command;
mod cx;
mod dialogs;
mod fault;
#[cfg(test)]
mod fixtures;
pub mod frame;
mod help;
mod hints;
mod intent;
mod jobs;
mod kept;
pub mod measure;
mod metrics;
mod notices;
mod offers;
mod paged;
pub mod picker;
mod recent;
pub mod route;
mod screens;
mod shell;
mod tour;
mod undo;
pub mod unopened;
#[cfg(test)]
#[path = "../tests/window/walk.rs"]
mod walk;
mod watch;

pub use app::Workbench;
