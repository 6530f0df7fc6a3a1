//! What can be wrong with a model file, and what to do about it.

use std::io;
use std::path::PathBuf;

use desk_core::words::quoted;
use desk_core::{Diagnose, FaultKind};

/// Why a model cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file or folder cannot be read.
    #[error("could not read {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("the file is empty: {path}")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are not an ONNX model.
    #[error("not an ONNX model{}: {path}", looks(.looks_like.as_deref()))]
    NotAModel {
        /// What it looks like instead, such as `a ZIP archive`.
        looks_like: Option<String>,
        /// The file.
        path: PathBuf,
    },
    /// The file ends before what it announces.
    #[error("the model is cut off: at byte {offset} it announces {announced} more bytes, and {left} are left: {path}")]
    Truncated {
        /// Where.
        offset: u64,
        /// How many bytes should follow.
        announced: u64,
        /// How many do.
        left: u64,
        /// The file.
        path: PathBuf,
    },
    /// The bytes do not follow the format.
    #[error("the model file is damaged at byte {offset} ({what}): {path}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What is wrong there.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// More than any real model has: the file was made to exhaust the reader.
    #[error("the model has too many or too deep {what} (more than {limit}): {path}")]
    Excessive {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// The file.
        path: PathBuf,
    },
    /// The nodes need each other's outputs.
    #[error("the graph has a cycle through {}: {path}", .nodes.join(", "))]
    Cyclic {
        /// Some nodes of it.
        nodes: Vec<String>,
        /// The file.
        path: PathBuf,
    },
    /// A node or the graph needs a value that nothing gives.
    #[error("{needed_by} needs {}, which nothing in the graph gives: {path}", quoted(.value))]
    Undefined {
        /// The value.
        value: String,
        /// `node x` or `the output`.
        needed_by: String,
        /// The file.
        path: PathBuf,
    },
    /// Two things have one name.
    #[error("there are two {what} named {}: {path}", quoted(.name))]
    Duplicate {
        /// `initialisers`, `values`, `inputs`.
        what: &'static str,
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// An operator that ONNX does not have, or not in the version that the model declares.
    #[error("{node} uses the operator {operator}, which {why}: {path}")]
    UnknownOperator {
        /// The operator, with its domain.
        operator: String,
        /// The node.
        node: String,
        /// `ONNX does not define`, `exists since opset 20 only`.
        why: String,
        /// The file.
        path: PathBuf,
    },
    /// Operators that neither ONNX nor ONNX Runtime defines.
    #[error("{node} uses {} of the unknown operator set {}: {path}", quoted(.operator), quoted(.domain))]
    UnknownDomain {
        /// The operator set.
        domain: String,
        /// The operator.
        operator: String,
        /// The node.
        node: String,
        /// The file.
        path: PathBuf,
    },
    /// External data that lies outside the model's folder.
    #[error("the tensor {} names data outside the model's folder: {}", quoted(.tensor), quoted(.location))]
    ExternalOutside {
        /// The tensor.
        tensor: String,
        /// What it names.
        location: String,
    },
    /// External data that is not there.
    #[error("the tensor {} needs a data file that is not there: {path}", quoted(.tensor))]
    ExternalMissing {
        /// The tensor.
        tensor: String,
        /// The data file.
        path: PathBuf,
    },
    /// External data that is shorter than said.
    #[error("the tensor {} needs {needed} bytes of its data file, which has {size}: {path}", quoted(.tensor))]
    ExternalShort {
        /// The tensor.
        tensor: String,
        /// The end of its data.
        needed: u64,
        /// The size of the file.
        size: u64,
        /// The data file.
        path: PathBuf,
    },
    /// A tensor whose shape and data do not fit.
    #[error("the tensor {} is not valid ({why}): {path}", quoted(.tensor))]
    BadTensor {
        /// The tensor.
        tensor: String,
        /// Why not.
        why: String,
        /// The file.
        path: PathBuf,
    },
    /// A tree ensemble whose attributes contradict each other.
    #[error("the trees of {node} are not valid ({why}): {path}")]
    BadTrees {
        /// The node.
        node: String,
        /// Why not.
        why: String,
        /// The file.
        path: PathBuf,
    },
    /// A folder without a model.
    #[error("there is no .onnx file in the folder {path}")]
    NoModelInFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder with several models.
    #[error("the folder holds several models ({}): {path}", .names.join(", "))]
    SeveralModels {
        /// Some of their names.
        names: Vec<String>,
        /// The folder.
        path: PathBuf,
    },
}

fn looks(like: Option<&str>) -> String {
    like.map(|what| format!(", but {what}")).unwrap_or_default()
}

impl Diagnose for ImportError {
    fn kind(&self) -> FaultKind {
        FaultKind::Input
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "Check the path",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "Ask for the right to read it, or copy it to a place of your own"
            }
            Self::Io { .. } => "Check that the disk is there and the file can be opened by other programs",
            Self::Empty { .. } | Self::Truncated { .. } => {
                "Copy or download the file again; check its size against the original's"
            }
            Self::NotAModel { .. } => {
                "Export the model to ONNX first (skl2onnx, onnxmltools, torch.onnx.export), or unpack the archive"
            }
            Self::Damaged { .. } | Self::BadTensor { .. } | Self::BadTrees { .. } => {
                "Copy the file again, or export the model again; `onnx.checker.check_model` says more"
            }
            Self::Excessive { .. } => "If this is a real model, simplify it first, for example with onnxsim",
            Self::Cyclic { .. } | Self::Undefined { .. } | Self::Duplicate { .. } => {
                "Export the model again; ONNX Runtime would refuse this graph too"
            }
            Self::UnknownOperator { .. } => {
                "Export with a newer opset, or without the operators that only your tool defines"
            }
            Self::UnknownDomain { .. } => {
                "Export with ONNX's own operators: Modeldesk loads no custom operator libraries"
            }
            Self::ExternalOutside { .. } => {
                "Save the model again with its data beside it: onnx.save_model(…, save_as_external_data=True)"
            }
            Self::ExternalMissing { .. } | Self::ExternalShort { .. } => {
                "Copy the data files together with the model, into the same folder"
            }
            Self::NoModelInFolder { .. } => "Give the path of the model file",
            Self::SeveralModels { .. } => "Give the path of the one you mean, or name it model.onnx",
        };
        vec![hint.to_owned()]
    }
}
