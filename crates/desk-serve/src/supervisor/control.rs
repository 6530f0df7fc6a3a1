//! The control socket: one JSON object a line, one answer a line.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use desk_core::Fault;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

use super::state::Supervisor;
use crate::error::ServeError;
use crate::layout::Layout;

/// What `ctl` asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// What is live and what is staged.
    Status,
    /// Start a version beside the live one.
    Stage {
        /// 64 hexadecimal digits.
        version: String,
    },
    /// Make the staged version the live one.
    Switch {
        /// 64 hexadecimal digits.
        version: String,
    },
    /// End the staged version.
    Unstage,
    /// End everything.
    Stop,
}

/// The path to bind or connect to, and a folder that must stay open meanwhile.
///
/// Socket addresses have room for about 100 bytes; a longer path is reached through the open folder.
pub fn control_path(layout: &Layout) -> Result<(PathBuf, File), ServeError> {
    let run = layout.run();
    let folder = File::open(&run).map_err(ServeError::io("open the folder", &run))?;
    let path = layout.control_socket();
    if path.as_os_str().len() <= 100 || !cfg!(target_os = "linux") {
        return Ok((path, folder));
    }
    let name = path.file_name().unwrap_or_default();
    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((path, folder))
}

/// Answers on the control socket until the supervisor has been stopped through it.
pub async fn listen(listener: UnixListener, supervisor: Arc<Supervisor>, stopped: Arc<Notify>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, Arc::clone(&supervisor), Arc::clone(&stopped)));
            }
            Err(error) => {
                tracing::warn!("a control connection could not be accepted: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, supervisor: Arc<Supervisor>, stopped: Arc<Notify>) {
    let (read, mut write) = stream.into_split();
    // No command is longer than this; whoever sends more gets an error and the end of the line.
    let mut lines = BufReader::new(read.take(64 * 1024)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let command = serde_json::from_str::<Command>(&line);
        let stop = matches!(command, Ok(Command::Stop));
        let answer = match command {
            Ok(command) => carry_out(&supervisor, command).await,
            Err(error) => Err(ServeError::Control(format!("not a command: {error}"))),
        };
        let answer = answer.unwrap_or_else(|error| json!({"error": Fault::from(error)}));
        let written = write.write_all(format!("{answer}\n").as_bytes()).await;
        if stop {
            // The answer is out; the process may end now.
            stopped.notify_one();
        }
        if written.is_err() {
            break;
        }
    }
}

async fn carry_out(supervisor: &Arc<Supervisor>, command: Command) -> Result<Value, ServeError> {
    match command {
        Command::Status => Ok(supervisor.status()),
        Command::Stage { version } => supervisor.stage(&version).await,
        Command::Switch { version } => supervisor.switch(&version).await,
        Command::Unstage => supervisor.unstage().await,
        Command::Stop => {
            supervisor.stop().await;
            Ok(json!({"stopped": true}))
        }
    }
}
