//! Where things are: the repository, the platform's cache and data folders, built programs.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Modeldesk's part of the platform's cache folder, the same that desk-runtime looks into.
pub fn cache() -> Result<PathBuf> {
    let folder = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| home().map(|home| home.join(".cache")))
    };
    Ok(folder.context("no cache folder: set HOME (or XDG_CACHE_HOME)")?.join("modeldesk"))
}

/// The platform's folder for data of programs.
pub fn data() -> Result<PathBuf> {
    let folder = if cfg!(windows) {
        variable("APPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")))
    };
    folder.context("no data folder: set HOME (or XDG_DATA_HOME)")
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// A built program of the workspace.
pub fn program(name: &str, profile: &str) -> PathBuf {
    target().join(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// An absolute path from an environment variable; empty and relative ones do not count, as XDG says
/// (Cargo's target folder is taken relative to the repository by its caller).
fn variable(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(name)?);
    let wanted = if name == "CARGO_TARGET_DIR" { !path.as_os_str().is_empty() } else { path.is_absolute() };
    wanted.then_some(path)
}

fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| home.is_absolute())
}
