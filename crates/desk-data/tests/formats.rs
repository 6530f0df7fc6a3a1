//! The same table from every format, as pandas, pyarrow and numpy wrote it.

mod common;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Float32Type};
use common::{assert_same, fixture, numbers, open_fixture, read, texts};
use desk_core::{Cancel, NoProgress};
use desk_data::{Format, OpenOptions, Profile, ReadPlan, open, read_rows};

#[test]
fn one_table_in_many_formats() {
    let parquet = read("pandas.parquet");
    assert_eq!(parquet.num_rows(), 50);
    for name in ["pandas.csv", "crlf_semicolon.csv", "pandas.jsonl", "pandas.feather", "gzip.parquet", "typed.arrows"] {
        let table = read(name);
        assert_same(&numbers(&table, "age"), &numbers(&parquet, "age"));
        assert_same(&numbers(&table, "income"), &numbers(&parquet, "income"));
        assert_eq!(texts(&table, "city"), texts(&parquet, "city"), "{name}");
        assert_eq!(texts(&table, "member"), texts(&parquet, "member"), "{name}");
        let as_f32 = |x: Vec<f64>| x.into_iter().map(|x| x as f32).collect::<Vec<_>>();
        let scores = as_f32(numbers(&table, "score"));
        // JSON lines of pandas hold ten digits, which float32 needs less than.
        assert_eq!(scores, as_f32(numbers(&parquet, "score")), "{name}");
    }
    assert_eq!(texts(&parquet, "city")[7], None);
    assert!(numbers(&parquet, "income")[3].is_nan());
    assert!(texts(&parquet, "city").contains(&Some("say \"hi\"".into())));
}

#[test]
fn types_of_csv_columns() {
    let schema = open_fixture("pandas.csv").schema();
    let types: Vec<&DataType> = schema.fields().iter().map(|f| f.data_type()).collect();
    let expect = [&DataType::Int64, &DataType::Float64, &DataType::Utf8, &DataType::Boolean, &DataType::Float64];
    assert_eq!(types, expect);
}

#[test]
fn rows_are_known_before_reading_where_the_format_says() {
    for (name, rows) in [
        ("pandas.parquet", Some(50)),
        ("typed.arrow", Some(50)),
        ("grid.npy", Some(4)),
        ("arrays.npz", Some(4)),
        ("typed.arrows", None),
        ("pictures", Some(3)),
    ] {
        assert_eq!(open_fixture(name).row_count(), rows, "{name}");
    }
    let mut csv = open_fixture("pandas.csv");
    assert_eq!(csv.row_count(), None);
    let estimate = csv.row_estimate().expect("an estimate");
    assert!((40..60).contains(&estimate), "{estimate}");
    while csv.next_batch(7).expect("reads").is_some() {}
    assert_eq!((csv.row_count(), csv.bytes_read()), (Some(50), csv.bytes_total().expect("known")));
}

#[test]
fn batches_have_the_size_that_was_asked_for() {
    for name in ["pandas.csv", "pandas.parquet", "typed.parquet", "typed.arrow", "typed.arrows", "pandas.jsonl"] {
        let mut reader = open_fixture(name);
        let mut sizes = Vec::new();
        while let Some(batch) = reader.next_batch(16).expect("reads") {
            sizes.push(batch.num_rows());
        }
        assert_eq!(sizes, [16, 16, 16, 2], "{name}");
    }
}

#[test]
fn other_types_become_the_few_that_tables_have() {
    for name in ["typed.parquet", "typed.arrow"] {
        let table = read(name);
        assert_eq!(texts(&table, "day")[1].as_deref(), Some("2024-01-02"), "{name}");
        assert_eq!(table.column_by_name("kind").expect("kind").data_type().to_string(), "Dictionary(Int32, Utf8)");
        assert_eq!(texts(&table, "kind")[..2], [Some("a".into()), Some("b".into())]);
        assert_eq!(numbers(&table, "price")[3], 0.75);
        let vectors = table.column_by_name("vector").expect("vector").as_fixed_size_list();
        assert_eq!(vectors.value(2).as_primitive::<Float32Type>().values()[..], [2.0, -2.0]);
    }
}

#[test]
fn a_plan_reads_less() {
    for name in ["pandas.csv", "pandas.parquet", "typed.arrow", "typed.arrows", "pandas.jsonl"] {
        let mut reader = open_fixture(name);
        let plan = ReadPlan { columns: Some(vec!["score".into(), "age".into()]), ..ReadPlan::default() };
        reader.prepare(&plan).expect("prepared");
        let batch = reader.next_batch(100).expect("reads").expect("rows");
        let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["age", "score"], "{name}");
        assert_same(&numbers(&batch, "age"), &numbers(&read(name), "age"));
        assert!(reader.prepare(&plan).is_err(), "{name}: too late");
    }
    let plan = ReadPlan { columns: Some(vec!["nothing".into()]), ..ReadPlan::default() };
    let error = open_fixture("pandas.csv").prepare(&plan).expect_err("no such column");
    assert!(error.to_string().contains("`nothing`"), "{error}");
}

#[test]
fn numpy_arrays() {
    let grid = read("grid.npy");
    let lists = grid.column(0).as_fixed_size_list();
    assert_eq!((lists.len(), lists.value_length()), (4, 6));
    assert_eq!(lists.value(1).as_primitive::<Float32Type>().values()[..2], [6.0, 7.0]);
    let mut fortran = open_fixture("fortran.npy");
    let first = fortran.next_batch(3).expect("reads").expect("rows");
    let second = fortran.next_batch(3).expect("reads").expect("rows");
    let row = |batch: &arrow::array::RecordBatch, i: usize| {
        batch.column(0).as_fixed_size_list().value(i).as_primitive::<arrow::datatypes::Float64Type>().values().to_vec()
    };
    assert_eq!(row(&first, 2), [12.0, 13.0, 14.0, 15.0, 16.0, 17.0]);
    assert_eq!((second.num_rows(), row(&second, 0)[5]), (1, 23.0));
    assert_eq!(numbers(&read("line.npy"), "line"), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(numbers(&read("big_endian.npy"), "big_endian"), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(texts(&read("text.npy"), "text")[1].as_deref(), Some("ü"));
    let cube = open_fixture("cube.npy").schema();
    assert_eq!(cube.field(0).metadata()[desk_data::table::META_ROW_SHAPE], "3,4");
}

#[test]
fn npz_arrays_side_by_side() {
    let plain = read("arrays.npz");
    assert_eq!(numbers(&plain, "y"), [0.0, 1.0, 1.0, 0.0]);
    let packed = read("packed.npz");
    assert_eq!(packed.column_by_name("X").expect("X"), plain.column_by_name("X").expect("X"));
    assert_eq!(texts(&packed, "y")[1].as_deref(), Some("false"));
}

#[test]
fn a_folder_of_pictures_with_labels() {
    let table = read("pictures");
    let names: Vec<Option<String>> = ["a.png", "b.png", "c.JPG"].iter().map(|s| Some((*s).to_owned())).collect();
    assert_eq!(texts(&table, "file"), names);
    assert_same(&numbers(&table, "label"), &[3.0, f64::NAN, 7.0]);
    let one = open(&fixture("pictures/b.png"), &OpenOptions::default()).expect("opens");
    assert_eq!(one.row_count(), Some(1));
}

#[test]
fn formats_are_told_by_content_before_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let misnamed = folder.path().join("table.csv");
    std::fs::copy(fixture("pandas.parquet"), &misnamed).expect("copied");
    assert_eq!(Format::detect(&misnamed).expect("known"), Format::Parquet);
    let unnamed = folder.path().join("rows");
    std::fs::write(&unnamed, "{\"a\": 1}\n").expect("written");
    assert_eq!(Format::detect(&unnamed).expect("known"), Format::Jsonl);
    assert_eq!("ndjson".parse::<Format>(), Ok(Format::Jsonl));
    assert!("xlsx".parse::<Format>().is_err());
}

#[test]
fn a_range_of_rows() {
    for name in ["pandas.csv", "pandas.parquet"] {
        let part = read_rows(open_fixture(name).as_mut(), 10, 13).expect("reads");
        assert_same(&numbers(&part, "age"), &numbers(&read(name), "age")[10..13]);
        assert_eq!(read_rows(open_fixture(name).as_mut(), 60, 70).expect("reads").num_rows(), 0);
    }
}

#[test]
fn profile_of_a_table() {
    let profile = Profile::of(open_fixture("pandas.csv").as_mut(), &Cancel::new(), &NoProgress).expect("profiled");
    let column = |name: &str| profile.columns.iter().find(|c| c.name == name).expect("the column").clone();
    let income = column("income");
    let values: Vec<f64> = numbers(&read("pandas.csv"), "income").into_iter().filter(|x| !x.is_nan()).collect();
    let mean = values.iter().sum::<f64>() / 49.0;
    let std = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 48.0).sqrt();
    assert_eq!((profile.rows, income.missing, values.len()), (50, 1, 49));
    assert!((income.mean.expect("mean") - mean).abs() < 1e-8 && (income.std.expect("std") - std).abs() < 1e-8);
    assert_eq!(income.max, values.iter().copied().reduce(f64::max));
    let city = column("city");
    assert_eq!((city.missing, city.distinct, city.top.len()), (1, Some(4), 4));
    assert_eq!(city.top.iter().map(|t| t.1).sum::<u64>(), 49);
    assert!(column("member").top.iter().all(|t| t.0 == "true" || t.0 == "false"));
    let cancelled = Cancel::new();
    cancelled.cancel();
    assert!(Profile::of(open_fixture("pandas.csv").as_mut(), &cancelled, &NoProgress).is_err());
}
