//! Tensors as plain data, for everything that is not inside a runtime.

use serde::{Deserialize, Serialize};

use crate::signature::ElementType;

/// The elements of a tensor, row-major.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "values", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum TensorData {
    Bool(Vec<bool>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Uint8(Vec<u8>),
    Uint16(Vec<u16>),
    Uint32(Vec<u32>),
    Uint64(Vec<u64>),
    /// IEEE half precision, as bits.
    Float16(Vec<u16>),
    #[serde(with = "floats")]
    Float32(Vec<f32>),
    #[serde(with = "floats")]
    Float64(Vec<f64>),
    String(Vec<String>),
}

/// JSON has no NaN and no infinities: they are the texts `NaN`, `Infinity` and `-Infinity`.
mod floats {
    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// A float type whose values JSON may lack.
    pub trait Float: Copy + Serialize + DeserializeOwned {
        fn wide(self) -> f64;
        fn narrow(value: f64) -> Self;
    }

    impl Float for f32 {
        fn wide(self) -> f64 {
            f64::from(self)
        }
        fn narrow(value: f64) -> Self {
            value as Self
        }
    }

    impl Float for f64 {
        fn wide(self) -> f64 {
            self
        }
        fn narrow(value: f64) -> Self {
            value
        }
    }

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Cell<F> {
        Number(F),
        Text(Word),
    }

    #[derive(Serialize, Deserialize)]
    enum Word {
        NaN,
        Infinity,
        #[serde(rename = "-Infinity")]
        MinusInfinity,
    }

    pub fn serialize<F: Float, S: Serializer>(values: &[F], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| match value.wide() {
            wide if wide.is_nan() => Cell::Text(Word::NaN),
            f64::INFINITY => Cell::Text(Word::Infinity),
            f64::NEG_INFINITY => Cell::Text(Word::MinusInfinity),
            _ => Cell::Number(*value),
        }))
    }

    pub fn deserialize<'de, F: Float, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<F>, D::Error> {
        let cells = Vec::<Cell<F>>::deserialize(deserializer)?;
        let value = |cell| match cell {
            Cell::Number(value) => value,
            Cell::Text(Word::NaN) => F::narrow(f64::NAN),
            Cell::Text(Word::Infinity) => F::narrow(f64::INFINITY),
            Cell::Text(Word::MinusInfinity) => F::narrow(f64::NEG_INFINITY),
        };
        Ok(cells.into_iter().map(value).collect())
    }
}

/// Runs the same expression for every numeric variant; strings get the other one.
macro_rules! each {
    ($data:expr, $values:ident => $then:expr) => {
        match $data {
            TensorData::Bool($values) => $then,
            TensorData::Int8($values) => $then,
            TensorData::Int16($values) => $then,
            TensorData::Int32($values) => $then,
            TensorData::Int64($values) => $then,
            TensorData::Uint8($values) => $then,
            TensorData::Uint16($values) | TensorData::Float16($values) => $then,
            TensorData::Uint32($values) => $then,
            TensorData::Uint64($values) => $then,
            TensorData::Float32($values) => $then,
            TensorData::Float64($values) => $then,
            TensorData::String($values) => $then,
        }
    };
}

impl TensorData {
    /// Number of elements.
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// True when there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the elements.
    pub fn element(&self) -> ElementType {
        match self {
            Self::Bool(_) => ElementType::Bool,
            Self::Int8(_) => ElementType::Int8,
            Self::Int16(_) => ElementType::Int16,
            Self::Int32(_) => ElementType::Int32,
            Self::Int64(_) => ElementType::Int64,
            Self::Uint8(_) => ElementType::Uint8,
            Self::Uint16(_) => ElementType::Uint16,
            Self::Uint32(_) => ElementType::Uint32,
            Self::Uint64(_) => ElementType::Uint64,
            Self::Float16(_) => ElementType::Float16,
            Self::Float32(_) => ElementType::Float32,
            Self::Float64(_) => ElementType::Float64,
            Self::String(_) => ElementType::String,
        }
    }

    /// The elements as float64; `None` for strings. Integers beyond 2^53 are rounded.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        Some(match self {
            Self::Bool(v) => v.iter().map(|x| f64::from(u8::from(*x))).collect(),
            Self::Int8(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Int16(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Int32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Int64(v) => v.iter().map(|x| *x as f64).collect(),
            Self::Uint8(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Uint16(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Uint32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Uint64(v) => v.iter().map(|x| *x as f64).collect(),
            Self::Float16(v) => v.iter().map(|x| half_to_f64(*x)).collect(),
            Self::Float32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Float64(v) => v.clone(),
            Self::String(_) => return None,
        })
    }

    /// The elements `from..to`, copied.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        macro_rules! cut {
            ($($variant:ident),*) => {
                match self { $(Self::$variant(v) => Self::$variant(v[from..to].to_vec()),)* }
            };
        }
        cut!(Bool, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Float16, Float32, Float64, String)
    }
}

/// IEEE 754 binary16 to float64, exactly.
fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    match exponent {
        0 => sign * fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// A tensor: a shape and as many elements as its product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Outermost dimension first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements, row-major.
    pub data: TensorData,
}

/// The shape's product is not the number of elements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tensor of shape {shape:?} needs {} elements and got {len}", shape.iter().product::<usize>())]
pub struct ShapeError {
    /// The shape that was given.
    pub shape: Vec<usize>,
    /// The number of elements that were given.
    pub len: usize,
}

impl Tensor {
    /// Checks that shape and elements fit.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Result<Self, ShapeError> {
        let product = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
        if product == Some(data.len()) { Ok(Self { shape, data }) } else { Err(ShapeError { len: data.len(), shape }) }
    }

    /// Size of the outermost dimension; 1 for a scalar.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Elements in one row.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Rows `from..to` as a new tensor.
    #[must_use]
    pub fn slice_rows(&self, from: usize, to: usize) -> Self {
        let width = self.row_len();
        let mut shape = self.shape.clone();
        if let Some(first) = shape.first_mut() {
            *first = to - from;
        }
        Self { shape, data: self.data.slice(from * width, to * width) }
    }
}

/// A tensor with the name of the input or output it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedTensor {
    /// The name in the graph.
    pub name: String,
    /// The values. ZipMap outputs arrive here as a `[rows, classes]` float32 tensor.
    pub tensor: Tensor,
    /// Class labels of the columns, where the model names them (ZipMap keys, classifier labels).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

impl NamedTensor {
    /// A tensor without class labels.
    pub fn new(name: impl Into<String>, tensor: Tensor) -> Self {
        Self { name: name.into(), tensor, labels: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_and_elements_must_fit() {
        assert!(Tensor::new(vec![2, 2], TensorData::Float32(vec![0.0; 4])).is_ok());
        assert!(Tensor::new(vec![2, 3], TensorData::Float32(vec![0.0; 4])).is_err());
        assert!(Tensor::new(vec![usize::MAX, 2], TensorData::Bool(vec![])).is_err());
    }

    #[test]
    fn numbers_that_json_lacks_come_back() {
        for data in [
            TensorData::Float32(vec![1.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
            TensorData::Float64(vec![0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        ] {
            let text = serde_json::to_string(&data).expect("plain data");
            let back: TensorData = serde_json::from_str(&text).expect("its own text");
            assert_eq!(format!("{back:?}"), format!("{data:?}"), "{text}");
        }
    }

    #[test]
    fn half_precision_equals_the_standard() {
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2f64.powi(-24))] {
            assert_eq!(half_to_f64(bits), value);
        }
    }
}
