//! Checks that a graph can be run at all: every value is given once and before it is needed, every
//! operator exists, every tensor holds what its shape says.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use desk_core::words::quoted;
use desk_core::{Finding, Severity};

use crate::error::ImportError;
use crate::operators::{is_runtime_domain, known};
use crate::proto::{Function, Graph, Model, Node, Tensor, element_bits};

/// Checks everything; returns what was noticed of the operators.
pub(crate) fn check(model: &Model, graph: &Graph, path: &Path) -> Result<Vec<Finding>, ImportError> {
    let free = check_graph(graph, path)?;
    if let Some((value, needed_by)) = free.first() {
        let needed_by = needed_by.map_or_else(|| "the model's output".to_owned(), Node::label);
        return Err(ImportError::Undefined { value: (*value).to_owned(), needed_by, path: path.into() });
    }
    for function in &model.functions {
        check_function(function, path)?;
    }
    check_calls(model, path)?;
    check_operators(model, graph, path)
}

/// A name that something inside a graph needs and the graph does not give, with the node that needs it.
type Free<'a> = (&'a str, Option<&'a Node>);

/// Checks one graph and those within; returns the names that the graph takes from outside.
fn check_graph<'a>(graph: &'a Graph, path: &Path) -> Result<Vec<Free<'a>>, ImportError> {
    let duplicate = |what, name: &str| Err(ImportError::Duplicate { what, name: name.to_owned(), path: path.into() });
    let mut given: HashSet<&str> = HashSet::new();
    for input in &graph.inputs {
        if !given.insert(&input.name) {
            return duplicate("inputs", &input.name);
        }
    }
    let mut initialized: HashSet<&str> = HashSet::new();
    for tensor in &graph.initializers {
        check_tensor(tensor, path)?;
        if !initialized.insert(&tensor.name) {
            return duplicate("initialisers", &tensor.name);
        }
        // An initialiser with an input's name is its default.
        given.insert(&tensor.name);
    }
    let outputs = graph.outputs.iter().map(|output| output.name.as_str());
    check_nodes(&graph.nodes, &given, outputs, path)
}

/// A function is a graph whose inputs are all that it may use.
fn check_function(function: &Function, path: &Path) -> Result<(), ImportError> {
    let given = function.inputs.iter().map(String::as_str).collect();
    let outputs = function.outputs.iter().map(String::as_str);
    let free = check_nodes(&function.nodes, &given, outputs, path)?;
    match free.first() {
        None => Ok(()),
        Some((value, _)) => Err(ImportError::Undefined {
            value: (*value).to_owned(),
            needed_by: format!("the function {}", quoted(&function.name)),
            path: path.into(),
        }),
    }
}

fn check_nodes<'a>(
    nodes: &'a [Node],
    given: &HashSet<&'a str>,
    outputs: impl Iterator<Item = &'a str>,
    path: &Path,
) -> Result<Vec<Free<'a>>, ImportError> {
    let mut giver: HashMap<&str, usize> = HashMap::new();
    for (i, node) in nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|name| !name.is_empty()) {
            if given.contains(output.as_str()) || giver.insert(output, i).is_some() {
                return Err(ImportError::Duplicate { what: "values", name: output.clone(), path: path.into() });
            }
        }
    }
    let mut free: Vec<Free<'a>> = Vec::new();
    let mut needs: Vec<Vec<usize>> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut used: Vec<Free<'a>> =
            node.inputs.iter().filter(|name| !name.is_empty()).map(|name| (name.as_str(), Some(node))).collect();
        for attribute in &node.attributes {
            if let Some(tensor) = &attribute.tensor {
                check_tensor(tensor, path)?;
            }
            for graph in &attribute.graphs {
                let inner = check_graph(graph, path)?;
                used.extend(inner.into_iter().map(|(name, by)| (name, by.or(Some(node)))));
            }
        }
        let mut from = Vec::new();
        for (name, by) in used {
            match giver.get(name) {
                Some(i) => from.push(*i),
                None if given.contains(name) => {}
                None => free.push((name, by)),
            }
        }
        needs.push(from);
    }
    check_order(nodes, &needs, path)?;
    free.extend(outputs.filter(|name| !given.contains(name) && !giver.contains_key(name)).map(|name| (name, None)));
    Ok(free)
}

/// Kahn's algorithm: a graph without cycles can be put in order. Files need not be in order.
fn check_order(nodes: &[Node], needs: &[Vec<usize>], path: &Path) -> Result<(), ImportError> {
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (i, from) in needs.iter().enumerate() {
        for j in from {
            users[*j].push(i);
        }
    }
    let mut ready: Vec<usize> = (0..nodes.len()).filter(|i| waiting[*i] == 0).collect();
    let mut done = 0;
    while let Some(i) = ready.pop() {
        done += 1;
        for user in &users[i] {
            waiting[*user] -= 1;
            if waiting[*user] == 0 {
                ready.push(*user);
            }
        }
    }
    if done == nodes.len() {
        return Ok(());
    }
    // Whoever still waits needs somebody who still waits: following that must come back to itself.
    let start = waiting.iter().position(|n| *n > 0).unwrap_or(0);
    let (mut seen, mut walk, mut at) = (HashSet::new(), Vec::new(), start);
    while seen.insert(at) {
        walk.push(at);
        at = needs[at].iter().copied().find(|i| waiting[*i] > 0).unwrap_or(at);
    }
    let cycle = walk.iter().skip_while(|i| **i != at).take(5).map(|i| nodes[*i].label()).collect();
    Err(ImportError::Cyclic { nodes: cycle, path: path.into() })
}

fn check_tensor(tensor: &Tensor, path: &Path) -> Result<(), ImportError> {
    let bad = |why: String| Err(ImportError::BadTensor { tensor: tensor.name.clone(), why, path: path.into() });
    let Some(elements) = tensor.elements() else {
        return bad(format!("its shape is {:?}", tensor.dims));
    };
    if !(1..=28).contains(&tensor.data_type) {
        return bad(format!("its element type is {}", tensor.data_type));
    }
    if tensor.external.is_some() {
        return Ok(());
    }
    let bits = element_bits(tensor.data_type);
    if let Some(raw) = tensor.raw {
        let expected = bits.and_then(|bits| elements.checked_mul(bits)).map(|bits| bits.div_ceil(8));
        return match expected {
            // How six-bit numbers are packed is not settled.
            _ if matches!(tensor.data_type, 27 | 28) => Ok(()),
            Some(expected) if expected == raw.len() => Ok(()),
            Some(expected) => bad(format!("its shape needs {expected} bytes and it has {}", raw.len())),
            None => bad("strings cannot be raw bytes".to_owned()),
        };
    }
    let expected = match bits {
        Some(2 | 4 | 6) => return Ok(()),
        _ if matches!(tensor.data_type, 14 | 15) => elements.saturating_mul(2),
        _ => elements,
    };
    if tensor.listed == expected {
        Ok(())
    } else {
        bad(format!("its shape needs {expected} elements and it has {}", tensor.listed))
    }
}

/// Every node of the model: main graph, graphs within, and functions.
pub(crate) fn all_nodes<'a>(model: &'a Model, graph: &'a Graph) -> Vec<&'a Node> {
    let mut found = Vec::new();
    let mut pending: Vec<&Node> = model.functions.iter().flat_map(|f| &f.nodes).chain(&graph.nodes).collect();
    while let Some(node) = pending.pop() {
        found.push(node);
        pending.extend(node.attributes.iter().flat_map(|a| &a.graphs).flat_map(|g| &g.nodes));
    }
    found
}

/// Functions that call each other in a circle would never end.
fn check_calls(model: &Model, path: &Path) -> Result<(), ImportError> {
    let place: HashMap<(&str, &str), usize> =
        model.functions.iter().enumerate().map(|(i, f)| ((f.domain.as_str(), f.name.as_str()), i)).collect();
    let mut calls: Vec<Vec<usize>> = Vec::new();
    let mut stand_ins = Vec::new();
    for function in &model.functions {
        let mut pending: Vec<&Node> = function.nodes.iter().collect();
        let mut callees = Vec::new();
        while let Some(node) = pending.pop() {
            callees.extend(place.get(&(node.domain.as_str(), node.op.as_str())));
            pending.extend(node.attributes.iter().flat_map(|a| &a.graphs).flat_map(|g| &g.nodes));
        }
        calls.push(callees);
        let node = Node { name: function.name.clone(), op: "function".to_owned(), ..Node::default() };
        stand_ins.push(node);
    }
    check_order(&stand_ins, &calls, path)
}

fn check_operators(model: &Model, graph: &Graph, path: &Path) -> Result<Vec<Finding>, ImportError> {
    let own: HashSet<(&str, &str)> = model.functions.iter().map(|f| (f.domain.as_str(), f.name.as_str())).collect();
    let mut from_runtime: Vec<String> = Vec::new();
    let mut too_new: Vec<String> = Vec::new();
    for node in all_nodes(model, graph) {
        let (domain, op) = (node.domain.as_str(), node.op.as_str());
        if own.contains(&(domain, op)) {
            continue;
        }
        if let Some(newest) = known().newest(domain) {
            // Functions declare operator sets of their own; those are left to the runtime.
            let declared = opset(model, domain).filter(|_| model.functions.is_empty());
            let why = match known().since(domain, op) {
                Some(since) if declared.is_some_and(|declared| declared < since) => {
                    format!("exists since opset {since} only (the model declares {})", declared.unwrap_or_default())
                }
                Some(_) => continue,
                None if declared.is_some_and(|declared| declared > newest) => {
                    too_new.push(op.to_owned());
                    continue;
                }
                None => "ONNX does not define".to_owned(),
            };
            let operator = if domain.is_empty() { quoted(op) } else { format!("{} of {domain}", quoted(op)) };
            return Err(ImportError::UnknownOperator { operator, node: node.label(), why, path: path.into() });
        }
        if !is_runtime_domain(domain) {
            let (domain, operator) = (domain.to_owned(), op.to_owned());
            return Err(ImportError::UnknownDomain { domain, operator, node: node.label(), path: path.into() });
        }
        from_runtime.push(format!("{domain}.{op}"));
    }
    Ok(operator_findings(from_runtime, too_new))
}

fn operator_findings(from_runtime: Vec<String>, too_new: Vec<String>) -> Vec<Finding> {
    let list = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        names.join(", ")
    };
    let mut findings = Vec::new();
    if !from_runtime.is_empty() {
        let message = format!("Uses operators of ONNX Runtime that ONNX does not define: {}", list(from_runtime));
        findings.push(Finding { severity: Severity::Warning, code: "custom-operator".to_owned(), message });
    }
    if !too_new.is_empty() {
        let message = format!("Uses operators that are newer than this Modeldesk: {}", list(too_new));
        findings.push(Finding { severity: Severity::Warning, code: "newer-operator".to_owned(), message });
    }
    findings
}

/// The version that the model declares for an operator set; of several entries the highest.
pub(crate) fn opset(model: &Model, domain: &str) -> Option<i64> {
    model.opsets.iter().filter(|(name, _)| name == domain).map(|(_, version)| *version).max()
}
