//! Taking a deployment down.

use std::time::Instant;

use desk_core::state::DeploymentState;
use desk_core::words::quoted;
use desk_core::{Cancel, Fault, FaultKind, ProgressSink};
use desk_deploy::undeploy::{self, Found};
use desk_store::{DeploymentChange, DeploymentFilter, DeploymentRow};

use crate::Desk;
use crate::command::Undeploy;
use crate::deploy::{LEASE_SECS, StoreJournal, busy};
use crate::deployments::{is_named, is_open};
use crate::outcome::{Deployed, Outcome};
use crate::query::Event;

/// What a target's server is after it was taken down.
pub(crate) const STOPPED: &str = "stopped: nothing serves";

impl Desk {
    /// Drains and stops the server of a live deployment. One that was stopped already is left alone; a cancel
    /// ends the wait for the server.
    pub(crate) fn undeploy(
        &self,
        command: &Undeploy,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let text = &command.deployment;
        if command.replace_other
            && let Some(stopped) = self.take_down_other(text, cancel, progress)?
        {
            return Ok(stopped);
        }
        self.refuse_former(text)?;
        let mut already = false;
        let found = if command.gone { self.find_live(text) } else { self.find_live_asking(text) };
        let target = match found {
            Ok(row) => row.target,
            // Another desk's.
            Err(fault) if fault.kind == FaultKind::Policy => return Err(fault),
            // Stopped already, or interrupted on the way there.
            Err(fault) => match self.newest(text, |state| is_open(state) || state == DeploymentState::Stopped)? {
                Some(row) => {
                    already = row.state == DeploymentState::Stopped;
                    row.target
                }
                None => return Err(fault),
            },
        };
        let working = self.begin_work(&target)?;
        if command.gone {
            self.close_open(&target)?;
        } else {
            self.recover_target(&target, progress)?;
        }
        // What was taken up just now may have been undone, and another desk's be live again.
        let found = if command.gone { self.find_live(text) } else { self.find_live_asking(text) };
        if let Err(fault) = &found
            && fault.kind == FaultKind::Policy
        {
            return Err(fault.clone());
        }
        let Ok(row) = found else {
            let stopped = self.newest(text, |state| state == DeploymentState::Stopped)?;
            let row = stopped.ok_or_else(|| {
                Fault::input(format!("nothing is live on {target} any more"))
                    .hint("An interrupted rollout was undone just now; see modeldesk list deployments")
            })?;
            return Ok(stopped_answer(&row, already, began));
        };
        if !self.0.store.claim_deployment(&row.id, self.0.store.owner(), LEASE_SECS)? {
            return Err(busy(&self.0.store.get_deployment(&row.id)?));
        }
        let stopped = self.stop(&row, command, cancel, progress);
        self.0.store.release_deployment(&row.id, self.0.store.owner())?;
        if self.is_another_of_ours(text, &row, stopped.as_ref().err()) {
            drop(working);
            return self.undeploy(command, cancel, progress);
        }
        self.0.board.emit(&Event::Deployments);
        already |= stopped?;
        if command.gone {
            self.note_gone(&row.target)?;
        } else {
            self.note_worked(&row.target, STOPPED)?;
        }
        Ok(stopped_answer(&self.0.store.get_deployment(&row.id)?, already, began))
    }

    /// It was refused because of what stands there, and that turned out to be what this desk itself made live before.
    pub(crate) fn is_another_of_ours(&self, text: &str, row: &DeploymentRow, refused: Option<&Fault>) -> bool {
        refused.is_some_and(|fault| fault.kind == FaultKind::Policy)
            && self.find_live(text).is_ok_and(|now| now.seq < row.seq)
    }

    /// The id of a deployment that is not live any more does not mean what has taken its place.
    fn refuse_former(&self, text: &str) -> Result<(), Fault> {
        let Ok(row) = self.0.store.get_deployment(text) else { return Ok(()) };
        let live = self.live_on(&row.target)?;
        match live.iter().find(|live| live.id != row.id) {
            Some(live) if row.state == DeploymentState::Superseded => {
                let (version, target) = (format!("{}@{}", row.model, row.number), &row.target);
                let problem = format!("{version} is not live on {target} any more: {}@{} is", live.model, live.number);
                Err(Fault::input(problem).hint(format!("To take that down: modeldesk undeploy {target}")))
            }
            _ => Ok(()),
        }
    }

    /// Takes down what another desk made live on the target that a text names, or a server of which nothing says whose
    /// it is; `None` where nothing of another desk is live there.
    fn take_down_other(
        &self,
        text: &str,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Option<Outcome>, Fault> {
        let began = Instant::now();
        let Some(target) = self.place_named(text)? else { return Ok(None) };
        let _working = self.begin_work(&target)?;
        self.recover_target(&target, progress)?;
        let (connector, _) = self.connector(&self.0.store.get_target(&target)?)?;
        let standing = desk_deploy::standing(&connector)?;
        self.note_standing(&target, &standing)?;
        let lost = standing.lost.as_ref().filter(|lost| lost.by.is_none() || standing.current.is_none());
        let current = standing.current.as_deref().filter(|current| !self.is_ours(&target, current, &standing));
        let found = match (lost, current) {
            (Some(lost), _) if !self.is_by_me(lost.by.as_deref()) => Found::Lost(lost.pid),
            (_, Some(current)) => Found::Version(
                current.parse().map_err(|_other| Fault::input(format!("{target} serves no version: {current}")))?,
            ),
            _ => return Ok(None),
        };
        self.refuse_other_model(text, &target, standing.model.as_deref())?;
        let foreign = undeploy::Foreign { target: target.clone(), by: self.name(), found };
        let stopped = undeploy::take_down(&foreign, &connector, cancel, progress);
        if stopped.is_err() {
            self.look_at(&target);
        }
        stopped?;
        self.note_none(&target)?;
        self.note_worked(&target, STOPPED)?;
        let digest = if let Found::Version(digest) = found { Some(digest) } else { None };
        let (who, model) = (standing.deployed_by, standing.model);
        let version = match (&who, digest, &lost) {
            (Some(who), ..) => who.name.clone(),
            (None, Some(digest), _) => format!("version {}", digest.short()),
            (None, None, lost) => {
                let how = lost.map_or("that could not be asked", |lost| lost.how.as_str());
                format!("the server {}{how}", model.map(|model| format!("of {model} ")).unwrap_or_default())
            }
        };
        let by = who.map(|who| who.by).or_else(|| lost.and_then(|lost| lost.by.clone()));
        Ok(Some(Outcome::Deploy(Box::new(Deployed {
            deployment: String::new(),
            version,
            target,
            digest,
            state: DeploymentState::Stopped,
            revision: 0,
            url: None,
            far: None,
            example: None,
            already: false,
            made_live_by: Some(by.unwrap_or_else(|| "a desk that nothing there names any more".to_owned())),
            was: None,
            steps: Vec::new(),
            parity: None,
            seconds: began.elapsed().as_secs_f64(),
        }))))
    }

    /// A text that names a model besides the target means that one, and nothing else that serves there.
    fn refuse_other_model(&self, text: &str, target: &str, serves: Option<&str>) -> Result<(), Fault> {
        let named = match text.split_once('/') {
            Some((_, model)) => model.to_owned(),
            None if text == target => return Ok(()),
            None => self.0.store.get_deployment(text)?.model.to_string(),
        };
        let fault = match serves {
            Some(serves) if serves == named => return Ok(()),
            // Nothing says so there any more, and this desk made that one live there.
            None if self.live_on(target)?.iter().any(|live| live.model.as_str() == named) => return Ok(()),
            Some(serves) => Fault::input(format!("{target} serves {serves}, and not {}", quoted(&named))),
            None => Fault::input(format!("which model {target} serves cannot be seen any more")),
        };
        Err(fault.hint(format!("To take down whatever serves there: modeldesk undeploy {target} --replace-other")))
    }

    /// Nothing is live there any more: neither another desk's nor what this one believed to be.
    fn note_none(&self, target: &str) -> Result<(), Fault> {
        self.note_other(target, None)?;
        for row in self.live_on(target)? {
            self.note_down(&row)?;
        }
        self.0.board.emit(&Event::Deployments);
        Ok(())
    }

    /// What somebody has stopped is noted as stopped.
    fn note_down(&self, row: &DeploymentRow) -> Result<(), Fault> {
        undeploy::forget(&mut StoreJournal { desk: self, id: &row.id })?;
        let change = DeploymentChange { state: Some(DeploymentState::Stopped), ..DeploymentChange::default() };
        self.0.store.update_deployment(&row.id, &change)?;
        Ok(())
    }

    /// Stops, with the row saying before and after what the journal says; true when nothing served any more.
    fn stop(
        &self,
        row: &DeploymentRow,
        command: &Undeploy,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<bool, Fault> {
        let state = |state| DeploymentChange { state: Some(state), ..DeploymentChange::default() };
        let mut journal = StoreJournal { desk: self, id: &row.id };
        if command.gone {
            undeploy::forget(&mut journal)?;
            self.0.store.update_deployment(&row.id, &state(DeploymentState::Stopped))?;
            return Ok(false);
        }
        let way = self.way(&self.0.store.get_target(&row.target)?, &row.model)?;
        // Until it has ended it is open, so that it is taken up when this desk dies.
        self.0.store.update_deployment(&row.id, &state(DeploymentState::Running))?;
        let stopped = undeploy::run(&way, &mut journal, cancel, progress);
        let now = match &stopped {
            Ok(outcome) => outcome.state,
            Err(_) => match self.journal_state(row)? {
                // Another desk's, which goes on.
                DeploymentState::Live => row.state,
                state => state,
            },
        };
        self.0.store.update_deployment(&row.id, &state(now))?;
        if stopped.as_ref().is_err_and(|fault| fault.kind == FaultKind::Policy) {
            self.look_at(&row.target);
        }
        stopped.map(|outcome| outcome.found_stopped).map_err(|fault| {
            let gone = format!("If the machine is gone for good: modeldesk undeploy {} --gone", row.target);
            if fault.kind == FaultKind::Target { fault.hint(gone) } else { fault }
        })
    }

    fn journal_state(&self, row: &DeploymentRow) -> Result<DeploymentState, Fault> {
        let entries = crate::deploy::entries(&self.0.store, &row.id)?;
        let outcome = desk_deploy::Outcome::from_entries(&entries)?;
        Ok(outcome.map_or(row.state, |outcome| outcome.state))
    }

    /// Rollouts that nobody will end, because their target is gone.
    fn close_open(&self, target: &str) -> Result<(), Fault> {
        for row in self.0.store.open_deployments()?.into_iter().filter(|row| row.target == target) {
            if !self.0.store.claim_deployment(&row.id, self.0.store.owner(), LEASE_SECS)? {
                return Err(busy(&row));
            }
            // One that was being stopped is stopped; all others came to nothing.
            let mut journal = StoreJournal { desk: self, id: &row.id };
            let state = match undeploy::forget(&mut journal) {
                Ok(outcome) => outcome.state,
                Err(_) => DeploymentState::Undone,
            };
            let change = DeploymentChange { state: Some(state), ..DeploymentChange::default() };
            self.0.store.update_deployment(&row.id, &change)?;
            self.0.store.release_deployment(&row.id, self.0.store.owner())?;
        }
        Ok(())
    }

    /// The newest deployment of this name in such a state.
    fn newest(&self, text: &str, state: impl Fn(DeploymentState) -> bool) -> Result<Option<DeploymentRow>, Fault> {
        let mut rows = self.0.store.list_deployments(&DeploymentFilter::default(), u32::MAX)?;
        rows.retain(|row| is_named(row, text) && state(row.state));
        Ok(rows.into_iter().max_by_key(|row| row.seq))
    }

    /// Before a target is forgotten: what is said to be live there and is not any more, because somebody
    /// has stopped its server, is noted as stopped. Refused while something serves there.
    pub(crate) fn note_stopped(&self, target: &str) -> Result<(), Fault> {
        for row in self.live_on(target)? {
            let _working = self.begin_work(target)?;
            let place = self.0.store.get_target(target)?;
            let serves = |how: &str| {
                Fault::input(format!("{target} serves {}@{}{how}", row.model, row.number))
                    .hint(format!("Take it down first: modeldesk undeploy {target}"))
            };
            if self.is_locked_out(&place) {
                // Nobody is asked for a secret to forget a target.
                return Err(serves(" as far as this desk knows")
                    .hint(format!("If the machine is gone for good: modeldesk undeploy {target} --gone")));
            }
            let way = self.way(&place, &row.model)?;
            let serving = desk_deploy::is_serving(&way).map_err(|fault| {
                fault
                    .context(format!("whether {target} still serves {}@{} cannot be seen", row.model, row.number))
                    .hint(format!("If the machine is gone for good: modeldesk undeploy {target} --gone"))
            })?;
            if serving {
                return Err(serves(""));
            }
            self.note_down(&row)?;
        }
        Ok(())
    }
}

fn stopped_answer(row: &DeploymentRow, already: bool, began: Instant) -> Outcome {
    Outcome::Deploy(Box::new(Deployed {
        deployment: row.id.clone(),
        version: format!("{}@{}", row.model, row.number),
        target: row.target.clone(),
        digest: Some(row.version),
        state: row.state,
        revision: u64::from(row.revision),
        url: None,
        far: None,
        example: None,
        already,
        made_live_by: None,
        was: None,
        steps: Vec::new(),
        parity: None,
        seconds: began.elapsed().as_secs_f64(),
    }))
}
