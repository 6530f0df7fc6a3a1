//! What goes into a model and what comes out: names, element types and shapes.

use std::fmt;

use crate::words::quoted;

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

impl ValueType {
    /// What it holds in plain words: `30 numbers for each row`.
    ///
    /// A first dimension without a fixed size is taken for the rows, as nearly all exporters mean it.
    pub fn in_words(&self) -> String {
        match self {
            Self::Tensor { element, shape } => tensor_in_words(*element, shape.as_deref()),
            Self::Sequence { item } => match item.as_ref() {
                Self::Map { key, value } => format!("for each row {}", map_in_words(*key, value)),
                item => format!("a list, each item {}", item.in_words()),
            },
            Self::Map { key, value } => map_in_words(*key, value),
            Self::Optional { item } => format!("{}, or nothing", item.in_words()),
            Self::Unsupported { name } => format!("{name}, which is not supported"),
        }
    }
}

/// One of an element, and several.
fn noun(element: ElementType) -> (&'static str, &'static str) {
    match element {
        ElementType::Bool => ("true or false", "times true or false"),
        ElementType::String => ("text", "texts"),
        ElementType::Complex64 | ElementType::Complex128 => ("complex number", "complex numbers"),
        _ if element.is_integer() => ("whole number", "whole numbers"),
        _ => ("number", "numbers"),
    }
}

fn tensor_in_words(element: ElementType, shape: Option<&[Dim]>) -> String {
    let (one, many) = noun(element);
    let Some(shape) = shape else { return format!("{many} in any shape") };
    let sizes = |dims: &[Dim]| {
        let size = |dim: &Dim| if let Dim::Fixed(n) = dim { n.to_string() } else { "any".to_owned() };
        match dims {
            dims if dims.iter().all(|dim| *dim == Dim::Fixed(1)) => format!("one {one}"),
            [Dim::Symbol(_) | Dim::Unknown] => format!("any number of {many}"),
            dims => format!("{} {many}", dims.iter().map(size).collect::<Vec<_>>().join(" × ")),
        }
    };
    match shape {
        [Dim::Symbol(_) | Dim::Unknown, rest @ ..] => format!("{} for each row", sizes(rest)),
        all => sizes(all),
    }
}

fn map_in_words(key: ElementType, value: &ValueType) -> String {
    let value = match value {
        ValueType::Tensor { element, shape } if shape.as_ref().is_none_or(Vec::is_empty) => {
            format!("one {}", noun(*element).0)
        }
        other => other.in_words(),
    };
    format!("{value} by {}", noun(key).0)
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

/// An input or output in which two signatures differ so that clients of one fail with the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureChange {
    /// `input` or `output`.
    pub part: String,
    /// Its name.
    pub name: String,
    /// Its type before; none where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Its type now; none where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
}

impl fmt::Display for SignatureChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, name, .. } = self;
        match (&self.was, &self.is) {
            (Some(was), Some(is)) => write!(f, "{part} {name} was {was} and is {is}", name = quoted(&name)),
            (Some(was), None) => write!(f, "{part} {name} ({was}) is gone", name = quoted(&name)),
            (None, Some(is)) if part == "output" => write!(f, "{part} {name} ({is}) is new", name = quoted(&name)),
            (None, Some(is)) => write!(f, "{part} {name} ({is}) is new and must be given", name = quoted(&name)),
            (None, None) => write!(f, "{part} {name}", name = quoted(&name)),
        }
    }
}

impl Signature {
    /// What would break clients of `former`: inputs that they do not give, give with another type or shape, or
    /// that are unknown now; outputs that they do not get, or get with another type or shape.
    ///
    /// An input that takes more than before and an output that is new break nobody.
    pub fn breaks(&self, former: &Self) -> Vec<SignatureChange> {
        let mut changes = Vec::new();
        let mut add = |part: &str, was: Option<&ValueInfo>, is: Option<&ValueInfo>| {
            let text = |info: Option<&ValueInfo>| info.map(|info| info.value_type.to_string());
            let name = was.or(is).map(|info| info.name.clone()).unwrap_or_default();
            changes.push(SignatureChange { part: part.to_owned(), name, was: text(was), is: text(is) });
        };
        for was in &former.inputs {
            match find(&self.inputs, &was.name) {
                Some(is) if is.value_type.takes(&was.value_type) => {}
                is => add("input", Some(was), is),
            }
        }
        for is in self.inputs.iter().filter(|is| find(&former.inputs, &is.name).is_none()) {
            add("input", None, Some(is));
        }
        for was in &former.outputs {
            match find(&self.outputs, &was.name) {
                Some(is) if is.value_type.may_be(&was.value_type) => {}
                is => add("output", Some(was), is),
            }
        }
        changes
    }
}

fn find<'a>(among: &'a [ValueInfo], name: &str) -> Option<&'a ValueInfo> {
    among.iter().find(|info| info.name == name)
}

impl ValueType {
    /// Whoever gives `other` gives something that this takes.
    fn takes(&self, other: &Self) -> bool {
        self.fits(other, |is, was| match (is, was) {
            (Dim::Fixed(is), Dim::Fixed(was)) => is == was,
            // What could be of any size could be of a size that is not taken any more.
            (Dim::Fixed(_), _) => false,
            _ => true,
        })
    }

    /// Nothing that is said of this contradicts what was said of `other`.
    fn may_be(&self, other: &Self) -> bool {
        self.fits(other, |is, was| match (is, was) {
            (Dim::Fixed(is), Dim::Fixed(was)) => is == was,
            _ => true,
        })
    }

    fn fits(&self, other: &Self, dim: impl Fn(&Dim, &Dim) -> bool) -> bool {
        let (Some((is, shape)), Some((was, former))) = (self.as_tensor(), other.as_tensor()) else {
            return self == other;
        };
        is == was
            && match (shape, former) {
                (None, _) => true,
                (Some(shape), None) => shape.iter().all(|is| dim(is, &Dim::Unknown)),
                (Some(shape), Some(former)) => {
                    shape.len() == former.len() && shape.iter().zip(former).all(|(is, was)| dim(is, was))
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, element: ElementType, dims: &[Dim]) -> ValueInfo {
        ValueInfo { name: name.to_owned(), value_type: ValueType::Tensor { element, shape: Some(dims.to_vec()) } }
    }

    fn batch() -> Dim {
        Dim::Symbol("batch".to_owned())
    }

    #[test]
    fn types_are_said_in_plain_words() {
        let words = |element, dims: &[Dim]| tensor("x", element, dims).value_type.in_words();
        let fixed = |sizes: &[u64]| sizes.iter().map(|n| Dim::Fixed(*n)).collect::<Vec<_>>();
        let rows = |sizes: &[u64]| [vec![batch()], fixed(sizes)].concat();
        assert_eq!(words(ElementType::Float32, &rows(&[30])), "30 numbers for each row");
        assert_eq!(words(ElementType::String, &rows(&[1])), "one text for each row");
        assert_eq!(words(ElementType::Int64, &rows(&[])), "one whole number for each row");
        assert_eq!(words(ElementType::Float32, &rows(&[3, 224, 224])), "3 × 224 × 224 numbers for each row");
        assert_eq!(words(ElementType::Float32, &fixed(&[1, 10])), "1 × 10 numbers");
        assert_eq!(words(ElementType::Float32, &[]), "one number");
        assert_eq!(words(ElementType::Int64, &[batch(), batch()]), "any number of whole numbers for each row");
        assert_eq!(words(ElementType::Float32, &[batch(), batch(), Dim::Fixed(8)]), "any × 8 numbers for each row");
        let scalar = ValueType::Tensor { element: ElementType::Float32, shape: None };
        assert_eq!(scalar.in_words(), "numbers in any shape");
        let map = ValueType::Map { key: ElementType::String, value: Box::new(scalar) };
        let list = ValueType::Sequence { item: Box::new(map) };
        assert_eq!(list.in_words(), "for each row one number by text");
    }

    fn former() -> Signature {
        Signature {
            inputs: vec![tensor("x", ElementType::Float32, &[batch(), Dim::Fixed(30)])],
            outputs: vec![
                tensor("label", ElementType::Int64, &[batch()]),
                tensor("p", ElementType::Float32, &[batch(), Dim::Fixed(2)]),
            ],
        }
    }

    #[test]
    fn what_takes_more_and_gives_more_breaks_nobody() {
        let former = former();
        assert_eq!(former.breaks(&former), []);
        let wider = Signature {
            inputs: vec![tensor("x", ElementType::Float32, &[Dim::Unknown, Dim::Unknown])],
            outputs: [former.outputs.clone(), vec![tensor("extra", ElementType::Float32, &[batch()])]].concat(),
        };
        assert_eq!(wider.breaks(&former), []);
        let renamed = Signature {
            inputs: vec![tensor("x", ElementType::Float32, &[Dim::Symbol("n".into()), Dim::Fixed(30)])],
            ..former.clone()
        };
        assert_eq!(renamed.breaks(&former), []);
    }

    #[test]
    fn each_change_that_breaks_clients_is_named_with_what_was_and_is() {
        let said = |is: Signature| -> Vec<String> { is.breaks(&former()).iter().map(ToString::to_string).collect() };
        let input = |info: ValueInfo| Signature { inputs: vec![info], ..former() };
        let fewer = input(tensor("x", ElementType::Float32, &[batch(), Dim::Fixed(29)]));
        assert_eq!(said(fewer), ["input `x` was float32 [batch, 30] and is float32 [batch, 29]"]);
        let one_row = input(tensor("x", ElementType::Float32, &[Dim::Fixed(1), Dim::Fixed(30)]));
        assert_eq!(said(one_row), ["input `x` was float32 [batch, 30] and is float32 [1, 30]"]);
        let doubles = input(tensor("x", ElementType::Float64, &[batch(), Dim::Fixed(30)]));
        assert_eq!(said(doubles), ["input `x` was float32 [batch, 30] and is float64 [batch, 30]"]);
        let flat = input(tensor("x", ElementType::Float32, &[batch()]));
        assert_eq!(said(flat), ["input `x` was float32 [batch, 30] and is float32 [batch]"]);
        let named = input(tensor("y", ElementType::Float32, &[batch(), Dim::Fixed(30)]));
        assert_eq!(
            said(named),
            ["input `x` (float32 [batch, 30]) is gone", "input `y` (float32 [batch, 30]) is new and must be given"]
        );
        let gone = Signature { outputs: former().outputs[..1].to_vec(), ..former() };
        assert_eq!(said(gone), ["output `p` (float32 [batch, 2]) is gone"]);
        let mut three = former();
        three.outputs[1] = tensor("p", ElementType::Float32, &[batch(), Dim::Fixed(3)]);
        assert_eq!(said(three), ["output `p` was float32 [batch, 2] and is float32 [batch, 3]"]);
    }
}
