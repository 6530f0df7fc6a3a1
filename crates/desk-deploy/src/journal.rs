//! The rollout journal: intent before, outcome after, replayed after a crash.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use desk_core::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use crate::rollout::Event;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When it was written; for people only, nothing depends on it.
    pub at: jiff::Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl JournalEntry {
    /// An entry of this moment.
    pub fn now(event: Event) -> Self {
        Self { at: jiff::Timestamp::now(), event }
    }
}

/// Where the entries of one rollout are kept.
pub trait Journal {
    /// Adds an entry. It is durable when this returns: a crash right after does not lose it.
    fn append(&mut self, entry: &JournalEntry) -> Result<(), Fault>;

    /// All entries, oldest first.
    fn entries(&self) -> Result<Vec<JournalEntry>, Fault>;
}

/// A journal in a file of JSON lines, synced after each. One process writes at a time.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    file: File,
}

impl FileJournal {
    /// Opens or makes the file. A torn last line, left by a crash within a write, is cut off: what
    /// it would have said did not happen.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let fault = |e: std::io::Error| io_fault("open", path, &e);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(fault)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fault)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(fault)?;
            file.sync_all().map_err(fault)?;
        }
        file.seek(SeekFrom::End(0)).map_err(fault)?;
        sync_folder(path).map_err(fault)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes only the first half of an entry, as a crash within the write would leave it.
    #[doc(hidden)]
    pub fn append_torn(&mut self, entry: &JournalEntry) -> Result<(), Fault> {
        let line = line_of(entry)?;
        self.write(&line[..line.len() / 2])
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.file.write_all(bytes).and_then(|()| self.file.sync_data()).map_err(|e| io_fault("write", &self.path, &e))
    }
}

impl Journal for FileJournal {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), Fault> {
        let line = line_of(entry)?;
        self.write(&line)
    }

    fn entries(&self) -> Result<Vec<JournalEntry>, Fault> {
        let text = std::fs::read_to_string(&self.path).map_err(|e| io_fault("read", &self.path, &e))?;
        let mut entries = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let entry = serde_json::from_str(line).map_err(|e| {
                Fault::bug(format!("line {} of the rollout journal: {e}: {}", i + 1, self.path.display()))
            })?;
            entries.push(entry);
        }
        Ok(entries)
    }
}

fn line_of(entry: &JournalEntry) -> Result<Vec<u8>, Fault> {
    let mut line = serde_json::to_vec(entry).map_err(|e| Fault::bug(format!("a journal entry: {e}")))?;
    line.push(b'\n');
    Ok(line)
}

/// Makes the file's name durable, too.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn io_fault(action: &str, path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(FaultKind::Environment, format!("cannot {action} the rollout journal: {error}: {}", path.display()))
        .hint("Check free space and rights of that folder")
}

/// A journal that ends with the process; for tests and dry runs.
#[derive(Debug, Default)]
pub struct MemoryJournal(Vec<JournalEntry>);

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), Fault> {
        self.0.push(entry.clone());
        Ok(())
    }

    fn entries(&self) -> Result<Vec<JournalEntry>, Fault> {
        Ok(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::Step;

    fn entry(step: Step) -> JournalEntry {
        JournalEntry::now(Event::Begin { step })
    }

    #[test]
    fn entries_survive_and_a_torn_line_is_forgotten() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("rollout.jsonl");
        let first = entry(Step::Check);
        {
            let mut journal = FileJournal::open(&path).expect("opens");
            journal.append(&first).expect("written");
            journal.append_torn(&entry(Step::Upload)).expect("half written");
        }
        let mut journal = FileJournal::open(&path).expect("opens again");
        assert_eq!(journal.entries().expect("read"), vec![first.clone()]);
        let third = entry(Step::Stage);
        journal.append(&third).expect("written");
        assert_eq!(journal.entries().expect("read"), vec![first, third]);
    }

    #[test]
    fn rubbish_is_named_with_its_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("rollout.jsonl");
        std::fs::write(&path, "{}\n").expect("written");
        let fault = FileJournal::open(&path).expect("opens").entries().expect_err("must be refused");
        assert!(fault.message.contains("line 1"), "{fault}");
    }
}
