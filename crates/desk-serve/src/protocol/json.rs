//! The `data` of a tensor in JSON: flat or nested, read in one pass without a tree of values.
//!
//! JSON has no NaN and no infinity: for floating-point tensors the texts `"NaN"`, `"Infinity"` and
//! `"-Infinity"` stand for them. `null` is refused: a value that somebody forgot must not become an answer.

use std::fmt;

use desk_core::TensorData;
use half::f16;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq as _, Serializer};

use super::{DataType, ProtocolError, refuse};

/// Values as they came, in the narrowest list that holds them all.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    Bools(Vec<bool>),
    Ints(Vec<i64>),
    /// Some integer is beyond `i64`.
    Wide(Vec<i128>),
    Floats(Vec<f64>),
    Texts(Vec<String>),
}

/// The `data` member: its values in order and the lengths of nested lists.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonData {
    values: Values,
    /// Length at each depth; one entry for flat data.
    lengths: Vec<Option<usize>>,
    /// Depth at which scalars stand.
    scalar_depth: Option<usize>,
    uneven: bool,
}

impl JsonData {
    fn new() -> Self {
        Self { values: Values::Ints(Vec::new()), lengths: Vec::new(), scalar_depth: None, uneven: false }
    }

    /// Number of scalars.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Bools(v) => v.len(),
            Values::Ints(v) => v.len(),
            Values::Wide(v) => v.len(),
            Values::Floats(v) => v.len(),
            Values::Texts(v) => v.len(),
        }
    }

    /// True when there is no scalar.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks nested lists against the tensor's shape; flat data fits every shape of its size.
    pub fn check_nesting(&self, shape: &[usize]) -> Result<(), ProtocolError> {
        if self.lengths.len() <= 1 {
            return Ok(());
        }
        let found: Option<Vec<usize>> = self.lengths.iter().copied().collect();
        match found {
            _ if self.uneven => Err(refuse!("the nested lists of `data` have different lengths")),
            Some(found) if found == shape => Ok(()),
            found => Err(refuse!(
                "the nested lists of `data` have the shape {:?} and `shape` says {shape:?}",
                found.unwrap_or_default()
            )),
        }
    }

    /// The values as elements of a type.
    pub fn into_tensor_data(self, data_type: DataType) -> Result<TensorData, ProtocolError> {
        macro_rules! integers {
            ($variant:ident) => {
                TensorData::$variant(self.integers(data_type)?)
            };
        }
        Ok(match data_type {
            DataType::Bool => TensorData::Bool(self.bools()?),
            DataType::Uint8 => integers!(Uint8),
            DataType::Uint16 => integers!(Uint16),
            DataType::Uint32 => integers!(Uint32),
            DataType::Uint64 => integers!(Uint64),
            DataType::Int8 => integers!(Int8),
            DataType::Int16 => integers!(Int16),
            DataType::Int32 => integers!(Int32),
            DataType::Int64 => integers!(Int64),
            DataType::Fp16 => {
                let narrow = |x: f64| (f16::from_f64(x).to_bits(), f16::from_f64(x).is_finite());
                TensorData::Float16(narrowed(self.floats(data_type)?, data_type, narrow)?)
            }
            DataType::Fp32 => {
                let narrow = |x: f64| (x as f32, (x as f32).is_finite());
                TensorData::Float32(narrowed(self.floats(data_type)?, data_type, narrow)?)
            }
            DataType::Fp64 => TensorData::Float64(self.floats(data_type)?),
            DataType::Bytes => match self.values {
                Values::Texts(texts) => TensorData::String(texts),
                _ if self.is_empty() => TensorData::String(Vec::new()),
                other => return Err(refuse!("`data` of a BYTES tensor must be texts and has {}", other.what())),
            },
        })
    }

    fn bools(self) -> Result<Vec<bool>, ProtocolError> {
        match self.values {
            Values::Bools(values) => Ok(values),
            Values::Ints(values) if values.iter().all(|v| matches!(v, 0 | 1)) => {
                Ok(values.into_iter().map(|v| v == 1).collect())
            }
            other => Err(refuse!("`data` of a BOOL tensor must be true or false and has {}", other.what())),
        }
    }

    fn integers<T: TryFrom<i64> + TryFrom<i128>>(self, data_type: DataType) -> Result<Vec<T>, ProtocolError> {
        fn all<S: Copy + fmt::Display, T: TryFrom<S>>(
            values: Vec<S>,
            data_type: DataType,
        ) -> Result<Vec<T>, ProtocolError> {
            let one = |(i, v): (usize, S)| {
                T::try_from(v).ok().ok_or_else(|| refuse!("element {i} of `data`, {v}, is out of range of {data_type}"))
            };
            values.into_iter().enumerate().map(one).collect()
        }
        match self.values {
            Values::Ints(values) => all(values, data_type),
            Values::Wide(values) => all(values, data_type),
            other => Err(refuse!("`data` of a {data_type} tensor must be integers and has {}", other.what())),
        }
    }

    fn floats(self, data_type: DataType) -> Result<Vec<f64>, ProtocolError> {
        match self.values {
            Values::Floats(values) => Ok(values),
            Values::Ints(values) => Ok(values.into_iter().map(|v| v as f64).collect()),
            Values::Wide(values) => Ok(values.into_iter().map(|v| v as f64).collect()),
            Values::Texts(texts) if texts.iter().all(|text| special(text).is_some()) => {
                Ok(texts.iter().filter_map(|text| special(text)).collect())
            }
            other => Err(refuse!("`data` of a {data_type} tensor must be numbers and has {}", other.what())),
        }
    }

    fn push_int(&mut self, value: i64) -> bool {
        match &mut self.values {
            Values::Ints(values) => values.push(value),
            Values::Wide(values) => values.push(i128::from(value)),
            Values::Floats(values) => values.push(value as f64),
            _ => return self.start_over(Values::Ints(vec![value])) || self.push_float(value as f64),
        }
        true
    }

    fn push_wide(&mut self, value: u64) -> bool {
        match &mut self.values {
            Values::Ints(values) => {
                let mut wide: Vec<i128> = values.iter().map(|v| i128::from(*v)).collect();
                wide.push(i128::from(value));
                self.values = Values::Wide(wide);
            }
            Values::Wide(values) => values.push(i128::from(value)),
            Values::Floats(values) => values.push(value as f64),
            _ => return self.start_over(Values::Wide(vec![i128::from(value)])) || self.push_float(value as f64),
        }
        true
    }

    fn push_float(&mut self, value: f64) -> bool {
        let mut floats = match &mut self.values {
            Values::Floats(values) => {
                values.push(value);
                return true;
            }
            Values::Ints(values) => values.iter().map(|v| *v as f64).collect::<Vec<f64>>(),
            Values::Wide(values) => values.iter().map(|v| *v as f64).collect(),
            Values::Texts(texts) => match texts.iter().map(|text| special(text)).collect() {
                Some(values) => values,
                None => return false,
            },
            Values::Bools(_) => return self.start_over(Values::Floats(vec![value])),
        };
        floats.push(value);
        self.values = Values::Floats(floats);
        true
    }

    fn push_bool(&mut self, value: bool) -> bool {
        match &mut self.values {
            Values::Bools(values) => {
                values.push(value);
                true
            }
            _ => self.start_over(Values::Bools(vec![value])),
        }
    }

    fn push_text(&mut self, text: &str) -> bool {
        let empty = self.is_empty();
        match &mut self.values {
            Values::Texts(texts) => {
                texts.push(text.to_owned());
                true
            }
            _ if empty => self.start_over(Values::Texts(vec![text.to_owned()])),
            _ => special(text).is_some_and(|value| self.push_float(value)),
        }
    }

    /// The first value decides the list; afterwards it stays.
    fn start_over(&mut self, values: Values) -> bool {
        let empty = self.is_empty();
        if empty {
            self.values = values;
        }
        empty
    }

    fn note_length(&mut self, depth: usize, length: usize) {
        if self.lengths.len() <= depth {
            self.lengths.resize(depth + 1, None);
        }
        match &mut self.lengths[depth] {
            Some(known) => self.uneven |= *known != length,
            slot => *slot = Some(length),
        }
    }

    fn note_scalar(&mut self, depth: usize) {
        self.uneven |= *self.scalar_depth.get_or_insert(depth) != depth;
    }
}

impl Values {
    fn what(&self) -> &'static str {
        match self {
            Self::Bools(_) => "truth values",
            Self::Ints(_) | Self::Wide(_) => "integers",
            Self::Floats(_) => "numbers with fractions",
            Self::Texts(_) => "texts",
        }
    }
}

fn narrowed<T>(
    values: Vec<f64>,
    data_type: DataType,
    narrow: impl Fn(f64) -> (T, bool),
) -> Result<Vec<T>, ProtocolError> {
    let one = |(i, value): (usize, f64)| match narrow(value) {
        (_, false) if value.is_finite() => {
            Err(refuse!("element {i} of `data`, {value}, is out of range of {data_type}"))
        }
        (narrow, _) => Ok(narrow),
    };
    values.into_iter().enumerate().map(one).collect()
}

fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

impl<'de> serde::Deserialize<'de> for JsonData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut data = Self::new();
        deserializer.deserialize_seq(Level { data: &mut data, depth: 0 })?;
        Ok(data)
    }
}

/// One list, or one scalar, at a depth.
struct Level<'a> {
    data: &'a mut JsonData,
    depth: usize,
}

impl Level<'_> {
    fn scalar<E: serde::de::Error>(self, push: impl FnOnce(&mut JsonData) -> bool) -> Result<(), E> {
        let Some(depth) = self.depth.checked_sub(1) else { return Err(E::custom("`data` must be a list")) };
        self.data.note_scalar(depth);
        if push(self.data) { Ok(()) } else { Err(E::custom("`data` mixes texts, numbers and truth values")) }
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers, truth values or texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { data, depth } = self;
        if depth >= 32 {
            return Err(A::Error::custom("`data` is nested too deeply"));
        }
        let mut length = 0;
        while list.next_element_seed(Level { data: &mut *data, depth: depth + 1 })?.is_some() {
            length += 1;
        }
        data.note_length(depth, length);
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(|data| data.push_int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(|data| match i64::try_from(value) {
            Ok(value) => data.push_int(value),
            Err(_) => data.push_wide(value),
        })
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(|data| data.push_float(value))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(|data| data.push_bool(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(|data| data.push_text(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        let at = self.data.len();
        Err(E::custom(format!("element {at} of `data` is null; where a number is missing on purpose, write \"NaN\"")))
    }
}

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

    fn read(text: &str) -> Result<JsonData, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(text: &str, data_type: DataType, expect: Option<TensorData>) {
        let found = read(text).and_then(|data| data.into_tensor_data(data_type).map_err(|error| error.0));
        match (found, expect) {
            (Ok(found), Some(expect)) => assert_eq!(format!("{found:?}"), format!("{expect:?}")),
            (Err(_), None) => {}
            (found, expect) => panic!("{text} as {data_type}: {found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn values_become_the_declared_type_or_are_refused() {
        use DataType as D;
        use TensorData as T;
        check("[1, 2.5, -3]", D::Fp32, Some(T::Float32(vec![1.0, 2.5, -3.0])));
        check("[[1, 2], [3, 4]]", D::Int8, Some(T::Int8(vec![1, 2, 3, 4])));
        check("[300]", D::Uint8, None);
        check("[-1]", D::Uint64, None);
        check("[18446744073709551615, 0]", D::Uint64, Some(T::Uint64(vec![u64::MAX, 0])));
        check("[9223372036854775807]", D::Int64, Some(T::Int64(vec![i64::MAX])));
        check("[9007199254740993]", D::Int64, Some(T::Int64(vec![9007199254740993])));
        check("[1.5]", D::Int32, None);
        check("[true, false]", D::Bool, Some(T::Bool(vec![true, false])));
        check("[1, 0]", D::Bool, Some(T::Bool(vec![true, false])));
        check("[2]", D::Bool, None);
        check("[true]", D::Fp32, None);
        check(r#"["a", "é"]"#, D::Bytes, Some(T::String(vec!["a".into(), "é".into()])));
        check("[1]", D::Bytes, None);
        check(r#"["a"]"#, D::Fp32, None);
        check(r#"["a", 1]"#, D::Bytes, None);
        check("[true, 1]", D::Fp64, None);
        check("1", D::Fp64, None);
        check("[{}]", D::Fp64, None);
        check("[0.1]", D::Fp32, Some(T::Float32(vec![0.1])));
        check("[1e39]", D::Fp32, None);
        check("[65504, 0.5]", D::Fp16, Some(T::Float16(vec![0x7bff, 0x3800])));
        check("[70000]", D::Fp16, None);
        check("[]", D::Bytes, Some(T::String(vec![])));
    }

    #[test]
    fn not_a_number_and_infinity_have_names() {
        use DataType as D;
        use TensorData as T;
        let expect = T::Float64(vec![f64::NAN, 1.0, f64::NEG_INFINITY, f64::INFINITY]);
        check(r#"["NaN", 1, "-Infinity", "Infinity"]"#, D::Fp64, Some(expect.clone()));
        let text = serde_json::to_string(&Flat(&expect)).expect("serialises");
        assert_eq!(text, r#"["NaN",1.0,"-Infinity","Infinity"]"#);
        check(r#"["NaN", "Infinity"]"#, D::Bytes, Some(T::String(vec!["NaN".into(), "Infinity".into()])));
    }

    #[test]
    fn null_is_refused_and_named() {
        for (text, at) in [("[null]", 0), ("[[1.5, null]]", 1), (r#"["a", null]"#, 1), ("[true, null]", 1)] {
            let error = read(text).expect_err("refused");
            assert!(error.contains(&format!("element {at} of `data` is null")), "{error}");
        }
    }

    #[test]
    fn floats_are_written_in_their_own_precision() {
        assert_eq!(serde_json::to_string(&Flat(&TensorData::Float32(vec![0.1, 1e-9]))).expect("fits"), "[0.1,1e-9]");
        assert_eq!(serde_json::to_string(&Flat(&TensorData::Float16(vec![0x3c00]))).expect("fits"), "[1.0]");
    }

    #[test]
    fn nesting_must_be_even_and_fit_the_shape() {
        let fits = |text: &str, shape: &[usize]| read(text).expect("reads").check_nesting(shape).is_ok();
        assert!(fits("[1, 2, 3, 4]", &[2, 2]));
        assert!(fits("[[1, 2], [3, 4]]", &[2, 2]));
        assert!(fits("[[[1], [2]]]", &[1, 2, 1]));
        assert!(!fits("[[1, 2], [3]]", &[2, 2]));
        assert!(!fits("[[1, 2, 3, 4]]", &[2, 2]));
        assert!(!fits("[1, [2, 3], 4]", &[2, 2]));
        assert!(!fits("[[], []]", &[2, 2]));
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(read(&deep).expect_err("refused").contains("too deeply"));
    }
}
