//! The store from outside: a temporary home for each test, real files, real processes.

mod blobs;
mod crash;
mod deploy;
mod jobs;
mod opening;
mod reading;
mod registry;
mod resolve;

use std::sync::Arc;

use desk_core::{Digest, ModelName};
use desk_store::{Added, ManualClock, NewVersion, Store, VersionRow};
use serde_json::json;

/// A store in a temporary home, with a clock that stands still.
pub(crate) struct TestStore {
    pub(crate) home: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Store,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::default());
        let store = Store::open_with(home.path(), clock.clone()).expect("opens").acting_as("ada");
        Self { home, clock, store }
    }
}

pub(crate) fn name(text: &str) -> ModelName {
    text.parse().expect("a name")
}

/// A version whose only file holds `content`.
pub(crate) fn new_version(store: &Store, model: &str, content: &str) -> NewVersion {
    let blob = store.put_bytes(content.as_bytes()).expect("stored");
    NewVersion {
        model: name(model),
        manifest: format!("{{\"files\":[\"{blob}\"]}}").into_bytes(),
        content: Digest::of(content),
        blobs: vec![blob],
        size_bytes: content.len() as u64,
        summary: json!({ "format": "onnx" }),
        note: String::new(),
        alias: None,
        allow_same_content: false,
    }
}

pub(crate) fn add(store: &Store, model: &str, content: &str) -> VersionRow {
    match store.add_version(&new_version(store, model, content)).expect("added") {
        Added::New(version) => version,
        Added::Same(version) => panic!("{version:?} is there already"),
    }
}
