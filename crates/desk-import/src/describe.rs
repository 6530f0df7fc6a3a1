//! A model file in one neutral description.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use desk_core::words::quoted;
use desk_core::{
    Description, Dim, ElementType, Finding, ModelFormat, OperatorUse, Severity, Signature, ValueInfo, ValueType,
    counted,
};

use crate::check::{all_nodes, check, opset};
use crate::error::ImportError;
use crate::external;
use crate::family::family;
use crate::operators::known;
use crate::proto::{self, Graph, Model, Node};
use crate::wire::Reader;
use crate::{categories, random, values};

/// From this size on a model is said to be large.
const LARGE: u64 = 2 << 30;
/// Most class labels that are read.
const MAX_LABELS: u64 = 100_000;

/// A parsed and checked model with its file still open.
pub(crate) struct Opened {
    pub reader: Reader<'static>,
    pub model: Model,
    pub graph: Graph,
}

/// Opens, parses and checks a model file.
pub(crate) fn open(path: &Path) -> Result<(Opened, Vec<Finding>), ImportError> {
    let io = |source| ImportError::Io { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(ImportError::NotAModel { looks_like: Some("no regular file".to_owned()), path: path.into() });
    }
    let mut head = Vec::new();
    file.by_ref().take(512).read_to_end(&mut head).map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    if head.is_empty() {
        return Err(ImportError::Empty { path: path.into() });
    }
    if let Some(looks_like) = sniff(&head) {
        return Err(ImportError::NotAModel { looks_like: Some(looks_like.to_owned()), path: path.into() });
    }
    let mut reader = Reader::new(file, path)?;
    // Every writer puts the IR version first; without it bytes that cannot be read are no model.
    let plausible = head[0] == 0x08;
    let mut model = proto::model(&mut reader).map_err(|error| match error {
        ImportError::Truncated { .. } | ImportError::Damaged { .. } if !plausible => not_a_model(path),
        other => other,
    })?;
    let graph = model.graph.take().filter(|graph| !graph.outputs.is_empty() || !graph.nodes.is_empty());
    let graph = graph.ok_or_else(|| not_a_model(path))?;
    if graph.outputs.is_empty() {
        return Err(ImportError::Damaged { offset: 0, what: "the graph has no outputs".to_owned(), path: path.into() });
    }
    let findings = check(&model, &graph, path)?;
    Ok((Opened { reader, model, graph }, findings))
}

fn not_a_model(path: &Path) -> ImportError {
    ImportError::NotAModel { looks_like: None, path: path.into() }
}

/// What the first bytes say when they are not those of an ONNX model.
fn sniff(head: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a ZIP archive (PyTorch, Keras and NumPy files are such archives)"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ", "an xz archive"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
        (b"\x89HDF", "an HDF5 file (Keras)"),
        (b"\x80\x02", "a Python pickle"),
        (b"\x80\x03", "a Python pickle"),
        (b"\x80\x04", "a Python pickle"),
        (b"\x80\x05", "a Python pickle"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x89PNG", "a PNG picture"),
        (b"PAR1", "a Parquet file"),
        (b"GGUF", "a GGUF model"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a program"),
        (b"%PDF", "a PDF document"),
        (b"version https://git-lfs", "a Git LFS pointer (run `git lfs pull` to get the file itself)"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
    }
    match head.get(4..8) {
        Some(b"TFL3") => return Some("a TensorFlow Lite model"),
        Some(b"ORTM") => return Some("a model in ONNX Runtime's own format"),
        _ => {}
    }
    let text = head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e));
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        _ if !text => None,
        Some(b'{') => Some("a JSON file"),
        Some(b'[') if begins_json_list(head) => Some("a JSON file"),
        Some(b'[') => Some("a settings file (TOML or INI)"),
        Some(b'<') => Some("an HTML or XML page"),
        _ => Some("a text file"),
    }
}

/// After the bracket comes a value; a table's name in TOML begins with a letter and is none of JSON's words.
fn begins_json_list(head: &[u8]) -> bool {
    let inner: Vec<u8> = head.iter().copied().skip_while(|byte| byte.is_ascii_whitespace() || *byte == b'[').collect();
    let inner = inner.trim_ascii_start();
    let word = |word: &[u8]| {
        inner.strip_prefix(word).is_some_and(|rest| rest.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b','))
    };
    matches!(inner.first(), None | Some(b'{' | b'"' | b'-' | b'0'..=b'9' | b']'))
        || [&b"true"[..], b"false", b"null"].into_iter().any(word)
}

/// Describes a checked model; `path` is its file.
pub(crate) fn describe(path: &Path) -> Result<Description, ImportError> {
    let (Opened { mut reader, model, graph }, mut findings) = open(path)?;
    let external = external::files(&model, &graph, path)?;
    let nodes = all_nodes(&model, &graph);
    let signature = signature(&graph);
    more_findings(&model, &signature, &mut findings);
    // Without an operator set the newest is meant.
    let declared = opset(&model, "").unwrap_or(i64::MAX);
    findings.extend(random::finding(&mut reader, &graph, &nodes, declared)?);
    let external_files: Vec<String> = external.keys().cloned().collect();
    if !external_files.is_empty() {
        let message = format!("Its weights lie in other files: {}", external_files.join(", "));
        findings.push(finding(Severity::Info, "external-data", message));
    }
    let sizes = external.values().filter_map(|file| file.metadata().ok()).map(|meta| meta.len());
    if sizes.sum::<u64>() + reader.whole().end > LARGE {
        findings.push(finding(Severity::Info, "large", "It is larger than 2 GB".to_owned()));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(Description {
        format: ModelFormat::Onnx,
        ir_version: model.ir_version,
        opsets: opsets(&model),
        producer: format!("{} {}", model.producer_name, model.producer_version).trim().to_owned(),
        graph_name: graph.name.clone(),
        doc: model.doc.clone(),
        metadata: model.metadata.clone(),
        operators: operators(&nodes),
        node_count: nodes.len() as u64,
        parameter_count: parameters(&mut reader, &graph, &nodes)?,
        labels: labels(&mut reader, &graph)?,
        categories: categories::known(&mut reader, &graph)?,
        family: family(&graph, &nodes),
        signature,
        external_files,
        findings,
    })
}

fn finding(severity: Severity, code: &str, message: String) -> Finding {
    Finding { severity, code: code.to_owned(), message }
}

/// One entry for each operator set; the highest version where a file has several.
fn opsets(model: &Model) -> Vec<(String, i64)> {
    let mut found: Vec<(String, i64)> = Vec::new();
    for (domain, _) in &model.opsets {
        if !found.iter().any(|(known, _)| known == domain) {
            found.push((domain.clone(), opset(model, domain).unwrap_or_default()));
        }
    }
    found
}

/// Inputs that must be given, and outputs. An initialiser with an input's name is its default.
fn signature(graph: &Graph) -> Signature {
    let has_default = |info: &&ValueInfo| graph.initializers.iter().any(|tensor| tensor.name == info.name);
    Signature {
        inputs: graph.inputs.iter().filter(|info| !has_default(info)).cloned().collect(),
        outputs: graph.outputs.clone(),
    }
}

fn operators(nodes: &[&Node]) -> Vec<OperatorUse> {
    let mut counts: HashMap<(&str, &str), u64> = HashMap::new();
    for node in nodes {
        *counts.entry((&node.domain, &node.op)).or_default() += 1;
    }
    let mut uses: Vec<OperatorUse> = counts
        .into_iter()
        .map(|((domain, name), count)| OperatorUse { domain: domain.to_owned(), name: name.to_owned(), count })
        .collect();
    uses.sort_by(|a, b| (b.count, &a.domain, &a.name).cmp(&(a.count, &b.domain, &b.name)));
    uses
}

/// Elements of the initialisers, and what estimators keep in attributes: leaf weights and
/// thresholds of trees, coefficients and intercepts, support vectors.
fn parameters(r: &mut Reader<'_>, graph: &Graph, nodes: &[&Node]) -> Result<u64, ImportError> {
    let mut count = 0u64;
    let inner = nodes.iter().flat_map(|node| &node.attributes).flat_map(|a| &a.graphs).flat_map(|g| &g.initializers);
    for tensor in graph.initializers.iter().chain(inner) {
        count = count.saturating_add(tensor.elements().unwrap_or(0));
    }
    for node in nodes.iter().filter(|node| node.domain == "ai.onnx.ml") {
        let floats = |name: &str| {
            let tensor = node.attribute(&format!("{name}_as_tensor")).and_then(|a| a.tensor.as_ref()?.elements());
            node.attribute(name).map_or(0, |a| a.floats + a.tensor.as_ref().and_then(|t| t.elements()).unwrap_or(0))
                + tensor.unwrap_or(0)
        };
        let names = [
            "class_weights",
            "target_weights",
            "leaf_weights",
            "nodes_splits",
            "coefficients",
            "intercepts",
            "support_vectors",
        ];
        count = count.saturating_add(names.iter().map(|name| floats(name)).sum());
        if let Some(modes) = node.attribute("nodes_modes").filter(|a| a.strings > 0) {
            let splits = values::strings(r, modes, |mode| mode != "LEAF")?;
            count = count.saturating_add(splits.iter().filter(|split| **split).count() as u64);
        }
    }
    Ok(count)
}

/// Class labels: those of a ZipMap, else of the last classifier.
fn labels(r: &mut Reader<'_>, graph: &Graph) -> Result<Option<Vec<String>>, ImportError> {
    let in_ml = || graph.nodes.iter().rev().filter(|node| node.domain == "ai.onnx.ml");
    let zipmap = in_ml().filter(|node| node.op == "ZipMap");
    let classifier = in_ml().filter(|node| node.op.ends_with("Classifier"));
    for node in zipmap.chain(classifier) {
        if let Some(labels) = node_labels(r, node)? {
            return Ok(Some(labels));
        }
    }
    Ok(None)
}

/// The class labels that a ZipMap or a classifier names.
pub(crate) fn node_labels(r: &mut Reader<'_>, node: &Node) -> Result<Option<Vec<String>>, ImportError> {
    for name in ["classlabels_strings", "classlabels_int64s", "classlabels_ints"] {
        let Some(attribute) = node.attribute(name) else { continue };
        if (1..=MAX_LABELS).contains(&attribute.strings) {
            return values::strings(r, attribute, str::to_owned).map(Some);
        }
        if (1..=MAX_LABELS).contains(&attribute.ints) {
            let labels = values::ints(r, attribute)?;
            return Ok(Some(labels.iter().map(i64::to_string).collect()));
        }
    }
    Ok(None)
}

fn more_findings(model: &Model, signature: &Signature, findings: &mut Vec<Finding>) {
    for (domain, version) in opsets(model) {
        if let Some(newest) = known().newest(&domain).filter(|newest| version > *newest) {
            let name = if domain.is_empty() { "ai.onnx" } else { &domain };
            let message = format!("Its operator set {name} {version} is newer than the newest known, {newest}");
            findings.push(finding(Severity::Warning, "newer-opset", message));
        }
    }
    if model.ir_version > known().ir {
        let message = format!("Its IR version {} is newer than the newest known, {}", model.ir_version, known().ir);
        findings.push(finding(Severity::Warning, "newer-ir", message));
    }
    if model.has_training {
        let message = "It carries training information, which is ignored".to_owned();
        findings.push(finding(Severity::Info, "training-info", message));
    }
    if signature.inputs.is_empty() {
        let message = "It has no inputs: it always answers the same".to_owned();
        findings.push(finding(Severity::Warning, "no-inputs", message));
    }
    for input in &signature.inputs {
        input_findings(input, findings);
    }
    for (what, info) in
        signature.inputs.iter().map(|info| ("input", info)).chain(signature.outputs.iter().map(|info| ("output", info)))
    {
        form_findings(what, info, findings);
    }
}

/// What neither ONNX Runtime nor people can work with: no name, no values, a name that is no word.
fn form_findings(what: &str, info: &ValueInfo, findings: &mut Vec<Finding>) {
    let name = quoted(&info.name);
    let mut add = |code, message| findings.push(finding(Severity::Warning, code, message));
    if info.name.is_empty() {
        add(
            "empty-name",
            format!("An {what} has no name, so that nothing can be matched to it; export the model again with a name"),
        );
    } else if name.len() != info.name.len() + 2 {
        let message = format!(
            "The name of the {what} {name} is long or holds characters that cannot be shown; it is shortened here, \
             and a plain one is easier to type with --map"
        );
        add("odd-name", message);
    }
    let dims = info.value_type.as_tensor().and_then(|(_, shape)| shape).unwrap_or_default();
    if dims.contains(&Dim::Fixed(0)) {
        let message = format!(
            "The {what} {name} has the shape {}, which holds no values; export the model again with that dimension \
             left open",
            info.value_type
        );
        add("empty-shape", message);
    }
}

fn input_findings(input: &ValueInfo, findings: &mut Vec<Finding>) {
    let name = quoted(&input.name);
    let mut add = |severity, code, message| findings.push(finding(severity, code, message));
    match &input.value_type {
        ValueType::Tensor {
            element: ElementType::Other | ElementType::Complex64 | ElementType::Complex128, ..
        } => {
            add(Severity::Warning, "input-type", format!("The element type of the input {name} is not supported"));
        }
        ValueType::Tensor { shape: None, .. } => {
            add(Severity::Info, "missing-shape", format!("The input {name} does not say its shape"));
        }
        ValueType::Tensor { shape: Some(dims), .. } => match dims.first() {
            // Told as a shape without values.
            Some(Dim::Fixed(0)) => {}
            Some(Dim::Fixed(rows)) => {
                let message = format!("The input {name} takes exactly {} at a time", counted(*rows, "row"));
                add(Severity::Warning, "fixed-batch", message);
            }
            Some(_) => {}
            None => add(Severity::Warning, "fixed-batch", format!("The input {name} is a single value")),
        },
        other => add(Severity::Warning, "input-type", format!("The input {name} is no tensor but {other}")),
    }
}
