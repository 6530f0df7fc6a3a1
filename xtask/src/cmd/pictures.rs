//! `cargo xtask pictures`: the pictures of the README, taken of the real program on the samples.

use std::fs;

use anyhow::{Result, bail};

use crate::{place, runtime, shell};

/// Takes them in both themes, into `docs/pictures`.
pub fn main(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("usage: cargo xtask pictures");
    }
    let library = runtime::ensure(None)?;
    let folder = place::root().join("docs/pictures");
    fs::create_dir_all(&folder)?;
    shell::run(shell::cargo().args(["build", "--quiet", "--workspace", "--bins"]))?;
    let mut test = shell::cargo();
    test.args(["test", "--quiet", "--workspace", "--test", "window", "pictures_of_the_readme"])
        .env(runtime::LIBRARY_VARIABLE, library)
        .env("MODELDESK_BIN_DIR", place::target().join("debug"))
        .env("MODELDESK_README_PICTURES", &folder);
    shell::run(&mut test)
}
