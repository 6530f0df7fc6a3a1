//! Reads the metrics of a test run, whichever of them it has.

use desk_uikit::plot::Series;
use serde_json::Value;

/// One number with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// The name on screen.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// How the interval was made.
    pub method: Option<String>,
}

/// Metrics in the order they are shown: their key and their name.
const NUMBERS: &[(&str, &str)] = &[
    ("accuracy", "Accuracy"),
    ("f1", "F1"),
    ("auc", "AUC"),
    ("log_loss", "Log loss"),
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("brier", "Brier score"),
    ("balanced_accuracy", "Balanced accuracy"),
    ("r2", "R²"),
    ("rmse", "RMSE"),
    ("mae", "MAE"),
    ("mse", "MSE"),
    ("mape", "MAPE"),
];

/// The name on screen of a metric by its key; the key itself where it has none.
pub fn name(key: &str) -> &str {
    NUMBERS.iter().find(|(known, _)| *known == key).map_or(key, |(_, name)| name)
}

fn number_of(name: &'static str, value: &Value) -> Option<Number> {
    let plain = value.as_f64();
    let inside = |key: &str| value.get(key).and_then(Value::as_f64);
    let interval = inside("low").zip(inside("high"));
    let method = value.get("interval").and_then(Value::as_str).map(str::to_owned);
    Some(Number { name, value: plain.or_else(|| inside("value"))?, interval, method })
}

/// The whole report where there is one, else the numbers themselves.
fn report(metrics: &Value) -> &Value {
    metrics.get("report").unwrap_or(metrics)
}

/// All numbers that are there, in the order they are shown.
pub fn numbers(metrics: &Value) -> Vec<Number> {
    let report = report(metrics);
    let look = |key: &str, name: &'static str| {
        let average = report.get("macro_average").and_then(|average| average.get(key));
        [report.get(key), average, metrics.get(key)].into_iter().flatten().find_map(|value| number_of(name, value))
    };
    NUMBERS.iter().filter_map(|(key, name)| look(key, name)).collect()
}

/// Class labels and counts of the confusion matrix.
pub fn confusion(metrics: &Value) -> Option<(Vec<String>, Vec<Vec<u64>>)> {
    let report = report(metrics);
    let counts = report.get("confusion")?;
    let labels: Vec<String> = report
        .get("classes")?
        .as_array()?
        .iter()
        .map(|label| label.as_str().map_or_else(|| label.to_string(), str::to_owned))
        .collect();
    let counts: Vec<Vec<u64>> = counts
        .as_array()?
        .iter()
        .map(|row| row.as_array().map(|cells| cells.iter().filter_map(Value::as_u64).collect()))
        .collect::<Option<_>>()?;
    (counts.len() == labels.len() && !labels.is_empty()).then_some((labels, counts))
}

fn points(list: &Value, x: &str, y: &str) -> Vec<[f64; 2]> {
    let point = |item: &Value| Some([item.get(x)?.as_f64()?, item.get(y)?.as_f64()?]);
    list.as_array().map(|items| items.iter().filter_map(point).collect()).unwrap_or_default()
}

/// The ROC curve, named with its area.
pub fn roc(metrics: &Value) -> Option<Series> {
    let list = report(metrics).get("roc")?;
    let points = points(list, "fpr", "tpr");
    let area = numbers(metrics).into_iter().find(|n| n.name == "AUC");
    let name = area.map_or_else(|| "ROC".to_owned(), |n| format!("AUC {:.3}", n.value));
    (points.len() > 1).then(|| Series::new(name, points).along("Threshold", thresholds(list)))
}

/// The threshold that makes each point of a curve; none for the point where nothing is called positive.
pub fn thresholds(list: &Value) -> Vec<Option<f64>> {
    let one = |item: &Value| item.get("threshold").and_then(Value::as_f64);
    list.as_array().map(|items| items.iter().map(one).collect()).unwrap_or_default()
}

/// The calibration curve: mean score against the share that came true.
pub fn calibration(metrics: &Value) -> Option<Series> {
    let points = points(report(metrics).get("calibration")?.get("bins")?, "mean_score", "share");
    (points.len() > 1).then(|| Series::new("Observed", points).with_marks())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_numbers_with_their_intervals_from_the_report() {
        let metrics = json!({
            "task": "classification", "accuracy": 0.93, "f1": 0.9, "log_loss": 0.21, "auc": null,
            "report": {
                "accuracy": {"value": 0.93, "low": 0.9, "high": 0.95}, "f1": null,
                "macro_average": {"f1": {"value": 0.91}}, "auc": {"value": null, "reason": "one class only"}
            }
        });
        let found = numbers(&metrics);
        let short: Vec<(&str, f64, bool)> = found.iter().map(|n| (n.name, n.value, n.interval.is_some())).collect();
        assert_eq!(short, [("Accuracy", 0.93, true), ("F1", 0.91, false), ("Log loss", 0.21, false)]);
        assert!(numbers(&json!({})).is_empty());
    }

    #[test]
    fn reads_tables_and_curves_and_refuses_half_of_them() {
        let metrics = json!({"report": {
            "classes": ["no", "yes"], "confusion": [[5, 1], [2, 8]], "auc": {"value": 0.9},
            "roc": [{"fpr": 0.0, "tpr": 0.0}, {"fpr": 0.2, "tpr": 0.8}, {"fpr": 1.0, "tpr": 1.0}],
            "calibration": {"bins": [{"mean_score": 0.1, "share": 0.2}, {"mean_score": null, "share": null}, {"mean_score": 0.9, "share": 0.8}]}
        }});
        assert_eq!(confusion(&metrics), Some((vec!["no".into(), "yes".into()], vec![vec![5, 1], vec![2, 8]])));
        assert_eq!(roc(&metrics).map(|s| (s.name, s.points.len())), Some(("AUC 0.900".into(), 3)));
        assert_eq!(calibration(&metrics).map(|s| s.points.len()), Some(2));
        assert_eq!(confusion(&json!({"report": {"confusion": [[1]]}})), None);
        assert_eq!(roc(&json!({"report": {"roc": []}})), None);
    }
}
