//! Which execution provider ran which node, read from ONNX Runtime's own profile.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

use crate::error::RuntimeError;

/// An event of the profile (Chrome's trace format); only node events are of interest.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Args,
}

#[derive(Deserialize, Default)]
struct Args {
    provider: Option<String>,
    node_index: Option<String>,
}

/// A name in the temporary folder that no other profile has; the runtime adds the time and `.json`.
pub(crate) fn profile_prefix() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("modeldesk-profile-{}-{number}", process::id()))
}

/// Nodes by provider; the file is removed whether or not it can be read.
pub(crate) fn count_and_remove(profile: &Path) -> Result<BTreeMap<String, u64>, RuntimeError> {
    let text = fs::read(profile);
    if let Err(error) = fs::remove_file(profile) {
        tracing::debug!("The profile {} could not be removed: {error}", profile.display());
    }
    let text = text.map_err(|error| {
        RuntimeError::Placement(format!("the profile {} cannot be read: {error}", profile.display()))
    })?;
    count(&text)
}

fn count(profile: &[u8]) -> Result<BTreeMap<String, u64>, RuntimeError> {
    let events: Vec<Event> = serde_json::from_slice(profile)
        .map_err(|error| RuntimeError::Placement(format!("the profile has an unknown form: {error}")))?;
    let mut nodes = BTreeSet::new();
    for event in events {
        // Each node has one kernel event a run; fences before and after carry the same index.
        if event.cat == "Node" && event.name.ends_with("_kernel_time") {
            let provider = event.args.provider.unwrap_or_else(|| "unknown".to_owned());
            nodes.insert((provider, event.name, event.args.node_index));
        }
    }
    let mut counts = BTreeMap::new();
    for (provider, _, _) in nodes {
        *counts.entry(provider).or_insert(0) += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_nodes_once() {
        let profile = br#"[
            {"cat":"Session","name":"model_run","args":{}},
            {"cat":"Node","name":"a_fence_before","args":{"op_name":"Add"}},
            {"cat":"Node","name":"a_kernel_time","args":{"op_name":"Add","provider":"CPUExecutionProvider","node_index":"0"}},
            {"cat":"Node","name":"a_kernel_time","args":{"op_name":"Add","provider":"CPUExecutionProvider","node_index":"0"}},
            {"cat":"Node","name":"b_kernel_time","args":{"op_name":"Mul","provider":"CUDAExecutionProvider","node_index":"1"}}
        ]"#;
        let counts = count(profile).expect("reads");
        assert_eq!(counts.get("CPUExecutionProvider"), Some(&1));
        assert_eq!(counts.get("CUDAExecutionProvider"), Some(&1));
        assert!(count(b"not json").is_err());
    }
}
