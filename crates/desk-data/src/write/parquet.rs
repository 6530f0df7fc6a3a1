//! Tables as Parquet with zstd compression.

use std::fs::File;
use std::io::{self, BufWriter};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{Encode, into_file};

/// Writes Parquet.
pub struct ParquetEncoder {
    writer: ArrowWriter<BufWriter<File>>,
}

impl ParquetEncoder {
    pub fn new(out: BufWriter<File>, schema: &SchemaRef) -> io::Result<Self> {
        let compression = Compression::ZSTD(ZstdLevel::try_new(3).map_err(unwrap_io)?);
        let properties = WriterProperties::builder().set_compression(compression).build();
        Ok(Self { writer: ArrowWriter::try_new(out, SchemaRef::clone(schema), Some(properties)).map_err(unwrap_io)? })
    }
}

/// Gives the system's error back where there is one inside.
fn unwrap_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

impl Encode for ParquetEncoder {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.writer.write(batch).map_err(unwrap_io)
    }

    fn finish(self: Box<Self>) -> io::Result<File> {
        into_file(self.writer.into_inner().map_err(unwrap_io)?)
    }
}
