//! Why a model has no backward graph, and what to do instead.

use std::path::PathBuf;

use desk_core::words::quoted;
use desk_core::{Diagnose, FaultKind};
use desk_import::ImportError;

/// Why no gradient can be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GradError {
    /// The model itself is not in order.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The file, or data beside it, cannot be read.
    #[error("could not read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// More than one file of the format can hold.
    #[error("the model has {size} bytes with its weights; a backward graph is built of up to {limit}")]
    TooLarge {
        /// All of it.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The bytes are not what they were when the model was checked.
    #[error("the model cannot be decoded: {0}")]
    Decode(String),
    /// Operators on the way from the inputs to the output that have no derivative here.
    #[error("there is no gradient through {}", .operators.join(", "))]
    NotCovered {
        /// Each of them: `LSTM (2 nodes)`, `com.microsoft.Attention`.
        operators: Vec<String>,
    },
    /// Operators that are covered, but not as they are used here.
    #[error("there is no gradient through {}", .nodes.join("; "))]
    NotLikeThis {
        /// Each node with the reason.
        nodes: Vec<String>,
    },
    /// The model has no output of this name.
    #[error("the model has no output {}", quoted(.name))]
    NoSuchOutput {
        /// The name.
        name: String,
    },
    /// There is no such layer for a class activation map.
    #[error("{}", no_layer(.named.as_deref(), .layers))]
    NoLayer {
        /// The name that was asked for.
        named: Option<String>,
        /// Names that there are.
        layers: Vec<String>,
    },
    /// Nothing changes smoothly.
    #[error("there is no gradient of the output {}: {why}", quoted(.output))]
    Flat {
        /// The output.
        output: String,
        /// Why not.
        why: String,
    },
}

impl Diagnose for GradError {
    fn kind(&self) -> FaultKind {
        FaultKind::Input
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Import(error) => error.hints(),
            Self::Io { .. } => vec!["Check that the disk is there and the file can be opened".to_owned()],
            Self::Decode(_) => vec!["Import the model again".to_owned()],
            Self::NoLayer { layers, .. } if !layers.is_empty() => {
                vec![format!("Name a convolution: {}", layers.join(", "))]
            }
            Self::NoLayer { .. } => vec!["Occlusion says where a picture matters, of every model".to_owned()],
            Self::NoSuchOutput { .. } => vec!["Look at its outputs with modeldesk show".to_owned()],
            Self::TooLarge { .. } | Self::NotCovered { .. } | Self::NotLikeThis { .. } | Self::Flat { .. } => {
                vec!["Methods that need no gradient explain every model: kernel, permutation, lime".to_owned()]
            }
        }
    }
}

fn no_layer(named: Option<&str>, layers: &[String]) -> String {
    match named {
        Some(named) => format!("no layer over pictures between input and output has the name {}", quoted(named)),
        None if layers.is_empty() => "there is no convolution over pictures between input and output".to_owned(),
        None => "the last convolution cannot be used".to_owned(),
    }
}

/// Why one node has no derivative.
#[derive(Debug)]
pub(crate) struct Refusal(pub String);

impl Refusal {
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
