//! Taking a deployment down: its server is drained and stopped, and the journal says so.

use desk_core::{Cancel, Fault, Progress, ProgressSink};

use crate::error::{DeployError, Result};
use crate::fence::Fenced;
use crate::journal::{Journal, JournalEntry};
use crate::layout;
use crate::lock::Hold;
use crate::remote::{Connector, Remote};
use crate::rollout::{Event, Outcome, Permissions, Plan, Replay, State, audibly, refuse_other};
use crate::serve::Server;

/// Stops the server of a version that is live; its files stay on the target. `journal` is that of
/// the rollout that made it live. One that was stopped already is left alone; one whose stop was
/// interrupted is stopped now. One that another desk has replaced is not this one's to stop.
///
/// # Errors
///
/// When the target cannot be reached, somebody else is changing it, or its server does not stop: then
/// it is still live, unless the connection broke, and calling this again goes on. A cancel ends the wait;
/// a server that was asked to stop does so, and calling this again sees it through.
pub fn run(
    connector: &dyn Connector,
    journal: &mut dyn Journal,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Outcome, Fault> {
    run_allowed(connector, journal, Permissions::default(), cancel, progress)
}

/// As [`run`]; with [`Permissions::replace_other`] what another desk has made live is stopped as well.
///
/// # Errors
///
/// As those of [`run`].
pub fn run_allowed(
    connector: &dyn Connector,
    journal: &mut dyn Journal,
    allowed: Permissions,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Outcome, Fault> {
    let mut stop = Stop::of(journal)?;
    if stop.replay.state == State::Stopped {
        return Ok(stop.replay.outcome());
    }
    cancel.check()?;
    let hold = Hold::of(&stop.replay.plan);
    let remote = Fenced::new(connector.connect()?, hold.clone());
    let remote: &dyn Remote = &remote;
    let locked = lock_unless_full(remote, &hold, cancel)?;
    let ours = if allowed.replace_other { Ok(()) } else { refuse_foreign(remote, &stop.replay.plan) };
    if let Err(error) = ours {
        if locked == Locked::Yes {
            hold.release(remote)?;
        }
        if stop.replay.state == State::Stopping && matches!(error, DeployError::Refused { .. }) {
            // Its stop was interrupted, and what is live now is somebody else's.
            stop.record(Event::StopDone)?;
            return Ok(stop.replay.outcome());
        }
        return Err(error.into());
    }
    if let Err(fault) = stop.record(Event::StopBegin) {
        hold.release(remote)?;
        return Err(fault);
    }
    let does = match locked {
        Locked::Full => format!("Stopping the server without a lock: the disk of {} is full", remote.address()),
        Locked::Yes | Locked::NothingThere => "Stopping the server".to_owned(),
    };
    let report = || progress.report(Progress::new(does.as_str(), 0, None, "servers"));
    match hold.keep(connector, || audibly(report, || stop_server(remote, cancel))) {
        Ok(()) => {
            if locked == Locked::Yes {
                hold.release(remote)?;
            }
            stop.record(Event::StopDone)?;
            Ok(stop.replay.outcome())
        }
        Err(error) if error.is_transport() => {
            let fault = Fault::from(error).context(format!("stopping {}", stop.replay.plan.target));
            Err(fault.hint("Whether it has stopped is not known; do the same again when it can be reached"))
        }
        Err(DeployError::Cancelled) => {
            hold.release(remote)?;
            stop.leave(remote)
        }
        Err(error @ DeployError::Overtaken { .. }) => {
            let fault = Fault::from(error);
            let message = format!("{}; nothing more was done there", fault.message);
            let fault = Fault { message, ..fault };
            stop.record(Event::StopFailed { fault: fault.clone() })?;
            Err(fault)
        }
        Err(error) => {
            hold.release(remote)?;
            let fault = Fault::from(error).context(format!("{} could not be stopped", stop.replay.plan.target));
            stop.record(Event::StopFailed { fault: fault.clone() })?;
            Err(fault)
        }
    }
}

/// Notes that a version is not live any more without asking its target: it is gone for good, or
/// somebody has stopped its server there.
pub fn forget(journal: &mut dyn Journal) -> Result<Outcome, Fault> {
    let mut stop = Stop::of(journal)?;
    if stop.replay.state != State::Stopped {
        stop.record(Event::StopBegin)?;
        stop.record(Event::StopDone)?;
    }
    Ok(stop.replay.outcome())
}

/// Whether other rollouts are kept out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Locked {
    Yes,
    /// Without its folder there is nothing that another rollout could be changing.
    NothingThere,
    /// There is no room for a lock; stopping needs none, and may make some.
    Full,
}

fn lock_unless_full(remote: &dyn Remote, hold: &Hold, cancel: &Cancel) -> Result<Locked> {
    if remote.stat("run")?.is_none() {
        return Ok(Locked::NothingThere);
    }
    match hold.take(remote, cancel) {
        Err(error) if error.is_full() => {
            tracing::warn!("going on without a lock: {error}");
            Ok(Locked::Full)
        }
        taken => taken.map(|_| Locked::Yes),
    }
}

/// What is live there is this version, or nothing that anybody else would miss.
fn refuse_foreign(remote: &dyn Remote, plan: &Plan) -> Result<()> {
    let status = Server(remote).status()?;
    let live = status.as_ref().and_then(|status| status.live_version().map(str::to_owned));
    let current = remote.read_link(layout::CURRENT)?.as_deref().and_then(layout::version_of_link);
    match live.or(current) {
        Some(found) => refuse_other(remote, plan, plan.digest, Some(&found)),
        None => Ok(()),
    }
}

/// Drains and ends; what was live is no longer what a server that is started again serves.
fn stop_server(remote: &dyn Remote, cancel: &Cancel) -> Result<()> {
    Server(remote).stop(cancel)?;
    remote.remove(layout::CURRENT)
}

/// A journal to which the stop is added.
struct Stop<'a> {
    journal: &'a mut dyn Journal,
    replay: Replay,
}

impl<'a> Stop<'a> {
    fn of(journal: &'a mut dyn Journal) -> Result<Self, Fault> {
        let nothing = || DeployError::Journal("nothing was deployed with it".to_owned());
        let replay = Replay::of(&journal.entries()?)?.ok_or_else(nothing)?;
        if matches!(replay.state, State::Live | State::Stopping | State::Stopped) {
            return Ok(Self { journal, replay });
        }
        let what = format!("{} on {}", replay.plan.name_of(&replay.plan.digest.hex()), replay.plan.target);
        Err(Fault::input(format!("{what} is not live")).hint("See what is: modeldesk list deployments"))
    }

    /// Nobody waits for the stop any more: says what the far side does about it.
    fn leave(&mut self, remote: &dyn Remote) -> Result<Outcome, Fault> {
        let target = self.replay.plan.target.clone();
        let cancelled = |what: &str| Fault { message: format!("{target} {what}"), ..Fault::cancelled() };
        match Server(remote).status() {
            Ok(Some(status)) if !status.stopping => {
                let fault = cancelled("was not asked to stop before that was cancelled, and serves");
                self.record(Event::StopFailed { fault: fault.clone() })?;
                Err(fault)
            }
            Ok(None) => {
                remote.remove(layout::CURRENT)?;
                self.record(Event::StopDone)?;
                Ok(self.replay.outcome())
            }
            Ok(Some(_)) => Err(cancelled(
                "stops without being waited for: it takes no new requests, and ends when those in work have ended, within half a minute",
            )
            .hint(format!("See whether it has ended: modeldesk target check {target}"))),
            Err(error) => Err(cancelled(&format!("was asked to stop, and what became of that cannot be seen: {error}"))
                .hint(format!("See whether it has ended: modeldesk target check {target}"))),
        }
    }

    fn record(&mut self, event: Event) -> Result<(), Fault> {
        let entry = JournalEntry::now(event);
        self.journal.append(&entry)?;
        Ok(self.replay.apply(&entry.event)?)
    }
}
