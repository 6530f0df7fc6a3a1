//! Tables as Arrow IPC files (Feather 2), not compressed.

use std::fs::File;
use std::io::{self, BufWriter};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;

use super::{Encode, into_file};

/// Writes an Arrow file.
pub struct ArrowEncoder {
    writer: FileWriter<BufWriter<File>>,
}

impl ArrowEncoder {
    pub fn new(out: BufWriter<File>, schema: &SchemaRef) -> io::Result<Self> {
        Ok(Self { writer: FileWriter::try_new(out, schema).map_err(unwrap_io)? })
    }
}

fn unwrap_io(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    }
}

impl Encode for ArrowEncoder {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.writer.write(batch).map_err(unwrap_io)
    }

    fn finish(mut self: Box<Self>) -> io::Result<File> {
        self.writer.finish().map_err(unwrap_io)?;
        into_file(self.writer.into_inner().map_err(unwrap_io)?)
    }
}
