//! How far types and shapes are known before the model runs.
//!
//! Rules need element types for the constants that they write, ranks for axes, and sizes to leave out
//! work that would change nothing. What is not known is worked out by the built model itself, from
//! `Shape`, so nothing here needs to be complete; it must only never be wrong.

mod infer;
mod reshaped;

use std::collections::HashMap;

use crate::constants::Constants;
use crate::net::{Net, element_of, name_of};
use crate::proto::{Node, ValueInfo, element};

/// One dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dim {
    /// So many.
    Known(i64),
    /// Unknown, and the same wherever this number stands.
    Same(u32),
}

/// Most dimensions of a tensor.
const MAX_RANK: usize = 16;
/// Largest size of a dimension that makes sense.
const MAX_SIZE: i64 = 1 << 31;

/// Types and shapes by the names of values.
pub(crate) struct Shapes {
    dims: HashMap<String, Vec<Dim>>,
    elements: HashMap<String, i32>,
    named: HashMap<String, u32>,
    unknown: u32,
}

impl Shapes {
    pub fn of(net: &Net, constants: &Constants<'_>) -> Self {
        let mut shapes = Self { dims: HashMap::new(), elements: HashMap::new(), named: HashMap::new(), unknown: 0 };
        for tensor in &net.initializers {
            let name = tensor.name.as_deref().unwrap_or_default();
            shapes.note(name, tensor.element, Some(tensor.dims.iter().map(|dim| Dim::Known(*dim)).collect()));
        }
        for input in &net.inputs {
            shapes.declared(input, true);
        }
        let said: HashMap<&str, &ValueInfo> =
            net.values.iter().chain(&net.outputs).map(|value| (name_of(value), value)).collect();
        for node in &net.nodes {
            let found = infer::node(&mut shapes, constants, node);
            for (i, name) in node.outputs.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                let element = shapes.result(constants, node, i);
                let dims = if i == 0 || node.op() == "Split" { found.get(i).cloned().flatten() } else { None };
                shapes.note(name, element, dims);
                // What the file says fills gaps only, and of sizes only their number is believed: many a file has
                // the batch of its export there, and the runtime does not mind.
                if let Some(value) = said.get(name.as_str()) {
                    shapes.declared(value, false);
                }
            }
        }
        shapes
    }

    /// The dimensions of a value, where their number is known.
    pub fn dims(&self, name: &str) -> Option<&[Dim]> {
        self.dims.get(name).map(Vec::as_slice)
    }

    /// The number of dimensions.
    pub fn rank(&self, name: &str) -> Option<usize> {
        self.dims.get(name).map(Vec::len)
    }

    /// The dimensions, where all are known numbers.
    pub fn sizes(&self, name: &str) -> Option<Vec<i64>> {
        let known = |dim: &Dim| if let Dim::Known(size) = dim { Some(*size) } else { None };
        self.dims(name)?.iter().map(known).collect()
    }

    /// How many dimensions a shape describes that is itself a value.
    fn counted(&self, shape: &str) -> Option<usize> {
        match self.dims(shape)? {
            [Dim::Known(rank)] => usize::try_from(*rank).ok().filter(|rank| *rank <= MAX_RANK),
            _ => None,
        }
    }

    /// The element type.
    pub fn element(&self, name: &str) -> Option<i32> {
        self.elements.get(name).copied()
    }

    /// True when the value has derivatives, as far as its type goes.
    pub fn is_float(&self, name: &str) -> bool {
        self.element(name).is_some_and(element::is_float)
    }

    /// A dimension of which nothing is known.
    fn fresh(&mut self) -> Dim {
        self.unknown += 1;
        Dim::Same(self.unknown)
    }

    fn note(&mut self, name: &str, element: Option<i32>, dims: Option<Vec<Dim>>) {
        if let Some(element) = element {
            self.elements.insert(name.to_owned(), element);
        }
        if let Some(mut dims) = dims.filter(|dims| dims.len() <= MAX_RANK) {
            // Sizes that no memory holds are not worked with.
            for dim in &mut dims {
                if matches!(dim, Dim::Known(size) if !(0..=MAX_SIZE).contains(size)) {
                    *dim = self.fresh();
                }
            }
            self.dims.insert(name.to_owned(), dims);
        }
    }

    /// Fills in what a `ValueInfoProto` says; `sizes` of an input are what the runtime insists on.
    fn declared(&mut self, value: &ValueInfo, sizes: bool) {
        let name = name_of(value).to_owned();
        if let Some(element) = element_of(value) {
            self.elements.entry(name.clone()).or_insert(element);
        }
        let shape = value.of.as_ref().and_then(|of| of.tensor.as_ref()).and_then(|tensor| tensor.shape.as_ref());
        let Some(shape) = shape.filter(|shape| shape.dims.len() <= MAX_RANK) else { return };
        if self.dims.contains_key(&name) {
            return;
        }
        let mut dims = Vec::with_capacity(shape.dims.len());
        for dim in &shape.dims {
            let known = match (dim.value, dim.param.as_deref()) {
                (Some(size), _) if sizes && (0..=MAX_SIZE).contains(&size) => Dim::Known(size),
                (_, Some(param)) if sizes && !param.is_empty() => self.of_name(param),
                _ => self.fresh(),
            };
            dims.push(known);
        }
        self.dims.insert(name, dims);
    }

    /// Dimensions with one name have one size, the runtime sees to it.
    fn of_name(&mut self, param: &str) -> Dim {
        if let Some(number) = self.named.get(param) {
            return Dim::Same(*number);
        }
        let dim = self.fresh();
        if let Dim::Same(number) = dim {
            self.named.insert(param.to_owned(), number);
        }
        dim
    }

    /// The element type of an output.
    fn result(&self, constants: &Constants<'_>, node: &Node, output: usize) -> Option<i32> {
        let first = |at: usize| self.element(node.input(at));
        match (node.op(), output) {
            ("Constant", _) => constants.element(node.output(0)).or(Some(element::FLOAT)),
            ("ConstantOfShape", _) => {
                let value = node.attribute("value").and_then(|attribute| attribute.t.as_ref());
                value.map_or(Some(element::FLOAT), |tensor| tensor.element)
            }
            ("Cast", _) => Some(node.int("to", 1) as i32),
            ("CastLike", _) => first(1),
            ("Shape" | "Size" | "ArgMax" | "ArgMin" | "NonZero", _) | ("MaxPool" | "TopK", 1) | ("Unique", 1..) => {
                Some(element::INT64)
            }
            (
                "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Xor" | "Not"
                | "IsNaN" | "IsInf",
                _,
            )
            | ("Dropout", 1) => Some(element::BOOL),
            ("Where", _) => first(1).or(first(2)),
            ("Scaler" | "Normalizer" | "Imputer" | "LinearRegressor" | "OneHotEncoder", _) => Some(element::FLOAT),
            ("OneHot", _) => first(2),
            ("RandomNormal" | "RandomUniform" | "LabelEncoder" | "DictVectorizer" | "ZipMap", _) => None,
            ("EyeLike" | "Bernoulli" | "Multinomial" | "RandomNormalLike" | "RandomUniformLike", _) => {
                node.attribute("dtype").and_then(|attribute| attribute.i).map(|to| to as i32).or(first(0))
            }
            _ => first(0),
        }
    }
}

/// Two dimensions that were laid over each other; `None` when nothing can be said.
pub(crate) fn overlaid(a: Dim, b: Dim) -> Option<Dim> {
    match (a, b) {
        (Dim::Known(1), other) | (other, Dim::Known(1)) => Some(other),
        (a, b) if a == b => Some(a),
        // The unknown one is 1 or the same.
        (Dim::Known(size), _) | (_, Dim::Known(size)) => Some(Dim::Known(size)),
        _ => None,
    }
}
