//! The numeric view of a model's inputs that explanations work on.
//!
//! Numbers stay numbers (missing is NaN); a text becomes the index of its category. Decoding gives
//! the tensors back: float32 inputs round the float64 to the nearest float32, integer inputs round
//! to the nearest integer and saturate, boolean inputs are true from 0.5 on.

use std::borrow::Cow;
use std::collections::HashMap;

use arrow::record_batch::RecordBatch;
use desk_core::words::quoted;
use desk_core::{ElementType, NamedTensor, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::binding::{Binding, BoundInput, Source};
use crate::error::{DataError, Place};

/// What values a feature has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Any number.
    Numeric,
    /// The index of one of these.
    Categorical {
        /// The categories, sorted, those that were added later behind them.
        levels: Vec<String>,
    },
}

/// One feature: one value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// The column, or `column[3]` for a value of a list or of a picture.
    pub name: String,
    /// What values it has.
    pub kind: FeatureKind,
}

/// All features of a model, in the order of its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSpace {
    binding: Binding,
    features: Vec<Feature>,
    /// Features and row shape of each input of the binding.
    parts: Vec<PartShape>,
}

#[derive(Debug, Clone, PartialEq)]
struct PartShape {
    width: usize,
    row_shape: Vec<usize>,
}

impl FeatureSpace {
    /// Makes the features from data that shows every category and the width of list columns.
    pub fn from(binding: &Binding, data: &[RecordBatch]) -> Result<Self, DataError> {
        let bound: Vec<(&Binding, &RecordBatch)> = data.iter().map(|batch| (binding, batch)).collect();
        Self::of_tables(binding, &bound)
    }

    /// As [`FeatureSpace::from`], of tables whose columns are bound to the same inputs, each in its own way.
    /// The names are those of `binding`.
    pub fn of_tables(binding: &Binding, data: &[(&Binding, &RecordBatch)]) -> Result<Self, DataError> {
        let first = data.iter().map(|(_, batch)| *batch).find(|batch| batch.num_rows() > 0);
        let first = first.ok_or_else(|| DataError::Mismatch("features need at least one row of data".into()))?;
        let own = data.iter().find(|(_, batch)| std::ptr::eq(*batch, first)).map_or(binding, |(own, _)| *own);
        let sample = own.tensors(&first.slice(0, 1), 0)?;
        let mut features = Vec::new();
        let mut parts = Vec::with_capacity(sample.len());
        for (input, tensor) in binding.inputs.iter().zip(&sample) {
            let constant = matches!(input.source, Source::Constant(_));
            let row_shape: Vec<usize> = tensor.tensor.shape.iter().skip(1).copied().collect();
            let width = if constant { 0 } else { tensor.tensor.row_len() };
            parts.push(PartShape { width, row_shape });
            for i in 0..width {
                let kind = match input.element {
                    ElementType::String => FeatureKind::Categorical { levels: Vec::new() },
                    _ => FeatureKind::Numeric,
                };
                features.push(Feature { name: feature_name(input, i, width), kind });
            }
        }
        let mut space = Self { binding: binding.clone(), features, parts };
        for (own, batch) in data {
            space.extend_with(own, std::slice::from_ref(*batch))?;
        }
        for feature in &mut space.features {
            if let FeatureKind::Categorical { levels } = &mut feature.kind {
                levels.sort_unstable();
            }
        }
        Ok(space)
    }

    /// The features, in order.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name.clone()).collect()
    }

    /// How many features there are.
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// Adds categories of further data behind the known ones; known codes stay as they are.
    pub fn extend(&mut self, data: &[RecordBatch]) -> Result<(), DataError> {
        let binding = self.binding.clone();
        self.extend_with(&binding, data)
    }

    fn extend_with(&mut self, binding: &Binding, data: &[RecordBatch]) -> Result<(), DataError> {
        let mut first_row = 0;
        for batch in data {
            let tensors = binding.tensors(batch, first_row)?;
            first_row += batch.num_rows() as u64;
            let mut at = 0;
            for (part, named) in self.parts.iter().zip(&tensors) {
                let features = &mut self.features[at..at + part.width];
                at += part.width;
                if let TensorData::String(texts) = &named.tensor.data
                    && part.width > 0
                {
                    add_levels(features, texts);
                }
            }
        }
        Ok(())
    }

    /// Rows as numbers, row-major, [`FeatureSpace::width`] in a row. A category that the space does
    /// not know is an error; [`FeatureSpace::extend`] makes it known.
    pub fn encode(&self, data: &[RecordBatch]) -> Result<Vec<f64>, DataError> {
        self.encode_with(&self.binding, data)
    }

    /// As [`FeatureSpace::encode`], of a table that is bound to the same inputs in its own way.
    pub fn encode_with(&self, binding: &Binding, data: &[RecordBatch]) -> Result<Vec<f64>, DataError> {
        let width = self.width();
        let codes: Vec<Option<HashMap<&str, f64>>> = self.features.iter().map(Feature::codes).collect();
        let mut rows = Vec::new();
        let mut first_row = 0u64;
        for batch in data {
            let tensors = binding.tensors(batch, first_row)?;
            let start = rows.len();
            rows.resize(start + batch.num_rows() * width, 0.0);
            let mut at = 0;
            for (part, named) in self.parts.iter().zip(&tensors) {
                if part.width == 0 {
                    continue;
                }
                if named.tensor.row_len() != part.width {
                    let (name, found) = (&named.name, named.tensor.row_len());
                    let message = format!(
                        "input {name} has {found} values in a row instead of {}",
                        part.width,
                        name = quoted(&name)
                    );
                    return Err(DataError::Mismatch(message));
                }
                let target = rows[start..].chunks_exact_mut(width).map(|row| &mut row[at..at + part.width]);
                match (&named.tensor.data, named.tensor.data.to_f64()) {
                    (TensorData::String(texts), _) => {
                        let cells = texts.chunks_exact(part.width);
                        for (i, (to, from)) in target.zip(cells).enumerate() {
                            for (j, text) in from.iter().enumerate() {
                                let code = codes[at + j].as_ref().and_then(|codes| codes.get(text.as_str()));
                                to[j] = *code.ok_or_else(|| DataError::Unseen {
                                    place: Place::row(first_row + i as u64 + 1),
                                    column: self.features[at + j].name.clone(),
                                    value: crate::error::shown(text),
                                })?;
                            }
                        }
                    }
                    (_, numbers) => {
                        let numbers = numbers.unwrap_or_default();
                        target.zip(numbers.chunks_exact(part.width)).for_each(|(to, from)| to.copy_from_slice(from));
                    }
                }
                at += part.width;
            }
            first_row += batch.num_rows() as u64;
        }
        Ok(rows)
    }

    /// The tensors that rows of numbers stand for; the reverse of [`FeatureSpace::encode`].
    pub fn decode(&self, rows: &[f64]) -> Result<Vec<NamedTensor>, DataError> {
        self.tensors(rows, None)
    }

    /// As [`FeatureSpace::decode`], of one row as often as there are texts, each of which stands in the place of a feature that
    /// holds texts.
    pub fn decode_texts(&self, row: &[f64], feature: usize, texts: Vec<String>) -> Result<Vec<NamedTensor>, DataError> {
        if self.features.get(feature).is_none_or(|feature| feature.kind == FeatureKind::Numeric) {
            return Err(DataError::Mismatch(format!("feature {feature} holds no texts")));
        }
        let rows = row.repeat(texts.len());
        self.tensors(&rows, Some((feature, texts)))
    }

    fn tensors(&self, rows: &[f64], mut texts: Option<(usize, Vec<String>)>) -> Result<Vec<NamedTensor>, DataError> {
        let width = self.width();
        if width == 0 || !rows.len().is_multiple_of(width) {
            let message = format!("{} numbers are no rows of {width} features", rows.len());
            return Err(DataError::Mismatch(message));
        }
        let n = rows.len() / width;
        let mut at = 0;
        let mut tensors = Vec::with_capacity(self.parts.len());
        for (input, part) in self.binding.inputs.iter().zip(&self.parts) {
            let (shape, data) = if part.width == 0 {
                constant_rows(&self.binding, input, n, &part.row_shape)?
            } else {
                // In one piece: numbers side by side are converted several at once.
                let own_cells: Cow<'_, [f64]> = if part.width == width {
                    Cow::Borrowed(rows)
                } else {
                    rows.chunks_exact(width).flat_map(|row| &row[at..at + part.width]).copied().collect()
                };
                let cells = || own_cells.iter().copied();
                let features = &self.features[at..at + part.width];
                let own = texts.take_if(|(feature, _)| (at..at + part.width).contains(feature));
                let own = own.map(|(feature, texts)| (feature - at, texts));
                let shape = std::iter::once(n).chain(part.row_shape.iter().copied()).collect();
                (shape, convert(input, features, &cells, own)?)
            };
            at += part.width;
            let tensor = Tensor::new(shape, data).map_err(|e| DataError::Mismatch(e.to_string()))?;
            tensors.push(NamedTensor::new(&input.name, tensor));
        }
        Ok(tensors)
    }

    /// Numbers that belong to the features, such as gradients, out of tensors in the shapes of the inputs: the way of
    /// [`FeatureSpace::encode`]. Inputs without a tensor have zeros.
    pub fn gather(&self, tensors: &[NamedTensor]) -> Result<Vec<f64>, DataError> {
        let width = self.width();
        let n = tensors.first().map_or(0, |named| named.tensor.rows());
        let mut rows = vec![0.0; n * width];
        let mut at = 0;
        for (input, part) in self.binding.inputs.iter().zip(&self.parts) {
            let found = tensors.iter().find(|named| named.name == input.name).filter(|_| part.width > 0);
            if let Some(named) = found {
                let numbers = named.tensor.data.to_f64().unwrap_or_default();
                if numbers.len() != n * part.width {
                    let why = format!("{} numbers are no {n} rows of {}", numbers.len(), part.width);
                    return Err(DataError::Input { input: input.name.clone(), why });
                }
                for (row, cells) in rows.chunks_exact_mut(width.max(1)).zip(numbers.chunks_exact(part.width)) {
                    row[at..at + part.width].copy_from_slice(cells);
                }
            }
            at += part.width;
        }
        Ok(rows)
    }

    /// The first feature of each input and the dimensions of a row in it, inputs of constants left out.
    pub fn shapes(&self) -> impl Iterator<Item = (usize, &[usize])> {
        let parts = self.parts.iter().filter(|part| part.width > 0);
        parts.scan(0, |at, part| {
            let first = *at;
            *at += part.width;
            Some((first, part.row_shape.as_slice()))
        })
    }

    /// The input that a feature belongs to.
    pub fn input_of(&self, feature: usize) -> Option<&str> {
        let mut end = 0;
        let inputs = self.binding.inputs.iter().zip(&self.parts);
        inputs.map(|(input, part)| (&input.name, part.width)).find_map(|(name, width)| {
            end += width;
            (feature < end).then_some(name.as_str())
        })
    }

    /// The value of a feature for people: the category of a code, or the number.
    pub fn display(&self, feature: usize, value: f64) -> String {
        match self.features.get(feature).map(|f| &f.kind) {
            Some(FeatureKind::Categorical { levels }) => {
                level(levels, value).map_or_else(|| format!("{value}"), str::to_owned)
            }
            _ => format!("{value}"),
        }
    }
}

impl Feature {
    fn codes(&self) -> Option<HashMap<&str, f64>> {
        match &self.kind {
            FeatureKind::Numeric => None,
            FeatureKind::Categorical { levels } => {
                Some(levels.iter().enumerate().map(|(i, level)| (level.as_str(), i as f64)).collect())
            }
        }
    }
}

fn feature_name(input: &BoundInput, i: usize, width: usize) -> String {
    match &input.source {
        Source::Columns(columns) => columns[i].clone(),
        Source::List(column) if width == 1 => column.clone(),
        Source::List(column) | Source::Image(column, _) => format!("{column}[{i}]"),
        Source::Constant(_) => input.name.clone(),
    }
}

fn add_levels(features: &mut [Feature], texts: &[String]) {
    let width = features.len();
    for (j, feature) in features.iter_mut().enumerate() {
        let FeatureKind::Categorical { levels } = &mut feature.kind else { continue };
        let mut known: std::collections::HashSet<String> = levels.iter().cloned().collect();
        for text in texts.iter().skip(j).step_by(width) {
            if !known.contains(text) {
                known.insert(text.clone());
                levels.push(text.clone());
            }
        }
    }
}

fn level(levels: &[String], code: f64) -> Option<&str> {
    let index = (code.fract() == 0.0 && code >= 0.0 && code < levels.len() as f64).then_some(code as usize)?;
    levels.get(index).map(String::as_str)
}

fn constant_rows(
    binding: &Binding,
    input: &BoundInput,
    n: usize,
    row_shape: &[usize],
) -> Result<(Vec<usize>, TensorData), DataError> {
    let empty = std::sync::Arc::new(arrow::datatypes::Schema::empty());
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(n));
    let rows = RecordBatch::try_new_with_options(empty, Vec::new(), &options);
    let rows = rows.map_err(|e| DataError::Mismatch(e.to_string()))?;
    let named = crate::binding::constant_tensor(binding, input, &rows)?;
    let shape = if input.scalar { Vec::new() } else { std::iter::once(n).chain(row_shape.iter().copied()).collect() };
    Ok((shape, named.tensor.data))
}

/// Numbers as elements of the input's type. `texts` stand in the place of one of its features.
fn convert<I: Iterator<Item = f64>>(
    input: &BoundInput,
    features: &[Feature],
    cells: &dyn Fn() -> I,
    texts: Option<(usize, Vec<String>)>,
) -> Result<TensorData, DataError> {
    macro_rules! integers {
        ($variant:ident, $native:ty) => {{
            // `as` saturates; NaN would become 0, so it is refused.
            let whole = |x: f64| if x.is_nan() { None } else { Some(x.round() as $native) };
            let values: Option<Vec<$native>> = cells().map(whole).collect();
            TensorData::$variant(values.ok_or_else(|| not_a_number(input))?)
        }};
    }
    Ok(match input.element {
        ElementType::Float32 => TensorData::Float32(cells().map(|x| x as f32).collect()),
        ElementType::Float64 => TensorData::Float64(cells().collect()),
        ElementType::Float16 => TensorData::Float16(cells().map(|x| half::f16::from_f64(x).to_bits()).collect()),
        ElementType::Bool => TensorData::Bool(cells().map(|x| x >= 0.5).collect()),
        ElementType::Int8 => integers!(Int8, i8),
        ElementType::Int16 => integers!(Int16, i16),
        ElementType::Int32 => integers!(Int32, i32),
        ElementType::Int64 => integers!(Int64, i64),
        ElementType::Uint8 => integers!(Uint8, u8),
        ElementType::Uint16 => integers!(Uint16, u16),
        ElementType::Uint32 => integers!(Uint32, u32),
        ElementType::Uint64 => integers!(Uint64, u64),
        ElementType::String => {
            let (mut own, place) = match texts {
                Some((place, texts)) => (texts.into_iter(), Some(place)),
                None => (Vec::new().into_iter(), None),
            };
            let text = |(i, code): (usize, f64)| {
                if Some(i % features.len()) == place
                    && let Some(text) = own.next()
                {
                    return Ok(text);
                }
                let feature = &features[i % features.len()];
                let FeatureKind::Categorical { levels } = &feature.kind else { return Err(not_a_number(input)) };
                let text = level(levels, code).ok_or_else(|| {
                    DataError::Mismatch(format!("{code} is no category of feature `{}`", feature.name))
                })?;
                Ok(text.to_owned())
            };
            TensorData::String(cells().enumerate().map(text).collect::<Result<_, _>>()?)
        }
        other => {
            let why = format!("elements of type {other} are not supported");
            return Err(DataError::Input { input: input.name.clone(), why });
        }
    })
}

fn not_a_number(input: &BoundInput) -> DataError {
    DataError::Mismatch(format!("input `{}` ({}) has no value for NaN", input.name, input.element))
}
