//! Plausible inputs made from a signature alone, for golden rows of models without data.
//!
//! They prove that two places give the same answer, not that the answer is good: mark what is made
//! from them [`desk_core::GoldenSource::Generated`].

use std::collections::BTreeMap;

use desk_core::{Dim, ElementType, KnownCategories, NamedTensor, Signature, Tensor, TensorData};

use crate::error::RuntimeError;

/// Elements of one input at most; a signature that asks for more is refused.
const MAX_ELEMENTS: usize = 64 << 20;
/// Size of an image's side that the model leaves open.
const IMAGE_SIDE: usize = 32;
/// Size of any other open dimension, such as a sequence length.
const OPEN_SIZE: usize = 8;
/// Texts for string inputs without known values.
const WORDS: [&str; 6] = ["alpha", "beta", "gamma", "delta", "yes", "no"];

/// Makes one tensor for each input: floats from a standard normal distribution, integers from 0 to
/// 9, bytes from 0 to 255, texts from a few words. Equal arguments give equal values, always.
///
/// The first open dimension of an input is `rows` (so is every other one with the same symbol);
/// further open ones are 8, or 32 in four-dimensional inputs, which are images as a rule. Fixed
/// sizes are kept, also that of the first dimension: the result may have other than `rows` rows.
pub fn make_golden_inputs(signature: &Signature, rows: usize, seed: u64) -> Result<Vec<NamedTensor>, RuntimeError> {
    make_golden_inputs_from(signature, rows, seed, &[])
}

/// The same, where the model lists the texts that it knows with those: any other would be "none of these" to it, and
/// prove little.
pub fn make_golden_inputs_from(
    signature: &Signature,
    rows: usize,
    seed: u64,
    known: &[KnownCategories],
) -> Result<Vec<NamedTensor>, RuntimeError> {
    let mut symbols = BTreeMap::new();
    for info in &signature.inputs {
        if let Some((_, Some(dims))) = info.value_type.as_tensor()
            && let Some(Dim::Symbol(symbol)) = dims.iter().find(|dim| !matches!(dim, Dim::Fixed(_)))
        {
            symbols.insert(symbol.as_str(), rows);
        }
    }
    let make = |(i, info): (usize, &desk_core::ValueInfo)| {
        let refuse = |reason: String| RuntimeError::CannotGenerate { input: info.name.clone(), reason };
        let (element, shape) =
            info.value_type.as_tensor().ok_or_else(|| refuse(format!("it is a {}", info.value_type)))?;
        let shape = sizes(shape.unwrap_or_default(), rows, &symbols);
        if shape.contains(&0) {
            return Err(refuse(format!("its shape {shape:?} holds no values")));
        }
        let count = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        let count = count.filter(|count| *count <= MAX_ELEMENTS);
        let count = count.ok_or_else(|| refuse(format!("it would have more than {MAX_ELEMENTS} elements")))?;
        let mut random = Random::new(seed, i as u64);
        let texts = Texts::of(known, &info.name, shape.get(1..).and_then(<[usize]>::last).copied().unwrap_or(1));
        let data = fill(element, count, &mut random, &texts)
            .ok_or_else(|| refuse(format!("its elements are {element}, which values cannot be given for")))?;
        let tensor = Tensor::new(shape, data).map_err(|error| refuse(error.to_string()))?;
        Ok(NamedTensor::new(info.name.clone(), tensor))
    };
    signature.inputs.iter().enumerate().map(make).collect()
}

/// Sizes for the open dimensions; a shape that is not known at all is taken for a scalar's.
fn sizes(dims: &[Dim], rows: usize, symbols: &BTreeMap<&str, usize>) -> Vec<usize> {
    let open = if dims.len() == 4 { IMAGE_SIDE } else { OPEN_SIZE };
    let mut first = true;
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => usize::try_from(*size).unwrap_or(usize::MAX),
        Dim::Symbol(symbol) if symbols.contains_key(symbol.as_str()) => {
            first = false;
            rows
        }
        Dim::Symbol(_) | Dim::Unknown => {
            let size = if first { rows } else { open };
            first = false;
            size
        }
    };
    dims.iter().map(size).collect()
}

/// The texts that a model knows in the columns of one input.
struct Texts<'k> {
    known: Vec<&'k KnownCategories>,
    columns: usize,
}

impl<'k> Texts<'k> {
    fn of(known: &'k [KnownCategories], input: &str, columns: usize) -> Self {
        Self { known: known.iter().filter(|known| known.input == input).collect(), columns: columns.max(1) }
    }

    /// For an element of the tensor; none where the model lists none.
    fn at(&self, element: usize) -> &'k [String] {
        let column = element % self.columns;
        let found = self.known.iter().find(|known| known.column.is_none_or(|of| of == column));
        found.map(|known| known.values.as_slice()).unwrap_or_default()
    }
}

fn fill(element: ElementType, count: usize, random: &mut Random, texts: &Texts<'_>) -> Option<TensorData> {
    macro_rules! small {
        ($variant:ident, $type:ty) => {
            TensorData::$variant((0..count).map(|_| random.below(10) as $type).collect())
        };
    }
    Some(match element {
        ElementType::Bool => TensorData::Bool((0..count).map(|_| random.below(2) == 1).collect()),
        ElementType::Int8 => small!(Int8, i8),
        ElementType::Int16 => small!(Int16, i16),
        ElementType::Int32 => small!(Int32, i32),
        ElementType::Int64 => small!(Int64, i64),
        ElementType::Uint8 => TensorData::Uint8((0..count).map(|_| random.below(256) as u8).collect()),
        ElementType::Uint16 => small!(Uint16, u16),
        ElementType::Uint32 => small!(Uint32, u32),
        ElementType::Uint64 => small!(Uint64, u64),
        ElementType::Float16 => {
            TensorData::Float16((0..count).map(|_| half::f16::from_f64(random.normal()).to_bits()).collect())
        }
        // Given as float32, see `ModelSession::run`.
        ElementType::Bfloat16 | ElementType::Float32 => {
            TensorData::Float32((0..count).map(|_| random.normal() as f32).collect())
        }
        ElementType::Float64 => TensorData::Float64((0..count).map(|_| random.normal()).collect()),
        ElementType::String => {
            let mut word = |at: usize| match texts.at(at) {
                [] => WORDS[random.below(WORDS.len() as u64) as usize].to_owned(),
                known => known[random.below(known.len() as u64) as usize].clone(),
            };
            TensorData::String((0..count).map(&mut word).collect())
        }
        ElementType::Complex64 | ElementType::Complex128 | ElementType::Other => return None,
    })
}

/// SplitMix64 (Steele, Lea and Flood 2014): golden values must stay the same for years, so they do
/// not hang on a library's choice of generator.
struct Random(u64);

impl Random {
    fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n - 1`; the bias for small `n` is below 2^-50.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Uniform in (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use desk_core::{ValueInfo, ValueType};

    fn signature(inputs: &[(&str, ElementType, Vec<Dim>)]) -> Signature {
        let info = |(name, element, dims): &(&str, ElementType, Vec<Dim>)| ValueInfo {
            name: (*name).to_owned(),
            value_type: ValueType::Tensor { element: *element, shape: Some(dims.clone()) },
        };
        Signature { inputs: inputs.iter().map(info).collect(), outputs: Vec::new() }
    }

    fn symbol(name: &str) -> Dim {
        Dim::Symbol(name.into())
    }

    #[track_caller]
    fn check(dims: Vec<Dim>, expect: &[usize]) {
        let made = make_golden_inputs(&signature(&[("x", ElementType::Float32, dims)]), 3, 1).expect("made");
        assert_eq!(made[0].tensor.shape, expect);
    }

    #[test]
    fn shapes() {
        check(vec![symbol("batch"), Dim::Fixed(4)], &[3, 4]);
        check(vec![Dim::Fixed(5), Dim::Fixed(4)], &[5, 4]);
        check(vec![Dim::Unknown, Dim::Unknown], &[3, 8]);
        check(vec![Dim::Fixed(2), Dim::Unknown, Dim::Fixed(7)], &[2, 3, 7]);
        check(vec![symbol("n"), Dim::Fixed(3), symbol("h"), symbol("w")], &[3, 3, 32, 32]);
        check(vec![symbol("n"), symbol("n")], &[3, 3]);
        check(vec![], &[]);
    }

    #[test]
    fn the_same_every_time_and_for_every_type() {
        use ElementType as E;
        let types = [
            E::Bool,
            E::Int8,
            E::Int16,
            E::Int32,
            E::Int64,
            E::Uint8,
            E::Uint16,
            E::Uint32,
            E::Uint64,
            E::Float16,
            E::Float32,
            E::Float64,
            E::String,
        ];
        let inputs: Vec<_> = types.iter().map(|e| (e.name(), *e, vec![symbol("batch"), Dim::Fixed(2)])).collect();
        let signature = signature(&inputs);
        let made = make_golden_inputs(&signature, 4, 9).expect("made");
        assert_eq!(made, make_golden_inputs(&signature, 4, 9).expect("made"));
        assert_ne!(made, make_golden_inputs(&signature, 4, 10).expect("made"));
        for (tensor, element) in made.iter().zip(types) {
            assert_eq!((tensor.tensor.data.element(), tensor.tensor.data.len()), (element, 8));
        }
    }

    #[test]
    fn normal_values_have_the_moments_of_the_distribution() {
        let mut random = Random::new(3, 0);
        let values: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn known_words_are_used() {
        let known = |column, text: &str| KnownCategories { input: "x".into(), column, values: vec![text.into()] };
        let texts = |shape: Vec<Dim>, known: &[KnownCategories]| {
            let signature = signature(&[("x", ElementType::String, shape)]);
            let made = make_golden_inputs_from(&signature, 2, 1, known).expect("made");
            let TensorData::String(texts) = made[0].tensor.data.clone() else { panic!("{made:?}") };
            texts
        };
        assert_eq!(texts(vec![Dim::Unknown], &[known(None, "red")]), ["red", "red"]);
        let columns = [known(Some(0), "red"), known(Some(2), "large")];
        let two = texts(vec![Dim::Unknown, Dim::Fixed(3)], &columns);
        assert_eq!([&two[0], &two[2], &two[3], &two[5]], ["red", "large", "red", "large"]);
        assert!(WORDS.contains(&two[1].as_str()), "of this column the model lists none: {two:?}");
    }

    #[test]
    fn refuses_with_the_reason() {
        let huge = signature(&[("x", ElementType::Float32, vec![Dim::Fixed(u64::MAX), Dim::Fixed(8)])]);
        assert!(make_golden_inputs(&huge, 1, 1).expect_err("refused").to_string().contains("more than"));
        let odd = signature(&[("z", ElementType::Complex64, vec![Dim::Unknown])]);
        assert!(make_golden_inputs(&odd, 1, 1).expect_err("refused").to_string().contains("complex64"));
        let none = signature(&[("x", ElementType::Float32, vec![Dim::Fixed(0), Dim::Fixed(3)])]);
        assert!(make_golden_inputs(&none, 1, 1).expect_err("refused").to_string().contains("no values"));
    }
}
