//! `cargo xtask samples`: trains the samples again, and makes the reference values of the tests.

use anyhow::{Result, bail};

use crate::{place, python, shell};

const OPTIONS: [&str; 2] = ["--reference", "--icons"];

/// Samples; with `--reference` also `tests/reference`, from the samples as they then are; with
/// `--icons` also the app icon.
pub fn main(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| !OPTIONS.contains(&arg.as_str())) {
        bail!("usage: cargo xtask samples [--reference] [--icons]");
    }
    let wanted = |option: &str| args.iter().any(|arg| arg == option);
    let python = python::with_packages()?;
    let root = place::root();
    shell::run(python::script(&python, "samples.py")?.arg(root.join("assets/samples")))?;
    if wanted("--reference") {
        shell::run(python::reference(&python, "reference.py")?.arg(&root).arg(root.join("tests/reference")))?;
    }
    if wanted("--icons") {
        shell::run(python::script(&python, "icon.py")?.arg(root.join("icons")))?;
    }
    Ok(())
}
