//! This computer as a target: real files, real processes, nothing to set up.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use desk_core::Digest;

use crate::error::{DeployError, Result};
use crate::package::{file_digest, near};
use crate::remote::{Exec, Forward, Output, Put, Remote, Stat};

const ADDRESS: &str = "this computer";
/// What a server on this computer gets of the desk's environment: where things are and how text is written.
/// What else a person has set, such as tokens for other programs, is not its business.
const ENVIRONMENT: [&str; 15] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "LD_LIBRARY_PATH",
];
const READ_LIMIT: u64 = 64 << 20;

/// A folder of this computer.
#[derive(Debug)]
pub struct LocalRemote {
    root: String,
}

impl LocalRemote {
    /// Names the folder; it need not exist yet.
    pub fn open(folder: &str) -> Result<Self> {
        let folder = folder.trim_end_matches('/');
        let root = without_links(Path::new(folder));
        let root = root.to_str().ok_or_else(|| refused("open folder", folder, &"its name is not UTF-8"))?.to_owned();
        Ok(Self { root })
    }

    fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(self.absolute(path))
    }

    fn fail<'a>(&'a self, action: &'static str, path: &'a str) -> impl Fn(std::io::Error) -> DeployError + 'a {
        move |e| {
            let path = self.absolute(path);
            if is_full(&e) {
                return DeployError::NoSpace { action, address: ADDRESS.to_owned(), path };
            }
            refused(action, &path, &e)
        }
    }
}

/// A path with links in it is resolved once, so that it stays the same for the server; also when the
/// folder is not there, or not any more.
fn without_links(folder: &Path) -> PathBuf {
    let found = folder.ancestors().find_map(|above| Some((above.canonicalize().ok()?, above)));
    match found.and_then(|(real, above)| Some((real, folder.strip_prefix(above).ok()?))) {
        Some((real, rest)) if rest.as_os_str().is_empty() => real,
        Some((real, rest)) => real.join(rest),
        None => folder.to_owned(),
    }
}

fn refused(action: &'static str, path: &str, problem: &dyn std::fmt::Display) -> DeployError {
    DeployError::FarFile {
        action,
        address: ADDRESS.to_owned(),
        problem: problem.to_string(),
        path: path.to_owned(),
        missing: false,
    }
}

impl Remote for LocalRemote {
    fn address(&self) -> String {
        ADDRESS.to_owned()
    }

    fn root(&self) -> &str {
        &self.root
    }

    fn is_alive(&self) -> bool {
        true
    }

    fn wants_service(&self) -> bool {
        false
    }

    fn stat(&self, path: &str) -> Result<Option<Stat>> {
        match fs::metadata(self.path(path)) {
            Ok(meta) => Ok(Some(Stat { size: meta.len(), is_dir: meta.is_dir() })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(refused("look at", &self.absolute(path), &e)),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(path)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(self.fail("list", path))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(self.fail("list", path))?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn make_dirs(&self, path: &str) -> Result<()> {
        fs::create_dir_all(self.path(path)).map_err(self.fail("create folder", path))
    }

    fn put(&self, put: &Put<'_>) -> Result<()> {
        copy(put, &self.path(put.to)).map_err(|e| match e {
            Copy::Near(source) => near("read", put.from, source),
            Copy::Far(e) if is_full(&e) => {
                let size = fs::metadata(put.from).map_or(0, |meta| meta.len());
                DeployError::DiskFull {
                    address: ADDRESS.to_owned(),
                    needed_bytes: size,
                    free_bytes: self.free_bytes().unwrap_or(0),
                    path: self.root.clone(),
                }
            }
            Copy::Far(e) => refused("write", &self.absolute(put.to), &e),
            Copy::Cancelled => DeployError::Cancelled,
        })
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let target = self.path(path);
        let part = self.path(&format!("{path}.tmp"));
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&part, &target)).map_err(self.fail("write", path))
    }

    fn link_new(&self, target: &str, path: &str) -> Result<bool> {
        match symlink(target, &self.path(path)) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(self.fail("create link", path)(e)),
        }
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(path)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(self.fail("read", path))?,
        };
        let mut bytes = Vec::new();
        file.take(READ_LIMIT).read_to_end(&mut bytes).map_err(self.fail("read", path))?;
        Ok(Some(bytes))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        fs::rename(self.path(from), self.path(to)).map_err(self.fail("rename", from))
    }

    fn remove(&self, path: &str) -> Result<()> {
        let full = self.path(path);
        let removed = match fs::symlink_metadata(&full) {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(&full),
            Ok(_) => fs::remove_file(&full),
            Err(e) => Err(e),
        };
        match removed {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(self.fail("remove", path)),
        }
    }

    fn read_link(&self, path: &str) -> Result<Option<String>> {
        match fs::read_link(self.path(path)) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidInput) => Ok(None),
            Err(e) => Err(refused("read link", &self.absolute(path), &e)),
        }
    }

    fn link(&self, target: &str, path: &str) -> Result<()> {
        let part = format!("{path}.tmp");
        self.remove(&part)?;
        symlink(target, &self.path(&part)).map_err(self.fail("create link", path))?;
        self.rename(&part, path)
    }

    fn share(&self, from: &str, to: &str) -> Result<()> {
        self.remove(to)?;
        let (from, full) = (self.path(from), self.path(to));
        fs::hard_link(&from, &full).or_else(|_| fs::copy(&from, &full).map(drop)).map_err(self.fail("copy", to))
    }

    fn digests(&self, paths: &[String]) -> Result<Vec<Digest>> {
        paths.iter().map(|path| file_digest(&self.path(path), None)).collect()
    }

    fn exec(&self, exec: &Exec) -> Result<Output> {
        run(exec, &exec.command(&self.root))
    }

    fn port_in_use(&self, port: u16) -> Result<bool> {
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    fn forward(&self, port: u16) -> Result<Forward> {
        Ok(Forward { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), guard: None })
    }
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_target: &str, _path: &Path) -> std::io::Result<()> {
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "a local target needs symbolic links (Linux, macOS)"))
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

enum Copy {
    Near(std::io::Error),
    Far(std::io::Error),
    Cancelled,
}

/// Always from the start: reading a partial copy to compare it costs as much as copying.
fn copy(put: &Put<'_>, to: &Path) -> Result<(), Copy> {
    let mut from = File::open(put.from).map_err(Copy::Near)?;
    let mut target = File::create(to).map_err(Copy::Far)?;
    let mut buffer = vec![0u8; 1 << 20];
    let mut done = 0;
    loop {
        put.cancel.check().map_err(|_cancelled| Copy::Cancelled)?;
        let n = from.read(&mut buffer).map_err(Copy::Near)?;
        if n == 0 {
            break;
        }
        target.write_all(&buffer[..n]).map_err(Copy::Far)?;
        done += n as u64;
        (put.progress)(done);
    }
    if put.executable {
        make_executable(&target).map_err(Copy::Far)?;
    }
    target.sync_all().map_err(Copy::Far)
}

#[cfg(unix)]
fn make_executable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_file: &File) -> std::io::Result<()> {
    Ok(())
}

/// The desk's environment as far as a server on this computer gets it.
pub fn server_environment() -> impl Iterator<Item = (&'static str, OsString)> {
    ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// Runs a program with a time limit. Output goes through files, so that a daemon that keeps the
/// pipe open, as a server may, does not keep us waiting.
fn run(exec: &Exec, words: &[String]) -> Result<Output> {
    let fail = |problem: &dyn std::fmt::Display| refused("run", &exec.display(), problem);
    let (program, args) = words.split_first().ok_or_else(|| fail(&"there is no program"))?;
    let (mut out, mut err) = (temporary(&fail)?, temporary(&fail)?);
    let clone = |file: &File| file.try_clone().map_err(|e| fail(&e));
    let mut tries = 0;
    let mut child = loop {
        let mut command = Command::new(program);
        command.env_clear().envs(server_environment());
        // Ctrl-C in a terminal is for the desk, which decides what becomes of it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.args(args).stdin(Stdio::piped()).stdout(clone(&out)?).stderr(clone(&err)?);
        match command.spawn() {
            // Another thread of this process was starting a program just when the binary was being
            // written, and its child has not let go of the file yet.
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy && tries < 50 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            child => break child.map_err(|e| fail(&e))?,
        }
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input is no failure.
        drop(stdin.write_all(&exec.stdin));
    }
    let until = Instant::now() + exec.timeout;
    let mut pause = std::time::Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|e| fail(&e))? {
            break status;
        }
        let cancelled = exec.cancel.as_ref().is_some_and(desk_core::Cancel::is_cancelled);
        if cancelled || Instant::now() > until {
            drop(child.kill());
            drop(child.wait());
            if cancelled {
                return Err(DeployError::Cancelled);
            }
            return Err(DeployError::Timeout {
                what: format!("`{}`", exec.display()),
                seconds: exec.timeout.as_secs(),
                address: ADDRESS.to_owned(),
            });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(std::time::Duration::from_millis(20));
    };
    Ok(Output {
        status: status.code().unwrap_or(-1),
        stdout: contents(&mut out, &fail)?,
        stderr: contents(&mut err, &fail)?,
    })
}

fn temporary(fail: &dyn Fn(&dyn std::fmt::Display) -> DeployError) -> Result<File> {
    tempfile::tempfile().map_err(|e| fail(&e))
}

fn contents(file: &mut File, fail: &dyn Fn(&dyn std::fmt::Display) -> DeployError) -> Result<Vec<u8>> {
    use std::io::Seek as _;
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(|e| fail(&e))?;
    Ok(bytes)
}
