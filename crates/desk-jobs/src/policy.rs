//! What a worker may do, and what of that the system really enforces.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a worker may touch. Everything that is not named is refused.
///
/// Paths are absolute. A folder includes all that is below it. A path that does not exist when the
/// worker starts grants nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// Files and folders that may be read.
    pub read: Vec<PathBuf>,
    /// Files and folders that may be read, written, made and removed. A device file that is named
    /// here may also be controlled (`ioctl`), as GPU drivers need it.
    pub write: Vec<PathBuf>,
    /// Largest amount of private writable memory in bytes. Program code and files mapped for reading
    /// (model weights) do not count; address space as such is not limited, since GPU drivers
    /// reserve far more of it than they use.
    pub memory_bytes: Option<u64>,
    /// CPU seconds, over all threads, that may pass after the latest request began.
    pub cpu_seconds: Option<u64>,
    /// Whether sockets may be opened.
    #[serde(default)]
    pub network: bool,
}

impl Policy {
    /// Also lets `path` be read.
    #[must_use]
    pub fn read(mut self, path: impl Into<PathBuf>) -> Self {
        self.read.push(path.into());
        self
    }

    /// Also lets `path` be changed.
    #[must_use]
    pub fn write(mut self, path: impl Into<PathBuf>) -> Self {
        self.write.push(path.into());
        self
    }

    /// Limits the memory.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = Some(bytes);
        self
    }

    /// Limits the CPU time.
    #[must_use]
    pub fn cpu(mut self, seconds: u64) -> Self {
        self.cpu_seconds = Some(seconds);
        self
    }

    /// True when a worker with this policy can do all that `wanted` allows, under the same limits.
    pub(crate) fn covers(&self, wanted: &Self) -> bool {
        let may_write = |path: &PathBuf| is_below(path, &self.write);
        let may_read = |path: &PathBuf| is_below(path, &self.read) || may_write(path);
        self.memory_bytes == wanted.memory_bytes
            && self.cpu_seconds == wanted.cpu_seconds
            && self.network == wanted.network
            && wanted.write.iter().all(may_write)
            && wanted.read.iter().all(may_read)
    }
}

fn is_below(path: &Path, allowed: &[PathBuf]) -> bool {
    allowed.iter().any(|folder| path.starts_with(folder))
}

/// How far a protection is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforced {
    /// Not at all.
    None,
    /// An older kernel enforces a part.
    Partial,
    /// Completely.
    Full,
}

/// What a worker's sandbox really enforces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    /// Rules for files (Landlock).
    pub landlock: Enforced,
    /// No sockets, no programs, no looking into other processes (seccomp).
    pub seccomp: bool,
    /// The memory limit, when one was asked for.
    pub memory_limit: bool,
    /// What is weaker than asked, one sentence each, for people; empty when all is in force.
    pub losses: Vec<String>,
}

impl SandboxReport {
    /// True when everything that was asked for is in force.
    pub fn is_complete(&self) -> bool {
        self.losses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(has: &Policy, wanted: &Policy, expect: bool) {
        assert_eq!(has.covers(wanted), expect, "{has:?} covers {wanted:?}");
    }

    #[test]
    fn coverage() {
        let base = Policy::default().read("/models/a").write("/out");
        check(&base, &base, true);
        check(&base, &Policy::default(), true);
        check(&base, &Policy::default().read("/models/a/weights.bin"), true);
        check(&base, &Policy::default().read("/out/earlier.csv"), true);
        check(&base, &Policy::default().read("/models/ab"), false);
        check(&base, &Policy::default().write("/models/a"), false);
        check(&base, &Policy { network: true, ..base.clone() }, false);
        check(&base, &base.clone().memory(1), false);
        check(&base.clone().memory(2), &base.clone().memory(1), false);
    }
}
