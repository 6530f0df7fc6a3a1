//! The supervisor: owns the main listener for its life and runs one process per revision.
//!
//! Because the listening socket is never closed, neither a switch nor a crash of a revision refuses a
//! connection: it waits in the socket's queue until a revision accepts it.

mod control;
mod gate;
mod log;
mod process;
mod start;
mod state;

pub use control::{Command, control_path};
pub use start::{print, supervise, supervise_as_daemon};
pub use state::Supervisor;
