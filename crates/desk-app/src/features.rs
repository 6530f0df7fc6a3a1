//! What a version reads of a data file, for lists to choose from.

use std::path::Path;

use desk_core::{Fault, VersionRef};

use crate::Desk;
use crate::command::Columns;
use crate::query::FeatureList;
use crate::worker::readable_features;

impl Desk {
    /// The features that answers can be looked along over a file: its columns as the version reads them, and the
    /// categories that columns of flags make, as far as the first rows tell. [`crate::command::Dependence`] takes either
    /// by its name.
    ///
    /// # Errors
    /// The file or the version cannot be read, or the file lacks what the version reads.
    pub fn features(&self, version: &VersionRef, path: &Path, columns: &Columns) -> Result<FeatureList, Fault> {
        let loaded = self.load(version)?;
        readable_features(&loaded.description, path, columns)
    }
}
