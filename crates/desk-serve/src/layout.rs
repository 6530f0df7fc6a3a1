//! The folder of a target: where things are, and how they are replaced.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ServeError;

/// Paths below the target's folder.
///
/// ```text
/// bin/modeldesk-serve          the binary (a link)
/// lib/current/                 the folder of the ONNX Runtime library (a link)
/// versions/<64 hex>/           manifest.json, golden.json, files/
/// current                      the live version (a link)
/// run/                         control.sock, supervisor.pid, supervisor.lock, supervisor.log
/// serve.json                   the configuration
/// ```
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below an existing folder.
    pub fn new(root: &Path) -> Result<Self, ServeError> {
        let root = fs::canonicalize(root).map_err(ServeError::io("open the folder", root))?;
        Ok(Self { root })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `serve.json`.
    pub fn config(&self) -> PathBuf {
        self.root.join("serve.json")
    }

    /// `run`, for this user only.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The socket of `ctl`.
    pub fn control_socket(&self) -> PathBuf {
        self.run().join("control.sock")
    }

    /// The supervisor's process id; information only, the lock decides.
    pub fn pid_file(&self) -> PathBuf {
        self.run().join("supervisor.pid")
    }

    /// The lock that only one supervisor holds.
    pub fn lock_file(&self) -> PathBuf {
        self.run().join("supervisor.lock")
    }

    /// The log.
    pub fn log_file(&self) -> PathBuf {
        self.run().join("supervisor.log")
    }

    /// The binary that new revisions run, where it has been pushed.
    pub fn binary(&self) -> Option<PathBuf> {
        fs::canonicalize(self.root.join("bin/modeldesk-serve")).ok()
    }

    /// The folder of the ONNX Runtime library, where it has been pushed.
    pub fn library(&self) -> Option<PathBuf> {
        fs::canonicalize(self.root.join("lib/current")).ok()
    }

    /// The folder of a version, whose name must be 64 hexadecimal digits.
    pub fn version(&self, name: &str) -> Result<PathBuf, ServeError> {
        if !is_version_name(name) {
            return Err(ServeError::VersionName(name.chars().take(80).collect()));
        }
        let path = self.root.join("versions").join(name);
        if path.is_dir() { Ok(path) } else { Err(ServeError::NoVersion { path }) }
    }

    /// The version that `current` names; `None` when there is no such link.
    pub fn current(&self) -> Result<Option<String>, ServeError> {
        let link = self.root.join("current");
        match fs::read_link(&link) {
            Ok(target) => {
                let name = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if is_version_name(name) {
                    Ok(Some(name.to_owned()))
                } else {
                    Err(ServeError::VersionName(name.to_owned()))
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ServeError::io("read the link", link)(error)),
        }
    }

    /// Makes `current` name another version, in one step that a crash cannot split.
    pub fn set_current(&self, name: &str) -> Result<(), ServeError> {
        let link = self.root.join("current");
        let fresh = self.root.join(".current.new");
        let io = |path: &Path| ServeError::io("replace the link", path.to_owned());
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&fresh)(error)),
            _ => {}
        }
        std::os::unix::fs::symlink(Path::new("versions").join(name), &fresh).map_err(io(&fresh))?;
        fs::rename(&fresh, &link).map_err(io(&link))?;
        fs::File::open(&self.root).and_then(|folder| folder.sync_all()).map_err(io(&self.root))
    }
}

/// 64 lower-case hexadecimal digits.
pub fn is_version_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_is_replaced_and_read_back() {
        let folder = tempfile::tempdir().expect("folder");
        let layout = Layout::new(folder.path()).expect("there");
        assert_eq!(layout.current().expect("none"), None);
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        layout.set_current(&one).expect("set");
        assert_eq!(layout.current().expect("one"), Some(one));
        // What a crash between making and renaming leaves.
        std::os::unix::fs::symlink("x", folder.path().join(".current.new")).expect("left over");
        layout.set_current(&two).expect("replaced");
        assert_eq!(layout.current().expect("two"), Some(two));
        assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 1);
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().expect("folder");
        let layout = Layout::new(folder.path()).expect("there");
        for name in ["..", "../../etc", "", &"A".repeat(64), &"a".repeat(63)] {
            assert!(matches!(layout.version(name), Err(ServeError::VersionName(_))), "{name}");
        }
        assert!(matches!(layout.version(&"a".repeat(64)), Err(ServeError::NoVersion { .. })));
    }
}
