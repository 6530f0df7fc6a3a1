//! The few system calls that the standard library has no safe word for.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

/// Leaves the terminal's session, so that closing it does not end this process.
#[expect(unsafe_code, reason = "setsid has no safe wrapper in the standard library")]
pub fn new_session() -> io::Result<()> {
    // SAFETY: no pointers; fails with EPERM when the process leads a group, which is reported.
    if unsafe { libc::setsid() } == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Puts `/dev/null` in the place of standard input, which closes what was there.
#[expect(unsafe_code, reason = "dup2 onto a standard descriptor has no safe wrapper in the standard library")]
pub fn close_stdin() -> io::Result<()> {
    let null = File::open("/dev/null")?;
    // SAFETY: both descriptors are open; nobody in this process owns descriptor 0 as a Rust object.
    if unsafe { libc::dup2(null.as_raw_fd(), 0) } == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
