//! Tables as JSON lines. What JSON has no number for (NaN, infinities) is `null`.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use serde_json::{Number, Value};

use super::csv::{number, plain};
use super::{Encode, into_file};

/// Writes JSON lines.
pub struct JsonEncoder {
    out: BufWriter<File>,
    names: Vec<String>,
    cell: Vec<u8>,
}

impl JsonEncoder {
    pub fn new(out: BufWriter<File>, schema: &SchemaRef) -> Self {
        let names = schema.fields().iter().map(|field| Value::from(field.name().as_str()).to_string()).collect();
        Self { out, names, cell: Vec::new() }
    }
}

impl Encode for JsonEncoder {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns: io::Result<Vec<ArrayRef>> = batch.columns().iter().map(plain).collect();
        let columns = columns?;
        for row in 0..batch.num_rows() {
            for (i, (name, column)) in self.names.iter().zip(&columns).enumerate() {
                let before = if i == 0 { '{' } else { ',' };
                write!(self.out, "{before}{name}:")?;
                match float(column, row) {
                    // The shortest text of a float32 is shorter than that of the same float64.
                    Some(value) if !value.is_finite() => self.out.write_all(b"null")?,
                    Some(_) => {
                        self.cell.clear();
                        number(&mut self.cell, column, row);
                        self.out.write_all(&self.cell)?;
                    }
                    None => serde_json::to_writer(&mut self.out, &value(column, row)?)?,
                }
            }
            self.out.write_all(if self.names.is_empty() { b"{}\n" } else { b"}\n" })?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<File> {
        into_file(self.out)
    }
}

/// The value of a float column; `None` for other types and missing cells.
fn float(column: &ArrayRef, row: usize) -> Option<f64> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Float16 => Some(column.as_primitive::<Float16Type>().value(row).to_f64()),
        DataType::Float32 => Some(f64::from(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => Some(column.as_primitive::<Float64Type>().value(row)),
        _ => None,
    }
}

/// A cell as JSON.
pub fn value(column: &ArrayRef, row: usize) -> io::Result<Value> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    if let Some(value) = float(column, row) {
        return Ok(Number::from_f64(value).map_or(Value::Null, Value::Number));
    }
    let items = match column.data_type() {
        DataType::Utf8 => return Ok(Value::from(column.as_string::<i32>().value(row))),
        DataType::Boolean => return Ok(Value::from(column.as_boolean().value(row))),
        data_type if data_type.is_integer() => {
            let mut text = Vec::new();
            number(&mut text, column, row);
            return serde_json::from_slice(&text).map_err(io::Error::from);
        }
        DataType::FixedSizeList(..) => column.as_fixed_size_list().value(row),
        DataType::List(_) => column.as_list::<i32>().value(row),
        other => return Err(io::Error::other(format!("a column of type {other} cannot be written as text"))),
    };
    let items = plain(&items)?;
    (0..items.len()).map(|i| value(&items, i)).collect::<io::Result<Vec<_>>>().map(Value::from)
}
