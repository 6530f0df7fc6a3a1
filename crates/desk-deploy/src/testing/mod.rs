//! Helpers for tests of this and other crates: a real sshd.

mod sshd;

pub use sshd::{Skip, TestSshd, TestUser, free_port, is_root};
