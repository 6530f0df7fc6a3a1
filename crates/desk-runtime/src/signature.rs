//! ONNX Runtime's view of inputs and outputs, in Modeldesk's words.

use desk_core::{Dim, ElementType, Signature, ValueInfo, ValueType};
use ort::session::Session;
use ort::value::{Outlet, TensorElementType};

/// The typed inputs and outputs of a session.
///
/// A tensor without any known dimension is given the shape `None`: the runtime does not tell a
/// scalar from a tensor of unknown rank.
pub(crate) fn of(session: &Session) -> Signature {
    Signature {
        inputs: session.inputs().iter().map(value_info).collect(),
        outputs: session.outputs().iter().map(value_info).collect(),
    }
}

fn value_info(outlet: &Outlet) -> ValueInfo {
    ValueInfo { name: outlet.name().to_owned(), value_type: value_type(outlet.dtype()) }
}

pub(crate) fn value_type(dtype: &ort::value::ValueType) -> ValueType {
    use ort::value::ValueType as Ort;
    match dtype {
        Ort::Tensor { ty, shape, dimension_symbols } => {
            let dims = shape.iter().enumerate().map(|(i, size)| match u64::try_from(*size) {
                Ok(size) => Dim::Fixed(size),
                Err(_negative) => match dimension_symbols.get(i) {
                    Some(name) if !name.is_empty() => Dim::Symbol(name.clone()),
                    _ => Dim::Unknown,
                },
            });
            let shape = (!shape.is_empty()).then(|| dims.collect());
            ValueType::Tensor { element: element(*ty), shape }
        }
        Ort::Sequence(item) => ValueType::Sequence { item: Box::new(value_type(item)) },
        Ort::Map { key, value } => {
            let value = ValueType::Tensor { element: element(*value), shape: Some(Vec::new()) };
            ValueType::Map { key: element(*key), value: Box::new(value) }
        }
        Ort::Optional(item) => ValueType::Optional { item: Box::new(value_type(item)) },
    }
}

pub(crate) fn element(ty: TensorElementType) -> ElementType {
    match ty {
        TensorElementType::Bool => ElementType::Bool,
        TensorElementType::Int8 => ElementType::Int8,
        TensorElementType::Int16 => ElementType::Int16,
        TensorElementType::Int32 => ElementType::Int32,
        TensorElementType::Int64 => ElementType::Int64,
        TensorElementType::Uint8 => ElementType::Uint8,
        TensorElementType::Uint16 => ElementType::Uint16,
        TensorElementType::Uint32 => ElementType::Uint32,
        TensorElementType::Uint64 => ElementType::Uint64,
        TensorElementType::Float16 => ElementType::Float16,
        TensorElementType::Bfloat16 => ElementType::Bfloat16,
        TensorElementType::Float32 => ElementType::Float32,
        TensorElementType::Float64 => ElementType::Float64,
        TensorElementType::String => ElementType::String,
        TensorElementType::Complex64 => ElementType::Complex64,
        TensorElementType::Complex128 => ElementType::Complex128,
        _ => ElementType::Other,
    }
}
