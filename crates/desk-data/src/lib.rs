//! Columnar tables from files, streamed in batches and bound to what a model wants.
//!
//! Architecture invariant: this crate knows files, tables and signatures. It opens no socket and no
//! database and never runs a model.

pub mod binding;
pub mod csv;
pub mod digest;
pub mod error;
pub mod features;
pub mod format;
pub mod formats;
pub mod predictions;
pub mod profile;
pub mod table;
pub mod write;

pub use binding::{
    BindOptions, Binding, Fill, FillValue, Gaps, How, ImageOptions, MappingReport, Target, fixed_chunks, typed_names,
};
pub use digest::digest_file;
pub use error::{DataError, Place};
pub use features::{Feature, FeatureKind, FeatureSpace};
pub use format::{Format, Guess};
pub use predictions::predictions_batch;
pub use profile::Profile;
pub use table::{ColumnType, OpenOptions, ReadPlan, TableReader, TextOptions, open, read_all_limited, read_rows};
pub use write::TableWriter;
