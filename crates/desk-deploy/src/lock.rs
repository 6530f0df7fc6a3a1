//! The lock on a target: one rollout at a time, whichever desk it comes from.
//!
//! It is a link whose text says who holds it: making a link is one atomic step, so that there is never a
//! lock without an owner. It is a lease: its holder gives a sign of life every few seconds, and one that has
//! been silent for [`LEASE`] has lost it. All times are those of the target's clock.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{DeployError, Result};
use crate::layout;
use crate::remote::{Connector, Remote};
use crate::rollout::Plan;

/// A holder that has been silent for so long has lost the lock.
const LEASE: Duration = Duration::from_mins(2);
/// How often the holder gives a sign of life.
const BEAT: Duration = Duration::from_secs(20);

/// Who holds the lock, as the link says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    /// The rollout.
    id: String,
    /// Which desk, for people.
    by: String,
    /// When it was taken, in seconds since 1970.
    since: u64,
}

impl Holder {
    /// Reads a link's text; one that somebody made by hand is an id alone.
    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_other| Self { id: text.to_owned(), by: String::new(), since: 0 })
    }

    /// For people: the desk, or the text that stands there.
    fn who(&self) -> String {
        let who = if self.by.is_empty() { &self.id } else { &self.by };
        who.escape_debug().to_string()
    }

    /// When it was taken, for people.
    fn since(&self) -> Option<String> {
        let since = i64::try_from(self.since).ok().filter(|since| *since > 0)?;
        Some(jiff::Timestamp::from_second(since).ok()?.to_string())
    }
}

/// Takes the lock for a rollout. A note says from whom, when it was taken over.
///
/// # Errors
///
/// [`DeployError::Busy`] while somebody else holds it and gives signs of life.
pub(crate) fn take(remote: &dyn Remote, plan: &Plan) -> Result<Option<String>> {
    let now = remote.now()?;
    let mine = Holder { id: plan.id.clone(), by: plan.by.clone(), since: now };
    let text = serde_json::to_string(&mine).map_err(|e| DeployError::Package(e.to_string()))?;
    let mut note = None;
    loop {
        if remote.link_new(&text, layout::LOCK)? {
            if let Err(error) = beat_if_room(remote, &mine.id, now) {
                remote.remove(layout::LOCK)?;
                return Err(error);
            }
            return Ok(note);
        }
        // Somebody gave it back just now.
        let Some(found) = remote.read_link(layout::LOCK)? else { continue };
        let holder = Holder::read(&found);
        if holder.id == mine.id {
            beat_if_room(remote, &mine.id, now)?;
            return Ok(note);
        }
        if !mine.by.is_empty() && holder.by == mine.by {
            // A desk does one thing at a time on a target: what it did before is over, and gave nothing back.
            tracing::warn!("an earlier rollout of this desk, {}, left its lock", holder.id.escape_debug());
            evict(remote, &found, &mine.id)?;
            continue;
        }
        let silent = silence(remote, &holder, now)?;
        if silent < LEASE {
            return Err(DeployError::Busy {
                address: remote.address(),
                who: holder.who(),
                since: holder.since(),
                left: LEASE.saturating_sub(silent).as_secs(),
            });
        }
        let lost = format!("took over from {}, which gave no sign of life for {} s", holder.who(), silent.as_secs());
        tracing::warn!("{lost}");
        evict(remote, &found, &mine.id)?;
        note = Some(lost);
    }
}

/// Gives the lock back if it is this rollout's.
pub(crate) fn release(remote: &dyn Remote, id: &str) -> Result<()> {
    if !is_held_by(remote, id)? {
        return Ok(());
    }
    remote.remove(layout::BEAT)?;
    remote.remove(layout::LOCK)
}

/// The lock is this rollout's, and nobody has taken it over.
pub(crate) fn is_held_by(remote: &dyn Remote, id: &str) -> Result<bool> {
    Ok(remote.read_link(layout::LOCK)?.is_some_and(|text| Holder::read(&text).id == id))
}

/// Does what may take long while signs of life are given, over a connection of their own that is only made
/// when they are needed.
pub(crate) fn keep<T>(connector: &dyn Connector, id: &str, work: impl FnOnce() -> T) -> T {
    keep_every(BEAT, connector, id, work)
}

fn keep_every<T>(every: Duration, connector: &dyn Connector, id: &str, work: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        let (done, over) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            let mut remote: Option<Box<dyn Remote>> = None;
            while over.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                if remote.as_ref().is_none_or(|remote| !remote.is_alive()) {
                    remote = connector.connect().ok();
                }
                let Some(remote) = &remote else { continue };
                let renewed = is_held_by(remote.as_ref(), id)
                    .and_then(|held| if held { beat(remote.as_ref(), id, remote.now()?) } else { Ok(()) });
                if let Err(error) = renewed {
                    tracing::debug!(%error, "no sign of life could be given");
                }
            }
        });
        let worked = work();
        drop(done);
        worked
    })
}

fn beat(remote: &dyn Remote, id: &str, now: u64) -> Result<()> {
    remote.write(layout::BEAT, format!("{now} {id}").as_bytes())
}

/// As [`beat`]; on a full disk the link alone says since when the lock is held.
fn beat_if_room(remote: &dyn Remote, id: &str, now: u64) -> Result<()> {
    match beat(remote, id, now) {
        Err(error) if error.is_full() => Ok(()),
        given => given,
    }
}

/// How long the holder has been silent. One that says nothing of time, or speaks of the future, is first seen now.
fn silence(remote: &dyn Remote, holder: &Holder, now: u64) -> Result<Duration> {
    let text = remote.read(layout::BEAT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let seen = text.split_once(' ').filter(|(_, id)| *id == holder.id).and_then(|(at, _)| at.parse().ok());
    // A sign of life is younger than the link, whatever the clock said when that was made.
    let last = seen.unwrap_or(holder.since);
    if last == 0 || last > now {
        // The target's clock was set back since then, so that it is counted from now.
        beat_if_room(remote, &holder.id, now)?;
        return Ok(Duration::ZERO);
    }
    Ok(Duration::from_secs(now - last))
}

/// Removes the lock of a holder that is lost, and none that somebody else has made meanwhile.
fn evict(remote: &dyn Remote, lost: &str, id: &str) -> Result<()> {
    let aside = format!("{}.{id}", layout::LOCK);
    match remote.rename(layout::LOCK, &aside) {
        // Two desks found it; the other one was faster.
        Err(DeployError::FarFile { missing: true, .. }) => return Ok(()),
        renamed => renamed?,
    }
    let found = remote.read_link(&aside)?;
    if let Some(other) = found.filter(|found| found != lost) {
        remote.link_new(&other, layout::LOCK)?;
    }
    remote.remove(&aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TargetDouble;

    fn plan(id: &str, by: &str) -> Plan {
        let model = "churn".parse().expect("a name");
        Plan { id: id.into(), by: by.into(), ..Plan::new("edge", model, 1, desk_core::Digest::of("x"), 1) }
    }

    #[test]
    fn a_holder_that_gives_signs_of_life_keeps_its_lock() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        let (ann, ben) = (plan("1", "ann on north"), plan("2", "ben on south"));
        assert_eq!(take(remote.as_ref(), &ann).expect("free"), None);
        let began = target.with(|world| world.clock);
        target.with(|world| world.clock += LEASE.as_secs() * 3);
        keep_every(Duration::from_millis(10), &target, &ann.id, || {
            let seen = || target.with(|world| world.files.get(layout::BEAT).cloned()).unwrap_or_default();
            while seen().starts_with(began.to_string().as_bytes()) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let error = take(remote.as_ref(), &ben).expect_err("it is held").to_string();
        assert!(error.contains("ann on north, since 2027-01-15T08:00:00Z"), "{error}");
        target.with(|world| world.clock += LEASE.as_secs());
        let note = take(remote.as_ref(), &ben).expect("taken over").expect("a note");
        assert!(note.contains("took over from ann on north") && note.contains("120 s"), "{note}");
        assert!(!is_held_by(remote.as_ref(), &ann.id).expect("looked"));
        release(remote.as_ref(), &ann.id).expect("not his to give back");
        assert!(is_held_by(remote.as_ref(), &ben.id).expect("looked"));
        release(remote.as_ref(), &ben.id).expect("given back");
        assert_eq!(target.snapshot().links.len() + target.snapshot().files.len(), 0);
    }

    #[test]
    fn a_lost_lock_is_taken_over_though_the_clock_of_the_target_was_set_back_by_years() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        take(remote.as_ref(), &plan("1", "ann on north")).expect("free");
        target.with(|world| world.clock -= 3 * 365 * 86_400);
        let ben = plan("2", "ben on south");
        take(remote.as_ref(), &ben).expect_err("it may be held by somebody who lives");
        target.with(|world| world.clock += LEASE.as_secs());
        let note = take(remote.as_ref(), &ben).expect("taken over").expect("a note");
        assert!(note.contains("took over from ann on north"), "{note}");
        // A full disk keeps no sign of life, so that the link alone says since when.
        release(remote.as_ref(), &ben.id).expect("given back");
    }

    #[test]
    fn only_the_lock_that_was_found_is_removed() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        take(remote.as_ref(), &plan("1", "ann")).expect("free");
        evict(remote.as_ref(), "what stood there before", "2").expect("looked");
        assert!(is_held_by(remote.as_ref(), "1").expect("looked"), "it was made meanwhile, and stays");
    }
}
