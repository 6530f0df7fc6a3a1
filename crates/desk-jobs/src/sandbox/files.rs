//! File rules through Landlock.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use crate::policy::{Enforced, Policy};

/// The newest rules that this program knows; older kernels enforce those that they know.
const NEWEST: ABI = ABI::V7;

/// What a program needs to load libraries, to count processors and to read its own state. Nothing
/// here is the user's.
const SYSTEM: &[&str] = &[
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
];
/// Devices without a memory.
const SYSTEM_WRITE: &[&str] = &["/dev/null"];

/// Restricts this thread and its future threads; says how far, and what is lost.
pub(super) fn restrict(policy: &Policy, scratch: &Path) -> Result<(Enforced, Option<String>), RulesetError> {
    // Libraries are mapped, not executed: nothing has to be executable.
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::from_all(NEWEST) & !AccessFs::Execute;
    let own_program = std::env::current_exe().ok();
    let mut rules = Ruleset::default().handle_access(AccessFs::from_all(NEWEST))?;
    if !policy.network {
        rules = rules.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let status = rules
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(SYSTEM_WRITE, AccessFs::ReadFile | AccessFs::WriteFile))?
        // For the names of functions in a backtrace.
        .add_rules(path_beneath_rules(own_program.as_slice(), read))?
        .add_rules(path_beneath_rules(&policy.read, read))?
        .add_rules(path_beneath_rules(&policy.write, write))?
        .add_rules(path_beneath_rules([scratch], write))?
        .restrict_self()?;
    let kernel = match status.landlock {
        LandlockStatus::NotEnabled => "Landlock is not turned on in this kernel".to_owned(),
        LandlockStatus::NotImplemented => "this kernel has no Landlock (Linux 5.13 or later has)".to_owned(),
        LandlockStatus::Available { effective_abi, .. } => {
            format!("this kernel's Landlock is of version {}, not {}", effective_abi as i32, NEWEST as i32)
        }
    };
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => (Enforced::Full, None),
        RulesetStatus::PartiallyEnforced => {
            (Enforced::Partial, Some(format!("Files are protected from the worker in part: {kernel}")))
        }
        RulesetStatus::NotEnforced => {
            (Enforced::None, Some(format!("Files are not protected from the worker: {kernel}")))
        }
    })
}
