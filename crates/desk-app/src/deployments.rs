//! What is deployed where: lists, names, and the way back.

use std::collections::BTreeMap;

use desk_core::state::DeploymentState;
use desk_core::words::quoted;
use desk_core::{Fault, ModelName};
use desk_deploy::rollout;
use desk_store::{DeploymentFilter, DeploymentRow};

use crate::Desk;
use crate::deploy::{Intent, entries};
use crate::outcome::StepView;
use crate::query::DeploymentItem;

/// Since when it is not known what a target serves of a model.
type Unknown = BTreeMap<(String, ModelName), String>;

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
        let serve: Vec<String> =
            live.iter().map(|row| format!("{} ({}@{})", row.target, row.model, row.number)).collect();
        let fault = Fault::input(format!("nothing is live under the name {text}", text = quoted(&text)))
            .hint("See modeldesk list deployments; write a deployment's id, a target's name or TARGET/MODEL");
        Err(if serve.is_empty() { fault } else { fault.detail(format!("live: {}", serve.join(", "))) })
    }

    /// Another desk has taken the place of what this one made live last under this name: nothing to act on.
    pub(crate) fn replaced(&self, text: &str) -> Result<Option<Fault>, Fault> {
        let mut rows = self.0.store.list_deployments(&DeploymentFilter::default(), u32::MAX)?;
        rows.retain(was_live);
        let Some(named) = rows.iter().find(|row| is_named(row, text)) else { return Ok(None) };
        let same = rows.iter().filter(|row| row.target == named.target && row.model == named.model);
        // What this desk replaces itself is followed by what it was replaced with.
        let last = same.max_by_key(|row| row.revision).filter(|row| row.state == DeploymentState::Superseded);
        Ok(last.map(|row| {
            let (target, version) = (&row.target, format!("{}@{}", row.model, row.number));
            Fault::input(format!(
                "another desk has replaced {version} on {target}, so nothing of this desk is live there"
            ))
            .hint(format!("See what serves, and who deployed it: modeldesk target check {target}"))
            .hint(format!("To replace it: modeldesk deploy {}@VERSION --to {target} --replace-other", row.model))
        }))
    }

    /// The version that was live before this one, further back in history with each rollback: going back
    /// twice does not go forward again.
    pub(crate) fn former(&self, live: &DeploymentRow) -> Result<u32, Fault> {
        let filter = DeploymentFilter {
            target: Some(live.target.clone()),
            model: Some(live.model.clone()),
            ..DeploymentFilter::default()
        };
        let mut rows = self.0.store.list_deployments(&filter, u32::MAX)?;
        rows.retain(was_live);
        rows.sort_by_key(|row| row.revision);
        let steps: Vec<(u32, bool)> = rows.iter().map(|row| (row.number, action(row) == "rollback")).collect();
        let way_back = way_back(&steps);
        if let Some(number) = way_back.iter().rev().nth(1) {
            return Ok(*number);
        }
        let (model, number, target) = (&live.model, live.number, &live.target);
        let mut others: Vec<u32> = steps.iter().map(|(other, _)| *other).filter(|other| *other != number).collect();
        others.sort_unstable();
        others.dedup();
        let fault = Fault::input(format!(
            "{model}@{number} is the first version that was live on {target}, so there is nothing to go back to"
        ));
        Err(match others.last() {
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
        let mut rows = self.0.store.list_deployments(&filter, 500)?;
        rows.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| b.id.cmp(&a.id)));
        let unknown = self.unknown()?;
        rows.iter().map(|row| self.deployment_item(row, &unknown)).collect()
    }

    /// One deployment.
    pub fn deployment(&self, id: &str) -> Result<DeploymentItem, Fault> {
        self.deployment_item(&self.0.store.get_deployment(id)?, &self.unknown()?)
    }

    /// Rollouts that were interrupted leave it open what serves.
    fn unknown(&self) -> Result<Unknown, Fault> {
        let mut unknown = Unknown::new();
        for row in self.0.store.open_deployments()?.into_iter().filter(|row| self.is_interrupted(row)) {
            let last = entries(&self.0.store, &row.id)?.last().map_or(row.updated_at, |entry| entry.at);
            unknown.entry((row.target, row.model)).or_insert(last.to_string());
        }
        Ok(unknown)
    }

    fn deployment_item(&self, row: &DeploymentRow, unknown: &Unknown) -> Result<DeploymentItem, Fault> {
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
            .then(|| unknown.get(&(row.target.clone(), row.model.clone())).cloned())
            .flatten();
        Ok(DeploymentItem {
            id: row.id.clone(),
            target: row.target.clone(),
            model: row.model.clone(),
            version: row.number,
            digest: row.version,
            state: journal.unwrap_or(row.state),
            revision: u64::from(row.revision),
            action: action(row),
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
            unknown_since,
        })
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

fn is_open(state: DeploymentState) -> bool {
    matches!(state, DeploymentState::Planned | DeploymentState::Running | DeploymentState::Failed)
}

/// The versions that rollbacks lead through, the live one last. `steps` are what became live, oldest
/// first, and whether by a rollback: that takes away everything after the version it went back to.
fn way_back(steps: &[(u32, bool)]) -> Vec<u32> {
    let mut way: Vec<u32> = Vec::new();
    for (number, back) in steps {
        match way.iter().rposition(|known| known == number) {
            Some(at) if *back || at + 1 == way.len() => way.truncate(at + 1),
            _ => way.push(*number),
        }
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rollback_leads_further_back() {
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
}
