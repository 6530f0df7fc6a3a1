//! What a version makes of each feature over a whole file, importance, dependence and a small tree in its place: the worker
//! does it, the desk keeps the record.

use std::path::Path;
use std::time::Instant;

use desk_core::{Cancel, Digest, Fault, ProgressSink, VersionRef};
pub use desk_explain::global::{
    Agreement, Ale, Correlated, Estimate, FeatureImportance, Fidelity, Node, PairDependence, PairInteraction,
    PartialDependence, Rule, Split,
};
use desk_store::{NewRun, RunKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Desk;
use crate::calls::{Ask, large};
use crate::command::{Columns, Command, Dependence, Importance, Surrogate};
use crate::outcome::{Grouped, Outcome};
use crate::predict::to_json;
use crate::truth::{Truth, with_truth};
use crate::worker::protocol::{GlobalReply, GlobalRequest, Wanted, op};

/// Rows that are used when nobody says how many.
pub const ROWS: usize = 10_000;
/// Shuffles of each feature when nobody says how many.
pub const REPEATS: usize = 5;
/// Points along a feature when nobody says how many.
pub const POINTS: usize = 40;
/// Points along each of two features when nobody says how many.
pub const PAIR_POINTS: usize = 10;
/// Cuts above a leaf of a tree when nobody says how many.
pub const DEPTH: usize = 3;
/// Rows with a curve of their own when nobody says how many.
pub const CURVES: usize = 30;

/// Permutation importance of every feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportanceAnswer {
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
    /// The column with the truth.
    pub target: Option<String>,
    /// Who named it: `command`, `import` or `model`; `values` or `name` where nobody did and it was found by these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_from: Option<String>,
    /// Columns that were shuffled together, each group under its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Grouped>,
    /// The importances, the largest first.
    #[serde(flatten)]
    pub importance: desk_explain::global::Importance,
}

impl ImportanceAnswer {
    /// The column that the answers were judged by, and who named it.
    pub fn truth(&self) -> Option<Truth> {
        let from = self.target_from.clone().unwrap_or_default();
        self.target.clone().map(|column| Truth { column, from })
    }
}

/// How the answers change along one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependenceAnswer {
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
    /// The feature.
    pub feature: String,
    /// Columns of flags that are one feature here, as levels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Grouped>,
    /// Names of the outputs.
    pub output_names: Vec<String>,
    /// Names of the values, of a categorical feature.
    pub levels: Option<Vec<String>>,
    /// Numbers of the rows with a curve of their own in the data file, from 1.
    pub curve_row_numbers: Vec<u64>,
    /// Partial dependence with single rows' curves.
    pub partial: PartialDependence,
    /// Accumulated local effects, of a numeric feature.
    pub ale: Option<Ale>,
    /// Partial dependence on it and another feature together, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<PairDependence>,
    /// Names of the other feature's values, of a categorical one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_levels: Option<Vec<String>>,
    /// Rows sent through the model, for both.
    pub model_rows: u64,
}

/// A small tree in place of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurrogateAnswer {
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
    /// Names of the outputs that the tree gives.
    pub output_names: Vec<String>,
    /// The tree and how far it may be believed.
    #[serde(flatten)]
    pub surrogate: desk_explain::global::Surrogate,
}

/// What a result over a file rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// The version, as `name@3`.
    pub version: String,
    /// Digest of the version.
    pub model_digest: Digest,
    /// `permutation`, `dependence` or `surrogate`.
    pub method: String,
    /// The method in a sentence: what was done, and where its intervals or errors come from.
    pub method_reason: String,
    /// Name of the data file.
    pub data: String,
    /// Its digest.
    pub data_digest: Digest,
    /// Which rows of it were used, for people.
    pub rows_from: String,
    /// Digest of these rows as numbers.
    pub rows_digest: Digest,
    /// Rows that were used.
    pub used_rows: u64,
    /// Rows that the file has, as far as they were read.
    pub of_rows: u64,
    /// The runtime.
    pub runtime: String,
    /// The device.
    pub device: String,
    /// Seconds in all.
    pub seconds: f64,
    /// Id of the recorded run.
    pub run: String,
    /// Digest of the values, method, seed and digests: the same record gives the same.
    pub digest: Digest,
    /// Features that go together with those that matter most, or with the one that was looked along.
    pub correlated: Vec<Correlated>,
    /// What to know.
    pub warnings: Vec<String>,
}

/// Which rows of which version.
struct Over<'a> {
    version: &'a VersionRef,
    data: &'a Path,
    columns: &'a Columns,
    rows: usize,
}

impl Desk {
    /// Shuffles one feature after the other and says how much worse the answers are.
    pub(crate) fn importance(
        &self,
        command: &Importance,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let started_at = self.0.store.now();
        let Importance { version, data, columns, rows, repeats, seed, score, grouping } = command;
        let wanted =
            Wanted::Importance { repeats: *repeats, seed: *seed, score: score.clone(), grouping: grouping.clone() };
        let loaded = self.load(version)?;
        // A file that cannot be read is told of by who reads it.
        let (columns, from) = with_truth(&loaded, data, columns).unwrap_or_else(|_| {
            let who = Truth::who(columns, loaded.target.as_ref());
            (columns.clone(), who)
        });
        let over = Over { version, data, columns: &columns, rows: *rows };
        let (mut basis, reply) = self.over_data(&over, wanted, cancel, progress)?;
        let importance = reply.importance.ok_or_else(|| Fault::bug("the worker gave no importance"))?;
        "permutation".clone_into(&mut basis.method);
        "what the score loses when a feature's values are dealt out at random; 95 % intervals over the rows"
            .clone_into(&mut basis.method_reason);
        if importance.walked.is_some() {
            let again = "; of the tree ensemble only the ways that meet the shuffled feature were walked again";
            basis.method_reason.push_str(again);
        }
        let (target, groups) = (reply.target, reply.groups);
        if !groups.is_empty() {
            basis.method_reason.push_str("; the columns of a group are dealt out together");
        }
        basis.digest = sealed(&basis, &with_groups(json!({ "target": target, "importance": importance }), &groups)?)?;
        let target_from = target.is_some().then(|| from.to_owned());
        let mut answer = ImportanceAnswer { basis, target, target_from, groups, importance };
        let run = NewRun {
            seed: Some(*seed),
            ..run(RunKind::Importance, &answer.basis, to_json(&Command::Importance(command.clone()))?, started_at)
        };
        let (id, unrecorded) = self.record(&NewRun { result: to_json(&answer)?, ..run })?;
        answer.basis.run = id;
        answer.basis.warnings.extend(unrecorded);
        Ok(Outcome::Importance(Box::new(answer)))
    }

    /// Partial dependence, single rows' curves and accumulated local effects of one feature.
    pub(crate) fn dependence(
        &self,
        command: &Dependence,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let started_at = self.0.store.now();
        let Dependence { version, data, columns, rows, feature, points, curves, output, with, grouping } = command;
        let (feature, output) = (feature.clone(), output.clone());
        let wanted = Wanted::Dependence {
            feature: feature.clone(),
            points: *points,
            curves: *curves,
            output,
            with: with.clone(),
            grouping: grouping.clone(),
        };
        let over = Over { version, data, columns, rows: *rows };
        let (mut basis, reply) = self.over_data(&over, wanted, cancel, progress)?;
        let partial = reply.partial.ok_or_else(|| Fault::bug("the worker gave no dependence"))?;
        let (output_names, levels, ale) = (reply.output_names, reply.levels, reply.ale);
        let (pair, other_levels, groups) = (reply.pair, reply.other_levels, reply.groups);
        "dependence".clone_into(&mut basis.method);
        "partial dependence: the mean answer with the feature set to each value in every row, its standard error from the \
         spread over rows; accumulated local effects: from rows that have about the value"
            .clone_into(&mut basis.method_reason);
        if pair.is_some() {
            let both = "; of both features: the mean answer with both set; H of Friedman and Popescu (2008), the share of \
                        their joint effect that is not the sum of their own ones";
            basis.method_reason.push_str(both);
        }
        if reply.walked_here {
            basis.method_reason.push_str("; its trees are walked here, and answer as its file does but for rounding");
        }
        let values = json!({ "outputs": output_names, "partial": partial, "ale": ale, "pair": pair });
        basis.digest = sealed(&basis, &with_groups(values, &groups)?)?;
        let of_pair = pair.as_ref().map_or(0, |pair| pair.model_rows);
        let model_rows = partial.model_rows + ale.as_ref().map_or(0, |ale| ale.model_rows) + of_pair;
        let curve_row_numbers = reply.curve_row_numbers;
        let mut answer = DependenceAnswer {
            basis,
            feature,
            groups,
            output_names,
            levels,
            curve_row_numbers,
            partial,
            ale,
            pair,
            other_levels,
            model_rows,
        };
        let run = run(RunKind::Dependence, &answer.basis, to_json(&Command::Dependence(command.clone()))?, started_at);
        let (id, unrecorded) = self.record(&NewRun { result: to_json(&answer)?, ..run })?;
        answer.basis.run = id;
        answer.basis.warnings.extend(unrecorded);
        Ok(Outcome::Dependence(Box::new(answer)))
    }

    /// Grows a small tree on the model's answers and says how far it may stand for it.
    pub(crate) fn surrogate(
        &self,
        command: &Surrogate,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let started_at = self.0.store.now();
        let Surrogate { version, data, columns, rows, output, depth, leaf_rows, seed } = command;
        let wanted = Wanted::Surrogate { output: output.clone(), depth: *depth, least: *leaf_rows, seed: *seed };
        let over = Over { version, data, columns, rows: *rows };
        let (mut basis, reply) = self.over_data(&over, wanted, cancel, progress)?;
        let surrogate = reply.surrogate.ok_or_else(|| Fault::bug("the worker gave no tree"))?;
        "surrogate".clone_into(&mut basis.method);
        "a tree grown on the model's own answers to seven of ten rows (CART) and judged on the others: R² with the percentile \
         interval of draws with replacement, agreement of classes with Wilson's"
            .clone_into(&mut basis.method_reason);
        basis.digest = sealed(&basis, &json!({ "outputs": reply.output_names, "tree": surrogate }))?;
        let mut answer = SurrogateAnswer { basis, output_names: reply.output_names, surrogate };
        let run = NewRun {
            seed: Some(*seed),
            ..run(RunKind::Surrogate, &answer.basis, to_json(&Command::Surrogate(command.clone()))?, started_at)
        };
        let (id, unrecorded) = self.record(&NewRun { result: to_json(&answer)?, ..run })?;
        answer.basis.run = id;
        answer.basis.warnings.extend(unrecorded);
        Ok(Outcome::Surrogate(Box::new(answer)))
    }

    fn over_data(
        &self,
        over: &Over<'_>,
        wanted: Wanted,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<(Basis, GlobalReply), Fault> {
        let began = Instant::now();
        let loaded = self.load(over.version)?;
        let request = GlobalRequest {
            model: loaded.files.clone(),
            description: loaded.description.clone(),
            data: over.data.to_owned(),
            columns: over.columns.clone(),
            rows: over.rows,
            wanted,
        };
        let affinity = loaded.row.digest.hex();
        let read: Vec<&Path> = vec![&loaded.folder, &loaded.files.library, over.data];
        let ask =
            Ask { op: op::GLOBAL, affinity: &affinity, read: &read, write: &[], device: "cpu", cpu_seconds: None };
        let ((), bytes) = self.ask(ask, &request, cancel, progress)?;
        let reply: GlobalReply = large(&bytes)?;
        let basis = Basis {
            version: format!("{}@{}", loaded.row.model, loaded.row.number),
            model_digest: loaded.row.digest,
            method: String::new(),
            method_reason: String::new(),
            data: over.data.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            data_digest: reply.data_digest,
            rows_from: reply.rows_from.clone(),
            rows_digest: reply.rows_digest,
            used_rows: reply.rows,
            of_rows: reply.of_rows,
            runtime: format!("onnxruntime {}", reply.runtime),
            device: "cpu".to_owned(),
            seconds: began.elapsed().as_secs_f64(),
            run: String::new(),
            // Of nothing, until the values are there.
            digest: Digest::of(""),
            correlated: reply.correlated.clone(),
            warnings: reply.warnings.iter().cloned().chain(loaded.cautions_of_explanations()).collect(),
        };
        Ok((basis, reply))
    }
}

/// Values with the groups that they are of, where there are any.
fn with_groups(mut values: Value, groups: &[Grouped]) -> Result<Value, Fault> {
    if let (false, Value::Object(values)) = (groups.is_empty(), &mut values) {
        values.insert("groups".to_owned(), to_json(&groups)?);
    }
    Ok(values)
}

/// A digest over everything that decides the values, and the values.
fn sealed(basis: &Basis, values: &Value) -> Result<Digest, Fault> {
    let Basis { model_digest: model, data_digest: data, rows_digest: rows, method, .. } = basis;
    let sealed = to_json(&json!({ "model": model, "data": data, "rows": rows, "method": method, "values": values }))?;
    Ok(Digest::of(sealed.to_string()))
}

/// The record of an answer, without the answer.
fn run(kind: RunKind, basis: &Basis, params: Value, started_at: jiff::Timestamp) -> NewRun {
    NewRun {
        kind,
        version: basis.model_digest,
        data: Some(basis.data_digest),
        params,
        seed: None,
        runtime: basis.runtime.clone(),
        device: basis.device.clone(),
        result: Value::Null,
        artifact: None,
        started_at,
        seconds: basis.seconds,
    }
}
