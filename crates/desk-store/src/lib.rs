//! What Modeldesk keeps: blobs by digest, and the registry of models, runs, jobs, targets,
//! deployments and operations in one SQLite file.
//!
//! Architecture invariant: the only crate that knows SQLite. It knows names, digests and JSON, not
//! what a model is.

mod alias;
mod blobs;
mod change;
mod clock;
mod copy;
mod db;
mod deployments;
mod error;
mod gc;
mod gone;
mod jobs;
mod journal;
mod models;
mod operations;
mod owner;
mod pins;
mod resolve;
mod runs;
mod seed;
mod settings;
mod targets;
mod undo;
mod versions;
mod views;

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use desk_core::Said;
use jiff::Timestamp;

pub use alias::{AliasMove, AliasRow};
pub use blobs::Swept;
pub use clock::{Clock, ManualClock, SystemClock};
pub use deployments::{Begun, DeploymentChange, DeploymentFilter, DeploymentRow, NewDeployment};
pub use error::StoreError;
pub use gc::UnusedBlob;
pub use jobs::{JobFilter, JobRow, NewJob, Outcome};
pub use journal::JournalRow;
pub use models::{Archived, ModelFilter, ModelRow, ModelSort};
pub use operations::{ChainReport, OperationFilter, OperationRow};
pub use owner::{Liveness, Owner};
pub use pins::PinRow;
pub use runs::{NewRun, RunKind, RunRow};
pub use targets::{CredentialRow, NewTarget, TargetRow};
pub use versions::{Added, NewVersion, VersionRow};

use crate::change::Change;
use crate::db::Db;
use crate::gone::Folder;

/// Bytes that SQLite needs beside the registry to open it: the files that its connections share.
const ROOM_TO_OPEN: usize = 64 << 10;

/// The store of one home folder. Cloning is cheap and shares everything; every method may be
/// called from any thread.
///
/// What a method has stored when it returns is on disk, unless it says otherwise.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    who: Arc<str>,
}

struct Shared {
    home: PathBuf,
    db: Db,
    clock: Arc<dyn Clock>,
    owner: Owner,
    access: Access,
    /// The home as it was opened, which tells one that was removed, unmounted or replaced.
    folder: Folder,
    /// Where unfinished things lie when the home cannot be written; removed with the store.
    aside: Option<tempfile::TempDir>,
}

/// What can be done with a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything.
    Write,
    /// Reading: this user may not change it.
    Read,
    /// Reading and removing: there is no room to write anything.
    Full,
}

impl Access {
    /// Why something that writes is refused.
    pub fn refusal(self, path: &Path) -> StoreError {
        match self {
            Self::Full => StoreError::DiskFull { path: path.to_owned() },
            _ => StoreError::ReadOnly { path: path.to_owned() },
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("home", &self.shared.home).field("who", &self.who).finish_non_exhaustive()
    }
}

/// Files of models without a registry that knows them: a new, empty one would call them all unused.
fn refuse_lost_registry(home: &Path) -> Result<(), StoreError> {
    let path = home.join("registry.db");
    if fs::metadata(&path).is_ok_and(|meta| meta.len() > 0) {
        return Ok(());
    }
    let folders = fs::read_dir(home.join("blobs/sha256")).into_iter().flatten().flatten();
    let mut blobs = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    if blobs.next().is_none() {
        return Ok(());
    }
    let detail = Said("it is missing or empty, and there are files of models beside it".to_owned());
    Err(StoreError::Corrupt { path, detail })
}

impl Store {
    /// True when another process has changed the registry since this was last asked; false the first time.
    pub fn changed_elsewhere(&self) -> Result<bool, StoreError> {
        self.shared.db.changed_elsewhere()
    }

    /// Opens the store of a home folder, or makes it.
    ///
    /// Files that killed imports left are removed. Operations are signed with the login name; see
    /// [`Store::acting_as`]. A home that is there and cannot be written, or whose disk is full, is opened to
    /// be read; see [`Store::is_read_only`].
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        Self::open_with(home, Arc::new(SystemClock))
    }

    /// As [`Store::open`], with the time from `clock`.
    pub fn open_with(home: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let error = match Self::open_to_write(home, Arc::clone(&clock)) {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        let Some(access) = access_left(home, &error) else { return Err(error) };
        // A disk that a killed import filled is given back its room before anything else.
        if access == Access::Full
            && blobs::remove_leftovers(home, &Owner::current()).is_ok_and(|removed| removed > 0)
            && let Ok(store) = Self::open_to_write(home, Arc::clone(&clock))
        {
            return Ok(store);
        }
        Self::open_to_read_with(home, clock, access).map_err(|reason| match reason {
            reason @ StoreError::NewerDatabase { .. } => reason,
            _ => error,
        })
    }

    /// Opens the store of a home folder and changes nothing in it: what would, says that it cannot.
    pub fn open_to_read(home: &Path) -> Result<Self, StoreError> {
        Self::open_to_read_with(home, Arc::new(SystemClock), Access::Read)
    }

    fn open_to_read_with(home: &Path, clock: Arc<dyn Clock>, access: Access) -> Result<Self, StoreError> {
        let db = Db::open_to_read(&home.join("registry.db"), access)?;
        // Without it only what needs no files of its own works.
        let aside = tempfile::Builder::new().prefix("modeldesk-").tempdir().ok();
        let (folder, home, owner) = (Folder::hold(home), home.to_path_buf(), Owner::current());
        let shared = Shared { home, db, clock, owner, access, folder, aside };
        Ok(Self { shared: Arc::new(shared), who: login_name().into() })
    }

    fn open_to_write(home: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        fs::create_dir_all(home).map_err(|e| match why_no_folder(home) {
            Some(why) => StoreError::NoHome { why, path: home.to_owned() },
            None => StoreError::io("create the home folder", home, e),
        })?;
        let lock = HomeLock::take(home)?;
        refuse_lost_registry(home)?;
        let db = Db::open(&home.join("registry.db"))?;
        let (owner, access) = (Owner::current(), Access::Write);
        let (folder, home) = (Folder::hold(home), home.to_path_buf());
        let shared = Shared { home, db, clock, owner, access, folder, aside: None };
        let store = Self { shared: Arc::new(shared), who: login_name().into() };
        store.prepare_folders()?;
        drop(lock);
        Ok(store)
    }

    /// The same store, with another name in the operations that it writes.
    #[must_use]
    pub fn acting_as(&self, who: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), who: who.into() }
    }

    /// The name in the operations that this store writes.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        &self.shared.home
    }

    /// True when the home cannot be written, so that only reading works.
    pub fn is_read_only(&self) -> bool {
        self.shared.access != Access::Write
    }

    /// True when the home cannot be written because there is no room: removing works.
    pub fn is_full(&self) -> bool {
        self.shared.access == Access::Full
    }

    /// Why this home cannot be written, where that is so.
    pub fn refusal(&self) -> Option<StoreError> {
        self.is_read_only().then(|| self.shared.access.refusal(&self.shared.home))
    }

    /// A folder for unfinished things where the home cannot be written.
    pub fn aside(&self) -> Option<&Path> {
        self.shared.aside.as_ref().map(tempfile::TempDir::path)
    }

    /// The store's idea of now.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// This process, as leases name it.
    pub fn owner(&self) -> &Owner {
        &self.shared.owner
    }

    /// Problems of the registry's file itself; empty when all is well. Takes seconds on a large one.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        self.shared.db.check()
    }

    fn db(&self) -> &Db {
        &self.shared.db
    }

    /// Makes one change in one transaction.
    fn change<T>(&self, work: impl FnOnce(&Change<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.must_be_there()?;
        self.db().write(|tx| work(&Change { tx, now: self.now(), who: &self.who }))
    }
}

/// A lock file that makes two processes open one home after the other, not at once.
struct HomeLock(#[expect(dead_code, reason = "the lock is held by the open file")] fs::File);

impl HomeLock {
    fn take(home: &Path) -> Result<Self, StoreError> {
        let path = home.join(".lock");
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| StoreError::io("write the lock file", &path, e))?;
        match file.lock() {
            // A file system without locks: SQLite's own have to do.
            Err(e) if e.kind() == std::io::ErrorKind::Unsupported => {}
            other => other.map_err(|e| StoreError::io("lock the home folder", &path, e))?,
        }
        Ok(Self(file))
    }
}

/// What is left to be done with a store that could not be opened to be written, where anything is.
fn access_left(home: &Path, error: &StoreError) -> Option<Access> {
    if !home.join("registry.db").is_file() {
        return None;
    }
    match error {
        StoreError::ReadOnly { .. } => Some(Access::Read),
        StoreError::DiskFull { .. } => Some(Access::Full),
        // SQLite says only that it cannot open its files; why that is so is tried.
        StoreError::Io { .. } | StoreError::Sql(_) => {
            let room = tempfile::tempfile_in(home).and_then(|mut file| file.write_all(&vec![1; ROOM_TO_OPEN]));
            match room.err()?.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(Access::Read),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(Access::Full),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What is in the place of a home folder that cannot be made, where something is.
fn why_no_folder(home: &Path) -> Option<String> {
    let meta = fs::symlink_metadata(home).ok()?;
    if !meta.is_symlink() {
        return (!meta.is_dir()).then(|| "it is a file".to_owned());
    }
    let leads = fs::read_link(home).map_or_else(|_| String::new(), |to| format!(" ({})", to.display()));
    Some(match fs::metadata(home) {
        Ok(_) => format!("it is a link to something that is not a folder{leads}"),
        Err(_) => format!("it is a link that leads nowhere{leads}"),
    })
}

fn login_name() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .or_else(account_name)
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The account's name where the environment does not say it, as under a service manager.
#[cfg(unix)]
fn account_name() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let uid = fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    let mut entries = accounts.lines().map(|line| line.split(':'));
    entries.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn account_name() -> Option<String> {
    None
}
