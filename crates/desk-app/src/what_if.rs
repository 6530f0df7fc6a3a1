//! What a version would answer to a row if some of its cells were others.

use desk_core::words::quoted;
use desk_core::{Cancel, Fault, FaultKind, NoProgress};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::command::Explain;
use crate::outcome::Explained;

/// A row as it stands and as it would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// The row's number, from 1.
    pub row: u64,
    /// What was changed.
    pub changes: Vec<Change>,
    /// Two rows: as it stands, then with the changes; both are the same row of the file.
    pub explanation: Explained,
}

/// A cell that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The feature.
    pub feature: String,
    /// Its value in the file.
    pub was: String,
    /// Its value with the changes.
    pub is: String,
}

impl Desk {
    /// Answers and explains one row twice: as it stands, and with `set` cells changed, each a column and its text, or a
    /// category that several columns of flags make and one of its levels.
    ///
    /// Nothing is recorded: the row is nowhere in a file. The session of the version stays open in its worker, so that
    /// a second question is answered in the time that the model takes.
    pub fn what_if(&self, asked: &Explain, set: &[(String, String)], cancel: &Cancel) -> Result<WhatIf, Fault> {
        let row = asked.first_row.unwrap_or(1);
        if set.is_empty() {
            return Err(Fault::new(FaultKind::Usage, "nothing is to be changed")
                .hint("Name a column and its value: --set COLUMN=VALUE"));
        }
        if let Some((column, _)) =
            set.iter().enumerate().find_map(|(i, pair)| set[..i].iter().any(|other| other.0 == pair.0).then_some(pair))
        {
            return Err(Fault::new(FaultKind::Usage, format!("column {} is set twice", quoted(column)))
                .hint("Set each column once"));
        }
        let asked = Explain { first_row: Some(row), last_row: Some(row), pick: None, out: None, ..asked.clone() };
        let (explanation, ..) = self.explained(&asked, set, cancel, &NoProgress)?;
        let mut explanation = explanation;
        explanation.warnings.extend(impossible(&explanation));
        Ok(WhatIf { row, changes: changes(&explanation), explanation })
    }
}

/// Categories of which the changed row is not of exactly one level.
fn impossible(explanation: &Explained) -> Vec<String> {
    let categories = explanation.groups.iter().filter(|group| group.kind == "onehot");
    let broken = categories.filter(|group| {
        let flags = group.values.get(1).map(Vec::as_slice).unwrap_or_default();
        !flags.is_empty() && flags.iter().filter(|flag| *flag != "0").ne(["1"])
    });
    let told = |group: &crate::outcome::Grouped| {
        format!(
            "The changed row is not of one {}: set one of {} to 1 and the others to 0",
            group.name,
            group.columns.join(", ")
        )
    };
    broken.map(told).collect()
}

/// Features whose value differs between the two rows.
fn changes(explanation: &Explained) -> Vec<Change> {
    let [was, is] = explanation.feature_values.as_slice() else { return Vec::new() };
    let pairs = explanation.feature_names.iter().zip(was.iter().zip(is));
    let differ = pairs.filter(|(_, (was, is))| was != is);
    differ.map(|(name, (was, is))| Change { feature: name.clone(), was: was.clone(), is: is.clone() }).collect()
}
