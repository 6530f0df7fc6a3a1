//! Scoring a file: the worker does it, the desk keeps the record.

use std::path::{Path, PathBuf};
use std::time::Instant;

use desk_core::{Cancel, Digest, Fault, FaultKind, ProgressSink};
use desk_store::{NewRun, RunKind};

use crate::Desk;
use crate::calls::Ask;
use crate::command::{Command, Predict};
use crate::outcome::{Outcome, Predicted};
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
        let loaded = self.load(&command.version)?;
        let scratch = self.scratch()?;
        // Kept answers are Arrow files, which the window pages from disk.
        let name = command.out.as_deref().map_or_else(|| Ok("answers.arrow".to_owned()), out_name)?;
        let written = scratch.path().join(name);
        let request = ScoreRequest {
            model: loaded.files.clone(),
            description: loaded.manifest.description.clone(),
            data: command.data.clone(),
            out: written.clone(),
            echo: command.out.is_none(),
            device: command.device.clone(),
            batch: command.batch,
            target: command.target.clone(),
            map: command.map.clone(),
        };
        let affinity = loaded.row.digest.hex();
        let ask = Ask {
            op: op::SCORE,
            affinity: &affinity,
            read: &[&loaded.folder, &loaded.files.library, &command.data],
            write: &[scratch.path()],
            device: &command.device,
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
        answer.run = self.0.store.add_run(&run)?;
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
        device: reply.device,
        provider_nodes: reply.provider_nodes,
        out,
        run: String::new(),
        data_digest: reply.data_digest,
        result_digest: reply.result_digest,
        mapping: reply.mapping,
        output_columns: reply.output_columns,
        outputs: reply.head,
        metrics: reply.metrics,
        target: reply.target,
        warnings: reply.warnings,
    }
}

/// The answer as JSON for a run's row.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::bug("an answer cannot be written").detail(error.to_string()))
}

/// The file name of an output path; its folder must exist, before hours of work are spent.
pub(crate) fn out_name(out: &Path) -> Result<String, Fault> {
    let about = |what: &str| Fault::input(format!("{what}: {}", out.display()));
    let name = out.file_name().ok_or_else(|| about("the output is a folder"))?;
    if out.is_dir() {
        return Err(about("the output is a folder").hint("Name a file such as answers.csv"));
    }
    match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(about("the folder of the output does not exist")
                .hint(format!("Make it: mkdir -p {}", folder.display())))
        }
        _ => Ok(name.to_string_lossy().into_owned()),
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
