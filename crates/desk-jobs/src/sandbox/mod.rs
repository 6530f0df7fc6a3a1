//! Locks the calling process in. What the system cannot enforce is reported, never passed over.
//!
//! Called once, at the start of a worker, before it has threads: file rules hold for the calling
//! thread and those that it starts.

use std::path::Path;

use rlimit::Resource;

use crate::policy::{Enforced, Policy, SandboxReport};

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod syscalls;

/// Open files at most; a worker needs a few dozen.
const OPEN_FILES: u64 = 1024;

/// Applies the policy to this process, for good. `scratch` may be written too.
pub(crate) fn apply(policy: &Policy, scratch: &Path) -> SandboxReport {
    let mut report =
        SandboxReport { landlock: Enforced::None, seccomp: false, memory_limit: false, losses: Vec::new() };
    limits(policy, &mut report);
    system(policy, scratch, &mut report);
    report
}

#[cfg(target_os = "linux")]
fn system(policy: &Policy, scratch: &Path, report: &mut SandboxReport) {
    match files::restrict(policy, scratch) {
        Ok((enforced, loss)) => {
            report.landlock = enforced;
            report.losses.extend(loss);
        }
        Err(error) => report.losses.push(format!("Files are not protected from the worker: {error}")),
    }
    match syscalls::restrict(policy.network) {
        Ok(()) => report.seccomp = true,
        Err(error) => {
            let what = "The worker can open network connections and start programs";
            report.losses.push(format!("{what}: {error}"));
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn system(_policy: &Policy, _scratch: &Path, report: &mut SandboxReport) {
    report.losses.push("Files and the network are not protected from the worker on this system".to_owned());
}

/// Memory, open files, and no core dumps: they would hold what the worker had in memory.
fn limits(policy: &Policy, report: &mut SandboxReport) {
    // One byte, not none: for zero the kernel still feeds a core-dump program behind a pipe.
    if let Err(error) = rlimit::setrlimit(Resource::CORE, 1, 1) {
        report.losses.push(format!("Core dumps of the worker cannot be turned off: {error}"));
    }
    let open_files = rlimit::getrlimit(Resource::NOFILE).map_or(OPEN_FILES, |(_, hard)| hard.min(OPEN_FILES));
    if let Err(error) = rlimit::setrlimit(Resource::NOFILE, open_files, open_files) {
        report.losses.push(format!("The worker's open files cannot be limited: {error}"));
    }
    let Some(bytes) = policy.memory_bytes else { return };
    let enforceable = cfg!(target_os = "linux");
    match rlimit::setrlimit(Resource::DATA, bytes, bytes) {
        Ok(()) if enforceable => report.memory_limit = true,
        Ok(()) => report.losses.push("The worker's memory is not limited on this system".to_owned()),
        Err(error) => report.losses.push(format!("The worker's memory cannot be limited: {error}")),
    }
}

/// Lets `seconds` of CPU time pass from now on; the worker is ended with SIGXCPU after that.
pub(crate) fn allow_cpu(seconds: u64) {
    let until = cpu_seconds_used().saturating_add(seconds).saturating_add(1);
    if let Err(error) = rlimit::setrlimit(Resource::CPU, until, rlimit::INFINITY) {
        tracing::debug!("The CPU time cannot be limited: {error}");
    }
}

#[expect(unsafe_code, reason = "no safe call tells a process's CPU time")]
fn cpu_seconds_used() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value of the right type, which the call fills.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    if done == 0 { u64::try_from(time.tv_sec).unwrap_or(0) } else { 0 }
}
