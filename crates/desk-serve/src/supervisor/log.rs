//! The supervisor's log: one file that is put aside when it has grown, so that it never fills the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

/// The log is put aside at this size; one older file is kept.
const MAX_BYTES: u64 = 1024 * 1024;

/// A log file and its size. Cheap to clone.
#[derive(Clone)]
pub struct BoundedLog(Arc<Mutex<Inner>>);

struct Inner {
    path: PathBuf,
    file: File,
    size: u64,
}

impl BoundedLog {
    /// Opens the log and goes on at its end.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(Inner { path: path.to_owned(), file, size }))))
    }
}

impl Write for BoundedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.0.lock();
        if inner.size + bytes.len() as u64 > MAX_BYTES {
            fs::rename(&inner.path, inner.path.with_extension("log.1"))?;
            inner.file = File::options().create(true).append(true).open(&inner.path)?;
            inner.size = 0;
        }
        inner.file.write_all(bytes)?;
        inner.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_bounded_size_are_all_there_is() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("supervisor.log");
        for _ in 0..3 {
            // Opening again goes on where the last one stopped.
            let mut log = BoundedLog::open(&path).expect("opens");
            for i in 0..9_000 {
                writeln!(log, "{i:0>99}").expect("written");
            }
        }
        let sizes: Vec<u64> = fs::read_dir(folder.path())
            .expect("folder")
            .map(|entry| entry.expect("entry").metadata().expect("size").len())
            .collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size <= MAX_BYTES), "{sizes:?}");
    }
}
