//! Homes that may be looked at and not changed, and what a clean close leaves.

use std::fs;
use std::path::{Path, PathBuf};

use desk_core::Digest;
use desk_store::{Store, StoreError};

use crate::{TestStore, add, name};

/// Every file below a folder, with its size.
fn files(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("lists").flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path(), entry.metadata().expect("there").len()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_clean_close_leaves_everything_in_one_file() {
    let t = TestStore::new();
    add(&t.store, "churn", "one");
    // A connection that only reads must not be the last to close.
    assert_eq!(t.store.list_versions(&name("churn")).expect("lists").len(), 1);
    drop(t.store);
    let size = |file: &str| fs::metadata(t.home.path().join(file)).map(|meta| meta.len()).ok();
    assert_eq!(size("registry.db-wal").unwrap_or(0), 0, "the log was not brought into the file");
    assert!(size("registry.db").is_some_and(|size| size > 16_384), "{:?}", size("registry.db"));
}

#[test]
fn a_home_is_read_without_a_trace() {
    let t = TestStore::new();
    let version = add(&t.store, "churn", "one");
    let digest = t.store.put_bytes(b"weights").expect("stored");
    drop(t.store);
    let before = files(t.home.path());
    let store = Store::open_to_read(t.home.path()).expect("opens");
    assert!(store.is_read_only());
    assert_eq!(store.list_versions(&name("churn")).expect("lists").len(), 1);
    assert_eq!(store.resolve(&"churn".parse().expect("valid")).expect("found").digest, version.digest);
    let view = store.view(&Digest::of("m"), &[("model.onnx".to_owned(), digest)]).expect("made elsewhere");
    assert!(!view.starts_with(t.home.path()), "{}", view.display());
    assert_eq!(fs::read(view.join("model.onnx")).expect("reads"), b"weights");
    let refused =
        [store.put_bytes(b"new").map(drop), store.set_alias(&name("churn"), "champion", 1).map(drop), store.probe()];
    for answer in refused {
        assert!(matches!(answer, Err(StoreError::ReadOnly { .. })), "{answer:?}");
    }
    drop(store);
    assert_eq!(files(t.home.path()), before, "reading left something behind");
    assert!(!view.exists(), "what was made elsewhere is gone");
}

#[test]
#[cfg(unix)]
fn a_home_without_write_permission_opens_to_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let t = TestStore::new();
    add(&t.store, "churn", "one");
    drop(t.store);
    let set = |mode| fs::set_permissions(t.home.path(), fs::Permissions::from_mode(mode)).expect("set");
    set(0o555);
    let root = tempfile::tempfile_in(t.home.path()).is_ok();
    let store = Store::open(t.home.path());
    set(0o755);
    if root {
        eprintln!("SKIPPED: permissions do not bind this user");
        return;
    }
    let store = store.expect("opens to be read");
    assert!(store.is_read_only());
    assert_eq!(store.list_versions(&name("churn")).expect("lists").len(), 1);
}
