//! Tables meet signatures: which column feeds which input, and what the tensors hold.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use common::{any, fixed, fixture, input, numbers, read, sample, signature};
use desk_core::{Diagnose as _, Dim, ElementType, Signature, Tensor, TensorData};
use desk_data::{
    BindOptions, Binding, DataError, Fill, FillValue, Gaps, How, OpenOptions, fixed_chunks, open, read_all_limited,
};
use tempfile::TempDir;

const FLOAT: ElementType = ElementType::Float32;

struct Csv {
    _folder: TempDir,
    path: PathBuf,
}

fn csv(text: &str) -> Csv {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("data.csv");
    fs::write(&path, text).expect("written");
    Csv { _folder: folder, path }
}

/// Binds a CSV text as the product does: plan, prepare, read, tensors.
fn bind(
    text: &str,
    model: &Signature,
    options: &BindOptions,
) -> Result<(Binding, Vec<Tensor>, RecordBatch), DataError> {
    let file = csv(text);
    let mut reader = open(&file.path, &OpenOptions::default())?;
    let binding = Binding::plan(model, &reader.schema(), options)?;
    reader.prepare(&binding.read_plan(&[]))?;
    let batch = read_all_limited(reader.as_mut(), 1000)?;
    let tensors = binding.tensors(&batch, 0).map_err(|e| e.with_line(|row| reader.line_of(row)))?;
    Ok((binding, tensors.into_iter().map(|t| t.tensor).collect(), batch))
}

#[track_caller]
fn check(text: &str, model: &Signature, options: &BindOptions, how: &[How], columns: &[&[&str]]) -> Vec<Tensor> {
    let (binding, tensors, _) = bind(text, model, options).expect("it binds");
    let found: Vec<How> = binding.report().inputs.iter().map(|i| i.how).collect();
    assert_eq!(found, how);
    let found: Vec<Vec<String>> = binding.report().inputs.iter().map(|i| i.columns.clone()).collect();
    assert_eq!(found, columns);
    tensors
}

#[track_caller]
fn check_error(text: &str, model: &Signature, options: &BindOptions, parts: &[&str]) {
    let error = bind(text, model, options).map(|_| ()).expect_err("it does not bind");
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    assert!(!error.hints().is_empty() || matches!(error, DataError::Input { .. }), "no hint: {message}");
}

fn features(names: &[&str]) -> BindOptions {
    BindOptions { feature_names: Some(names.iter().map(|n| (*n).to_owned()).collect()), ..BindOptions::default() }
}

fn target(name: &str) -> BindOptions {
    BindOptions { target: Some(name.into()), ..BindOptions::default() }
}

#[test]
fn one_tensor_from_columns() {
    let model = signature(vec![input("X", FLOAT, &[any(), fixed(3)])]);
    let text = "c,y,a,note,b\n3,1,1.5,n,2\n6,0,4,n,NA\n";
    let options = BindOptions { target: Some("y".into()), ..features(&["a", "b", "c"]) };
    let tensors = check(text, &model, &options, &[How::FeatureNames], &[&["a", "b", "c"]]);
    assert_eq!(tensors[0].shape, [2, 3]);
    let TensorData::Float32(values) = &tensors[0].data else { panic!("another type") };
    assert_eq!(values[..4], [1.5, 2.0, 3.0, 4.0]);
    assert!(values[4].is_nan());
    assert_eq!(values[5], 6.0);
    // Without names the columns go by position, the target left out.
    check(text, &model, &target("y"), &[How::Position], &[&["c", "a", "b"]]);
    check_error(text, &model, &BindOptions::default(), &["wants 3 number columns, the data has 4", "`note`"]);
}

#[test]
fn missing_and_extra_features_are_named() {
    let model = signature(vec![input("X", FLOAT, &[any(), fixed(3)])]);
    check_error("a,b,d\n1,2,3\n", &model, &features(&["a", "b", "c"]), &["missing: `c`", "not needed: `d`"]);
    // None of the names: the file has no header of its own.
    let (binding, ..) = bind("1,2,3\n4,5,6\n", &model, &features(&["a", "b", "c"])).expect("by position");
    assert_eq!(binding.report().inputs[0].how, How::Position);
    assert!(binding.report().warnings[0].contains("position"), "{:?}", binding.report().warnings);
    // Other spelling of the same names.
    check("A,b_1,c c\n1,2,3\n", &model, &features(&["a", "b 1", "c_c"]), &[How::FeatureNames], &[&["A", "b_1", "c c"]]);
}

#[test]
fn one_input_for_each_column() {
    let model = signature(vec![
        input("age", ElementType::Int64, &[any(), fixed(1)]),
        input("city", ElementType::String, &[any(), fixed(1)]),
        input("income", FLOAT, &[any()]),
    ]);
    let text = "city,income,age,extra\n007,1.5,30.0,x\nParis,2,40,y\n";
    let by_name = [How::Name, How::Name, How::Name];
    let tensors = check(text, &model, &BindOptions::default(), &by_name, &[&["age"], &["city"], &["income"]]);
    assert_eq!(tensors[0], Tensor { shape: vec![2, 1], data: TensorData::Int64(vec![30, 40]) });
    assert_eq!(tensors[1].data, TensorData::String(vec!["007".into(), "Paris".into()]));
    assert_eq!(tensors[2], Tensor { shape: vec![2], data: TensorData::Float32(vec![1.5, 2.0]) });
    let (binding, ..) = bind(text, &model, &BindOptions::default()).expect("binds");
    assert_eq!(binding.report().unused, ["extra"]);
    check_error("city,income\nx,1\n", &model, &BindOptions::default(), &["1 of the model's 3 inputs", "`age`"]);
    // No name in common: by position when the number is right.
    check("p,q,r\n1,x,2\n", &model, &BindOptions::default(), &[How::Position; 3], &[&["p"], &["q"], &["r"]]);
    check_error("p,q,r\nx,1,2\n", &model, &BindOptions::default(), &["column `p` holds text", "row 1: x"]);
}

#[test]
fn numbers_as_categories_are_read_as_they_are_written() {
    let model = signature(vec![input("code", ElementType::String, &[any(), fixed(1)])]);
    let tensors = check("code\n1.50\n2\n", &model, &BindOptions::default(), &[How::Name], &[&["code"]]);
    assert_eq!(tensors[0].data, TensorData::String(vec!["1.50".into(), "2".into()]));
}

#[test]
fn cells_that_do_not_fit_are_named() {
    let int = signature(vec![input("n", ElementType::Int64, &[any(), fixed(1)])]);
    check_error("n\n1\n2.5\n", &int, &BindOptions::default(), &["row 2 (line 3)", "`n`", "`2.5` is not an integer"]);
    check_error("n,m\n1,1\nNA,2\n", &int, &BindOptions::default(), &["row 2 (line 3)", "missing", "int64"]);
    let byte = signature(vec![input("n", ElementType::Uint8, &[any(), fixed(1)])]);
    check_error("n\n256\n", &byte, &BindOptions::default(), &["row 1", "from 0 to 255"]);
    let float = signature(vec![input("n", FLOAT, &[any(), fixed(1)])]);
    check_error("n\n1\nabc\n", &float, &BindOptions::default(), &["row 2 (line 3)", "`abc` is not a number"]);
    let text = signature(vec![input("n", ElementType::String, &[any(), fixed(1)])]);
    check_error("n,m\nx,1\n,2\n", &text, &BindOptions::default(), &["row 2 (line 3)", "missing"]);
    // One cell with a decimal point, and the whole column is read with float64's digits.
    check_error("n\n9007199254740993\n5.0\n", &int, &BindOptions::default(), &["row 1", "to the last digit"]);
    let flag = signature(vec![input("n", ElementType::Bool, &[any(), fixed(1)])]);
    check_error("n\n2\n", &flag, &BindOptions::default(), &["0 or 1"]);
}

#[test]
fn fills_stand_for_missing_cells() {
    let model = signature(vec![
        input("a", ElementType::Int64, &[any(), fixed(1)]),
        input("b", FLOAT, &[any(), fixed(1)]),
        input("c", ElementType::String, &[any(), fixed(1)]),
    ]);
    let columns = BTreeMap::from([("b".to_owned(), FillValue::Number(0.5))]);
    let fill = Fill { columns, numbers: Some(-1.0), texts: Some("none".into()) };
    let options = BindOptions { fill, ..BindOptions::default() };
    let (binding, tensors, batch) = bind("a,b,c\n1,NA,x\nNA,2,NA\n", &model, &options).expect("binds");
    assert_eq!(tensors[0].data, TensorData::Int64(vec![1, -1]));
    assert_eq!(tensors[1].data, TensorData::Float32(vec![0.5, 2.0]));
    assert_eq!(tensors[2].data, TensorData::String(vec!["x".into(), "none".into()]));
    assert!(binding.missing(&batch).is_empty(), "filled cells are not missing");
    let model = signature(vec![input("b", FLOAT, &[any(), fixed(1)])]);
    let (binding, _, batch) = bind("b\nNA\n2\n", &model, &BindOptions::default()).expect("binds");
    assert_eq!(binding.missing(&batch), [("b".to_owned(), 1)]);
}

/// What stands for missing cells, as it is typed.
fn typed(fill: &[(&str, &str)]) -> BindOptions {
    let columns = fill.iter().map(|(column, value)| ((*column).to_owned(), FillValue::Text((*value).to_owned())));
    BindOptions { fill: Fill { columns: columns.collect(), ..Fill::default() }, ..BindOptions::default() }
}

#[test]
fn a_typed_fill_is_what_its_input_takes_and_counted() {
    let model = signature(vec![
        input("a", ElementType::Int64, &[any(), fixed(1)]),
        input("b", FLOAT, &[any(), fixed(1)]),
        input("c", ElementType::String, &[any(), fixed(1)]),
    ]);
    let text = "a,b,c\n1,NA,x\nNA,2,NA\n3,NA,NA\n";
    let (binding, tensors, batch) =
        bind(text, &model, &typed(&[("a", " 7 "), ("b", "0.5"), ("c", "7")])).expect("binds");
    assert_eq!(tensors[0].data, TensorData::Int64(vec![1, 7, 3]));
    assert_eq!(tensors[1].data, TensorData::Float32(vec![0.5, 2.0, 0.5]));
    assert_eq!(tensors[2].data, TensorData::String(vec!["x".into(), "7".into(), "7".into()]));
    assert_eq!(binding.filled(&batch), [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 2)]);
    let exact = bind(text, &model, &typed(&[("a", "9007199254740993"), ("c", "x")])).expect("binds").1;
    assert_eq!(exact[0].data, TensorData::Int64(vec![1, 9_007_199_254_740_993, 3]), "to the last digit");
    check_error(text, &model, &typed(&[("a", "0.5")]), &["`0.5`", "whole numbers from -9223372036854775808"]);
    let small = signature(vec![input("a", ElementType::Uint8, &[any(), fixed(1)])]);
    check_error("a\n1\nNA\n", &small, &typed(&[("a", "256")]), &["`256`", "whole numbers from 0 to 255"]);
    let flag = signature(vec![input("f", ElementType::Bool, &[any(), fixed(1)])]);
    let set = bind("f\ntrue\nNA\n", &flag, &typed(&[("f", "True")])).expect("binds").1;
    assert_eq!(set[0].data, TensorData::Bool(vec![true, true]));
    check_error(text, &model, &typed(&[("a", "north")]), &["`north`", "column `a`", "takes whole numbers"]);
    check_error(text, &model, &typed(&[("b", "inf")]), &["`inf`", "takes numbers"]);
    check_error(text, &model, &typed(&[("z", "1")]), &["no column `z`"]);
    let spare = "a,b,c,d\n1,1,x,2\n";
    check_error(spare, &model, &typed(&[("d", "1")]), &["`d` feeds no input"]);
}

#[test]
fn gaps_are_counted_by_row_and_column() {
    let model = signature(vec![
        input("a", ElementType::Int64, &[any(), fixed(1)]),
        input("b", FLOAT, &[any(), fixed(1)]),
        input("c", ElementType::String, &[any(), fixed(1)]),
    ]);
    let text = "a,b,c\n1,NA,x\nNA,2,NA\n3,NA,NA\n4,1,y\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gaps.csv");
    std::fs::write(&path, text).expect("written");
    let mut reader = open(&path, &OpenOptions::default()).expect("opens");
    let plan = |options: &BindOptions| Binding::plan(&model, &reader.schema(), options).expect("binds");
    let (plain, partly) = (plan(&BindOptions::default()), plan(&typed(&[("c", "z")])));
    let batch = read_all_limited(reader.as_mut(), 100).expect("reads");
    let count = |binding: &Binding| {
        let mut gaps = Gaps::default();
        binding.count_gaps(&batch, &mut gaps);
        gaps.said()
    };
    assert_eq!(count(&plain), "2 of 4 rows lack a value (`c` 2, `a` 1)", "a float input takes what is missing");
    assert_eq!(count(&partly), "1 of 4 rows lacks a value (`a` 1)");
}

#[test]
fn a_mapping_and_a_default_come_first() {
    let model = signature(vec![input("X", FLOAT, &[any(), fixed(2)]), input("rate", FLOAT, &[any(), fixed(1)])]);
    let options = BindOptions {
        mapping: Some(BTreeMap::from([("X".into(), vec!["q".into(), "p".into()])])),
        defaults: BTreeMap::from([("rate".into(), FillValue::Number(0.25))]),
        ..BindOptions::default()
    };
    let tensors = check("p,q\n1,2\n3,4\n", &model, &options, &[How::Mapping, How::Default], &[&["q", "p"], &[]]);
    assert_eq!(tensors[0].data, TensorData::Float32(vec![2.0, 1.0, 4.0, 3.0]));
    assert_eq!(tensors[1], Tensor { shape: vec![2, 1], data: TensorData::Float32(vec![0.25; 2]) });
    let wrong = |input: &str, columns: &[&str]| BindOptions {
        mapping: Some(BTreeMap::from([(input.into(), columns.iter().map(|c| (*c).into()).collect())])),
        ..BindOptions::default()
    };
    let message =
        |options: &BindOptions| bind("p,q\n1,2\n", &model, options).map(|_| ()).expect_err("wrong").to_string();
    assert!(message(&wrong("Z", &["p"])).contains("no input `Z`"));
    assert!(message(&wrong("X", &["p", "z"])).contains("no column `z`"));
    assert!(message(&wrong("X", &["p"])).contains("wants 2 values"));
}

#[test]
fn the_target_is_left_out_and_read() {
    let model = signature(vec![input("X", FLOAT, &[any(), fixed(1)])]);
    let (binding, _, batch) = bind("x,y\n1,2.0\n2,NA\n", &model, &target("y")).expect("binds");
    let truth = binding.truths(&batch).expect("read").remove(0);
    assert_eq!(truth.labels, [Some("2".to_owned()), None]);
    assert!(truth.numbers.expect("numbers")[1].is_nan());
    let hint = BindOptions { target_hint: Some("gone".into()), ..BindOptions::default() };
    let (binding, ..) = bind("x\n1\n", &model, &hint).expect("binds");
    assert_eq!(binding.target_column(), None);
    check_error("x\n1\n", &model, &target("gone"), &["no column `gone`", "`x`"]);
}

#[test]
fn fixed_batches_and_scalars() {
    let model = signature(vec![input("X", FLOAT, &[fixed(2), fixed(1)])]);
    let file = csv("x\n1\n2\n3\n");
    let mut reader = open(&file.path, &OpenOptions::default()).expect("opens");
    let binding = Binding::plan(&model, &reader.schema(), &BindOptions::default()).expect("binds");
    assert_eq!(binding.fixed_batch(), Some(2));
    let batch = read_all_limited(reader.as_mut(), 10).expect("reads");
    let chunks = fixed_chunks(&binding.tensors(&batch, 0).expect("tensors"), 2);
    assert_eq!(chunks.iter().map(|c| c.1).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(chunks[1].0[0].tensor, Tensor { shape: vec![2, 1], data: TensorData::Float32(vec![3.0, 3.0]) });
    let scalar = signature(vec![input("x", FLOAT, &[any(), fixed(1)]), input("k", ElementType::Int64, &[])]);
    check_error("x\n1\n", &scalar, &BindOptions::default(), &["input `k`", "single value"]);
    let options =
        BindOptions { defaults: BTreeMap::from([("k".into(), FillValue::Number(3.0))]), ..BindOptions::default() };
    let (_, tensors, _) = bind("x\n1\n2\n", &scalar, &options).expect("binds");
    assert_eq!(tensors[1], Tensor { shape: vec![], data: TensorData::Int64(vec![3]) });
}

#[test]
fn arrays_become_tensors_as_they_are() {
    let plan = |name: &str, dims: &[Dim], element| {
        let table = read(name);
        let model = signature(vec![input("X", element, dims)]);
        let binding = Binding::plan(&model, &table.schema(), &BindOptions::default())?;
        let tensor = binding.tensors(&table, 0)?.remove(0).tensor;
        Ok::<_, DataError>((binding.report().inputs[0].how, tensor))
    };
    let (how, tensor) = plan("grid.npy", &[any(), fixed(6)], FLOAT).expect("binds");
    assert_eq!((how, tensor.shape), (How::Tensor, vec![4, 6]));
    let (_, tensor) = plan("fortran.npy", &[any(), Dim::Unknown], FLOAT).expect("binds");
    assert_eq!(tensor.data, TensorData::Float32((0..24).map(|i| i as f32).collect()));
    let (_, tensor) = plan("cube.npy", &[any(), Dim::Unknown, Dim::Unknown], ElementType::Uint8).expect("binds");
    assert_eq!(tensor.shape, [2, 3, 4]);
    // A flat array is given the shape that the model wants.
    let (_, tensor) = plan("grid.npy", &[any(), fixed(1), fixed(2), fixed(3)], FLOAT).expect("binds");
    assert_eq!(tensor.shape, [4, 1, 2, 3]);
    assert!(plan("cube.npy", &[any(), fixed(4), fixed(3)], FLOAT).is_err(), "turned round");
    let message = plan("grid.npy", &[any(), fixed(5)], FLOAT).expect_err("too wide").to_string();
    assert!(message.contains("wants 5 values in a row, array `grid` has 6"), "{message}");
    let (_, tensor) = plan("arrays.npz", &[any(), fixed(6)], FLOAT).expect("binds");
    assert_eq!(tensor.shape, [4, 6]);
}

fn digits() -> Signature {
    signature(vec![input("image", FLOAT, &[any(), fixed(1), fixed(8), fixed(8)])])
}

#[test]
fn the_digits_sample_gives_the_same_from_pictures_and_from_arrays() {
    let metadata = [("image_mode", "L"), ("image_scale", "1/255"), ("image_layout", "NCHW"), ("target", "label")];
    let metadata: Vec<_> = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let options = BindOptions::from_metadata(&metadata);
    let tensors = |name: &str| {
        let mut reader = open(&sample(name), &OpenOptions::default()).expect("opens");
        let binding = Binding::plan(&digits(), &reader.schema(), &options).expect("binds");
        reader.prepare(&binding.read_plan(&[])).expect("prepared");
        let batch = reader.next_batch(20).expect("reads").expect("rows");
        let truth = binding.truths(&batch).expect("read").remove(0);
        let how = binding.report().inputs[0].how;
        (how, binding.tensors(&batch, 0).expect("tensors").remove(0).tensor, truth.labels)
    };
    let (from_pictures, from_arrays) = (tensors("digits/images"), tensors("digits/heldout.npz"));
    assert_eq!((from_pictures.0, from_arrays.0), (How::Image, How::Tensor));
    assert_eq!(from_pictures.1, from_arrays.1);
    assert_eq!(from_pictures.2, from_arrays.2);
}

#[test]
fn pictures_are_resized_as_pillow_does_it() {
    let table = read("pictures");
    let row = table.slice(1, 1);
    let tensor = |dims: &[Dim], element| {
        let model = signature(vec![input("x", element, dims)]);
        let binding = Binding::plan(&model, &table.schema(), &BindOptions::default()).expect("binds");
        (binding.report().clone(), binding.tensors(&row, 0).expect("tensors").remove(0).tensor)
    };
    let pillow: Vec<f64> = {
        let array = read("b_8x6_rgb.npy");
        let model = signature(vec![input("x", ElementType::Uint8, &[any(), fixed(8), fixed(3)])]);
        let binding = Binding::plan(&model, &array.schema(), &BindOptions::default()).expect("binds");
        binding.tensors(&array, 0).expect("tensors")[0].tensor.data.to_f64().expect("numbers")
    };
    let (report, small) = tensor(&[any(), fixed(6), fixed(8), fixed(3)], ElementType::Uint8);
    assert_eq!(small.shape, [1, 6, 8, 3]);
    let worst =
        small.data.to_f64().expect("numbers").iter().zip(&pillow).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= 1.0, "off by {worst} grey levels");
    assert_eq!(report.inputs[0].image.as_ref().map(|i| i.scale), Some(1.0));
    let (report, scaled) = tensor(&[any(), fixed(3), Dim::Unknown, Dim::Unknown], FLOAT);
    assert_eq!(scaled.shape, [1, 3, 48, 40], "its own size");
    assert!(scaled.data.to_f64().expect("numbers").iter().all(|x| (0.0..=1.0).contains(x)));
    assert!(report.warnings.iter().any(|w| w.contains("scaled to 0 to 1")), "{:?}", report.warnings);
    let (_, gray) = tensor(&[any(), Dim::Unknown, Dim::Unknown], ElementType::Uint8);
    let luma = read("b_luma.npy");
    let width = luma.column(0).len();
    assert_eq!(gray.shape, [1, 48, 40]);
    let model = signature(vec![input("x", ElementType::Uint8, &[any(), fixed(40)])]);
    let pillow = Binding::plan(&model, &luma.schema(), &BindOptions::default()).expect("binds");
    assert_eq!((gray.data, width), (pillow.tensors(&luma, 0).expect("tensors").remove(0).tensor.data, 48));
}

#[test]
fn a_broken_picture_is_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::copy(fixture("pictures/b.png"), folder.path().join("a.png")).expect("copied");
    let bytes = fs::read(fixture("pictures/b.png")).expect("read");
    fs::write(folder.path().join("b.png"), &bytes[..2000]).expect("written");
    let mut reader = open(folder.path(), &OpenOptions::default()).expect("opens");
    let model = signature(vec![input("x", FLOAT, &[any(), fixed(3), fixed(4), fixed(4)])]);
    let binding = Binding::plan(&model, &reader.schema(), &BindOptions::default()).expect("binds");
    let batch = reader.next_batch(10).expect("reads").expect("rows");
    let message = binding.tensors(&batch, 0).expect_err("broken").to_string();
    assert!(message.contains("`b.png`") && message.contains("row 2"), "{message}");
}

#[test]
fn the_samples_bind_by_their_metadata() {
    let names = ["island", "sex", "bill_depth_mm", "flipper_length_mm", "body_mass_g"];
    let inputs = names
        .iter()
        .enumerate()
        .map(|(i, name)| input(name, if i < 2 { ElementType::String } else { FLOAT }, &[any(), fixed(1)]));
    let options = BindOptions { target_hint: Some("species".into()), ..features(&names) };
    let text = fs::read_to_string(sample("penguins/heldout.csv")).expect("the sample");
    let (binding, tensors, batch) = bind(&text, &signature(inputs.collect()), &options).expect("binds");
    assert!(binding.report().inputs.iter().all(|i| i.how == How::Name));
    assert!(binding.report().warnings.is_empty() && binding.report().unused.is_empty());
    assert_eq!(binding.target_column(), Some("species"));
    assert_eq!(tensors[4].data.to_f64().expect("numbers").len(), batch.num_rows());
    let text = fs::read_to_string(sample("tumour/heldout.csv")).expect("the sample");
    let columns: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
    let (label, names) = columns.split_last().expect("columns");
    let model = signature(vec![input("X", FLOAT, &[any(), fixed(30)])]);
    let options = BindOptions { target_hint: Some((*label).into()), ..features(names) };
    let (binding, tensors, batch) = bind(&text, &model, &options).expect("binds");
    assert_eq!(binding.report().inputs[0].how, How::FeatureNames);
    let column = numbers(&batch, names[7]);
    let TensorData::Float32(values) = &tensors[0].data else { panic!("another type") };
    assert!(values.iter().skip(7).step_by(30).zip(&column).all(|(a, b)| f64::from(*a) == *b));
}

#[test]
fn what_no_table_can_feed() {
    let sequence = desk_core::ValueInfo {
        name: "s".into(),
        value_type: desk_core::ValueType::Sequence {
            item: Box::new(desk_core::ValueType::Tensor { element: FLOAT, shape: None }),
        },
    };
    check_error("a\n1\n", &signature(vec![sequence]), &BindOptions::default(), &["input `s`", "sequence"]);
    let complex = signature(vec![input("c", ElementType::Complex64, &[any(), fixed(1)])]);
    check_error("c\n1\n", &complex, &BindOptions::default(), &["complex64"]);
    let picture = signature(vec![input("p", FLOAT, &[any(), fixed(3), fixed(4), fixed(4)])]);
    check_error("a\n1\n", &picture, &BindOptions::default(), &["no column holds pictures"]);
}

#[test]
fn a_list_that_does_not_fit_is_named() {
    use arrow::array::{Float32Array, ListArray};
    use arrow::datatypes::Float32Type;
    let lists =
        |rows: Vec<Vec<Option<f32>>>| ListArray::from_iter_primitive::<Float32Type, _, _>(rows.into_iter().map(Some));
    let model = signature(vec![input("X", FLOAT, &[any(), fixed(3)])]);
    let bound = |columns: Vec<(&str, arrow::array::ArrayRef)>| {
        let batch = arrow::record_batch::RecordBatch::try_from_iter(columns).expect("valid");
        let binding = Binding::plan(&model, &batch.schema(), &BindOptions::default())?;
        binding.tensors(&batch, 0).map(|_| binding.missing(&batch))
    };
    let short = std::sync::Arc::new(lists(vec![vec![Some(1.0), Some(2.0)]]));
    let error = bound(vec![("id", std::sync::Arc::new(Float32Array::from(vec![1.0]))), ("emb", short.clone())]);
    let error = error.expect_err("too short").to_string();
    assert!(error.contains("`emb` holds lists of 2 values"), "{error}");
    let error = bound(vec![("one", short.clone()), ("two", short)]).expect_err("two").to_string();
    assert!(error.contains("`one`, `two`") && error.contains("--map X=COL"), "{error}");
    let gap = std::sync::Arc::new(lists(vec![vec![Some(1.0), None, Some(2.0)]]));
    assert_eq!(bound(vec![("emb", gap)]).expect("binds"), [("emb".to_owned(), 1)]);
}
