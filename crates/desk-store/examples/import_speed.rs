//! How quickly a file is stored: `cargo run --release -p desk-store --example import_speed FILE [HOME]`.
//!
//! Compare with `sha256sum FILE` and `cp FILE COPY; sync` run one after the other.
#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::path::PathBuf;
use std::time::Instant;

use desk_core::{Cancel, NoProgress};
use desk_store::{Store, StoreError};

fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(file) = arguments.next() else {
        println!("usage: import_speed FILE [HOME]");
        return Ok(());
    };
    let own = std::env::temp_dir().join(format!("modeldesk-import-{}", std::process::id()));
    let home = arguments.next().unwrap_or(own);
    let store = Store::open(&home)?;
    let begin = Instant::now();
    let (digest, size) = store.put_file(&file, &NoProgress, &Cancel::new())?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{digest} {size} bytes in {seconds:.2} s, {:.0} MB/s", size as f64 / 1e6 / seconds);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("");
    println!("{peak}");
    drop(store);
    std::fs::remove_dir_all(&home).ok();
    Ok(())
}
