//! What a rollout is asked to do and what came of it.

use std::collections::BTreeMap;

use desk_core::state::{DeploymentState, StepState};
use desk_core::{Digest, Fault, ModelName, Parity, Tolerance};
use serde::{Deserialize, Serialize};

use super::machine::{Event, State, Step, next};
use crate::error::{DeployError, Result};
use crate::journal::JournalEntry;

/// How many versions stay on the target, so that a rollback finds them.
pub const KEEP_VERSIONS: usize = 3;

/// What somebody has allowed a rollout to do; nothing of it by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Permissions {
    /// It goes live even where clients of the version that stands there could not use it.
    pub allow_signature_change: bool,
    /// It goes live without a proof where its golden rows cannot be one: random or non-finite answers.
    pub allow_unproven: bool,
    /// It takes the place of what another desk made live.
    pub replace_other: bool,
}

/// A rollout or rollback, as it is written at the head of its journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Names this rollout; the far side is locked with it.
    pub id: String,
    /// The target's name, for messages.
    pub target: String,
    /// The model.
    pub model: ModelName,
    /// The version's number.
    pub number: u32,
    /// The version's identity.
    pub digest: Digest,
    /// Counts deployments of this model on this target, from 1.
    pub revision: u64,
    /// How far the far side's answers may differ from the golden rows.
    pub tolerance: Tolerance,
    /// How many versions stay on the target.
    pub keep: usize,
    /// What it may do beyond what is always allowed.
    #[serde(flatten)]
    pub permissions: Permissions,
    /// Which desk this is, for people; the target keeps it beside what is live.
    #[serde(default)]
    pub by: String,
    /// What the desk believes to be live; where something else is, nothing is done.
    #[serde(default)]
    pub expects: Option<Digest>,
    /// What this desk has made live there, as far as it knows.
    #[serde(default)]
    pub live: Option<Digest>,
    /// Numbers of other versions by their digest, so that messages can name them.
    #[serde(default)]
    pub numbers: BTreeMap<Digest, u32>,
}

impl Plan {
    /// A plan with a new id, the default tolerance and [`KEEP_VERSIONS`].
    pub fn new(target: impl Into<String>, model: ModelName, number: u32, digest: Digest, revision: u64) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            target: target.into(),
            model,
            number,
            digest,
            revision,
            tolerance: Tolerance::default(),
            keep: KEEP_VERSIONS,
            permissions: Permissions::default(),
            by: String::new(),
            expects: None,
            live: None,
            numbers: BTreeMap::new(),
        }
    }

    /// Names the version of a folder name for people: `version 1`, or by its digest.
    pub(crate) fn name_of(&self, hex: &str) -> String {
        let number = hex.parse::<Digest>().ok().and_then(|digest| {
            if digest == self.digest { Some(self.number) } else { self.numbers.get(&digest).copied() }
        });
        number.map_or_else(|| format!("version {}", &hex[..hex.len().min(12)]), |number| format!("version {number}"))
    }
}

/// How the far side was before the rollout changed anything: all that undoing needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the far side")]
pub struct Before {
    /// The supervisor was running.
    pub running: bool,
    /// It ran as a service of systemd.
    #[serde(default)]
    pub service: bool,
    /// The version that served, 64 hexadecimal digits.
    pub live: Option<String>,
    /// It answered; a version that does not load is still the live one.
    #[serde(default = "yes")]
    pub ready: bool,
    /// The process of a server that could not be asked, as its folder was removed under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphan: Option<u32>,
    /// The version that `current` named.
    pub current: Option<String>,
    /// The new version's folder was already there.
    pub version_there: bool,
    /// What `bin/modeldesk-serve` pointed at.
    pub binary: Option<String>,
    /// What `lib/current` pointed at.
    pub runtime: Option<String>,
    /// The text of `serve.json`.
    pub settings: Option<String>,
}

fn yes() -> bool {
    true
}

impl Before {
    /// The version to go back to.
    pub fn former(&self) -> Option<&str> {
        self.live.as_deref().or(self.current.as_deref())
    }
}

/// One step in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Which one.
    pub name: Step,
    /// For people.
    pub title: String,
    /// Where it stands.
    pub state: StepState,
    /// How long it took, 0 while it has not ended.
    pub seconds: f64,
    /// One remark for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What came of a rollout, read from its journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The plan.
    pub plan: Plan,
    /// Where the deployment stands.
    pub state: DeploymentState,
    /// Every step.
    pub steps: Vec<StepReport>,
    /// The last proof.
    pub parity: Option<Parity>,
    /// A stop found that nothing served any more.
    pub found_stopped: bool,
    /// Where the model answers, on the target's loopback address.
    pub url: Option<String>,
    /// A command that makes that address reachable from here, where it is not already.
    pub tunnel: Option<String>,
    /// As in the plan.
    pub revision: u64,
    /// The version that was live before.
    pub was: Option<Digest>,
    /// Why it failed or was stopped.
    pub fault: Option<Fault>,
}

impl Outcome {
    /// Nothing was done on the target but looking at it.
    pub fn never_began(&self) -> bool {
        self.steps.iter().filter(|step| step.name != Step::Check).all(|step| step.state == StepState::Pending)
    }

    /// Reads a journal; `None` when it is empty. Address and tunnel are left open.
    pub fn from_entries(entries: &[JournalEntry]) -> Result<Option<Self>> {
        let Some(replayed) = Replay::of(entries)? else { return Ok(None) };
        Ok(Some(replayed.outcome()))
    }
}

/// A journal, folded.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    pub plan: Plan,
    pub state: State,
    pub before: Option<Before>,
    pub parity: Option<Parity>,
    pub fault: Option<Fault>,
    pub resumable: bool,
    pub steps: Vec<StepReport>,
}

impl Replay {
    pub fn of(entries: &[JournalEntry]) -> Result<Option<Self>> {
        let Some(first) = entries.first() else { return Ok(None) };
        let Event::Planned { plan } = &first.event else {
            return Err(DeployError::Journal("it does not begin with a plan".to_owned()));
        };
        let mut replay = Self::new((**plan).clone());
        for entry in &entries[1..] {
            replay.apply(&entry.event)?;
        }
        Ok(Some(replay))
    }

    /// Right after `Planned`.
    pub fn new(plan: Plan) -> Self {
        let step = |name: Step| StepReport {
            name,
            title: name.title().to_owned(),
            state: StepState::Pending,
            seconds: 0.0,
            note: None,
        };
        Self {
            plan,
            state: State::Ready(Step::Check),
            before: None,
            parity: None,
            fault: None,
            resumable: false,
            steps: Step::ALL.into_iter().map(step).collect(),
        }
    }

    /// Takes in one event, or says that it cannot happen now.
    pub fn apply(&mut self, event: &Event) -> Result<()> {
        let Some(state) = next(self.state, event) else {
            return Err(DeployError::Journal(format!("{event:?} cannot follow {:?}", self.state)));
        };
        self.state = state;
        match event {
            Event::Begin { step } => self.step(*step).state = StepState::Running,
            Event::Done { step, seconds, before, parity, note } => {
                let report = self.step(*step);
                (report.state, report.seconds, report.note) = (StepState::Done, *seconds, note.clone());
                self.before = before.clone().or_else(|| self.before.take());
                self.parity = parity.clone().or_else(|| self.parity.take());
            }
            Event::Failed { step, seconds, fault, resumable } => {
                let report = self.step(*step);
                (report.state, report.seconds) = (StepState::Failed, *seconds);
                report.note = Some(fault.message.clone());
                self.fault = Some(fault.clone());
                self.resumable = *resumable;
            }
            Event::Stopped { fault, resumable } => {
                self.fault = Some(fault.clone());
                self.resumable = *resumable;
            }
            Event::UndoDone { step } => {
                let report = self.step(*step);
                // The step that failed stays marked: it is the one to look at.
                if matches!(report.state, StepState::Done | StepState::Running) {
                    report.state = StepState::Undone;
                }
            }
            Event::Kept { parity, fault } => {
                self.parity = Some(parity.clone());
                let report = self.step(Step::Verify);
                report.state = StepState::Done;
                report.note = Some(format!("it was to be undone and stays: {}", fault.message));
            }
            Event::Abandoned { fault } => self.fault = Some(fault.clone()),
            Event::Planned { .. }
            | Event::UndoBegin { .. }
            | Event::UndoFailed { .. }
            | Event::StopBegin
            | Event::StopDone
            | Event::FoundLive
            | Event::StopFailed { .. } => {}
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> &mut StepReport {
        &mut self.steps[step as usize]
    }

    pub fn outcome(&self) -> Outcome {
        Outcome {
            found_stopped: false,
            plan: self.plan.clone(),
            state: self.state.deployment(),
            steps: self.steps.clone(),
            parity: self.parity.clone(),
            url: None,
            tunnel: None,
            revision: self.plan.revision,
            was: self.before.as_ref().and_then(|before| before.former()?.parse().ok()),
            fault: self.fault.clone(),
        }
    }
}
