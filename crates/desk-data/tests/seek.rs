//! Rows far behind: formats that can seek do not read what lies before.

mod common;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use common::texts;
use desk_data::{Format, OpenOptions, TableWriter, open, read_rows};

/// Rows `from..from + 1000` as texts that say their number.
fn batch(from: usize) -> RecordBatch {
    let cells: ArrayRef = Arc::new(StringArray::from_iter_values((from..from + 1000).map(|row| format!("row {row}"))));
    RecordBatch::try_from_iter([("name", cells)]).expect("one column")
}

fn write(path: &Path, format: Format, batches: usize) {
    let mut writer = TableWriter::create(path, format, batch(0).schema()).expect("created");
    for i in 0..batches {
        writer.write(&batch(i * 1000)).expect("written");
    }
    writer.finish().expect("complete");
}

#[track_caller]
fn check(path: &Path, from: u64, to: u64, rows: u64) {
    let mut reader = open(path, &OpenOptions::default()).expect("opens");
    let found = read_rows(reader.as_mut(), from, to).expect("reads");
    let expect: Vec<Option<String>> =
        (from..(from + (to - from)).min(rows)).map(|row| Some(format!("row {row}"))).collect();
    assert_eq!(texts(&found, "name"), expect, "{from}..{to} of {}", path.display());
}

#[test]
fn any_rows_of_any_format() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, format) in
        [("t.arrow", Format::Arrow), ("t.parquet", Format::Parquet), ("t.csv", Format::Csv), ("t.jsonl", Format::Jsonl)]
    {
        let path = folder.path().join(name);
        write(&path, format, 12);
        for (from, to) in
            [(0, 3), (999, 1001), (1000, 2000), (7500, 9500), (11_990, 20_000), (12_000, 12_001), (50_000, 50_002)]
        {
            check(&path, from, to, 12_000);
        }
    }
}

#[test]
fn kept_answers_are_not_read_from_the_front() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("answers.arrow");
    write(&path, Format::Arrow, 50);
    // Texts of the first rows lie at the start of the file: spoiled, nobody can read them any more.
    let mut bytes = std::fs::read(&path).expect("reads");
    let body = bytes.windows(5).position(|window| window == b"row 0").expect("the first text");
    bytes[body - 2000..body - 1000].fill(0xff);
    std::fs::write(&path, bytes).expect("spoiled");
    let mut reader = open(&path, &OpenOptions::default()).expect("opens");
    assert!(read_rows(reader.as_mut(), 0, 10).is_err(), "the front is spoiled");
    check(&path, 49_000, 49_500, 50_000);
    check(&path, 1_000, 1_010, 50_000);
}
