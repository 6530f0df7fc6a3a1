//! File operations over SFTP version 3, with the extensions of OpenSSH where they are there.

use std::collections::HashMap;
use std::time::Duration;

use russh::client::Handle;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, Status, StatusCode};

use super::connection::HostCheck;
use crate::error::{DeployError, Result};
use crate::remote::Stat;
use crate::target::MAX_ROOT_LEN;

const READ_LIMIT: usize = 64 << 20;
const CHUNK: usize = 32 << 10;
const POSIX_RENAME: &str = "posix-rename@openssh.com";
const FSYNC: &str = "fsync@openssh.com";

/// An SFTP session for everything but big uploads.
pub(super) struct Files {
    session: RawSftpSession,
    extensions: HashMap<String, String>,
    address: String,
    stall: Duration,
}

impl Files {
    pub async fn open(handle: &Handle<HostCheck>, address: &str, stall: Duration) -> Result<Self> {
        let off = |detail: &dyn ToString| DeployError::FarState {
            problem: format!("{address} offers no SFTP: {}", detail.to_string()),
            hint: "Switch it on in its sshd_config: Subsystem sftp internal-sftp".to_owned(),
        };
        let channel = handle.channel_open_session().await.map_err(|e| off(&e))?;
        channel.request_subsystem(true, "sftp").await.map_err(|e| off(&e))?;
        let config = Config { request_timeout_secs: stall.as_secs(), ..Config::default() };
        let session = RawSftpSession::new_with_config(channel.into_stream(), config);
        let version = session.init().await.map_err(|e| off(&e))?;
        Ok(Self { session, extensions: version.extensions, address: address.to_owned(), stall })
    }

    /// The absolute path of the target's folder; relative ones start at the user's home.
    pub async fn root_of(&self, folder: &str) -> Result<String> {
        let folder = folder.trim_end_matches('/');
        if folder.starts_with('/') {
            return Ok(folder.to_owned());
        }
        let name = self.session.realpath(".").await.map_err(|e| self.explain(e, "find the home folder", "."))?;
        let home = name.files.into_iter().next().map(|file| file.filename).unwrap_or_default();
        let root = format!("{}/{}", home.trim_end_matches('/'), folder.trim_start_matches("~/"));
        if !root.starts_with('/') || root.len() > MAX_ROOT_LEN {
            return Err(DeployError::FarState {
                problem: format!("the target's folder cannot be used: {root}"),
                hint: format!("Give an absolute path of at most {MAX_ROOT_LEN} characters"),
            });
        }
        Ok(root)
    }

    fn explain(&self, error: SftpError, action: &'static str, path: &str) -> DeployError {
        let (address, path) = (self.address.clone(), path.to_owned());
        match error {
            SftpError::Status(Status { status_code, error_message, .. }) => {
                let problem = if error_message.is_empty() { status_code.to_string() } else { error_message };
                DeployError::FarFile { action, address, problem, path, missing: status_code == StatusCode::NoSuchFile }
            }
            SftpError::Timeout => {
                DeployError::Timeout { what: format!("{action} {path}"), seconds: self.stall.as_secs(), address }
            }
            error => DeployError::Lost { address, doing: format!("{action} {path}"), detail: error.to_string() },
        }
    }

    pub async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        self.attributes(self.session.stat(path).await.map(|attrs| attrs.attrs), path)
    }

    fn attributes(&self, found: Result<FileAttributes, SftpError>, path: &str) -> Result<Option<Stat>> {
        match found {
            Ok(attrs) => Ok(Some(Stat { size: attrs.size.unwrap_or(0), is_dir: attrs.is_dir() })),
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(self.explain(error, "look at", path)),
        }
    }

    /// A folder itself, not a link to one.
    pub async fn is_folder(&self, path: &str) -> Result<bool> {
        let found = self.session.lstat(path).await.map(|attrs| attrs.attrs);
        Ok(self.attributes(found, path)?.is_some_and(|stat| stat.is_dir))
    }

    pub async fn list(&self, path: &str) -> Result<Vec<String>> {
        let explain = |error| self.explain(error, "list", path);
        let handle = match self.session.opendir(path).await {
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => return Ok(Vec::new()),
            handle => handle.map_err(explain)?.handle,
        };
        let mut names = Vec::new();
        loop {
            match self.session.readdir(handle.as_str()).await {
                Ok(page) => names.extend(page.files.into_iter().map(|file| file.filename)),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(explain(error)),
            }
        }
        self.session.close(handle).await.map_err(explain)?;
        names.retain(|name| name != "." && name != "..");
        names.sort();
        Ok(names)
    }

    pub async fn make_dirs(&self, path: &str) -> Result<()> {
        let mut missing = Vec::new();
        let mut at = path;
        while !at.is_empty() && self.stat(at).await?.is_none() {
            missing.push(at);
            at = at.rsplit_once('/').map_or("", |(above, _)| above);
        }
        for folder in missing.into_iter().rev() {
            let attrs = FileAttributes { permissions: Some(0o755), ..FileAttributes::empty() };
            if let Err(error) = self.session.mkdir(folder, attrs).await {
                // Somebody else may have made it just now.
                if !self.stat(folder).await?.is_some_and(|stat| stat.is_dir) {
                    return Err(self.explain(error, "create folder", folder));
                }
            }
        }
        Ok(())
    }

    pub async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let part = format!("{path}.tmp");
        let explain = |error| self.explain(error, "write", path);
        let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::WRITE;
        let attrs = FileAttributes { permissions: Some(0o644), ..FileAttributes::empty() };
        let handle = self.session.open(part.as_str(), flags, attrs).await.map_err(explain)?.handle;
        let mut offset = 0;
        for chunk in bytes.chunks(CHUNK) {
            self.session.write(handle.as_str(), offset, chunk.to_vec()).await.map_err(explain)?;
            offset += chunk.len() as u64;
        }
        if self.extensions.contains_key(FSYNC) {
            self.session.fsync(handle.as_str()).await.map_err(explain)?;
        }
        self.session.close(handle).await.map_err(explain)?;
        self.rename(&part, path).await
    }

    pub async fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let explain = |error| self.explain(error, "read", path);
        let handle = match self.session.open(path, OpenFlags::READ, FileAttributes::empty()).await {
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => return Ok(None),
            handle => handle.map_err(explain)?.handle,
        };
        let mut bytes = Vec::new();
        while bytes.len() < READ_LIMIT {
            match self.session.read(handle.as_str(), bytes.len() as u64, CHUNK as u32).await {
                Ok(data) if data.data.is_empty() => break,
                Ok(data) => bytes.extend(data.data),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(explain(error)),
            }
        }
        self.session.close(handle).await.map_err(explain)?;
        Ok(Some(bytes))
    }

    /// Replaces an existing file or link where the server knows how; SFTP's own rename does not.
    pub async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let explain = |error| self.explain(error, "rename", from);
        if !self.extensions.contains_key(POSIX_RENAME) {
            return self.session.rename(from, to).await.map(drop).map_err(explain);
        }
        let mut data = Vec::new();
        for path in [from, to] {
            data.extend((path.len() as u32).to_be_bytes());
            data.extend(path.as_bytes());
        }
        match self.session.extended(POSIX_RENAME, data).await {
            Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => Ok(()),
            Ok(Packet::Status(status)) => Err(explain(SftpError::Status(status))),
            Ok(_) => Err(explain(SftpError::UnexpectedPacket)),
            Err(error) => Err(explain(error)),
        }
    }

    pub async fn remove_file(&self, path: &str) -> Result<()> {
        match self.session.remove(path).await {
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(()),
            removed => removed.map(drop).map_err(|error| self.explain(error, "remove", path)),
        }
    }

    pub async fn read_link(&self, path: &str) -> Result<Option<String>> {
        match self.session.readlink(path).await {
            Ok(name) => Ok(name.files.into_iter().next().map(|file| file.filename)),
            // No such name, or a name that is no link ("Failure", "Bad message").
            Err(SftpError::Status(status)) if status.status_code != StatusCode::PermissionDenied => Ok(None),
            Err(error) => Err(self.explain(error, "read link", path)),
        }
    }

    /// OpenSSH takes the two paths in the other order than the draft; so do the servers after it.
    pub async fn link_new(&self, target: &str, path: &str) -> Result<bool> {
        match self.session.symlink(target, path).await {
            Ok(_) => Ok(true),
            Err(error) => {
                let there = self.session.lstat(path).await.is_ok();
                if there { Ok(false) } else { Err(self.explain(error, "create link", path)) }
            }
        }
    }
}
