//! Deploying and rolling back.

use std::path::PathBuf;
use std::time::Instant;

use desk_core::state::DeploymentState;
use desk_core::{Cancel, Digest, Fault, FaultKind, ModelName, ProgressSink, VersionRef};
use desk_deploy::rollout::{self, Event as RolloutEvent};
use desk_deploy::{Connector, Journal, JournalEntry, Package, Plan, Remote, TargetConnector, rollback};
use desk_store::{Begun, DeploymentChange, DeploymentRow, NewDeployment, Store, TargetRow};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::command::{Deploy, Rollback};
use crate::outcome::{Deployed, Outcome};
use crate::query::Event;
use crate::undeploy::STOPPED;

/// While a desk works on a deployment its row is its own for this long; a dead desk's is free at
/// once.
pub(crate) const LEASE_SECS: u32 = 3600;

/// What the deployment's row keeps beside the journal.
#[derive(Serialize, Deserialize)]
pub(crate) struct Intent {
    /// `deploy` or `rollback`.
    pub action: String,
}

/// The same words and the same kind wherever another command of this desk is at work on a target.
pub(crate) fn busy(row: &DeploymentRow) -> Fault {
    let (target, since) = (&row.target, row.updated_at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    let fault = Fault::new(
        FaultKind::Target,
        format!("this desk is changing {target} already: {}@{}, since {since}", row.model, row.number),
    );
    fault
        .hint("Wait until it has ended, then try again: modeldesk list deployments")
        .hint("Or stop it: modeldesk list jobs, then modeldesk jobs cancel JOB")
}

/// A way to a target, with the bytes of the model's versions for what is damaged there.
pub(crate) struct Way {
    desk: Desk,
    model: ModelName,
    connector: TargetConnector,
}

impl Connector for Way {
    fn connect(&self) -> Result<Box<dyn Remote>, Fault> {
        self.connector.connect()
    }

    fn serve_port(&self) -> u16 {
        self.connector.serve_port()
    }

    fn address(&self) -> String {
        self.connector.address()
    }

    fn tunnel_command(&self) -> Option<String> {
        self.connector.tunnel_command()
    }

    fn package(&self, version: Digest) -> Result<Option<Package>, Fault> {
        let versions = self.desk.0.store.list_versions(&self.model)?;
        let Some(row) = versions.iter().find(|row| row.digest == version) else { return Ok(None) };
        match self.desk.package(&VersionRef::numbered(self.model.clone(), row.number)) {
            Ok(package) => Ok(Some(package)),
            // Not having it is one thing, a damaged copy is no better.
            Err(fault) => {
                tracing::warn!("version {} cannot be brought to {}: {}", row.number, self.address(), fault.message);
                Ok(None)
            }
        }
    }
}

/// Held while this process works on a target: one rollout at a time.
pub(crate) struct Working {
    desk: Desk,
    target: String,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.desk.0.rollouts.lock().remove(&self.target);
    }
}

/// The store's journal of one deployment.
pub(crate) struct StoreJournal<'a> {
    pub desk: &'a Desk,
    pub id: &'a str,
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
            RolloutEvent::Kept { .. } => "keep".to_owned(),
            RolloutEvent::Abandoned { .. } => "give up".to_owned(),
            RolloutEvent::StopBegin | RolloutEvent::StopDone | RolloutEvent::StopFailed { .. } => "undeploy".to_owned(),
            RolloutEvent::FoundLive => "found live".to_owned(),
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

pub(crate) fn entries(store: &Store, id: &str) -> Result<Vec<JournalEntry>, Fault> {
    let read = |row: desk_store::JournalRow| {
        serde_json::from_value(row.event).map_err(|error| {
            Fault::input(format!("entry {} of the journal of deployment {id} cannot be read", row.seq))
                .detail(error.to_string())
        })
    };
    store.journal(id)?.into_iter().map(read).collect()
}

impl Desk {
    /// Marks a target as being worked on by this process.
    pub(crate) fn begin_work(&self, target: &str) -> Result<Working, Fault> {
        if self.0.rollouts.lock().insert(target.to_owned()) {
            Ok(Working { desk: self.clone(), target: target.to_owned() })
        } else {
            let open = self.0.store.open_deployments()?;
            Err(open.iter().find(|row| row.target == target).map_or_else(
                || {
                    Fault::new(FaultKind::Target, format!("this desk is at work on {target} already"))
                        .hint("Wait until that has ended, then try again")
                },
                busy,
            ))
        }
    }

    /// A way to a target on which a model is or will be.
    pub(crate) fn way(&self, target: &TargetRow, model: &ModelName) -> Result<Way, Fault> {
        let (connector, _) = self.connector(target)?;
        Ok(Way { desk: self.clone(), model: model.clone(), connector })
    }

    pub(crate) fn deploy(
        &self,
        command: &Deploy,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let target = self.0.store.get_target(&command.to)?;
        let _working = self.begin_work(&target.name)?;
        self.refuse_second_model(&target, &command.version)?;
        self.recover_target(&target.name, progress)?;
        let package = self.package(&command.version)?;
        let mut target = target;
        loop {
            let way = self.way(&target, &package.model)?;
            let (row, mut plan) = self.plan(&target, &package.model, package.number, package.digest, "deploy")?;
            plan.permissions = command.permissions;
            let mut journal = StoreJournal { desk: self, id: &row.id };
            let result = rollout::run(&plan, &package, &way, &mut journal, cancel, progress);
            let settled = self.settle_and_look(&row, result, began);
            if settled.as_ref().is_err_and(|fault| !fault.is_cancelled())
                && let Some(moved) = self.take_another_port(&target, &row, &way)?
            {
                target = moved;
                continue;
            }
            return settled;
        }
    }

    pub(crate) fn rollback(
        &self,
        command: &Rollback,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        if let Some(target) = self.place_named(&command.deployment)?
            && self.has_interrupted(&target)?
        {
            let _working = self.begin_work(&target)?;
            self.recover_target(&target, progress)?;
        }
        let target = self.0.store.get_target(&self.find_live_asking(&command.deployment)?.target)?;
        let working = self.begin_work(&target.name)?;
        self.recover_target(&target.name, progress)?;
        // What was interrupted may have changed what is live.
        let live = self.find_live(&command.deployment)?;
        let number = match command.to {
            Some(number) => number,
            None => self.former(&live)?,
        };
        let version = self.0.store.resolve(&VersionRef::numbered(live.model.clone(), number))?;
        if version.digest == live.version {
            return Err(Fault::input(format!("{}@{number} is what {} serves already", live.model, live.target))
                .hint("Name another version with --to"));
        }
        let way = self.way(&target, &live.model)?;
        let (row, mut plan) = self.plan(&target, &live.model, number, version.digest, "rollback")?;
        plan.expects = Some(live.version);
        // What served before was let live without a proof, or had one.
        plan.permissions.allow_unproven = true;
        let mut journal = StoreJournal { desk: self, id: &row.id };
        let result = rollback::run(&plan, &way, &mut journal, cancel, progress);
        let settled = self.settle_and_look(&row, result, began);
        if self.is_another_of_ours(&command.deployment, &live, settled.as_ref().err()) {
            drop(working);
            return self.rollback(command, cancel, progress);
        }
        settled
    }

    /// As [`Desk::settle`]; where it was refused because of what stands there, that is looked at.
    fn settle_and_look(
        &self,
        row: &DeploymentRow,
        result: Result<rollout::Outcome, Fault>,
        began: Instant,
    ) -> Result<Outcome, Fault> {
        let refused = result.as_ref().is_err_and(|fault| fault.kind == FaultKind::Policy);
        let settled = self.settle(row, result, began);
        if refused {
            self.look_at(&row.target);
        }
        settled
    }

    /// One target folder and port serve one model.
    fn refuse_second_model(&self, target: &TargetRow, version: &VersionRef) -> Result<(), Fault> {
        match self.live_on(&target.name)?.iter().find(|row| row.model != version.model) {
            None => Ok(()),
            Some(row) => Err(Fault::input(format!(
                "{} serves {} already, and a target serves one model",
                target.name, row.model
            ))
            .hint("Add another target on the same machine with another folder and port: modeldesk target add …")
            .hint(format!("Or take that one down first: modeldesk undeploy {}", target.name))),
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
        let row = match self.0.store.begin_deployment(&new, self.0.store.owner(), LEASE_SECS)? {
            Begun::Mine(row) => *row,
            Begun::Busy(other) => return Err(busy(&other)),
        };
        let mut plan = Plan::new(&target.name, model.clone(), number, digest, u64::from(row.revision));
        plan.id.clone_from(&row.id);
        plan.by = self.name();
        plan.live = self.live_on(&target.name)?.first().map(|row| row.version);
        plan.numbers = self.0.store.list_versions(model)?.iter().map(|row| (row.digest, row.number)).collect();
        Ok((row, plan))
    }

    /// Writes what came of a rollout into its row, and answers.
    pub(crate) fn settle(
        &self,
        row: &DeploymentRow,
        result: Result<rollout::Outcome, Fault>,
        began: Instant,
    ) -> Result<Outcome, Fault> {
        let (outcome, fault) = match result {
            Ok(outcome) => {
                let ended_well = matches!(outcome.state, DeploymentState::Live | DeploymentState::Stopped);
                let fault = outcome.fault.clone().filter(|_| !ended_well);
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
            never_began: state == DeploymentState::Undone && outcome.as_ref().is_none_or(rollout::Outcome::never_began),
        };
        self.0.store.update_deployment(&row.id, &change)?;
        self.0.store.release_deployment(&row.id, self.0.store.owner())?;
        if state == DeploymentState::Live {
            self.note_other(&row.target, None)?;
            self.note_worked(&row.target, &format!("serving {}@{}", row.model, row.number))?;
        }
        if state == DeploymentState::Stopped {
            // Taking it down was interrupted, and seen through now.
            self.note_other(&row.target, None)?;
            self.note_worked(&row.target, STOPPED)?;
        }
        self.0.board.emit(&Event::Deployments);
        if let Some(fault) = fault {
            return Err(fault);
        }
        let item = self.deployment(&row.id)?;
        Ok(Outcome::Deploy(Box::new(Deployed {
            deployment: item.id,
            version: format!("{}@{}", item.model, item.version),
            target: item.target,
            digest: Some(item.digest),
            state: item.state,
            revision: item.revision,
            url: item.url,
            far: item.far,
            example: if state == DeploymentState::Live { self.example_request(&row.id)? } else { None },
            already: false,
            made_live_by: None,
            was: item.was,
            steps: item.steps,
            parity: item.parity,
            seconds: began.elapsed().as_secs_f64(),
        })))
    }

    /// Everything that travels.
    pub(crate) fn package(&self, version: &VersionRef) -> Result<Package, Fault> {
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
        // Damage here must not reach a target, and is not the target's fault.
        for (file, _) in &files {
            self.check_blob(&file.digest)?;
        }
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
}
