//! An in-memory double of a target: files, links, the commands of `modeldesk-serve`, and an HTTP
//! server that answers with a version's golden rows. For tests of the state machine only; whether
//! the real server behaves like this is for the tests with real processes to say.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use desk_core::{Digest, Fault, Manifest};
use parking_lot::Mutex;

use super::answers;
use crate::error::{DeployError, Result};
use crate::layout;
use crate::lock::Holder;
use crate::package::Package;
use crate::remote::{Connector, Exec, FENCED_OFF, FENCED_OFF_TEXT, Forward, Output, Put, Remote, Stat};

/// What the target holds; shared by all connections to it, so that it outlives a crashed rollout.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fault that a test turns on")]
pub struct World {
    /// Files by path below the target's folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Symbolic links.
    pub links: BTreeMap<String, String>,
    /// Folders without files in them.
    pub folders: BTreeSet<String>,
    /// The supervisor runs.
    pub running: bool,
    /// The version on the main port.
    pub live: Option<String>,
    /// The version beside it.
    pub staged: Option<String>,
    /// Operations that fail, such as `put`, `ctl-stage` or `rename`; removed once they have.
    pub failing: BTreeSet<String>,
    /// Operations at which the connection breaks; removed once it has.
    pub breaking: BTreeSet<String>,
    /// Versions that answer otherwise than their golden rows say, and on which ports.
    pub wrong: BTreeSet<(String, WrongOn)>,
    /// Free space.
    pub free_bytes: u64,
    /// Its clock, in seconds since 1970.
    pub clock: u64,
    /// So many times the supervisor, which runs, is not yet there to answer.
    pub starting: u32,
    /// The live version was not whole when the supervisor started it, so that it does not answer.
    pub broken: bool,
    /// Its disk is full: no small file can be written.
    pub full: bool,
    /// Its supervisor runs, and was stopped: no command gets an answer.
    pub silent: bool,
}

/// Where a version answers wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WrongOn {
    /// On its staging port.
    Staged,
    /// On the main port.
    Main,
}

/// A target in memory.
#[derive(Clone)]
pub struct TargetDouble {
    world: Arc<Mutex<World>>,
    /// What the desk that connects has the bytes of.
    depot: Arc<Mutex<BTreeMap<Digest, Package>>>,
    main: SocketAddr,
    staging: SocketAddr,
}

impl TargetDouble {
    /// An empty target.
    pub fn new() -> std::io::Result<Self> {
        let world = Arc::new(Mutex::new(World { free_bytes: 1 << 40, clock: 1_800_000_000, ..World::default() }));
        let main = answers::listen(world.clone(), WrongOn::Main)?;
        let staging = answers::listen(world.clone(), WrongOn::Staged)?;
        Ok(Self { world, depot: Arc::default(), main, staging })
    }

    /// Looks at the target or changes it.
    pub fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.world.lock())
    }

    /// Lets the desk have the bytes of a version, also when it does not deploy it.
    pub fn keep_here(&self, package: Package) {
        self.depot.lock().insert(package.digest, package);
    }

    /// A copy of everything on the target.
    pub fn snapshot(&self) -> World {
        self.world.lock().clone()
    }
}

impl Connector for TargetDouble {
    fn connect(&self) -> Result<Box<dyn Remote>, Fault> {
        Ok(Box::new(Connection { target: self.clone(), alive: Mutex::new(true) }))
    }

    fn serve_port(&self) -> u16 {
        self.main.port()
    }

    fn address(&self) -> String {
        "the double".to_owned()
    }

    fn package(&self, version: Digest) -> Result<Option<Package>, Fault> {
        Ok(self.depot.lock().get(&version).cloned())
    }
}

struct Connection {
    target: TargetDouble,
    alive: Mutex<bool>,
}

impl Connection {
    /// Fails or breaks here if the test wants it.
    fn enter(&self, operation: &str) -> Result<()> {
        let mut world = self.target.world.lock();
        if !*self.alive.lock() || world.breaking.remove(operation) {
            *self.alive.lock() = false;
            let doing = operation.to_owned();
            return Err(DeployError::Lost { address: self.address(), doing, detail: "the test cut it".to_owned() });
        }
        if world.failing.remove(operation) { Err(self.refused("do as asked", operation)) } else { Ok(()) }
    }

    fn refused(&self, action: &'static str, path: &str) -> DeployError {
        DeployError::FarFile {
            action,
            address: self.address(),
            problem: "the test wants it so".to_owned(),
            path: path.to_owned(),
            missing: false,
        }
    }

    fn change<T>(&self, operation: &str, change: impl FnOnce(&mut World) -> T) -> Result<T> {
        self.enter(operation)?;
        Ok(change(&mut self.target.world.lock()))
    }
}

impl World {
    /// A path with the links in it followed.
    fn real(&self, path: &str) -> String {
        for (link, target) in &self.links {
            let parent = link.rsplit_once('/').map_or(String::new(), |(parent, _)| format!("{parent}/"));
            if path == link {
                return format!("{parent}{target}");
            }
            if let Some(rest) = path.strip_prefix(&format!("{link}/")) {
                return format!("{parent}{target}/{rest}");
            }
        }
        path.to_owned()
    }

    fn has_folder(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.folders.contains(path) || self.files.keys().any(|file| file.starts_with(&below))
    }

    /// The version that a port answers with.
    pub(super) fn version_on(&self, port: WrongOn) -> Option<&String> {
        if !self.running {
            return None;
        }
        match port {
            WrongOn::Main => self.live.as_ref().filter(|_| !self.broken),
            WrongOn::Staged => self.staged.as_ref(),
        }
    }

    fn control(&mut self, verb: &str, version: &str, ports: (u16, u16)) -> Output {
        if !self.running {
            return failure("no supervisor runs here");
        }
        if verb == "status" && self.starting > 0 {
            self.starting -= 1;
            return failure("no supervisor runs here");
        }
        let there = self.has_folder(&layout::version(version));
        match verb {
            "status" => {}
            "stage" if there && !self.is_whole(version) => return failure("the version is damaged"),
            "stage" if there => self.staged = Some(version.to_owned()),
            "stage" => return failure("there is no such version"),
            "switch" if self.staged.as_deref() == Some(version) => {
                (self.live, self.broken) = (self.staged.take(), false);
                self.links.insert(layout::CURRENT.to_owned(), layout::version(version));
            }
            "switch" => return failure("it is not staged"),
            "unstage" => self.staged = None,
            "stop" => (self.running, self.live, self.staged) = (false, None, None),
            _ => return failure("no such command"),
        }
        let one = |version: &Option<String>, ready: bool| {
            version.as_ref().map(|v| serde_json::json!({"version": v, "ready": ready}))
        };
        answer(&serde_json::json!({
            "listen": format!("127.0.0.1:{}", ports.0),
            "live": one(&self.live, !self.broken), "staged": one(&self.staged, true),
            "problem": self.broken.then(|| Fault::input("the version is damaged")),
            "url": format!("http://127.0.0.1:{}", ports.1),
        }))
    }

    /// The version's files are what its manifest says, as the server looks at them.
    fn is_whole(&self, version: &str) -> bool {
        let folder = layout::version(version);
        let manifest = self.files.get(&format!("{folder}/manifest.json"));
        let manifest = manifest.filter(|bytes| Digest::of(bytes).hex() == version);
        let manifest = manifest.and_then(|bytes| serde_json::from_slice::<Manifest>(bytes).ok());
        manifest.is_some_and(|manifest| {
            manifest.files.iter().all(|file| {
                let found = self.files.get(&format!("{folder}/files/{}", file.name));
                found.is_some_and(|bytes| Digest::of(bytes) == file.digest)
            })
        })
    }

    fn supervise(&mut self) -> Output {
        if !self.files.contains_key(layout::SERVE_JSON) {
            return failure("there is no serve.json");
        }
        self.running = true;
        self.live = self.links.get(layout::CURRENT).and_then(|target| layout::version_of_link(target));
        self.broken = self.live.as_ref().is_some_and(|live| !self.is_whole(live));
        answer(&serde_json::json!({}))
    }
}

fn answer(value: &serde_json::Value) -> Output {
    Output { status: 0, stdout: value.to_string().into_bytes(), stderr: Vec::new() }
}

fn failure(message: &str) -> Output {
    let fault = Fault::new(desk_core::FaultKind::Target, message);
    Output { status: 4, ..answer(&serde_json::json!({ "error": fault })) }
}

impl Remote for Connection {
    fn address(&self) -> String {
        "the double".to_owned()
    }

    fn root(&self) -> &'static str {
        "/double"
    }

    fn is_alive(&self) -> bool {
        *self.alive.lock()
    }

    fn wants_service(&self) -> bool {
        false
    }

    fn stat(&self, path: &str) -> Result<Option<Stat>> {
        self.change("stat", |world| {
            let path = world.real(path);
            let file = world.files.get(&path).map(|bytes| Stat { size: bytes.len() as u64, is_dir: false });
            file.or_else(|| world.has_folder(&path).then_some(Stat { size: 0, is_dir: true }))
        })
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        let below = format!("{path}/");
        self.change("list", |world| {
            let all = world.files.keys().chain(world.links.keys()).chain(world.folders.iter());
            let names = all.filter_map(|name| name.strip_prefix(&below)?.split('/').next());
            names.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
        })
    }

    fn make_dirs(&self, path: &str) -> Result<()> {
        self.change("make-dirs", |world| {
            world.folders.insert(path.to_owned());
        })
    }

    fn put(&self, put: &Put<'_>) -> Result<()> {
        let mut file = std::fs::File::open(put.from).map_err(|e| crate::package::near("read", put.from, e))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| crate::package::near("read", put.from, e))?;
        let half = bytes.len() / 2;
        for end in [half, bytes.len()] {
            put.cancel.check()?;
            // The second half never arrives when the connection is to break within the upload.
            self.enter(if end == half { "put" } else { "put-half" })?;
            self.target.world.lock().files.insert(put.to.to_owned(), bytes[..end].to_vec());
            (put.progress)(end as u64);
        }
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.enter(&format!("write {path}"))?;
        if self.target.world.lock().full {
            let (address, path) = (self.address(), path.to_owned());
            return Err(DeployError::NoSpace { action: "write", address, path });
        }
        self.change("write", |world| {
            world.files.insert(path.to_owned(), bytes.to_vec());
        })
    }

    fn link_new(&self, target: &str, path: &str) -> Result<bool> {
        self.change("link-new", |world| {
            let free = !world.links.contains_key(path) && !world.files.contains_key(path) && !world.has_folder(path);
            if free {
                world.links.insert(path.to_owned(), target.to_owned());
            }
            free
        })
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.change("read", |world| world.files.get(&world.real(path)).cloned())
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.change("rename", |world| {
            let moved = |name: &String| {
                let rest = name.strip_prefix(from)?;
                (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
            };
            if let Some(target) = world.links.remove(from) {
                world.links.insert(to.to_owned(), target);
            }
            // A file takes the place of another one.
            if world.files.contains_key(from) {
                world.files.remove(to);
            }
            let files = std::mem::take(&mut world.files);
            world.files = files.into_iter().map(|(name, bytes)| (moved(&name).unwrap_or(name), bytes)).collect();
            let folders = std::mem::take(&mut world.folders);
            world.folders = folders.into_iter().map(|name| moved(&name).unwrap_or(name)).collect();
        })
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.change("remove", |world| {
            let below = format!("{path}/");
            world.files.retain(|name, _| name != path && !name.starts_with(&below));
            world.folders.retain(|name| name != path && !name.starts_with(&below));
            world.links.remove(path);
        })
    }

    fn read_link(&self, path: &str) -> Result<Option<String>> {
        self.change("read-link", |world| world.links.get(path).cloned())
    }

    fn link(&self, target: &str, path: &str) -> Result<()> {
        self.change("link", |world| {
            world.links.insert(path.to_owned(), target.to_owned());
        })
    }

    fn share(&self, from: &str, to: &str) -> Result<()> {
        self.change("share", |world| {
            let bytes = world.files.get(from).cloned().unwrap_or_default();
            world.files.insert(to.to_owned(), bytes);
        })
    }

    fn digests(&self, paths: &[String]) -> Result<Vec<Digest>> {
        self.change("digests", |world| {
            paths.iter().map(|path| world.files.get(path).map_or(Digest::of(""), Digest::of)).collect()
        })
    }

    fn free_bytes(&self) -> Result<u64> {
        self.change("free-bytes", |world| world.free_bytes)
    }

    fn exec(&self, exec: &Exec) -> Result<Output> {
        if let Some(id) = &exec.fence
            && self.target.world.lock().links.get(layout::LOCK).is_none_or(|text| Holder::read(text).id != *id)
        {
            let stderr = FENCED_OFF_TEXT.as_bytes().to_vec();
            return Ok(Output { status: FENCED_OFF, stderr, ..Output::default() });
        }
        let words: Vec<&str> = exec.args.iter().map(String::as_str).collect();
        let ports = (self.target.main.port(), self.target.staging.port());
        match words.as_slice() {
            [_, "ctl", ..] if self.target.world.lock().silent => {
                let (what, seconds, address) = (exec.display(), exec.timeout.as_secs(), self.address());
                Err(DeployError::Timeout { what, seconds, address })
            }
            [_, "ctl", verb, rest @ ..] => {
                let version = if *verb == "stage" || *verb == "switch" { rest[1] } else { "" };
                self.change(&format!("ctl-{verb}"), |world| world.control(verb, version, ports))
            }
            [_, "supervise", ..] => self.change("supervise", World::supervise),
            ["date", ..] => {
                let clock = self.target.world.lock().clock;
                Ok(Output { stdout: clock.to_string().into_bytes(), ..Output::default() })
            }
            ["rm", "-rf", "--", paths @ ..] => {
                for path in paths {
                    self.remove(path.strip_prefix("/double/").unwrap_or(path))?;
                }
                Ok(Output::default())
            }
            ["sh", "-c", script, _, path, text] if *script == crate::fence::WRITE => {
                self.write(path.strip_prefix("/double/").unwrap_or(path), text.as_bytes())?;
                Ok(Output::default())
            }
            ["uname", ..] => Ok(Output { stdout: b"Linux x86_64\n".to_vec(), ..Output::default() }),
            ["sh", "-c", script, ..] if script.starts_with("pid=") => {
                let running = self.target.world.lock().running;
                Ok(Output { status: i32::from(!running), ..Output::default() })
            }
            // Nothing that was not started through the double runs on it.
            ["sh", "-c", script, ..] if script.starts_with("if [ -d /proc") => Ok(Output::default()),
            ["sh", "-c", script, ..] if script.contains("sync") => self.change("sync", |_| Output::default()),
            _ => Err(self.refused("run", &exec.display())),
        }
    }

    fn forward(&self, port: u16) -> Result<Forward> {
        self.enter("forward")?;
        Ok(Forward { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), guard: None })
    }

    fn port_in_use(&self, _port: u16) -> Result<bool> {
        Ok(self.target.world.lock().running)
    }
}
