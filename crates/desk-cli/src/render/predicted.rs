//! The answer to `predict`.

use std::collections::BTreeMap;

use desk_app::outcome::{Latency, Predicted};
use desk_core::counted;
use serde_json::{Map, Value};

use super::lines::Lines;
use super::seconds;

pub fn predicted(a: &Predicted) -> String {
    let placed: Vec<String> = a.provider_nodes.iter().map(|(provider, nodes)| format!("{provider} {nodes}")).collect();
    let mut lines = Lines::default();
    lines.line(format!(
        "Scored {} with {} in {} on {} (nodes: {})",
        counted(a.rows, "row"),
        a.version,
        seconds(a.seconds),
        a.device,
        placed.join(", ")
    ));
    for warning in &a.warnings {
        lines.line(format!("  warning: {warning}"));
    }
    if let Some(all) = a.metrics.as_ref().and_then(Value::as_object) {
        let truth = a.truth().map_or_else(|| "the target".to_owned(), |truth| truth.to_string());
        metrics(&mut lines, &truth, all);
    } else if let Some(truth) = a.truth() {
        lines.line(format!("  truth: {truth}"));
    }
    if let Some(latency) = &a.latency {
        lines.line(of_calls(latency));
    }
    let columns: Vec<&str> = a.output_columns.iter().map(String::as_str).collect();
    lines.line(format!("  {}", columns.join("  ")));
    for row in &a.outputs {
        let cells: Vec<String> = columns.iter().map(|name| cell(row.get(*name))).collect();
        lines.line(format!("  {}", cells.join("  ")));
    }
    if a.rows > a.outputs.len() as u64 {
        lines.line(format!("  … {} more", a.rows - a.outputs.len() as u64));
    }
    if let Some(out) = &a.out {
        lines.line(format!("  written to {}", out.display()));
    }
    if !a.run.is_empty() {
        lines.line(format!("  run {}", a.run));
    }
    lines.text()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// How long calls took: percentiles, and how sure they are.
fn of_calls(latency: &Latency) -> String {
    let at_once = if latency.at_once > 1 { format!(", {} side by side", latency.at_once) } else { String::new() };
    let told: Vec<String> = latency
        .percentiles
        .iter()
        .map(|p| {
            let high = p.high_ms.map_or_else(|| "?".to_owned(), |high| format!("{high:.3}"));
            let low = p.low_ms.map_or_else(|| "?".to_owned(), |low| format!("{low:.3}"));
            format!("p{} {:.3} ms [{low}, {high}]", p.percent, p.ms)
        })
        .collect();
    let (calls, rows) = (counted(latency.calls, "call"), counted(latency.rows_per_call, "row"));
    format!("  latency of {calls} of {rows}{at_once}: {}", told.join(", "))
}

/// The usual numbers, of which class or average they are, and how sure they are.
fn metrics(lines: &mut Lines, target: &str, all: &Map<String, Value>) {
    let report = all.get("report").unwrap_or(&Value::Null);
    let rows = report.get("n").and_then(Value::as_u64).unwrap_or(0);
    let rows = counted(rows, "row");
    lines.line(format!("  against {target}: {rows}{}, 95 % intervals in brackets", averages(report)));
    let mut methods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in all {
        // Of one class with two classes, else the mean over all.
        let full = [report.get(name), report.get("macro_average").and_then(|average| average.get(name))];
        let full = full.into_iter().flatten().find(|metric| metric.is_object());
        let part = |key: &str| full.and_then(|metric| metric.get(key));
        match value.as_f64() {
            Some(number) => {
                let ends = [part("low"), part("high")].map(|end| end.and_then(Value::as_f64));
                let between = match ends {
                    [Some(low), Some(high)] => {
                        let method = part("interval").and_then(Value::as_str);
                        methods.entry(method.unwrap_or("unknown")).or_default().push(name);
                        format!("  [{low:.4}, {high:.4}]")
                    }
                    _ => String::new(),
                };
                lines.line(format!("    {name:<20} {number:.6}{between}"));
            }
            // Which class is positive is said above, and with more than two none is.
            None if value.is_null() && name != "positive" => {
                let why = part("reason").and_then(Value::as_str).unwrap_or("undefined");
                lines.line(format!("    {name:<20} –  {why}"));
            }
            None => {}
        }
    }
    let methods: Vec<String> = methods.iter().map(|(how, names)| format!("{how} ({})", names.join(", "))).collect();
    if !methods.is_empty() {
        lines.line(format!("    intervals by {}", methods.join("; ")));
    }
}

fn averages(report: &Value) -> String {
    let classes = report.get("classes").and_then(Value::as_array).map_or(0, Vec::len);
    match report.get("positive").and_then(Value::as_str) {
        Some(positive) => format!("; precision, recall and F1 of the positive class `{positive}`"),
        None if classes > 2 => format!("; precision, recall, F1 and AUC are macro averages over {classes} classes"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(all: &Value) -> String {
        let mut lines = Lines::default();
        metrics(&mut lines, "y", all.as_object().expect("an object"));
        lines.text()
    }

    #[test]
    fn metrics_say_of_what_they_are() {
        let binary = json!({
            "task": "classification", "precision": 0.5, "auc": null,
            "report": {
                "precision": { "value": 0.5, "low": 0.25, "high": 0.75, "interval": "Wilson score" },
                "n": 9, "positive": "ill", "classes": ["ill", "well"],
                "auc": { "value": null, "reason": "one class only" }
            }
        });
        let shown = text(&binary);
        assert!(shown.contains("positive class `ill`") && shown.contains("0.500000  [0.2500, 0.7500]"), "{shown}");
        assert!(
            shown.contains("–  one class only") && shown.contains("intervals by Wilson score (precision)"),
            "{shown}"
        );
        let many = json!({
            "f1": 0.5,
            "report": {
                "n": 9, "positive": null, "classes": ["a", "b", "c"], "f1": null,
                "macro_average": { "f1": { "value": 0.5, "low": 0.4, "high": 0.6 } }
            }
        });
        let shown = text(&many);
        assert!(shown.contains("macro averages over 3 classes") && shown.contains("[0.4000, 0.6000]"), "{shown}");
    }
}
