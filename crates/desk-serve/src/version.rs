//! A version's folder: its manifest, checked against its files.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use desk_core::{Digest, GoldenRows, Manifest};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::error::ServeError;
use crate::layout::is_version_name;

/// A version that has been read.
#[derive(Debug)]
pub struct Version {
    /// Its manifest.
    pub manifest: Manifest,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The file that the runtime opens.
    pub model: PathBuf,
    /// Golden rows, where they travel with it.
    pub golden: Option<GoldenRows>,
    number: Option<u32>,
}

/// `serve-model.json`, optional: what the registry calls this version.
#[derive(Deserialize)]
struct RegistryName {
    #[serde(default)]
    number: Option<u32>,
}

impl Version {
    /// Reads `manifest.json` and `golden.json` of a folder; with `verify`, also compares the digest of every
    /// file with the manifest, and that of the manifest with the folder's name.
    pub fn read(folder: &Path, verify: bool) -> Result<Self, ServeError> {
        if !folder.is_dir() {
            return Err(ServeError::NoVersion { path: folder.to_owned() });
        }
        let path = folder.join("manifest.json");
        let bytes = fs::read(&path).map_err(ServeError::io("read the manifest", &path))?;
        let digest = Digest::of(&bytes);
        let damaged = |path: &Path, reason: String| ServeError::Damaged { path: path.to_owned(), reason };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error.to_string()))?;
        if manifest.schema != 1 {
            return Err(damaged(&path, format!("its structure {} is newer than this server", manifest.schema)));
        }
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if verify && is_version_name(name) && name != digest.hex() {
            return Err(damaged(&path, "its digest is not the name of its folder".to_owned()));
        }
        let files = folder.join("files");
        for entry in &manifest.files {
            let file = inside(&files, &entry.name)?;
            if verify {
                verify_file(&file, entry.size, entry.digest)?;
            }
        }
        if !manifest.files.iter().any(|entry| entry.name == manifest.entry) {
            return Err(damaged(&path, "its entry is not one of its files".to_owned()));
        }
        let model = inside(&files, &manifest.entry)?;
        let golden = read_golden(folder, verify.then_some(manifest.golden).flatten())?;
        let number = read_optional(&folder.join("serve-model.json"))?
            .and_then(|bytes| serde_json::from_slice::<RegistryName>(&bytes).ok())
            .and_then(|name| name.number);
        Ok(Self { manifest, digest, model, golden, number })
    }

    /// Its name in URLs and answers: the registry's number where it is known, else the first 12 digits of
    /// the manifest's digest.
    pub fn name(&self) -> String {
        self.number.map_or_else(|| self.digest.short(), |number| number.to_string())
    }

    /// True for every text that names this version in a URL: the number, the whole digest, or its first
    /// 12 or more digits.
    pub fn is_called(&self, text: &str) -> bool {
        let by_digest = text.len() >= 12 && self.digest.hex().starts_with(text);
        by_digest || self.number.is_some_and(|number| text == number.to_string())
    }
}

/// A path below a folder that its name cannot leave.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, ServeError> {
    let relative = Path::new(name);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && !name.is_empty() {
        Ok(folder.join(relative))
    } else {
        Err(ServeError::Damaged { path: folder.to_owned(), reason: format!("`{name}` is not a path inside it") })
    }
}

fn verify_file(path: &Path, size: u64, digest: Digest) -> Result<(), ServeError> {
    let io = || ServeError::io("read the model's file", path);
    let damaged = |reason: &str| ServeError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    let mut file = File::open(path).map_err(io())?;
    if file.metadata().map_err(io())?.len() != size {
        return Err(damaged("its size is not that of the manifest"));
    }
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(io())?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    if Digest::from_bytes(hasher.finalize().into()) == digest {
        Ok(())
    } else {
        Err(damaged("its digest is not that of the manifest"))
    }
}

fn read_golden(folder: &Path, expected: Option<Digest>) -> Result<Option<GoldenRows>, ServeError> {
    let path = folder.join("golden.json");
    let Some(bytes) = read_optional(&path)? else { return Ok(None) };
    let damaged = |reason: String| ServeError::Damaged { path: path.clone(), reason };
    if expected.is_some_and(|expected| expected != Digest::of(&bytes)) {
        return Err(damaged("its digest is not that of the manifest".to_owned()));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(error.to_string()))
}

fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, ServeError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ServeError::io("read the file", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use desk_core::{Description, FileEntry, ModelFamily, ModelFormat, Signature};

    use super::*;

    fn manifest(entry: &str, bytes: &[u8]) -> Manifest {
        let description = Description {
            format: ModelFormat::Onnx,
            ir_version: 8,
            opsets: vec![],
            producer: String::new(),
            graph_name: String::new(),
            doc: String::new(),
            metadata: vec![],
            signature: Signature::default(),
            operators: vec![],
            node_count: 0,
            parameter_count: 0,
            labels: None,
            family: ModelFamily::Other,
            external_files: vec![],
            findings: vec![],
            categories: vec![],
        };
        let files = vec![FileEntry { name: entry.into(), digest: Digest::of(bytes), size: bytes.len() as u64 }];
        Manifest { schema: 1, entry: entry.into(), files, description, golden: None, copy: 0 }
    }

    fn written(manifest: &Manifest, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().expect("folder");
        let (text, digest) = manifest.seal();
        let folder = root.path().join(digest.hex());
        fs::create_dir_all(folder.join("files")).expect("folder");
        fs::write(folder.join("manifest.json"), text).expect("written");
        fs::write(folder.join("files/model.onnx"), bytes).expect("written");
        (root, folder)
    }

    #[test]
    fn names_of_a_version() {
        let (_root, folder) = written(&manifest("model.onnx", b"abc"), b"abc");
        let version = Version::read(&folder, true).expect("sound");
        assert_eq!(version.name(), version.digest.short());
        assert!(version.is_called(&version.digest.hex()));
        assert!(!version.is_called("") && !version.is_called("1") && !version.is_called(&version.digest.hex()[..11]));
        fs::write(folder.join("serve-model.json"), r#"{"number":3}"#).expect("written");
        let version = Version::read(&folder, true).expect("sound");
        assert_eq!(version.name(), "3");
        assert!(version.is_called("3") && version.is_called(&version.digest.short()));
    }

    #[test]
    fn damage_is_found() {
        let refused = |folder: &Path| Version::read(folder, true).expect_err("damaged").to_string();
        let (_root, folder) = written(&manifest("model.onnx", b"abc"), b"abd");
        assert!(refused(&folder).contains("digest"));
        assert!(Version::read(&folder, false).is_ok(), "only what was verified before is read without a check");
        let (_root, folder) = written(&manifest("model.onnx", b"abc"), b"ab");
        assert!(refused(&folder).contains("size"));
        let (_root, folder) = written(&manifest("../model.onnx", b"abc"), b"abc");
        assert!(refused(&folder).contains("not a path inside"));
        let (_root, folder) = written(&manifest("model.onnx", b"abc"), b"abc");
        let text = fs::read_to_string(folder.join("manifest.json")).expect("file") + " ";
        fs::write(folder.join("manifest.json"), text).expect("written");
        assert!(refused(&folder).contains("name of its folder"));
    }
}
