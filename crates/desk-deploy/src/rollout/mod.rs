//! Rollouts: a journal of steps, each with a do and an undo.
//!
//! Intent is written before a step, its outcome after. [`recover`] replays the journal and is the
//! only way back after a crash: a version that was proven on the main port stays, everything else
//! is undone until the far side is as it was before.

mod machine;
mod plan;
mod proof;
mod standing;
mod steps;
mod undo;
mod upload;

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use desk_core::{Cancel, Fault, Progress, ProgressSink};

use crate::error::{DeployError, Result};
use crate::fence::Fenced;
use crate::journal::{Journal, JournalEntry};
use crate::lock::Hold;
use crate::package::Package;
use crate::remote::{Connector, Remote};

pub use machine::{Event, State, Step, next};
pub(crate) use plan::Replay;
pub use plan::{Before, KEEP_VERSIONS, Outcome, Permissions, Plan, StepReport};
use proof::Expected;
pub use standing::DeployedBy;
pub use standing::NOBODY_SAYS;
pub(crate) use standing::{last_desk_of, lost, refuse_lost, refuse_other, refuse_other_port};
pub(crate) use steps::check_platform;
use undo::Undone;

/// How often a step that waits says so.
const TICK: Duration = Duration::from_millis(250);
/// How many steps there are, for progress.
const STEPS: u64 = Step::ALL.len() as u64;

/// Where the version's files come from.
#[derive(Clone, Copy)]
enum Cargo<'a> {
    /// From this computer.
    Package(&'a Package),
    /// They are on the target already.
    OnTarget,
}

/// Deploys a version: checks, uploads, stages, proves, switches and verifies.
///
/// The journal must be empty. On failure or cancel everything is undone, the former version still
/// serves, and the fault says which step failed, why, and what holds now.
pub fn run(
    plan: &Plan,
    package: &Package,
    connector: &dyn Connector,
    journal: &mut dyn Journal,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Outcome, Fault> {
    package.validate()?;
    if package.digest != plan.digest || package.model != plan.model {
        return Err(DeployError::Package("it is not the version that the plan names".to_owned()).into());
    }
    start(plan, Cargo::Package(package), connector, journal, cancel, progress)
}

/// Goes back (or forward) to a version that is on the target already, with the same proof.
pub(crate) fn run_on_target(
    plan: &Plan,
    connector: &dyn Connector,
    journal: &mut dyn Journal,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Outcome, Fault> {
    start(plan, Cargo::OnTarget, connector, journal, cancel, progress)
}

fn start(
    plan: &Plan,
    cargo: Cargo<'_>,
    connector: &dyn Connector,
    journal: &mut dyn Journal,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Outcome, Fault> {
    if !journal.entries()?.is_empty() {
        return Err(DeployError::Journal("it belongs to another rollout already".to_owned()).into());
    }
    journal.append(&JournalEntry::now(Event::Planned { plan: Box::new(plan.clone()) }))?;
    let mut run = Run::new(Replay::new(plan.clone()), cargo, connector, journal, cancel, progress);
    run.reached = false;
    run.hold.clone().keep(connector, || run.forward())?;
    run.finish()
}

/// Takes up an interrupted rollout and ends it: live and proven, or undone. A journal that has
/// ended gives its outcome again and touches nothing; an empty one gives `None`.
///
/// # Errors
///
/// When the target cannot be reached or does not let itself be undone; calling it again goes on.
pub fn recover(
    connector: &dyn Connector,
    journal: &mut dyn Journal,
    progress: &dyn ProgressSink,
) -> Result<Option<Outcome>, Fault> {
    let Some(replay) = Replay::of(&journal.entries()?)? else { return Ok(None) };
    let never = Cancel::new();
    let mut run = Run::new(replay, Cargo::OnTarget, connector, journal, &never, progress);
    let hold = run.hold.clone();
    if run.replay.before.is_some() {
        hold.resume();
    }
    match run.replay.state {
        State::Ready(Step::Tidy) | State::Doing(Step::Tidy) => run.forward()?,
        State::Ready(_) | State::Doing(_) => {
            let fault = Fault::new(desk_core::FaultKind::Environment, "the rollout was interrupted");
            run.record(Event::Stopped { fault, resumable: true })?;
            hold.keep(connector, || run.backward())?;
        }
        State::Undo(_) | State::Undoing(_) => hold.keep(connector, || run.backward())?,
        State::Stopping => {
            drop(run);
            return crate::undeploy::run(connector, journal, &never, progress).map(Some);
        }
        State::New | State::Live | State::Undone | State::Abandoned | State::Stopped => {}
    }
    if let State::Undo(_) | State::Undoing(_) = run.replay.state {
        return Err(run.explain());
    }
    Ok(Some(run.outcome()))
}

/// Gives up undoing: for a target that cannot be brought back to how it was, so that another
/// rollout can begin from how it is. Says what is left there.
///
/// # Errors
///
/// When the target cannot be reached, or the journal is not one of a rollout that is being undone.
pub fn abandon(connector: &dyn Connector, journal: &mut dyn Journal, why: Fault) -> Result<Option<Outcome>, Fault> {
    let Some(mut replay) = Replay::of(&journal.entries()?)? else { return Ok(None) };
    if !matches!(replay.state, State::Undo(_) | State::Undoing(_)) {
        return Err(DeployError::Journal("only undoing can be given up".to_owned()).into());
    }
    let hold = Hold::of(&replay.plan);
    let remote = Fenced::new(connector.connect()?, hold.clone());
    if hold.is_mine(&remote)? {
        hold.resume();
        // What was staged for a rollout that nobody ends would only take memory.
        if let Err(error) = undo::unstage(&remote) {
            tracing::warn!(%error, "what was staged may still be there");
        }
        hold.release(&remote)?;
    }
    let entry = JournalEntry::now(Event::Abandoned { fault: why });
    journal.append(&entry)?;
    replay.apply(&entry.event)?;
    Ok(Some(replay.outcome()))
}

/// Does what waits long for the far side, and reports all the while.
pub(crate) fn audibly<T>(report: impl Fn() + Send, work: impl FnOnce() -> T) -> T {
    report();
    std::thread::scope(|scope| {
        let (done, over) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            while over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                report();
            }
        });
        let worked = work();
        drop(done);
        worked
    })
}

/// A rollout under way.
struct Run<'a> {
    replay: Replay,
    cargo: Cargo<'a>,
    connector: &'a dyn Connector,
    remote: Option<Fenced>,
    hold: Hold,
    journal: &'a mut dyn Journal,
    cancel: &'a Cancel,
    progress: &'a dyn ProgressSink,
    expected: Option<Expected>,
    staged_url: Option<String>,
    undo_fault: Option<Fault>,
    /// The target was reached, in this run or in the one that is taken up: there may be something to undo.
    reached: bool,
}

/// What a step that was done says.
#[derive(Default)]
struct StepDone {
    before: Option<Before>,
    parity: Option<desk_core::Parity>,
    note: Option<String>,
}

impl StepDone {
    fn note(text: impl Into<String>) -> Self {
        Self { note: Some(text.into()), ..Self::default() }
    }
}

impl<'a> Run<'a> {
    fn new(
        replay: Replay,
        cargo: Cargo<'a>,
        connector: &'a dyn Connector,
        journal: &'a mut dyn Journal,
        cancel: &'a Cancel,
        progress: &'a dyn ProgressSink,
    ) -> Self {
        let expected = match cargo {
            Cargo::Package(package) => Some(Expected::of(package)),
            Cargo::OnTarget => None,
        };
        let (remote, staged_url, undo_fault, reached) = (None, None, None, true);
        let hold = Hold::of(&replay.plan);
        Self {
            replay,
            cargo,
            connector,
            remote,
            hold,
            journal,
            cancel,
            progress,
            expected,
            staged_url,
            undo_fault,
            reached,
        }
    }

    fn plan(&self) -> &Plan {
        &self.replay.plan
    }

    /// Writes an event durably, then takes it in.
    fn record(&mut self, event: Event) -> Result<()> {
        let entry = JournalEntry::now(event);
        self.journal.append(&entry).map_err(DeployError::Caller)?;
        self.replay.apply(&entry.event)
    }

    /// The connection, made anew when it broke.
    fn connect(&mut self) -> Result<()> {
        if self.remote.as_ref().is_none_or(|remote| !remote.is_alive()) {
            self.remote = None;
            let connected = self.connector.connect();
            self.remote = Some(Fenced::new(connected.map_err(DeployError::Caller)?, self.hold.clone()));
            self.reached = true;
        }
        Ok(())
    }

    fn remote(&self) -> Result<&dyn Remote> {
        let remote = self.remote.as_ref().map(|remote| remote as &dyn Remote);
        remote.ok_or_else(|| DeployError::Journal("a step ran without a connection".to_owned()))
    }

    /// Does steps until the version is live or one fails; then undoes.
    fn forward(&mut self) -> Result<()> {
        loop {
            let step = match self.replay.state {
                State::Ready(step) | State::Doing(step) => step,
                State::Undo(_) | State::Undoing(_) => return self.backward(),
                _ => return Ok(()),
            };
            if step != Step::Tidy && self.cancel.is_cancelled() {
                self.record(Event::Stopped { fault: Fault::cancelled(), resumable: false })?;
                continue;
            }
            self.record(Event::Begin { step })?;
            let from = Instant::now();
            let done = self.attempt_audibly(step);
            let seconds = from.elapsed().as_secs_f64();
            tracing::debug!(step = step.title(), seconds, ok = done.is_ok(), "rollout step");
            self.record(match done {
                Ok(StepDone { before, parity, note }) => Event::Done { step, seconds, before, parity, note },
                Err(error) => Event::Failed { step, seconds, resumable: error.is_transport(), fault: error.into() },
            })?;
        }
    }

    /// Does a step. One that waits long for the far side is reported all the while: a desk in another
    /// process hears of a cancel only when it reports.
    fn attempt_audibly(&mut self, step: Step) -> Result<StepDone> {
        let progress = self.progress;
        let report = move || progress.report(Progress::new(step.title(), step as u64, Some(STEPS), "steps"));
        if matches!(step, Step::Start | Step::Stage | Step::Health | Step::Prove) {
            return audibly(report, || self.attempt(step));
        }
        report();
        self.attempt(step)
    }

    /// Does a step on a living connection. An upload that breaks goes on over a new one, twice.
    fn attempt(&mut self, step: Step) -> Result<StepDone> {
        let mut tries = if step == Step::Upload { 3 } else { 1 };
        loop {
            tries -= 1;
            match self.connect().and_then(|()| self.still_mine(step)).and_then(|()| self.perform(step)) {
                Err(error) if error.is_transport() && tries > 0 => {
                    tracing::warn!(%error, "the upload broke and goes on over a new connection");
                    self.remote = None;
                }
                done => return done,
            }
        }
    }

    /// Waiting for what another desk has ended would be in vain. What is only to be tidied stays live either way.
    fn still_mine(&self, step: Step) -> Result<()> {
        if step == Step::Tidy { Ok(()) } else { self.hold.check(self.remote()?) }
    }

    /// Undoes steps until nothing is left to undo, or one cannot be undone now; goes on forward when the
    /// version has to stay.
    fn backward(&mut self) -> Result<()> {
        while let State::Undo(step) | State::Undoing(step) = self.replay.state {
            self.progress.report(Progress::new(format!("Undo: {}", step.title()), step as u64, None, "steps"));
            if let Some(overtaken) = self.overtaken() {
                // What stands there is somebody else's: undoing would change that.
                return self.record(Event::Abandoned { fault: overtaken.into() });
            }
            self.record(Event::UndoBegin { step })?;
            let undone = if self.reached { self.connect().and_then(|()| self.undo(step)) } else { Ok(Undone::Done) };
            // One more connection: undoing must not depend on the one that made the step fail.
            let undone = match undone {
                Err(error) if error.is_transport() => {
                    self.remote = None;
                    self.connect().and_then(|()| self.undo(step))
                }
                undone => undone,
            };
            match undone {
                Ok(Undone::Done) => self.record(Event::UndoDone { step })?,
                Ok(Undone::Kept { parity, fault }) => {
                    self.record(Event::Kept { parity, fault })?;
                    return self.forward();
                }
                Err(error @ DeployError::Overtaken { .. }) => {
                    return self.record(Event::Abandoned { fault: error.into() });
                }
                Err(error) => {
                    let fault = Fault::from(error);
                    self.undo_fault = Some(fault.clone());
                    return self.record(Event::UndoFailed { step, fault });
                }
            }
        }
        Ok(())
    }

    /// Another desk has taken over since the check was done. The last step to be undone gives the lock back itself,
    /// and whether it had done so may not be in the journal.
    fn overtaken(&mut self) -> Option<DeployError> {
        let last = matches!(self.replay.state, State::Undo(Step::Check) | State::Undoing(Step::Check));
        if !self.reached || self.replay.before.is_none() || last {
            return None;
        }
        let held = self.connect().and_then(|()| self.hold.check(self.remote()?));
        // A target that cannot be asked now is asked again before anything is undone.
        held.err().filter(|error| matches!(error, DeployError::Overtaken { .. }))
    }

    fn outcome(&self) -> Outcome {
        let mut outcome = self.replay.outcome();
        outcome.url = Some(format!("http://127.0.0.1:{}/v2/models/{}", self.connector.serve_port(), self.plan().model));
        outcome.tunnel = self.connector.tunnel_command();
        outcome
    }

    fn finish(self) -> Result<Outcome, Fault> {
        if self.replay.state == State::Live { Ok(self.outcome()) } else { Err(self.explain()) }
    }

    /// Which step, why, what holds now, what to do.
    fn explain(&self) -> Fault {
        let failed = self.replay.steps.iter().find(|s| s.state == desk_core::state::StepState::Failed);
        let mut fault = self.replay.fault.clone().unwrap_or_else(Fault::cancelled);
        let what = format!("{} not deployed to {}", self.plan().name_of(&self.plan().digest.hex()), self.plan().target);
        let holds = self.what_holds();
        fault.message = match failed {
            Some(step) if !fault.is_cancelled() => {
                format!("{what}; step `{}` failed: {}; {holds}", step.title, fault.message)
            }
            _ => format!("{what}: {}; {holds}", fault.message),
        };
        if let Some(undo) = &self.undo_fault {
            // Not done with: cancelled or not, somebody has to look at the target.
            fault.kind = undo.kind;
            fault.details.push(format!("undoing failed: {}", undo.message));
            let hint = "Undoing goes on the next time the desk is opened and the target can be reached";
            fault.hints.insert(0, hint.to_owned());
        }
        fault
    }

    fn what_holds(&self) -> String {
        let orphan = self.replay.before.as_ref().and_then(|before| before.orphan);
        if let (State::Undone, Some(pid)) = (self.replay.state, orphan) {
            let ended = self.replay.steps[Step::Start as usize].state != desk_core::state::StepState::Pending;
            return match (ended, self.replay.before.as_ref().and_then(Before::former)) {
                (false, _) => format!("the server that cannot be asked still serves (process {pid})"),
                (true, Some(former)) => format!("{} serves again", self.plan().name_of(former)),
                (true, None) => "the server that could not be asked was ended, and nothing serves now".to_owned(),
            };
        }
        let former = self.replay.before.as_ref().and_then(Before::former).map(|hex| self.plan().name_of(hex));
        let running = self.replay.before.as_ref().is_some_and(|before| before.running);
        match (self.replay.state, &self.replay.before, former) {
            (State::Undone, Some(_), Some(name)) if running => format!("{name} is still serving"),
            (State::Undone, Some(_), Some(name)) => {
                format!("no server was running, as before; {name} is the current one")
            }
            (State::Undone, Some(_), None) => "nothing was serving before, and nothing is now".to_owned(),
            (State::Undone, None, _) => "nothing was changed on the target".to_owned(),
            (State::Abandoned, ..) => "nothing more was done there".to_owned(),
            (_, _, Some(name)) => format!("{name} was serving before, and undoing is not finished"),
            (_, _, None) => "undoing is not finished".to_owned(),
        }
    }
}
