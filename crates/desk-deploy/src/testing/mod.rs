//! Helpers for tests of this and other crates: a real sshd, and a target in memory.

mod answers;
mod double;
mod package;
mod sshd;

pub use double::{TargetDouble, World, WrongOn};
pub use package::{double_package, package_of};
pub use sshd::{Skip, TestSshd, TestUser, free_port, is_root};
