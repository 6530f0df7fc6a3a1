//! Attributes of nodes: reading them with their defaults, and writing them.

use crate::proto::{Attribute, Node};

/// `AttributeProto.AttributeType`.
mod kind {
    pub const FLOAT: i32 = 1;
    pub const INT: i32 = 2;
    pub const STRING: i32 = 3;
    pub const TENSOR: i32 = 4;
    pub const INTS: i32 = 7;
}

impl Node {
    /// The operator's name.
    pub fn op(&self) -> &str {
        self.operator.as_deref().unwrap_or_default()
    }

    /// The operator set, with its two names for ONNX's own made one.
    pub fn domain(&self) -> &str {
        match self.operator_set.as_deref().unwrap_or_default() {
            "ai.onnx" => "",
            other => other,
        }
    }

    /// An input that the operator cannot do without; the empty text where the file lacks it.
    pub fn input(&self, index: usize) -> &str {
        self.inputs.get(index).map_or("", String::as_str)
    }

    /// An input that may be left out.
    pub fn optional(&self, index: usize) -> Option<&str> {
        Some(self.input(index)).filter(|name| !name.is_empty())
    }

    /// The name of an output, empty where nobody wants it.
    pub fn output(&self, index: usize) -> &str {
        self.outputs.get(index).map_or("", String::as_str)
    }

    /// An output that the file names.
    pub fn optional_output(&self, index: usize) -> Option<&str> {
        Some(self.output(index)).filter(|name| !name.is_empty())
    }

    /// An attribute by its name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }

    /// A whole number, or its default.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    /// A number, or its default.
    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).and_then(|attribute| attribute.f).map_or(default, f64::from)
    }

    /// A list of whole numbers; `None` where it is not given.
    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|attribute| attribute.ints.clone()).filter(|ints| !ints.is_empty())
    }

    /// A text, or its default.
    pub fn text(&self, name: &str, default: &str) -> String {
        let bytes = self.attribute(name).and_then(|attribute| attribute.s.as_deref());
        bytes.map_or_else(|| default.to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Removes an attribute and gives it.
    pub fn take(&mut self, name: &str) -> Option<Attribute> {
        let at = self.attributes.iter().position(|attribute| attribute.name.as_deref() == Some(name))?;
        Some(self.attributes.remove(at))
    }

    /// True when an attribute holds a graph: such a node may use values that its inputs do not name.
    pub fn has_graph(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.g.is_some() || !attribute.graphs.is_empty())
    }

    /// `Conv `block/conv1``, for errors.
    pub fn label(&self) -> String {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let shown = desk_core::words::quoted(name.unwrap_or_else(|| self.output(0)));
        format!("{} {shown}", desk_core::words::escaped(self.op()))
    }
}

/// A whole number as an attribute.
pub(crate) fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: Some(name.to_owned()), i: Some(value), kind: Some(kind::INT), ..Attribute::default() }
}

/// A number as an attribute.
pub(crate) fn float(name: &str, value: f64) -> Attribute {
    Attribute { name: Some(name.to_owned()), f: Some(value as f32), kind: Some(kind::FLOAT), ..Attribute::default() }
}

/// A list of whole numbers as an attribute.
pub(crate) fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: Some(name.to_owned()), ints: values.to_vec(), kind: Some(kind::INTS), ..Attribute::default() }
}

/// A text as an attribute.
pub(crate) fn text(name: &str, value: &str) -> Attribute {
    let s = Some(value.as_bytes().to_vec());
    Attribute { name: Some(name.to_owned()), s, kind: Some(kind::STRING), ..Attribute::default() }
}

/// A tensor as an attribute.
pub(crate) fn tensor(name: &str, value: crate::proto::Tensor) -> Attribute {
    Attribute { name: Some(name.to_owned()), t: Some(value), kind: Some(kind::TENSOR), ..Attribute::default() }
}
