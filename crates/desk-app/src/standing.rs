//! What a target says is live there, against what this desk believes.

use desk_core::Fault;
use desk_core::state::DeploymentState;
use desk_deploy::Standing;
use desk_store::{DeploymentChange, DeploymentFilter, DeploymentRow};

use crate::Desk;
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

    /// Takes in what a target says: what another desk has replaced there, or taken down, is not live any more.
    pub(crate) fn note_standing(&self, target: &str, standing: &Standing) -> Result<(), Fault> {
        for row in self.live_on(target)? {
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
