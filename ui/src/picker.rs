//! Choosing files with the system's dialog, off the frame and replaceable in tests.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What a dialog is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A model file.
    Model,
    /// Rows to score or explain.
    Data,
    /// A private key.
    Key,
    /// An ONNX Runtime library.
    Library,
    /// A folder of images, or one with a model and its external data.
    Folder,
}

impl Purpose {
    fn title(self) -> &'static str {
        match self {
            Self::Model => "Choose a model",
            Self::Data => "Choose a data file",
            Self::Key => "Choose a private key",
            Self::Library => "Choose the ONNX Runtime library",
            Self::Folder => "Choose a folder",
        }
    }

    fn filters(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::Model => &[("ONNX models", &["onnx"])],
            Self::Data => &[(
                "Data",
                &["csv", "parquet", "arrow", "feather", "ipc", "jsonl", "ndjson", "npy", "npz", "png", "jpg", "jpeg"],
            )],
            Self::Key | Self::Library | Self::Folder => &[],
        }
    }
}

/// Opens dialogs; each answers once, `None` when it was cancelled.
pub trait FilePicker {
    /// Opens a dialog without waiting for it; `done` is called when it has answered.
    fn pick(&self, purpose: Purpose, done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>>;

    /// Asks where to save a file, with a name to begin with; as [`Self::pick`] otherwise.
    fn save(&self, name: &str, done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>>;

    /// A dialog could not be opened since this was last asked.
    fn failed(&self) -> bool {
        false
    }
}

/// The system's own dialogs (on Linux through the desktop portal).
#[derive(Debug, Default)]
pub struct SystemPicker {
    failed: Arc<AtomicBool>,
    /// The folder of what was chosen last.
    last: Arc<Mutex<Option<PathBuf>>>,
}

/// Nobody closes a dialog so soon: it never came. The library does not tell the two apart.
const TOO_SOON: Duration = Duration::from_millis(300);

/// Where a dialog begins: where the last one ended, else among the user's documents, else in the home folder.
fn begin_at(last: Option<PathBuf>) -> PathBuf {
    let last = last.filter(|folder| folder.is_dir());
    let own = || {
        let home = std::env::home_dir()?;
        let documents = home.join("Documents");
        Some(if documents.is_dir() { documents } else { home })
    };
    last.or_else(own).unwrap_or_else(|| PathBuf::from("."))
}

impl SystemPicker {
    /// Opens a dialog on a thread of its own.
    fn ask(
        &self,
        open: impl FnOnce(&Path) -> Option<PathBuf> + Send + 'static,
        done: Box<dyn FnOnce() + Send>,
    ) -> mpsc::Receiver<Option<PathBuf>> {
        let (sender, receiver) = mpsc::channel();
        let failed = Arc::clone(&self.failed);
        let last = Arc::clone(&self.last);
        let spawned = std::thread::Builder::new().name("file dialog".into()).spawn(move || {
            let began = Instant::now();
            let chosen = open(&begin_at(last.lock().clone()));
            if let Some(folder) = chosen.as_deref().and_then(Path::parent) {
                *last.lock() = Some(folder.to_path_buf());
            }
            if chosen.is_none() && began.elapsed() < TOO_SOON {
                failed.store(true, Ordering::SeqCst);
            }
            if sender.send(chosen).is_err() {
                tracing::debug!("the view that asked for a file is gone");
            }
            done();
        });
        if let Err(error) = spawned {
            tracing::warn!("the file dialog cannot be opened: {error}");
        }
        receiver
    }
}

impl FilePicker for SystemPicker {
    fn pick(&self, purpose: Purpose, done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>> {
        let open = move |folder: &Path| {
            let mut dialog = rfd::FileDialog::new().set_title(purpose.title()).set_directory(folder);
            for (name, extensions) in purpose.filters() {
                dialog = dialog.add_filter(*name, extensions);
            }
            dialog = dialog.add_filter("All files", &["*"]);
            if purpose == Purpose::Folder { dialog.pick_folder() } else { dialog.pick_file() }
        };
        self.ask(open, done)
    }

    fn save(&self, name: &str, done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>> {
        let name = name.to_owned();
        let save = move |folder: &Path| {
            rfd::FileDialog::new().set_title("Save").set_directory(folder).set_file_name(name).save_file()
        };
        self.ask(save, done)
    }

    fn failed(&self) -> bool {
        self.failed.swap(false, Ordering::SeqCst)
    }
}

/// A file that a view has asked for.
#[derive(Default)]
pub struct Picked(Option<mpsc::Receiver<Option<PathBuf>>>);

impl Picked {
    /// Waits for a dialog.
    pub fn wait(&mut self, receiver: mpsc::Receiver<Option<PathBuf>>) {
        self.0 = Some(receiver);
    }

    /// The dialog has not answered yet.
    pub fn is_waiting(&self) -> bool {
        self.0.is_some()
    }

    /// The path, once, when somebody chose one.
    pub fn take(&mut self) -> Option<PathBuf> {
        let answer = match self.0.as_ref()?.try_recv() {
            Ok(answer) => answer,
            Err(mpsc::TryRecvError::Empty) => return None,
            Err(mpsc::TryRecvError::Disconnected) => None,
        };
        self.0 = None;
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_begins_where_the_last_one_ended_and_never_at_the_root() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(begin_at(Some(folder.path().to_path_buf())), folder.path());
        let gone = begin_at(Some(folder.path().join("removed")));
        assert_ne!(gone, folder.path().join("removed"));
        assert_ne!(begin_at(None), Path::new("/"));
    }
}
