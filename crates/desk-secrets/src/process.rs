//! What keeps secrets in the process that holds them.

use std::io;

/// Closes the ways by which what is in this process gets out of it: core files, which hold all that was in
/// memory, and open files that whoever started it handed over (a passphrase, perhaps), which programs that
/// it starts would inherit.
#[cfg(unix)]
pub fn keep_to_itself() -> io::Result<()> {
    close_fds::set_fds_cloexec_threadsafe(FIRST_INHERITED, &[]);
    // One byte, not none: for zero the kernel still feeds a core-dump program behind a pipe.
    rlimit::setrlimit(rlimit::Resource::CORE, 1, 1)
}

/// The first file behind standard input, output and error.
#[cfg(unix)]
const FIRST_INHERITED: i32 = 3;

/// Nothing is inherited unless it is asked for, and there are no core files.
#[cfg(not(unix))]
pub fn keep_to_itself() -> io::Result<()> {
    Ok(())
}
