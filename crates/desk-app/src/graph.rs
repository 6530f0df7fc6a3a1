//! The graph of a version and the values of its tensors, read by a worker.

use std::path::{Path, PathBuf};
use std::time::Instant;

use desk_core::{Cancel, Fault, FaultKind, ModelGraph, NoProgress, ProgressSink, TensorFacts, TensorPlace, VersionRef};

use crate::Desk;
use crate::calls::Ask;
use crate::command::ExportTensor;
use crate::outcome::{Outcome, TensorWritten};
use crate::predict::deliver;
use crate::worker::protocol::{DescribeRequest, TensorReply, TensorRequest, TensorWanted, op};

/// Processor seconds that reading a graph may take.
const GRAPH_SECS: u64 = 120;

impl Desk {
    /// Nodes, values and tensors of a version's model, without weights. Needs no runtime library.
    pub fn graph(&self, version: &VersionRef, cancel: &Cancel) -> Result<ModelGraph, Fault> {
        let (folder, entry) = self.model_files(version, false)?;
        let ask = Ask {
            op: op::GRAPH,
            affinity: "describe",
            read: &[&folder],
            write: &[],
            device: "cpu",
            cpu_seconds: Some(GRAPH_SECS),
        };
        let (_, graph): (serde_json::Value, _) =
            self.ask(ask, &DescribeRequest { path: entry }, cancel, &NoProgress)?;
        serde_json::from_slice(&graph)
            .map_err(|error| Fault::bug("the graph has another form").detail(error.to_string()))
    }

    /// What the values of a tensor are, in figures. All of them are read, in parts.
    pub fn tensor(
        &self,
        version: &VersionRef,
        place: &TensorPlace,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<TensorFacts, Fault> {
        match self.ask_tensor(version, place, TensorWanted::Facts, None, cancel, progress)? {
            TensorReply::Facts(facts) => Ok(*facts),
            other => Err(other_form(&other)),
        }
    }

    /// Some values of a tensor, each as text that reads back as the same value.
    pub fn tensor_values(
        &self,
        version: &VersionRef,
        place: &TensorPlace,
        offset: u64,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<Vec<String>, Fault> {
        let wanted = TensorWanted::Values { offset, limit };
        match self.ask_tensor(version, place, wanted, None, cancel, &NoProgress)? {
            TensorReply::Values(values) => Ok(values),
            other => Err(other_form(&other)),
        }
    }

    /// Writes the values of a tensor; the file is there whole or not at all.
    pub(crate) fn export_tensor(
        &self,
        command: &ExportTensor,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let out = command.out.as_path();
        self.out_name(out, Path::new(""))?;
        if out.exists() && !command.force {
            return Err(Fault::new(FaultKind::Usage, format!("the file is there already: {}", out.display()))
                .hint("Name another file, or add --force to replace it"));
        }
        let extension = out.extension().and_then(|end| end.to_str()).map(str::to_lowercase).unwrap_or_default();
        if !["npy", "csv"].contains(&extension.as_str()) {
            return Err(Fault::input(format!("the output's extension names no format: {}", out.display()))
                .hint("End the name in .npy or .csv"));
        }
        let scratch = self.scratch()?;
        let written = scratch.path().join(format!("tensor.{extension}"));
        let wanted = TensorWanted::File(written.clone());
        let place = &command.tensor;
        let reply = self.ask_tensor(&command.version, place, wanted, Some(scratch.path()), cancel, progress)?;
        let TensorReply::Written(values) = reply else { return Err(other_form(&reply)) };
        deliver(&written, out)?;
        let version = self.0.store.resolve(&command.version)?;
        Ok(Outcome::Tensor(TensorWritten {
            version: format!("{}@{}", version.model, version.number),
            tensor: place.name.clone(),
            out: out.to_owned(),
            values,
            seconds: began.elapsed().as_secs_f64(),
        }))
    }

    fn ask_tensor(
        &self,
        version: &VersionRef,
        place: &TensorPlace,
        wanted: TensorWanted,
        write: Option<&Path>,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<TensorReply, Fault> {
        let (folder, path) = self.model_files(version, true)?;
        let write: Vec<&Path> = write.into_iter().collect();
        // How long it takes depends on the size of the tensor.
        let ask = Ask {
            op: op::TENSOR,
            affinity: "describe",
            read: &[&folder],
            write: &write,
            device: "cpu",
            cpu_seconds: None,
        };
        let request = TensorRequest { path, place: place.clone(), wanted };
        Ok(self.ask::<TensorReply>(ask, &request, cancel, progress)?.0)
    }

    /// The folder of a version's files and the model file in it; those that are about to be read are checked.
    fn model_files(&self, version: &VersionRef, data_too: bool) -> Result<(PathBuf, PathBuf), Fault> {
        let row = self.0.store.resolve(version)?;
        let manifest = self.manifest(&row)?;
        for file in manifest.files.iter().filter(|file| data_too || file.name == manifest.entry) {
            self.check_blob(&file.digest)?;
        }
        let files: Vec<_> = manifest.files.iter().map(|file| (file.name.clone(), file.digest)).collect();
        let folder = self.0.store.view(&row.digest, &files)?;
        let entry = folder.join(&manifest.entry);
        Ok((folder, entry))
    }
}

fn other_form(reply: &TensorReply) -> Fault {
    Fault::bug("a tensor was answered in another form")
        .detail(format!("{reply:?}").chars().take(200).collect::<String>())
}
