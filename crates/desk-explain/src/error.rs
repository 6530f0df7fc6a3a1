//! What can go wrong while explaining, and what to do about it.

use desk_core::cancel::Cancelled;
use desk_core::{Diagnose, Fault, FaultKind};

/// Why an explanation could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is no row to explain.
    #[error("there is no row to explain")]
    NoRows,
    /// There is no background row, so "feature absent" has no meaning.
    #[error("there is no background row")]
    NoBackground,
    /// The model has no feature.
    #[error("the model has no feature to explain")]
    NoFeatures,
    /// A table's cells are not a whole number of rows.
    #[error("the {what} have {cells} cells, which is no multiple of {width} features")]
    Ragged {
        /// `rows` or `background rows`.
        what: &'static str,
        /// Cells in all.
        cells: usize,
        /// Features in a row.
        width: usize,
    },
    /// Two parts disagree on how many features there are.
    #[error("the {what} have {found} features and the model wants {expected}")]
    Width {
        /// What is too wide or too narrow.
        what: &'static str,
        /// What the model wants.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The output to explain does not exist.
    #[error("output {index} does not exist; the model has {outputs}")]
    NoSuchOutput {
        /// Asked for, from 0.
        index: usize,
        /// Outputs that there are.
        outputs: usize,
    },
    /// The tree method was asked for a model that is not known to be a tree ensemble.
    #[error("the tree method needs a model that is a tree ensemble, and this one is not")]
    NeedsTrees,
    /// The tree method cannot explain this ensemble in this space.
    #[error("the tree method cannot be used: {reason}")]
    NotAdditive {
        /// Why the value is not a sum over trees.
        reason: String,
    },
    /// The closed form for linear models cannot explain this model, or not in this space.
    #[error("the method linear cannot be used: {reason}")]
    NotLinear {
        /// Why not.
        reason: String,
    },
    /// The ensemble is not well formed.
    #[error("tree {tree} of the model is damaged at node {node}: {what}")]
    BrokenTree {
        /// Tree, from 0.
        tree: usize,
        /// Node, from 0.
        node: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// The ensemble as a whole is not well formed.
    #[error("the tree ensemble is damaged: {0}")]
    BrokenEnsemble(&'static str),
    /// Exact enumeration of too many features.
    #[error("exact enumeration takes at most {limit} varying features and row {row} has {found}")]
    TooManyFeatures {
        /// Row, from 1.
        row: usize,
        /// Features of the row that differ from some background row.
        found: usize,
        /// The most that is enumerated.
        limit: usize,
    },
    /// More samples than memory holds, or than make sense.
    #[error("{asked} samples are too many for {features} features; at most {most} can be worked with")]
    TooManySamples {
        /// Asked for.
        asked: usize,
        /// The most.
        most: usize,
        /// Features of a row.
        features: usize,
    },
    /// More players than the regression of kernel SHAP can be solved for.
    #[error("kernel SHAP takes at most {most} features at once, and there are {players}")]
    TooManyPlayers {
        /// Players of a row.
        players: usize,
        /// The most.
        most: usize,
    },
    /// A method of gradients without gradients.
    #[error("the method {method} needs a model that can be differentiated, and this one cannot be")]
    NeedsGradients {
        /// The method.
        method: &'static str,
    },
    /// A feature along which there is no slope.
    #[error("{} holds categories, along which there is no gradient", desk_core::words::quoted(.feature))]
    NoSlope {
        /// The feature.
        feature: String,
    },
    /// A gradient that is no number.
    #[error("the gradient is {value} on {place}")]
    WildGradient {
        /// `NaN`, `inf` or `-inf`.
        value: f64,
        /// Where.
        place: String,
    },
    /// A number of the request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// The model answered NaN or infinity.
    #[error("the model answered {value} for {place}, output {output}")]
    NotFinite {
        /// `NaN`, `inf` or `-inf`.
        value: f64,
        /// Which row or mixture of rows.
        place: String,
        /// Output, from 0.
        output: usize,
    },
    /// The model answered with another number of values than asked.
    #[error("the model answered {found} values where {expected} were expected")]
    AnswerShape {
        /// Rows times outputs.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// The model itself failed.
    #[error("the model could not score the rows: {0}")]
    Model(Fault),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled(#[from] Cancelled),
}

impl From<Fault> for ExplainError {
    fn from(fault: Fault) -> Self {
        if fault.is_cancelled() { Self::Cancelled(Cancelled) } else { Self::Model(fault) }
    }
}

impl ExplainError {
    /// The same with the rows' own numbers in the place of those counted from 1, where they are known.
    #[must_use]
    pub fn numbered(mut self, numbers: &[u64]) -> Self {
        let own = |row: usize| row.checked_sub(1).and_then(|row| numbers.get(row)).copied();
        match &mut self {
            Self::NotFinite { place, .. } | Self::WildGradient { place, .. } => {
                *place = numbered(place, numbers);
            }
            Self::TooManyFeatures { row, .. } => *row = own(*row).map_or(*row, |number| number as usize),
            _ => {}
        }
        self
    }
}

/// Words with the rows' own numbers in the place of those counted from 1, where they are known: `row 2` and `(row 2);` of a
/// sentence, but not `background row 2`.
pub(crate) fn numbered(words: &str, numbers: &[u64]) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    let is_row = |at: usize| {
        let before = |back: usize| at.checked_sub(back).and_then(|at| words.get(at)).copied();
        matches!(before(1), Some("row" | "(row")) && before(2) != Some("background")
    };
    let number = |at: usize| {
        let digits = words[at].bytes().take_while(u8::is_ascii_digit).count();
        let (row, rest) = words[at].split_at(digits);
        let own = row.parse::<usize>().ok().and_then(|row| numbers.get(row.checked_sub(1)?));
        own.filter(|_| is_row(at)).map_or_else(|| words[at].to_owned(), |number| format!("{number}{rest}"))
    };
    (0..words.len()).map(number).collect::<Vec<_>>().join(" ")
}

impl Diagnose for ExplainError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Model(fault) => fault.kind,
            Self::Cancelled(_) => FaultKind::Cancelled,
            Self::BadRequest(_)
            | Self::NoSuchOutput { .. }
            | Self::TooManySamples { .. }
            | Self::TooManyPlayers { .. } => FaultKind::Usage,
            Self::AnswerShape { .. } => FaultKind::Bug,
            _ => FaultKind::Input,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoRows => "Choose at least one row with --rows",
            Self::NoBackground => "Give a background file with at least one row, better 100",
            Self::Ragged { .. } | Self::Width { .. } => "Check that the data has the columns that the model wants",
            Self::NoSuchOutput { .. } => "Outputs are counted from 0; leave --output out to explain all",
            Self::NeedsTrees | Self::NotAdditive { .. } | Self::NotLinear { .. } => {
                "Use --method auto, which takes the best method that fits the model"
            }
            Self::BrokenTree { .. } | Self::BrokenEnsemble(_) => {
                "Export the model again; --method kernel explains it without reading its trees"
            }
            Self::TooManyFeatures { .. } => "Use --method kernel or --method permutation, which sample",
            Self::NeedsGradients { .. } | Self::NoSlope { .. } => {
                "Methods that need no gradient explain every model: kernel, permutation, lime"
            }
            Self::NotFinite { .. } | Self::WildGradient { .. } => {
                "Look for missing or extreme values in the rows and in the background"
            }
            Self::Model(fault) => return fault.hints.clone(),
            Self::TooManySamples { .. } => "Ask for fewer; the standard errors tell whether they are enough",
            Self::TooManyPlayers { .. } => {
                "Choose --method permutation, occlusion, lime or, of a network, ig; or fewer players: --group, of a picture --segments"
            }
            Self::BadRequest(_) => "See what can be asked for: the same command with --help",
            Self::NoFeatures | Self::AnswerShape { .. } | Self::Cancelled(_) => {
                return Vec::new();
            }
        };
        vec![hint.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_by_their_own_numbers_and_background_rows_by_theirs() {
        let told = |place: &str| {
            let error = ExplainError::NotFinite { value: f64::NAN, place: place.to_owned(), output: 0 };
            error.numbered(&[17, 4]).to_string()
        };
        assert_eq!(told("row 2"), "the model answered NaN for row 4, output 0");
        assert!(told("a mixture of row 1 and background row 2").contains("row 17 and background row 2"));
        assert!(told("row 3").contains("row 3"), "one whose number is not known");
        let error = ExplainError::TooManyFeatures { row: 1, found: 20, limit: 12 }.numbered(&[9]);
        assert!(matches!(error, ExplainError::TooManyFeatures { row: 9, .. }));
        let warning = "by up to 1.6 of 8.2 (row 2); deeplift shares it out, row 1 too";
        assert_eq!(numbered(warning, &[17, 4]), "by up to 1.6 of 8.2 (row 4); deeplift shares it out, row 17 too");
    }
}
