//! What undoing each step does. Every undo looks at the far side first and may be done again:
//! after a crash nobody knows how far the step, or its undo, had come.

use std::time::{Duration, Instant};

use super::steps::release_lock;
use super::{Before, Run, Step};
use crate::error::{DeployError, Result};
use crate::layout;
use crate::remote::Remote;
use crate::serve::Server;

impl Run<'_> {
    pub(super) fn undo(&self, step: Step) -> Result<()> {
        let remote =
            self.remote.as_deref().ok_or_else(|| DeployError::Journal("undo without a connection".to_owned()))?;
        // Without a look at how it was, only the check had begun: it changes nothing but the lock.
        let Some(before) = &self.replay.before else {
            return if step == Step::Check { release_lock(remote, &self.plan().id) } else { Ok(()) };
        };
        let hex = self.plan().digest.hex();
        match step {
            Step::Check => {
                confirm(remote, before)?;
                release_lock(remote, &self.plan().id)
            }
            Step::Upload => self.undo_upload(remote, before, &hex),
            Step::Start => undo_start(remote, before),
            Step::Stage => unstage(remote),
            Step::Switch => undo_switch(remote, before, &hex),
            Step::Health | Step::Prove | Step::Verify | Step::Tidy => Ok(()),
        }
    }

    /// Binaries and libraries stay: they lie under their digests and are in nobody's way.
    fn undo_upload(&self, remote: &dyn Remote, before: &Before, hex: &str) -> Result<()> {
        if !before.version_there {
            remote.remove(&layout::version(hex))?;
        }
        if self.replay.resumable { Ok(()) } else { remote.remove(&layout::part(hex)) }
    }
}

/// Ends what is staged, if anything is. The server does one thing at a time: when this returns,
/// whatever a killed desk had asked it to do has been done as well, and can be looked at.
fn unstage(remote: &dyn Remote) -> Result<()> {
    let server = Server(remote);
    if server.status()?.is_some() { server.unstage() } else { Ok(()) }
}

/// Lets the former version take the main port back.
fn undo_switch(remote: &dyn Remote, before: &Before, hex: &str) -> Result<()> {
    if before.live.as_deref() == Some(hex) {
        return Ok(());
    }
    let server = Server(remote);
    unstage(remote)?;
    let live = server.status()?.and_then(|status| status.live_version().map(str::to_owned));
    if live.as_deref() == Some(hex) {
        match before.former() {
            Some(former) if former != hex => {
                let switched = server.stage(former).and_then(|_| server.switch(former));
                if let Err(error) = switched {
                    if error.is_transport() {
                        return Err(error);
                    }
                    // The gentle way is barred: end the server and start it on the former version.
                    tracing::warn!(%error, "the former version could not be switched to; restarting the server on it");
                    server.stop()?;
                    restore_link(remote, layout::CURRENT, Some(&layout::version(former)))?;
                    server.start(&desk_core::Cancel::new())?;
                }
            }
            _ => server.stop()?,
        }
    }
    let current = before.current.as_deref().map(layout::version);
    restore_link(remote, layout::CURRENT, current.as_deref())
}

/// Stops what was started, starts what was stopped, and puts back what the server reads.
fn undo_start(remote: &dyn Remote, before: &Before) -> Result<()> {
    let server = Server(remote);
    if !before.running {
        server.stop()?;
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
        server.start(&desk_core::Cancel::new())?;
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

/// The former version answers again, or there was none.
///
/// A command that a killed desk left under way may have come through since its step was undone.
fn confirm(remote: &dyn Remote, before: &Before) -> Result<()> {
    if !before.running {
        return Server(remote).stop();
    }
    if Server(remote).status()?.is_some_and(|status| status.staged.is_some()) {
        unstage(remote)?;
    }
    let until = Instant::now() + Duration::from_secs(30);
    let live = loop {
        let status = Server(remote).status()?;
        let ready = status.as_ref().and_then(|status| status.live.as_ref()).is_none_or(|live| live.ready);
        let live = status.and_then(|status| status.live_version().map(str::to_owned));
        if live == before.live && ready {
            return Ok(());
        }
        // A server that was started again needs a moment to load its version.
        if live != before.live || Instant::now() > until {
            break live;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    Err(DeployError::FarState {
        problem: format!(
            "{} serves {} instead of {}",
            remote.address(),
            live.as_deref().map_or("nothing", |hex| &hex[..12.min(hex.len())]),
            before.live.as_deref().map_or("nothing", |hex| &hex[..12.min(hex.len())])
        ),
        hint: "Look at run/supervisor.log in the target's folder".to_owned(),
    })
}
