//! Rows of a table whose columns are found by name in constant time.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;

use crate::error::DataError;
use crate::table;

/// A batch and where its columns are.
pub struct Rows<'a> {
    batch: &'a RecordBatch,
    positions: HashMap<&'a str, usize>,
}

impl<'a> Rows<'a> {
    /// Looks at the names once for all columns that are asked for later.
    pub fn of(batch: &'a RecordBatch) -> Self {
        Self { batch, positions: table::positions(batch.schema_ref()) }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// The column of a name.
    pub fn get(&self, name: &str) -> Option<&'a ArrayRef> {
        self.positions.get(name).map(|i| self.batch.column(*i))
    }

    /// As [`Rows::get`]; the error names the columns there are.
    pub fn column(&self, name: &str) -> Result<&'a ArrayRef, DataError> {
        self.get(name).ok_or_else(|| DataError::NoSuchColumn {
            column: name.to_owned(),
            available: self.batch.schema_ref().fields().iter().map(|f| f.name().clone()).collect(),
        })
    }
}
