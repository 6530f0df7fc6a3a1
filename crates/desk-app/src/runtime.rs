//! Which ONNX Runtime library is used, and whether it works.

use std::path::{Path, PathBuf};

use desk_core::{Cancel, Fault, NoProgress};
use desk_runtime::locate::LIBRARY_VARIABLE;
use serde_json::Value;

use crate::Desk;
use crate::calls::Ask;
use crate::query::{LibraryRule, RuntimeView};
use crate::worker::protocol::{ProbeReply, ProbeRequest, op};

/// The setting that holds the chosen library.
pub(crate) const CHOSEN: &str = "runtime/library";

impl Desk {
    /// Which rule chooses the library.
    fn runtime_rule(&self) -> Result<LibraryRule, Fault> {
        let named = std::env::var_os(LIBRARY_VARIABLE).is_some_and(|value| !value.is_empty());
        Ok(if self.0.options.runtime_library.is_some() {
            LibraryRule::Started
        } else if named {
            LibraryRule::Environment
        } else if self.chosen_runtime()?.is_some() {
            LibraryRule::Settings
        } else {
            LibraryRule::Found
        })
    }

    /// The library to use: one that this program was started with or that the environment names,
    /// else the chosen one, else the first that is found.
    pub(crate) fn runtime_library(&self) -> Result<PathBuf, Fault> {
        if self.runtime_rule()? == LibraryRule::Settings
            && let Some(path) = self.chosen_runtime()?
        {
            return desk_runtime::locate::library(Some(&path)).map_err(|error| {
                Fault::from(error).hint("Choose another library in the settings, or forget the choice there")
            });
        }
        self.0.options.runtime_library()
    }

    /// The library that somebody chose for this home.
    pub fn chosen_runtime(&self) -> Result<Option<PathBuf>, Fault> {
        Ok(self.setting(CHOSEN)?.and_then(|value| value.as_str().map(PathBuf::from)))
    }

    /// Chooses a library file, or a folder that holds one, for this home; one that does not work is
    /// not kept and the fault says why.
    pub fn choose_runtime(&self, path: &Path, cancel: &Cancel) -> Result<RuntimeView, Fault> {
        let library = desk_runtime::locate::library(Some(path))?;
        let view = self.probe(&library, cancel);
        if let Some(fault) = view.fault {
            return Err(fault);
        }
        self.set_setting(CHOSEN, &Value::String(library.display().to_string()))?;
        Ok(view)
    }

    /// Goes back to the library that is found without a choice.
    pub fn forget_runtime(&self) -> Result<(), Fault> {
        self.0.store.set_setting(CHOSEN, None)?;
        Ok(())
    }

    /// The runtime as a worker finds it.
    pub fn runtime(&self, cancel: &Cancel) -> RuntimeView {
        let rule = self.runtime_rule().ok();
        match self.runtime_library() {
            Ok(library) => RuntimeView { rule, ..self.probe(&library, cancel) },
            Err(fault) => {
                RuntimeView { library: None, rule, version: None, sandbox_losses: Vec::new(), fault: Some(fault) }
            }
        }
    }

    /// Loads a library in a worker.
    fn probe(&self, library: &Path, cancel: &Cancel) -> RuntimeView {
        let mut view =
            RuntimeView { library: None, rule: None, version: None, sandbox_losses: Vec::new(), fault: None };
        let ask = Ask {
            op: op::PROBE,
            affinity: "probe",
            read: &[library],
            write: &[],
            device: "cpu",
            cpu_seconds: Some(60),
        };
        match self.ask::<ProbeReply>(ask, &ProbeRequest { library: library.to_path_buf() }, cancel, &NoProgress) {
            Ok((reply, _)) => view.version = Some(reply.version),
            Err(fault) => view.fault = Some(fault),
        }
        view.library = Some(library.display().to_string());
        let reports = self.0.pool.workers();
        if let Some(report) = reports.into_iter().find_map(|worker| worker.report) {
            view.sandbox_losses = report.losses;
        }
        view
    }
}
