//! Repair: the same bytes imported again put back what a version has lost of what it keeps.

use desk_core::{Cancel, Digest, Fault, FaultKind, Finding, Manifest, ProgressSink};
use desk_store::{StoreError, VersionRow};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::command::{Command, Import};
use crate::import::no_golden;

/// How the golden rows of a version were made, as its row keeps it: what to do when they are lost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Making {
    /// The file they were taken from and how its columns became inputs; none for generated ones.
    pub data: Option<std::path::PathBuf>,
    /// Its columns.
    #[serde(flatten)]
    pub columns: crate::command::Columns,
    /// Runtime and device.
    pub made_with: String,
    /// What was noticed when they were made, such as columns that were taken by position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noticed: Vec<Finding>,
}

impl Making {
    /// As the row of a version keeps it.
    pub(crate) fn of(row: &VersionRow) -> Option<Self> {
        row.summary.get(GOLDEN).and_then(|value| Self::deserialize(value).ok())
    }
}

/// Under which name of a row's summary [`Making`] stands.
pub(crate) const GOLDEN: &str = "golden";

impl Desk {
    /// Puts back the manifests and golden rows of all versions with these files, which are stored again
    /// already. Says what was put back; that `row` stays incomplete is an error.
    ///
    /// `found` is the manifest that these files give, without golden rows.
    pub(crate) fn repair_all(
        &self,
        row: &VersionRow,
        found: &Manifest,
        command: &Import,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Vec<String>, Fault> {
        let repair = Repair { desk: self, found, command, cancel, progress };
        let mut put_back = Vec::new();
        let others = self.0.store.find_by_content(&row.content)?;
        for other in others.iter().filter(|other| (&other.model, other.number) != (&row.model, row.number)) {
            match repair.version(other) {
                Err(fault) if fault.is_cancelled() => return Err(fault),
                // It is told when that version is used or verified.
                Err(fault) => tracing::info!("{}", fault.message),
                Ok(more) => put_back.extend(more),
            }
        }
        put_back.extend(repair.version(row)?);
        Ok(put_back)
    }

    /// True when the blob is there with the bytes of its name.
    fn is_whole(&self, digest: &Digest, cancel: &Cancel) -> Result<bool, Fault> {
        match self.0.store.verify_blob(digest, cancel) {
            Ok(_) => Ok(true),
            Err(StoreError::BlobMissing { .. } | StoreError::BlobDamaged { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

struct Repair<'a> {
    desk: &'a Desk,
    found: &'a Manifest,
    command: &'a Import,
    cancel: &'a Cancel,
    progress: &'a dyn ProgressSink,
}

impl Repair<'_> {
    fn version(&self, row: &VersionRow) -> Result<Vec<String>, Fault> {
        let files: Vec<Digest> = self.found.files.iter().map(|file| file.digest).collect();
        let kept = self.desk.0.store.version_blobs(&row.model, row.number)?;
        let golden = kept.into_iter().find(|digest| !files.contains(digest));
        let mut put_back = Vec::new();
        if !self.desk.is_whole(&row.digest, self.cancel)? {
            self.manifest(row, golden)?;
            put_back.push(format!("the manifest of {} v{}", row.model, row.number));
        }
        if let Some(golden) = golden
            && !self.desk.is_whole(&golden, self.cancel)?
        {
            self.golden(row, &golden)?;
            put_back.push(format!("the golden rows of {} v{}", row.model, row.number));
        }
        Ok(put_back)
    }

    /// Writes the manifest again: of those that these files can give, the one with the version's digest.
    fn manifest(&self, row: &VersionRow, golden: Option<Digest>) -> Result<(), Fault> {
        let mut manifest = Manifest { golden, ..self.found.clone() };
        if golden.is_none()
            && let Err(fault) = self.rows(row, true)
        {
            if fault.is_cancelled() {
                return Err(fault);
            }
            manifest.description.findings.push(no_golden(&fault, self.command));
        }
        for copy in 0..=row.number {
            manifest.copy = copy;
            let (bytes, digest) = manifest.seal();
            if digest == row.digest {
                self.desk.0.store.put_bytes(&bytes)?;
                return Ok(());
            }
        }
        let what =
            format!("the manifest of {} v{} is lost, and another one comes of these files now", row.model, row.number);
        Err(self
            .lost(row, what)
            .hint(format!("Restore {} from a backup", self.desk.0.store.blob_path(&row.digest).display())))
    }

    /// Makes the golden rows again: from the data that is given now, else from the signature.
    fn golden(&self, row: &VersionRow, wanted: &Digest) -> Result<(), Fault> {
        for generated in [false, true] {
            if !generated && self.command.golden.is_none() {
                continue;
            }
            match self.rows(row, generated) {
                Ok(bytes) if Digest::of(&bytes) == *wanted => {
                    self.desk.0.store.put_bytes(&bytes)?;
                    return Ok(());
                }
                Err(fault) if fault.is_cancelled() => return Err(fault),
                // Other rows, or none.
                _ => {}
            }
        }
        let name = format!("{} v{}", row.model, row.number);
        let making = Making::of(row);
        let from = match &making {
            Some(Making { data: Some(data), made_with, .. }) => {
                format!("the first rows of {} by {made_with}", data.display())
            }
            Some(Making { made_with, .. }) => format!("generated rows by {made_with}"),
            None => "a data file, or by another ONNX Runtime".to_owned(),
        };
        let what = format!(
            "the golden rows of {name} are lost and cannot be made again from what is given; they were made from {from}"
        );
        let fault = self.lost(row, what);
        Err(match making {
            Some(Making { data: Some(data), columns, .. }) => {
                let again = Command::Import(Import { golden: Some(data), columns, again: false, ..self.as_typed(row) });
                fault.hint(format!("Import it with the same data: {}", again.to_cli()))
            }
            Some(Making { made_with, .. }) => {
                fault.hint(format!("Name that runtime with MODELDESK_ORT_LIB: {made_with}"))
            }
            None => fault.hint(
                "Import it with the data that was given then: --golden DATA, with the same --target, --map and --drop",
            ),
        })
    }

    fn rows(&self, row: &VersionRow, generated: bool) -> Result<Vec<u8>, Fault> {
        let command = if generated {
            Import { golden: None, columns: crate::command::Columns::default(), ..self.command.clone() }
        } else {
            self.command.clone()
        };
        let scratch = self.desk.scratch()?;
        let model = self.desk.laid_out(self.found, row.content, scratch.path())?;
        let (_, bytes) = self.desk.make_golden(model, &self.found.description, &command, self.cancel, self.progress)?;
        Ok(bytes)
    }

    /// What the person typed, as it would be for this version.
    fn as_typed(&self, row: &VersionRow) -> Import {
        Import { name: Some(row.model.clone()), note: None, alias: None, ..self.command.clone() }
    }

    fn lost(&self, row: &VersionRow, what: String) -> Fault {
        let again = Command::Import(Import { again: true, ..self.as_typed(row) });
        Fault::new(FaultKind::Environment, what)
            .hint(format!("Or make a new version of these files: {}", again.to_cli()))
    }
}
