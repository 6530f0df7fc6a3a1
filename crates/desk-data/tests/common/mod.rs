//! What several tests need.
#![expect(dead_code, reason = "every test file uses another part")]

use std::path::{Path, PathBuf};

use arrow::array::AsArray as _;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use desk_core::{Dim, ElementType, Signature, ValueInfo, ValueType};
use desk_data::{DataError, OpenOptions, TableReader, open, read_all_limited};

/// A file that `fixtures/make.py` wrote.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A sample of the product.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/samples").join(name)
}

#[track_caller]
pub fn open_fixture(name: &str) -> Box<dyn TableReader> {
    open(&fixture(name), &OpenOptions::default()).expect("the fixture opens")
}

/// The whole table.
#[track_caller]
pub fn read(name: &str) -> RecordBatch {
    read_all_limited(open_fixture(name).as_mut(), 100_000).expect("the fixture reads")
}

/// The error of opening a file or of reading it to its end.
#[track_caller]
pub fn error_of(path: &Path) -> DataError {
    match open(path, &OpenOptions::default()) {
        Err(error) => error,
        Ok(mut reader) => read_all_limited(reader.as_mut(), 100_000_000).expect_err("the file is broken"),
    }
}

/// The error of a CSV text.
#[track_caller]
pub fn csv_error(text: &[u8]) -> DataError {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("data.csv");
    std::fs::write(&path, text).expect("written");
    error_of(&path)
}

/// A column as numbers, missing as NaN.
#[track_caller]
pub fn numbers(batch: &RecordBatch, column: &str) -> Vec<f64> {
    let array = batch.column_by_name(column).expect("the column");
    let floats = cast(array, &DataType::Float64).expect("numbers");
    floats.as_primitive::<Float64Type>().iter().map(|x| x.unwrap_or(f64::NAN)).collect()
}

/// A column as texts.
#[track_caller]
pub fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let array = batch.column_by_name(column).expect("the column");
    let text = cast(array, &DataType::Utf8).expect("text");
    text.as_string::<i32>().iter().map(|cell| cell.map(str::to_owned)).collect()
}

/// Same numbers, NaN equal to NaN.
#[track_caller]
pub fn assert_same(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!(a == b || a.is_nan() && b.is_nan(), "row {}: {a} and {b}", i + 1);
    }
}

pub fn fixed(n: u64) -> Dim {
    Dim::Fixed(n)
}

pub fn any() -> Dim {
    Dim::Symbol("batch".into())
}

pub fn input(name: &str, element: ElementType, dims: &[Dim]) -> ValueInfo {
    ValueInfo { name: name.into(), value_type: ValueType::Tensor { element, shape: Some(dims.to_vec()) } }
}

pub fn signature(inputs: Vec<ValueInfo>) -> Signature {
    Signature { inputs, outputs: Vec::new() }
}

/// The whole table of any file.
#[track_caller]
pub fn read_path(path: &Path) -> RecordBatch {
    let mut reader = open(path, &OpenOptions::default()).expect("opens");
    read_all_limited(reader.as_mut(), usize::MAX).expect("reads")
}
