//! What a target can do: files, commands and a way to its ports.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use desk_core::{Cancel, Digest, Fault};

use crate::error::{DeployError, Result};
use crate::package::Package;

/// How long a command of the far side may take unless it says otherwise.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// A file or folder of the far side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Size in bytes; meaningless for folders.
    pub size: u64,
    /// It is a folder.
    pub is_dir: bool,
}

/// A program to run on the far side; arguments are never interpreted by a shell.
#[derive(Debug, Clone)]
pub struct Exec {
    /// Program, then arguments.
    pub args: Vec<String>,
    /// Bytes for its standard input.
    pub stdin: Vec<u8>,
    /// After this it counts as hanging.
    pub timeout: Duration,
    /// Nobody waits for it any more once this is set; what it has begun over there goes on.
    pub cancel: Option<Cancel>,
    /// It changes what serves or what is there, and does more than look.
    pub changes: bool,
    /// Run only while the lock says this rollout: the far side looks in the very step in which it runs it.
    pub fence: Option<String>,
}

/// Exit status of a program that was not run, as the lock is another rollout's.
pub(crate) const FENCED_OFF: i32 = 113;
/// What it leaves on standard error, so that a program's own status is told apart.
pub(crate) const FENCED_OFF_TEXT: &str = "modeldesk: the lock is not this rollout's any more";

/// No time lies between the look at the lock and the program, however long the desk itself was asleep.
const FENCE_SCRIPT: &str = r#"held=$(readlink "$1" 2>/dev/null)
case $held in *"\"id\":\"$2\""*|"$2") shift 3; exec "$@";; esac
echo "$3" >&2; exit 113"#;

impl Exec {
    /// A program and its arguments.
    pub fn new<S: Into<String>>(args: impl IntoIterator<Item = S>) -> Self {
        Self {
            args: args.into_iter().map(Into::into).collect(),
            stdin: Vec::new(),
            timeout: COMMAND_TIMEOUT,
            cancel: None,
            changes: false,
            fence: None,
        }
    }

    /// A POSIX shell script with positional arguments `$1`, `$2` and so on.
    pub fn script<S: Into<String>>(script: &str, args: impl IntoIterator<Item = S>) -> Self {
        let head = ["sh", "-c", script, "sh"].map(str::to_owned);
        Self::new(head.into_iter().chain(args.into_iter().map(Into::into)))
    }

    /// Sets the standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets the time that it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets the wait for it be cancelled.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Says that it changes something: a desk whose place was taken does not run it any more.
    #[must_use]
    pub fn changing(mut self) -> Self {
        self.changes = true;
        self
    }

    /// The program and its arguments, behind its fence where it has one. `root` is the target's folder.
    pub(crate) fn command(&self, root: &str) -> Vec<String> {
        let Some(id) = &self.fence else { return self.args.clone() };
        let lock = format!("{root}/{}", crate::layout::LOCK);
        let head = ["sh", "-c", FENCE_SCRIPT, "sh", &lock, id, FENCED_OFF_TEXT].map(str::to_owned);
        head.into_iter().chain(self.args.iter().cloned()).collect()
    }

    /// The command for people, without quoting.
    pub fn display(&self) -> String {
        self.args.join(" ")
    }
}

/// What a program of the far side left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit status; -1 when it was ended by a signal.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// The program was not run, as the lock is another rollout's.
    pub(crate) fn is_fenced_off(&self) -> bool {
        self.status == FENCED_OFF && String::from_utf8_lossy(&self.stderr).contains(FENCED_OFF_TEXT)
    }

    /// Standard output as text, without the line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }
}

/// An upload: the file, where to, and who watches.
pub struct Put<'a> {
    /// File on this computer.
    pub from: &'a Path,
    /// Path on the far side; its folder exists.
    pub to: &'a str,
    /// May be run.
    pub executable: bool,
    /// Ends the upload; what arrived stays for the next one to go on from.
    pub cancel: &'a Cancel,
    /// Called with the bytes that have arrived for sure, resumed ones included.
    pub progress: &'a dyn Fn(u64),
}

/// A port of the far side, made reachable here for as long as this lives.
pub struct Forward {
    /// Where to connect to on this computer.
    pub address: SocketAddr,
    /// Ends the forwarding when dropped.
    pub guard: Option<Box<dyn Send>>,
}

/// The far side. Paths are relative to the target's folder unless they start with `/`.
///
/// Every change is idempotent, so that an interrupted rollout can be undone by doing it again.
pub trait Remote: Send {
    /// For people: `deploy@edge-01:22` or `this computer`.
    fn address(&self) -> String;

    /// The target's folder as an absolute path of the far side.
    fn root(&self) -> &str;

    /// False once the connection is gone.
    fn is_alive(&self) -> bool;

    /// Installs a service that starts with the machine, where the far side has systemd for users.
    fn wants_service(&self) -> bool;

    /// Size and kind; `None` when nothing of that name exists. Links are followed.
    fn stat(&self, path: &str) -> Result<Option<Stat>>;

    /// Names in a folder, sorted; empty when there is no such folder.
    fn list(&self, path: &str) -> Result<Vec<String>>;

    /// Makes a folder and those above it.
    fn make_dirs(&self, path: &str) -> Result<()>;

    /// Uploads a file, going on where a broken upload of the same bytes ended.
    fn put(&self, put: &Put<'_>) -> Result<()>;

    /// Writes a small file: either all of it is there afterwards or what was there before.
    fn write(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Makes a symbolic link unless something of that name exists; false when it does.
    fn link_new(&self, target: &str, path: &str) -> Result<bool>;

    /// Reads a file of at most 64 MiB; `None` when there is none.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// Renames a file or folder; the new name must be free, except for files.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file, a link or a folder with all that is in it; nothing when there is none.
    fn remove(&self, path: &str) -> Result<()>;

    /// What a symbolic link says; `None` when there is no link of that name.
    fn read_link(&self, path: &str) -> Result<Option<String>>;

    /// Points a symbolic link at `target`, replacing the former one atomically.
    fn link(&self, target: &str, path: &str) -> Result<()>;

    /// A second name for a file, or a copy where the file system has no hard links.
    fn share(&self, from: &str, to: &str) -> Result<()>;

    /// SHA-256 of files, computed by the far side, in their order.
    fn digests(&self, paths: &[String]) -> Result<Vec<Digest>>;

    /// Runs a program. An exit status other than 0 is not an error here.
    fn exec(&self, exec: &Exec) -> Result<Output>;

    /// Makes a loopback port of the far side reachable from here.
    fn forward(&self, port: u16) -> Result<Forward>;

    /// Something listens on a loopback port of the far side.
    fn port_in_use(&self, port: u16) -> Result<bool>;

    /// Whoever changes this far side still holds its lock; always so where none is asked for.
    fn still_mine(&self) -> Result<()> {
        Ok(())
    }

    /// Seconds since 1970 by the clock of the far side.
    fn now(&self) -> Result<u64> {
        let exec = Exec::new(["date", "+%s"]);
        let output = self.must(&exec)?;
        output.text().parse().map_err(|_other| DeployError::Command {
            address: self.address(),
            command: exec.display(),
            status: 0,
            stderr: format!("it said: {}", tail(&output.stdout)),
        })
    }

    /// Free bytes for this user in the file system that the target's folder is, or will be, on.
    fn free_bytes(&self) -> Result<u64> {
        let output = self.must(&Exec::script(SPACE_SCRIPT, [self.root()]))?;
        parse_df(&output.text()).ok_or_else(|| DeployError::FarFile {
            action: "look at the disk",
            address: self.address(),
            problem: format!("df said {}", tail(&output.stdout).escape_debug()),
            path: self.root().to_owned(),
            missing: false,
        })
    }

    /// An absolute path of the far side.
    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.root()) }
    }

    /// Runs a program that must succeed.
    fn must(&self, exec: &Exec) -> Result<Output> {
        let output = self.exec(exec)?;
        if output.status == 0 {
            return Ok(output);
        }
        Err(DeployError::Command {
            address: self.address(),
            command: exec.display(),
            status: output.status,
            stderr: tail(&output.stderr),
        })
    }
}

/// Makes connections to one target: a rollout opens a new one when the old one broke.
pub trait Connector: Send + Sync {
    /// Connects and logs in.
    fn connect(&self) -> Result<Box<dyn Remote>, Fault>;

    /// The model server's port on the far side's loopback address.
    fn serve_port(&self) -> u16;

    /// For people, known without connecting.
    fn address(&self) -> String;

    /// A command that makes the model server reachable from here, where it is not already.
    fn tunnel_command(&self) -> Option<String> {
        None
    }

    /// The bytes of a version, where this computer has them: what is damaged on the far side is
    /// brought there again.
    fn package(&self, version: Digest) -> Result<Option<Package>, Fault> {
        tracing::trace!(%version, "no bytes are kept here");
        Ok(None)
    }
}

/// `df` of the folder, or of the nearest one above it that exists.
const SPACE_SCRIPT: &str = r#"d=$1; while [ ! -d "$d" ]; do d=$(dirname -- "$d"); done; df -Pk -- "$d""#;

/// Free bytes from `df -Pk`: the fourth column of the second line, in units of 1,024 bytes.
fn parse_df(text: &str) -> Option<u64> {
    let blocks: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(blocks * 1024)
}

/// The last 2,000 bytes of what a command wrote, as text.
pub(crate) fn tail(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(2000);
    String::from_utf8_lossy(&bytes[from..]).trim().to_owned()
}

/// `openssl`, which uses the processor's own instructions and is five times as fast as the `sha256sum` of
/// most systems; else that of GNU and BusyBox, else the `shasum` of macOS and the BSDs.
pub(crate) const DIGEST_SCRIPT: &str = r#"
if lines=$(openssl dgst -sha256 -r "$@" 2>/dev/null); then printf '%s\n' "$lines"
elif command -v sha256sum >/dev/null 2>&1; then exec sha256sum -- "$@"
else exec shasum -a 256 -- "$@"
fi"#;

/// Reads the lines of all three: 64 digits, blank, mode, name; a leading `\` marks an escaped name.
pub(crate) fn parse_digests(text: &str, count: usize) -> Option<Vec<Digest>> {
    let digests: Option<Vec<Digest>> =
        text.lines().map(|line| line.trim_start_matches('\\').get(..64)?.parse().ok()).collect();
    digests.filter(|digests| digests.len() == count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_is_read() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 100 40 60 40% /\n";
        assert_eq!(parse_df(text), Some(60 * 1024));
        assert_eq!(parse_df("df: no such file"), None);
    }

    #[test]
    fn digest_lines_are_read() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let text = format!("{hex}  a b\n\\{hex}  weird\\nname\n");
        assert_eq!(parse_digests(&text, 2), Some(vec![Digest::of("abc"); 2]));
        assert_eq!(parse_digests(&text, 3), None);
        assert_eq!(parse_digests("sha256sum: not found", 1), None);
    }
}
