//! Which rows of a file are worth looking at.

use std::fmt;
use std::str::FromStr;

use desk_core::words::quoted;
use desk_core::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

/// Rows that are picked when nobody says how many.
pub const PICKED: usize = 20;

/// What makes a row worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PickBy {
    /// Its answer is furthest from the truth.
    Worst,
    /// Its answer is nearest to being another class.
    Threshold,
    /// A draw without replacement.
    Random,
    /// The answer is highest.
    Highest,
    /// The answer is lowest.
    Lowest,
}

impl PickBy {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Worst, Self::Threshold, Self::Random, Self::Highest, Self::Lowest];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Threshold => "threshold",
            Self::Random => "random",
            Self::Highest => "highest",
            Self::Lowest => "lowest",
        }
    }
}

impl fmt::Display for PickBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PickBy {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|by| by.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|by| by.name()).collect();
            Fault::new(FaultKind::Usage, format!("{} is no way to pick rows", quoted(text)))
                .hint(format!("There are {}", names.join(", ")))
        })
    }
}

/// The rows to explain, of those that are read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// What makes them worth a look.
    pub by: PickBy,
    /// How many at most.
    pub count: usize,
    /// The probability, or the number, from which on the answer is another; one half when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

/// How the rows of an explanation were picked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picked {
    /// What made them worth a look.
    pub by: PickBy,
    /// What was measured of each row: `log loss`, `absolute error`, `distance from 0.5`, ….
    pub measure: String,
    /// That of each explained row, in their order; nothing for a draw.
    pub values: Vec<f64>,
    /// Rows that were looked at.
    pub of_rows: u64,
    /// Those of them that have no truth to judge by.
    #[serde(default)]
    pub without_truth: u64,
    /// The file has more rows than were looked at.
    #[serde(default)]
    pub partly: bool,
    /// The first row that was looked at, from 1; 0 in records from before it was told.
    #[serde(default)]
    pub from_row: u64,
}

impl Picked {
    /// For people: `20 of 171 rows, those with the largest log loss first`.
    pub fn words(&self, rows: usize) -> String {
        let order = match self.by {
            PickBy::Worst => format!("those with the largest {} first", self.measure),
            PickBy::Threshold => format!("those with the smallest {} first", self.measure),
            PickBy::Random => "drawn at random".to_owned(),
            PickBy::Highest => format!("those with the highest {} first", self.measure),
            PickBy::Lowest => format!("those with the lowest {} first", self.measure),
        };
        let without = match self.without_truth {
            0 => String::new(),
            n => format!("; {} left aside, without a truth that the model knows", desk_core::counted(n, "row")),
        };
        let looked_at = match self.from_row {
            0 | 1 if self.partly => format!("the first {}", desk_core::counted(self.of_rows, "row")),
            0 | 1 => desk_core::counted(self.of_rows, "row"),
            from => format!("rows {from} to {}", from + self.of_rows.saturating_sub(1)),
        };
        format!("{rows} of {looked_at}, {order}{without}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_reads_itself_back_and_is_told() {
        for by in PickBy::ALL {
            assert_eq!(by.to_string().parse::<PickBy>().expect("known"), by);
        }
        assert!("best".parse::<PickBy>().expect_err("none").hints[0].contains("worst"));
        let told = |by, without_truth, partly| {
            let measure = "log loss".to_owned();
            Picked { by, measure, values: vec![2.0], of_rows: 171, without_truth, partly, from_row: 1 }.words(20)
        };
        assert_eq!(told(PickBy::Worst, 0, false), "20 of 171 rows, those with the largest log loss first");
        assert!(told(PickBy::Worst, 1, true).starts_with("20 of the first 171 rows"));
        assert!(told(PickBy::Worst, 1, false).ends_with("1 row left aside, without a truth that the model knows"));
        assert_eq!(told(PickBy::Random, 0, false), "20 of 171 rows, drawn at random");
        let (by, measure) = (PickBy::Random, String::new());
        let further =
            Picked { by, measure, values: vec![], of_rows: 100, without_truth: 0, partly: true, from_row: 901 };
        assert_eq!(further.words(2), "2 of rows 901 to 1000, drawn at random");
    }
}
