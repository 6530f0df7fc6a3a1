//! Scoring a file: the worker does it, the desk keeps the record.

use std::path::{Path, PathBuf};
use std::time::Instant;

use desk_core::words::shell_word;
use desk_core::{Cancel, Digest, Fault, FaultKind, ProgressSink};
use desk_store::{NewRun, RunKind};

use crate::Desk;
use crate::calls::Ask;
use crate::command::{Command, Echo, Predict};
use crate::outcome::{Outcome, Predicted};
use crate::truth::Truth;
use crate::worker::protocol::{ScoreReply, ScoreRequest, op};

impl Desk {
    pub(crate) fn predict(
        &self,
        command: Predict,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let started_at = self.0.store.now();
        if command.batch == Some(0) {
            return Err(Fault::new(FaultKind::Usage, "no rows in one call of the model")
                .hint("Give --batch a number from 1 on, or leave it out"));
        }
        let loaded = self.load(&command.version)?;
        let scratch = self.scratch()?;
        // Kept answers are Arrow files, which the window pages from disk.
        let name = match &command.out {
            Some(out) => self.out_name(out, &command.data)?,
            None => "answers.arrow".to_owned(),
        };
        if desk_data::Format::from_extension(Path::new(&name)).is_none() {
            return Err(Fault::input(format!("the output's extension names no format: {name}"))
                .hint("End the name in .csv, .parquet, .arrow, .jsonl, .npy or .npz"));
        }
        let written = scratch.path().join(name);
        let request = ScoreRequest {
            model: loaded.files.clone(),
            description: loaded.description.clone(),
            data: command.data.clone(),
            out: written.clone(),
            // Kept answers are looked at beside their rows.
            echo: if command.out.is_none() { Echo::All } else { command.echo.clone() },
            device: command.device.clone(),
            batch: command.batch,
            columns: command.columns.clone(),
            positive: command.positive.clone(),
            together: loaded.is_together(),
        };
        let affinity = loaded.row.digest.hex();
        let ask = Ask {
            op: op::SCORE,
            affinity: &affinity,
            read: &[&loaded.folder, &loaded.files.library, &command.data],
            write: &[scratch.path()],
            device: &command.device,
            cpu_seconds: None,
        };
        let (reply, _): (ScoreReply, Vec<u8>) = self.ask(ask, &request, cancel, progress)?;
        let artifact = match &command.out {
            Some(out) => {
                deliver(&written, out)?;
                None
            }
            None => Some(self.0.store.put_file(&written, &desk_core::NoProgress, cancel)?.0),
        };
        let version = format!("{}@{}", loaded.row.model, loaded.row.number);
        let mut answer = answer(reply.clone(), version, loaded.row.digest, command.out.clone());
        let from = Truth::who(&command.columns, loaded.target.as_ref());
        answer.target_from = answer.target.is_some().then(|| from.to_owned());
        answer.warnings.extend(loaded.cautions());
        answer.seconds = began.elapsed().as_secs_f64();
        let run = NewRun {
            kind: RunKind::Predict,
            version: loaded.row.digest,
            data: Some(reply.data_digest),
            params: to_json(&Command::Predict(command))?,
            seed: None,
            runtime: format!("onnxruntime {}", reply.runtime),
            device: reply.device,
            result: to_json(&answer)?,
            artifact,
            started_at,
            seconds: answer.seconds,
        };
        let (id, unrecorded) = self.record(&run)?;
        answer.run = id;
        answer.warnings.extend(unrecorded);
        Ok(Outcome::Predict(Box::new(answer)))
    }
}

fn answer(reply: ScoreReply, version: String, digest: Digest, out: Option<PathBuf>) -> Predicted {
    Predicted {
        version,
        digest,
        rows: reply.rows,
        seconds: reply.seconds,
        model_seconds: reply.model_seconds,
        latency: reply.latency,
        device: reply.device,
        provider_nodes: reply.provider_nodes,
        out,
        run: String::new(),
        data_digest: reply.data_digest,
        result_digest: reply.result_digest,
        mapping: reply.mapping,
        output_columns: reply.output_columns,
        outputs_shown: reply.head.len() as u64,
        outputs_preview: reply.rows > reply.head.len() as u64,
        outputs: reply.head,
        metrics: reply.metrics,
        target: reply.target,
        target_from: None,
        warnings: reply.warnings,
        unseen: reply.unseen,
    }
}

/// The answer as JSON for a run's row.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::bug("an answer cannot be written").detail(error.to_string()))
}

impl Desk {
    /// The file name of an output path, looked at before hours of work are spent: its folder must
    /// exist, and it may replace neither the input, nor a device or pipe, nor a file of the home.
    pub(crate) fn out_name(&self, out: &Path, data: &Path) -> Result<String, Fault> {
        let about = |what: &str| Fault::input(format!("{what}: {}", out.display()));
        let name = out.file_name().ok_or_else(|| about("the output is a folder"))?;
        let elsewhere = "Name another file such as answers.csv";
        if let Ok(meta) = std::fs::symlink_metadata(out) {
            let what = match () {
                () if meta.is_dir() => Some("the output is a folder"),
                () if !meta.is_file() => Some("the output is a link, a device or a pipe and would be replaced"),
                () if out.canonicalize().ok() == data.canonicalize().ok() => Some("the output is the data itself"),
                () => None,
            };
            if let Some(what) = what {
                return Err(about(what).hint(elsewhere));
            }
        }
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(real) = folder.canonicalize() else {
            let hint = format!("Make it: mkdir -p {}", shell_word(&folder.to_string_lossy()));
            return Err(about("the folder of the output does not exist").hint(hint));
        };
        if self.home().canonicalize().is_ok_and(|home| real.starts_with(home)) {
            return Err(about("the output is in the home folder, which Modeldesk keeps itself").hint(elsewhere));
        }
        Ok(name.to_string_lossy().into_owned())
    }
}

/// Moves a finished file to where it was asked for; whole or not at all.
pub(crate) fn deliver(from: &Path, to: &Path) -> Result<(), Fault> {
    if std::fs::rename(from, to).is_ok() {
        return Ok(());
    }
    // Another disk: copied beside the place and renamed there.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copy = || -> std::io::Result<()> {
        let mut partial = tempfile::Builder::new().prefix(".modeldesk-").tempfile_in(folder)?;
        std::io::copy(&mut std::fs::File::open(from)?, &mut partial)?;
        partial.as_file().sync_all()?;
        partial.persist(to)?;
        Ok(())
    };
    copy().map_err(|error| {
        Fault::new(FaultKind::Environment, format!("cannot write {}", to.display()))
            .detail(error.to_string())
            .hint("Check that the folder is writable and the disk has room")
    })
}
