//! Finished rows of an explanation, in a file of their own while it lasts: what was stopped goes on from there.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use desk_core::Digest;
use desk_explain::{FinishedRow, Kept};
use serde::{Deserialize, Serialize};

/// What is over sooner is not written: it is asked for again as fast.
const SOON: Duration = Duration::from_secs(1);

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Digest of the row's values and of all else that decides what is found for it, but for the request itself, after
    /// which the file is named.
    row: Digest,
    found: FinishedRow,
}

/// Finished rows of one request.
pub struct Finished<'a> {
    file: Option<PathBuf>,
    /// The digest of a row's values.
    digest: &'a dyn Fn(&[f64]) -> Digest,
    /// What decides the values beside the row and the request.
    around: String,
    known: HashMap<Digest, FinishedRow>,
    began: Instant,
    /// Lines that are not written yet.
    waiting: RefCell<String>,
    /// Rows that were not worked out again.
    taken: Cell<u64>,
}

impl<'a> Finished<'a> {
    /// Reads what is there; of a file that was cut off in its last line, the lines before it. `around` is what decides the
    /// values beside the row and the request. Without a file nothing is known and nothing is kept.
    pub fn open(file: Option<&Path>, digest: &'a dyn Fn(&[f64]) -> Digest, around: String) -> Self {
        let lines = file.and_then(|file| File::open(file).ok()).map(BufReader::new);
        let lines = lines.into_iter().flat_map(|lines| lines.lines().map_while(Result::ok));
        let known = lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok());
        Self {
            file: file.map(Path::to_owned),
            digest,
            around,
            known: known.map(|line| (line.row, line.found)).collect(),
            began: Instant::now(),
            waiting: RefCell::default(),
            taken: Cell::new(0),
        }
    }

    /// Whether a row is finished.
    pub fn has(&self, row: &[f64]) -> bool {
        !self.known.is_empty() && self.known.contains_key(&self.name(row))
    }

    /// Rows that were finished before.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// One row that is explained by its parts.
    pub fn one(&self, row: &[f64]) -> OneRow {
        OneRow { known: self.known(row), found: Cell::new(None) }
    }

    fn name(&self, row: &[f64]) -> Digest {
        Digest::of(format!("{}\n{}", self.around, (self.digest)(row)))
    }

    /// Writes what waits; a line is there as a whole or not at all, as it is written at once.
    fn write(&self) {
        let Some(file) = self.file.as_ref().filter(|_| self.began.elapsed() >= SOON) else { return };
        let mut waiting = self.waiting.borrow_mut();
        let opened = OpenOptions::new().append(true).create(true).open(file);
        // What cannot be kept is worked out again if it must be: no reason to stop.
        if let Err(error) = opened.and_then(|mut file| file.write_all(waiting.as_bytes())) {
            tracing::debug!("A finished row is not kept: {error}");
        }
        waiting.clear();
    }
}

impl Kept for Finished<'_> {
    fn known(&self, row: &[f64]) -> Option<FinishedRow> {
        if self.known.is_empty() {
            return None;
        }
        let known = self.known.get(&self.name(row)).cloned();
        self.taken.set(self.taken.get() + u64::from(known.is_some()));
        known
    }

    fn keep(&self, row: &[f64], found: FinishedRow) {
        if self.file.is_none() {
            return;
        }
        if let Ok(line) = serde_json::to_string(&Line { row: self.name(row), found }) {
            let mut waiting = self.waiting.borrow_mut();
            waiting.push_str(&line);
            waiting.push('\n');
        }
        self.write();
    }
}

/// One row whose parts are the players: it is kept as the row that it is, not as a row of parts that are all there.
#[derive(Default)]
pub struct OneRow {
    known: Option<FinishedRow>,
    found: Cell<Option<FinishedRow>>,
}

impl OneRow {
    /// Keeps what was found; gives the rows that the model was asked, `asked` of them now.
    pub fn end(self, kept: Option<&Finished<'_>>, row: &[f64], asked: u64) -> u64 {
        if let Some(known) = &self.known {
            return known.model_rows;
        }
        if let Some((kept, mut found)) = kept.zip(self.found.take()) {
            found.model_rows = asked;
            kept.keep(row, found);
        }
        asked
    }
}

impl Kept for OneRow {
    fn known(&self, _: &[f64]) -> Option<FinishedRow> {
        self.known.clone()
    }

    fn keep(&self, _: &[f64], finished: FinishedRow) {
        self.found.set(Some(finished));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(model_rows: u64) -> FinishedRow {
        let text =
            format!(r#"{{"values":[1.5,-0.1],"errors":null,"note":null,"model_rows":{model_rows},"lime":null}}"#);
        serde_json::from_str(&text).expect("a row")
    }

    #[test]
    fn rows_are_known_again_only_where_all_is_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rows.jsonl");
        let digest = |row: &[f64]| Digest::of(format!("{row:?}"));
        let mut first = Finished::open(Some(&file), &digest, "here".to_owned());
        first.keep(&[1.0, 2.0], row(7));
        assert!(!file.exists(), "what is over at once is not written");
        first.began = Instant::now().checked_sub(SOON).expect("earlier");
        first.keep(&[3.0, 4.0], row(8));
        std::fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all(b"{\"row\":\"sha256:12"))
            .expect("a line that was cut off");
        let again = Finished::open(Some(&file), &digest, "here".to_owned());
        assert!(again.has(&[1.0, 2.0]) && again.has(&[3.0, 4.0]) && !again.has(&[1.0, 2.5]));
        assert_eq!(again.known(&[3.0, 4.0]), Some(row(8)));
        assert_eq!(again.taken(), 1);
        let other = Finished::open(Some(&file), &digest, "another background".to_owned());
        assert!(!other.has(&[1.0, 2.0]));
        let one = again.one(&[1.0, 2.0]);
        assert_eq!(one.end(Some(&again), &[1.0, 2.0], 99), 7, "as many as it took before");
    }
}
