//! The answers of two versions to the same rows.

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::util::display::array_value_to_string;
use desk_core::words::same_value;
use desk_core::{Cancel, Digest, Fault, Progress, ProgressSink};
use desk_data::{OpenOptions, ReadPlan, TableReader};
use desk_monitor::{Metric, Paired};
use desk_store::{RunKind, RunRow, VersionRow};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Desk;
use crate::outcome::Predicted;
use crate::rows::label_among;

use super::prepared::{prepared, prepared_otherwise};

/// Runs of a version that are looked through for data in common.
const LOOKED_AT: u32 = 200;
/// Rows read at a time.
const CHUNK: usize = 8_192;
/// Rows whose answer changed that are listed.
const LISTED: usize = 1_000;
/// Numbers that differ less are the same one.
const SAME: f64 = 5e-13;
/// Metrics of one of two classes.
const OF_A_CLASS: [&str; 6] = ["f1", "auc", "precision", "recall", "average_precision", "brier"];
/// Metrics in the order they are told; those where smaller is better say so.
const METRICS: &[(&str, bool)] = &[
    ("accuracy", false),
    ("f1", false),
    ("auc", false),
    ("log_loss", true),
    ("precision", false),
    ("recall", false),
    ("brier", true),
    ("balanced_accuracy", false),
    ("r2", false),
    ("rmse", true),
    ("mae", true),
    ("mse", true),
    ("mape", true),
];

/// How two versions answered the same data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswersCompared {
    /// The data file, as it was named when the second was tested.
    pub data: String,
    /// Its digest.
    pub data_digest: Digest,
    /// The test of the first.
    pub run_first: String,
    /// The test of the second.
    pub run_second: String,
    /// The class that precision, recall, F1 and AUC are of, where there are two classes and it is the same in both tests.
    #[serde(default)]
    pub positive: Option<String>,
    /// The names of the classes, where the answers are such.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Metrics that both have, and that are of the same thing.
    pub metrics: Vec<MetricPair>,
    /// The column of the answer that is compared row by row.
    pub answer: String,
    /// The column with the truth.
    pub truth: Option<String>,
    /// Rows compared one by one; none when an answer was written to a file and not kept.
    pub rows: u64,
    /// Rows whose answers differ (beyond rounding, for numbers).
    pub changed: u64,
    /// The largest difference of numbers.
    pub largest: Option<f64>,
    /// Rows by which of the two is right, where the truth is known and answers are classes.
    pub paired: Option<Paired>,
    /// Accuracy of the second less that of the first, over these rows.
    pub difference: Option<Metric>,
    /// The exact McNemar test of that difference.
    pub p_value: Option<f64>,
    /// What to know before these numbers are believed.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Rows that changed, the first thousand; those that became wrong before all others.
    pub changes: Vec<RowChange>,
}

/// One metric of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPair {
    /// Its key, as in the answer of `predict`.
    pub metric: String,
    /// Of the first.
    pub first: Metric,
    /// Of the second.
    pub second: Metric,
    /// Smaller values are better.
    pub smaller_is_better: bool,
}

/// A row whose answer changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowChange {
    /// Its number, from 1.
    pub row: u64,
    /// The answer of the first.
    pub first: String,
    /// The answer of the second.
    pub second: String,
    /// The truth, where it is known.
    pub truth: Option<String>,
    /// `broken`: only the first was right; `mended`: only the second is; `other`.
    pub kind: String,
}

/// Which of two is better in a metric, as far as these rows tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The first.
    First,
    /// The second.
    Second,
    /// They are equal.
    Same,
    /// The rows do not tell: the intervals overlap, or there are none.
    Unclear,
}

impl AnswersCompared {
    /// Which one is better in a metric: by the paired difference for accuracy, by intervals that do not overlap for
    /// others, which says "unclear" too often rather than too seldom.
    pub fn better(&self, pair: &MetricPair) -> Better {
        let (Some(first), Some(second)) = (pair.first.value, pair.second.value) else { return Better::Unclear };
        if (first - second).abs() < SAME {
            return Better::Same;
        }
        let ends = |metric: &Metric| metric.low.zip(metric.high);
        let apart = match &self.difference {
            Some(difference) if pair.metric == "accuracy" => ends(difference).is_some_and(|(l, h)| l > 0.0 || h < 0.0),
            _ => ends(&pair.first).zip(ends(&pair.second)).is_some_and(|(a, b)| a.1 < b.0 || b.1 < a.0),
        };
        match apart {
            false => Better::Unclear,
            true if (second > first) != pair.smaller_is_better => Better::Second,
            true => Better::First,
        }
    }
}

impl Desk {
    /// The answers to the newest data that both were tested on; or why there are none.
    pub(super) fn compare_answers(
        &self,
        first: &VersionRow,
        second: &VersionRow,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Result<AnswersCompared, String>, Fault> {
        let tests = |row: &VersionRow| -> Result<Vec<RunRow>, Fault> {
            let mut runs = self.0.store.list_runs_of(Some(&row.digest), Some(RunKind::Predict), LOOKED_AT)?;
            runs.retain(|run| run.data.is_some());
            Ok(runs)
        };
        let (of_first, of_second) = (tests(first)?, tests(second)?);
        for (row, runs) in [(first, &of_first), (second, &of_second)] {
            if runs.is_empty() {
                return Ok(Err(format!("{}@{} was not tested yet", row.model, row.number)));
            }
        }
        // Runs whose answers are kept here come first, of those the ones that know the same truth and
        // look for the same class; among them the newest.
        let pairs = || {
            of_second
                .iter()
                .flat_map(|b| of_first.iter().filter(|a| a.data == b.data && kept(a) == kept(b)).map(move |a| (a, b)))
        };
        let judged = |(a, b): &(&RunRow, &RunRow)| truth_of(a).is_some() && truth_of(a) == truth_of(b);
        let alike =
            |pair: &(&RunRow, &RunRow)| judged(pair) && positive_of(&pair.0.result) == positive_of(&pair.1.result);
        // Rows that were made ready otherwise are not the same rows: a difference would not be the models'.
        let ready = |(a, b): &(&RunRow, &RunRow)| prepared(a) == prepared(b);
        let best = pairs()
            .find(|pair| kept(pair.0) && alike(pair) && ready(pair))
            .or_else(|| pairs().find(|pair| kept(pair.0) && judged(pair) && ready(pair)))
            .or_else(|| pairs().find(|pair| kept(pair.0) && alike(pair)))
            .or_else(|| pairs().find(|pair| kept(pair.0) && judged(pair)));
        let Some((a, b)) = best.or_else(|| pairs().find(|(a, _)| kept(a))).or_else(|| pairs().next()) else {
            return Ok(Err("The two were never tested on the same data".to_owned()));
        };
        self.compare_runs(a, b, cancel, progress).map(Ok)
    }

    fn compare_runs(
        &self,
        a: &RunRow,
        b: &RunRow,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<AnswersCompared, Fault> {
        let read = |run: &RunRow| -> Result<Predicted, Fault> {
            serde_json::from_value(run.result.clone()).map_err(|error| {
                Fault::input(format!("the record of run {} cannot be read", run.id)).detail(error.to_string())
            })
        };
        let (first, second) = (read(a)?, read(b)?);
        let truth = second.target.clone().filter(|target| first.target.as_ref() == Some(target));
        let label = |answer: &Predicted| label_among(&answer.output_columns);
        let classes = has_classes(&first) && has_classes(&second);
        let mut rows = Rows::new(classes, truth.is_some());
        if let (Some(one), Some(other)) = (&a.artifact, &b.artifact) {
            progress.report(Progress::new("Reading the answers", 0, None, "rows"));
            let mut readers = [self.kept_answers(one)?, self.kept_answers(other)?];
            // The data may have a column of the answer's name; the answers stand last.
            let name = |reader: &dyn TableReader, answer: &Predicted| -> String {
                let schema = reader.schema();
                let data = schema.fields().len().saturating_sub(answer.output_columns.len());
                schema.fields().get(data + label(answer)).map(|field| field.name().clone()).unwrap_or_default()
            };
            let columns = [name(readers[0].as_ref(), &first), name(readers[1].as_ref(), &second)];
            rows.read(&mut readers, &columns, truth.as_deref(), (cancel, progress))?;
        }
        let judged = rows.paired.rows() > 0;
        let positives = [&a.result, &b.result].map(positive_of);
        let alike = positives[0] == positives[1];
        let mut metrics = metrics(&first, &second);
        // Numbers of different classes say nothing beside each other.
        metrics.retain(|pair| alike || !OF_A_CLASS.contains(&pair.metric.as_str()));
        Ok(AnswersCompared {
            positive: positives[1].filter(|_| alike).map(str::to_owned),
            classes: classes_of(&b.result),
            data: b.params.get("data").and_then(Json::as_str).unwrap_or_default().to_owned(),
            data_digest: second.data_digest,
            run_first: a.id.clone(),
            run_second: b.id.clone(),
            metrics,
            answer: second.output_columns.get(label(&second)).cloned().unwrap_or_default(),
            truth,
            rows: rows.count,
            changed: rows.changed,
            largest: rows.largest,
            paired: judged.then_some(rows.paired),
            difference: judged.then(|| rows.paired.difference()),
            p_value: judged.then(|| rows.paired.p_value()),
            warnings: prepared_otherwise("tests", [(a, &first.version), (b, &second.version)]).into_iter().collect(),
            changes: rows.listed(),
        })
    }

    fn kept_answers(&self, digest: &Digest) -> Result<Box<dyn TableReader>, Fault> {
        let options = OpenOptions { format: Some(desk_data::Format::Arrow), ..OpenOptions::default() };
        Ok(desk_data::open(&self.0.store.blob_path(digest), &options)?)
    }
}

/// The column with the truth that a test had.
fn truth_of(run: &RunRow) -> Option<&str> {
    run.result.get("target").and_then(Json::as_str)
}

/// The class that a test's metrics are of.
fn positive_of(result: &Json) -> Option<&str> {
    result.pointer("/metrics/report/positive").and_then(Json::as_str)
}

/// The classes that a test told apart.
fn classes_of(result: &Json) -> Vec<String> {
    let labels = result.pointer("/metrics/report/classes").and_then(Json::as_array);
    labels.into_iter().flatten().filter_map(|label| label.as_str().map(str::to_owned)).collect()
}

/// The answers are kept in the store, beside their rows.
fn kept(run: &RunRow) -> bool {
    run.artifact.is_some()
}

/// The answer is a class, and not a number on a scale.
pub(crate) fn has_classes(answer: &Predicted) -> bool {
    let metrics = answer.metrics.as_ref();
    let task = metrics.and_then(|metrics| metrics.get("task")).and_then(Json::as_str);
    if let Some(task) = task {
        return task == "classification";
    }
    let name = answer.output_columns.first().map(String::as_str).unwrap_or_default();
    let value = answer.outputs.first().and_then(|row| row.get(name));
    value.is_some_and(|value| value.is_string() || value.is_i64() || value.is_boolean())
}

fn metrics(first: &Predicted, second: &Predicted) -> Vec<MetricPair> {
    let find = |answer: &Predicted, key: &str| -> Option<Metric> {
        let metrics = answer.metrics.as_ref()?;
        let report = metrics.get("report").unwrap_or(metrics);
        let places = [report.get(key), report.pointer(&format!("/macro_average/{key}")), metrics.get(key)];
        places.into_iter().flatten().find_map(|value| match value.as_f64() {
            Some(plain) => Some(Metric::of(plain)),
            None => serde_json::from_value::<Metric>(value.clone()).ok().filter(|metric| metric.value.is_some()),
        })
    };
    let pair = |(key, smaller): &(&str, bool)| {
        let (first, second) = (find(first, key)?, find(second, key)?);
        Some(MetricPair { metric: (*key).to_owned(), first, second, smaller_is_better: *smaller })
    };
    METRICS.iter().filter_map(pair).collect()
}

/// What is counted row by row.
struct Rows {
    classes: bool,
    judge: bool,
    count: u64,
    changed: u64,
    largest: Option<f64>,
    paired: Paired,
    broken: Vec<RowChange>,
    others: Vec<RowChange>,
}

impl Rows {
    fn new(classes: bool, has_truth: bool) -> Self {
        let judge = classes && has_truth;
        let (broken, others) = (Vec::new(), Vec::new());
        Self { classes, judge, count: 0, changed: 0, largest: None, paired: Paired::default(), broken, others }
    }

    fn read(
        &mut self,
        readers: &mut [Box<dyn TableReader>; 2],
        columns: &[String; 2],
        truth: Option<&str>,
        (cancel, progress): (&Cancel, &dyn ProgressSink),
    ) -> Result<(), Fault> {
        let total = readers[0].row_count().zip(readers[1].row_count()).map(|(one, other)| one.min(other));
        for (reader, column) in readers.iter_mut().zip(columns) {
            let wanted = std::iter::once(column.clone()).chain(truth.map(str::to_owned)).collect();
            reader.prepare(&ReadPlan { columns: Some(wanted), ..ReadPlan::default() })?;
        }
        loop {
            cancel.check()?;
            progress.report(Progress::new("Comparing the answers", self.count, total, "rows"));
            let [one, other] = readers;
            let (Some(a), Some(b)) = (one.next_batch(CHUNK)?, other.next_batch(CHUNK)?) else { return Ok(()) };
            // Both were made from the same data, so they have the same rows; a shorter one ends it.
            let rows = a.num_rows().min(b.num_rows());
            let (first, second) = (column(&a, &columns[0]), column(&b, &columns[1]));
            let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
            let known = truth.and_then(|name| truth_column(&b, name));
            for row in 0..rows {
                self.take(&text(first, row), &text(second, row), known.map(|known| text(known, row)));
            }
        }
    }

    fn take(&mut self, first: &str, second: &str, truth: Option<String>) {
        self.count += 1;
        let truth = truth.filter(|truth| !truth.is_empty());
        let right = |answer: &str| truth.as_deref().is_some_and(|truth| same_value(answer, truth));
        let (was, is) = (right(first), right(second));
        if self.judge && truth.is_some() {
            self.paired.add(was, is);
        }
        if self.classes {
            if same_value(first, second) {
                return;
            }
        } else {
            let numbers = first.parse::<f64>().ok().zip(second.parse::<f64>().ok());
            let difference = numbers.map(|(a, b)| (a - b).abs());
            // What differs in the last digits of float32 only has not changed.
            let near = numbers.is_some_and(|(a, b)| (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-6));
            if first == second || near {
                return;
            }
            self.largest = self.largest.into_iter().chain(difference.filter(|d| d.is_finite())).reduce(f64::max);
        }
        self.changed += 1;
        let kind = match (self.judge && truth.is_some(), was, is) {
            (true, true, false) => "broken",
            (true, false, true) => "mended",
            _ => "other",
        };
        let list = if kind == "broken" { &mut self.broken } else { &mut self.others };
        if list.len() < LISTED {
            list.push(RowChange {
                row: self.count,
                first: first.to_owned(),
                second: second.to_owned(),
                truth,
                kind: kind.to_owned(),
            });
        }
    }

    fn listed(self) -> Vec<RowChange> {
        self.broken.into_iter().chain(self.others).take(LISTED).collect()
    }
}

/// The answer's column; the data may have one of the same name, and the answers stand last.
fn column<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b ArrayRef> {
    let at = batch.schema().fields().iter().rposition(|field| field.name() == name)?;
    batch.columns().get(at)
}

/// The truth is a column of the data, which stands first.
fn truth_column<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b ArrayRef> {
    let at = batch.schema().fields().iter().position(|field| field.name() == name)?;
    batch.columns().get(at)
}

fn text(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) { String::new() } else { array_value_to_string(column, row).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_counted_by_who_is_right_and_the_broken_rows_come_first() {
        let mut rows = Rows::new(true, true);
        for (first, second, truth) in
            [("a", "a", "a"), ("b", "a", "a"), ("a", "b", "a"), ("1", "1.0", "1"), ("b", "c", "a"), ("b", "c", "")]
        {
            rows.take(first, second, Some(truth.to_owned()));
        }
        assert_eq!((rows.count, rows.changed), (6, 4));
        assert_eq!(rows.paired, Paired { both_right: 2, only_first: 1, only_second: 1, both_wrong: 1 });
        let kinds: Vec<(u64, String)> = rows.listed().into_iter().map(|change| (change.row, change.kind)).collect();
        let want = [(3, "broken"), (2, "mended"), (5, "other"), (6, "other")];
        assert_eq!(kinds, want.map(|(row, kind)| (row, kind.to_owned())));
    }

    #[test]
    fn better_is_only_what_the_intervals_bear_out() {
        let metric = |value, low, high| Metric { low: Some(low), high: Some(high), ..Metric::of(value) };
        let pair = |name: &str, first, second, smaller_is_better| MetricPair {
            metric: name.to_owned(),
            first,
            second,
            smaller_is_better,
        };
        let mut answers = AnswersCompared {
            warnings: Vec::new(),
            data: String::new(),
            data_digest: Digest::of(b"data"),
            run_first: String::new(),
            run_second: String::new(),
            positive: None,
            classes: Vec::new(),
            metrics: Vec::new(),
            answer: String::new(),
            truth: None,
            rows: 0,
            changed: 0,
            largest: None,
            paired: None,
            difference: None,
            p_value: None,
            changes: Vec::new(),
        };
        let (low, high) = (metric(0.80, 0.70, 0.90), metric(0.85, 0.75, 0.95));
        assert_eq!(answers.better(&pair("auc", low.clone(), high.clone(), false)), Better::Unclear);
        assert_eq!(answers.better(&pair("auc", low.clone(), low.clone(), false)), Better::Same);
        let far = metric(0.99, 0.98, 1.0);
        assert_eq!(answers.better(&pair("auc", low.clone(), far.clone(), false)), Better::Second);
        assert_eq!(answers.better(&pair("log_loss", low.clone(), far, true)), Better::First);
        assert_eq!(answers.better(&pair("auc", Metric::of(0.1), Metric::of(0.9), false)), Better::Unclear);
        // The same rows tell more than two intervals beside each other.
        answers.difference = Some(metric(0.05, 0.01, 0.09));
        assert_eq!(answers.better(&pair("accuracy", low, high, false)), Better::Second);
    }

    #[test]
    fn numbers_change_beyond_rounding_only() {
        let mut rows = Rows::new(false, true);
        for (first, second) in [("1.0000001", "1"), ("1.5", "1"), ("-2", "2"), ("", "1"), ("0", "0.0")] {
            rows.take(first, second, Some("1".to_owned()));
        }
        assert_eq!((rows.count, rows.changed, rows.largest), (5, 3, Some(4.0)));
        assert_eq!(rows.paired.rows(), 0, "a number is not right or wrong");
    }
}
