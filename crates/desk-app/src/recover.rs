//! Taking up what a dead desk left on targets.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use desk_core::state::DeploymentState;
use desk_core::{Cancel, Fault, NoProgress, ProgressSink};
use desk_deploy::rollout;
use desk_store::{DeploymentChange, DeploymentRow};

use crate::Desk;
use crate::deploy::{LEASE_SECS, StoreJournal, busy};
use crate::query::{DeploymentItem, Event};

impl Desk {
    /// Takes up every rollout whose desk died: finishes or undoes it. Gives what was taken up.
    ///
    /// A target that cannot be reached does not keep the others from being taken up; its fault is given
    /// when all have been tried.
    pub fn recover(&self, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Vec<DeploymentItem>, Fault> {
        let open = self.0.store.open_deployments()?;
        self.recover_all(open, cancel, progress)
    }

    fn recover_all(
        &self,
        open: Vec<DeploymentRow>,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Vec<DeploymentItem>, Fault> {
        let (mut taken, mut failed) = (Vec::new(), None);
        for row in open {
            cancel.check()?;
            if self.0.store.get_target(&row.target).is_err() {
                tracing::warn!(
                    "the target {} of an interrupted rollout was removed, so nothing can be undone there",
                    row.target
                );
                continue;
            }
            // This very process may be rolling out there.
            let Ok(_working) = self.begin_work(&row.target) else { continue };
            match self.recover_one(&row, progress) {
                Ok(true) => taken.push(self.deployment(&row.id)?),
                Ok(false) => {}
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        failed.map_or(Ok(taken), Err)
    }

    /// Ends what was interrupted on a target, so that something else can begin there: undoing that cannot
    /// be done is given up.
    pub(crate) fn recover_target(&self, target: &str, progress: &dyn ProgressSink) -> Result<(), Fault> {
        for row in self.0.store.open_deployments()?.into_iter().filter(|row| row.target == target) {
            match self.recover_one(&row, progress) {
                Ok(true) => {}
                Ok(false) => return Err(busy(&self.0.store.get_deployment(&row.id)?)),
                Err(_) => {
                    // A broken connection is worth a second attempt before anything is given up.
                    if let Err(fault) = self.recover_one(&row, progress) {
                        self.give_up(&row, fault)?;
                    }
                }
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
        let mut journal = StoreJournal { desk: self, id: &row.id };
        let target = self.0.store.get_target(&row.target)?;
        let outcome = self.way(&target, &row.model).and_then(|way| rollout::recover(&way, &mut journal, progress));
        let outcome = match outcome {
            Ok(Some(outcome)) => outcome,
            // Nothing was written before the crash, so nothing was done.
            Ok(None) => {
                let undone = Some(DeploymentState::Undone);
                let change = DeploymentChange { state: undone, never_began: true, ..DeploymentChange::default() };
                self.0.store.update_deployment(&row.id, &change)?;
                self.0.store.release_deployment(&row.id, self.0.store.owner())?;
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

    /// Leaves a target as it is after undoing has failed for good; what the store says is live there is
    /// what the target says. Fails with `fault` when the target cannot be reached.
    fn give_up(&self, row: &DeploymentRow, fault: Fault) -> Result<(), Fault> {
        let target = self.0.store.get_target(&row.target)?;
        let way = self.way(&target, &row.model)?;
        let mut journal = StoreJournal { desk: self, id: &row.id };
        if let Err(error) = rollout::abandon(&way, &mut journal, fault.clone()) {
            tracing::debug!("undoing was not given up: {}", error.message);
            return Err(fault);
        }
        tracing::warn!("undoing on {} was given up: {}", row.target, fault.message);
        let undone = DeploymentChange {
            state: Some(DeploymentState::Undone),
            fault: Some(fault),
            ..DeploymentChange::default()
        };
        self.0.store.update_deployment(&row.id, &undone)?;
        if let (Ok(status), Some(live)) =
            (desk_deploy::server_status(&way), self.0.store.live_deployment(&row.target, &row.model)?)
        {
            let serves = status.as_ref().and_then(|status| status.live_version()) == Some(live.version.hex().as_str());
            if !serves {
                let stopped = DeploymentChange { state: Some(DeploymentState::Stopped), ..DeploymentChange::default() };
                self.0.store.update_deployment(&live.id, &stopped)?;
            }
        }
        self.0.board.emit(&Event::Deployments);
        Ok(())
    }

    /// Something was interrupted on a target, and nobody works on it.
    pub(crate) fn has_interrupted(&self, target: &str) -> Result<bool, Fault> {
        let open = self.0.store.open_deployments()?;
        Ok(open.iter().any(|row| row.target == target && self.is_interrupted(row)))
    }

    /// Nobody works on a deployment that has not come to its end.
    pub(crate) fn is_interrupted(&self, row: &DeploymentRow) -> bool {
        row.is_free(self.0.store.now())
    }

    /// Takes up rollouts whose desk was killed, as far as that succeeds within some time and without asking
    /// for a secret; for lists, which say of the rest that it is unknown. Does nothing when there are none.
    pub fn catch_up(&self, patience: Duration) {
        let died = |row: &DeploymentRow| row.owner.is_some() && self.is_interrupted(row) && !self.is_behind_lock(row);
        if self.0.store.open_deployments().is_ok_and(|open| open.iter().any(died)) {
            // Either way it is an error: all are done and nobody sends any more, or time is over.
            let _ended = self.recover_in_background().recv_timeout(patience);
        }
    }

    /// Targets with an interrupted rollout that only somebody with the passphrase can take up.
    pub fn waiting_for_secret(&self) -> Result<BTreeSet<String>, Fault> {
        let mut open = self.0.store.open_deployments()?;
        open.retain(|row| self.is_interrupted(row) && self.is_behind_lock(row));
        Ok(open.into_iter().map(|row| row.target).collect())
    }

    fn is_behind_lock(&self, row: &DeploymentRow) -> bool {
        self.0.store.get_target(&row.target).is_ok_and(|target| self.is_locked_out(&target))
    }

    /// Takes up interrupted rollouts in the background, as the window does at its start; those whose target
    /// is logged in to with a secret that is locked are left. The channel closes when all have been tried.
    pub fn recover_in_background(&self) -> Receiver<()> {
        let (done, over) = crossbeam_channel::bounded(0);
        let desk = self.clone();
        let spawned = std::thread::Builder::new().name("recover".into()).spawn(move || {
            let open = desk.0.store.open_deployments().map_err(Fault::from);
            let recovered = open.and_then(|mut open| {
                open.retain(|row| !desk.is_behind_lock(row));
                desk.recover_all(open, &Cancel::new(), &NoProgress)
            });
            if let Err(fault) = recovered {
                tracing::warn!("{}", fault.message);
            }
            drop(done);
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "interrupted rollouts were not taken up");
        }
        over
    }
}
