//! The column with the truth and who named it, in the words that the window and the command line share.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use desk_core::words::same_value;
use desk_core::{Description, Fault, Manifest};
use desk_data::BindOptions;
use desk_store::VersionRow;
use serde::{Deserialize, Serialize};

use crate::calls::{Loaded, TARGET};
use crate::command::Columns;
use crate::outcome::{Explained, Predicted};
use crate::pages::looked_at;
use crate::query::TablePage;
use crate::repair::Making;

/// A column with the truth, and who named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Its name.
    pub column: String,
    /// `command`, `import` (remembered from the import of the version) or `model`; `values` or `name` where it is only
    /// a proposal.
    pub from: String,
}

impl Truth {
    /// Who named the column that a command took for the truth.
    pub(crate) fn who(columns: &Columns, remembered: Option<&String>) -> &'static str {
        match (&columns.target, remembered) {
            (Some(_), _) => "command",
            (None, Some(_)) => "import",
            (None, None) => "model",
        }
    }

    /// What a version is compared with when nobody names a column, where the data has it.
    pub(crate) fn of(row: &VersionRow, manifest: &Manifest) -> Option<Self> {
        let told = Making::of(row).and_then(|making| making.columns.target);
        let told = told.map(|column| Self { column, from: "import".to_owned() });
        let named = || {
            let mut metadata = manifest.description.metadata.iter();
            let (_, column) = metadata.find(|(key, _)| key.eq_ignore_ascii_case(TARGET))?;
            let column = column.trim();
            (!column.is_empty()).then(|| Self { column: column.to_owned(), from: "model".to_owned() })
        };
        told.or_else(named)
    }
}

/// Names that people give to the truth.
const USUAL: [&str; 9] = ["target", "truth", "label", "class", "outcome", "y", "y_true", "ground_truth", "actual"];

impl Truth {
    /// A proposal for a file in which nobody has named the truth: the one column beside the inputs that holds nothing but
    /// the model's classes, or has one of the usual names.
    ///
    /// Classes that are numbers need the name as well: a yes-or-no feature looks the same. What `columns` leave out or
    /// give to an input is no truth.
    pub(crate) fn by_values(page: &TablePage, description: &Description, columns: &Columns) -> Option<Self> {
        let named = BindOptions::from_metadata(&description.metadata).feature_names.unwrap_or_default();
        let inputs: HashSet<&str> = description
            .signature
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .chain(named.iter().map(String::as_str))
            .collect();
        let is_input = |name: &str| inputs.contains(name) || columns.uses(name);
        Self::propose(page, description.labels.as_deref().unwrap_or_default(), is_input)
    }

    fn propose(page: &TablePage, labels: &[String], is_input: impl Fn(&str) -> bool) -> Option<Self> {
        let has_classes = labels.len() > 1;
        let are_numbers = labels.iter().all(|label| label.parse::<f64>().is_ok());
        let usual = |name: &str| USUAL.iter().any(|usual| name.eq_ignore_ascii_case(usual));
        let is_candidate = |at: usize, name: &str| {
            let holds = !has_classes || holds_only(page, at, labels);
            let named = (has_classes && !are_numbers) || usual(name);
            holds && named && !is_input(name)
        };
        let columns = page.columns.iter().map(String::as_str).enumerate();
        let found: Vec<&str> = columns.filter(|(at, name)| is_candidate(*at, name)).map(|(_, name)| name).collect();
        let one = match found.as_slice() {
            [one] => *one,
            several => {
                let mut by_name = several.iter().filter(|name| usual(name));
                by_name.next().filter(|_| by_name.next().is_none())?
            }
        };
        let from = if has_classes { "values" } else { "name" };
        Some(Self { column: one.to_owned(), from: from.to_owned() })
    }

    /// It is a proposal: a command takes it as the truth only when it says so.
    pub fn is_proposal(&self) -> bool {
        matches!(self.from.as_str(), "values" | "name")
    }

    /// Who named it, unless somebody did just now.
    pub fn source(&self) -> Option<&'static str> {
        match self.from.as_str() {
            "import" => Some("remembered from import"),
            "model" => Some("named in the model"),
            "values" => Some("it holds the model's classes"),
            "name" => Some("by its name"),
            _ => None,
        }
    }
}

impl Columns {
    /// The column was left out, or feeds an input by its name.
    pub fn uses(&self, column: &str) -> bool {
        let names = |typed: &str| typed == column || typed.split(',').any(|name| name.trim() == column);
        self.drop.iter().any(|typed| names(typed)) || self.map.iter().any(|(_, typed)| names(typed))
    }
}

/// The columns of a command that cannot do without a truth, with the one that is taken, and who named it: the
/// command, else the version where the file has that column, else what [`crate::Desk::proposed_truth`] proposes.
pub(crate) fn with_truth(loaded: &Loaded, data: &Path, columns: &Columns) -> Result<(Columns, &'static str), Fault> {
    let known = Truth::who(columns, loaded.target.as_ref());
    let page = looked_at(data, columns)?;
    let has = |typed: &str| {
        let there = |name: &str| page.columns.iter().any(|column| column == name);
        there(typed) || typed.split(',').all(|name| there(name.trim()))
    };
    let mut metadata = loaded.description.metadata.iter();
    let told = metadata.find(|(key, _)| key.eq_ignore_ascii_case(TARGET)).map(|(_, column)| column.trim());
    let is_told = told.is_some_and(|column| has(column) && !columns.uses(column));
    if columns.target.is_some() || is_told {
        return Ok((columns.clone(), known));
    }
    let Some(truth) = Truth::by_values(&page, &loaded.description, columns) else {
        return Ok((columns.clone(), known));
    };
    let from = if truth.from == "values" { "values" } else { "name" };
    Ok((Columns { target: Some(truth.column), ..columns.clone() }, from))
}

/// A column with two classes or more, and nothing else.
fn holds_only(page: &TablePage, column: usize, labels: &[String]) -> bool {
    let cells = page.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty());
    let mut seen: HashSet<usize> = HashSet::new();
    for cell in cells {
        match labels.iter().position(|label| same_value(label, cell)) {
            Some(label) => seen.insert(label),
            None => return false,
        };
    }
    seen.len() > 1
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.column)?;
        self.source().map_or(Ok(()), |source| write!(f, " ({source})"))
    }
}

impl Explained {
    /// The column with the truth, which is no feature, and who named it.
    pub fn truth(&self) -> Option<Truth> {
        let from = self.target_from.clone().unwrap_or_default();
        self.target.clone().map(|column| Truth { column, from })
    }
}

impl Predicted {
    /// The column that the answers were compared with, and who named it.
    pub fn truth(&self) -> Option<Truth> {
        let from = self.target_from.clone().unwrap_or_default();
        self.target.clone().map(|column| Truth { column, from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(columns: &[&str], rows: &[&[&str]]) -> TablePage {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        TablePage {
            columns: texts(columns),
            numeric: vec![false; columns.len()],
            rows: rows.iter().map(|row| texts(row)).collect(),
            offset: 0,
            total: None,
            numbers: Vec::new(),
        }
    }

    fn proposed(page: &TablePage, labels: &[&str]) -> Option<String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        Truth::propose(page, &labels, |name| name == "age").map(|truth| truth.column)
    }

    #[test]
    fn the_one_column_that_holds_the_classes_is_proposed() {
        let rows: &[&[&str]] = &[&["yes", "yes", "1", "Ann"], &["no", "no", "0", "Bo"], &["no", "", "1", "no"]];
        let one = page(&["age", "left", "flag", "name"], rows);
        assert_eq!(proposed(&one, &["no", "yes"]).as_deref(), Some("left"), "an input is none");
        assert_eq!(proposed(&one, &["a", "b"]), None);
        let two = page(&["was", "left", "flag", "name"], rows);
        assert_eq!(proposed(&two, &["no", "yes"]), None, "which of two is not known");
        let named = page(&["was", "Target", "flag", "name"], rows);
        assert_eq!(proposed(&named, &["no", "yes"]).as_deref(), Some("Target"), "unless its name tells");
    }

    #[test]
    fn classes_that_are_numbers_and_numbers_need_one_of_the_usual_names() {
        let rows: &[&[&str]] = &[&["1", "0", "3.5"], &["0", "1", "4"]];
        assert_eq!(proposed(&page(&["smoker", "cured", "y_hat"], rows), &["0", "1"]), None);
        assert_eq!(proposed(&page(&["smoker", "label", "y_hat"], rows), &["0", "1"]).as_deref(), Some("label"));
        assert_eq!(proposed(&page(&["smoker", "cured", "y"], rows), &["0", "1"]), None, "3.5 is no class");
        assert_eq!(
            proposed(&page(&["smoker", "cured", "y"], rows), &[]).as_deref(),
            Some("y"),
            "a number is predicted"
        );
    }

    #[test]
    fn who_named_it_stands_behind_it_unless_it_was_named_just_now() {
        let says = |from: &str| Truth { column: "y".to_owned(), from: from.to_owned() }.to_string();
        assert_eq!(says("import"), "y (remembered from import)");
        assert_eq!(says("model"), "y (named in the model)");
        assert_eq!((says("command"), says("")), ("y".to_owned(), "y".to_owned()));
    }
}
