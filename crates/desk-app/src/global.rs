//! What a version makes of each feature over a whole file: importance and dependence.

use std::path::{Path, PathBuf};

use desk_core::{Cancel, Digest, Fault, ProgressSink, VersionRef};
use desk_explain::global::{Ale, Importance, PartialDependence};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::calls::Ask;
use crate::command::Columns;
use crate::worker::protocol::{GlobalReply, GlobalRequest, Wanted, op};

/// Rows that are used when nobody says how many.
pub const ROWS: usize = 10_000;

/// Which version on which data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverData {
    /// The version.
    pub version: VersionRef,
    /// The data.
    pub data: PathBuf,
    /// How its columns become inputs.
    pub columns: Columns,
    /// Most rows, evenly spaced over the file.
    pub rows: usize,
}

/// Permutation importance of every feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportanceAnswer {
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
    /// The column with the truth.
    pub target: Option<String>,
    /// The importances, the largest first.
    #[serde(flatten)]
    pub importance: Importance,
}

/// How the answers change along one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependenceAnswer {
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
    /// The feature.
    pub feature: String,
    /// Names of the outputs.
    pub output_names: Vec<String>,
    /// Names of the values, of a categorical feature.
    pub levels: Option<Vec<String>>,
    /// Partial dependence with single rows' curves.
    pub partial: PartialDependence,
    /// Accumulated local effects, of a numeric feature.
    pub ale: Option<Ale>,
}

/// What a result over a file rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// The version, as `name@3`.
    pub version: String,
    /// Digest of the version.
    pub model_digest: Digest,
    /// Name of the data file.
    pub data: String,
    /// Its digest.
    pub data_digest: Digest,
    /// Rows that were used.
    pub used_rows: u64,
    /// Rows that the file has, as far as they were read.
    pub of_rows: u64,
    /// The runtime.
    pub runtime: String,
    /// Seconds in all.
    pub seconds: f64,
    /// What to know.
    pub warnings: Vec<String>,
}

impl Desk {
    /// Shuffles one feature after the other and says how much worse the answers are; `score` by scikit-learn's names, one
    /// that suits the model when absent.
    pub fn importance(
        &self,
        over: &OverData,
        (repeats, seed): (usize, u64),
        score: Option<String>,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<ImportanceAnswer, Fault> {
        let (basis, reply) = self.over_data(over, Wanted::Importance { repeats, seed, score }, cancel, progress)?;
        let importance = reply.importance.ok_or_else(|| Fault::bug("the worker gave no importance"))?;
        Ok(ImportanceAnswer { basis, target: reply.target, importance })
    }

    /// Partial dependence, single rows' curves and accumulated local effects of one feature.
    pub fn dependence(
        &self,
        over: &OverData,
        feature: &str,
        (points, curves): (usize, usize),
        output: Option<String>,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<DependenceAnswer, Fault> {
        let feature = feature.to_owned();
        let wanted = Wanted::Dependence { feature: feature.clone(), points, curves, output };
        let (basis, reply) = self.over_data(over, wanted, cancel, progress)?;
        let partial = reply.partial.ok_or_else(|| Fault::bug("the worker gave no dependence"))?;
        let (output_names, levels, ale) = (reply.output_names, reply.levels, reply.ale);
        Ok(DependenceAnswer { basis, feature, output_names, levels, partial, ale })
    }

    fn over_data(
        &self,
        over: &OverData,
        wanted: Wanted,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<(Basis, GlobalReply), Fault> {
        let loaded = self.load(&over.version)?;
        let request = GlobalRequest {
            model: loaded.files.clone(),
            description: loaded.description.clone(),
            data: over.data.clone(),
            columns: over.columns.clone(),
            rows: over.rows,
            wanted,
        };
        let affinity = loaded.row.digest.hex();
        let read: Vec<&Path> = vec![&loaded.folder, &loaded.files.library, &over.data];
        let ask =
            Ask { op: op::GLOBAL, affinity: &affinity, read: &read, write: &[], device: "cpu", cpu_seconds: None };
        let (reply, _): (GlobalReply, Vec<u8>) = self.ask(ask, &request, cancel, progress)?;
        let basis = Basis {
            version: format!("{}@{}", loaded.row.model, loaded.row.number),
            model_digest: loaded.row.digest,
            data: over.data.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            data_digest: reply.data_digest,
            used_rows: reply.rows,
            of_rows: reply.of_rows,
            runtime: format!("onnxruntime {}", reply.runtime),
            seconds: reply.seconds,
            warnings: reply.warnings.iter().cloned().chain(loaded.cautions()).collect(),
        };
        Ok((basis, reply))
    }
}
