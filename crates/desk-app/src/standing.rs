//! What a target says is live there, against what this desk believes.

use desk_core::Fault;
use desk_core::state::DeploymentState;
use desk_deploy::Standing;
use desk_store::{DeploymentChange, DeploymentFilter, DeploymentRow};

use crate::Desk;
use crate::deployments::was_live;
use crate::query::Event;

impl Desk {
    /// This desk, for people who look at a target from another one.
    pub(crate) fn name(&self) -> String {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let on = if host.trim().is_empty() { String::new() } else { format!(" on {}", host.trim()) };
        format!("{}{on} (home {})", self.0.store.who(), self.home().display())
    }

    /// What this desk believes to be live on a target.
    pub(crate) fn live_on(&self, target: &str) -> Result<Vec<DeploymentRow>, Fault> {
        let filter = DeploymentFilter {
            target: Some(target.to_owned()),
            state: Some(DeploymentState::Live),
            ..DeploymentFilter::default()
        };
        Ok(self.0.store.list_deployments(&filter, u32::MAX)?)
    }

    /// Takes in what a target says: what another desk has replaced there, or taken down, is not live any more, and
    /// what it went back to is live again.
    pub(crate) fn note_standing(&self, target: &str, standing: &Standing) -> Result<(), Fault> {
        if self.0.store.open_deployments()?.iter().any(|row| row.target == target) {
            // Between two versions of this very desk; its own rollout tells how that ends.
            return Ok(());
        }
        let live = self.live_on(target)?;
        if live.is_empty() {
            return self.note_return(target, standing);
        }
        for row in live {
            let state = match &standing.current {
                Some(current) if *current == row.version.hex() => continue,
                Some(_) => DeploymentState::Superseded,
                None if standing.taken_down => DeploymentState::Stopped,
                None => continue,
            };
            tracing::info!("{}@{} is not live on {target} any more: another desk changed it", row.model, row.number);
            let change = DeploymentChange { state: Some(state), ..DeploymentChange::default() };
            self.0.store.update_deployment(&row.id, &change)?;
            self.0.board.emit(&Event::Deployments);
        }
        Ok(())
    }

    /// What this desk made live last on a target, and another one replaced, is live there again.
    fn note_return(&self, target: &str, standing: &Standing) -> Result<(), Fault> {
        let filter = DeploymentFilter { target: Some(target.to_owned()), ..DeploymentFilter::default() };
        let mut rows = self.0.store.list_deployments(&filter, u32::MAX)?;
        rows.retain(was_live);
        let Some(last) = rows.iter().max_by_key(|row| (row.created_at, row.revision)) else { return Ok(()) };
        if last.state == DeploymentState::Superseded && standing.serving == Some(last.version.hex()) {
            tracing::info!("{}@{} is live on {target} again", last.model, last.number);
            let change = DeploymentChange { state: Some(DeploymentState::Live), ..DeploymentChange::default() };
            self.0.store.update_deployment(&last.id, &change)?;
            self.0.board.emit(&Event::Deployments);
        }
        Ok(())
    }

    /// Asks a target what is live there and takes it in. What was being done has failed already: when the target
    /// cannot be asked either, the next contact tells.
    pub(crate) fn look_at(&self, target: &str) {
        let looked = || {
            let (connector, _) = self.connector(&self.0.store.get_target(target)?)?;
            self.note_standing(target, &desk_deploy::standing(&connector)?)
        };
        if let Err(fault) = looked() {
            tracing::debug!("what {target} serves was not asked: {}", fault.message);
        }
    }
}
