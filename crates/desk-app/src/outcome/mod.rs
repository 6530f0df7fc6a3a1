//! What commands answer: the JSON of the command line and what the window draws, as one type.

mod explained;
mod parts;

use std::collections::BTreeMap;
use std::path::PathBuf;

use desk_core::{Digest, Fault, FileEntry, Finding, ModelFamily, ModelFormat, ModelName, Parity, ValueInfo};
pub use desk_runtime::{Latency, Percentile};
pub(crate) use explained::missing_as_nan;
pub use explained::{Completeness, Explained, Grouped, Surrogate};
pub use parts::{Segmented, SegmentedRow, Span, Worded, WordedRow};
pub(crate) use parts::{touches, within};
use serde::{Deserialize, Serialize};

use crate::global::{DependenceAnswer, ImportanceAnswer, SurrogateAnswer};

/// The answer to a [`crate::Command`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "one variant for each command, documented on the types")]
pub enum Outcome {
    Import(Box<Imported>),
    Explain(Box<Explained>),
    Importance(Box<ImportanceAnswer>),
    Dependence(Box<DependenceAnswer>),
    Surrogate(Box<SurrogateAnswer>),
    Predict(Box<Predicted>),
    Deploy(Box<Deployed>),
    Alias(AliasMoved),
    Target(Box<TargetView>),
    Verify(Verified),
    Doctor(Diagnosis),
    Samples(SamplesAdded),
    Collected(Collected),
    Exported(Exported),
    Tensor(TensorWritten),
    Done(Done),
}

/// The answer to commands that only say that they did it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// One sentence for people.
    pub message: String,
    /// The operation that [`crate::Command::Undo`] takes back, where it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<i64>,
}

/// The answer to `rows` with `--out`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    /// The model and version.
    pub version: String,
    /// The test.
    pub run: String,
    /// The file.
    pub out: PathBuf,
    /// Rows that were written.
    pub rows: u64,
    /// Rows that the test has.
    pub total: u64,
    /// Columns that were written.
    pub columns: Vec<String>,
    /// Seconds it took.
    pub seconds: f64,
}

/// The answer to `graph` with `--tensor` and `--out`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorWritten {
    /// The model and version.
    pub version: String,
    /// The tensor's name.
    pub tensor: String,
    /// The file.
    pub out: PathBuf,
    /// Values that were written.
    pub values: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// The answer to `import`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// The model.
    pub model: ModelName,
    /// Its version number.
    pub version: u32,
    /// Digest of the manifest: the version's identity.
    pub digest: Digest,
    /// False when these bytes were a version already.
    pub created: bool,
    /// What of that version was lost and has been put back, such as `the manifest of churn v2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repaired: Vec<String>,
    /// The format.
    pub format: ModelFormat,
    /// What sort of model.
    pub family: ModelFamily,
    /// Size of all files.
    pub size_bytes: u64,
    /// Inputs, in the model's order.
    pub inputs: Vec<ValueInfo>,
    /// Outputs, in the model's order.
    pub outputs: Vec<ValueInfo>,
    /// What import noticed.
    pub findings: Vec<Finding>,
    /// How many golden rows travel with it and where they came from.
    pub golden: Option<GoldenSummary>,
    /// The files as they were imported, with the digest of each.
    #[serde(default)]
    pub files: Vec<FileView>,
    /// Seconds it took.
    pub seconds: f64,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileView {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its digest.
    pub digest: Digest,
    /// The same in hexadecimal digits alone, as `sha256sum` prints it.
    pub sha256: String,
}

impl From<&FileEntry> for FileView {
    fn from(file: &FileEntry) -> Self {
        let (name, sha256) = (file.name.clone(), file.digest.hex());
        Self { name, size_bytes: file.size, digest: file.digest, sha256 }
    }
}

/// Golden rows in a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoldenSummary {
    /// Rows.
    pub rows: usize,
    /// `user-data` or `generated`.
    pub source: desk_core::GoldenSource,
    /// Runtime and device that gave the outputs.
    pub made_with: String,
}

/// The answer to `alias`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasMoved {
    /// The model.
    pub model: ModelName,
    /// Where the alias points now.
    pub version: u32,
    /// The alias.
    pub alias: String,
    /// Where it pointed before.
    pub was: Option<u32>,
    /// The operation to undo.
    pub undo: Option<i64>,
}

/// The answer to `predict`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// The model and version.
    pub version: String,
    /// The version's digest.
    pub digest: Digest,
    /// Rows scored.
    pub rows: u64,
    /// Seconds in all, reading and writing included.
    pub seconds: f64,
    /// Seconds inside the model.
    pub model_seconds: f64,
    /// How long calls of the usual size took, where there were at least 20 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The device that ran it.
    pub device: String,
    /// Nodes of the graph by execution provider: the proof of where it ran.
    pub provider_nodes: BTreeMap<String, u64>,
    /// Where the answers were written.
    pub out: Option<PathBuf>,
    /// Id of the recorded run.
    pub run: String,
    /// Digest of the data file.
    pub data_digest: Digest,
    /// Digest of the answers.
    pub result_digest: Digest,
    /// How columns became inputs.
    pub mapping: serde_json::Value,
    /// Names of the answer's columns, in order.
    pub output_columns: Vec<String>,
    /// The first rows of the answers.
    pub outputs: Vec<serde_json::Map<String, serde_json::Value>>,
    /// How many rows of the answers stand in `outputs`.
    #[serde(default)]
    pub outputs_shown: u64,
    /// `outputs` are the first rows only; all of them are in the file that `--out` names.
    #[serde(default)]
    pub outputs_preview: bool,
    /// Metrics against the target column, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<serde_json::Value>,
    /// Name of the target column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Who named that column: `command`, `import` (remembered from the import of the version) or `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_from: Option<String>,
    /// What to know: missing values, unused columns.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Texts in the data that the model does not know.
    #[serde(default)]
    pub unseen: Vec<UnseenCategories>,
}

/// Texts of a column that the model does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnseenCategories {
    /// The column of the data.
    pub column: String,
    /// The input that it feeds.
    pub input: String,
    /// How many rows hold such a text.
    pub rows: u64,
    /// The first of these rows, from 1.
    pub first_rows: Vec<u64>,
    /// The texts, the first few of them.
    pub values: Vec<String>,
    /// There are more than stand in `values`.
    pub more_values: bool,
    /// What the model knows.
    pub known: Vec<String>,
}

/// One step of a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// Name, such as `upload`.
    pub name: String,
    /// Where it stands.
    pub state: desk_core::state::StepState,
    /// Seconds it took so far.
    pub seconds: f64,
    /// What it did or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The machine on whose own loopback address a version answers, where it is not this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarSide {
    /// Its name.
    pub host: String,
    /// The command that makes the address work from here.
    pub tunnel: String,
}

impl FarSide {
    /// Whose loopback address a URL has, in words that follow it.
    pub fn whose(&self) -> String {
        format!("on {} (its own loopback address)", self.host)
    }
}

/// The answer to `deploy`, `rollback` and `undeploy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployed {
    /// Id of the deployment.
    pub deployment: String,
    /// Target's name.
    pub target: String,
    /// The model and version.
    pub version: String,
    /// Digest of the version; unknown where a server was taken down that could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where it stands.
    pub state: desk_core::state::DeploymentState,
    /// Counts deployments of this model on this target, from 1.
    pub revision: u64,
    /// Where it answers.
    pub url: Option<String>,
    /// On which machine that is, where it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<FarSide>,
    /// A command line that asks it for one of its golden rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// Nothing was done: `undeploy` found it stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub already: bool,
    /// It was not this desk's: which one had made it live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_live_by: Option<String>,
    /// Version that was live before.
    pub was: Option<u32>,
    /// The steps.
    pub steps: Vec<StepView>,
    /// Golden rows compared at the far side.
    pub parity: Option<Parity>,
    /// Seconds in all.
    pub seconds: f64,
}

/// One check of a target or of this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Short name.
    pub name: String,
    /// Works.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do when it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How a check turned out, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Works.
    Good,
    /// Works, and there is something to know.
    Note,
    /// Does not work.
    Bad,
}

impl Check {
    /// How it turned out.
    pub fn mark(&self) -> Mark {
        match (self.ok, &self.hint) {
            (true, None) => Mark::Good,
            (true, Some(_)) => Mark::Note,
            (false, _) => Mark::Bad,
        }
    }
}

/// A target and, after `target check`, what works there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// `local` or `ssh`.
    pub kind: String,
    /// Where, for people: `deploy@edge-01:22`, `this computer`.
    pub address: String,
    /// Settings, as `key`, `value`.
    pub config: Vec<(String, String)>,
    /// Name of the credential; without one the keys of the SSH agent are used.
    pub credential: Option<String>,
    /// The host key that is trusted, `SHA256:…`.
    pub trusted_key: Option<String>,
    /// Host key that was offered and is not trusted: yet, or in the place of the trusted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_key: Option<String>,
    /// What this kind of target can do.
    pub capabilities: Vec<String>,
    /// Answered when it was last checked; `None` when it never was.
    pub reachable: Option<bool>,
    /// When it was last checked (RFC 3339).
    pub checked_at: Option<String>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// What is live there, as `model`, version.
    pub live: Vec<(String, u32)>,
    /// Since when (RFC 3339) checks have found that what is live there does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_answering_since: Option<String>,
    /// What is being changed there, for people: `deploying tumour@2`, `stopping tumour@1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<String>,
    /// Why it was not reached when it was last checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Box<Fault>>,
}

impl TargetView {
    /// The first thing that did not work when it was last checked.
    pub fn worst(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.mark() == Mark::Bad)
    }

    /// It showed another host key than the trusted one when it was last checked.
    pub fn is_key_changed(&self) -> bool {
        self.offered_key.is_some() && self.trusted_key.is_some()
    }

    /// How it is logged in there, for people; `None` for this computer.
    pub fn login(&self) -> Option<String> {
        match &self.credential {
            _ if self.kind == "local" => None,
            Some(name) => Some(format!("with the credential {name}")),
            None => Some("with the keys of the SSH agent, as no credential is named".to_owned()),
        }
    }
}

/// The answer to `verify`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// Nothing wrong.
    pub ok: bool,
    /// Things checked: blobs, manifests, operations.
    pub checked: u64,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
    /// What to do about them.
    #[serde(default)]
    pub hints: Vec<String>,
}

/// The answer to `doctor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// The answer to `gc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Nothing was removed, only looked for.
    pub dry_run: bool,
    /// Stored files that nothing names.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Which.
    pub items: Vec<UnusedFile>,
    /// Folders that work which was ended has left.
    pub folders: u64,
    /// Jobs that run now; what they stored is spared.
    pub running: u64,
    /// Stored files that nothing names and that are too new to be removed.
    #[serde(default)]
    pub spared: u64,
}

/// A stored file that nothing names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedFile {
    /// Its digest.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

/// A bundled sample that was imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleItem {
    /// Model and version, `tumour@1`.
    pub version: String,
    /// What it is, in a line.
    pub title: String,
    /// Held-out data to score.
    pub data: PathBuf,
    /// Background rows for explanations.
    pub background: Option<PathBuf>,
}

/// The answer to `sample`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplesAdded {
    /// Where the samples' files lie.
    pub folder: PathBuf,
    /// What was imported.
    pub models: Vec<SampleItem>,
}
