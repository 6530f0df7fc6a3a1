//! The graph of a version, read by a worker.

use desk_core::{Cancel, Fault, ModelGraph, NoProgress, VersionRef};

use crate::Desk;
use crate::calls::Ask;
use crate::worker::protocol::{DescribeRequest, op};

/// Processor seconds that reading a graph may take.
const GRAPH_SECS: u64 = 120;

impl Desk {
    /// Nodes, values and tensors of a version's model, without weights. Needs no runtime library.
    pub fn graph(&self, version: &VersionRef, cancel: &Cancel) -> Result<ModelGraph, Fault> {
        let row = self.0.store.resolve(version)?;
        let manifest = self.manifest(&row)?;
        for file in manifest.files.iter().filter(|file| file.name == manifest.entry) {
            self.check_blob(&file.digest)?;
        }
        let files: Vec<_> = manifest.files.iter().map(|file| (file.name.clone(), file.digest)).collect();
        let folder = self.0.store.view(&row.digest, &files)?;
        let ask = Ask {
            op: op::GRAPH,
            affinity: "describe",
            read: &[&folder],
            write: &[],
            device: "cpu",
            cpu_seconds: Some(GRAPH_SECS),
        };
        let request = DescribeRequest { path: folder.join(&manifest.entry) };
        let (_, graph): (serde_json::Value, _) = self.ask(ask, &request, cancel, &NoProgress)?;
        serde_json::from_slice(&graph)
            .map_err(|error| Fault::bug("the graph has another form").detail(error.to_string()))
    }
}
