//! What goes into a model and what comes out: names, element types and shapes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of one element of a tensor. Names in JSON are those of NumPy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ElementType {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float16,
    Bfloat16,
    Float32,
    Float64,
    String,
    Complex64,
    Complex128,
    /// Types that newer ONNX versions add (float8, int4 and so on) and a reader does not know.
    Other,
}

impl ElementType {
    /// The NumPy name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
            Self::Other => "other",
        }
    }

    /// True for floating-point types.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float16 | Self::Bfloat16 | Self::Float32 | Self::Float64)
    }

    /// True for signed and unsigned integers.
    pub fn is_integer(self) -> bool {
        matches!(
            self,
            Self::Int8
                | Self::Int16
                | Self::Int32
                | Self::Int64
                | Self::Uint8
                | Self::Uint16
                | Self::Uint32
                | Self::Uint64
        )
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One dimension of a shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// A fixed size.
    Fixed(u64),
    /// A named size that is known when the model runs, such as `batch`.
    Symbol(String),
    /// A size that is known when the model runs and has no name.
    Unknown,
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(n) => write!(f, "{n}"),
            Self::Symbol(name) => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// The type of an input or output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ValueType {
    /// A tensor; `shape` is `None` when the model does not say even its rank.
    Tensor {
        /// The type of each element.
        element: ElementType,
        /// Outermost dimension first.
        shape: Option<Vec<Dim>>,
    },
    /// A list, such as ZipMap's list of maps.
    Sequence {
        /// The type of each item.
        item: Box<ValueType>,
    },
    /// A map, such as ZipMap's class to probability.
    Map {
        /// The type of the keys.
        key: ElementType,
        /// The type of the values.
        value: Box<ValueType>,
    },
    /// A value that may be absent.
    Optional {
        /// The type when present.
        item: Box<ValueType>,
    },
    /// A type that is not supported (sparse tensors, opaque types).
    Unsupported {
        /// Its name in the model's format.
        name: String,
    },
}

impl ValueType {
    /// The element type and shape when it is a tensor.
    pub fn as_tensor(&self) -> Option<(ElementType, Option<&[Dim]>)> {
        match self {
            Self::Tensor { element, shape } => Some((*element, shape.as_deref())),
            _ => None,
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor { element, shape: None } => write!(f, "{element} [any shape]"),
            Self::Tensor { element, shape: Some(dims) } => {
                let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
                write!(f, "{element} [{}]", dims.join(", "))
            }
            Self::Sequence { item } => write!(f, "sequence of {item}"),
            Self::Map { key, value } => write!(f, "map from {key} to {value}"),
            Self::Optional { item } => write!(f, "optional {item}"),
            Self::Unsupported { name } => write!(f, "{name} (not supported)"),
        }
    }
}

/// A named input or output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ValueInfo {
    /// The name in the graph.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub value_type: ValueType,
}

/// The typed inputs and outputs of a model, in the model's order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Signature {
    /// What the model wants; initialisers with a default are not listed.
    pub inputs: Vec<ValueInfo>,
    /// What it gives.
    pub outputs: Vec<ValueInfo>,
}
