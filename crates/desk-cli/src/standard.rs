//! Standard output and standard error as they are: closed, full, or a pipe that nobody reads any more.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// Standard output was closed when the process started.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Rust opens `/dev/null` in place of a closed standard stream before `main`, and what is written there is lost
/// without a word. This runs before that, with the other initialisers of the program.
#[cfg(target_os = "linux")]
#[used]
#[expect(unsafe_code, reason = "there is no safe way to run before the standard library")]
// SAFETY: the loader calls each entry of this section once, as a C function; it calls nothing but fcntl.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = {
    extern "C" fn look() {
        // SAFETY: takes numbers only, and a closed descriptor is an answer.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        CLOSED.store(flags < 0, Ordering::Relaxed);
    }
    look
};

/// Standard output was open when the process started.
pub fn check_output() -> io::Result<()> {
    if CLOSED.load(Ordering::Relaxed) { Err(io::Error::other("standard output is closed")) } else { Ok(()) }
}

/// Prints lines. A reader that has gone, as in `modeldesk list | head`, is not a failure.
pub fn print(text: &str) -> io::Result<()> {
    check_output()?;
    let mut out = io::stdout().lock();
    silent_pipe(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// A pipe that nobody reads any more is the reader's choice.
pub fn silent_pipe(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// A line on standard error; where that cannot be written nobody can be told.
pub fn tell(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}
