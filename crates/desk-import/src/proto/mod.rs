//! The parts of an ONNX model that a description needs, read without the weights.
//!
//! Message and field numbers are those of onnx.proto (IR version 14).

mod types;

use desk_core::words::{escaped, quoted};
use desk_core::{ElementType, ValueInfo};

use crate::error::ImportError;
use crate::wire::{Reader, Span, Value};
pub(crate) use types::value_info;

/// Deepest nesting of graphs within attributes.
const MAX_GRAPH_DEPTH: u32 = 32;
/// Longest documentation or metadata text that is kept; the rest is cut.
const MAX_PROSE: u64 = 256 << 10;
/// Most metadata entries.
const MAX_METADATA: usize = 10_000;
/// Longest text attribute that is kept.
const MAX_ATTRIBUTE_TEXT: u64 = 4 << 10;

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub ir_version: i64,
    pub opsets: Vec<(String, i64)>,
    pub producer_name: String,
    pub producer_version: String,
    pub doc: String,
    pub metadata: Vec<(String, String)>,
    pub graph: Option<Graph>,
    pub functions: Vec<Function>,
    pub has_training: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub name: String,
    pub nodes: Vec<Node>,
    pub initializers: Vec<Tensor>,
    pub inputs: Vec<ValueInfo>,
    pub outputs: Vec<ValueInfo>,
    /// Types of values between nodes, to be read with [`value_info`] when they are wanted.
    pub values: Vec<Span>,
}

/// A function defined in the model: an operator with a body.
#[derive(Debug, Default)]
pub(crate) struct Function {
    pub domain: String,
    pub name: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub nodes: Vec<Node>,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    pub name: String,
    pub domain: String,
    pub op: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: Vec<Attribute>,
}

/// An attribute. Lists are counted here and read from `span` when they are wanted.
#[derive(Debug, Default)]
pub(crate) struct Attribute {
    pub name: String,
    /// `AttributeProto.AttributeType`; 0 where the file does not say.
    pub kind: i64,
    pub int: Option<i64>,
    pub float: Option<f32>,
    pub text: Option<String>,
    pub tensor: Option<Box<Tensor>>,
    pub graphs: Vec<Graph>,
    pub ints: u64,
    pub floats: u64,
    pub strings: u64,
    /// The whole message.
    pub span: Span,
}

/// A tensor without its elements.
#[derive(Debug, Default)]
pub(crate) struct Tensor {
    pub name: String,
    pub dims: Vec<i64>,
    pub data_type: i64,
    /// Elements in `float_data` and its like.
    pub listed: u64,
    pub raw: Option<Span>,
    /// Where its data lies when it is in another file.
    pub external: Option<External>,
    /// The whole message.
    pub span: Span,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct External {
    pub location: String,
    pub offset: Option<String>,
    pub length: Option<String>,
}

impl Node {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// `node x` or `the Conv that gives y`, for errors.
    pub fn label(&self) -> String {
        match (self.name.is_empty(), self.outputs.first()) {
            (false, _) => format!("node {} ({})", quoted(&self.name), escaped(&self.op)),
            (true, Some(output)) => format!("the {} node that gives {}", escaped(&self.op), quoted(output)),
            (true, None) => format!("a {} node", self.op),
        }
    }
}

impl Tensor {
    /// The number of elements; `None` when it is negative or beyond 2^63.
    pub fn elements(&self) -> Option<u64> {
        self.dims.iter().try_fold(1u64, |product, dim| product.checked_mul(u64::try_from(*dim).ok()?))
    }
}

/// The number of bits of an element and its type; `None` for strings and unknown types.
pub(crate) fn element_bits(data_type: i64) -> Option<u64> {
    Some(match data_type {
        2 | 3 | 9 | 17..=20 | 24 => 8,
        4 | 5 | 10 | 16 => 16,
        1 | 6 | 12 => 32,
        7 | 11 | 13 | 14 => 64,
        15 => 128,
        21..=23 => 4,
        25 | 26 => 2,
        27 | 28 => 6,
        _ => return None,
    })
}

/// `TensorProto.DataType` as an element type.
pub(crate) fn element_type(data_type: i64) -> ElementType {
    match data_type {
        1 => ElementType::Float32,
        2 => ElementType::Uint8,
        3 => ElementType::Int8,
        4 => ElementType::Uint16,
        5 => ElementType::Int16,
        6 => ElementType::Int32,
        7 => ElementType::Int64,
        8 => ElementType::String,
        9 => ElementType::Bool,
        10 => ElementType::Float16,
        11 => ElementType::Float64,
        12 => ElementType::Uint32,
        13 => ElementType::Uint64,
        14 => ElementType::Complex64,
        15 => ElementType::Complex128,
        16 => ElementType::Bfloat16,
        _ => ElementType::Other,
    }
}

type Parsed<T> = Result<T, ImportError>;

/// Reads a `ModelProto` that fills the file.
pub(crate) fn model(r: &mut Reader<'_>) -> Parsed<Model> {
    let mut model = Model::default();
    let end = r.whole().end;
    r.seek(0);
    while let Some((number, value)) = r.field(end)? {
        match number {
            1 => model.ir_version = r.int(value)?,
            2 => model.producer_name = r.prose(value, MAX_PROSE)?,
            3 => model.producer_version = r.prose(value, MAX_PROSE)?,
            6 => model.doc = r.prose(value, MAX_PROSE)?,
            7 => {
                let span = r.message(value)?;
                if model.graph.is_some() {
                    return Err(r.damaged("a second main graph"));
                }
                model.graph = Some(graph(r, span, 0)?);
            }
            8 => {
                let span = r.message(value)?;
                let opset = opset(r, span)?;
                model.opsets.push(opset);
            }
            14 => {
                let span = r.message(value)?;
                let entry = pair(r, span, MAX_PROSE)?;
                if model.metadata.len() >= MAX_METADATA {
                    return Err(r.excessive("metadata entries", MAX_METADATA as u64));
                }
                model.metadata.push(entry);
            }
            20 => {
                model.has_training = true;
                r.skip(value);
            }
            25 => {
                let span = r.message(value)?;
                model.functions.push(function(r, span)?);
            }
            _ => r.skip(value),
        }
    }
    Ok(model)
}

fn opset(r: &mut Reader<'_>, span: Span) -> Parsed<(String, i64)> {
    r.count_item()?;
    let (mut domain, mut version) = (String::new(), 0);
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 => domain = r.text(value)?,
            2 => version = r.int(value)?,
            _ => r.skip(value),
        }
    }
    Ok((plain_domain(domain), version))
}

/// `ai.onnx` and the empty text are one domain.
fn plain_domain(domain: String) -> String {
    if domain == "ai.onnx" { String::new() } else { domain }
}

fn pair(r: &mut Reader<'_>, span: Span, limit: u64) -> Parsed<(String, String)> {
    r.count_item()?;
    let (mut key, mut text) = (String::new(), String::new());
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 => key = r.prose(value, MAX_ATTRIBUTE_TEXT)?,
            2 => text = r.prose(value, limit)?,
            _ => r.skip(value),
        }
    }
    Ok((key, text))
}

fn graph(r: &mut Reader<'_>, span: Span, depth: u32) -> Parsed<Graph> {
    if depth > MAX_GRAPH_DEPTH {
        return Err(r.excessive("graphs within graphs", u64::from(MAX_GRAPH_DEPTH)));
    }
    r.count_item()?;
    let mut graph = Graph::default();
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 => {
                let span = r.message(value)?;
                graph.nodes.push(node(r, span, depth)?);
            }
            2 => graph.name = r.prose(value, MAX_ATTRIBUTE_TEXT)?,
            5 => {
                let span = r.message(value)?;
                graph.initializers.push(tensor(r, span)?);
            }
            11 | 12 => {
                let span = r.message(value)?;
                let info = value_info(r, span)?;
                if number == 11 { graph.inputs.push(info) } else { graph.outputs.push(info) }
            }
            13 => {
                r.count_item()?;
                graph.values.push(r.message(value)?);
                r.skip(value);
            }
            15 => {
                let span = r.message(value)?;
                graph.initializers.push(sparse_tensor(r, span)?);
            }
            _ => r.skip(value),
        }
    }
    Ok(graph)
}

fn function(r: &mut Reader<'_>, span: Span) -> Parsed<Function> {
    r.count_item()?;
    let mut function = Function::default();
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 => function.name = r.text(value)?,
            4 => function.inputs.push(r.text(value)?),
            5 => function.outputs.push(r.text(value)?),
            7 => {
                let span = r.message(value)?;
                function.nodes.push(node(r, span, 0)?);
            }
            10 => function.domain = plain_domain(r.text(value)?),
            _ => r.skip(value),
        }
    }
    Ok(function)
}

fn node(r: &mut Reader<'_>, span: Span, depth: u32) -> Parsed<Node> {
    r.count_item()?;
    let mut node = Node::default();
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 | 2 => {
                r.count_item()?;
                let name = r.text(value)?;
                if number == 1 { node.inputs.push(name) } else { node.outputs.push(name) }
            }
            3 => node.name = r.text(value)?,
            4 => node.op = r.text(value)?,
            5 => {
                let span = r.message(value)?;
                node.attributes.push(attribute(r, span, depth)?);
            }
            7 => node.domain = plain_domain(r.text(value)?),
            _ => r.skip(value),
        }
    }
    Ok(node)
}

fn attribute(r: &mut Reader<'_>, span: Span, depth: u32) -> Parsed<Attribute> {
    r.count_item()?;
    let mut attribute = Attribute { span, ..Attribute::default() };
    while let Some((number, value)) = r.field(span.end)? {
        match (number, value) {
            (1, _) => attribute.name = r.text(value)?,
            (2, Value::Fixed32(bits)) => attribute.float = Some(f32::from_bits(bits)),
            (3, _) => attribute.int = Some(r.int(value)?),
            (4, _) => attribute.text = Some(r.prose(value, MAX_ATTRIBUTE_TEXT)?),
            (5, _) => {
                let span = r.message(value)?;
                attribute.tensor = Some(Box::new(tensor(r, span)?));
            }
            (6 | 11, _) => {
                let span = r.message(value)?;
                attribute.graphs.push(graph(r, span, depth + 1)?);
            }
            (7, Value::Fixed32(_)) => attribute.floats += 1,
            (7, Value::Bytes(packed)) => {
                attribute.floats += packed.len() / 4;
                r.skip(value);
            }
            (8, Value::Varint(_)) => attribute.ints += 1,
            (8, Value::Bytes(packed)) => {
                attribute.ints += count_varints(r, packed)?;
            }
            (9, _) => {
                attribute.strings += 1;
                r.message(value)?;
                r.skip(value);
            }
            (20, _) => attribute.kind = r.int(value)?,
            _ => r.skip(value),
        }
    }
    Ok(attribute)
}

fn count_varints(r: &mut Reader<'_>, packed: Span) -> Parsed<u64> {
    let mut count = 0;
    while !r.at_end(packed.end) {
        r.varint(packed.end)?;
        count += 1;
    }
    Ok(count)
}

/// A sparse initialiser: named by its values, with its own shape.
fn sparse_tensor(r: &mut Reader<'_>, span: Span) -> Parsed<Tensor> {
    let mut values = Tensor::default();
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 => {
                let span = r.message(value)?;
                values = tensor(r, span)?;
            }
            _ => r.skip(value),
        }
    }
    Ok(values)
}

fn tensor(r: &mut Reader<'_>, span: Span) -> Parsed<Tensor> {
    r.count_item()?;
    let mut tensor = Tensor { span, ..Tensor::default() };
    let (mut external, mut is_external) = (External::default(), false);
    while let Some((number, value)) = r.field(span.end)? {
        match (number, value) {
            (1, Value::Bytes(packed)) => {
                while !r.at_end(packed.end) {
                    r.count_item()?;
                    tensor.dims.push(r.varint(packed.end)? as i64);
                }
            }
            (1, _) => {
                r.count_item()?;
                tensor.dims.push(r.int(value)?);
            }
            (2, _) => tensor.data_type = r.int(value)?,
            (4, Value::Bytes(packed)) => {
                tensor.listed += packed.len() / 4;
                r.skip(value);
            }
            (10, Value::Bytes(packed)) => {
                tensor.listed += packed.len() / 8;
                r.skip(value);
            }
            (5 | 7 | 11, Value::Bytes(packed)) => tensor.listed += count_varints(r, packed)?,
            (4 | 5 | 6 | 7 | 10 | 11, _) => {
                tensor.listed += 1;
                r.skip(value);
            }
            (8, _) => tensor.name = r.text(value)?,
            (9, Value::Bytes(raw)) => {
                tensor.raw = Some(raw);
                r.skip(value);
            }
            (13, _) => {
                let span = r.message(value)?;
                let (key, text) = pair(r, span, MAX_ATTRIBUTE_TEXT)?;
                match key.as_str() {
                    "location" => external.location = text,
                    "offset" => external.offset = Some(text),
                    "length" => external.length = Some(text),
                    _ => {}
                }
            }
            (14, _) => is_external = r.int(value)? == 1,
            _ => r.skip(value),
        }
    }
    tensor.external = is_external.then_some(external);
    Ok(tensor)
}
