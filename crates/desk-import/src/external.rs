//! External data: tensors that lie in other files beside the model, and nowhere else.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use desk_core::words::quoted;

use crate::error::ImportError;
use crate::proto::{External, Graph, Model, Node, Tensor, element_bits};
use crate::wire::Span;

/// The files of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSource {
    /// Name of the model file, one of `files`.
    pub entry: String,
    /// All files as (name relative to the model's folder with `/` between parts, where it is),
    /// the model first.
    pub files: Vec<(String, PathBuf)>,
}

/// The model file that a path means: itself, or the only one in a folder (or its `model.onnx`).
pub(crate) fn model_file(path: &Path) -> Result<PathBuf, ImportError> {
    let io = |source| ImportError::Io { path: path.to_path_buf(), source };
    if !fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(path.to_path_buf());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let is_onnx = file.extension().and_then(OsStr::to_str).is_some_and(|e| e.eq_ignore_ascii_case("onnx"));
        if is_onnx && file.is_file() {
            found.push(file);
        }
    }
    found.sort();
    if let Some(named) = found.iter().find(|file| file.file_name() == Some(OsStr::new("model.onnx"))) {
        return Ok(named.clone());
    }
    match found.len() {
        0 => Err(ImportError::NoModelInFolder { path: path.to_path_buf() }),
        1 => Ok(found.remove(0)),
        _ => {
            let names = found.iter().take(5).filter_map(|f| f.file_name()).map(|n| n.to_string_lossy().into_owned());
            Err(ImportError::SeveralModels { names: names.collect(), path: path.to_path_buf() })
        }
    }
}

/// All tensors of the model that may lie outside it.
fn tensors<'a>(model: &'a Model, graph: &'a Graph) -> Vec<&'a Tensor> {
    fn of_nodes<'a>(nodes: &'a [Node], found: &mut Vec<&'a Tensor>) {
        for attribute in nodes.iter().flat_map(|node| &node.attributes) {
            found.extend(attribute.tensor.as_deref());
            attribute.graphs.iter().for_each(|graph| of_graph(graph, found));
        }
    }
    fn of_graph<'a>(graph: &'a Graph, found: &mut Vec<&'a Tensor>) {
        found.extend(&graph.initializers);
        of_nodes(&graph.nodes, found);
    }
    let mut found = Vec::new();
    of_graph(graph, &mut found);
    model.functions.iter().for_each(|function| of_nodes(&function.nodes, &mut found));
    found
}

/// The external files that a model names, by relative name, each checked to lie within the model's
/// folder and to be long enough.
pub(crate) fn files(model: &Model, graph: &Graph, path: &Path) -> Result<BTreeMap<String, PathBuf>, ImportError> {
    let mut files = BTreeMap::new();
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for tensor in tensors(model, graph) {
        let Some(external) = &tensor.external else { continue };
        let name = relative(tensor, &external.location)?;
        let size = if let Some(size) = sizes.get(&name) {
            *size
        } else {
            let (file, size) = resolve(tensor, &name, &external.location, path)?;
            files.insert(name.clone(), file);
            sizes.insert(name.clone(), size);
            size
        };
        let needed = end_of_data(tensor, external, path)?;
        if needed > size {
            let path = files.get(&name).cloned().unwrap_or_default();
            return Err(ImportError::ExternalShort { tensor: tensor.name.clone(), needed, size, path });
        }
    }
    Ok(files)
}

/// The location as a plain relative name. Refused by its text alone, whether or not it exists.
fn relative(tensor: &Tensor, location: &str) -> Result<String, ImportError> {
    let outside = || ImportError::ExternalOutside { tensor: tensor.name.clone(), location: location.to_owned() };
    let mut parts = Vec::new();
    for part in Path::new(location).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    let drive = location.as_bytes().get(1) == Some(&b':');
    let windows_up = location.split('\\').any(|part| part == "..") || location.starts_with('\\');
    if parts.is_empty() || drive || windows_up || location.contains('\0') {
        return Err(outside());
    }
    Ok(parts.join("/"))
}

/// Where the file is and its size. Links may not lead out of the model's folder.
fn resolve(tensor: &Tensor, name: &str, location: &str, path: &Path) -> Result<(PathBuf, u64), ImportError> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let file = folder.join(name);
    let missing = || ImportError::ExternalMissing { tensor: tensor.name.clone(), path: file.clone() };
    let real = fs::canonicalize(&file).ok().ok_or_else(missing)?;
    let home = fs::canonicalize(folder).map_err(|source| ImportError::Io { path: folder.to_path_buf(), source })?;
    if !real.starts_with(&home) {
        let location = format!("{location} (it leads to {})", real.display());
        return Err(ImportError::ExternalOutside { tensor: tensor.name.clone(), location });
    }
    let meta = fs::metadata(&real).ok().filter(fs::Metadata::is_file).ok_or_else(missing)?;
    Ok((file, meta.len()))
}

/// The file that holds a tensor's data, and where in it the data begins and ends: within the model's folder, and
/// long enough.
pub(crate) fn data(tensor: &Tensor, external: &External, path: &Path) -> Result<(PathBuf, Span), ImportError> {
    let name = relative(tensor, &external.location)?;
    let (file, size) = resolve(tensor, &name, &external.location, path)?;
    let end = end_of_data(tensor, external, path)?;
    if end > size {
        return Err(ImportError::ExternalShort { tensor: tensor.name.clone(), needed: end, size, path: file });
    }
    let start = external.offset.as_deref().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    Ok((file, Span { start, end }))
}

/// Offset and length of a tensor's data, checked against its shape; returns where the data ends.
fn end_of_data(tensor: &Tensor, external: &External, path: &Path) -> Result<u64, ImportError> {
    let bad = |why: String| ImportError::BadTensor { tensor: tensor.name.clone(), why, path: path.to_path_buf() };
    let number = |what: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => match text.trim().parse::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(bad(format!("the {what} of its data is {text}", text = quoted(&text)))),
        },
    };
    let offset = number("offset", &external.offset)?.unwrap_or(0);
    let length = number("length", &external.length)?;
    let bits = element_bits(tensor.data_type).ok_or_else(|| bad("text cannot be external data".to_owned()))?;
    let elements = tensor.elements().unwrap_or(u64::MAX);
    let size = elements.checked_mul(bits).map(|bits| bits.div_ceil(8));
    let Some(end) = size.and_then(|size| offset.checked_add(size)) else {
        return Err(bad("its shape is larger than any file".to_owned()));
    };
    match length {
        Some(length) if size.is_some_and(|size| length != size) => {
            Err(bad(format!("its data has {length} bytes and its shape needs {}", size.unwrap_or(0))))
        }
        _ => Ok(end),
    }
}
