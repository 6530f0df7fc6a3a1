//! Blobs that nothing names any more: what killed and cancelled imports left, and removed answers.

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use desk_core::Digest;

use crate::Store;
use crate::error::StoreError;

/// A blob that no version and no run names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnusedBlob {
    /// Its digest.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

impl Store {
    /// Blobs that no version and no run names and that nobody has stored since `before`.
    pub fn unused_blobs(&self, before: SystemTime) -> Result<Vec<UnusedBlob>, StoreError> {
        let mut found = Vec::new();
        for path in self.blob_files()? {
            found.extend(self.unused(&path, before)?);
        }
        Ok(found)
    }

    /// Removes what [`Store::unused_blobs`] lists.
    ///
    /// Whoever stores the same bytes meanwhile is safe: storing starts a blob's age anew, and a blob is
    /// looked at and removed while nobody stores. `before` has to lie before the start of everything that
    /// stores first and names later.
    pub fn remove_unused(&self, before: SystemTime) -> Result<Vec<UnusedBlob>, StoreError> {
        let mut removed = Vec::new();
        for blob in self.unused_blobs(before)? {
            let alone = self.sweep_lock(true);
            let path = self.blob_path(&blob.digest);
            if self.unused(&path, before)?.is_none() {
                continue;
            }
            fs::remove_file(&path).map_err(|e| StoreError::io("remove", &path, e))?;
            removed.push(blob);
            drop(alone);
        }
        Ok(removed)
    }

    fn unused(&self, path: &Path, before: SystemTime) -> Result<Option<UnusedBlob>, StoreError> {
        let Some(hex) = path.file_name().and_then(|name| name.to_str()) else { return Ok(None) };
        // What somebody else put there is not ours to remove.
        let Ok(digest) = hex.parse() else { return Ok(None) };
        let Ok(meta) = fs::symlink_metadata(path) else { return Ok(None) };
        let old = meta.modified().is_ok_and(|time| time <= before);
        if !meta.is_file() || !old || self.is_referenced(hex)? {
            return Ok(None);
        }
        Ok(Some(UnusedBlob { digest, bytes: meta.len() }))
    }

    /// Many may store at a time, and only one may remove while nobody stores. Where a file system has no
    /// locks, age alone has to do.
    pub(crate) fn sweep_lock(&self, alone: bool) -> Option<File> {
        let path = self.home().join("blobs").join(".sweep");
        let file = File::options().create(true).truncate(false).write(true).open(path).ok()?;
        let locked = if alone { file.lock() } else { file.lock_shared() };
        locked.ok().map(|()| file)
    }
}
