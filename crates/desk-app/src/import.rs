//! Import: a model file becomes an immutable version with golden rows.

use std::path::{Path, PathBuf};
use std::time::Instant;

use desk_core::model::ROWS_TOGETHER;
use desk_core::{
    Cancel, Description, Digest, Fault, FaultKind, FileEntry, Finding, GoldenRows, Manifest, ModelName, NoProgress,
    Progress, ProgressSink, Severity,
};
use desk_store::{Added, NewVersion, VersionRow};
use serde_json::json;

use crate::Desk;
use crate::calls::Ask;
use crate::command::Import;
use crate::outcome::{GoldenSummary, Imported, Outcome};
use crate::query::ImportPreview;
use crate::repair::{GOLDEN, Making};
use crate::worker::protocol::{DescribeReply, DescribeRequest, GoldenReply, GoldenRequest, ModelFiles, op};
use crate::worker::rows::is_not_by_row;

/// Golden rows that travel with a version.
const GOLDEN_ROWS: usize = 16;
/// Processor seconds for reading a description; real models take milliseconds.
const DESCRIBE_SECS: u64 = 60;
/// Processor seconds for golden rows of the user's data: a model that loops without end is ended.
const GIVEN_SECS: u64 = 120;
/// Processor seconds for rows that nobody asked for.
const GENERATED_SECS: u64 = 20;
/// Files up to this size are digested before they are imported, to say that they are known.
const INSPECTED_BYTES: u64 = 512 << 20;
/// Seed of generated golden rows: fixed, so that the same import gives the same version.
const GOLDEN_SEED: u64 = 0;

impl Desk {
    pub(crate) fn import(
        &self,
        command: &Import,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        progress.report(Progress::new("Reading the model's description", 0, None, "bytes"));
        let damage = self.damage()?;
        let found = self.describe(&command.path, cancel)?;
        refuse_errors(&found.description, &command.path)?;
        let name = command.name.clone().unwrap_or_else(|| suggest_name(&command.path));

        let files = self.store_files(&found, cancel, progress)?;
        let mut manifest = Manifest {
            schema: 1,
            entry: found.entry.clone(),
            files,
            description: found.description,
            golden: None,
            copy: 0,
        };
        let content = manifest.content_digest();
        if !command.again
            && let Some(row) = self.same_content(&content, command.name.as_ref().map(|_| &name))?
        {
            return self.known(&row, &manifest, command, damage, cancel, progress);
        }

        manifest.copy = self.copies(&name, &content)?;

        // The description that is kept is read from the bytes that are kept: the file may have
        // changed under our feet.
        let scratch = self.scratch()?;
        let model = self.laid_out(&manifest, content, scratch.path())?;
        manifest.description = self.describe(&model.entry, cancel)?.description;
        refuse_errors(&manifest.description, &command.path)?;

        let mut making = None;
        let golden = self.make_golden(model, &manifest.description, command, cancel, progress);
        let blob = match golden {
            Ok((reply, bytes)) => {
                let noticed = noticed(&reply);
                let columns = command.golden.as_ref().map(|_| command.columns.clone()).unwrap_or_default();
                making = Some(Making { data: command.golden.clone(), columns, made_with: reply.made_with, noticed });
                Some(self.0.store.put_bytes(&bytes)?)
            }
            // No other rows would make golden rows of such a model.
            Err(fault) if is_not_by_row(&fault) => {
                manifest.description.findings.push(no_golden(&fault, command));
                None
            }
            Err(fault) if fault.is_cancelled() || command.golden.is_some() => return Err(fault),
            Err(fault) if fault.kind == FaultKind::Environment && !desk_jobs::is_out_of_time(&fault) => {
                return Err(fault);
            }
            Err(fault) => {
                manifest.description.findings.push(no_golden(&fault, command));
                None
            }
        };
        manifest.golden = blob;
        cancel.check()?;
        let row = self.add_version(command, &name, &manifest, making.as_ref())?;
        let created = matches!(row, Added::New(_));
        Ok(Outcome::Import(Box::new(Imported { created, ..self.imported(row.version(), damage, began)? })))
    }

    /// These files are a version already: what it has lost is put back, and what else was asked for is
    /// done, because a script must not miss it.
    fn known(
        &self,
        row: &VersionRow,
        manifest: &Manifest,
        command: &Import,
        damage: Vec<Finding>,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let repaired = self.repair_all(row, manifest, command, cancel, progress)?;
        if let Some(alias) = &command.alias {
            self.0.store.set_alias(&row.model, alias, row.number)?;
        }
        if let Some(note) = command.note.as_ref().filter(|note| **note != row.note) {
            self.0.store.set_note(&row.model, row.number, note)?;
        }
        let taken = repaired.iter().any(|what| what.contains("golden"));
        let untaken = command.golden.as_ref().filter(|_| !taken).map(|_| golden_not_taken(row));
        let answer = self.imported(row, damage.into_iter().chain(untaken).collect(), began)?;
        Ok(Outcome::Import(Box::new(Imported { repaired, ..answer })))
    }

    /// What is wrong with the registry that the import adds to.
    fn damage(&self) -> Result<Vec<Finding>, Fault> {
        let mut problems = self.0.store.check()?;
        problems.extend(self.0.store.verify_chain()?.problems);
        let Some(first) = problems.first() else { return Ok(Vec::new()) };
        let more = if problems.len() > 1 { format!(" and {} more", problems.len() - 1) } else { String::new() };
        let message = format!("The registry is damaged ({first}{more}); `modeldesk verify` says all of it");
        Ok(vec![Finding { severity: Severity::Warning, code: "damaged-registry".to_owned(), message }])
    }

    /// The files of a manifest under their names, ready for a worker.
    pub(crate) fn laid_out(&self, manifest: &Manifest, content: Digest, scratch: &Path) -> Result<ModelFiles, Fault> {
        let digests: Vec<_> = manifest.files.iter().map(|file| (file.name.clone(), file.digest)).collect();
        let folder = scratch.join("files");
        self.0.store.materialise(&digests, &folder)?;
        Ok(ModelFiles { digest: content, entry: folder.join(&manifest.entry), library: self.runtime_library()? })
    }

    /// What an import would store; stores nothing.
    pub fn inspect(&self, path: &Path) -> Result<ImportPreview, Fault> {
        let found = self.describe(path, &Cancel::new())?;
        let suggested_name = suggest_name(path);
        let size = |file: &(String, PathBuf)| std::fs::metadata(&file.1).map_or(0, |meta| meta.len());
        let size_bytes = found.files.iter().map(size).sum();
        let next_version = match self.0.store.get_model(&suggested_name) {
            Ok(model) => model.latest.map_or(0, |row| row.number) + 1,
            Err(_) => 1,
        };
        Ok(ImportPreview {
            same_as: if size_bytes <= INSPECTED_BYTES { self.same_as(&found.files)? } else { None },
            size_bytes,
            similar: self.similar(&found.description.signature)?,
            description: found.description,
            next_version,
            suggested_name,
        })
    }

    /// The version that has these files already.
    fn same_as(&self, files: &[(String, PathBuf)]) -> Result<Option<(ModelName, u32)>, Fault> {
        let mut entries = Vec::with_capacity(files.len());
        for (name, path) in files {
            let digest = desk_data::digest_file(path, &Cancel::new(), &NoProgress)?;
            let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
            entries.push(FileEntry { name: name.clone(), digest, size });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let content = desk_core::model::content_digest(&entries);
        Ok(self.same_content(&content, None)?.map(|row| (row.model, row.number)))
    }

    fn describe(&self, path: &Path, cancel: &Cancel) -> Result<DescribeReply, Fault> {
        // Only the file itself, or the folder that was named, is open to the worker.
        let ask = Ask {
            op: op::DESCRIBE,
            affinity: "describe",
            read: &[path],
            write: &[],
            device: "cpu",
            cpu_seconds: Some(DESCRIBE_SECS),
        };
        let request = DescribeRequest { path: path.to_owned() };
        let (reply, _) = self.ask(ask, &request, cancel, &NoProgress)?;
        Ok(reply)
    }

    fn store_files(
        &self,
        found: &DescribeReply,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Vec<FileEntry>, Fault> {
        let mut files = Vec::with_capacity(found.files.len());
        for (name, path) in &found.files {
            let stage = format!("Storing {name}");
            let report = |p: Progress| {
                // What is copied is on its way to the disk for a while yet.
                progress.report(if p.total == Some(p.done) {
                    Progress::new(format!("Writing {name} to the disk"), 0, None, "bytes")
                } else {
                    Progress { stage: stage.clone(), ..p }
                });
            };
            let (digest, size) = self.0.store.put_file(path, &report, cancel)?;
            files.push(FileEntry { name: name.clone(), digest, size });
        }
        progress.report(Progress::new("Reading what was stored", 0, None, "bytes"));
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// A version with these bytes: of this model when one was named, else of any.
    fn same_content(&self, content: &Digest, model: Option<&ModelName>) -> Result<Option<VersionRow>, Fault> {
        let rows = self.0.store.find_by_content(content)?;
        Ok(rows.into_iter().find(|row| model.is_none_or(|model| row.model == *model)))
    }

    /// The golden rows, as JSON bytes.
    pub(crate) fn make_golden(
        &self,
        model: ModelFiles,
        description: &Description,
        command: &Import,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<(GoldenReply, Vec<u8>), Fault> {
        progress.report(Progress::new("Making golden rows", 0, None, "rows"));
        let folder = model.entry.parent().unwrap_or(&model.entry).to_owned();
        let library = model.library.clone();
        let mut read: Vec<&Path> = vec![&folder, &library];
        read.extend(command.golden.as_deref());
        let request = GoldenRequest {
            model,
            description: description.clone(),
            data: command.golden.clone(),
            columns: command.columns.clone(),
            rows: GOLDEN_ROWS,
            seed: GOLDEN_SEED,
        };
        let ask = Ask {
            op: op::GOLDEN,
            affinity: "golden",
            read: &read,
            write: &[],
            device: "cpu",
            cpu_seconds: Some(patience(command)),
        };
        self.ask(ask, &request, cancel, progress).map_err(|mut fault: Fault| {
            // The file is a copy that lies elsewhere each time; the message is part of the version.
            fault.message = fault.message.replace(&format!(": {}", request.model.entry.display()), "");
            // There is no version yet to be scored, or looked at.
            let scoring = |hint: &String| hint.contains("--batch") || hint.contains("modeldesk graph");
            if fault.hints.iter().any(scoring) {
                fault.hints.retain(|hint| !scoring(hint));
                fault = fault.hint("Or export a model that makes smaller tensors from one row");
            }
            if desk_jobs::is_out_of_time(&fault) {
                return fault.hint("Give it longer with --golden-seconds N, or name rows that are easier");
            }
            fault
        })
    }

    /// Versions that this model has of these files.
    fn copies(&self, model: &ModelName, content: &Digest) -> Result<u32, Fault> {
        let same = match self.0.store.list_versions(model) {
            Ok(rows) => rows.iter().filter(|row| row.content == *content).count(),
            Err(desk_store::StoreError::NoModel { .. }) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(u32::try_from(same).unwrap_or(u32::MAX))
    }

    fn add_version(
        &self,
        command: &Import,
        name: &ModelName,
        manifest: &Manifest,
        making: Option<&Making>,
    ) -> Result<Added, Fault> {
        let (bytes, _) = manifest.seal();
        let mut blobs: Vec<Digest> = manifest.files.iter().map(|file| file.digest).collect();
        blobs.extend(manifest.golden);
        let new = NewVersion {
            model: name.clone(),
            manifest: bytes,
            content: manifest.content_digest(),
            blobs,
            size_bytes: manifest.size_bytes(),
            summary: json!({
                "family": manifest.description.family, "format": manifest.description.format, GOLDEN: making,
            }),
            note: command.note.clone().unwrap_or_default(),
            alias: command.alias.clone(),
            allow_same_content: command.again,
        };
        Ok(self.0.store.add_version(&new)?)
    }

    /// The answer; `now` is what this import alone has to tell.
    fn imported(&self, row: &VersionRow, now: Vec<Finding>, began: Instant) -> Result<Imported, Fault> {
        let manifest = self.manifest(row)?;
        let findings = findings(row, &manifest);
        Ok(Imported {
            model: row.model.clone(),
            version: row.number,
            digest: row.digest,
            created: false,
            repaired: Vec::new(),
            format: manifest.description.format,
            family: manifest.description.family,
            size_bytes: manifest.size_bytes(),
            golden: self.golden(&manifest)?.as_ref().map(summary),
            files: manifest.files.iter().map(Into::into).collect(),
            inputs: manifest.description.signature.inputs,
            outputs: manifest.description.signature.outputs,
            findings: findings.into_iter().chain(now).collect(),
            seconds: began.elapsed().as_secs_f64(),
        })
    }

    /// The golden rows of a version.
    pub(crate) fn golden(&self, manifest: &Manifest) -> Result<Option<GoldenRows>, Fault> {
        let Some(digest) = manifest.golden else { return Ok(None) };
        let bytes = self.0.store.read_bytes(&digest)?;
        let rows = serde_json::from_slice(&bytes)
            .map_err(|error| Fault::input("the golden rows cannot be read").detail(error.to_string()))?;
        Ok(Some(rows))
    }
}

/// What there is to know of a version: of its files, which is a part of it, and of how its golden rows were made,
/// which its row keeps.
pub(crate) fn findings(row: &VersionRow, manifest: &Manifest) -> Vec<Finding> {
    let noticed = Making::of(row).map(|making| making.noticed).unwrap_or_default();
    manifest.description.findings.iter().cloned().chain(noticed).collect()
}

/// Golden rows in a line.
pub(crate) fn summary(golden: &GoldenRows) -> GoldenSummary {
    GoldenSummary { rows: golden.rows, source: golden.source, made_with: golden.made_with.clone() }
}

/// Findings of severity error refuse the import.
fn refuse_errors(description: &Description, path: &Path) -> Result<(), Fault> {
    let errors: Vec<&Finding> = description.findings.iter().filter(|f| f.severity == Severity::Error).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let mut fault = Fault::input(format!("{}: {}", first.message, path.display()));
    for other in &errors[1..] {
        fault = fault.detail(other.message.clone());
    }
    Err(fault)
}

/// Why a version has no golden rows.
pub(crate) fn no_golden(fault: &Fault, command: &Import) -> Finding {
    let (why, do_next) = if desk_jobs::is_out_of_time(fault) {
        let why = format!("the model needs longer than {} s of processor time for them", patience(command));
        (why, "import it with --again --golden-seconds N, or with --again --golden DATA")
    } else if is_not_by_row(fault) {
        (
            fault.message.clone(),
            "export the model again so that each of its outputs has one answer for each row of input",
        )
    } else {
        (fault.message.clone(), "import it with --again --golden DATA")
    };
    let why = match why.strip_prefix(desk_runtime::NOT_LOADED).map(str::trim) {
        Some(reason) => {
            let reason = reason.strip_prefix('(').and_then(|reason| reason.strip_suffix(')')).unwrap_or(reason);
            format!("the model cannot be loaded: {reason}")
        }
        None => why,
    };
    let do_next = match fault.hints.first() {
        // Whatever the rows are.
        Some(hint) if fault.message.starts_with(desk_runtime::NOT_LOADED) => hint.as_str(),
        _ => do_next,
    };
    Finding {
        severity: Severity::Warning,
        code: "no-golden-rows".to_owned(),
        message: format!("No golden rows could be made, so this version cannot be deployed ({why}); {do_next}"),
    }
}

/// Processor seconds that making the golden rows may take.
fn patience(command: &Import) -> u64 {
    let usual = if command.golden.is_some() { GIVEN_SECS } else { GENERATED_SECS };
    command.golden_seconds.unwrap_or(usual)
}

fn golden_not_taken(row: &VersionRow) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: "golden-not-taken".to_owned(),
        message: format!(
            "{} v{} keeps the golden rows that it has; --again makes a new version with those of the file",
            row.model, row.number
        ),
    }
}

/// What making the golden rows showed.
pub(crate) fn noticed(reply: &GoldenReply) -> Vec<Finding> {
    let together = reply.together.then(|| Finding {
        severity: Severity::Warning,
        code: ROWS_TOGETHER.to_owned(),
        message: "The answer to a row depends on the rows beside it: predictions, explanations and golden rows hold \
                  for these rows together and not for each alone"
            .to_owned(),
    });
    reply.warnings.iter().map(String::as_str).map(golden_warning).chain(together).collect()
}

fn golden_warning(message: &str) -> Finding {
    Finding { severity: Severity::Warning, code: "golden-rows".to_owned(), message: format!("Golden rows: {message}") }
}

/// The name of the folder for `model.onnx` and the like, else the file's stem.
fn suggest_name(path: &Path) -> ModelName {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let generic = ["model", "saved_model", "network"].contains(&stem.as_str());
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    match folder {
        Some(folder) if generic && path.is_file() => ModelName::suggest(&folder),
        _ => ModelName::suggest(&stem),
    }
}
