//! Compares what is given with what a model wants, before native code sees it.

use std::collections::BTreeMap;

use desk_core::{Dim, ElementType, NamedTensor, Signature, ValueInfo};

use crate::error::RuntimeError;

/// Names, element types and shapes of all inputs. Sizes with the same symbol (`batch`) must be
/// equal across inputs: the runtime would broadcast some of them silently.
pub(crate) fn inputs(signature: &Signature, given: &[NamedTensor]) -> Result<(), RuntimeError> {
    for (i, tensor) in given.iter().enumerate() {
        if given[..i].iter().any(|other| other.name == tensor.name) {
            return Err(RuntimeError::DuplicateInput(tensor.name.clone()));
        }
        if !signature.inputs.iter().any(|info| info.name == tensor.name) {
            let expected = signature.inputs.iter().map(|info| info.name.clone()).collect();
            return Err(RuntimeError::UnknownInput { name: tensor.name.clone(), expected });
        }
    }
    let mut sizes = BTreeMap::new();
    for info in &signature.inputs {
        let tensor = given.iter().find(|tensor| tensor.name == info.name).ok_or_else(|| {
            RuntimeError::MissingInput { name: info.name.clone(), expected: info.value_type.to_string() }
        })?;
        one(info, tensor, &mut sizes)?;
    }
    Ok(())
}

fn one<'a>(
    info: &'a ValueInfo,
    given: &'a NamedTensor,
    sizes: &mut BTreeMap<&'a str, (usize, &'a str)>,
) -> Result<(), RuntimeError> {
    let Some((element, shape)) = info.value_type.as_tensor() else {
        return Err(RuntimeError::UnsupportedInput { name: info.name.clone(), found: info.value_type.to_string() });
    };
    // bfloat16 has no type of its own among the values: it is given as float32 and rounded.
    let wanted = if element == ElementType::Bfloat16 { ElementType::Float32 } else { element };
    let found = given.tensor.data.element();
    if found != wanted {
        return Err(RuntimeError::WrongType { name: info.name.clone(), expected: wanted.name(), found: found.name() });
    }
    let Some(dims) = shape else { return Ok(()) };
    let wrong = |reason: String| RuntimeError::WrongShape {
        name: info.name.clone(),
        expected: format!("[{}]", dims.iter().map(Dim::to_string).collect::<Vec<_>>().join(", ")),
        found: format!("{:?}", given.tensor.shape),
        reason,
    };
    if dims.len() != given.tensor.shape.len() {
        return Err(wrong(format!("it has {} dimensions instead of {}", given.tensor.shape.len(), dims.len())));
    }
    for (i, (dim, size)) in dims.iter().zip(&given.tensor.shape).enumerate() {
        match dim {
            Dim::Fixed(fixed) if *fixed != *size as u64 => {
                return Err(wrong(format!("dimension {} is {size} instead of {fixed}", i + 1)));
            }
            Dim::Symbol(symbol) if !is_placeholder(symbol) => {
                let (first, owner) = *sizes.entry(symbol).or_insert((*size, &info.name));
                if first != *size {
                    return Err(wrong(format!("`{symbol}` is {size} here and {first} in `{owner}`")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Names that exporters write where they know none; two of them need not be the same size.
fn is_placeholder(symbol: &str) -> bool {
    symbol.is_empty() || symbol.starts_with('?') || symbol.starts_with("unk__") || symbol == "None"
}

#[cfg(test)]
mod tests {
    use super::*;
    use desk_core::{Tensor, TensorData, ValueType};

    fn signature() -> Signature {
        let input = |name: &str, element, dims| ValueInfo {
            name: name.to_owned(),
            value_type: ValueType::Tensor { element, shape: Some(dims) },
        };
        let batch = || Dim::Symbol("batch".into());
        Signature {
            inputs: vec![
                input("age", ElementType::Float32, vec![batch(), Dim::Fixed(1)]),
                input("city", ElementType::String, vec![batch(), Dim::Fixed(1)]),
            ],
            outputs: Vec::new(),
        }
    }

    fn age(rows: usize, columns: usize) -> NamedTensor {
        let data = TensorData::Float32(vec![0.0; rows * columns]);
        NamedTensor::new("age", Tensor::new(vec![rows, columns], data).expect("fits"))
    }

    fn city(rows: usize) -> NamedTensor {
        let data = TensorData::String(vec![String::new(); rows]);
        NamedTensor::new("city", Tensor::new(vec![rows, 1], data).expect("fits"))
    }

    #[track_caller]
    fn check(given: &[NamedTensor], expect: Option<&str>) {
        match (inputs(&signature(), given), expect) {
            (Ok(()), None) => {}
            (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{error}"),
            (found, _) => panic!("{found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn each_mistake_is_named() {
        check(&[age(2, 1), city(2)], None);
        check(&[city(2), age(2, 1)], None);
        check(&[age(0, 1), city(0)], None);
        check(&[age(2, 1)], Some("`city` (string [batch, 1]) is missing"));
        check(&[age(2, 1), age(2, 1)], Some("`age` was given twice"));
        check(&[age(2, 3), city(2)], Some("dimension 2 is 3 instead of 1"));
        check(&[age(2, 1), city(3)], Some("`batch` is 3 here and 2 in `age`"));
        let mut other = city(2);
        other.name = "town".into();
        check(&[age(2, 1), other], Some("no input `town`; its inputs are `age`, `city`"));
        let flat = Tensor::new(vec![2], TensorData::Float32(vec![0.0; 2])).expect("fits");
        check(&[NamedTensor::new("age", flat), city(2)], Some("1 dimensions instead of 2"));
        let doubles = Tensor::new(vec![2, 1], TensorData::Float64(vec![0.0; 2])).expect("fits");
        check(&[NamedTensor::new("age", doubles), city(2)], Some("needs float32 and got float64"));
    }
}
