//! Opening a home: newer, damaged, not writable.

use std::fs;
use std::path::Path;

use desk_core::{Diagnose as _, FaultKind};
use desk_store::{ModelFilter, ModelSort, Store, StoreError};

use crate::{TestStore, add, name};

#[test]
fn a_store_reads_back_after_reopening() {
    let t = TestStore::new();
    add(&t.store, "churn", "one");
    drop(t.store);
    let again = Store::open(t.home.path()).expect("opens");
    assert_eq!(again.list_versions(&name("churn")).expect("lists").len(), 1);
    assert!(again.check().expect("checks").is_empty());
}

#[test]
fn a_later_registry_is_refused_and_untouched() {
    let t = TestStore::new();
    drop(t.store);
    let db = t.home.path().join("registry.db");
    let direct = rusqlite::Connection::open(&db).expect("opens");
    direct.pragma_update(None, "user_version", 99).expect("set");
    let error = Store::open(t.home.path()).expect_err("refused");
    assert!(matches!(error, StoreError::NewerDatabase { found: 99, .. }), "{error:?}");
    assert!(error.hints()[0].starts_with("Update Modeldesk"), "{:?}", error.hints());
    let version: i64 = direct.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("reads");
    assert_eq!(version, 99);
}

#[test]
fn a_damaged_registry_is_one_clear_error() {
    for damage in [b"this is no database, however long it is made".repeat(100), vec![0xa5; 40_000]] {
        let t = TestStore::new();
        add(&t.store, "churn", "one");
        drop(t.store);
        for file in ["registry.db-wal", "registry.db-shm"] {
            fs::remove_file(t.home.path().join(file)).ok();
        }
        fs::write(t.home.path().join("registry.db"), damage).expect("damaged");
        let error = Store::open(t.home.path()).expect_err("refused");
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert_eq!(error.kind(), FaultKind::Environment);
    }
    // Damage in the middle is found when it is met, and says the same.
    let t = TestStore::new();
    for i in 0..300 {
        t.store.put_credential(&format!("c{i}"), "password", "keyring").expect("stored");
    }
    drop(t.store);
    let db = t.home.path().join("registry.db");
    let mut bytes = fs::read(&db).expect("reads");
    let from = bytes.len() / 3;
    bytes[from..].fill(0xa5);
    fs::write(&db, bytes).expect("damaged");
    let answer = Store::open(t.home.path()).and_then(|store| store.list_credentials());
    assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}");
}

#[test]
fn tables_of_somebody_else_are_not_called_damaged() {
    let t = TestStore::new();
    add(&t.store, "churn", "one");
    drop(t.store);
    let direct = rusqlite::Connection::open(t.home.path().join("registry.db")).expect("opens");
    direct.execute("ALTER TABLE model DROP COLUMN latest_note", []).expect("altered");
    drop(direct);
    let list = |store: Store| store.list_models(&ModelFilter::default(), ModelSort::Name, 10, 0);
    let error = Store::open(t.home.path()).and_then(list).expect_err("refused");
    assert!(matches!(error, StoreError::OtherSchema { .. }), "{error:?}");
    assert!(error.hints()[0].contains("--home"), "{:?}", error.hints());
}

#[test]
#[cfg(target_os = "linux")]
fn a_home_that_cannot_be_written_says_so() {
    // Not even root may make files there.
    let error = Store::open(Path::new("/sys/kernel/modeldesk")).expect_err("refused");
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(error.hints()[0].contains("--home"));
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = Store::open(&file.path().join("home")).expect_err("a file is in the way");
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
}

#[test]
#[cfg(unix)]
fn what_is_in_the_place_of_a_home_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "x").expect("written");
    std::os::unix::fs::symlink("nowhere", path("dangling")).expect("linked");
    std::os::unix::fs::symlink("file", path("link")).expect("linked");
    for (name, says) in
        [("file", "it is a file"), ("dangling", "leads nowhere (nowhere)"), ("link", "not a folder (file)")]
    {
        let error = Store::open(&path(name)).expect_err("refused");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.kind() == FaultKind::Environment && !error.hints().is_empty(), "{error:?}");
    }
}
