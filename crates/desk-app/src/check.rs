//! `verify` and `doctor`: is what we keep still true, and what of this computer works.

use std::time::Duration;

use desk_core::{Cancel, Diagnose as _, Fault, Progress, ProgressSink, VersionRef};
use desk_store::{StoreError, VersionRow};

use crate::Desk;
use crate::outcome::{Check, Diagnosis, Outcome, Verified};
use crate::query::{LibraryRule, ModelFilter};

/// So many problems of a registry are told one by one.
const PROBLEMS: usize = 3;

/// What to do about a registry that is damaged.
const RESTORE: &str = "Restore registry.db from a backup, or move the home away and import the models again";

impl Desk {
    pub(crate) fn verify(
        &self,
        version: Option<&VersionRef>,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let mut found = Verified { ok: true, checked: 0, problems: Vec::new(), hints: Vec::new() };
        let versions = match version {
            Some(version) => vec![self.0.store.resolve(version)?],
            None => self.all_versions()?,
        };
        let total = versions.len() as u64;
        for (done, row) in versions.iter().enumerate() {
            progress.report(Progress::new("Checking versions", done as u64, Some(total), "versions"));
            let before = found.problems.len();
            self.verify_version(row, cancel, &mut found)?;
            if found.problems.len() > before {
                found.hints.push(format!(
                    "Importing the same file again puts back what {}@{} has lost: modeldesk import FILE --name {}",
                    row.model, row.number, row.model
                ));
            }
        }
        if version.is_none() {
            let chain = self.0.store.verify_chain()?;
            found.checked += chain.checked;
            let before = found.problems.len();
            found.problems.extend(chain.problems);
            found.problems.extend(self.0.store.check()?);
            if found.problems.len() > before {
                found.hints.push(RESTORE.to_owned());
            }
        }
        found.ok = found.problems.is_empty();
        Ok(Outcome::Verify(found))
    }

    fn all_versions(&self) -> Result<Vec<VersionRow>, Fault> {
        let filter = ModelFilter { archived: true, ..ModelFilter::default() };
        let mut versions = Vec::new();
        for model in self.models(&filter)? {
            versions.extend(self.0.store.list_versions(&model.name)?);
        }
        Ok(versions)
    }

    /// The manifest is what its digest says, and so is every file that it names.
    fn verify_version(&self, row: &VersionRow, cancel: &Cancel, found: &mut Verified) -> Result<(), Fault> {
        let name = format!("{}@{}", row.model, row.number);
        if !self.verify_blob(&name, "manifest", &row.digest, cancel, found)? {
            // What else belongs to it stands in there.
            return Ok(());
        }
        let manifest = match self.manifest(row) {
            Ok(manifest) => manifest,
            Err(fault) => {
                found.problems.push(fault.message);
                return Ok(());
            }
        };
        for file in &manifest.files {
            self.verify_blob(&name, &file.name, &file.digest, cancel, found)?;
        }
        if let Some(golden) = manifest.golden {
            self.verify_blob(&name, "golden rows", &golden, cancel, found)?;
        }
        Ok(())
    }

    fn verify_blob(
        &self,
        version: &str,
        what: &str,
        digest: &desk_core::Digest,
        cancel: &Cancel,
        found: &mut Verified,
    ) -> Result<bool, Fault> {
        found.checked += 1;
        match self.0.store.verify_blob(digest, cancel) {
            Ok(_) => Ok(true),
            Err(StoreError::Cancelled(cancelled)) => Err(cancelled.into()),
            Err(error) => {
                debug_assert!(error.kind() != desk_core::FaultKind::Cancelled);
                found.problems.push(format!("{version}, {what}: {error}"));
                Ok(false)
            }
        }
    }

    pub(crate) fn doctor(&self, cancel: &Cancel) -> Result<Outcome, Fault> {
        let mut checks = vec![self.check_home(), self.check_registry(), self.check_storage()];
        cancel.check()?;
        checks.extend(self.check_runtime(cancel));
        let secrets = self.secret_status();
        checks.push(Check {
            name: "secrets".into(),
            // A closed vault works as it should.
            ok: secrets.stored_in.is_some() || secrets.vault_locked,
            detail: secrets.detail,
            hint: match (&secrets.stored_in, secrets.vault_locked) {
                (Some(_), _) => None,
                (None, true) => Some("Scripts give the passphrase with --passphrase-stdin".into()),
                (None, false) => Some(
                    "Start a keyring service, or keep secrets in an encrypted file: modeldesk credential create-vault"
                        .into(),
                ),
            },
        });
        checks.push(match self.0.options.serve_binary() {
            Ok(path) => good("modeldesk-serve", path.display().to_string()),
            Err(fault) => bad("modeldesk-serve", &fault),
        });
        Ok(Outcome::Doctor(Diagnosis { checks }))
    }

    fn check_home(&self) -> Check {
        if self.unopened().is_some() {
            return match tempfile::tempfile_in(self.home()) {
                Ok(_) => good("home", self.home().display().to_string()),
                Err(error) => {
                    let fault = Fault::input(format!("cannot be written ({error}): {}", self.home().display()));
                    bad("home", &fault.hint("Choose a folder that you may write with --home or MODELDESK_HOME"))
                }
            };
        }
        match self.0.store.probe() {
            Ok(()) => good("home", self.home().display().to_string()),
            Err(error) => bad("home", &error.into()),
        }
    }

    fn check_registry(&self) -> Check {
        if let Some(fault) = self.unopened() {
            let detail = [std::slice::from_ref(&fault.message), &fault.details].concat().join("; ");
            return Check { detail, ..bad("registry", fault) };
        }
        match self.0.store.check() {
            Ok(problems) if problems.is_empty() => good("registry", "whole".into()),
            Ok(problems) => {
                let more = problems.len().saturating_sub(PROBLEMS);
                let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                let shown = problems.iter().take(PROBLEMS).cloned().collect::<Vec<_>>().join("; ");
                Check {
                    name: "registry".into(),
                    ok: false,
                    detail: format!("{shown}{more}"),
                    hint: Some(RESTORE.into()),
                }
            }
            Err(error) => bad("registry", &error.into()),
        }
    }

    fn check_runtime(&self, cancel: &Cancel) -> Vec<Check> {
        let view = self.runtime(cancel);
        let runtime = match (&view.fault, &view.version, &view.library) {
            (Some(fault), _, _) => bad("runtime", fault),
            (None, Some(version), Some(library)) => {
                let rule = match view.rule {
                    Some(LibraryRule::Environment) => ", named by MODELDESK_ORT_LIB",
                    Some(LibraryRule::Settings) => ", chosen in the settings",
                    _ => "",
                };
                good("runtime", format!("ONNX Runtime {version}, {library}{rule}"))
            }
            _ => good("runtime", "not looked at".into()),
        };
        let sandbox = if view.sandbox_losses.is_empty() {
            good("sandbox", "workers see only their files and have no network".into())
        } else {
            Check {
                name: "sandbox".into(),
                ok: false,
                detail: view.sandbox_losses.join("; "),
                hint: Some("Use a kernel with Landlock (5.13 or later) for complete isolation".into()),
            }
        };
        vec![runtime, sandbox, good("devices", "cpu".into())]
    }
}

/// How long a server may take to say that it is ready.
pub(crate) const SERVER_START: Duration = Duration::from_secs(20);

fn good(name: &str, detail: String) -> Check {
    Check { name: name.to_owned(), ok: true, detail, hint: None }
}

fn bad(name: &str, fault: &Fault) -> Check {
    Check { name: name.to_owned(), ok: false, detail: fault.message.clone(), hint: fault.hints.first().cloned() }
}
