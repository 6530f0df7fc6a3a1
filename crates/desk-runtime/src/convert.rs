//! Tensors into the runtime and out of it. Numbers go in without a copy and come out with one.

use desk_core::words::quoted;
use desk_core::{ElementType, NamedTensor, Tensor, TensorData};
use half::bf16;
use half::vec::HalfBitsVecExt as _;
use ort::session::SessionInputValue;
use ort::value::{DynMapValueType, DynValue, Tensor as OrtTensor, TensorElementType, ValueType};

use crate::error::RuntimeError;

/// Hands a tensor to the runtime; `wanted` is what the model's input declares.
pub(crate) fn input(given: NamedTensor, wanted: ElementType) -> Result<SessionInputValue<'static>, RuntimeError> {
    let NamedTensor { name, tensor: Tensor { shape, data }, .. } = given;
    let made = match data {
        TensorData::Bool(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Int8(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Int16(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Int32(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Int64(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Uint8(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Uint16(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Uint32(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Uint64(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Float16(v) => OrtTensor::from_array((shape, v.reinterpret_into::<half::f16>())).map(Into::into),
        TensorData::Float32(v) if wanted == ElementType::Bfloat16 => {
            let rounded: Vec<bf16> = v.into_iter().map(bf16::from_f32).collect();
            OrtTensor::from_array((shape, rounded)).map(Into::into)
        }
        TensorData::Float32(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::Float64(v) => OrtTensor::from_array((shape, v)).map(Into::into),
        TensorData::String(v) => {
            if let Some(index) = v.iter().position(|text| text.contains('\0')) {
                return Err(RuntimeError::NulInText { name, index });
            }
            OrtTensor::from_string_array((shape, v.as_slice())).map(Into::into)
        }
    };
    made.map_err(|error: ort::Error| RuntimeError::Run(format!("input {name}: {error}", name = quoted(&name))))
}

/// True when an output of this type can be given back.
pub(crate) fn is_supported_output(dtype: &ValueType) -> bool {
    match dtype {
        ValueType::Tensor { ty, .. } => is_supported_element(*ty),
        ValueType::Map { .. } => is_class_map(dtype),
        ValueType::Sequence(item) => is_class_map(item),
        ValueType::Optional(_) => false,
    }
}

fn is_supported_element(ty: TensorElementType) -> bool {
    use TensorElementType as T;
    matches!(
        ty,
        T::Bool
            | T::Int8
            | T::Int16
            | T::Int32
            | T::Int64
            | T::Uint8
            | T::Uint16
            | T::Uint32
            | T::Uint64
            | T::Float16
            | T::Bfloat16
            | T::Float32
            | T::Float64
            | T::String
    )
}

fn is_class_map(dtype: &ValueType) -> bool {
    use TensorElementType as T;
    matches!(dtype, ValueType::Map { key: T::Int64 | T::String, value: T::Float32 })
}

/// Copies an output out of the runtime. bfloat16 is widened to float32; ZipMap becomes a
/// `[rows, classes]` table with the classes in ascending order of their keys.
pub(crate) fn output(name: &str, value: DynValue) -> Result<NamedTensor, RuntimeError> {
    let bad = |reason: String| RuntimeError::Output { name: name.to_owned(), reason };
    let read = |error: ort::Error| bad(error.to_string());
    match value.dtype().clone() {
        ValueType::Tensor { ty, shape, .. } => {
            let shape: Vec<usize> = shape.iter().map(|dim| usize::try_from(*dim).unwrap_or(0)).collect();
            let data = elements(&value, ty).map_err(read)?.ok_or_else(|| bad(format!("its elements are {ty}")))?;
            let tensor = Tensor::new(shape, data).map_err(|error| bad(error.to_string()))?;
            Ok(NamedTensor::new(name, tensor))
        }
        ValueType::Sequence(item) if is_class_map(&item) => {
            let rows = value.try_extract_sequence::<DynMapValueType>().map_err(read)?;
            class_table(name, rows.iter().map(class_map))
        }
        dtype if is_class_map(&dtype) => {
            let map = value.downcast::<DynMapValueType>().map_err(read)?;
            class_table(name, std::iter::once(class_map(&map)))
        }
        other => Err(bad(format!("it is a {other}"))),
    }
}

/// The elements of a tensor; `None` for element types without a counterpart.
fn elements(value: &DynValue, ty: TensorElementType) -> Result<Option<TensorData>, ort::Error> {
    macro_rules! copy {
        ($variant:ident, $element:ty) => {
            TensorData::$variant(value.try_extract_tensor::<$element>()?.1.to_vec())
        };
    }
    Ok(Some(match ty {
        TensorElementType::Bool => copy!(Bool, bool),
        TensorElementType::Int8 => copy!(Int8, i8),
        TensorElementType::Int16 => copy!(Int16, i16),
        TensorElementType::Int32 => copy!(Int32, i32),
        TensorElementType::Int64 => copy!(Int64, i64),
        TensorElementType::Uint8 => copy!(Uint8, u8),
        TensorElementType::Uint16 => copy!(Uint16, u16),
        TensorElementType::Uint32 => copy!(Uint32, u32),
        TensorElementType::Uint64 => copy!(Uint64, u64),
        TensorElementType::Float16 => {
            let (_, halves) = value.try_extract_tensor::<half::f16>()?;
            TensorData::Float16(halves.iter().map(|half| half.to_bits()).collect())
        }
        TensorElementType::Bfloat16 => {
            let (_, halves) = value.try_extract_tensor::<bf16>()?;
            TensorData::Float32(halves.iter().map(|half| half.to_f32()).collect())
        }
        TensorElementType::Float32 => copy!(Float32, f32),
        TensorElementType::Float64 => copy!(Float64, f64),
        TensorElementType::String => TensorData::String(value.try_extract_strings()?.1),
        _ => return Ok(None),
    }))
}

/// One row of ZipMap: class label and probability, ascending by key.
type ClassMap = Vec<(String, f32)>;

fn class_map(map: &ort::value::DynMap) -> Result<ClassMap, ort::Error> {
    if let ValueType::Map { key: TensorElementType::Int64, .. } = map.dtype() {
        let mut pairs = map.try_extract_key_values::<i64, f32>()?;
        pairs.sort_by_key(|pair| pair.0);
        return Ok(pairs.into_iter().map(|(key, value)| (key.to_string(), value)).collect());
    }
    let mut pairs = map.try_extract_key_values::<String, f32>()?;
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(pairs)
}

/// Rows of maps as one table; every row must name the same classes.
fn class_table(
    name: &str,
    rows: impl ExactSizeIterator<Item = Result<ClassMap, ort::Error>>,
) -> Result<NamedTensor, RuntimeError> {
    let bad = |reason: String| RuntimeError::Output { name: name.to_owned(), reason };
    let count = rows.len();
    let mut labels: Option<Vec<String>> = None;
    let mut values = Vec::new();
    for (i, row) in rows.enumerate() {
        let row = row.map_err(|error| bad(error.to_string()))?;
        match &labels {
            None => {
                values.reserve(row.len() * count);
                labels = Some(row.iter().map(|pair| pair.0.clone()).collect());
            }
            Some(labels) if labels.len() == row.len() && labels.iter().zip(&row).all(|(l, r)| *l == r.0) => {}
            Some(_) => return Err(bad(format!("row {} names other classes than row 1", i + 1))),
        }
        values.extend(row.iter().map(|pair| pair.1));
    }
    let labels = labels.unwrap_or_default();
    let tensor =
        Tensor::new(vec![count, labels.len()], TensorData::Float32(values)).map_err(|error| bad(error.to_string()))?;
    Ok(NamedTensor { name: name.to_owned(), tensor, labels: Some(labels) })
}
