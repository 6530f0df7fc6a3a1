//! One file for each binary format, and JSON lines.

pub mod arrow_ipc;
pub mod image;
pub mod jsonl;
pub(crate) mod normal;
pub mod npy;
pub(crate) mod npy_header;
pub mod npz;
pub mod parquet;
