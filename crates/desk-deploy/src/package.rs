//! What travels to a target: a version, its proof, and what runs it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use desk_core::{Digest, FileEntry, GoldenRows, Manifest, ModelName};
use sha2::{Digest as _, Sha256};

use crate::error::{DeployError, Result};

/// Everything that a target needs to serve one version.
#[derive(Debug, Clone)]
pub struct Package {
    /// The model.
    pub model: ModelName,
    /// The version's number.
    pub number: u32,
    /// The manifest; its digest is the version's identity.
    pub manifest: Manifest,
    /// The manifest's digest.
    pub digest: Digest,
    /// The version's files and where they lie on this computer.
    pub files: Vec<(FileEntry, PathBuf)>,
    /// Inputs and outputs that the far side must reproduce.
    pub golden: GoldenRows,
    /// The `modeldesk-serve` binary for the target's platform.
    pub serve_binary: PathBuf,
    /// The ONNX Runtime library for the target's platform.
    pub runtime_library: PathBuf,
}

impl Package {
    /// Checks that manifest, digest, files and golden rows belong together.
    pub fn validate(&self) -> Result<()> {
        let damaged = |text: String| Err(DeployError::Package(text));
        let (_, digest) = self.manifest.seal();
        if digest != self.digest {
            return damaged(format!("the manifest's digest is {digest} instead of {}", self.digest));
        }
        if let Some(expected) = self.manifest.golden {
            let found = Digest::of(self.golden_bytes()?);
            if found != expected {
                return damaged(format!("the golden rows' digest is {found} instead of {expected}"));
            }
        }
        if self.golden.rows == 0 || self.golden.outputs.is_empty() {
            return damaged("it has no golden rows, so nothing could be proven".to_owned());
        }
        for entry in &self.manifest.files {
            let Some((_, path)) = self.files.iter().find(|(file, _)| file == entry) else {
                return damaged(format!("file `{}` is missing", entry.name));
            };
            if !safe_name(&entry.name) {
                return damaged(format!("file name `{}` leads out of the version's folder", entry.name.escape_debug()));
            }
            let size = std::fs::metadata(path).map_err(|source| near("read", path, source))?.len();
            if size != entry.size {
                return damaged(format!("file `{}` has {size} bytes instead of {}", entry.name, entry.size));
            }
        }
        Ok(())
    }

    /// The golden rows as they are stored.
    pub(crate) fn golden_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(&self.golden).map_err(|e| DeployError::Package(format!("the golden rows: {e}")))
    }

    /// Why golden rows cannot prove this version, if they cannot.
    pub fn unprovable(&self) -> Option<Unprovable> {
        Unprovable::of(&self.manifest, &self.golden)
    }

    /// Bytes of the version's own files.
    pub fn size_bytes(&self) -> u64 {
        self.manifest.size_bytes()
    }
}

/// Why golden rows cannot prove a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unprovable {
    /// It draws random numbers: its answers differ from run to run.
    Random,
    /// Every number of the golden answers is infinite or NaN.
    NothingFinite,
}

impl Unprovable {
    /// Judges a version by what import noticed and by its golden answers.
    pub fn of(manifest: &Manifest, golden: &GoldenRows) -> Option<Self> {
        if manifest.description.is_random() {
            Some(Self::Random)
        } else if golden.say_something() {
            None
        } else {
            Some(Self::NothingFinite)
        }
    }
}

impl std::fmt::Display for Unprovable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Random => "it draws random numbers, so its answers differ from run to run",
            Self::NothingFinite => "every number of its golden answers is infinite or NaN",
        })
    }
}

/// Relative, no `..`, no empty part.
fn safe_name(name: &str) -> bool {
    !name.starts_with('/')
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

pub(crate) fn near(action: &'static str, path: &Path, source: std::io::Error) -> DeployError {
    DeployError::NearFile { action, path: path.to_owned(), source }
}

/// The digest of the first `limit` bytes of a file on this computer (all of it when `None`).
pub(crate) fn file_digest(path: &Path, limit: Option<u64>) -> Result<Digest> {
    let file = File::open(path).map_err(|source| near("read", path, source))?;
    let mut reader = file.take(limit.unwrap_or(u64::MAX));
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n = reader.read(&mut buffer).map_err(|source| near("read", path, source))?;
        if n == 0 {
            return Ok(Digest::from_bytes(hasher.finalize().into()));
        }
        hasher.update(&buffer[..n]);
    }
}

/// The digest of the server or the runtime: megabytes that every rollout asks for more than once, read again only
/// when the file has changed.
pub(crate) fn tool_digest(path: &Path) -> Result<Digest> {
    static KNOWN: Mutex<BTreeMap<PathBuf, (u64, SystemTime, Digest)>> = Mutex::new(BTreeMap::new());
    let unreadable = |source| near("read", path, source);
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    let (size, changed) = (meta.len(), meta.modified().map_err(unreadable)?);
    let known = |digests: &BTreeMap<PathBuf, (u64, SystemTime, Digest)>| {
        digests.get(path).filter(|known| (known.0, known.1) == (size, changed)).map(|known| known.2)
    };
    if let Some(digest) = known(&KNOWN.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(digest);
    }
    let digest = file_digest(path, None)?;
    let mut digests = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    digests.insert(path.to_owned(), (size, changed, digest));
    Ok(digest)
}

/// Operating system and processor that a binary is made for, as `uname -s` and `uname -m` name
/// them. Read from the ELF header (System V ABI, `e_machine`); `None` for other formats.
pub(crate) fn binary_platform(path: &Path) -> Result<Option<(&'static str, &'static str)>> {
    let mut header = [0u8; 20];
    let mut file = File::open(path).map_err(|source| near("read", path, source))?;
    if file.read_exact(&mut header).is_err() || header[..4] != *b"\x7fELF" {
        return Ok(None);
    }
    let machine = if header[5] == 2 {
        u16::from_be_bytes([header[18], header[19]])
    } else {
        u16::from_le_bytes([header[18], header[19]])
    };
    Ok(match machine {
        3 => Some(("Linux", "i686")),
        40 => Some(("Linux", "armv7l")),
        62 => Some(("Linux", "x86_64")),
        183 => Some(("Linux", "aarch64")),
        243 => Some(("Linux", "riscv64")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        assert!(safe_name("model.onnx") && safe_name("data/weights.bin"));
        for bad in ["/etc/passwd", "../x", "a//b", "a/./b", "", "a\nb"] {
            assert!(!safe_name(bad), "{bad}");
        }
    }

    #[test]
    fn the_prefix_of_a_file_has_its_own_digest() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("f");
        std::fs::write(&path, b"abcdef").expect("written");
        assert_eq!(file_digest(&path, Some(3)).expect("read"), Digest::of("abc"));
        assert_eq!(file_digest(&path, None).expect("read"), Digest::of("abcdef"));
        assert_eq!(binary_platform(&path).expect("read"), None);
    }

    #[test]
    fn a_tool_that_was_replaced_has_another_digest() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("tool");
        std::fs::write(&path, b"abc").expect("written");
        assert_eq!(tool_digest(&path).expect("read"), Digest::of("abc"));
        assert_eq!(tool_digest(&path).expect("known"), Digest::of("abc"));
        std::fs::write(&path, b"abcd").expect("written");
        assert_eq!(tool_digest(&path).expect("read again"), Digest::of("abcd"));
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn this_test_is_a_linux_binary() {
        let exe = std::env::current_exe().expect("a path");
        assert_eq!(binary_platform(&exe).expect("read"), Some(("Linux", "x86_64")));
    }
}
