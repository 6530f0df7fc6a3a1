//! Cells of Arrow columns as numbers and texts, with errors that name row and column.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray as _, PrimitiveArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};

use crate::error::{DataError, Place};

/// A column of numbers of any type.
pub enum Numbers<'a> {
    Bool(&'a arrow::array::BooleanArray),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    UInt8(&'a PrimitiveArray<UInt8Type>),
    UInt16(&'a PrimitiveArray<UInt16Type>),
    UInt32(&'a PrimitiveArray<UInt32Type>),
    UInt64(&'a PrimitiveArray<UInt64Type>),
    Float16(&'a PrimitiveArray<Float16Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
}

/// A number with all the digits of its column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// From an integer or boolean column.
    Int(i128),
    /// From a float column.
    Float(f64),
}

impl<'a> Numbers<'a> {
    /// The column as numbers; `None` for texts, lists and so on.
    pub fn of(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Int8 => Self::Int8(array.as_primitive()),
            DataType::Int16 => Self::Int16(array.as_primitive()),
            DataType::Int32 => Self::Int32(array.as_primitive()),
            DataType::Int64 => Self::Int64(array.as_primitive()),
            DataType::UInt8 => Self::UInt8(array.as_primitive()),
            DataType::UInt16 => Self::UInt16(array.as_primitive()),
            DataType::UInt32 => Self::UInt32(array.as_primitive()),
            DataType::UInt64 => Self::UInt64(array.as_primitive()),
            DataType::Float16 => Self::Float16(array.as_primitive()),
            DataType::Float32 => Self::Float32(array.as_primitive()),
            DataType::Float64 => Self::Float64(array.as_primitive()),
            _ => return None,
        })
    }

    /// The cell of a row, `None` when it is missing. NaN counts as missing.
    pub fn get(&self, row: usize) -> Option<Number> {
        fn cell<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
            array.is_valid(row).then(|| array.value(row))
        }
        let number = match self {
            Self::Bool(a) => Number::Int(i128::from(a.is_valid(row).then(|| a.value(row))?)),
            Self::Int8(a) => Number::Int(cell(a, row)?.into()),
            Self::Int16(a) => Number::Int(cell(a, row)?.into()),
            Self::Int32(a) => Number::Int(cell(a, row)?.into()),
            Self::Int64(a) => Number::Int(cell(a, row)?.into()),
            Self::UInt8(a) => Number::Int(cell(a, row)?.into()),
            Self::UInt16(a) => Number::Int(cell(a, row)?.into()),
            Self::UInt32(a) => Number::Int(cell(a, row)?.into()),
            Self::UInt64(a) => Number::Int(cell(a, row)?.into()),
            Self::Float16(a) => Number::Float(cell(a, row)?.into()),
            Self::Float32(a) => Number::Float(cell(a, row)?.into()),
            Self::Float64(a) => Number::Float(cell(a, row)?),
        };
        match number {
            Number::Float(value) if value.is_nan() => None,
            number => Some(number),
        }
    }

    /// The values as float32 when the column is that and nothing is missing or filled.
    pub fn plain_f32(&self) -> Option<&'a [f32]> {
        match self {
            Self::Float32(a) if a.null_count() == 0 => Some(a.values()),
            _ => None,
        }
    }

    /// The same for float64.
    pub fn plain_f64(&self) -> Option<&'a [f64]> {
        match self {
            Self::Float64(a) if a.null_count() == 0 => Some(a.values()),
            _ => None,
        }
    }
}

impl Number {
    /// The nearest float64.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// A float64 so large that whole numbers beside it are the same float64.
    pub fn may_have_lost_digits(self) -> bool {
        matches!(self, Self::Float(value) if value.abs() >= 9_007_199_254_740_992.0)
    }

    /// The integer, when it is one and lies between the bounds.
    pub fn as_integer(self, low: i128, high: i128) -> Option<i128> {
        let value = match self {
            Self::Int(value) => value,
            // Any float64 beyond 2^64 lies outside all bounds; below, the conversion is exact.
            Self::Float(value) if value.fract() == 0.0 && value.abs() <= 18_446_744_073_709_551_616.0 => value as i128,
            Self::Float(_) => return None,
        };
        (low..=high).contains(&value).then_some(value)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
        }
    }
}

/// The column as texts: texts and dictionaries as they are, integers in decimal. `None` for types
/// whose text would be a guess (floats, booleans).
pub fn texts(array: &ArrayRef) -> Option<StringArray> {
    let data_type = array.data_type();
    let allowed = matches!(data_type, DataType::Utf8 | DataType::Dictionary(..)) || data_type.is_integer();
    let text = allowed.then(|| cast(array, &DataType::Utf8).ok())??;
    Some(text.as_string::<i32>().clone())
}

/// What a column is looked at for: its name, the input it feeds and the row of its first cell.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub column: &'a str,
    pub input: &'a str,
    pub first_row: u64,
}

impl Context<'_> {
    pub fn place(&self, row: usize) -> Place {
        Place::row(self.first_row + row as u64 + 1)
    }

    pub fn missing(&self, row: usize, element: &'static str) -> DataError {
        DataError::Missing {
            place: self.place(row),
            column: self.column.to_owned(),
            input: self.input.to_owned(),
            element,
            gaps: None,
        }
    }

    pub fn wrong(&self, row: usize, value: &impl ToString, wanted: &str) -> DataError {
        DataError::Cell {
            path: None,
            place: self.place(row),
            column: self.column.into(),
            value: crate::error::shown(&value.to_string()).into(),
            wanted: wanted.into(),
        }
    }

    pub fn mistyped(&self, has: &DataType, wants: &str) -> DataError {
        DataError::Mistyped {
            column: self.column.into(),
            has: has.to_string().into(),
            input: self.input.into(),
            wants: wants.into(),
            example: None,
        }
    }
}
