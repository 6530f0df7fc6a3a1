//! A real OpenSSH server for one test, with its own host key, on a free loopback port.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tempfile::TempDir;

use crate::{Credential, KnownHosts, TargetConfig, TargetConnector};

/// A running `sshd` and what belongs to it. Ends with the value.
pub struct TestSshd {
    dir: TempDir,
    child: Child,
    port: u16,
    user: String,
}

/// Why a test with a real server cannot run here; the test says so and passes.
pub type Skip = String;

impl TestSshd {
    /// Starts a server that lets the current user in with [`TestSshd::key`].
    pub fn start() -> Result<Self, Skip> {
        Self::start_with(&[])
    }

    /// As [`TestSshd::start`], with lines put before the rest of `sshd_config`.
    pub fn start_with(lines: &[&str]) -> Result<Self, Skip> {
        let program = sshd().ok_or("no sshd on this computer (Debian: openssh-server)")?;
        let dir = tempfile::Builder::new().prefix("mdssh").tempdir().map_err(|e| e.to_string())?;
        keygen(&dir.path().join("host_key"), "")?;
        keygen(&dir.path().join("id"), "")?;
        std::fs::copy(dir.path().join("id.pub"), dir.path().join("authorized_keys")).map_err(|e| e.to_string())?;
        if is_root() {
            // The server's own sandbox folder; a service unit would make it.
            std::fs::create_dir_all("/run/sshd").map_err(|e| e.to_string())?;
        }
        let user = output("id", &["-un"])?;
        let port = free_port();
        let config = dir.path().join("sshd_config");
        std::fs::write(&config, config_text(dir.path(), port, lines)).map_err(|e| e.to_string())?;
        let child = spawn(program, &config)?;
        let mut server = Self { dir, child, port, user };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<(), Skip> {
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("sshd ended at once ({status}): {}", self.log()));
            }
            if Instant::now() > until {
                return Err(format!("sshd did not start: {}", self.log()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Its port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The user that [`TestSshd::key`] belongs to.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// A folder that goes with the server.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// File of the private key that may log in.
    pub fn key_file(&self) -> PathBuf {
        self.dir.path().join("id")
    }

    /// A credential that may log in.
    pub fn key(&self) -> Credential {
        let text = std::fs::read_to_string(self.key_file()).unwrap_or_default();
        Credential::Key { private_key: SecretString::from(text), passphrase: None }
    }

    /// Makes another key that may log in, as `ssh-keygen` makes it with these arguments; its text.
    pub fn add_key(&self, name: &str, passphrase: &str, args: &[&str]) -> Result<SecretString, Skip> {
        let path = self.dir.path().join(name);
        keygen_with(&path, passphrase, args)?;
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| e.to_string());
        let keys = format!("{}{}", read(&self.dir.path().join("authorized_keys"))?, read(&path.with_extension("pub"))?);
        std::fs::write(self.dir.path().join("authorized_keys"), keys).map_err(|e| e.to_string())?;
        Ok(SecretString::from(read(&path)?))
    }

    /// The host's public key line.
    pub fn host_key(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("host_key.pub")).unwrap_or_default();
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// Knows this server.
    pub fn known_hosts(&self) -> KnownHosts {
        KnownHosts::new().with("127.0.0.1", self.port, self.host_key())
    }

    /// Settings of a target on this server.
    pub fn target(&self, folder: &str, serve_port: u16) -> TargetConfig {
        TargetConfig::Ssh {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: self.user.clone(),
            folder: folder.to_owned(),
            serve_port,
            connect_timeout_secs: 10,
            stall_timeout_secs: 10,
        }
    }

    /// A way to a target on this server.
    pub fn connector(&self, folder: &str, serve_port: u16) -> Result<TargetConnector, Skip> {
        let (target, hosts) = (self.target(folder, serve_port), Arc::new(self.known_hosts()));
        TargetConnector::new(target, Some(self.key()), hosts).map_err(|fault| fault.message)
    }

    /// Ends every connection at once, as a cut cable would; new ones are served.
    pub fn break_connections(&self) {
        for child in children(self.child.id()) {
            for grandchild in children(child) {
                kill(grandchild);
            }
            kill(child);
        }
    }

    /// Shows another host key from now on, on the same port.
    pub fn change_host_key(&mut self) -> Result<(), Skip> {
        for name in ["host_key", "host_key.pub"] {
            std::fs::remove_file(self.dir.path().join(name)).map_err(|e| e.to_string())?;
        }
        keygen(&self.dir.path().join("host_key"), "")?;
        self.stop();
        self.child = spawn(sshd().ok_or("no sshd")?, &self.dir.path().join("sshd_config"))?;
        self.wait()
    }

    fn stop(&mut self) {
        self.break_connections();
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for TestSshd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn config_text(dir: &Path, port: u16, lines: &[&str]) -> String {
    let dir = dir.display();
    // sshd wants each subsystem once.
    let own = lines.iter().any(|line| line.starts_with("Subsystem"));
    let sftp = if own { "" } else { "Subsystem sftp internal-sftp" };
    // Shells of a level above 1 leave the user's own start-up files alone.
    let level = if lines.iter().any(|line| line.starts_with("SetEnv")) { "" } else { "SetEnv SHLVL=2" };
    format!(
        "{}\n{level}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {dir}/host_key\nPidFile none\n\
         AuthorizedKeysFile {dir}/authorized_keys\nStrictModes no\nUsePAM no\n\
         PubkeyAuthentication yes\nPasswordAuthentication yes\nPermitRootLogin yes\n\
         KbdInteractiveAuthentication no\nMaxStartups 100\nUseDNS no\n{sftp}\n",
        lines.join("\n")
    )
}

fn sshd() -> Option<&'static str> {
    // sshd wants to be called by its absolute path.
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().find(|path| Path::new(path).exists())
}

fn spawn(program: &str, config: &Path) -> Result<Child, Skip> {
    let log = config.with_file_name("log");
    Command::new(program)
        .args(["-D", "-E"])
        .arg(log)
        .arg("-f")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())
}

fn keygen(path: &Path, passphrase: &str) -> Result<(), Skip> {
    keygen_with(path, passphrase, &["-t", "ed25519"])
}

fn keygen_with(path: &Path, passphrase: &str, args: &[&str]) -> Result<(), Skip> {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-N", passphrase, "-C", "modeldesk-test", "-f"])
        .arg(path)
        .args(args)
        .stdin(Stdio::null())
        .status()
        .map_err(|e| format!("no ssh-keygen: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("ssh-keygen failed: {status}")) }
}

fn output(program: &str, args: &[&str]) -> Result<String, Skip> {
    let output = Command::new(program).args(args).output().map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// True when tests may make users and mounts.
pub fn is_root() -> bool {
    output("id", &["-u"]).is_ok_and(|id| id == "0")
}

/// A port that was free a moment ago, below those that the system gives to clients, and another
/// one for each process and call: tests at work beside this one do not take it meanwhile.
pub fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let start = (std::process::id() % 1000) as u16 * 20;
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let mut ports = (0..1000u16).map(|_| {
        let step = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        11_000 + (start + step % 1000) % 20_000
    });
    ports.find(free).unwrap_or(0)
}

fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn kill(pid: u32) {
    drop(Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status());
}

/// A system user with a password, for as long as this lives. Only root can make one.
pub struct TestUser {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: SecretString,
}

impl TestUser {
    /// Makes the user.
    pub fn create() -> Result<Self, Skip> {
        if !is_root() {
            return Err("only root can make a user to log in as with a password".to_owned());
        }
        let name = format!("mdtest{}", std::process::id());
        let password = uuid::Uuid::now_v7().to_string();
        let made = Command::new("useradd").args(["-M", "-d", "/tmp", "-s", "/bin/sh", &name]).output();
        let made = made.map_err(|e| format!("no useradd: {e}"))?;
        if !made.status.success() {
            return Err(format!("useradd: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let user = Self { name, password: SecretString::from(password.as_str()) };
        let mut child =
            Command::new("chpasswd").stdin(Stdio::piped()).spawn().map_err(|e| format!("no chpasswd: {e}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            use std::io::Write as _;
            writeln!(stdin, "{}:{password}", user.name).map_err(|e| e.to_string())?;
        }
        let status = child.wait().map_err(|e| e.to_string())?;
        if status.success() { Ok(user) } else { Err(format!("chpasswd failed: {status}")) }
    }
}

impl Drop for TestUser {
    fn drop(&mut self) {
        drop(Command::new("userdel").args(["-f", &self.name]).stderr(Stdio::null()).status());
    }
}
