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

    /// A file to save for which the window has to ask itself, as no dialog of the system comes.
    fn asked(&self) -> Option<Asked> {
        None
    }
}

/// A file to save, whose place the window asks for.
#[derive(Debug)]
pub struct Asked {
    /// The place to begin with.
    pub path: PathBuf,
    answer: mpsc::Sender<Option<PathBuf>>,
}

impl Asked {
    /// Asks for a place, beginning with `path`; whoever wants to know it waits for the receiver.
    pub fn new(path: PathBuf) -> (Self, mpsc::Receiver<Option<PathBuf>>) {
        let (answer, receiver) = mpsc::channel();
        (Self { path, answer }, receiver)
    }

    /// Gives the place, or says that there is none.
    pub fn answer(&self, path: Option<PathBuf>) {
        if self.answer.send(path).is_err() {
            tracing::debug!("the view that asked where to save is gone");
        }
    }
}

/// The system's own dialogs (on Linux through the desktop portal).
#[derive(Debug, Default)]
pub struct SystemPicker {
    failed: Arc<AtomicBool>,
    /// No dialog came once: none is tried for saving from then on.
    none_comes: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Asked>>>,
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
    /// Opens a dialog on a thread of its own; where none comes, the window asks for the place of a file `name`.
    fn ask(
        &self,
        name: Option<String>,
        open: impl FnOnce(&Path) -> Option<PathBuf> + Send + 'static,
        done: Box<dyn FnOnce() + Send>,
    ) -> mpsc::Receiver<Option<PathBuf>> {
        let (sender, receiver) = mpsc::channel();
        let (failed, none_comes) = (Arc::clone(&self.failed), Arc::clone(&self.none_comes));
        let asked = Arc::clone(&self.asked);
        let last = Arc::clone(&self.last);
        let spawned = std::thread::Builder::new().name("file dialog".into()).spawn(move || {
            let began = Instant::now();
            let begin = begin_at(last.lock().clone());
            let tried = name.is_none() || !none_comes.load(Ordering::SeqCst);
            let chosen = if tried { open(&begin) } else { None };
            if let Some(folder) = chosen.as_deref().and_then(Path::parent) {
                *last.lock() = Some(folder.to_path_buf());
            }
            if chosen.is_none() && began.elapsed() < TOO_SOON {
                none_comes.store(true, Ordering::SeqCst);
                let Some(name) = name else {
                    failed.store(true, Ordering::SeqCst);
                    return done();
                };
                asked.lock().push(Asked { path: begin.join(name), answer: sender });
                return done();
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
        self.ask(None, open, done)
    }

    fn save(&self, name: &str, done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>> {
        let (name, named) = (name.to_owned(), name.to_owned());
        let save = move |folder: &Path| {
            rfd::FileDialog::new().set_title("Save").set_directory(folder).set_file_name(named).save_file()
        };
        self.ask(Some(name), save, done)
    }

    fn failed(&self) -> bool {
        self.failed.swap(false, Ordering::SeqCst)
    }

    fn asked(&self) -> Option<Asked> {
        self.asked.lock().pop()
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
    fn where_no_dialog_comes_the_window_asks_where_to_save_and_says_so_of_other_files() {
        let picker = SystemPicker::default();
        let (told, hears) = mpsc::channel();
        let mut saving = Picked::default();
        let done = told.clone();
        saving.wait(picker.ask(Some("rows.csv".into()), |_| None, Box::new(move || done.send(()).expect("heard"))));
        hears.recv().expect("told");
        assert!(!picker.failed(), "nothing failed: the window asks");
        let asked = picker.asked().expect("asked");
        assert!(asked.path.ends_with("rows.csv") && saving.is_waiting());
        asked.answer(Some("/tmp/here.csv".into()));
        assert_eq!(saving.take(), Some("/tmp/here.csv".into()));
        let opened = |_: &Path| -> Option<PathBuf> { panic!("no further dialog is tried for saving") };
        let done = told.clone();
        saving.wait(picker.ask(Some("more.csv".into()), opened, Box::new(move || done.send(()).expect("heard"))));
        hears.recv().expect("told");
        drop(picker.asked().expect("asked"));
        assert!(saving.take().is_none() && !saving.is_waiting(), "no answer is none");
        saving.wait(picker.ask(None, |_| None, Box::new(move || told.send(()).expect("heard"))));
        hears.recv().expect("told");
        assert!(picker.failed() && picker.asked().is_none());
    }

    #[test]
    fn a_dialog_begins_where_the_last_one_ended_and_never_at_the_root() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(begin_at(Some(folder.path().to_path_buf())), folder.path());
        let gone = begin_at(Some(folder.path().join("removed")));
        assert_ne!(gone, folder.path().join("removed"));
        assert_ne!(begin_at(None), Path::new("/"));
    }
}
