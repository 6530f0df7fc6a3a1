//! Arrow's many types to the few that tables here have.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::csv::dialect::column_names;
use crate::table::{META_REPEATED, repeated};

/// The type a column gets: texts are Utf8, decimals float64, dates and times text in ISO 8601,
/// dictionaries of texts stay dictionaries. Lists and structures stay as they are.
pub fn normal_type(from: &DataType) -> DataType {
    match from {
        DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..) => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::Null => DataType::Float64,
        DataType::Dictionary(_, value) => match normal_type(value) {
            DataType::Utf8 => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            other => other,
        },
        other => other.clone(),
    }
}

/// The schema with normal types, in the file's order; metadata that describes the file's own types is left
/// out. Names that come more than once are made different, as in CSV.
pub fn normal_schema(schema: &Schema) -> SchemaRef {
    let mut names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let repeated = repeated(names.iter().map(String::as_str));
    if repeated.is_some() {
        names = column_names(names);
    }
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .zip(names)
        .map(|(field, name)| {
            Field::new(name, normal_type(field.data_type()), true).with_metadata(field.metadata().clone())
        })
        .collect();
    let metadata: HashMap<String, String> =
        repeated.map(|names| (META_REPEATED.to_owned(), names)).into_iter().collect();
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// Casts the columns of a batch to a normal schema of the same width.
pub fn normal_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns: Result<Vec<ArrayRef>, ArrowError> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                cast(column, field.data_type())
            }
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options)
}
