//! What sort of model it is, from its operators.

use std::collections::{HashMap, HashSet};

use desk_core::ModelFamily;

use crate::proto::{Graph, Node};

/// Operators that are an estimator by themselves.
fn estimator(node: &Node) -> Option<ModelFamily> {
    if node.domain != "ai.onnx.ml" {
        return None;
    }
    Some(match node.op.as_str() {
        "TreeEnsemble" | "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => ModelFamily::TreeEnsemble,
        "LinearClassifier" | "LinearRegressor" => ModelFamily::Linear,
        "SVMClassifier" | "SVMRegressor" => match node.attribute("kernel_type").and_then(|a| a.text.as_deref()) {
            Some("LINEAR") | None => ModelFamily::Linear,
            Some(_) => ModelFamily::Other,
        },
        _ => return None,
    })
}

/// Operators that turn raw columns into features.
const PREPROCESSING: &[&str] = &[
    "ArrayFeatureExtractor",
    "Binarizer",
    "CastMap",
    "CategoryMapper",
    "DictVectorizer",
    "FeatureVectorizer",
    "Imputer",
    "LabelEncoder",
    "OneHotEncoder",
    "Scaler",
    "StringNormalizer",
    "StringSplit",
    "RegexFullMatch",
    "TfIdfVectorizer",
    "Tokenizer",
];

/// Operators that only networks have.
const NETWORK: &[&str] = &[
    "Attention",
    "AveragePool",
    "BatchNormalization",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "DeformConv",
    "Einsum",
    "Elu",
    "GRU",
    "Gelu",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "InstanceNormalization",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "LpPool",
    "MatMulInteger",
    "MaxPool",
    "Mish",
    "PRelu",
    "QLinearConv",
    "QLinearMatMul",
    "RMSNormalization",
    "RNN",
    "Relu",
    "RotaryEmbedding",
    "Selu",
    "Softplus",
    "Softsign",
    "Swish",
    "Tanh",
];

/// Operators that leave values as they are, or only join and rename columns.
const NEUTRAL: &[&str] = &["Cast", "CastLike", "Concat", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];

fn is_one_of(node: &Node, names: &[&str]) -> bool {
    names.contains(&node.op.as_str())
}

/// The family of a model whose nodes (all of them, graphs within included) are given.
pub(crate) fn family(graph: &Graph, all: &[&Node]) -> ModelFamily {
    let estimators: Vec<(&Node, ModelFamily)> =
        graph.nodes.iter().filter_map(|node| estimator(node).map(|family| (node, family))).collect();
    let network = all.iter().any(|node| is_one_of(node, NETWORK));
    let preprocessing = all.iter().any(|node| is_one_of(node, PREPROCESSING) && !is_label_lookup(graph, node));
    let products = all.iter().filter(|node| matches!(node.op.as_str(), "MatMul" | "Gemm")).count();

    if let Some((_, first)) = estimators.first() {
        let same = estimators.iter().all(|(_, family)| family == first);
        let bare = estimators.iter().all(|(node, _)| only_neutral_before(graph, node));
        return match (same && bare && !network, first) {
            (true, family) => *family,
            (false, _) => ModelFamily::Pipeline,
        };
    }
    match (network || products > 1, preprocessing, products) {
        (true, false, _) => ModelFamily::Network,
        (true, true, _) | (false, true, 1..) => ModelFamily::Pipeline,
        (false, false, 1) => ModelFamily::Linear,
        _ => ModelFamily::Other,
    }
}

/// An `ArrayFeatureExtractor` or `LabelEncoder` behind an `ArgMax` turns a class number into a label.
fn is_label_lookup(graph: &Graph, node: &Node) -> bool {
    let from_argmax = |name: &String| {
        let giver = graph.nodes.iter().find(|other| other.outputs.contains(name));
        giver.is_some_and(|giver| giver.op == "ArgMax")
    };
    matches!(node.op.as_str(), "ArrayFeatureExtractor" | "LabelEncoder") && node.inputs.iter().any(from_argmax)
}

/// True when nothing between the graph's inputs and the node changes values.
fn only_neutral_before(graph: &Graph, node: &Node) -> bool {
    let giver: HashMap<&str, &Node> =
        graph.nodes.iter().flat_map(|node| node.outputs.iter().map(move |name| (name.as_str(), node))).collect();
    let mut pending: Vec<&str> = node.inputs.iter().map(String::as_str).collect();
    let mut seen = HashSet::new();
    while let Some(name) = pending.pop() {
        let Some(before) = giver.get(name).filter(|_| seen.insert(name)) else { continue };
        if !is_one_of(before, NEUTRAL) {
            return false;
        }
        pending.extend(before.inputs.iter().map(String::as_str));
    }
    true
}
