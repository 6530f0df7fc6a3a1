//! An OpenSSH server on loopback for a benchmark: own keys, own folder, ended with it.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shell;

/// A running server; ends when dropped.
pub struct Sshd {
    child: Child,
    pub port: u16,
    pub user: String,
    /// The private key that may log in.
    pub key: PathBuf,
    known_hosts: PathBuf,
}

impl Sshd {
    /// Starts a server whose files are in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"].iter().map(Path::new);
        let sshd = sshd.into_iter().find(|path| path.is_file()).context("there is no sshd (openssh-server)")?;
        let (host_key, key) = (folder.join("host"), folder.join("user"));
        for path in [&host_key, &key] {
            let mut keygen = Command::new("ssh-keygen");
            shell::output(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f"]).arg(path))?;
        }
        let user = shell::output(Command::new("id").arg("-un"))?.trim().to_owned();
        let authorized = folder.join("authorized_keys");
        fs::copy(key.with_extension("pub"), &authorized)?;
        let port = shell::free_port()?;
        let known_hosts = folder.join("known_hosts");
        let host_line = fs::read_to_string(host_key.with_extension("pub"))?;
        fs::write(&known_hosts, format!("[127.0.0.1]:{port} {host_line}"))?;
        let config = folder.join("sshd_config");
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n\
             Subsystem sftp internal-sftp\n",
            host_key.display(),
            authorized.display()
        );
        fs::write(&config, text)?;
        // sshd run by root wants its separation folder; nobody else needs or may make it.
        drop(fs::create_dir_all("/run/sshd"));
        let mut command = Command::new(sshd);
        command.args(["-D", "-q", "-f"]).arg(&config).stdin(Stdio::null()).stderr(Stdio::inherit());
        let child = command.spawn().context("cannot start sshd")?;
        let mut server = Self { child, port, user, key, known_hosts };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("sshd ended with {status}");
            }
            if start.elapsed() > Duration::from_secs(10) {
                bail!("sshd does not listen on port {}", self.port);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// `sftp` for one batch file.
    pub fn sftp(&self, batch: &Path) -> Command {
        let mut command = Command::new("sftp");
        command.args(["-q", "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.known_hosts.display()));
        command.arg("-i").arg(&self.key).arg("-P").arg(self.port.to_string()).arg("-b").arg(batch);
        command.arg(format!("{}@127.0.0.1", self.user));
        command
    }

    /// The host key's fingerprint, as a person would compare it.
    pub fn fingerprint(&self) -> Result<String> {
        let shown = shell::output(Command::new("ssh-keygen").arg("-lf").arg(&self.known_hosts))?;
        let word = shown.split_whitespace().find(|word| word.starts_with("SHA256:"));
        Ok(word.context("ssh-keygen shows no fingerprint")?.to_owned())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // The server may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_arrives_by_sftp() {
        let folder = std::env::temp_dir().join(format!("xtask-sshd-{}", std::process::id()));
        let server = Sshd::start(&folder).expect("openssh-server is installed by `cargo xtask test`");
        let (from, to, batch) = (folder.join("from"), folder.join("to"), folder.join("batch"));
        fs::write(&from, "over the wire").expect("write");
        fs::write(&batch, format!("put {} {}\n", from.display(), to.display())).expect("write");
        shell::output(&mut server.sftp(&batch)).expect("sftp");
        assert_eq!(fs::read_to_string(&to).expect("arrived"), "over the wire");
        assert!(server.fingerprint().expect("shown").starts_with("SHA256:"));
        drop(server);
        fs::remove_dir_all(&folder).expect("removed");
    }
}
