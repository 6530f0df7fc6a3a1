//! The rows that stand for "no information" in an explanation.

use arrow::array::RecordBatch;
use desk_core::Fault;
use desk_data::{Binding, DataError};

use super::answers::{filled_cells, given_as_nan};
use super::columns::{bind_beside, open, with_gaps};
use super::protocol::ExplainRequest;
use super::sampling::Sample;

/// Rows of a background file at most; more are refused, not cut off.
const MAX_BACKGROUND: usize = 100_000;

/// The rows that stand for "no information".
pub(super) struct Background {
    pub rows: RecordBatch,
    pub binding: Binding,
    /// Where they came from, for people.
    pub origin: String,
    /// They come from a file of their own.
    own_file: bool,
    /// The sample that they are, where they come from the data.
    sample: Option<Sample>,
}

impl Background {
    pub fn read(request: &ExplainRequest, binding: &Binding) -> Result<Self, Fault> {
        let path = request.background.as_ref().unwrap_or(&request.data);
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut reader = open(path, &request.columns)?;
        let own_file = request.background.is_some();
        let binding = if own_file {
            bind_beside(binding, &request.columns, &request.description, reader.as_ref())?
        } else {
            binding.clone()
        };
        reader.prepare(&binding.read_plan(&[]))?;
        let (rows, origin, sample) = if own_file {
            (desk_data::read_all_limited(reader.as_mut(), MAX_BACKGROUND)?, format!("all rows of {name}"), None)
        } else {
            let sample = Sample::read(reader.as_mut(), &binding, request.background_rows.max(1), &name)?;
            (sample.rows.clone(), sample.origin.clone(), Some(sample))
        };
        Ok(Self { rows, binding, origin, own_file, sample })
    }

    /// The number in its file, from 1, of one of its rows, from 1 as well.
    pub fn number(&self, row: u64) -> u64 {
        self.sample.as_ref().map_or(row, |sample| sample.number(row))
    }

    /// An error of one of its rows, by the row's place in the file.
    pub fn placed(&self, error: DataError, request: &ExplainRequest) -> DataError {
        let error = error.with_row(|row| self.number(row));
        let path = request.background.as_ref().unwrap_or(&request.data);
        with_gaps(error, path, &request.columns, &self.binding)
    }

    /// What to know of how its columns were found, and of what stood for missing cells.
    pub fn warnings(&self, fill: &[(String, String)]) -> Vec<String> {
        let mapped = if self.own_file { self.binding.report().warnings.clone() } else { Vec::new() };
        let missing = given_as_nan(&self.binding.missing(&self.rows));
        let filled = filled_cells(fill, &self.binding.filled(&self.rows));
        mapped.into_iter().chain(missing).chain(filled).map(|warning| format!("Background: {warning}")).collect()
    }
}
