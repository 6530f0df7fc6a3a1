//! The client side of the control socket.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::ServeError;
use crate::layout::Layout;
use crate::supervisor::{Command, control_path};

/// Sends one command to the supervisor of a folder and waits for its answer, which may be
/// `{"error": ...}`.
///
/// # Errors
/// [`ServeError::NotRunning`] when nobody answers, [`ServeError::Control`] when the answer is none.
pub fn send(root: &Path, command: &Command) -> Result<Value, ServeError> {
    let layout = Layout::new(root)?;
    let not_running = || ServeError::NotRunning { root: layout.root().to_owned() };
    let io = || ServeError::io("talk to the supervisor", layout.control_socket());
    let (path, _folder) = control_path(&layout).map_err(|_no_run_folder| not_running())?;
    let mut socket = UnixStream::connect(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => not_running(),
        _ => io()(error),
    })?;
    let line = serde_json::to_string(command).expect("plain fields") + "\n";
    socket.write_all(line.as_bytes()).map_err(io())?;
    let mut line = String::new();
    match BufReader::new(socket).read_line(&mut line) {
        Ok(0) => return without_answer(&layout, command),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return without_answer(&layout, command),
        read => read.map_err(io())?,
    };
    let answer = serde_json::from_str(&line).map_err(|error| ServeError::Control(format!("{error}: {line:?}")))?;
    if *command == Command::Stop {
        wait_until_unlocked(&layout)?;
    }
    Ok(answer)
}

/// The supervisor ended before it answered: that is what a stop wanted, and a loss to everything else.
fn without_answer(layout: &Layout, command: &Command) -> Result<Value, ServeError> {
    if *command == Command::Stop && wait_until_unlocked(layout)? {
        return Ok(json!({"stopped": true}));
    }
    Err(ServeError::Lost { root: layout.root().to_owned() })
}

/// The supervisor answers shortly before it ends; whoever starts another one next must find the folder free.
/// False when it is still there after some time.
fn wait_until_unlocked(layout: &Layout) -> Result<bool, ServeError> {
    let path = layout.lock_file();
    let lock = match File::open(&path) {
        // Somebody has removed it; whoever needs more looks at the process.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        opened => opened.map_err(ServeError::io("wait for the end of the supervisor", &path))?,
    };
    let until = Instant::now() + Duration::from_secs(5);
    while lock.try_lock_shared().is_err() {
        if Instant::now() >= until {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(true)
}
