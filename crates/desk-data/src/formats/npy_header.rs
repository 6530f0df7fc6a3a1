//! The header of NumPy's NPY format, versions 1 to 3, and elements as Arrow arrays.
//!
//! Format: NumPy enhancement proposal 1.

use std::io::{self, Read};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::DataType;
use desk_core::words::quoted;

/// A header longer than this is a lie.
const LONGEST_HEADER: usize = 1 << 20;

/// The type of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
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
    Float32,
    Float64,
    /// UCS-4 text of so many characters, padded with zeros.
    Unicode(usize),
    /// Bytes of text, padded with zeros.
    Bytes(usize),
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub element: Element,
    pub big_endian: bool,
    pub fortran: bool,
    pub shape: Vec<usize>,
    /// Bytes before the first element.
    pub length: usize,
}

/// Why a header is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub enum HeaderError {
    Broken(String),
    Unsupported { what: String, hint: &'static str },
}

impl From<io::Error> for HeaderError {
    fn from(error: io::Error) -> Self {
        Self::Broken(format!("the header breaks off ({error})"))
    }
}

impl Element {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::Int8 | Self::Uint8 => 1,
            Self::Int16 | Self::Uint16 | Self::Float16 => 2,
            Self::Int32 | Self::Uint32 | Self::Float32 => 4,
            Self::Int64 | Self::Uint64 | Self::Float64 => 8,
            Self::Unicode(n) => 4 * n,
            Self::Bytes(n) => n,
        }
    }

    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Uint8 => DataType::UInt8,
            Self::Uint16 => DataType::UInt16,
            Self::Uint32 => DataType::UInt32,
            Self::Uint64 => DataType::UInt64,
            Self::Float16 => DataType::Float16,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Unicode(_) | Self::Bytes(_) => DataType::Utf8,
        }
    }

    fn parse(descr: &str) -> Result<(Self, bool), HeaderError> {
        let unsupported = |what: String, hint| Err(HeaderError::Unsupported { what, hint });
        let (order, code) = match descr.as_bytes().first() {
            Some(b'<' | b'>' | b'|' | b'=') => descr.split_at(1),
            _ => ("<", descr),
        };
        let element = match code {
            "b1" | "?" => Self::Bool,
            "i1" => Self::Int8,
            "i2" => Self::Int16,
            "i4" => Self::Int32,
            "i8" => Self::Int64,
            "u1" => Self::Uint8,
            "u2" => Self::Uint16,
            "u4" => Self::Uint32,
            "u8" => Self::Uint64,
            "f2" => Self::Float16,
            "f4" => Self::Float32,
            "f8" => Self::Float64,
            "O" => {
                return unsupported(
                    "an array of Python objects (a pickle, which can run code)".into(),
                    "Save it with a plain type, for example array.astype('U') or array.astype('float32')",
                );
            }
            _ => match (code.split_at_checked(1), code.get(1..).and_then(|n| n.parse::<usize>().ok())) {
                (Some(("U", _)), Some(n)) if n <= LONGEST_HEADER => Self::Unicode(n),
                (Some(("S", _)), Some(n)) if n <= LONGEST_HEADER => Self::Bytes(n),
                _ => {
                    return unsupported(
                        format!("the element type {descr}", descr = quoted(&descr)),
                        "Save it as float32 or int64",
                    );
                }
            },
        };
        Ok((element, order == ">"))
    }

    /// Elements from their bytes. The length must be a multiple of the size.
    pub fn decode(self, bytes: &[u8], big_endian: bool) -> Option<ArrayRef> {
        macro_rules! numbers {
            ($array:ty, $native:ty) => {{
                let values = bytes.chunks_exact(size_of::<$native>()).map(|chunk| {
                    let raw = chunk.try_into().unwrap_or_default();
                    if big_endian { <$native>::from_be_bytes(raw) } else { <$native>::from_le_bytes(raw) }
                });
                Arc::new(<$array>::from_iter_values(values))
            }};
        }
        let texts = |decode: &dyn Fn(&[u8]) -> Option<String>| -> Option<ArrayRef> {
            if self.size() == 0 {
                return None;
            }
            let all: Option<Vec<String>> = bytes.chunks_exact(self.size()).map(decode).collect();
            Some(Arc::new(StringArray::from(all?)))
        };
        Some(match self {
            Self::Bool => Arc::new(bytes.iter().map(|b| Some(*b != 0)).collect::<BooleanArray>()),
            Self::Int8 => numbers!(Int8Array, i8),
            Self::Int16 => numbers!(Int16Array, i16),
            Self::Int32 => numbers!(Int32Array, i32),
            Self::Int64 => numbers!(Int64Array, i64),
            Self::Uint8 => numbers!(UInt8Array, u8),
            Self::Uint16 => numbers!(UInt16Array, u16),
            Self::Uint32 => numbers!(UInt32Array, u32),
            Self::Uint64 => numbers!(UInt64Array, u64),
            Self::Float16 => numbers!(Float16Array, half::f16),
            Self::Float32 => numbers!(Float32Array, f32),
            Self::Float64 => numbers!(Float64Array, f64),
            Self::Unicode(_) => {
                return texts(&|chunk| {
                    let units = chunk.chunks_exact(4).map(|unit| {
                        let raw = unit.try_into().unwrap_or_default();
                        if big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
                    });
                    let text: Option<String> = units.map(char::from_u32).collect();
                    Some(text?.trim_end_matches('\0').to_owned())
                });
            }
            Self::Bytes(_) => {
                return texts(&|chunk| {
                    let text = std::str::from_utf8(chunk).ok()?;
                    Some(text.trim_end_matches('\0').to_owned())
                });
            }
        })
    }
}

impl Header {
    /// Reads a header, leaving the reader at the first element.
    pub fn read(reader: &mut dyn Read) -> Result<Self, HeaderError> {
        let broken = |what: &str| HeaderError::Broken(what.to_owned());
        let mut start = [0u8; 8];
        reader.read_exact(&mut start)?;
        if &start[..6] != b"\x93NUMPY" {
            return Err(broken("it does not start as an NPY file"));
        }
        let (text_length, before) = match start[6] {
            1 => {
                let mut raw = [0u8; 2];
                reader.read_exact(&mut raw)?;
                (usize::from(u16::from_le_bytes(raw)), 10)
            }
            2 | 3 => {
                let mut raw = [0u8; 4];
                reader.read_exact(&mut raw)?;
                (u32::from_le_bytes(raw) as usize, 12)
            }
            other => {
                let what = format!("version {other}");
                return Err(HeaderError::Unsupported { what, hint: "Save the array with a current NumPy" });
            }
        };
        if text_length > LONGEST_HEADER {
            return Err(broken("the header claims to be longer than 1 MiB"));
        }
        let mut text = vec![0u8; text_length];
        reader.read_exact(&mut text)?;
        let text = std::str::from_utf8(&text).ok().ok_or_else(|| broken("the header is not text"))?;
        Self::parse(text, before + text_length)
    }

    fn parse(text: &str, length: usize) -> Result<Self, HeaderError> {
        let broken = || HeaderError::Broken("the header is not the dictionary that NumPy writes".to_owned());
        let value = |key: &str| {
            let at = text.find(&format!("'{key}'"))? + key.len() + 2;
            Some(text[at..].trim_start().strip_prefix(':')?.trim_start())
        };
        let descr = value("descr").ok_or_else(broken)?;
        if descr.starts_with('[') {
            let what = "a structured array (several named fields)".to_owned();
            return Err(HeaderError::Unsupported { what, hint: "Save each field as an array of an NPZ file" });
        }
        let descr = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next()).ok_or_else(broken)?;
        let (element, big_endian) = Element::parse(descr)?;
        let fortran = value("fortran_order").ok_or_else(broken)?.starts_with("True");
        let shape = value("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next()).ok_or_else(broken)?;
        let shape: Option<Vec<usize>> = shape
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.trim_end_matches('L').parse().ok())
            .collect();
        Ok(Self { element, big_endian, fortran, shape: shape.ok_or_else(broken)?, length })
    }

    /// Elements of one row.
    pub fn width(&self) -> Option<usize> {
        self.shape.iter().skip(1).try_fold(1usize, |product, dim| product.checked_mul(*dim))
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> Option<usize> {
        self.width()?.checked_mul(self.element.size())
    }

    /// Bytes of all elements.
    pub fn data_bytes(&self) -> Option<u64> {
        (self.row_bytes()? as u64).checked_mul(*self.shape.first()? as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_numpy_writes_them() {
        let parse = |text: &str| Header::parse(text, 128);
        let header = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 4), }  \n").expect("valid");
        assert_eq!((header.element, header.shape.clone(), header.width()), (Element::Float32, vec![3, 2, 4], Some(8)));
        assert_eq!(
            parse("{'descr': '>U5', 'fortran_order': True, 'shape': (3,)}").expect("valid").row_bytes(),
            Some(20)
        );
        assert!(matches!(
            parse("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}"),
            Err(HeaderError::Unsupported { .. })
        ));
        assert!(matches!(
            parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}"),
            Err(HeaderError::Unsupported { .. })
        ));
        assert!(matches!(parse("{'descr': '<f4'}"), Err(HeaderError::Broken(_))));
        let huge = parse("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 9223372036854775807)}").expect("valid");
        assert_eq!(huge.data_bytes(), None);
    }
}
