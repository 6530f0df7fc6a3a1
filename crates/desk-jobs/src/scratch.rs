//! A worker's folder for temporary files, and what killed desks left of theirs.
//!
//! Each folder has a lock that its desk holds as long as it lives: the kernel lets go of it however the desk ends,
//! and it means the same in every container. The worker sees only the folder beside the lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// How the names begin.
const PREFIX: &str = "modeldesk-worker-";
/// The lock in a folder.
const LOCK: &str = "lock";
/// What the worker may write.
const FILES: &str = "files";
/// A folder that has no lock after so long is not about to get one.
const UNLOCKED: Duration = Duration::from_hours(1);

/// A folder that is removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    files: PathBuf,
    /// Let go of after the folder is gone.
    folder: TempDir,
    lock: File,
}

impl Scratch {
    /// A new folder; the first one of a process removes what dead ones left.
    pub fn new() -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| {
            for folder in left_behind() {
                if let Err(error) = fs::remove_dir_all(&folder) {
                    tracing::debug!(%error, "A folder of an earlier worker was not removed");
                }
            }
        });
        Self::below(&std::env::temp_dir())
    }

    fn below(parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // Nobody sees it before it is held. Where a file system has no locks, nobody else gets one either.
        let unseen = folder.path().join("new");
        let lock = File::create(&unseen)?;
        drop(lock.lock());
        fs::rename(unseen, folder.path().join(LOCK))?;
        let files = folder.path().join(FILES);
        fs::create_dir(&files)?;
        Ok(Self { files, folder, lock })
    }

    /// The folder for the worker.
    pub fn path(&self) -> &Path {
        &self.files
    }

    /// Removes it, and says when that did not work.
    pub fn close(self) -> io::Result<()> {
        let Self { folder, lock, .. } = self;
        let closed = folder.close();
        drop(lock);
        closed
    }
}

/// Folders of workers whose desk has ended without removing them.
pub fn left_behind() -> Vec<PathBuf> {
    dead_below(&std::env::temp_dir())
}

fn dead_below(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    ours.map(|entry| entry.path()).filter(|folder| is_dead(folder)).collect()
}

fn is_dead(folder: &Path) -> bool {
    let Ok(meta) = fs::symlink_metadata(folder) else { return false };
    match File::open(folder.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => meta.is_dir(),
            // Somebody lives in there, or this file system cannot say.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Made in the future: the clock has jumped back since then.
            let age = |at| SystemTime::now().duration_since(at).unwrap_or_else(|error| error.duration());
            let age = meta.modified().ok().map(age);
            meta.is_dir() && age.is_some_and(|age| age > UNLOCKED)
        }
        // Another user's.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_dead_when_nobody_holds_their_lock() {
        let parent = tempfile::tempdir().expect("a folder");
        let living = Scratch::below(parent.path()).expect("made");
        let left = Scratch::below(parent.path()).expect("made");
        let (left, dead) = (left.folder.keep(), left.lock);
        assert_eq!(dead_below(parent.path()), Vec::<PathBuf>::new(), "both are held");
        drop(dead);
        fs::write(left.join(FILES).join("part"), "of a model").expect("written");
        // Made a moment ago, its lock is about to come; another one never got it.
        let new = parent.path().join(format!("{PREFIX}new"));
        let old = parent.path().join(format!("{PREFIX}old"));
        for folder in [&new, &old, &parent.path().join("other")] {
            fs::create_dir(folder).expect("made");
        }
        let long_ago = SystemTime::now() - 2 * UNLOCKED;
        File::open(&old).and_then(|folder| folder.set_modified(long_ago)).expect("set");
        let mut dead = dead_below(parent.path());
        dead.sort();
        let mut expected = vec![left, old];
        expected.sort();
        assert_eq!(dead, expected);
        assert!(living.path().is_dir());
        let path = living.path().to_owned();
        living.close().expect("removed");
        assert!(!path.exists());
    }
}
