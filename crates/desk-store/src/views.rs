//! Folder views: the files of a version under their own names, as hard links to the blobs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use desk_core::Digest;

use crate::Store;
use crate::blobs::Unfinished;
use crate::error::StoreError;

impl Store {
    /// Makes `<home>/views/<manifest>/files` with each file under its name and returns that folder.
    /// What is there already is used again.
    ///
    /// A runtime opens the entry file there, so that external data, which ONNX names relative to the
    /// model's folder, is found.
    pub fn view(&self, manifest: &Digest, files: &[(String, Digest)]) -> Result<PathBuf, StoreError> {
        let mut dir = self.home().join("views").join(manifest.hex()).join("files");
        if let Some(aside) = self.aside().filter(|_| !self.is_complete(files, &dir)) {
            dir = aside.join("views").join(manifest.hex()).join("files");
        }
        self.materialise(files, &dir)?;
        Ok(dir)
    }

    /// Makes a folder that holds exactly the given files: hard links to the blobs, copies where the
    /// file system has none. Built aside and renamed, so that it is complete or not there.
    ///
    /// Names are relative, with `/` between parts. A folder that is there with all files in their
    /// sizes is left as it is; any other is replaced.
    pub fn materialise(&self, files: &[(String, Digest)], dir: &Path) -> Result<(), StoreError> {
        for (name, _) in files {
            check_file_name(name)?;
        }
        if self.is_complete(files, dir) {
            return Ok(());
        }
        let aside = self.unfinished();
        fs::create_dir_all(&aside.0).map_err(|e| StoreError::io("create a folder", &aside.0, e))?;
        for (name, digest) in files {
            self.place(digest, &aside.0.join(name))?;
        }
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent).map_err(|e| StoreError::io("create a folder", parent, e))?;
        }
        move_into_place(&aside, dir, || self.unfinished())?;
        if self.is_complete(files, dir) {
            return Ok(());
        }
        Err(StoreError::io("write", dir, std::io::Error::other("the folder was changed by somebody else")))
    }

    fn place(&self, digest: &Digest, path: &Path) -> Result<(), StoreError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|e| StoreError::io("create a folder", parent, e))?;
        }
        let blob = self.blob_path(digest);
        if !blob.is_file() {
            return Err(StoreError::BlobMissing { digest: *digest });
        }
        match fs::hard_link(&blob, path) {
            Ok(()) => Ok(()),
            // The same name given twice is a mistake; everything else may be a file system without
            // links, another file system, or a limit on links.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(StoreError::io("write", path, e)),
            Err(_) => fs::copy(&blob, path).map(drop).map_err(|e| StoreError::io("write", path, e)),
        }
    }

    fn is_complete(&self, files: &[(String, Digest)], dir: &Path) -> bool {
        dir.is_dir()
            && files.iter().all(|(name, digest)| {
                let size = |path: &Path| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len());
                let blob = size(&self.blob_path(digest));
                blob.is_some() && size(&dir.join(name)) == blob
            })
    }
}

/// Renames the finished folder to `dir`. When something is there (another process was quicker, or it
/// is incomplete), that is moved out of the way first.
fn move_into_place(from: &Unfinished, dir: &Path, spare: impl Fn() -> Unfinished) -> Result<(), StoreError> {
    let mut attempt = 0;
    loop {
        match fs::rename(&from.0, dir) {
            Ok(()) => return Ok(()),
            Err(e) if attempt < 3 && matches!(e.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {
                attempt += 1;
                let old = spare();
                // Renamed into the folder for unfinished things, where it is removed when dropped.
                fs::rename(dir, &old.0).map_err(|e| StoreError::io("write", dir, e))?;
            }
            Err(e) => return Err(StoreError::io("write", dir, e)),
        }
    }
}

/// Relative, plain parts only: nothing that leaves the folder on any system.
fn check_file_name(name: &str) -> Result<(), StoreError> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !plain || name.contains(['\\', ':', '\0']) {
        return Err(StoreError::BadName { what: "file", name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(dir.path()).expect("opens");
        (dir, store)
    }

    #[test]
    fn a_view_has_the_files_under_their_names_and_is_made_again_when_damaged() {
        let (_dir, store) = store();
        let a = store.put_bytes(b"model").expect("stored");
        let b = store.put_bytes(b"weights").expect("stored");
        let files = [("model.onnx".to_owned(), a), ("data/weights.bin".to_owned(), b)];
        let view = store.view(&Digest::of("manifest"), &files).expect("made");
        assert_eq!(fs::read(view.join("data/weights.bin")).expect("reads"), b"weights");
        assert_eq!(store.view(&Digest::of("manifest"), &files).expect("used again"), view);
        fs::remove_file(view.join("model.onnx")).expect("removed");
        store.view(&Digest::of("manifest"), &files).expect("made again");
        assert_eq!(fs::read(view.join("model.onnx")).expect("reads"), b"model");
    }

    #[test]
    fn names_that_leave_the_folder_and_missing_blobs_are_refused() {
        let (dir, store) = store();
        let digest = store.put_bytes(b"x").expect("stored");
        let out = dir.path().join("out");
        for name in ["", "../x", "/etc/x", "a/../../x", "C:\\x", "a\\b", "./x"] {
            let error = store.materialise(&[(name.to_owned(), digest)], &out).expect_err(name);
            assert!(matches!(error, StoreError::BadName { .. }), "{name}: {error:?}");
        }
        let error = store.materialise(&[("x".into(), Digest::of("no such"))], &out).expect_err("missing");
        assert!(matches!(error, StoreError::BlobMissing { .. }), "{error:?}");
        assert!(!out.exists(), "nothing half-made");
    }
}
