//! The facade: one object that the window, the command line and tests hold.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crossbeam_channel::Receiver;
use desk_core::{Cancel, Digest, Fault, FaultKind, ProgressSink};
use desk_jobs::{WorkerCommand, WorkerPool};
use desk_store::{Store, StoreError};

use crate::command::Command;
use crate::gc::{RUN, SCRATCH};
use crate::history::Recorded;
use crate::jobs::{Board, JobProgress};
use crate::options::DeskOptions;
use crate::outcome::Outcome;
use crate::query::{Event, JobView};
use crate::vault::Keyholder;

/// A desk: the store, the workers, the secrets and the jobs of one home folder.
///
/// Cloning is cheap. Every method may be called from any thread; those that read or write block,
/// so a window calls them off its frame.
#[derive(Clone)]
pub struct Desk(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub options: DeskOptions,
    pub store: Store,
    /// The registry of the home cannot be opened, and `store` is an empty one in its place.
    pub stand_in: Option<StandIn>,
    pub pool: WorkerPool,
    pub secrets: Keyholder,
    pub board: Arc<Board>,
    /// Blobs whose bytes were compared with their digest, and the file's size and time then.
    pub checked: parking_lot::Mutex<HashMap<Digest, (u64, SystemTime)>>,
    /// Targets that this process is changing.
    pub rollouts: parking_lot::Mutex<HashSet<String>>,
    /// Kept answers whose rows somebody looks at.
    pub rows: parking_lot::Mutex<crate::rows::InUse>,
}

/// An empty store for a home whose own cannot be opened.
pub(crate) struct StandIn {
    /// Why it cannot.
    pub fault: Fault,
    /// Where the empty one lies; removed with it.
    _folder: tempfile::TempDir,
}

impl Desk {
    /// Opens the desk of a home folder, and makes the folder when there is none.
    pub fn open(options: DeskOptions) -> Result<Self, Fault> {
        let store = Store::open(&options.home)?;
        let desk = Self::over(store, options);
        desk.close_orphans()?;
        if !desk.is_read_only() || desk.0.store.is_full() {
            desk.sweep_scratch();
        }
        Ok(desk)
    }

    /// Opens the desk of a home folder that is there, to look at it: nothing is made or tidied.
    pub fn open_to_read(options: DeskOptions) -> Result<Self, Fault> {
        let store = Store::open_to_read(&options.home)?;
        Ok(Self::over(store, options))
    }

    /// Opens the desk of a home folder for [`Command::Doctor`], which tells of everything else, too, where the
    /// registry cannot be opened.
    pub fn open_to_diagnose(options: DeskOptions) -> Result<Self, Fault> {
        let fault = match Self::open(options.clone()) {
            Ok(desk) => return Ok(desk),
            Err(fault) => fault,
        };
        let Ok(folder) = tempfile::Builder::new().prefix("modeldesk-").tempdir() else { return Err(fault) };
        let Ok(store) = Store::open(folder.path()) else { return Err(fault) };
        Ok(Self::over_with(store, options, Some(StandIn { fault, _folder: folder })))
    }

    /// Why the registry of this home cannot be opened, where [`Desk::open_to_diagnose`] went on without it.
    pub fn unopened(&self) -> Option<&Fault> {
        self.0.stand_in.as_ref().map(|stand_in| &stand_in.fault)
    }

    fn over(store: Store, options: DeskOptions) -> Self {
        Self::over_with(store, options, None)
    }

    fn over_with(store: Store, options: DeskOptions, stand_in: Option<StandIn>) -> Self {
        if let Err(error) = desk_secrets::keep_to_itself() {
            tracing::warn!(%error, "what is in memory may get into core files");
        }
        let command = WorkerCommand::new(&options.worker, ["worker"]);
        let limits = desk_jobs::Limits { max_workers: options.max_workers, ..desk_jobs::Limits::default() };
        let secrets = Keyholder::new(&options.home, options.secrets);
        let pool = WorkerPool::new(command, limits);
        Self(Arc::new(Inner {
            options,
            store,
            stand_in,
            pool,
            secrets,
            board: Arc::default(),
            checked: parking_lot::Mutex::default(),
            rollouts: parking_lot::Mutex::default(),
            rows: parking_lot::Mutex::default(),
        }))
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        &self.0.options.home
    }

    /// Why nothing can be kept any more, where the home was removed, unmounted or replaced since it was opened;
    /// cheap enough for once a second.
    pub fn gone(&self) -> Option<Fault> {
        self.0.store.gone().map(Fault::from)
    }

    /// Why nothing new can be kept: there is no room left on the home's disk; cheap enough for once a second.
    pub fn full(&self) -> Option<Fault> {
        self.0.store.full().map(Fault::from)
    }

    /// A folder for files that are not finished, on the same disk as the blobs where the home can be
    /// written; removed when dropped.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir, Fault> {
        let parent = self.0.store.aside().map_or_else(|| self.home().join(SCRATCH), Path::to_path_buf);
        // Whose it is stands in its name: what a killed desk left is told from what another one works in.
        let prefix = format!("{RUN}{}-", self.0.store.owner().token());
        if let Some(gone) = self.gone() {
            return Err(gone);
        }
        let make = || {
            std::fs::create_dir_all(&parent)?;
            tempfile::Builder::new().prefix(&prefix).tempdir_in(&parent)
        };
        make().map_err(|error| {
            Fault::new(FaultKind::Environment, format!("cannot make a folder below {}", parent.display()))
                .detail(error.to_string())
                .hint("Check that the home folder is writable and the disk has room")
        })
    }

    /// Does a command here and now; for the command line and for tests.
    ///
    /// It is a job too, so that it is in the store's list and another process can cancel it.
    pub fn run(&self, command: Command, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Outcome, Fault> {
        self.precheck(&command)?;
        if self.is_read_only() {
            self.refuse_changes(&command)?;
            return self.execute_caught(command, cancel, progress);
        }
        let id = match self.store_job(&command) {
            Ok(id) => id,
            // The last bytes of the disk went between opening the home and now.
            Err(StoreError::DiskFull { .. }) if works_unwritten(&command, true) => {
                return self.execute_caught(command, cancel, progress);
            }
            // A registry that takes no job is what it is asked about.
            Err(_) if matches!(command, Command::Doctor) => return self.execute_caught(command, cancel, progress),
            Err(error) => return Err(error.into()),
        };
        let result = self.execute_recorded(&id, command, cancel, progress);
        self.finish_job(&id, &result);
        result
    }

    fn execute_recorded(
        &self,
        id: &str,
        command: Command,
        cancel: &Cancel,
        inner: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let progress = Recorded { store: &self.0.store, id, inner, written: Mutex::default() };
        let (over, ended) = crossbeam_channel::bounded::<()>(0);
        std::thread::scope(|scope| {
            // Work that reports nothing for long, such as a model that does not answer, is stopped too.
            let listen = || self.hear_cancel(id, cancel, &ended);
            if let Err(error) = std::thread::Builder::new().name("cancel".into()).spawn_scoped(scope, listen) {
                tracing::warn!(%error, "other processes cannot stop this job");
            }
            let result = self.execute_caught(command, cancel, &progress);
            drop(over);
            result
        })
    }

    /// The home folder cannot be written: what is there can be looked at, and nothing is recorded.
    pub fn is_read_only(&self) -> bool {
        self.0.store.is_read_only()
    }

    /// In a home that cannot be written: everything but what only reads, and removing where there is no room.
    fn refuse_changes(&self, command: &Command) -> Result<(), Fault> {
        let Some(refusal) = self.0.store.refusal() else { return Ok(()) };
        if works_unwritten(command, self.0.store.is_full()) {
            return Ok(());
        }
        let fault = Fault::from(refusal);
        Err(match command {
            Command::Predict(_) => fault.hint("Or name a file for the answers: --out FILE"),
            _ => fault.detail(format!("`{}` changes what is kept there", command.to_cli())),
        })
    }

    /// Keeps a run, or says that it is not kept: its id, and a sentence where there is none.
    pub(crate) fn record(&self, run: &desk_store::NewRun) -> Result<(String, Option<String>), Fault> {
        let unrecorded = |why: &str| Ok((String::new(), Some(format!("This run is not recorded: {why}"))));
        match self.0.store.add_run(run) {
            Ok(id) => Ok((id, None)),
            Err(StoreError::ReadOnly { .. }) => unrecorded("the home folder cannot be written"),
            Err(StoreError::DiskFull { .. }) => unrecorded("the disk is full"),
            Err(error) => Err(error.into()),
        }
    }

    /// Starts a command on its own thread and gives the job's id.
    pub fn submit(&self, command: Command) -> Result<String, Fault> {
        self.precheck(&command)?;
        let id = self.store_job(&command)?;
        let cancel = self.0.board.begin(id.clone(), command.clone(), self.0.store.now().to_string());
        let desk = self.clone();
        let job = id.clone();
        let spawned = std::thread::Builder::new().name(format!("job {}", command.title())).spawn(move || {
            let progress = JobProgress { board: Arc::clone(&desk.0.board), id: job.clone() };
            let result = desk.execute_recorded(&job, command, &cancel, &progress);
            desk.finish_job(&job, &result);
            desk.0.board.end(&job, result);
        });
        match spawned {
            Ok(_) => Ok(id),
            Err(error) => {
                let fault = Fault::new(FaultKind::Environment, "cannot start a thread").detail(error.to_string());
                self.finish_job(&id, &Err(fault.clone()));
                self.0.board.end(&id, Err(fault.clone()));
                Err(fault)
            }
        }
    }

    /// A panic in a use case ends the job, not the window.
    fn execute_caught(&self, command: Command, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Outcome, Fault> {
        let title = command.title();
        let work = std::panic::AssertUnwindSafe(|| self.execute(command, cancel, progress));
        std::panic::catch_unwind(work).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default();
            Err(Fault::bug(format!("{title} stopped because of a fault in Modeldesk"))
                .detail(text)
                .hint("Nothing was half-stored; please report this with the details"))
        })
    }

    fn execute(&self, command: Command, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Outcome, Fault> {
        cancel.check()?;
        let event = match &command {
            Command::Import(_)
            | Command::Alias(_)
            | Command::Archive(_)
            | Command::Pin(_)
            | Command::Unpin(_)
            | Command::Predict(_)
            | Command::Explain(_)
            | Command::Importance(_)
            | Command::Dependence(_)
            | Command::Surrogate(_)
            | Command::Undo(_)
            | Command::Sample => Some(Event::Models),
            Command::TargetAdd(_)
            | Command::TargetCheck(_)
            | Command::TargetTrust(_)
            | Command::TargetRemove(_)
            | Command::CredentialRemove(_) => Some(Event::Targets),
            Command::Deploy(_) | Command::Rollback(_) | Command::Undeploy(_) => Some(Event::Deployments),
            Command::ExportRows(_)
            | Command::ExportTensor(_)
            | Command::Verify(_)
            | Command::Doctor
            | Command::Gc(_) => None,
        };
        let result = match command {
            Command::Import(c) => self.import(&c, cancel, progress),
            Command::Alias(c) => self.set_alias(&c),
            Command::Archive(c) => self.archive(&c),
            Command::Pin(c) => self.pin(&c),
            Command::Unpin(c) => self.unpin(&c),
            Command::Predict(c) => self.predict(c, cancel, progress),
            Command::Explain(c) => self.explain(&c, cancel, progress),
            Command::Importance(c) => self.importance(&c, cancel, progress),
            Command::Dependence(c) => self.dependence(&c, cancel, progress),
            Command::Surrogate(c) => self.surrogate(&c, cancel, progress),
            Command::ExportRows(c) => self.export_rows(&c, cancel, progress),
            Command::ExportTensor(c) => self.export_tensor(&c, cancel, progress),
            Command::TargetAdd(c) => self.target_add(&c),
            Command::TargetCheck(c) => self.target_check(&c.name, cancel, progress),
            Command::TargetTrust(c) => self.target_trust(&c, cancel),
            Command::TargetRemove(c) => self.target_remove(&c.name),
            Command::CredentialRemove(c) => self.credential_remove(&c.name),
            Command::Deploy(c) => self.deploy(&c, cancel, progress),
            Command::Rollback(c) => self.rollback(&c, cancel, progress),
            Command::Undeploy(c) => self.undeploy(&c, cancel, progress),
            Command::Verify(c) => self.verify(c.version.as_ref(), cancel, progress),
            Command::Doctor => self.doctor(cancel),
            Command::Gc(c) => self.collect(c),
            Command::Undo(c) => self.undo(c.operation),
            Command::Sample => self.add_samples(cancel, progress).map(Outcome::Samples),
        };
        // Failures change things too: a failed deployment is a row of its own.
        if let Some(event) = event {
            self.0.board.emit(&event);
        }
        result
    }

    /// Hears of everything that changes.
    pub fn subscribe(&self) -> Receiver<Event> {
        self.0.board.subscribe()
    }

    /// Looks whether another process has changed something of this home since the last look, and tells the
    /// listeners; cheap enough for once a second.
    pub fn look_elsewhere(&self) {
        match self.0.store.changed_elsewhere() {
            Ok(true) => self.0.board.emit(&Event::Elsewhere),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "changes by other processes cannot be looked for"),
        }
    }

    /// Jobs of this process, newest first.
    pub fn jobs(&self) -> Vec<JobView> {
        self.0.board.views()
    }

    /// One job of this process.
    pub fn job(&self, id: &str) -> Option<JobView> {
        self.0.board.view(id)
    }

    /// Takes finished jobs out of [`Desk::jobs`].
    pub fn forget_finished(&self) {
        self.0.board.forget_finished();
    }

    /// Asks a job to stop, whichever process runs it.
    pub fn cancel(&self, id: &str) -> Result<(), Fault> {
        if !self.0.board.cancel(id) {
            self.0.store.request_cancel(id)?;
        }
        Ok(())
    }

    /// Asks all jobs of this process to stop.
    pub fn cancel_all(&self) {
        self.0.board.cancel_all();
    }

    /// Where a file of this home lies.
    pub(crate) fn below_home(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }
}

/// What works where nothing can be written: reading, and removing where that is for lack of room.
fn works_unwritten(command: &Command, full: bool) -> bool {
    match command {
        Command::Predict(c) => c.out.is_some(),
        Command::Explain(_)
        | Command::Importance(_)
        | Command::Dependence(_)
        | Command::Surrogate(_)
        | Command::ExportRows(_)
        | Command::ExportTensor(_)
        | Command::Verify(_)
        | Command::Doctor => true,
        Command::Gc(c) => c.dry_run || full,
        _ => false,
    }
}
