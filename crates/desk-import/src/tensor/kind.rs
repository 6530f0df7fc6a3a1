//! Types of elements and how their bytes are read.

use std::fmt;

/// A type whose values can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
    /// A float of 8 or 16 bits.
    Small(Small),
    /// Whole numbers of 2 or 4 bits, several in a byte, the first in the lowest bits.
    Packed {
        bits: u32,
        signed: bool,
    },
    /// Floats of 4 bits, two in a byte.
    Tiny,
    Text,
}

/// A float of few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Small {
    exponent: u32,
    mantissa: u32,
    bias: i32,
    special: Special,
}

/// What the bits beyond ordinary numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    /// The largest exponent is for infinities and what is no number.
    Ieee,
    /// All bits set are no number; there are no infinities.
    AllOnes,
    /// What would be minus zero is no number; there are no infinities.
    MinusZero,
    /// Powers of two without a sign: all bits set are no number.
    Powers,
}

const F16: Small = Small { exponent: 5, mantissa: 10, bias: 15, special: Special::Ieee };
const BF16: Small = Small { exponent: 8, mantissa: 7, bias: 127, special: Special::Ieee };
const E4M3FN: Small = Small { exponent: 4, mantissa: 3, bias: 7, special: Special::AllOnes };
const E4M3FNUZ: Small = Small { exponent: 4, mantissa: 3, bias: 8, special: Special::MinusZero };
const E5M2: Small = Small { exponent: 5, mantissa: 2, bias: 15, special: Special::Ieee };
const E5M2FNUZ: Small = Small { exponent: 5, mantissa: 2, bias: 16, special: Special::MinusZero };
const E8M0: Small = Small { exponent: 8, mantissa: 0, bias: 127, special: Special::Powers };

/// `TensorProto.DataType` by the names of ONNX, in NumPy's spelling where it has one.
pub(super) fn name(data_type: i64) -> &'static str {
    const NAMES: [&str; 29] = [
        "no type",
        "float32",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "float64",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "uint4",
        "int4",
        "float4e2m1",
        "float8e8m0",
        "uint2",
        "int2",
        "float6",
        "float6",
    ];
    usize::try_from(data_type).ok().and_then(|i| NAMES.get(i)).copied().unwrap_or("of an unknown type")
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Single(f32),
    Double(f64),
    Int(i64),
    Large(u64),
    Bool(bool),
}

impl Number {
    /// As the nearest float.
    pub fn float(self) -> f64 {
        match self {
            Self::Single(x) => f64::from(x),
            Self::Double(x) => x,
            Self::Int(x) => x as f64,
            Self::Large(x) => x as f64,
            Self::Bool(x) => f64::from(u8::from(x)),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The shortest text that reads back as the same value; very large and small ones with an exponent.
            Self::Single(x) => write!(f, "{x:?}"),
            Self::Double(x) => write!(f, "{x:?}"),
            Self::Int(x) => write!(f, "{x}"),
            Self::Large(x) => write!(f, "{x}"),
            Self::Bool(x) => write!(f, "{x}"),
        }
    }
}

impl Kind {
    pub fn of(data_type: i64) -> Option<Self> {
        Some(match data_type {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            4 => Self::U16,
            5 => Self::I16,
            6 => Self::I32,
            7 => Self::I64,
            8 => Self::Text,
            9 => Self::Bool,
            10 => Self::Small(F16),
            11 => Self::F64,
            12 => Self::U32,
            13 => Self::U64,
            16 => Self::Small(BF16),
            17 => Self::Small(E4M3FN),
            18 => Self::Small(E4M3FNUZ),
            19 => Self::Small(E5M2),
            20 => Self::Small(E5M2FNUZ),
            21 | 22 => Self::Packed { bits: 4, signed: data_type == 22 },
            23 => Self::Tiny,
            24 => Self::Small(E8M0),
            25 | 26 => Self::Packed { bits: 2, signed: data_type == 26 },
            _ => return None,
        })
    }

    /// Bits of a value; none for texts.
    pub fn bits(self) -> Option<u64> {
        Some(match self {
            Self::Text => return None,
            Self::I8 | Self::U8 | Self::Bool => 8,
            Self::I16 | Self::U16 => 16,
            Self::F32 | Self::I32 | Self::U32 => 32,
            Self::F64 | Self::I64 | Self::U64 => 64,
            Self::Small(small) => {
                if small.exponent + small.mantissa > 8 {
                    16
                } else {
                    8
                }
            }
            Self::Packed { bits, .. } => u64::from(bits),
            Self::Tiny => 4,
        })
    }

    /// Values that share one unit of bytes, and the bytes of that unit.
    pub fn unit(self) -> (u64, u64) {
        match self.bits() {
            Some(bits @ 1..8) => (8 / bits, 1),
            Some(bits) => (1, bits / 8),
            None => (1, 1),
        }
    }

    /// The values of some units.
    pub fn decode(self, bytes: &[u8], to: &mut Vec<Number>) {
        fn each<const N: usize>(bytes: &[u8], to: &mut Vec<Number>, read: impl Fn([u8; N]) -> Number) {
            to.extend(bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)));
        }
        match self {
            Self::F32 => each(bytes, to, |b| Number::Single(f32::from_le_bytes(b))),
            Self::F64 => each(bytes, to, |b| Number::Double(f64::from_le_bytes(b))),
            Self::I8 => each(bytes, to, |b| Number::Int(i64::from(i8::from_le_bytes(b)))),
            Self::I16 => each(bytes, to, |b| Number::Int(i64::from(i16::from_le_bytes(b)))),
            Self::I32 => each(bytes, to, |b| Number::Int(i64::from(i32::from_le_bytes(b)))),
            Self::I64 => each(bytes, to, |b| Number::Int(i64::from_le_bytes(b))),
            Self::U8 => each(bytes, to, |b: [u8; 1]| Number::Int(i64::from(b[0]))),
            Self::U16 => each(bytes, to, |b| Number::Int(i64::from(u16::from_le_bytes(b)))),
            Self::U32 => each(bytes, to, |b| Number::Int(i64::from(u32::from_le_bytes(b)))),
            Self::U64 => each(bytes, to, |b| Number::Large(u64::from_le_bytes(b))),
            Self::Bool => each(bytes, to, |b: [u8; 1]| Number::Bool(b[0] != 0)),
            Self::Small(small) if small.exponent + small.mantissa > 8 => {
                each(bytes, to, |b| Number::Single(small.value(u32::from(u16::from_le_bytes(b)))));
            }
            Self::Small(small) => each(bytes, to, |b: [u8; 1]| Number::Single(small.value(u32::from(b[0])))),
            Self::Packed { bits, signed } => {
                for byte in bytes {
                    to.extend((0..8 / bits).map(|i| Number::Int(packed(*byte, i * bits, bits, signed))));
                }
            }
            Self::Tiny => {
                // Sign, two bits of exponent, one of mantissa.
                const VALUES: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
                let value = |bits: u8| {
                    let size = VALUES[usize::from(bits & 7)];
                    Number::Single(if bits & 8 == 0 { size } else { -size })
                };
                to.extend(bytes.iter().flat_map(|byte| [value(byte & 15), value(byte >> 4)]));
            }
            Self::Text => {}
        }
    }
}

fn packed(byte: u8, shift: u32, bits: u32, signed: bool) -> i64 {
    let value = i64::from(byte >> shift) & ((1 << bits) - 1);
    if signed && value >> (bits - 1) == 1 { value - (1 << bits) } else { value }
}

impl Small {
    /// The float16 that NumPy has too.
    pub fn is_half(self) -> bool {
        self == F16
    }

    fn value(self, bits: u32) -> f32 {
        let Self { exponent, mantissa, bias, special } = self;
        let fraction = bits & ((1 << mantissa) - 1);
        let power = (bits >> mantissa) & ((1 << exponent) - 1);
        let all = power == (1 << exponent) - 1;
        let minus = (bits >> (exponent + mantissa)) & 1 == 1;
        let sign = if minus { -1.0 } else { 1.0 };
        match special {
            Special::Ieee if all => return if fraction == 0 { sign * f32::INFINITY } else { f32::NAN },
            Special::AllOnes if all && fraction == (1 << mantissa) - 1 => return f32::NAN,
            Special::MinusZero if minus && power == 0 && fraction == 0 => return f32::NAN,
            Special::Powers => return if all { f32::NAN } else { two_to(power as i32 - bias) as f32 },
            _ => {}
        }
        let scale = f64::from(1u32 << mantissa);
        let size = match power {
            0 => f64::from(fraction) / scale * two_to(1 - bias),
            _ => (1.0 + f64::from(fraction) / scale) * two_to(power as i32 - bias),
        };
        sign * size as f32
    }
}

fn two_to(power: i32) -> f64 {
    2f64.powi(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(data_type: i64, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        Kind::of(data_type).expect("known").decode(bytes, &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn numbers_of_every_type() {
        assert_eq!(decoded(1, &0.1f32.to_le_bytes()), ["0.1"]);
        assert_eq!(decoded(1, &1e-30f32.to_le_bytes()), ["1e-30"]);
        assert_eq!(decoded(11, &(-2.5f64).to_le_bytes()), ["-2.5"]);
        assert_eq!(decoded(7, &i64::MIN.to_le_bytes()), ["-9223372036854775808"]);
        assert_eq!(decoded(13, &u64::MAX.to_le_bytes()), ["18446744073709551615"]);
        assert_eq!(decoded(9, &[0, 1]), ["false", "true"]);
        assert_eq!(decoded(3, &[255, 127]), ["-1", "127"]);
        assert_eq!(decoded(22, &[0xf8, 0x07]), ["-8", "-1", "7", "0"], "the first one is in the lower bits");
        assert_eq!(decoded(21, &[0xf8]), ["8", "15"]);
        assert_eq!(decoded(26, &[0b1110_0100]), ["0", "1", "-2", "-1"]);
        assert_eq!(decoded(23, &[0xf1]), ["0.5", "-6.0"]);
        for refused in [0, 14, 15, 27, 28, 99, -1] {
            assert_eq!(Kind::of(refused), None, "{refused}");
        }
        assert_eq!((name(14), name(22), name(-7)), ("complex64", "int4", "of an unknown type"));
    }

    #[test]
    fn floats_of_few_bits() {
        // 1, -2, the largest, the smallest, infinity, no number.
        let halves: Vec<u8> =
            [0x3c00u16, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x7e00].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(decoded(10, &halves), ["1.0", "-2.0", "65504.0", "5.9604645e-8", "inf", "NaN"]);
        let wide: Vec<u8> = [0x3f80u16, 0xc040, 0x7f80].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(decoded(16, &wide), ["1.0", "-3.0", "inf"]);
        assert_eq!(decoded(17, &[0x38, 0x7e, 0x7f, 0x01]), ["1.0", "448.0", "NaN", "0.001953125"]);
        assert_eq!(decoded(18, &[0x40, 0x7f, 0x80]), ["1.0", "240.0", "NaN"]);
        assert_eq!(decoded(19, &[0x3c, 0x7b, 0x7c, 0x7f]), ["1.0", "57344.0", "inf", "NaN"]);
        assert_eq!(decoded(20, &[0x40, 0x7f, 0x80]), ["1.0", "57344.0", "NaN"]);
        assert_eq!(decoded(24, &[127, 128, 255]), ["1.0", "2.0", "NaN"]);
    }
}
