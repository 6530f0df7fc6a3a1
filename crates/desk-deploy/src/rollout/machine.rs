//! The steps of a rollout and the one function that says what may follow what.

use desk_core::Fault;
use desk_core::state::DeploymentState;
use serde::{Deserialize, Serialize};

use super::plan::{Before, Plan};
use desk_core::Parity;

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Look at the target: what serves now, is it free, does the binary fit.
    Check,
    /// Bring what is not there yet, and compare digests.
    Upload,
    /// Start the supervisor where none runs.
    Start,
    /// Start the version beside the live one, on a port of its own.
    Stage,
    /// Wait until it says that it is ready, three times.
    Health,
    /// Replay the golden rows on the staged version.
    Prove,
    /// Let the staged version take over the main port.
    Switch,
    /// Replay the golden rows on the main port.
    Verify,
    /// Remove versions that nobody goes back to.
    Tidy,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 9] = [
        Self::Check,
        Self::Upload,
        Self::Start,
        Self::Stage,
        Self::Health,
        Self::Prove,
        Self::Switch,
        Self::Verify,
        Self::Tidy,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Check => "Check target",
            Self::Upload => "Upload",
            Self::Start => "Start server",
            Self::Stage => "Stage version",
            Self::Health => "Health check",
            Self::Prove => "Prove golden rows",
            Self::Switch => "Switch",
            Self::Verify => "Verify",
            Self::Tidy => "Tidy",
        }
    }

    /// The step after this one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }

    /// The step before this one.
    pub fn previous(self) -> Option<Self> {
        Self::ALL.get((self as usize).checked_sub(1)?).copied()
    }
}

/// What happened, as the journal says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The rollout was asked for.
    Planned {
        /// Everything that undoing it needs, too.
        plan: Box<Plan>,
    },
    /// A step is about to be done.
    Begin {
        /// Which one.
        step: Step,
    },
    /// A step was done.
    Done {
        /// Which one.
        step: Step,
        /// How long it took.
        seconds: f64,
        /// How the far side was before; only of [`Step::Check`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Before>,
        /// The proof; only of [`Step::Prove`] and [`Step::Verify`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parity: Option<Parity>,
        /// One remark for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// A step failed or was cancelled while being done.
    Failed {
        /// Which one.
        step: Step,
        /// How long it took.
        seconds: f64,
        /// Why.
        fault: Fault,
        /// What was uploaded so far stays, so that the next rollout goes on from there.
        #[serde(default)]
        resumable: bool,
    },
    /// Stopped between steps or found interrupted: what was done is to be undone.
    Stopped {
        /// Why.
        fault: Fault,
        /// What was uploaded so far stays, so that the next rollout goes on from there.
        #[serde(default)]
        resumable: bool,
    },
    /// A step is about to be undone.
    UndoBegin {
        /// Which one.
        step: Step,
    },
    /// A step was undone.
    UndoDone {
        /// Which one.
        step: Step,
    },
    /// Undoing a step failed; it may be tried again.
    UndoFailed {
        /// Which one.
        step: Step,
        /// Why.
        fault: Fault,
    },
    /// The switch could not be undone, as the former version cannot serve any more; the new one was
    /// proven on the main port and stays.
    Kept {
        /// The proof.
        parity: Parity,
        /// Why the former version cannot serve.
        fault: Fault,
    },
    /// Undoing was given up, so that another rollout can begin.
    Abandoned {
        /// What is left as it is, and why.
        fault: Fault,
    },
    /// The server of a live version is about to be stopped.
    StopBegin,
    /// It was stopped.
    StopDone,
    /// Its stop was only noted, as its machine seemed to be gone, and it is found to serve.
    FoundLive,
    /// It could not be stopped, and serves.
    StopFailed {
        /// Why.
        fault: Fault,
    },
}

/// Where a rollout stands; the fold of [`next`] over its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The journal is empty.
    New,
    /// This step comes next.
    Ready(Step),
    /// This step's intent is written.
    Doing(Step),
    /// This step is to be undone next.
    Undo(Step),
    /// The intent of undoing this step is written.
    Undoing(Step),
    /// Switched to and proven.
    Live,
    /// Everything was undone.
    Undone,
    /// It was not undone, and nobody tries any more.
    Abandoned,
    /// The intent of stopping its server is written.
    Stopping,
    /// It was live, and its server was stopped.
    Stopped,
}

impl State {
    /// The state of the deployment that this means.
    pub fn deployment(self) -> DeploymentState {
        match self {
            Self::New | Self::Ready(Step::Check) => DeploymentState::Planned,
            Self::Ready(_) | Self::Doing(_) | Self::Stopping => DeploymentState::Running,
            Self::Undo(_) | Self::Undoing(_) => DeploymentState::Failed,
            Self::Live => DeploymentState::Live,
            Self::Undone | Self::Abandoned => DeploymentState::Undone,
            Self::Stopped => DeploymentState::Stopped,
        }
    }

    /// Nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Live | Self::Undone | Self::Abandoned | Self::Stopped)
    }
}

/// The state after an event; `None` when the event cannot happen in that state.
///
/// [`Step::Tidy`] is the exception to "failed means undone": before it the version is live and
/// proven, so that neither its failure nor a crash within it takes that back.
pub fn next(state: State, event: &Event) -> Option<State> {
    use State::{Abandoned, Doing, Live, New, Ready, Stopped, Stopping, Undo, Undoing, Undone};
    Some(match (state, event) {
        (New, Event::Planned { .. }) => Ready(Step::Check),
        (Ready(ready), Event::Begin { step }) if *step == ready => Doing(ready),
        (Doing(Step::Tidy), Event::Begin { step: Step::Tidy }) => Doing(Step::Tidy),
        (Doing(doing), Event::Done { step, .. }) if *step == doing => doing.next().map_or(Live, Ready),
        (Doing(Step::Tidy), Event::Failed { step: Step::Tidy, .. })
        | (Stopping, Event::StopFailed { .. })
        | (Stopped, Event::FoundLive) => Live,
        (Doing(doing), Event::Failed { step, .. }) if *step == doing => Undo(doing),
        (Ready(ready), Event::Stopped { .. }) if ready != Step::Tidy => ready.previous().map_or(Undone, Undo),
        (Doing(doing), Event::Stopped { .. }) if doing != Step::Tidy => Undo(doing),
        (Undo(undo) | Undoing(undo), Event::UndoBegin { step }) if *step == undo => Undoing(undo),
        (Undoing(undo), Event::UndoDone { step }) if *step == undo => undo.previous().map_or(Undone, Undo),
        (Undoing(undo), Event::UndoFailed { step, .. }) if *step == undo => Undo(undo),
        (Undoing(Step::Switch), Event::Kept { .. }) => Ready(Step::Tidy),
        (Undo(_) | Undoing(_), Event::Abandoned { .. }) => Abandoned,
        (Live | Stopping, Event::StopBegin) => Stopping,
        (Stopping, Event::StopDone) => Stopped,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(step: Step) -> Event {
        Event::Begin { step }
    }

    fn done(step: Step) -> Event {
        Event::Done { step, seconds: 0.0, before: None, parity: None, note: None }
    }

    fn failed(step: Step) -> Event {
        Event::Failed { step, seconds: 0.0, fault: Fault::cancelled(), resumable: false }
    }

    fn stopped() -> Event {
        Event::Stopped { fault: Fault::cancelled(), resumable: false }
    }

    #[test]
    fn all_steps_done_is_live() {
        let mut state = State::Ready(Step::Check);
        for step in Step::ALL {
            state = next(state, &begin(step)).expect("may begin");
            state = next(state, &done(step)).expect("may end");
        }
        assert_eq!(state, State::Live);
    }

    #[test]
    fn a_failure_undoes_every_step_down_to_the_first() {
        for failing in Step::ALL.into_iter().filter(|step| *step != Step::Tidy) {
            let mut state = next(State::Doing(failing), &failed(failing)).expect("may fail");
            let mut undone = Vec::new();
            while let State::Undo(step) = state {
                undone.push(step);
                let doing = next(state, &Event::UndoBegin { step }).expect("may begin");
                let again = next(doing, &Event::UndoFailed { step, fault: Fault::cancelled() }).expect("may fail");
                let doing = next(again, &Event::UndoBegin { step }).expect("may begin again");
                state = next(doing, &Event::UndoDone { step }).expect("may end");
            }
            let mut expected: Vec<Step> = Step::ALL.into_iter().filter(|step| *step <= failing).collect();
            expected.reverse();
            assert_eq!((undone, state), (expected, State::Undone));
        }
    }

    #[test]
    fn a_crash_leads_to_undoing_until_the_version_is_proven() {
        assert_eq!(next(State::Ready(Step::Check), &stopped()), Some(State::Undone));
        assert_eq!(next(State::Ready(Step::Verify), &stopped()), Some(State::Undo(Step::Switch)));
        assert_eq!(next(State::Doing(Step::Verify), &stopped()), Some(State::Undo(Step::Verify)));
        assert_eq!(next(State::Ready(Step::Tidy), &stopped()), None);
        assert_eq!(next(State::Doing(Step::Tidy), &stopped()), None);
        assert_eq!(next(State::Doing(Step::Tidy), &begin(Step::Tidy)), Some(State::Doing(Step::Tidy)));
        assert_eq!(next(State::Doing(Step::Tidy), &failed(Step::Tidy)), Some(State::Live));
    }

    #[test]
    fn a_live_version_is_stopped_once() {
        let failed = Event::StopFailed { fault: Fault::cancelled() };
        assert_eq!(next(State::Live, &Event::StopBegin), Some(State::Stopping));
        assert_eq!(next(State::Stopping, &Event::StopBegin), Some(State::Stopping), "after a crash");
        assert_eq!(next(State::Stopping, &failed), Some(State::Live));
        assert_eq!(next(State::Stopping, &Event::StopDone), Some(State::Stopped));
        assert_eq!(next(State::Stopped, &Event::FoundLive), Some(State::Live));
        assert_eq!(next(State::Stopped, &Event::StopBegin), None);
        assert_eq!(next(State::Undone, &Event::StopBegin), None);
    }

    #[test]
    fn a_switch_that_cannot_be_undone_is_kept_or_abandoned() {
        let kept = Event::Kept { parity: no_parity(), fault: Fault::cancelled() };
        let abandoned = Event::Abandoned { fault: Fault::cancelled() };
        assert_eq!(next(State::Undoing(Step::Switch), &kept), Some(State::Ready(Step::Tidy)));
        assert_eq!(next(State::Undoing(Step::Stage), &kept), None);
        assert_eq!(next(State::Undo(Step::Switch), &abandoned), Some(State::Abandoned));
        assert_eq!(next(State::Live, &abandoned), None);
        assert!(State::Abandoned.is_final());
    }

    fn no_parity() -> Parity {
        Parity::compare(&[], &[], desk_core::Tolerance::default())
    }

    #[test]
    fn everything_else_is_illegal() {
        assert_eq!(next(State::Ready(Step::Check), &begin(Step::Upload)), None);
        assert_eq!(next(State::Ready(Step::Check), &done(Step::Check)), None);
        assert_eq!(next(State::Live, &begin(Step::Check)), None);
        assert_eq!(next(State::Undone, &stopped()), None);
        assert_eq!(next(State::New, &begin(Step::Check)), None);
        assert_eq!(next(State::Undo(Step::Stage), &begin(Step::Stage)), None);
    }
}
