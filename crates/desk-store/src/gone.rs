//! A home that goes away while it is in use: removed, unmounted, or another one in its place.
//!
//! SQLite goes on with the file that it has open, and whatever makes a folder would make the home anew with next
//! to nothing in it. So everything that writes asks here first.

use std::fs::{self, File};
use std::path::Path;

use crate::Store;
use crate::error::StoreError;

/// With fewer bytes left on its disk hardly anything can be kept.
const NO_ROOM: u64 = 256 << 10;

/// The home folder as it was opened, whatever its path leads to later.
pub(crate) struct Folder(Option<File>);

impl Folder {
    /// Holds on to a folder. It is not the registry that is held: closing that would let go of SQLite's locks.
    pub fn hold(home: &Path) -> Self {
        // Where folders cannot be opened, those with an open file in them cannot be replaced either.
        Self(File::open(home).ok())
    }

    /// The path still leads to it.
    fn is_at(&self, path: &Path) -> bool {
        let (Ok(there), true) = (fs::metadata(path), path.join("registry.db").is_file()) else { return false };
        let held = self.0.as_ref().and_then(|folder| folder.metadata().ok());
        held.is_none_or(|held| is_same(&held, &there))
    }
}

#[cfg(unix)]
fn is_same(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

impl Store {
    /// Why nothing can be kept any more, where the home is not the one that was opened.
    pub fn gone(&self) -> Option<StoreError> {
        let home = self.home();
        (!self.shared.folder.is_at(home)).then(|| StoreError::HomeGone { path: home.to_path_buf() })
    }

    /// Why nothing new can be kept, where the home's disk has no room left; cheap enough for once a second.
    pub fn full(&self) -> Option<StoreError> {
        let home = self.home();
        let is_full = fs4::available_space(home).is_ok_and(|free| free < NO_ROOM);
        (is_full || self.is_full()).then(|| StoreError::DiskFull { path: home.to_path_buf() })
    }

    /// Refuses to write into a home that is gone.
    pub(crate) fn must_be_there(&self) -> Result<(), StoreError> {
        self.gone().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_was_removed_or_replaced_is_not_written_and_not_made_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let (home, away) = (dir.path().join("home"), dir.path().join("away"));
        let store = Store::open(&home).expect("opens");
        assert!(store.gone().is_none());
        let value = serde_json::json!(1);
        let refused = |what: &str| {
            let gone = |result: Result<(), StoreError>| matches!(result, Err(StoreError::HomeGone { .. }));
            assert!(gone(store.set_setting("a", Some(&value)).map(drop)), "{what}");
            assert!(gone(store.put_bytes(b"a blob").map(drop)), "{what}");
        };
        fs::rename(&home, &away).expect("moved away");
        refused("moved away");
        assert!(!home.exists(), "nothing makes it anew");
        drop(Store::open(&home).expect("another one is made in its place"));
        refused("replaced");
        fs::remove_dir_all(&home).expect("removed");
        fs::rename(&away, &home).expect("moved back");
        assert!(store.gone().is_none(), "it goes on");
        store.set_setting("a", Some(&value)).expect("written");
    }
}
