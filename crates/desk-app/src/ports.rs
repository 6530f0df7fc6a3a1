//! Ports of targets on this computer that nobody has named: chosen when a target is added, and chosen again
//! when somebody else was faster.

use desk_core::state::StepState;
use desk_core::{Fault, FaultKind};
use desk_deploy::{Connector as _, DEFAULT_SERVE_PORT, Step, TargetConfig};
use desk_store::{DeploymentFilter, DeploymentRow, TargetRow};
use serde_json::json;

use crate::Desk;
use crate::deploy::{Way, entries};
use crate::deployments::was_live;
use crate::targets::{config_json, target_config};

/// Setting under which it is remembered which port was chosen for a target.
const CHOSEN: &str = "target-port/";

/// The first port from the usual one on that no other target on this computer uses.
pub(crate) fn free_port(targets: &[TargetRow], name: &str) -> Result<u16, Fault> {
    let mut used = Vec::new();
    for target in targets.iter().filter(|target| target.name != name && target.kind == "local") {
        used.push(target_config(target)?.serve_port());
    }
    let free = |port: &u16| !used.contains(port) && !is_taken(*port);
    (DEFAULT_SERVE_PORT..DEFAULT_SERVE_PORT + 1000).find(free).ok_or_else(|| {
        Fault::new(FaultKind::Environment, "no free port was found").hint("Name one with --set port=NUMBER")
    })
}

fn is_taken(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_err()
}

impl Desk {
    /// Remembers that a port was chosen for a target, or that somebody has named one.
    pub(crate) fn note_port(&self, target: &str, chosen: Option<u16>) -> Result<(), Fault> {
        self.0.store.set_setting(&format!("{CHOSEN}{target}"), chosen.map(|port| json!(port)).as_ref())?;
        Ok(())
    }

    /// Another program has the port of this target, which nobody has named and on which nothing of it has ever
    /// been live: the next deployment takes another one.
    pub(crate) fn has_lost_port(&self, target: &TargetRow) -> Result<bool, Fault> {
        let port = target_config(target)?.serve_port();
        if self.0.store.setting(&format!("{CHOSEN}{}", target.name))? != Some(json!(port)) || !is_taken(port) {
            return Ok(false);
        }
        let filter = DeploymentFilter { target: Some(target.name.clone()), ..DeploymentFilter::default() };
        Ok(!self.0.store.list_deployments(&filter, u32::MAX)?.iter().any(was_live))
    }

    /// After a deployment that failed because somebody else had the port: the target with another one, where
    /// nobody has named the port.
    pub(crate) fn take_another_port(
        &self,
        target: &TargetRow,
        row: &DeploymentRow,
        way: &Way,
    ) -> Result<Option<TargetRow>, Fault> {
        let outcome = desk_deploy::Outcome::from_entries(&entries(&self.0.store, &row.id)?)?;
        let failed = outcome.and_then(|outcome| outcome.steps.into_iter().find(|step| step.state == StepState::Failed));
        let at_port = failed.is_some_and(|step| matches!(step.name, Step::Check | Step::Start));
        if !at_port || !self.has_lost_port(target)? || desk_deploy::is_serving(way)? {
            return Ok(None);
        }
        let TargetConfig::Local { folder, port: was } = target_config(target)? else { return Ok(None) };
        let port = free_port(&self.0.store.list_targets()?, &target.name)?;
        let config = TargetConfig::Local { folder, port };
        self.0.store.update_target(&target.name, &config_json(&config)?, target.credential.as_deref())?;
        self.note_port(&target.name, Some(port))?;
        tracing::warn!("another program has taken port {was} of {}, so {port} is taken instead", way.address());
        Ok(Some(self.0.store.get_target(&target.name)?))
    }
}
