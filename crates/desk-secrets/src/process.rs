//! What keeps secrets in the memory of the process that holds them.

use std::io;

/// Turns core dumps of this process and its children off: a core file holds all that was in memory.
#[cfg(unix)]
pub fn no_core_dumps() -> io::Result<()> {
    // One byte, not none: for zero the kernel still feeds a core-dump program behind a pipe.
    rlimit::setrlimit(rlimit::Resource::CORE, 1, 1)
}

/// There are no core files here.
#[cfg(not(unix))]
pub fn no_core_dumps() -> io::Result<()> {
    Ok(())
}
