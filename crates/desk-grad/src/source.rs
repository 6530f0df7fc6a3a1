//! A model file with everything that belongs to it, as one message.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use prost::Message as _;

use crate::error::GradError;
use crate::proto::{Model, Tensor};

/// Bytes of a model at most, weights beside it included: the format ends at two gigabytes, and the
/// built model holds the weights too.
pub(crate) const LIMIT: u64 = 1 << 30;

/// Reads a model, and its weights in other files into it.
///
/// `desk-import` looks at the file first: cut off and damaged files, cycles, values that nothing
/// gives, and more parts than any model has, are its errors.
pub(crate) fn read(path: &Path) -> Result<Model, GradError> {
    let found = desk_import::locate(path)?;
    let mut size = 0;
    for (_, file) in &found.files {
        size += std::fs::metadata(file).map_err(|source| GradError::Io { path: file.clone(), source })?.len();
    }
    if size > LIMIT {
        return Err(GradError::TooLarge { size, limit: LIMIT });
    }
    let entry = found.files.iter().find(|(name, _)| *name == found.entry).map_or(path, |(_, file)| file.as_path());
    let io = |source| GradError::Io { path: entry.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(entry).map_err(io)?.take(LIMIT).read_to_end(&mut bytes).map_err(io)?;
    let mut model = Model::decode(bytes.as_slice()).map_err(|error| GradError::Decode(error.to_string()))?;
    let tensors = model.graph.iter_mut().flat_map(|graph| {
        let constants = graph.nodes.iter_mut().flat_map(|node| &mut node.attributes).filter_map(|a| a.t.as_mut());
        graph.initializers.iter_mut().chain(constants)
    });
    for tensor in tensors.filter(|tensor| !tensor.external.is_empty()) {
        take_in(tensor, &found.files)?;
    }
    Ok(model)
}

/// Puts the data of a tensor, which lies in another file, into the tensor.
fn take_in(tensor: &mut Tensor, files: &[(String, std::path::PathBuf)]) -> Result<(), GradError> {
    let of = |key: &str| {
        let pair = tensor.external.iter().find(|pair| pair.key.as_deref() == Some(key))?;
        pair.value.clone()
    };
    let broken = || GradError::Decode("a tensor names data that is not there".to_owned());
    let location = of("location").ok_or_else(broken)?;
    let wanted = location.trim_start_matches("./");
    let (_, path) = files.iter().find(|(name, _)| name == wanted).ok_or_else(broken)?;
    let number = |key| of(key).map(|text| text.trim().parse::<u64>().map_err(|_no_number| broken())).transpose();
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let io = |source| GradError::Io { path: path.clone(), source };
    let mut file = File::open(path).map_err(io)?;
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    let mut raw = Vec::new();
    file.take(length.unwrap_or(LIMIT)).read_to_end(&mut raw).map_err(io)?;
    if length.is_some_and(|length| raw.len() as u64 != length) {
        return Err(broken());
    }
    tensor.raw = Some(raw);
    tensor.external.clear();
    tensor.location = None;
    Ok(())
}
