//! Columns that are left out, named by hand, taken by position, or so many that a square would hurt.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use common::{any, fixed, input, signature};
use desk_core::{ElementType, NamedTensor, Signature};
use desk_data::{BindOptions, Binding, DataError, How, OpenOptions, open};
use tempfile::TempDir;

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("data.csv");
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

fn vector(width: u64) -> Signature {
    signature(vec![input("X", ElementType::Float32, &[any(), fixed(width)])])
}

fn bind(text: &str, model: &Signature, options: &BindOptions) -> Result<(Binding, Vec<NamedTensor>), DataError> {
    let (_folder, path) = file(text);
    let mut reader = open(&path, &OpenOptions::default())?;
    let binding = Binding::plan(model, &reader.schema(), options)?;
    reader.prepare(&binding.read_plan(&[]))?;
    let rows = reader.next_batch(100)?.expect("rows");
    let tensors = binding.tensors(&rows, 0)?;
    Ok((binding, tensors))
}

fn columns(binding: &Binding) -> Vec<String> {
    binding.report().inputs[0].columns.clone()
}

fn drop(names: &[&str]) -> BindOptions {
    BindOptions { drop: names.iter().map(|name| (*name).to_owned()).collect(), ..BindOptions::default() }
}

#[test]
fn columns_that_are_left_out_feed_nothing() {
    let text = "id,a,b,y\n1,2,3,0\n2,4,5,1\n";
    let error = bind(text, &vector(2), &BindOptions::default()).map(|_| ()).expect_err("four columns");
    assert!(error.to_string().contains("wants 2 number columns, the data has 4"), "{error}");
    let (binding, tensors) = bind(text, &vector(2), &drop(&["id", "y"])).expect("binds");
    assert_eq!(columns(&binding), ["a", "b"]);
    assert_eq!(tensors[0].tensor.data.to_f64().expect("numbers"), [2.0, 3.0, 4.0, 5.0]);
    assert!(binding.report().unused.is_empty(), "{:?}", binding.report().unused);
    assert!(matches!(bind(text, &vector(2), &drop(&["nix"])), Err(DataError::NoSuchColumn { .. })));

    let mapping = BTreeMap::from([("X".to_owned(), vec!["b".to_owned(), "id".to_owned()])]);
    let options = BindOptions { mapping: Some(mapping), ..drop(&["id"]) };
    let error = bind(text, &vector(2), &options).map(|_| ()).expect_err("both wanted and left out");
    assert!(error.to_string().contains("`id` is to be left out"), "{error}");
}

#[test]
fn the_order_that_decides_is_shown() {
    let (binding, _) = bind("b,a\n1,2\n", &vector(2), &BindOptions::default()).expect("binds");
    let warnings = binding.report().warnings.join("\n");
    assert!(warnings.contains("by position (`b`, `a`)"), "{warnings}");
    assert_eq!(binding.report().inputs[0].how, How::Position);
    // A file without names has nothing to compare, and named features need no warning.
    let (binding, _) = bind("1,2\n3,4\n", &vector(2), &BindOptions::default()).expect("binds");
    let warnings = binding.report().warnings.join("\n");
    assert!(!warnings.contains("by position") && warnings.contains("first line (`1`, `2`)"), "{warnings}");
    let named = BindOptions { feature_names: Some(vec!["a".into(), "b".into()]), ..BindOptions::default() };
    let (binding, _) = bind("b,a\n1,2\n", &vector(2), &named).expect("binds");
    assert!(binding.report().warnings.is_empty(), "{:?}", binding.report().warnings);
}

#[test]
fn row_labels_of_a_data_frame_are_no_feature() {
    for head in ["", "Unnamed: 0", "__index_level_0__"] {
        let text = format!("{head},a,b\n0,2,3\n1,4,5\n");
        let (binding, tensors) = bind(&text, &vector(2), &BindOptions::default()).expect("binds");
        assert_eq!(columns(&binding), ["a", "b"], "{head}");
        assert_eq!(tensors[0].tensor.data.to_f64().expect("numbers"), [2.0, 3.0, 4.0, 5.0]);
        let warnings = binding.report().warnings.join("\n");
        assert!(warnings.contains("row labels of pandas"), "{warnings}");
        // A model that was trained with them gets them.
        let (binding, _) = bind(&text, &vector(3), &BindOptions::default()).expect("binds");
        assert_eq!(columns(&binding).len(), 3, "{head}");
        assert!(!binding.report().warnings.join("\n").contains("pandas"), "{:?}", binding.report().warnings);
    }
}

#[test]
fn a_target_without_one_value_a_row_is_refused_before_scoring() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, "{\"a\":1,\"b\":2,\"y\":[1,0,0]}\n{\"a\":3,\"b\":4,\"y\":[0,1,0]}\n").expect("written");
    let reader = open(&path, &OpenOptions::default()).expect("opens");
    let options = BindOptions { target: Some("y".into()), ..BindOptions::default() };
    let error = Binding::plan(&vector(2), &reader.schema(), &options).map(|_| ()).expect_err("a list");
    assert!(matches!(error, DataError::Mistyped { .. }), "{error:?}");
}

/// Clock ticks that the processor worked for this process: neither waiting nor other processes count.
#[cfg(target_os = "linux")]
fn worked() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux says");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("after the name").split_whitespace().collect();
    fields[11..=12].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

/// What it costs to open, bind and read a file of two rows and many columns, found by name.
#[cfg(target_os = "linux")]
fn cost(width: usize) -> u64 {
    let mut text = String::new();
    for line in 0..3 {
        for i in 0..width {
            let comma = if i + 1 < width { ',' } else { '\n' };
            match line {
                0 => write!(text, "a_feature_of_some_length_{i}{comma}"),
                _ => write!(text, "{line}.{}{comma}", i % 10),
            }
            .expect("a string grows");
        }
    }
    let names = (0..width).map(|i| format!("a_feature_of_some_length_{i}")).collect();
    let options = BindOptions { feature_names: Some(names), ..BindOptions::default() };
    let before = worked();
    let (binding, tensors) = bind(&text, &vector(width as u64), &options).expect("binds");
    assert_eq!((columns(&binding).len(), tensors[0].tensor.row_len()), (width, width));
    assert_eq!(binding.report().inputs[0].how, How::FeatureNames);
    worked() - before
}

#[test]
#[cfg(target_os = "linux")]
fn ten_times_as_many_columns_cost_about_ten_times_as_much() {
    // The names alone are longer than the bytes that a file's dialect is usually found from. A square of the
    // columns somewhere would make it a hundred times.
    let (few, many) = (cost(20_000), cost(200_000));
    assert!(many < few.max(2) * 40, "{few} ticks for 20,000 columns, {many} for 200,000");
}
