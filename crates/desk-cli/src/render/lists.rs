//! Lists.

use desk_app::outcome::TargetView;
use desk_app::query::{CredentialItem, DeploymentItem, JobView, ModelItem, OperationItem, RunItem, VersionItem};

use super::table::Table;
use super::{bytes, seconds, time};

/// Models, one a line.
pub fn models(items: &[ModelItem]) -> String {
    let mut table = Table::new(&["model", ">latest", "aliases", ">live", ">size", "updated"]);
    for item in items {
        let aliases: Vec<String> = item.aliases.iter().map(|(alias, version)| format!("{alias} v{version}")).collect();
        table.row(vec![
            item.name.to_string(),
            format!("v{}", item.latest),
            aliases.join(", "),
            item.live.to_string(),
            bytes(item.size_bytes),
            time(&item.updated_at),
        ]);
    }
    table.render("No models yet. Import one: modeldesk import FILE.onnx")
}

/// Versions of a model, one a line.
pub fn versions(items: &[VersionItem]) -> String {
    let mut table = Table::new(&["version", "digest", "aliases", "live on", ">size", "imported", "note"]);
    for item in items {
        table.row(vec![
            format!("v{}", item.version),
            item.digest.short(),
            item.aliases.join(", "),
            item.live_on.join(", "),
            bytes(item.size_bytes),
            time(&item.created_at),
            item.note.clone(),
        ]);
    }
    table.render("No versions")
}

/// Targets, one a line.
pub fn targets(items: &[TargetView]) -> String {
    let mut table = Table::new(&["target", "kind", "address", "credential", "live"]);
    for item in items {
        let live: Vec<String> = item.live.iter().map(|(model, version)| format!("{model} v{version}")).collect();
        table.row(vec![
            item.name.clone(),
            item.kind.clone(),
            item.address.clone(),
            item.credential.clone().unwrap_or_default(),
            live.join(", "),
        ]);
    }
    table.render("No targets yet. Add this computer: modeldesk target add here --kind local")
}

/// Deployments, newest first.
pub fn deployments(items: &[DeploymentItem]) -> String {
    let mut table = Table::new(&["deployment", "target", "version", ">rev", "state", "action", "took", "started"]);
    for item in items {
        table.row(vec![
            item.id.clone(),
            item.target.clone(),
            format!("{}@{}", item.model, item.version),
            item.revision.to_string(),
            state(item.state),
            item.action.clone(),
            seconds(item.seconds),
            time(&item.at),
        ]);
    }
    table.render("No deployments yet")
}

/// Credentials by name; never their secrets.
pub fn credentials(items: &[CredentialItem]) -> String {
    let mut table = Table::new(&["credential", "kind", "stored in", "used by", "set"]);
    for item in items {
        table.row(vec![
            item.name.clone(),
            item.kind.clone(),
            item.stored_in.clone(),
            item.used_by.join(", "),
            time(&item.created_at),
        ]);
    }
    table.render("No credentials yet")
}

/// Jobs, newest first.
pub fn jobs(items: &[JobView]) -> String {
    let mut table = Table::new(&["job", "title", "state", "took", "started"]);
    for item in items {
        table.row(vec![
            item.id.clone(),
            item.title.clone(),
            state(item.state),
            seconds(item.seconds),
            time(&item.started_at),
        ]);
    }
    table.render("No jobs yet")
}

/// Recorded runs, newest first.
pub fn runs(items: &[RunItem]) -> String {
    let mut table = Table::new(&["run", "kind", "version", "summary", "took", "at"]);
    for item in items {
        table.row(vec![
            item.id.clone(),
            item.kind.clone(),
            item.version.clone(),
            item.summary.clone(),
            seconds(item.seconds),
            time(&item.at),
        ]);
    }
    table.render("No runs yet")
}

/// Changes of the registry, newest first.
pub fn operations(items: &[OperationItem]) -> String {
    let mut table = Table::new(&[">id", "at", "who", "what", "undo"]);
    for item in items {
        let undo = if item.undoable { format!("modeldesk undo {}", item.id) } else { String::new() };
        table.row(vec![item.id.to_string(), time(&item.at), item.who.clone(), item.summary.clone(), undo]);
    }
    table.render("Nothing has changed yet")
}

/// The JSON name of a state, as a word.
pub fn state(state: impl serde::Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
