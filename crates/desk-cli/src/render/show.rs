//! Everything about one version.

use desk_app::query::VersionView;
use desk_core::Severity;
use serde_json::{Value, json};

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
        "files": view.files.iter().map(|(name, size)| json!({ "name": name, "size_bytes": size })).collect::<Vec<_>>(),
        "description": view.description,
        "runs": view.runs,
        "reviews": view.reviews,
        "deployments": view.deployments,
        "lineage": view.lineage,
    })
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
    let mut lines = vec![format!("{} v{}", view.item.model, view.item.version)];
    let mut kv = |key: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {key:<12} {value}"));
        }
    };
    kv("digest", view.item.digest.to_string());
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
    lines.push("  inputs".to_owned());
    lines.extend(d.signature.inputs.iter().map(|v| format!("    {}  {}", v.name, v.value_type)));
    lines.push("  outputs".to_owned());
    lines.extend(d.signature.outputs.iter().map(|v| format!("    {}  {}", v.name, v.value_type)));
    for finding in &view.findings {
        let mark = if finding.severity == Severity::Info { "info" } else { "warning" };
        lines.push(format!("  {mark}: {}", finding.message));
    }
    lines.join("\n")
}
