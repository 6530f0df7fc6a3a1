//! What can go wrong in the store, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use desk_core::cancel::Cancelled;
use desk_core::ids::NAME_RULE;
use desk_core::words::quoted;
use desk_core::{Diagnose, Digest, FaultKind, Said};

/// Every failure of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file operation failed for another reason than the ones below.
    #[error("could not {action}: {path}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Something that is not a folder is in the home folder's place.
    #[error("the home folder cannot be used, {why}: {path}")]
    NoHome {
        /// What is there instead.
        why: String,
        /// The home folder.
        path: PathBuf,
    },
    /// No space is left where the store lives.
    #[error("the disk is full: {path}")]
    DiskFull {
        /// The file or folder being written.
        path: PathBuf,
    },
    /// The store may not be written.
    #[error("the home folder cannot be written: {path}")]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// The folder was removed, unmounted or replaced while it was in use.
    #[error("the home folder is gone: {path}")]
    HomeGone {
        /// The home folder.
        path: PathBuf,
    },
    /// The registry was made by a later Modeldesk.
    #[error("the registry has version {found}, made by a later Modeldesk (this one knows up to {known}): {path}")]
    NewerDatabase {
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
        /// The registry.
        path: PathBuf,
    },
    /// The registry's file is damaged or is no SQLite database.
    #[error("the registry is damaged: {path}")]
    Corrupt {
        /// The registry.
        path: PathBuf,
        /// What SQLite said, or what was found.
        #[source]
        detail: Said,
    },
    /// The file is sound, and its tables are not those that this program makes.
    #[error("the registry's tables are not those of this Modeldesk: {path}")]
    OtherSchema {
        /// The registry.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        detail: Said,
    },
    /// Another process kept the registry locked for too long.
    #[error("another Modeldesk keeps the registry busy: {path}")]
    Busy {
        /// The registry.
        path: PathBuf,
    },
    /// Any other answer of SQLite.
    #[error("the registry could not be read or written")]
    Sql(#[from] rusqlite::Error),
    /// A stored JSON value does not read back.
    #[error("a stored record is not valid: {what}")]
    Record {
        /// Which record.
        what: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// There is no such model.
    #[error("there is no model named {name}", name = quoted(.name))]
    NoModel {
        /// What was asked for.
        name: String,
        /// Names that are close, nearest first.
        near: Vec<String>,
    },
    /// The model has no such version.
    #[error("model {model} has no version {wanted}", model = quoted(.model))]
    NoVersion {
        /// The model.
        model: String,
        /// What was asked for, as written after `@`.
        wanted: String,
        /// Versions or aliases that exist and are close.
        near: Vec<String>,
    },
    /// A run, job, deployment, target, credential or operation that does not exist.
    #[error("there is no {what} {id}", id = quoted(.id))]
    NotFound {
        /// `run`, `job`, `deployment`, `target`, `credential`, `operation`.
        what: &'static str,
        /// What was asked for.
        id: String,
        /// Names that are close.
        near: Vec<String>,
    },
    /// The name is taken.
    #[error("there is already a {what} named {name}", name = quoted(.name))]
    NameTaken {
        /// `model`, `target`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Something else still needs it.
    #[error("{what} {name} is in use: {by}", name = quoted(.name))]
    InUse {
        /// `target`, `credential`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who needs it.
        by: String,
    },
    /// The name cannot be given to an alias or a file of a version.
    #[error("not a usable {what} name: {name}", name = quoted(.name))]
    BadName {
        /// `alias`, `file`, `target`, `credential`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A blob that a record names is not on disk.
    #[error("the stored file {} is missing", .digest.short())]
    BlobMissing {
        /// Its digest.
        digest: Digest,
    },
    /// A blob's bytes are not those of its name.
    #[error("the stored file {} is damaged: its bytes have digest {}", .digest.short(), .found.short())]
    BlobDamaged {
        /// Its digest.
        digest: Digest,
        /// What its bytes have.
        found: Digest,
    },
    /// The source is a folder, a device or the like.
    #[error("not a regular file: {path}")]
    NotAFile {
        /// The source.
        path: PathBuf,
    },
    /// The source changed while it was read.
    #[error("the file changed while it was being read: {path}")]
    SourceChanged {
        /// The source.
        path: PathBuf,
    },
    /// The operation cannot be undone (any more).
    #[error("operation {id} cannot be undone: {why}")]
    CannotUndo {
        /// The operation.
        id: i64,
        /// Why not.
        why: String,
    },
    /// The state does not allow the change.
    #[error("{what} {id} is {state}: {why}", id = quoted(.id))]
    WrongState {
        /// `job`, `deployment`.
        what: &'static str,
        /// Its id.
        id: String,
        /// The state it is in.
        state: String,
        /// What cannot be done.
        why: &'static str,
    },
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl StoreError {
    /// Sorts an I/O failure into disk full, read-only and others.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            ErrorKind::PermissionDenied if action.starts_with("write") || action.starts_with("create") => {
                Self::ReadOnly { path }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// Turns SQLite's answer into the failure it stands for.
    pub(crate) fn locate(self, path: &Path) -> Self {
        use rusqlite::ErrorCode as Code;
        let Self::Sql(error) = self else { return self };
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Corrupt { path, detail: Said(error.to_string()) },
            Some(Code::DiskFull) => Self::DiskFull { path },
            // The files that connections share could not be made as large as they have to be.
            Some(Code::SystemIoFailure) if is_shared_size(&error) => Self::DiskFull { path },
            Some(Code::ReadOnly) => Self::ReadOnly { path },
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy { path },
            Some(Code::CannotOpen) => {
                Self::Io { action: "open the registry", path, source: io::Error::other(error.to_string()) }
            }
            // Another program's file, or one of a Modeldesk that was never released.
            _ if is_other_schema(&error) => Self::OtherSchema { path, detail: Said(error.to_string()) },
            _ => Self::Sql(error),
        }
    }
}

/// The tables are not those that this program makes.
fn is_other_schema(error: &rusqlite::Error) -> bool {
    let text = error.to_string();
    text.starts_with("no such column") || text.starts_with("no such table")
}

fn is_shared_size(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// `near` as one hint, when there is any.
fn did_you_mean(near: &[String]) -> Option<String> {
    let quoted: Vec<String> = near.iter().map(quoted).collect();
    (!quoted.is_empty()).then(|| format!("Did you mean {}?", quoted.join(" or ")))
}

impl Diagnose for StoreError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Io { .. }
            | Self::NoHome { .. }
            | Self::DiskFull { .. }
            | Self::ReadOnly { .. }
            | Self::HomeGone { .. }
            | Self::NewerDatabase { .. }
            | Self::Corrupt { .. }
            | Self::OtherSchema { .. }
            | Self::Busy { .. }
            | Self::BlobMissing { .. }
            | Self::BlobDamaged { .. } => FaultKind::Environment,
            Self::Sql(_) | Self::Record { .. } | Self::WrongState { .. } => FaultKind::Bug,
            Self::Cancelled(_) => FaultKind::Cancelled,
            _ => FaultKind::Input,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::DiskFull { .. } => {
                vec![
                    "Free some space, or choose a home on another disk with --home; nothing was half-stored".into(),
                    "`modeldesk gc` removes stored files that nothing names any more; it needs no room".into(),
                ]
            }
            Self::ReadOnly { .. } => {
                vec!["Choose a folder that you may write with --home or MODELDESK_HOME".into()]
            }
            Self::HomeGone { .. } => vec![
                "Mount its disk again, or move the folder back to where it was; then everything goes on".into(),
                "If it was removed for good, open another home with --home or MODELDESK_HOME; none is made here".into(),
            ],
            Self::NoHome { .. } => {
                vec!["Correct or remove it, or choose another folder with --home or MODELDESK_HOME".into()]
            }
            Self::NewerDatabase { .. } => vec!["Update Modeldesk, or choose another home with --home".into()],
            Self::Corrupt { .. } => vec![
                "Restore registry.db from a backup; the model files under blobs are not touched".into(),
                "Without a backup, move the home folder away and import the models again: their files are under its blobs"
                    .into(),
            ],
            Self::OtherSchema { .. } => vec![
                "Another program made it, or a Modeldesk before its first release: choose another home with --home".into(),
                "To keep the models, import their files again there: they are under blobs of this home".into(),
            ],
            Self::Busy { .. } => vec!["Wait until the other Modeldesk has finished, then try again".into()],
            Self::NoModel { near, .. } => {
                did_you_mean(near).into_iter().chain(["`modeldesk list` shows all models".into()]).collect()
            }
            Self::NoVersion { model, near, .. } => did_you_mean(near)
                .into_iter()
                .chain([format!("`modeldesk list versions {model}` shows all versions")])
                .collect(),
            Self::NotFound { what, near, .. } => {
                let listed = match *what {
                    "target" => "`modeldesk list targets` shows all targets",
                    "deployment" => "`modeldesk list deployments` shows all deployments",
                    "credential" => "`modeldesk list credentials` shows all credentials",
                    "job" => "`modeldesk list jobs` shows all jobs",
                    "operation" => "`modeldesk log` shows all operations",
                    _ => "`modeldesk list runs` shows all runs",
                };
                did_you_mean(near).into_iter().chain([listed.into()]).collect()
            }
            Self::NameTaken { .. } => vec!["Choose another name".into()],
            Self::BadName { what: "alias", name } if crate::alias::is_reserved(name) => {
                vec!["`latest` and numbers after @ name versions already; choose a word such as champion".into()]
            }
            Self::CannotUndo { .. } => vec!["`modeldesk log` shows what can be taken back".into()],
            Self::BadName { .. } => vec![format!("Use {NAME_RULE}")],
            Self::BlobMissing { .. } | Self::BlobDamaged { .. } => {
                vec![
                    "Import the model again from its file, with the same name and --golden DATA as then; what was lost is \
                     then put back"
                        .into(),
                ]
            }
            Self::SourceChanged { .. } => vec!["Wait until the file is written completely, then import again".into()],
            Self::Io { source, .. } if source.kind() == ErrorKind::NotFound => vec![
                "See whether it is still there: a disk that was unplugged, or a folder that was moved".into(),
                "Another home can be named with --home or MODELDESK_HOME".into(),
            ],
            Self::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                vec!["Check who may read and write there, or choose another home with --home or MODELDESK_HOME".into()]
            }
            Self::Io { .. } => vec!["Check the disk that it lies on; `modeldesk doctor` tells what else works".into()],
            Self::NotAFile { .. } => vec!["Name a file".into()],
            _ => Vec::new(),
        }
    }
}
