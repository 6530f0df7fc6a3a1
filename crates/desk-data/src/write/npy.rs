//! Numeric tables as NumPy arrays: NPY holds all columns as one array of the widest type, NPZ one
//! array for each column. Missing cells are NaN; missing cells of other types are an error.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::path::Path;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Encode, into_file, temporary_file};

/// Room for the header, which is written again when the number of rows is known.
const HEADER: usize = 256;

/// The element types that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float32,
    Float64,
    Int64,
}

impl Kind {
    /// The type that holds every value of a column; `None` for texts.
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Float16 | DataType::Float32 => Some(Self::Float32),
            DataType::Float64 | DataType::UInt64 => Some(Self::Float64),
            data_type if data_type.is_integer() => Some(Self::Int64),
            DataType::Boolean => Some(Self::Int64),
            DataType::FixedSizeList(item, _) => Self::of(item.data_type()),
            _ => None,
        }
    }

    /// The type that holds both; integers beside floats are float64.
    fn join(self, other: Self) -> Self {
        if self == other { self } else { Self::Float64 }
    }

    fn descr(self) -> &'static str {
        match self {
            Self::Float32 => "<f4",
            Self::Float64 => "<f8",
            Self::Int64 => "<i8",
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Int64 => DataType::Int64,
        }
    }
}

/// One array that grows row by row.
struct Growing<W: Write> {
    out: W,
    kind: Kind,
    /// Values in a row, and whether the array has a second dimension.
    width: usize,
    flat: bool,
    rows: u64,
}

/// Values of one column in a row.
fn width(field: &Field) -> usize {
    match field.data_type() {
        DataType::FixedSizeList(_, width) => *width as usize,
        _ => 1,
    }
}

fn kinds(schema: &SchemaRef) -> Result<Vec<Kind>, String> {
    let kind = |field: &Field| {
        Kind::of(field.data_type()).ok_or_else(|| format!("column `{}`, which is not numeric,", field.name()))
    };
    schema.fields().iter().map(|field| kind(field)).collect()
}

impl<W: Write> Growing<W> {
    fn header(&self) -> Vec<u8> {
        let shape = if self.flat { format!("({},)", self.rows) } else { format!("({}, {})", self.rows, self.width) };
        let text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}", self.kind.descr());
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend_from_slice(&((HEADER - 10) as u16).to_le_bytes());
        header.extend_from_slice(text.as_bytes());
        header.resize(HEADER - 1, b' ');
        header.push(b'\n');
        header
    }

    fn write(&mut self, columns: &[&ArrayRef]) -> io::Result<()> {
        let rows = columns.first().map_or(0, |column| arrow::array::Array::len(*column));
        let mut bytes: Vec<Vec<u8>> = Vec::with_capacity(columns.len());
        for column in columns {
            bytes.push(elements(column, self.kind)?);
        }
        for row in 0..rows {
            for column in &bytes {
                let size = column.len() / rows;
                self.out.write_all(&column[row * size..(row + 1) * size])?;
            }
        }
        self.rows += rows as u64;
        Ok(())
    }
}

/// A column as little-endian elements, lists one after the other.
fn elements(column: &ArrayRef, kind: Kind) -> io::Result<Vec<u8>> {
    let flat = match column.data_type() {
        DataType::FixedSizeList(_, width) => {
            let list = column.as_fixed_size_list();
            if list.null_count() > 0 {
                return Err(io::Error::other("a missing list cannot be written as an array"));
            }
            list.values().slice(list.value_offset_at(0), list.len() * *width as usize)
        }
        _ => ArrayRef::clone(column),
    };
    let numbers = cast(&flat, &kind.data_type()).map_err(io::Error::other)?;
    Ok(match kind {
        Kind::Float32 => {
            numbers.as_primitive::<Float32Type>().iter().flat_map(|x| x.unwrap_or(f32::NAN).to_le_bytes()).collect()
        }
        Kind::Float64 => {
            numbers.as_primitive::<Float64Type>().iter().flat_map(|x| x.unwrap_or(f64::NAN).to_le_bytes()).collect()
        }
        Kind::Int64 if numbers.null_count() > 0 => {
            return Err(io::Error::other("a missing integer cannot be written as an array"));
        }
        Kind::Int64 => numbers.as_primitive::<Int64Type>().values().iter().flat_map(|x| x.to_le_bytes()).collect(),
    })
}

/// Writes one NPY file.
pub struct NpyEncoder {
    array: Growing<BufWriter<File>>,
}

impl NpyEncoder {
    /// The inner error says which column is not numeric.
    pub fn new(mut out: BufWriter<File>, schema: &SchemaRef) -> io::Result<Result<Self, String>> {
        let kinds = match kinds(schema) {
            Ok(kinds) => kinds,
            Err(what) => return Ok(Err(what)),
        };
        let kind = kinds.into_iter().reduce(Kind::join).unwrap_or(Kind::Float64);
        let total = schema.fields().iter().map(|field| width(field)).sum();
        let single = schema.fields().len() == 1 && !matches!(schema.field(0).data_type(), DataType::FixedSizeList(..));
        out.write_all(&[0; HEADER])?;
        Ok(Ok(Self { array: Growing { out, kind, width: total, flat: single, rows: 0 } }))
    }
}

impl Encode for NpyEncoder {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.array.write(&batch.columns().iter().collect::<Vec<_>>())
    }

    fn finish(mut self: Box<Self>) -> io::Result<File> {
        let header = self.array.header();
        self.array.out.seek(SeekFrom::Start(0))?;
        self.array.out.write_all(&header)?;
        into_file(self.array.out)
    }
}

/// Writes an NPZ file. Arrays grow side by side in files without a name and are packed at the end.
pub struct NpzEncoder {
    out: BufWriter<File>,
    names: Vec<String>,
    arrays: Vec<Growing<BufWriter<File>>>,
}

impl NpzEncoder {
    /// The inner error says which column is not numeric.
    pub fn new(out: BufWriter<File>, folder: &Path, schema: &SchemaRef) -> io::Result<Result<Self, String>> {
        let kinds = match kinds(schema) {
            Ok(kinds) => kinds,
            Err(what) => return Ok(Err(what)),
        };
        let mut arrays = Vec::with_capacity(kinds.len());
        for (kind, field) in kinds.into_iter().zip(schema.fields()) {
            let spool = BufWriter::with_capacity(1 << 16, temporary_file(folder, ".npz.")?.into_file());
            let flat = !matches!(field.data_type(), DataType::FixedSizeList(..));
            arrays.push(Growing { out: spool, kind, width: width(field), flat, rows: 0 });
        }
        let names = schema.fields().iter().map(|field| field.name().replace(['/', '\\'], "_")).collect();
        Ok(Ok(Self { out, names, arrays }))
    }
}

impl Encode for NpzEncoder {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.arrays.iter_mut().zip(batch.columns()).try_for_each(|(array, column)| array.write(&[column]))
    }

    fn finish(self: Box<Self>) -> io::Result<File> {
        let mut zip = ZipWriter::new(self.out);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
        for (name, array) in self.names.iter().zip(self.arrays) {
            zip.start_file(format!("{name}.npy"), options).map_err(unwrap_io)?;
            zip.write_all(&array.header())?;
            let mut spool = into_file(array.out)?;
            spool.seek(SeekFrom::Start(0))?;
            io::copy(&mut BufReader::with_capacity(1 << 18, spool), &mut zip)?;
        }
        into_file(zip.finish().map_err(unwrap_io)?)
    }
}

fn unwrap_io(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}
