//! The target column: the truth that predictions are compared with.

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type};
use arrow::record_batch::RecordBatch;

use super::columns::is_text;
use crate::error::DataError;

/// The truth of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The column.
    pub column: String,
    /// As class labels: texts as they are, integers and integral floats as `3`, `true` and `false`;
    /// `None` where the cell is missing.
    pub labels: Vec<Option<String>>,
    /// As numbers (true is 1, missing is NaN); `None` for a text column.
    pub numbers: Option<Vec<f64>>,
}

impl Target {
    /// Reads the column of a batch.
    pub fn read(column: &str, batch: &RecordBatch) -> Result<Self, DataError> {
        let array = batch.column_by_name(column).ok_or_else(|| DataError::NoSuchColumn {
            column: column.to_owned(),
            available: batch.schema().fields().iter().map(|f| f.name().clone()).collect(),
        })?;
        let array = &single(array);
        let data_type = array.data_type();
        let mistyped = || mistyped(column, data_type);
        let is_text = is_text(data_type);
        if is_text {
            let text = cast(array, &DataType::Utf8).ok().ok_or_else(mistyped)?;
            let labels = text.as_string::<i32>().iter().map(|cell| cell.map(str::to_owned)).collect();
            return Ok(Self { column: column.to_owned(), labels, numbers: None });
        }
        if !(data_type.is_numeric() || *data_type == DataType::Boolean) {
            return Err(mistyped());
        }
        let floats = cast(array, &DataType::Float64).ok().ok_or_else(mistyped)?;
        let floats = floats.as_primitive::<Float64Type>();
        let numbers: Vec<f64> = floats.iter().map(|cell| cell.unwrap_or(f64::NAN)).collect();
        let labels = if data_type.is_integer() || *data_type == DataType::Boolean {
            let text = cast(array, &DataType::Utf8).ok().ok_or_else(mistyped)?;
            text.as_string::<i32>().iter().map(|cell| cell.map(str::to_owned)).collect()
        } else {
            let label =
                |x: f64| if x.fract() == 0.0 && x.abs() < 1e15 { format!("{}", x as i64) } else { format!("{x}") };
            numbers.iter().map(|x| (!x.is_nan()).then(|| label(*x))).collect()
        };
        Ok(Self { column: column.to_owned(), labels, numbers: Some(numbers) })
    }
}

/// Refuses a target column that holds neither one number nor one text a row, before anything is scored.
pub fn check(field: &Field) -> Result<(), DataError> {
    let data_type = match field.data_type() {
        DataType::FixedSizeList(item, 1) => item.data_type(),
        other => other,
    };
    let fits = data_type.is_numeric() || *data_type == DataType::Boolean || is_text(data_type);
    if fits { Ok(()) } else { Err(mistyped(field.name(), field.data_type())) }
}

fn mistyped(column: &str, has: &DataType) -> DataError {
    let has = match has {
        DataType::FixedSizeList(item, width) => format!("{width} values of type {} a row", item.data_type()),
        other => other.to_string(),
    };
    DataError::Mistyped {
        column: column.into(),
        has: has.into(),
        input: "target".into(),
        wants: "one number or one text a row".into(),
        example: None,
    }
}

/// Labels of shape [rows, 1] are labels as well.
fn single(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::FixedSizeList(_, 1) => {
            let list = array.as_fixed_size_list();
            list.values().slice(list.value_offset_at(0), array.len())
        }
        _ => std::sync::Arc::clone(array),
    }
}
