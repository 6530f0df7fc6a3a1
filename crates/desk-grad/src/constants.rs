//! Values that are known before the model runs, and tensors that are written.

use std::collections::HashMap;

use crate::net::Net;
use crate::proto::{Node, Tensor, element};

/// Most elements of a constant that is read: shapes and axes have few.
const MOST: usize = 1 << 16;

/// Initialisers and constants by their names.
pub(crate) struct Constants<'a> {
    tensors: HashMap<&'a str, &'a Tensor>,
    listed: HashMap<&'a str, Vec<i64>>,
}

impl<'a> Constants<'a> {
    pub fn of(net: &'a Net) -> Self {
        let mut tensors: HashMap<&str, &Tensor> = HashMap::new();
        let mut listed = HashMap::new();
        for tensor in &net.initializers {
            tensors.insert(tensor.name.as_deref().unwrap_or_default(), tensor);
        }
        for node in net.nodes.iter().filter(|node| node.op() == "Constant" && node.domain().is_empty()) {
            if let Some(tensor) = node.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
                tensors.insert(node.output(0), tensor);
            } else if let Some(values) = listed_ints(node) {
                listed.insert(node.output(0), values);
            }
        }
        Self { tensors, listed }
    }

    /// The dimensions of a constant tensor.
    pub fn dims(&self, name: &str) -> Option<Vec<i64>> {
        if let Some(tensor) = self.tensors.get(name) {
            return Some(tensor.dims.clone());
        }
        self.listed.get(name).map(|values| vec![values.len() as i64])
    }

    /// Its element type.
    pub fn element(&self, name: &str) -> Option<i32> {
        let of_listed = || self.listed.contains_key(name).then_some(element::INT64);
        self.tensors.get(name).and_then(|tensor| tensor.element).or_else(of_listed)
    }

    /// Whole numbers of a small constant.
    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        if let Some(values) = self.listed.get(name) {
            return Some(values.clone());
        }
        let tensor = self.tensors.get(name)?;
        let values = match (tensor.element?, tensor.raw.as_deref()) {
            (element::INT64, Some(raw)) => raw.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            (element::INT64, None) => tensor.int64s.clone(),
            (element::INT32, Some(raw)) => {
                raw.as_chunks::<4>().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()
            }
            (element::INT32, None) => tensor.int32s.iter().map(|v| i64::from(*v)).collect::<Vec<_>>(),
            _ => return None,
        };
        (values.len() <= MOST).then_some(values)
    }

    /// The one number of a constant that has one.
    pub fn number(&self, name: &str) -> Option<f64> {
        if let Some(values) = self.ints(name) {
            return (values.len() == 1).then(|| values[0] as f64);
        }
        let tensor = self.tensors.get(name)?;
        if tensor.dims.iter().any(|dim| *dim != 1) {
            return None;
        }
        match (tensor.element?, tensor.raw.as_deref()) {
            (element::FLOAT, Some(raw)) => raw.first_chunk().map(|b| f64::from(f32::from_le_bytes(*b))),
            (element::FLOAT, None) => tensor.floats.first().map(|v| f64::from(*v)),
            (element::DOUBLE, Some(raw)) => raw.first_chunk().map(|b| f64::from_le_bytes(*b)),
            (element::DOUBLE, None) => tensor.doubles.first().copied(),
            (element::BOOL, Some(raw)) => raw.first().map(|b| f64::from(*b)),
            (element::BOOL, None) => tensor.int32s.first().map(|v| f64::from(*v)),
            _ => None,
        }
    }
}

fn listed_ints(node: &Node) -> Option<Vec<i64>> {
    if let Some(value) = node.attribute("value_int").and_then(|attribute| attribute.i) {
        return Some(vec![value]);
    }
    node.attribute("value_ints").map(|attribute| attribute.ints.clone())
}

/// Whole numbers as a tensor; `dims` is empty for one number without dimensions.
pub(crate) fn int_tensor(name: &str, dims: &[i64], values: &[i64]) -> Tensor {
    let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        element: Some(element::INT64),
        raw: Some(raw),
        ..Tensor::default()
    }
}

/// Numbers as a tensor of a floating type.
pub(crate) fn float_tensor(name: &str, kind: i32, dims: &[i64], values: &[f64]) -> Tensor {
    let raw = match kind {
        element::DOUBLE => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        element::BFLOAT16 => values.iter().flat_map(|value| half::bf16::from_f64(*value).to_le_bytes()).collect(),
        element::FLOAT16 => values.iter().flat_map(|value| half::f16::from_f64(*value).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect::<Vec<u8>>(),
    };
    let element = Some(if element::is_float(kind) { kind } else { element::FLOAT });
    Tensor { name: Some(name.to_owned()), dims: dims.to_vec(), element, raw: Some(raw), ..Tensor::default() }
}
