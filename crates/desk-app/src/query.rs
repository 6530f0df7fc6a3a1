//! What the window and the command line read: rows of lists and whole pages, as plain data.

use std::collections::BTreeMap;

use desk_core::state::{DeploymentState, JobState, StepState};
use desk_core::{
    Description, Digest, Fault, FaultKind, Finding, ModelFamily, ModelName, Parity, Progress, SignatureChange,
};
use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::outcome::{FarSide, GoldenSummary, Grouped, Outcome, StepView};
use crate::similar::Similar;

/// Which models a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelFilter {
    /// Part of the name, any case.
    pub text: String,
    /// Show archived ones too.
    pub archived: bool,
    /// At most this many; everything when absent.
    pub limit: Option<usize>,
    /// Skip this many.
    pub offset: usize,
}

/// A model in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelItem {
    /// Its name.
    pub name: ModelName,
    /// Number of its newest version.
    pub latest: u32,
    /// How many versions it has.
    pub versions: u32,
    /// Aliases as (alias, version).
    pub aliases: Vec<(String, u32)>,
    /// Deployments of it that are live.
    pub live: u32,
    /// What sort of model the newest version is.
    pub family: Option<ModelFamily>,
    /// Size of the newest version in bytes.
    pub size_bytes: u64,
    /// When it last changed (RFC 3339).
    pub updated_at: String,
    /// Hidden from lists.
    pub archived: bool,
}

/// A version in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionItem {
    /// The model.
    pub model: ModelName,
    /// Its number.
    pub version: u32,
    /// Its digest.
    pub digest: Digest,
    /// Size in bytes.
    pub size_bytes: u64,
    /// When it was imported (RFC 3339).
    pub created_at: String,
    /// Aliases that point at it.
    pub aliases: Vec<String>,
    /// Targets on which it is live.
    pub live_on: Vec<String>,
    /// A note for people.
    pub note: String,
    /// What its newest test said, such as `171 rows, accuracy 0.959`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<String>,
}

/// Everything about one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionView {
    /// The same as in lists.
    #[serde(flatten)]
    pub item: VersionItem,
    /// What the file says.
    pub description: Description,
    /// Files as (name, size).
    pub files: Vec<(String, u64)>,
    /// The same with their digests.
    #[serde(default)]
    pub file_entries: Vec<desk_core::FileEntry>,
    /// Golden rows.
    pub golden: Option<GoldenSummary>,
    /// Newest first.
    pub runs: Vec<RunItem>,
    /// Newest first.
    pub deployments: Vec<DeploymentItem>,
    /// Reviews; none yet.
    pub reviews: Vec<serde_json::Value>,
    /// All versions of the model, oldest first.
    pub lineage: Vec<u32>,
    /// What import noticed.
    pub findings: Vec<Finding>,
    /// Files that were used with it before, newest first: for pick lists.
    pub recent_data: Vec<String>,
    /// By target, in what clients of the version that is live there would fail with this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub breaks: BTreeMap<String, Vec<SignatureChange>>,
    /// By target, what it would take the place of though another desk made that live: who, what and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaces: BTreeMap<String, String>,
    /// Why golden rows cannot prove it, if they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unprovable: Option<String>,
    /// The column that answers are compared with when nobody names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<crate::Truth>,
}

/// A recorded run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunItem {
    /// Its id.
    pub id: String,
    /// `predict`, `explain`.
    pub kind: String,
    /// Model and version, `tumour@2`.
    pub version: String,
    /// When (RFC 3339).
    pub at: String,
    /// Seconds it took.
    pub seconds: f64,
    /// The data file.
    pub data: String,
    /// One line for people: rows, accuracy, method.
    pub summary: String,
}

/// A recorded run with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// The same as in lists.
    #[serde(flatten)]
    pub item: RunItem,
    /// The command that makes it again.
    pub command: Command,
    /// What it answered.
    pub outcome: Outcome,
}

/// A deployment in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentItem {
    /// Its id.
    pub id: String,
    /// The target.
    pub target: String,
    /// The model.
    pub model: ModelName,
    /// Its version.
    pub version: u32,
    /// Digest of the version.
    pub digest: Digest,
    /// Where it stands.
    pub state: DeploymentState,
    /// Counts deployments of this model on this target, from 1; 0 for one that never began.
    pub revision: u64,
    /// `deploy` or `rollback`.
    pub action: String,
    /// Where it answers.
    pub url: Option<String>,
    /// On which machine that is, where it is not this one; told of what is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<FarSide>,
    /// Version that was live before.
    pub was: Option<u32>,
    /// Of what is live: the version that `rollback` goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_to: Option<u32>,
    /// Of what is live: the newest version that the last rollbacks came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_to: Option<u32>,
    /// When it began (RFC 3339).
    pub at: String,
    /// Seconds it took.
    pub seconds: f64,
    /// Golden rows compared at the far side.
    pub parity: Option<Parity>,
    /// The steps.
    pub steps: Vec<StepView>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// An interrupted rollout leaves it open, since then (RFC 3339), what the target serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_since: Option<String>,
    /// Of what is live: since when (RFC 3339) checks have found that it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_answering_since: Option<String>,
    /// When it stopped serving (RFC 3339): it was taken down, or another version took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// It came to nothing before anything was changed on the target: `refused`, `failed` or `cancelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_nothing: Option<String>,
}

impl DeploymentItem {
    /// It was refused, failed or cancelled before anything was changed on the target: the word for that.
    pub fn changed_nothing(&self) -> Option<&'static str> {
        let fault = self.fault.as_ref().filter(|_| self.state == DeploymentState::Undone)?;
        let (first, rest) = self.steps.split_first()?;
        let untouched = first.state == StepState::Failed && rest.iter().all(|step| step.state == StepState::Pending);
        untouched.then_some(match fault.kind {
            FaultKind::Cancelled => "cancelled",
            FaultKind::Policy => "refused",
            _ => "failed",
        })
    }
}

/// A credential in a list; never its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialItem {
    /// Its name.
    pub name: String,
    /// `ssh-key`, `password`, `agent`.
    pub kind: String,
    /// `system keyring`, `encrypted file`.
    pub stored_in: String,
    /// Targets that use it.
    pub used_by: Vec<String>,
    /// When it was set (RFC 3339).
    pub created_at: String,
}

/// Where secrets are kept on this computer, and whether that works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretStatus {
    /// `system keyring`, `encrypted file`, `memory`; none when nothing works.
    pub stored_in: Option<String>,
    /// One sentence for people.
    pub detail: String,
    /// An encrypted file exists and waits for its passphrase.
    pub vault_locked: bool,
}

/// A job as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// Such as `Import tumour.onnx`.
    pub title: String,
    /// What it runs.
    pub command: Command,
    /// Where it stands.
    pub state: JobState,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// What it answered.
    pub outcome: Option<Outcome>,
    /// When it began (RFC 3339).
    pub started_at: String,
    /// Seconds so far or in all.
    pub seconds: f64,
}

/// One change of the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationItem {
    /// Its id.
    pub id: i64,
    /// When (RFC 3339).
    pub at: String,
    /// Who: user and computer.
    pub who: String,
    /// What sort of change.
    pub kind: String,
    /// What it changed, such as `tumour@2`.
    pub object: String,
    /// One sentence for people.
    pub summary: String,
    /// It can be taken back now.
    pub undoable: bool,
    /// The change that this one took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<i64>,
    /// The change that took this one back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<i64>,
}

/// The first rows of a data file, as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TablePage {
    /// Column names.
    pub columns: Vec<String>,
    /// True for columns of numbers.
    pub numeric: Vec<bool>,
    /// Rows of cells as text.
    pub rows: Vec<Vec<String>>,
    /// Number of the first row, from 0.
    pub offset: u64,
    /// Rows in all, where known.
    pub total: Option<u64>,
    /// Numbers of the rows, from 1, where they do not follow `offset`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<u64>,
}

/// What a data file begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataHead {
    /// Its first rows.
    pub page: TablePage,
    /// The column that holds the truth, as far as its values or its name tell: nothing takes it as such unless somebody
    /// says so.
    pub truth: Option<crate::Truth>,
}

/// What answers can be looked along over a data file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureList {
    /// Names of single features, in the order of the model's inputs.
    pub names: Vec<String>,
    /// Columns of flags that are one feature with levels.
    pub categories: Vec<Grouped>,
    /// Why there is none, where the model reads pictures or one text.
    pub none: Option<String>,
}

/// What a column holds in the rows that were looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnRange {
    /// Its name.
    pub name: String,
    /// The smallest and the largest number, where it holds numbers.
    pub numbers: Option<(f64, f64)>,
    /// All of its numbers are whole.
    pub whole: bool,
    /// The different texts, the most frequent first, where it holds texts; not all of very many.
    pub values: Vec<String>,
}

/// What an import would store, before it is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportPreview {
    /// The name that would be used.
    pub suggested_name: ModelName,
    /// Size of all files.
    pub size_bytes: u64,
    /// What the file says.
    pub description: Description,
    /// Number that the next version of that name would get.
    pub next_version: u32,
    /// Model and version that have these bytes already; not looked for above 512 MB.
    pub same_as: Option<(ModelName, u32)>,
    /// Models that take and give the same, so that this may be a new version of one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<Similar>,
}

/// Where things are and how much room they take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StorageView {
    /// The home folder.
    pub home: String,
    /// Bytes of all blobs.
    pub blob_bytes: u64,
    /// Number of blobs.
    pub blobs: u64,
    /// Bytes of the registry.
    pub registry_bytes: u64,
    /// Stored files that nothing names any more: what [`crate::Command::Gc`] would remove.
    #[serde(default)]
    pub unused: u64,
    /// Their bytes.
    #[serde(default)]
    pub unused_bytes: u64,
}

/// Which rule chooses the ONNX Runtime library; the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LibraryRule {
    /// This program was started with it.
    Started,
    /// The environment variable names it.
    Environment,
    /// It was chosen in the settings.
    Settings,
    /// Nobody chose: it is the first that was found.
    Found,
}

impl LibraryRule {
    /// The rule in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Started => "By how this program was started",
            Self::Environment => "By the environment variable MODELDESK_ORT_LIB",
            Self::Settings => "In these settings",
            Self::Found => "By itself: the first that was found",
        }
    }
}

/// The runtime as it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuntimeView {
    /// The library file; none when it was not found.
    pub library: Option<String>,
    /// Which rule chose it; none where that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<LibraryRule>,
    /// Its version; none before a worker has loaded it.
    pub version: Option<String>,
    /// What the sandbox of workers lacks on this kernel; empty when complete.
    pub sandbox_losses: Vec<String>,
    /// Why it cannot be used.
    pub fault: Option<Fault>,
}

/// Something changed; read again what you show.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A job began, moved or ended.
    Job(String),
    /// Models, versions, aliases or runs changed.
    Models,
    /// Targets or credentials changed.
    Targets,
    /// Deployments changed.
    Deployments,
    /// Another process changed something of this home: any of them may be another now.
    Elsewhere,
}
