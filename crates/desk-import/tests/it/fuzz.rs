//! Spoiled copies of real models: an error or a description, never a panic, never much memory.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use desk_import::{describe, examine_trees, locate};
use proptest::prelude::*;

use crate::build::file;

fn models() -> &'static Vec<Vec<u8>> {
    static MODELS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let paths: [PathBuf; 5] = [
            here.join("tests/fixtures/v5_sum.onnx"),
            here.join("tests/fixtures/gb_multi.onnx"),
            here.join("tests/fixtures/lgbm_rf.onnx"),
            here.join("../../assets/samples/penguins/model.onnx"),
            here.join("../../tests/reference/models/network.onnx"),
        ];
        paths.iter().map(|path| std::fs::read(path).expect("a model")).collect()
    })
}

#[derive(Debug, Clone)]
enum Change {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => (any::<Index>(), 1..40usize).prop_map(|(at, len)| Change::Remove(at, len)),
        1 => (any::<Index>(), 1..40usize).prop_map(|(at, len)| Change::Repeat(at, len)),
        1 => any::<Index>().prop_map(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    match change {
        Change::Set(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Change::Flip(at, bit) => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Change::Remove(at, len) => {
            let at = at.index(bytes.len());
            let end = (at + len).min(bytes.len());
            bytes.drain(at..end);
        }
        Change::Repeat(at, len) => {
            let at = at.index(bytes.len());
            let part = bytes[at..(at + len).min(bytes.len())].to_vec();
            bytes.splice(at..at, part);
        }
        Change::Cut(at) => {
            let at = at.index(bytes.len());
            bytes.truncate(at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn spoiled_models_never_panic(which in 0..5usize, changes in prop::collection::vec(change(), 1..6)) {
        let mut bytes = models()[which].clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        let (_dir, path) = file(&bytes);
        if describe(&path).is_ok() {
            prop_assert!(locate(&path).is_ok());
        }
        if let Ok(desk_import::TreeExtraction::Found(trees)) = examine_trees(&path) {
            prop_assert!(trees.ensemble.trees.iter().map(|tree| tree.nodes.len()).sum::<usize>() <= bytes.len());
            let row = vec![0.5; (trees.ensemble.n_features as usize).min(1 << 20)];
            trees.ensemble.predict_row(&row);
        }
    }

    #[test]
    fn random_bytes_are_no_model(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_dir, path) = file(&bytes);
        prop_assert!(describe(&path).is_err());
    }
}

/// The peak memory of this process stays small: nothing is allocated because a file says so.
#[test]
#[cfg(target_os = "linux")]
fn a_sparse_giant_needs_no_memory() {
    use crate::build::{Msg, graph, node, varint};
    use std::io::{Seek as _, SeekFrom, Write as _};

    // An initialiser of 3 GB of raw data, which the file system keeps as a hole.
    let size: u64 = 3 << 30;
    let mut head = Msg::new().int(1, (size / 4) as i64).int(2, 1).text(8, "w");
    head.0.push(9 << 3 | 2);
    head.0.extend(varint(size));
    let body = graph(&[node("Add", &["x", "w"], &["y"])], &[]);
    let mut prefix = Msg::new().int(1, 9).msg(8, &crate::build::opset("", 18)).0;
    let mut tensor_head = vec![5 << 3 | 2];
    tensor_head.extend(varint(head.0.len() as u64 + size));
    prefix.push(7 << 3 | 2);
    prefix.extend(varint(body.0.len() as u64 + tensor_head.len() as u64 + head.0.len() as u64 + size));
    prefix.extend(&body.0);
    prefix.extend(&tensor_head);
    prefix.extend(&head.0);

    let (_dir, path) = file(&prefix);
    let mut giant = std::fs::OpenOptions::new().write(true).open(&path).expect("opens");
    giant.seek(SeekFrom::Start(prefix.len() as u64 + size - 1)).expect("seeks");
    giant.write_all(&[0]).expect("written");

    let before = peak_kib();
    let description = describe(&path).expect("describes");
    assert_eq!(description.parameter_count, size / 4);
    assert!(description.findings.iter().any(|finding| finding.code == "large"));
    assert!(peak_kib() - before < 64 << 10, "{} KiB", peak_kib() - before);
}

#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
