//! Golden rows: a few inputs and what the version answered here, which travel with it.

use crate::words::quoted;
use serde::{Deserialize, Serialize};

use crate::tensor::{NamedTensor, TensorData};

/// Where golden inputs came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoldenSource {
    /// Rows of the user's data.
    UserData,
    /// Made from the signature with a fixed seed; they prove sameness, not quality.
    Generated,
}

/// Inputs and the outputs that the version gave on the desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoldenRows {
    /// Where the inputs came from.
    pub source: GoldenSource,
    /// How many rows there are.
    pub rows: usize,
    /// The inputs, one tensor for each of the signature.
    pub inputs: Vec<NamedTensor>,
    /// The outputs, in the signature's order.
    pub outputs: Vec<NamedTensor>,
    /// Runtime and device that gave them, such as `onnxruntime 1.31.1 cpu`.
    pub made_with: String,
}

/// How far two answers may differ: `|a - b| <= absolute + relative * |b|`; labels must be equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Absolute part.
    pub absolute: f64,
    /// Relative part.
    pub relative: f64,
}

impl Default for Tolerance {
    /// Wide enough for another CPU's instruction set, far too narrow for another model.
    fn default() -> Self {
        Self { absolute: 1e-5, relative: 1e-4 }
    }
}

/// The comparison of golden outputs with what the far side answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// Rows compared.
    pub rows: usize,
    /// Largest absolute difference of a number; infinite when shapes, types or labels differ.
    #[serde(with = "infinite_as_text")]
    pub max_abs_diff: f64,
    /// What was allowed.
    pub tolerance: Tolerance,
    /// All within the tolerance.
    pub ok: bool,
    /// Nothing could differ: every number of the golden outputs is infinite or NaN. This is no proof.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vacuous: bool,
    /// The first difference, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<String>,
}

/// JSON has no infinity; it is written as a text.
mod infinite_as_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde prescribes the signature")]
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { value.serialize(serializer) } else { "infinite".serialize(serializer) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f64),
            Text(serde::de::IgnoredAny),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Number(value) => value,
            Either::Text(_) => f64::INFINITY,
        })
    }
}

/// True when a value is there that another model would answer otherwise: a finite number or a label.
fn says_something(data: &TensorData) -> bool {
    match data.to_f64() {
        Some(values) => values.iter().any(|value| value.is_finite()),
        None => !data.is_empty(),
    }
}

impl GoldenRows {
    /// Some answer can be compared: not every one is infinite or NaN.
    pub fn say_something(&self) -> bool {
        self.outputs.iter().any(|output| says_something(&output.tensor.data))
    }
}

impl Parity {
    /// The far side was proven to answer as this desk did.
    pub fn proven(&self) -> bool {
        self.ok && !self.vacuous
    }

    /// Compares only names, types and shapes: of a model whose answers differ from run to run no more can be
    /// asked. Never a proof.
    pub fn compare_form(expected: &[NamedTensor], found: &[NamedTensor], tolerance: Tolerance) -> Self {
        let mut parity = Self::compare(&[], &[], tolerance);
        parity.rows = expected.first().map_or(0, |output| output.tensor.rows());
        let form = |output: &NamedTensor| (output.tensor.shape.clone(), output.tensor.data.element());
        for want in expected {
            let got = found.iter().find(|output| output.name == want.name).map(form);
            if got.as_ref() != Some(&form(want)) {
                parity.differs(f64::INFINITY, || format!("output {} has another type or shape", quoted(&want.name)));
            }
        }
        parity
    }

    /// Compares outputs by name, element by element.
    pub fn compare(expected: &[NamedTensor], found: &[NamedTensor], tolerance: Tolerance) -> Self {
        let mut parity = Self {
            rows: expected.first().map_or(0, |t| t.tensor.rows()),
            max_abs_diff: 0.0,
            tolerance,
            ok: true,
            vacuous: !expected.iter().any(|output| says_something(&output.tensor.data)),
            first_difference: None,
        };
        for want in expected {
            match found.iter().find(|t| t.name == want.name) {
                None => parity.differs(f64::INFINITY, || format!("output {} is missing", quoted(&want.name))),
                Some(got) => parity.compare_one(want, got),
            }
        }
        parity
    }

    fn differs(&mut self, by: f64, what: impl FnOnce() -> String) {
        self.ok = false;
        self.max_abs_diff = self.max_abs_diff.max(by);
        self.first_difference.get_or_insert_with(what);
    }

    fn compare_one(&mut self, want: &NamedTensor, got: &NamedTensor) {
        let name = &want.name;
        if want.tensor.shape != got.tensor.shape {
            let (a, b) = (&want.tensor.shape, &got.tensor.shape);
            return self.differs(f64::INFINITY, || {
                format!("output {name} has shape {b:?} instead of {a:?}", name = quoted(&name))
            });
        }
        let width = want.tensor.row_len().max(1);
        let (Some(a), Some(b)) = (want.tensor.data.to_f64(), got.tensor.data.to_f64()) else {
            if want.tensor.data != got.tensor.data {
                self.differs(f64::INFINITY, || format!("output {name} has other labels", name = quoted(&name)));
            }
            return;
        };
        let exact = !want.tensor.data.element().is_float();
        for (i, (a, b)) in a.iter().zip(&b).enumerate() {
            if a == b || a.is_nan() && b.is_nan() {
                continue;
            }
            let diff = (a - b).abs();
            let diff = if diff.is_nan() { f64::INFINITY } else { diff };
            let allowed = if exact { 0.0 } else { self.tolerance.absolute + self.tolerance.relative * a.abs() };
            if diff > allowed {
                self.differs(diff, || {
                    format!("output {name}, row {}: {b} instead of {a}", i / width + 1, name = quoted(&name))
                });
            } else {
                self.max_abs_diff = self.max_abs_diff.max(diff);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Tensor, TensorData};

    fn floats(values: Vec<f32>) -> Vec<NamedTensor> {
        let tensor = Tensor::new(vec![values.len()], TensorData::Float32(values)).expect("fits");
        vec![NamedTensor::new("p", tensor)]
    }

    #[test]
    fn within_and_beyond_the_tolerance() {
        let tolerance = Tolerance::default();
        assert!(Parity::compare(&floats(vec![0.5]), &floats(vec![0.500001]), tolerance).ok);
        let parity = Parity::compare(&floats(vec![0.1, 0.5]), &floats(vec![0.1, 0.6]), tolerance);
        assert!(!parity.ok);
        assert!(parity.first_difference.expect("said").contains("row 2"));
    }

    #[test]
    fn where_nothing_is_finite_nothing_is_proven() {
        let parity = |values: Vec<f32>| Parity::compare(&floats(values.clone()), &floats(values), Tolerance::default());
        let nothing = parity(vec![f32::NAN, f32::INFINITY]);
        assert!(nothing.ok && nothing.vacuous && !nothing.proven());
        assert!(parity(vec![f32::NAN, 0.5]).proven());
        let old = r#"{"rows":1,"max_abs_diff":0.0,"tolerance":{"absolute":0.1,"relative":0.1},"ok":true}"#;
        assert!(serde_json::from_str::<Parity>(old).expect("reads").proven());
    }

    #[test]
    fn of_random_answers_only_the_form_is_compared() {
        let form = |a, b| Parity::compare_form(&floats(a), &floats(b), Tolerance::default());
        let alike = form(vec![1.0, 2.0], vec![5.0, f32::NAN]);
        assert!(alike.ok && !alike.proven());
        assert!(!form(vec![1.0], vec![1.0, 2.0]).ok);
    }

    #[test]
    fn labels_nan_and_shapes() {
        let tolerance = Tolerance::default();
        assert!(Parity::compare(&floats(vec![f32::NAN]), &floats(vec![f32::NAN]), tolerance).ok);
        assert!(!Parity::compare(&floats(vec![1.0]), &floats(vec![f32::NAN]), tolerance).ok);
        let parity = Parity::compare(&floats(vec![1.0]), &floats(vec![1.0, 2.0]), tolerance);
        let text = serde_json::to_string(&parity).expect("serialises");
        let back: Parity = serde_json::from_str(&text).expect("reads back");
        assert_eq!(back.max_abs_diff, f64::INFINITY);
        let labels =
            |x: i64| vec![NamedTensor::new("l", Tensor::new(vec![1], TensorData::Int64(vec![x])).expect("fits"))];
        assert!(!Parity::compare(&labels(1), &labels(0), tolerance).ok);
    }
}
