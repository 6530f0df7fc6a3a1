//! Which process owns a lease, and whether it still lives.

use serde::{Deserialize, Serialize};

/// A process, named so that a reused process id, a reboot, another machine or another container
/// are not taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot; 0 where the system does not say.
    pub started: u64,
    /// Machine, boot and process-id namespace, `/` between them; parts may be empty.
    pub place: String,
}

/// What is known of an owner's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It does not run any more.
    Dead,
    /// It cannot be seen from here; only its lease tells.
    Unknown,
}

impl Owner {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, started: start_ticks(pid).unwrap_or(0), place: place() }
    }

    /// Whether the process still runs, as far as can be seen from here.
    pub fn liveness(&self) -> Liveness {
        let here = place();
        let (mine, theirs) = (split(&here), split(&self.place));
        if mine.0.is_empty() || mine.1.is_empty() || mine.0 != theirs.0 {
            return Liveness::Unknown;
        }
        if mine.1 != theirs.1 {
            // Same machine, another boot: nothing of then is left.
            return Liveness::Dead;
        }
        if mine.2 != theirs.2 || self.started == 0 {
            return Liveness::Unknown;
        }
        if start_ticks(self.pid) == Some(self.started) { Liveness::Alive } else { Liveness::Dead }
    }

    /// A short text for names of temporary files; see [`Owner::token_is_dead`].
    pub fn token(&self) -> String {
        use sha2::Digest as _;
        use std::fmt::Write as _;
        let hash = sha2::Sha256::digest(self.place.as_bytes());
        let place = hash.iter().take(6).fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        });
        format!("{}-{}-{place}", self.pid, self.started)
    }

    /// True when a name that starts with [`Owner::token`] belongs to a process of this very place
    /// that has ended. Names of other places are never said to be dead.
    pub fn token_is_dead(&self, name: &str) -> bool {
        self.token_liveness(name) == Liveness::Dead
    }

    /// What is known of the process whose [`Owner::token`] a name starts with; of those of other places nothing is.
    pub fn token_liveness(&self, name: &str) -> Liveness {
        let mut parts = name.split('-');
        let (Some(pid), Some(started), Some(place)) = (parts.next(), parts.next(), parts.next()) else {
            return Liveness::Unknown;
        };
        let own = self.token();
        let here = own.rsplit('-').next() == Some(place);
        let (Ok(pid), Ok(started)) = (pid.parse::<u32>(), started.parse::<u64>()) else { return Liveness::Unknown };
        match start_ticks(pid) {
            _ if !here || started == 0 => Liveness::Unknown,
            Some(found) if found == started => Liveness::Alive,
            _ => Liveness::Dead,
        }
    }
}

fn split(place: &str) -> (&str, &str, &str) {
    let mut parts = place.split('/');
    (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Machine id, boot id and process-id namespace. Without a machine id the boot id alone names the
/// machine, so that another boot reads as another machine and its leases must expire.
fn place() -> String {
    let boot = read("/proc/sys/kernel/random/boot_id");
    let machine = read("/etc/machine-id");
    let machine = if machine.is_empty() { &boot } else { &machine };
    let namespace = std::fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
    format!("{machine}/{boot}/{namespace}")
}

/// Field 22 of `/proc/PID/stat`; the second field, the program's name, may hold spaces and brackets.
/// A process that has ended and only waits for its parent counts as gone.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_lives_and_another_start_time_does_not() {
        let me = Owner::current();
        assert_eq!(me.liveness(), Liveness::Alive);
        assert_eq!(Owner { started: me.started + 1, ..me.clone() }.liveness(), Liveness::Dead);
        assert!(!me.token_is_dead(&format!("{}-x", me.token())));
        assert_eq!(me.token_liveness(&format!("{}-x", me.token())), Liveness::Alive);
        let dead = Owner { started: me.started + 1, ..me.clone() };
        assert!(me.token_is_dead(&format!("{}-x", dead.token())));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn other_places() {
        let me = Owner::current();
        let (machine, boot, _) = split(&me.place);
        let at = |place: String| Owner { place, ..me.clone() }.liveness();
        assert_eq!(at(format!("other/{boot}/x")), Liveness::Unknown);
        assert_eq!(at(format!("{machine}/{boot}/another container")), Liveness::Unknown);
        if machine != boot {
            assert_eq!(at(format!("{machine}/earlier boot/x")), Liveness::Dead);
        }
        assert!(!me.token_is_dead("1-1-0123456789ab-x"), "a name of another place");
        assert!(!me.token_is_dead("rubbish"));
    }
}
