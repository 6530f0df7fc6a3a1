//! One file for each binary format, and JSON lines.

pub mod arrow_ipc;
pub mod image;
pub mod jsonl;
pub(crate) mod normal;
pub mod npy;
pub(crate) mod npy_header;
pub mod npz;
pub mod parquet;

use std::panic::{AssertUnwindSafe, catch_unwind};

use desk_core::Said;

/// Does what reads a file by a library that ends on some damaged ones with a panic: its words, then.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Said> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Said(text.unwrap_or("it cannot be read").to_owned())
    })
}
