//! Starting a supervisor: one per folder, in the foreground or detached.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::control::{control_path, listen};
use super::log::BoundedLog;
use super::state::Supervisor;
use crate::config::ServeConfig;
use crate::error::ServeError;
use crate::layout::Layout;
use crate::server::bind;
use crate::sys;
use crate::token::Token;

/// Runs the supervisor of a folder until it is stopped. `started` gets the status once the control socket answers.
pub fn supervise(root: &Path, detached: bool, started: impl FnOnce(&Value)) -> Result<(), ServeError> {
    let layout = Layout::new(root)?;
    let run = layout.run();
    DirBuilder::new().recursive(true).mode(0o700).create(&run).map_err(ServeError::io("make the folder", &run))?;
    let _lock = lock(&layout)?;
    let config = ServeConfig::read(&layout.config())?;
    let address = config.address()?;
    // A token that cannot be used is told now, not by the first revision.
    config.token_file.as_deref().map(Token::read).transpose()?;
    if detached {
        sys::new_session().map_err(ServeError::io("leave the terminal", &run))?;
    }
    log_to(&layout)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(ServeError::io("start the supervisor", layout.root()))?;
    let ended = runtime.block_on(async {
        let listener = bind(address).await?;
        let listen_on = listener.local_addr().map_err(ServeError::io("listen", layout.root()))?;
        let supervisor = Supervisor::new(layout.clone(), listener, listen_on, &config);
        attend(&layout, supervisor, started).await
    });
    for file in [layout.control_socket(), layout.pid_file()] {
        if let Err(error) = fs::remove_file(&file) {
            tracing::debug!("{}: {error}", file.display());
        }
    }
    ended
}

/// The supervisor's life between its start and its end.
async fn attend(layout: &Layout, supervisor: Arc<Supervisor>, started: impl FnOnce(&Value)) -> Result<(), ServeError> {
    let socket = bind_control(layout)?;
    let pid_file = layout.pid_file();
    fs::write(&pid_file, format!("{}\n", std::process::id())).map_err(ServeError::io("write the file", &pid_file))?;
    let io = |cause| ServeError::Io { action: "listen for signals", path: layout.root().to_owned(), cause };
    let mut terminate = signal(SignalKind::terminate()).map_err(io)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io)?;
    let stopped = Arc::new(Notify::new());
    let control = tokio::spawn(listen(socket, Arc::clone(&supervisor), Arc::clone(&stopped)));
    let keeper = tokio::spawn({
        let supervisor = Arc::clone(&supervisor);
        async move { supervisor.keep_live().await }
    });
    tracing::info!("supervising {} on {}", layout.root().display(), supervisor.listen());
    started(&supervisor.status());
    tokio::select! {
        () = stopped.notified() => {}
        _ = terminate.recv() => supervisor.stop().await,
        _ = interrupt.recv() => supervisor.stop().await,
    }
    tracing::info!("stopped");
    control.abort();
    if let Err(error) = keeper.await {
        tracing::error!("the keeper failed: {error}");
    }
    Ok(())
}

/// The lock decides who supervises; files that a dead supervisor left mean nothing.
fn lock(layout: &Layout) -> Result<File, ServeError> {
    let path = layout.lock_file();
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(ServeError::io("lock the folder", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(layout.pid_file()).ok().and_then(|text| text.trim().parse().ok());
            Err(ServeError::AlreadyRunning { root: layout.root().to_owned(), pid })
        }
        Err(TryLockError::Error(error)) => Err(ServeError::io("lock the folder", &path)(error)),
    }
}

fn bind_control(layout: &Layout) -> Result<UnixListener, ServeError> {
    let socket = layout.control_socket();
    let io = || ServeError::io("open the control socket", &socket);
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io()(error)),
        _ => {}
    }
    let (path, _folder) = control_path(layout)?;
    let listener = UnixListener::bind(path).map_err(io())?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).map_err(io())?;
    Ok(listener)
}

/// Log lines and panics go to the bounded log.
fn log_to(layout: &Layout) -> Result<(), ServeError> {
    let path = layout.log_file();
    let log = BoundedLog::open(&path).map_err(ServeError::io("open the log", &path))?;
    crate::cli::log_to(move || log.clone());
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(())
}

/// Starts a detached supervisor and returns its first line: its status, or the error that kept it from starting.
pub fn supervise_as_daemon(root: &Path) -> Result<Value, ServeError> {
    let program = std::env::current_exe().map_err(ServeError::io("find this program", "/proc/self/exe"))?;
    let io = |cause| ServeError::Io { action: "start the supervisor", path: program.clone(), cause };
    let mut child = Command::new(&program)
        .arg("supervise")
        .arg("--root")
        .arg(root)
        .arg("--detached")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(io)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(io)?;
    }
    if line.trim().is_empty() {
        return Err(ServeError::Lost { root: root.to_owned() });
    }
    serde_json::from_str(&line).map_err(|error| ServeError::Control(format!("{error}: {line:?}")))
}

/// Writes one JSON object as a line on standard output.
pub fn print(value: &Value) {
    // Nobody may be listening any more: a detached supervisor outlives who started it.
    if let Err(error) = writeln!(std::io::stdout(), "{value}") {
        tracing::debug!("standard output is closed: {error}");
    }
}
