//! Taking a deployment down: its server is drained and stopped, and the journal says so.

use desk_core::{Cancel, Digest, Fault, Progress, ProgressSink};

use crate::error::{DeployError, Result};
use crate::fence::Fenced;
use crate::journal::{Journal, JournalEntry};
use crate::layout;
use crate::lock::Hold;
use crate::remote::{Connector, Remote};
use crate::rollout::{
    Event, Outcome, Permissions, Plan, Replay, State, audibly, refuse_lost, refuse_other, refuse_other_port,
};
use crate::serve::{ServeStatus, Server};

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
    let mut stop = Stop::of(journal)?;
    if stop.replay.state == State::Stopped {
        return Ok(stop.replay.outcome());
    }
    cancel.check()?;
    // What was allowed to the rollout is not allowed to its end.
    let plan = Plan { permissions: Permissions::default(), ..stop.replay.plan.clone() };
    let hold = Hold::of(&plan);
    let remote = Fenced::new(connector.connect()?, hold.clone());
    let remote: &dyn Remote = &remote;
    let locked = lock_unless_full(remote, &hold, cancel)?;
    let stands = refuse_foreign(remote, &plan, connector.serve_port());
    if let Err(error) = stands {
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
            Ok(Outcome { found_stopped: matches!(stands, Ok(false)), ..stop.replay.outcome() })
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

/// What another desk made live, and this one is to take down all the same.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// The target's name.
    pub target: String,
    /// Which desk takes it down, for people.
    pub by: String,
    /// What was found there: whatever has taken its place since stays.
    pub found: Found,
}

/// What is to be taken down though it is not this desk's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A version that is live.
    Version(Digest),
    /// The process of a server that cannot be asked any more.
    Lost(u32),
}

/// Stops the server of a version that this desk has no deployment of; its files stay on the target.
///
/// # Errors
///
/// As those of [`run`], and when something else is live there by now.
pub fn take_down(
    foreign: &Foreign,
    connector: &dyn Connector,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<(), Fault> {
    cancel.check()?;
    let hold = Hold::new(&uuid::Uuid::now_v7().to_string(), &foreign.by, &foreign.target);
    let remote = Fenced::new(connector.connect()?, hold.clone());
    let locked = lock_unless_full(&remote, &hold, cancel)?;
    let report = || progress.report(Progress::new("Stopping the server", 0, None, "servers"));
    let stopped = is_still(&remote, foreign, connector.serve_port())
        .and_then(|()| hold.keep(connector, || audibly(report, || stop_server(&remote, cancel))));
    let asleep = stopped.as_ref().is_err_and(DeployError::is_transport);
    if locked == Locked::Yes && !asleep {
        hold.release(&remote)?;
    }
    stopped.map_err(|error| Fault::from(error).context(format!("taking down what {} serves", foreign.target)))
}

fn is_still(remote: &dyn Remote, foreign: &Foreign, port: u16) -> Result<()> {
    let status = Server(remote).status()?;
    refuse_other_port(&foreign.target, status.as_ref(), port)?;
    let short = |version: &str| format!("version {}", &version[..version.len().min(12)]);
    let found = match foreign.found {
        Found::Version(version) => {
            let found = live_or_current(remote, status.as_ref())?;
            if found == Some(version.hex()) {
                return Ok(());
            }
            found.map_or_else(|| "nothing".to_owned(), |found| short(&found))
        }
        Found::Lost(pid) => {
            let lost = if status.is_none() { Server(remote).orphan()? } else { None };
            if lost == Some(pid) {
                return Ok(());
            }
            status.as_ref().and_then(ServeStatus::live_version).map_or_else(|| "nothing".to_owned(), short)
        }
    };
    Err(DeployError::Refused {
        problem: format!("{} serves {found} by now", remote.address()),
        hints: vec![format!("See what it serves, and who made that live: modeldesk target check {}", foreign.target)],
    })
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

/// Takes back that a version was noted as stopped, as it is found to serve.
pub fn found_live(journal: &mut dyn Journal) -> Result<(), Fault> {
    let mut stop = Stop::of(journal)?;
    if stop.replay.state == State::Stopped { stop.record(Event::FoundLive) } else { Ok(()) }
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

/// What is live there is this version, or nothing that anybody else would miss; false when nothing is.
fn refuse_foreign(remote: &dyn Remote, plan: &Plan, port: u16) -> Result<bool> {
    let status = Server(remote).status()?;
    refuse_other_port(&plan.target, status.as_ref(), port)?;
    let lost = if status.is_none() { Server(remote).orphan()? } else { None };
    if let Some(pid) = lost {
        refuse_lost(remote, plan, pid)?;
    }
    let found = live_or_current(remote, status.as_ref())?;
    if let Some(found) = &found {
        refuse_other(remote, plan, plan.digest, Some(found))?;
    }
    Ok(status.is_some() || lost.is_some() || found.is_some())
}

fn live_or_current(remote: &dyn Remote, status: Option<&ServeStatus>) -> Result<Option<String>> {
    let live = status.and_then(|status| status.live_version().map(str::to_owned));
    let current = remote.read_link(layout::CURRENT)?.as_deref().and_then(layout::version_of_link);
    Ok(live.or(current))
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
