//! Explanations that were stopped: their finished rows are kept in the home until the same is asked for again.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use desk_core::words::counted;
use desk_core::{Digest, Fault};

use crate::Desk;
use crate::worker::protocol::ExplainRequest;

/// The folder below the home, with a folder for each version.
const UNFINISHED: &str = "unfinished";
/// What nobody went on with for so long is taken back by `gc`.
const OLD: Duration = Duration::from_hours(24 * 30);

/// How the hint ends that tells of finished rows.
const GOES_ON: &str = "asked for again, the explanation goes on from there";

/// What a stopped explanation says of the rows that it finished, where any are kept.
pub fn finished_rows(fault: &Fault) -> Option<&str> {
    fault.hints.iter().find(|hint| hint.ends_with(GOES_ON)).map(String::as_str)
}

/// The file for the finished rows of one request.
pub(crate) struct Unfinished {
    /// The folder of the version, which its worker may write to.
    pub folder: PathBuf,
    /// The file, if any row was finished.
    pub file: PathBuf,
}

impl Desk {
    /// Where the finished rows of a request are kept; nowhere when the home cannot be written.
    pub(crate) fn unfinished(&self, request: &ExplainRequest) -> Option<Unfinished> {
        let text = serde_json::to_string(&ExplainRequest { finished: false, ..request.clone() }).ok()?;
        let folder = self.below_home(UNFINISHED).join(request.model.digest.hex());
        if !request.changes.is_empty() || self.gone().is_some() || self.full().is_some() {
            return None;
        }
        fs::create_dir_all(&folder).ok()?;
        let file = folder.join(format!("{}.jsonl", Digest::of(text).hex()));
        Some(Unfinished { folder, file })
    }

    /// Folders with nothing but rows that nobody went on with for long.
    pub(crate) fn given_up(&self) -> Vec<PathBuf> {
        let versions = fs::read_dir(self.below_home(UNFINISHED)).into_iter().flatten().flatten();
        let old = |path: &Path| {
            let age = |at: SystemTime| SystemTime::now().duration_since(at).is_ok_and(|age| age > OLD);
            fs::metadata(path).and_then(|meta| meta.modified()).is_ok_and(age)
        };
        let files = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let given_up = |folder: &PathBuf| old(folder) && files(folder).all(|file| old(&file));
        versions.map(|entry| entry.path()).filter(given_up).collect()
    }
}

impl Unfinished {
    /// How many rows are finished.
    fn rows(&self) -> u64 {
        let lines = fs::File::open(&self.file).ok().map(|file| BufReader::new(file).lines().map_while(Result::ok));
        lines.map_or(0, |lines| lines.count() as u64)
    }

    /// What stopped the explanation, with what is kept of it.
    pub fn told(&self, fault: Fault) -> Fault {
        match self.rows() {
            0 => {
                self.end();
                fault
            }
            rows => {
                let rows = counted(rows, "finished row");
                fault
                    .hint(format!("Kept: {rows}; {GOES_ON}"))
                    .hint("The same with --finished explains the finished rows alone")
            }
        }
    }

    /// All is finished: nothing is kept any more.
    pub fn end(&self) {
        // The folder stays: another explanation of the version may be about to write to it.
        if let Err(error) = fs::remove_file(&self.file) {
            tracing::debug!("An explanation kept no rows: {error}");
        }
    }
}
