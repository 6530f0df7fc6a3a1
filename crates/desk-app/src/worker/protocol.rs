//! What the desk asks of a worker, and what it answers.
//!
//! Paths in requests are the only files that the worker may open: the caller puts the same ones
//! into the sandbox policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use desk_core::{Description, Digest, GoldenSource, TensorFacts, TensorPlace};
use serde::{Deserialize, Serialize};

use crate::command::{Columns, Echo, Grouping, MethodSettings, Pick, Picked};
use crate::outcome::{Grouped, UnseenCategories};

/// Names of operations.
pub mod op {
    /// Parse a model file: [`super::DescribeRequest`] to [`super::DescribeReply`].
    pub const DESCRIBE: &str = "describe";
    /// Read a model file's graph: [`super::DescribeRequest`]; the graph is the payload, as JSON.
    pub const GRAPH: &str = "graph";
    /// Read a tensor of a model file: [`super::TensorRequest`] to [`super::TensorReply`].
    pub const TENSOR: &str = "tensor";
    /// Make golden rows: [`super::GoldenRequest`] to [`super::GoldenReply`]; the rows are the payload, as JSON.
    pub const GOLDEN: &str = "golden";
    /// Score a data file: [`super::ScoreRequest`] to [`super::ScoreReply`].
    pub const SCORE: &str = "score";
    /// Explain rows of a data file: [`super::ExplainRequest`] to [`super::ExplainReply`].
    pub const EXPLAIN: &str = "explain";
    /// Work out importance, dependence or a small tree over a data file: [`super::GlobalRequest`] to [`super::GlobalReply`].
    pub const GLOBAL: &str = "global";
    /// Load the runtime and say its version: [`super::ProbeRequest`] to [`super::ProbeReply`].
    pub const PROBE: &str = "probe";
    /// Score rows that come with the request: [`super::RowsRequest`] to [`super::RowsReply`].
    pub const ROWS: &str = "rows";
}

/// A version's files, laid out as the model wants them, and the library that runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFiles {
    /// Digest of the version: the key under which sessions stay loaded.
    pub digest: Digest,
    /// The file that the runtime opens; external data lies beside it.
    pub entry: PathBuf,
    /// The ONNX Runtime library.
    pub library: PathBuf,
}

/// Parse a model file or folder.
#[derive(Debug, Serialize, Deserialize)]
pub struct DescribeRequest {
    /// A model file, or a folder that holds one.
    pub path: PathBuf,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub struct DescribeReply {
    /// What the file says.
    pub description: Description,
    /// Name of the file to open, relative.
    pub entry: String,
    /// All files as (relative name, absolute path).
    pub files: Vec<(String, PathBuf)>,
}

/// Read the values of a tensor that a model file holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct TensorRequest {
    /// The model file; external data lies beside it.
    pub path: PathBuf,
    /// Which tensor.
    pub place: TensorPlace,
    /// What is wanted of it.
    pub wanted: TensorWanted,
}

/// What is wanted of a tensor.
#[derive(Debug, Serialize, Deserialize)]
pub enum TensorWanted {
    /// Figures over all its values.
    Facts,
    /// Some of its values.
    Values {
        /// The first, from 0.
        offset: u64,
        /// At most so many.
        limit: usize,
    },
    /// All of its values in a file, whose extension is the format.
    File(PathBuf),
}

/// The answer to a [`TensorRequest`].
#[derive(Debug, Serialize, Deserialize)]
pub enum TensorReply {
    /// Figures.
    Facts(Box<TensorFacts>),
    /// Values, as texts.
    Values(Vec<String>),
    /// So many values were written.
    Written(u64),
}

/// Run a few rows and keep the answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct GoldenRequest {
    /// The model.
    pub model: ModelFiles,
    /// What it says of itself.
    pub description: Description,
    /// Rows to take; generated from the signature when absent.
    pub data: Option<PathBuf>,
    /// How columns of `data` become inputs.
    pub columns: Columns,
    /// How many rows.
    pub rows: usize,
    /// Seed of generated rows.
    pub seed: u64,
}

/// The payload holds the golden rows.
#[derive(Debug, Serialize, Deserialize)]
pub struct GoldenReply {
    /// Rows made.
    pub rows: usize,
    /// Where they came from.
    pub source: GoldenSource,
    /// Runtime and device that gave the answers.
    pub made_with: String,
    /// What to know.
    pub warnings: Vec<String>,
    /// The answer to a row alone is another one than beside others.
    #[serde(default)]
    pub together: bool,
}

/// Score a whole file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScoreRequest {
    /// The model.
    pub model: ModelFiles,
    /// What it says of itself.
    pub description: Description,
    /// The data.
    pub data: PathBuf,
    /// Where the answers go; its extension is the format.
    pub out: PathBuf,
    /// The data's columns that stand before the answers.
    pub echo: Echo,
    /// The device's name.
    pub device: String,
    /// Rows in one call.
    pub batch: Option<usize>,
    /// How columns become inputs.
    pub columns: Columns,
    /// The class that counts as positive.
    pub positive: Option<String>,
    /// Its answer to a row depends on the rows beside it: all calls take the same number of them.
    #[serde(default)]
    pub together: bool,
}

/// What scoring gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScoreReply {
    /// Rows scored.
    pub rows: u64,
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds inside the model.
    pub model_seconds: f64,
    /// How long calls of the usual size took, where there were enough of them.
    #[serde(default)]
    pub latency: Option<crate::outcome::Latency>,
    /// Device that ran it.
    pub device: String,
    /// Version of the runtime.
    pub runtime: String,
    /// Nodes by execution provider.
    pub provider_nodes: BTreeMap<String, u64>,
    /// How columns became inputs.
    pub mapping: serde_json::Value,
    /// Columns of the answers.
    pub output_columns: Vec<String>,
    /// The first rows of the answers.
    pub head: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Metrics against the target.
    pub metrics: Option<serde_json::Value>,
    /// The target column.
    pub target: Option<String>,
    /// What to know.
    pub warnings: Vec<String>,
    /// Texts that the model does not know.
    pub unseen: Vec<UnseenCategories>,
    /// Digest of the data file.
    pub data_digest: Digest,
    /// Digest of the written answers.
    pub result_digest: Digest,
}

/// Explain rows of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExplainRequest {
    /// The model.
    pub model: ModelFiles,
    /// What it says of itself.
    pub description: Description,
    /// The data.
    pub data: PathBuf,
    /// First row, from 0.
    pub first_row: u64,
    /// One past the last row; `None` for the end.
    pub end_row: Option<u64>,
    /// Nobody named that end.
    #[serde(default)]
    pub usual_end: bool,
    /// The rows worth a look, of these.
    #[serde(default)]
    pub pick: Option<Pick>,
    /// Background file; a sample of `data` when absent.
    pub background: Option<PathBuf>,
    /// Most background rows to take from `data` when there is no file.
    pub background_rows: usize,
    /// Method name.
    pub method: String,
    /// Coalitions or perturbed rows.
    pub samples: Option<usize>,
    /// Seed.
    pub seed: u64,
    /// Output name or index.
    pub output: Option<String>,
    /// The output to explain where none is named, if the model has it.
    pub positive: Option<String>,
    /// `raw` or `probability`.
    pub space: Option<String>,
    /// Settings of single methods.
    #[serde(default)]
    pub settings: MethodSettings,
    /// Interaction values too.
    #[serde(default)]
    pub interactions: bool,
    /// How columns become inputs.
    pub columns: Columns,
    /// Cells to change, by their columns. The rows are answered as they stand first, and once more with these.
    #[serde(default)]
    pub changes: Vec<(String, String)>,
    /// The file of rows that are finished.
    #[serde(default)]
    pub kept: Option<PathBuf>,
    /// Only the rows that are finished already.
    #[serde(default)]
    pub finished: bool,
}

/// What explaining gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExplainReply {
    /// The engine's answer, as JSON of `desk_explain::Explanation`.
    pub explanation: desk_explain::Explanation,
    /// Where the explanation is of raw scores: the probabilities that the model made of them, rows x outputs.
    pub probabilities: Option<Vec<Vec<f64>>>,
    /// Columns that are one player.
    #[serde(default)]
    pub groups: Vec<crate::outcome::Grouped>,
    /// The features that are the pixels of a picture, where each of them is a player of its own.
    #[serde(default)]
    pub picture: Option<desk_explain::Picture>,
    /// Cells of the explained rows as they stood in the data, one for each player.
    pub feature_values: Vec<Vec<String>>,
    /// The same as numbers; missing ones are NaN.
    #[serde(deserialize_with = "crate::outcome::missing_as_nan")]
    pub feature_numbers: Vec<Vec<f64>>,
    /// Row numbers, from 1.
    pub row_numbers: Vec<u64>,
    /// How they were picked.
    pub picked: Option<Picked>,
    /// The truth of each row, where the data has one.
    pub truths: Option<Vec<Option<String>>>,
    /// The class that the model answers each row with, where it has classes.
    pub answered: Option<Vec<String>>,
    /// Segments of the rows' pictures, where they are explained.
    #[serde(default)]
    pub segments: Option<crate::outcome::Segmented>,
    /// Words of the rows' texts, where they are explained.
    #[serde(default)]
    pub text: Option<crate::outcome::Worded>,
    /// What was measured of its quality, where that was asked for.
    #[serde(default)]
    pub quality: Option<crate::quality::QualityAnswer>,
    /// Where the background came from.
    pub background: String,
    /// The column with the truth.
    pub target: Option<String>,
    /// The output is the one that was offered as [`ExplainRequest::positive`].
    pub took_positive: bool,
    /// Digest of the background rows as numbers.
    pub background_digest: Digest,
    /// Digest of the data file.
    pub data_digest: Digest,
    /// Version of the runtime.
    pub runtime: String,
    /// Seconds in all.
    pub seconds: f64,
    /// What to know.
    pub warnings: Vec<String>,
}

/// What to work out over a whole file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// How much worse the answers are when a feature is shuffled.
    Importance {
        /// Shuffles of each feature.
        repeats: usize,
        /// Seed of the shuffles.
        seed: u64,
        /// Name of the score; one that suits the model when absent.
        score: Option<String>,
        /// Columns that are shuffled together.
        grouping: Grouping,
    },
    /// How the answers change along a feature.
    Dependence {
        /// The feature.
        feature: String,
        /// Points along it at most.
        points: usize,
        /// Rows with a curve of their own.
        curves: usize,
        /// Output name or index.
        output: Option<String>,
        /// Another feature, to look along both together.
        with: Option<String>,
        /// Columns that are one feature.
        grouping: Grouping,
    },
    /// A small tree in place of the model.
    Surrogate {
        /// Output name or index.
        output: Option<String>,
        /// Cuts above a leaf at most.
        depth: usize,
        /// Fewest rows of a leaf; chosen when absent.
        least: Option<usize>,
        /// Seed of which rows are held out.
        seed: u64,
    },
}

/// Importance, dependence or a small tree over a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GlobalRequest {
    /// The model.
    pub model: ModelFiles,
    /// What it says of itself.
    pub description: Description,
    /// The data.
    pub data: PathBuf,
    /// How columns become inputs.
    pub columns: Columns,
    /// Most rows, drawn evenly over the file.
    pub rows: usize,
    /// What to work out.
    pub wanted: Wanted,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GlobalReply {
    /// Importances.
    pub importance: Option<desk_explain::global::Importance>,
    /// Partial dependence.
    pub partial: Option<desk_explain::global::PartialDependence>,
    /// Accumulated local effects, of a numeric feature.
    pub ale: Option<desk_explain::global::Ale>,
    /// Partial dependence on two features.
    pub pair: Option<desk_explain::global::PairDependence>,
    /// The small tree.
    pub surrogate: Option<desk_explain::global::Surrogate>,
    /// Names of the grid's values, of a categorical feature.
    pub levels: Option<Vec<String>>,
    /// Those of the other feature.
    pub other_levels: Option<Vec<String>>,
    /// Names of the outputs.
    pub output_names: Vec<String>,
    /// Rows that were used.
    pub rows: u64,
    /// Rows that were read.
    pub of_rows: u64,
    /// Which rows of the file they were, for people.
    pub rows_from: String,
    /// Digest of the rows as numbers.
    pub rows_digest: Digest,
    /// Numbers in the file, from 1, of the rows that have a curve.
    pub curve_row_numbers: Vec<u64>,
    /// Columns that are one feature.
    pub groups: Vec<Grouped>,
    /// A tree ensemble that was walked here instead of in the runtime.
    pub walked_here: bool,
    /// Features that go together.
    pub correlated: Vec<desk_explain::global::Correlated>,
    /// The column with the truth.
    pub target: Option<String>,
    /// Digest of the data file.
    pub data_digest: Digest,
    /// Version of the runtime.
    pub runtime: String,
    /// What to know.
    pub warnings: Vec<String>,
}

/// Load the runtime.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProbeRequest {
    /// The library.
    pub library: PathBuf,
}

/// The runtime works.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProbeReply {
    /// Its version.
    pub version: String,
}

/// Score a few rows that come with the request, for single-row requests and what-if.
#[derive(Debug, Serialize, Deserialize)]
pub struct RowsRequest {
    /// The model.
    pub model: ModelFiles,
    /// One tensor for each input.
    pub inputs: Vec<desk_core::NamedTensor>,
}

/// The answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct RowsReply {
    /// One tensor for each output.
    pub outputs: Vec<desk_core::NamedTensor>,
}
