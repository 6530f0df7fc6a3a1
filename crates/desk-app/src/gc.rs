//! Taking back the room that killed and cancelled work left taken.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use desk_core::Fault;
use desk_core::words::bytes;
use desk_store::{JobFilter, Liveness};

use crate::Desk;
use crate::command::Gc;
use crate::outcome::{Check, Collected, Outcome, UnusedFile};
use crate::query::StorageView;

/// The folder below the home for what is not finished.
pub(crate) const SCRATCH: &str = "scratch";
/// How the names of folders in there begin; whose they are follows.
pub(crate) const RUN: &str = "run-";
/// What was stored so shortly before is spared: clocks of file systems are coarse.
const MARGIN: Duration = Duration::from_mins(1);

impl Desk {
    /// Removes blobs that nothing names and folders of work that was ended; a dry run only says which.
    pub(crate) fn collect(&self, command: Gc) -> Result<Outcome, Fault> {
        let (before, running) = self.unused_before()?;
        let blobs =
            if command.dry_run { self.0.store.unused_blobs(before)? } else { self.0.store.remove_unused(before)? };
        let folders = [self.dead_scratch(before), desk_jobs::left_behind(), self.given_up()].concat();
        if !command.dry_run {
            for folder in &folders {
                remove_folder(folder);
            }
        }
        // What is left after that is newer than something that still runs, or than a minute.
        let unused = self.0.store.unused_blobs(SystemTime::now() + MARGIN)?.len();
        let left = if command.dry_run { unused.saturating_sub(blobs.len()) } else { unused };
        Ok(Outcome::Collected(Collected {
            spared: left as u64,
            dry_run: command.dry_run,
            blobs: blobs.len() as u64,
            bytes: blobs.iter().map(|blob| blob.bytes).sum(),
            items: blobs.into_iter().map(|blob| UnusedFile { digest: blob.digest, bytes: blob.bytes }).collect(),
            folders: folders.len() as u64,
            running,
        }))
    }

    /// The time before which nothing that runs now has stored anything, and how many jobs run, those of
    /// other processes too. Work stores first and names what it stored at its end.
    fn unused_before(&self) -> Result<(SystemTime, u64), Fault> {
        let open = JobFilter { open_only: true, ..JobFilter::default() };
        let mut before = SystemTime::now();
        let mut running = 0;
        let now = self.0.store.now();
        for job in self.0.store.list_jobs(&open, u32::MAX)? {
            if !job.is_orphan(now) && job.kind != "gc" {
                running += 1;
                // One that began in the future: the clock has jumped back, and nobody knows what it has stored since.
                let began = Some(job.created_at).filter(|began| *began <= now);
                before = before.min(began.map_or(SystemTime::UNIX_EPOCH + MARGIN, SystemTime::from));
            }
        }
        Ok((before - MARGIN, running))
    }

    /// Scratch folders that no running job made: those of dead processes, and those that are older than
    /// all that runs.
    fn dead_scratch(&self, before: SystemTime) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.below_home(SCRATCH)).into_iter().flatten().flatten();
        let owner = self.0.store.owner();
        let dead = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = name.strip_prefix(RUN).unwrap_or_default();
            let old = std::fs::symlink_metadata(path).and_then(|meta| meta.modified()).is_ok_and(|at| at <= before);
            match owner.token_liveness(name) {
                Liveness::Dead => true,
                Liveness::Alive => false,
                // Age counts only for those of which nothing else is known: a clock may jump.
                Liveness::Unknown => old,
            }
        };
        entries.map(|entry| entry.path()).filter(dead).collect()
    }

    /// How much room the home takes.
    pub fn storage(&self) -> Result<StorageView, Fault> {
        let (mut blobs, mut blob_bytes) = (0, 0);
        for digest in self.0.store.referenced_blobs()? {
            blobs += 1;
            blob_bytes += std::fs::metadata(self.0.store.blob_path(&digest)).map_or(0, |meta| meta.len());
        }
        let unused = self.0.store.unused_blobs(self.unused_before()?.0)?;
        let size = |name: &str| std::fs::metadata(self.below_home(name)).map_or(0, |meta| meta.len());
        Ok(StorageView {
            home: self.home().display().to_string(),
            blob_bytes,
            blobs,
            registry_bytes: size("registry.db") + size("registry.db-wal"),
            unused: unused.len() as u64,
            unused_bytes: unused.iter().map(|blob| blob.bytes).sum(),
        })
    }

    /// For `doctor`: the room that is taken, and what `gc` would give back.
    pub(crate) fn check_storage(&self) -> Check {
        let name = "storage".to_owned();
        if self.unopened().is_some() {
            let (files, taken) = self.files_of_models();
            let detail =
                format!("{files} files of models, {} in all; what names them is in the registry", bytes(taken));
            return Check { name, ok: true, detail, hint: None };
        }
        match self.storage() {
            Ok(view) => {
                let unused = match view.unused {
                    0 => String::new(),
                    unused => format!("; {unused} unused, {}: modeldesk gc", bytes(view.unused_bytes)),
                };
                let taken = bytes(view.blob_bytes + view.registry_bytes);
                let detail = format!("{} files, {taken} in all{unused}", view.blobs);
                Check { name, ok: true, detail, hint: None }
            }
            Err(fault) => Check { name, ok: false, detail: fault.message, hint: fault.hints.into_iter().next() },
        }
    }

    /// How many files of models lie in the home, and their bytes, whether anything names them or not.
    fn files_of_models(&self) -> (u64, u64) {
        let folders = std::fs::read_dir(self.below_home("blobs/sha256")).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
        files.filter_map(|file| file.metadata().ok()).fold((0, 0), |(n, sum), meta| (n + 1, sum + meta.len()))
    }

    /// Removes folders of runs that were killed.
    pub(crate) fn sweep_scratch(&self) {
        // A day without a change: no run of another process is still in there.
        let before = SystemTime::now() - Duration::from_hours(24);
        for folder in self.dead_scratch(before) {
            remove_folder(&folder);
        }
    }
}

fn remove_folder(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::debug!(%error, "an old scratch folder was not removed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use desk_store::{ManualClock, NewJob, Store};
    use serde_json::json;

    use super::*;
    use crate::DeskOptions;

    /// Another process imports since two hours ago and has stored a file one hour ago.
    #[test]
    fn what_a_running_import_has_stored_is_spared_until_it_ends() {
        let home = tempfile::tempdir().expect("a folder");
        let then = jiff::Timestamp::now().as_microsecond() - 7200 * 1_000_000;
        let other = Store::open_with(home.path(), Arc::new(ManualClock::at_micros(then))).expect("opens");
        let new = NewJob { kind: "import".into(), title: "Import".into(), command: json!({}), object: None };
        let job = other.create_job(&new).expect("made");
        assert!(other.claim_job(&job, other.owner(), 24 * 3600).expect("claimed"));
        let blob = other.put_bytes(b"weights of a large model").expect("stored");
        let file = std::fs::File::open(other.blob_path(&blob)).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).expect("set");

        let desk = Desk::open(DeskOptions::for_home(home.path())).expect("opens");
        let collect = |dry_run| match desk.collect(Gc { dry_run }).expect("looked") {
            Outcome::Collected(collected) => collected,
            other => panic!("{other:?}"),
        };
        assert_eq!((collect(false).blobs, collect(false).running), (0, 1));
        assert!(other.has_blob(&blob));
        other.finish_job(&job, &desk_store::Outcome::Cancelled).expect("ended");
        assert_eq!((collect(true).blobs, desk.storage().expect("read").unused), (1, 1));
        let removed = collect(false);
        assert_eq!((removed.blobs, removed.bytes, removed.running), (1, 24, 0));
        assert!(!other.has_blob(&blob));
    }

    /// Work of processes that are gone holds nothing back: one was killed before it took its job up, one
    /// cannot be seen from here and its lease is over, one has left a folder.
    #[test]
    fn jobs_that_nobody_works_on_are_said_to_have_ended_and_spare_nothing() {
        let home = tempfile::tempdir().expect("a folder");
        let desk = Desk::open(DeskOptions::for_home(home.path())).expect("opens");
        let then = jiff::Timestamp::now().as_microsecond() - 7200 * 1_000_000;
        let other = Store::open_with(home.path(), Arc::new(ManualClock::at_micros(then))).expect("opens");
        let command = json!({ "verb": "gc", "dry_run": false });
        let new = NewJob { kind: "import".into(), title: "Import".into(), command, object: None };
        other.create_job(&new).expect("made");
        let far = desk_store::Owner { pid: 1, started: 1, place: "another machine/its boot/".into() };
        other.begin_job(&new, &far, 3600).expect("made");
        let dead = desk_store::Owner { started: desk.0.store.owner().started + 1, ..desk.0.store.owner().clone() };
        other.begin_job(&new, &dead, 24 * 3600).expect("made");
        let blob = other.put_bytes(b"weights of a large model").expect("stored");
        let file = std::fs::File::open(other.blob_path(&blob)).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).expect("set");
        let left = home.path().join(SCRATCH).join(format!("{RUN}{}-x", dead.token()));
        let mine = desk.scratch().expect("made");
        std::fs::create_dir_all(&left).expect("made");

        assert!(desk.stored_jobs(9).expect("listed").iter().all(|job| job.state == desk_core::state::JobState::Failed));
        let Outcome::Collected(collected) = desk.collect(Gc { dry_run: false }).expect("looked") else {
            panic!("other")
        };
        assert_eq!((collected.running, collected.blobs), (0, 1));
        // Beside what workers of other killed desks have left on this computer.
        assert!(collected.folders >= 1);
        assert!(!left.exists() && mine.path().exists());
        desk.close_orphans().expect("closed");
        assert!(desk.0.store.orphans().expect("listed").is_empty());
    }
}
