//! Tables as CSV after RFC 4180, numbers as short as they read back the same.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, SchemaRef, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::record_batch::RecordBatch;

use super::{Encode, into_file};

/// Writes CSV. Missing cells are empty; an empty text is `""`; lists are JSON arrays in quotes.
pub struct CsvEncoder {
    out: BufWriter<File>,
    line: Vec<u8>,
}

impl CsvEncoder {
    pub fn new(mut out: BufWriter<File>, schema: &SchemaRef) -> io::Result<Self> {
        let mut line = Vec::new();
        for (i, field) in schema.fields().iter().enumerate() {
            if i > 0 {
                line.push(b',');
            }
            quote(&mut line, field.name());
        }
        line.push(b'\n');
        out.write_all(&line)?;
        Ok(Self { out, line })
    }
}

impl Encode for CsvEncoder {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns: io::Result<Vec<ArrayRef>> = batch.columns().iter().map(plain).collect();
        let columns = columns?;
        for row in 0..batch.num_rows() {
            self.line.clear();
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    self.line.push(b',');
                }
                cell(&mut self.line, column, row)?;
            }
            // A lone missing cell would be a blank line, which readers skip.
            if self.line.is_empty() {
                self.line.extend_from_slice(b"NA");
            }
            self.line.push(b'\n');
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<File> {
        into_file(self.out)
    }
}

/// Dictionaries as their texts.
pub fn plain(column: &ArrayRef) -> io::Result<ArrayRef> {
    match column.data_type() {
        DataType::Dictionary(_, value) => cast(column, value).map_err(io::Error::other),
        _ => Ok(ArrayRef::clone(column)),
    }
}

fn quote(line: &mut Vec<u8>, text: &str) {
    let blank_ends = text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    if !blank_ends && !text.is_empty() && !text.bytes().any(|b| matches!(b, b'"' | b',' | b'\n' | b'\r')) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    line.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    line.push(b'"');
}

/// Appends one cell.
fn cell(line: &mut Vec<u8>, column: &ArrayRef, row: usize) -> io::Result<()> {
    if column.is_null(row) {
        return Ok(());
    }
    if let DataType::Utf8 = column.data_type() {
        let text = column.as_string::<i32>().value(row);
        // Quotes keep a text from being taken for a missing marker.
        if matches!(text, "NA" | "N/A" | "NaN" | "nan" | "null" | "NULL") {
            line.push(b'"');
            line.extend_from_slice(text.as_bytes());
            line.push(b'"');
        } else {
            quote(line, text);
        }
        return Ok(());
    }
    if number(line, column, row) {
        return Ok(());
    }
    let value = super::jsonl::value(column, row)?;
    quote(line, &value.to_string());
    Ok(())
}

/// Appends a number or boolean at its shortest; false, and nothing appended, for other types.
pub fn number(line: &mut Vec<u8>, column: &ArrayRef, row: usize) -> bool {
    macro_rules! whole {
        ($type:ty) => {
            line.extend_from_slice(itoa::Buffer::new().format(column.as_primitive::<$type>().value(row)).as_bytes())
        };
    }
    // Floats keep a point or an exponent (`1.0`), so that a column of them stays one when it is read.
    match column.data_type() {
        DataType::Boolean => line.extend_from_slice(if column.as_boolean().value(row) { b"true" } else { b"false" }),
        DataType::Int8 => whole!(Int8Type),
        DataType::Int16 => whole!(Int16Type),
        DataType::Int32 => whole!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::UInt8 => whole!(UInt8Type),
        DataType::UInt16 => whole!(UInt16Type),
        DataType::UInt32 => whole!(UInt32Type),
        DataType::UInt64 => whole!(UInt64Type),
        DataType::Float16 => float(line, column.as_primitive::<Float16Type>().value(row).to_f32()),
        DataType::Float32 => float(line, column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => float(line, column.as_primitive::<Float64Type>().value(row)),
        _ => return false,
    }
    true
}

/// The shortest text that reads back as the same number.
fn float(line: &mut Vec<u8>, value: impl zmij::Float) {
    line.extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
}
