//! Looks at a library file before it is used: can it be loaded, is it ONNX Runtime, which version.

use std::path::Path;

use crate::error::RuntimeError;

/// The version that a library says it has, such as `1.31.1`.
///
/// Loads the file, which runs its constructors: only for files that the user or set-up named.
pub(crate) fn version(path: &Path) -> Result<String, RuntimeError> {
    let version = ask(path).map_err(|reason| RuntimeError::LibraryUnusable { path: path.to_path_buf(), reason })?;
    let minor = match version.split('.').map(str::parse::<u32>).collect::<Vec<_>>().as_slice() {
        [Ok(1), Ok(minor), ..] => *minor,
        [Ok(major), ..] if *major > 1 => u32::MAX,
        _ => 0,
    };
    if minor < ort::MINOR_VERSION {
        return Err(RuntimeError::LibraryTooOld {
            path: path.to_path_buf(),
            found: version,
            needed: ort::MINOR_VERSION,
        });
    }
    Ok(version)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "the dynamic loader is the only way to ask a library for its version")]
fn ask(path: &Path) -> Result<String, String> {
    use std::ffi::{CStr, CString};
    use std::os::unix::ffi::OsStrExt;

    type GetBase = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;

    let name = CString::new(path.as_os_str().as_bytes()).map_err(|e| e.to_string())?;
    // SAFETY: every pointer is checked before it is used; the handle is not closed when the file is
    // ONNX Runtime, since it is about to be used, and nothing of it was kept when it is not.
    unsafe {
        let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if handle.is_null() {
            let message = libc::dlerror();
            let text = if message.is_null() { c"no reason given" } else { CStr::from_ptr(message) };
            return Err(text.to_string_lossy().into_owned());
        }
        let symbol = libc::dlsym(handle, c"OrtGetApiBase".as_ptr());
        if symbol.is_null() {
            libc::dlclose(handle);
            return Err("it has no function OrtGetApiBase".to_owned());
        }
        let base = std::mem::transmute::<*mut libc::c_void, GetBase>(symbol)();
        if base.is_null() {
            return Err("OrtGetApiBase gives nothing".to_owned());
        }
        let text = ((*base).GetVersionString)();
        if text.is_null() {
            return Err("it does not say its version".to_owned());
        }
        Ok(CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}

/// Without a POSIX loader the version check is left to the bindings.
#[cfg(not(unix))]
fn ask(_path: &Path) -> Result<String, String> {
    Ok(format!("1.{}.0", ort::MINOR_VERSION))
}
