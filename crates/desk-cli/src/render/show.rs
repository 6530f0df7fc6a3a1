//! Everything about one version.

use desk_app::outcome::FileView;
use desk_app::query::VersionView;
use desk_core::Severity;
use serde_json::{Value, json};

use super::lines::Lines;
use super::lists::state;
use super::{bytes, time};

/// The JSON of `show`: the fields of `import` and more.
pub fn show_json(view: &VersionView) -> Value {
    json!({
        "model": view.item.model,
        "version": view.item.version,
        "digest": view.item.digest,
        "format": view.description.format,
        "family": view.description.family,
        "size_bytes": view.item.size_bytes,
        "inputs": view.description.signature.inputs,
        "outputs": view.description.signature.outputs,
        "findings": view.findings,
        "golden": view.golden,
        "aliases": view.item.aliases,
        "live_on": view.item.live_on,
        "created_at": view.item.created_at,
        "note": view.item.note,
        "files": files(view),
        "description": view.description,
        "runs": view.runs,
        "reviews": view.reviews,
        "deployments": view.deployments,
        "lineage": view.lineage,
        "breaks": view.breaks,
        "replaces": view.replaces,
        "unprovable": view.unprovable,
        "truth": view.truth,
    })
}

fn files(view: &VersionView) -> Vec<Value> {
    view.file_entries.iter().map(|file| json!(FileView::from(file))).collect()
}

/// Two columns: what, and its value.
pub fn show(view: &VersionView) -> String {
    let d = &view.description;
    let opsets: Vec<String> = d
        .opsets
        .iter()
        .map(|(domain, version)| format!("{} {version}", if domain.is_empty() { "ai.onnx" } else { domain }))
        .collect();
    let operators: Vec<String> = d.operators.iter().take(8).map(|op| format!("{} ×{}", op.name, op.count)).collect();
    let lineage: Vec<String> = view.lineage.iter().map(|n| format!("v{n}")).collect();
    let mut lines = Lines::default();
    lines.line(format!("{} v{}", view.item.model, view.item.version));
    let mut kv = |key: &str, value: String| {
        if !value.is_empty() {
            lines.line(format!("  {key:<14} {value}"));
        }
    };
    kv("version digest", view.item.digest.to_string());
    kv("format", format!("{}, IR {}, {}", state(d.format), d.ir_version, opsets.join(", ")));
    kv("kind", state(d.family));
    kv("producer", d.producer.clone());
    kv("size", format!("{} in {} file(s)", bytes(view.item.size_bytes), view.files.len()));
    kv("parameters", d.parameter_count.to_string());
    kv("operators", operators.join(", "));
    kv("aliases", view.item.aliases.join(", "));
    kv("live on", view.item.live_on.join(", "));
    kv("imported", time(&view.item.created_at));
    kv("versions", lineage.join(", "));
    kv("note", view.item.note.clone());
    if let Some(golden) = &view.golden {
        kv("golden rows", format!("{} ({}), made with {}", golden.rows, state(golden.source), golden.made_with));
    }
    lines.line("  inputs");
    for v in &d.signature.inputs {
        lines.line(format!("    {}  {}", v.name, v.value_type));
    }
    lines.line("  outputs");
    for v in &d.signature.outputs {
        lines.line(format!("    {}  {}", v.name, v.value_type));
    }
    lines.line("  files");
    for file in &view.file_entries {
        lines.line(format!("    sha256 {}  {}  {}", file.digest.hex(), bytes(file.size), file.name));
    }
    for (target, changes) in &view.breaks {
        for change in changes {
            lines.line(format!("  warning: clients of what is live on {target} would fail: {change}"));
        }
    }
    for (target, what) in &view.replaces {
        lines.line(format!("  warning: another desk made live what {target} serves: {what}"));
    }
    for finding in &view.findings {
        let mark = if finding.severity == Severity::Info { "info" } else { "warning" };
        lines.line(format!("  {mark}: {}", finding.message));
    }
    lines.text()
}
