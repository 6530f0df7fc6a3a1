//! What is wrong with a file is said in one sentence, with the place and what to do.

mod common;

use std::fmt::Write as _;
use std::fs;

use common::{csv_error, error_of, fixture};
use desk_core::{Diagnose as _, FaultKind};
use desk_data::{ColumnType, DataError, OpenOptions, ReadPlan, TextOptions, open, read_all_limited};

/// The error holds all of these, is about the input, and says what to do.
#[track_caller]
fn check(error: &DataError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert_eq!(error.kind(), FaultKind::Input, "{text}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("folder");
    let pipe = folder.path().join("rows.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("starts").success());
    let said = format!("the data is no regular file, it is a pipe: {}", pipe.display());
    let opened = desk_data::open(&pipe, &desk_data::OpenOptions::default()).map(drop).expect_err("refused");
    assert_eq!(opened.to_string(), said);
    assert!(desk_core::Diagnose::hints(&opened)[0].contains("to a file first"), "{opened:?}");
    let read = desk_data::digest_file(&pipe, &desk_core::Cancel::new(), &desk_core::NoProgress).expect_err("refused");
    assert_eq!(read.to_string(), said);
    // A device has no end.
    assert!(desk_data::open(std::path::Path::new("/dev/zero"), &desk_data::OpenOptions::default()).is_err());
}

#[test]
fn ragged_rows() {
    check(&csv_error(b"a,b,c\n1,2,3\n4,5\n"), &["row 2 (line 3)", "2 cells instead of 3"]);
    check(&csv_error(b"a,b\n1,2\n\n\n3,4,5\n"), &["row 2 (line 5)", "3 cells instead of 2"]);
    check(&csv_error(b"a,b\n\"x\ny\",2\n3\n"), &["row 2 (line 4)", "1 cell instead of 2"]);
}

#[test]
fn wrong_encodings() {
    let latin = error_of(&fixture("latin1.csv"));
    check(&latin, &["not UTF-8", "row ", "line ", "Latin-1"]);
    assert!(latin.hints()[0].contains("iconv -f WINDOWS-1252"), "{:?}", latin.hints());
    let bytes = fs::read(fixture("latin1.csv")).expect("read");
    let DataError::Encoding { offset, place, .. } = latin else { panic!("another error") };
    assert_eq!(bytes[offset as usize], 0xf6);
    let lines = bytes[..offset as usize].split(|b| *b == b'\n').count() as u64 - 1;
    assert_eq!((place.row, place.line), (lines, Some(lines + 1)));
    let utf16 = error_of(&fixture("utf16.csv"));
    check(&utf16, &["UTF-16"]);
    assert!(utf16.hints()[0].contains("iconv -f UTF-16"));
    check(&csv_error(b"a;b\n\"x\xff\";1\n"), &["row 1 (line 2)", "byte 6"]);
}

#[test]
fn a_late_wrong_byte_has_its_place_too() {
    let mut text = b"a,b\n".to_vec();
    for i in 0..200_000 {
        text.extend_from_slice(format!("{i},word number {i} of many\n").as_bytes());
    }
    let offset = text.len() as u64 + 4;
    text.extend_from_slice(b"7,ab\xe9\n");
    let options = TextOptions { infer_bytes: 1 << 16, ..TextOptions::default() };
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("late.csv");
    fs::write(&path, &text).expect("written");
    let mut reader = open(&path, &OpenOptions { csv: options, ..OpenOptions::default() }).expect("opens");
    let error = read_all_limited(reader.as_mut(), usize::MAX).expect_err("a wrong byte");
    let DataError::Encoding { offset: found, place, .. } = &error else { panic!("{error}") };
    assert_eq!((*found, place.row, place.line), (offset, 200_001, Some(200_002)));
    assert!(reader.next_batch(10).expect("the end").is_none(), "nothing follows an error");
}

#[test]
fn nothing_in_it() {
    check(&csv_error(b""), &["no rows", "empty"]);
    check(&csv_error(b"\xef\xbb\xbf\n\n"), &["no rows"]);
    check(&csv_error(b"a,b\n"), &["no rows", "only a header"]);
    check(&error_of(&fixture("no_rows.parquet")), &["no rows"]);
    let folder = tempfile::tempdir().expect("temporary folder");
    check(&error_of(folder.path()), &["no rows", "no PNG or JPEG"]);
    let missing = error_of(&folder.path().join("nothing.csv"));
    check(&missing, &["cannot open"]);
    assert_eq!(missing.hints(), ["Check the path"]);
}

#[test]
fn quotes() {
    check(&csv_error(b"a,b\n1,2\n3,\"4\n5,6\n"), &["row 2 (line 3)", "never closed"]);
    check(&csv_error(b"a,b\n1,\"2\"x\n"), &["row 1 (line 2)", "closing quote"]);
    check(&csv_error(b"a,b\r1,2\r3,4\r"), &["carriage return"]);
}

fn with_types(text: &str, types: &[(&str, ColumnType)]) -> DataError {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("data.csv");
    fs::write(&path, text).expect("written");
    let mut reader = open(&path, &OpenOptions::default()).expect("opens");
    let types = types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    reader.prepare(&ReadPlan { columns: None, types }).expect("prepared");
    read_all_limited(reader.as_mut(), 1000).expect_err("a cell does not fit")
}

#[test]
fn cells_that_do_not_fit() {
    let error = with_types("a,b\n1,2\n3,many\n", &[("b", ColumnType::Float32)]);
    check(&error, &["row 2 (line 3)", "column `b`", "`many` is not a number"]);
    let comma = with_types("a;b\n1;2,5\n", &[("b", ColumnType::Float64)]);
    assert!(comma.hints()[0].contains("decimal points"), "{:?}", comma.hints());
    check(&with_types("a,b\n1,2.5\n", &[("b", ColumnType::Int64)]), &["row 1", "not an integer"]);
}

#[test]
fn a_type_that_changes_late_is_an_error_until_the_whole_file_is_looked_at() {
    let mut text = "id,x\n".to_owned();
    for i in 0..100_000 {
        writeln!(text, "{i},{i}").expect("a String");
    }
    text.push_str("100000,0.5\nlast,7\n");
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("late.csv");
    fs::write(&path, &text).expect("written");
    let read = |infer_bytes: u64| {
        let csv = TextOptions { infer_bytes, ..TextOptions::default() };
        let mut reader = open(&path, &OpenOptions { csv, ..OpenOptions::default() }).expect("opens");
        read_all_limited(reader.as_mut(), usize::MAX)
    };
    let error = read(1 << 16).expect_err("the type changes");
    check(&error, &["row 100001 (line 100002)", "column `x`", "`0.5`", "integers"]);
    assert!(error.hints()[0].contains("--missing"));
    let whole = read(u64::MAX).expect("types fit");
    assert_eq!(whole.num_rows(), 100_002);
    assert_eq!(common::numbers(&whole, "x")[100_000], 0.5);
    assert_eq!(common::texts(&whole, "id")[100_001].as_deref(), Some("last"));
    // By default a file of this size is looked at whole.
    assert_eq!(common::read_path(&path).num_rows(), 100_002);
}

#[test]
fn broken_binary_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, keep) in [
        ("pandas.parquet", 3000),
        ("pandas.feather", 3000),
        ("typed.arrow", 4000),
        ("typed.arrows", 4000),
        ("grid.npy", 200),
        ("packed.npz", 300),
        ("pictures/b.png", 1000),
    ] {
        let bytes = fs::read(fixture(name)).expect("read");
        let path = folder.path().join(name.replace('/', "_"));
        fs::write(&path, &bytes[..keep]).expect("written");
        match open(&path, &OpenOptions::default()).map(|mut r| read_all_limited(r.as_mut(), 1000)) {
            Err(error) | Ok(Err(error)) => check(&error, &["not a whole"]),
            // A picture is only looked at for its size here; its pixels fail in the binding.
            Ok(Ok(_)) => assert_eq!(name, "pictures/b.png"),
        }
    }
    let mut wrong = fs::read(fixture("packed.npz")).expect("read");
    // A bit of the packed data of the first array.
    wrong[90] ^= 0x10;
    let path = folder.path().join("flipped.npz");
    fs::write(&path, &wrong).expect("written");
    check(&error_of(&path), &["not a whole NPZ"]);
}

/// Words of the libraries that read the formats, which mean nothing to people.
const THEIRS: [&str; 8] =
    ["Parser error", "Ipc error", "Parquet error", "Arrow:", "External", "ParseError", "EOF:", "InvalidFlatbuffer"];

#[test]
fn damage_is_told_in_our_words_and_the_parsers_are_the_cause() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut causes = 0;
    for name in ["typed.arrow", "typed.arrows", "pandas.feather", "pandas.parquet", "packed.npz"] {
        let whole = fs::read(fixture(name)).expect("read");
        let path = folder.path().join(name);
        let cut = (1..12).map(|part| whole[..whole.len() * part / 12].to_vec());
        let flipped = (0..whole.len()).step_by(whole.len() / 60 + 1).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            bytes
        });
        for bytes in cut.chain(flipped) {
            fs::write(&path, &bytes).expect("written");
            let read = open(&path, &OpenOptions::default()).and_then(|mut r| read_all_limited(r.as_mut(), 1000));
            let Err(error) = read else { continue };
            let text = error.to_string();
            assert!(!THEIRS.iter().any(|words| text.contains(words)), "{text}");
            assert!(text.ends_with(&path.display().to_string()) && !error.hints().is_empty(), "{text}");
            causes += usize::from(!desk_core::Fault::from(error).details.is_empty());
        }
    }
    assert!(causes > 20, "{causes} told what the parser said");
}

#[test]
fn a_damaged_arrow_file_says_where() {
    let bytes = fs::read(fixture("typed.arrow")).expect("read");
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("cut.arrow");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    let fault = desk_core::Fault::from(error_of(&path));
    assert!(fault.message.contains("not a whole Arrow file: its footer"), "{fault:?}");
    assert!(!fault.details.is_empty() && fault.hints[0].contains("cut off"), "{fault:?}");
}

#[test]
fn what_is_refused() {
    check(&error_of(&fixture("objects.npy")), &["pickle"]);
    check(&error_of(&fixture("scalar.npy")), &["without rows"]);
    check(&error_of(&fixture("ragged.npz")), &["`X` has 4 rows", "`y` has 3"]);
    check(&error_of(&fixture("brotli.parquet")), &["not supported", "Parquet"]);
    check(&error_of(&fixture("bomb.npz")), &["would unpack to", "500 times"]);
    check(&error_of(&fixture("wide.png")), &["100000 x 100000", "limit"]);
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        error_of(&path)
    };
    check(&write("a.csv.gz", &[0x1f, 0x8b, 8, 0, 1, 2]), &["gzip"]);
    check(&write("a.parquet", b"not parquet at all"), &["not a whole Parquet file"]);
    check(&write("a.bin", &[1, 2, 0, 0, 0, 9, 9, 9]), &["unknown binary data"]);
    check(&write("a.jsonl", b"[{\"a\": 1}]\n"), &["JSON array"]);
}

#[test]
fn an_array_that_claims_too_much() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("huge.npy");
    let header = |shape: &str| {
        let mut text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        text.push_str(&" ".repeat(117 - text.len()));
        text.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    for (shape, part) in [
        ("(1000000000000,)", "instead of the 8000000000000"),
        ("(2, 9223372036854775807)", "impossible shape"),
        ("(1, 100000000)", "one row"),
        ("(3, 0)", "no elements"),
    ] {
        fs::write(&path, header(shape)).expect("written");
        check(&error_of(&path), &[part]);
    }
}

#[test]
fn json_lines() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("rows.jsonl");
    let of = |text: &str| {
        fs::write(&path, text).expect("written");
        error_of(&path)
    };
    check(&of("{\"a\": 1}\n{\"a\": \n"), &["row 2 (line 2)", "not valid JSON lines"]);
    check(&of("{\"a\": 1}\n\n3\n"), &["row 2 (line 3)"]);
    check(&of("{\"a\": NaN}\n"), &["row 1"]);
    check(&of("{}\n"), &["no keys"]);
}

#[test]
fn a_record_without_end_does_not_fill_the_memory() {
    let mut text = b"a,b\n1,2\n3,\"".to_vec();
    text.resize(80 << 20, b'x');
    check(&csv_error(&text), &["never closed"]);
}

#[test]
fn a_header_in_another_encoding_is_said_to_be_that() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("latin.csv");
    fs::write(&path, b"a,n\xe4me\n1,2\n").expect("written");
    let error = open(&path, &OpenOptions::default()).map(|_| ()).expect_err("no UTF-8");
    check(&error, &["not UTF-8", "byte 3", "line 1", "Latin-1"]);
}
