//! Why a worker ended, said so that people know what to do.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use desk_core::{Fault, FaultKind};

use crate::policy::Policy;

const OUT_OF_TIME: &str = "it used up its CPU time";

/// True when a request failed because its worker had used up its CPU time; see [`Policy::cpu`].
pub fn is_out_of_time(fault: &Fault) -> bool {
    fault.message.contains(OUT_OF_TIME)
}

const FOR_ANOTHER: &str = "it was ended because another request in it did not stop";

/// True when a request failed only because a cancelled one in the same worker went on: it can simply be asked again.
pub(crate) fn is_for_another(fault: &Fault) -> bool {
    fault.message.contains(FOR_ANOTHER)
}

/// Why the desk itself ended a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Killed {
    /// A cancelled request did not stop.
    Unresponsive,
    /// The pool closes, or the worker was idle for long.
    Retired,
    /// It broke the protocol.
    Confused,
}

/// How a worker ended.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    pub status: Option<ExitStatus>,
    pub killed: Option<Killed>,
    /// What was wrong with the connection, where it did not simply close.
    pub link: Option<String>,
    /// The last lines it printed.
    pub output: Vec<String>,
}

impl Death {
    /// The error for a request that was being worked on.
    pub(crate) fn fault(&self, op: &str, policy: &Policy) -> Fault {
        let mut fault = self.cause(policy).context(format_args!("While the worker was doing `{op}`"));
        if let Some(link) = &self.link {
            fault = fault.detail(link);
        }
        if let Some(status) = self.status {
            fault = fault.detail(format!("The worker process ended with {status}"));
        }
        fault.details.extend(self.output.iter().map(|line| format!("worker: {line}")));
        fault
    }

    fn cause(&self, policy: &Policy) -> Fault {
        match self.killed {
            Some(Killed::Unresponsive) => {
                return again(Fault::new(FaultKind::Environment, FOR_ANOTHER));
            }
            Some(Killed::Retired) => return Fault::cancelled(),
            Some(Killed::Confused) => {
                return again(Fault::bug("it sent something that cannot be understood and was ended"));
            }
            None => {}
        }
        if let Some(fault) = self.out_of_memory(policy) {
            return fault;
        }
        match self.status.and_then(|status| status.signal()) {
            Some(libc::SIGXCPU) => {
                let limit = policy.cpu_seconds.map_or_else(String::new, |s| format!(" of {s} s"));
                Fault::new(FaultKind::Environment, format!("{OUT_OF_TIME}{limit} (SIGXCPU)"))
                    .hint("Work on fewer rows at a time")
            }
            Some(libc::SIGKILL) => {
                Fault::new(FaultKind::Environment, "it was killed by the system (SIGKILL), most likely for lack of memory")
                    .hint("Close other programs, or work on fewer rows at a time")
            }
            Some(libc::SIGTERM | libc::SIGINT | libc::SIGHUP) => {
                again(Fault::new(FaultKind::Environment, "it was ended from outside (SIGTERM)"))
            }
            Some(signal) => Fault::new(FaultKind::Input, format!("it crashed with {}", name(signal)))
                .hint("Run it on the CPU (`--device cpu`): a device's driver may be at fault")
                .hint("If it happens again, the model or the ONNX Runtime library is at fault: try another library version"),
            None => {
                let code = self.status.and_then(|status| status.code());
                let how = code.map_or_else(|| "it ended".to_owned(), |code| format!("it ended with exit code {code}"));
                again(Fault::bug(format!("{how} before it had answered")))
            }
        }
    }

    /// An abort after a failed allocation, with a memory limit in force.
    fn out_of_memory(&self, policy: &Policy) -> Option<Fault> {
        let aborted = self.status.and_then(|status| status.signal()) == Some(libc::SIGABRT);
        let said = |words: &str| self.output.iter().any(|line| line.contains(words));
        if !aborted || !(said("memory allocation of") || said("bad_alloc")) {
            return None;
        }
        let limit = policy.memory_bytes.map_or_else(String::new, |bytes| format!(" of {} MiB", bytes >> 20));
        let fault = Fault::new(FaultKind::Environment, format!("it needed more memory than its limit{limit}"));
        Some(
            fault.hint("Work on fewer rows at a time").hint("Close other programs, or use a computer with more memory"),
        )
    }
}

fn again(fault: Fault) -> Fault {
    fault.hint("Try again: the next request starts a new worker process")
}

/// A signal's name and what it means.
fn name(signal: i32) -> String {
    let known = match signal {
        libc::SIGSEGV => "SIGSEGV (an invalid memory access)",
        libc::SIGBUS => "SIGBUS (a file that it had mapped changed or the disk failed)",
        libc::SIGABRT => "SIGABRT (it noticed a fault of its own)",
        libc::SIGILL => "SIGILL (an instruction that this processor does not have)",
        libc::SIGFPE => "SIGFPE (a division by zero)",
        libc::SIGSYS => "SIGSYS (a system call that the sandbox refuses)",
        libc::SIGTRAP => "SIGTRAP",
        other => return format!("signal {other}"),
    };
    known.to_owned()
}
