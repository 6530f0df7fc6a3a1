//! Tables to files: written under a temporary name beside the target and renamed at the end, so
//! that a file is there whole or not at all.

mod arrow_ipc;
mod csv;
mod jsonl;
mod npy;
mod parquet;

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use ::arrow::array::Array as _;
use ::arrow::datatypes::SchemaRef;
use ::arrow::record_batch::RecordBatch;
use tempfile::{NamedTempFile, TempPath};

use crate::error::DataError;
use crate::format::Format;

/// What encodes batches. Errors of the system must stay visible as [`io::Error`].
trait Encode: Send {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()>;
    /// Writes what is left and gives the file back.
    fn finish(self: Box<Self>) -> io::Result<File>;
}

/// Writes a table batch by batch.
pub struct TableWriter {
    path: PathBuf,
    temporary: TempPath,
    encoder: Box<dyn Encode>,
    schema: SchemaRef,
    rows: u64,
}

impl TableWriter {
    /// Starts a file. Formats: CSV, Parquet (zstd), Arrow IPC, JSON lines, and for numeric columns
    /// NPY (all columns as one array) and NPZ (one array for each column).
    pub fn create(path: &Path, format: Format, schema: SchemaRef) -> Result<Self, DataError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let fail = |e| DataError::io("write", path, e);
        let (file, temporary) = temporary_file(folder, &format!(".{name}.")).map_err(fail)?.into_parts();
        let out = BufWriter::with_capacity(1 << 18, file);
        let refuse = |what: String| DataError::Unsupported {
            path: path.to_owned(),
            format,
            what,
            hint: "Write CSV, Parquet, Arrow or JSON lines instead".into(),
        };
        let encoder: Box<dyn Encode> = match format {
            Format::Csv => Box::new(csv::CsvEncoder::new(out, &schema).map_err(fail)?),
            Format::Jsonl => Box::new(jsonl::JsonEncoder::new(out, &schema)),
            Format::Parquet => Box::new(parquet::ParquetEncoder::new(out, &schema).map_err(fail)?),
            Format::Arrow => Box::new(arrow_ipc::ArrowEncoder::new(out, &schema).map_err(fail)?),
            Format::Npy => Box::new(npy::NpyEncoder::new(out, &schema).map_err(fail)?.map_err(refuse)?),
            Format::Npz => Box::new(npy::NpzEncoder::new(out, folder, &schema).map_err(fail)?.map_err(refuse)?),
            Format::Image => return Err(refuse("a table of numbers".into())),
        };
        Ok(Self { path: path.to_owned(), temporary, encoder, schema, rows: 0 })
    }

    /// Appends rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        let same = batch.schema().fields().len() == self.schema.fields().len()
            && batch.columns().iter().zip(self.schema.fields()).all(|(c, f)| c.data_type() == f.data_type());
        if !same {
            return Err(DataError::Mismatch("a batch has other columns than the table that is written".into()));
        }
        self.rows += batch.num_rows() as u64;
        self.encoder.write(batch).map_err(|e| DataError::io("write", &self.path, e))
    }

    /// Completes the file under its name; the number of rows. A file that was there is replaced.
    pub fn finish(self) -> Result<u64, DataError> {
        let fail = |e| DataError::io("write", &self.path, e);
        let file = self.encoder.finish().map_err(fail)?;
        file.sync_all().map_err(fail)?;
        self.temporary.persist(&self.path).map_err(|e| fail(e.error))?;
        Ok(self.rows)
    }
}

/// A temporary file whose rights are those of any new file, because it becomes one.
fn temporary_file(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// The file below a buffer, once all of it is written.
fn into_file(mut out: BufWriter<File>) -> io::Result<File> {
    out.flush()?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}
