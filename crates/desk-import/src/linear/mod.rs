//! Linear models out of ONNX graphs: steps that keep each value a weighted sum of the inputs' features, and at most one
//! last step that makes answers of the sums.
//!
//! A value is followed back from the output to the inputs and worked out as its weights. What stands for itself there:
//! scalers, choosing and joining columns, arithmetic with constants, `Gemm`, `MatMul`, `LinearRegressor`,
//! `LinearClassifier`; behind them a logistic function, a softmax or an exponential.

mod affine;
mod steps;

use desk_core::linear::{LinearModel, Link};

use crate::describe::Opened;
use crate::error::ImportError;
use crate::proto::{Graph, Node};
use crate::wire::Reader;
use affine::Affine;

/// Most steps that are followed, of all ways back together.
const MAX_STEPS: usize = 50_000;
/// Longest way back; a longer one is a network.
const MAX_DEPTH: usize = 64;
/// Most weights of a value: 128 MiB of float64.
const MAX_WEIGHTS: usize = 1 << 24;

/// Why an extraction ends early.
#[derive(Debug)]
enum Stop {
    /// A valid model of another kind.
    NotLinear,
    /// A model that is not valid.
    Invalid(ImportError),
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Self {
        Self::Invalid(error)
    }
}

type Understood<T> = Result<T, Stop>;

fn not_linear<T>() -> Understood<T> {
    Err(Stop::NotLinear)
}

/// A value between nodes.
#[derive(Debug, Clone)]
struct Value {
    /// Weighted sums of the features.
    sums: Affine,
    /// What has been made of them.
    link: Link,
}

/// The linear model behind an output whose inputs have `width` features in all.
pub(crate) fn examine(opened: &mut Opened, output: &str, width: usize) -> Result<Option<LinearModel>, ImportError> {
    let Opened { reader, graph, .. } = opened;
    let mut walk = Walk { reader, graph, width, left: MAX_STEPS, depth: 0 };
    match walk.value(output) {
        Ok(value) => Ok(value.sums.model(width, value.link)),
        Err(Stop::NotLinear) => Ok(None),
        Err(Stop::Invalid(error)) => Err(error),
    }
}

/// The way back from an output.
struct Walk<'g, 'r> {
    reader: &'g mut Reader<'r>,
    graph: &'g Graph,
    /// Features of all inputs.
    width: usize,
    /// Steps that may still be taken.
    left: usize,
    /// Steps from the output to here.
    depth: usize,
}

/// Numbers that stand in the file, with their shape.
struct Constant {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Walk<'_, '_> {
    /// A value by its name, as sums of features.
    fn value(&mut self, name: &str) -> Understood<Value> {
        self.left = self.left.checked_sub(1).ok_or(Stop::NotLinear)?;
        if let Some(sums) = self.input(name)? {
            return Ok(Value { sums, link: Link::Identity });
        }
        let graph = self.graph;
        let node = graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == name));
        let Some(node) = node.filter(|_| self.depth < MAX_DEPTH) else { return not_linear() };
        self.depth += 1;
        let found = self.step(node, name);
        self.depth -= 1;
        found
    }

    /// The features of a graph input, in the order of the inputs.
    fn input(&mut self, name: &str) -> Understood<Option<Affine>> {
        let given = |known: &str| self.graph.initializers.iter().any(|tensor| tensor.name == known);
        let inputs: Vec<_> = self.graph.inputs.iter().filter(|info| !given(&info.name)).collect();
        let Some(at) = inputs.iter().position(|info| info.name == name) else { return Ok(None) };
        let alone = inputs.len() == 1;
        let width = |at: usize| match affine::width(inputs[at])? {
            None if alone => Ok(self.width),
            None => not_linear(),
            Some(width) => Ok(width),
        };
        let before = (0..at).map(width).sum::<Understood<usize>>()?;
        let (own, table) = (width(at)?, affine::is_table(inputs[at]));
        if before + own > self.width {
            return not_linear();
        }
        Ok(Some(Affine::features(before..before + own, table)))
    }

    /// Whether a name stands for numbers in the file.
    fn is_constant(&self, name: &str) -> bool {
        let makes = |node: &Node| node.op == "Constant" && node.outputs.iter().any(|output| output == name);
        self.graph.initializers.iter().any(|tensor| tensor.name == name) || self.graph.nodes.iter().any(makes)
    }

    /// An initialiser or a `Constant` node. Asked for last, as the weights of a network need not be read.
    fn constant(&mut self, name: &str) -> Understood<Option<Constant>> {
        let graph = self.graph;
        let initializer = graph.initializers.iter().find(|tensor| tensor.name == name);
        let maker = graph.nodes.iter().find(|node| node.op == "Constant" && node.outputs.iter().any(|o| o == name));
        let attribute = maker.and_then(|node| node.attributes.first());
        if let Some(tensor) = initializer.or_else(|| attribute.and_then(|a| a.tensor.as_deref())) {
            let values = crate::values::tensor(self.reader, tensor, MAX_WEIGHTS as u64)?;
            let shape = tensor.dims.iter().map(|dim| usize::try_from(*dim).unwrap_or(0)).collect();
            return Ok(values.map(|values| Constant { shape, values }));
        }
        Ok(attribute.and_then(|a| a.float).map(|value| Constant { shape: Vec::new(), values: vec![f64::from(value)] }))
    }
}
