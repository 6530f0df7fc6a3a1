//! The target column: the truth that predictions are compared with.

use arrow::array::{Array, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;

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
        let data_type = array.data_type();
        let mistyped = || DataError::Mistyped {
            column: column.into(),
            has: data_type.to_string().into(),
            input: "target".into(),
            wants: "numbers or text".into(),
            example: None,
        };
        let is_text = matches!(data_type, DataType::Utf8 | DataType::Dictionary(..));
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
