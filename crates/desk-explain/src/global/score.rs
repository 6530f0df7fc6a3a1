//! How good answers are, row by row: scores whose mean over the rows is the usual metric.

use std::fmt;
use std::str::FromStr;

use desk_core::words::quoted;
use serde::{Deserialize, Serialize};

use crate::error::ExplainError;

/// A probability below this counts as this in log loss, as scikit-learn has it for float64.
const LEAST: f64 = f64::EPSILON;

/// A metric that is a mean over rows; higher is better, so losses are taken with their sign turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Share of rows whose largest probability is that of the truth.
    Accuracy,
    /// Natural logarithm of the truth's probability: the log loss with its sign turned.
    NegLogLoss,
    /// 1 less the squared errors over the truth's squared distances from its mean.
    R2,
    /// The squared error with its sign turned.
    NegMeanSquaredError,
    /// The absolute error with its sign turned.
    NegMeanAbsoluteError,
}

impl Score {
    /// All of them, by the names that scikit-learn gives them.
    pub const ALL: [Self; 5] =
        [Self::Accuracy, Self::NegLogLoss, Self::R2, Self::NegMeanSquaredError, Self::NegMeanAbsoluteError];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::NegLogLoss => "neg_log_loss",
            Self::R2 => "r2",
            Self::NegMeanSquaredError => "neg_mean_squared_error",
            Self::NegMeanAbsoluteError => "neg_mean_absolute_error",
        }
    }

    /// True for those that judge classes.
    pub fn is_of_classes(self) -> bool {
        matches!(self, Self::Accuracy | Self::NegLogLoss)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Score {
    type Err = ExplainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|score| score.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|score| score.name()).collect();
            ExplainError::BadRequest(format!("{} is no score; there are {}", quoted(text), names.join(", ")))
        })
    }
}

/// What the answers should have been, a value for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// The class's place among the model's outputs.
    Classes(Vec<usize>),
    /// A number.
    Numbers(Vec<f64>),
}

impl Truth {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A score with the truth it compares with.
#[derive(Debug, Clone)]
pub struct Judge {
    score: Score,
    truth: Truth,
    /// Of R2: the truth's mean squared distance from its mean.
    spread: f64,
}

impl Judge {
    /// A judge of answers with `outputs` numbers a row.
    ///
    /// # Errors
    /// The score does not fit the truth, a class is not among the outputs, or a number of the truth is not finite.
    pub fn new(score: Score, truth: Truth, outputs: usize) -> Result<Self, ExplainError> {
        let wrong = |text: String| Err(ExplainError::BadRequest(text));
        let mut spread = 0.0;
        match &truth {
            Truth::Classes(_) if !score.is_of_classes() => {
                return wrong(format!("the score {score} judges numbers, and the truth are classes"));
            }
            Truth::Numbers(_) if score.is_of_classes() => {
                return wrong(format!("the score {score} judges classes, and the truth are numbers"));
            }
            Truth::Classes(classes) => {
                if let Some(class) = classes.iter().find(|class| **class >= outputs) {
                    return wrong(format!("the truth has class {class}, and the model answers with {outputs}"));
                }
            }
            Truth::Numbers(numbers) => {
                if numbers.iter().any(|number| !number.is_finite()) {
                    return wrong("a number of the truth is not finite".to_owned());
                }
                let n = numbers.len() as f64;
                let mean = numbers.iter().sum::<f64>() / n;
                spread = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / n;
                if score == Score::R2 && spread == 0.0 {
                    return wrong("R2 says nothing of a truth that is the same in every row".to_owned());
                }
            }
        }
        Ok(Self { score, truth, spread })
    }

    /// The score that is used.
    pub fn score(&self) -> Score {
        self.score
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.truth.len()
    }

    /// The scores of all rows, by answers of so many outputs each.
    pub(super) fn all(&self, answers: &[f64], outputs: usize) -> Vec<f64> {
        answers.chunks_exact(outputs).enumerate().map(|(row, answer)| self.of(row, answer)).collect()
    }

    /// The score of one row, from 0, by its answer: the mean over all rows is the metric.
    pub fn of(&self, row: usize, answer: &[f64]) -> f64 {
        match &self.truth {
            Truth::Classes(classes) if self.score == Score::Accuracy => {
                // The first of equal ones, as NumPy's argmax.
                let best = (0..answer.len()).rev().max_by(|a, b| answer[*a].total_cmp(&answer[*b]));
                f64::from(u8::from(best == Some(classes[row])))
            }
            Truth::Classes(classes) => {
                let sum: f64 = answer.iter().sum();
                (answer[classes[row]] / sum).clamp(LEAST, 1.0 - LEAST).ln()
            }
            Truth::Numbers(numbers) => {
                let error = answer.first().map_or(f64::NAN, |found| found - numbers[row]);
                match self.score {
                    Score::R2 => 1.0 - error * error / self.spread,
                    Score::NegMeanAbsoluteError => -error.abs(),
                    _ => -error * error,
                }
            }
        }
    }
}
