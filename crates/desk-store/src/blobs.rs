//! Blobs: files by SHA-256, stored once, written so that a crash leaves all or nothing.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use desk_core::cancel::Cancelled;
use desk_core::{Cancel, Digest, ProgressSink};

use crate::Store;
use crate::copy::{CopyError, copy_hashing, hash_all};
use crate::error::StoreError;
use crate::owner::{Liveness, Owner};

/// Unfinished files of owners that cannot be seen from here are kept so long.
const KEEP_UNKNOWN: Duration = Duration::from_hours(24);

/// What [`Store::sweep`] removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Swept {
    /// How many blobs.
    pub blobs: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// A file or folder under construction: it goes away unless it is kept.
pub(crate) struct Unfinished(pub PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Removes a file or a folder, whichever it is; what cannot be removed is tried at the next start.
fn remove(path: &Path) {
    if fs::remove_file(path).is_err() {
        fs::remove_dir_all(path).ok();
    }
}

impl Store {
    fn blobs(&self) -> PathBuf {
        self.home().join("blobs")
    }

    fn tmp(&self) -> PathBuf {
        self.aside().map_or_else(|| self.blobs().join("tmp"), Path::to_path_buf)
    }

    /// What a desk needs to be able to do in its home: make a file, and take it away again.
    pub fn probe(&self) -> Result<(), StoreError> {
        self.must_be_writable()?;
        let probe = self.unfinished();
        create_new(&probe.0)?.write_all(b"modeldesk\n").map_err(|e| StoreError::io("write", &probe.0, e))
    }

    pub(crate) fn prepare_folders(&self) -> Result<(), StoreError> {
        for dir in [self.blobs().join("sha256"), self.tmp(), self.home().join("views")] {
            fs::create_dir_all(&dir).map_err(|e| StoreError::io("create a folder", &dir, e))?;
        }
        remove_leftovers(self.home(), self.owner())?;
        // Opening for reading only would succeed on a home that cannot be written.
        self.probe()
    }

    /// A new name below the folder for unfinished things, which says whose it is.
    pub(crate) fn unfinished(&self) -> Unfinished {
        let name = format!("{}-{}", self.owner().token(), uuid::Uuid::now_v7().simple());
        Unfinished(self.tmp().join(name))
    }

    /// Where the blob is, or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.blobs().join("sha256").join(&hex[..2]).join(hex)
    }

    /// True when the blob is on disk (its bytes are not looked at).
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Those of the digests that are not on disk, in the given order.
    pub fn missing<'a>(&self, digests: impl IntoIterator<Item = &'a Digest>) -> Vec<Digest> {
        digests.into_iter().filter(|digest| !self.has_blob(digest)).copied().collect()
    }

    /// Stores a file: one pass that hashes while it copies, in constant memory. Returns digest and
    /// size. A file that is there already is not stored again.
    ///
    /// The source must be a regular file (links are followed) and must not change meanwhile.
    pub fn put_file(
        &self,
        source: &Path,
        progress: &dyn ProgressSink,
        cancel: &Cancel,
    ) -> Result<(Digest, u64), StoreError> {
        self.must_be_writable()?;
        let read_error = |e| StoreError::io("read", source, e);
        let mut file = File::open(source).map_err(read_error)?;
        let before = file.metadata().map_err(read_error)?;
        if !before.is_file() {
            return Err(StoreError::NotAFile { path: source.to_path_buf() });
        }
        self.need_space(before.len())?;
        let unfinished = self.unfinished();
        let out = create_new(&unfinished.0)?;
        let copied = copy_hashing(&mut file, &out, before.len(), progress, cancel);
        let (digest, size) = copied.map_err(|error| match error {
            CopyError::Read(e) => StoreError::io("read", source, e),
            CopyError::Write(e) => StoreError::io("write", &unfinished.0, e),
            CopyError::Cancelled => Cancelled.into(),
        })?;
        let after = file.metadata().map_err(read_error)?;
        if size != before.len() || after.modified().ok() != before.modified().ok() {
            return Err(StoreError::SourceChanged { path: source.to_path_buf() });
        }
        self.finish(&unfinished, &out, &digest, size)?;
        Ok((digest, size))
    }

    /// Stores bytes in memory and returns their digest.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.must_be_writable()?;
        let digest = Digest::of(bytes);
        if self.already_stored(&digest, bytes.len() as u64) {
            return Ok(digest);
        }
        let unfinished = self.unfinished();
        let mut out = create_new(&unfinished.0)?;
        out.write_all(bytes).map_err(|e| StoreError::io("write", &unfinished.0, e))?;
        self.finish(&unfinished, &out, &digest, bytes.len() as u64)?;
        Ok(digest)
    }

    /// The whole blob; for manifests and other small things.
    pub fn read_bytes(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.open_blob(digest)?
            .read_to_end(&mut bytes)
            .map_err(|e| StoreError::io("read", &self.blob_path(digest), e))?;
        let found = Digest::of(&bytes);
        if found == *digest { Ok(bytes) } else { Err(StoreError::BlobDamaged { digest: *digest, found }) }
    }

    /// Reads the blob and compares it with its name; returns its size.
    pub fn verify_blob(&self, digest: &Digest, cancel: &Cancel) -> Result<u64, StoreError> {
        let mut file = self.open_blob(digest)?;
        match hash_all(&mut file, cancel) {
            Ok((found, size)) if found == *digest => Ok(size),
            Ok((found, _)) => Err(StoreError::BlobDamaged { digest: *digest, found }),
            Err(CopyError::Cancelled) => Err(Cancelled.into()),
            Err(CopyError::Read(e) | CopyError::Write(e)) => Err(StoreError::io("read", &self.blob_path(digest), e)),
        }
    }

    /// Removes blobs that no version and no run names and that are older than `min_age`: what
    /// cancelled and failed imports left. An hour or more keeps imports that are under way safe.
    pub fn sweep(&self, min_age: Duration) -> Result<Swept, StoreError> {
        let removed = self.remove_unused(SystemTime::now() - min_age)?;
        Ok(Swept { blobs: removed.len() as u64, bytes: removed.iter().map(|blob| blob.bytes).sum() })
    }

    fn must_be_writable(&self) -> Result<(), StoreError> {
        self.must_be_there()?;
        self.refusal().map_or(Ok(()), Err)
    }

    /// Every blob on disk.
    pub(crate) fn blob_files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let root = self.blobs().join("sha256");
        let mut files = Vec::new();
        for dir in fs::read_dir(&root).map_err(|e| StoreError::io("list the folder", &root, e))?.flatten() {
            let entries = fs::read_dir(dir.path()).map_err(|e| StoreError::io("list the folder", &dir.path(), e))?;
            files.extend(entries.flatten().map(|entry| entry.path()));
        }
        files.sort();
        Ok(files)
    }

    pub(crate) fn is_referenced(&self, hex: &str) -> Result<bool, StoreError> {
        self.db().read(|c| {
            let mut statement = c.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM version WHERE manifest = ?1)
                     OR EXISTS (SELECT 1 FROM version_blob WHERE digest = ?1)
                     OR EXISTS (SELECT 1 FROM run WHERE artifact = ?1)",
            )?;
            Ok(statement.query_row([hex], |row| row.get(0))?)
        })
    }

    fn open_blob(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.blob_path(digest);
        File::open(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => StoreError::BlobMissing { digest: *digest },
            _ => StoreError::io("read", &path, e),
        })
    }

    /// Says so before gigabytes are copied in vain.
    fn need_space(&self, bytes: u64) -> Result<(), StoreError> {
        match fs4::available_space(self.home()) {
            Ok(free) if free < bytes => Err(StoreError::DiskFull { path: self.home().to_path_buf() }),
            _ => Ok(()),
        }
    }

    /// True when the blob is there with that size; its age starts anew so that a sweep spares it.
    /// A damaged one does not count, and views of it are forgotten: they are links to its bytes.
    fn already_stored(&self, digest: &Digest, size: u64) -> bool {
        // A sweep that looks at the same blob now waits until its age has started anew.
        let _spared = self.sweep_lock(false);
        let path = self.blob_path(digest);
        if !fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() == size) {
            return false;
        }
        if self.verify_blob(digest, &Cancel::new()).is_err() {
            // What cannot be removed is noticed again when it is run: that looks at the digest too.
            fs::remove_dir_all(self.home().join("views")).ok();
            return false;
        }
        if let Ok(file) = File::open(&path) {
            file.set_modified(SystemTime::now()).ok();
        }
        true
    }

    /// Flushes, makes read-only, renames to the digest's name and flushes the folder.
    fn finish(&self, unfinished: &Unfinished, out: &File, digest: &Digest, size: u64) -> Result<(), StoreError> {
        if self.already_stored(digest, size) {
            return Ok(());
        }
        let path = self.blob_path(digest);
        let dir = path.parent().unwrap_or(self.home());
        let made = !dir.is_dir();
        // A long copy: the home may have gone meanwhile, and must not be made anew.
        self.must_be_there()?;
        fs::create_dir_all(dir).map_err(|e| StoreError::io("create a folder", dir, e))?;
        let mut rights = out.metadata().map_err(|e| StoreError::io("write", &unfinished.0, e))?.permissions();
        // Views are hard links to blobs: whoever writes to one would change them all.
        rights.set_readonly(true);
        out.set_permissions(rights).map_err(|e| StoreError::io("write", &unfinished.0, e))?;
        out.sync_all().map_err(|e| StoreError::io("write", &unfinished.0, e))?;
        fs::rename(&unfinished.0, &path).map_err(|e| StoreError::io("write", &path, e))?;
        sync_folder(dir)?;
        if made {
            sync_folder(&self.blobs().join("sha256"))?;
        }
        Ok(())
    }
}

/// Removes what killed processes left among unfinished things, and says how many there were: at once
/// when the owner is seen to be dead, after a day when it cannot be seen (another container or machine
/// on the same home).
pub(crate) fn remove_leftovers(home: &Path, owner: &Owner) -> Result<usize, StoreError> {
    let tmp = home.join("blobs").join("tmp");
    let entries = fs::read_dir(&tmp).map_err(|e| StoreError::io("list the folder", &tmp, e))?;
    let mut removed = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Age counts only for those of which nothing else is known: a clock may jump.
        let is_left = match owner.token_liveness(&name) {
            Liveness::Dead => true,
            Liveness::Alive => false,
            Liveness::Unknown => older_than(&entry.path(), KEEP_UNKNOWN),
        };
        if is_left {
            remove(&entry.path());
            removed += 1;
        }
    }
    Ok(removed)
}

fn create_new(path: &Path) -> Result<File, StoreError> {
    File::options().write(true).create_new(true).open(path).map_err(|e| StoreError::io("write", path, e))
}

/// Makes a rename in the folder survive a power cut.
pub(crate) fn sync_folder(dir: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(dir).and_then(|f| f.sync_all()).map_err(|e| StoreError::io("write the folder", dir, e))?;
    }
    Ok(())
}

fn older_than(path: &Path, age: Duration) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|meta| meta.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|elapsed| elapsed >= age))
}
