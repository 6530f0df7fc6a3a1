//! A machine reached by SSH: files by SFTP, commands, and tunnels to its loopback ports.

mod auth;
mod command;
mod connection;
mod sftp;
mod tunnel;
mod upload;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use desk_core::Digest;
use russh::client::Handle;
use tokio::runtime::Runtime;

use crate::credential::Credential;
use crate::error::{DeployError, Result};
use crate::hostkey::HostKeyPolicy;
use crate::remote::{DIGEST_SCRIPT, Exec, Forward, Output, Put, Remote, Stat, parse_digests, tail};
use crate::target::{TargetConfig, host_port};
pub use auth::{check_key, key_is_encrypted};
use connection::HostCheck;
use sftp::Files;

/// How long the far side may compute digests of a few gigabytes on a slow disk.
/// With less free than this, a disk counts as the reason why something small was not written.
const FULL: u64 = 1 << 16;
const DIGEST_TIMEOUT: Duration = Duration::from_mins(15);

/// A logged-in connection to one target.
///
/// Its calls block; never make them from within an async runtime.
pub struct SshRemote {
    address: String,
    root: String,
    stall: Duration,
    handle: Arc<Handle<HostCheck>>,
    files: Files,
    /// Dropped last, by [`Drop`].
    runtime: Option<Runtime>,
}

impl SshRemote {
    /// Connects, checks the host's key, logs in and opens SFTP.
    ///
    /// # Errors
    ///
    /// Unreachable or too slow, a host key that is unknown and not vouched for or that has changed,
    /// a refused login, a key that cannot be read, SFTP switched off.
    pub fn connect(config: &TargetConfig, credential: &Credential, host_keys: &Arc<dyn HostKeyPolicy>) -> Result<Self> {
        let TargetConfig::Ssh { host, port, user, folder, connect_timeout_secs, stall_timeout_secs, .. } = config
        else {
            return Err(DeployError::Config {
                setting: "kind",
                problem: "is not ssh".to_owned(),
                hint: "Use a local connection for local targets",
            });
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("desk-deploy-ssh")
            .enable_all()
            .build()
            .map_err(|source| DeployError::Unreachable { address: host_port(host, *port), source })?;
        let (connect, stall) = (Duration::from_secs(*connect_timeout_secs), Duration::from_secs(*stall_timeout_secs));
        let address = config.address();
        let (handle, files, root) = runtime.block_on(async {
            let place = connection::Place { host, port: *port, user, timeout: connect };
            let mut handle = connection::open(&place, host_keys).await?;
            auth::log_in(&mut handle, &place, credential).await?;
            let files = Files::open(&handle, &address, stall).await?;
            let root = files.root_of(folder).await?;
            Ok::<_, DeployError>((handle, files, root))
        })?;
        Ok(Self { address, root, stall, handle: Arc::new(handle), files, runtime: Some(runtime) })
    }

    fn block_on<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => Err(self.lost("closing", "the connection is closed".to_owned())),
        }
    }

    fn lost(&self, doing: &str, detail: String) -> DeployError {
        DeployError::Lost { address: self.address.clone(), doing: doing.to_owned(), detail }
    }

    /// SFTP has no status for a full disk: it says "Failure" and leaves the rest to us.
    fn changed<T>(&self, change: Result<T>) -> Result<T> {
        change.map_err(|error| match error {
            DeployError::FarFile { action, path, missing: false, .. }
                if self.free_bytes().is_ok_and(|free| free < FULL) =>
            {
                DeployError::NoSpace { action, address: self.address.clone(), path }
            }
            error => error,
        })
    }

    /// The first `length` bytes of a partial upload are those of the file on this computer.
    fn same_start(&self, put: &Put<'_>, length: u64) -> Result<bool> {
        let far = self.digests(&[put.to.to_owned()])?;
        Ok(far == [crate::package::file_digest(put.from, Some(length))?])
    }
}

impl Drop for SshRemote {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            let handle = self.handle.clone();
            let goodbye = async move { handle.disconnect(russh::Disconnect::ByApplication, "", "en").await };
            drop(runtime.block_on(async { tokio::time::timeout(Duration::from_millis(500), goodbye).await }));
            runtime.shutdown_background();
        }
    }
}

impl Remote for SshRemote {
    fn address(&self) -> String {
        self.address.clone()
    }

    fn root(&self) -> &str {
        &self.root
    }

    fn is_alive(&self) -> bool {
        !self.handle.is_closed()
    }

    fn wants_service(&self) -> bool {
        true
    }

    fn stat(&self, path: &str) -> Result<Option<Stat>> {
        self.block_on(self.files.stat(&self.absolute(path)))
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        self.block_on(self.files.list(&self.absolute(path)))
    }

    fn make_dirs(&self, path: &str) -> Result<()> {
        self.changed(self.block_on(self.files.make_dirs(&self.absolute(path))))
    }

    fn put(&self, put: &Put<'_>) -> Result<()> {
        let to = self.absolute(put.to);
        let size = std::fs::metadata(put.from).map_err(|source| crate::package::near("read", put.from, source))?.len();
        let there = self.stat(put.to)?.map_or(0, |stat| stat.size);
        let from = if there > 0 && there <= size && self.same_start(put, there)? { there } else { 0 };
        let job = upload::Job { handle: &self.handle, put, to: &to, from, stall: self.stall, address: &self.address };
        self.block_on(upload::send(&job)).map_err(|error| match error {
            DeployError::FarFile { .. } => {
                let left = size.saturating_sub(self.stat(put.to).ok().flatten().map_or(0, |stat| stat.size));
                match self.free_bytes() {
                    Ok(free_bytes) if free_bytes < left.max(FULL) => DeployError::DiskFull {
                        address: self.address.clone(),
                        needed_bytes: left,
                        free_bytes,
                        path: self.root.clone(),
                    },
                    _ => error,
                }
            }
            error => error,
        })
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.changed(self.block_on(self.files.write(&self.absolute(path), bytes)))
    }

    fn link_new(&self, target: &str, path: &str) -> Result<bool> {
        self.changed(self.block_on(self.files.link_new(target, &self.absolute(path))))
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.block_on(self.files.read(&self.absolute(path)))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.block_on(self.files.rename(&self.absolute(from), &self.absolute(to)))
    }

    fn remove(&self, path: &str) -> Result<()> {
        let full = self.absolute(path);
        if self.block_on(self.files.is_folder(&full))? {
            return self.must(&Exec::new(["rm", "-rf", "--", &full])).map(drop);
        }
        self.block_on(self.files.remove_file(&full))
    }

    fn read_link(&self, path: &str) -> Result<Option<String>> {
        self.block_on(self.files.read_link(&self.absolute(path)))
    }

    fn link(&self, target: &str, path: &str) -> Result<()> {
        let part = self.absolute(&format!("{path}.tmp"));
        self.changed(self.block_on(async {
            self.files.remove_file(&part).await?;
            self.files.link_new(target, &part).await?;
            self.files.rename(&part, &self.absolute(path)).await
        }))
    }

    fn share(&self, from: &str, to: &str) -> Result<()> {
        const SCRIPT: &str = r#"rm -f -- "$2"; ln -- "$1" "$2" 2>/dev/null || cp -- "$1" "$2""#;
        self.must(&Exec::script(SCRIPT, [self.absolute(from), self.absolute(to)])).map(drop)
    }

    fn digests(&self, paths: &[String]) -> Result<Vec<Digest>> {
        let exec = Exec::script(DIGEST_SCRIPT, paths.iter().map(|path| self.absolute(path))).timeout(DIGEST_TIMEOUT);
        let output = self.must(&exec)?;
        let text = String::from_utf8_lossy(&output.stdout);
        parse_digests(&text, paths.len()).ok_or_else(|| DeployError::Command {
            address: self.address.clone(),
            command: "sha256sum".to_owned(),
            status: 0,
            stderr: format!("it said: {}", tail(&output.stdout)),
        })
    }

    fn exec(&self, exec: &Exec) -> Result<Output> {
        self.block_on(command::run(&self.handle, exec, &exec.command(&self.root), &self.address))
    }

    fn forward(&self, port: u16) -> Result<Forward> {
        self.block_on(tunnel::open(&self.handle, port, &self.address))
    }

    fn port_in_use(&self, port: u16) -> Result<bool> {
        self.block_on(tunnel::answers(&self.handle, port, &self.address))
    }
}
