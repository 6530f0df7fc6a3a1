//! Arguments of the verbs that work on models and data.

use std::path::PathBuf;

use clap::Args;
use desk_core::{GraphPath, ModelName, VersionRef};

use super::parse::{at_least_one, pair, rows};
use super::parts::PartArgs;
use crate::complete;

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An .onnx file, or a folder that holds one with its external data
    pub path: PathBuf,
    /// Name of the model; the file's name when left out
    #[arg(long)]
    pub name: Option<ModelName>,
    /// Data whose first rows travel with the version; made from the signature when left out
    #[arg(long, value_name = "DATA")]
    pub golden: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// A note for people
    #[arg(long)]
    pub note: Option<String>,
    /// An alias for the new version
    #[arg(long)]
    pub alias: Option<String>,
    /// Make a new version even when these bytes are one already
    #[arg(long)]
    pub again: bool,
    /// Processor seconds that making the golden rows may take; 20 for generated ones, 120 with --golden
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub golden_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ListKind {
    Models,
    Versions,
    Targets,
    Deployments,
    Credentials,
    Jobs,
    Runs,
}

/// How the columns of a data file become inputs.
#[derive(Debug, Clone, Default, Args)]
pub struct ColumnArgs {
    /// Column with the truth, which feeds no input; one for each number that the model predicts
    #[arg(long, value_name = "COL[,COL...]")]
    pub target: Option<String>,
    /// Columns for an input, when names do not match; once for each input
    #[arg(long, value_name = "INPUT=COL[,COL...]", value_parser = pair)]
    pub map: Vec<(String, String)>,
    /// Columns that feed nothing
    #[arg(long, value_name = "COL[,COL...]")]
    pub drop: Vec<String>,
    /// The first line of a CSV file names its columns, whatever it holds
    #[arg(long, conflicts_with = "no_header")]
    pub header: bool,
    /// The first line of a CSV file is data
    #[arg(long)]
    pub no_header: bool,
    /// Text of CSV cells that means "missing", beside the empty cell, NA, NaN and null; once for each
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub missing: Vec<String>,
    /// What stands for the missing cells of a column; once for each column
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = pair)]
    pub fill: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value = "models")]
    pub kind: ListKind,
    /// The model, for `versions`, `runs` and `deployments`
    #[arg(add = complete::models())]
    pub model: Option<ModelName>,
    /// Only models whose name contains this
    #[arg(long)]
    pub filter: Option<String>,
    /// Show archived models too
    #[arg(long)]
    pub archived: bool,
    /// At most this many
    #[arg(short = 'n', long)]
    pub limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A version: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// CSV, Parquet, Arrow, JSON lines, NPY/NPZ, an image or a folder of images
    #[arg(long)]
    pub data: PathBuf,
    /// File for the answers: .csv, .parquet, .arrow, .jsonl, .npy
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// auto, cpu, cuda, cuda:1, webgpu, openvino
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Rows in one call of the model
    #[arg(long, value_parser = at_least_one)]
    pub batch: Option<usize>,
    /// Columns of the data that --out repeats before the answers, such as an id
    #[arg(long, value_name = "COL[,COL...]", requires = "out", conflicts_with = "echo_all")]
    pub echo: Vec<String>,
    /// Class that counts as positive in metrics; the second of two when left out
    #[arg(long, value_name = "CLASS", allow_hyphen_values = true)]
    pub positive: Option<String>,
    /// --out repeats all columns of the data before the answers
    #[arg(long, requires = "out")]
    pub echo_all: bool,
    #[command(flatten)]
    pub columns: ColumnArgs,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The version to compare with: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub first: VersionRef,
    /// The version that may take its place
    #[arg(add = complete::versions())]
    pub second: VersionRef,
    /// Score this file with both first; without it, the newest data that both were tested on
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Class that counts as positive in metrics; the second of two when left out
    #[arg(long, value_name = "CLASS", allow_hyphen_values = true, requires = "data")]
    pub positive: Option<String>,
    #[command(flatten)]
    pub columns: ColumnArgs,
}

#[derive(Debug, Args)]
pub struct GraphArgs {
    /// A version: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// Only nodes with this text in their operator, name, inputs or outputs
    #[arg(long, value_name = "TEXT", conflicts_with = "tensor")]
    pub find: Option<String>,
    /// A graph within a node (12.0: the first one of the node at place 12, from 0), a function (f0), or what a node
    /// calls (c12), with / between steps
    #[arg(long, value_name = "PLACE")]
    pub within: Option<GraphPath>,
    /// Read the values of a tensor: an initialiser, or what a constant gives
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,
    /// Write the values of the tensor to a file: .npy, .csv
    #[arg(long, requires = "tensor")]
    pub out: Option<PathBuf>,
    /// Replace the file of --out where it is there
    #[arg(long, requires = "out")]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct RowsArgs {
    /// The version that was tested: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// The test, by the id of its run; the newest whose rows are kept when left out
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Only rows that pass this; all of them where there are several. A column (# for the row's number), then =, !=, <,
    /// <=, >, >= and a value, ~ and a part of a text, `in A,B`, `is missing` or `is present`
    #[arg(long = "where", value_name = "FILTER")]
    pub filters: Vec<String>,
    /// Only rows whose answer differs from the truth; the surest first unless --sort says otherwise
    #[arg(long)]
    pub wrong: bool,
    /// Sort by this column, then by the next: `plan,-age` has the largest age first within each plan; missing values
    /// last, texts by their Unicode code points
    #[arg(long, value_name = "COL[:desc][,COL...]", allow_hyphen_values = true)]
    pub sort: Vec<String>,
    /// Columns to show or write, in this order; # is the row's number
    #[arg(long, value_name = "COL[,COL...]")]
    pub columns: Vec<String>,
    /// Rows to show at most
    #[arg(short = 'n', long, default_value_t = 20, conflicts_with = "out", value_parser = at_least_one)]
    pub limit: usize,
    /// Rows to leave out before
    #[arg(long, default_value_t = 0, conflicts_with = "out")]
    pub offset: u64,
    /// Write all of these rows to a file: .csv, .parquet, .jsonl, .arrow
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Replace the file of --out where it is there
    #[arg(long, requires = "out")]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct WhatIfArgs {
    /// A version: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// File with the row
    #[arg(long)]
    pub data: PathBuf,
    /// The row, from 1
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub row: u64,
    /// A column and its value, empty for a missing one, or a category of columns of flags (one-hot) and a level of it;
    /// once for each
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = pair, required = true)]
    pub set: Vec<(String, String)>,
    #[command(flatten)]
    pub reasons: ReasonArgs,
}

/// Which columns are one feature.
#[derive(Debug, Args)]
pub struct GroupArgs {
    /// Columns that are one feature: one player in Shapley values, a union of players in Owen values, shuffled together in
    /// importance; once for each group. A name with a comma stands in quotes, as in a CSV file: 'home="house, no",street'.
    /// Columns of a category (one-hot), parts of a date and numbers of an embedding are one without it
    #[arg(long, value_name = "NAME=A,B,C", value_parser = pair)]
    pub group: Vec<(String, String)>,
    /// Columns that belong together are features of their own, but for those of --group
    #[arg(long)]
    pub no_groups: bool,
}

/// How the reasons of an answer are found, for `explain` and `what-if` alike.
#[derive(Debug, Args)]
pub struct ReasonArgs {
    /// File with rows that stand for "unknown"; a sample of the data when left out
    #[arg(long)]
    pub background: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// auto, tree, path, linear, exact, kernel, permutation, owen, lime; for networks saliency, ixg, ig, smoothgrad, gradshap,
    /// deeplift, deepshap, lrp, guided-backprop, grad-cam; for every model occlusion too (see --help)
    #[arg(long, default_value = "auto")]
    pub method: String,
    /// Coalitions, perturbed rows for LIME, or points at which a gradient is taken
    #[arg(long)]
    pub samples: Option<usize>,
    /// Side of occlusion's windows on a picture, in pixels; an eighth of the picture when left out
    #[arg(long, value_name = "PIXELS")]
    pub patch: Option<usize>,
    /// Pixels from one window of occlusion to the next; half of the patch when left out
    #[arg(long, value_name = "PIXELS")]
    pub stride: Option<usize>,
    /// Convolution of grad-cam, by the name of its node or of its output; the last one when left out
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    #[command(flatten)]
    pub grouping: GroupArgs,
    #[command(flatten)]
    pub parts: PartArgs,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Name or index of the output, or all; when left out, the class that the last test counted as --positive, else
    /// the second of two, else all
    #[arg(long)]
    pub output: Option<String>,
    /// raw or probability
    #[arg(long, value_parser = ["raw", "probability"])]
    pub space: Option<String>,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A version: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// File with the rows to explain
    #[arg(long)]
    pub data: PathBuf,
    /// Rows to explain, from 1: 4, 4..10, 4.. or ..10
    #[arg(long, value_name = "A..B", value_parser = rows)]
    pub rows: Option<(Option<u64>, Option<u64>)>,
    /// Of these rows, else of the whole file, those worth a look: worst (furthest from the truth), threshold (nearest to
    /// being another class), random, highest or lowest (by the answer)
    #[arg(long, value_name = "HOW", value_parser = ["worst", "threshold", "random", "highest", "lowest"])]
    pub pick: Option<String>,
    /// How many of them [default: 20]
    #[arg(long, requires = "pick", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub count: Option<u64>,
    /// With --pick threshold: the probability, or the number, from which on the answer is another; one half for classes
    #[arg(long, requires = "pick", allow_hyphen_values = true)]
    pub threshold: Option<f64>,
    #[command(flatten)]
    pub reasons: ReasonArgs,
    /// Interaction values of each pair of features too, of a tree ensemble; --json or a .json file of --out has them
    #[arg(long)]
    pub interactions: bool,
    /// Only the rows that the same explanation had finished when it was stopped; without it, it goes on with the others
    #[arg(long)]
    pub finished: bool,
    /// Measure how far the explanation may be believed, for up to five of the rows: deletion and insertion curves,
    /// infidelity, max-sensitivity, agreement with another method. What is taken away takes the values of background rows,
    /// or of their mean
    #[arg(long, value_name = "rows|mean", num_args = 0..=1, require_equals = true, default_missing_value = "rows",
        value_parser = ["rows", "mean"])]
    pub quality: Option<String>,
    /// Method to compare with; occlusion when left out, and of occlusion itself kernel or lime
    #[arg(long, value_name = "METHOD", requires = "quality")]
    pub against: Option<String>,
    /// File for the values: .json, .parquet, or .html to read and print
    #[arg(long)]
    pub out: Option<PathBuf>,
}
