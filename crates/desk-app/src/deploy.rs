//! Deploying, rolling back, and taking up what a dead desk left.

use std::path::PathBuf;
use std::time::Instant;

use desk_core::state::DeploymentState;
use desk_core::{Cancel, Fault, FaultKind, ModelName, NoProgress, ProgressSink, VersionRef};
use desk_deploy::rollout::{self, Event as RolloutEvent};
use desk_deploy::{Journal, JournalEntry, Package, Plan, rollback};
use desk_store::{DeploymentChange, DeploymentFilter, DeploymentRow, NewDeployment, Store, TargetRow};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::command::{Deploy, Rollback};
use crate::outcome::{Deployed, Outcome, StepView};
use crate::query::{DeploymentItem, Event};

/// While a desk works on a deployment its row is its own for this long; a dead desk's is free at
/// once.
const LEASE_SECS: u32 = 3600;

/// What the deployment's row keeps beside the journal.
#[derive(Serialize, Deserialize)]
struct Intent {
    /// `deploy` or `rollback`.
    action: String,
}

/// The store's journal of one deployment.
struct StoreJournal<'a> {
    desk: &'a Desk,
    id: &'a str,
}

impl Journal for StoreJournal<'_> {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), Fault> {
        let event = serde_json::to_value(entry)
            .map_err(|error| Fault::bug("a journal entry cannot be written").detail(error.to_string()))?;
        let step = match &entry.event {
            RolloutEvent::Planned { .. } => "plan".to_owned(),
            RolloutEvent::Stopped { .. } => "stop".to_owned(),
            RolloutEvent::Begin { step }
            | RolloutEvent::Done { step, .. }
            | RolloutEvent::Failed { step, .. }
            | RolloutEvent::UndoBegin { step }
            | RolloutEvent::UndoDone { step }
            | RolloutEvent::UndoFailed { step, .. } => step.title().to_owned(),
        };
        self.store().journal_append(self.id, &step, &event)?;
        self.desk.0.board.emit(&Event::Deployments);
        Ok(())
    }

    fn entries(&self) -> Result<Vec<JournalEntry>, Fault> {
        entries(self.store(), self.id)
    }
}

impl StoreJournal<'_> {
    fn store(&self) -> &Store {
        &self.desk.0.store
    }
}

fn entries(store: &Store, id: &str) -> Result<Vec<JournalEntry>, Fault> {
    let read = |row: desk_store::JournalRow| {
        serde_json::from_value(row.event).map_err(|error| {
            Fault::input(format!("entry {} of the journal of deployment {id} cannot be read", row.seq))
                .detail(error.to_string())
        })
    };
    store.journal(id)?.into_iter().map(read).collect()
}

impl Desk {
    pub(crate) fn deploy(
        &self,
        command: &Deploy,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let target = self.0.store.get_target(&command.to)?;
        self.refuse_second_model(&target, &command.version)?;
        self.recover_target(&target.name, progress)?;
        let package = self.package(&command.version)?;
        let (connector, _) = self.connector(&target)?;
        let (row, plan) = self.plan(&target, &package.model, package.number, package.digest, "deploy")?;
        let mut journal = StoreJournal { desk: self, id: &row.id };
        let result = rollout::run(&plan, &package, &connector, &mut journal, cancel, progress);
        self.settle(&row, result, began)
    }

    pub(crate) fn rollback(
        &self,
        command: &Rollback,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let live = self.find_live(&command.deployment)?;
        let target = self.0.store.get_target(&live.target)?;
        self.recover_target(&target.name, progress)?;
        let number = match command.to {
            Some(number) => number,
            None => self.former(&live)?,
        };
        let version = self.0.store.resolve(&VersionRef::numbered(live.model.clone(), number))?;
        if version.digest == live.version {
            return Err(Fault::input(format!("{}@{number} is what {} serves already", live.model, live.target))
                .hint("Name another version with --to"));
        }
        let (connector, _) = self.connector(&target)?;
        let (row, plan) = self.plan(&target, &live.model, number, version.digest, "rollback")?;
        let mut journal = StoreJournal { desk: self, id: &row.id };
        let result = rollback::run(&plan, &connector, &mut journal, cancel, progress);
        self.settle(&row, result, began)
    }

    /// Takes up every rollout whose desk died: finishes or undoes it. Gives what was taken up.
    pub fn recover(&self, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Vec<DeploymentItem>, Fault> {
        let mut taken = Vec::new();
        for row in self.0.store.open_deployments()? {
            cancel.check()?;
            if self.0.store.get_target(&row.target).is_err() {
                tracing::warn!(
                    "the target {} of an interrupted rollout was removed, so nothing can be undone there",
                    row.target
                );
                continue;
            }
            if self.recover_one(&row, progress)? {
                taken.push(self.deployment_item(&self.0.store.get_deployment(&row.id)?)?);
            }
        }
        Ok(taken)
    }

    fn recover_target(&self, target: &str, progress: &dyn ProgressSink) -> Result<(), Fault> {
        for row in self.0.store.open_deployments()? {
            if row.target == target && !self.recover_one(&row, progress)? {
                return Err(Fault::input(format!("another rollout is under way on {target}"))
                    .detail(format!("deployment {}", row.id))
                    .hint("Wait until it has ended: modeldesk list deployments"));
            }
        }
        Ok(())
    }

    /// False when a living desk works on it.
    fn recover_one(&self, row: &DeploymentRow, progress: &dyn ProgressSink) -> Result<bool, Fault> {
        if !self.0.store.claim_deployment(&row.id, self.0.store.owner(), LEASE_SECS)? {
            return Ok(false);
        }
        let began = Instant::now();
        let target = self.0.store.get_target(&row.target)?;
        let (connector, _) = self.connector(&target)?;
        let mut journal = StoreJournal { desk: self, id: &row.id };
        let outcome = rollout::recover(&connector, &mut journal, progress);
        let outcome = match outcome {
            Ok(Some(outcome)) => outcome,
            // Nothing was written before the crash, so nothing was done.
            Ok(None) => {
                let change = DeploymentChange { state: Some(DeploymentState::Undone), ..DeploymentChange::default() };
                self.0.store.update_deployment(&row.id, &change)?;
                return Ok(true);
            }
            Err(fault) => {
                self.0.store.release_deployment(&row.id, self.0.store.owner())?;
                return Err(fault.context(format!("taking up the interrupted rollout on {}", row.target)));
            }
        };
        match self.settle(row, Ok(outcome), began) {
            Ok(_) => Ok(true),
            // An undone rollout is what was wanted here.
            Err(_) if self.0.store.get_deployment(&row.id)?.state == DeploymentState::Undone => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// One target folder and port serve one model.
    fn refuse_second_model(&self, target: &TargetRow, version: &VersionRef) -> Result<(), Fault> {
        let filter = DeploymentFilter {
            target: Some(target.name.clone()),
            state: Some(DeploymentState::Live),
            ..DeploymentFilter::default()
        };
        let live = self.0.store.list_deployments(&filter, 10)?;
        match live.iter().find(|row| row.model != version.model) {
            None => Ok(()),
            Some(row) => Err(Fault::input(format!(
                "{} serves {} already, and a target serves one model",
                target.name, row.model
            ))
            .hint("Add another target on the same machine with another folder and port: modeldesk target add …")),
        }
    }

    fn plan(
        &self,
        target: &TargetRow,
        model: &ModelName,
        number: u32,
        digest: desk_core::Digest,
        action: &str,
    ) -> Result<(DeploymentRow, Plan), Fault> {
        let intent = serde_json::json!(Intent { action: action.to_owned() });
        let new =
            NewDeployment { target: target.name.clone(), model: model.clone(), number, version: digest, plan: intent };
        let row = self.0.store.create_deployment(&new)?;
        if !self.0.store.claim_deployment(&row.id, self.0.store.owner(), LEASE_SECS)? {
            return Err(
                Fault::input(format!("another desk works on {} now", target.name)).hint("Try again when it is done")
            );
        }
        let mut plan = Plan::new(&target.name, model.clone(), number, digest, u64::from(row.revision));
        plan.id.clone_from(&row.id);
        plan.numbers = self.0.store.list_versions(model)?.iter().map(|row| (row.digest, row.number)).collect();
        Ok((row, plan))
    }

    /// Writes what came of a rollout into its row, and answers.
    fn settle(
        &self,
        row: &DeploymentRow,
        result: Result<rollout::Outcome, Fault>,
        began: Instant,
    ) -> Result<Outcome, Fault> {
        let (outcome, fault) = match result {
            Ok(outcome) => {
                let fault = outcome.fault.clone().filter(|_| outcome.state != DeploymentState::Live);
                (Some(outcome), fault)
            }
            Err(fault) => (rollout::Outcome::from_entries(&entries(&self.0.store, &row.id)?)?, Some(fault)),
        };
        let state = outcome.as_ref().map_or(DeploymentState::Undone, |outcome| outcome.state);
        let change = DeploymentChange {
            state: Some(state),
            url: outcome.as_ref().and_then(|outcome| outcome.url.clone()),
            parity: outcome.as_ref().and_then(|outcome| outcome.parity.clone()),
            fault: fault.clone(),
        };
        self.0.store.update_deployment(&row.id, &change)?;
        self.0.store.release_deployment(&row.id, self.0.store.owner())?;
        self.0.board.emit(&Event::Deployments);
        if let Some(fault) = fault {
            return Err(fault);
        }
        let item = self.deployment_item(&self.0.store.get_deployment(&row.id)?)?;
        Ok(Outcome::Deploy(Box::new(Deployed {
            deployment: item.id,
            version: format!("{}@{}", item.model, item.version),
            target: item.target,
            digest: item.digest,
            state: item.state,
            revision: item.revision,
            url: item.url,
            was: item.was,
            steps: item.steps,
            parity: item.parity,
            seconds: began.elapsed().as_secs_f64(),
        })))
    }

    /// Everything that travels.
    fn package(&self, version: &VersionRef) -> Result<Package, Fault> {
        let row = self.0.store.resolve(version)?;
        let manifest = self.manifest(&row)?;
        let golden = self.golden(&manifest)?.ok_or_else(|| {
            Fault::new(
                FaultKind::Policy,
                format!("{}@{} has no golden rows, so nothing could be proven", row.model, row.number),
            )
            .hint(format!(
                "Import it again with data: modeldesk import FILE --name {} --golden DATA --again",
                row.model
            ))
        })?;
        let path = |file: &desk_core::FileEntry| (file.clone(), self.0.store.blob_path(&file.digest));
        let files: Vec<(desk_core::FileEntry, PathBuf)> = manifest.files.iter().map(path).collect();
        Ok(Package {
            model: row.model,
            number: row.number,
            digest: row.digest,
            files,
            golden,
            manifest,
            serve_binary: self.0.options.serve_binary()?,
            runtime_library: self.runtime_library()?,
        })
    }

    /// The live deployment that a text names: its id, a target, or TARGET/MODEL.
    fn find_live(&self, text: &str) -> Result<DeploymentRow, Fault> {
        let filter = DeploymentFilter { state: Some(DeploymentState::Live), ..DeploymentFilter::default() };
        let live = self.0.store.list_deployments(&filter, u32::MAX)?;
        let named = |row: &&DeploymentRow| {
            row.id == text || row.target == text || format!("{}/{}", row.target, row.model) == text
        };
        if let Some(row) = live.iter().find(named) {
            return Ok(row.clone());
        }
        // The id of an older deployment means its target and model.
        if let Ok(old) = self.0.store.get_deployment(text)
            && let Some(row) = live.iter().find(|row| row.target == old.target && row.model == old.model)
        {
            return Ok(row.clone());
        }
        Err(Fault::input(format!("nothing is live under the name `{text}`"))
            .hint("See modeldesk list deployments; write a deployment's id, a target's name or TARGET/MODEL"))
    }

    /// The version that was live before this one: the newest other one that was.
    fn former(&self, live: &DeploymentRow) -> Result<u32, Fault> {
        let filter = DeploymentFilter {
            target: Some(live.target.clone()),
            model: Some(live.model.clone()),
            state: Some(DeploymentState::Superseded),
        };
        let mut rows = self.0.store.list_deployments(&filter, u32::MAX)?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.revision));
        rows.iter().find(|row| row.version != live.version).map(|row| row.number).ok_or_else(|| {
            Fault::input(format!("no other version of {} was live on {} before", live.model, live.target))
                .hint("Deploy the version that you want: modeldesk deploy MODEL@VERSION --to TARGET")
        })
    }

    /// Deployments, newest first: of one model, or of all.
    pub fn deployments(&self, model: Option<&ModelName>) -> Result<Vec<DeploymentItem>, Fault> {
        let filter = DeploymentFilter { model: model.cloned(), ..DeploymentFilter::default() };
        let mut rows = self.0.store.list_deployments(&filter, 500)?;
        rows.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| b.id.cmp(&a.id)));
        rows.iter().map(|row| self.deployment_item(row)).collect()
    }

    /// One deployment.
    pub fn deployment(&self, id: &str) -> Result<DeploymentItem, Fault> {
        self.deployment_item(&self.0.store.get_deployment(id)?)
    }

    fn deployment_item(&self, row: &DeploymentRow) -> Result<DeploymentItem, Fault> {
        let outcome = rollout::Outcome::from_entries(&entries(&self.0.store, &row.id)?)?;
        let steps = outcome.as_ref().map(|outcome| outcome.steps.as_slice()).unwrap_or_default();
        let was = match &row.was {
            Some(id) => self.0.store.get_deployment(id).ok().map(|former| former.number),
            None => None,
        };
        let action = serde_json::from_value::<Intent>(row.plan.clone()).map_or_else(|_| "deploy".into(), |i| i.action);
        Ok(DeploymentItem {
            id: row.id.clone(),
            target: row.target.clone(),
            model: row.model.clone(),
            version: row.number,
            digest: row.version,
            state: row.state,
            revision: u64::from(row.revision),
            action,
            url: row.url.clone(),
            was,
            at: row.created_at.to_string(),
            seconds: steps.iter().map(|step| step.seconds).sum(),
            parity: row.parity.clone(),
            steps: steps
                .iter()
                .map(|step| StepView {
                    name: step.title.clone(),
                    state: step.state,
                    seconds: step.seconds,
                    detail: step.note.clone(),
                })
                .collect(),
            fault: row.fault.clone(),
        })
    }

    /// Takes up interrupted rollouts in the background; for the window's start.
    pub fn recover_in_background(&self) {
        let desk = self.clone();
        let spawned = std::thread::Builder::new().name("recover".into()).spawn(move || {
            if let Err(fault) = desk.recover(&Cancel::new(), &NoProgress) {
                tracing::warn!("{}", fault.message);
            }
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "interrupted rollouts were not taken up");
        }
    }
}
