//! Reading models, versions and runs.

use std::collections::BTreeMap;

use desk_core::state::DeploymentState;
use desk_core::{Digest, Fault, ModelFamily, ModelName, Signature, SignatureChange, VersionRef};
use desk_deploy::Unprovable;
use desk_store::{Archived, DeploymentFilter, DeploymentRow, ModelRow, ModelSort, RunKind, RunRow, VersionRow};
use serde_json::Value;

use crate::Desk;
use crate::command::{Archive, Command, SetAlias};
use crate::import::{findings, summary};
use crate::outcome::{AliasMoved, Done, Outcome};
use crate::query::{ModelFilter, ModelItem, RunItem, RunView, VersionItem, VersionView};

/// Runs and deployments that a version's page shows.
const SHOWN: u32 = 50;

impl Desk {
    /// Models of a list, by name.
    pub fn models(&self, filter: &ModelFilter) -> Result<Vec<ModelItem>, Fault> {
        let text = filter.text.trim();
        let wanted = desk_store::ModelFilter {
            text: (!text.is_empty()).then(|| text.to_owned()),
            archived: if filter.archived { Archived::Show } else { Archived::Hide },
        };
        let limit = filter.limit.map_or(u32::MAX, |limit| u32::try_from(limit).unwrap_or(u32::MAX));
        let offset = u32::try_from(filter.offset).unwrap_or(u32::MAX);
        let rows = self.0.store.list_models(&wanted, ModelSort::Name, limit, offset)?;
        Ok(rows.into_iter().map(model_item).collect())
    }

    /// Versions of a model, newest first.
    pub fn versions(&self, model: &ModelName) -> Result<Vec<VersionItem>, Fault> {
        let live = self.live_deployments(model)?;
        let rows = self.0.store.list_versions(model)?;
        let item = |row: VersionRow| {
            let test = self.newest_test(&row)?;
            Ok(version_item(row, &live, test.as_ref()))
        };
        let mut items: Vec<VersionItem> = rows.into_iter().map(item).collect::<Result<_, Fault>>()?;
        items.sort_by_key(|item| std::cmp::Reverse(item.version));
        Ok(items)
    }

    /// Everything about one version.
    pub fn version(&self, version: &VersionRef) -> Result<VersionView, Fault> {
        let row = self.0.store.resolve(version)?;
        let manifest = self.manifest(&row)?;
        let golden = self.golden(&manifest)?;
        let live = self.live_deployments(&row.model)?;
        let mut deployments = self.deployments(Some(&row.model))?;
        deployments.retain(|item| item.version == row.number);
        let mut lineage: Vec<u32> = self.0.store.list_versions(&row.model)?.iter().map(|row| row.number).collect();
        lineage.sort_unstable();
        let name = format!("{}@{}", row.model, row.number);
        let rows = self.runs_of(&row, None, SHOWN)?;
        let runs: Vec<RunItem> = rows.iter().map(|run| run_item(run, &name)).collect();
        let mut recent_data: Vec<String> = Vec::new();
        for run in &runs {
            if !run.data.is_empty() && !recent_data.contains(&run.data) {
                recent_data.push(run.data.clone());
            }
        }
        let test = self.newest_test(&row)?;
        let unprovable = golden.as_ref().and_then(|golden| Unprovable::of(&manifest, golden));
        Ok(VersionView {
            breaks: self.breaks(&row, &manifest.description.signature, &live)?,
            replaces: self.replaces()?,
            unprovable: unprovable.map(|why| why.to_string()),
            truth: crate::Truth::of(&row, &manifest),
            files: manifest.files.iter().map(|file| (file.name.clone(), file.size)).collect(),
            file_entries: manifest.files.clone(),
            golden: golden.as_ref().map(summary),
            findings: findings(&row, &manifest),
            description: manifest.description,
            item: version_item(row, &live, test.as_ref()),
            runs,
            deployments,
            reviews: Vec::new(),
            lineage,
            recent_data,
        })
    }

    /// What this version would break where another one of its model is live.
    fn breaks(
        &self,
        row: &VersionRow,
        signature: &Signature,
        live: &[DeploymentRow],
    ) -> Result<BTreeMap<String, Vec<SignatureChange>>, Fault> {
        let mut breaks = BTreeMap::new();
        for deployment in live.iter().filter(|deployment| deployment.version != row.digest) {
            let former = self.0.store.resolve(&VersionRef::numbered(row.model.clone(), deployment.number))?;
            // Where its manifest is damaged, the target's own copy is compared when it is deployed.
            let Ok(former) = self.manifest(&former) else { continue };
            let changes = signature.breaks(&former.description.signature);
            if !changes.is_empty() {
                breaks.insert(deployment.target.clone(), changes);
            }
        }
        Ok(breaks)
    }

    /// Recorded runs, newest first: of one version, or of all.
    pub fn runs(&self, version: Option<&VersionRef>, limit: usize) -> Result<Vec<RunItem>, Fault> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let Some(version) = version else {
            let rows = self.0.store.list_runs(None, limit)?;
            return rows.iter().map(|run| Ok(run_item(run, &self.run_version(run)?))).collect();
        };
        let row = self.0.store.resolve(version)?;
        let name = format!("{}@{}", row.model, row.number);
        Ok(self.runs_of(&row, None, limit)?.iter().map(|run| run_item(run, &name)).collect())
    }

    /// One recorded run with its answer.
    pub fn run_record(&self, id: &str) -> Result<RunView, Fault> {
        let run = self.0.store.get_run(id)?;
        let unreadable = |error: serde_json::Error| {
            Fault::input(format!("the record of run {id} cannot be read")).detail(error.to_string())
        };
        let command: Command = serde_json::from_value(run.params.clone()).map_err(unreadable)?;
        // The answer was written before the run had its id.
        let mut result = run.result.clone();
        result["run"] = Value::String(run.id.clone());
        let outcome = match run.kind {
            RunKind::Explain => Outcome::Explain(Box::new(serde_json::from_value(result).map_err(unreadable)?)),
            RunKind::Importance => Outcome::Importance(Box::new(serde_json::from_value(result).map_err(unreadable)?)),
            RunKind::Dependence => Outcome::Dependence(Box::new(serde_json::from_value(result).map_err(unreadable)?)),
            RunKind::Surrogate => Outcome::Surrogate(Box::new(serde_json::from_value(result).map_err(unreadable)?)),
            _ => Outcome::Predict(Box::new(serde_json::from_value(result).map_err(unreadable)?)),
        };
        Ok(RunView { item: run_item(&run, &self.run_version(&run)?), command, outcome })
    }

    /// `model@number` of a digest.
    pub(crate) fn version_name(&self, digest: &Digest) -> Result<String, Fault> {
        let rows = self.0.store.find_by_digest(digest)?;
        Ok(rows.first().map_or_else(|| digest.short(), |row| format!("{}@{}", row.model, row.number)))
    }

    /// Runs of a version, of one kind or of all, newest first; those of others with the same digest are left out before they count.
    pub(crate) fn runs_of(&self, row: &VersionRow, kind: Option<RunKind>, limit: u32) -> Result<Vec<RunRow>, Fault> {
        let name = format!("{}@{}", row.model, row.number);
        let same = self.0.store.find_by_digest(&row.digest)?;
        let fetched = if same.len() > 1 { u32::MAX } else { limit };
        let mut rows = self.0.store.list_runs_of(Some(&row.digest), kind, fetched)?;
        rows.retain(|run| recorded_name(run, &same).is_none_or(|recorded| recorded == name));
        rows.truncate(limit as usize);
        Ok(rows)
    }

    /// The newest test of a version.
    fn newest_test(&self, row: &VersionRow) -> Result<Option<RunRow>, Fault> {
        Ok(self.runs_of(row, Some(RunKind::Predict), 1)?.into_iter().next())
    }

    /// The version that a run was of: several may have the same digest, under other names.
    fn run_version(&self, run: &RunRow) -> Result<String, Fault> {
        let same = self.0.store.find_by_digest(&run.version)?;
        recorded_name(run, &same).map_or_else(|| self.version_name(&run.version), Ok)
    }

    pub(crate) fn live_deployments(&self, model: &ModelName) -> Result<Vec<DeploymentRow>, Fault> {
        let filter = DeploymentFilter {
            model: Some(model.clone()),
            state: Some(DeploymentState::Live),
            ..DeploymentFilter::default()
        };
        Ok(self.0.store.list_deployments(&filter, u32::MAX)?)
    }

    pub(crate) fn set_alias(&self, command: &SetAlias) -> Result<Outcome, Fault> {
        let row = self.0.store.resolve(&command.version)?;
        let was = self.0.store.set_alias(&row.model, &command.alias, row.number)?;
        let undo = self.last_operation(&format!("{}", row.model))?;
        Ok(Outcome::Alias(AliasMoved {
            model: row.model,
            version: row.number,
            alias: command.alias.clone(),
            was,
            undo,
        }))
    }

    pub(crate) fn archive(&self, command: &Archive) -> Result<Outcome, Fault> {
        if command.archived
            && let Some(live) = self.live_deployments(&command.model)?.first()
        {
            let Archive { model, .. } = command;
            return Err(Fault::input(format!("{model} v{} is live on {}", live.number, live.target))
                .hint(format!("Take it down first: modeldesk undeploy {}/{model}", live.target)));
        }
        let (operation, done) = if command.archived {
            (self.0.store.archive_model(&command.model)?, "is hidden from lists now")
        } else {
            (self.0.store.unarchive_model(&command.model)?, "is in lists again")
        };
        Ok(Outcome::Done(Done { message: format!("{} {done}", command.model), undo: operation }))
    }

    pub(crate) fn undo(&self, operation: i64) -> Result<Outcome, Fault> {
        let again = self.takes_back(operation).unwrap_or(false);
        let found = self.0.store.get_operation(operation)?;
        if found.kind == "setting.set" && !crate::history::is_undoable(&found.kind, &found.object) {
            return Err(Fault::input(format!("operation {operation} is a note that Modeldesk keeps for itself"))
                .hint("modeldesk log says what can be undone"));
        }
        let undone = self.0.store.undo(operation)?;
        let does = if again { "Done again" } else { "Undone" };
        Ok(Outcome::Done(Done { message: format!("{does}: {}", undone.summary), undo: Some(undone.id) }))
    }

    /// What the operation did was to take another one back; one that took back such an undoing made the change again.
    fn takes_back(&self, operation: i64) -> Result<bool, Fault> {
        let mut undoing = false;
        let mut next = self.0.store.get_operation(operation)?.undoes;
        while let Some(id) = next {
            undoing = !undoing;
            next = self.0.store.get_operation(id)?.undoes;
        }
        Ok(undoing)
    }

    fn last_operation(&self, object: &str) -> Result<Option<i64>, Fault> {
        let filter = desk_store::OperationFilter::default();
        let rows = self.0.store.list_operations(&filter, 1, None)?;
        Ok(rows.first().filter(|row| row.object.starts_with(object)).map(|row| row.id))
    }
}

fn model_item(row: ModelRow) -> ModelItem {
    let latest = row.latest.as_ref();
    ModelItem {
        latest: latest.map_or(0, |version| version.number),
        family: latest.and_then(|version| family(&version.summary)),
        size_bytes: latest.map_or(0, |version| version.size_bytes),
        versions: row.versions,
        aliases: row.aliases,
        live: row.live_deployments,
        updated_at: row.updated_at.to_string(),
        archived: row.archived,
        name: row.name,
    }
}

fn family(summary: &Value) -> Option<ModelFamily> {
    serde_json::from_value(summary.get("family")?.clone()).ok()
}

fn version_item(row: VersionRow, live: &[DeploymentRow], test: Option<&RunRow>) -> VersionItem {
    let on = live.iter().filter(|deployment| deployment.number == row.number);
    VersionItem {
        live_on: on.map(|deployment| deployment.target.clone()).collect(),
        model: row.model,
        version: row.number,
        digest: row.digest,
        size_bytes: row.size_bytes,
        created_at: row.created_at.to_string(),
        aliases: row.aliases,
        note: row.note,
        tested: test.map(|run| run_item(run, "").summary),
    }
}

/// The version's name as it was recorded, if a version with that digest still has it.
fn recorded_name(run: &RunRow, same: &[VersionRow]) -> Option<String> {
    let recorded = run.result.get("version").and_then(Value::as_str)?;
    same.iter().map(|row| format!("{}@{}", row.model, row.number)).find(|name| name == recorded)
}

fn run_item(run: &RunRow, version: &str) -> RunItem {
    let text = |key: &str| run.params.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let summary = run_summary(run);
    RunItem {
        id: run.id.clone(),
        kind: match run.kind {
            RunKind::Predict => "predict",
            RunKind::Explain => "explain",
            RunKind::Importance => "importance",
            RunKind::Dependence => "dependence",
            RunKind::Surrogate => "surrogate",
            RunKind::Bench => "bench",
        }
        .to_owned(),
        version: version.to_owned(),
        at: run.started_at.to_string(),
        seconds: run.seconds,
        data: text("data"),
        summary,
    }
}

/// What a run was about: its rows, and how good the answers were or what was asked.
fn run_summary(run: &RunRow) -> String {
    let text = |key: &str| run.result.get(key).and_then(Value::as_str).unwrap_or_default();
    let rows = |key: &str| counted(run.result.get(key).and_then(Value::as_u64).unwrap_or(0));
    match run.kind {
        RunKind::Explain => {
            let rows = run.result.get("row_numbers").and_then(Value::as_array).map_or(0, Vec::len);
            format!("{}, {}", counted(rows), text("method"))
        }
        RunKind::Importance => format!("{}, importance by {}", rows("used_rows"), text("score")),
        RunKind::Dependence => format!("{}, dependence on {}", rows("used_rows"), text("feature")),
        RunKind::Surrogate => {
            let depth = run.result.get("depth").and_then(Value::as_u64).unwrap_or(0);
            format!("{}, tree of depth {depth}", rows("used_rows"))
        }
        RunKind::Predict | RunKind::Bench => {
            let metric = |name: &str| run.result.pointer(&format!("/metrics/{name}")).and_then(Value::as_f64);
            match (metric("accuracy"), metric("r2")) {
                (Some(accuracy), _) => format!("{}, accuracy {}", rows("rows"), measure(accuracy)),
                (None, Some(r2)) => format!("{}, R² {}", rows("rows"), measure(r2)),
                (None, None) => rows("rows"),
            }
        }
    }
}

/// Three decimals, and more where those would read as nothing or as all: `0.942`, `0.99987`.
fn measure(x: f64) -> String {
    let text = format!("{x:.3}");
    let hidden = matches!(text.trim_start_matches('-'), "0.000" | "1.000") && x != 0.0 && x.abs() != 1.0;
    if hidden { desk_core::words::short(x) } else { text }
}

/// `1 row`, `171 rows`.
fn counted(rows: impl std::fmt::Display) -> String {
    let rows = rows.to_string();
    if rows == "1" { "1 row".to_owned() } else { format!("{rows} rows") }
}
