//! What a target says is live there, against what this desk believes.

use std::collections::BTreeMap;

use desk_core::state::DeploymentState;
use desk_core::{Fault, FaultKind};
use desk_deploy::rollout::{DeployedBy, Event as RolloutEvent, NOBODY_SAYS};
use desk_deploy::{Standing, undeploy};
use desk_store::{DeploymentChange, DeploymentFilter, DeploymentRow};
use serde_json::json;

use crate::Desk;
use crate::deploy::{StoreJournal, entries};
use crate::deployments::was_live;
use crate::query::Event;

/// Setting under which it is remembered what another desk made live on a target.
const OTHER: &str = "target-other/";

/// Setting that tells a desk from all others.
const ID: &str = "desk/id";

impl Desk {
    /// This desk, for people who look at a target from another one; the id in it is what it is told by.
    pub(crate) fn name(&self) -> String {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let (home, id) = (self.home().display().to_string(), self.id());
        desk_deploy::desk_name(self.0.store.who(), host.trim(), &home, id.as_deref())
    }

    /// Made once for a home; none where nothing can be written.
    fn id(&self) -> Option<String> {
        let known = || self.0.store.setting(ID).ok().flatten()?.as_str().map(str::to_owned);
        known().or_else(|| {
            let fresh = uuid::Uuid::now_v7().simple().to_string()[20..].to_owned();
            self.0.store.set_setting(ID, Some(&json!(fresh))).ok()?;
            // Another process may have made it at the same moment.
            known()
        })
    }

    /// A name is this desk's.
    pub(crate) fn is_by_me(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| desk_deploy::same_desk(name, &self.name()))
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
        let other = standing.deployed_by.as_ref().filter(|_| taken).map(ToString::to_string);
        let lost = standing.lost.as_ref().filter(|lost| !self.is_by_me(lost.by.as_deref()));
        let other = other.or_else(|| lost.map(|lost| format!("{lost}, and {}", lost.whose())));
        let unknown = standing.current.as_ref().filter(|_| standing.deployed_by.is_none());
        let other = other.or_else(|| unknown.map(|version| unsigned(version)));
        self.note_other(target, other.as_deref())?;
        if self.0.store.open_deployments()?.iter().any(|row| row.target == target) {
            // Between two versions of this very desk; its own rollout tells how that ends.
            return Ok(());
        }
        for row in self.live_on(target)? {
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
        if self.live_on(target)?.is_empty() { self.note_return(target, standing) } else { Ok(()) }
    }

    /// What is live there is what another desk made live, be it a version that this one has made live as well.
    pub(crate) fn taken_by_other(&self, standing: &Standing) -> bool {
        standing.deployed_by.as_ref().is_some_and(|who| !self.is_by_me(Some(&who.by)))
    }

    /// A note beside what is live says that this desk made it so.
    fn is_ours_by_note(&self, standing: &Standing) -> bool {
        standing.deployed_by.as_ref().is_some_and(|who| self.is_by_me(Some(&who.by)))
    }

    /// What is live there is what this desk made live, as a note beside it says.
    pub(crate) fn is_ours(&self, target: &str, current: &str, standing: &Standing) -> bool {
        let live = self.live_on(target).unwrap_or_default();
        self.is_ours_by_note(standing) && live.iter().any(|row| row.version.hex() == current)
    }

    /// The target that a text names by itself, as TARGET/MODEL or by a deployment's id.
    pub(crate) fn place_named(&self, text: &str) -> Result<Option<String>, Fault> {
        let name = text.split_once('/').map_or(text, |(target, _)| target);
        if self.0.store.list_targets()?.iter().any(|target| target.name == name) {
            return Ok(Some(name.to_owned()));
        }
        Ok(self.0.store.get_deployment(text).ok().map(|row| row.target))
    }

    /// As [`Desk::find_live`]; where nothing of this desk is live as far as it knows, the target is asked before that
    /// is said.
    pub(crate) fn find_live_asking(&self, text: &str) -> Result<DeploymentRow, Fault> {
        let unknown = match self.find_live(text) {
            Ok(row) => return Ok(row),
            Err(fault) => fault,
        };
        let Some(target) = self.place_named(text)? else { return Err(unknown) };
        let Ok(place) = self.0.store.get_target(&target) else { return Err(unknown) };
        // What an interrupted rollout of this desk has left there is taken up first.
        if self.is_locked_out(&place) || self.0.store.open_deployments()?.iter().any(|row| row.target == target) {
            return Err(unknown);
        }
        let asked = self.connector(&place).and_then(|(connector, _)| desk_deploy::standing(&connector));
        let standing = match asked {
            Ok(standing) => standing,
            Err(fault) => {
                return Err(unknown.detail(format!("{target} could not be asked what it serves: {}", fault.message)));
            }
        };
        self.note_standing(&target, &standing)?;
        self.find_live(text).or_else(|fault| Err(self.what_serves(text, &target, &standing)?.unwrap_or(fault)))
    }

    /// What a target serves by its own account, and who made that live, for somebody who is to agree to its end;
    /// `None` where it cannot be asked or says nothing.
    pub fn serves_there(&self, text: &str) -> Option<String> {
        let place = self.0.store.get_target(&self.place_named(text).ok()??).ok()?;
        if self.is_locked_out(&place) {
            return None;
        }
        let standing = desk_deploy::standing(&self.connector(&place).ok()?.0).ok()?;
        if let Some(lost) = standing.lost.filter(|lost| lost.by.is_none()) {
            return Some(format!("what cannot be asked any more: {lost}"));
        }
        let version = standing.current?;
        let who = standing.deployed_by.map(|who| format!(", {who}")).unwrap_or_default();
        Some(format!("version {}{who}", &version[..version.len().min(12)]))
    }

    /// What a target serves that is not this desk's, or that it serves nothing any more.
    fn what_serves(&self, text: &str, target: &str, standing: &Standing) -> Result<Option<Fault>, Fault> {
        let replaced = self.replaced(text)?;
        if let Some(lost) = standing.lost.as_ref().filter(|lost| !self.is_by_me(lost.by.as_deref())) {
            return Ok(Some(foreign(target, format!("{lost} on {target}, and {}", lost.whose()), lost.by.is_some())));
        }
        let Some(current) = &standing.current else {
            return Ok(replaced.filter(|_| standing.lost.is_none()).map(|_| {
                Fault::input(format!(
                    "{target} serves nothing any more: what another desk made live there was taken down"
                ))
                .hint(format!("Deploy what shall serve: modeldesk deploy MODEL@VERSION --to {target}"))
            }));
        };
        if self.is_ours(target, current, standing) {
            return Ok(None);
        }
        let version = &current[..current.len().min(12)];
        let does = if standing.serving.is_some() { "serves" } else { "is to serve, when its server is started," };
        let serves = match &standing.deployed_by {
            Some(who) => format!("{target} {does} version {version}, {who}"),
            None => format!("{target} {does} version {version}, which this desk did not make live"),
        };
        Ok(Some(match replaced {
            Some(fault) => fault.detail(serves),
            None => foreign(target, serves, standing.deployed_by.is_some()),
        }))
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

    /// Keeps what another desk made live on a target, for people, to be shown before this one takes its place.
    pub(crate) fn note_other(&self, target: &str, other: Option<&str>) -> Result<(), Fault> {
        if self.other_on(target)?.as_deref() == other {
            return Ok(());
        }
        self.0.store.set_setting(&format!("{OTHER}{target}"), other.map(|who| json!(who)).as_ref())?;
        Ok(())
    }

    /// What another desk made live on a target, as it was when the target was last looked at.
    pub(crate) fn other_on(&self, target: &str) -> Result<Option<String>, Fault> {
        let Some(kept) = self.0.store.setting(&format!("{OTHER}{target}"))? else { return Ok(None) };
        // Former versions kept it in its parts.
        Ok(match kept.as_str() {
            Some(text) => Some(text.to_owned()),
            None => serde_json::from_value::<DeployedBy>(kept).ok().map(|who| who.to_string()),
        })
    }

    /// By target, what a deployment would take the place of though another desk made it live.
    pub(crate) fn replaces(&self) -> Result<BTreeMap<String, String>, Fault> {
        let mut replaces = BTreeMap::new();
        for target in self.0.store.list_targets()? {
            if let Some(who) = self.other_on(&target.name)? {
                replaces.insert(target.name, who);
            }
        }
        Ok(replaces)
    }

    /// What this desk made live is live there again: another one went back to it, its machine was only noted as gone, or
    /// its folder is an older one by now.
    fn note_return(&self, target: &str, standing: &Standing) -> Result<(), Fault> {
        let Some(current) = &standing.current else { return Ok(()) };
        let ours = self.is_ours_by_note(standing);
        let filter = DeploymentFilter { target: Some(target.to_owned()), ..DeploymentFilter::default() };
        let mut rows = self.0.store.list_deployments(&filter, u32::MAX)?;
        rows.retain(was_live);
        let last = rows.iter().max_by_key(|row| row.seq).map(|row| row.seq);
        let of_it = rows.into_iter().filter(|row| row.version.hex() == *current).max_by_key(|row| row.seq);
        // Where no note says so it is what was live last, or nobody's.
        let back = of_it.filter(|row| ours || Some(row.seq) == last && row.state == DeploymentState::Superseded);
        let Some(row) = back.filter(|_| ours || standing.serving.is_some() && !self.taken_by_other(standing)) else {
            return Ok(());
        };
        tracing::info!("{}@{} is live on {target} again", row.model, row.number);
        if ours {
            undeploy::found_live(&mut StoreJournal { desk: self, id: &row.id })?;
        }
        let change = DeploymentChange { state: Some(DeploymentState::Live), ..DeploymentChange::default() };
        self.0.store.update_deployment(&row.id, &change)?;
        self.0.board.emit(&Event::Deployments);
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

/// What is not this desk's is left alone unless somebody asks for it.
fn foreign(target: &str, serves: String, is_named: bool) -> Fault {
    let first = if is_named {
        "Let the desk that deployed it roll it back or take it down"
    } else {
        "Where other desks deploy to this target, ask them first"
    };
    Fault::new(FaultKind::Policy, serves)
        .hint(first)
        .hint(format!("To replace it: modeldesk deploy MODEL@VERSION --to {target} --replace-other"))
        .hint(format!("To take it down all the same: modeldesk undeploy {target} --replace-other"))
}

/// A version that is live without a note that names its desk.
pub(crate) fn unsigned(version: &str) -> String {
    format!("version {} is live, and {NOBODY_SAYS}", &version[..version.len().min(12)])
}
