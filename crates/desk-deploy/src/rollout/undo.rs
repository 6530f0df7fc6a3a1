//! What undoing each step does. Every undo looks at the far side first and may be done again:
//! after a crash nobody knows how far the step, or its undo, had come.

use std::time::{Duration, Instant};

use desk_core::{Cancel, Fault, Parity};

use super::proof::Line;
use super::standing::DeployedBy;
use super::steps::read_version;
use super::upload::is_whole;
use super::{Before, Run, Step};
use crate::error::{DeployError, Result};
use crate::layout;
use crate::remote::Remote;
use crate::serve::Server;

/// How long a version that was started again may take until it answers.
const LOAD_PATIENCE: Duration = Duration::from_secs(30);

/// What came of undoing a step.
pub(super) enum Undone {
    /// It is as it was before the step.
    Done,
    /// The former version cannot serve; this one was proven and stays.
    Kept { parity: Parity, fault: Fault },
}

impl Run<'_> {
    pub(super) fn undo(&self, step: Step) -> Result<Undone> {
        let remote = self.remote()?;
        let hex = self.plan().digest.hex();
        match (step, &self.replay.before) {
            (Step::Check, None) => match self.hold.release(remote) {
                // Where the folder is no folder there is no lock of ours, and nothing else to undo.
                Err(error) if !error.is_transport() && !self.hold.is_taken() => {
                    tracing::debug!(%error, "no lock can lie there");
                }
                released => released?,
            },
            // Without a look at how it was, only the check had begun: it changes nothing but the lock.
            (_, None) | (Step::Health | Step::Prove | Step::Verify | Step::Tidy, _) => {}
            (Step::Check, Some(before)) => {
                // Given back before a crash, or another desk's: either way this one is done there.
                if self.hold.is_mine(remote)? {
                    self.confirm(remote, before)?;
                    self.hold.release(remote)?;
                }
            }
            (Step::Upload, Some(before)) => self.undo_upload(remote, before, &hex)?,
            (Step::Start, Some(before)) => undo_start(remote, before)?,
            (Step::Stage, Some(_)) => unstage(remote)?,
            (Step::Switch, Some(before)) => return self.undo_switch(remote, before, &hex),
        }
        Ok(Undone::Done)
    }

    /// Binaries and libraries stay: they lie under their digests and are in nobody's way.
    fn undo_upload(&self, remote: &dyn Remote, before: &Before, hex: &str) -> Result<()> {
        if !before.version_there {
            remote.remove(&layout::version(hex))?;
        }
        if self.replay.resumable { Ok(()) } else { remote.remove(&layout::part(hex)) }
    }

    /// Lets the former version take the main port back, or keeps the new one where that cannot be.
    fn undo_switch(&self, remote: &dyn Remote, before: &Before, hex: &str) -> Result<Undone> {
        if before.live.as_deref() == Some(hex) {
            DeployedBy::take_back(remote, self.plan())?;
            return Ok(Undone::Done);
        }
        let server = Server(remote);
        unstage(remote)?;
        let live = server.status()?.and_then(|status| status.live_version().map(str::to_owned));
        if live.as_deref() == Some(hex) {
            match before.former() {
                Some(former) if former != hex => match self.bring_back(remote, former, hex) {
                    Ok(()) => {}
                    Err(error) if error.is_transport() => return Err(error),
                    Err(error) => return self.keep(remote, former, hex, error),
                },
                _ => server.stop(&Cancel::new())?,
            }
        }
        let current = before.current.as_deref().map(layout::version);
        restore_link(remote, layout::CURRENT, current.as_deref())?;
        DeployedBy::take_back(remote, self.plan())?;
        Ok(Undone::Done)
    }

    /// Makes the former version the live one, in the gentlest way that works: beside the new one; after
    /// bringing what is damaged; by ending the server and starting it on the former version.
    fn bring_back(&self, remote: &dyn Remote, former: &str, hex: &str) -> Result<()> {
        let server = Server(remote);
        let never = Cancel::new();
        let Err(error) = self.stage_whole(remote, former, &never).and_then(|_| server.switch(former)) else {
            return Ok(());
        };
        // What is damaged would not load after a restart either, and the new version would be gone, too.
        if error.is_transport() || !is_whole(remote, former)? {
            return Err(error);
        }
        tracing::warn!(%error, "the former version could not be switched to; restarting the server on it");
        restart_on(remote, former)?;
        if wait_until_ready(remote, former)? {
            return Ok(());
        }
        restart_on(remote, hex)?;
        Err(error)
    }

    /// The former version cannot serve: the new one stays if it proves itself on the main port.
    fn keep(&self, remote: &dyn Remote, former: &str, hex: &str, error: DeployError) -> Result<Undone> {
        let (name, former) = (self.plan().name_of(hex), self.plan().name_of(former));
        let fault = Fault::from(error).context(format!("{former} cannot serve any more"));
        match self.prove_main(remote, hex) {
            Ok(parity) => {
                tracing::warn!("{}; {name} stays", fault.message);
                Ok(Undone::Kept { parity, fault })
            }
            Err(error) if error.is_transport() => Err(error),
            Err(error) => Err(DeployError::FarState {
                problem: format!(
                    "{name} still serves on {} and is not proven ({error}), because {}",
                    remote.address(),
                    fault.message
                ),
                hint: format!(
                    "Deploy a version that this computer has: modeldesk deploy {}@VERSION --to {}",
                    self.plan().model,
                    self.plan().target
                ),
            }),
        }
    }

    fn prove_main(&self, remote: &dyn Remote, hex: &str) -> Result<Parity> {
        let read;
        let expected = if let Some(expected) = &self.expected {
            expected
        } else {
            read = read_version(remote, hex)?;
            &read
        };
        let (model, address) = (self.plan().model.as_str(), remote.address());
        let line = Line::open(remote, self.connector.serve_port())?;
        let never = Cancel::new();
        line.wait_ready(model, &address, &never)?;
        line.prove((model, hex), expected, self.plan().tolerance, &address, &never)
    }

    /// The former version answers again, or there was none.
    ///
    /// A command that a killed desk left under way may have come through since its step was undone.
    fn confirm(&self, remote: &dyn Remote, before: &Before) -> Result<()> {
        let server = Server(remote);
        if before.orphan.is_some() && server.status()?.is_none() && server.orphan()? == before.orphan {
            return Ok(());
        }
        if !before.running {
            return server.stop(&Cancel::new());
        }
        if server.status()?.is_some_and(|status| status.staged.is_some()) {
            unstage(remote)?;
        }
        let status = server.status()?;
        let live = status.as_ref().and_then(|status| status.live_version());
        if live != before.live.as_deref() {
            let name = |hex: Option<&str>| hex.map_or_else(|| "nothing".to_owned(), |hex| self.plan().name_of(hex));
            return Err(DeployError::FarState {
                problem: format!(
                    "{} serves {} now, and {} before this rollout",
                    remote.address(),
                    name(live),
                    name(before.live.as_deref())
                ),
                hint:
                    "Somebody else has switched it; see what it serves with modeldesk target check, then deploy again"
                        .to_owned(),
            });
        }
        match &before.live {
            // It did not answer before, and that was not this rollout's doing.
            Some(live) if before.ready => self.confirm_ready(remote, live),
            _ => Ok(()),
        }
    }

    /// The live version answers, if need be after bringing what is damaged of it.
    fn confirm_ready(&self, remote: &dyn Remote, live: &str) -> Result<()> {
        if wait_until_ready(remote, live)? {
            return Ok(());
        }
        if self.repair(remote, live)?.is_some_and(|sent| sent.repaired > 0) {
            restart_on(remote, live)?;
            if wait_until_ready(remote, live)? {
                return Ok(());
            }
        }
        let problem = Server(remote).status()?.and_then(|status| status.problem);
        let why = problem.map_or_else(|| "it does not say why".to_owned(), |fault| fault.message);
        let name = self.plan().name_of(live);
        Err(DeployError::FarState {
            problem: format!("{name} is live on {} as before and does not answer: {why}", remote.address()),
            hint: format!(
                "Deploy a version again: modeldesk deploy {}@VERSION --to {}",
                self.plan().model,
                self.plan().target
            ),
        })
    }
}

/// Ends what is staged, if anything is, and what is being loaded to be staged. The server does one
/// thing at a time: when this returns, whatever a killed desk had asked it to do has been done as
/// well, and can be looked at.
pub(super) fn unstage(remote: &dyn Remote) -> Result<()> {
    let server = Server(remote);
    if server.status()?.is_some() { server.unstage() } else { Ok(()) }
}

/// Ends the server and starts it on a version.
fn restart_on(remote: &dyn Remote, hex: &str) -> Result<()> {
    let server = Server(remote);
    server.stop(&Cancel::new())?;
    restore_link(remote, layout::CURRENT, Some(&layout::version(hex)))?;
    server.start(&Cancel::new()).map(drop)
}

/// True once the version is live and answers; false when that takes too long.
fn wait_until_ready(remote: &dyn Remote, hex: &str) -> Result<bool> {
    let until = Instant::now() + LOAD_PATIENCE;
    loop {
        let status = Server(remote).status()?;
        let live = status.filter(|status| status.live_version() == Some(hex));
        match live {
            Some(live) if live.is_ready() => return Ok(true),
            // It says that it cannot: waiting would not help.
            Some(live) if live.problem.as_ref().is_some_and(|problem| problem.kind == desk_core::FaultKind::Input) => {
                return Ok(false);
            }
            Some(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
            _ => return Ok(false),
        }
    }
}

/// Stops what was started, starts what was stopped, and puts back what the server reads.
fn undo_start(remote: &dyn Remote, before: &Before) -> Result<()> {
    let server = Server(remote);
    if !before.running {
        server.stop(&Cancel::new())?;
    }
    if let Some(binary) = &before.binary {
        restore_link(remote, layout::BINARY, Some(binary))?;
    }
    restore_link(remote, layout::RUNTIME, before.runtime.as_deref())?;
    match &before.settings {
        Some(text) => {
            if remote.read(layout::SERVE_JSON)?.as_deref() != Some(text.as_bytes()) {
                remote.write(layout::SERVE_JSON, text.as_bytes())?;
            }
        }
        None => remote.remove(layout::SERVE_JSON)?,
    }
    if before.running {
        server.start(&Cancel::new())?;
    } else if before.binary.is_none() {
        remote.remove(layout::BINARY)?;
    }
    Ok(())
}

fn restore_link(remote: &dyn Remote, path: &str, target: Option<&str>) -> Result<()> {
    match (remote.read_link(path)?, target) {
        (found, Some(target)) if found.as_deref() != Some(target) => remote.link(target, path),
        (Some(_), None) => remote.remove(path),
        _ => Ok(()),
    }
}
