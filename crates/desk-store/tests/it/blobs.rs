//! Blobs: stored once, named by their bytes, repaired, swept.

use std::fs;
use std::time::{Duration, SystemTime};

use desk_core::{Cancel, Digest, NoProgress, Progress};
use desk_store::StoreError;

use crate::{TestStore, add};

#[test]
fn a_file_is_stored_once_and_read_back() {
    let t = TestStore::new();
    let source = t.home.path().join("source");
    let bytes: Vec<u8> = (0..9_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(&source, &bytes).expect("written");
    let put = || t.store.put_file(&source, &NoProgress, &Cancel::new()).expect("stored");
    let (digest, size) = put();
    assert_eq!((digest, size), (Digest::of(&bytes), bytes.len() as u64));
    let path = t.store.blob_path(&digest);
    assert!(path.ends_with(format!("blobs/sha256/{}/{}", &digest.hex()[..2], digest.hex())));
    assert!(fs::metadata(&path).expect("there").permissions().readonly());
    assert_eq!(put(), (digest, size));
    assert_eq!(t.store.put_bytes(&bytes).expect("the same"), digest);
    assert_eq!(t.store.verify_blob(&digest, &Cancel::new()).expect("whole"), size);
    assert_eq!(fs::read_dir(t.home.path().join("blobs/tmp")).expect("lists").count(), 0);
    assert_eq!(t.store.missing([&digest, &Digest::of("x")]), [Digest::of("x")]);
}

#[test]
fn damage_is_found_and_storing_again_repairs_it() {
    let t = TestStore::new();
    let digest = t.store.put_bytes(b"the weights").expect("stored");
    let path = t.store.blob_path(&digest);
    fs::remove_file(&path).expect("removed");
    fs::write(&path, b"the weight").expect("cut");
    assert!(matches!(t.store.verify_blob(&digest, &Cancel::new()), Err(StoreError::BlobDamaged { .. })));
    assert!(matches!(t.store.read_bytes(&digest), Err(StoreError::BlobDamaged { .. })));
    t.store.put_bytes(b"the weights").expect("stored again");
    t.store.verify_blob(&digest, &Cancel::new()).expect("repaired");
    let lost = Digest::of("lost");
    assert!(matches!(t.store.read_bytes(&lost), Err(StoreError::BlobMissing { .. })));
}

#[test]
fn folders_and_missing_files_are_refused_and_cancel_leaves_nothing() {
    let t = TestStore::new();
    let put = |path: &std::path::Path, cancel: &Cancel| t.store.put_file(path, &NoProgress, cancel);
    assert!(matches!(put(t.home.path(), &Cancel::new()), Err(StoreError::NotAFile { .. })));
    assert!(matches!(put(&t.home.path().join("no"), &Cancel::new()), Err(StoreError::Io { .. })));
    let source = t.home.path().join("source");
    fs::write(&source, vec![1; 20 << 20]).expect("written");
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let sink = move |progress: Progress| {
        if progress.done > 8 << 20 {
            stop.cancel();
        }
    };
    assert!(matches!(t.store.put_file(&source, &sink, &cancel), Err(StoreError::Cancelled(_))));
    assert_eq!(fs::read_dir(t.home.path().join("blobs/tmp")).expect("lists").count(), 0);
    assert_eq!(fs::read_dir(t.home.path().join("blobs/sha256")).expect("lists").count(), 0);
}

#[test]
fn sweep_removes_only_what_nothing_names() {
    let t = TestStore::new();
    let version = add(&t.store, "churn", "kept");
    let lost = t.store.put_bytes(b"an import that failed").expect("stored");
    assert_eq!(t.store.sweep(Duration::from_hours(1)).expect("swept").blobs, 0, "too young");
    let swept = t.store.sweep(Duration::ZERO).expect("swept");
    assert_eq!((swept.blobs, swept.bytes), (1, 21));
    assert!(!t.store.has_blob(&lost) && t.store.has_blob(&version.digest));
    let referenced = t.store.referenced_blobs().expect("lists");
    assert!(referenced.len() == 2 && t.store.missing(&referenced).is_empty());
}

#[test]
fn unused_blobs_are_listed_then_removed_and_spared_when_they_are_stored_again() {
    let t = TestStore::new();
    add(&t.store, "churn", "one");
    let orphan = t.store.put_bytes(b"left by a killed import").expect("stored");
    let stranger = t.store.blob_path(&orphan).with_file_name("README");
    fs::write(&stranger, "not ours").expect("written");
    let soon = SystemTime::now() + Duration::from_secs(5);
    let listed = t.store.unused_blobs(soon).expect("listed");
    assert_eq!(listed.iter().map(|blob| (blob.digest, blob.bytes)).collect::<Vec<_>>(), [(orphan, 23)]);
    assert!(t.store.has_blob(&orphan), "listing removes nothing");
    // Another import stores the same bytes after the look: its age starts anew.
    let look = SystemTime::now() - Duration::from_mins(1);
    let file = fs::File::open(t.store.blob_path(&orphan)).expect("opens");
    file.set_modified(look - Duration::from_mins(1)).expect("set");
    assert_eq!(t.store.unused_blobs(look).expect("listed").len(), 1);
    t.store.put_bytes(b"left by a killed import").expect("stored again");
    assert!(t.store.remove_unused(look).expect("swept").is_empty());
    assert_eq!(t.store.remove_unused(soon).expect("swept").len(), 1);
    assert!(!t.store.has_blob(&orphan) && stranger.exists());
    assert_eq!(t.store.list_versions(&crate::name("churn")).expect("lists").len(), 1);
}
