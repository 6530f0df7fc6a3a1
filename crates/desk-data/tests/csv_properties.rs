//! CSV read beside another reader, in pieces beside as a whole, and back after writing.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use common::{read_path, texts};
use desk_data::csv::infer::Missing;
use desk_data::csv::parse::{PiecePlan, parse_piece};
use desk_data::{ColumnType, Format, OpenOptions, TableWriter, TextOptions, open, read_all_limited};
use proptest::prelude::*;

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,6}",
        Just("a,b".to_owned()),
        Just("line\nbreak".to_owned()),
        Just("cr\r\nlf".to_owned()),
        Just("say \"hi\"".to_owned()),
        Just("ünï".to_owned()),
        "[0-9]{1,4}",
        Just(" edge ".to_owned()),
        Just("NA".to_owned()),
    ]
}

fn write_csv(rows: &[Vec<String>], quote_all: bool) -> Vec<u8> {
    let style = if quote_all { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
    let mut writer = csv::WriterBuilder::new().quote_style(style).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("written");
    }
    writer.into_inner().expect("flushed")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any texts that another writer wrote come back, whatever they hold.
    #[test]
    fn texts_of_another_writer(rows in proptest::collection::vec(proptest::collection::vec(cell(), 3), 1..40)) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("data.csv");
        let mut all = vec![vec!["x".to_owned(), "y".to_owned(), "z".to_owned()]];
        all.extend(rows.iter().cloned());
        fs::write(&path, write_csv(&all, true)).expect("written");
        let types = ["x", "y", "z"].iter().map(|name| ((*name).to_owned(), ColumnType::Text)).collect();
        let csv = TextOptions { types, header: Some(true), delimiter: Some(b','), ..TextOptions::default() };
        let mut reader = open(&path, &OpenOptions { csv, ..OpenOptions::default() }).expect("opens");
        let batch = read_all_limited(reader.as_mut(), 1000).expect("reads");
        for (j, name) in ["x", "y", "z"].iter().enumerate() {
            let expect: Vec<Option<String>> = rows.iter().map(|row| Some(row[j].clone())).collect();
            prop_assert_eq!(texts(&batch, name), expect);
        }
    }

    /// Cutting a text at record ends and parsing the pieces gives what parsing it whole gives.
    #[test]
    fn pieces_equal_the_whole(
        rows in proptest::collection::vec((cell(), any::<f64>(), any::<i64>()), 1..60),
        piece in 1usize..200,
        quote_all in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let rows: Vec<Vec<String>> =
            rows.into_iter().map(|(a, b, c)| vec![a, format!("{b:?}"), c.to_string()]).collect();
        let mut text = write_csv(&rows, quote_all);
        if crlf {
            text = String::from_utf8(text).expect("UTF-8").replace('\n', "\r\n").into_bytes();
        }
        let plan = PiecePlan {
            columns: vec![Some(ColumnType::Text), Some(ColumnType::Float64), Some(ColumnType::Int64)],
            delimiter: b',',
            missing: Missing::new(&["NaN".to_owned()]),
        };
        let whole = parse_piece(&text, &plan).expect("parses");
        let cuts = desk_data::csv::cells::cut_points(&text, b',', piece);
        prop_assert_eq!(cuts.last().copied(), Some(text.len()));
        let mut from = 0;
        let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); 3];
        let mut lines = 0;
        for cut in cuts {
            let part = parse_piece(&text[from..cut], &plan).expect("parses");
            lines += part.lines;
            part.arrays.into_iter().enumerate().for_each(|(j, array)| parts[j].push(array));
            from = cut;
        }
        prop_assert_eq!(lines, whole.lines);
        for (j, part) in parts.iter().enumerate() {
            let part: Vec<&dyn arrow::array::Array> = part.iter().map(AsRef::as_ref).collect();
            let joined = arrow::compute::concat(&part).expect("same types");
            prop_assert_eq!(joined.to_data(), whole.arrays[j].to_data());
        }
    }

    /// Written and read again, every value is the same.
    #[test]
    fn round_trip(
        floats in proptest::collection::vec(proptest::option::of(any::<f64>()), 1..30),
        seed in cell(),
    ) {
        let n = floats.len();
        let floats: Vec<Option<f64>> = floats.into_iter().map(|x| x.filter(|x| !x.is_nan())).collect();
        let words: Vec<Option<String>> =
            (0..n).map(|i| (i % 4 != 3).then(|| format!("{seed}{}", ["", "x", ",", "\""][i % 4]))).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("float", Arc::new(Float64Array::from(floats.clone()))),
            ("narrow", Arc::new(floats.iter().map(|x| x.map(|x| x as f32)).collect::<Float32Array>())),
            ("int", Arc::new(Int64Array::from_iter_values((0..n as i64).map(|i| i.wrapping_mul(0x1234_5678_9abc_def1))))),
            ("bool", Arc::new(BooleanArray::from((0..n).map(|i| i % 3 == 0).collect::<Vec<_>>()))),
            ("word", Arc::new(StringArray::from(words.clone()))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).expect("valid");
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("out.csv");
        let mut writer = TableWriter::create(&path, Format::Csv, batch.schema()).expect("created");
        writer.write(&batch).expect("written");
        prop_assert_eq!(writer.finish().expect("finished"), n as u64);
        let types = [("float", ColumnType::Float64), ("narrow", ColumnType::Float32), ("word", ColumnType::Text)];
        let types = types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        let csv = TextOptions { types, ..TextOptions::default() };
        let mut reader = open(&path, &OpenOptions { csv, ..OpenOptions::default() }).expect("opens");
        let back = read_all_limited(reader.as_mut(), 1000).expect("reads");
        for j in [0, 2, 3, 4] {
            // Compared as text: an infinity or -0 must come back as itself, and missing as missing.
            prop_assert_eq!(format!("{:?}", back.column(j)), format!("{:?}", batch.column(j)));
        }
        prop_assert_eq!(format!("{:?}", back.column(1)), format!("{:?}", batch.column(1)));
    }
}

#[test]
fn a_large_file_in_blocks() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("large.csv");
    let mut text = "id;note;x\r\n".to_owned();
    let rows = 400_000u64;
    for i in 0..rows {
        let note = if i % 1000 == 0 { "\"two\nlines; \"\"quoted\"\"\"" } else { "plain" };
        write!(text, "{i};{note};{}\r\n", i as f64 / 8.0).expect("a String");
    }
    fs::write(&path, &text).expect("written");
    let csv = TextOptions { infer_bytes: 1 << 16, ..TextOptions::default() };
    let mut reader = open(&path, &OpenOptions { csv, ..OpenOptions::default() }).expect("opens");
    let mut next = 0u64;
    while let Some(batch) = reader.next_batch(10_000).expect("reads") {
        let (ids, xs, notes) = (common::numbers(&batch, "id"), common::numbers(&batch, "x"), texts(&batch, "note"));
        for i in 0..batch.num_rows() {
            assert_eq!((ids[i], xs[i]), (next as f64, next as f64 / 8.0));
            let expect = if next.is_multiple_of(1000) { "two\nlines; \"quoted\"" } else { "plain" };
            assert_eq!(notes[i].as_deref(), Some(expect));
            next += 1;
        }
    }
    assert_eq!(next, rows);
    assert_eq!(reader.line_of(1), None, "lines are not rows here");
}

#[test]
fn lines_of_rows_where_every_row_is_a_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("data.csv");
    let mut text = "a,b\n".to_owned();
    for i in 0..300_000 {
        writeln!(text, "{i},{i}").expect("a String");
    }
    fs::write(&path, text).expect("written");
    let mut reader = open(&path, &OpenOptions::default()).expect("opens");
    assert_eq!(reader.line_of(1), None, "nothing was read yet");
    while reader.next_batch(100_000).expect("reads").is_some() {}
    assert_eq!((reader.line_of(1), reader.line_of(300_000), reader.line_of(300_001)), (Some(2), Some(300_001), None));
}

#[test]
fn odd_but_valid_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("odd.csv");
    let check = |text: &str, column: &str, expect: &[Option<&str>]| {
        fs::write(&path, text).expect("written");
        let expect: Vec<Option<String>> = expect.iter().map(|cell| cell.map(str::to_owned)).collect();
        assert_eq!(texts(&read_path(&path), column), expect, "{text:?}");
    };
    check("a\nx\n\"\"\nNA\n", "a", &[Some("x"), Some(""), None]);
    check("a,b\n\"1\",\"\"\n2,3", "b", &[None, Some("3")]);
    check("1,x\n2,y\n", "column_2", &[Some("x"), Some("y")]);
    check("a,a\n1,2\n3,4\n", "a.1", &[Some("2"), Some("4")]);
    check("zip\n01234\n98765\n", "zip", &[Some("01234"), Some("98765")]);
    check("a,b\nNA,1\n,2\n", "b", &[Some("1"), Some("2")]);
    check(",x\n0,5\n", "x", &[Some("5")]);
    fs::write(&path, "a,b\nNA,1\n,2\n").expect("written");
    common::assert_same(&common::numbers(&read_path(&path), "a"), &[f64::NAN, f64::NAN]);
}
