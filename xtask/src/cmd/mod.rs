//! One file for each command that is not a module of its own.

pub mod pictures;
pub mod run;
pub mod samples;
pub mod setup;
pub mod test;
