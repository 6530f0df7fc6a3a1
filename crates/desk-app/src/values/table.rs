//! Values as a Parquet table: one line for each row, output and feature.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use desk_core::Fault;
use desk_data::{Format, TableWriter};

use crate::outcome::Explained;

/// Explained rows that go into one batch.
const ROWS: usize = 256;

/// Writes the table; how it was made is in the schema's metadata.
pub fn write(answer: &Explained, path: &Path) -> Result<(), Fault> {
    let schema = schema(answer);
    let mut writer = TableWriter::create(path, Format::Parquet, Arc::clone(&schema))?;
    let rows = answer.row_numbers.len();
    for from in (0..rows).step_by(ROWS) {
        writer.write(&batch(answer, &schema, from, rows.min(from + ROWS))?)?;
    }
    writer.finish()?;
    Ok(())
}

fn schema(answer: &Explained) -> SchemaRef {
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    let mut fields = vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("output", DataType::Utf8, false),
        Field::new("feature", DataType::Utf8, false),
        Field::new("cell", DataType::Utf8, true),
        number("number"),
        number("value"),
    ];
    if answer.std_error.is_some() {
        fields.push(number("std_error"));
    }
    fields.extend([number("base_value"), number("prediction")]);
    if answer.lime.is_some() {
        fields.extend([number("intercept"), number("local_prediction")]);
    }
    let facts = [
        ("version", answer.version.clone()),
        ("model_digest", answer.model_digest.to_string()),
        ("method", answer.method.clone()),
        ("space", answer.space.clone()),
        ("seed", answer.seed.to_string()),
        ("background", answer.background.clone()),
        ("background_digest", answer.background_digest.to_string()),
        ("digest", answer.digest.to_string()),
        ("run", answer.run.clone()),
    ];
    let metadata: HashMap<String, String> =
        facts.into_iter().map(|(key, value)| (format!("modeldesk.{key}"), value)).collect();
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

fn batch(a: &Explained, schema: &SchemaRef, from: usize, to: usize) -> Result<RecordBatch, Fault> {
    let (features, outputs) = (a.feature_names.len(), a.output_names.len());
    let lines = || (from..to).flat_map(move |r| (0..outputs).flat_map(move |o| (0..features).map(move |f| (r, o, f))));
    let numbers = |of: &dyn Fn(usize, usize, usize) -> Option<f64>| -> ArrayRef {
        let finite = |number: f64| (!number.is_nan()).then_some(number);
        Arc::new(lines().map(|(r, o, f)| of(r, o, f).and_then(finite)).collect::<Float64Array>())
    };
    let cell = |(r, _, f): (usize, usize, usize)| a.feature_values.get(r).and_then(|row| row.get(f));
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(lines().map(|(r, _, _)| a.row_numbers[r]))),
        Arc::new(StringArray::from_iter_values(lines().map(|(_, o, _)| &a.output_names[o]))),
        Arc::new(StringArray::from_iter_values(lines().map(|(_, _, f)| &a.feature_names[f]))),
        Arc::new(lines().map(cell).collect::<StringArray>()),
        numbers(&|r, _, f| a.feature_numbers.get(r)?.get(f).copied()),
        numbers(&|r, o, f| Some(a.value(r, f, o))),
    ];
    if a.std_error.is_some() {
        columns.push(numbers(&|r, o, f| a.std_error(r, f, o)));
    }
    // The answer to a text without its words differs from row to row.
    let base = |r: usize, o: usize| if a.is_lime() { a.base_values.get(o).copied() } else { Some(a.base(r, o)) };
    columns.push(numbers(&|r, o, _| base(r, o)));
    columns.push(numbers(&|r, o, _| a.predictions.get(r)?.get(o).copied()));
    if a.lime.is_some() {
        columns.push(numbers(&|r, o, _| Some(a.surrogate(r, o)?.intercept)));
        columns.push(numbers(&|r, o, _| Some(a.surrogate(r, o)?.local_prediction)));
    }
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|error| Fault::bug("the values are no table").detail(error.to_string()))
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::Float64Type;
    use desk_data::{OpenOptions, read_all_limited};

    use super::*;

    #[test]
    fn a_line_for_each_row_and_feature() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("values.parquet");
        let answer = super::super::samples::explained();
        write(&answer, &path).expect("written");
        let mut reader = desk_data::open(&path, &OpenOptions::default()).expect("opens");
        let table = read_all_limited(reader.as_mut(), 100).expect("reads");
        assert_eq!(table.num_rows(), 6);
        let numbers = |name: &str| {
            let column = table.column_by_name(name).expect(name).as_primitive::<Float64Type>();
            column.iter().collect::<Vec<_>>()
        };
        assert_eq!(numbers("value")[3..5], [Some(-0.2), Some(0.0)]);
        assert_eq!(numbers("number")[4], None, "a missing number stays missing");
        assert_eq!(numbers("std_error")[5], Some(0.03));
        assert_eq!(numbers("prediction")[0], Some(0.65));
        assert!(table.column_by_name("intercept").is_none(), "only LIME has one");

        let path = folder.path().join("lime.parquet");
        write(&super::super::samples::lime(), &path).expect("written");
        let mut reader = desk_data::open(&path, &OpenOptions::default()).expect("opens");
        let table = read_all_limited(reader.as_mut(), 100).expect("reads");
        let local = table.column_by_name("local_prediction").expect("it is there").as_primitive::<Float64Type>();
        assert!((local.value(0) - 0.35).abs() < 1e-12);
    }
}
