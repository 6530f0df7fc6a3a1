//! Answers to commands.

use desk_app::Outcome;
use desk_app::outcome::{Check, Deployed, Explained, Imported, Predicted, SamplesAdded, TargetView, Verified};
use desk_core::Severity;
use serde_json::Value;

use super::lists::state;
use super::table::Table;
use super::{bytes, seconds};

/// The answer to a command, as text.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Import(answer) => imported(answer),
        Outcome::Predict(answer) => predicted(answer),
        Outcome::Explain(answer) => explained(answer),
        Outcome::Deploy(answer) => deployed(answer),
        Outcome::Alias(a) => match a.was {
            Some(was) => format!("{} points at {} v{} now, at v{was} before", a.alias, a.model, a.version),
            None => format!("{} points at {} v{} now", a.alias, a.model, a.version),
        },
        Outcome::Target(view) => target(view),
        Outcome::Verify(verified) => self::verified(verified),
        Outcome::Doctor(diagnosis) => checks(&diagnosis.checks),
        Outcome::Samples(added) => sample(added),
        Outcome::Done(done) => done.message.clone(),
    }
}

fn imported(a: &Imported) -> String {
    let mut lines = vec![if a.created {
        format!("Imported {} v{}", a.model, a.version)
    } else {
        format!(
            "These bytes are {} v{} already; nothing new was stored (--again makes a new version)",
            a.model, a.version
        )
    }];
    lines.push(format!("  {}, {}, {}", state(a.format), state(a.family), bytes(a.size_bytes)));
    lines.push(format!("  {}", a.digest));
    lines.extend(a.inputs.iter().map(|v| format!("  in   {}  {}", v.name, v.value_type)));
    lines.extend(a.outputs.iter().map(|v| format!("  out  {}  {}", v.name, v.value_type)));
    if let Some(golden) = &a.golden {
        lines.push(format!("  {} golden rows ({})", golden.rows, state(golden.source)));
    }
    for finding in a.findings.iter().filter(|finding| finding.severity != Severity::Info) {
        lines.push(format!("  warning: {}", finding.message));
    }
    lines.join("\n")
}

fn predicted(a: &Predicted) -> String {
    let placed: Vec<String> = a.provider_nodes.iter().map(|(provider, nodes)| format!("{provider} {nodes}")).collect();
    let mut lines = vec![format!(
        "Scored {} rows with {} in {} on {} (nodes: {})",
        a.rows,
        a.version,
        seconds(a.seconds),
        a.device,
        placed.join(", ")
    )];
    lines.extend(a.warnings.iter().map(|warning| format!("  warning: {warning}")));
    if let Some(metrics) = a.metrics.as_ref().and_then(|metrics| metrics.as_object()) {
        let against = a.target.as_deref().unwrap_or("the target");
        lines.push(format!("  against {against}"));
        for (name, value) in metrics {
            if let Some(number) = value.as_f64() {
                lines.push(format!("    {name:<20} {number:.6}"));
            }
        }
    }
    let columns: Vec<&str> = a.output_columns.iter().map(String::as_str).collect();
    lines.push(format!("  {}", columns.join("  ")));
    for row in &a.outputs {
        let cells: Vec<String> = columns.iter().map(|name| cell(row.get(*name))).collect();
        lines.push(format!("  {}", cells.join("  ")));
    }
    if a.rows > a.outputs.len() as u64 {
        lines.push(format!("  … {} more", a.rows - a.outputs.len() as u64));
    }
    if let Some(out) = &a.out {
        lines.push(format!("  written to {}", out.display()));
    }
    lines.push(format!("  run {}", a.run));
    lines.join("\n")
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Features are shown by size of their part, the largest ten.
fn explained(a: &Explained) -> String {
    let mut lines = vec![format!("{} of {}: {}", a.method, a.version, a.method_reason)];
    for (r, row_number) in a.row_numbers.iter().enumerate().take(3) {
        for (o, output) in a.output_names.iter().enumerate() {
            let prediction = a.predictions.get(r).and_then(|row| row.get(o)).copied().unwrap_or(f64::NAN);
            let base = a.base_values.get(o).copied().unwrap_or(f64::NAN);
            lines.push(format!("Row {row_number}, {output} ({}): base {base:.4} → {prediction:.4}", a.space));
            let mut parts: Vec<(usize, f64)> = (0..a.feature_names.len()).map(|f| (f, a.value(r, f, o))).collect();
            parts.sort_by(|x, y| y.1.abs().total_cmp(&x.1.abs()));
            let mut table = Table::new(&["  feature", ">value", ">part"]);
            for (f, part) in parts.iter().take(10) {
                let shown = a.feature_values.get(r).and_then(|row| row.get(*f)).cloned().unwrap_or_default();
                table.row(vec![format!("  {}", a.feature_names[*f]), shown, format!("{part:+.4}")]);
            }
            lines.push(table.render(""));
        }
    }
    if a.row_numbers.len() > 3 {
        lines.push(format!("… {} more rows; --json or --out has them all", a.row_numbers.len() - 3));
    }
    lines.push(format!(
        "background {} rows ({}) · seed {} · largest residual {:.2e} · {} model rows · {}",
        a.background_rows,
        a.background,
        a.seed,
        a.residual_max,
        a.model_rows,
        seconds(a.seconds)
    ));
    lines.extend(a.warnings.iter().map(|warning| format!("warning: {warning}")));
    if let Some(out) = &a.out {
        lines.push(format!("written to {}", out.display()));
    }
    lines.push(format!("run {}", a.run));
    lines.join("\n")
}

fn deployed(a: &Deployed) -> String {
    let mut lines = vec![format!("{} is {} on {} (revision {})", a.version, state(a.state), a.target, a.revision)];
    for step in &a.steps {
        let detail = step.detail.as_ref().map(|detail| format!("  {detail}")).unwrap_or_default();
        lines.push(format!("  {:<8} {:<12} {}{detail}", state(step.state), step.name, seconds(step.seconds)));
    }
    if let Some(parity) = &a.parity {
        lines.push(format!(
            "  {} golden rows answered alike: largest difference {:.1e}, allowed {:.0e} + {:.0e} relative",
            parity.rows, parity.max_abs_diff, parity.tolerance.absolute, parity.tolerance.relative
        ));
    }
    if let Some(url) = &a.url {
        lines.push(format!("  answers at {url}"));
    }
    lines.push(format!("  took {} · deployment {}", seconds(a.seconds), a.deployment));
    lines.join("\n")
}

fn target(view: &TargetView) -> String {
    let mut lines = vec![format!("{} ({}, {})", view.name, view.kind, view.address)];
    if !view.checks.is_empty() {
        lines.push(checks(&view.checks));
    }
    lines.join("\n")
}

fn checks(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    for check in checks {
        let mark = if check.ok { "ok  " } else { "FAIL" };
        lines.push(format!("  {mark}  {:<16} {}", check.name, check.detail));
        if let (false, Some(hint)) = (check.ok, &check.hint) {
            lines.push(format!("        {:<16} hint: {hint}", ""));
        }
    }
    lines.join("\n")
}

fn verified(a: &Verified) -> String {
    let mut lines: Vec<String> = a.problems.iter().map(|problem| format!("  problem: {problem}")).collect();
    lines.insert(0, format!("{} things checked, {} wrong", a.checked, a.problems.len()));
    lines.join("\n")
}

/// What `sample` imported and where its data lies.
fn sample(added: &SamplesAdded) -> String {
    let mut lines = vec![format!("Samples are in {}", added.folder.display())];
    for item in &added.models {
        lines.push(format!("  {:<16} {}", item.version, item.title));
        lines.push(format!("  {:<16} data: {}", "", item.data.display()));
    }
    lines.join("\n")
}
