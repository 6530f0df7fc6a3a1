//! A parsed model as a graph to look at.

use desk_core::{GraphAttribute, GraphNode, GraphTensor, ModelGraph, ValueInfo, ValueType};

use crate::describe::Opened;
use crate::error::ImportError;
use crate::proto::{self, Attribute, Function, Graph, Node, Tensor, element_bits, element_type};
use crate::values;
use crate::wire::Reader;

/// Items of a list that are shown; trees keep millions in one attribute.
const SHOWN: usize = 32;
/// Characters of a text that are shown.
const SHOWN_TEXT: usize = 1_000;

type Parsed<T> = Result<T, ImportError>;

/// The main graph with all that is within it, and the functions.
pub(crate) fn graph(opened: &mut Opened) -> Parsed<ModelGraph> {
    let mut main = one(&mut opened.reader, &opened.graph)?;
    for body in &opened.model.functions {
        main.functions.push(function(&mut opened.reader, body)?);
    }
    Ok(main)
}

fn one(r: &mut Reader<'_>, graph: &Graph) -> Parsed<ModelGraph> {
    let mut values = Vec::with_capacity(graph.values.len());
    for span in &graph.values {
        r.seek(span.start);
        values.push(proto::value_info(r, *span)?);
    }
    Ok(ModelGraph {
        name: graph.name.clone(),
        inputs: graph.inputs.clone(),
        outputs: graph.outputs.clone(),
        values,
        nodes: graph.nodes.iter().map(|each| node(r, each)).collect::<Parsed<_>>()?,
        tensors: graph.initializers.iter().map(tensor).collect(),
        functions: Vec::new(),
    })
}

/// The types of what goes into a function depend on its caller.
fn function(r: &mut Reader<'_>, body: &Function) -> Parsed<ModelGraph> {
    let untyped = |name: &String| ValueInfo {
        name: name.clone(),
        value_type: ValueType::Unsupported { name: "any type".to_owned() },
    };
    Ok(ModelGraph {
        name: format!("{}.{}", if body.domain.is_empty() { "ai.onnx" } else { &body.domain }, body.name),
        inputs: body.inputs.iter().map(untyped).collect(),
        outputs: body.outputs.iter().map(untyped).collect(),
        nodes: body.nodes.iter().map(|each| node(r, each)).collect::<Parsed<_>>()?,
        ..ModelGraph::default()
    })
}

fn node(r: &mut Reader<'_>, node: &Node) -> Parsed<GraphNode> {
    let mut found = GraphNode {
        name: node.name.clone(),
        domain: node.domain.clone(),
        op: node.op.clone(),
        inputs: node.inputs.clone(),
        outputs: node.outputs.clone(),
        ..GraphNode::default()
    };
    for each in &node.attributes {
        if each.graphs.is_empty() {
            found.attributes.push(attribute(r, each)?);
        }
        for graph in &each.graphs {
            found.graphs.push((each.name.clone(), one(r, graph)?));
        }
    }
    Ok(found)
}

fn attribute(r: &mut Reader<'_>, attribute: &Attribute) -> Parsed<GraphAttribute> {
    let all = attribute.ints.max(attribute.floats).max(attribute.strings);
    let items: Option<Vec<String>> = match attribute {
        Attribute { ints: 1.., .. } => {
            Some(values::first_ints(r, attribute, SHOWN)?.iter().map(i64::to_string).collect())
        }
        Attribute { floats: 1.., .. } => {
            Some(values::first_floats(r, attribute, SHOWN)?.iter().map(f32::to_string).collect())
        }
        Attribute { strings: 1.., .. } => Some(values::first_strings(r, attribute, SHOWN, quoted)?),
        _ => None,
    };
    let name = attribute.name.clone();
    if let Some(items) = items {
        let more = all.saturating_sub(items.len() as u64);
        return Ok(GraphAttribute { name, value: format!("[{}]", items.join(", ")), more, tensor: None });
    }
    if let Some(of) = &attribute.tensor {
        return Ok(GraphAttribute { name, value: constant(r, of)?, more: 0, tensor: Some(tensor(of)) });
    }
    let value = match attribute {
        Attribute { text: Some(text), .. } => quoted(text),
        Attribute { int: Some(int), .. } => int.to_string(),
        Attribute { float: Some(float), .. } => float.to_string(),
        // What is zero or empty may be left out of the file.
        Attribute { kind: 1 | 2, .. } => "0".to_owned(),
        Attribute { kind: 3, .. } => quoted(""),
        _ => "[]".to_owned(),
    };
    Ok(GraphAttribute { name, value, more: 0, tensor: None })
}

fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_TEXT).collect();
    let rest = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{cut}{rest}\"")
}

/// A tensor within an attribute: its values where they are few, else its type.
fn constant(r: &mut Reader<'_>, of: &Tensor) -> Parsed<String> {
    let shape: Vec<String> = of.dims.iter().map(i64::to_string).collect();
    let name = format!("{}[{}]", element_type(of.data_type), shape.join(", "));
    let Some(values) = values::tensor(r, of, SHOWN as u64)? else { return Ok(name) };
    let values: Vec<String> = values.iter().map(f64::to_string).collect();
    Ok(if of.dims.is_empty() { values.concat() } else { format!("{name} = [{}]", values.join(", ")) })
}

fn tensor(tensor: &Tensor) -> GraphTensor {
    let bits = element_bits(tensor.data_type).and_then(|bits| tensor.elements()?.checked_mul(bits));
    GraphTensor {
        name: tensor.name.clone(),
        element: element_type(tensor.data_type),
        dims: tensor.dims.clone(),
        bytes: bits.map(|bits| bits.div_ceil(8)),
        external: tensor.external.as_ref().map(|external| external.location.clone()),
    }
}
