//! Tables written and read again, and the numeric view of inputs.

mod common;

use std::fs;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use common::{any, fixed, input, numbers, read, read_path, signature, texts};
use desk_core::{ElementType, Tensor, TensorData};
use desk_data::{BindOptions, Binding, DataError, FeatureKind, FeatureSpace, Format, TableWriter};

fn table() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("score", Arc::new(Float32Array::from(vec![Some(0.1), None, Some(1e-20)]))),
        ("word", Arc::new(StringArray::from(vec![Some("a,b"), Some("NA"), None]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).expect("valid")
}

fn write(batch: &RecordBatch, format: Format) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("out").with_extension(format.extensions()[0]);
    let mut writer = TableWriter::create(&path, format, batch.schema()).expect("created");
    writer.write(&batch.slice(0, 1)).expect("written");
    assert!(!path.exists(), "not under its name yet");
    writer.write(&batch.slice(1, batch.num_rows() - 1)).expect("written");
    assert_eq!(writer.finish().expect("finished"), batch.num_rows() as u64);
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "nothing else is left");
    (folder, path)
}

#[test]
fn every_format_reads_back() {
    for format in [Format::Csv, Format::Parquet, Format::Arrow, Format::Jsonl] {
        let (_folder, path) = write(&table(), format);
        let back = read_path(&path);
        assert_eq!(numbers(&back, "id"), [1.0, 2.0, 3.0], "{format}");
        let scores: Vec<f32> = numbers(&back, "score").into_iter().map(|x| x as f32).collect();
        assert!(scores[0] == 0.1 && scores[1].is_nan() && scores[2] == 1e-20, "{format}: {scores:?}");
        assert_eq!(texts(&back, "word"), [Some("a,b".to_owned()), Some("NA".into()), None], "{format}");
    }
    let (_folder, path) = write(&table(), Format::Csv);
    assert_eq!(fs::read_to_string(path).expect("read"), "id,score,word\n1,0.1,\"a,b\"\n2,,\"NA\"\n3,1e-20,\n");
}

#[test]
fn arrays_of_numbers() {
    let batch = table().project(&[0, 1]).expect("columns");
    let (_folder, path) = write(&batch, Format::Npz);
    let back = read_path(&path);
    assert_eq!(numbers(&back, "id"), [1.0, 2.0, 3.0]);
    assert_eq!(numbers(&back, "score")[2] as f32, 1e-20);
    let (_folder, path) = write(&batch, Format::Npy);
    assert!(format!("{:?}", read_path(&path).column(0).data_type()).contains("Float64"));
    let (_folder, path) = write(&read("grid.npy"), Format::Npy);
    assert_eq!(read_path(&path).column(0), read("grid.npy").column(0));
    let folder = tempfile::tempdir().expect("temporary folder");
    let refused = TableWriter::create(&folder.path().join("x.npy"), Format::Npy, table().schema());
    assert!(matches!(refused.err(), Some(DataError::Unsupported { .. })));
}

#[test]
fn an_unfinished_file_leaves_nothing_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("out.csv");
    fs::write(&path, "former").expect("written");
    let mut writer = TableWriter::create(&path, Format::Csv, table().schema()).expect("created");
    writer.write(&table()).expect("written");
    drop(writer);
    assert_eq!(fs::read_to_string(&path).expect("read"), "former");
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
    let mut writer = TableWriter::create(&path, Format::Csv, table().schema()).expect("created");
    assert!(writer.write(&table().project(&[0]).expect("columns")).is_err(), "other columns");
    let nowhere = TableWriter::create(&folder.path().join("no/out.csv"), Format::Csv, table().schema());
    assert!(matches!(nowhere.err(), Some(DataError::Io { .. })));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_clear_error() {
    use std::io::Write as _;
    let mut full = File::options().write(true).open("/dev/full").expect("the device");
    let error = full.write_all(b"x").expect_err("no space");
    let error = DataError::io("write", std::path::Path::new("out.csv"), error);
    assert!(matches!(error, DataError::DiskFull { .. }), "{error}");
    assert_eq!(desk_core::Diagnose::kind(&error), desk_core::FaultKind::Environment);
}

fn binding(batch: &RecordBatch) -> Binding {
    let model = signature(vec![
        input("word", ElementType::String, &[any(), fixed(1)]),
        input("score", ElementType::Float32, &[any(), fixed(1)]),
        input("id", ElementType::Int64, &[any()]),
    ]);
    Binding::plan(&model, &batch.schema(), &BindOptions::default()).expect("binds")
}

fn people(words: &[&str]) -> RecordBatch {
    let n = words.len();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..n as i64))),
        ("score", Arc::new(Float32Array::from_iter_values((0..n).map(|i| i as f32 / 10.0)))),
        ("word", Arc::new(StringArray::from_iter_values(words))),
    ];
    RecordBatch::try_from_iter(columns).expect("valid")
}

#[test]
fn features_there_and_back() {
    let data = people(&["red", "blue", "red", "green"]);
    let space = FeatureSpace::from(&binding(&data), std::slice::from_ref(&data)).expect("features");
    assert_eq!(space.names(), ["word", "score", "id"]);
    let levels = FeatureKind::Categorical { levels: vec!["blue".into(), "green".into(), "red".into()] };
    assert_eq!(space.features()[0].kind, levels);
    let rows = space.encode(std::slice::from_ref(&data)).expect("encodes");
    assert_eq!(rows[..6], [2.0, 0.0, 0.0, 0.0, f64::from(0.1f32), 1.0]);
    let tensors = space.decode(&rows).expect("decodes");
    assert_eq!(tensors, binding(&data).tensors(&data, 0).expect("tensors"));
    // Numbers that came of one input stand at its features; the others have none.
    let slopes = desk_core::NamedTensor::new(
        "score",
        Tensor::new(vec![2, 1], TensorData::Float32(vec![0.5, -1.0])).expect("fits"),
    );
    assert_eq!(space.gather(&[slopes]).expect("gathers"), [0.0, 0.5, 0.0, 0.0, -1.0, 0.0]);
    let wide = desk_core::NamedTensor::new(
        "score",
        Tensor::new(vec![1, 2], TensorData::Float32(vec![0.5, -1.0])).expect("fits"),
    );
    assert!(space.gather(&[wide]).is_err());
    assert_eq!((space.input_of(1), space.input_of(3)), (Some("score"), None));
    assert_eq!((space.display(0, 1.0), space.display(1, 0.5)), ("green".to_owned(), "0.5".to_owned()));
}

#[test]
fn unseen_categories_are_errors_until_they_are_known() {
    let known = people(&["red", "blue"]);
    let mut space = FeatureSpace::from(&binding(&known), std::slice::from_ref(&known)).expect("features");
    let later = people(&["blue", "violet"]);
    let error = space.encode(std::slice::from_ref(&later)).expect_err("unseen");
    assert!(error.to_string().contains("row 2, column `word`: the category `violet`"), "{error}");
    space.extend(std::slice::from_ref(&later)).expect("extended");
    let rows = space.encode(std::slice::from_ref(&later)).expect("encodes");
    assert_eq!((rows[0], rows[3]), (0.0, 2.0), "known codes stay");
    assert!(space.decode(&[3.0, 0.0, 0.0]).is_err(), "no such category");
    assert!(space.decode(&[0.5, 0.0, 0.0]).is_err(), "between categories");
    assert!(space.decode(&[0.0, 0.0]).is_err(), "no whole row");
    assert!(space.decode(&[0.0, 0.0, f64::NAN]).is_err(), "an integer has no NaN");
    let rounded = space.decode(&[0.0, 0.1, 2.6]).expect("decodes");
    assert_eq!(rounded[1].tensor.data, TensorData::Float32(vec![0.1]));
    assert_eq!(rounded[2].tensor.data, TensorData::Int64(vec![3]));
}

#[test]
fn features_of_arrays_have_positions() {
    let grid = read("grid.npy");
    let model = signature(vec![input("X", ElementType::Float32, &[any(), fixed(6)])]);
    let binding = Binding::plan(&model, &grid.schema(), &BindOptions::default()).expect("binds");
    let space = FeatureSpace::from(&binding, std::slice::from_ref(&grid)).expect("features");
    assert_eq!((space.names()[5].as_str(), space.width()), ("grid[5]", 6));
    let rows = space.encode(std::slice::from_ref(&grid)).expect("encodes");
    assert_eq!(rows, (0..24).map(f64::from).collect::<Vec<_>>());
}
