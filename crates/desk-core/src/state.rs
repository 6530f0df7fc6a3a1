//! States of things that change, each with one `match (state, event)`.

use serde::{Deserialize, Serialize};

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum JobState {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

impl JobState {
    /// True when nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// State of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentState {
    /// The journal exists; nothing has been done.
    Planned,
    /// Steps are being done.
    Running,
    /// Switched to and proven.
    Live,
    /// A step failed and undoing is under way or has failed; see the journal.
    Failed,
    /// Every step was undone; the former revision serves.
    Undone,
    /// A later revision is live.
    Superseded,
    /// It was live and somebody stopped its server; nothing serves.
    Stopped,
}

/// State of one step of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum StepState {
    Pending,
    Running,
    Done,
    Failed,
    Undone,
}
