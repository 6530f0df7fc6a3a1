//! The column with the truth and who named it, in the words that the window and the command line share.

use std::fmt;

use desk_core::Manifest;
use desk_store::VersionRow;
use serde::{Deserialize, Serialize};

use crate::calls::TARGET;
use crate::command::Columns;
use crate::outcome::{Explained, Predicted};
use crate::repair::Making;

/// A column with the truth, and who named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Its name.
    pub column: String,
    /// `command`, `import` (remembered from the import of the version) or `model`.
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

impl Truth {
    /// Who named it, unless somebody did just now.
    pub fn source(&self) -> Option<&'static str> {
        match self.from.as_str() {
            "import" => Some("remembered from import"),
            "model" => Some("named in the model"),
            _ => None,
        }
    }
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

    #[test]
    fn who_named_it_stands_behind_it_unless_it_was_named_just_now() {
        let says = |from: &str| Truth { column: "y".to_owned(), from: from.to_owned() }.to_string();
        assert_eq!(says("import"), "y (remembered from import)");
        assert_eq!(says("model"), "y (named in the model)");
        assert_eq!((says("command"), says("")), ("y".to_owned(), "y".to_owned()));
    }
}
