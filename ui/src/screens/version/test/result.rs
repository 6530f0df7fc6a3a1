//! A test's answer made ready to draw, off the frame.

use desk_app::Command;
use desk_app::outcome::{Outcome, Predicted};
use desk_app::query::RunView;
use desk_core::Fault;
use desk_uikit::plot::Series;
use serde_json::Value;

use super::threshold::Thresholds;
use crate::metrics::{self, Number};

/// What the Test tab shows of one run.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// What the run answered.
    pub answer: Predicted,
    /// The command that makes it again.
    pub command: Command,
    /// The data file.
    pub data: String,
    /// When it ran (RFC 3339).
    pub at: String,
    /// The class that precision, recall, F1 and AUC are of, where there are two.
    pub positive: Option<String>,
    /// Numbers with their intervals, in the order of the cards.
    pub numbers: Vec<Number>,
    /// Class labels and counts by actual and predicted class.
    pub confusion: Option<(Vec<String>, Vec<Vec<u64>>)>,
    /// Chart title, series and what its axes are, for those curves that there are.
    pub curves: Vec<Curve>,
    /// What each threshold calls positive.
    pub thresholds: Thresholds,
    /// One line for each class: its name, rows, precision, recall and F1.
    pub per_class: Vec<ClassLine>,
    /// How columns became inputs, a sentence each.
    pub mapping: Vec<(String, String)>,
    /// What to know.
    pub warnings: Vec<String>,
}

/// Heading of the ROC curve.
pub const ROC: &str = "ROC curve";
/// Heading of the curve of precision and recall.
pub const PRECISION_RECALL: &str = "Precision and recall";

/// One curve of a classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Heading of its card.
    pub title: &'static str,
    /// What stands quietly beside the heading.
    pub caption: String,
    /// The line.
    pub series: Vec<Series>,
    /// Names of the axes.
    pub axes: (&'static str, &'static str),
    /// What the diagonal means, where it means something.
    pub diagonal: Option<&'static str>,
}

/// One class of a classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassLine {
    /// Its name.
    pub name: String,
    /// Rows that are of it.
    pub support: u64,
    /// Precision, recall, F1 and AUC; NaN where they are not defined.
    pub scores: [f64; 4],
}

impl TestResult {
    /// Reads a recorded run.
    pub fn new(run: RunView) -> Result<Self, Fault> {
        let Outcome::Predict(mut answer) = run.outcome else {
            return Err(Fault::bug(format!("run {} is not a test", run.item.id)));
        };
        // The stored answer was written before the run had its id.
        answer.run.clone_from(&run.item.id);
        let none = Value::Null;
        let metrics = answer.metrics.as_ref().unwrap_or(&none);
        // The usual numbers stand by name, and the whole report with intervals beside them.
        let report = metrics.get("report").unwrap_or(metrics);
        Ok(Self {
            positive: of_class(report),
            numbers: metrics::numbers(report),
            confusion: metrics::confusion(report),
            curves: [roc(report), precision_recall(report), calibration(report)].into_iter().flatten().collect(),
            thresholds: Thresholds::new(report),
            per_class: per_class(report),
            mapping: mapping(&answer.mapping),
            warnings: warnings(&answer, report),
            answer: *answer,
            command: run.command,
            data: run.item.data,
            at: run.item.at,
        })
    }
}

fn positive(report: &Value) -> String {
    report.get("positive").and_then(Value::as_str).unwrap_or("the positive class").to_owned()
}

/// The positive class as a word: a bare number is called a class.
fn of_class(report: &Value) -> Option<String> {
    let name = report.get("positive")?.as_str()?;
    Some(if name.parse::<f64>().is_ok() { format!("class {name}") } else { name.to_owned() })
}

fn roc(report: &Value) -> Option<Curve> {
    let series = vec![metrics::roc(report)?];
    let axes = ("False positive rate", "True positive rate");
    Some(Curve { title: ROC, caption: positive(report), series, axes, diagonal: Some("chance") })
}

fn precision_recall(report: &Value) -> Option<Curve> {
    let list = report.get("precision_recall")?;
    let points: Vec<[f64; 2]> = list
        .as_array()?
        .iter()
        .filter_map(|point| Some([point.get("recall")?.as_f64()?, point.get("precision")?.as_f64()?]))
        .collect();
    let average = report.pointer("/average_precision/value").and_then(Value::as_f64);
    let name = average.map_or_else(|| "Precision".to_owned(), |value| format!("average precision {value:.3}"));
    (points.len() > 1).then(|| Curve {
        title: PRECISION_RECALL,
        caption: positive(report),
        series: vec![Series::new(name, points).along("Threshold", metrics::thresholds(list))],
        axes: ("Recall", "Precision"),
        diagonal: None,
    })
}

fn calibration(report: &Value) -> Option<Curve> {
    let series = vec![metrics::calibration(report)?];
    let of = report.pointer("/calibration/of").and_then(Value::as_str).unwrap_or_default();
    let error = report.pointer("/calibration/ece").and_then(Value::as_f64);
    let error = error.map(|error| format!(", expected error {error:.3}")).unwrap_or_default();
    let caption = if of == "positive class" { positive(report) } else { of.to_owned() };
    Some(Curve {
        title: "Calibration",
        caption: format!("{caption}{error}"),
        series,
        axes: ("Predicted probability", "Share that came true"),
        diagonal: Some("perfect"),
    })
}

fn per_class(report: &Value) -> Vec<ClassLine> {
    let value = |class: &Value, key: &str| {
        class.get(key).and_then(|metric| metric.get("value")).and_then(Value::as_f64).unwrap_or(f64::NAN)
    };
    let line = |class: &Value| {
        let name = class.get("class")?;
        Some(ClassLine {
            name: name.as_str().map_or_else(|| name.to_string(), str::to_owned),
            support: class.get("support").and_then(Value::as_u64).unwrap_or(0),
            scores: ["precision", "recall", "f1", "auc"].map(|key| value(class, key)),
        })
    };
    report
        .get("per_class")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(line).collect())
        .unwrap_or_default()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Name of the input, and where its values come from.
fn mapping(mapping: &Value) -> Vec<(String, String)> {
    let inputs = mapping.get("inputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<(String, String)> = inputs
        .iter()
        .map(|input| {
            let text = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
            let columns = texts(input.get("columns"));
            let how = match text("how") {
                "feature_names" => "by the feature names in the model".to_owned(),
                "tensor" => "as a whole tensor".to_owned(),
                "name" | "names" => "by name".to_owned(),
                other => other.replace(['_', '-'], " "),
            };
            let from = match columns.as_slice() {
                [one] => format!("column {one}"),
                many if many.len() <= 6 => format!("columns {}", many.join(", ")),
                many => format!("{} columns, {} to {}", many.len(), many[0], many[many.len() - 1]),
            };
            (text("input").to_owned(), format!("{from}, {how}; wants {}", text("wants")))
        })
        .collect();
    let unused = texts(mapping.get("unused"));
    if !unused.is_empty() {
        lines.push(("Not used".to_owned(), unused.join(", ")));
    }
    lines
}

fn warnings(answer: &Predicted, report: &Value) -> Vec<String> {
    let mut all = answer.warnings.clone();
    all.extend(texts(answer.mapping.get("warnings")));
    all.extend(texts(report.get("warnings")));
    let skipped = report.get("skipped").and_then(Value::as_object);
    let skipped: u64 = skipped.map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum());
    if skipped > 0 {
        all.push(format!("{skipped} rows are left out of the metrics: no truth, an unknown class or no score"));
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|text| seen.insert(text.clone()));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn curves_and_classes_are_read_from_the_report() {
        let report = json!({
            "positive": "yes",
            "roc": [{"fpr": 0.0, "tpr": 0.0}, {"fpr": 1.0, "tpr": 1.0}],
            "precision_recall": [{"recall": 0.0, "precision": 1.0}, {"recall": 1.0, "precision": 0.4}],
            "average_precision": {"value": 0.958},
            "per_class": [{"class": "yes", "support": 7, "precision": {"value": 0.5}, "recall": {"value": 1.0}, "f1": {}}]
        });
        assert_eq!(of_class(&report).as_deref(), Some("yes"));
        assert_eq!(of_class(&json!({"positive": "1"})).as_deref(), Some("class 1"), "a bare number says nothing");
        assert_eq!(of_class(&json!({"positive": null})), None);
        let curve = precision_recall(&report).expect("a curve");
        assert_eq!((curve.series[0].name.as_str(), curve.caption.as_str()), ("average precision 0.958", "yes"));
        assert_eq!(roc(&report).expect("a curve").diagonal, Some("chance"));
        assert!(calibration(&report).is_none());
        let class = &per_class(&report)[0];
        assert_eq!((class.name.as_str(), class.support, class.scores[1]), ("yes", 7, 1.0));
        assert!(class.scores[2].is_nan());
    }

    #[test]
    fn the_mapping_reads_like_a_sentence() {
        let found = json!({
            "inputs": [{"input": "X", "wants": "float32 [batch, 2]", "columns": ["a", "b"], "how": "feature_names"}],
            "unused": ["id"]
        });
        let lines = mapping(&found);
        assert_eq!(lines[0].1, "columns a, b, by the feature names in the model; wants float32 [batch, 2]");
        assert_eq!(lines[1], ("Not used".to_owned(), "id".to_owned()));
        assert!(mapping(&Value::Null).is_empty());
    }
}
