//! `cargo xtask samples`: trains the samples again, and makes the reference values of the tests.

use anyhow::{Result, bail};

use crate::{place, python, shell};

/// Samples; with `--reference` also `tests/reference`, from the samples as they then are.
pub fn main(args: &[String]) -> Result<()> {
    let reference = match args {
        [] => false,
        [option] if option == "--reference" => true,
        _ => bail!("usage: cargo xtask samples [--reference]"),
    };
    let python = python::with_packages()?;
    let root = place::root();
    shell::run(python::script(&python, "samples.py")?.arg(root.join("assets/samples")))?;
    if reference {
        shell::run(python::script(&python, "reference.py")?.arg(&root).arg(root.join("tests/reference")))?;
    }
    Ok(())
}
