//! Calls to a worker: which files it may see, and the version's files laid out for it.

use std::path::{Path, PathBuf};

use desk_core::model::{RANDOM_ANSWERS, ROWS_TOGETHER};
use desk_core::{Cancel, Description, Digest, Fault, Manifest, ProgressSink, VersionRef};
use desk_jobs::Policy;
use desk_store::VersionRow;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Desk;
use crate::repair::Making;
use crate::worker::protocol::ModelFiles;

/// Where a model's metadata names its features.
const FEATURE_NAMES: &str = "feature_names";

/// Where a model's metadata names the column with the truth.
pub(crate) const TARGET: &str = "target";

/// A version that is ready to be run.
pub(crate) struct Loaded {
    /// Its row.
    pub row: VersionRow,
    /// What it says of itself, and the names of its features where only the golden rows know them.
    pub description: Description,
    /// Its files as a worker needs them.
    pub files: ModelFiles,
    /// The folder that holds them.
    pub folder: PathBuf,
    /// What its import called the column with the truth.
    pub target: Option<String>,
}

impl Loaded {
    /// Import found that the answer to a row depends on the rows beside it.
    pub fn is_together(&self) -> bool {
        let noticed = Making::of(&self.row).map(|making| making.noticed).unwrap_or_default();
        noticed.iter().any(|finding| finding.code == ROWS_TOGETHER)
    }

    /// What import found that whoever reads an answer of this version has to know.
    pub fn cautions(&self) -> Vec<String> {
        let noticed = Making::of(&self.row).map(|making| making.noticed).unwrap_or_default();
        let all = self.description.findings.iter().chain(&noticed);
        let told = all.filter(|finding| [RANDOM_ANSWERS, ROWS_TOGETHER].contains(&finding.code.as_str()));
        told.map(|finding| finding.message.clone()).collect()
    }

    /// The same, and of what is said about answers that are drawn: differences between them are what explanations are made of.
    pub fn cautions_of_explanations(&self) -> Vec<String> {
        let noise = self.description.is_random().then(|| {
            "What is said of this model is noise in part: asked again about the same rows it gives other numbers"
                .to_owned()
        });
        self.cautions().into_iter().chain(noise).collect()
    }
}

impl Desk {
    /// Resolves a reference and lays the version's files out.
    pub(crate) fn load(&self, version: &VersionRef) -> Result<Loaded, Fault> {
        let row = self.0.store.resolve(version)?;
        let manifest = self.manifest(&row)?;
        let files: Vec<_> = manifest.files.iter().map(|file| (file.name.clone(), file.digest)).collect();
        for (_, digest) in &files {
            self.check_blob(digest)?;
        }
        let folder = self.0.store.view(&row.digest, &files)?;
        let files =
            ModelFiles { digest: row.digest, entry: folder.join(&manifest.entry), library: self.runtime_library()? };
        let mut description = self.named(&manifest);
        let target = Making::of(&row).and_then(|making| making.columns.target);
        if let Some(target) = &target {
            // Before what the model's maker says: it was said here.
            description.metadata.insert(0, (TARGET.to_owned(), target.clone()));
        }
        Ok(Loaded { row, description, files, folder, target })
    }

    /// The description, with the names of the golden rows' columns where the model does not name its features:
    /// a file whose columns stand in another order is then read by name.
    fn named(&self, manifest: &Manifest) -> Description {
        let mut description = manifest.description.clone();
        if description.metadata.iter().any(|(key, _)| key.eq_ignore_ascii_case(FEATURE_NAMES)) {
            return description;
        }
        // Damaged golden rows are told where they are needed.
        let golden = self.golden(manifest).ok().flatten();
        let inputs = golden.map_or_else(Vec::new, |golden| golden.inputs);
        let names: Vec<String> = inputs.into_iter().filter_map(|input| input.labels).flatten().collect();
        if !names.is_empty() {
            description.metadata.push((FEATURE_NAMES.to_owned(), serde_json::json!(names).to_string()));
        }
        description
    }

    /// The blob is what its digest says; looked at again only when the file has changed.
    pub(crate) fn check_blob(&self, digest: &Digest) -> Result<(), Fault> {
        let path = self.0.store.blob_path(digest);
        let meta = std::fs::metadata(&path).ok();
        let state = meta.and_then(|meta| Some((meta.len(), meta.modified().ok()?)));
        if state.is_some() && self.0.checked.lock().get(digest) == state.as_ref() {
            return Ok(());
        }
        self.0.store.verify_blob(digest, &Cancel::new())?;
        if let Some(state) = state {
            self.0.checked.lock().insert(*digest, state);
        }
        Ok(())
    }

    /// The manifest of a version, from its blob.
    pub(crate) fn manifest(&self, row: &VersionRow) -> Result<Manifest, Fault> {
        let bytes = self.0.store.read_bytes(&row.digest)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Fault::input(format!("the manifest of {} v{} cannot be read", row.model, row.number))
                .detail(error.to_string())
                .hint("Run modeldesk verify; if it names this version, import the model again")
        })
    }

    /// One request to a worker that may read `read` and write `write`.
    pub(crate) fn ask<R: DeserializeOwned>(
        &self,
        what: Ask<'_>,
        body: &impl Serialize,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<(R, Vec<u8>), Fault> {
        let mut policy = Policy::default();
        if let Some(bytes) = worker_memory() {
            policy = policy.memory(bytes);
        }
        if let Some(seconds) = what.cpu_seconds {
            policy = policy.cpu(seconds);
        }
        for path in what.read {
            policy = policy.read(real(path)?);
        }
        for path in what.write {
            policy = policy.write(real(path)?);
        }
        for device in gpu_devices(what.device) {
            policy = policy.write(device);
        }
        self.0.pool.call(&policy, what.affinity, what.op, body, Vec::new(), cancel, progress)
    }
}

/// An answer that came behind the head of its message.
pub(crate) fn large<R: DeserializeOwned>(bytes: &[u8]) -> Result<R, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|error| Fault::bug("an answer has another form than expected").detail(error.to_string()))
}

/// What a request is and which files it needs.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// One of [`crate::worker::protocol::op`].
    pub op: &'a str,
    /// Requests with the same text go to the same worker, which keeps sessions loaded.
    pub affinity: &'a str,
    /// Files and folders to read.
    pub read: &'a [&'a Path],
    /// Files and folders to write.
    pub write: &'a [&'a Path],
    /// The device's name, for its device files.
    pub device: &'a str,
    /// Processor seconds after which a model that does not end is ended; none for work whose
    /// length depends on the data.
    pub cpu_seconds: Option<u64>,
}

/// The path without links: rules of the sandbox are about the real file.
fn real(path: &Path) -> Result<PathBuf, Fault> {
    let opened = path.canonicalize().and_then(|real| Ok((std::fs::metadata(&real)?, real)));
    let (meta, real) = opened.map_err(|error| {
        Fault::input(format!("cannot open {}", path.display()))
            .detail(error.to_string())
            .hint("Check the path and that you may read it")
    })?;
    // A pipe would be waited for without end.
    if !meta.is_file() && !meta.is_dir() {
        return Err(Fault::input(format!("neither a file nor a folder: {}", path.display()))
            .hint("Write the data to a file first"));
    }
    Ok(real)
}

/// Three quarters of the computer's memory: a model that eats more ends its worker, not the desk.
fn worker_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024 / 4 * 3)
}

/// Device files that GPU drivers open; none for the processor.
fn gpu_devices(device: &str) -> Vec<PathBuf> {
    if device == "cpu" {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir("/dev") else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("nvidia"))
        .map(|entry| entry.path())
        .collect();
    let render = PathBuf::from("/dev/dri");
    if render.is_dir() {
        found.push(render);
    }
    // The order of a folder's entries is not fixed, and equal policies must be equal.
    found.sort();
    found
}
