//! Arguments of the verbs that look at a model over a whole file.

use std::path::PathBuf;

use clap::Args;
use desk_app::global::{CURVES, DEPTH, REPEATS, ROWS};
use desk_core::VersionRef;

use super::data::{ColumnArgs, GroupArgs};
use super::parse::at_least_one;
use crate::complete;

#[derive(Debug, Args)]
pub struct OverDataArgs {
    /// A version: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// The file with the rows
    #[arg(long)]
    pub data: PathBuf,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Rows to use at most, drawn evenly over the file
    #[arg(long, default_value_t = ROWS, value_parser = at_least_one)]
    pub rows: usize,
}

#[derive(Debug, Args)]
pub struct ImportanceArgs {
    #[command(flatten)]
    pub over: OverDataArgs,
    /// accuracy, neg_log_loss, r2, neg_mean_squared_error, neg_mean_absolute_error; accuracy for classes and r2 for
    /// numbers when left out
    #[arg(long)]
    pub score: Option<String>,
    /// Shuffles of each feature
    #[arg(long, default_value_t = REPEATS, value_parser = at_least_one)]
    pub repeats: usize,
    /// Seed of the shuffles
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub grouping: GroupArgs,
}

#[derive(Debug, Args)]
pub struct SurrogateArgs {
    #[command(flatten)]
    pub over: OverDataArgs,
    /// Cuts above a leaf at most
    #[arg(long, default_value_t = DEPTH as u64, value_parser = clap::value_parser!(u64).range(1..=8))]
    pub depth: u64,
    /// Fewest rows of a leaf; a hundredth of the rows, but at least 5, when left out
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub leaf_rows: Option<usize>,
    /// Seed of which rows are held out
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Name or index of the output, or all; when left out, the second of two, else all
    #[arg(long)]
    pub output: Option<String>,
}

#[derive(Debug, Args)]
pub struct DependenceArgs {
    #[command(flatten)]
    pub over: OverDataArgs,
    /// The column to look along, or the name of a category that several columns of flags make (one-hot)
    #[arg(long, value_name = "COL")]
    pub feature: String,
    /// Another one, to look along both together
    #[arg(long, value_name = "COL")]
    pub with: Option<String>,
    /// Points along it at most; 40 when left out, 10 along each of two, where there can be 100
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=1000))]
    pub points: Option<u64>,
    /// Rows that get a curve of their own (ICE)
    #[arg(long, default_value_t = CURVES as u64, value_parser = clap::value_parser!(u64).range(0..=1000))]
    pub curves: u64,
    /// Name or index of the output, or all; when left out, the second of two, else all
    #[arg(long)]
    pub output: Option<String>,
    #[command(flatten)]
    pub grouping: GroupArgs,
}
