//! Rows of explanations that somebody keeps as evidence.

use desk_core::{Fault, VersionRef};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::command::{Pin, Unpin};
use crate::outcome::{Done, Outcome};

/// Characters of a note at most.
const LONGEST_NOTE: usize = 4_000;

/// A pinned row, with what stands in its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinItem {
    /// The explanation.
    pub run: String,
    /// The row's number, from 1.
    pub row: u64,
    /// Why it was pinned.
    pub note: String,
    /// When (RFC 3339).
    pub at: String,
    /// Who.
    pub who: String,
    /// When its note was last written anew, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// Who wrote it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// Method of the explanation.
    pub method: String,
    /// Name of the data file.
    pub data: String,
    /// Digest of the explanation's values.
    pub digest: String,
    /// How the row stands: `answered benign, and it is malignant`.
    pub standing: Option<String>,
}

impl Desk {
    /// The pinned rows of a version, the newest first.
    pub fn pins(&self, version: &VersionRef) -> Result<Vec<PinItem>, Fault> {
        let version = self.0.store.resolve(version)?;
        let pins = self.0.store.list_pins(&version.digest)?;
        pins.into_iter()
            .map(|pin| {
                let record = self.run_record(&pin.run)?;
                let Outcome::Explain(answer) = record.outcome else {
                    return Err(Fault::bug(format!("run {} is pinned and no explanation", pin.run)));
                };
                let at = answer.row_numbers.iter().position(|number| *number == pin.row);
                Ok(PinItem {
                    standing: at.and_then(|at| answer.standing(at)),
                    run: pin.run,
                    row: pin.row,
                    note: pin.note,
                    at: pin.at.to_string(),
                    who: pin.who,
                    changed: pin.changed.map(|at| at.to_string()),
                    changed_by: pin.changed_by,
                    method: answer.method,
                    data: record.item.data,
                    digest: answer.digest.to_string(),
                })
            })
            .collect()
    }

    pub(crate) fn pin(&self, command: &Pin) -> Result<Outcome, Fault> {
        let Pin { run, row, note } = command;
        let Outcome::Explain(answer) = self.run_record(run)?.outcome else {
            return Err(Fault::input(format!("run {run} is no explanation, so it has no rows to pin"))
                .hint("modeldesk list runs names the explanations"));
        };
        let numbers = &answer.row_numbers;
        let note = match note {
            Some(note) => note.trim().to_owned(),
            None => self.0.store.pinned_note(run, *row)?.unwrap_or_default(),
        };
        if !numbers.contains(row) {
            let range = numbers.iter().min().zip(numbers.iter().max());
            let known = range
                .map_or_else(String::new, |(low, high)| format!("It has {} rows from {low} to {high}", numbers.len()));
            return Err(Fault::input(format!("the explanation has no row {row}")).hint(known));
        }
        if note.chars().count() > LONGEST_NOTE {
            return Err(Fault::input(format!("the note is longer than {LONGEST_NOTE} characters")).hint("Shorten it"));
        }
        let undo = self.0.store.pin(run, *row, &note)?;
        let message = format!("Row {row} of {} is pinned as evidence", answer.version);
        Ok(Outcome::Done(Done { message, undo }))
    }

    pub(crate) fn unpin(&self, command: &Unpin) -> Result<Outcome, Fault> {
        let Unpin { run, row } = command;
        let undo = self.0.store.unpin(run, *row)?;
        if undo.is_none() {
            return Err(Fault::input(format!("row {row} of run {run} is not pinned"))
                .hint("modeldesk pins NAME@NUMBER lists what is"));
        }
        Ok(Outcome::Done(Done { message: format!("Row {row} is no longer pinned"), undo }))
    }
}
