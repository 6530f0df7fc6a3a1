//! What a target says is live there, against what this desk believes.

use std::collections::BTreeMap;

use desk_core::Fault;
use desk_core::state::DeploymentState;
use desk_deploy::Standing;
use desk_deploy::rollout::{DeployedBy, Event as RolloutEvent};
use desk_store::{DeploymentChange, DeploymentFilter, DeploymentRow};
use serde_json::json;

use crate::Desk;
use crate::deploy::entries;
use crate::deployments::was_live;
use crate::query::Event;

/// Setting under which it is remembered what another desk made live on a target.
const OTHER: &str = "target-other/";

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
        let taken = self.taken_by_other(standing);
        self.note_other(target, standing.deployed_by.as_ref().filter(|_| taken))?;
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
                Some(current) if *current == row.version.hex() && !taken => continue,
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

    /// What is live there is what another desk made live, be it a version that this one has made live as well.
    pub(crate) fn taken_by_other(&self, standing: &Standing) -> bool {
        standing.deployed_by.as_ref().is_some_and(|who| who.by != self.name())
    }

    /// What this desk is changing on a target, for people.
    pub(crate) fn under_way(&self, target: &str) -> Result<Option<String>, Fault> {
        let open = self.0.store.open_deployments()?;
        let Some(row) = open.iter().find(|row| row.target == target) else { return Ok(None) };
        let last = entries(&self.0.store, &row.id)?.pop().map(|entry| entry.event);
        let (version, was) = (format!("{}@{}", row.model, row.number), self.is_interrupted(row));
        Ok(Some(match (last, was) {
            (Some(RolloutEvent::StopBegin), _) => format!("stopping {version}"),
            (_, false) => format!("deploying {version}"),
            (_, true) => format!("interrupted: deploying {version}"),
        }))
    }

    /// What a check found out at that moment may still be so.
    pub(crate) fn is_recent(&self, at: Option<&str>) -> bool {
        let at = at.and_then(|at| at.parse::<jiff::Timestamp>().ok());
        at.is_some_and(|at| self.0.store.now().duration_since(at).as_secs().abs() < 60)
    }

    /// Keeps what another desk made live on a target, to be shown before this one takes its place.
    pub(crate) fn note_other(&self, target: &str, other: Option<&DeployedBy>) -> Result<(), Fault> {
        if self.other_on(target)?.as_ref() == other {
            return Ok(());
        }
        self.0.store.set_setting(&format!("{OTHER}{target}"), other.map(|who| json!(who)).as_ref())?;
        Ok(())
    }

    /// What another desk made live on a target, as it was when the target was last looked at.
    pub(crate) fn other_on(&self, target: &str) -> Result<Option<DeployedBy>, Fault> {
        let kept = self.0.store.setting(&format!("{OTHER}{target}"))?;
        Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()))
    }

    /// By target, what a deployment would take the place of though another desk made it live.
    pub(crate) fn replaces(&self) -> Result<BTreeMap<String, String>, Fault> {
        let mut replaces = BTreeMap::new();
        for target in self.0.store.list_targets()? {
            if let Some(who) = self.other_on(&target.name)? {
                replaces.insert(target.name, who.to_string());
            }
        }
        Ok(replaces)
    }

    /// What this desk made live last on a target, and another one replaced, is live there again.
    fn note_return(&self, target: &str, standing: &Standing) -> Result<(), Fault> {
        let filter = DeploymentFilter { target: Some(target.to_owned()), ..DeploymentFilter::default() };
        let mut rows = self.0.store.list_deployments(&filter, u32::MAX)?;
        rows.retain(was_live);
        let Some(last) = rows.iter().max_by_key(|row| row.seq) else { return Ok(()) };
        let serves = standing.serving == Some(last.version.hex()) && !self.taken_by_other(standing);
        if last.state == DeploymentState::Superseded && serves {
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
