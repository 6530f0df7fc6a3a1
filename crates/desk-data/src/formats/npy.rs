//! NumPy arrays: the first dimension is rows.
//!
//! A one-dimensional array is a column of numbers; an array of more dimensions is one column of
//! fixed-size lists, whose shape per row is in the field's metadata, so that it reaches a tensor
//! without being taken apart. The column is called like the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use desk_core::words::quoted;

use super::npy_header::{Header, HeaderError};
use crate::error::DataError;
use crate::format::Format;
use crate::table::{META_ROW_SHAPE, ReadPlan, TableReader, projection};

/// Bytes that one batch or one row may take.
const BATCH_BYTES: usize = 256 << 20;
/// Arrays in Fortran order that have to be held at once to be turned round.
const FORTRAN_BYTES: u64 = 512 << 20;

/// Where elements come from.
enum Source {
    /// Row after row.
    Rows(Box<dyn Read + Send>),
    /// Two dimensions in Fortran order in a file: one column after the other.
    Columns(File),
    /// Turned round in memory.
    Memory(Vec<u8>),
}

/// One array that is read row by row.
pub(crate) struct ArrayStream {
    pub name: String,
    path: PathBuf,
    format: Format,
    header: Header,
    source: Source,
    row: usize,
}

impl ArrayStream {
    /// Reads the header and checks it against the bytes that there are.
    pub fn start(
        name: String,
        path: &Path,
        format: Format,
        mut reader: Box<dyn Read + Send>,
        available: u64,
    ) -> Result<Self, DataError> {
        let header = Header::read(&mut reader).map_err(|error| match error {
            HeaderError::Broken(what) => {
                DataError::corrupt(path, format, format!("array {name}: {what}", name = quoted(&name)))
            }
            HeaderError::Unsupported { what, hint } => {
                DataError::Unsupported { path: path.to_owned(), format, what, hint: hint.into() }
            }
        })?;
        let corrupt =
            |what: String| DataError::corrupt(path, format, format!("array {name} {what}", name = quoted(&name)));
        if header.shape.is_empty() {
            return Err(corrupt("is a single value without rows".into()));
        }
        let (Some(row_bytes), Some(bytes)) = (header.row_bytes(), header.data_bytes()) else {
            return Err(corrupt(format!("claims the impossible shape {:?}", header.shape)));
        };
        if row_bytes == 0 && header.shape[0] > 0 {
            return Err(corrupt(format!("has no elements, its shape is {:?}", header.shape)));
        }
        if row_bytes > BATCH_BYTES {
            let what = format!("one row of array {name} takes {row_bytes} bytes", name = quoted(&name));
            return Err(DataError::TooLarge { path: path.to_owned(), what, limit: "256 MiB".into() });
        }
        let found = available.saturating_sub(header.length as u64);
        if found != bytes {
            return Err(corrupt(format!("has {found} bytes instead of the {bytes} of its shape {:?}", header.shape)));
        }
        let mut stream = Self { name, path: path.to_owned(), format, header, source: Source::Rows(reader), row: 0 };
        if stream.header.fortran && stream.header.shape.len() > 1 {
            stream.turn_round(bytes)?;
        }
        Ok(stream)
    }

    /// Prepares an array in Fortran order.
    fn turn_round(&mut self, bytes: u64) -> Result<(), DataError> {
        if self.format == Format::Npy && self.header.shape.len() == 2 {
            let file = File::open(&self.path).map_err(|e| DataError::io("open", &self.path, e))?;
            self.source = Source::Columns(file);
            return Ok(());
        }
        if bytes > FORTRAN_BYTES {
            return Err(DataError::Unsupported {
                path: self.path.clone(),
                format: self.format,
                what: format!("array `{}` of {bytes} bytes in Fortran order", self.name),
                hint: "Save it with numpy.ascontiguousarray(array)".into(),
            });
        }
        let Source::Rows(reader) = &mut self.source else { return Ok(()) };
        let mut raw = vec![0u8; bytes as usize];
        reader.read_exact(&mut raw).map_err(|e| DataError::io("read", &self.path, e))?;
        self.source = Source::Memory(to_row_major(&raw, &self.header.shape, self.header.element.size()));
        Ok(())
    }

    pub fn rows(&self) -> usize {
        self.header.shape[0]
    }

    pub fn row_bytes(&self) -> usize {
        self.header.row_bytes().unwrap_or(1).max(1)
    }

    /// The Arrow field of the column.
    pub fn field(&self) -> Field {
        let element = self.header.element.data_type();
        if self.header.shape.len() == 1 {
            return Field::new(&self.name, element, true);
        }
        let dims: Vec<String> = self.header.shape[1..].iter().map(usize::to_string).collect();
        let item = Arc::new(Field::new("item", element, true));
        let width = i32::try_from(self.header.width().unwrap_or(0)).unwrap_or(i32::MAX);
        Field::new(&self.name, DataType::FixedSizeList(item, width), true)
            .with_metadata(HashMap::from([(META_ROW_SHAPE.to_owned(), dims.join(","))]))
    }

    /// The next rows; `rows` must be there.
    pub fn read(&mut self, rows: usize) -> Result<ArrayRef, DataError> {
        let bytes = self.read_bytes(rows).map_err(|e| {
            let what = format!("array {} cannot be read from row {} on", quoted(&self.name), self.row + 1);
            DataError::unreadable(&self.path, self.format, what, &e)
        })?;
        self.row += rows;
        let values = self.header.element.decode(&bytes, self.header.big_endian).ok_or_else(|| {
            DataError::corrupt(&self.path, self.format, format!("array `{}` holds invalid characters", self.name))
        })?;
        match self.field().data_type() {
            DataType::FixedSizeList(item, width) => {
                let list = FixedSizeListArray::try_new(Arc::clone(item), *width, values, None);
                Ok(Arc::new(list.map_err(|e| DataError::Mismatch(e.to_string()))?))
            }
            _ => Ok(values),
        }
    }

    fn read_bytes(&mut self, rows: usize) -> std::io::Result<Vec<u8>> {
        let row_bytes = self.row_bytes();
        let mut bytes = vec![0u8; rows * row_bytes];
        match &mut self.source {
            Source::Rows(reader) => {
                reader.read_exact(&mut bytes)?;
                // The end of an NPZ entry is where its checksum is compared.
                if self.row + rows == self.header.shape[0] && reader.read(&mut [0])? != 0 {
                    return Err(std::io::Error::other("there are bytes behind the last row"));
                }
            }
            Source::Memory(all) => bytes.copy_from_slice(&all[self.row * row_bytes..(self.row + rows) * row_bytes]),
            Source::Columns(file) => {
                let size = self.header.element.size();
                let (all_rows, columns) = (self.header.shape[0], self.header.shape[1]);
                let mut column = vec![0u8; rows * size];
                for j in 0..columns {
                    let at = self.header.length as u64 + ((j * all_rows + self.row) * size) as u64;
                    file.seek(SeekFrom::Start(at))?;
                    file.read_exact(&mut column)?;
                    for (i, element) in column.chunks_exact(size).enumerate() {
                        let to = i * row_bytes + j * size;
                        bytes[to..to + size].copy_from_slice(element);
                    }
                }
            }
        }
        Ok(bytes)
    }
}

/// Copies elements from Fortran order (first index fastest) to C order (last index fastest).
fn to_row_major(raw: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut strides = vec![1usize; shape.len()];
    for i in 1..shape.len() {
        strides[i] = strides[i - 1] * shape[i - 1];
    }
    let mut index = vec![0usize; shape.len()];
    let mut turned = Vec::with_capacity(raw.len());
    for _ in 0..raw.len() / size.max(1) {
        let from: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        turned.extend_from_slice(&raw[from * size..(from + 1) * size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    turned
}

/// Arrays of the same number of rows as a table.
pub struct ArrayTable {
    pub(crate) arrays: Vec<ArrayStream>,
    schema: SchemaRef,
    keep: Vec<usize>,
    rows: u64,
    done: u64,
    total: u64,
}

impl ArrayTable {
    pub(crate) fn new(path: &Path, arrays: Vec<ArrayStream>, total: u64) -> Result<Self, DataError> {
        let first = arrays.first().ok_or_else(|| DataError::corrupt(path, Format::Npz, "it holds no array"))?;
        if let Some(other) = arrays.iter().find(|array| array.rows() != first.rows()) {
            return Err(DataError::Mismatch(format!(
                "array `{}` has {} rows and array `{}` has {}; the arrays of a table have the same first dimension",
                first.name,
                first.rows(),
                other.name,
                other.rows()
            )));
        }
        let rows = first.rows() as u64;
        let schema = Arc::new(Schema::new(arrays.iter().map(ArrayStream::field).collect::<Vec<_>>()));
        let keep = (0..arrays.len()).collect();
        Ok(Self { arrays, schema, keep, rows, done: 0, total })
    }
}

/// Opens one array.
pub fn open(path: &Path) -> Result<ArrayTable, DataError> {
    let file = File::open(path).map_err(|e| DataError::io("open", path, e))?;
    let total = file.metadata().map_err(|e| DataError::io("open", path, e))?.len();
    let name = path.file_stem().map_or_else(|| "array".into(), |stem| stem.to_string_lossy().into_owned());
    let reader = Box::new(BufReader::with_capacity(1 << 20, file));
    let array = ArrayStream::start(name, path, Format::Npy, reader, total)?;
    ArrayTable::new(path, vec![array], total)
}

impl TableReader for ArrayTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn prepare(&mut self, plan: &ReadPlan) -> Result<(), DataError> {
        if self.done > 0 {
            return Err(DataError::Mismatch("a table can only be prepared before its first batch".into()));
        }
        let keep = projection(&self.schema, plan)?;
        self.keep = keep.iter().map(|i| self.keep[*i]).collect();
        self.schema = Arc::new(self.schema.project(&keep).map_err(|e| DataError::Mismatch(e.to_string()))?);
        Ok(())
    }

    fn next_batch(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, DataError> {
        let row_bytes: usize = self.keep.iter().map(|i| self.arrays[*i].row_bytes()).sum();
        let most = (BATCH_BYTES / row_bytes.max(1)).max(1);
        let rows = max_rows.clamp(1, most).min((self.rows - self.done) as usize);
        if rows == 0 {
            return Ok(None);
        }
        let columns: Result<Vec<ArrayRef>, DataError> = self.keep.iter().map(|i| self.arrays[*i].read(rows)).collect();
        let batch = columns.and_then(|columns| {
            RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| DataError::Mismatch(e.to_string()))
        });
        // After an error the arrays are no longer in step: nothing can follow.
        self.done = if batch.is_ok() { self.done + rows as u64 } else { self.rows };
        batch.map(Some)
    }

    fn bytes_read(&self) -> u64 {
        (self.total as f64 * self.done as f64 / self.rows.max(1) as f64) as u64
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_order_is_turned_round() {
        // [[1, 2, 3], [4, 5, 6]] column by column.
        assert_eq!(to_row_major(&[1, 4, 2, 5, 3, 6], &[2, 3], 1), [1, 2, 3, 4, 5, 6]);
        // numpy.arange(8).reshape(2, 2, 2) in Fortran order.
        assert_eq!(to_row_major(&[0, 4, 2, 6, 1, 5, 3, 7], &[2, 2, 2], 1), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
