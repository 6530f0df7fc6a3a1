//! Packages for tests, made of whatever files they are given.

use std::path::{Path, PathBuf};

use desk_core::{
    Description, Digest, FileEntry, GoldenRows, GoldenSource, Manifest, ModelFamily, ModelFormat, NamedTensor,
    Signature, Tensor, TensorData,
};

use crate::Package;

/// A package of one model file with given golden rows.
pub fn package_of(
    model: &str,
    number: u32,
    file: &Path,
    golden: GoldenRows,
    serve_binary: &Path,
    runtime_library: &Path,
) -> std::io::Result<Package> {
    let bytes = std::fs::read(file)?;
    let entry = FileEntry { name: "model.onnx".to_owned(), digest: Digest::of(&bytes), size: bytes.len() as u64 };
    let golden_digest = Digest::of(serde_json::to_vec(&golden)?);
    let manifest = Manifest {
        schema: 1,
        entry: entry.name.clone(),
        files: vec![entry.clone()],
        description: description(),
        golden: Some(golden_digest),
        copy: 0,
    };
    let (_, digest) = manifest.seal();
    Ok(Package {
        model: model.parse().map_err(std::io::Error::other)?,
        number,
        digest,
        manifest,
        files: vec![(entry, file.to_owned())],
        golden,
        serve_binary: serve_binary.to_owned(),
        runtime_library: runtime_library.to_owned(),
    })
}

/// A package for the target double: its files are only bytes, its answer is its number.
pub fn double_package(folder: &Path, number: u32) -> std::io::Result<Package> {
    let file = |name: String, text: String| -> std::io::Result<PathBuf> {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let model = file(format!("model-{number}"), format!("the weights of version {number}"))?;
    let binary = file("serve".to_owned(), "the server".to_owned())?;
    let library = file("library".to_owned(), "the runtime".to_owned())?;
    let tensor = |name: &str, values: Vec<f32>| {
        Tensor::new(vec![values.len()], TensorData::Float32(values)).map(|tensor| NamedTensor::new(name, tensor))
    };
    let golden = GoldenRows {
        source: GoldenSource::Generated,
        rows: 2,
        inputs: vec![tensor("x", vec![0.5, 1.5]).map_err(std::io::Error::other)?],
        outputs: vec![tensor("y", vec![number as f32, number as f32 + 0.25]).map_err(std::io::Error::other)?],
        made_with: "a test".to_owned(),
    };
    package_of("churn", number, &model, golden, &binary, &library)
}

fn description() -> Description {
    Description {
        format: ModelFormat::Onnx,
        ir_version: 8,
        opsets: vec![(String::new(), 17)],
        producer: String::new(),
        graph_name: String::new(),
        doc: String::new(),
        metadata: Vec::new(),
        signature: Signature::default(),
        operators: Vec::new(),
        node_count: 0,
        parameter_count: 0,
        labels: None,
        family: ModelFamily::Other,
        external_files: Vec::new(),
        findings: Vec::new(),
        categories: Vec::new(),
    }
}
