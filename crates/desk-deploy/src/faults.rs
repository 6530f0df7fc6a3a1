//! Decorators that stop the world at named points: how tests kill a rollout wherever they like.
//!
//! A [`FaultPoint`] is called before, within and after every journal write and before and after
//! every change of the far side. It may end the process, unwind, or just count.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use desk_core::{Digest, Fault};

use crate::error::Result;
use crate::journal::{FileJournal, Journal, JournalEntry, MemoryJournal};
use crate::package::Package;
use crate::remote::{Connector, Exec, Forward, Output, Put, Remote, Stat};

/// Called at every point, with its name, such as `journal:3:within` or `remote:12:after:rename`.
pub trait FaultPoint: Send + Sync {
    /// Returns, or does not.
    fn at(&self, point: &str);
}

impl<F: Fn(&str) + Send + Sync> FaultPoint for F {
    fn at(&self, point: &str) {
        self(point);
    }
}

/// A journal that can leave half an entry behind.
pub trait TornAppend: Journal {
    /// Writes what a crash within the write would leave.
    fn append_half(&mut self, entry: &JournalEntry) -> Result<(), Fault>;
}

impl TornAppend for FileJournal {
    fn append_half(&mut self, entry: &JournalEntry) -> Result<(), Fault> {
        self.append_torn(entry)
    }
}

impl TornAppend for MemoryJournal {
    fn append_half(&mut self, _entry: &JournalEntry) -> Result<(), Fault> {
        Ok(())
    }
}

/// A journal with points before, within and after each write.
pub struct FaultyJournal<J> {
    inner: J,
    point: Arc<dyn FaultPoint>,
    writes: usize,
    torn_at: Option<usize>,
}

impl<J: TornAppend> FaultyJournal<J> {
    /// `torn_at` is the write, from 0, that is left half done before its point `within` is called;
    /// the point must not return then.
    pub fn new(inner: J, point: Arc<dyn FaultPoint>, torn_at: Option<usize>) -> Self {
        Self { inner, point, writes: 0, torn_at }
    }
}

impl<J: TornAppend> Journal for FaultyJournal<J> {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), Fault> {
        let n = self.writes;
        self.writes += 1;
        self.point.at(&format!("journal:{n}:before"));
        if self.torn_at == Some(n) {
            self.inner.append_half(entry)?;
        }
        self.point.at(&format!("journal:{n}:within"));
        self.inner.append(entry)?;
        self.point.at(&format!("journal:{n}:after"));
        Ok(())
    }

    fn entries(&self) -> Result<Vec<JournalEntry>, Fault> {
        self.inner.entries()
    }
}

/// A far side with points before and after every change.
pub struct FaultyRemote {
    inner: Box<dyn Remote>,
    point: Arc<dyn FaultPoint>,
    count: Arc<AtomicUsize>,
}

impl FaultyRemote {
    fn around<T>(&self, name: &str, change: impl FnOnce(&dyn Remote) -> Result<T>) -> Result<T> {
        let n = self.count.fetch_add(1, Ordering::SeqCst);
        self.point.at(&format!("remote:{n}:before:{name}"));
        let done = change(self.inner.as_ref())?;
        self.point.at(&format!("remote:{n}:after:{name}"));
        Ok(done)
    }
}

impl Remote for FaultyRemote {
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
        self.around("make-dirs", |inner| inner.make_dirs(path))
    }
    fn put(&self, put: &Put<'_>) -> Result<()> {
        let n = self.count.load(Ordering::SeqCst);
        let progress = |bytes: u64| {
            (put.progress)(bytes);
            self.point.at(&format!("remote:{n}:within:put"));
        };
        self.around("put", |inner| inner.put(&Put { progress: &progress, ..*put }))
    }
    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.around("write", |inner| inner.write(path, bytes))
    }
    fn link_new(&self, target: &str, path: &str) -> Result<bool> {
        self.around("link-new", |inner| inner.link_new(target, path))
    }
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.inner.read(path)
    }
    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.around("rename", |inner| inner.rename(from, to))
    }
    fn remove(&self, path: &str) -> Result<()> {
        self.around("remove", |inner| inner.remove(path))
    }
    fn read_link(&self, path: &str) -> Result<Option<String>> {
        self.inner.read_link(path)
    }
    fn link(&self, target: &str, path: &str) -> Result<()> {
        self.around("link", |inner| inner.link(target, path))
    }
    fn share(&self, from: &str, to: &str) -> Result<()> {
        self.around("share", |inner| inner.share(from, to))
    }
    fn digests(&self, paths: &[String]) -> Result<Vec<Digest>> {
        self.inner.digests(paths)
    }
    fn free_bytes(&self) -> Result<u64> {
        self.inner.free_bytes()
    }
    fn exec(&self, exec: &Exec) -> Result<Output> {
        // Looking at the status changes nothing and happens all the time.
        match exec.args.get(1..3) {
            Some([ctl, verb]) if ctl == "ctl" && verb != "status" => {
                self.around(&format!("ctl-{verb}"), |inner| inner.exec(exec))
            }
            Some([verb, _]) if verb == "supervise" => self.around("supervise", |inner| inner.exec(exec)),
            Some([_, script]) if script == crate::fence::WRITE => self.around("write", |inner| inner.exec(exec)),
            _ if exec.args.first().is_some_and(|program| program == "rm") => {
                self.around("remove", |inner| inner.exec(exec))
            }
            _ => self.inner.exec(exec),
        }
    }
    fn forward(&self, port: u16) -> Result<Forward> {
        self.inner.forward(port)
    }
    fn port_in_use(&self, port: u16) -> Result<bool> {
        self.inner.port_in_use(port)
    }
}

/// Makes connections with points.
pub struct FaultyConnector<C> {
    inner: C,
    point: Arc<dyn FaultPoint>,
    count: Arc<AtomicUsize>,
}

impl<C: Connector> FaultyConnector<C> {
    /// Counts changes over all connections.
    pub fn new(inner: C, point: Arc<dyn FaultPoint>) -> Self {
        Self { inner, point, count: Arc::default() }
    }
}

impl<C: Connector> Connector for FaultyConnector<C> {
    fn connect(&self) -> Result<Box<dyn Remote>, Fault> {
        let inner = self.inner.connect()?;
        Ok(Box::new(FaultyRemote { inner, point: self.point.clone(), count: self.count.clone() }))
    }
    fn serve_port(&self) -> u16 {
        self.inner.serve_port()
    }
    fn address(&self) -> String {
        self.inner.address()
    }
    fn tunnel_command(&self) -> Option<String> {
        self.inner.tunnel_command()
    }
    fn package(&self, version: Digest) -> Result<Option<Package>, Fault> {
        self.inner.package(version)
    }
}
