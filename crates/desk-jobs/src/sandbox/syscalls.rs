//! System calls that a worker never needs, refused through seccomp.

use std::collections::BTreeMap;
use std::process;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads, sock_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refused whatever the arguments: other programs, other processes, the kernel, the system.
const NEVER: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    // Does what other calls do past this filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Refused unless the policy allows the network. The connection to the desk exists already.
const NETWORK: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

/// Refuses these calls for all threads of this process, for good.
pub(super) fn restrict(network: bool) -> Result<(), String> {
    for program in [x32(), filter(old_clone(), libc::ENOSYS)?, filter(refused(network)?, libc::EPERM)?] {
        if !program.is_empty() {
            apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn filter(rules: Rules, errno: i32) -> Result<BpfProgram, String> {
    let arch = std::env::consts::ARCH.try_into().map_err(|error: seccompiler::BackendError| error.to_string())?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch)
        .and_then(BpfProgram::try_from)
        .map_err(|error| error.to_string())
}

fn refused(network: bool) -> Result<Rules, String> {
    let mut rules: Rules = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    if !network {
        rules.extend(NETWORK.iter().map(|call| (*call, Vec::new())));
    }
    let own_pid = u64::from(process::id());
    // New processes; threads are fine.
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![rule(&[(0, Len::Qword, Op::MaskedEq(thread), 0)])?]);
    // Signals to others.
    rules.insert(libc::SYS_kill, vec![rule(&[(0, Len::Dword, Op::Ne, own_pid)])?]);
    rules.insert(libc::SYS_tgkill, vec![rule(&[(0, Len::Dword, Op::Ne, own_pid)])?]);
    // Limits of others.
    let others = rule(&[(0, Len::Dword, Op::Ne, 0), (0, Len::Dword, Op::Ne, own_pid)])?;
    rules.insert(libc::SYS_prlimit64, vec![others]);
    // Outliving the desk.
    let death_signal = libc::PR_SET_PDEATHSIG as u64;
    rules.insert(libc::SYS_prctl, vec![rule(&[(0, Len::Dword, Op::Eq, death_signal)])?]);
    Ok(rules)
}

/// The newer call hides its flags in memory, where no filter can look. Without it the C library
/// falls back to the older one.
fn old_clone() -> Rules {
    Rules::from([(libc::SYS_clone3, Vec::new())])
}

fn rule(conditions: &[(u8, Len, Op, u64)]) -> Result<SeccompRule, String> {
    let made: Result<Vec<_>, _> = conditions
        .iter()
        .map(|(argument, len, op, value)| SeccompCondition::new(*argument, len.clone(), op.clone(), *value))
        .collect();
    made.and_then(SeccompRule::new).map_err(|error| error.to_string())
}

/// On x86-64 each call has a second number (the x32 interface) that a list of numbers does not
/// catch: all of those are refused.
fn x32() -> BpfProgram {
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X32: u32 = 0x4000_0000;
    if !cfg!(target_arch = "x86_64") {
        return BpfProgram::new();
    }
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        step(LOAD_NUMBER, 0, 0, 0),
        step(JUMP_IF_AT_LEAST, 0, 1, X32),
        step(RETURN, 0, 0, u32::from(SeccompAction::Errno(libc::ENOSYS as u32))),
        step(RETURN, 0, 0, u32::from(SeccompAction::Allow)),
    ]
}
