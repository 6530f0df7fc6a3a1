//! A far side on which nothing is changed any more once another desk has taken a rollout's place.
//!
//! A desk can sleep between any two of its steps, for as long as it likes. So each change is preceded by a look
//! at the lock, and what ends or starts a server looks in the very step in which it acts, on the far side.

use std::time::Duration;

use desk_core::Digest;

use crate::error::Result;
use crate::lock::Hold;
use crate::remote::{Exec, Forward, Output, Put, Remote, Stat};

/// Writes a small text, whole or not at all, in the step that looks at the lock.
pub(crate) const WRITE: &str =
    r#"printf %s "$2" > "$1.tmp" && { sync "$1.tmp" 2>/dev/null || sync; } && mv -f "$1.tmp" "$1""#;
/// What is longer is brought as a file.
const SMALL: usize = 32 << 10;

/// A desk that takes a lost lock away may hold another one's aside for a moment.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// A far side behind a lock; before the lock is taken, and after it was given back, nothing is kept out.
pub(crate) struct Fenced {
    inner: Box<dyn Remote>,
    hold: Hold,
}

impl Fenced {
    pub fn new(inner: Box<dyn Remote>, hold: Hold) -> Self {
        Self { inner, hold }
    }

    /// Does a change if the lock is still this rollout's.
    fn change<T>(&self, change: impl FnOnce(&dyn Remote) -> Result<T>) -> Result<T> {
        self.hold.check(self.inner.as_ref())?;
        change(self.inner.as_ref())
    }
}

impl Remote for Fenced {
    fn address(&self) -> String {
        self.inner.address()
    }
    fn root(&self) -> &str {
        self.inner.root()
    }
    fn is_alive(&self) -> bool {
        self.inner.is_alive()
    }
    fn wants_service(&self) -> bool {
        self.inner.wants_service()
    }
    fn stat(&self, path: &str) -> Result<Option<Stat>> {
        self.inner.stat(path)
    }
    fn list(&self, path: &str) -> Result<Vec<String>> {
        self.inner.list(path)
    }
    fn make_dirs(&self, path: &str) -> Result<()> {
        self.change(|inner| inner.make_dirs(path))
    }
    fn put(&self, put: &Put<'_>) -> Result<()> {
        self.change(|inner| inner.put(put))
    }
    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let small = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= SMALL && !text.contains('\0'));
        if let Some(text) = small.filter(|_| self.hold.is_taken()) {
            let exec = Exec::script(WRITE, [self.absolute(path).as_str(), text]).changing();
            if self.exec(&exec)?.status == 0 {
                return Ok(());
            }
            // Done again, it says better why it cannot be.
        }
        self.change(|inner| inner.write(path, bytes))
    }
    fn link_new(&self, target: &str, path: &str) -> Result<bool> {
        self.change(|inner| inner.link_new(target, path))
    }
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.inner.read(path)
    }
    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.change(|inner| inner.rename(from, to))
    }
    fn remove(&self, path: &str) -> Result<()> {
        if !self.hold.is_taken() {
            return self.inner.remove(path);
        }
        self.must(&Exec::new(["rm", "-rf", "--", &self.absolute(path)]).changing()).map(drop)
    }
    fn read_link(&self, path: &str) -> Result<Option<String>> {
        self.inner.read_link(path)
    }
    fn link(&self, target: &str, path: &str) -> Result<()> {
        self.change(|inner| inner.link(target, path))
    }
    fn share(&self, from: &str, to: &str) -> Result<()> {
        self.change(|inner| inner.share(from, to))
    }
    fn digests(&self, paths: &[String]) -> Result<Vec<Digest>> {
        self.inner.digests(paths)
    }
    fn free_bytes(&self) -> Result<u64> {
        self.inner.free_bytes()
    }
    fn exec(&self, exec: &Exec) -> Result<Output> {
        if !exec.changes || !self.hold.is_taken() {
            return self.inner.exec(exec);
        }
        let exec = Exec { fence: Some(self.hold.id().to_owned()), ..exec.clone() };
        let mut tries = TRIES;
        loop {
            let output = self.inner.exec(&exec)?;
            if !output.is_fenced_off() {
                return Ok(output);
            }
            tries -= 1;
            self.hold.check(self.inner.as_ref())?;
            if tries == 0 {
                return Err(self.hold.overtaken(self.inner.as_ref()));
            }
            std::thread::sleep(PAUSE);
        }
    }
    fn forward(&self, port: u16) -> Result<Forward> {
        self.inner.forward(port)
    }
    fn port_in_use(&self, port: u16) -> Result<bool> {
        self.inner.port_in_use(port)
    }
    fn still_mine(&self) -> Result<()> {
        self.hold.check(self.inner.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocalRemote;
    use crate::layout;

    #[test]
    fn a_real_shell_looks_at_the_lock_before_it_acts() {
        let folder = tempfile::tempdir().expect("a folder");
        let remote = || LocalRemote::open(folder.path().to_str().expect("UTF-8")).expect("opens");
        let hold = Hold::new("7", "ann \"7\" o'north", "edge");
        remote().make_dirs("run").expect("made");
        hold.take(&remote(), &desk_core::Cancel::new()).expect("free");
        let fenced = Fenced::new(Box::new(remote()), hold.clone());
        fenced.write("run/a b", b"it's \"$1\" \\ mine").expect("hers");
        assert_eq!(fenced.read("run/a b").expect("read").as_deref(), Some(&b"it's \"$1\" \\ mine"[..]));
        let touch = |name: &str| fenced.exec(&Exec::new(["touch", &fenced.absolute(name)]).changing());
        assert_eq!(touch("first").expect("hers").status, 0);

        // Another one whose name holds this one's id as text.
        let theirs = r#"{"id":"8","by":"\"id\":\"7\"","since":1}"#;
        remote().link(theirs, layout::LOCK).expect("taken over");
        for error in [
            touch("second").map(drop).expect_err("theirs"),
            fenced.remove("first").expect_err("theirs"),
            fenced.write("run/a b", b"late").expect_err("theirs"),
        ] {
            assert!(matches!(error, crate::DeployError::Overtaken { .. }), "{error:?}");
        }
        assert!(
            remote().stat("first").expect("looked").is_some() && remote().stat("second").expect("looked").is_none()
        );
        hold.release(&fenced).expect("nothing to give back");
        assert_eq!(remote().read_link(layout::LOCK).expect("read").as_deref(), Some(theirs));
        remote().remove(layout::LOCK).expect("removed");

        let hold = Hold::new("7", "ann", "edge");
        hold.take(&remote(), &desk_core::Cancel::new()).expect("free");
        hold.release(&remote()).expect("given back");
        assert_eq!(remote().read_link(layout::LOCK).expect("read"), None);
    }
}
