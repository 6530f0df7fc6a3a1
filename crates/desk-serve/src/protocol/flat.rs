//! Elements of a tensor as they are written in JSON; see [`super::json`] for reading them.

use desk_core::TensorData;
use half::f16;
use serde::ser::{Serialize, SerializeSeq as _, Serializer};

/// Elements of a tensor as one flat JSON list.
pub struct Flat<'a>(pub &'a TensorData);

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            TensorData::Bool(v) => v.serialize(serializer),
            TensorData::Int8(v) => v.serialize(serializer),
            TensorData::Int16(v) => v.serialize(serializer),
            TensorData::Int32(v) => v.serialize(serializer),
            TensorData::Int64(v) => v.serialize(serializer),
            TensorData::Uint8(v) => v.serialize(serializer),
            TensorData::Uint16(v) => v.serialize(serializer),
            TensorData::Uint32(v) => v.serialize(serializer),
            TensorData::Uint64(v) => v.serialize(serializer),
            TensorData::Float16(v) => {
                floats(serializer, v.iter().map(|bits| f16::from_bits(*bits).to_f32()), f32::is_finite)
            }
            TensorData::Float32(v) => floats(serializer, v.iter().copied(), f32::is_finite),
            TensorData::Float64(v) => floats(serializer, v.iter().copied(), f64::is_finite),
            TensorData::String(v) => v.serialize(serializer),
        }
    }
}

fn floats<S: Serializer, T: Copy + Serialize + Into<f64>>(
    serializer: S,
    values: impl ExactSizeIterator<Item = T>,
    is_finite: impl Fn(T) -> bool,
) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        if is_finite(value) {
            list.serialize_element(&value)?;
        } else {
            let wide: f64 = value.into();
            let name = if wide.is_nan() {
                "NaN"
            } else if wide > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            list.serialize_element(name)?;
        }
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_in_their_own_precision() {
        assert_eq!(serde_json::to_string(&Flat(&TensorData::Float32(vec![0.1, 1e-9]))).expect("fits"), "[0.1,1e-9]");
        assert_eq!(serde_json::to_string(&Flat(&TensorData::Float16(vec![0x3c00]))).expect("fits"), "[1.0]");
    }
}
