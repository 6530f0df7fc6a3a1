//! The lock on a target: one rollout at a time, whichever desk it comes from.
//!
//! It is a link whose text says who holds it: making a link is one atomic step, so that there is never a
//! lock without an owner. It is a lease: its holder gives a sign of life every few seconds, and one that has
//! been silent for [`LEASE`] has lost it. All times are those of the target's clock. What its holder changes is
//! behind a fence ([`crate::fence`]), so that one that wakes too late does nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use desk_core::Cancel;
use serde::{Deserialize, Serialize};

use crate::desk_name::same_desk;
use crate::error::{DeployError, Result};
use crate::layout;
use crate::remote::{Connector, Exec, Remote};
use crate::rollout::{DeployedBy, Plan};

/// A holder that has been silent for so long has lost the lock.
const LEASE: Duration = Duration::from_mins(2);
/// How often the holder gives a sign of life.
const BEAT: Duration = Duration::from_secs(20);
/// How often a lock is tried to be taken that others give back, or lose, at that very moment.
const TRIES: u32 = 50;
/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Who holds the lock, as the link says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// The rollout; [`crate::remote::Exec::fence`] looks for it in the link's text.
    pub id: String,
    /// Which desk, for people.
    by: String,
    /// When it was taken, in seconds since 1970.
    since: u64,
}

impl Holder {
    /// Reads a link's text; one that somebody made by hand is an id alone.
    pub fn read(text: &str) -> Self {
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

/// The hold of one rollout on its target, shared by all its connections.
#[derive(Clone)]
pub(crate) struct Hold(Arc<Shared>);

struct Shared {
    id: String,
    by: String,
    target: String,
    /// When the last sign of life was given; 0 where that is not known.
    seen: AtomicU64,
    /// Between taking the lock and giving it back: nothing is changed any more unless it is still held.
    taken: AtomicBool,
}

impl Hold {
    /// That of a rollout, not taken yet.
    pub fn of(plan: &Plan) -> Self {
        Self::new(&plan.id, &plan.by, &plan.target)
    }

    /// That of what is done without a plan.
    pub fn new(id: &str, by: &str, target: &str) -> Self {
        let [id, by, target] = [id, by, target].map(str::to_owned);
        Self(Arc::new(Shared { id, by, target, seen: AtomicU64::new(0), taken: AtomicBool::new(false) }))
    }

    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The lock was taken, and was not given back.
    pub fn is_taken(&self) -> bool {
        self.0.taken.load(Ordering::SeqCst)
    }

    /// An interrupted rollout goes on, which had taken the lock.
    pub fn resume(&self) {
        self.0.taken.store(true, Ordering::SeqCst);
    }

    /// Takes the lock. A note says from whom, when it was taken over.
    ///
    /// # Errors
    ///
    /// [`DeployError::Busy`] while somebody else holds it and gives signs of life; and when what lies there is
    /// no lock.
    pub fn take(&self, remote: &dyn Remote, cancel: &Cancel) -> Result<Option<String>> {
        let now = remote.now()?;
        let mine = Holder { id: self.0.id.clone(), by: self.0.by.clone(), since: now };
        let text = serde_json::to_string(&mine).map_err(|e| DeployError::Package(e.to_string()))?;
        let mut note = None;
        for tried in 0..TRIES {
            cancel.check()?;
            if tried > 0 {
                std::thread::sleep(PAUSE);
            }
            if remote.link_new(&text, layout::LOCK)? {
                self.took(now);
                return Ok(note);
            }
            let Some(found) = remote.read_link(layout::LOCK)? else {
                // Somebody gave it back just now; or it is none.
                no_lock(remote)?;
                continue;
            };
            let holder = Holder::read(&found);
            if holder.id == mine.id {
                if let Err(error) = beat(remote, &mine.id, now) {
                    tracing::debug!(%error, "no sign of life could be given");
                }
                self.took(now);
                return Ok(note);
            }
            note = self.must_be_lost(remote, &holder, now)?.or(note);
            evict(remote, &found, &mine.id)?;
        }
        Err(DeployError::FarState {
            problem: format!("other desks take and give back the lock on {} all the time", remote.address()),
            hint: "Wait until they have ended, then try again".to_owned(),
        })
    }

    fn took(&self, now: u64) {
        self.0.seen.store(now, Ordering::SeqCst);
        self.resume();
    }

    /// Another holder has lost the lock, with what to say about that; else it is busy.
    fn must_be_lost(&self, remote: &dyn Remote, holder: &Holder, now: u64) -> Result<Option<String>> {
        if !self.0.by.is_empty() && same_desk(&holder.by, &self.0.by) {
            // A desk does one thing at a time on a target: what it did before is over, and gave nothing back.
            tracing::warn!("an earlier rollout of this desk, {}, left its lock", holder.id.escape_debug());
            return Ok(None);
        }
        let silent = silence(remote, holder, now)?;
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
        Ok(Some(lost))
    }

    /// Gives the lock back if it is this rollout's.
    pub fn release(&self, remote: &dyn Remote) -> Result<()> {
        if !self.is_mine(remote)? {
            self.0.taken.store(false, Ordering::SeqCst);
            return Ok(());
        }
        // In one step with the look whose it is: another desk's lock is never given back by this one.
        let paths = [layout::BEAT, layout::LOCK].map(|path| remote.absolute(path));
        let exec = Exec::new(["rm", "-rf", "--"].into_iter().chain(paths.iter().map(String::as_str))).changing();
        let output = remote.exec(&Exec { fence: Some(self.0.id.clone()), ..exec.clone() });
        match output {
            // It has been taken over just now.
            Err(DeployError::Overtaken { .. }) => {}
            output => {
                let output = output?;
                if output.status != 0 && !output.is_fenced_off() {
                    return Err(DeployError::Command {
                        address: remote.address(),
                        command: exec.display(),
                        status: output.status,
                        stderr: crate::remote::tail(&output.stderr),
                    });
                }
            }
        }
        self.0.taken.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// The lock is this rollout's, and nobody has taken it over.
    pub fn is_mine(&self, remote: &dyn Remote) -> Result<bool> {
        Ok(remote.read_link(layout::LOCK)?.is_some_and(|text| Holder::read(&text).id == self.0.id))
    }

    /// Once the lock was taken: it still is this rollout's.
    ///
    /// # Errors
    ///
    /// [`DeployError::Overtaken`] when it is not.
    pub fn check(&self, remote: &dyn Remote) -> Result<()> {
        if !self.is_taken() || self.is_mine(remote)? {
            return Ok(());
        }
        // Somebody who takes away a lost lock may hold this one aside for a moment.
        std::thread::sleep(PAUSE);
        if self.is_mine(remote)? { Ok(()) } else { Err(self.overtaken(remote)) }
    }

    /// By whom, and why.
    pub fn overtaken(&self, remote: &dyn Remote) -> DeployError {
        let holder = remote.read_link(layout::LOCK).ok().flatten().map(|text| Holder::read(&text));
        let holder = holder.filter(|holder| holder.id != self.0.id).map(|holder| holder.who());
        // Done already, and it gave the lock back.
        let who = holder.or_else(|| DeployedBy::last_desk(remote).filter(|by| !same_desk(by, &self.0.by)));
        let seen = Some(self.0.seen.load(Ordering::SeqCst)).filter(|seen| *seen > 0);
        let silent = seen.and_then(|seen| remote.now().ok()?.checked_sub(seen));
        DeployError::Overtaken { address: remote.address(), target: self.0.target.clone(), who, silent }
    }

    /// Does what may take long while signs of life are given, over a connection of their own that is only made
    /// when they are needed.
    pub fn keep<T>(&self, connector: &dyn Connector, work: impl FnOnce() -> T) -> T {
        self.keep_every(BEAT, connector, work)
    }

    fn keep_every<T>(&self, every: Duration, connector: &dyn Connector, work: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            let (done, over) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let mut remote: Option<Box<dyn Remote>> = None;
                while over.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    if remote.as_ref().is_none_or(|remote| !remote.is_alive()) {
                        remote = connector.connect().ok();
                    }
                    let Some(remote) = &remote else { continue };
                    if let Err(error) = self.give_sign(remote.as_ref()) {
                        tracing::debug!(%error, "no sign of life could be given");
                    }
                }
            });
            let worked = work();
            drop(done);
            worked
        })
    }

    fn give_sign(&self, remote: &dyn Remote) -> Result<()> {
        if self.is_mine(remote)? {
            let now = remote.now()?;
            beat(remote, &self.0.id, now)?;
            self.0.seen.store(now, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// What lies where the lock belongs and is no link keeps everybody out until somebody removes it.
pub(crate) fn no_lock(remote: &dyn Remote) -> Result<()> {
    let Some(found) = remote.stat(layout::LOCK)? else { return Ok(()) };
    let (path, what) = (remote.absolute(layout::LOCK), if found.is_dir { "folder" } else { "file" });
    Err(DeployError::FarState {
        problem: format!("a {what} lies on {} where Modeldesk keeps its lock, and is none: {path}", remote.address()),
        hint: format!("Remove it, then try again: rm -r {path}"),
    })
}

fn beat(remote: &dyn Remote, id: &str, now: u64) -> Result<()> {
    remote.write(layout::BEAT, format!("{now} {id}").as_bytes())
}

/// How long the holder has been silent. One that says nothing of time, or that it is of a time that has not come
/// yet, is first seen now.
fn silence(remote: &dyn Remote, holder: &Holder, now: u64) -> Result<Duration> {
    let text = remote.read(layout::BEAT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let seen: Option<u64> = text.split_once(' ').filter(|(_, id)| *id == holder.id).and_then(|(at, _)| at.parse().ok());
    // A sign of life is younger than the link, whatever the clock said when that was made. The clock may have been
    // set back since: then it is counted from now.
    let unknown = seen.is_some_and(|seen| seen > now);
    let last = [seen.unwrap_or(0), holder.since].into_iter().filter(|at| *at > 0 && *at <= now).max();
    if let Some(last) = last.filter(|_| !unknown) {
        return Ok(Duration::from_secs(now - last));
    }
    match beat(remote, &holder.id, now) {
        Err(error) if !error.is_full() => Err(error),
        _ => Ok(Duration::ZERO),
    }
}

/// Removes the lock of a holder that is lost, and none that somebody else has made meanwhile.
fn evict(remote: &dyn Remote, lost: &str, id: &str) -> Result<()> {
    if remote.read_link(layout::LOCK)?.is_none_or(|found| found != lost) {
        return Ok(());
    }
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

    fn hold(id: &str, by: &str) -> Hold {
        let model = "churn".parse().expect("a name");
        Hold::of(&Plan { id: id.into(), by: by.into(), ..Plan::new("edge", model, 1, desk_core::Digest::of("x"), 1) })
    }

    #[test]
    fn a_holder_that_gives_signs_of_life_keeps_its_lock() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        let (ann, ben) = (hold("1", "ann on north"), hold("2", "ben on south"));
        assert_eq!(ann.take(remote.as_ref(), &Cancel::new()).expect("free"), None);
        let began = target.with(|world| world.clock);
        target.with(|world| world.clock += LEASE.as_secs() * 3);
        ann.keep_every(Duration::from_millis(10), &target, || {
            let seen = || target.with(|world| world.files.get(layout::BEAT).cloned()).unwrap_or_default();
            while seen().is_empty() || seen().starts_with(began.to_string().as_bytes()) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let error = ben.take(remote.as_ref(), &Cancel::new()).expect_err("it is held").to_string();
        assert!(error.contains("ann on north, since 2027-01-15T08:00:00Z"), "{error}");
        target.with(|world| world.clock += LEASE.as_secs());
        let note = ben.take(remote.as_ref(), &Cancel::new()).expect("taken over").expect("a note");
        assert!(note.contains("took over from ann on north") && note.contains("120 s"), "{note}");
        assert!(!ann.is_mine(remote.as_ref()).expect("looked"));
        ann.release(remote.as_ref()).expect("not his to give back");
        assert!(ben.is_mine(remote.as_ref()).expect("looked"));
        ben.release(remote.as_ref()).expect("given back");
        assert_eq!(target.snapshot().links.len() + target.snapshot().files.len(), 0);
    }

    #[test]
    fn a_lost_lock_is_taken_over_though_the_clock_of_the_target_was_set_back_by_years() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        hold("1", "ann on north").take(remote.as_ref(), &Cancel::new()).expect("free");
        target.with(|world| world.clock -= 3 * 365 * 86_400);
        let ben = hold("2", "ben on south");
        ben.take(remote.as_ref(), &Cancel::new()).expect_err("it may be held by somebody who lives");
        target.with(|world| world.clock += LEASE.as_secs());
        let note = ben.take(remote.as_ref(), &Cancel::new()).expect("taken over").expect("a note");
        assert!(note.contains("took over from ann on north"), "{note}");
        // A full disk keeps no sign of life, so that the link alone says since when.
        ben.release(remote.as_ref()).expect("given back");
    }

    #[test]
    fn only_the_lock_that_was_found_is_removed() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        hold("1", "ann").take(remote.as_ref(), &Cancel::new()).expect("free");
        evict(remote.as_ref(), "what stood there before", "2").expect("looked");
        assert!(hold("1", "ann").is_mine(remote.as_ref()).expect("looked"), "it was made meanwhile, and stays");
    }

    #[test]
    fn a_lock_of_a_time_that_has_not_come_yet_is_taken_over_after_its_lease() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        let ahead = target.with(|world| world.clock) + 86_400;
        let text = format!(r#"{{"id":"1","by":"ann","since":{ahead}}}"#);
        target.with(|world| world.links.insert(layout::LOCK.to_owned(), text));
        let ben = hold("2", "ben");
        ben.take(remote.as_ref(), &Cancel::new()).expect_err("first seen now");
        target.with(|world| world.clock += 50);
        let error = ben.take(remote.as_ref(), &Cancel::new()).expect_err("not yet");
        assert!(matches!(error, DeployError::Busy { left: 70, .. }), "{error:?}");
        target.with(|world| world.clock += 70);
        ben.take(remote.as_ref(), &Cancel::new()).expect("taken over").expect("a note");
    }

    #[test]
    fn what_is_no_lock_is_told_and_kept_out_of_no_loop() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        target.with(|world| world.files.insert(layout::LOCK.to_owned(), Vec::new()));
        let error = hold("1", "ann").take(remote.as_ref(), &Cancel::new()).expect_err("a file").to_string();
        assert!(error.contains("a file lies on the double") && error.ends_with("/double/run/rollout.lock"), "{error}");
        target.with(|world| {
            world.files.remove(layout::LOCK);
            world.folders.insert(layout::LOCK.to_owned());
        });
        let error = hold("1", "ann").take(remote.as_ref(), &Cancel::new()).expect_err("a folder");
        assert!(error.to_string().contains("a folder lies on"), "{error}");
    }

    #[test]
    fn one_that_wakes_too_late_gives_back_nobody_elses_lock() {
        let target = TargetDouble::new().expect("ports");
        let remote = target.connect().expect("connects");
        let (ann, ben) = (hold("1", "ann"), hold("2", "ben"));
        ann.take(remote.as_ref(), &Cancel::new()).expect("free");
        target.with(|world| world.clock += LEASE.as_secs());
        ben.take(remote.as_ref(), &Cancel::new()).expect("taken over");
        target.with(|world| world.clock += 5);
        let fenced = crate::fence::Fenced::new(target.connect().expect("connects"), ann.clone());
        let error = fenced.write("serve.json", b"hers").expect_err("the lock is ben's").to_string();
        assert_eq!(error, "another desk, ben, has taken over the double, as this one gave no sign of life for 125 s");
        ann.release(&fenced).expect("nothing to give back");
        assert!(ben.is_mine(remote.as_ref()).expect("looked"));
        assert!(!target.snapshot().files.contains_key("serve.json"));
    }
}
