//! What is deployed where: lists, names, and the way back.

use std::collections::BTreeMap;

use desk_core::state::DeploymentState;
use desk_core::words::quoted;
use desk_core::{Fault, FaultKind, ModelName};
use desk_deploy::rollout;
use desk_store::{DeploymentFilter, DeploymentRow};

use crate::Desk;
use crate::deploy::{Intent, entries};
use crate::outcome::{FarSide, StepView};
use crate::query::DeploymentItem;
use crate::targets::target_config;

/// What keeps a deployment from being what its row says.
#[derive(Default)]
struct Doubts {
    /// Since when it is not known what a target serves of a model.
    unknown: BTreeMap<(String, ModelName), String>,
    /// Since when what is live on a target has not answered.
    silent: BTreeMap<String, String>,
}

impl Desk {
    /// The live deployment that a text names: its id, a target, or TARGET/MODEL.
    pub(crate) fn find_live(&self, text: &str) -> Result<DeploymentRow, Fault> {
        let filter = DeploymentFilter { state: Some(DeploymentState::Live), ..DeploymentFilter::default() };
        let live = self.0.store.list_deployments(&filter, u32::MAX)?;
        if let Some(row) = live.iter().find(|row| is_named(row, text)) {
            return Ok(row.clone());
        }
        // The id of an older deployment means its target and model.
        if let Ok(old) = self.0.store.get_deployment(text)
            && let Some(row) = live.iter().find(|row| row.target == old.target && row.model == old.model)
        {
            return Ok(row.clone());
        }
        if let Some(replaced) = self.replaced(text)? {
            return Err(replaced);
        }
        if let Some(nothing) = self.serves_nothing(text, &live)? {
            return Err(nothing);
        }
        if let Some(place) = self.place_named(text)?
            && let Some(doing) = self.under_way(&place)?
        {
            return Err(Fault::new(FaultKind::Target, format!("what {place} serves is open: {doing}"))
                .hint(format!("See it through, or whether it has ended: modeldesk target check {place}")));
        }
        let serve: Vec<String> =
            live.iter().map(|row| format!("{} ({}@{})", row.target, row.model, row.number)).collect();
        let fault = Fault::input(format!("nothing is live under the name {text}", text = quoted(&text)))
            .hint("See modeldesk list deployments; write a deployment's id, a target's name or TARGET/MODEL");
        Err(if serve.is_empty() { fault } else { fault.detail(format!("live: {}", serve.join(", "))) })
    }

    /// A text that names a target of this desk on which nothing is live.
    fn serves_nothing(&self, text: &str, live: &[DeploymentRow]) -> Result<Option<Fault>, Fault> {
        let name = text.split_once('/').map_or(text, |(target, _)| target);
        let known = self.0.store.list_targets()?.iter().any(|target| target.name == name);
        if !known || live.iter().any(|row| row.target == name) {
            return Ok(None);
        }
        let filter = DeploymentFilter { target: Some(name.to_owned()), ..DeploymentFilter::default() };
        let mut rows = self.0.store.list_deployments(&filter, u32::MAX)?;
        if rows.iter().any(|row| is_open(row.state)) || self.other_on(name)?.is_some() {
            // What serves there is open, or somebody else's.
            return Ok(None);
        }
        rows.retain(was_live);
        let last = rows.iter().max_by_key(|row| row.seq);
        let what = last.map_or_else(|| "MODEL@VERSION".to_owned(), |row| format!("{}@{}", row.model, row.number));
        let again = if last.is_some() { "Deploy again what it served last" } else { "Deploy to it first" };
        Ok(Some(
            Fault::input(format!("{name} serves nothing"))
                .hint(format!("{again}: modeldesk deploy {what} --to {name}")),
        ))
    }

    /// Another desk has taken the place of what this one made live last under this name: nothing to act on.
    pub(crate) fn replaced(&self, text: &str) -> Result<Option<Fault>, Fault> {
        let mut rows = self.0.store.list_deployments(&DeploymentFilter::default(), u32::MAX)?;
        // What became live after the others, and is being stopped or was interrupted, is not replaced.
        let named_open = rows.iter().find(|row| is_open(row.state) && is_named(row, text)).map(|row| row.seq);
        rows.retain(was_live);
        let Some(named) = rows.iter().find(|row| is_named(row, text)) else { return Ok(None) };
        if named_open.is_some_and(|open| rows.iter().all(|row| row.target != named.target || row.seq < open)) {
            return Ok(None);
        }
        let same = rows.iter().filter(|row| row.target == named.target && row.model == named.model);
        // What this desk replaces itself is followed by what it was replaced with.
        let last = same.max_by_key(|row| row.revision).filter(|row| row.state == DeploymentState::Superseded);
        Ok(last.map(|row| {
            let (target, version) = (&row.target, format!("{}@{}", row.model, row.number));
            Fault::new(
                FaultKind::Policy,
                format!("another desk has replaced {version} on {target}, so nothing of this desk is live there"),
            )
            .hint(format!("See what serves, and who deployed it: modeldesk target check {target}"))
            .hint(format!("To replace it: modeldesk deploy {}@VERSION --to {target} --replace-other", row.model))
            .hint(format!("To take it down all the same: modeldesk undeploy {target} --replace-other"))
        }))
    }

    /// Where a rollback of what is live leads, and where one forward again.
    fn ways(&self, live: &DeploymentRow) -> Result<(Ways, Vec<u32>), Fault> {
        let filter = DeploymentFilter {
            target: Some(live.target.clone()),
            model: Some(live.model.clone()),
            ..DeploymentFilter::default()
        };
        let mut rows = self.0.store.list_deployments(&filter, u32::MAX)?;
        rows.retain(was_live);
        rows.sort_by_key(|row| row.revision);
        let steps: Vec<(u32, bool)> = rows
            .iter()
            // What came later than what is live again is not on the way to it.
            .filter(|row| row.revision <= live.revision)
            .map(|row| (row.number, action(row) == "rollback"))
            .collect();
        let mut others: Vec<u32> = rows.iter().map(|row| row.number).filter(|other| *other != live.number).collect();
        others.sort_unstable();
        others.dedup();
        Ok((Ways::of(&steps), others))
    }

    /// The version that was live before this one, further back in history with each rollback: going back
    /// twice does not go forward again.
    pub(crate) fn former(&self, live: &DeploymentRow) -> Result<u32, Fault> {
        let (ways, others) = self.ways(live)?;
        if let Some(number) = ways.back() {
            return Ok(number);
        }
        let (model, number, target) = (&live.model, live.number, &live.target);
        let fault = Fault::input(format!(
            "{model}@{number} is the first version that was live on {target}, so there is nothing to go back to"
        ));
        Err(match ways.forward() {
            Some(newest) => {
                let names: Vec<String> = others.iter().map(|other| format!("{model}@{other}")).collect();
                fault
                    .detail(format!("rolled back from: {}", names.join(", ")))
                    .hint(format!("To go forward again: modeldesk rollback {target} --to {newest}"))
            }
            None => {
                fault.hint(format!("Deploy the version that you want: modeldesk deploy {model}@VERSION --to {target}"))
            }
        })
    }

    /// Deployments, newest first: of one model, or of all.
    pub fn deployments(&self, model: Option<&ModelName>) -> Result<Vec<DeploymentItem>, Fault> {
        let filter = DeploymentFilter { model: model.cloned(), ..DeploymentFilter::default() };
        let rows = self.0.store.list_deployments(&filter, 500)?;
        if let Some(model) = model.filter(|_| rows.is_empty()) {
            self.0.store.get_model(model)?;
        }
        let doubts = self.doubts()?;
        rows.iter().map(|row| self.deployment_item(row, &doubts)).collect()
    }

    /// One deployment.
    pub fn deployment(&self, id: &str) -> Result<DeploymentItem, Fault> {
        self.deployment_item(&self.0.store.get_deployment(id)?, &self.doubts()?)
    }

    /// Rollouts that were interrupted leave it open what serves, and a check may have found that nothing does.
    fn doubts(&self) -> Result<Doubts, Fault> {
        let mut doubts = Doubts::default();
        for row in self.0.store.open_deployments()?.into_iter().filter(|row| self.is_interrupted(row)) {
            let last = entries(&self.0.store, &row.id)?.last().map_or(row.updated_at, |entry| entry.at);
            doubts.unknown.entry((row.target, row.model)).or_insert(last.to_string());
        }
        for target in self.0.store.list_targets()? {
            doubts.silent.extend(self.known_silent(&target.name)?.map(|since| (target.name, since)));
        }
        Ok(doubts)
    }

    /// The machine of a target and the way to it, where it is not this computer.
    fn far_side(&self, target: &str) -> Option<FarSide> {
        let config = target_config(&self.0.store.get_target(target).ok()?).ok()?;
        Some(FarSide { host: config.host()?.to_owned(), tunnel: config.tunnel_command()? })
    }

    fn deployment_item(&self, row: &DeploymentRow, doubts: &Doubts) -> Result<DeploymentItem, Fault> {
        let outcome = rollout::Outcome::from_entries(&entries(&self.0.store, &row.id)?)?;
        let steps = outcome.as_ref().map(|outcome| outcome.steps.as_slice()).unwrap_or_default();
        let was = match &row.was {
            Some(id) => self.0.store.get_deployment(id).ok().map(|former| former.number),
            None => None,
        };
        let is_open = is_open(row.state);
        // The row is written at the end; until then the journal knows more.
        let journal = outcome.as_ref().map(|outcome| outcome.state).filter(|state| is_open && self::is_open(*state));
        let unknown_since = (is_open || row.state == DeploymentState::Live)
            .then(|| doubts.unknown.get(&(row.target.clone(), row.model.clone())).cloned())
            .flatten();
        let is_live = row.state == DeploymentState::Live;
        let ways = if is_live { self.ways(row)?.0 } else { Ways::default() };
        let far = if is_live { self.far_side(&row.target) } else { None };
        let mut item = DeploymentItem {
            id: row.id.clone(),
            target: row.target.clone(),
            model: row.model.clone(),
            version: row.number,
            digest: row.version,
            state: journal.unwrap_or(row.state),
            revision: u64::from(row.revision),
            action: action(row),
            url: row.url.clone(),
            far,
            was,
            rollback_to: ways.back(),
            forward_to: ways.forward(),
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
            unknown_since,
            not_answering_since: if is_live { doubts.silent.get(&row.target).cloned() } else { None },
            ended_at: matches!(row.state, DeploymentState::Stopped | DeploymentState::Superseded)
                .then(|| row.updated_at.to_string()),
            changed_nothing: None,
        };
        item.changed_nothing = item.changed_nothing().map(str::to_owned);
        Ok(item)
    }
}

/// A text names a deployment by its id, its target, or TARGET/MODEL.
pub(crate) fn is_named(row: &DeploymentRow, text: &str) -> bool {
    row.id == text || row.target == text || format!("{}/{}", row.target, row.model) == text
}

/// `deploy` or `rollback`.
fn action(row: &DeploymentRow) -> String {
    serde_json::from_value::<Intent>(row.plan.clone()).map_or_else(|_| "deploy".into(), |intent| intent.action)
}

/// It has served.
pub(crate) fn was_live(row: &DeploymentRow) -> bool {
    matches!(row.state, DeploymentState::Live | DeploymentState::Superseded | DeploymentState::Stopped)
}

pub(crate) fn is_open(state: DeploymentState) -> bool {
    matches!(state, DeploymentState::Planned | DeploymentState::Running | DeploymentState::Failed)
}

/// What became live on a target, as the way that rollbacks lead.
#[derive(Default)]
struct Ways {
    /// The versions that rollbacks lead through, the live one last.
    way: Vec<u32>,
    /// The versions that the last rollbacks left.
    left: Vec<u32>,
}

impl Ways {
    /// `steps` are what became live, oldest first, and whether by a rollback: that takes away everything after the
    /// version it went back to.
    fn of(steps: &[(u32, bool)]) -> Self {
        let mut ways = Self::default();
        for (number, back) in steps {
            match ways.way.iter().rposition(|known| known == number) {
                Some(at) if *back || at + 1 == ways.way.len() => ways.left.extend(ways.way.drain(at + 1..)),
                _ => {
                    ways.way.push(*number);
                    ways.left.clear();
                }
            }
        }
        ways
    }

    fn back(&self) -> Option<u32> {
        self.way.iter().rev().nth(1).copied()
    }

    fn forward(&self) -> Option<u32> {
        let live = self.way.last();
        self.left.iter().filter(|left| Some(*left) != live).max().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rollback_leads_further_back() {
        let way_back = |steps: &[(u32, bool)]| Ways::of(steps).way;
        let deployed = [(1, false), (2, false), (3, false)];
        assert_eq!(way_back(&deployed), [1, 2, 3]);
        assert_eq!(way_back(&[&deployed[..], &[(2, true)]].concat()), [1, 2]);
        assert_eq!(way_back(&[&deployed[..], &[(2, true), (1, true)]].concat()), [1]);
        assert_eq!(way_back(&[&deployed[..], &[(1, true)]].concat()), [1]);
        // Forward again by `--to`, or by a deployment.
        assert_eq!(way_back(&[&deployed[..], &[(1, true), (3, true)]].concat()), [1, 3]);
        assert_eq!(way_back(&[&deployed[..], &[(1, false)]].concat()), [1, 2, 3, 1]);
        // Proving the live version again is no step.
        assert_eq!(way_back(&[(1, false), (2, false), (2, false)]), [1, 2]);
        assert_eq!(way_back(&[]), Vec::<u32>::new());
    }

    #[test]
    fn forward_leads_to_what_the_last_rollbacks_left() {
        let leads = |steps: &[(u32, bool)]| (Ways::of(steps).back(), Ways::of(steps).forward());
        assert_eq!(leads(&[(1, false), (2, false), (2, false)]), (Some(1), None), "2 was taken down between");
        assert_eq!(leads(&[(1, false), (2, false), (1, true)]), (None, Some(2)));
        assert_eq!(leads(&[(1, false), (2, false), (3, false), (2, true)]), (Some(1), Some(3)));
        assert_eq!(leads(&[(1, false), (2, false), (3, false), (2, true), (1, true)]), (None, Some(3)));
        // What was left before another deployment is not forward of that.
        assert_eq!(leads(&[(1, false), (2, false), (1, true), (3, false)]), (Some(1), None));
        assert_eq!(leads(&[]), (None, None));
    }
}
