//! Finds the ONNX Runtime library on this computer.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::RuntimeError;

/// Environment variable that names a library file, or the folder that holds it.
pub const LIBRARY_VARIABLE: &str = "MODELDESK_ORT_LIB";

/// The library to use: the explicit one, that of [`LIBRARY_VARIABLE`], one beside the program, one
/// in the platform's cache folder (newest version first), one of the system. In that order.
///
/// A file or folder that is named explicitly or by the variable must exist: it is never passed over
/// in favour of another library.
pub fn library(explicit: Option<&Path>) -> Result<PathBuf, RuntimeError> {
    let variable = env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(named) = explicit.map(Path::to_path_buf).or(variable) {
        return in_named(&named).ok_or(RuntimeError::LibraryNotThere { path: named });
    }
    let looked = folders();
    looked.iter().find_map(|folder| in_folder(folder)).ok_or(RuntimeError::LibraryMissing { looked })
}

/// `<cache>/modeldesk/onnxruntime`, whose subfolders are named after versions; `None` without a
/// home folder. Set-up puts the library there.
pub fn cache_folder() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.cache_dir().join("modeldesk").join("onnxruntime"))
}

/// A file, or the best library of a folder.
fn in_named(path: &Path) -> Option<PathBuf> {
    if path.is_dir() { in_folder(path) } else { path.is_file().then(|| path.to_path_buf()) }
}

/// Every folder that may hold a library, most wanted first.
fn folders() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Some(folder) = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)) {
        found.push(folder.join("lib"));
        if let Some(above) = folder.parent() {
            found.push(above.join("lib"));
        }
        found.insert(0, folder);
    }
    if let Some(cache) = cache_folder() {
        let mut versions: Vec<PathBuf> =
            fs::read_dir(&cache).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        versions.sort_by_key(|path| path.file_name().map(numbers));
        found.extend(versions.into_iter().rev());
        found.push(cache);
    }
    found.extend(SYSTEM.iter().map(PathBuf::from));
    found
}

#[cfg(target_os = "linux")]
const SYSTEM: &[&str] = &[
    "/usr/local/lib",
    "/usr/lib",
    "/usr/lib64",
    #[cfg(target_arch = "x86_64")]
    "/usr/lib/x86_64-linux-gnu",
    #[cfg(target_arch = "aarch64")]
    "/usr/lib/aarch64-linux-gnu",
];
#[cfg(target_os = "macos")]
const SYSTEM: &[&str] = &["/opt/homebrew/lib", "/usr/local/lib"];
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
const SYSTEM: &[&str] = &[];

/// The library of the highest version in a folder (`libonnxruntime.so.1.31.1` before `.so.1.30.0`).
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let candidates = entries.flatten().map(|entry| entry.path());
    candidates.filter(|path| path.file_name().is_some_and(is_library) && path.is_file()).max_by_key(|path| {
        let name = path.file_name().unwrap_or_default();
        (numbers(name), name.to_os_string())
    })
}

/// `libonnxruntime.so`, `libonnxruntime.so.1.31.1`, `libonnxruntime.1.31.1.dylib`, `onnxruntime.dll`; not
/// `libonnxruntime_providers_shared.so`.
fn is_library(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    if cfg!(windows) {
        return name.eq_ignore_ascii_case("onnxruntime.dll");
    }
    let Some(rest) = name.strip_prefix("libonnxruntime.") else { return false };
    let mut parts = rest.split('.');
    if cfg!(target_os = "macos") {
        return parts.next_back() == Some("dylib") && parts.all(is_number);
    }
    parts.next() == Some("so") && parts.all(is_number)
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

/// The numbers in a name, for comparing versions.
fn numbers(name: &OsStr) -> Vec<u64> {
    let name = name.to_string_lossy();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in names {
            fs::write(folder.path().join(name), b"").expect("write");
        }
        folder
    }

    #[test]
    fn the_highest_version_wins_and_helpers_are_not_libraries() {
        let folder = folder_with(&[
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.31.1",
            "libonnxruntime_providers_shared.so",
            "libonnxruntime.so.bak",
            "libonnxruntime.a",
        ]);
        let found = in_folder(folder.path()).expect("found");
        assert_eq!(found.file_name(), Some(OsStr::new("libonnxruntime.so.1.31.1")));
        assert_eq!(in_folder(folder_with(&["libonnxruntime_providers_cuda.so"]).path()), None);
    }

    #[test]
    fn a_named_path_is_never_passed_over() {
        let folder = folder_with(&["libonnxruntime.so"]);
        let file = folder.path().join("libonnxruntime.so");
        assert_eq!(library(Some(&file)).expect("file"), file);
        assert_eq!(library(Some(folder.path())).expect("folder"), file);
        let missing = folder.path().join("nothing.so");
        match library(Some(&missing)) {
            Err(RuntimeError::LibraryNotThere { path }) => assert_eq!(path, missing),
            other => panic!("{other:?}"),
        }
    }
}
