//! The digest of a data file, read once from front to back.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use desk_core::{Cancel, Digest, Progress, ProgressSink};
use sha2::{Digest as _, Sha256};

use crate::error::DataError;
use crate::format::open_regular;

const CHUNK: usize = 1 << 20;

/// The SHA-256 of a file. For a folder: of the names and digests of its files, sorted by name,
/// subfolders left out.
pub fn digest_file(path: &Path, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Digest, DataError> {
    let io = |e| DataError::io("read", path, e);
    if !fs::metadata(path).map_err(io)?.is_dir() {
        return one_file(path, cancel, progress);
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?.path();
        if entry.is_file() {
            files.push(entry);
        }
    }
    files.sort();
    let mut list = String::new();
    for file in files {
        let digest = one_file(&file, cancel, progress)?;
        list.push_str(&digest.hex());
        list.push_str("  ");
        list.push_str(&file.file_name().unwrap_or_default().to_string_lossy());
        list.push('\n');
    }
    Ok(Digest::of(list))
}

fn one_file(path: &Path, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Digest, DataError> {
    let io = |e| DataError::io("read", path, e);
    let mut file = open_regular(path, "read")?;
    let total = file.metadata().map_err(io)?.len();
    let mut hash = Sha256::new();
    let mut chunk = vec![0u8; CHUNK];
    let mut done = 0u64;
    loop {
        cancel.check()?;
        let got = file.read(&mut chunk).map_err(io)?;
        if got == 0 {
            return Ok(Digest::from_bytes(hash.finalize().into()));
        }
        hash.update(&chunk[..got]);
        done += got as u64;
        progress.report(Progress::new("Reading the data", done, Some(total), "bytes"));
    }
}

#[cfg(test)]
mod tests {
    use desk_core::NoProgress;

    use super::*;

    #[test]
    fn file_folder_and_cancel() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.csv");
        fs::write(&path, "abc").expect("written");
        let cancel = Cancel::new();
        assert_eq!(digest_file(&path, &cancel, &NoProgress).expect("read"), Digest::of("abc"));
        let one = digest_file(folder.path(), &cancel, &NoProgress).expect("read");
        fs::write(folder.path().join("b.csv"), "abc").expect("written");
        assert_ne!(one, digest_file(folder.path(), &cancel, &NoProgress).expect("read"));
        cancel.cancel();
        assert!(matches!(digest_file(&path, &cancel, &NoProgress), Err(DataError::Cancelled(_))));
    }
}
