//! The `data` of a tensor in JSON: flat or nested, read in one pass without a tree of values; see [`super::flat`] for
//! writing it.
//!
//! JSON has no NaN and no infinity: for floating-point tensors the texts `"NaN"`, `"Infinity"` and
//! `"-Infinity"` stand for them. `null` is refused: a value that somebody forgot must not become an answer.

use std::fmt;

use desk_core::TensorData;
use desk_core::words::quoted;
use half::f16;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};

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
    /// The first element that cannot stand beside those before it, and why; nothing is kept from there on.
    wrong: Option<(usize, String)>,
}

impl JsonData {
    fn new() -> Self {
        Self { values: Values::Ints(Vec::new()), lengths: Vec::new(), scalar_depth: None, uneven: false, wrong: None }
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

    /// Refuses elements that no tensor can have, by the row and column of the shape.
    pub fn check_elements(&self, shape: &[usize]) -> Result<(), ProtocolError> {
        self.wrong.as_ref().map_or(Ok(()), |(at, why)| Err(refuse!("{}: {why}", place(*at, shape))))
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

    /// The values as elements of a type; one that is none is named by its row and column in the shape.
    pub fn into_tensor_data(self, data_type: DataType, shape: &[usize]) -> Result<TensorData, ProtocolError> {
        macro_rules! integers {
            ($variant:ident) => {
                TensorData::$variant(self.integers(data_type, shape)?)
            };
        }
        self.check_elements(shape)?;
        Ok(match data_type {
            DataType::Bool => TensorData::Bool(self.bools(shape)?),
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
                TensorData::Float16(narrowed(self.floats(data_type, shape)?, data_type, shape, narrow)?)
            }
            DataType::Fp32 => {
                let narrow = |x: f64| (x as f32, (x as f32).is_finite());
                TensorData::Float32(narrowed(self.floats(data_type, shape)?, data_type, shape, narrow)?)
            }
            DataType::Fp64 => TensorData::Float64(self.floats(data_type, shape)?),
            DataType::Bytes => match self.values {
                Values::Texts(texts) => TensorData::String(texts),
                _ if self.is_empty() => TensorData::String(Vec::new()),
                other => return Err(other.refuse("BYTES", "texts", shape, |_| true)),
            },
        })
    }

    fn bools(self, shape: &[usize]) -> Result<Vec<bool>, ProtocolError> {
        match self.values {
            Values::Bools(values) => Ok(values),
            Values::Ints(values) if values.iter().all(|v| matches!(v, 0 | 1)) => {
                Ok(values.into_iter().map(|v| v == 1).collect())
            }
            other => Err(other.refuse("BOOL", "true or false", shape, |value| !matches!(value, "0" | "1"))),
        }
    }

    fn integers<T: TryFrom<i64> + TryFrom<i128>>(
        self,
        data_type: DataType,
        shape: &[usize],
    ) -> Result<Vec<T>, ProtocolError> {
        fn all<S: Copy + fmt::Display, T: TryFrom<S>>(
            values: Vec<S>,
            data_type: DataType,
            shape: &[usize],
        ) -> Result<Vec<T>, ProtocolError> {
            let one = |(i, v): (usize, S)| T::try_from(v).ok().ok_or_else(|| out_of_range(i, v, data_type, shape));
            values.into_iter().enumerate().map(one).collect()
        }
        match self.values {
            Values::Ints(values) => all(values, data_type, shape),
            Values::Wide(values) => all(values, data_type, shape),
            other => Err(other.refuse(data_type.name(), "integers", shape, |value| value.contains('.'))),
        }
    }

    fn floats(self, data_type: DataType, shape: &[usize]) -> Result<Vec<f64>, ProtocolError> {
        match self.values {
            Values::Floats(values) => Ok(values),
            Values::Ints(values) => Ok(values.into_iter().map(|v| v as f64).collect()),
            Values::Wide(values) => Ok(values.into_iter().map(|v| v as f64).collect()),
            Values::Texts(texts) if texts.iter().all(|text| special(text).is_some()) => {
                Ok(texts.iter().filter_map(|text| special(text)).collect())
            }
            other => Err(other.refuse(data_type.name(), "numbers", shape, |value| special(value).is_none())),
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
    /// That these are not what the tensor has, by the first one that is `wrong`.
    fn refuse(&self, tensor: &str, wanted: &str, shape: &[usize], wrong: impl Fn(&str) -> bool) -> ProtocolError {
        let mut shown: Box<dyn Iterator<Item = String>> = match self {
            Self::Bools(v) => Box::new(v.iter().map(bool::to_string)),
            Self::Ints(v) => Box::new(v.iter().map(i64::to_string)),
            Self::Wide(v) => Box::new(v.iter().map(i128::to_string)),
            Self::Floats(v) => Box::new(v.iter().map(|value| format!("{value:?}"))),
            Self::Texts(v) => Box::new(v.iter().cloned()),
        };
        let what = self.what();
        let (at, value) = shown.by_ref().enumerate().find(|(_, value)| wrong(value)).unwrap_or_default();
        let value = quoted(&value);
        refuse!("{}: `data` of a {tensor} tensor must be {wanted} and has {what}, such as {value}", place(at, shape))
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Bools(_) => "truth values",
            Self::Ints(_) | Self::Wide(_) => "integers",
            Self::Floats(_) => "numbers with fractions",
            Self::Texts(_) => "texts",
        }
    }
}

/// Where an element stands, counted from 1 as rows of data are.
fn place(at: usize, shape: &[usize]) -> String {
    let width = shape.iter().skip(1).fold(1usize, |width, dim| width.saturating_mul(*dim)).max(1);
    match shape.len() {
        0 => "its only element".to_owned(),
        1 => format!("row {}", at + 1),
        _ => format!("row {}, column {}", at / width + 1, at % width + 1),
    }
}

fn out_of_range(at: usize, value: impl fmt::Display, data_type: DataType, shape: &[usize]) -> ProtocolError {
    refuse!("{}: element {at} of `data`, {value}, is out of range of {data_type}", place(at, shape))
}

fn narrowed<T>(
    values: Vec<f64>,
    data_type: DataType,
    shape: &[usize],
    narrow: impl Fn(f64) -> (T, bool),
) -> Result<Vec<T>, ProtocolError> {
    let one = |(i, value): (usize, f64)| match narrow(value) {
        (_, false) if value.is_finite() => Err(out_of_range(i, value, data_type, shape)),
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
    fn scalar<E: serde::de::Error>(
        self,
        value: impl fmt::Display,
        push: impl FnOnce(&mut JsonData) -> bool,
    ) -> Result<(), E> {
        let Some(depth) = self.depth.checked_sub(1) else { return Err(E::custom("`data` must be a list")) };
        self.data.note_scalar(depth);
        if self.data.wrong.is_none() && !push(self.data) {
            let mixes =
                format!("`data` mixes texts, numbers and truth values: {} does not fit", quoted(&value.to_string()));
            self.data.wrong = Some((self.data.len(), mixes));
        }
        Ok(())
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
        self.scalar(value, |data| data.push_int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value, |data| match i64::try_from(value) {
            Ok(value) => data.push_int(value),
            Err(_) => data.push_wide(value),
        })
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(value, |data| data.push_float(value))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(value, |data| data.push_bool(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value, |data| data.push_text(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        if self.depth > 0 && self.data.wrong.is_none() {
            let at = self.data.len();
            let is = format!("element {at} of `data` is null; where a number is missing on purpose, write \"NaN\"");
            self.data.wrong = Some((at, is));
        }
        self.scalar("null", |_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::flat::Flat;

    fn read(text: &str) -> Result<JsonData, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(text: &str, data_type: DataType, expect: Option<TensorData>) {
        let found = read(text).and_then(|data| {
            let shape = [data.len()];
            data.into_tensor_data(data_type, &shape).map_err(|error| error.0)
        });
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
            let error = read(text).expect("reads").check_elements(&[2]).expect_err("refused").0;
            assert!(error.contains(&format!("element {at} of `data` is null")), "{error}");
        }
        assert!(read("null").is_err());
    }

    #[test]
    fn what_is_wrong_is_named_by_row_and_column() {
        let refused = |text: &str, data_type: DataType| {
            let data = read(text).expect("reads");
            data.into_tensor_data(data_type, &[2, 2]).expect_err("refused").0
        };
        assert!(refused("[1, 2, null, 4]", DataType::Fp32).starts_with("row 2, column 1: element 2 of `data` is null"));
        let mixed = refused(r#"[[1, 2], [3, "blue"]]"#, DataType::Fp32);
        assert!(mixed.starts_with("row 2, column 2: `data` mixes") && mixed.contains("`blue`"), "{mixed}");
        assert!(refused("[1, 300, 0, 0]", DataType::Uint8).starts_with("row 1, column 2: element 1 of `data`, 300"));
        assert!(refused("[1, 2, 3, 1e39]", DataType::Fp32).starts_with("row 2, column 2: "));
        let texts = refused(r#"["NaN", "1", "2", "3"]"#, DataType::Fp32);
        assert!(texts.starts_with("row 1, column 2: `data` of a FP32 tensor must be numbers"), "{texts}");
        assert!(refused("[1.0, 2.0, 3.5, 4]", DataType::Int64).contains("`1.0`"));
        assert!(refused("[0, 1, 2, 1]", DataType::Bool).starts_with("row 2, column 1: "));
        assert!(refused("[1, 2, 3, 4]", DataType::Bytes).starts_with("row 1, column 1: "));
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
