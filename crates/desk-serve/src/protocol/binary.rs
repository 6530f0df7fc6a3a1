//! Tensors as bytes: little-endian elements, row-major; texts with a 4-byte length before each.

use desk_core::TensorData;

use super::{DataType, ProtocolError, refuse};

/// Reads exactly `count` elements.
pub fn decode(data_type: DataType, count: usize, bytes: &[u8]) -> Result<TensorData, ProtocolError> {
    let Some(size) = data_type.size() else { return Ok(TensorData::String(texts(count, bytes)?)) };
    if count.checked_mul(size) != Some(bytes.len()) {
        return Err(refuse!(
            "{count} elements of {data_type} need {} bytes and got {}",
            count as u128 * size as u128,
            bytes.len()
        ));
    }
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {
            TensorData::$variant(
                bytes.as_chunks::<{ size_of::<$type>() }>().0.iter().map(|b| <$type>::from_le_bytes(*b)).collect(),
            )
        };
    }
    Ok(match data_type {
        DataType::Bool => {
            if let Some(odd) = bytes.iter().find(|b| **b > 1) {
                return Err(refuse!("a BOOL element is 0 or 1 and got {odd}"));
            }
            TensorData::Bool(bytes.iter().map(|b| *b == 1).collect())
        }
        DataType::Uint8 => TensorData::Uint8(bytes.to_vec()),
        DataType::Uint16 => numbers!(Uint16, u16),
        DataType::Uint32 => numbers!(Uint32, u32),
        DataType::Uint64 => numbers!(Uint64, u64),
        DataType::Int8 => numbers!(Int8, i8),
        DataType::Int16 => numbers!(Int16, i16),
        DataType::Int32 => numbers!(Int32, i32),
        DataType::Int64 => numbers!(Int64, i64),
        DataType::Fp16 => numbers!(Float16, u16),
        DataType::Fp32 => numbers!(Float32, f32),
        DataType::Fp64 => numbers!(Float64, f64),
        DataType::Bytes => TensorData::String(texts(count, bytes)?),
    })
}

fn texts(count: usize, mut bytes: &[u8]) -> Result<Vec<String>, ProtocolError> {
    // Every text has its length, so a count that the bytes cannot hold is refused before memory is taken.
    if count > bytes.len() / 4 {
        return Err(refuse!("{count} elements of BYTES do not fit in {} bytes", bytes.len()));
    }
    let mut texts = Vec::with_capacity(count);
    for i in 0..count {
        let short = || refuse!("element {i} of a BYTES tensor is cut off");
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let text = rest.get(..length).ok_or_else(short)?;
        let text =
            std::str::from_utf8(text).ok().ok_or_else(|| refuse!("element {i} of a BYTES tensor is not UTF-8"))?;
        texts.push(text.to_owned());
        bytes = &rest[length..];
    }
    if bytes.is_empty() {
        Ok(texts)
    } else {
        Err(refuse!("{} bytes follow the last element of a BYTES tensor", bytes.len()))
    }
}

/// Appends the elements to a buffer and returns how many bytes that took.
pub fn encode(data: &TensorData, out: &mut Vec<u8>) -> usize {
    let before = out.len();
    macro_rules! numbers {
        ($values:expr) => {
            out.extend($values.iter().flat_map(|v| v.to_le_bytes()))
        };
    }
    match data {
        TensorData::Bool(v) => out.extend(v.iter().map(|b| u8::from(*b))),
        TensorData::Int8(v) => numbers!(v),
        TensorData::Int16(v) => numbers!(v),
        TensorData::Int32(v) => numbers!(v),
        TensorData::Int64(v) => numbers!(v),
        TensorData::Uint8(v) => out.extend_from_slice(v),
        TensorData::Uint16(v) | TensorData::Float16(v) => numbers!(v),
        TensorData::Uint32(v) => numbers!(v),
        TensorData::Uint64(v) => numbers!(v),
        TensorData::Float32(v) => numbers!(v),
        TensorData::Float64(v) => numbers!(v),
        TensorData::String(v) => {
            for text in v {
                out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
    out.len() - before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_itself_back() {
        use TensorData as T;
        let all = [
            (DataType::Bool, T::Bool(vec![true, false])),
            (DataType::Int8, T::Int8(vec![-1, 2])),
            (DataType::Int16, T::Int16(vec![-300, 2])),
            (DataType::Int32, T::Int32(vec![i32::MIN, 2])),
            (DataType::Int64, T::Int64(vec![i64::MIN, 2])),
            (DataType::Uint8, T::Uint8(vec![255, 2])),
            (DataType::Uint16, T::Uint16(vec![65535, 2])),
            (DataType::Uint32, T::Uint32(vec![u32::MAX, 2])),
            (DataType::Uint64, T::Uint64(vec![u64::MAX, 2])),
            (DataType::Fp16, T::Float16(vec![0x3c00, 0x7e00])),
            (DataType::Fp32, T::Float32(vec![0.1, -0.0])),
            (DataType::Fp64, T::Float64(vec![0.1, f64::INFINITY])),
            (DataType::Bytes, T::String(vec![String::new(), "größe".into()])),
        ];
        for (data_type, data) in all {
            let mut bytes = vec![7];
            let written = encode(&data, &mut bytes);
            assert_eq!(written, bytes.len() - 1);
            assert_eq!(decode(data_type, 2, &bytes[1..]).expect("reads back"), data);
            assert!(decode(data_type, 3, &bytes[1..]).is_err(), "{data_type}");
            assert!(decode(data_type, 2, &bytes[1..bytes.len() - 1]).is_err(), "{data_type}");
            assert!(decode(data_type, 1, &bytes[1..]).is_err(), "{data_type}");
        }
    }

    #[test]
    fn the_published_layout_of_texts() {
        let mut bytes = Vec::new();
        encode(&TensorData::String(vec!["ab".into(), "c".into()]), &mut bytes);
        assert_eq!(bytes, [2, 0, 0, 0, b'a', b'b', 1, 0, 0, 0, b'c']);
    }

    #[test]
    fn lies_are_refused_before_memory_is_taken() {
        assert!(decode(DataType::Fp32, usize::MAX, &[0; 4]).is_err());
        assert!(decode(DataType::Bytes, usize::MAX, &[0; 8]).is_err());
        assert!(decode(DataType::Bytes, 1, &[255, 255, 255, 255]).is_err());
        assert!(decode(DataType::Bytes, 1, &[1, 0, 0, 0, 0xff]).is_err());
        assert!(decode(DataType::Bool, 1, &[2]).is_err());
    }
}
