//! A kept file that nobody can read until the test lets go: work that takes as long as a test wants.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Opens without waiting for a reader.
const O_NONBLOCK: i32 = 0o4000;

/// A file whose place a pipe has taken: whoever opens it waits.
pub struct Held {
    path: PathBuf,
    away: PathBuf,
}

impl Held {
    /// The kept answers of the newest test, in the blobs of a home.
    pub fn newest_answers(home: &Path) -> Self {
        let mut found: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
        let mut folders = vec![home.join("home/blobs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read(&path).is_ok_and(|bytes| bytes.starts_with(b"ARROW1")) {
                    found.push((entry.metadata().and_then(|meta| meta.modified()).expect("its time"), path));
                }
            }
        }
        Self::of(found.into_iter().max().expect("a test was kept").1)
    }

    fn of(path: PathBuf) -> Self {
        let away = path.with_extension("away");
        std::fs::rename(&path, &away).expect("moved");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
        assert!(made.success());
        Self { path, away }
    }
}

impl Drop for Held {
    /// Whoever waits goes on, and finds nothing; the next one finds the file.
    fn drop(&mut self) {
        // Nobody waits when the test has failed before.
        drop(std::fs::OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(&self.path));
        std::fs::rename(&self.away, &self.path).expect("back");
    }
}
