//! How far a piece of work is.

use serde::{Deserialize, Serialize};

/// A progress report: `done` of `total` units in a named stage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done now, for people: `Scoring`, `Uploading model.onnx`.
    pub stage: String,
    /// Units done so far.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// The unit, plural: `rows`, `bytes`, `steps`.
    pub unit: String,
    /// The total is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub about: bool,
}

impl Progress {
    /// A report in one call.
    pub fn new(stage: impl Into<String>, done: u64, total: Option<u64>, unit: impl Into<String>) -> Self {
        Self { stage: stage.into(), done, total, unit: unit.into(), about: false }
    }

    /// The same with a total that may be an estimate.
    #[must_use]
    pub fn about(self, about: bool) -> Self {
        Self { about, ..self }
    }

    /// The share done, 0 to 1, where the total is known and not zero.
    pub fn fraction(&self) -> Option<f32> {
        match self.total {
            Some(total) if total > 0 => Some((self.done as f64 / total as f64).min(1.0) as f32),
            _ => None,
        }
    }
}

/// Somebody who wants to hear of progress. Called often: implementations must be quick.
pub trait ProgressSink: Send + Sync {
    /// One report; later reports replace earlier ones.
    fn report(&self, progress: Progress);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl ProgressSink for NoProgress {
    fn report(&self, _progress: Progress) {}
}

impl<F: Fn(Progress) + Send + Sync> ProgressSink for F {
    fn report(&self, progress: Progress) {
        self(progress);
    }
}
