//! Lists.

use desk_app::outcome::TargetView;
use desk_app::pins::PinItem;
use desk_app::query::{CredentialItem, DeploymentItem, JobView, ModelItem, OperationItem, RunItem, VersionItem};

use super::table::Table;
use super::{bytes, seconds, time};
use crate::output::one_line;

/// Models, one a line; `filter` is what they were looked for by.
pub fn models(items: &[ModelItem], filter: Option<&str>) -> String {
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
    match filter {
        Some(filter) => table.render(&format!("No model's name contains `{}`", one_line(filter))),
        None => table.render("No models yet. Import one: modeldesk import FILE.onnx"),
    }
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
        let silent = if item.not_answering_since.is_some() { ", not answering" } else { "" };
        let live = item.live.iter().map(|(model, version)| format!("{model} v{version}{silent}"));
        let live: Vec<String> = live.chain(item.under_way.clone()).collect();
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
    deployment_table(items, "No deployments yet")
}

/// Rollouts that were taken up and brought to their end.
pub fn taken_up(items: &[DeploymentItem]) -> String {
    deployment_table(items, "Nothing was interrupted, so there is nothing to take up")
}

fn deployment_table(items: &[DeploymentItem], none: &str) -> String {
    let mut table = Table::new(&["deployment", "target", "version", ">rev", "state", "action", "took", "started"]);
    for item in items {
        table.row(vec![
            item.id.clone(),
            item.target.clone(),
            format!("{}@{}", item.model, item.version),
            if item.revision > 0 { item.revision.to_string() } else { "–".to_owned() },
            match (&item.unknown_since, &item.not_answering_since) {
                (Some(since), _) => format!("unknown since {}", time(since)),
                (None, Some(since)) => format!("not answering since {}", time(since)),
                (None, None) => item.changed_nothing().map_or_else(|| state(item.state), str::to_owned),
            },
            item.action.clone(),
            seconds(item.seconds),
            time(&item.at),
        ]);
    }
    table.render(none)
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

/// Rows that are pinned as evidence.
pub fn pins(items: &[PinItem]) -> String {
    let mut table = Table::new(&[">row", "note", "how it stands", "method", "data", "pinned by", "when", "run"]);
    for pin in items {
        table.row(vec![
            pin.row.to_string(),
            one_line(&pin.note),
            pin.standing.clone().unwrap_or_default(),
            pin.method.clone(),
            pin.data.clone(),
            pin.who.clone(),
            match &pin.changed {
                Some(changed) => format!("{}, note changed {}", time(&pin.at), time(changed)),
                None => time(&pin.at),
            },
            pin.run.clone(),
        ]);
    }
    table.render("No row is pinned. Pin one with modeldesk pin")
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

/// Changes of the registry, newest first. Settings that one process changed one after the other, such as
/// what a check of a target found, are one line.
pub fn operations(items: &[OperationItem]) -> String {
    let mut table = Table::new(&[">id", "at", "who", "what", "undo"]);
    let fold = |item: &OperationItem| item.kind == "setting.set" && item.undoes.is_none() && item.undone_by.is_none();
    let mut rest = items;
    while let Some((item, others)) = rest.split_first() {
        let more = others.iter().take_while(|other| fold(item) && fold(other) && other.who == item.who).count();
        rest = &others[more..];
        let what = if more > 0 { format!("Changed settings, {} times", more + 1) } else { item.summary.clone() };
        let undo = match (item.undone_by, item.undoes) {
            (Some(by), _) => format!("undone by {by}"),
            (None, Some(of)) => format!("takes {of} back"),
            (None, None) if item.undoable && more == 0 => format!("modeldesk undo {}", item.id),
            (None, None) => String::new(),
        };
        table.row(vec![item.id.to_string(), time(&item.at), item.who.clone(), what, undo]);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: i64, kind: &str) -> OperationItem {
        OperationItem {
            id,
            at: "2026-11-21T03:04:05Z".into(),
            who: "ada".into(),
            kind: kind.into(),
            object: "x".into(),
            summary: format!("Change {id}"),
            undoable: true,
            undoes: None,
            undone_by: None,
        }
    }

    #[test]
    fn the_log_folds_settings_and_marks_what_was_undone() {
        let undone = OperationItem { undone_by: Some(6), undoable: false, ..change(1, "alias.set") };
        let undoing = OperationItem { undoes: Some(1), ..change(6, "alias.set") };
        let items = [undoing, change(5, "setting.set"), change(4, "setting.set"), change(3, "alias.set"), undone];
        let text = operations(&items);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].ends_with("takes 1 back") && lines[1].ends_with("Changed settings, 2 times"), "{text}");
        assert!(lines[2].ends_with("modeldesk undo 3") && lines[3].ends_with("undone by 6"), "{text}");
    }

    #[test]
    fn an_empty_list_says_why() {
        assert!(models(&[], None).contains("modeldesk import"));
        assert!(models(&[], Some("x\ny")).contains("contains `x\\ny`"));
    }
}
