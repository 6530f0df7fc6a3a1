//! CSV: RFC 4180 and its relatives, read in blocks on all cores.
//!
//! Blank lines are skipped. A quoted cell counts as a number when it looks like one; in a text
//! column a quoted cell is never missing, so `""` is an empty text and an empty cell is missing.

pub mod cells;
pub mod dialect;
pub mod infer;
pub mod number;
pub mod parse;
mod reader;

pub use reader::CsvReader;
