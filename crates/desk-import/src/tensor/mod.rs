//! The values of one tensor, read when somebody asks for them: in parts, so that its size does not matter.

mod export;
mod facts;
mod kind;
mod stream;

use std::path::{Path, PathBuf};

use desk_core::words::quoted;
use desk_core::{Cancel, Diagnose, FaultKind, GraphPath, GraphStep, TensorFacts, TensorPlace};

use crate::describe;
use crate::error::ImportError;
use crate::external;
use crate::proto::{Graph, Model, Node, Tensor};
use crate::wire::Reader;
pub use export::TensorFormat;
use kind::Kind;

/// Values that are told together with a tensor's figures.
const FIRST: usize = 200;

/// Why a tensor's values cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The model file cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The model has no tensor of that name.
    #[error("the model holds no tensor named {}", quoted(.name))]
    Unknown {
        /// What was asked for.
        name: String,
        /// Some that there are.
        some: Vec<String>,
    },
    /// Values of a type that is not read here.
    #[error("the values of {} are {element}, which cannot be read here", quoted(.name))]
    Type {
        /// The tensor.
        name: String,
        /// Its type.
        element: &'static str,
    },
    /// Texts have no form in a NumPy file that every program reads.
    #[error("the values of {} are texts, which a .npy file does not hold", quoted(.name))]
    TextsAsNpy {
        /// The tensor.
        name: String,
    },
    /// The file cannot be written.
    #[error("could not write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// It was cancelled.
    #[error(transparent)]
    Cancelled(#[from] desk_core::cancel::Cancelled),
}

impl Diagnose for TensorError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Import(error) => error.kind(),
            Self::Cancelled(error) => error.kind(),
            Self::Write { .. } => FaultKind::Environment,
            Self::Unknown { .. } | Self::Type { .. } | Self::TextsAsNpy { .. } => FaultKind::Input,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Import(error) => error.hints(),
            Self::Unknown { some, .. } if some.is_empty() => vec!["The model holds no tensors".to_owned()],
            Self::Unknown { some, .. } => {
                let names: Vec<&str> = some.iter().map(String::as_str).collect();
                vec![format!("Its tensors are {}", desk_core::words::quoted_list(&names, 12))]
            }
            Self::Type { .. } => vec!["Read them with the program that made the model".to_owned()],
            Self::TextsAsNpy { .. } => vec!["End the name in .csv".to_owned()],
            Self::Write { .. } => vec!["Check that the folder can be written and has room".to_owned()],
            Self::Cancelled(_) => Vec::new(),
        }
    }
}

/// A tensor whose values can be read.
pub struct OpenTensor {
    reader: Reader<'static>,
    tensor: Tensor,
    name: String,
    graph: GraphPath,
    path: PathBuf,
}

/// Finds a tensor of a model; nothing of its values is read.
pub fn open_tensor(path: &Path, place: &TensorPlace) -> Result<OpenTensor, TensorError> {
    let path = external::model_file(path)?;
    let (describe::Opened { reader, model, graph }, _) = describe::open(&path)?;
    let mut search = Search { name: &place.name, only: place.graph.as_ref(), found: None, names: Vec::new() };
    search.graph(graph, &GraphPath::default());
    search.functions(model);
    let Search { found, names, .. } = search;
    let Some((tensor, graph)) = found else {
        return Err(TensorError::Unknown { name: place.name.clone(), some: names });
    };
    Ok(OpenTensor { reader, tensor, name: place.name.clone(), graph, path })
}

/// Looks for a tensor in all graphs, the main one first.
struct Search<'a> {
    name: &'a str,
    only: Option<&'a GraphPath>,
    found: Option<(Tensor, GraphPath)>,
    names: Vec<String>,
}

impl Search<'_> {
    fn graph(&mut self, graph: Graph, path: &GraphPath) {
        let here = self.only.is_none_or(|only| only == path);
        for tensor in graph.initializers {
            let name = tensor.name.clone();
            self.look(here, name, || Some(tensor), path);
        }
        self.nodes(graph.nodes, path);
    }

    fn functions(&mut self, model: Model) {
        for (i, function) in (0..).zip(model.functions) {
            self.nodes(function.nodes, &GraphPath(vec![GraphStep::Function(i)]));
        }
    }

    /// What constants hold, under the name of what they give.
    fn nodes(&mut self, nodes: Vec<Node>, path: &GraphPath) {
        let here = self.only.is_none_or(|only| only == path);
        for (i, node) in (0..).zip(nodes) {
            let output = node.outputs.first().cloned().unwrap_or_default();
            let mut which = 0..;
            for attribute in node.attributes {
                if let Some(tensor) = attribute.tensor {
                    self.look(here, output.clone(), || Some(*tensor), path);
                }
                for graph in attribute.graphs {
                    self.graph(graph, &path.and(GraphStep::Body(i, which.next().unwrap_or(0))));
                }
            }
        }
    }

    fn look(&mut self, here: bool, name: String, tensor: impl FnOnce() -> Option<Tensor>, path: &GraphPath) {
        /// Names that an error may tell.
        const TOLD: usize = 12;
        if !here || self.found.is_some() {
            return;
        }
        if name == self.name {
            self.found = tensor().map(|tensor| (tensor, path.clone()));
        } else if self.names.len() < TOLD && !name.is_empty() {
            self.names.push(name);
        }
    }
}

impl OpenTensor {
    /// Its type, shape and values in figures: all values are read, twice.
    pub fn facts(&mut self, cancel: &Cancel, told: &dyn Fn(u64, u64)) -> Result<TensorFacts, TensorError> {
        let elements = self.elements()?;
        let kind = self.kind()?;
        let numbers = match kind {
            Kind::Text => None,
            _ => Some(self.number_facts(kind, cancel, told)?),
        };
        Ok(TensorFacts {
            name: self.name.clone(),
            graph: self.graph.clone(),
            element: kind::name(self.tensor.data_type).to_owned(),
            dims: self.tensor.dims.clone(),
            elements,
            bytes: kind.bits().map(|bits| (elements * bits).div_ceil(8)),
            external: self.tensor.external.as_ref().map(|external| external.location.clone()),
            numbers,
            first: self.values(0, FIRST)?,
        })
    }

    /// Some values from a place on, each as text that reads back as the same value.
    pub fn values(&mut self, from: u64, most: usize) -> Result<Vec<String>, TensorError> {
        let kind = self.kind()?;
        let mut found = Vec::new();
        if kind == Kind::Text {
            self.texts(from, &mut |text| {
                found.push(text);
                Ok(found.len() < most)
            })?;
            return Ok(found);
        }
        self.numbers(kind, from, &mut |numbers| {
            found.extend(numbers.iter().take(most - found.len()).map(ToString::to_string));
            Ok(found.len() < most)
        })?;
        Ok(found)
    }

    /// How many values it has.
    pub fn elements(&self) -> Result<u64, TensorError> {
        self.tensor.elements().ok_or_else(|| self.bad(format!("its shape is {:?}", self.tensor.dims)))
    }

    fn kind(&self) -> Result<Kind, TensorError> {
        let element = kind::name(self.tensor.data_type);
        Kind::of(self.tensor.data_type).ok_or_else(|| TensorError::Type { name: self.name.clone(), element })
    }

    fn bad(&self, why: String) -> TensorError {
        ImportError::BadTensor { tensor: self.name.clone(), why, path: self.path.clone() }.into()
    }
}
