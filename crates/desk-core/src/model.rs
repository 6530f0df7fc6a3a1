//! What is known of a model without running it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::signature::Signature;

/// The file format a version was imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelFormat {
    /// Open Neural Network Exchange.
    Onnx,
}

/// What sort of model it is, from its operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFamily {
    /// Trees decide, with nothing that changes values before them.
    TreeEnsemble,
    /// Linear or logistic regression, linear support vectors.
    Linear,
    /// Convolutions, matrix products, attention.
    Network,
    /// Preprocessing (encoders, scalers, imputers) and an estimator.
    Pipeline,
    /// None of these.
    Other,
}

impl ModelFamily {
    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TreeEnsemble => "Tree ensemble",
            Self::Linear => "Linear",
            Self::Network => "Neural network",
            Self::Pipeline => "Pipeline",
            Self::Other => "Other",
        }
    }
}

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it before you deploy.
    Warning,
    /// Import is refused.
    Error,
}

/// Something that import noticed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// How serious.
    pub severity: Severity,
    /// A stable short name, such as `external-data` or `custom-operator`.
    pub code: String,
    /// One sentence for people.
    pub message: String,
}

/// The code of the finding that the model draws random numbers when it runs.
pub const RANDOM_ANSWERS: &str = "random-answers";

/// The code of the finding that the answer to a row depends on the rows beside it.
pub const ROWS_TOGETHER: &str = "rows-together";

impl Description {
    /// Its answers differ from run to run, so that golden rows prove nothing.
    pub fn is_random(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == RANDOM_ANSWERS)
    }
}

/// An operator and how often it is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OperatorUse {
    /// Operator set, empty text for `ai.onnx`.
    pub domain: String,
    /// Operator name.
    pub name: String,
    /// Nodes that use it, subgraphs included.
    pub count: u64,
}

/// A model file read without running it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The format.
    pub format: ModelFormat,
    /// ONNX IR version.
    pub ir_version: i64,
    /// Operator sets as (domain, version); the empty domain is `ai.onnx`.
    pub opsets: Vec<(String, i64)>,
    /// Tool that wrote the file, and its version.
    pub producer: String,
    /// The graph's name.
    pub graph_name: String,
    /// The model's own documentation text.
    pub doc: String,
    /// Custom metadata of the file.
    pub metadata: Vec<(String, String)>,
    /// Inputs and outputs.
    pub signature: Signature,
    /// Operators, most used first.
    pub operators: Vec<OperatorUse>,
    /// Nodes, subgraphs included.
    pub node_count: u64,
    /// Elements of all initialisers, and the leaves and thresholds of trees.
    pub parameter_count: u64,
    /// Class labels, where the file names them.
    pub labels: Option<Vec<String>>,
    /// What sort of model it is.
    pub family: ModelFamily,
    /// External data files that it names, relative to its folder.
    pub external_files: Vec<String>,
    /// What import noticed.
    pub findings: Vec<Finding>,
    /// Texts that its encoders know, where they list them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<KnownCategories>,
}

/// The texts that a model knows in a column of an input: any other is "none of these" to it, or stops it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KnownCategories {
    /// The input.
    pub input: String,
    /// The column of the input, from 0; all columns where the model encodes them alike.
    pub column: Option<usize>,
    /// The texts, in the model's order.
    pub values: Vec<String>,
}

/// One file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path relative to the version's folder, `/` between parts.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
}

/// Everything a version is; the digest of its JSON is the version's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this structure, 1 now.
    pub schema: u32,
    /// The file that a runtime opens, one of `files`.
    pub entry: String,
    /// All files, sorted by name.
    pub files: Vec<FileEntry>,
    /// What they say.
    pub description: Description,
    /// Digest of the golden rows (JSON of [`crate::GoldenRows`]).
    pub golden: Option<Digest>,
    /// How many versions of the model had the same files before, when another one was asked for all
    /// the same: each version has an identity of its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copy: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Manifest {
    /// The canonical bytes and their digest: compact JSON with fields in the order above.
    pub fn seal(&self) -> (Vec<u8>, Digest) {
        let bytes = serde_json::to_vec(self).expect("a manifest has text keys only");
        let digest = Digest::of(&bytes);
        (bytes, digest)
    }

    /// Identity of the files alone: the same bytes under the same names give the same answer,
    /// whatever golden rows travel with them.
    pub fn content_digest(&self) -> Digest {
        content_digest(&self.files)
    }

    /// Size of all files in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Identity of files alone, sorted by name; see [`Manifest::content_digest`].
pub fn content_digest(files: &[FileEntry]) -> Digest {
    Digest::of(serde_json::to_vec(files).expect("a list of plain fields"))
}
