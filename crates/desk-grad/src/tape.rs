//! What is built: the forward nodes, and behind them the nodes that rules emit.

use std::collections::{HashMap, HashSet};

use crate::attributes::{int, ints, tensor};
use crate::constants::{Constants, float_tensor, int_tensor};
use crate::proto::{Attribute, Node, Tensor, element};
use crate::shapes::{Dim, Shapes};
use crate::through::Through;
use crate::twin::Twins;

/// The graph under construction, with the gradients that were given so far.
pub(crate) struct Tape<'a> {
    pub constants: &'a Constants<'a>,
    pub shapes: &'a Shapes,
    /// By which rule it is passed back.
    pub through: Through,
    /// Rectifiers at which guided backpropagation was another than the gradient.
    pub rectifiers: usize,
    /// Values that change smoothly with an input.
    active: &'a [String],
    twins: Option<&'a Twins>,
    before_bias: HashSet<String>,
    prefix: String,
    nodes: Vec<Node>,
    initializers: Vec<Tensor>,
    made: usize,
    /// Constants by their content.
    written: HashMap<Vec<u8>, String>,
    sizes: HashMap<String, String>,
    gradients: HashMap<String, Vec<String>>,
    /// Outputs that rules want of forward nodes beside those that they have.
    pub wanted: Vec<Extra>,
}

/// A further output of a forward node.
pub(crate) struct Extra {
    /// The node's first output.
    pub of: String,
    pub place: usize,
    pub name: String,
}

/// What rules emitted.
pub(crate) struct Emitted {
    pub nodes: Vec<Node>,
    pub initializers: Vec<Tensor>,
    pub wanted: Vec<Extra>,
}

impl<'a> Tape<'a> {
    /// `active` must be sorted; `prefix` begins no name of the model.
    pub fn new(constants: &'a Constants<'a>, shapes: &'a Shapes, active: &'a [String], prefix: String) -> Self {
        Self {
            constants,
            shapes,
            through: Through::Gradient,
            rectifiers: 0,
            active,
            twins: None,
            before_bias: HashSet::new(),
            prefix,
            nodes: Vec::new(),
            initializers: Vec::new(),
            made: 0,
            written: HashMap::new(),
            sizes: HashMap::new(),
            gradients: HashMap::new(),
            wanted: Vec::new(),
        }
    }

    /// The same by another rule than the gradient: with the reference's half of the graph where the rule needs one, and
    /// the values that only wait for a bias.
    pub fn by(self, through: Through, twins: Option<&'a Twins>, before_bias: HashSet<String>) -> Self {
        Self { through, twins, before_bias, ..self }
    }

    /// The value on the reference row; `None` where the rule has none or the inputs do not change the value.
    pub fn reference(&self, value: &str) -> Option<String> {
        self.twins?.name(value)
    }

    /// A value half way between the row's and the reference's; the value itself without a reference.
    pub fn middle(&mut self, value: &str) -> String {
        let Some(reference) = self.reference(value) else { return value.to_owned() };
        let (sum, half) = (self.op("Add", &[value, &reference]), self.float(value, 0.5));
        self.op("Mul", &[&sum, &half])
    }

    /// True for what a layer gives before its bias is added.
    pub fn is_before_bias(&self, value: &str) -> bool {
        self.before_bias.contains(value)
    }

    /// Takes back what was given last to a value.
    pub fn take_last(&mut self, value: &str) -> Option<String> {
        let parts = self.gradients.get_mut(value)?;
        let last = parts.pop();
        if parts.is_empty() {
            self.gradients.remove(value);
        }
        last
    }

    /// The nodes and constants that were emitted.
    pub fn into_emitted(self) -> Emitted {
        Emitted { nodes: self.nodes, initializers: self.initializers, wanted: self.wanted }
    }

    /// A name that nothing else has.
    pub fn name(&mut self) -> String {
        self.made += 1;
        format!("{}{}", self.prefix, self.made)
    }

    /// True when a gradient with respect to the value is wanted.
    pub fn is_active(&self, value: &str) -> bool {
        self.active.binary_search_by(|name| name.as_str().cmp(value)).is_ok()
    }

    /// Emits a node with one output and gives that.
    pub fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        self.op_with(op, inputs, Vec::new())
    }

    /// As [`Tape::op`], with attributes.
    pub fn op_with(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = self.name();
        self.emit(op, inputs, vec![output.clone()], attributes);
        output
    }

    /// Emits a node.
    pub fn emit(&mut self, op: &str, inputs: &[&str], outputs: Vec<String>, attributes: Vec<Attribute>) {
        let inputs = inputs.iter().map(|input| (*input).to_owned()).collect();
        self.nodes.push(Node { operator: Some(op.to_owned()), inputs, outputs, attributes, ..Node::default() });
    }

    /// A list of whole numbers.
    pub fn ints(&mut self, values: &[i64]) -> String {
        self.constant(|name| int_tensor(name, &[values.len() as i64], values))
    }

    /// One whole number without dimensions.
    pub fn int(&mut self, value: i64) -> String {
        self.constant(|name| int_tensor(name, &[], &[value]))
    }

    /// One number without dimensions, of a value's type.
    pub fn float(&mut self, like: &str, value: f64) -> String {
        let kind = self.element(like);
        self.constant(|name| float_tensor(name, kind, &[], &[value]))
    }

    /// A tensor of one number throughout, of a value's type.
    pub fn filled(&mut self, like: &str, dims: &[i64], value: f64) -> String {
        let kind = self.element(like);
        let count = dims.iter().product::<i64>().max(0) as usize;
        self.constant(|name| float_tensor(name, kind, dims, &vec![value; count]))
    }

    /// A list of numbers, of a value's type.
    pub fn floats(&mut self, like: &str, values: &[f64]) -> String {
        let kind = self.element(like);
        self.constant(|name| float_tensor(name, kind, &[values.len() as i64], values))
    }

    /// The element type of a value that rules meet.
    pub fn element(&self, value: &str) -> i32 {
        self.shapes.element(value).unwrap_or(element::FLOAT)
    }

    /// Writes a constant once.
    fn constant(&mut self, make: impl Fn(&str) -> Tensor) -> String {
        let unnamed = prost::Message::encode_to_vec(&make(""));
        if let Some(name) = self.written.get(&unnamed) {
            return name.clone();
        }
        let name = self.name();
        self.initializers.push(make(&name));
        self.written.insert(unnamed, name.clone());
        name
    }

    /// The dimensions of a value as a list of whole numbers: a constant where they are known.
    pub fn shape(&mut self, value: &str) -> String {
        if let Some(sizes) = self.shapes.sizes(value) {
            return self.ints(&sizes);
        }
        if let Some(known) = self.sizes.get(value) {
            return known.clone();
        }
        let shape = self.op("Shape", &[value]);
        self.sizes.insert(value.to_owned(), shape.clone());
        shape
    }

    /// The dimensions from the third on.
    pub fn spatial_shape(&mut self, value: &str) -> String {
        if let Some(sizes) = self.shapes.sizes(value).filter(|sizes| sizes.len() >= 2) {
            return self.ints(&sizes[2..]);
        }
        self.op_with("Shape", &[value], vec![int("start", 2)])
    }

    /// The number of elements, without dimensions.
    pub fn size(&mut self, value: &str) -> String {
        self.op("Size", &[value])
    }

    /// Zeros, or another number, of a shape that is a value.
    pub fn constant_of_shape(&mut self, shape: &str, like: &str, value: f64) -> String {
        let kind = self.element(like);
        self.op_with("ConstantOfShape", &[shape], vec![tensor("value", float_tensor("", kind, &[1], &[value]))])
    }

    /// A gradient in the shape of the value that it belongs to.
    pub fn reshape_like(&mut self, gradient: &str, value: &str) -> String {
        let shape = self.shape(value);
        self.op_with("Reshape", &[gradient, &shape], vec![int("allowzero", 1)])
    }

    /// A whole number as a number of a value's type.
    pub fn as_type_of(&mut self, number: &str, like: &str) -> String {
        let to = i64::from(self.element(like));
        self.op_with("Cast", &[number], vec![int("to", to)])
    }

    /// The sum over axes, which stay as dimensions of 1.
    pub fn sum_over(&mut self, value: &str, axes: &[i64]) -> String {
        let axes = self.ints(axes);
        self.op_with("ReduceSum", &[value, &axes], vec![int("keepdims", 1)])
    }

    /// Adds to the gradient with respect to a value.
    pub fn give(&mut self, value: &str, gradient: String) {
        self.gradients.entry(value.to_owned()).or_default().push(gradient);
    }

    /// The whole gradient with respect to a value, summed over its uses; `None` when it has no influence.
    pub fn gradient(&mut self, value: &str) -> Option<String> {
        let parts = self.gradients.remove(value)?;
        let all = match parts.as_slice() {
            [one] => one.clone(),
            several => {
                let inputs: Vec<&str> = several.iter().map(String::as_str).collect();
                self.op("Sum", &inputs)
            }
        };
        self.gradients.insert(value.to_owned(), vec![all.clone()]);
        Some(all)
    }

    /// Gives a gradient that has the shape of `output` to `value`, which was laid over others to make it:
    /// summed over the dimensions along which the value was repeated.
    pub fn give_summed(&mut self, value: &str, gradient: String, output: &str) {
        let dims = self.shapes.dims(output).map(<[Dim]>::to_vec);
        self.give_from(value, gradient, dims.as_deref());
    }

    /// As [`Tape::give_summed`], of a gradient with these dimensions.
    pub fn give_from(&mut self, value: &str, gradient: String, dims: Option<&[Dim]>) {
        let summed = self.unbroadcast(gradient, value, dims);
        self.give(value, summed);
    }

    fn unbroadcast(&mut self, gradient: String, value: &str, dims: Option<&[Dim]>) -> String {
        let known = self.shapes.dims(value).zip(dims);
        if let Some(axes) = known.and_then(|(from, to)| repeated(from, to)) {
            if axes.is_empty() {
                return gradient;
            }
            let summed = self.sum_over(&gradient, &axes);
            let same_rank = self.shapes.rank(value) == dims.map(<[Dim]>::len);
            return if same_rank { summed } else { self.reshape_like(&summed, value) };
        }
        // The same worked out by the model: where the sizes differ once the shorter list has ones before it.
        let (to, from) = (self.op("Shape", &[&gradient]), self.shape(value));
        let (many, few) = (self.op("Shape", &[&to]), self.op("Shape", &[&from]));
        let missing = self.op("Sub", &[&many, &few]);
        let ones = self.op_with("ConstantOfShape", &[&missing], vec![tensor("value", int_tensor("", &[1], &[1]))]);
        let padded = self.op_with("Concat", &[&ones, &from], vec![int("axis", 0)]);
        let same = self.op("Equal", &[&padded, &to]);
        let differs = self.op("Not", &[&same]);
        let places = self.op("NonZero", &[&differs]);
        let minus_one = self.ints(&[-1]);
        let axes = self.op("Reshape", &[&places, &minus_one]);
        let attributes = vec![int("keepdims", 1), int("noop_with_empty_axes", 1)];
        let summed = self.op_with("ReduceSum", &[&gradient, &axes], attributes);
        self.op_with("Reshape", &[&summed, &from], vec![int("allowzero", 1)])
    }

    /// The positions of a value's elements, in its shape.
    pub fn positions(&mut self, value: &str) -> String {
        let (zero, one, size) = (self.int(0), self.int(1), self.size(value));
        let list = self.op("Range", &[&zero, &size, &one]);
        self.reshape_like(&list, value)
    }

    /// Zeros in the shape of `value`, with the gradient added at the positions given.
    pub fn scatter(&mut self, value: &str, gradient: &str, positions: &str) -> String {
        let size = self.size(value);
        let list = self.ints(&[1]);
        let size = self.op("Reshape", &[&size, &list]);
        let zeros = self.constant_of_shape(&size, value, 0.0);
        let flat = self.ints(&[-1]);
        let (at, updates) = (self.op("Reshape", &[positions, &flat]), self.op("Reshape", &[gradient, &flat]));
        let attributes = vec![int("axis", 0), crate::attributes::text("reduction", "add")];
        let filled = self.op_with("ScatterElements", &[&zeros, &at, &updates], attributes);
        self.reshape_like(&filled, value)
    }

    /// The axes from `first` to the last, as a value.
    pub fn axes_from(&mut self, first: i64, value: &str) -> String {
        if let Some(rank) = self.shapes.rank(value) {
            let axes: Vec<i64> = (first..rank as i64).collect();
            return self.ints(&axes);
        }
        let shape = self.shape(value);
        let (first, one, rank) = (self.int(first), self.int(1), self.size(&shape));
        self.op("Range", &[&first, &rank, &one])
    }

    /// A list with one number for each channel, in a shape that lies along the second of the value's dimensions.
    pub fn per_channel(&mut self, list: &str, value: &str) -> String {
        let shape = if let Some(rank) = self.shapes.rank(value) {
            let mut shape = vec![1; rank.max(2)];
            shape[1] = -1;
            self.ints(&shape)
        } else {
            let spatial = self.spatial_shape(value);
            let count = self.op("Shape", &[&spatial]);
            let attributes = vec![tensor("value", int_tensor("", &[1], &[1]))];
            let (ones, head) = (self.op_with("ConstantOfShape", &[&count], attributes), self.ints(&[1, -1]));
            self.op_with("Concat", &[&head, &ones], vec![int("axis", 0)])
        };
        self.op("Reshape", &[list, &shape])
    }

    /// A value with two of its dimensions swapped, or in another order.
    pub fn transpose(&mut self, value: &str, order: &[i64]) -> String {
        self.op_with("Transpose", &[value], vec![ints("perm", order)])
    }
}

/// Axes of `to` along which `from` is repeated; `None` where that is not known.
fn repeated(from: &[Dim], to: &[Dim]) -> Option<Vec<i64>> {
    let missing = to.len().checked_sub(from.len())?;
    let mut axes: Vec<i64> = (0..missing as i64).collect();
    for (i, (from, to)) in from.iter().zip(&to[missing..]).enumerate() {
        match (from, to) {
            (Dim::Known(1), Dim::Known(1)) => {}
            (Dim::Known(1), _) => axes.push((missing + i) as i64),
            // More than one is never repeated.
            (Dim::Known(_), _) => {}
            (a, b) if a == b => {}
            _ => return None,
        }
    }
    Some(axes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_that_were_repeated() {
        use Dim::{Known, Same};
        assert_eq!(repeated(&[Known(3)], &[Same(1), Known(3)]), Some(vec![0]));
        assert_eq!(repeated(&[Same(1), Known(1)], &[Same(1), Known(3)]), Some(vec![1]));
        assert_eq!(repeated(&[Same(1)], &[Same(1)]), Some(vec![]));
        assert_eq!(repeated(&[Same(1)], &[Same(2)]), None);
        assert_eq!(repeated(&[Known(2), Known(2)], &[Known(2)]), None);
    }
}
