//! `cargo xtask tidy`: the rules of ARCHITECTURE.md, checked; also a test.

mod arrows;
mod files;

use std::path::Path;

use anyhow::{Result, bail};

use crate::place;

/// Prints every problem and fails when there is one.
pub fn main(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("usage: cargo xtask tidy");
    }
    let problems = problems(&place::root())?;
    for problem in &problems {
        eprintln!("tidy: {problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("tidy found a problem"),
        n => bail!("tidy found {n} problems"),
    }
}

/// All problems of a checkout, each one line.
fn problems(root: &Path) -> Result<Vec<String>> {
    let mut found = arrows::problems(root)?;
    found.extend(files::problems(root)?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_checkout_is_tidy() {
        let found = super::problems(&crate::place::root()).expect("readable");
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
