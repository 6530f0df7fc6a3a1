//! `cargo xtask setup`: the ONNX Runtime library.

use std::path::Path;

use anyhow::{Result, bail};

use crate::runtime;

/// Fetches the library and prints where it is.
pub fn main(args: &[String]) -> Result<()> {
    let wheel = match args {
        [] => None,
        [option, file] if option == "--wheel" => Some(Path::new(file)),
        _ => bail!("usage: cargo xtask setup [--wheel FILE]"),
    };
    println!("{}", runtime::ensure(wheel)?.display());
    Ok(())
}
