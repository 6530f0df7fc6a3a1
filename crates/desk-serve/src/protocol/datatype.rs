//! Names of tensor element types in the protocol.

use std::fmt;

use desk_core::ElementType;

/// An element type of the protocol. `BF16` is left out: no tensor of ours can hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DataType {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

/// Protocol name, element type and bytes of one element (0 where they vary).
const TABLE: [(DataType, &str, ElementType, usize); 13] = [
    (DataType::Bool, "BOOL", ElementType::Bool, 1),
    (DataType::Uint8, "UINT8", ElementType::Uint8, 1),
    (DataType::Uint16, "UINT16", ElementType::Uint16, 2),
    (DataType::Uint32, "UINT32", ElementType::Uint32, 4),
    (DataType::Uint64, "UINT64", ElementType::Uint64, 8),
    (DataType::Int8, "INT8", ElementType::Int8, 1),
    (DataType::Int16, "INT16", ElementType::Int16, 2),
    (DataType::Int32, "INT32", ElementType::Int32, 4),
    (DataType::Int64, "INT64", ElementType::Int64, 8),
    (DataType::Fp16, "FP16", ElementType::Float16, 2),
    (DataType::Fp32, "FP32", ElementType::Float32, 4),
    (DataType::Fp64, "FP64", ElementType::Float64, 8),
    (DataType::Bytes, "BYTES", ElementType::String, 0),
];

impl DataType {
    fn row(self) -> &'static (DataType, &'static str, ElementType, usize) {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }

    /// The protocol's name.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Bytes of one element; `None` for [`DataType::Bytes`].
    pub fn size(self) -> Option<usize> {
        Some(self.row().3).filter(|size| *size > 0)
    }

    /// The type with this name.
    pub fn parse(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The type of a model's elements; `None` for types that the protocol or our tensors lack.
    pub fn of(element: ElementType) -> Option<Self> {
        TABLE.iter().find(|row| row.2 == element).map(|row| row.0)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_elements_are_one_to_one() {
        for (data_type, name, element, _) in TABLE {
            assert_eq!(DataType::parse(name), Some(data_type));
            assert_eq!(DataType::of(element), Some(data_type));
            assert_eq!(data_type.name(), name);
        }
        assert_eq!(DataType::parse("BF16"), None);
        assert_eq!(DataType::of(ElementType::Complex64), None);
    }
}
