//! Columnar tables from files, streamed in batches and bound to what a model wants.
//!
//! Architecture invariant: this crate knows files, tables and signatures. It opens no socket and no
//! database and never runs a model.

pub mod csv;
pub mod digest;
pub mod error;
pub mod format;
pub mod formats;
pub mod table;

pub use digest::digest_file;
pub use error::{DataError, Place};
pub use format::Format;
pub use table::{ColumnType, OpenOptions, ReadPlan, TableReader, TextOptions, open, read_all_limited, read_rows};
